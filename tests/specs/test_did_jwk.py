"""did:jwk: the documents of the specification, equal member for member."""

from __future__ import annotations

import pytest

import vectors
from cityid import did, keys, strict_json
from cityid.encoding import base64url_encode
from cityid.errors import Code, UnsupportedError

FOLDER = "did-jwk"
EXAMPLES = [
    vectors.case(FOLDER, row["did"], row["didDocument"], id=f"example-{number}")
    for number, row in enumerate(vectors.load(FOLDER, "spec-examples.json") or [])
]
JWK = {"crv": "P-256", "kty": "EC", "x": "acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0"}
JWK |= {"y": "_KcyLj9vWMptnmKtm46GqDz8wf74I5LKgrl2GzH3nSE"}


def did_of(text: str) -> str:
    return f"did:jwk:{base64url_encode(text.encode())}"


@pytest.mark.parametrize(("subject", "document"), EXAMPLES)
def test_the_examples_of_the_specification(subject, document):
    result = did.resolver().resolve(subject)
    assert result.document.to_dict() == document
    assert result.document.verification_methods[0].public_key.jwk["x"]


@pytest.mark.parametrize(
    ("use", "relationships"),
    [
        ("sig", 4),
        ("enc", 1),
        (None, 5),
    ],
)
def test_use_decides_the_relationships(use, relationships):
    jwk = JWK | ({"use": use} if use else {})
    document = did.resolver().resolve(did_of(strict_json.write(jwk))).require()
    listed = [name for name in did.RELATIONSHIPS if document.relationship(name)]
    assert len(listed) == relationships
    assert ("keyAgreement" in listed) is (use != "sig")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(strict_json.write(JWK | {"d": "AA"}), id="secret"),
        pytest.param('{"kty":"EC","kty":"EC"}', id="twice"),
        pytest.param(strict_json.write(JWK | {"y": JWK["x"]}), id="no-point"),
        pytest.param("[]", id="list"),
        pytest.param("", id="nothing"),
        pytest.param("\ufeff{}", id="byte-order-mark"),
    ],
)
def test_what_is_no_public_jwk_is_refused(text):
    resolver = did.resolver()
    assert resolver.resolve(did_of(strict_json.write(JWK))).document
    assert resolver.resolve(did_of(text) if text else "did:jwk:x").error.code is Code.INVALID_DID


@pytest.mark.parametrize("tail", ["=", "A", "+", "."])
def test_base64url_has_one_form(tail):
    assert did.resolver().resolve(did_of(strict_json.write(JWK)) + tail).error


def test_an_rsa_key_is_told_as_unsupported():
    result = did.resolver().resolve(did_of('{"kty":"RSA","n":"AQAB","e":"AQAB"}'))
    assert result.error.code is Code.FEATURE_NOT_SUPPORTED
    with pytest.raises(UnsupportedError):
        result.require()


@pytest.mark.parametrize("kind", ["Ed25519", "P-256", "P-384", "secp256k1", "X25519"])
def test_created_dids_resolve_to_their_key(kind):
    signer = keys.generate(kind)
    identity = did.create("jwk", signer=signer)
    document = did.resolver().resolve(identity.did).require()
    assert document == identity.document
    assert document.verification_methods[0].public_key == signer.public_key
    assert document.verification_methods[0].id == f"{identity.did}#0"
    assert did.check_document(document.to_dict()) == ()
    assert bool(document.relationship("authentication")) is (kind != "X25519")
