"""Service access: is this a resident, a member, somebody old enough."""

from __future__ import annotations

from collections.abc import Iterable

from cityid.policy.age import AgeOver
from cityid.policy.atoms import Claim, HasType, HolderBound, demand_several, texts
from cityid.policy.base import Policy
from cityid.policy.combine import AllOf, SameCredential
from cityid.policy.recognised import believing


def access(
    *,
    issuers: Iterable[object],
    entitlement: str = "ResidentIdentityCredential",
    age_over: int | None = None,
    districts: Iterable[str] = (),
) -> Policy:
    """Return the policy of a counter, a gate or a website.

    Args:
        issuers: Whose credentials count: DIDs, and `Recognised` for whoever an authority recognises
            for the type of credential.
        entitlement: The type of credential that opens the door.
        age_over: An age that an accepted credential must confirm with an ``ageOverNN`` claim of
            that age or a higher one.
        districts: Where the person must live; anywhere by default.

    Returns:
        A policy over credentials that their subject presents.

    Raises:
        InvalidInputError: There are no issuers, an argument is one text where several are
            meant, or `age_over` is no age.
    """
    demand_several("issuers", issuers)
    several = tuple(issuers)
    asked: list[Policy] = [believing("issuers", several, entitlement), HasType(entitlement)]
    places = texts("districts", districts)
    if places:
        asked.append(Claim("/credentialSubject/address/district", one_of=places))
    parts: list[Policy] = [HolderBound(), SameCredential(*asked)]
    if age_over is not None:
        parts.append(SameCredential(believing("issuers", several), AgeOver(age_over)))
    return AllOf(*parts)
