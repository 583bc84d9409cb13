"""KYC: has a recognised office checked who this is, thoroughly and lately enough."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cityid.errors import UnsupportedError
from cityid.policy.atoms import Claim, HasType, HolderBound, IssuedBy, NotOlderThan, demand_several
from cityid.policy.base import Policy
from cityid.policy.combine import AllOf, SameCredential

LEVELS: Final = ("low", "substantial", "high")
"""Levels of assurance of Regulation (EU) 910/2014, weakest first."""

YEAR: Final = timedelta(days=365)


def kyc(
    *,
    issuers: Iterable[object],
    level: str = "substantial",
    checked_within: timedelta = YEAR,
    jurisdictions: Iterable[str] = (),
) -> Policy:
    """Return the policy of a service that must know its customer.

    It asks for a ``KycAssuranceCredential`` that its subject presents: the result of somebody
    else's check, without the data that was checked.

    Args:
        issuers: Whose checks the service accepts.
        level: The least level of assurance, one of `LEVELS`.
        checked_within: How long ago the check may have been.
        jurisdictions: Where the check must have been made; anywhere by default.

    Raises:
        UnsupportedError: There is no such level.
        InvalidInputError: There are no issuers, or issuers or jurisdictions are one text.
    """
    if level not in LEVELS:
        raise UnsupportedError("no such level of assurance", name=level, known=LEVELS)
    asked: list[Policy] = [
        IssuedBy(issuers),
        HasType("KycAssuranceCredential"),
        Claim("/credentialSubject/assuranceLevel", one_of=LEVELS[LEVELS.index(level) :]),
        NotOlderThan("/credentialSubject/checkedOn", checked_within),
    ]
    demand_several("jurisdictions", jurisdictions)
    places = tuple(jurisdictions)
    if places:
        asked.append(Claim("/credentialSubject/jurisdiction", one_of=places))
    return AllOf(HolderBound(), SameCredential(*asked))
