"""Issuing and verifying, against nothing but the signature of PyNaCl and `cryptography`."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.signing import SigningKey

import cityid
from benchmarks import documents
from benchmarks.documents import Case
from benchmarks.measure import Row, Times, Work, interleaved
from cityid.schema import SCHEMAS, check_schema

_SIGN, _VERIFY = "PyNaCl sign", "PyNaCl verify"
_SIGN_P256, _VERIFY_P256 = "cryptography P-256 sign", "cryptography P-256 verify"
_HASH_DATA = bytes(range(64))


def eddsa(rounds: int) -> Iterator[Row]:
    """Measure the suites of Ed25519, a presentation and a schema."""
    rdfc, jcs = documents.case("eddsa-rdfc-2022"), documents.case("eddsa-jcs-2022")
    with_schema = documents.case(
        "eddsa-jcs-2022", credentialSchema={"id": documents.SCHEMA, "type": "JsonSchema"}
    )
    times = interleaved(
        {
            **_pynacl(),
            "verify rdfc": rdfc.verify,
            "issue rdfc": rdfc.issue,
            "verify jcs": jcs.verify,
            "issue jcs": jcs.issue,
            "schema": _schema_check(with_schema),
            "verify jcs + schema": with_schema.verify,
            "presentation": _presentation(rdfc),
        },
        rounds=rounds,
    )
    for name, target in (("rdfc", 0.15), ("jcs", 0.30)):
        yield times.row(f"eddsa-{name}-2022 verify, all checks", f"verify {name}", _VERIFY, target)
    for name, target in (("rdfc", 0.08), ("jcs", None)):
        yield times.row(f"eddsa-{name}-2022 issue", f"issue {name}", _SIGN, target)
    yield times.row("presentation + 1 credential, eddsa-rdfc-2022", "presentation", _VERIFY)
    yield times.row("JSON Schema check of the citizen", "schema", _VERIFY)
    yield times.row("eddsa-jcs-2022 verify with its schema", "verify jcs + schema", _VERIFY)


def ecdsa(rounds: int) -> Iterator[Row]:
    """Measure the suites of P-256."""
    cases = {name: documents.case(f"ecdsa-{name}-2019", "P-256") for name in ("rdfc", "jcs")}
    works: dict[str, Work] = _p256()
    for name, case in cases.items():
        works |= {f"verify {name}": case.verify, f"issue {name}": case.issue}
    times = interleaved(works, rounds=rounds)
    for name in cases:
        yield times.row(f"ecdsa-{name}-2019 verify, all checks", f"verify {name}", _VERIFY_P256)
        yield times.row(f"ecdsa-{name}-2019 issue", f"issue {name}", _SIGN_P256)


def raw(rounds: int) -> Iterator[Row]:
    """Measure the keys alone: a key of cityid against the library below it."""
    signer = documents.identity("somebody").signer("assertionMethod")[1]
    signature = signer.sign(_HASH_DATA)
    times: Times = interleaved(
        {
            **_pynacl(),
            "sign": lambda: signer.sign(_HASH_DATA),
            "verify": lambda: signer.public_key.verify(signature, _HASH_DATA),
        },
        rounds=rounds,
    )
    yield times.row("Ed25519 sign through keys", "sign", _SIGN)
    yield times.row("Ed25519 verify through keys", "verify", _VERIFY)


def _pynacl() -> dict[str, Work]:
    key = SigningKey(b"x" * 32)
    signature = key.sign(_HASH_DATA).signature
    verify_key = key.verify_key
    return {
        _SIGN: lambda: key.sign(_HASH_DATA),
        _VERIFY: lambda: verify_key.verify(_HASH_DATA, signature),
    }


def _p256() -> dict[str, Work]:
    key = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1())
    scheme = ec.ECDSA(SHA256())
    signature = key.sign(_HASH_DATA, scheme)
    public = key.public_key()
    return {
        _SIGN_P256: lambda: key.sign(_HASH_DATA, scheme),
        _VERIFY_P256: lambda: public.verify(signature, _HASH_DATA, scheme),
    }


def _schema_check(case: Case) -> Work:
    entry = case.unsigned["credentialSchema"]
    assert check_schema(case.unsigned, entry).problem is None, check_schema(case.unsigned, entry)
    return lambda: check_schema(case.unsigned, entry, SCHEMAS)


def _presentation(case: Case) -> Work:
    challenge, domain = documents.CHALLENGE, documents.DOMAIN
    shown = cityid.present(
        [cityid.Credential.of(case.secured)],
        by=documents.identity("a resident"),
        challenge=challenge,
        domain=domain,
        at=documents.JUDGED,
    )
    text = shown.to_json().encode()

    def verify() -> cityid.Result:
        return cityid.verify(
            text,
            policy=case.believed,
            resolver=case.resolver,
            challenge=challenge,
            domain=domain,
            at=documents.JUDGED,
        )

    assert verify().proof_valid, verify().explain()
    return verify
