"""Attacks on presentations and policies, each beside its positive twin."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest

import cityid
import town
from cityid import policy, securing
from cityid.errors import Code, InvalidInputError
from cityid.nonces import FileNonces
from cityid.policy import Verdict
from cityid.report import Outcome

ASKED = policy.AllOf(policy.HolderBound(), policy.IssuedBy({town.office().did}))


def card(subject=None, *, by=None):
    unsigned = town.unsigned(subject or town.alice())
    return cityid.issue(unsigned, by=by or town.office(), at=town.NOW)


def present(*credentials, by=None, challenge=town.CHALLENGE, domain=town.DOMAIN):
    return cityid.present(
        credentials, by=by or town.alice(), challenge=challenge, domain=domain, at=town.NOW
    )


def verify(document, asked=ASKED, **options):
    bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN, "at": town.NOW}
    return cityid.verify(document, policy=asked, resolver=town.resolver(), **(bound | options))


def failures(result):
    failed = [c for c in result.checks if c.outcome is Outcome.FAILED]
    return {(c.name, c.path, c.problem.code) for c in failed}


def test_the_positive_twin():
    result = verify(present(card()))
    assert result
    assert failures(result) == set()


def test_p1_a_presentation_counts_once_across_processes_and_restarts(tmp_path):
    path, document = tmp_path / "challenges.db", present(card()).to_json()
    FileNonces(path)
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(8, mp_context=spawned) as pool:
        accepted = list(pool.map(town.is_let_in, [path] * 8, [document] * 8, timeout=120))
    assert accepted.count(True) == 1
    again = verify(document, nonces=FileNonces(path))
    assert failures(again) == {("challenge", "", Code.REPLAY_DETECTED)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"challenge": "another"}, ("challenge", "", Code.INVALID_CHALLENGE_ERROR)),
        ({"domain": "bank.example"}, ("domain", "", Code.INVALID_DOMAIN_ERROR)),
        ({"domain": [town.DOMAIN, "bank.example"]}, ("domain", "", Code.INVALID_DOMAIN_ERROR)),
    ],
)
def test_p2_a_presentation_for_another_verifier_is_refused(options, expected):
    assert failures(verify(present(card()), **options)) == {expected}


def test_p2_a_presentation_that_answers_nothing_is_refused():
    bare = securing.add_proof(
        {
            "@context": [town.V2],
            "type": ["VerifiablePresentation"],
            "holder": str(town.alice().did),
            "verifiableCredential": [card().to_dict()],
        },
        signer=town.alice().signer("authentication")[1],
        verification_method=town.alice().signer("authentication")[0],
        purpose="authentication",
        created=town.NOW,
    )
    assert ("challenge", "", Code.INVALID_CHALLENGE_ERROR) in failures(verify(bare))
    assert verify(bare, challenge=None, domain=None)


def test_p3_a_bad_presentation_around_a_good_credential_is_refused():
    forged = present(card()).to_dict()
    forged["proof"]["proofValue"] = present(card(), challenge="x").to_dict()["proof"]["proofValue"]
    result = verify(forged)
    assert ("proof", "", Code.PROOF_VERIFICATION_ERROR) in failures(result)
    assert not result.proof_valid
    assert not result.verified


def test_p3_a_bad_credential_in_a_good_presentation_is_refused():
    forged = card().to_dict()
    forged["credentialSubject"]["alumniOf"] = "Nowhere"
    result = verify(present(card(), forged))
    path = "/verifiableCredential/1"
    assert {(name, at) for name, at, _ in failures(result)} == {("proof", path)}
    assert not result.verified


def test_p4_a_stolen_credential_is_refused():
    stolen = verify(present(card(town.alice()), by=town.bob()))
    path = "/verifiableCredential/0"
    assert failures(stolen) == {("holder_binding", path, Code.HOLDER_BINDING_FAILED)}


def test_p4_a_holder_that_did_not_sign_is_refused():
    forged = securing.add_proof(
        {
            "@context": [town.V2],
            "type": ["VerifiablePresentation"],
            "holder": str(town.alice().did),
            "verifiableCredential": [card(town.alice()).to_dict()],
        },
        signer=town.bob().signer("authentication")[1],
        verification_method=town.bob().signer("authentication")[0],
        purpose="authentication",
        created=town.NOW,
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
    )
    result = verify(forged)
    assert ("holder_binding", "", Code.HOLDER_BINDING_FAILED) in failures(result)
    assert not result.verified


def test_p5_an_empty_presentation_permits_nothing():
    result = verify(present())
    assert result.verified
    assert not result
    assert result.decision.verdict is Verdict.INDETERMINATE
    codes = {reason.code for reason in result.decision.reasons}
    assert codes == {Code.CREDENTIAL_MISSING}


@pytest.mark.parametrize("member", ["validFrom", "validUntil"])
@pytest.mark.parametrize(
    "text", ["not-a-date", "2026-01-01T00:00:00+00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", ""]
)
def test_p7_a_date_that_is_none_is_refused_by_issuer_and_verifier(member, text):
    unsigned = town.unsigned(town.alice()) | {member: text, "issuer": str(town.office().did)}
    with pytest.raises(InvalidInputError) as caught:
        cityid.issue(unsigned, by=town.office(), at=town.NOW)
    assert caught.value.code is Code.MALFORMED_VALUE_ERROR
    method, signer = town.office().signer("assertionMethod")
    signed = securing.add_proof(
        unsigned,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
        created=town.NOW,
    )
    result = cityid.verify(
        signed, policy=policy.UnsafeAnyIssuer(), resolver=town.resolver(), at=town.NOW
    )
    assert failures(result) == {("structure", "", Code.MALFORMED_VALUE_ERROR)}


def test_a_self_made_credential_beside_a_real_one_opens_nothing():
    lookalike = card(town.alice(), by=town.alice())
    result = verify(present(card(), lookalike))
    path = "/verifiableCredential/1"
    assert failures(result) == {("trust", path, Code.ISSUER_NOT_TRUSTED)}


def test_a_proof_for_another_purpose_is_no_presentation():
    issued = securing.add_proof(
        {
            "@context": [town.V2],
            "type": ["VerifiablePresentation"],
            "holder": str(town.alice().did),
        },
        signer=town.alice().signer("assertionMethod")[1],
        verification_method=town.alice().signer("assertionMethod")[0],
        purpose="assertionMethod",
        created=town.NOW,
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
    )
    assert {(n, c) for n, _, c in failures(verify(issued))} == {
        ("proof", Code.PROOF_VERIFICATION_ERROR)
    }


def test_an_expired_credential_in_a_fresh_presentation_is_refused():
    old = cityid.issue(
        town.unsigned(town.alice()),
        by=town.office(),
        valid_for=timedelta(days=1),
        at=town.NOW - timedelta(days=30),
    )
    result = verify(present(old))
    assert failures(result) == {
        ("validity", "/verifiableCredential/0", Code.CREDENTIAL_EXPIRED),
    }


def test_a_bare_credential_answers_no_challenge():
    asked = policy.IssuedBy({town.office().did})
    assert verify(card(), asked, challenge=None, domain=None)
    assert failures(verify(card(), asked)) == {
        ("challenge", "", Code.INVALID_CHALLENGE_ERROR),
        ("domain", "", Code.INVALID_DOMAIN_ERROR),
    }
