from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import cityid
import town
from cityid import policy
from cityid.cryptosuites import CRYPTOSUITES
from cityid.errors import Code, InvalidInputError, RegistryError
from cityid.nonces import MemoryNonces
from cityid.policy import Verdict
from cityid.report import Outcome
from cityid.result import CHECKS
from cityid.status.cache import HOLD, Fetched


def credential(subject=None, *, by=None, **claims):
    unsigned = town.unsigned(subject or town.alice(), **claims)
    return cityid.issue(unsigned, by=by or town.office(), at=town.NOW)


def presentation(*credentials, by=None, challenge=town.CHALLENGE, domain=town.DOMAIN):
    return cityid.present(
        credentials, by=by or town.alice(), challenge=challenge, domain=domain, at=town.NOW
    )


OFFICE = policy.IssuedBy({town.office().did})


def verify(document, asked=OFFICE, **options):
    environment = {"resolver": town.resolver(), "at": town.NOW, "policy": asked}
    return cityid.verify(document, **(environment | options))


def verify_presented(document, asked=OFFICE, **options):
    bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN}
    return verify(document, asked, **(bound | options))


def check(result, name, path=""):
    (found,) = [c for c in result.checks if (c.name, c.path) == (name, path)]
    return found


def code(result, name, path=""):
    return check(result, name, path).problem.code


def test_a_credential_is_verified_and_permitted():
    result = verify(credential())
    assert result
    assert result.verified
    assert result.proof_valid
    assert result.decision.verdict is Verdict.PERMIT
    assert result.errors == ()
    assert result.require().claim("/credentialSubject/alumniOf") == "The School of Examples"
    outcomes = {c.name: c.outcome for c in result.checks}
    skipped = {name for name, outcome in outcomes.items() if outcome is Outcome.SKIPPED}
    assert skipped == {"holder_binding", "challenge", "domain", "schema", "status"}


@pytest.mark.parametrize("form", ["mapping", "text", "bytes", "view"])
def test_every_form_of_a_document_is_taken(form):
    signed = credential()
    document = {
        "mapping": signed.to_dict(),
        "text": signed.to_json(),
        "bytes": signed.to_json().encode(),
        "view": signed,
    }[form]
    assert verify(document)


def test_the_checks_come_in_the_order_of_the_pipeline():
    result = verify_presented(presentation(credential(), credential()))
    names = [c.name for c in result.checks if not c.name.startswith("policy.")]
    assert names == sorted(names, key=CHECKS.index)
    assert set(names) == set(CHECKS)


def test_a_presentation_tells_its_holder():
    result = verify_presented(
        presentation(credential()), policy.AllOf(OFFICE, policy.HolderBound())
    )
    facts = result.require()
    assert facts.holder == str(town.alice().did)
    assert facts.domain == town.DOMAIN
    assert facts.credentials[0].path == "/verifiableCredential/0"


def test_a_single_embedded_credential_has_a_path_without_index():
    alone = presentation(credential()).to_dict()
    alone["verifiableCredential"] = alone["verifiableCredential"][0]
    result = verify_presented(alone)
    assert check(result, "proof", "/verifiableCredential").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{", Code.PARSING_ERROR),
        (b"\xff", Code.PARSING_ERROR),
        ('{"a":1,"a":2}', Code.DUPLICATE_KEY),
        ("[]", Code.PARSING_ERROR),
        ({"a": float("nan")}, Code.NUMBER_OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_raised(document, expected):
    result = verify(document)
    assert not result
    assert result.decision.verdict is Verdict.DENY
    assert [problem.code for problem in result.errors] == [expected]
    assert not result.proof_valid


def test_a_policy_must_name_whom_to_believe():
    for nobody in (policy.HasType("X"), policy.Not(policy.IssuedBy({"did:x:y"}))):
        with pytest.raises(InvalidInputError, match="nobody to believe"):
            verify(credential(), nobody)
    assert verify(credential(), policy.UnsafeAnyIssuer())


def test_an_issuer_that_the_policy_does_not_believe_is_not_trusted():
    result = verify(credential(by=town.foreign_office()))
    assert result.proof_valid
    assert not result.verified
    assert code(result, "trust") is Code.ISSUER_NOT_TRUSTED
    assert result.decision.verdict is Verdict.DENY
    assert result.facts is None


def test_a_policy_that_denies_leaves_the_document_verified():
    asked = policy.AllOf(OFFICE, policy.Claim("/credentialSubject/alumniOf", equals="Elsewhere"))
    result = verify(credential(), asked)
    assert result.verified
    assert not result
    assert result.decision.verdict is Verdict.DENY
    assert code(result, "policy.claim", "/credentialSubject/alumniOf") is Code.POLICY_DENIED
    with pytest.raises(cityid.VerificationError) as caught:
        result.require()
    assert caught.value.result is result
    assert caught.value.code is Code.NOT_VERIFIED


def test_a_tampered_credential_stops_everything_after_the_proof():
    forged = credential().to_dict()
    forged["credentialSubject"]["alumniOf"] = "Nowhere"
    result = verify(forged)
    assert check(result, "proof").outcome is Outcome.FAILED
    after = ["issuer_binding", "validity", "schema", "status", "trust"]
    assert {check(result, name).outcome for name in after} == {Outcome.SKIPPED}


def test_a_status_that_cannot_be_checked_leaves_the_verdict_open():
    unsigned = town.unsigned(town.alice())
    unsigned["credentialStatus"] = {"type": "BitstringStatusListEntry"} | {
        "id": "https://city.example/status/1#7",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://city.example/status/1",
    }
    result = verify(cityid.issue(unsigned, by=town.office(), at=town.NOW))
    assert code(result, "status", "/credentialStatus") is Code.STATUS_RETRIEVAL_ERROR
    assert not result.verified
    assert result.decision.verdict is Verdict.INDETERMINATE


def test_a_bearer_credential_binds_nobody():
    unsigned = town.unsigned(None)
    bearer = cityid.issue(unsigned, by=town.office(), at=town.NOW)
    result = verify_presented(presentation(bearer))
    assert check(result, "holder_binding", "/verifiableCredential/0").outcome is Outcome.SKIPPED
    assert result
    assert not verify_presented(presentation(bearer), policy.AllOf(OFFICE, policy.HolderBound()))


def test_single_use_is_warned_of_or_checked():
    shown = presentation(credential())
    assert [w.code for w in verify_presented(shown).warnings] == [Code.SINGLE_USE_NOT_CHECKED]
    nonces = MemoryNonces()
    first, second = (verify_presented(shown, nonces=nonces) for _ in range(2))
    assert first
    assert first.warnings == ()
    assert code(second, "challenge") is Code.REPLAY_DETECTED
    assert second.decision.verdict is Verdict.DENY


class BrokenNonces(MemoryNonces):
    def use(self, *_, **__):
        raise RegistryError("the disk is gone")


def test_a_store_that_fails_leaves_the_challenge_open():
    result = verify_presented(presentation(credential()), nonces=BrokenNonces())
    assert check(result, "challenge").outcome is Outcome.INCONCLUSIVE
    assert result.decision.verdict is Verdict.INDETERMINATE


def test_a_challenge_is_used_up_only_by_a_presentation_that_its_holder_signed():
    nonces = MemoryNonces()
    forged = presentation(credential()).to_dict()
    forged["verifiableCredential"][0]["name"] = "Forged"
    assert not verify_presented(forged, nonces=nonces)
    assert verify_presented(presentation(credential()), nonces=nonces)


def test_a_challenge_that_nobody_compares_leaves_the_verdict_open():
    shown = presentation(credential())
    result = verify(shown)
    assert code(result, "challenge") is Code.INVALID_CHALLENGE_ERROR
    assert code(result, "domain") is Code.INVALID_DOMAIN_ERROR
    assert result.decision.verdict is Verdict.INDETERMINATE
    half = verify(shown, challenge=town.CHALLENGE)
    assert check(half, "challenge").outcome is Outcome.PASSED
    assert check(half, "domain").outcome is Outcome.INCONCLUSIVE


def test_now_is_read_once_when_no_time_is_given():
    unsigned = town.unsigned(town.alice()) | {"validFrom": "2020-01-01T00:00:00Z"}
    signed = cityid.issue(unsigned, by=town.office())
    assert cityid.verify(signed, policy=OFFICE, resolver=town.resolver())
    with pytest.raises(InvalidInputError, match="offset"):
        verify(signed, at=datetime(2027, 3, 14))  # noqa: DTZ001 - naive on purpose


def test_validity_is_judged_at_the_time_given():
    signed = cityid.issue(
        town.unsigned(town.alice()), by=town.office(), valid_for=timedelta(days=1), at=town.NOW
    )
    assert verify(signed, at=town.NOW + timedelta(hours=23))
    late = verify(signed, at=town.NOW + timedelta(days=2))
    assert late.proof_valid
    assert not late.verified
    assert code(late, "validity") is Code.CREDENTIAL_EXPIRED


def test_a_verifier_binds_its_environment_once():
    verifier = cityid.Verifier(resolver=town.resolver())
    assert verifier.verify(credential(), policy=OFFICE, at=town.NOW)


def test_a_verifier_travels_to_another_process_without_what_it_remembers():
    verifier = cityid.Verifier(resolver=town.resolver())
    verifier.cache.keep_fetched("https://city.example/1", Fetched(town.NOW, b"", "", HOLD))
    assert verifier.lists
    sent = pickle.loads(pickle.dumps(verifier))  # noqa: S301 - our own bytes
    assert sent.cache.fetched("https://city.example/1", town.NOW) is None
    assert verifier.cache.fetched("https://city.example/1", town.NOW) is not None
    assert sent.verify(credential(), policy=OFFICE, at=town.NOW)


def test_many_are_verified_in_order_with_progress():
    documents = [credential(), credential(by=town.foreign_office())]
    seen = []
    verifier = cityid.Verifier(resolver=town.resolver())
    results = cityid.verify_many(
        documents, policy=OFFICE, verifier=verifier, at=town.NOW, progress=seen.append
    )
    assert [bool(result) for result in results] == [True, False]
    assert seen == [1, 2]
    assert [bool(r) for r in cityid.verify_many([documents[0]], policy=OFFICE, verifier=verifier)]


def test_results_are_told_to_people_and_programs():
    good, bad = verify(credential()), verify(credential(by=town.foreign_office()))
    assert good.explain().startswith("PERMITTED")
    text = bad.explain()
    assert text.startswith("REFUSED")
    assert "✗ trust" in text
    assert "→" in text
    row = json.loads(json.dumps(bad.to_dict()))
    assert row["verified"] is False
    assert row["proofValid"] is True
    assert row["decision"]["verdict"] == "deny"
    failed = [c for c in row["checks"] if c["outcome"] == "failed"]
    assert failed[0]["problem"]["type"] == Code.ISSUER_NOT_TRUSTED.value
    assert "School of Examples" not in json.dumps(row)
    open_ = verify(presentation(credential()))
    assert open_.explain().startswith("UNDECIDED")
    warned = verify_presented(presentation(credential()))
    assert "! nobody checks" in warned.explain()


def test_results_have_a_card():
    html = verify(credential())._repr_html_()
    assert "PERMITTED" in html
    assert "structure" in html


def test_each_declared_schema_has_a_check_of_its_own():
    fits = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://a.example/1"}
    wants = fits | {"$id": "https://a.example/2", "required": ["nothingLikeThis"]}
    schemas = cityid.SCHEMAS.with_schema(fits["$id"], fits)
    unsigned = town.unsigned(town.alice()) | {
        "credentialSchema": [
            {"id": fits["$id"], "type": "JsonSchema"},
            {"id": wants["$id"], "type": "JsonSchema"},
        ]
    }
    signed = cityid.issue(unsigned, by=town.office(), schemas=schemas, at=town.NOW)
    unknown = verify(signed, schemas=schemas)
    assert check(unknown, "schema", "/credentialSchema/0").outcome is Outcome.PASSED
    assert check(unknown, "schema", "/credentialSchema/1").outcome is Outcome.INCONCLUSIVE
    known = schemas.with_schema(wants["$id"], wants)
    broken = verify(signed, schemas=known)
    assert code(broken, "schema", "/credentialSchema/1") is Code.SCHEMA_VIOLATION
    shown = verify_presented(presentation(signed), schemas=known)
    place = "/verifiableCredential/0/credentialSchema/1"
    assert check(shown, "schema", place).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "wrong", [{"resolver": None}, {"contexts": {}}, {"schemas": []}, {"skew": 5}, {"policy": None}]
)
def test_a_call_with_the_wrong_kind_of_thing_is_told(wrong):
    with pytest.raises(InvalidInputError) as caught:
        verify(credential(), **wrong)
    assert caught.value.code is Code.INVALID_OPTIONS


def test_a_cryptosuite_of_the_callers_own_is_used_at_every_door():
    own = replace(CRYPTOSUITES["eddsa-jcs-2022"], name="eddsa-jcs-2099")
    suites = {own.name: own}
    signed = cityid.issue(
        town.unsigned(town.alice()),
        by=town.office(),
        cryptosuite=own.name,
        suites=suites,
        at=town.NOW,
    )
    shown = cityid.present(
        [signed],
        by=town.alice(),
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
        cryptosuite=own.name,
        suites=suites,
        at=town.NOW,
    )
    assert verify_presented(shown, suites=suites)
    assert code(verify_presented(shown), "proof") is Code.NOT_SUPPORTED
