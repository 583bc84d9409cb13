from __future__ import annotations

import pytest

from cityid import did, keys
from cityid.errors import Code, InvalidInputError, NotFoundError, UnsupportedError


@pytest.mark.parametrize("kind", ["Ed25519", "P-256", "P-384", "secp256k1"])
@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("key", {}),
        ("jwk", {}),
        ("peer", {}),
        ("peer", {"numalgo": 4}),
        ("web", {"domain": "city.example"}),
    ],
)
def test_an_identity_acts_through_its_document(method, options, kind):
    identity = did.create(method, key_type=kind, **options)
    assert identity.did.method == method
    assert identity.document.id == str(identity.did)
    resolver = did.resolver(documents=[identity.document])
    for relationship in ("authentication", "assertionMethod", "capabilityInvocation"):
        url, signer = identity.signer(relationship)
        found = resolver.verification_method(url, relationship=relationship)
        assert found.public_key == signer.public_key
        found.public_key.verify(signer.sign(b"data"), b"data")


def test_a_given_key_is_used():
    signer = keys.generate(seed=bytes(32))
    identity = did.create(signer=signer)
    assert str(identity.did) == "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    assert identity.signer("authentication")[1] is signer


def test_no_key_at_hand_is_told():
    with pytest.raises(NotFoundError) as caught:
        did.create().signer("keyAgreement")
    assert caught.value.ref == "keyAgreement"
    with pytest.raises(InvalidInputError):
        did.create().signer("everything")
    identity = did.create()
    with pytest.raises(NotFoundError):
        did.Identity(identity.did, identity.document, ()).signer("authentication")


def test_the_second_method_is_taken_when_the_key_of_the_first_is_not_at_hand():
    identity = did.create("peer")
    document = identity.document.to_dict()
    other = did.create().document.verification_methods[0].public_key.multikey
    first = document["verificationMethod"][0] | {"id": "#other", "publicKeyMultibase": other}
    document["verificationMethod"].insert(0, first)
    document["authentication"].insert(0, "#other")
    changed = did.Identity(identity.did, did.DIDDocument.parse(document), identity.signers)
    assert changed.signer("authentication") == identity.signer("authentication")


def test_no_secret_is_shown():
    signer = keys.generate()
    identity = did.create(signer=signer)
    assert signer.export_multikey() not in repr(identity)
    assert "signers" not in repr(identity)


@pytest.mark.parametrize("method", ["pkh", "ion", "none", 7])
def test_methods_that_are_not_built_are_told(method):
    with pytest.raises(UnsupportedError) as caught:
        did.create(method)
    assert caught.value.known == ("key", "jwk", "peer", "web", "webvh", "ethr")
    assert caught.value.code is Code.METHOD_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("options", "text", "location"),
    [
        ({"domain": "city.example"}, "did:web:city.example", "https://city.example/.well-known"),
        (
            {"domain": "city.example", "path": "a/b c", "port": 8443},
            "did:web:city.example%3A8443:a:b%20c",
            "https://city.example:8443/a/b%20c",
        ),
        (
            {"domain": "city.example", "path": "~alice"},
            "did:web:city.example:%7Ealice",
            "https://city.example/%7Ealice",
        ),
    ],
)
def test_a_did_web_tells_where_its_document_is_to_be_published(options, text, location):
    service = {"id": "#s", "type": "S", "serviceEndpoint": "https://s.example"}
    identity = did.create("web", services=[service], **options)
    assert str(identity.did) == text
    assert identity.document.services[0].id == f"{text}#s"
    asked = []

    def fetch(url: str) -> did.FetchedDocument:
        asked.append(url)
        return did.FetchedDocument(url, identity.document.to_json().encode(), "application/did")

    assert did.resolver(fetch=fetch).resolve(identity.did).document == identity.document
    assert asked == [f"{location}/did.json"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"domain": "127.0.0.1"},
        {"domain": "city.example/x"},
        {"domain": "city.example", "path": "a//b"},
        {"domain": "city.example", "path": "../b"},
        {"domain": "city.example", "path": "/a"},
        {"domain": "city.example", "path": "\ud800"},
        {"domain": "city.example", "port": 0},
        {"domain": "city.example", "services": [{"id": "#s"}]},
    ],
)
def test_places_that_are_none_are_refused(options):
    with pytest.raises(InvalidInputError):
        did.create("web", **options)
