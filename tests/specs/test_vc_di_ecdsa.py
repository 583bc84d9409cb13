"""The vectors of VC Data Integrity ECDSA Cryptosuites: every value on the way, and the result.

The signatures of the specification are deterministic (RFC 6979), so that they are made equal.
"""

from __future__ import annotations

from functools import cache

import pytest

import vectors
from cityid import did, keys
from cityid.canonical import CONTEXTS
from cityid.credential import Credential
from cityid.cryptosuites import CRYPTOSUITES
from cityid.encoding import base58btc_decode
from cityid.errors import Code
from cityid.timestamp import parse
from cityid.verification import verify_credential

FOLDER = "vc-di-ecdsa"
AT = parse("2026-11-22T00:00:00Z")
RUNS = (
    ("ecdsa-rdfc-2019-p256", "256", "unsigned"),
    ("ecdsa-rdfc-2019-p256/employ", "256", "employmentAuth"),
    ("ecdsa-rdfc-2019-p384", "384", "unsigned"),
    ("ecdsa-rdfc-2019-p384/employ", "384", "employmentAuth"),
)
VALUES = (
    "canonDoc",
    "docHash",
    "proofCanon",
    "proofHash",
    "combinedHash",
    "sigHex",
    "sigBTC58",
    "signed",
)


def load(file):
    return vectors.load(FOLDER, f"TestVectors/{file}")


def text(file):
    return (vectors.folder(FOLDER) / "TestVectors" / file).read_text(encoding="utf-8")


@cache
def signed_anew(folder, bits, source):
    """Every value of one run, computed from its input, options and key."""
    pair = load(f"p{bits}KeyPair.json")
    signer = keys.private_key_from_multikey(pair["secretKeyMultibase"])
    assert signer.public_key.multikey == pair["publicKeyMultibase"]
    document = load(f"{source}.json")
    options = load(f"{folder}/proofConfigECDSAP{bits}.json")
    del options["@context"]  # the suite takes it from the document
    suite = CRYPTOSUITES[options["cryptosuite"]]
    hash_name, size = f"sha{bits}", int(bits) // 8
    proof = suite.create(document, options, signer, contexts=CONTEXTS)
    data = suite.hash_data(document, options, key_type=signer.public_key.type, contexts=CONTEXTS)
    canonical = suite.proof_configuration(document, options, hash_name, CONTEXTS)
    return {
        "canonDoc": suite.transform(document, hash_name, CONTEXTS).decode(),
        "docHash": data[size:].hex(),
        "proofCanon": canonical.decode(),
        "proofHash": data[:size].hex(),
        "combinedHash": data.hex(),
        "sigHex": base58btc_decode(proof["proofValue"][1:]).hex(),
        "sigBTC58": proof["proofValue"],
        "signed": {**document, "proof": proof},
    }


def runs():
    for folder, bits, source in RUNS if vectors.folder(FOLDER) else ():
        for name in VALUES:
            yield vectors.case(FOLDER, folder, bits, source, name, id=f"{folder}-{name}")


@pytest.mark.parametrize(("folder", "bits", "source", "name"), list(runs()))
def test_every_value_is_equal(folder, bits, source, name):
    computed = signed_anew(folder, bits, source)[name]
    if name == "signed":
        assert computed == load(f"{folder}/signedECDSAP{bits}.json")
    else:
        assert computed == text(f"{folder}/{name}ECDSAP{bits}.txt")


def signed_documents():
    for folder, bits, _ in RUNS if vectors.folder(FOLDER) else ():
        yield vectors.case(FOLDER, f"{folder}/signedECDSAP{bits}.json", id=folder)


@pytest.mark.parametrize("file", list(signed_documents()))
def test_the_signed_document_verifies_but_is_bound_to_no_issuer(file):
    signed = Credential.of(load(file))
    findings = verify_credential(signed, resolver=did.resolver(), at=AT)
    assert findings.proof_valid
    # The issuer of these documents is not the controller of the key: another finding.
    assert [problem.code for problem in findings.report.errors] == [Code.ISSUER_MISMATCH]
    assert not findings.verified
