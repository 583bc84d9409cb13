"""A DID document full of keys that take milliseconds each is refused before they are read."""

from __future__ import annotations

import pytest

from cityid import did, keys
from cityid.did import verification_method
from cityid.did.rules import MAX_SLOW_KEYS

DID = "did:web:id.city.example"
GENERATOR = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049"
    "334cf11213945d57e5ac7d055d042b7e024aa2b2f08f0a91260805272dc51051"
    "c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)
SLOW = keys.public_key("BLS12-381-G2", GENERATOR).multikey


def methods(count):
    common = {"type": "Multikey", "controller": DID, "publicKeyMultibase": SLOW}
    return [{"id": f"{DID}#{number}", **common} for number in range(count)]


def test_some_slow_keys_are_read():
    assert did.check_document({"id": DID, "verificationMethod": methods(MAX_SLOW_KEYS)}) == ()


@pytest.mark.parametrize("listed", [0, 1, MAX_SLOW_KEYS])
def test_more_of_them_are_refused_unread(monkeypatch, listed):
    read = []
    monkeypatch.setattr(verification_method.keys, "from_multikey", read.append)
    every = methods(MAX_SLOW_KEYS + 1)
    document = {"id": DID, "verificationMethod": every[:listed], "assertionMethod": every[listed:]}
    (problem,) = did.check_document(document)
    assert problem.title == f"a document has at most {MAX_SLOW_KEYS} keys on BLS12-381"
    assert read == []
