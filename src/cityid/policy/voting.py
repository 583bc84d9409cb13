"""Voting eligibility: may this person vote here on that day. Not a voting system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from cityid.did.syntax import is_url
from cityid.errors import Code, InvalidInputError, quote
from cityid.policy.age import OLDEST, AgeOver, demand_age
from cityid.policy.atoms import (
    Claim,
    HasType,
    HolderBound,
    accepted,
    demand_period,
    demand_several,
    texts,
)
from cityid.policy.base import Decision, Needs, Policy, Reason, Verdict
from cityid.policy.combine import AllOf, AnyOf, SameCredential
from cityid.policy.facts import Facts
from cityid.policy.recognised import Recognised, believing

_AGES = timedelta(days=366 * OLDEST)
_QUARTER = timedelta(days=90)


@dataclass(frozen=True, init=False)
class Election:
    """Who may vote: data of the jurisdiction, never constants of a program.

    Attributes:
        id: The election's URL.
        day: The day on which age and residence are judged, whatever day it is today: when votes are
            cast is the polling station's business, and no policy compares the two.
        registrars: Whose credentials of residence and eligibility count.
        recognised: Belief in other registrars, whom an authority recognises.
        districts: Where voters must live; empty for the whole city.
        minimum_age: In years, on the day.
        resident_for: How long voters must have lived there, on the day.

    Raises:
        InvalidInputError: There are no registrars, or something is of the wrong type or absurd.
    """

    id: str
    day: date
    registrars: frozenset[str]
    recognised: frozenset[Recognised]
    districts: frozenset[str]
    minimum_age: int
    resident_for: timedelta

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the standard's word
        day: date,
        registrars: Iterable[object],
        recognised: Iterable[Recognised] = (),
        districts: Iterable[str] = (),
        minimum_age: int = 18,
        resident_for: timedelta = _QUARTER,
    ) -> None:
        demand_several("registrars", registrars)
        _demand_frame(id, day, minimum_age, resident_for)
        several = tuple(registrars)
        believed = frozenset(each for each in several if isinstance(each, Recognised))
        fields = {
            "id": id,
            "day": day,
            "registrars": accepted(each for each in several if not isinstance(each, Recognised)),
            "recognised": believed.union(recognised),
            "districts": texts("districts", districts),
            "minimum_age": minimum_age,
            "resident_for": resident_for,
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        if not (self.registrars or self.recognised):
            raise InvalidInputError(
                "an election needs registrars whose credentials count", code=Code.INVALID_OPTIONS
            )


def _demand_frame(identifier: object, day: object, age: object, resident_for: timedelta) -> None:
    """Refuse an election whose name, day, age or time of residence nobody could judge."""
    if not is_url(identifier):
        raise InvalidInputError(
            f"an election's id is its absolute URL, not {quote(identifier)}",
            code=Code.INVALID_OPTIONS,
        )
    if type(day) is not date:
        raise InvalidInputError(
            f"day takes a date (not a datetime), not {quote(day)}", code=Code.INVALID_OPTIONS
        )
    demand_age("minimum_age", age, least=0)
    demand_period("resident_for", resident_for)
    if resident_for > _AGES or day.year <= OLDEST + 1:
        raise InvalidInputError(
            f"residence and birth lie at most {OLDEST} years before the day, within the calendar",
            code=Code.INVALID_OPTIONS,
        )


def voting(election: Election) -> Policy:
    """Return the policy of a polling register.

    It accepts a ``VoterEligibilityCredential`` for this very election, unless it shows that its
    subject is not eligible on the day (``eligibleFrom``, ``eligibleUntil``) or too young
    (``ageOverNN``); or a ``ResidentIdentityCredential`` that shows age, residence and, where
    asked, district. Either must be presented by its subject.

    Args:
        election: Who may vote.
    """
    roll = _registrars(election, "VoterEligibilityCredential")
    residence = _registrars(election, "ResidentIdentityCredential")
    ways = [
        *([_by_roll(election, roll)] if roll is not None else []),
        *([_by_residence(election, residence)] if residence is not None else []),
    ]
    return AllOf(HolderBound(), AnyOf(*ways))


def _registrars(election: Election, type_: str) -> Policy | None:
    """Return belief in the registrars for a type; None where nobody is believed for it."""
    several = [
        *election.registrars,
        *(each for each in election.recognised if each.asked.for_type == type_),
    ]
    return believing("registrars", several, type_) if several else None


def _by_roll(election: Election, registrars: Policy) -> Policy:
    asked: list[Policy] = [
        registrars,
        HasType("VoterEligibilityCredential"),
        Claim("/credentialSubject/election", equals=election.id),
        _WhereShown(Claim("/credentialSubject/eligibleFrom", at_most=election.day)),
        _WhereShown(Claim("/credentialSubject/eligibleUntil", at_least=election.day)),
    ]
    if election.minimum_age:
        asked.append(_WhereShown(AgeOver(election.minimum_age)))
    if election.districts:
        asked.append(Claim("/credentialSubject/electoralDistrict", one_of=election.districts))
    return SameCredential(*asked)


def _by_residence(election: Election, registrars: Policy) -> Policy:
    born_until = years_before(election.day, election.minimum_age)
    asked: list[Policy] = [
        registrars,
        HasType("ResidentIdentityCredential"),
        Claim("/credentialSubject/birthDate", at_most=born_until),
        Claim("/credentialSubject/residentSince", at_most=election.day - election.resident_for),
    ]
    if election.districts:
        asked.append(Claim("/credentialSubject/address/district", one_of=election.districts))
    return SameCredential(*asked)


@dataclass(frozen=True)
class _WhereShown:
    """Permits unless what is shown speaks against it: the roll need not repeat what it rests on."""

    policy: Claim | AgeOver

    def needs(self) -> Needs:
        """Return nothing."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Deny what is denied; what is not shown is not asked for."""
        decision = self.policy.decide(facts)
        if decision.verdict is not Verdict.INDETERMINATE:
            return decision
        text = "nothing that is shown speaks against it"
        reasons = (Reason("claim", Verdict.PERMIT, text, None, r.path) for r in decision.reasons)
        return Decision(Verdict.PERMIT, tuple(reasons))


def years_before(day: date, years: int) -> date:
    """Return the last birthday that makes somebody `years` old on `day`.

    Whoever was born on 29 February comes of age on 1 March of a common year.
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
