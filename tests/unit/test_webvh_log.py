"""Reading and writing logs of did:webvh: limits, malformed files, and what is never written."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cityid import did, keys
from cityid.did import ResolutionOptions
from cityid.did.methods import webvh
from cityid.did.methods.webvh import entry as entries
from cityid.did.methods.webvh import witness
from cityid.errors import Code, InvalidInputError
from webvh_logs import (
    KEYS,
    NOW,
    START,
    TEMPLATE,
    WITNESSES,
    Draft,
    approval,
    begin,
    committed,
    document,
    multikey,
    witnesses,
    write,
)


def refused(log: Any, **options: Any) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        webvh.verify_log(write(begin()).did, log, **({"at": NOW} | options))
    assert caught.value.code is Code.INVALID_DID
    return caught.value


def test_a_log_is_read_as_text_bytes_or_lines():
    written = write(begin(), Draft())
    for log in (
        written.log,
        written.log.encode(),
        written.log.rstrip("\n"),
        written.log.replace("\n", "\r\n"),
        tuple(written.log.splitlines()),
    ):
        history = webvh.verify_log(did.parse(written.did), log, at=NOW)
        assert history.fault is None
        assert history.last.version_id == written.ids[1]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "no entries"),
        (b"", "no entries"),
        ((), "no entries"),
        ("\n", "no entry"),
        ("\n\n", "no entry"),
        (b"\xff", "UTF-8"),
        ("[]", "no entry"),
        ("{}", "no versionId"),
        ("not json", "no entry"),
        ('{"a":1,"a":2}', "more than once"),
        ('{"a":1e999}', "no entry"),
        ("[" * 100_000, "no entry"),
        ("x" * 262_145, "no entry"),
        ("\ufeff{}", "no entry"),
        ('{"versionId":"' + "9" * 300_000 + '"}', "no entry"),
    ],
)
def test_what_is_no_log_is_refused(log: Any, words: str):
    assert words in str(refused(log))


def test_the_first_fault_of_a_log_counts_whichever_rule_it_breaks():
    written = write(begin(), Draft(), Draft(), Draft())
    lines = written.log.splitlines()
    unsigned, retold, unread = (json.loads(line) for line in lines[1:])
    value = unsigned["proof"][0]["proofValue"]
    unsigned["proof"][0]["proofValue"] = value[:5] + ("2" if value[5] != "2" else "3") + value[6:]
    retold["state"]["alsoKnownAs"] = ["https://city.example"]
    faults = {1: (unsigned, "proof"), 2: (retold, "versionId"), 3: (unread | {"more": 1}, "")}
    for first in (1, 2, 3):
        broken = [*lines]
        for index in range(first, 4):
            broken[index] = json.dumps(faults[index][0])
        history = webvh.verify_log(written.did, broken, at=NOW)
        assert len(history.versions) == history.usable == first
        assert history.fault is not None
        assert history.fault.path.startswith(f"/{first}")
        assert faults[first][1] in history.fault.path


def test_a_log_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch):
    written = write(begin(), Draft(), Draft())
    monkeypatch.setattr(entries, "MAX_ENTRIES", 2)
    assert "at most 2" in str(refused(written.log))
    monkeypatch.setattr(entries, "MAX_LOG_BYTES", 100)
    assert "longer than 100" in str(refused(written.log))


@pytest.mark.parametrize("value", [None, 1, "x", {"id": 1}, ["x"], True])
@pytest.mark.parametrize("name", ["versionId", "versionTime", "parameters", "state", "proof"])
def test_a_member_of_another_type_is_refused(name: str, value: Any):
    entry = write(begin()).entries[0] | {name: value}
    refused(json.dumps(entry))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "is a list"),
        ("[1]", "is an object"),
        ('[{"proof":[]}]', "not a versionId"),
        ('[{"versionId":"1-Qm","proof":{}}]', "list of objects"),
        ('[{"versionId":"1-Qm","proof":[1]}]', "list of objects"),
        ("nothing", "cannot be read"),
        ('[{"a":1,"a":2}]', "cannot be read"),
    ],
)
def test_what_is_no_file_of_witness_proofs_is_refused(text: str, words: str):
    assert words in str(refused(write(begin()).log, witness_proofs=text))


def test_values_that_are_no_witness_proofs_are_refused():
    assert "cannot be read" in str(refused(write(begin()).log, witness_proofs=[{"a": object()}]))


def test_a_version_without_proofs_says_nothing():
    written = write(begin())
    assert written.verified([{"versionId": written.ids[0]}]).approvals == ()


def test_too_many_witness_proofs_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(witness, "MAX_WITNESS_PROOFS", 1)
    written = write(begin({"witness": witnesses(2, 0, 1)}))
    with pytest.raises(InvalidInputError, match="more than 1"):
        written.verified([approval(written, 0, 0, 1)])


# --- a history


def test_a_history_is_made_by_verifying_alone():
    history = write(begin()).verified()
    with pytest.raises(InvalidInputError, match="verify_log alone"):
        webvh.History(history.did, history.versions, 1, None, (), NOW)


def test_a_history_tells_what_it_holds():
    written = write(
        ROTATING, Draft({"updateKeys": [multikey(1)], "nextKeyHashes": []}, signers=(1,))
    )
    history = written.verified()
    assert str(history.did) == str(history.current_did) == written.did
    assert history.scid == written.did.split(":")[2]
    assert history.parameters.update_keys == (multikey(1),)
    assert not history.deactivated
    assert history.require() is history
    assert history.last.version_time == "2026-03-02T09:00:00Z"
    assert webvh.verify_log(written.did, history.to_jsonl(), at=NOW) == history
    assert history.to_witness_json() == "[]"


ROTATING = begin({"nextKeyHashes": committed(1)})


def test_a_log_given_up_has_no_document_but_its_versions_have():
    written = write(begin(), Draft({"deactivated": True, "updateKeys": []}))
    history = written.verified()
    assert history.deactivated
    last = history.resolve()
    assert (last.document, last.document_metadata.deactivated) == (None, True)
    first = history.resolve(ResolutionOptions(version_id=written.ids[0]))
    assert first.require().id == written.did
    told = first.document_metadata
    assert (told.deactivated, told.next_version_id) == (False, written.ids[1])
    assert told.next_update == START + timedelta(days=1)


def test_a_version_that_is_no_did_document_is_not_answered():
    broken = document() | {"verificationMethod": [{"id": "#x"}], "service": {}}
    history = write(begin(state=broken)).verified()
    assert history.fault is None
    with pytest.raises(InvalidInputError) as caught:
        history.resolve()
    assert caught.value.code is Code.INVALID_DID_DOCUMENT


def test_a_method_without_controller_does_no_harm_and_no_good():
    state = document()
    del state["verificationMethod"][0]["controller"]
    written = write(begin(state=state))
    files = {written.did: webvh.LogFiles(written.log)}
    resolver = did.resolver(methods=[webvh.WebVH(logs=files, clock=lambda: NOW)])
    assert resolver.resolve(written.did).error is None
    with pytest.raises(InvalidInputError) as caught:
        resolver.verification_method(f"{written.did}#key-1", relationship="assertionMethod")
    assert caught.value.code is Code.INVALID_VERIFICATION_METHOD


@pytest.mark.parametrize("methods", ["x", ["x"], {}])
def test_methods_that_are_none_are_a_fault_of_the_document(methods: Any):
    history = write(begin(state=document(verificationMethod=methods))).verified()
    with pytest.raises(InvalidInputError) as caught:
        history.resolve()
    assert caught.value.code is Code.INVALID_DID_DOCUMENT


def test_a_number_asked_for_twice_is_refused():
    twice = ResolutionOptions(parameters=(("versionNumber", "1"), ("versionNumber", "1")))
    with pytest.raises(InvalidInputError) as caught:
        write(begin()).verified().resolve(twice)
    assert caught.value.code is Code.INVALID_OPTIONS


def test_other_parameters_are_left_alone():
    options = ResolutionOptions(parameters=(("hl", "zQm"), ("versionNumber", "1")))
    assert write(begin()).verified().resolve(options).document is not None


# --- writing


def started(**parameters: Any) -> webvh.History:
    given = {"updateKeys": [multikey(0)]} | parameters
    return webvh.begun(webvh.first_entry(document(), given, KEYS[0], at=START), at=NOW)


def test_a_did_begins_changes_moves_and_ends():
    history = started(portable=True, nextKeyHashes=committed(1))
    later = START + timedelta(days=1)
    step = {"updateKeys": [multikey(1)], "nextKeyHashes": committed(2)}
    rotated = webvh.next_entry(history, KEYS[1], at=later, parameters=step)
    history = webvh.extended(history, rotated, at=NOW)
    place = webvh.template("id.town.example")
    step = {"updateKeys": [multikey(2)], "nextKeyHashes": committed(3)}
    state = webvh.moved(history, place)
    later += timedelta(days=1)
    entry = webvh.next_entry(history, KEYS[2], at=later, state=state, parameters=step)
    old, history = str(history.did), webvh.extended(history, entry, at=NOW)
    assert str(history.did) == f"did:webvh:{history.scid}:id.town.example"
    assert history.last.state["alsoKnownAs"] == [old]
    assert history.last.state["authentication"] == [f"{history.did}#key-1"]
    ending = webvh.deactivating(history, [multikey(3)])
    later += timedelta(days=1)
    entry = webvh.next_entry(history, KEYS[3], at=later, parameters=ending)
    history = webvh.extended(history, entry, at=NOW)
    assert history.deactivated
    assert len(webvh.verify_log(old, history.to_jsonl(), at=NOW).versions) == 4


def test_a_did_moves_twice_and_keeps_each_name_once():
    history = started(portable=True)
    first = webvh.template("id.town.example")
    entry = webvh.next_entry(
        history, KEYS[0], at=START + timedelta(1), state=webvh.moved(history, first)
    )
    history = webvh.extended(history, entry, at=NOW)
    again = webvh.moved(history, TEMPLATE)
    entry = webvh.next_entry(history, KEYS[0], at=START + timedelta(2), state=again)
    history = webvh.extended(history, entry, at=NOW)
    assert len(history.last.state["alsoKnownAs"]) == 2
    assert len(webvh.moved(history, first)["alsoKnownAs"]) == 2


def test_a_did_that_is_not_portable_does_not_move():
    with pytest.raises(InvalidInputError) as caught:
        webvh.moved(started(), TEMPLATE)
    assert caught.value.code is Code.INVALID_OPTIONS


def test_without_pre_rotation_the_end_takes_all_keys_away():
    assert webvh.deactivating(started()) == {"updateKeys": [], "deactivated": True}


@pytest.mark.parametrize(
    ("signer", "parameters", "words"),
    [
        (KEYS[1], {}, "may not update"),
        (KEYS[0], {"updateKeys": []}, "may not update"),
        (KEYS[0], {"surprise": 1}, "no parameter"),
        (keys.generate("P-256", seed=b"5" * 32), {}, "does not sign"),
    ],
)
def test_a_first_entry_nobody_would_accept_is_not_written(
    signer: keys.PrivateKey, parameters: dict[str, Any], words: str
):
    with pytest.raises(InvalidInputError, match=words):
        webvh.first_entry(document(), {"updateKeys": [multikey(0)]} | parameters, signer, at=START)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at": START}, "not later"),
        ({"parameters": {"portable": True}}, "first entry"),
        ({"state": {}}, "/1/state/id"),
    ],
)
def test_an_entry_nobody_would_accept_is_not_written(options: dict[str, Any], words: str):
    with pytest.raises(InvalidInputError, match=words):
        webvh.next_entry(started(), KEYS[0], **({"at": NOW} | options))


def test_nothing_follows_a_log_with_a_fault():
    unapproved = write(begin({"witness": witnesses(1, 0)})).verified()
    with pytest.raises(InvalidInputError, match="too few"):
        webvh.next_entry(unapproved, KEYS[0], at=NOW)


def test_witnesses_approve_one_after_the_other():
    history = started(witness=witnesses(2, 0, 1))
    for number in (0, 1):
        assert history.fault is not None
        given = webvh.witness_entry(history.last.version_id, WITNESSES[number], at=NOW)
        history = webvh.extended(history, witness_proofs=[given], at=NOW)
    assert history.fault is None
    (file,) = json.loads(history.to_witness_json())
    assert (file["versionId"], len(file["proof"])) == (history.last.version_id, 2)
    again = webvh.extended(history, witness_proofs=[given], at=NOW)
    assert again.to_witness_json() == history.to_witness_json()


def test_a_witness_approves_versions_alone():
    with pytest.raises(InvalidInputError):
        webvh.witness_entry("latest", WITNESSES[0], at=NOW)


def test_an_entry_that_does_not_follow_is_not_added():
    history, other = started(), write(begin({"ttl": 5}), Draft())
    with pytest.raises(InvalidInputError, match="another SCID"):
        webvh.extended(history, webvh.read_entry(json.dumps(other.entries[1])), at=NOW)


def test_the_placeholder_is_replaced_wherever_it_stands():
    state = document(**{"{SCID}": ["{SCID}", 1, {"a": "x{SCID}y"}]})
    entry = webvh.first_entry(state, {"updateKeys": [multikey(0)]}, KEYS[0], at=START)
    scid = entry.parameters["scid"]
    assert entry.state[scid] == [scid, 1, {"a": f"x{scid}y"}]
    assert webvh.begun(entry, at=NOW).fault is None
