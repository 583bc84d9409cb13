from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import town
from cityid import did, keys, registry
from cityid.did.methods.webvh import entry_record
from cityid.errors import Code, ConflictError, InvalidInputError, NotFoundError

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
AUDITORS = [town.person(name) for name in ("court", "archive", "ombudsman")]
WITNESSES = [str(auditor.did) for auditor in AUDITORS]


@pytest.fixture
def ledger():
    return registry.connect("memory:")


@pytest.fixture
def keyring():
    return keys.MemoryKeyring()


@pytest.fixture
def pending(ledger, keyring):
    """An office whose first entry waits for two of three witnesses."""
    return did.create(
        "webvh",
        domain="id.city.example",
        registry=ledger,
        keyring=keyring,
        witnesses=WITNESSES,
        at=START,
    )


def approve(identity, *auditors, at=START):
    return [
        did.witness(
            identity.did,
            identity.log(),
            by=auditor,
            witness_proofs=identity.witness_proofs(),
            at=at,
        )
        for auditor in auditors
    ]


@pytest.fixture
def office(pending):
    return pending.add_witness_proofs(*approve(pending, *AUDITORS[:2]), at=START)


def test_a_did_is_in_force_once_enough_witnesses_approved(pending, ledger, keyring):
    assert pending.pending
    assert pending.signers == ()
    with pytest.raises(NotFoundError):
        pending.signer("assertionMethod")
    assert "waits for witnesses" in pending._repr_html_()
    first, second = approve(pending, *AUDITORS[:2])
    one = pending.add_witness_proofs(first, at=START)
    assert one.pending
    assert list(ledger.scan()) == []
    two = one.add_witness_proofs(second, at=START)
    assert not two.pending
    assert two.signers[0][0] == f"{two.did}#key-1"
    assert two.lifecycle.history.last.version_id in two._repr_html_()
    assert "waits" not in two._repr_html_()
    assert did.resolver(ledger).resolve(str(two.did)).document == two.document
    assert did.load(two.did, registry=ledger, keyring=keyring).signers == two.signers
    assert len(list(ledger.scan())) == 3
    assert two.add_witness_proofs(first, second, at=START).log() == two.log()
    assert len(list(ledger.scan())) == 3


def test_a_change_is_not_in_force_before_it_is_approved(office, ledger, keyring):
    waiting = office.rotate(at=START + DAY)
    assert waiting.pending
    assert waiting.document == office.document
    assert waiting.signers == office.signers
    assert waiting.log().count("\n") == 2
    assert did.load(office.did, registry=ledger, keyring=keyring).log() == office.log()
    with pytest.raises(InvalidInputError, match="witnesses"):
        waiting.rotate(at=START + 2 * DAY)
    with pytest.raises(InvalidInputError, match="witnesses"):
        waiting.publish(ledger)
    # The process ends; the log was kept in a file.
    kept = did.load(
        office.did,
        log=waiting.log(),
        witness_proofs=waiting.witness_proofs(),
        registry=ledger,
        keyring=keyring,
    )
    assert kept.pending
    proofs = approve(waiting, AUDITORS[0], AUDITORS[2], at=START + DAY)
    rotated = kept.add_witness_proofs(*proofs, at=START + DAY)
    assert rotated.signers[0][0] == f"{office.did}#key-2"
    assert did.resolver(ledger).resolve(str(office.did)).document == rotated.document
    assert rotated.witness_proofs() == did.load(office.did, registry=ledger).witness_proofs()


def test_now_is_read_where_no_time_is_given(pending):
    done = pending.add_witness_proofs(
        *(did.witness(pending.did, pending.log(), by=auditor) for auditor in AUDITORS)
    )
    assert not done.pending


def test_witnesses_come_and_go_with_approval(keyring, ledger):
    office = did.create("webvh", domain="id.city.example", keyring=keyring, at=START)
    office = office.publish(ledger)
    watched = office.update(witnesses=WITNESSES[:1], at=START + DAY)
    assert watched.pending
    proofs = approve(watched, AUDITORS[0], at=START + DAY)
    watched = watched.add_witness_proofs(*proofs, at=START + DAY)
    assert not watched.pending
    free = watched.update(witnesses=[], at=START + 2 * DAY)
    assert free.pending
    free = free.add_witness_proofs(*approve(free, AUDITORS[0], at=START + 2 * DAY))
    assert not free.rotate(at=START + 3 * DAY).pending
    stricter = office.lifecycle.history.parameters.witness
    assert stricter is None


def test_a_threshold_is_chosen_or_more_than_half(keyring):
    def threshold(**options):
        made = did.create("webvh", domain="c.example", keyring=keyring, at=START, **options)
        return made.lifecycle.history.parameters.witness.threshold

    assert threshold(witnesses=WITNESSES) == 2
    assert threshold(witnesses=WITNESSES[:2]) == 2
    assert threshold(witnesses=WITNESSES, threshold=3) == 3


def test_a_registry_that_is_ahead_is_told_to_who_approves_late(office, ledger, keyring):
    one = office.update(ttl=5, at=START + DAY)
    two = office.update(ttl=6, at=START + DAY)
    one.add_witness_proofs(*approve(one, *AUDITORS[:2], at=START + DAY))
    with pytest.raises(ConflictError):
        two.add_witness_proofs(*approve(two, *AUDITORS[:2], at=START + DAY))
    current = did.load(office.did, registry=ledger, keyring=keyring)
    assert current.lifecycle.history.parameters.ttl == 5


def test_an_entry_that_was_published_too_early_waits(office, ledger, keyring):
    waiting = office.rotate(at=START + DAY)
    history = waiting.lifecycle.history
    ledger.append([entry_record(history.last, history.scid)])
    assert did.resolver(ledger).resolve(str(office.did)).document is None
    found = did.load(office.did, registry=ledger, keyring=keyring)
    assert found.pending
    proofs = approve(found, *AUDITORS[1:], at=START + DAY)
    assert not found.add_witness_proofs(*proofs, at=START + DAY).pending
    assert did.resolver(ledger).resolve(str(office.did)).document is not None


def test_a_foreign_approval_counts_for_nothing(pending, ledger):
    (mine,) = approve(pending, AUDITORS[0])
    forged = json.loads(mine)
    forged[0]["proof"][0]["verificationMethod"] = (
        f"{WITNESSES[1]}#{WITNESSES[1].removeprefix('did:key:')}"
    )
    still = pending.add_witness_proofs(mine, json.dumps(forged), at=START)
    assert still.pending
    assert list(ledger.scan()) == []
    stray = json.dumps([{"versionId": "2-QmStray", "proof": json.loads(mine)[0]["proof"]}])
    done = still.add_witness_proofs(stray, *approve(pending, AUDITORS[1]), at=START)
    assert not done.pending
    assert len(list(ledger.scan())) == 3
    for broken in ("{}", "[7]", "no JSON", b"\xff"):
        with pytest.raises(InvalidInputError):
            pending.add_witness_proofs(broken, at=START)


def test_a_witness_approves_only_what_it_is_asked_to(pending, office):
    with pytest.raises(InvalidInputError, match="not asked") as caught:
        did.witness(office.did, office.log(), by=town.alice(), at=START)
    assert caught.value.code is Code.INVALID_OPTIONS
    plain = did.create("webvh", domain="c.example", at=START)
    with pytest.raises(InvalidInputError, match="not asked"):
        did.witness(plain.did, plain.log(), by=AUDITORS[0], at=START)
    absent = did.Identity(AUDITORS[0].did, AUDITORS[0].document, ())
    with pytest.raises(NotFoundError):
        did.witness(pending.did, pending.log(), by=absent, at=START)


def test_a_witness_refuses_a_log_that_breaks_a_rule_or_was_rewritten(office, keyring):
    waiting = office.update(ttl=5, at=START + DAY)
    known = office.lifecycle.history.last.version_id
    asked = {"by": AUDITORS[0], "at": START + DAY, "witness_proofs": office.witness_proofs()}
    assert did.witness(office.did, waiting.log(), known_version=known, **asked)
    with pytest.raises(InvalidInputError, match="rewritten"):
        did.witness(office.did, waiting.log(), known_version="2-QmOther", **asked)
    forged = waiting.log().replace('"ttl":5', '"ttl":6')
    with pytest.raises(InvalidInputError) as caught:
        did.witness(office.did, forged, **asked)
    assert caught.value.code is Code.INVALID_DID
    unapproved = {**asked, "witness_proofs": "[]"}
    with pytest.raises(InvalidInputError, match="breaks a rule after version 1"):
        did.witness(office.did, forged, **unapproved)
    with pytest.raises(InvalidInputError, match="breaks a rule after version 1"):
        did.load(office.did, log=forged, keyring=keyring)
