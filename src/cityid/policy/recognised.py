"""Belief in issuers whom nobody names: an authority recognises them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from cityid.errors import Code, quote
from cityid.policy.atoms import IssuedBy, accepted, demand_period, demand_several, judged, texts
from cityid.policy.base import Decision, Needs, Policy, Verdict
from cityid.policy.combine import AnyOf
from cityid.policy.facts import Facts, VerifiedCredential
from cityid.report import Outcome
from cityid.trust import DEPTH, Asked, Recognition

_NAME = "recognised"


@dataclass(frozen=True, init=False)
class Recognised:
    """Permits when every credential of a type was issued by somebody whom an authority recognises.

    The authority recognises the issuer itself, or another authority does that it recognises. What
    counts is the recognition at the time of judgement, for this type, for every claim that the
    credential makes, and in this jurisdiction.

    Args:
        authority: The DID of the authority that is believed; or an identity, whose DID counts.
        for_type: The type of credential; at least one must be there.
        jurisdiction: Where; a recognition that is limited to places does not hold without one.
        max_age: How long ago every list on the way may have been signed; by default, as long as
            it is in force.
        depth: How many authorities the way may have.

    Raises:
        InvalidInputError: An argument is of the wrong kind.
    """

    asked: Asked
    public: ClassVar[bool] = False

    def __init__(
        self,
        authority: object,
        *,
        for_type: str,
        jurisdiction: str | None = None,
        max_age: timedelta | None = None,
        depth: int = DEPTH,
    ) -> None:
        (whose,) = accepted((authority,))
        texts(
            "for_type= and jurisdiction=", (for_type, "" if jurisdiction is None else jurisdiction)
        )
        if max_age is not None:
            demand_period("max_age", max_age)
        object.__setattr__(self, "asked", Asked(whose, for_type, jurisdiction, max_age, depth))

    def needs(self) -> Needs:
        """Return what is to be asked of the authority."""
        return Needs(authorities=frozenset({self.asked}))

    def decide(self, facts: Facts) -> Decision:
        """Look at what was found out about the issuer of each credential of the type."""
        credentials = [c for c in facts if self.asked.for_type in c.types]
        if not credentials:
            told = f"no credential of type {self.asked.for_type} was presented"
            return judged(_NAME, Verdict.INDETERMINATE, told, Code.CREDENTIAL_MISSING)
        for credential in credentials:
            found = self._found(credential)
            if found is None or found.problem is not None:
                return _unproven(found, credential.path)
        told = f"issued by who is recognised by {quote(self.asked.authority, 100)}"
        return judged(_NAME, Verdict.PERMIT, told)

    def _found(self, credential: VerifiedCredential) -> Recognition | None:
        return next((f for f in credential.recognitions if f.asked == self.asked), None)


def _unproven(found: Recognition | None, path: str) -> Decision:
    if found is None or found.problem is None:
        told = "nobody asked the authority about this issuer"
        return judged(_NAME, Verdict.INDETERMINATE, told, Code.TRUST_LIST_UNAVAILABLE, path)
    denied = found.outcome is Outcome.FAILED
    verdict = Verdict.DENY if denied else Verdict.INDETERMINATE
    return judged(_NAME, verdict, found.problem.title, found.problem.code, path)


def believing(name: str, issuers: Iterable[object], *types: str) -> Policy:
    """Return belief in issuers by name, and by recognition.

    Args:
        name: What the issuers are given as.
        issuers: DIDs, identities, and `Recognised`.
        types: The types that are asked for: a recognition for another one is left out. Without
            any, each recognition counts for its own.

    Raises:
        InvalidInputError: Nobody is left to believe, or one of them is malformed.
    """
    demand_several(name, issuers)
    several = tuple(issuers)
    recognised = [
        each
        for each in several
        if isinstance(each, Recognised) and (not types or each.asked.for_type in types)
    ]
    named = [each for each in several if not isinstance(each, Recognised)]
    parts: list[Policy] = [*([IssuedBy(named)] if named or not recognised else []), *recognised]
    return parts[0] if len(parts) == 1 else AnyOf(*parts)
