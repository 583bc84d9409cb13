"""What commands read and print: documents from files or standard input, passphrases, answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Any

from cityid import display, strict_json, timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.errors import Code, InvalidInputError, RegistryError

PASSPHRASE_VARIABLE = "CITYID_PASSPHRASE"  # noqa: S105 - the name of a variable


def read(source: str) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``.

    Raises:
        InvalidInputError: It cannot be read, or is larger than any document may be.
    """
    most = strict_json.LIMITS.max_bytes + 1
    try:
        if source == "-":
            return sys.stdin.buffer.read(most)
        with Path(source).open("rb") as file:
            return file.read(most)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise InvalidInputError(f"{source}: {reason}", code=Code.PARSING_ERROR) from error


def read_object(source: str) -> dict[str, Any]:
    """Return the JSON object in a file or on standard input.

    Raises:
        InvalidInputError: It cannot be read, or is not a JSON object.
    """
    return strict_json.parse_object(read(source))


def read_contexts(pairs: Iterable[str]) -> Contexts:
    """Return the shipped contexts and those given as ``URL=FILE``.

    Raises:
        InvalidInputError: A pair or its file is malformed.
    """
    contexts = CONTEXTS
    for pair in pairs:
        url, _, source = pair.rpartition("=")
        if not url:
            raise InvalidInputError("a context is given as URL=FILE", code=Code.INVALID_OPTIONS)
        contexts = contexts.with_context(url, read_object(source))
    return contexts


def passphrase(file: Path | None) -> str:
    """Return the passphrase: from a file, the environment, or a question on the terminal.

    Raises:
        InvalidInputError: There is none to be had.
    """
    if file is not None:
        return read(str(file)).decode("utf-8", "replace").rstrip("\r\n")
    if PASSPHRASE_VARIABLE in os.environ:
        return os.environ[PASSPHRASE_VARIABLE]
    if sys.stdin.isatty():
        return getpass("Passphrase: ")
    raise InvalidInputError(
        f"a passphrase is needed: --passphrase-file, or the variable {PASSPHRASE_VARIABLE}",
        code=Code.INVALID_OPTIONS,
    )


def moment(text: str | None) -> datetime:
    """Return the time given as text, or now."""
    return datetime.now(UTC) if text is None else timestamp.parse(text)


def write(document: Mapping[str, Any], target: Path | None = None) -> None:
    """Print a JSON document, or write it to a file.

    Raises:
        RegistryError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if target is None:
        print(text)
        return
    try:
        target.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"{target} cannot be written: {error.strerror}") from error


def answer(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[str]], *, as_json: bool
) -> None:
    """Print rows as a table, or as a JSON list of objects.

    Args:
        title: What the rows are.
        columns: Their names.
        rows: One text a column.
        as_json: Whether to print JSON.
    """
    names, lines = tuple(columns), [tuple(row) for row in rows]
    if as_json:
        print(json.dumps([dict(zip(names, line, strict=True)) for line in lines], indent=2))
    else:
        print(display.table(title, names, lines), end="")
