"""Credentials that another implementation signed, with verification methods given beside them.

The five ecdsa-sd-2023 files are left out: that suite is not built.
"""

from __future__ import annotations

import pytest

import vectors
from cityid import did, keys
from cityid.canonical import CONTEXTS
from cityid.credential import Credential
from cityid.errors import Code
from cityid.report import Outcome
from cityid.securing import add_proof
from cityid.timestamp import parse
from cityid.verification import verify_credential

FOLDER = "foreign-signed"
AT = parse("2026-11-22T00:00:00Z")
PLACE = "spruce-data-integrity/ecdsa_rdfc_2019"


def resolver(methods):
    """A resolver that has the documents of the given verification methods in hand."""
    documents = [
        {
            "@context": ["https://www.w3.org/ns/cid/v1"],
            "id": method["controller"],
            "verificationMethod": [method],
            "assertionMethod": [method["id"]],
        }
        for method in methods.values()
    ]
    return did.resolver(documents=documents)


def cases(pattern):
    return [
        vectors.case(FOLDER, file.name, id=file.stem)
        for file in vectors.files(FOLDER, f"{PLACE}/{pattern}")
    ]


@pytest.mark.parametrize("name", cases("*_verification.json"))
def test_what_they_signed_verifies_and_no_other(name):
    vector = vectors.load(FOLDER, f"{PLACE}/{name}")
    around = {"resolver": resolver(vector["verificationMethods"]), "at": AT}
    document = vector["input"]
    admitted = CONTEXTS.with_inline()
    findings = verify_credential(Credential.of(document), contexts=admitted, **around)
    assert findings.verified, findings.report.errors
    document["id"] = "urn:uuid:00000000-0000-4000-8000-000000000000"
    findings = verify_credential(Credential.of(document), contexts=admitted, **around)
    assert [problem.code for problem in findings.report.errors] == [Code.PROOF_VERIFICATION_ERROR]


@pytest.mark.parametrize("name", cases("*_signature.json"))
def test_what_we_sign_is_equal(name):
    vector = vectors.load(FOLDER, f"{PLACE}/{name}")
    options = vector["configuration"]
    signed = add_proof(
        vector["input"],
        signer=keys.private_key_from_multikey(vector["keyPair"]["secretKeyMultibase"]),
        verification_method=options["verificationMethod"],
        purpose=options["proofPurpose"],
        cryptosuite=options["cryptosuite"],
        created=parse(options["created"]),
    )
    assert signed == vector["expectedOutput"]


@pytest.mark.parametrize("file", vectors.files(FOLDER, f"{PLACE}/p384_verification.json"))
def test_an_inline_context_is_told_although_the_proof_holds(file):
    vector = vectors.load(FOLDER, f"{PLACE}/{file.name}")
    around = {"resolver": resolver(vector["verificationMethods"]), "at": AT}
    findings = verify_credential(Credential.of(vector["input"]), **around)
    assert findings.proof_valid
    assert findings.report.outcome("context") is Outcome.FAILED
    assert not findings.verified
