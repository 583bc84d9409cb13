"""Policies: whom to believe and what to ask, decided over proven facts alone.

A policy is a value with two questions: what it `needs` before it can judge, and what it `decide`s
over the facts. Decisions have three values, and missing evidence never permits: PERMIT, DENY,
INDETERMINATE, combined by Kleene's strong logic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from cityid.errors import Code, InvalidInputError
from cityid.policy.facts import Facts
from cityid.report import Check, Outcome, Problem
from cityid.trust import Asked


class Verdict(StrEnum):
    """What a policy says."""

    PERMIT = "permit"
    DENY = "deny"
    INDETERMINATE = "indeterminate"
    """Evidence is missing or could not be checked; it never permits."""


_OUTCOMES = {
    Verdict.PERMIT: Outcome.PASSED,
    Verdict.DENY: Outcome.FAILED,
    Verdict.INDETERMINATE: Outcome.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one part of a policy said what it said.

    Attributes:
        policy: The part's name, such as ``issued_by``.
        verdict: What it said.
        text: Why, for people; without the values of claims.
        code: Why, for programs; None where it permits.
        path: JSON Pointer to what it looked at.
    """

    policy: str
    verdict: Verdict
    text: str
    code: Code | None = None
    path: str = ""

    def to_check(self) -> Check:
        """Return the reason as a check of the report, named ``policy.NAME``."""
        problem = None if self.code is None else Problem(self.code, self.text, path=self.path)
        return Check(f"policy.{self.policy}", _OUTCOMES[self.verdict], self.path, problem)

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as JSON."""
        return {"policy": self.policy, "verdict": self.verdict.value, "text": self.text}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy decided, and why.

    Attributes:
        verdict: PERMIT, DENY or INDETERMINATE.
        reasons: What its parts said, in the order they were asked.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()

    def __bool__(self) -> bool:
        return self.verdict is Verdict.PERMIT

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as JSON."""
        return {
            "verdict": self.verdict.value,
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class Needs:
    """What a policy must be given before it can judge.

    Attributes:
        issuers: The issuers it believes; a credential of anybody else is not trusted.
        any_issuer: Whether it believes everybody; only `UnsafeAnyIssuer` says so.
        authorities: Whom it believes about other issuers, and what they are to be asked.
        max_status_age: How old a status list may be; None for what the lists say.
    """

    issuers: frozenset[str] = frozenset()
    any_issuer: bool = False
    authorities: frozenset[Asked] = frozenset()
    max_status_age: timedelta | None = None

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.issuers | other.issuers,
            self.any_issuer or other.any_issuer,
            self.authorities | other.authorities,
            _shorter(self.max_status_age, other.max_status_age),
        )


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


class Policy(Protocol):
    """Whom to believe and what to ask."""

    def needs(self) -> Needs:
        """Return what must be collected before the policy can judge."""
        ...

    def decide(self, facts: Facts) -> Decision:
        """Judge what was proven; pure, and never raises for what a document says."""
        ...


def combined_needs(policies: Iterable[Policy]) -> Needs:
    """Return what all the policies need together."""
    total = Needs()
    for policy in policies:
        total |= policy.needs()
    return total


def at_least_one(name: str, policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """Return the policies as a tuple; a combination of nothing would permit by accident.

    Raises:
        InvalidInputError: There is none.
    """
    if not policies:
        raise InvalidInputError(
            f"{name}() of nothing says nothing; name at least one policy", code=Code.INVALID_OPTIONS
        )
    return tuple(policies)
