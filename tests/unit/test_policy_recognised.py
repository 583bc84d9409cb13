"""Belief in issuers whom an authority recognises, from a list to a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

import cityid
import town
from cityid import policy, registry, trust
from cityid.errors import Code, InvalidInputError
from cityid.policy import Recognised, Verdict
from cityid.report import Outcome

KYC, VOTER, HOME = (
    "KycAssuranceCredential",
    "VoterEligibilityCredential",
    "ResidentIdentityCredential",
)
CITY, BANK, ALICE = town.person("city"), town.person("bank"), town.alice()
DAY = timedelta(days=1)


@pytest.fixture
def ledger():
    return registry.connect("memory:", clock=lambda: town.NOW - DAY)


def recognise(ledger, kind=KYC, **options):
    return trust.recognise(ledger, CITY, BANK, for_type=kind, at=town.NOW - DAY, **options)


def credential(kind="kyc", by=BANK, **claims):
    document = town.city_credential(kind, ALICE, **claims)
    return cityid.issue(document, by=by, at=town.NOW, valid_for=90 * DAY)


def verify(ledger, asked, *credentials):
    shown = cityid.present(
        credentials, by=ALICE, challenge=town.CHALLENGE, domain=town.DOMAIN, at=town.NOW
    )
    return cityid.verify(
        shown,
        policy=asked,
        resolver=town.resolver(),
        registry=ledger,
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
        at=town.NOW,
    )


def test_recognised_issuer_is_believed_and_the_path_is_a_fact(ledger):
    recognise(ledger)
    result = verify(ledger, Recognised(CITY, for_type=KYC), credential())
    assert result
    (found,) = result.facts.credentials[0].recognitions
    assert found.path == (str(CITY.did), str(BANK.did))
    assert result.report.outcome("trust") is Outcome.PASSED
    assert result.recognitions == (found,)
    assert f"recognised: {CITY.did} → {BANK.did}" in result.explain()
    assert result.to_dict()["recognitions"][0]["path"] == list(found.path)


def test_nobody_recognised_is_refused_and_a_missing_list_leaves_open(ledger):
    asked = Recognised(str(CITY.did), for_type=KYC)
    result = verify(ledger, asked, credential())
    assert result.decision.verdict is Verdict.INDETERMINATE
    assert result.report.outcome("trust") is Outcome.INCONCLUSIVE
    trust.publish(ledger, CITY, at=town.NOW - DAY)
    result = verify(ledger, asked, credential())
    assert result.decision.verdict is Verdict.DENY
    assert Code.ISSUER_NOT_TRUSTED in [each.code for each in result.errors]
    assert not verify(None, asked, credential())


def test_recognition_for_another_type_opens_nothing(ledger):
    recognise(ledger, VOTER)
    assert not verify(ledger, Recognised(CITY, for_type=VOTER), credential())
    assert not verify(ledger, Recognised(CITY, for_type=KYC), credential())


def test_every_claim_must_be_covered(ledger):
    recognise(ledger, claims=["/credentialSubject/assuranceLevel"])
    assert not verify(ledger, Recognised(CITY, for_type=KYC), credential())
    own = trust.claims_of(credential())
    assert "/credentialSubject/assuranceLevel" in own
    recognise(ledger, claims=own)
    assert verify(ledger, Recognised(CITY, for_type=KYC), credential())


def test_jurisdiction_and_age_are_those_of_the_policy(ledger):
    recognise(ledger, jurisdiction="NL")
    assert verify(ledger, Recognised(CITY, for_type=KYC, jurisdiction="NL"), credential())
    assert not verify(ledger, Recognised(CITY, for_type=KYC), credential())
    old = Recognised(CITY, for_type=KYC, jurisdiction="NL", max_age=timedelta(hours=23))
    assert verify(ledger, old, credential()).decision.verdict is Verdict.INDETERMINATE


def test_named_issuer_needs_no_recognition_but_a_demanded_one_is_asked(ledger):
    named = policy.IssuedBy({BANK.did})
    asked = Recognised(CITY, for_type=KYC)
    assert verify(ledger, policy.AnyOf(named, asked), credential())
    both = verify(ledger, policy.AllOf(named, asked), credential())
    assert both.verified
    assert both.decision.verdict is Verdict.INDETERMINATE
    trust.publish(ledger, CITY, at=town.NOW - DAY)
    denied = verify(ledger, policy.AllOf(named, asked), credential())
    assert denied.verified
    assert denied.decision.verdict is Verdict.DENY


def test_facts_without_the_question_are_not_enough(ledger):
    result = verify(ledger, policy.IssuedBy({BANK.did}), credential())
    asked = Recognised(CITY, for_type=KYC)
    assert asked.decide(result.facts).verdict is Verdict.INDETERMINATE
    assert Recognised(CITY, for_type=VOTER).decide(result.facts).verdict is Verdict.INDETERMINATE


def test_not_takes_no_recognition():
    with pytest.raises(InvalidInputError):
        policy.Not(Recognised(CITY, for_type=KYC))


@pytest.mark.parametrize(
    "options",
    [{"for_type": 7}, {"for_type": KYC, "jurisdiction": 7}, {"for_type": KYC, "max_age": 7}]
    + [{"for_type": KYC, "depth": depth} for depth in (0, 10, True)],
)
def test_malformed_questions_are_refused(options):
    with pytest.raises(InvalidInputError):
        Recognised(CITY, **options)


def test_many_bad_issuers_are_not_all_looked_at(ledger):
    recognise(ledger)

    def several(by):
        for number in range(6):
            document = town.city_credential("kyc", ALICE) | {"id": f"urn:example:{number}"}
            yield cityid.issue(document, by=by, at=town.NOW, valid_for=90 * DAY)

    asked = Recognised(CITY, for_type=KYC)
    assert verify(ledger, asked, *several(BANK))
    result = verify(ledger, asked, *several(town.foreign_office()))
    assert Code.COMPLEXITY_LIMIT_EXCEEDED in [each.code for each in result.errors]


def test_needs_pass_through_every_combination():
    one, two = Recognised(CITY, for_type=KYC), Recognised(CITY, for_type=VOTER)
    needs = policy.AllOf(policy.AnyOf(one), policy.SameCredential(two)).needs()
    assert needs.authorities == {one.asked, two.asked}


def test_kyc_takes_recognised_offices(ledger):
    recognise(ledger)
    checked = credential(checkedOn="2027-03-01", assuranceLevel="high")
    for issuers in ([Recognised(CITY, for_type=KYC)], [CITY, Recognised(CITY, for_type=KYC)]):
        assert verify(ledger, policy.kyc(issuers=issuers), checked)
    assert not verify(ledger, policy.kyc(issuers=[CITY]), checked)
    with pytest.raises(InvalidInputError):
        policy.kyc(issuers=[Recognised(CITY, for_type=VOTER)])


def test_access_takes_recognised_offices(ledger):
    recognise(ledger, HOME)
    home = credential("resident")
    assert verify(ledger, policy.access(issuers=[Recognised(CITY, for_type=HOME)]), home)
    aged = policy.access(issuers=[Recognised(CITY, for_type=HOME)], age_over=18)
    assert verify(ledger, aged, home).verified
    assert not verify(ledger, policy.access(issuers=[CITY]), home)


def test_voting_takes_recognised_registrars(ledger):
    recognise(ledger, VOTER)
    roll = credential("voter")
    election = policy.Election(
        id=roll.subjects[0]["election"],
        day=date(2027, 5, 2),
        registrars=[Recognised(CITY, for_type=VOTER)],
    )
    result = verify(ledger, policy.voting(election), roll)
    assert result.verified
    assert replace(election).recognised == election.recognised
    homes = replace(election, registrars=[Recognised(CITY, for_type=HOME)], recognised=())
    assert not verify(ledger, policy.voting(homes), roll).verified
    with pytest.raises(InvalidInputError):
        policy.voting(replace(election, recognised=[Recognised(CITY, for_type=KYC)]))


def test_verifier_verifies_a_list_once_and_asks_for_the_newest_each_time(ledger, monkeypatch):
    recognise(ledger)
    verifier = cityid.Verifier(resolver=town.resolver(), registry=ledger)
    asked, card, judged = Recognised(CITY, for_type=KYC), credential(), []
    original = trust.lists.verify_credential
    monkeypatch.setattr(
        trust.lists, "verify_credential", lambda *a, **k: judged.append(1) or original(*a, **k)
    )

    def let_in(later=timedelta(0)):
        return bool(verifier.verify(card, policy=asked, at=town.NOW + later))

    assert [let_in(), let_in(), let_in(timedelta(minutes=4))] == [True] * 3
    assert len(judged) == 1
    assert let_in(timedelta(minutes=6))
    assert len(judged) == 2
    trust.withdraw(ledger, CITY, BANK, at=town.NOW - DAY)
    judged.clear()
    assert not let_in(timedelta(minutes=7))
    assert len(judged) == 1


def test_now_the_last_list_counts_though_its_registrys_clock_be_ahead():
    ahead = registry.connect("memory:", clock=lambda: datetime.now(UTC) + timedelta(minutes=1))
    trust.recognise(ahead, CITY, BANK, for_type=KYC)
    trust.withdraw(ahead, CITY, BANK)
    found = trust.recognition(
        ahead, town.resolver(), authority=str(CITY.did), issuer=str(BANK.did), for_type=KYC
    )
    assert found.outcome is Outcome.FAILED


def test_list_that_runs_out_is_not_remembered_longer(ledger):
    recognise(ledger, valid_for=DAY + timedelta(minutes=10))
    verifier = cityid.Verifier(resolver=town.resolver(), registry=ledger)
    asked, card = Recognised(CITY, for_type=KYC), credential()
    assert verifier.verify(card, policy=asked, at=town.NOW + timedelta(minutes=9))
    late = verifier.verify(card, policy=asked, at=town.NOW + timedelta(minutes=13))
    assert late  # within the skew of clocks
    assert not verifier.verify(card, policy=asked, at=town.NOW + timedelta(minutes=16))


def test_memory_of_lists_is_bounded(ledger):
    cache = trust.ListCache(most=1)
    for authority in (CITY, BANK):
        listed = trust.recognise(ledger, authority, ALICE, for_type=KYC, at=town.NOW - DAY)
        record = ledger.head(trust.list_id(str(authority.did)))
        cache.keep(record, town.NOW, listed)
        assert cache.verified(record, town.NOW) is listed
    first = ledger.head(trust.list_id(str(CITY.did)))
    assert cache.verified(first, town.NOW) is None
    assert cache.verified(record._replace(data=b"{}"), town.NOW) is None
    assert cache.verified(record._replace(recorded_at=town.NOW), town.NOW) is None
