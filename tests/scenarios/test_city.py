"""A bank, a polling station and a pool judge the city's own credentials, one fault at a time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

import cityid
import town
from cityid import policy
from cityid.errors import Code
from cityid.nonces import MemoryNonces
from cityid.policy import Verdict
from cityid.report import Outcome
from cityid.securing.data_integrity import add_proof

TODAY = town.NOW.date()
DISTRICT = "Altmarkt"
ELECTION = policy.Election(
    id="https://elections.city.example/2027-03-14",
    day=TODAY,
    registrars=frozenset({str(town.office().did)}),
    districts=frozenset({DISTRICT, "Altmarkt-2"}),
)
BANK = policy.kyc(issuers={town.office().did}, jurisdictions={"DE-SN"})
POLLS = policy.voting(ELECTION)
POOL = policy.access(issuers={town.office().did}, age_over=18, districts={DISTRICT})


def card(kind, *, by=None, about=None, at=town.NOW, valid_for=timedelta(days=365), **claims):
    unsigned = town.city_credential(kind, about or town.alice(), **claims)
    return cityid.issue(unsigned, by=by or town.office(), at=at, valid_for=valid_for)


def shown(*cards, by=None, challenge=town.CHALLENGE, domain=town.DOMAIN):
    return cityid.present(
        cards, by=by or town.alice(), challenge=challenge, domain=domain, at=town.NOW
    )


def judged(asked, presentation, **options):
    environment = {
        "resolver": town.resolver(),
        "challenge": town.CHALLENGE,
        "domain": town.DOMAIN,
        "nonces": MemoryNonces(),
        "at": town.NOW,
    }
    document = (
        presentation.to_json() if isinstance(presentation, cityid.Presentation) else presentation
    )
    return cityid.verify(document, policy=asked, **(environment | options))


def faults(result):
    """Return what kept a result from permitting: names, places and codes."""
    bad = (Outcome.FAILED, Outcome.INCONCLUSIVE)
    return {(c.name, c.path, c.problem.code) for c in result.checks if c.outcome in bad}


def refused(result, *expected, verified=False, verdict=Verdict.DENY):
    assert not result
    assert result.verified is verified
    assert result.decision.verdict is verdict
    assert faults(result) == set(expected)


# --- permitted

PERMITTED = {
    "bank": (BANK, "kyc", {}),
    "bank, high level": (BANK, "kyc", {"assuranceLevel": "high"}),
    "bank, checked a year ago": (
        BANK,
        "kyc",
        {"checkedOn": (TODAY - timedelta(days=365)).isoformat()},
    ),
    "polls, by residence": (POLLS, "resident", {}),
    "polls, by the roll": (POLLS, "voter", {}),
    "polls, eighteen today": (POLLS, "resident", {"birthDate": "2009-03-14"}),
    "polls, resident for 90 days": (
        POLLS,
        "resident",
        {"residentSince": (TODAY - timedelta(days=90)).isoformat()},
    ),
    "pool": (POOL, "resident", {}),
}


@pytest.mark.parametrize(("asked", "kind", "claims"), PERMITTED.values(), ids=PERMITTED)
def test_who_fulfils_everything_is_permitted(asked, kind, claims):
    result = judged(asked, shown(card(kind, **claims)))
    assert result, result.explain()
    assert faults(result) == set()
    assert result.warnings == ()
    facts = result.require()
    assert facts.holder == str(town.alice().did)
    assert facts.domain == town.DOMAIN


def test_a_card_about_age_can_stand_beside_the_card_of_residence():
    young = card("resident", ageOver18=None)
    assert judged(POOL, shown(young, card("age")))


# --- claims that do not fit: verified, and denied by the policy

SUBJECT = "/credentialSubject"
MISFITS = {
    "stale check": (BANK, "kyc", "checkedOn", (TODAY - timedelta(days=366)).isoformat()),
    "check in the future": (BANK, "kyc", "checkedOn", (TODAY + timedelta(days=1)).isoformat()),
    "level too low": (BANK, "kyc", "assuranceLevel", "low"),
    "other jurisdiction": (BANK, "kyc", "jurisdiction", "FR-75"),
    "pool, too young": (POOL, "resident", "ageOver18", False),
}


@pytest.mark.parametrize(("asked", "kind", "claim", "value"), MISFITS.values(), ids=MISFITS)
def test_a_claim_that_does_not_fit_is_denied(asked, kind, claim, value):
    result = judged(asked, shown(card(kind, **{claim: value})))
    place = f"{SUBJECT}/{claim}"
    refused(result, ("policy.claim", place, Code.POLICY_DENIED), verified=True)
    assert result.facts is not None


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("birthDate", "2009-03-15"),
        ("residentSince", (TODAY - timedelta(days=89)).isoformat()),
        ("address", {"locality": "Flussstadt", "district": "Nordend", "country": "DE"}),
    ],
    ids=["too young by a day", "too short by a day", "wrong district"],
)
def test_who_may_not_vote_is_not_permitted(claim, value):
    result = judged(POLLS, shown(card("resident", **{claim: value})))
    place = f"{SUBJECT}/address/district" if claim == "address" else f"{SUBJECT}/{claim}"
    assert not result
    assert result.verified
    assert ("policy.claim", place, Code.POLICY_DENIED) in faults(result)
    # The other way to vote, by the electoral roll, stays open for want of its credential.
    assert ("policy.has_type", "", Code.CREDENTIAL_MISSING) in faults(result)


def test_the_pool_of_one_district_lets_no_other_district_in():
    address = {"locality": "Flussstadt", "district": "Nordend", "country": "DE"}
    result = judged(POOL, shown(card("resident", address=address)))
    place = f"{SUBJECT}/address/district"
    refused(result, ("policy.claim", place, Code.POLICY_DENIED), verified=True)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("election", "https://elections.city.example/2031-03-14"),
        ("electoralDistrict", "Nordend-1"),
    ],
)
def test_an_entry_of_another_roll_gives_no_vote(claim, value):
    result = judged(POLLS, shown(card("voter", **{claim: value})))
    assert not result
    assert ("policy.claim", f"{SUBJECT}/{claim}", Code.POLICY_DENIED) in faults(result)


@pytest.mark.parametrize(
    ("claim", "fits", "misfit"),
    [
        ("eligibleFrom", TODAY, TODAY + timedelta(days=1)),
        ("eligibleUntil", TODAY, TODAY - timedelta(days=1)),
        ("ageOver18", None, False),
    ],
)
def test_an_entry_of_the_roll_counts_for_what_it_says(claim, fits, misfit):
    def entry(value):
        said = value.isoformat() if isinstance(value, date) else value
        return judged(POLLS, shown(card("voter", **{claim: said})))

    assert entry(fits)
    result = entry(misfit)
    assert not result
    assert result.verified
    assert ("policy.claim", f"{SUBJECT}/{claim}", Code.POLICY_DENIED) in faults(result)


def test_a_higher_age_than_the_one_asked_for_opens_the_pool():
    assert judged(POOL, shown(card("resident", ageOver18=None, ageOver21=True)))
    result = judged(POOL, shown(card("resident", ageOver18=None, ageOver21=False)))
    missing = ("policy.claim", f"{SUBJECT}/ageOver18", Code.CLAIM_MISSING)
    refused(result, missing, verified=True, verdict=Verdict.INDETERMINATE)


def test_who_is_let_in_reads_which_claim_did_it():
    places = {c.path for c in judged(POOL, shown(card("resident"))).checks}
    assert {f"{FIRST}{SUBJECT}/ageOver18", f"{FIRST}{SUBJECT}/address/district"} <= places


# --- claims and credentials that are not there: verified, and undecided


def test_a_claim_that_is_not_shown_decides_nothing():
    result = judged(POOL, shown(card("resident", ageOver18=None)))
    missing = ("policy.claim", f"{SUBJECT}/ageOver18", Code.CLAIM_MISSING)
    refused(result, missing, verified=True, verdict=Verdict.INDETERMINATE)


@pytest.mark.parametrize(("asked", "kind"), [(BANK, "resident"), (POOL, "kyc")])
def test_another_credential_than_the_one_asked_for_decides_nothing(asked, kind):
    result = judged(asked, shown(card(kind)))
    assert not result
    assert result.verified
    assert result.decision.verdict is Verdict.INDETERMINATE
    assert ("policy.has_type", "", Code.CREDENTIAL_MISSING) in faults(result)


@pytest.mark.parametrize("asked", [BANK, POLLS, POOL])
def test_an_empty_hand_is_not_permitted(asked):
    result = judged(asked, shown())
    assert not result
    assert result.decision.verdict is not Verdict.PERMIT
    assert {code for _, _, code in faults(result)} == {Code.CREDENTIAL_MISSING}


# --- who issued, about whom, when: not verified, so the policy is not asked

CASES = [(BANK, "kyc"), (POLLS, "resident"), (POOL, "resident")]
FIRST = "/verifiableCredential/0"


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_an_unknown_office_is_not_believed(asked, kind):
    result = judged(asked, shown(card(kind, by=town.foreign_office())))
    refused(result, ("trust", FIRST, Code.ISSUER_NOT_TRUSTED))
    (trust,) = (check for check in result.checks if check.name == "trust")
    assert repr(str(town.foreign_office().did)) in trust.problem.title
    assert str(town.office().did) not in trust.problem.title


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_lookalike_of_ones_own_beside_the_real_card_spoils_both(asked, kind):
    lookalike = card(kind, by=town.alice(), **({"assuranceLevel": "high"} if kind == "kyc" else {}))
    assert judged(asked, shown(card(kind)))
    for cards, place in ((card(kind), lookalike), 1), ((lookalike, card(kind)), 0):
        result = judged(asked, shown(*cards))
        path = f"/verifiableCredential/{place}"
        refused(result, ("trust", path, Code.ISSUER_NOT_TRUSTED))


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_lookalike_in_the_offices_name_is_no_credential_of_the_office(asked, kind):
    genuine = card(kind).to_dict()
    del genuine["proof"]
    method, signer = town.alice().signer("assertionMethod")
    forged = add_proof(
        genuine,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        created=town.NOW,
    )
    result = judged(asked, shown(forged))
    refused(result, ("issuer_binding", FIRST, Code.ISSUER_MISMATCH))


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_somebody_elses_card_is_not_believed(asked, kind):
    result = judged(asked, shown(card(kind, about=town.bob())))
    refused(result, ("holder_binding", FIRST, Code.HOLDER_BINDING_FAILED))
    assert judged(asked, shown(card(kind, about=town.bob()), by=town.bob()))


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_an_expired_card_is_refused(asked, kind):
    day = timedelta(days=1)
    old = card(kind, at=town.NOW - 30 * day, valid_for=29 * day)
    refused(judged(asked, shown(old)), ("validity", FIRST, Code.CREDENTIAL_EXPIRED))


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_card_that_is_not_yet_in_force_is_refused(asked, kind):
    unsigned = town.city_credential(kind, town.alice())
    start = town.NOW + timedelta(days=1)
    early = cityid.issue(unsigned, by=town.office(), at=town.NOW, valid_from=start)
    refused(judged(asked, shown(early)), ("validity", FIRST, Code.CREDENTIAL_NOT_YET_VALID))


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_changed_claim_breaks_the_proofs(asked, kind):
    presentation = shown(card(kind)).to_dict()
    presentation["verifiableCredential"][0]["name"] = "Another name"
    result = judged(asked, presentation)
    refused(result, *(("proof", path, Code.PROOF_VERIFICATION_ERROR) for path in ("", FIRST)))


# --- to whom, and how often


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_presentation_for_another_service_is_refused(asked, kind):
    result = judged(asked, shown(card(kind), domain="shop.example"))
    assert not result
    assert ("domain", "", Code.INVALID_DOMAIN_ERROR) in faults(result)


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_an_answer_to_another_challenge_is_refused(asked, kind):
    result = judged(asked, shown(card(kind), challenge="another-challenge-of-some-day"))
    assert not result
    assert ("challenge", "", Code.INVALID_CHALLENGE_ERROR) in faults(result)


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_presentation_counts_once(asked, kind):
    nonces, presentation = MemoryNonces(), shown(card(kind))
    assert judged(asked, presentation, nonces=nonces)
    again = judged(asked, presentation, nonces=nonces)
    refused(again, ("challenge", "", Code.REPLAY_DETECTED))


def test_a_card_alone_answers_no_challenge_and_no_domain():
    """Not even for a policy that does not ask who presents."""
    alone, asked = card("resident").to_dict(), policy.IssuedBy({town.office().did})
    challenge = ("challenge", "", Code.INVALID_CHALLENGE_ERROR)
    domain = ("domain", "", Code.INVALID_DOMAIN_ERROR)
    refused(judged(asked, alone), challenge, domain)
    refused(judged(asked, alone, challenge=None), domain)
    refused(judged(asked, alone, domain=None), challenge)
    assert judged(asked, alone, challenge=None, domain=None)


@pytest.mark.parametrize(("asked", "kind"), CASES)
def test_a_card_without_a_presentation_is_nobodys(asked, kind):
    result = judged(asked, card(kind).to_dict(), challenge=None, domain=None)
    refused(result, ("policy.holder_bound", "", Code.HOLDER_BINDING_FAILED), verified=True)


def test_the_day_of_judgement_is_the_elections_not_todays():
    """Who comes of age between today and the election may vote in it."""
    soon = policy.Election(id=ELECTION.id, day=date(2027, 6, 1), registrars=ELECTION.registrars)
    young = card("resident", birthDate="2009-05-31")
    assert judged(policy.voting(soon), shown(young))
    assert not judged(POLLS, shown(young))
