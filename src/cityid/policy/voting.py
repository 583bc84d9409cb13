"""Voting eligibility: may this person vote here on that day. Not a voting system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from cityid.errors import Code, InvalidInputError
from cityid.policy.atoms import Claim, HasType, HolderBound, IssuedBy, demand_several
from cityid.policy.base import Policy
from cityid.policy.combine import AllOf, AnyOf, SameCredential

_LIFETIME = 150
_NEVER, _AGES = timedelta(0), timedelta(days=366 * _LIFETIME)


@dataclass(frozen=True, kw_only=True)
class Election:
    """Who may vote: data of the jurisdiction, never constants of a program.

    Attributes:
        id: The election's URL.
        day: The day on which age and residence are judged.
        registrars: Whose credentials of residence and eligibility count.
        districts: Where voters must live; empty for the whole city.
        minimum_age: In years, on the day.
        resident_for: How long voters must have lived there, on the day.
    """

    id: str
    day: date
    registrars: frozenset[str]
    districts: frozenset[str] = frozenset()
    minimum_age: int = 18
    resident_for: timedelta = timedelta(days=90)

    def __post_init__(self) -> None:
        demand_several("registrars", self.registrars)
        demand_several("districts", self.districts)
        if not self.registrars:
            raise InvalidInputError(
                "an election needs registrars whose credentials count", code=Code.INVALID_OPTIONS
            )
        mortal = 0 <= self.minimum_age <= _LIFETIME and _NEVER <= self.resident_for <= _AGES
        if not mortal or self.day.year <= _LIFETIME + 1:
            raise InvalidInputError(
                f"minimum_age and resident_for lie between 0 and {_LIFETIME} years before the day",
                code=Code.INVALID_OPTIONS,
            )
        registrars = frozenset(str(registrar) for registrar in self.registrars)
        object.__setattr__(self, "registrars", registrars)
        object.__setattr__(self, "districts", frozenset(self.districts))


def voting(election: Election) -> Policy:
    """Return the policy of a polling register.

    It accepts a ``VoterEligibilityCredential`` for this very election, or a
    ``ResidentIdentityCredential`` that shows age, residence and, where asked, district; either
    must be presented by its subject.

    Args:
        election: Who may vote.
    """
    return AllOf(HolderBound(), AnyOf(_by_roll(election), _by_residence(election)))


def _by_roll(election: Election) -> Policy:
    asked: list[Policy] = [
        IssuedBy(election.registrars),
        HasType("VoterEligibilityCredential"),
        Claim("/credentialSubject/election", equals=election.id),
    ]
    if election.districts:
        asked.append(Claim("/credentialSubject/electoralDistrict", one_of=election.districts))
    return SameCredential(*asked)


def _by_residence(election: Election) -> Policy:
    born_until = years_before(election.day, election.minimum_age)
    asked: list[Policy] = [
        IssuedBy(election.registrars),
        HasType("ResidentIdentityCredential"),
        Claim("/credentialSubject/birthDate", at_most=born_until),
        Claim("/credentialSubject/residentSince", at_most=election.day - election.resident_for),
    ]
    if election.districts:
        asked.append(Claim("/credentialSubject/address/district", one_of=election.districts))
    return SameCredential(*asked)


def years_before(day: date, years: int) -> date:
    """Return the last birthday that makes somebody `years` old on `day`.

    Whoever was born on 29 February comes of age on 1 March of a common year.
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
