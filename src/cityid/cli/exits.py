"""How the command line ends: what each error's exit status is, and how it is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from cityid import display
from cityid.cli.advice import told, told_error
from cityid.errors import CityIdError, Code, RegistryError, VerificationError
from cityid.report import Check, Outcome, Problem

REFUSED, WRONG_USE, WORLD_FAILED, INTERRUPTED = 1, 2, 3, 130

_WORLD = frozenset(
    {Code.REGISTRY_UNAVAILABLE, Code.STORE_CORRUPT, Code.STORE_LOCKED}
    | {Code.TIMEOUT, Code.UNREACHABLE, Code.INTERNAL_ERROR}
    | {Code.STATUS_RETRIEVAL_ERROR, Code.TRUST_LIST_UNAVAILABLE}
)
_WIDEST = 1000


def exit_status(error: CityIdError) -> int:
    """Return the exit status that tells of an error."""
    if isinstance(error, RegistryError):
        return WORLD_FAILED
    return REFUSED if isinstance(error, VerificationError) else WRONG_USE


def refusal_status(checks: Iterable[Check]) -> int:
    """Return the exit status of a refusal: 3 where only the world kept a question open."""
    asked = tuple(checks)
    if any(check.outcome is Outcome.FAILED for check in asked):
        return REFUSED
    return problem_status(check.problem for check in asked)


def problem_status(problems: Iterable[Problem | None]) -> int:
    """Return 3 where one of the problems is the world's, else 1."""
    return WORLD_FAILED if any(p and p.code in _WORLD for p in problems) else REFUSED


def tell(error: CityIdError, *, as_json: bool) -> None:
    """Print an error to standard error.

    Args:
        error: What was raised.
        as_json: Whether to print an RFC 9457 problem object instead of text.
    """
    problem = told_error(error)
    if as_json:
        print(json.dumps(problem.to_dict()), file=sys.stderr)
    else:
        print(f"cityid: {display.visible(problem.title, _WIDEST)}", file=sys.stderr)


def warn(problem: Problem, *, as_json: bool) -> None:
    """Print to standard error what a person should know, although the command goes on."""
    problem = told(problem)
    if as_json:
        print(json.dumps(problem.to_dict()), file=sys.stderr)
    else:
        print(f"cityid: warning: {display.visible(problem.title, _WIDEST)}", file=sys.stderr)


def unexpected(error: Exception) -> CityIdError:
    """Return what nobody foresaw as an error of the world: what it was, and where it was raised.

    Its words are shown only where the system chose them; others could quote a document.
    """
    if isinstance(error, OSError):
        place = f"{error.filename}: " if isinstance(error.filename, str) else ""
        return RegistryError(f"{place}{error.strerror or type(error).__name__}")
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return RegistryError(
        f"an error inside cityid ({type(error).__name__} at {where}); please report it",
        code=Code.INTERNAL_ERROR,
    )
