"""Service access: is this a resident, a member, somebody old enough."""

from __future__ import annotations

from collections.abc import Iterable

from cityid.policy.atoms import Claim, HasType, HolderBound, IssuedBy, demand_several
from cityid.policy.base import Policy
from cityid.policy.combine import AllOf, SameCredential


def access(
    *,
    issuers: Iterable[object],
    entitlement: str = "ResidentIdentityCredential",
    age_over: int | None = None,
    districts: Iterable[str] = (),
) -> Policy:
    """Return the policy of a counter, a gate or a website.

    Args:
        issuers: Whose credentials count.
        entitlement: The type of credential that opens the door.
        age_over: An age that an accepted credential must confirm with its ``ageOverNN`` claim.
        districts: Where the person must live; anywhere by default.

    Returns:
        A policy over credentials that their subject presents.

    Raises:
        InvalidInputError: There are no issuers, or issuers or districts are one text.
    """
    demand_several("issuers", issuers)
    demand_several("districts", districts)
    accepted = frozenset(map(str, issuers))
    asked: list[Policy] = [IssuedBy(accepted), HasType(entitlement)]
    places = tuple(districts)
    if places:
        asked.append(Claim("/credentialSubject/address/district", one_of=places))
    parts: list[Policy] = [HolderBound(), SameCredential(*asked)]
    if age_over is not None:
        old_enough = Claim(f"/credentialSubject/ageOver{age_over}", equals=True)
        parts.append(SameCredential(IssuedBy(accepted), old_enough))
    return AllOf(*parts)
