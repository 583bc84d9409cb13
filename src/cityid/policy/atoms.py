"""The smallest policies: who issued, what type, which claim, who presents."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

from cityid.did import DID, Identity, parse
from cityid.did.syntax import is_url
from cityid.errors import Code, InvalidInputError, quote
from cityid.policy.base import Decision, Needs, Reason, Verdict
from cityid.policy.facts import ABSENT, Absent, Facts, VerifiedCredential, demand_pointer


def judged(
    policy: str, verdict: Verdict, text: str, code: Code | None = None, path: str = ""
) -> Decision:
    """Return a decision for one reason."""
    return Decision(verdict, (Reason(policy, verdict, text, code, path),))


_ACCEPTED = judged("issued_by", Verdict.PERMIT, "issued by an accepted issuer")


def _of_type(facts: Facts, type_: str | None) -> list[VerifiedCredential]:
    return [c for c in facts if type_ is None or type_ in c.types]


def _missing(policy: str, type_: str | None) -> Decision:
    text = f"no credential of type {type_} was presented" if type_ else "nothing was presented"
    return judged(policy, Verdict.INDETERMINATE, text, Code.CREDENTIAL_MISSING)


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


def accepted(issuers: Iterable[object]) -> frozenset[str]:
    """Return issuers as credentials name them.

    Args:
        issuers: DIDs or absolute URLs, as values or text; of an `Identity`, its DID counts.

    Raises:
        InvalidInputError: One of them is neither.
    """
    return frozenset(map(_issuer, issuers))


def _issuer(given: object) -> str:
    if isinstance(given, DID):
        return str(given)
    if isinstance(given, Identity):
        return str(given.did)
    text = str(given)
    if text.startswith("did:"):
        return str(parse(text))
    if not is_url(text):
        raise InvalidInputError(
            f"{quote(given)} names no issuer: give a DID such as did:key:z6Mk… or an absolute URL",
            code=Code.INVALID_OPTIONS,
        )
    return text


def demand_period(name: str, value: object) -> None:
    """Refuse what is no length of time, such as a bare number of days.

    Args:
        name: What the value is given as.
        value: The value.

    Raises:
        InvalidInputError: It is no `timedelta`, or lies below zero.
    """
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise InvalidInputError(
            f"{name} takes a length of time such as timedelta(days=180), not {quote(value)}",
            code=Code.INVALID_OPTIONS,
        )


def texts(name: str, values: Iterable[str]) -> frozenset[str]:
    """Return several texts as a set.

    Args:
        name: What they are given as.
        values: The texts.

    Raises:
        InvalidInputError: They are one text, or one of them is none.
    """
    demand_several(name, values)
    several = tuple(values)
    for value in several:
        if not isinstance(value, str):
            raise InvalidInputError(
                f"{name} takes texts, not {quote(value)}", code=Code.INVALID_OPTIONS
            )
    return frozenset(several)


@dataclass(frozen=True, init=False)
class IssuedBy:
    """Permits when every credential was issued by somebody of this set.

    Args:
        issuers: DIDs (or issuer URLs), as values or text; or identities, whose DIDs count.
        type: Looks only at credentials of this type; at least one must be there.

    Raises:
        InvalidInputError: The set is empty, is one text instead of a set, or holds what is neither
            a DID nor a URL.
    """

    issuers: frozenset[str]
    type: str | None
    public: ClassVar[bool] = True

    def __init__(self, issuers: Iterable[object], *, type: str | None = None) -> None:  # noqa: A002 - the standard's word
        demand_several("IssuedBy({did, …})", issuers)
        object.__setattr__(self, "issuers", accepted(issuers))
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
                issuer = quote(credential.issuer, 100)
                text = f"the issuer {issuer} is not one of those this policy accepts"
                return judged(
                    "issued_by", Verdict.DENY, text, Code.ISSUER_NOT_TRUSTED, credential.path
                )
        return _ACCEPTED


@dataclass(frozen=True)
class UnsafeAnyIssuer:
    """Permits whoever issued: for tests and for looking around, never for a service."""

    public: ClassVar[bool] = True

    def needs(self) -> Needs:
        """Return that anybody is believed."""
        return Needs(any_issuer=True)

    def decide(self, facts: Facts) -> Decision:  # noqa: ARG002 - the port's signature
        """Permit."""
        return judged("unsafe_any_issuer", Verdict.PERMIT, "any issuer is accepted: UNSAFE")


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
        return judged("has_type", Verdict.PERMIT, f"a credential of type {self.type} is there")


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
            return judged("holder_bound", Verdict.DENY, text, code)
        if not facts.credentials:
            return _missing("holder_bound", None)
        for credential in facts:
            if all(s.get("id") != facts.holder for s in credential.credential.subjects):
                text = "the credential is not about the one who presents it"
                return judged("holder_bound", Verdict.DENY, text, code, credential.path)
        return judged("holder_bound", Verdict.PERMIT, "presented by its subject")


def _same(value: Any, bound: Any) -> bool:
    """Tell whether two values are one in JSON, at every depth: true is not 1, and 1 not 1.0."""
    if type(value) is not type(bound):
        return False
    if isinstance(value, dict):
        return value.keys() == bound.keys() and all(_same(value[k], bound[k]) for k in value)
    if isinstance(value, list):
        return len(value) == len(bound) and all(map(_same, value, bound))
    return bool(value == bound)


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _same,
    "one_of": lambda value, bound: any(_same(value, item) for item in bound),
    "contains": lambda value, bound: (
        isinstance(value, list) and any(_same(item, bound) for item in value)
    ),
    "at_least": operator.ge,
    "at_most": operator.le,
}

_MOST_TOLD = 5


def _json(value: Any) -> str:
    """Return a value that was asked for, as a message shows it."""
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, bool | None) else quote(value)


def _one_of(values: Collection[Any]) -> str:
    if len(values) > _MOST_TOLD:
        return f"one of {len(values)} values"
    told = map(_json, values)
    return f"one of {', '.join(sorted(told) if isinstance(values, set | frozenset) else told)}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "equals": _json,
    "one_of": _one_of,
    "contains": lambda value: f"a list with {_json(value)}",
    "at_least": lambda bound: f"at least {_json(bound)}",
    "at_most": lambda bound: f"at most {_json(bound)}",
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
    equals: Any = field(default=ABSENT, kw_only=True)
    one_of: Iterable[Any] | Absent = field(default=ABSENT, kw_only=True)
    contains: Any = field(default=ABSENT, kw_only=True)
    at_least: float | date | Absent = field(default=ABSENT, kw_only=True)
    at_most: float | date | Absent = field(default=ABSENT, kw_only=True)
    type: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        demand_pointer(self.path)
        for name in ("at_least", "at_most"):
            if type(bound := getattr(self, name)) not in (int, float, date, Absent):
                raise InvalidInputError(
                    f"{name} is a number or a date (not a datetime), not {quote(bound)}",
                    code=Code.INVALID_OPTIONS,
                )
        if self.one_of is not ABSENT:
            demand_several("one_of", self.one_of)
            if not isinstance(self.one_of, Collection):  # read once, an iterator would be empty
                object.__setattr__(self, "one_of", tuple(self.one_of))

    def __repr__(self) -> str:
        asked = self._asked() | ({"type": self.type} if self.type is not None else {})
        return f"Claim({', '.join([repr(self.path), *(f'{k}={v!r}' for k, v in asked.items())])})"

    def needs(self) -> Needs:
        """Return nothing."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Permit if one credential has the claim with a fitting value; deny if none fits."""
        asked, misfit = self._asked(), False
        for credential in _of_type(facts, self.type):
            values = credential.shown(self.path, holder=facts.holder)
            shown = [value for value in values if value is not ABSENT]
            if not all(_fits(value, asked) for value in shown):
                misfit = True
            elif shown and len(shown) == len(values):
                text = f"{self.path} is {self._words('there')}, as asked"
                return judged("claim", Verdict.PERMIT, text, None, credential.path + self.path)
        if misfit:
            text = f"{self.path} is not {self._words()} as asked"
            return judged("claim", Verdict.DENY, text, Code.POLICY_DENIED, self.path)
        text = f"{self.path} was not shown; asked: {self._words('any value')}"
        return judged("claim", Verdict.INDETERMINATE, text, Code.CLAIM_MISSING, self.path)

    def _asked(self) -> dict[str, Any]:
        bounds = {name: getattr(self, name) for name in _TESTS}
        return {name: bound for name, bound in bounds.items() if bound is not ABSENT}

    def _words(self, nothing: str = "") -> str:
        asked = self._asked().items()
        return " and ".join(_WORDS[name](bound) for name, bound in asked) or nothing


def _fits(value: Any, asked: dict[str, Any]) -> bool:
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

    Raises:
        InvalidInputError: The path is no pointer to a member, or the age is no length of time.
    """

    path: str
    age: timedelta

    def __post_init__(self) -> None:
        demand_pointer(self.path)
        demand_period("age", self.age)

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
