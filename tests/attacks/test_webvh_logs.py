"""D7, D8 and D9: forged logs of did:webvh, each beside the honest log it was made from."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from cityid import CONTEXTS, did, keys, registry
from cityid.cryptosuites import CRYPTOSUITES
from cityid.did import ResolutionOptions
from cityid.did.methods import webvh
from cityid.did.methods.webvh import LogFiles, WebVH, parameters
from cityid.did.methods.webvh.proofs import make_proof
from cityid.encoding import Multicodec, multibase_encode, multicodec_wrap
from cityid.errors import CityIdError, Code, InvalidInputError
from webvh_logs import (
    KEYS,
    NOW,
    TEMPLATE,
    Draft,
    Written,
    approval,
    begin,
    committed,
    document,
    multikey,
    signed,
    witness_did,
    witnesses,
    write,
)

ELSEWHERE = webvh.template("id.town.example", "registry-office")
P256 = keys.generate("P-256", seed=b"7" * 32).public_key.multikey


def fault_of(written: Written, proofs: Any = (), **options: Any) -> CityIdError:
    """Return what is wrong with a log, after a look at that its DID resolves to nothing."""
    try:
        history = written.verified(proofs, **options)
    except InvalidInputError as error:
        fault: CityIdError | None = error
    else:
        fault = history.fault
    assert fault is not None, "the log was accepted"
    files = LogFiles(written.log, json.dumps(list(proofs)))
    resolver = did.resolver(methods=[WebVH(logs={written.did: files}, clock=lambda: NOW)])
    if not options:
        result = resolver.resolve(written.did)
        assert (result.document, result.metadata.legacy_code) == (None, "invalidDid")
    assert fault.code is Code.INVALID_DID
    return fault


def moved(**members: Any) -> dict[str, Any]:
    """Return the document of the DID at another place."""
    return document(ELSEWHERE, **({"alsoKnownAs": [TEMPLATE]} | members))


ROTATING = begin({"nextKeyHashes": committed(1)})
ROTATED = Draft({"updateKeys": [multikey(1)], "nextKeyHashes": committed(2)}, signers=(1,))


def parameter(name: str, value: Any) -> Draft:
    return begin({name: value})


def proof_with(**members: Any) -> Draft:
    return begin(spoil=lambda entry: entry["proof"][0].update(members))


def without(name: str) -> Draft:
    return begin(change=lambda entry: entry["parameters"].pop(name))


HONEST = {
    "one entry": [begin()],
    "an update": [begin(), Draft(state=document(key=1))],
    "an update in the last second": [begin(), Draft(time="2026-03-01T09:00:01Z")],
    "an entry a moment ahead": [begin(time="2026-11-22T09:00:59Z")],
    "keys rotated": [begin(), Draft({"updateKeys": [multikey(1)]}), Draft(signers=(1,))],
    "two signers": [begin({"updateKeys": [multikey(0), multikey(1)]}, signers=(0, 1))],
    "keys committed to": [ROTATING, ROTATED],
    "a spare key committed to": [begin({"nextKeyHashes": [*committed(5, 1), "a word"]}), ROTATED],
    "pre-rotation ended": [
        ROTATING,
        Draft({"updateKeys": [multikey(1)], "nextKeyHashes": []}, signers=(1,)),
        Draft({"updateKeys": [multikey(4)]}, signers=(1,)),
        Draft(signers=(4,)),
    ],
    "pre-rotation begun later": [begin(), Draft({"nextKeyHashes": committed(1)}), ROTATED],
    "moved": [begin({"portable": True}), Draft(state=moved())],
    "portable, told again": [begin({"portable": True}), Draft({"portable": True})],
    "portable no more": [begin({"portable": True}), Draft({"portable": False})],
    "given up": [begin(), Draft({"deactivated": True, "updateKeys": []})],
    "every parameter": [
        begin(
            {"ttl": 0, "watchers": ["https://watch.example/"], "witness": {}, "deactivated": False}
        )
    ],
    "null for a default": [
        begin({"ttl": None, "watchers": None, "witness": None, "nextKeyHashes": None})
    ],
    "the method told again": [begin(), Draft({"method": "did:webvh:1.0"})],
    "an offset of zero": [begin(time="2026-03-01T09:00:00+00:00")],
    "one proof and no list": [begin(spoil=lambda entry: entry.update(proof=entry["proof"][0]))],
}


@pytest.mark.parametrize("drafts", HONEST.values(), ids=HONEST)
def test_an_honest_log_is_accepted(drafts: list[Draft]):
    written = write(*drafts)
    history = written.verified()
    assert history.fault is None
    assert history.usable == len(drafts)
    assert [entry.version_id for entry in history.entries] == written.ids


FORGED = {
    # versionId
    "it begins with version 2": ([begin(number=2)], "version 1 comes here"),
    "a version left out": ([begin(), Draft(number=3)], "version 2 comes here"),
    "a version twice": ([begin(), Draft(number=1)], "version 2 comes here"),
    "no number": ([begin(spoil=lambda e: e.update(versionId="one-Qm"))], "not a versionId"),
    "a number as 01": (
        [begin(spoil=lambda e: e.update(versionId="0" + e["versionId"]))],
        "not a versionId",
    ),
    "another hash": (
        [begin(spoil=lambda e: e.update(versionId=f"1-{multikey(0)[1:]}"))],
        "SHA-256 hash",
    ),
    "a chain from elsewhere": (
        [begin(), Draft(spoil=lambda e: e.update(signed(e, 2, "1-Qm", (0,), NOW)))],
        "SHA-256 hash",
    ),
    # versionTime
    "time stands still": ([begin(), Draft(time="2026-03-01T09:00:00Z")], "not later"),
    "time runs backwards": ([begin(), Draft(time="2026-02-01T09:00:00Z")], "not later"),
    "the future": ([begin(time="2026-11-22T09:01:01Z")], "in the future"),
    "the far future": ([begin(), Draft(time="9999-12-31T23:59:59Z")], "in the future"),
    "another offset": ([begin(time="2026-03-01T09:00:00+01:00")], "not in UTC"),
    "no offset": ([begin(time="2026-03-01T09:00:00")], "not a date and time"),
    "a day": ([begin(time="2026-03-01")], "not a date and time"),
    "a time that is a number": ([begin(change=lambda e: e.update(versionTime=5))], "not a date"),
    # scid
    "no scid": ([without("scid")], "has a scid"),
    "an empty scid": (
        [begin(spoil=lambda e: e["parameters"].update(scid=""))],
        "has a scid",
    ),
    "a scid in a later entry": (
        [begin(), Draft(change=lambda e: e["parameters"].update(scid="Qm"))],
        "the first entry alone",
    ),
    "the first state has another scid": (
        [begin(state=document("did:webvh:" + "Q" * 46 + ":id.city.example"))],
        "another SCID",
    ),
    "the state has another scid": (
        [begin(), Draft({}, document("did:webvh:" + "Q" * 46 + ":id.city.example"))],
        "another SCID",
    ),
    "a state of another method": (
        [begin(), Draft({}, document("did:web:id.city.example"))],
        "did:web",
    ),
    "a first state without id": (
        [begin(change=lambda e: e["state"].pop("id"))],
        "/0/state/id",
    ),
    "a first state with id null": (
        [begin(change=lambda e: e["state"].update(id=None))],
        "/0/state/id",
    ),
    "a state without id": ([begin(), Draft(change=lambda e: e["state"].pop("id"))], "/1/state/id"),
    # parameters
    "no method": ([without("method")], "the method is"),
    "an unknown method": ([parameter("method", "did:webvh:1.1")], "the method is"),
    "an older method": ([parameter("method", "did:webvh:0.5")], "the method is"),
    "an unknown method later": ([begin(), Draft({"method": "did:webvh:9.9"})], "the method is"),
    "an unknown parameter": ([parameter("prerotation", "yes")], "no parameter 'prerotation'"),
    "no update keys": ([without("updateKeys")], "has updateKeys"),
    "empty update keys": ([parameter("updateKeys", [])], "may not update"),
    "a key twice": ([parameter("updateKeys", [multikey(0)] * 2)], "stands twice"),
    "a key that is none": ([parameter("updateKeys", [multikey(0), "z6Mk"])], "updateKeys"),
    "keys that are no list": ([parameter("updateKeys", multikey(0))], "list of strings"),
    "a key that is a number": ([parameter("updateKeys", [multikey(0), 1])], "list of strings"),
    "too many keys": ([parameter("nextKeyHashes", ["x"] * 257)], "at most 256"),
    "hashes that are no list": ([parameter("nextKeyHashes", {})], "list of strings"),
    "a watcher that is no URL": ([parameter("watchers", ["not a url"])], "is not a URL"),
    "portable as a word": ([parameter("portable", "true")], "true or false"),
    "portable null": ([parameter("portable", None)], "true or false"),
    "deactivated as a number": ([parameter("deactivated", 1)], "true or false"),
    "a negative ttl": ([parameter("ttl", -1)], "seconds"),
    "a long ttl": ([parameter("ttl", 2**31 + 1)], "seconds"),
    "a ttl as text": ([parameter("ttl", "3600")], "seconds"),
    "a ttl as a flag": ([begin({"ttl": True})], "seconds"),
    # portability
    "portable later": ([begin(), Draft({"portable": True})], "only a first entry"),
    "portable again": (
        [begin({"portable": True}), Draft({"portable": False}), Draft({"portable": True})],
        "only a first entry",
    ),
    "moved without leave": ([begin(), Draft(state=moved())], "not portable"),
    "moved as the leave ends": (
        [begin({"portable": True}), Draft({"portable": False}, moved())],
        "not portable",
    ),
    "moved and forgotten": (
        [begin({"portable": True}), Draft(state=moved(alsoKnownAs=[]))],
        "alsoKnownAs",
    ),
    "moved, and names that are no list": (
        [begin({"portable": True}), Draft(state=moved(alsoKnownAs=TEMPLATE))],
        "alsoKnownAs",
    ),
    "moved with another scid": (
        [
            begin({"portable": True}),
            Draft(
                state=document("did:webvh:" + "Q" * 46 + ":id.town.example", alsoKnownAs=[TEMPLATE])
            ),
        ],
        "another SCID",
    ),
    # deactivation
    "life after the end": ([begin(), Draft({"deactivated": True}), Draft()], "deactivated"),
    "revived": (
        [begin(), Draft({"deactivated": True}), Draft({"deactivated": False})],
        "deactivated",
    ),
    # pre-rotation
    "a key nobody committed to": (
        [ROTATING, Draft({"updateKeys": [multikey(3)], "nextKeyHashes": []}, signers=(3,))],
        "not committed",
    ),
    "one key more than committed to": (
        [
            ROTATING,
            Draft({"updateKeys": [multikey(1), multikey(3)], "nextKeyHashes": []}, signers=(1,)),
        ],
        "not committed",
    ),
    "update keys left out": ([ROTATING, Draft({"nextKeyHashes": committed(2)})], "has updateKeys"),
    "update keys null": (
        [ROTATING, Draft({"updateKeys": None, "nextKeyHashes": committed(2)})],
        "has updateKeys",
    ),
    "next hashes left out": (
        [ROTATING, Draft({"updateKeys": [multikey(1)]}, signers=(1,))],
        "has nextKeyHashes",
    ),
    "the old key signs still": (
        [ROTATING, Draft({"updateKeys": [multikey(1)], "nextKeyHashes": []}, signers=(0,))],
        "may not update",
    ),
    "the commitment forgotten at once": (
        [ROTATING, Draft({"updateKeys": [multikey(0)], "nextKeyHashes": []})],
        "not committed",
    ),
    # proofs
    "a key that may not update": ([begin(signers=(3,))], "may not update"),
    "a new key before its time": (
        [begin(), Draft({"updateKeys": [multikey(1)]}, signers=(1,))],
        "may not update",
    ),
    "an old key after its time": (
        [begin(), Draft({"updateKeys": [multikey(1)]}), Draft(signers=(0,))],
        "may not update",
    ),
    "one proof of two by a stranger": ([begin(signers=(0, 3))], "may not update"),
    "no proof": ([begin(spoil=lambda e: e.update(proof=[]))], "1 to 16"),
    "too many proofs": ([begin(signers=(0,) * 17)], "1 to 16"),
    "a proof that is text": ([begin(spoil=lambda e: e.update(proof="z"))], "1 to 16"),
    "no proof member": ([begin(spoil=lambda e: e.pop("proof"))], "no proof"),
    "another cryptosuite": ([proof_with(cryptosuite="eddsa-rdfc-2022")], "cryptosuite is"),
    "another type": ([proof_with(type="Ed25519Signature2020")], "type is"),
    "another purpose": ([proof_with(proofPurpose="authentication")], "proofPurpose is"),
    "body and fragment differ": (
        [proof_with(verificationMethod=f"did:key:{multikey(3)}#{multikey(0)}")],
        "its key once more",
    ),
    "a method without fragment": (
        [proof_with(verificationMethod=f"did:key:{multikey(0)}")],
        "once more",
    ),
    "a method that is a number": ([proof_with(verificationMethod=3)], "once more"),
    "a method of the DID itself": (
        [proof_with(verificationMethod="did:webvh:x#key-1")],
        "once more",
    ),
    "no proof value": ([begin(spoil=lambda e: e["proof"][0].pop("proofValue"))], "proofValue"),
    "another proof value": ([proof_with(proofValue="z" + "1" * 64)], "/0/proof/0"),
    "a proof time that is none": ([proof_with(created="yesterday")], "/0/proof/0"),
    "a proof that expired": ([proof_with(expires="2026-11-22T09:00:00Z")], "expired"),
    "a proof whose end is none": ([proof_with(expires="never")], "/0/proof/0"),
    "a proof with another time": ([proof_with(created="2026-03-02T09:00:00Z")], "does not hold"),
    "a proof with a context": ([proof_with(**{"@context": ["https://x.example/"]})], "/0/proof/0"),
    # form
    "an unknown member": ([begin(change=lambda e: e.update(extra=1))], "no member 'extra'"),
    "no state": (
        [begin(spoil=lambda e: e.update(state=[]))],
        "state is an object",
    ),
    "parameters that are a list": (
        [begin(), Draft(change=lambda e: e.update(parameters=[]))],
        "object",
    ),
}


@pytest.mark.parametrize(("drafts", "words"), FORGED.values(), ids=FORGED)
def test_a_forged_log_is_refused(drafts: list[Draft], words: str):
    assert words in str(fault_of(write(*drafts)))


def test_a_key_of_another_kind_may_stand_there_but_signs_nothing():
    assert write(begin({"updateKeys": [multikey(0), P256]})).verified().fault is None
    method = f"did:key:{P256}#{P256}"
    forged = write(
        begin(
            {"updateKeys": [multikey(0), P256]},
            spoil=lambda entry: entry["proof"][0].update(verificationMethod=method),
        )
    )
    assert "does not" in str(fault_of(forged)) or "takes keys" in str(fault_of(forged))


def test_a_key_that_is_slow_to_read_and_signs_nothing_does_not_stand_there(
    monkeypatch: pytest.MonkeyPatch,
):
    """A point on BLS12-381 takes milliseconds; a log has room for tens of thousands of them."""
    read: list[str] = []
    monkeypatch.setattr(
        parameters, "read_multikey", lambda text: read.append(text) or NotImplemented
    )
    slow = multibase_encode(multicodec_wrap(Multicodec("bls12_381-g2-pub"), bytes(96)), "base58btc")
    with pytest.raises(InvalidInputError, match="signs a log"):
        parameters.read_parameters(
            {"method": parameters.METHOD, "scid": "Qm", "updateKeys": [slow]}, None, 0
        )
    assert read == []


def test_a_proof_needs_no_time_of_its_own():
    written = write(begin())
    entry = {name: value for name, value in written.entries[0].items() if name != "proof"}
    proof = {
        name: value
        for name, value in written.entries[0]["proof"][0].items()
        if name not in {"created", "proofValue"}
    }
    suite = CRYPTOSUITES["eddsa-jcs-2022"]
    timeless = suite.create(entry, proof, KEYS[0], contexts=CONTEXTS)
    assert Written(written.did, ({**entry, "proof": [timeless]},)).verified().fault is None
    fault_of(Written(written.did, ({**entry, "proof": [proof]},)))


# --- whose log it is


def test_a_log_is_of_no_other_did():
    honest, other = write(begin()), write(begin({"ttl": 60}))
    assert honest.verified().fault is None
    assert "is not the DID's" in str(fault_of(Written(other.did, honest.entries)))


def test_a_log_is_of_no_place_it_never_was_at():
    honest = write(begin())
    scid = honest.did.split(":")[2]
    elsewhere = Written(ELSEWHERE.replace("{SCID}", scid), honest.entries)
    assert "no version is that of" in str(fault_of(elsewhere))


def test_a_moved_did_resolves_under_its_old_name_to_the_new_one():
    old = write(begin({"portable": True})).did
    written = write(begin({"portable": True}), Draft(state=moved()))
    files = {name: LogFiles(written.log) for name in (old, written.did)}
    resolver = did.resolver(methods=[WebVH(logs=files, clock=lambda: NOW)])
    for name in files:
        result = resolver.resolve(name)
        assert result.require().id == written.did
        assert result.document_metadata.canonical_id == written.did
        assert result.document_metadata.equivalent_id == (old,)
    with pytest.raises(InvalidInputError) as caught:
        resolver.verification_method(f"{old}#key-1", relationship="assertionMethod")
    assert caught.value.code is Code.INVALID_VERIFICATION_METHOD
    first = resolver.resolve(old, ResolutionOptions(version_id=written.ids[0]))
    assert first.require().id == old


# --- D9: every byte counts


def spoilt(text: str) -> str:
    """Return a text with its last letter changed for another of the same alphabet."""
    return text[:-1] + ("2" if text[-1] != "2" else "3")


PLACES = {
    "versionId": lambda entry: entry.update(versionId=spoilt(entry["versionId"])),
    "versionTime": lambda entry: entry.update(versionTime="2026-03-01T09:00:01Z"),
    "parameters": lambda entry: entry["parameters"].update(ttl=3601),
    "state": lambda entry: entry["state"]["verificationMethod"][0].update(
        publicKeyMultibase=multikey(9)
    ),
    "scid": lambda entry: entry["parameters"].update(scid=spoilt(entry["parameters"]["scid"])),
    "proof": lambda entry: entry["proof"][0].update(
        proofValue=KEYS[0].public_key.multikey[:20] + entry["proof"][0]["proofValue"][20:]
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("index", [0, 1])
def test_an_entry_changed_after_it_was_signed_is_refused(place: str, index: int):
    written = write(begin({"ttl": 60}), Draft({"ttl": 90}))
    entries = copy.deepcopy(written.entries)
    if place == "scid" and index == 1:
        entries[index]["parameters"]["scid"] = "Q" * 46
    else:
        PLACES[place](entries[index])
    if place == "versionTime" and index == 1:
        entries[index]["versionTime"] = "2026-03-02T09:00:01Z"
    assert written.verified().fault is None
    fault_of(Written(written.did, entries))


@pytest.mark.parametrize("member", ["versionTime", "state", "parameters"])
def test_the_hash_is_checked_even_where_the_signature_holds(member: str):
    """The forger signs the changed entry anew, and leaves the old hash in it."""
    written = write(begin(), Draft(state=document(key=1)))
    entry = copy.deepcopy(written.entries[1])
    entry[member] = {
        "versionTime": "2026-03-02T10:00:00Z",
        "state": entry["state"] | {"alsoKnownAs": ["https://mallory.example/"]},
        "parameters": {"ttl": 1},
    }[member]
    resigned = signed(entry, 2, written.ids[0], (0,), NOW)
    honest = Written(written.did, (written.entries[0], resigned))
    assert honest.verified().fault is None
    kept = webvh.sealed(
        {name: entry[name] for name in ("versionTime", "parameters", "state")},
        2,
        written.ids[0],
        (KEYS[0],),
        NOW,
    )
    assert kept.version_id == resigned["versionId"]
    unsecured = {name: value for name, value in entry.items() if name != "proof"}
    forged = {**unsecured, "proof": [make_proof(unsecured, KEYS[0], NOW)]}
    assert "SHA-256 hash" in str(fault_of(Written(written.did, (written.entries[0], forged))))


def test_the_scid_is_checked_even_where_hash_and_signature_hold():
    """The forger keeps the SCID, changes the first entry, and hashes and signs it anew."""
    written = write(begin())
    entry = copy.deepcopy(written.entries[0])
    entry["state"]["alsoKnownAs"] = ["https://mallory.example/"]
    forged = signed(entry, 1, entry["parameters"]["scid"], (0,), NOW)
    assert "scid is not the hash" in str(fault_of(Written(written.did, (forged,))))


@pytest.mark.parametrize(
    ("honest", "forged"),
    [
        ({"a": "{SCID}"}, {"a": "{SCID}"}),
        ({"x{SCID}": "good"}, {"x{SCID}": "bad", "x%s": "good"}),
    ],
    ids=["in a text", "in a name that hides another"],
)
def test_no_second_first_entry_has_the_same_scid(honest: dict[str, Any], forged: dict[str, Any]):
    """What stands for the SCID while it is made stands nowhere afterwards."""
    written = write(begin(state=document(**honest)))
    assert written.verified().fault is None
    entry = copy.deepcopy(written.entries[0])
    scid = entry["parameters"]["scid"]
    state = {name: value for name, value in entry["state"].items() if scid not in name[:50]}
    others = {name.replace("%s", scid): value for name, value in forged.items()}
    second = signed({**entry, "state": {**others, **state, **others}}, 1, scid, (0,), NOW)
    assert second["versionId"] != entry["versionId"]
    assert "{SCID} still stands" in str(fault_of(Written(written.did, (second,))))


# --- witnesses


WITNESSED = begin({"witness": witnesses(2, 0, 1, 2)})


def test_enough_witnesses_are_enough():
    written = write(WITNESSED)
    assert written.verified([approval(written, 0, 0, 2)]).fault is None
    assert "too few" in str(fault_of(written, [approval(written, 0, 0)]))
    assert "too few" in str(fault_of(written))


def test_a_witness_counts_once():
    written = write(WITNESSED)
    twice = [approval(written, 0, 1), approval(written, 0, 1, 1)]
    assert "too few" in str(fault_of(written, twice))


def test_a_stranger_is_no_witness():
    written = write(WITNESSED)
    assert "too few" in str(fault_of(written, [approval(written, 0, 0, 3)]))


def test_a_later_approval_is_one_of_what_came_before():
    written = write(WITNESSED, Draft())
    assert written.verified([approval(written, 1, 0, 1)]).fault is None
    mixed = [approval(written, 0, 0), approval(written, 1, 1, 2)]
    assert written.verified(mixed).fault is None
    earlier = [approval(written, 0, 0, 1)]
    fault = fault_of(written, earlier)
    assert "too few witnesses approved the entry (at /1)" in str(fault)


def test_an_approval_of_another_did_or_version_is_none():
    written, other = write(WITNESSED), write(begin({"witness": witnesses(2, 0, 1, 2), "ttl": 9}))
    replayed = approval(other, 0, 0, 1)
    assert "too few" in str(fault_of(written, [replayed]))
    relabelled = replayed | {"versionId": written.ids[0]}
    assert "too few" in str(fault_of(written, [relabelled]))
    assert written.verified([replayed, approval(written, 0, 0, 1)]).fault is None


def test_a_spoilt_approval_does_no_harm_beside_good_ones():
    written = write(WITNESSED)
    spoilt_proof = approval(written, 0, 2)["proof"][0] | {"proofValue": "z2"}
    good = approval(written, 0, 0, 1)
    both = good | {"proof": [spoilt_proof, {"type": 1}, *good["proof"]]}
    assert written.verified([both]).fault is None
    assert "too few" in str(
        fault_of(written, [good | {"proof": [spoilt_proof, *good["proof"][:1]]}])
    )


def test_new_witnesses_approve_from_the_next_entry_on():
    change = Draft({"witness": witnesses(1, 3)})
    written = write(WITNESSED, change, Draft())
    old, new = approval(written, 1, 0, 1), approval(written, 2, 3)
    assert written.verified([old, new]).fault is None
    assert "(at /0)" in str(fault_of(written, [new]))
    only_new = [approval(written, 0, 0, 1), approval(written, 1, 3), new]
    assert "(at /1)" in str(fault_of(written, only_new))


def test_the_last_word_on_ending_witnesses_is_theirs():
    written = write(WITNESSED, Draft({"witness": {}}), Draft())
    assert written.verified([approval(written, 1, 1, 2)]).fault is None
    assert "(at /1)" in str(fault_of(written, [approval(written, 0, 1, 2)]))


def test_first_witnesses_approve_the_entry_that_names_them():
    written = write(begin(), Draft({"witness": witnesses(1, 0)}))
    assert written.verified([approval(written, 1, 0)]).fault is None
    assert "(at /1)" in str(fault_of(written))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (witnesses(0, 0), "threshold"),
        (witnesses(2, 0), "threshold"),
        (witnesses(-1, 0), "threshold"),
        (witnesses(1, 0) | {"threshold": True}, "threshold"),
        (witnesses(1, 0) | {"threshold": "1"}, "threshold"),
        (witnesses(1, 0) | {"threshold": 1.0}, "threshold"),
        (witnesses(2, 0, 0), "stands twice"),
        (witnesses(1), "list of 1"),
        ({"threshold": 1}, "threshold and witnesses"),
        ({"threshold": 1, "witnesses": {}}, "list of 1"),
        (witnesses(1, 0) | {"weight": 1}, "threshold and witnesses"),
        ([], "threshold and witnesses"),
        ({"threshold": 1, "witnesses": [{"id": "did:web:w.example"}]}, "did:key"),
        ({"threshold": 1, "witnesses": [{"id": f"did:key:{P256}"}]}, "Ed25519"),
        ({"threshold": 1, "witnesses": [{"id": "did:key:z6Mk"}]}, "witness"),
        ({"threshold": 1, "witnesses": [{"id": witness_did(0), "weight": 1}]}, "did:key"),
        ({"threshold": 1, "witnesses": [witness_did(0)]}, "did:key"),
    ],
)
def test_witnesses_are_told_as_they_must_be(value: Any, words: str):
    assert words in str(fault_of(write(begin({"witness": value}))))


def test_an_expired_approval_is_none():
    written = write(WITNESSED)
    good = approval(written, 0, 0, 1)
    late = copy.deepcopy(good)
    late["proof"][0]["expires"] = "2026-11-22T08:59:59Z"
    assert written.verified([good]).fault is None
    assert "too few" in str(fault_of(written, [late]))


# --- logs that were cut off


def test_a_log_cut_off_is_refused_where_witnesses_approved_more():
    written = write(WITNESSED, Draft(), Draft())
    everything = [approval(written, index, 0, 1) for index in range(3)]
    assert written.verified(everything).fault is None
    fault = fault_of(written.cut(2), everything)
    assert "cut off" in str(fault)
    history = written.cut(2).verified(everything)
    assert history.resolve(ResolutionOptions(version_id=written.ids[0])).document is not None


def test_one_approval_of_the_next_version_is_no_proof_that_it_was_published():
    written = write(WITNESSED, Draft())
    started = [approval(written, 0, 0, 1), approval(written, 1, 0)]
    assert written.cut(1).verified(started).fault is None


def test_one_approval_of_a_version_beyond_shows_that_one_was_published_between():
    written = write(WITNESSED, Draft(), Draft())
    beyond = [approval(written, 0, 0, 1), approval(written, 2, 0)]
    assert "cut off" in str(fault_of(written.cut(1), beyond))


def test_two_versions_in_one_place_are_not_both_approved():
    """Witnesses that approve one fork here and another there are found out by who has both."""
    here, there = (write(WITNESSED, Draft({"ttl": ttl}), Draft()) for ttl in (60, 600))
    own = [approval(here, 2, 0, 1)]
    assert here.verified(own).fault is None
    for index in (1, 2):
        proofs = [*own, approval(there, index, 1, 2)]
        assert f"forked: witnesses approved another version here (at /{index})" in str(
            fault_of(here, proofs)
        )
        for few in ([approval(there, index, 2)], [approval(there, index, 2, 2, 3)]):
            assert here.verified([*own, *few]).fault is None
    unwitnessed = write(begin(), Draft({"witness": witnesses(1, 0)}))
    stranger = {**approval(here, 1, 0, 1), "versionId": here.ids[1]}
    assert unwitnessed.verified([approval(unwitnessed, 1, 0), stranger]).fault is None


def test_approvals_by_strangers_show_nothing():
    written = write(WITNESSED, Draft(), Draft())
    beyond = [approval(written, 0, 0, 1), approval(written, 2, 3)]
    assert written.cut(1).verified(beyond).fault is None
    unwitnessed = write(begin(), Draft(), Draft())
    assert unwitnessed.cut(1).verified([approval(unwitnessed, 2, 3)]).fault is None


def test_a_log_without_the_version_seen_before_is_refused():
    written = write(begin(), Draft(), Draft())
    assert written.verified(known_version=written.ids[1]).fault is None
    fault = fault_of(written.cut(2), known_version=written.ids[2])
    assert "known elsewhere" in str(fault)
    forked = write(begin(), Draft({"ttl": 1}), Draft())
    assert "known elsewhere" in str(fault_of(forked, known_version=written.ids[1]))


def kept(ledger: registry.Registry, written: Written) -> None:
    scid = written.did.split(":")[2]
    history = written.verified()
    ledger.append([webvh.entry_record(entry, scid) for entry in history.entries])


def test_files_that_lack_what_the_registry_holds_are_refused():
    written = write(begin(), Draft(), Draft())
    ledger = registry.connect("memory:")
    kept(ledger, written)

    def resolved(log: Written) -> did.ResolutionResult:
        files = {written.did: LogFiles(log.log)}
        return did.resolver(methods=[WebVH(ledger, logs=files, clock=lambda: NOW)]).resolve(
            written.did
        )

    assert resolved(written).error is None
    rolled_back = resolved(written.cut(2))
    assert rolled_back.error is not None
    assert rolled_back.error.code is Code.INVALID_DID
    assert "known elsewhere" in rolled_back.error.title
    forked = resolved(write(begin(), Draft({"ttl": 1}), Draft()))
    assert forked.error is not None
    assert "known elsewhere" in forked.error.title
    longer = write(begin(), Draft(), Draft(), Draft())
    assert resolved(longer).document_metadata.version_id == longer.ids[3]


def test_a_version_known_before_is_asked_of_the_registry_too():
    written = write(begin(), Draft())
    ledger = registry.connect("memory:")
    kept(ledger, written.cut(1))
    method = WebVH(ledger, known_versions={written.did: written.ids[1]}, clock=lambda: NOW)
    result = did.resolver(methods=[method]).resolve(written.did)
    assert result.error is not None
    assert "known elsewhere" in result.error.title


def test_files_are_held_to_the_registry_and_to_the_version_known_before():
    written = write(begin(), Draft(), Draft())
    ledger = registry.connect("memory:")
    kept(ledger, written.cut(1))

    def fault(log: Written, known: str) -> str | None:
        files = {log.did: LogFiles(log.log)}
        method = WebVH(ledger, logs=files, known_versions={log.did: known}, clock=lambda: NOW)
        error = did.resolver(methods=[method]).resolve(log.did).error
        return None if error is None else error.title

    assert fault(written, written.ids[2]) is None
    assert "known elsewhere" in str(fault(written.cut(2), written.ids[2]))
    kept(ledger, written)
    assert "known elsewhere" in str(fault(written.cut(2), written.ids[0]))


# --- D7: what is asked for is what is answered, or nothing


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("versionId=123junk", {Code.INVALID_OPTIONS}),
        ("versionId=1e3", {Code.INVALID_OPTIONS}),
        ("versionId=-1", {Code.INVALID_OPTIONS}),
        ("versionId=1", {Code.INVALID_OPTIONS}),
        ("versionId=", {Code.INVALID_DID_URL}),
        ("versionId=1-Qm&versionId=2-Qm", {Code.INVALID_DID_URL}),
        ("versionId=1-Qmnot", {Code.NOT_FOUND}),
        ("versionId=9-Qmnot", {Code.NOT_FOUND}),
        ("versionNumber=123junk", {Code.INVALID_OPTIONS}),
        ("versionNumber=1e3", {Code.INVALID_OPTIONS}),
        ("versionNumber=-1", {Code.INVALID_OPTIONS}),
        ("versionNumber=%2B1", {Code.INVALID_OPTIONS}),
        ("versionNumber=01", {Code.INVALID_OPTIONS}),
        ("versionNumber=1.0", {Code.INVALID_OPTIONS}),
        ("versionNumber=%D9%A1", {Code.INVALID_OPTIONS}),
        ("versionNumber=", {Code.INVALID_OPTIONS}),
        ("versionNumber=1&versionNumber=2", {Code.INVALID_DID_URL}),
        ("versionNumber=0", {Code.NOT_FOUND}),
        ("versionNumber=3", {Code.NOT_FOUND}),
        ("versionNumber=999999999", {Code.NOT_FOUND}),
        ("versionTime=2026-02-28T00:00:00Z", {Code.NOT_FOUND}),
        ("versionTime=2026-03-01", {Code.INVALID_OPTIONS}),
        ("versionTime=2026-13-01T00:00:00Z", {Code.INVALID_OPTIONS}),
        ("versionTime=2026-03-01T12:00:00Z&versionNumber=2", {Code.NOT_FOUND}),
    ],
)
def test_a_version_that_is_not_there_is_never_the_latest(query: str, codes: set[Code]):
    written = write(begin(), Draft(state=document(key=1)))
    method = WebVH(logs={written.did: LogFiles(written.log)}, clock=lambda: NOW)
    result = did.resolver(methods=[method]).dereference(f"{written.did}?{query}")
    assert result.content is None
    assert result.error is not None
    assert result.error.code in codes


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 2),
        ("?versionNumber=1", 1),
        ("?versionNumber=2", 2),
        ("?versionTime=2026-03-01T09:00:00Z", 1),
        ("?versionTime=2026-03-02T08:59:59Z", 1),
        ("?versionTime=2026-03-02T09:00:00Z", 2),
        ("?versionTime=2027-03-02T09:00:00Z", 2),
        ("?versionTime=2026-03-01T12:00:00Z&versionNumber=1", 1),
    ],
)
def test_the_version_asked_for_is_answered(query: str, number: int):
    written = write(begin(), Draft(state=document(key=1)))
    method = WebVH(logs={written.did: LogFiles(written.log)}, clock=lambda: NOW)
    result = did.resolver(methods=[method]).dereference(f"{written.did}{query}")
    assert result.error is None
    assert result.content_metadata.version_id == written.ids[number - 1]
    by_id = did.resolver(methods=[method]).resolve(
        written.did, ResolutionOptions(version_id=written.ids[number - 1])
    )
    assert by_id.require().to_dict() == result.content


def test_behind_a_fault_nobody_knows_what_was_in_force():
    written = write(begin(), Draft(), Draft(signers=(3,)))
    history = written.verified()
    assert (len(history.versions), history.usable) == (2, 2)
    before = history.resolve(ResolutionOptions(version_time="2026-03-01T12:00:00Z"))
    assert before.document_metadata.version_id == written.ids[0]
    for options in (
        ResolutionOptions(),
        ResolutionOptions(version_time="2026-03-02T12:00:00Z"),
        ResolutionOptions(version_id=written.ids[2]),
        ResolutionOptions(parameters=(("versionNumber", "3"),)),
    ):
        with pytest.raises(InvalidInputError, match="may not update"):
            history.resolve(options)
