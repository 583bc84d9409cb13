"""The vectors of VC Data Integrity EdDSA Cryptosuites: every value on the way, and the result.

The folder ``Ed25519Signature2020`` is left out: that older type of proof is not built.
"""

from __future__ import annotations

import copy
from functools import cache

import pytest

import vectors
from cityid import did, keys
from cityid.canonical import CONTEXTS
from cityid.credential import Credential
from cityid.cryptosuites import CRYPTOSUITES
from cityid.encoding import base58btc_decode
from cityid.errors import Code
from cityid.report import Outcome
from cityid.securing import add_proof, verify_proofs
from cityid.timestamp import parse
from cityid.verification import verify_credential

FOLDER = "vc-di-eddsa"
AT = parse("2026-11-22T00:00:00Z")
# folder, end of the file names, input
RUNS = (
    ("eddsa-rdfc-2022", "DataInt", "unsigned"),
    ("eddsa-rdfc-2022/employ", "DataInt", "employmentAuth"),
    ("eddsa-jcs-2022", "JCS", "unsigned"),
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
RESOLVER = did.resolver()


def load(file):
    return vectors.load(FOLDER, f"TestVectors/{file}")


def text(file):
    return (vectors.folder(FOLDER) / "TestVectors" / file).read_text(encoding="utf-8")


@cache
def signed_anew(folder, end, source):
    """Every value of one run, computed from its input, options and key."""
    pair = load("keyPair.json")
    signer = keys.private_key_from_multikey(pair["privateKeyMultibase"])
    assert signer.public_key.multikey == pair["publicKeyMultibase"]
    document = load(f"{source}.json")
    options = load(f"{folder}/proofConfig{end}.json")
    del options["@context"]  # the suite takes it from the document
    suite = CRYPTOSUITES[options["cryptosuite"]]
    proof = suite.create(document, options, signer, contexts=CONTEXTS)
    configuration = {name: value for name, value in proof.items() if name != "proofValue"}
    data = suite.hash_data(
        document, configuration, key_type=signer.public_key.type, contexts=CONTEXTS
    )
    canonical = suite.proof_configuration(document, configuration, "sha256", CONTEXTS)
    return {
        "canonDoc": suite.transform(document, "sha256", CONTEXTS).decode(),
        "docHash": data[32:].hex(),
        "proofCanon": canonical.decode(),
        "proofHash": data[:32].hex(),
        "combinedHash": data.hex(),
        "sigHex": base58btc_decode(proof["proofValue"][1:]).hex(),
        "sigBTC58": proof["proofValue"],
        "signed": {**document, "proof": proof},
    }


def runs():
    for folder, end, source in RUNS if vectors.folder(FOLDER) else ():
        for name in VALUES:
            yield vectors.case(FOLDER, folder, end, source, name, id=f"{folder}-{name}")


@pytest.mark.parametrize(("folder", "end", "source", "name"), list(runs()))
def test_every_value_is_equal(folder, end, source, name):
    computed = signed_anew(folder, end, source)[name]
    if name == "signed":
        assert computed == load(f"{folder}/signed{end}.json")
    else:
        assert computed == text(f"{folder}/{name}{end}.txt")


def signed_documents():
    for folder, end, _ in RUNS if vectors.folder(FOLDER) else ():
        yield vectors.case(FOLDER, f"{folder}/signed{end}.json", id=folder)


@pytest.mark.parametrize("file", list(signed_documents()))
def test_the_signed_document_verifies_but_is_bound_to_no_issuer(file):
    signed = load(file)
    findings = verify_credential(Credential.of(signed), resolver=RESOLVER, at=AT)
    assert findings.report.outcome("proof") is Outcome.PASSED
    assert findings.proof_valid
    # The issuer of these documents is not the controller of the key: another finding.
    assert [problem.code for problem in findings.report.errors] == [Code.ISSUER_MISMATCH]
    assert not findings.verified


def sets_and_chains():
    return [
        vectors.case(FOLDER, file, id=file.stem)
        for file in vectors.files(FOLDER, "TestVectors/proof-set-chain/signedProof*.json")
    ]


@pytest.mark.parametrize("file", sets_and_chains())
def test_proof_sets_and_chains_verify_and_break_with_any_of_their_proofs(file):
    document = load(f"proof-set-chain/{file.name}")
    findings = verify_proofs(document, resolver=RESOLVER, purpose="assertionMethod", at=AT)
    assert findings.valid
    proofs = document["proof"] if isinstance(document["proof"], list) else [document["proof"]]
    assert findings.controllers == {
        proof["verificationMethod"].partition("#")[0] for proof in proofs
    }
    for proof in proofs:
        broken = copy.deepcopy(document)
        others = broken["proof"] if isinstance(broken["proof"], list) else [broken["proof"]]
        victim = others[proofs.index(proof)]
        victim["created"] = victim["created"].replace("38Z", "39Z")
        assert not verify_proofs(broken, resolver=RESOLVER, purpose="assertionMethod", at=AT).valid


@pytest.mark.parametrize(
    ("signed", "options", "pairs"),
    [
        vectors.case(FOLDER, signed, options, pairs, id=f"{signed}-anew")
        for signed, options, pairs in (
            ("signedProofSet1", ["proofSetConfig1"], [1]),
            ("signedProofSet2", ["proofSetConfig1", "proofSetConfig2"], [1, 2]),
            (
                "signedProofChain1",
                ["proofSetConfig1", "proofSetConfig2", "proofChainConfig1"],
                [1, 2, 3],
            ),
            (
                "signedProofChain2",
                ["proofSetConfig1", "proofSetConfig2", "proofChainConfig1", "proofChainConfig2"],
                [1, 2, 3, 4],
            ),
        )
        if vectors.folder(FOLDER)
    ],
)
def test_proof_sets_and_chains_are_made_equal(signed, options, pairs):
    document = load("proof-set-chain/unsigned.json")
    secrets = load("proof-set-chain/multiKeyPairs.json")
    for name, number in zip(options, pairs, strict=True):
        wanted = load(f"proof-set-chain/{name}.json")
        pair = secrets[f"keyPair{number}"]
        document = add_proof(
            document,
            signer=keys.private_key_from_multikey(pair["privateKeyMultibase"]),
            verification_method=wanted["verificationMethod"],
            purpose=wanted["proofPurpose"],
            created=parse(wanted["created"]),
            proof_id=wanted.get("id"),
            previous_proof=wanted.get("previousProof"),
        )
    assert document == load(f"proof-set-chain/{signed}.json")


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        vectors.case(FOLDER, number, f"proofChainConfigSigned{number}", id=f"chain-{number}")
        for number in (1, 2)
        if vectors.folder(FOLDER)
    ]
    + [
        vectors.case(FOLDER, -number, f"proofSetConfigSigned{number}", id=f"set-{number}")
        for number in (1, 2)
        if vectors.folder(FOLDER)
    ],
)
def test_the_signed_configurations_stand_in_the_signed_documents(number, wanted):
    """The proofs of the chain and set documents, as the vectors give them one by one."""
    kind = "Chain" if number > 0 else "Set"
    document = load(f"proof-set-chain/signedProof{kind}{abs(number)}.json")
    proofs = document["proof"] if isinstance(document["proof"], list) else [document["proof"]]
    proof = load(f"proof-set-chain/{wanted}.json")
    assert proof == proofs[-1]
    names = proof.get("previousProof", [])
    names = names if isinstance(names, list) else [names]
    before = [other for other in proofs if other.get("id") in names]
    unsecured = load("proof-set-chain/unsigned.json")
    if before:
        unsecured["proof"] = before
    key = keys.from_multikey(proof["verificationMethod"].partition("#")[2])
    CRYPTOSUITES["eddsa-rdfc-2022"].verify(unsecured, proof, key, contexts=CONTEXTS)


@pytest.mark.parametrize("file", vectors.files(FOLDER, "TestVectors/Ed25519Signature2020/signed*"))
def test_the_older_type_of_proof_is_refused_by_name(file):
    signed = load(f"Ed25519Signature2020/{file.name}")
    findings = verify_proofs(signed, resolver=RESOLVER, purpose="assertionMethod", at=AT)
    assert [problem.code for problem in findings.report.errors] == [Code.NOT_SUPPORTED]
