"""How the command line ends: what each error's exit status is, and how it is told."""

from __future__ import annotations

import json
import sys

from cityid.errors import CityIdError, RegistryError, VerificationError
from cityid.report import Problem

REFUSED, WRONG_USE, WORLD_FAILED = 1, 2, 3


def exit_status(error: CityIdError) -> int:
    """Return the exit status that tells of an error."""
    if isinstance(error, RegistryError):
        return WORLD_FAILED
    return REFUSED if isinstance(error, VerificationError) else WRONG_USE


def tell(error: CityIdError, *, as_json: bool) -> None:
    """Print an error to standard error.

    Args:
        error: What was raised.
        as_json: Whether to print an RFC 9457 problem object instead of text.
    """
    if as_json:
        print(json.dumps(Problem.from_error(error).to_dict()), file=sys.stderr)
    else:
        print(f"cityid: {error}", file=sys.stderr)
