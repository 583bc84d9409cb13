"""How a file comes into being, whole or not at all, and which files are refused."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cityid.errors import Code, InvalidInputError, RegistryError, UnsupportedError, quote
from cityid.sqlite.connection import Kind, connect, translated

Fill = Callable[[sqlite3.Connection], object]
"""Writes the first rows of a new file."""


def nothing(_: sqlite3.Connection) -> None:
    """Leave the tables of a new file empty."""


def resolve(path: str | os.PathLike[str]) -> Path:
    """Return the file that is meant, whatever directory the process goes to later.

    Args:
        path: Its path.

    Raises:
        InvalidInputError: No file can have this path.
    """
    try:
        text: object = os.fspath(path)
        if isinstance(text, str) and text and b"\x00" not in os.fsencode(text):
            return Path(os.path.realpath(text))
    except (TypeError, UnicodeEncodeError):
        pass
    raise InvalidInputError(f"{quote(path)} is not the path of a file", code=Code.INVALID_OPTIONS)


def create(path: Path, kind: Kind, *, timeout: float, fill: Fill = nothing) -> None:
    """Make a file beside its place, then put it there whole, unless one came first.

    Args:
        path: Where the file is to be.
        kind: What it is.
        timeout: For how many seconds to wait for other processes.
        fill: Writes its first rows.

    Raises:
        CorruptError: There was such a file, and a part of it is left.
        RegistryError: The file cannot be made.
    """
    if os.path.exists(f"{path}-wal"):  # noqa: PTH110 - unlike Path.exists, it never raises
        raise kind.damaged(path, "the file is gone, but its write-ahead log is there")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _fill(draft, kind, timeout, fill)
            os.link(draft, path)
        except FileExistsError:
            return  # another process was faster
        finally:
            draft.unlink()
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise RegistryError(f"the {kind.noun} {path} cannot be made: {error.strerror}") from error


def _fill(path: Path, kind: Kind, timeout: float, fill: Fill) -> None:
    connection = connect(path, kind, mode="rw", timeout=timeout)
    try:
        with translated(path, kind):
            connection.execute("BEGIN")
            application = int.from_bytes(kind.application, "big")
            connection.execute(f"PRAGMA application_id = {application}")
            connection.execute(f"PRAGMA user_version = {kind.format}")
            for statement in kind.tables:
                connection.execute(statement)
            fill(connection)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def check_format(path: Path, kind: Kind, *, timeout: float) -> None:
    """Refuse a file that is not of this kind and format, without writing to it.

    Args:
        path: The file.
        kind: What it is to be.
        timeout: For how many seconds to wait for other processes.

    Raises:
        UnsupportedError: The file has another version of the format.
        CorruptError: The file is damaged, or of another kind.
        RegistryError: The file cannot be read.
    """
    connection = connect(path, kind, mode="ro", timeout=timeout)
    try:
        with translated(path, kind):
            application, version, journal = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version", "journal_mode")
            )
            schema = {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema")}
    finally:
        connection.close()
    if application != int.from_bytes(kind.application, "big"):
        raise kind.damaged(path, f"it is not a {kind.noun} of cityid")
    if version != kind.format:
        raise UnsupportedError(
            f"the {kind.noun} {path} has format {version}, "
            "which this version of cityid does not read",
            name=str(version),
            known=(str(kind.format),),
        )
    if journal != "wal" or schema - {None} != set(kind.tables):
        raise kind.damaged(path, f"its tables are not those of a {kind.noun}")
