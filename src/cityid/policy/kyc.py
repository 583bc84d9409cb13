"""KYC: has a recognised office checked who this is, thoroughly and lately enough."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.policy.atoms import (
    Claim,
    HasType,
    HolderBound,
    NotOlderThan,
    demand_period,
    texts,
)
from cityid.policy.base import Policy
from cityid.policy.combine import AllOf, SameCredential
from cityid.policy.recognised import believing

LEVELS: Final = ("low", "substantial", "high")
"""Levels of assurance of Regulation (EU) 910/2014, weakest first."""

YEAR: Final = timedelta(days=365)
_TYPE: Final = "KycAssuranceCredential"


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
        issuers: Whose checks the service accepts: DIDs, and `Recognised` for whoever an authority
            recognises for ``KycAssuranceCredential``.
        level: The least level of assurance, one of `LEVELS`.
        checked_within: How long ago the check may have been.
        jurisdictions: Where the check must have been made; anywhere by default.

    Raises:
        UnsupportedError: There is no such level.
        InvalidInputError: There are no issuers, or an argument is of the wrong type.
    """
    demand_period("checked_within", checked_within)
    places = texts("jurisdictions", jurisdictions)
    if not isinstance(level, str):
        raise InvalidInputError(
            f"level takes a level of assurance such as 'high', not {quote(level)}",
            code=Code.INVALID_OPTIONS,
        )
    if level not in LEVELS:
        raise UnsupportedError(
            f"there is no level of assurance {quote(level)}", name=level, known=LEVELS
        )
    asked: list[Policy] = [
        believing("issuers", issuers, _TYPE),
        HasType(_TYPE),
        Claim("/credentialSubject/assuranceLevel", one_of=LEVELS[LEVELS.index(level) :]),
        NotOlderThan("/credentialSubject/checkedOn", checked_within),
    ]
    if places:
        asked.append(Claim("/credentialSubject/jurisdiction", one_of=places))
    return AllOf(HolderBound(), SameCredential(*asked))
