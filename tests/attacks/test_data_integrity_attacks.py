"""Attacks on Data Integrity proofs, each beside the honest document it was made from."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

import cityid
import town
from cityid import did
from cityid.canonical import CONTEXTS
from cityid.credential import Credential, Presentation
from cityid.encoding import Multicodec, multibase_encode, multicodec_wrap
from cityid.errors import Code
from cityid.report import Outcome
from cityid.securing import add_proof, verify_proofs
from cityid.verification import verify_credential, verify_presentation_envelope

ONE, TWO, THREE = "urn:uuid:1", "urn:uuid:2", "urn:uuid:3"


def unsigned(**members):
    return town.unsigned(town.alice()) | {"issuer": str(town.office().did)} | members


def secure(document=None, by=None, purpose="assertionMethod", **options):
    method, signer = (by or town.office()).signer(purpose)
    return add_proof(
        unsigned() if document is None else document,
        signer=signer,
        verification_method=method,
        purpose=purpose,
        **{"created": town.NOW, **options},
    )


def verify(document, **options):
    around = {"resolver": town.resolver(), "purpose": "assertionMethod", "at": town.NOW}
    return verify_proofs(document, **{**around, **options})


def examine(document, **options):
    around = {"resolver": town.resolver(), "at": town.NOW}
    return verify_credential(Credential.of(document), **{**around, **options})


def codes(findings):
    return [problem.code for problem in findings.report.errors]


def places(findings):
    return [problem.path for problem in findings.report.errors]


# --- contexts: who chooses what words mean


class TestContexts:
    """The proof can hold, but what it says is another thing."""

    def test_swapped_meanings_keep_the_proof_but_not_the_context(self):
        terms = {"givenName": "urn:example:given", "familyName": "urn:example:family"}
        inline = CONTEXTS.with_inline()
        claims = {"id": "did:example:a", "givenName": "Ann", "familyName": "Lee"}
        honest = secure(
            unsigned(**{"@context": [town.V2, terms], "type": ["VerifiableCredential"]})
            | {"credentialSubject": claims},
            contexts=inline,
        )
        assert examine(honest, contexts=inline).verified
        swapped = copy.deepcopy(honest)
        swapped["@context"][1] = {
            "givenName": "urn:example:family",
            "familyName": "urn:example:given",
        }
        swapped["credentialSubject"] = claims | {"givenName": "Lee", "familyName": "Ann"}
        findings = examine(swapped)
        assert findings.proof_valid
        assert codes(findings) == [Code.CONTEXT_NOT_ALLOWED]
        assert not findings.verified

    def test_a_context_that_changes_nothing_is_still_not_allowed(self):
        honest = secure(
            unsigned(**{"@context": [town.V2], "type": ["VerifiableCredential"]})
            | {"credentialSubject": {"id": "did:example:a", "name": "Ann"}}
        )
        assert examine(honest).verified
        more = honest | {"@context": [town.V2, {"@vocab": "https://x.example/#"}]}
        findings = examine(more)
        assert findings.proof_valid
        assert codes(findings) == [Code.CONTEXT_NOT_ALLOWED]
        assert places(findings) == ["/@context/1"]

    def test_a_nested_context_is_not_allowed(self):
        honest = secure()
        assert examine(honest).verified
        nested = copy.deepcopy(honest)
        nested["credentialSubject"]["@context"] = town.EXAMPLES
        findings = examine(nested)
        assert Code.CONTEXT_NOT_ALLOWED in codes(findings)
        assert "/credentialSubject/@context" in places(findings)
        assert not findings.verified

    def test_contexts_appended_to_a_json_proof_are_told(self):
        honest = secure(cryptosuite="eddsa-jcs-2022")
        assert examine(honest).verified
        more = copy.deepcopy(honest)
        more["@context"].append("https://w3id.org/security/data-integrity/v2")
        findings = examine(more)
        assert findings.proof_valid  # as the specification of the suite wants it
        assert codes(findings) == [Code.CONTEXT_NOT_ALLOWED]
        assert not findings.verified

    def test_contexts_taken_from_a_json_proof_are_refused(self):
        honest = secure(cryptosuite="eddsa-jcs-2022")
        assert verify(honest).valid
        less = honest | {"@context": honest["@context"][:1]}
        assert codes(verify(less)) == [Code.PROOF_VERIFICATION_ERROR]

    @pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
    def test_a_context_slipped_into_the_proof_is_refused(self, suite):
        honest = secure(cryptosuite=suite)
        assert verify(honest).valid
        forged = copy.deepcopy(honest)
        forged["proof"]["@context"] = [town.V2]
        assert codes(verify(forged)) == [Code.PROOF_VERIFICATION_ERROR]


class TestInjectedTerms:
    """What JSON-LD drops is not signed: it must never be dropped."""

    def plain(self, **members):
        document = unsigned(**{"@context": [town.V2], "type": ["VerifiableCredential"]}, **members)
        return document | {"credentialSubject": {"id": "did:example:a", "name": "Ann"}}

    @pytest.mark.parametrize("path", ["/isMayor", "/credentialSubject/isMayor", "/proof/isMayor"])
    def test_an_undefined_term_is_refused_where_it_stands(self, path):
        honest = secure(self.plain())
        assert verify(honest).valid
        forged = copy.deepcopy(honest)
        *place, name = path.split("/")[1:]
        (forged[place[0]] if place else forged)[name] = True
        findings = verify(forged)
        assert codes(findings) == [Code.DATA_LOSS_DETECTION_ERROR]
        assert places(findings) == [path]

    def test_a_relative_id_is_refused(self):
        honest = secure(self.plain(id="urn:uuid:4"))
        assert verify(honest).valid
        findings = verify(honest | {"id": "123"})
        assert codes(findings) == [Code.DATA_LOSS_DETECTION_ERROR]
        assert places(findings) == ["/id"]

    def test_a_term_injected_into_one_proof_of_a_set_is_told_there(self):
        honest = secure(secure(self.plain()), by=town.alice())
        assert verify(honest).valid
        forged = copy.deepcopy(honest)
        forged["proof"][1]["isMayor"] = True
        assert places(verify(forged)) == ["/proof/1/isMayor"]

    def test_a_poison_graph_is_refused_in_time(self):
        honest = secure()
        assert verify(honest).valid
        everybody = [{"id": f"_:b{number}"} for number in range(9)]
        clique = [{**somebody, "knows": everybody} for somebody in everybody]
        poisoned = copy.deepcopy(honest)
        poisoned["credentialSubject"]["knows"] = clique
        start = time.process_time()
        assert codes(verify(poisoned)) == [Code.COMPLEXITY_LIMIT_EXCEEDED]
        assert time.process_time() - start < 0.5


# --- J6: no proof


class TestMissingProof:
    @pytest.mark.parametrize("proof", [[], None, {}, "proof", 7, [[]], [None], ["x"], True])
    def test_what_is_no_proof_proves_nothing(self, proof):
        honest = secure()
        assert verify(honest).valid
        findings = verify(honest | {"proof": proof})
        assert not findings.valid
        expected = Code.PROOF_VERIFICATION_ERROR if proof == {} else Code.PARSING_ERROR
        assert codes(findings) == [expected]

    def test_a_document_without_proof_is_told_apart_from_a_failed_one(self):
        honest = secure()
        failed = copy.deepcopy(honest)
        failed["proof"]["created"] = "2027-03-14T08:59:59Z"
        del honest["proof"]
        assert codes(verify(honest)) == [Code.PARSING_ERROR]
        assert codes(verify(failed)) == [Code.PROOF_VERIFICATION_ERROR]

    def test_a_credential_without_proof_is_not_verified(self):
        honest = secure()
        assert examine(honest).verified
        del honest["proof"]
        findings = examine(honest)
        assert not findings.verified
        assert findings.report.outcome("issuer_binding") is Outcome.SKIPPED


# --- J8: sets and chains


def broken(proof):
    return proof | {"created": "2027-03-14T08:59:59Z"}


class TestProofSets:
    def test_one_bad_proof_spoils_the_set_wherever_it_stands(self):
        honest = secure(secure(), by=town.alice())
        first, second = honest["proof"]
        assert verify(honest).valid
        for proofs in ([first, broken(second)], [broken(first), second]):
            findings = verify(honest | {"proof": proofs})
            assert not findings.valid
            assert findings.document is None
            assert findings.controllers == frozenset()
            assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]

    def test_an_unreadable_proof_spoils_the_set(self):
        honest = secure()
        for other in ({}, None, {"type": "Ed25519Signature2020"}):
            assert not verify(honest | {"proof": [honest["proof"], other]}).valid
        assert verify(honest | {"proof": [honest["proof"]]}).valid

    def test_a_proof_of_another_purpose_spoils_the_set(self):
        mixed = secure(secure(), by=town.alice(), purpose="authentication")
        assert verify(mixed | {"proof": mixed["proof"][0]}).valid
        assert codes(verify(mixed)) == [Code.PROOF_VERIFICATION_ERROR]


class TestProofChains:
    @pytest.fixture(params=["eddsa-rdfc-2022", "eddsa-jcs-2022"])
    def chain(self, request):
        """Two proofs, a third over both, and a fourth over the third."""
        suite = {"cryptosuite": request.param}
        chain = secure(proof_id=ONE, **suite)
        chain = secure(chain, by=town.alice(), proof_id=TWO, **suite)
        chain = secure(chain, by=town.bob(), proof_id=THREE, previous_proof=[ONE, TWO], **suite)
        chain = secure(chain, by=town.foreign_office(), previous_proof=THREE, **suite)
        assert verify(chain).valid
        return chain

    @pytest.mark.parametrize("stripped", [0, 1, 2])
    def test_a_stripped_chain_is_refused(self, chain, stripped):
        del chain["proof"][stripped]
        findings = verify(chain)
        assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]
        assert findings.report.errors[0].path.endswith("/previousProof")

    def test_the_last_proof_may_go_and_with_it_its_controller(self, chain):
        """Nothing in a document tells of a proof that is gone: a policy must ask for it."""
        del chain["proof"][3]
        findings = verify(chain)
        assert findings.valid
        assert str(town.foreign_office().did) not in findings.controllers

    @pytest.mark.parametrize("victim", [0, 1, 2])
    def test_what_builds_on_a_bad_proof_is_bad(self, chain, victim):
        chain["proof"][victim] = broken(chain["proof"][victim])
        (problem,) = verify(chain).report.errors
        assert problem.code is Code.PROOF_VERIFICATION_ERROR
        assert problem.path == f"/proof/{victim}/proofValue"
        assert "/proof/3/previousProof" in problem.detail

    @pytest.mark.parametrize("names", ["urn:uuid:9", [ONE, "urn:uuid:9"]])
    def test_a_previous_proof_that_is_not_there_is_refused(self, chain, names):
        chain["proof"][2]["previousProof"] = names
        (problem,) = verify(chain).report.errors
        assert problem.code is Code.PROOF_VERIFICATION_ERROR
        assert problem.path == "/proof/2/previousProof"
        assert "not in the document" in problem.title

    def test_naming_fewer_previous_proofs_is_seen(self, chain):
        chain["proof"][2]["previousProof"] = [ONE]
        assert codes(verify(chain)) == [Code.PROOF_VERIFICATION_ERROR]

    def test_forgetting_the_previous_proof_is_seen(self, chain):
        del chain["proof"][3]["previousProof"]
        assert codes(verify(chain)) == [Code.PROOF_VERIFICATION_ERROR]

    def test_two_proofs_of_one_name_are_refused(self, chain):
        chain["proof"][1]["id"] = ONE
        findings = verify(chain)
        assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]
        assert places(findings) == ["/proof/1/id"]

    @pytest.mark.parametrize(
        "changes",
        [{0: ONE}, {0: TWO, 1: ONE}, {0: THREE}],
        ids=["itself", "each other", "around"],
    )
    def test_circles_are_refused(self, chain, changes):
        for index, name in changes.items():
            chain["proof"][index]["previousProof"] = name
        findings = verify(chain)
        assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]
        assert places(findings) == ["/proof"]


# --- J9, J10, J12: what a key may be used for


class TestPurpose:
    def test_the_proof_of_a_credential_is_no_login(self):
        honest = secure()
        assert verify(honest).valid
        findings = verify(honest, purpose="authentication")
        assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]
        assert places(findings) == ["/proof/proofPurpose"]

    def test_a_presentation_signed_to_assert_is_no_login(self):
        shown = {
            "@context": [town.V2],
            "type": ["VerifiablePresentation"],
            "verifiableCredential": [secure()],
        }
        around = {"resolver": town.resolver(), "at": town.NOW, "challenge": "c", "domain": None}
        bound = {"by": town.alice(), "challenge": "c"}
        login = secure(shown, purpose="authentication", **bound)
        assert verify_presentation_envelope(Presentation.of(login), **around).verified
        other = secure(shown, purpose="assertionMethod", **bound)
        findings = verify_presentation_envelope(Presentation.of(other), **around)
        assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]

    def test_a_rewritten_purpose_is_seen(self):
        login = secure(purpose="authentication")
        assert verify(login, purpose="authentication").valid
        login["proof"]["proofPurpose"] = "assertionMethod"
        assert codes(verify(login)) == [Code.PROOF_VERIFICATION_ERROR]


class TestRelationship:
    def document(self, relationship):
        office = town.person("registry office", "P-256")
        method = office.document.to_dict()["verificationMethod"][0]
        return {
            "@context": ["https://www.w3.org/ns/did/v1.1", "https://w3id.org/security/multikey/v1"],
            "id": str(office.did),
            "verificationMethod": [method],
            relationship: [method["id"]],
        }

    @pytest.mark.parametrize("relationship", ["keyAgreement", "authentication"])
    def test_a_key_listed_for_another_use_does_not_issue(self, relationship):
        office = town.person("registry office", "P-256")
        signed = secure(unsigned(issuer=str(office.did)), by=office, cryptosuite="ecdsa-rdfc-2019")
        for use, valid in (("assertionMethod", True), (relationship, False)):
            resolver = did.resolver(documents=[self.document(use)])
            findings = verify(signed, resolver=resolver)
            assert findings.valid is valid
        assert codes(findings) == [Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD]
        assert places(findings) == ["/proof/verificationMethod"]


class TestForgedMethod:
    def test_a_fragment_of_another_key_is_refused(self):
        """The DID is the office's, the key behind the fragment is the attacker's."""
        honest = secure()
        assert verify(honest).valid
        _, attacker = town.foreign_office().signer("assertionMethod")
        office = str(town.office().did)
        forged = add_proof(
            unsigned(),
            signer=attacker,
            verification_method=f"{office}#{attacker.public_key.multikey}",
            purpose="assertionMethod",
            created=town.NOW,
        )
        assert codes(verify(forged)) == [Code.INVALID_VERIFICATION_METHOD]

    def test_a_controller_document_of_somebody_else_is_refused(self):
        """The attacker's document lists the attacker's key as if the office controlled it."""
        attacker = town.foreign_office().document.to_dict()
        forged = copy.deepcopy(attacker)
        forged["verificationMethod"][0]["controller"] = str(town.office().did)
        signed = secure(by=town.foreign_office())
        assert verify(signed, resolver=did.resolver(documents=[attacker])).valid
        findings = verify(signed, resolver=did.resolver(documents=[forged]))
        assert codes(findings) == [Code.INVALID_VERIFICATION_METHOD]


# --- J11: who issued


class TestIssuer:
    def test_a_key_that_is_not_the_issuers_binds_nobody(self):
        assert examine(secure()).verified
        forged = secure(by=town.foreign_office())
        findings = examine(forged)
        assert findings.proof_valid  # it is a proof, of somebody
        assert codes(findings) == [Code.ISSUER_MISMATCH]
        assert not findings.verified

    def test_every_proof_must_be_the_issuers(self):
        assert examine(secure(secure(proof_id=ONE))).verified
        findings = examine(secure(secure(), by=town.foreign_office()))
        assert codes(findings) == [Code.ISSUER_MISMATCH]

    def test_an_issuer_object_is_bound_by_its_id(self):
        office = str(town.office().did)
        assert examine(secure(unsigned(issuer={"id": office, "name": "Office"}))).verified
        other = {"id": str(town.foreign_office().did), "name": office}
        assert codes(examine(secure(unsigned(issuer=other)))) == [Code.ISSUER_MISMATCH]


# --- J13: what is unknown is refused


class TestUnknown:
    @pytest.mark.parametrize(
        "suite", ["eddsa-jcs-2099", "eddsa-rdfc-2021", "EDDSA-RDFC-2022", "", "ecdsa-sd-2023"]
    )
    def test_no_suite_stands_in_for_another(self, suite):
        honest = secure()
        assert verify(honest).valid
        honest["proof"]["cryptosuite"] = suite
        findings = verify(honest)
        assert codes(findings) == [Code.NOT_SUPPORTED]
        assert findings.report.outcome("proof") is Outcome.FAILED

    @pytest.mark.parametrize(
        "kind", ["Ed25519Signature2020", "JsonWebSignature2020", "dataintegrityproof", ""]
    )
    def test_no_type_stands_in_for_another(self, kind):
        honest = secure()
        assert verify(honest).valid
        honest["proof"]["type"] = kind
        assert codes(verify(honest)) == [Code.NOT_SUPPORTED]

    def test_one_suite_is_not_read_as_its_sibling(self):
        honest = secure()
        assert verify(honest).valid
        honest["proof"]["cryptosuite"] = "eddsa-jcs-2022"
        assert codes(verify(honest)) == [Code.PROOF_VERIFICATION_ERROR]

    def test_a_kind_of_key_that_the_suite_does_not_take_is_refused(self):
        secp = town.person("registry office", "secp256k1")
        honest = secure()
        assert verify(honest).valid
        honest["proof"]["verificationMethod"] = secp.signer("assertionMethod")[0]
        assert codes(verify(honest)) == [Code.PROOF_VERIFICATION_ERROR]


# --- J15: checks that vanish


EXPIRED = """
import sys, town
from datetime import timedelta
from cityid.securing import add_proof, verify_proofs
method, signer = town.office().signer("assertionMethod")
signed = add_proof(
    town.unsigned() | {"issuer": str(town.office().did)}, signer=signer,
    verification_method=method, purpose="assertionMethod", created=town.NOW,
    expires=town.NOW + timedelta(days=1))
around = {"resolver": town.resolver(), "purpose": "assertionMethod"}
print(sys.flags.optimize, verify_proofs(signed, at=town.NOW, **around).valid)
late = verify_proofs(signed, at=town.NOW + timedelta(days=1), **around)
print(late.valid, [problem.code.name for problem in late.report.errors])
"""


class TestOptimised:
    def test_an_expired_proof_is_refused(self):
        honest = secure(expires=town.NOW + timedelta(days=1))
        assert verify(honest).valid
        assert codes(verify(honest, at=town.NOW + timedelta(days=1))) == [Code.PROOF_EXPIRED]

    @pytest.mark.parametrize("flags", [[], ["-O"], ["-OO"]])
    def test_and_so_it_is_where_python_drops_asserts(self, flags):
        run = subprocess.run(
            [sys.executable, *flags, "-c", EXPIRED],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[1],
        )
        level = len(flags[0]) - 1 if flags else 0
        assert run.stdout.split("\n")[:2] == [f"{level} True", "False ['PROOF_EXPIRED']"]

    def test_no_rule_is_an_assert(self):
        for file in Path(cityid.__file__).parent.rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree)), file


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_a_key_of_low_order_is_refused(point):
    """Under such a key there are signatures that hold for many documents."""
    honest = secure()
    assert verify(honest).valid
    weak = multibase_encode(multicodec_wrap(Multicodec("ed25519-pub"), point), "base58btc")
    honest["proof"]["verificationMethod"] = f"did:key:{weak}#{weak}"
    honest["proof"]["proofValue"] = multibase_encode(b"\x01" + bytes(63), "base58btc")
    findings = verify(honest)
    assert not findings.valid
    assert places(findings) == ["/proof/verificationMethod"]
