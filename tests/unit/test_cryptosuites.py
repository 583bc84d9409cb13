"""The table of cryptosuites, and the steps that the suites share."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cityid.cryptosuites
import town
from cityid import keys
from cityid.canonical import CONTEXTS
from cityid.cryptosuites import CRYPTOSUITES, suite_for
from cityid.cryptosuites.base import as_list, same_json
from cityid.encoding import multibase_decode, multibase_encode
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.keys import KeyType

PAIRS = [
    ("eddsa-rdfc-2022", "Ed25519"),
    ("eddsa-jcs-2022", "Ed25519"),
    ("ecdsa-rdfc-2019", "P-256"),
    ("ecdsa-rdfc-2019", "P-384"),
    ("ecdsa-jcs-2019", "P-256"),
    ("ecdsa-jcs-2019", "P-384"),
]
SIZES = {"Ed25519": 64, "P-256": 64, "P-384": 96}


def signer(key_type):
    return town.person("registry office", key_type).signer("assertionMethod")[1]


def document():
    return town.unsigned(town.alice()) | {"issuer": str(town.office().did)}


def options(suite, **more):
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "verificationMethod": "did:example:office#key",
        "proofPurpose": "assertionMethod",
        **more,
    }


def signed(suite, key_type):
    return CRYPTOSUITES[suite].create(
        document(), options(suite), signer(key_type), contexts=CONTEXTS
    )


def refused(call, code=Code.PROOF_VERIFICATION_ERROR, path="/proof"):
    with pytest.raises(InvalidInputError) as caught:
        call()
    assert (caught.value.code, caught.value.path) == (code, path)
    return str(caught.value)


def test_the_table_is_read_only_and_keyed_by_name():
    assert list(CRYPTOSUITES) == list(dict.fromkeys(name for name, _ in PAIRS))
    assert all(suite.name == name for name, suite in CRYPTOSUITES.items())
    with pytest.raises(TypeError):
        CRYPTOSUITES["none"] = None


def test_suites_never_import_each_other():
    folder = Path(cityid.cryptosuites.__file__).parent
    for file in folder.glob("*_20*.py"):
        imports = [
            node.module
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        ]
        assert imports == ["__future__", "cityid.cryptosuites.base", "cityid.keys"], file.name


@pytest.mark.parametrize(("suite", "key_type"), PAIRS)
def test_a_proof_verifies_with_its_key_and_with_no_other(suite, key_type):
    proof = signed(suite, key_type)
    assert len(multibase_decode(proof["proofValue"])) == SIZES[key_type]
    assert proof["proofValue"].startswith("z")
    key = signer(key_type).public_key
    CRYPTOSUITES[suite].verify(document(), proof, key, contexts=CONTEXTS)
    other = town.person("foreign office", key_type).signer("assertionMethod")[1].public_key
    verify = CRYPTOSUITES[suite].verify
    refused(lambda: verify(document(), proof, other, contexts=CONTEXTS), path="/proof/proofValue")


@pytest.mark.parametrize(("suite", "key_type"), PAIRS)
def test_signatures_are_deterministic(suite, key_type):
    assert signed(suite, key_type) == signed(suite, key_type)


@pytest.mark.parametrize(("key_type", "size"), [("P-256", 32), ("P-384", 48)])
@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
def test_the_curve_of_the_key_chooses_the_hash(suite, key_type, size):
    data = CRYPTOSUITES[suite].hash_data(
        document(), options(suite), key_type=KeyType(key_type), contexts=CONTEXTS
    )
    assert len(data) == 2 * size


@pytest.mark.parametrize(
    ("suite", "key_type"),
    [("eddsa-rdfc-2022", "P-256"), ("ecdsa-jcs-2019", "Ed25519"), ("ecdsa-rdfc-2019", "secp256k1")],
)
def test_a_key_of_another_kind_neither_signs_nor_verifies(suite, key_type):
    key = keys.generate(key_type, seed=bytes(31) + b"\x07")
    told = refused(
        lambda: CRYPTOSUITES[suite].create(document(), options(suite), key, contexts=CONTEXTS),
        Code.PROOF_GENERATION_ERROR,
    )
    assert key_type in told
    good = "Ed25519" if suite.startswith("eddsa") else "P-256"
    proof = signed(suite, good)
    verify = CRYPTOSUITES[suite].verify
    refused(lambda: verify(document(), proof, key.public_key, contexts=CONTEXTS))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Ed25519Signature2020"},
        {"cryptosuite": "eddsa-jcs-2022"},
        {"type": None},
        {"cryptosuite": ["eddsa-rdfc-2022"]},
    ],
)
def test_a_suite_takes_only_its_own_proofs(change):
    suite = CRYPTOSUITES["eddsa-rdfc-2022"]
    key = signer("Ed25519").public_key
    proof = signed("eddsa-rdfc-2022", "Ed25519")
    suite.verify(document(), proof, key, contexts=CONTEXTS)
    refused(lambda: suite.verify(document(), proof | change, key, contexts=CONTEXTS))


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        ["z1"],
        "",
        "z",
        "z0OIl",
        "u" + "A" * 86,
        "z" + "1" * 500,
        "z" + "2" * 88,
        "f" + "00" * 64,
    ],
)
def test_proof_values_of_another_form_are_refused(value):
    suite = CRYPTOSUITES["eddsa-jcs-2022"]
    proof = signed("eddsa-jcs-2022", "Ed25519") | {"proofValue": value}
    key = signer("Ed25519").public_key
    refused(
        lambda: suite.verify(document(), proof, key, contexts=CONTEXTS), path="/proof/proofValue"
    )


def test_a_proof_value_in_another_base_is_refused_though_its_bytes_are_right():
    suite = CRYPTOSUITES["eddsa-jcs-2022"]
    proof = signed("eddsa-jcs-2022", "Ed25519")
    raw = multibase_decode(proof["proofValue"])
    proof["proofValue"] = multibase_encode(raw, "base64url")
    key = signer("Ed25519").public_key
    refused(
        lambda: suite.verify(document(), proof, key, contexts=CONTEXTS), path="/proof/proofValue"
    )


class TestContexts:
    def test_a_jcs_proof_carries_the_context_of_its_document(self):
        proof = signed("eddsa-jcs-2022", "Ed25519")
        assert proof["@context"] == document()["@context"]

    def test_a_jcs_proof_of_a_document_without_context_has_none(self):
        suite = CRYPTOSUITES["eddsa-jcs-2022"]
        plain = {"state": {"n": 1}}
        proof = suite.create(plain, options(suite.name), signer("Ed25519"), contexts=CONTEXTS)
        assert "@context" not in proof
        suite.verify(plain, proof, signer("Ed25519").public_key, contexts=CONTEXTS)

    def test_a_document_may_have_contexts_beyond_those_of_a_jcs_proof(self):
        suite = CRYPTOSUITES["eddsa-jcs-2022"]
        proof = signed("eddsa-jcs-2022", "Ed25519")
        key = signer("Ed25519").public_key
        more = document()
        more["@context"] = [*more["@context"], "https://w3id.org/security/data-integrity/v2"]
        suite.verify(more, proof, key, contexts=CONTEXTS)

    @pytest.mark.parametrize(
        "context",
        [
            [town.EXAMPLES, town.V2],
            [town.V2],
            town.V2,
            [],
            None,
            ["https://w3id.org/security/data-integrity/v2", town.V2, town.EXAMPLES],
            {"0": town.V2},
        ],
    )
    def test_but_must_begin_with_them_in_order(self, context):
        suite = CRYPTOSUITES["eddsa-jcs-2022"]
        proof = signed("eddsa-jcs-2022", "Ed25519")
        other = document() | {"@context": context}
        key = signer("Ed25519").public_key
        refused(lambda: suite.verify(other, proof, key, contexts=CONTEXTS), path="/proof/@context")

    def test_an_rdfc_proof_may_repeat_the_context_but_not_change_it(self):
        suite = CRYPTOSUITES["eddsa-rdfc-2022"]
        proof = signed("eddsa-rdfc-2022", "Ed25519")
        assert "@context" not in proof
        key = signer("Ed25519").public_key
        same = proof | {"@context": document()["@context"]}
        suite.verify(document(), same, key, contexts=CONTEXTS)
        other = proof | {"@context": [town.V2]}
        refused(
            lambda: suite.verify(document(), other, key, contexts=CONTEXTS),
            path="/proof/@context",
        )

    def test_a_document_without_context_has_no_canonical_rdf(self):
        suite = CRYPTOSUITES["eddsa-rdfc-2022"]
        with pytest.raises(InvalidInputError):
            suite.create({"a": 1}, options(suite.name), signer("Ed25519"), contexts=CONTEXTS)


def test_what_is_lost_is_told_where_it_stands():
    suite = CRYPTOSUITES["eddsa-rdfc-2022"]
    plain = document() | {"@context": [town.V2], "type": ["VerifiableCredential"]}
    plain["credentialSubject"] = {"id": str(town.alice().did)}

    def create(document, **more):
        made = options(suite.name, **more)
        return suite.create(document, made, signer("Ed25519"), contexts=CONTEXTS)

    assert create(plain)
    lost = Code.DATA_LOSS_DETECTION_ERROR
    refused(lambda: create(plain | {"isMayor": True}), lost, "/isMayor")
    refused(lambda: create(plain, isMayor=True), lost, "/proof/isMayor")


def test_json_values_are_the_same_only_where_their_types_are():
    assert same_json(["a", "b"], ["a", "b"])
    assert same_json([{"a": 1}], [{"a": 1}])
    assert same_json(None, None)
    assert not same_json(["a"], ["b"])
    assert not same_json([{"@protected": True}], [{"@protected": 1}])


def test_one_item_abbreviates_a_list():
    assert as_list(None) == []
    assert as_list("a") == ["a"]
    assert as_list(["a"]) == ["a"]


@pytest.mark.parametrize(("suite", "key_type"), PAIRS)
def test_a_key_has_a_suite_over_each_canonical_form(suite, key_type):
    form = "jcs" if "jcs" in suite else "rdfc"
    assert suite_for(KeyType(key_type), form=form) == suite


@pytest.mark.parametrize("form", ["rdfc", "jcs"])
def test_a_key_that_no_suite_takes_is_told(form):
    with pytest.raises(UnsupportedError, match="no cryptosuite signs with a key of type secp"):
        suite_for(KeyType.SECP256K1, form=form)
