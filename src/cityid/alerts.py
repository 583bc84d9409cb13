"""Alerts: somebody shows what is frozen, or what is bound to somebody else.

A verifier that is given ``alert=`` calls it with each such finding, so that an office can look into
it. Nothing that the alert does changes the answer: where it raises, the result says so in a
warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cityid.errors import Code
from cityid.report import Check, Outcome, Problem, Report
from cityid.result import Result

_KINDS: Final = {
    ("status", Code.CREDENTIAL_SUSPENDED): "frozen",
    ("status", Code.CREDENTIAL_REVOKED): "revoked",
    ("holder_binding", Code.HOLDER_BINDING_FAILED): "foreign",
}
"""What is told, by the check that failed and its code."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A sign that a credential is in the wrong hands.

    Attributes:
        kind: ``frozen`` (suspended), ``revoked``, or ``foreign``: bound to somebody else.
        check: The check that failed, with the place of the credential in the presentation.
        at: The time of judgement.
    """

    kind: str
    check: Check
    at: datetime


AlertHook = Callable[[Alert], None]


def found_in(result: Result, at: datetime) -> Iterator[Alert]:
    """Yield the alerts that a result gives reason for.

    Args:
        result: The result.
        at: The time of judgement.
    """
    for check in result.checks:
        if check.outcome is Outcome.FAILED and check.problem is not None:
            kind = _KINDS.get((check.name, check.problem.code))
            if kind is not None:
                yield Alert(kind, check, at)


def sounded(result: Result, hook: AlertHook | None, at: datetime) -> Result:
    """Call a hook with every alert of a result, and return the result.

    Args:
        result: The result.
        hook: What to call; None calls nothing.
        at: The time of judgement.

    Returns:
        The same result; with a warning where the hook raised.
    """
    if hook is None:
        return result
    warnings = []
    for alert in found_in(result, at):
        try:
            hook(alert)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and decides nothing
            told = f"the alert about a {alert.kind} credential raised {type(error).__name__}"
            warnings.append(Problem(Code.ALERT_FAILED, told, path=alert.check.path))
    if not warnings:
        return result
    report = result.report
    return replace(result, report=Report(report.checks, (*report.warnings, *warnings)))
