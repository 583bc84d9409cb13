"""One secured document by itself: structure, context, proof, issuer binding, validity."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

import town
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential, Presentation
from cityid.errors import Code, InvalidInputError, RegistryError
from cityid.report import Outcome
from cityid.securing import add_proof
from cityid.verification import verify_credential, verify_presentation_envelope

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
SKIPPED, INCONCLUSIVE = Outcome.SKIPPED, Outcome.INCONCLUSIVE


def secure(document, by=None, purpose="assertionMethod", **options):
    method, signer = (by or town.office()).signer(purpose)
    return add_proof(
        document,
        signer=signer,
        verification_method=method,
        purpose=purpose,
        **{"created": town.NOW, **options},
    )


def unsigned(**members):
    return town.unsigned(town.alice()) | {"issuer": str(town.office().did)} | members


def examine(document, **options):
    around = {"resolver": town.resolver(), "at": town.NOW}
    return verify_credential(Credential.of(document), **{**around, **options})


def outcomes(findings):
    return {check.name: check.outcome for check in findings.report}


def codes(findings):
    return [problem.code for problem in findings.report.errors]


def unreachable(url, *, relationship):
    del url, relationship
    raise RegistryError("nobody answers")


class TestCredential:
    @pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
    def test_a_good_credential_passes_every_check_in_order(self, suite):
        findings = examine(secure(unsigned(), cryptosuite=suite))
        assert [(check.name, check.outcome, check.path) for check in findings.report] == [
            ("structure", PASSED, ""),
            ("context", PASSED, ""),
            ("proof", PASSED, ""),
            ("issuer_binding", PASSED, ""),
            ("validity", PASSED, ""),
        ]
        assert findings.proof_valid
        assert findings.verified
        assert findings.controllers == {str(town.office().did)}
        assert findings.credential.issuer == str(town.office().did)

    def test_a_credential_without_dates_is_verified(self):
        document = unsigned()
        del document["validFrom"]
        findings = examine(secure(document))
        assert outcomes(findings)["validity"] is SKIPPED
        assert findings.verified

    def test_a_fault_of_structure_stops_everything(self):
        document = secure(unsigned(), cryptosuite="eddsa-jcs-2022")
        del document["issuer"]
        document["credentialSubject"] = {}
        findings = examine(document)
        assert outcomes(findings) == {
            "structure": FAILED,
            "context": SKIPPED,
            "proof": SKIPPED,
            "issuer_binding": SKIPPED,
            "validity": SKIPPED,
        }
        assert not findings.proof_valid
        assert not findings.verified
        (problem,) = findings.report.errors
        assert problem.path == "/issuer"
        assert "/credentialSubject" in problem.detail

    def test_a_failed_proof_hides_what_nobody_vouches_for(self):
        document = secure(unsigned(validUntil="2027-01-02T00:00:00Z"), by=town.bob())
        document["name"] = "changed"
        findings = examine(document)
        assert outcomes(findings) == {
            "structure": PASSED,
            "context": PASSED,
            "proof": FAILED,
            "issuer_binding": SKIPPED,
            "validity": SKIPPED,
        }
        assert findings.controllers == frozenset()

    def test_an_unchecked_proof_hides_it_too(self):
        findings = examine(
            secure(unsigned()),
            resolver=SimpleNamespace(
                verification_method=unreachable, keeps_history=lambda _: False
            ),
        )
        assert outcomes(findings)["proof"] is INCONCLUSIVE
        assert outcomes(findings)["issuer_binding"] is SKIPPED
        assert outcomes(findings)["validity"] is SKIPPED
        assert not findings.proof_valid
        assert not findings.verified

    def test_a_bad_context_does_not_stop_the_proof(self):
        admitted = CONTEXTS.with_context(
            "https://city.example/terms/v1", {"@context": {"size": "https://city.example/#size"}}
        )
        contexts = [town.V2, "https://city.example/terms/v1"]
        document = secure(
            unsigned(**{"@context": contexts, "type": ["VerifiableCredential"]})
            | {"credentialSubject": {"size": "7"}},
            contexts=admitted,
        )
        assert examine(document, contexts=admitted).verified
        findings = examine(document)
        assert outcomes(findings)["context"] is FAILED
        assert outcomes(findings)["proof"] is FAILED  # its words have no meaning
        assert set(codes(findings)) == {Code.CONTEXT_NOT_ALLOWED}
        jcs = examine(secure(unsigned(), cryptosuite="eddsa-jcs-2022"), contexts=Contexts())
        assert outcomes(jcs)["context"] is FAILED
        assert outcomes(jcs)["proof"] is PASSED
        assert outcomes(jcs)["issuer_binding"] is PASSED
        assert not jcs.verified

    def test_validity_is_a_finding_of_its_own(self):
        document = secure(unsigned(validUntil="2027-03-15T00:00:00Z"))
        assert examine(document).verified
        late = examine(document, at=town.NOW + timedelta(days=1))
        assert late.proof_valid
        assert codes(late) == [Code.CREDENTIAL_EXPIRED]
        assert not late.verified
        early = secure(unsigned(validFrom="2027-03-14T09:01:00Z"))
        assert examine(early).verified
        assert codes(examine(early, skew=timedelta(0))) == [Code.CREDENTIAL_NOT_YET_VALID]

    def test_the_callers_mistakes_are_raised(self):
        with pytest.raises(InvalidInputError):
            examine(secure(unsigned()), at=datetime(2027, 1, 1))  # noqa: DTZ001 - the point


def shown(by=None, holder="alice", **options):
    document = {
        "@context": [town.V2],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [secure(unsigned())],
    }
    if holder is not None:
        document["holder"] = str(town.person(holder).did)
    bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN, "purpose": "authentication"}
    return secure(document, by or town.alice(), **{**bound, **options})


def receive(document, **options):
    around = {
        "resolver": town.resolver(),
        "at": town.NOW,
        "challenge": town.CHALLENGE,
        "domain": town.DOMAIN,
    }
    return verify_presentation_envelope(Presentation.of(document), **{**around, **options})


class TestPresentation:
    @pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
    def test_a_good_presentation_passes_every_check_in_order(self, suite):
        findings = receive(shown(cryptosuite=suite))
        names = ("structure", "context", "proof", "holder_binding", "challenge", "domain")
        assert [(check.name, check.outcome, check.path) for check in findings.report] == [
            (name, PASSED, "") for name in names
        ]
        alice = str(town.alice().did)
        assert findings.proof_valid
        assert findings.verified
        assert (findings.holder, findings.controllers) == (alice, {alice})
        assert len(findings.presentation.credentials) == 1

    def test_without_a_named_holder_the_one_controller_is_it(self):
        findings = receive(shown(holder=None))
        assert findings.verified
        assert outcomes(findings)["holder_binding"] is SKIPPED
        assert findings.holder == str(town.alice().did)

    def test_two_controllers_and_no_named_holder_are_nobody(self):
        both = shown(holder=None)
        bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN}
        both = secure(both, town.bob(), purpose="authentication", **bound)
        findings = receive(both)
        assert findings.verified
        assert findings.holder is None
        both["holder"] = "did:example:x"
        assert receive(both).holder is None

    def test_a_holder_who_proved_nothing_is_refused(self):
        assert receive(shown(by=town.bob(), holder="bob")).verified
        findings = receive(shown(by=town.bob(), holder="alice"))
        assert findings.proof_valid
        assert findings.holder is None
        assert codes(findings) == [Code.HOLDER_BINDING_FAILED]
        assert not findings.verified

    def test_a_changed_holder_is_nobody(self):
        document = shown()
        document["holder"] = str(town.bob().did)
        findings = receive(document)
        assert codes(findings) == [Code.PROOF_VERIFICATION_ERROR]
        assert outcomes(findings)["holder_binding"] is SKIPPED
        assert findings.holder is None

    @pytest.mark.parametrize(
        ("expected", "code"),
        [
            ({"challenge": "another"}, Code.INVALID_CHALLENGE_ERROR),
            ({"domain": "bank.example"}, Code.INVALID_DOMAIN_ERROR),
        ],
    )
    def test_a_presentation_for_somebody_else_is_refused(self, expected, code):
        findings = receive(shown(), **expected)
        assert codes(findings) == [code]
        assert not findings.proof_valid
        assert not findings.verified
        assert findings.holder is None

    def test_without_a_challenge_none_is_asked_for(self):
        findings = receive(shown(), challenge=None, domain=None)
        assert findings.verified
        assert outcomes(findings)["challenge"] is SKIPPED

    def test_a_fault_of_structure_stops_everything(self):
        document = shown()
        document["verifiableCredential"] = ["did:example:credential"]
        findings = receive(document)
        assert outcomes(findings) == {
            "structure": FAILED,
            "context": SKIPPED,
            "proof": SKIPPED,
            "holder_binding": SKIPPED,
            "challenge": SKIPPED,
            "domain": SKIPPED,
        }
        assert not findings.proof_valid

    def test_an_unsigned_presentation_is_refused(self):
        document = shown()
        del document["proof"]
        assert codes(receive(document)) == [Code.PARSING_ERROR]

    def test_an_exchanged_credential_is_seen(self):
        document = shown()
        document["verifiableCredential"] = [secure(unsigned(name="Another"))]
        assert codes(receive(document)) == [Code.PROOF_VERIFICATION_ERROR]

    def test_a_bad_context_is_told_beside_the_proof(self):
        admitted = CONTEXTS.with_inline()
        document = {
            "@context": [town.V2, {"note": "https://city.example/#note"}],
            "type": "VerifiablePresentation",
            "note": "for the pool",
        }
        bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN}
        document = secure(document, town.alice(), "authentication", contexts=admitted, **bound)
        assert receive(document, contexts=admitted).verified
        findings = receive(document)
        assert findings.proof_valid
        assert codes(findings) == [Code.CONTEXT_NOT_ALLOWED]
        assert not findings.verified

    def test_contexts_of_its_credentials_are_not_its_own(self):
        """A credential inside is judged by itself, with its own pointer."""
        document = shown()
        inner = copy.deepcopy(document["verifiableCredential"][0])
        inner["credentialSubject"]["@context"] = town.V2
        unproven = {name: value for name, value in document.items() if name != "proof"}
        bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN}
        again = secure(
            unproven | {"verifiableCredential": [inner]}, town.alice(), "authentication", **bound
        )
        assert receive(again).verified
        assert Code.CONTEXT_NOT_ALLOWED in codes(examine(inner))
