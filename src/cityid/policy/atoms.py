"""The smallest policies: who issued, what type, which claim, who presents."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Final

from cityid.errors import Code, InvalidInputError, quote
from cityid.policy.base import Decision, Needs, Reason, Verdict
from cityid.policy.facts import Facts, VerifiedCredential


def _decision(
    policy: str, verdict: Verdict, text: str, code: Code | None = None, path: str = ""
) -> Decision:
    return Decision(verdict, (Reason(policy, verdict, text, code, path),))


def _of_type(facts: Facts, type_: str | None) -> list[VerifiedCredential]:
    return [c for c in facts if type_ is None or type_ in c.types]


def _missing(policy: str, type_: str | None) -> Decision:
    text = f"no credential of type {type_} was presented" if type_ else "nothing was presented"
    return _decision(policy, Verdict.INDETERMINATE, text, Code.CREDENTIAL_MISSING)


def demand_several(name: str, values: object) -> None:
    """Refuse one text where several are meant: taken apart, its letters would be the values.

    Args:
        name: What the values are given as.
        values: The values.

    Raises:
        InvalidInputError: They are one text, or not several of anything.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidInputError(
            f"{name} takes several values, such as a set, not {quote(values)}",
            code=Code.INVALID_OPTIONS,
        )


@dataclass(frozen=True, init=False)
class IssuedBy:
    """Permits when every credential was issued by somebody of this set.

    Args:
        issuers: DIDs (or issuer URLs), as text or as anything whose ``str`` is one.
        type: Looks only at credentials of this type; at least one must be there.

    Raises:
        InvalidInputError: The set is empty, or is one text instead of a set.
    """

    issuers: frozenset[str]
    type: str | None
    public: ClassVar[bool] = True

    def __init__(self, issuers: Iterable[object], *, type: str | None = None) -> None:  # noqa: A002 - the standard's word
        demand_several("IssuedBy({did, …})", issuers)
        object.__setattr__(self, "issuers", frozenset(str(issuer) for issuer in issuers))
        object.__setattr__(self, "type", type)
        if not self.issuers:
            raise InvalidInputError("IssuedBy of nobody believes nobody", code=Code.INVALID_OPTIONS)

    def needs(self) -> Needs:
        """Return the issuers: nobody else is to be believed."""
        return Needs(self.issuers)

    def decide(self, facts: Facts) -> Decision:
        """Compare the issuer of each credential."""
        credentials = _of_type(facts, self.type)
        if not credentials:
            return _missing("issued_by", self.type)
        for credential in credentials:
            if credential.issuer not in self.issuers:
                text = "the issuer is not one of those this policy accepts"
                return _decision(
                    "issued_by", Verdict.DENY, text, Code.ISSUER_NOT_TRUSTED, credential.path
                )
        return _decision("issued_by", Verdict.PERMIT, "issued by an accepted issuer")


@dataclass(frozen=True)
class UnsafeAnyIssuer:
    """Permits whoever issued: for tests and for looking around, never for a service."""

    public: ClassVar[bool] = True

    def needs(self) -> Needs:
        """Return that anybody is believed."""
        return Needs(any_issuer=True)

    def decide(self, facts: Facts) -> Decision:  # noqa: ARG002 - the port's signature
        """Permit."""
        return _decision("unsafe_any_issuer", Verdict.PERMIT, "any issuer is accepted: UNSAFE")


@dataclass(frozen=True)
class HasType:
    """Permits when a credential of this type was presented.

    A type gives no authority: say with `IssuedBy` whose credentials of the type count.
    """

    type: str
    public: ClassVar[bool] = True

    def needs(self) -> Needs:
        """Return nothing."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Look for the type."""
        if not _of_type(facts, self.type):
            return _missing("has_type", self.type)
        return _decision("has_type", Verdict.PERMIT, f"a credential of type {self.type} is there")


@dataclass(frozen=True)
class HolderBound:
    """Permits when every credential is about the one who presents it."""

    def needs(self) -> Needs:
        """Return nothing: a presentation's binding is always checked."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Compare the subjects with the presenter."""
        code = Code.HOLDER_BINDING_FAILED
        if facts.holder is None:
            text = "nobody presented this: a bare credential proves no holder"
            return _decision("holder_bound", Verdict.DENY, text, code)
        if not facts.credentials:
            return _missing("holder_bound", None)
        for credential in facts:
            if all(s.get("id") != facts.holder for s in credential.credential.subjects):
                text = "the credential is not about the one who presents it"
                return _decision("holder_bound", Verdict.DENY, text, code, credential.path)
        return _decision("holder_bound", Verdict.PERMIT, "presented by its subject")


def _same(value: Any, bound: Any) -> bool:
    """Tell whether two values are one in JSON, at every depth: true is not 1, and 1 not 1.0."""
    if type(value) is not type(bound):
        return False
    if isinstance(value, dict):
        return value.keys() == bound.keys() and all(_same(value[k], bound[k]) for k in value)
    if isinstance(value, list):
        return len(value) == len(bound) and all(map(_same, value, bound))
    return bool(value == bound)


_ABSENT: Final = object()
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _same,
    "one_of": lambda value, bound: any(_same(value, item) for item in bound),
    "contains": lambda value, bound: (
        isinstance(value, list) and any(_same(item, bound) for item in value)
    ),
    "at_least": operator.ge,
    "at_most": operator.le,
}


@dataclass(frozen=True)
class Claim:
    """Permits when a claim is there and its value fits.

    Values are compared by type and value (true is not 1, "18" is not 18). A `date` bound reads
    the claim as an ISO date. Without any bound, the claim needs only to be there.

    Args:
        path: JSON Pointer into the credential, such as ``/credentialSubject/ageOver18``.
        equals: The value it must have.
        one_of: The values it may have.
        contains: What it must hold, being a list.
        at_least: The least number or date.
        at_most: The greatest number or date.
        type: Looks only at credentials of this type.

    Raises:
        InvalidInputError: The path is no pointer to a member, or a bound is of the wrong type.
    """

    path: str
    equals: Any = field(default=_ABSENT, kw_only=True)
    one_of: Collection[Any] | object = field(default=_ABSENT, kw_only=True)
    contains: Any = field(default=_ABSENT, kw_only=True)
    at_least: float | date | object = field(default=_ABSENT, kw_only=True)
    at_most: float | date | object = field(default=_ABSENT, kw_only=True)
    type: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise InvalidInputError(
                "a claim is named by a JSON Pointer such as /credentialSubject/ageOver18",
                code=Code.INVALID_OPTIONS,
            )
        for name in ("at_least", "at_most"):
            if (
                type(bound := getattr(self, name)) not in (int, float, date)
                and bound is not _ABSENT
            ):
                raise InvalidInputError(
                    f"{name} is a number or a date (not a datetime), not {quote(bound)}",
                    code=Code.INVALID_OPTIONS,
                )
        if self.one_of is not _ABSENT:
            demand_several("one_of", self.one_of)

    def needs(self) -> Needs:
        """Return nothing."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Permit if one credential has the claim with a fitting value; deny if none fits."""
        found = False
        for credential in _of_type(facts, self.type):
            values = credential.claims(self.path, holder=facts.holder)
            found = found or bool(values)
            if values and all(self._fits(value) for value in values):
                text = f"{self.path} is as asked"
                return _decision("claim", Verdict.PERMIT, text, None, credential.path)
        if not found:
            text = f"{self.path} was not shown"
            return _decision("claim", Verdict.INDETERMINATE, text, Code.CLAIM_MISSING, self.path)
        text = f"{self.path} is not as asked"
        return _decision("claim", Verdict.DENY, text, Code.POLICY_DENIED, self.path)

    def _fits(self, value: Any) -> bool:
        bounds = {name: getattr(self, name) for name in _TESTS}
        asked = {name: bound for name, bound in bounds.items() if bound is not _ABSENT}
        return all(_holds(name, value, bound) for name, bound in asked.items())


def _holds(name: str, value: Any, bound: Any) -> bool:
    if isinstance(bound, date):
        try:
            value = date.fromisoformat(value)
        except (TypeError, ValueError):
            return False
    elif name in {"at_least", "at_most"} and type(value) not in {int, float}:
        return False
    return _TESTS[name](value, bound)


@dataclass(frozen=True)
class NotOlderThan:
    """Permits when a date in the credential lies at most so long before the time of judgement.

    Args:
        path: JSON Pointer to an ISO date, such as ``/credentialSubject/checkedOn``.
        age: How old it may be.
    """

    path: str
    age: timedelta

    def needs(self) -> Needs:
        """Return nothing."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Permit if the date is recent; a date in the future proves nothing."""
        today = facts.at.date()
        try:
            oldest = today - self.age
        except OverflowError:  # older than the calendar
            oldest = date.min
        return Claim(self.path, at_least=oldest, at_most=today).decide(facts)
