"""did:key: the documents of 2022 hold the same keys under the same names and relationships."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vectors
from cityid import did, encoding, keys
from cityid.did import RELATIONSHIPS, DIDDocument
from cityid.did.methods.key import Key
from cityid.errors import Code, InvalidInputError, UnsupportedError

FOLDER = "did-key"
ED25519 = bytes.fromhex("ed01")
FILES = ("bls12381", "ed25519-x25519", "nist-curves", "rsa", "secp256k1")
UNKNOWN = ("did:key:z4MX", "did:key:zggh", "did:key:z2J9", "did:key:z5Tc")
"""RSA, P-521, and two BLS keys in one."""


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in FILES:
        yield from (vectors.load(FOLDER, f"spec-vectors/{name}.json") or {}).items()
    agreement = vectors.load(FOLDER, "spec-vectors/x25519.json") or {"didDocument": {}}
    for subject, document in agreement["didDocument"].items():
        yield subject, {"didDocument": document}


def cases(*, known: bool) -> list[Any]:
    return [
        vectors.case(FOLDER, subject, row, id=subject[:24])
        for subject, row in rows()
        if subject.startswith(UNKNOWN) is not known
    ]


def keys_of(document: DIDDocument) -> dict[str, keys.PublicKey]:
    return {method.id: method.public_key for method in document.verification_methods}


@pytest.mark.parametrize(("subject", "row"), cases(known=True))
def test_keys_ids_and_relationships_are_those_of_the_specification(subject, row):
    expected = DIDDocument.parse(row["didDocument"])
    has_jwk = not subject.startswith("did:key:zUC7")  # no JWK of a BLS key is read or written
    for form in ("Multikey", "JsonWebKey", "JsonWebKey2020")[: 3 if has_jwk else 1]:
        resolver = did.resolver(methods=[Key(form, key_agreement=True)])
        document = resolver.resolve(subject).require()
        assert did.check_document(document.to_dict()) == ()
        assert {method.type for method in document.verification_methods} == {form}
        assert keys_of(document) == keys_of(expected)
        for relationship in RELATIONSHIPS:
            assert document.relationship(relationship) == expected.relationship(relationship)


@pytest.mark.parametrize(("subject", "row"), cases(known=False))
def test_keys_of_other_kinds_are_told_as_unsupported(subject, row):
    assert DIDDocument.parse(row["didDocument"]).id == subject
    result = did.resolver().resolve(subject)
    assert result.document is None
    assert result.error.code is Code.FEATURE_NOT_SUPPORTED
    with pytest.raises(UnsupportedError):
        did.resolver().verification_method(f"{subject}#x", relationship="authentication")


@pytest.mark.parametrize(
    ("subject", "row"),
    [pytest.param(subject, row, id=subject[:24]) for subject, row in rows() if "seed" in row],
)
def test_the_seed_gives_the_did(subject, row):
    kind = "secp256k1" if "zQ3s" in subject else "Ed25519"
    signer = keys.generate(kind, seed=bytes.fromhex(row["seed"]))
    identity = did.create("key", signer=signer)
    assert str(identity.did) == subject
    method, _ = identity.signer("assertionMethod")
    assert method == f"{subject}#{subject.removeprefix('did:key:')}"


def test_the_secret_keys_of_the_specification_give_the_did():
    pairs = [row.get("verificationMethod", {}) for _, row in rows()]
    subjects = [subject for subject, _ in rows()]
    for subject, pair in zip(subjects, pairs, strict=True):
        secret = pair.get("privateKeyJwk")
        if secret and secret["crv"] != "P-521":
            signer = keys.private_key_from_jwk(secret)
            assert str(did.create("key", signer=signer).did) == subject


def test_the_form_of_2020_is_for_edwards_keys_alone():
    method = Key("Ed25519VerificationKey2020", key_agreement=True)
    resolver = did.resolver(methods=[method])
    document = resolver.resolve(did.create().did).require()
    kinds = [entry.type for entry in document.verification_methods]
    assert kinds == ["Ed25519VerificationKey2020", "X25519KeyAgreementKey2020"]
    other = resolver.resolve(did.create(key_type="P-256").did)
    assert other.error.code is Code.FEATURE_NOT_SUPPORTED
    unknown = did.resolver(methods=[Key("PgpKey")]).resolve(did.create().did)
    assert unknown.error.code is Code.FEATURE_NOT_SUPPORTED


def test_an_x25519_key_is_for_agreement_alone():
    identity = did.create(key_type="X25519")
    assert identity.document.relationship("keyAgreement") == (identity.signers[0][0],)
    assert identity.document.relationship("authentication") == ()


@pytest.mark.parametrize(
    "text",
    [
        "did:key:u7QHOjWSQsgfbVGQmRfeONDMA0V8-_hIbKvSCmvQ2dsVR2g",  # another base
        f"did:key:{encoding.multibase_encode(ED25519 + bytes(31), 'base58btc')}",  # a byte short
        f"did:key:{encoding.multibase_encode(ED25519 + bytes(33), 'base58btc')}",  # one too many
        f"did:key:{encoding.multibase_encode(ED25519 + bytes(32), 'base58btc')}",  # low order
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDoo0p",  # not base58
        "did:key:1.1:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        "did:key:z",
    ],
)
def test_a_did_key_that_holds_no_key_is_refused(text):
    resolver = did.resolver()
    assert resolver.resolve("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp").document
    assert resolver.resolve(text).error.code is Code.INVALID_DID
    with pytest.raises(InvalidInputError):
        resolver.resolve(text).require()
