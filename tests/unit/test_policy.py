from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta

import pytest

from cityid import policy
from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError
from cityid.policy.base import Decision, Needs, Reason
from cityid.policy.facts import Facts, VerifiedCredential, verified_credential, verified_facts
from cityid.report import Outcome

NOW = datetime(2027, 3, 14, tzinfo=UTC)
CITY, CLUB, ALICE, BOB = "did:web:city.example", "did:web:club.example", "did:key:zA", "did:key:zB"
PERMIT, DENY, OPEN = policy.Verdict.PERMIT, policy.Verdict.DENY, policy.Verdict.INDETERMINATE


def credential(issuer=CITY, type_="AgeCredential", **subject):
    claims = {"id": ALICE, "ageOver18": True, "points": 7, "born": "2001-02-03"} | subject
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", type_],
        "issuer": issuer,
        "credentialSubject": claims,
    }
    return verified_credential(Credential.of(document), issuer, "/verifiableCredential/0")


def facts(*credentials, holder=ALICE):
    return verified_facts(credentials, at=NOW, holder=holder, domain="pool.example")


class Says:
    """A policy that says what it is told to."""

    public = True

    def __init__(self, verdict):
        self.verdict = verdict

    def needs(self):
        return Needs(frozenset({self.verdict.value}))

    def decide(self, _):
        return Decision(self.verdict, (Reason("says", self.verdict, self.verdict.value),))


@pytest.mark.parametrize(
    ("verdicts", "all_of", "any_of"),
    [
        ([PERMIT], PERMIT, PERMIT),
        ([DENY], DENY, DENY),
        ([OPEN], OPEN, OPEN),
        ([PERMIT, PERMIT], PERMIT, PERMIT),
        ([PERMIT, DENY], DENY, PERMIT),
        ([PERMIT, OPEN], OPEN, PERMIT),
        ([DENY, OPEN], DENY, OPEN),
        ([DENY, DENY], DENY, DENY),
        ([PERMIT, OPEN, DENY], DENY, PERMIT),
    ],
)
def test_combinations_follow_kleene(verdicts, all_of, any_of):
    parts = [Says(verdict) for verdict in verdicts]
    assert policy.AllOf(*parts).decide(facts()).verdict is all_of
    assert policy.AnyOf(*parts).decide(facts()).verdict is any_of


def test_any_of_tells_only_the_reasons_that_permit():
    decision = policy.AnyOf(Says(DENY), Says(PERMIT)).decide(facts())
    assert [reason.text for reason in decision.reasons] == ["permit"]
    assert len(policy.AnyOf(Says(DENY), Says(OPEN)).decide(facts()).reasons) == 2


@pytest.mark.parametrize("combination", [policy.AllOf, policy.AnyOf, policy.SameCredential])
def test_a_combination_of_nothing_is_refused(combination):
    with pytest.raises(InvalidInputError, match="at least one"):
        combination()


@pytest.mark.parametrize(("inner", "outer"), [(PERMIT, DENY), (DENY, PERMIT), (OPEN, OPEN)])
def test_not_inverts_and_keeps_doubt(inner, outer):
    decision = policy.Not(Says(inner)).decide(facts())
    assert decision.verdict is outer
    assert decision.reasons[0].code == (None if outer is PERMIT else Code.POLICY_DENIED)


def test_not_takes_public_facts_alone():
    policy.Not(policy.IssuedBy({CLUB}))
    policy.Not(policy.HasType("X"))
    for hidden in (policy.Claim("/credentialSubject/x"), policy.HolderBound()):
        with pytest.raises(InvalidInputError, match="hidden claim"):
            policy.Not(hidden)


def test_whom_a_policy_excludes_it_does_not_believe():
    assert policy.Not(policy.IssuedBy({CLUB})).needs() == Needs()


def test_needs_are_collected_through_every_combination():
    tree = policy.AllOf(
        policy.AnyOf(policy.IssuedBy({CITY}), policy.SameCredential(policy.IssuedBy({CLUB}))),
        policy.HasType("X"),
        policy.HolderBound(),
        policy.Claim("/x"),
    )
    assert tree.needs() == Needs(frozenset({CITY, CLUB}))
    assert policy.UnsafeAnyIssuer().needs().any_issuer


def test_issued_by_wants_every_credential():
    both = facts(credential(CITY), credential(CLUB))
    assert policy.IssuedBy({CITY, CLUB}).decide(both)
    refused = policy.IssuedBy({CITY}).decide(both)
    assert refused.verdict is DENY
    assert refused.reasons[0].code is Code.ISSUER_NOT_TRUSTED
    assert policy.IssuedBy({CITY}, type="AgeCredential").decide(facts(credential(CITY)))


def test_issued_by_of_nothing_presented_is_open():
    for asked in (policy.IssuedBy({CITY}), policy.IssuedBy({CITY}, type="Other")):
        decision = asked.decide(facts())
        assert decision.verdict is OPEN
        assert decision.reasons[0].code is Code.CREDENTIAL_MISSING


@pytest.mark.parametrize("issuers", [CITY, b"did:x", set(), []])
def test_issued_by_needs_a_set(issuers):
    with pytest.raises(InvalidInputError):
        policy.IssuedBy(issuers)


def test_has_type():
    assert policy.HasType("AgeCredential").decide(facts(credential()))
    missing = policy.HasType("PassportCredential").decide(facts(credential()))
    assert missing.verdict is OPEN


def test_holder_bound():
    bound = policy.HolderBound()
    assert bound.decide(facts(credential()))
    assert bound.decide(facts(credential(), holder=BOB)).verdict is DENY
    assert bound.decide(facts(credential(), holder=None)).verdict is DENY
    assert bound.decide(facts()).verdict is OPEN


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ({}, PERMIT),
        ({"equals": True}, PERMIT),
        ({"equals": 1}, DENY),
        ({"one_of": [False, True]}, PERMIT),
        ({"one_of": [0, 1]}, DENY),
        ({"at_least": 1}, DENY),
    ],
)
def test_claim_of_a_boolean(bounds, verdict):
    asked = policy.Claim("/credentialSubject/ageOver18", **bounds)
    assert asked.decide(facts(credential())).verdict is verdict


@pytest.mark.parametrize(
    ("path", "bounds", "verdict"),
    [
        ("points", {"at_least": 7}, PERMIT),
        ("points", {"at_least": 8}, DENY),
        ("points", {"at_most": 6}, DENY),
        ("points", {"at_least": 1, "at_most": 7}, PERMIT),
        ("born", {"at_most": date(2009, 3, 14)}, PERMIT),
        ("born", {"at_least": date(2009, 3, 14)}, DENY),
        ("points", {"at_most": date(2009, 3, 14)}, DENY),
        ("ageOver18", {"at_most": date(2009, 3, 14)}, DENY),
        ("unknown", {"equals": 1}, OPEN),
        ("born/deeper", {}, OPEN),
        ("a~1b", {"equals": 5}, PERMIT),
        ("list/1", {"equals": "y"}, PERMIT),
        ("list/-1", {}, OPEN),
        ("list/9", {}, OPEN),
        ("list", {"contains": "x"}, PERMIT),
        ("list", {"contains": "z"}, DENY),
        ("born", {"contains": "2"}, DENY),
    ],
)
def test_claim_of_a_value(path, bounds, verdict):
    shown = credential(**{"a/b": 5, "list": ["x", "y"]})
    assert (
        policy.Claim(f"/credentialSubject/{path}", **bounds).decide(facts(shown)).verdict is verdict
    )


def test_claim_tells_why_without_the_value():
    decision = policy.Claim("/credentialSubject/born", equals="1900-01-01").decide(
        facts(credential())
    )
    assert decision.reasons[0].code is Code.POLICY_DENIED
    assert "2001" not in decision.reasons[0].text
    missing = policy.Claim("/credentialSubject/none").decide(facts(credential()))
    assert missing.reasons[0].code is Code.CLAIM_MISSING


def test_claim_outside_the_subject_and_of_a_type():
    assert policy.Claim("/issuer", equals=CITY).decide(facts(credential()))
    asked = policy.Claim("/credentialSubject/points", equals=7, type="Other")
    assert asked.decide(facts(credential())).verdict is OPEN


def test_claim_needs_a_pointer():
    with pytest.raises(InvalidInputError, match="JSON Pointer"):
        policy.Claim("ageOver18")


def couple():
    document = credential().credential.to_dict()
    document["credentialSubject"] = [{"id": ALICE, "age": 17}, {"id": BOB, "age": 70}]
    return verified_credential(Credential.of(document), CITY, "")


def test_a_claim_about_several_is_read_for_the_one_who_presents():
    adult = policy.Claim("/credentialSubject/age", at_least=18)
    assert adult.decide(facts(couple(), holder=BOB))
    assert adult.decide(facts(couple(), holder=ALICE)).verdict is DENY
    assert adult.decide(facts(couple(), holder=None)).verdict is DENY
    assert policy.Claim("/credentialSubject/age", at_least=17).decide(facts(couple(), holder=None))


def test_same_credential_does_not_mix_issuers():
    one = policy.SameCredential(
        policy.IssuedBy({CITY}), policy.Claim("/credentialSubject/ageOver18", equals=True)
    )
    minor, borrowed = credential(CITY, ageOver18=False), credential(CLUB)
    assert one.decide(facts(credential(CITY), borrowed))
    refused = one.decide(facts(minor, borrowed))
    assert refused.verdict is DENY
    mixed = policy.AnyOf(policy.IssuedBy({CITY, CLUB})).decide(facts(minor, borrowed))
    assert mixed.verdict is PERMIT


def test_same_credential_of_nothing_is_open():
    decision = policy.SameCredential(policy.UnsafeAnyIssuer()).decide(facts())
    assert decision.verdict is OPEN
    assert decision.reasons[0].code is Code.CREDENTIAL_MISSING


def test_facts_cannot_be_made_by_hand():
    with pytest.raises(InvalidInputError, match="alone"):
        Facts((), NOW)
    with pytest.raises(InvalidInputError, match="alone"):
        VerifiedCredential(Credential.of({}), CITY)
    with pytest.raises(FrozenInstanceError):
        facts().holder = BOB


def test_facts_answer_for_one_claim():
    proven = facts(credential())
    assert proven.claim("/credentialSubject/points") == 7
    with pytest.raises(InvalidInputError, match="0 values"):
        proven.claim("/credentialSubject/none")
    with pytest.raises(InvalidInputError, match="2 values"):
        facts(credential(), credential()).claim("/credentialSubject/points")


def test_facts_and_decisions_as_json():
    proven = facts(credential())
    row = proven.to_dict()["credentials"][0]
    assert row["issuer"] == CITY
    assert row["credential"]["credentialSubject"]["points"] == 7
    decision = policy.HasType("None").decide(proven)
    assert decision.to_dict()["verdict"] == "indeterminate"
    check = decision.reasons[0].to_check()
    assert (check.name, check.outcome) == ("policy.has_type", Outcome.INCONCLUSIVE)
    assert not decision


def test_the_reasons_of_a_permit_carry_no_problem():
    decision = policy.HasType("AgeCredential").decide(facts(credential()))
    assert decision.reasons[0].to_check().problem is None


@pytest.mark.parametrize(
    "absurd",
    [
        {"minimum_age": -1},
        {"minimum_age": 3000},
        {"resident_for": timedelta(days=-1)},
        {"resident_for": timedelta.max},
        {"day": date(100, 1, 1)},
    ],
)
def test_an_election_is_for_mortals(absurd):
    options = {"id": "urn:x", "day": date(2027, 3, 14), "registrars": {CITY}}
    assert policy.voting(policy.Election(**options))
    with pytest.raises(InvalidInputError, match="150 years"):
        policy.Election(**(options | absurd))
