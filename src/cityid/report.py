"""What was asked of a document, and what came out: checks, problems and reports.

A report lists every question asked. *Could not check* is not *passed*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from cityid.advice import ADVICE
from cityid.errors import CityIdError, Code

_DETAIL_LIMIT = 1000


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The check does not apply."""
    INCONCLUSIVE = "inconclusive"
    """The check applies, but could not be run."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An RFC 9457 problem object.

    Attributes:
        code: What is wrong, for programs; its value is the problem's ``type``.
        title: What is wrong, for people.
        detail: Where, and what to do about it.
        path: JSON Pointer to the fault, empty for the whole document.
    """

    code: Code
    title: str
    detail: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title[:_DETAIL_LIMIT])
        object.__setattr__(self, "detail", self.detail[:_DETAIL_LIMIT])

    @property
    def type(self) -> str:
        """The URL or URN that names the kind of problem."""
        return self.code.value

    @property
    def advice(self) -> str:
        """What to do: the problem's own detail, else what helps with all of its kind."""
        return self.detail or ADVICE[self.code]

    @classmethod
    def from_error(cls, error: CityIdError, *, detail: str = "", path: str = "") -> Problem:
        """Tell an exception as a problem.

        Args:
            error: What was raised.
            detail: What to do about it.
            path: Where the document lies that the error's own path is relative to.
        """
        return cls(error.code, str(error), detail, path + getattr(error, "path", ""))

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as JSON."""
        fields = {"type": self.type, "title": self.title, "detail": self.advice, "path": self.path}
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of a document.

    Attributes:
        name: The question: ``structure``, ``proof``, ``policy.kyc`` …
        outcome: The answer.
        path: JSON Pointer to the part that was asked about.
        problem: What is wrong, for FAILED and INCONCLUSIVE; why, for some SKIPPED.
    """

    name: str
    outcome: Outcome
    path: str = ""
    problem: Problem | None = None

    @classmethod
    def passed(cls, name: str, path: str = "") -> Check:
        """Return a check that was passed."""
        return cls(name, Outcome.PASSED, path)

    @classmethod
    def skipped(cls, name: str, path: str = "") -> Check:
        """Return a check that does not apply."""
        return cls(name, Outcome.SKIPPED, path)

    @classmethod
    def failed(cls, name: str, problem: Problem, path: str = "") -> Check:
        """Return a check that the document failed."""
        return cls(name, Outcome.FAILED, path, problem)

    @classmethod
    def inconclusive(cls, name: str, problem: Problem, path: str = "") -> Check:
        """Return a check that could not be run."""
        return cls(name, Outcome.INCONCLUSIVE, path, problem)

    def under(self, prefix: str) -> Check:
        """Return the check as seen from a document that holds this one at `prefix`."""
        problem = self.problem and replace(self.problem, path=prefix + self.problem.path)
        return replace(self, path=prefix + self.path, problem=problem)

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON."""
        row: dict[str, Any] = {"name": self.name, "outcome": self.outcome.value, "path": self.path}
        if self.problem is not None:
            row["problem"] = self.problem.to_dict()
        return row


@dataclass(frozen=True, slots=True)
class Report:
    """Checks in the order they were asked, and warnings that decide nothing."""

    checks: tuple[Check, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __add__(self, other: Report) -> Report:
        return Report(self.checks + other.checks, self.warnings + other.warnings)

    def also(self, *checks: Check) -> Report:
        """Return the report with more checks."""
        return Report(self.checks + checks, self.warnings)

    def under(self, prefix: str) -> Report:
        """Return the report as seen from a document that holds this one at `prefix`."""
        return Report(
            tuple(check.under(prefix) for check in self.checks),
            tuple(replace(warning, path=prefix + warning.path) for warning in self.warnings),
        )

    def outcome(self, name: str) -> Outcome:
        """Return the worst outcome of the checks called `name`; SKIPPED where there is none."""
        met = [check.outcome for check in self.checks if check.name == name]
        return met[0] if len(met) == 1 else worst(met)

    @property
    def clean(self) -> bool:
        """Whether no check failed and none was left open."""
        for check in self.checks:  # noqa: SIM110 - every verification asks: a generator costs more
            if check.outcome in BAD:
                return False
        return True

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems of all checks that failed or could not be run."""
        return tuple(c.problem for c in self.checks if c.outcome in BAD and c.problem is not None)


BAD = (Outcome.FAILED, Outcome.INCONCLUSIVE)
"""Outcomes that allow no belief."""

_GRAVEST_FIRST = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the gravest of `outcomes`: FAILED, then INCONCLUSIVE, PASSED, SKIPPED."""
    met = frozenset(outcomes)
    for outcome in _GRAVEST_FIRST:
        if outcome in met:
            return outcome
    return Outcome.SKIPPED


def combined(problems: Sequence[Problem]) -> Problem:
    """Return many problems as one: the first, which tells the others in its detail.

    Args:
        problems: At least one problem.
    """
    first, *others = problems
    if not others:
        return first
    lines = [f"{problem.path or '/'}: {problem.title}" for problem in others]
    detail = " ".join([first.detail, "Also wrong:", "; ".join(lines)]).strip()
    return replace(first, detail=detail)
