"""What commands say: text and JSON on standard output, documents in files."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from cityid import display
from cityid.cli.exits import WORLD_FAILED
from cityid.errors import Code, InvalidInputError, RegistryError

_OWNER_ALONE = 0o600


def say(text: str) -> None:
    """Print text, in UTF-8 whatever the locale says.

    Raises:
        RegistryError: It cannot be written, as when a disk is full.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _give_up_output()
        raise typer.Exit(WORLD_FAILED) from None  # the reader left, as `head` does: no message
    except OSError as error:
        _give_up_output()
        raise RegistryError(f"the output cannot be written: {error.strerror}") from error


def _give_up_output() -> None:
    """Let what is still buffered go nowhere, else Python complains at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def say_json(value: Any) -> None:
    """Print JSON."""
    say(_json(value))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def answer(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool
) -> None:
    """Print rows as a table, or as a JSON list of objects.

    Args:
        title: What the rows are.
        columns: Their names.
        rows: One value a column.
        as_json: Whether to print JSON.
    """
    lines = [tuple(row) for row in rows]
    if as_json:
        say_json([dict(zip(columns, line, strict=True)) for line in lines])
    else:
        say(display.table(title, columns, lines))


def confirm(fact: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Say that something was done.

    Args:
        fact: What was done, for programs.
        text: What was done, for people.
        as_json: Whether to print JSON.
    """
    if as_json:
        say_json(dict(fact))
    else:
        say(display.visible(text) + "\n")


def deliver(
    document: Mapping[str, Any], target: Path | None, *, replace: bool, as_json: bool
) -> None:
    """Print a JSON document, or save it and say where.

    Args:
        document: The document.
        target: The file; None or ``-`` to print.
        replace: Whether a file that is there may be replaced.
        as_json: Whether to say in JSON where it was saved.

    Raises:
        InvalidInputError: There is a file already, or a directory.
        RegistryError: The file cannot be written.
    """
    if target is None or str(target) == "-":
        say_json(document)
        return
    save(target, _json(document).encode("utf-8"), replace=replace)
    confirm({"written": str(target)}, f"written: {target}", as_json=as_json)


def save(target: Path, content: bytes, *, replace: bool) -> None:
    """Write a file that its owner alone may read: whole or not at all.

    Args:
        target: The file.
        content: What shall be in it.
        replace: Whether a file that is there may be replaced.

    Raises:
        InvalidInputError: There is a file already, or a directory.
        RegistryError: The file cannot be written.
    """
    if target.is_dir():
        raise InvalidInputError(f"{target}: Is a directory", code=Code.INVALID_OPTIONS)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.new")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, _OWNER_ALONE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(target)
        else:
            os.link(draft, target)  # a rename would replace a file that is there
    except FileExistsError as error:
        raise InvalidInputError(
            f"there is a file {target} already; --force replaces it", code=Code.INVALID_OPTIONS
        ) from error
    except OSError as error:
        raise RegistryError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink()
