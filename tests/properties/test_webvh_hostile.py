"""Hostile logs of did:webvh: whatever stands anywhere in an entry, the answer is a typed one."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from cityid.did.methods import webvh
from cityid.did.methods.webvh.hashing import replaced
from cityid.errors import CityIdError
from webvh_logs import (
    NOW,
    Draft,
    approval,
    begin,
    committed,
    document,
    multikey,
    signed,
    witnesses,
    write,
)

SERVICES = [{"id": "#a", "type": "x", "serviceEndpoint": "https://a.example/"}]
WRITTEN = write(
    begin(
        {
            "witness": witnesses(1, 0),
            "portable": True,
            "nextKeyHashes": committed(1),
            "watchers": ["https://w.example/"],
            "ttl": 60,
        },
        state=document(service=SERVICES, alsoKnownAs=["https://x.example/"]),
    ),
    Draft({"updateKeys": [multikey(1)], "nextKeyHashes": []}, signers=(1,)),
)
PROOFS = [approval(WRITTEN, 1, 0)]
GONE = object()
NUMBERS = [0, -1, 1.5, 2**53 - 1]
TEXTS = ["", "x" * 1000, "did:webvh:x", "did:key:z6Mk", "{SCID}", "\x00", "1-Qm", "\u202e"]
VALUES = [GONE, None, True, [], {}, [[]], {"a": {}}, *NUMBERS, *TEXTS]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path to everything within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a JSON value with something else at one place."""
    value = copy.deepcopy(value)
    target = value
    for key in path[:-1]:
        target = target[key]
    if new is GONE:
        del target[path[-1]]
    else:
        target[path[-1]] = new
    return value


def answered(name: str, entries: list[Any], proofs: Any) -> bool:
    """Read a log to the end in every way, and return whether it was sound."""
    try:
        log = "".join(json.dumps(entry) + "\n" for entry in entries)
        history = webvh.verify_log(name, log, json.dumps(proofs), at=NOW)
        assert webvh.verify_log(name, history.to_jsonl(), history.to_witness_json(), at=NOW)
        found = history.resolve()
        assert found.document is None or found.document.services
    except CityIdError:
        return False
    return True


def test_the_log_that_is_changed_is_sound():
    assert answered(WRITTEN.did, list(WRITTEN.entries), PROOFS)


@pytest.mark.parametrize("index", [0, 1])
def test_an_entry_that_is_changed_is_refused(index: int):
    for path in places(WRITTEN.entries[index]):
        for new in VALUES:
            entries = list(WRITTEN.entries)
            entries[index] = changed(entries[index], path, new)
            assert not answered(WRITTEN.did, entries, PROOFS) or entries == list(WRITTEN.entries)


@pytest.mark.parametrize("member", ["versionTime", "parameters", "state"])
def test_an_entry_that_is_signed_anew_is_answered(member: str):
    scid = WRITTEN.entries[0]["parameters"]["scid"]
    blank = replaced(
        {name: value for name, value in WRITTEN.entries[0].items() if name != "proof"},
        scid,
        "{SCID}",
    )
    blank["parameters"]["witness"] = {}
    sound = 0
    for path in [(member,), *((member, *path) for path in places_in(blank[member]))]:
        for new in VALUES:
            entry = changed(blank, path, new)
            entry["versionId"] = "{SCID}"
            found = webvh.scid_of(entry)
            made = signed(replaced(entry, "{SCID}", found), 1, found, (0,), NOW)
            sound += answered(replaced(WRITTEN.did, scid, found), [made], [])
    assert sound or member == "versionTime"


def places_in(value: Any) -> Iterator[tuple[Any, ...]]:
    return places(value) if isinstance(value, dict | list) else iter(())


def test_approvals_that_are_changed_are_answered():
    for path in places(PROOFS):
        for new in VALUES:
            proofs = changed(PROOFS, path, new)
            assert not answered(WRITTEN.did, list(WRITTEN.entries), proofs) or proofs == PROOFS


def test_bytes_that_are_changed_are_answered():
    chance = random.Random(7)  # noqa: S311 - the same each time
    for _ in range(1000):
        log = bytearray(WRITTEN.log.encode())
        for _ in range(chance.randint(1, 3)):
            log[chance.randrange(len(log))] = chance.randrange(256)
        try:
            history = webvh.verify_log(WRITTEN.did, bytes(log), PROOFS, at=NOW)
        except CityIdError:
            continue
        same = [entry.document for entry in history.entries] == list(WRITTEN.entries)
        assert history.fault is not None or same
