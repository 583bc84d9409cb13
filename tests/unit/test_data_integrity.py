"""Adding proofs to documents, and verifying all that a document has."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

import town
from cityid import did
from cityid.canonical import CONTEXTS, Contexts
from cityid.cryptosuites import CRYPTOSUITES
from cityid.errors import (
    Code,
    InvalidInputError,
    ProofGenerationError,
    RegistryError,
    UnsupportedError,
)
from cityid.report import Outcome
from cityid.securing import add_proof, verify_proofs
from cityid.securing.proof import MOST_PROOFS
from cityid.timestamp import write

SUITES = ["eddsa-rdfc-2022", "eddsa-jcs-2022"]
CHECKS = ["proof", "challenge", "domain"]


def unsigned():
    return town.unsigned(town.alice()) | {"issuer": str(town.office().did)}


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


def faults(findings):
    return [(problem.code, problem.path) for problem in findings.report.errors]


class TestAddProof:
    @pytest.mark.parametrize("suite", SUITES)
    def test_the_proof_is_added_and_verifies(self, suite):
        document = unsigned()
        secured = secure(document, cryptosuite=suite)
        assert "proof" not in document
        assert {name: secured[name] for name in document} == document
        assert secured["proof"]["cryptosuite"] == suite
        findings = verify(secured)
        assert findings.valid
        assert findings.document == document
        assert findings.controllers == {str(town.office().did)}
        assert [proof.path for proof in findings.proofs] == ["/proof"]
        assert [check.name for check in findings.report] == CHECKS

    def test_every_option_is_in_the_proof_and_signed(self):
        options = {
            "expires": town.NOW + timedelta(days=1),
            "challenge": town.CHALLENGE,
            "domain": ["pool.city.example", "gym.city.example"],
            "nonce": "b25jZQ",
            "proof_id": "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544",
        }
        secured = secure(**options)
        proof = secured["proof"]
        assert proof["created"] == write(town.NOW)
        assert proof["expires"] == "2027-03-15T09:00:00Z"
        assert proof["challenge"] == town.CHALLENGE
        assert proof["domain"] == ["pool.city.example", "gym.city.example"]
        assert proof["nonce"] == "b25jZQ"
        assert proof["id"] == "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544"
        assert verify(secured).valid
        for name in ("created", "expires", "challenge", "domain", "nonce", "id"):
            less = copy.deepcopy(secured)
            del less["proof"][name]
            assert not verify(less).valid, name

    def test_without_a_time_there_is_no_created(self):
        secured = secure(created=None)
        assert "created" not in secured["proof"]
        assert verify(secured).valid

    def test_further_proofs_make_a_set_and_then_a_chain(self):
        first = secure(proof_id="urn:uuid:1")
        second = secure(first, by=town.foreign_office(), proof_id="urn:uuid:2")
        third = secure(second, by=town.alice(), previous_proof="urn:uuid:1")
        fourth = secure(third, by=town.bob(), previous_proof=["urn:uuid:1", "urn:uuid:2"])
        assert len(fourth["proof"]) == 4
        assert fourth["proof"][:3] == third["proof"]
        for document in (first, second, third, fourth):
            assert verify(document).valid
        people = (town.office(), town.foreign_office(), town.alice(), town.bob())
        assert verify(fourth).controllers == {str(person.did) for person in people}

    @pytest.mark.parametrize("suite", SUITES)
    def test_proofs_of_a_chain_may_stand_in_any_order(self, suite):
        chain = secure(proof_id="urn:uuid:1", cryptosuite=suite)
        chain = secure(chain, previous_proof="urn:uuid:1", cryptosuite=suite)
        chain["proof"].reverse()
        assert verify(chain).valid

    @pytest.mark.parametrize("suite", SUITES)
    def test_a_chained_proof_covers_the_proofs_it_names(self, suite):
        chain = secure(proof_id="urn:uuid:1", cryptosuite=suite)
        chain = secure(chain, previous_proof="urn:uuid:1", cryptosuite=suite)
        other = secure(
            proof_id="urn:uuid:1", cryptosuite=suite, created=town.NOW - timedelta(days=1)
        )
        exchanged = {**chain, "proof": [other["proof"], chain["proof"][1]]}
        assert verify(other).valid
        assert faults(verify(exchanged)) == [(Code.PROOF_VERIFICATION_ERROR, "/proof/1/proofValue")]

    def test_jcs_secures_documents_that_are_no_json_ld(self):
        document = {"versionId": "1-z", "state": {"n": 1.5, "deep": [None, True]}}
        secured = secure(document, cryptosuite="eddsa-jcs-2022")
        assert verify(secured).valid
        secured["state"]["n"] = 2
        assert not verify(secured).valid

    def test_a_suite_that_does_not_exist_is_told_with_those_that_do(self):
        with pytest.raises(UnsupportedError) as caught:
            secure(cryptosuite="eddsa-jcs-2099")
        assert caught.value.known == tuple(CRYPTOSUITES)

    @pytest.mark.parametrize(
        ("document", "options", "code", "path"),
        [
            ("text", {}, Code.PROOF_GENERATION_ERROR, ""),
            ({"proof": 7}, {}, Code.PROOF_GENERATION_ERROR, "/proof"),
            ({"proof": [{}, "x"]}, {}, Code.PROOF_GENERATION_ERROR, "/proof"),
            ({"proof": [{}] * MOST_PROOFS}, {}, Code.PROOF_GENERATION_ERROR, "/proof"),
            (
                {"proof": {"id": "urn:uuid:1"}},
                {"proof_id": "urn:uuid:1"},
                Code.PROOF_GENERATION_ERROR,
                "/proof",
            ),
            (None, {"previous_proof": "urn:uuid:9"}, Code.PROOF_GENERATION_ERROR, "/proof"),
            (
                {"proof": {"id": "urn:uuid:1"}},
                {"previous_proof": ["urn:uuid:1", "urn:uuid:9"]},
                Code.PROOF_GENERATION_ERROR,
                "/proof",
            ),
            (None, {"previous_proof": []}, Code.PROOF_GENERATION_ERROR, ""),
            (None, {"domain": []}, Code.PROOF_GENERATION_ERROR, ""),
            ({"@context": town.V2, "x": 1}, {}, Code.DATA_LOSS_DETECTION_ERROR, "/x"),
            (None, {"contexts": Contexts()}, Code.CONTEXT_NOT_ALLOWED, ""),
            ({"@context": []}, {}, Code.DATA_LOSS_DETECTION_ERROR, "/proof/type"),
            (None, {"cryptosuite": "ecdsa-rdfc-2019"}, Code.PROOF_GENERATION_ERROR, "/proof"),
        ],
    )
    def test_what_cannot_be_signed_is_told(self, document, options, code, path):
        with pytest.raises(ProofGenerationError) as caught:
            secure(document, **options)
        assert caught.value.code is code
        assert caught.value.path == path

    def test_a_naive_time_is_the_callers_fault(self):
        with pytest.raises(InvalidInputError) as caught:
            secure(created=datetime(2027, 1, 1))  # noqa: DTZ001 - the point
        assert caught.value.code is Code.INVALID_OPTIONS

    def test_a_suite_of_ones_own_is_passed_as_an_argument(self):
        suite = Echo()
        suites = {**CRYPTOSUITES, suite.name: suite}
        secured = secure(cryptosuite=suite.name, suites=suites)
        assert verify(secured, suites=suites).valid
        assert faults(verify(secured)) == [(Code.NOT_SUPPORTED, "/proof")]

    def test_a_suite_must_keep_the_options(self):
        suite = Echo(challenge="another")
        with pytest.raises(ProofGenerationError):
            secure(cryptosuite=suite.name, suites={suite.name: suite}, challenge="mine")


class Echo:
    """A cryptosuite that proves nothing, as a third party could write one."""

    name = "echo-2027"
    key_types = frozenset(("Ed25519",))

    def __init__(self, **changes):
        self.changes = changes

    def create(self, document, options, signer, *, contexts):
        del document, signer, contexts
        return {**options, "proofValue": "z1", **self.changes}

    def verify(self, document, proof, key, *, contexts):
        pass


class TestTimes:
    def test_a_proof_of_the_future_is_refused_beyond_the_skew(self):
        secured = secure(created=town.NOW + timedelta(seconds=60))
        assert verify(secured).valid
        assert verify(secured, skew=timedelta(seconds=60)).valid
        assert faults(verify(secured, skew=timedelta(seconds=59))) == [
            (Code.PROOF_NOT_YET_VALID, "/proof/created")
        ]

    def test_a_proof_ends_when_it_expires(self):
        secured = secure(expires=town.NOW + timedelta(days=1))
        assert verify(secured).valid
        assert faults(verify(secured, at=town.NOW + timedelta(days=1))) == [
            (Code.PROOF_EXPIRED, "/proof/expires")
        ]

    @pytest.mark.parametrize(
        ("member", "code"), [("expires", Code.KEY_EXPIRED), ("revoked", Code.KEY_REVOKED)]
    )
    def test_a_key_ends_when_it_expires_or_is_revoked(self, member, code):
        document = town.office().document.to_dict()
        document["verificationMethod"][0][member] = "2027-03-14T09:00:00Z"
        resolver = did.resolver(documents=[document])
        before = town.NOW - timedelta(seconds=1)
        secured = secure(created=before)
        assert verify(secured, resolver=resolver, at=before).valid
        assert faults(verify(secured, resolver=resolver)) == [(code, "/proof/verificationMethod")]

    def test_judgement_needs_an_aware_time(self):
        with pytest.raises(InvalidInputError):
            verify(secure(), at=datetime(2027, 1, 1))  # noqa: DTZ001 - the point


class TestChallengeAndDomain:
    def test_they_are_skipped_where_nothing_is_expected(self):
        findings = verify(secure(challenge="c", domain="d"))
        assert findings.valid
        assert findings.report.outcome("challenge") is Outcome.SKIPPED
        assert findings.report.outcome("domain") is Outcome.SKIPPED

    def test_the_challenge_is_exact(self):
        secured = secure(challenge="abc")
        assert verify(secured, challenge="abc").report.outcome("challenge") is Outcome.PASSED
        for other in ("ab", "abcd", "ABC"):
            findings = verify(secured, challenge=other)
            assert not findings.valid
            assert faults(findings) == [(Code.INVALID_CHALLENGE_ERROR, "/proof/challenge")]
        assert faults(verify(secure(), challenge="abc")) == [
            (Code.INVALID_CHALLENGE_ERROR, "/proof/challenge")
        ]

    @pytest.mark.parametrize(
        ("made_for", "expected", "valid"),
        [
            ("a.example", "a.example", True),
            ("a.example", ["a.example"], True),
            (["a.example"], "a.example", True),
            (["a.example", "b.example"], {"b.example", "a.example"}, True),
            (["a.example", "b.example"], ("a.example", "b.example"), True),
            (["a.example", "b.example"], "a.example", False),
            ("a.example", ["a.example", "b.example"], False),
            ("a.example", "b.example", False),
            ("a.example", "a.exampl", False),
            (None, "a.example", False),
        ],
    )
    def test_domains_are_sets(self, made_for, expected, valid):
        findings = verify(secure(domain=made_for), domain=expected)
        assert findings.valid is valid
        wanted = [] if valid else [(Code.INVALID_DOMAIN_ERROR, "/proof/domain")]
        assert faults(findings) == wanted

    def test_every_proof_of_a_set_must_answer(self):
        both = secure(secure(challenge="c"), by=town.alice(), challenge="c")
        assert verify(both, challenge="c").valid
        one = secure(secure(challenge="c"), by=town.alice())
        assert faults(verify(one, challenge="c")) == [
            (Code.INVALID_CHALLENGE_ERROR, "/proof/1/challenge")
        ]

    @pytest.mark.parametrize(
        "options",
        [
            {"challenge": ""},
            {"domain": ""},
            {"domain": []},
            {"domain": ["a.example", ""]},
            {"challenge": 7},
            {"domain": [7]},
            {"domain": 7},
        ],
    )
    def test_expecting_nothing_by_mistake_is_the_callers_fault(self, options):
        with pytest.raises(InvalidInputError) as caught:
            verify(secure(challenge="c", domain="d"), **options)
        assert caught.value.code is Code.INVALID_OPTIONS


class TestKeys:
    def test_the_controller_document_may_be_in_hand(self):
        """A controller need not be a DID: any URL whose document is in hand will do."""
        url = "https://office.city.example/keys"
        _, signer = town.office().signer("assertionMethod")
        document = {
            "@context": ["https://www.w3.org/ns/cid/v1"],
            "id": url,
            "verificationMethod": [
                {
                    "id": f"{url}#1",
                    "type": "Multikey",
                    "controller": url,
                    "publicKeyMultibase": signer.public_key.multikey,
                }
            ],
            "assertionMethod": ["#1"],
        }
        secured = add_proof(
            unsigned(), signer=signer, verification_method=f"{url}#1", purpose="assertionMethod"
        )
        findings = verify(secured, resolver=did.resolver(documents=[document]))
        assert findings.controllers == {url}
        assert faults(verify(secured)) == [(Code.NOT_FOUND, "/proof")]

    def test_a_world_that_fails_is_not_a_proof_that_fails(self):
        secured = secure()
        findings = verify(
            secured,
            resolver=SimpleNamespace(
                verification_method=unreachable, keeps_history=lambda _: False
            ),
        )
        assert not findings.valid
        assert findings.document is None
        assert findings.report.outcome("proof") is Outcome.INCONCLUSIVE
        assert findings.report.outcome("challenge") is Outcome.SKIPPED
        assert faults(findings) == [(Code.REGISTRY_UNAVAILABLE, "/proof")]

    def test_a_proof_that_fails_outweighs_one_that_could_not_be_checked(self):
        def half(url, *, relationship):
            if url.startswith(str(town.alice().did)):
                return unreachable(url, relationship=relationship)
            return town.resolver().verification_method(url, relationship=relationship)

        resolver = SimpleNamespace(verification_method=half, keeps_history=lambda _: False)
        both = secure(secure(), by=town.alice())
        assert verify(both, resolver=resolver).report.outcome("proof") is Outcome.INCONCLUSIVE
        both["proof"][0]["created"] = "2027-03-14T08:00:00Z"
        findings = verify(both, resolver=resolver)
        assert findings.report.outcome("proof") is Outcome.FAILED
        assert faults(findings) == [(Code.PROOF_VERIFICATION_ERROR, "/proof/0/proofValue")]


def unreachable(url, *, relationship):
    del url, relationship
    raise RegistryError("nobody answers")


class TestMalformedProofs:
    @pytest.mark.parametrize(
        "name",
        ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"],
    )
    def test_a_missing_member_is_told(self, name):
        secured = secure()
        del secured["proof"][name]
        findings = verify(secured)
        assert faults(findings) == [(Code.PROOF_VERIFICATION_ERROR, f"/proof/{name}")]
        assert not findings.valid

    @pytest.mark.parametrize("value", [None, 7, True, [], {}, ["x", 7], {"a": {"b": []}}])
    @pytest.mark.parametrize(
        "name",
        [
            "type",
            "cryptosuite",
            "verificationMethod",
            "proofPurpose",
            "proofValue",
            "id",
            "challenge",
            "nonce",
            "created",
            "expires",
            "domain",
            "previousProof",
        ],
    )
    def test_a_member_of_a_wrong_type_is_told(self, name, value):
        secured = secure(cryptosuite="eddsa-jcs-2022")
        secured["proof"][name] = value
        assert faults(verify(secured)) == [(Code.PROOF_VERIFICATION_ERROR, f"/proof/{name}")]

    @pytest.mark.parametrize("name", ["created", "expires"])
    @pytest.mark.parametrize(
        "text", ["not-a-date", "2027-02-30T00:00:00Z", "2027-01-01T00:00:00", "2027-01-01", ""]
    )
    def test_times_are_strict(self, name, text):
        secured = secure(cryptosuite="eddsa-jcs-2022")
        secured["proof"][name] = text
        assert faults(verify(secured)) == [(Code.PROOF_VERIFICATION_ERROR, f"/proof/{name}")]

    @pytest.mark.parametrize("document", [None, 7, "text", [], ["proof"]])
    def test_only_an_object_is_a_document(self, document):
        assert faults(verify(document)) == [(Code.PARSING_ERROR, "/proof")]

    def test_too_many_proofs_are_not_even_looked_at(self):
        secured = secure()
        secured["proof"] = [secured["proof"]] * MOST_PROOFS
        assert verify(secured).valid
        secured["proof"] = [*secured["proof"], secured["proof"][0]]
        assert faults(verify(secured)) == [(Code.COMPLEXITY_LIMIT_EXCEEDED, "/proof")]

    def test_every_bad_proof_is_told(self):
        both = secure(secure(), by=town.alice())
        for proof in both["proof"]:
            proof["created"] = "2027-03-14T08:00:00Z"
        (problem,) = verify(both).report.errors
        assert problem.path == "/proof/0/proofValue"
        assert "/proof/1/proofValue" in problem.detail

    def test_findings_hold_nothing_but_what_is_secured(self):
        secured = secure()
        secured["proof"]["created"] = "2027-03-14T08:00:00Z"
        findings = verify(secured)
        assert findings.document is None
        assert findings.controllers == frozenset()


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = {
    "bytes": b"x",
    "tuple": ("x",),
    "set": {"x"},
    "not a number": float("nan"),
    "huge": 10**400,
    "surrogate": "\ud800",
    "deep": nested(5000),
    "object": object(),
    "keys": {7: "x"},
    "long": "x" * 100_000,
}


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
class TestHostileValues:
    """Nothing that is passed as a document makes the verification raise, or hold."""

    def test_in_the_document(self, suite, value):
        secured = secure(cryptosuite=suite)
        for name in ("name", "@context", "credentialSubject", "new"):
            assert not verify({**secured, name: value}).valid
        assert not verify({**secured, "credentialSubject": {"alumniOf": {"name": value}}}).valid

    def test_in_the_context_of_both(self, suite, value):
        secured = secure(cryptosuite=suite)
        context = [*secured["@context"], value]
        proof = secured["proof"] | {"@context": [*context]}
        assert not verify(secured | {"@context": context, "proof": proof}).valid

    def test_in_the_proof(self, suite, value):
        secured = secure(cryptosuite=suite)
        assert verify(secured).valid
        for name in [*secured["proof"], "id", "domain", "expires", "new", "@context"]:
            assert not verify(secured | {"proof": secured["proof"] | {name: value}}).valid, name

    def test_as_the_proof(self, suite, value):
        secured = secure(cryptosuite=suite)
        assert not verify(secured | {"proof": value}).valid
        assert not verify(secured | {"proof": [secured["proof"], value]}).valid


class TestSecuredContexts:
    def test_only_contexts_that_were_signed_are_in_the_secured_document(self):
        secured = secure(cryptosuite="eddsa-jcs-2022")
        context = secured["@context"]
        secured["@context"] = [*context, "https://w3id.org/security/data-integrity/v2"]
        findings = verify(secured)
        assert findings.valid
        assert findings.document["@context"] == context

    def test_a_second_proof_over_more_contexts_secures_them(self):
        secured = secure(cryptosuite="eddsa-jcs-2022")
        more = [*secured["@context"], "https://w3id.org/security/data-integrity/v2"]
        secured = secure(secured | {"@context": more}, by=town.alice())
        assert verify(secured).document["@context"] == more


def test_documents_and_options_are_never_changed():
    secured = secure(secure(proof_id="urn:uuid:1"), by=town.alice(), previous_proof="urn:uuid:1")
    before = json.dumps(secured)
    assert verify(secured, contexts=CONTEXTS).valid
    assert json.dumps(secured) == before


def test_utc_is_not_needed_only_an_offset():
    assert verify(secure(), at=town.NOW.astimezone(UTC)).valid
