"""Connections to files of a known kind, and what SQLite's exceptions mean."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote as percent_encode

from cityid.errors import Code, CorruptError, RegistryError

_SETTINGS = (
    "PRAGMA synchronous = FULL",  # with WAL: every commit is on the disk before it returns
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cache_size = -16384",
)
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_ERROR,  # such as a table that is missing
}
_IN_USE = {
    sqlite3.SQLITE_BUSY: "another process is writing; try again",
    sqlite3.SQLITE_LOCKED: "another thread is writing; try again",
}
_REASONS = _IN_USE | {
    sqlite3.SQLITE_FULL: "the disk is full; nothing of this was written",
    sqlite3.SQLITE_READONLY: "the file or its directory cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the file, or a file beside it, cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
}
FOREIGN = (sqlite3.Error, UnicodeDecodeError, MemoryError)
"""What working with SQLite may raise."""


class Connection(sqlite3.Connection):
    """A connection that knows which files beside the database it has opened.

    Attributes:
        beside: Device and inode of the write-ahead log and of its index, once they are open.
        seen: Device, inode and time of change of the directory when both were last looked at.
        turn: How many times it was lent out.
    """

    beside: tuple[tuple[int, int], ...] = ()
    seen: tuple[int, int, int] | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: what it is called, and how it is told from any other.

    Attributes:
        noun: What messages call it, such as ``registry``.
        application: Four bytes that mark such a file, as SQLite's ``application_id``.
        format: The version of its format, as SQLite's ``user_version``.
        tables: The statements that make its tables and indexes; a file whose tables are others,
            in a letter, is damaged.
        remedy: What to do when such a file is damaged.
        private: Whether a file that others than its owner may read is refused.
    """

    noun: str
    application: bytes
    format: int
    tables: tuple[str, ...]
    remedy: str
    private: bool = False

    def damaged(self, path: Path, what: str) -> CorruptError:
        """Return the error that tells of damage.

        Args:
            path: The damaged file.
            what: What was seen.
        """
        return CorruptError(
            f"the {self.noun} {path} is damaged: {what}; it was left as it is: {self.remedy}",
            place=str(path),
        )


def connect(path: Path, kind: Kind, *, mode: str, timeout: float) -> Connection:
    """Open one connection to an existing file.

    Args:
        path: The file.
        kind: What it is.
        mode: ``ro`` to read, ``rw`` to read and write.
        timeout: For how many seconds to wait for other processes.

    Raises:
        CorruptError: The file is damaged.
        RegistryError: The file cannot be opened.
    """
    with translated(path, kind):
        connection = sqlite3.connect(
            f"file:{percent_encode(os.fsencode(path))}?mode={mode}",
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
        except BaseException:
            connection.close()
            raise
        return connection


def close_cursors(connection: Connection) -> None:
    """Close the cursors of a connection, which an exception may hold: SQLite waits for them.

    Args:
        connection: What is to be closed itself, and at once.
    """
    for holder in gc.get_referrers(connection):
        if isinstance(holder, sqlite3.Cursor):
            holder.close()


@contextlib.contextmanager
def left_alone(reader: Callable[[], sqlite3.Connection]) -> Iterator[None]:
    """Let connections to a damaged file be closed, and the file stay as it is.

    The last connection to close carries the write-ahead log over into the file and removes it,
    unless it is one that only reads.

    Args:
        reader: Opens a connection that only reads.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(RegistryError, sqlite3.Error):
            keeper = stack.enter_context(contextlib.closing(reader()))
            keeper.execute("SELECT * FROM sqlite_schema").fetchone()
        yield


@contextlib.contextmanager
def translated(path: Path, kind: Kind) -> Iterator[None]:
    """Let no exception of SQLite out: each becomes a `RegistryError` or a `CorruptError`.

    Args:
        path: The file that is worked on.
        kind: What it is.
    """
    try:
        yield
    except FOREIGN as error:
        raise translation(error, path, kind) from error


def translation(error: Exception, path: Path, kind: Kind) -> RegistryError:
    """Return what an exception of SQLite means.

    Args:
        error: One of `FOREIGN`.
        path: The file that was worked on.
        kind: What it is.
    """
    if isinstance(error, UnicodeDecodeError):  # damage can reach SQLite's own messages
        return kind.damaged(path, "a text in it is not UTF-8")
    if isinstance(error, MemoryError):
        return RegistryError(f"the {kind.noun} {path} needs more memory than there is")
    code: int | None = getattr(error, "sqlite_errorcode", None)
    # Without a code it is Python that could not read a value, such as text that is not UTF-8.
    if code is None or code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return kind.damaged(path, str(error))
    family = code & 0xFF
    reason = _REASONS.get(family, "SQLite reports an error")
    return RegistryError(
        f"the {kind.noun} {path} failed: {reason} ({error})",
        code=Code.STORE_LOCKED if family in _IN_USE else Code.REGISTRY_UNAVAILABLE,
    )
