from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest

from cityid import keys
from cityid.did import DIDDocument, succession
from cityid.errors import Code, InvalidInputError

DID = "did:webvh:QmScid:city.example"
NOW = datetime(2027, 3, 14, 9, 0, tzinfo=UTC)
SERVICE = {"id": "#files", "type": "S", "serviceEndpoint": "https://city.example/files"}


def key(seed, type_="Ed25519"):
    return keys.generate(type_, seed=bytes([seed]) * 32).public_key


def rotated(document, public, version):
    return succession.rotated(document, succession.method_name(document, version), public)


@pytest.fixture
def document():
    return succession.first(DID, key(1), [SERVICE])


def test_the_first_document_has_one_key_for_every_use(document):
    parsed = DIDDocument.parse(document)
    assert parsed.relationship("assertionMethod") == (f"{DID}#key-1",)
    assert parsed.relationship("authentication") == (f"{DID}#key-1",)
    assert parsed.verification_methods[0].public_key == key(1)
    assert document["service"] == [SERVICE]
    assert "service" not in succession.first(DID, key(1))
    agreement = succession.first(DID, key(9, "X25519"))
    assert DIDDocument.parse(agreement).relationship("keyAgreement") == (f"{DID}#key-1",)
    assert "assertionMethod" not in agreement


def test_a_retired_key_verifies_and_does_nothing_else(document):
    before = copy.deepcopy(document)
    following = rotated(document, key(2, "P-256"), 2)
    assert document == before
    parsed = DIDDocument.parse(following)
    assert parsed.relationship("assertionMethod") == (f"{DID}#key-2", f"{DID}#key-1")
    for relationship in ("authentication", "capabilityInvocation", "capabilityDelegation"):
        assert parsed.relationship(relationship) == (f"{DID}#key-2",)
    assert parsed.verification_method(f"{DID}#key-1").public_key == key(1)
    assert parsed.verification_method(f"{DID}#key-2").public_key == key(2, "P-256")
    assert following["service"] == [SERVICE]


@pytest.mark.parametrize("member", ["verificationMethod", "keyAgreement"])
@pytest.mark.parametrize("name", ["#key-2", f"{DID}#key-2"])
def test_a_name_is_given_to_one_key_alone(document, member, name):
    entry = document["verificationMethod"][0] | {"id": name}
    document.setdefault(member, []).append(entry)
    following = rotated(document, key(2), 2)
    assert following["authentication"] == [f"{DID}#key-3"]
    assert DIDDocument.parse(following).verification_method(f"{DID}#key-3").public_key == key(2)


def test_a_document_without_keys_gets_its_first(document):
    following = rotated(succession.emptied(document), key(2), 4)
    assert DIDDocument.parse(following).relationship("assertionMethod") == (f"{DID}#key-4",)


def test_all_methods_are_revoked_once(document):
    embedded = document["verificationMethod"][0] | {"id": f"{DID}#embedded"}
    document["keyAgreement"] = [embedded]
    once = succession.revoked(document, NOW)
    later = datetime(2028, 1, 1, tzinfo=UTC)
    twice = succession.revoked(rotated(once, key(2), 2), later)
    parsed = DIDDocument.parse(twice)
    assert parsed.verification_method(f"{DID}#key-1").revoked == NOW
    assert parsed.verification_method(f"{DID}#embedded").revoked == NOW
    assert parsed.verification_method(f"{DID}#key-2").revoked == later
    assert "revoked" not in document["verificationMethod"][0]
    assert succession.revoked({"id": DID}, NOW) == {"id": DID}


def test_a_document_that_is_given_up_says_who_it_was(document):
    gone = succession.emptied(document)
    assert gone == {"@context": document["@context"], "id": DID}
    gone["@context"].append("changed")
    assert "changed" not in document["@context"]


def test_a_key_that_a_newer_one_follows_is_retired(document):
    document["assertionMethod"].append(f"{DID}#issuing")
    document["verificationMethod"].append(
        document["verificationMethod"][0] | {"id": f"{DID}#issuing"}
    )
    assert succession.retired(DIDDocument.parse(document)) == frozenset()
    following = rotated(rotated(document, key(2), 2), key(3), 3)
    assert succession.retired(DIDDocument.parse(following)) == {f"{DID}#key-1", f"{DID}#key-2"}


def test_keys_that_act_no_more_are_taken_out(document):
    document["keyAgreement"] = [document["verificationMethod"][0] | {"id": "#embedded"}]
    following = rotated(succession.revoked(document, NOW), key(2), 2)
    following = rotated(following, key(3), 3)
    less = succession.without(following, [f"{DID}#key-1", f"{DID}#embedded"])
    parsed = DIDDocument.parse(less)
    assert [m.id for m in parsed.verification_methods] == [f"{DID}#key-3", f"{DID}#key-2"]
    assert parsed.relationship("assertionMethod") == (f"{DID}#key-3", f"{DID}#key-2")
    assert less["keyAgreement"] == []
    assert succession.without(following, []) == following
    for wrong in (f"{DID}#key-3", f"{DID}#key-9", "#key-1", 7):
        with pytest.raises(InvalidInputError) as caught:
            succession.without(following, [wrong])
        assert caught.value.code is Code.INVALID_OPTIONS
