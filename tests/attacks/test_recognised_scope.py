"""Attempts to be believed for more than one is recognised for, each beside the honest case."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

import cityid
import town
from cityid import policy, registry, trust
from cityid.errors import Code
from cityid.policy import Verdict
from cityid.registry import NewEntry
from cityid.securing import add_proof

CARD, PASSPORT = "ExampleAlumniCredential", "ExampleDegreeCredential"
CITY, LIBRARY = town.person("city"), town.person("library")
DAY = timedelta(days=1)


@pytest.fixture
def ledger():
    return registry.connect("memory:", clock=lambda: town.NOW - 30 * DAY)


def recognise(ledger, for_type=CARD, **options):
    options = {"at": town.NOW - 20 * DAY, **options}
    trust.recognise(ledger, CITY, LIBRARY, for_type=for_type, **options)


def card(*types, **members):
    unsigned = town.unsigned(town.alice()) | {
        "issuer": str(LIBRARY.did),
        "type": ["VerifiableCredential", *types],
    }
    method, signer = LIBRARY.signer("assertionMethod")
    return add_proof(
        unsigned | members,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
        created=town.NOW,
    )


def judged(ledger, document, *wanted):
    believed = policy.Recognised(CITY, for_type=CARD)
    return cityid.verify(
        document,
        policy=policy.AllOf(believed, *wanted),
        resolver=town.resolver(),
        registry=ledger,
        at=town.NOW,
    )


def test_a_second_type_on_a_card_makes_no_passport(ledger):
    recognise(ledger)
    assert judged(ledger, card(CARD), policy.HasType(CARD))
    result = judged(ledger, card(CARD, PASSPORT), policy.HasType(PASSPORT))
    assert result.decision.verdict is Verdict.DENY
    assert result.report.outcome("trust") is cityid.Outcome.FAILED
    recognise(ledger, PASSPORT)
    assert judged(ledger, card(CARD, PASSPORT), policy.HasType(PASSPORT))


def test_many_types_are_given_up_at_the_first_that_is_not_recognised(ledger):
    recognise(ledger)
    start = time.process_time()
    assert not judged(ledger, card(CARD, *(f"https://example.org/{n}" for n in range(5000))))
    assert time.process_time() - start < 1.5


def test_a_claim_beside_the_subject_is_a_claim(ledger):
    recognise(ledger, claims=["/credentialSubject/alumniOf"])
    assert judged(ledger, card(CARD, name="A card", evidence={"type": "Seen"}))
    result = judged(ledger, card(CARD, ageOver18=True))
    (problem,) = [each.problem for each in result.checks if each.name == "trust"]
    assert problem.code is Code.ISSUER_NOT_TRUSTED
    recognise(ledger)
    assert judged(ledger, card(CARD, ageOver18=True))


@pytest.mark.parametrize(
    ("own", "passes"),
    [
        ("/credentialSubject/alumniOf", True),
        ("/credentialSubject/alumniO", False),
        ("/credentialSubject/alumniOf/x", False),
    ],
)
def test_a_claim_is_covered_by_itself_or_by_what_holds_it(ledger, own, passes):
    recognise(ledger, claims=[own])
    assert bool(judged(ledger, card(CARD))) is passes
    deep = card(CARD, credentialSubject={"alumniOf": {"x": 1}})
    assert bool(judged(ledger, deep)) is (own != "/credentialSubject/alumniO")


def test_many_claims_against_many_cost_little(ledger):
    names = [f"k{n}" for n in range(3000)]
    line = trust.RecognizedAction(
        entity=str(LIBRARY.did),
        for_type=CARD,
        claims=tuple(f"/credentialSubject/{name}" for name in names[:-1]),
    )
    trust.publish(ledger, CITY, [line] * 5, at=town.NOW - 20 * DAY)
    claims = {"credentialSubject": dict.fromkeys(names, 1)}
    start = time.process_time()
    assert not judged(ledger, card(CARD, **claims))
    assert time.process_time() - start < 1.0


def test_a_verifier_who_saw_more_does_not_believe_a_registry_that_went_back(ledger):
    early = datetime(2026, 1, 1, tzinfo=UTC)
    recognise(ledger, at=early)
    before = list(ledger.scan())
    trust.withdraw(ledger, CITY, LIBRARY, at=early)
    seen = trust.recognition(
        ledger,
        town.resolver(),
        authority=str(CITY.did),
        issuer=str(LIBRARY.did),
        for_type=CARD,
        at=town.NOW,
    ).versions
    back = registry.connect("memory:", clock=lambda: town.NOW - 30 * DAY)
    back.append([NewEntry(each.log, each.version, each.data) for each in before])
    issued = cityid.issue(
        {"issuer": str(LIBRARY.did), "type": ["VerifiableCredential", CARD]}
        | {"@context": [town.V2, town.EXAMPLES], "credentialSubject": {"alumniOf": "x"}},
        by=LIBRARY,
        at=early,
    )

    def verdict(known, at=None):
        verifier = cityid.Verifier(resolver=town.resolver(), registry=back, known=known)
        believed = policy.Recognised(CITY, for_type=CARD)
        return verifier.verify(issued, policy=believed, at=at).decision.verdict

    assert verdict(()) is Verdict.PERMIT
    assert verdict(seen, town.NOW) is Verdict.PERMIT  # as of then, it was so
    assert verdict(seen) is Verdict.INDETERMINATE
