from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime, timedelta

import pytest

import cityid
import town
from cityid import policy
from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.policy.age import AgeOver
from cityid.policy.base import Decision, Needs, Reason
from cityid.policy.facts import Facts, VerifiedCredential, verified_credential, verified_facts
from cityid.report import Outcome

NOW = datetime(2027, 3, 14, tzinfo=UTC)
CITY, CLUB, ALICE, BOB = "did:web:city.example", "did:web:club.example", "did:key:zA", "did:key:zB"
ELECTION = {"id": "urn:x", "day": date(2027, 3, 14), "registrars": {CITY}}
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
    with pytest.raises(InvalidInputError, match="not shown") as missing:
        proven.claim("/credentialSubject/none")
    assert (missing.value.code, missing.value.path) == (
        Code.CLAIM_MISSING,
        "/credentialSubject/none",
    )
    for nowhere in ("credentialSubject/points", "", None):
        with pytest.raises(InvalidInputError, match="JSON Pointer") as refused:
            proven.claim(nowhere)
        assert refused.value.code is Code.INVALID_OPTIONS
    with pytest.raises(InvalidInputError, match="JSON Pointer"):
        credential().claims("credentialSubject/points")
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
        {"resident_for": timedelta.max},
        {"day": date(100, 1, 1)},
    ],
)
def test_an_election_is_for_mortals(absurd):
    assert policy.voting(policy.Election(**ELECTION))
    with pytest.raises(InvalidInputError, match="150 years"):
        policy.Election(**(ELECTION | absurd))


@pytest.mark.parametrize(
    "slip",
    [
        {"day": "2027-09-26"},
        {"day": NOW},
        {"day": None},
        {"minimum_age": True},
        {"minimum_age": 18.5},
        {"minimum_age": "18"},
        {"resident_for": 90},
        {"resident_for": timedelta(days=-1)},
        {"id": 7},
        {"id": "the next one"},
        {"registrars": ()},
        {"registrars": ["the office"]},
        {"districts": [7]},
        {"districts": [["Harbour"]]},
    ],
)
def test_a_slip_in_an_election_is_told_at_once(slip):
    assert policy.voting(policy.Election(**(ELECTION | {"minimum_age": 0})))
    with pytest.raises(InvalidInputError) as refused:
        policy.Election(**(ELECTION | slip))
    assert refused.value.code is Code.INVALID_OPTIONS


def test_an_election_takes_whatever_holds_several():
    did = cityid.did.parse(CITY)
    given = [{CITY}, frozenset({did}), [did, CITY], iter((CITY,)), {town.office()}]
    elections = [policy.Election(**(ELECTION | {"registrars": several})) for several in given]
    assert elections[0].registrars == frozenset({CITY})
    assert elections[0] == elections[1] == elections[2] == elections[3]
    assert len(set(elections)) == 2
    narrow = policy.Election(**(ELECTION | {"districts": iter(["Harbour"])}))
    assert narrow.districts == frozenset({"Harbour"})
    assert replace(narrow, minimum_age=16).districts == narrow.districts
    with pytest.raises(FrozenInstanceError):
        narrow.day = NOW


@pytest.mark.parametrize(
    "issuer",
    ["office.did", "north office", "did:key:", "did:key:z6Mk#key", "", None, 7, f"{CITY}\n"],
)
def test_who_is_believed_is_named_by_a_did_or_a_url(issuer):
    assert policy.IssuedBy({"https://city.example/issuers/1", CITY})
    with pytest.raises(InvalidInputError):
        policy.IssuedBy({CITY, issuer})


def test_of_an_identity_the_did_is_believed():
    office = town.office()
    assert policy.IssuedBy({office, office.did, str(office.did)}).issuers == {str(office.did)}
    assert policy.access(issuers=iter({office}), age_over=18).needs().issuers == {str(office.did)}


@pytest.mark.parametrize(
    ("bounds", "value", "told"),
    [
        ({"equals": True}, 7, "true"),
        ({"equals": "x"}, 7, "'x'"),
        ({"equals": None}, 7, "null"),
        ({"one_of": {"b", "a"}}, 7, "one of 'a', 'b'"),
        ({"one_of": iter(["b", "a"])}, 7, "one of 'b', 'a'"),
        ({"one_of": range(100, 106)}, 7, "one of 6 values"),
        ({"contains": 1}, 7, "a list with 1"),
        ({"at_least": 8, "at_most": 9.5}, 7, "at least 8 and at most 9.5"),
        ({"at_most": date(2009, 3, 14)}, "2010-07-07", "at most 2009-03-14"),
    ],
)
def test_a_claim_tells_what_was_asked_and_not_what_is_so(bounds, value, told):
    path = "/credentialSubject/value"
    asked = policy.Claim(path, **bounds)
    refused = asked.decide(facts(credential(value=value))).reasons[0]
    assert (refused.verdict, refused.text) == (DENY, f"{path} is not {told} as asked")
    missing = asked.decide(facts(credential())).reasons[0]
    assert (missing.verdict, missing.text) == (OPEN, f"{path} was not shown; asked: {told}")


def test_a_permit_tells_which_claim_of_which_credential():
    shown = facts(credential())
    for name, bounds, told in (
        ("ageOver18", {"equals": True}, "true"),
        ("points", {"at_least": 5}, "at least 5"),
        ("born", {}, "there"),
    ):
        reason = policy.Claim(f"/credentialSubject/{name}", **bounds).decide(shown).reasons[0]
        assert reason.path == f"/verifiableCredential/0/credentialSubject/{name}"
        assert reason.text == f"/credentialSubject/{name} is {told}, as asked"
    (reason,) = policy.Claim("/credentialSubject/none").decide(shown).reasons
    assert reason.text.endswith("was not shown; asked: any value")


def test_a_claim_shows_what_it_asks_and_nothing_else():
    assert repr(policy.Claim("/a")) == "Claim('/a')"
    asked = policy.Claim("/a", equals=None, at_most=2, type="T")
    assert repr(asked) == "Claim('/a', equals=None, at_most=2, type='T')"
    assert "0x" not in repr(policy.kyc(issuers={CITY}))
    assert "equals: 'Any' = ABSENT" in str(inspect.signature(policy.Claim))


def test_what_one_of_several_subjects_lacks_is_not_shown_and_a_misfit_denies():
    document = credential().credential.to_dict()
    document["credentialSubject"] = [{"id": ALICE, "age": 17}, {"id": BOB}]
    both = facts(verified_credential(Credential.of(document), CITY, ""), holder=None)
    assert policy.Claim("/credentialSubject/age", at_least=17).decide(both).verdict is OPEN
    assert policy.Claim("/credentialSubject/age", at_least=18).decide(both).verdict is DENY


GATE = policy.access(issuers={CITY}, entitlement="AgeCredential", age_over=18)


@pytest.mark.parametrize(
    ("ages", "verdict"),
    [
        ({18: True}, PERMIT),
        ({21: True}, PERMIT),
        ({65: True, 18: True}, PERMIT),
        ({16: True, 18: True, 21: False}, PERMIT),
        ({}, OPEN),
        ({16: True}, OPEN),
        ({21: False}, OPEN),
        ({21: "true"}, OPEN),
        ({18: False}, DENY),
        ({18: 1}, DENY),
        ({18: "true"}, DENY),
        ({18: None}, DENY),
        ({16: False}, DENY),
        ({18: False, 21: True}, DENY),
        ({16: False, 21: True}, DENY),
        ({"021": True}, OPEN),
        ({"21x": True}, OPEN),
        ({"2100": True}, OPEN),
    ],
)
def test_the_nearest_true_age_decides(ages, verdict):
    document = credential().credential.to_dict()
    claims = {f"ageOver{age}": value for age, value in ages.items()}
    document["credentialSubject"] = {"id": ALICE, **claims}
    shown = facts(verified_credential(Credential.of(document), CITY, "/verifiableCredential/0"))
    decision = GATE.decide(shown)
    assert decision.verdict is verdict
    reason = decision.reasons[-1]
    assert reason.policy == "claim"
    assert reason.path.endswith("/credentialSubject/ageOver18")
    assert (
        reason.code is {PERMIT: None, OPEN: Code.CLAIM_MISSING, DENY: Code.POLICY_DENIED}[verdict]
    )


def test_an_age_counts_from_a_believed_issuer_alone():
    minor, borrowed = credential(CITY, ageOver18=False), credential(CLUB, ageOver21=True)
    assert not GATE.decide(facts(minor, borrowed))
    assert GATE.decide(facts(minor, credential(CITY, ageOver21=True))).verdict is PERMIT


def test_an_age_is_asked_of_every_subject_when_nobody_presents():
    document = credential().credential.to_dict()
    document["credentialSubject"] = [{"id": ALICE, "ageOver21": True}, {"id": BOB}]
    both = verified_credential(Credential.of(document), CITY, "")
    old_enough = AgeOver(18)
    assert old_enough.decide(facts(both, holder=ALICE))
    assert old_enough.decide(facts(both, holder=BOB)).verdict is OPEN
    assert old_enough.decide(facts(both, holder=None)).verdict is OPEN
    assert old_enough.decide(facts()).verdict is OPEN
    assert old_enough.needs() == Needs()


ROLL = policy.voting(policy.Election(**ELECTION, districts={"Harbour"}))


def on_the_roll(**claims):
    own = {"election": ELECTION["id"], "electoralDistrict": "Harbour"} | claims
    about = {name: value for name, value in own.items() if value is not None}
    document = credential().credential.to_dict()
    document["type"] = ["VerifiableCredential", "VoterEligibilityCredential"]
    document["credentialSubject"] = {"id": ALICE, **about}
    return facts(verified_credential(Credential.of(document), CITY, ""))


@pytest.mark.parametrize(
    ("claims", "misfit"),
    [
        ({"eligibleFrom": "2027-03-14"}, {"eligibleFrom": "2027-03-15"}),
        ({"eligibleUntil": "2027-03-14"}, {"eligibleUntil": "2027-03-13"}),
        ({"eligibleFrom": None}, {"eligibleFrom": "soon"}),
        ({"eligibleUntil": None}, {"eligibleUntil": 2030}),
        ({"ageOver18": True}, {"ageOver18": False}),
        ({"ageOver21": False}, {"ageOver16": False}),
    ],
)
def test_the_roll_is_read_whole(claims, misfit):
    assert ROLL.decide(on_the_roll(**claims))
    refused = ROLL.decide(on_the_roll(**misfit))
    assert not refused
    denied = [reason for reason in refused.reasons if reason.verdict is DENY]
    assert Code.POLICY_DENIED in {reason.code for reason in denied}
    ruled_out = policy.SameCredential(*ROLL.policies[1].policies[0].policies)
    assert ruled_out.decide(on_the_roll(**misfit)).verdict is DENY


def test_a_second_entry_about_the_voter_hides_nothing():
    """What one of two subjects leaves away does not outweigh what the other shows."""
    document = on_the_roll().credentials[0].credential.to_dict()
    own = document["credentialSubject"]
    document["credentialSubject"] = [own, own | {"eligibleUntil": "2020-01-01"}]
    refused = ROLL.decide(facts(verified_credential(Credential.of(document), CITY, "")))
    assert not refused
    assert any(r.path.endswith("eligibleUntil") and r.verdict is DENY for r in refused.reasons)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: policy.kyc(issuers={CITY}, checked_within=180),
        lambda: policy.kyc(issuers={CITY}, checked_within=timedelta(days=-1)),
        lambda: policy.kyc(issuers={CITY}, level=3),
        lambda: policy.kyc(issuers={CITY}, jurisdictions=[7]),
        lambda: policy.kyc(issuers=CITY),
        lambda: policy.NotOlderThan("/credentialSubject/checkedOn", 180),
        lambda: policy.NotOlderThan("checkedOn", timedelta(days=180)),
        lambda: policy.access(issuers={CITY}, age_over=True),
        lambda: policy.access(issuers={CITY}, age_over=0),
        lambda: policy.access(issuers={CITY}, age_over=-1),
        lambda: policy.access(issuers={CITY}, age_over=151),
        lambda: policy.access(issuers={CITY}, age_over=18.5),
        lambda: policy.access(issuers={CITY}, age_over="18"),
        lambda: policy.access(issuers={CITY}, districts=[7]),
        lambda: policy.Claim(None),
    ],
)
def test_a_slip_in_a_question_is_told_at_once(ask):
    assert policy.kyc(issuers={CITY}, checked_within=timedelta(0), jurisdictions=["NL"])
    assert policy.access(issuers={CITY}, age_over=150, districts=["Harbour"])
    assert policy.access(issuers={CITY}, age_over=1)
    with pytest.raises(InvalidInputError) as refused:
        ask()
    assert refused.value.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    ("day", "born", "verdict"),
    [
        (date(2026, 3, 1), "2008-02-29", PERMIT),
        (date(2026, 2, 28), "2008-02-29", DENY),
        (date(2028, 2, 29), "2010-02-28", PERMIT),
        (date(2028, 2, 29), "2010-03-01", DENY),
    ],
)
def test_leap_days_are_counted_as_days(day, born, verdict):
    claims = {"birthDate": born, "residentSince": "2020-01-01"}
    resident = facts(credential(CITY, "ResidentIdentityCredential", **claims))
    by_residence = policy.voting(policy.Election(**(ELECTION | {"day": day}))).policies[1]
    assert by_residence.policies[1].decide(resident).verdict is verdict


def test_an_unknown_level_of_assurance_is_named():
    assert policy.kyc(issuers={CITY}, level="high")
    with pytest.raises(UnsupportedError, match="'substantal'; known: low, substantial, high"):
        policy.kyc(issuers={CITY}, level="substantal")
