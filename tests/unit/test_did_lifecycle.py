from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import town
from cityid import did, keys, registry
from cityid.did import publication, succession, update_keys
from cityid.did.methods.webvh import begun, first_entry, key_hash, next_entry, template
from cityid.did.resolution import ResolutionOptions
from cityid.errors import (
    Code,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PLACE = {"domain": "id.city.example", "path": "registry-office"}
SERVICE = {"id": "#desk", "type": "Desk", "serviceEndpoint": "https://city.example/desk"}


@pytest.fixture
def ledger():
    return registry.connect("memory:")


@pytest.fixture
def keyring():
    return keys.MemoryKeyring()


@pytest.fixture
def office(ledger, keyring):
    return did.create("webvh", **PLACE, registry=ledger, keyring=keyring, at=START)


def resolved(ledger, identity, **options):
    return did.resolver(ledger).resolve(str(identity.did), ResolutionOptions(**options))


def parameters(identity, index=-1):
    return json.loads(identity.log().splitlines()[index])["parameters"]


def committed(keyring, name):
    return key_hash(keyring.signer(name).public_key.multikey)


# --- created


def test_an_office_is_created_in_one_call(office, ledger, keyring):
    name = str(office.did)
    assert name.endswith(":id.city.example:registry-office")
    assert keyring.names() == (f"{name}#key-1", f"{name}#update-2")
    assert resolved(ledger, office).document == office.document
    assert office.signer("assertionMethod") == (f"{name}#key-1", keyring.signer(f"{name}#key-1"))
    assert parameters(office)["nextKeyHashes"] == [committed(keyring, f"{name}#update-2")]
    (key,) = parameters(office)["updateKeys"]
    assert key not in office.document.to_json()
    assert not office.pending
    assert [
        record.data.decode() for record in ledger.read(office.did.identifier.split(":")[0])
    ] == (office.log().splitlines())


def test_without_registry_and_keyring_the_identity_has_all():
    office = did.create("webvh", **PLACE, services=[SERVICE], key_type="P-256", at=START)
    again = did.load(office.did, log=office.log(), keyring=office.lifecycle.keyring, at=START)
    assert again.document == office.document
    assert again.signers == office.signers
    assert office.signer("authentication")[1].public_key.type == "P-256"
    assert office.document.services[0].id == f"{office.did}#desk"
    assert office.witness_proofs() == "[]"
    assert office.rotate(at=START + DAY).log().startswith(office.log())


def test_now_is_read_where_no_time_is_given(ledger):
    before = datetime.now(UTC).replace(microsecond=0)
    office = did.create("webvh", **PLACE, registry=ledger)
    first = office.lifecycle.history.last.time
    assert before <= first <= datetime.now(UTC)
    for _ in range(3):
        office = office.rotate()
    times = [entry.time for entry in office.lifecycle.history.entries]
    assert times == sorted(set(times))
    assert times[-1] <= first + timedelta(seconds=30)
    assert did.load(office.did, registry=ledger).document == office.document


def test_a_key_in_a_device_acts_and_is_never_stored(ledger, keyring):
    device = keys.generate("P-256")
    office = did.create("webvh", **PLACE, registry=ledger, keyring=keyring, signer=device, at=START)
    assert keyring.names() == (f"{office.did}#update-2",)
    assert office.signer("assertionMethod") == (f"{office.did}#key-1", device)
    loaded = did.load(office.did, registry=ledger, keyring=keyring)
    with pytest.raises(NotFoundError):
        loaded.signer("assertionMethod")
    again = did.load(office.did, registry=ledger, keyring=keyring, signers=[device])
    assert again.signer("assertionMethod") == (f"{office.did}#key-1", device)
    following = keys.generate("P-384")
    rotated = again.rotate(signer=following, at=START + DAY)
    assert rotated.signer("assertionMethod") == (f"{office.did}#key-2", following)
    assert rotated.signers == ((f"{office.did}#key-2", following),)
    assert keyring.names() == (f"{office.did}#update-2", f"{office.did}#update-3")
    third = keys.generate("P-384")
    recovered = rotated.recover(keyring, signer=third, at=START + 2 * DAY)
    assert recovered.signers == ((f"{office.did}#key-3", third),)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"domain": "127.0.0.1"},
        {"domain": "city.example", "path": "../b"},
        {"domain": "city.example", "port": 0},
        {"domain": "city.example", "services": [{"id": "#s"}]},
        {"domain": "city.example", "services": ["s"]},
        {"domain": "city.example", "ttl": -1},
        {"domain": "city.example", "watchers": ["nowhere"]},
        {"domain": "city.example", "witnesses": ["did:web:city.example"]},
        {"domain": "city.example", "threshold": 1},
        {"domain": "city.example", "witnesses": [str(town.alice().did)], "threshold": 2},
        {"domain": "city.example", "witnesses": [str(town.alice().did)] * 2},
        {"domain": "city.example", "witnesses": str(town.alice().did)},
        {"domain": "city.example", "watchers": 7},
        {"domain": "city.example", "at": START.replace(tzinfo=None)},
    ],
)
def test_options_that_make_no_did_are_refused_before_anything_is_written(ledger, keyring, options):
    with pytest.raises(InvalidInputError):
        did.create("webvh", registry=ledger, keyring=keyring, **{"at": START, **options})
    assert keyring.names() == ()
    assert list(ledger.scan()) == []


@pytest.mark.parametrize(
    "option",
    [
        {"registry": registry.connect("memory:")},
        {"keyring": keys.MemoryKeyring()},
        {"recovery": keys.MemoryKeyring()},
        {"portable": True},
        {"ttl": 60},
        {"watchers": []},
        {"witnesses": []},
    ],
)
@pytest.mark.parametrize("method", ["key", "jwk", "peer", "web"])
def test_what_only_a_log_has_is_refused_elsewhere(method, option):
    with pytest.raises(InvalidInputError) as caught:
        did.create(method, domain="city.example", **option)
    assert caught.value.code is Code.INVALID_OPTIONS


# --- rotated


def test_a_rotation_changes_both_keys_and_commits_to_the_next(office, ledger, keyring):
    rotated = office.rotate(at=START + DAY)
    name = str(office.did)
    assert rotated.did == office.did
    assert rotated.signers == ((f"{name}#key-2", keyring.signer(f"{name}#key-2")),)
    assert parameters(rotated) == {
        "updateKeys": [keyring.signer(f"{name}#update-2").public_key.multikey],
        "nextKeyHashes": [committed(keyring, f"{name}#update-3")],
    }
    assert resolved(ledger, office).document == rotated.document
    assert resolved(ledger, office, version_time="2026-03-14T10:00:00Z").document == office.document
    assert office.signers[0][0] == f"{name}#key-1"


def test_the_type_of_key_stays_or_is_chosen(ledger):
    office = did.create("webvh", **PLACE, registry=ledger, key_type="P-256", at=START)
    same = office.rotate(at=START + DAY)
    assert same.signer("assertionMethod")[1].public_key.type == "P-256"
    other = same.rotate(key_type="Ed25519", at=START + 2 * DAY)
    assert other.signer("assertionMethod")[1].public_key.type == "Ed25519"
    with pytest.raises(UnsupportedError):
        other.rotate(key_type="RSA", at=START + 3 * DAY)
    agreeing = did.create("webvh", **PLACE, key_type="X25519", at=START)
    assert agreeing.rotate(at=START + DAY).document.relationship("keyAgreement") == (
        f"{agreeing.did}#key-2",
    )


def test_a_document_without_keys_rotates_to_ed25519(office):
    history = office.lifecycle.history
    bare = _by_hand(office, {"verificationMethod": [], "assertionMethod": []})
    assert bare.signers == ()
    rotated = bare.rotate(at=START + 2 * DAY)
    assert rotated.signer("assertionMethod")[1].public_key.type == "Ed25519"
    assert history.last.number == 1


def _by_hand(identity, members):
    """Return the identity after an entry of somebody who wrote the document by hand."""
    life = identity.lifecycle
    authority = update_keys.ordinary(life.history, life.keyring)
    kept = {name: life.history.last.state[name] for name in ("@context", "id")}
    history, signer = life.history, authority.signer
    entry = next_entry(
        history, signer, at=START + DAY, state=kept | members, parameters=authority.parameters
    )
    log = identity.log() + entry.to_line()
    return did.load(identity.did, log=log, registry=life.registry, keyring=life.keyring)


def test_keys_that_cannot_be_read_act_for_nobody(office):
    key = {"id": "#rsa", "type": "Multikey", "controller": str(office.did)}
    rsa = key | {"publicKeyMultibase": "z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4"}
    odd = _by_hand(office, {"verificationMethod": [rsa], "assertionMethod": ["#gone", "#rsa"]})
    assert odd.signers == ()
    assert odd.rotate(at=START + 2 * DAY).signer("assertionMethod")[1].public_key.type == "Ed25519"


def test_a_document_with_a_method_that_nobody_controls_is_told_and_acts_for_nobody(office):
    stray = {"id": f"{office.did}#stray", "type": "Multikey"}
    odd = _by_hand(office, {"verificationMethod": [stray], "assertionMethod": [stray["id"]]})
    assert odd.signers == ()
    assert odd.log().count("\n") == 2
    assert odd.rotate(at=START + 2 * DAY).signers == ()


@pytest.mark.parametrize("at", [START, START - DAY, START + timedelta(milliseconds=900)])
def test_a_change_comes_after_the_last(office, at):
    with pytest.raises(InvalidInputError) as caught:
        office.rotate(at=at)
    assert caught.value.code is Code.INVALID_OPTIONS
    assert "2026-03-14T09:00:00Z" in str(caught.value)
    assert office.rotate(at=START + timedelta(seconds=1)).lifecycle.history.last.number == 2


def test_a_clock_that_ran_back_is_told(keyring):
    later = datetime.now(UTC) + DAY
    office = did.create("webvh", **PLACE, keyring=keyring, at=later)
    with pytest.raises(InvalidInputError, match="clock"):
        office.rotate()


def test_what_is_to_come_is_not_written_into_a_registry(office, ledger):
    """A slip in a year would leave the DID without a document until then: records stay."""
    later = datetime.now(UTC) + DAY
    for change in (office.rotate, office.deactivate, office.update):
        with pytest.raises(InvalidInputError, match="in the future") as caught:
            change(at=later)
        assert caught.value.code is Code.INVALID_OPTIONS
    with pytest.raises(InvalidInputError, match="in the future"):
        did.create("webvh", **PLACE, registry=ledger, at=later)
    assert resolved(ledger, office).document == office.document
    assert len(list(ledger.scan())) == 1
    assert resolved(ledger, office.rotate(at=START + DAY)).document != office.document
    did.create("webvh", **PLACE, at=later)  # what nobody keeps harms nobody


def test_who_has_no_update_key_issues_and_changes_nothing(office, ledger, keyring):
    desk = keys.MemoryKeyring()
    name = f"{office.did}#key-1"
    desk.add_all({"issuing": keyring.signer(name)})
    at_the_desk = did.load(office.did, registry=ledger, keyring=desk)
    assert at_the_desk.signer("assertionMethod") == (name, keyring.signer(name))
    for change in (
        at_the_desk.rotate,
        at_the_desk.deactivate,
        at_the_desk.update,
        lambda at: at_the_desk.recover(desk, at=at),
    ):
        with pytest.raises(NotFoundError, match="update key"):
            change(at=START + DAY)
    assert desk.names() == ("issuing",)
    assert did.load(office.did, registry=ledger).signers == ()


def test_keys_of_another_type_left_by_a_failed_try_are_told(office, keyring):
    keyring.obtain({f"{office.did}#key-2": "P-256"})
    with pytest.raises(InvalidInputError, match="P-256"):
        office.rotate(key_type="Ed25519", at=START + DAY)
    assert office.rotate(key_type="P-256", at=START + DAY).signers[0][0].endswith("#key-2")


# --- updated, moved, deactivated


def test_services_watchers_and_ttl_are_updated(office, ledger):
    watcher = "https://watcher.example/city"
    updated = office.update(services=[SERVICE], watchers=[watcher], ttl=60, at=START + DAY)
    assert updated.signers == office.signers
    assert updated.document.services[0].id == f"{office.did}#desk"
    told = resolved(ledger, office).document_metadata.to_dict()
    assert (told["watchers"], told["ttl"]) == ([watcher], "60")
    same = updated.update(at=START + 2 * DAY)
    assert same.document == updated.document
    assert same.update(services=[], at=START + 3 * DAY).document == office.document
    for wrong in ({"services": [7]}, {"services": [{"id": "#x"}]}, {"ttl": -1}, {"threshold": 1}):
        with pytest.raises(InvalidInputError):
            same.update(**wrong, at=START + 3 * DAY)


def test_a_retired_key_is_listed_no_more(office, ledger):
    rotated = office.rotate(at=START + DAY)
    for wrong in ([f"{office.did}#key-2"], f"{office.did}#key-1", 7):
        with pytest.raises(InvalidInputError):
            rotated.update(remove=wrong, at=START + 2 * DAY)
    less = rotated.update(remove=[f"{office.did}#key-1"], at=START + 2 * DAY)
    assert less.document.relationship("assertionMethod") == (f"{office.did}#key-2",)
    assert [m.id for m in less.document.verification_methods] == [f"{office.did}#key-2"]
    assert less.signers == rotated.signers
    assert less.rotate(at=START + 3 * DAY).signers[0][0] == f"{office.did}#key-4"
    before = resolved(ledger, office, version_time="2026-03-15T10:00:00Z").document
    assert before == rotated.document


def test_a_portable_did_moves_and_keeps_its_history(ledger, keyring):
    office = did.create("webvh", **PLACE, portable=True, registry=ledger, keyring=keyring, at=START)
    moved = office.move("new.example", path="office", port=8443, at=START + DAY)
    scid = office.did.identifier.partition(":")[0]
    assert str(moved.did) == f"did:webvh:{scid}:new.example%3A8443:office"
    assert moved.document.also_known_as == (str(office.did),)
    assert moved.signer("assertionMethod")[0] == f"{moved.did}#key-1"
    assert resolved(ledger, moved).document == moved.document
    rotated = did.load(moved.did, registry=ledger, keyring=keyring).rotate(at=START + 2 * DAY)
    assert rotated.signers[0][0] == f"{moved.did}#key-3"


@pytest.mark.parametrize(
    ("portable", "domain"), [(False, "new.example"), (True, "127.0.0.1"), (True, "a/b")]
)
def test_a_did_moves_only_if_it_may_and_there_is_a_place(keyring, portable, domain):
    office = did.create("webvh", **PLACE, portable=portable, keyring=keyring, at=START)
    before = keyring.names()
    with pytest.raises(InvalidInputError):
        office.move(domain, at=START + DAY)
    assert keyring.names() == before


def test_a_deactivated_did_is_over(office, ledger, keyring):
    rotated = office.rotate(at=START + DAY)
    held = keyring.names()
    gone = rotated.deactivate(at=START + 2 * DAY)
    assert keyring.names() == held
    assert gone.signers == ()
    assert gone.document.verification_methods == ()
    result = resolved(ledger, office)
    assert (result.document, result.document_metadata.deactivated) == (None, True)
    assert resolved(ledger, office, version_time="2026-03-14T10:00:00Z").document == office.document
    again = did.load(office.did, registry=ledger, keyring=keyring)
    for change in (gone.rotate, again.deactivate, again.update):
        with pytest.raises(InvalidInputError, match="deactivated"):
            change(at=START + 3 * DAY)
    with pytest.raises(InvalidInputError, match="deactivated"):
        again.recover(keyring, at=START + 3 * DAY)
    with pytest.raises(NotFoundError):
        gone.signer("assertionMethod")


@pytest.mark.parametrize("method", ["key", "jwk", "peer", "web"])
def test_a_did_without_history_can_only_be_used(method):
    identity = did.create(method, domain="city.example" if method == "web" else None)
    assert not identity.pending
    for change in (
        identity.log,
        identity.witness_proofs,
        identity.rotate,
        identity.deactivate,
        identity.update,
        identity.add_witness_proofs,
        lambda: identity.recover(keys.MemoryKeyring()),
        lambda: identity.move("city.example"),
        lambda: identity.publish(registry.connect("memory:")),
    ):
        with pytest.raises(UnsupportedError) as caught:
            change()
        assert caught.value.code is Code.FEATURE_NOT_SUPPORTED


# --- recovered


def test_the_recovery_key_takes_the_did_back_however_old_its_copy(ledger, keyring):
    vault = keys.MemoryKeyring()
    office = did.create(
        "webvh", **PLACE, registry=ledger, keyring=keyring, recovery=vault, at=START
    )
    reserve = committed(vault, f"{office.did}#recovery-1")
    rotated = office.rotate(at=START + DAY).rotate(at=START + 2 * DAY)
    assert parameters(rotated)["nextKeyHashes"][1:] == [reserve]
    fresh = keys.MemoryKeyring()
    stolen = START + 2 * DAY + timedelta(hours=3)
    recovered = did.load(office.did, registry=ledger, keyring=fresh).recover(
        vault, revoked_from=stolen, at=START + 3 * DAY
    )
    name = str(office.did)
    assert vault.names() == (f"{name}#recovery-1", f"{name}#recovery-4")
    assert fresh.names() == (f"{name}#key-4", f"{name}#update-5")
    assert parameters(recovered) == {
        "updateKeys": [vault.signer(f"{name}#recovery-1").public_key.multikey],
        "nextKeyHashes": [
            committed(fresh, f"{name}#update-5"),
            committed(vault, f"{name}#recovery-4"),
        ],
    }
    revoked = {m.id.partition("#")[2]: m.revoked for m in recovered.document.verification_methods}
    assert revoked == {"key-4": None, "key-3": stolen, "key-2": stolen, "key-1": stolen}
    assert recovered.signers[0][0] == f"{name}#key-4"
    thief = did.load(office.did, registry=ledger, keyring=keyring)
    assert thief.signers == ()
    with pytest.raises(NotFoundError):
        thief.rotate(at=START + 4 * DAY)
    twice = recovered.recover(vault, at=START + 4 * DAY)
    assert f"{name}#recovery-5" in vault.names()
    times = [method.revoked for method in twice.document.verification_methods]
    assert times == [None, START + 4 * DAY, stolen, stolen, stolen]


def test_a_copy_of_the_lost_keyring_recovers_and_the_recovery_key_stays(ledger):
    keyring, vault = keys.MemoryKeyring(), keys.MemoryKeyring()
    office = did.create(
        "webvh", **PLACE, registry=ledger, keyring=keyring, recovery=vault, at=START
    )
    fresh = keys.MemoryKeyring()
    loaded = did.load(office.did, registry=ledger, keyring=fresh)
    recovered = loaded.recover(keyring, key_type="P-256", at=START + DAY)
    assert recovered.signer("assertionMethod")[1].public_key.type == "P-256"
    assert parameters(recovered)["nextKeyHashes"] == [
        committed(fresh, f"{office.did}#update-3"),
        committed(vault, f"{office.did}#recovery-1"),
    ]
    assert vault.names() == (f"{office.did}#recovery-1",)


def test_keys_are_not_revoked_from_a_time_to_come(office, keyring):
    before = keyring.names()
    for wrong in (START + 2 * DAY, START.replace(tzinfo=None)):
        with pytest.raises(InvalidInputError) as caught:
            office.recover(keyring, revoked_from=wrong, at=START + DAY)
        assert caught.value.code is Code.INVALID_OPTIONS
    assert keyring.names() == before


# --- a log that others began


def test_a_log_without_pre_rotation_begins_it_with_the_next_change(ledger):
    own, acting = keys.generate(), keys.generate()
    state = succession.first(template("city.example"), acting.public_key)
    named = {"updateKeys": [own.public_key.multikey]}
    entry = first_entry(state, named, own, at=START)
    begun(entry, at=START)
    keyring = keys.MemoryKeyring()
    keyring.add_all({"theirs": own})
    identity = did.load(entry.state["id"], log=entry.to_line(), keyring=keyring, signers=[acting])
    assert identity.signers == ((f"{identity.did}#key-1", acting),)
    rotated = identity.rotate(at=START + DAY)
    name = str(identity.did)
    assert parameters(rotated) == {
        "updateKeys": [keyring.signer(f"{name}#update-2").public_key.multikey],
        "nextKeyHashes": [committed(keyring, f"{name}#update-3")],
    }
    gone = identity.deactivate(at=START + DAY)
    assert parameters(gone) == {"updateKeys": [], "deactivated": True}
    assert rotated.rotate(at=START + 2 * DAY).publish(ledger).log().count("\n") == 3


# --- published


def test_a_history_in_hand_is_published_once_and_followed(keyring):
    apart = did.create("webvh", **PLACE, keyring=keyring, at=START)
    longer = apart.rotate(at=START + DAY)
    other = registry.connect("memory:")
    assert apart.publish(other).publish(other).document == apart.document
    published = longer.publish(other)
    assert published.log() == longer.log()
    assert len(list(other.scan())) == 2
    assert published.rotate(at=START + 2 * DAY).log().count("\n") == 3
    with pytest.raises(ConflictError, match="after version 2"):
        longer.publish(other)
    with pytest.raises(ConflictError, match="after version 1"):
        apart.publish(other)


def test_of_two_writers_one_wins_and_the_other_hears_of_it(office, ledger, keyring):
    first = office.rotate(at=START + DAY)
    with pytest.raises(ConflictError) as caught:
        office.update(ttl=5, at=START + 2 * DAY)
    assert caught.value.code is Code.REGISTRY_CONFLICT
    assert caught.value.found == 2
    with pytest.raises(ConflictError):
        office.rotate(key_type=None, signer=keys.generate(), at=START + DAY)
    assert did.load(office.did, registry=ledger, keyring=keyring).document == first.document
    first.rotate(at=START + 3 * DAY)
    with pytest.raises(ConflictError):
        office.rotate(at=START + DAY)


def test_an_entry_that_is_none_of_ours_is_a_conflict(office, ledger):
    scid = office.lifecycle.history.scid
    ledger.append([registry.NewEntry(scid, 2, b"nonsense")])
    with pytest.raises(ConflictError):
        office.rotate(at=START + DAY)


def test_a_log_that_was_rolled_back_is_not_added_to(office, ledger, keyring):
    vault = keys.MemoryKeyring()
    name = str(office.did)
    scid = office.lifecycle.history.scid
    office.rotate(at=START + DAY).rotate(at=START + 2 * DAY)
    older = registry.connect("memory:")
    for record in ledger.read(scid, limit=1):
        older.append([registry.NewEntry(scid, record.version, record.data)])
    back = did.load(name, registry=older, keyring=keyring)
    for change in (back.rotate, back.deactivate, back.update):
        with pytest.raises(ConflictError, match="rolled back") as caught:
            change(at=START + 5 * DAY)
        assert caught.value.found == 3
    with pytest.raises(ConflictError, match="rolled back"):
        back.recover(keyring, at=START + 5 * DAY)
    assert len(list(older.scan())) == 1
    vault.obtain({name.replace(scid, "Qm" + "1" * 44) + "#update-9": "Ed25519", "own": "Ed25519"})
    vault.add_all({f"{name}#update-2": keyring.signer(f"{name}#update-2")})
    assert did.load(name, registry=older, keyring=vault).rotate(at=START + 5 * DAY)


def test_what_comes_next_is_asked_of_a_registry_alone(office, ledger):
    history = office.lifecycle.history
    assert publication.next_recorded(history, None) is None
    assert publication.next_recorded(history, ledger) is None
    rotated = office.rotate(at=START + DAY)
    found = publication.next_recorded(history, ledger)
    assert found.to_line() == rotated.lifecycle.history.last.to_line()


def test_a_registry_with_another_history_is_told(keyring, ledger):
    office = did.create("webvh", **PLACE, keyring=keyring, at=START)
    one, two = office.rotate(at=START + DAY), office.rotate(at=START + 2 * DAY)
    one.publish(ledger)
    with pytest.raises(ConflictError, match="version 2 is another"):
        two.publish(ledger)
    ahead = two.rotate(at=START + 3 * DAY)
    with pytest.raises(ConflictError, match="version 2 is another"):
        ahead.publish(ledger)
    assert len(list(ledger.scan())) == 2


# --- a crash at each step


class Faulty:
    """Does what another does, but stops before or after one deed."""

    def __init__(self, inner, deed, *, after):
        self._inner, self._deed, self._after = inner, deed, after

    def __getattr__(self, name):
        deed = getattr(self._inner, name)
        if name != self._deed:
            return deed

        def stop(*arguments, **named):
            if self._after:
                deed(*arguments, **named)
            raise RegistryError("the machine stopped")

        return stop


CHANGES = {
    "rotate": lambda identity, _, at: identity.rotate(at=at),
    "recover": lambda identity, vault, at: identity.recover(vault, at=at),
    "update": lambda identity, _, at: identity.update(ttl=5, at=at),
    "move": lambda identity, _, at: identity.move("new.example", at=at),
    "deactivate": lambda identity, _, at: identity.deactivate(at=at),
}


STEPS = [
    (change, step, when)
    for change in CHANGES
    for step in ("keyring", "vault", "registry")
    for when in ("before", "after")
    if (step != "vault" or change == "recover") and (step != "keyring" or change != "deactivate")
]
"""Where a change can stop: deactivating makes no keys, and recovering alone touches the vault."""


@pytest.mark.parametrize("dead", [False, True])
@pytest.mark.parametrize("stop", STEPS, ids="-".join)
def test_whoever_died_in_a_change_asks_again(ledger, keyring, stop, dead):
    change, step, after = stop[0], stop[1], stop[2] == "after"
    vault = keys.MemoryKeyring()
    office = did.create(
        "webvh", **PLACE, portable=True, registry=ledger, keyring=keyring, recovery=vault, at=START
    )
    ring = Faulty(keyring, "obtain", after=after) if step == "keyring" else keyring
    store = Faulty(vault, "obtain", after=after) if step == "vault" else vault
    log = Faulty(ledger, "append", after=after) if step == "registry" else ledger
    dying = did.load(office.did, registry=log, keyring=ring)
    with pytest.raises(RegistryError, match="stopped"):
        CHANGES[change](dying, store, START + DAY)
    written = step == "registry" and after
    again = did.load(office.did, registry=ledger, keyring=keyring) if dead else office
    assert again.lifecycle.history.last.number == (2 if dead and written else 1)
    if not (dead and written):
        again = CHANGES[change](again, vault, START + DAY + timedelta(hours=1))
    history = again.lifecycle.history
    assert history.last.number == len(ledger.read(history.scid)) == 2
    assert history.last.time == (START + DAY if written else START + DAY + timedelta(hours=1))
    current = did.load(again.did, registry=ledger, keyring=keyring)
    assert (current.document, current.signers) == (again.document, again.signers)
    if change != "deactivate":
        assert current.rotate(at=START + 3 * DAY).recover(vault, at=START + 4 * DAY)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["keyring", "vault", "registry"])
def test_whoever_died_in_creating_has_an_identity_or_begins_anew(ledger, keyring, step, after):
    vault = keys.MemoryKeyring()
    with pytest.raises(RegistryError, match="stopped"):
        did.create(
            "webvh",
            **PLACE,
            registry=Faulty(ledger, "append", after=after) if step == "registry" else ledger,
            keyring=Faulty(keyring, "add_all", after=after) if step == "keyring" else keyring,
            recovery=Faulty(vault, "add_all", after=after) if step == "vault" else vault,
            at=START,
        )
    written = [record.data for record in ledger.scan()]
    assert bool(written) is (step == "registry" and after)
    if written:
        name = keyring.names()[0].partition("#")[0]
        taken_up = did.load(name, registry=ledger, keyring=keyring)
        assert taken_up.signers[0][0] == f"{name}#key-1"
        assert taken_up.rotate(at=START + DAY).recover(vault, at=START + 2 * DAY)
    anew = did.create(
        "webvh", **PLACE, registry=ledger, keyring=keyring, recovery=vault, at=START + DAY
    )
    assert anew.rotate(at=START + 2 * DAY).lifecycle.history.last.number == 2


# --- taken up again


def test_a_broken_log_is_not_taken_up(office, ledger, keyring):
    rotated = office.rotate(at=START + DAY)
    broken = rotated.log().replace("key-2", "key-9")
    with pytest.raises(InvalidInputError) as caught:
        did.load(office.did, log=broken, keyring=keyring)
    assert caught.value.code is Code.INVALID_DID
    with pytest.raises(InvalidInputError, match="known elsewhere"):
        did.load(office.did, log=office.log(), registry=ledger, keyring=keyring)
    with pytest.raises(NotFoundError):
        did.load(office.did, registry=registry.connect("memory:"))
    with pytest.raises(UnsupportedError):
        did.load(office.did)
    with pytest.raises(InvalidInputError):
        did.load("did:key:z6Mk", registry=ledger)
    assert did.load(office.did, log=rotated.log(), registry=ledger).document == rotated.document


def test_no_secret_is_shown(ledger, keyring):
    vault = keys.MemoryKeyring()
    office = did.create(
        "webvh", **PLACE, registry=ledger, keyring=keyring, recovery=vault, at=START
    )
    rotated = office.rotate(at=START + DAY)
    shown = repr(rotated) + repr(rotated.lifecycle) + rotated._repr_html_() + rotated.log()
    shown += repr(update_keys.ordinary(rotated.lifecycle.history, keyring))
    for ring in (keyring, vault):
        for name in ring.names():
            assert ring.signer(name).export_multikey() not in shown
    assert "signers" not in repr(rotated)
