"""Credentials that another implementation signed with fresh keys, and tampered copies of them."""

from __future__ import annotations

import pytest

import vectors
from cityid import did
from cityid.canonical import CONTEXTS
from cityid.credential import Credential
from cityid.errors import Code
from cityid.timestamp import parse
from cityid.verification import verify_credential

FOLDER = "db-signed-corpus"
AT = parse("2026-11-22T00:00:00Z")
AROUND = {"resolver": did.resolver(), "contexts": CONTEXTS.with_inline(), "at": AT}
PLACES = {
    "proofPurpose changed to authentication": "/proof/proofPurpose",
    "cryptosuite name replaced": "/proof",
}
"""Where the fault is told; everywhere else it is the signature that does not hold."""


def cases(expect):
    return [
        vectors.case(FOLDER, row["file"], row["what"], id=row["file"].removesuffix(".json"))
        for row in vectors.load(FOLDER, "index.json") or []
        if row["expect"] == expect
    ]


@pytest.mark.parametrize(("file", "what"), cases("verify"))
def test_what_was_signed_verifies(file, what):
    assert what == "as signed"
    credential = Credential.of(vectors.load(FOLDER, file))
    findings = verify_credential(credential, **AROUND)
    assert findings.verified, findings.report.errors
    assert findings.controllers == {credential.issuer}


@pytest.mark.parametrize(("file", "what"), cases("reject"))
def test_what_was_tampered_with_is_refused(file, what):
    credential = Credential.of(vectors.load(FOLDER, file))
    findings = verify_credential(credential, **AROUND)
    assert not findings.proof_valid
    assert not findings.verified
    assert findings.controllers == frozenset()
    assert [(problem.code, problem.path) for problem in findings.report.errors] == [
        (Code.PROOF_VERIFICATION_ERROR, PLACES.get(what, "/proof/proofValue"))
    ]
