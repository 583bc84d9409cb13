"""Where passphrases come from: a file, the environment, or a question; never the command line."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path

from cityid.cli.documents import read
from cityid.errors import Code, InvalidInputError

VARIABLE = "CITYID_PASSPHRASE"


def passphrase(file: Path | None, *, new: bool = False) -> bytes:
    """Return the passphrase: from a file, the environment, or a question on the terminal.

    Args:
        file: A file with the passphrase in its first line; None to look elsewhere.
        new: Whether it is about to seal something new, so that a person types it twice.

    Raises:
        InvalidInputError: There is none to be had.
    """
    if file is not None:
        return read(str(file)).split(b"\n", 1)[0].removesuffix(b"\r")
    if VARIABLE in os.environ:
        return os.fsencode(os.environ[VARIABLE])
    if not sys.stderr.isatty():
        raise InvalidInputError(
            f"a passphrase is needed: --passphrase-file, or the variable {VARIABLE}",
            code=Code.INVALID_OPTIONS,
        )
    first = _asked("Passphrase: ")
    if new and _asked("The same again: ") != first:
        raise InvalidInputError("the two passphrases differ", code=Code.INVALID_OPTIONS)
    return first


def _asked(question: str) -> bytes:
    try:
        return getpass(question).encode("utf-8", "surrogateescape")
    except EOFError as error:
        raise InvalidInputError("no passphrase was given", code=Code.INVALID_OPTIONS) from error
