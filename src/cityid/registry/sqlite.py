"""SQLite as a place that keeps its word: connections, transactions, and errors with a name.

SQLite's locks belong to a process. Hence the file is never opened past SQLite (closing it would
drop the locks of every connection), and a forked child gives up what it inherited.

Spec:
    https://www.sqlite.org/howtocorrupt.html, https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote as percent_encode

from cityid.errors import ConflictError, CorruptError, InvalidInputError, RegistryError
from cityid.registry.base import closed

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
_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process is writing; try again",
    sqlite3.SQLITE_LOCKED: "another thread is writing; try again",
    sqlite3.SQLITE_FULL: "the disk is full; nothing of this was written",
    sqlite3.SQLITE_READONLY: "the file or its directory cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the file, or a file beside it, cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
}
_FOREIGN = (sqlite3.Error, UnicodeDecodeError, MemoryError)


@dataclass(slots=True, weakref_slot=True)
class _Pool:
    """The connections of one process to one file.

    Attributes:
        idle: Connections that wait for use.
        used: Connections that some thread uses at present.
        lost: Why the pool cannot be used any more, if so.
    """

    idle: list[sqlite3.Connection] = field(default_factory=list)
    used: set[sqlite3.Connection] = field(default_factory=set)
    lost: str = ""

    def drain(self) -> None:
        """Close the connections that nobody uses."""
        while self.idle:
            self.idle.pop().close()


def _after_fork(reference: weakref.ref[_Pool]) -> None:
    """Give up inherited connections: the parent's locks on the file are not the child's."""
    pool = reference()
    if pool is None:
        return
    if pool.used:
        pool.lost = "the process was forked while a thread used the registry; start it differently"
    else:
        pool.drain()


class Database:
    """An SQLite file that threads and processes share.

    Attributes:
        path: The file, absolute, symbolic links resolved.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        """Take hold of an existing file.

        Args:
            path: The file.
            timeout: For how many seconds to wait for other writers.
        """
        self.path = path
        self._name = str(path)
        self._timeout = timeout
        self._identity = self._identify()
        self._pool = _Pool()
        weakref.finalize(self, self._pool.drain)
        os.register_at_fork(after_in_child=partial(_after_fork, weakref.ref(self._pool)))

    def close(self) -> None:
        """Close all connections: those in use as soon as they are given back."""
        self._pool.lost = str(closed(str(self.path)))
        self._pool.drain()

    @contextlib.contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """Do some work whole or not at all, on one unchanging state of the file.

        Args:
            write: Whether the work writes; then no other process writes meanwhile.

        Raises:
            CorruptError: The file is damaged.
            RegistryError: The file cannot be read or written.
        """
        connection = self._borrow()
        healthy = False
        try:
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield connection
            except (ConflictError, InvalidInputError):
                connection.execute("ROLLBACK")
                healthy = True
                raise
            connection.execute("COMMIT")
            healthy = True
        except _FOREIGN as error:
            raise _translation(error, self.path) from error
        finally:
            self._give_back(connection, healthy=healthy)

    def _borrow(self) -> sqlite3.Connection:
        if self._pool.lost:
            raise RegistryError(self._pool.lost)
        self._check_identity()
        try:
            connection = self._pool.idle.pop()
        except IndexError:
            connection = open_connection(self.path, mode="rw", timeout=self._timeout)
        self._pool.used.add(connection)
        return connection

    def _check_identity(self) -> None:
        if self._identify() != self._identity:
            raise RegistryError(
                f"the registry {self.path} was replaced by another file; connect to it again"
            )

    def _give_back(self, connection: sqlite3.Connection, *, healthy: bool) -> None:
        self._pool.used.discard(connection)
        if healthy and not self._pool.lost:
            self._pool.idle.append(connection)
        else:
            connection.close()  # rolls back

    def _identify(self) -> tuple[int, int]:
        try:
            status = os.stat(self._name)  # noqa: PTH116 - at every transaction, and twice as fast
        except OSError as error:
            raise RegistryError(
                f"the registry {self.path} cannot be found: {error.strerror}"
            ) from error
        return status.st_dev, status.st_ino


def open_connection(path: Path, *, mode: str, timeout: float) -> sqlite3.Connection:
    """Open one connection to an existing file, or make a file.

    Args:
        path: The file.
        mode: ``ro`` to read, ``rw`` to read and write, ``rwc`` to make the file too.
        timeout: For how many seconds to wait for other processes.

    Raises:
        CorruptError: The file is damaged.
        RegistryError: The file cannot be opened.
    """
    with translated(path):
        connection = sqlite3.connect(
            f"file:{percent_encode(os.fsencode(path))}?mode={mode}",
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
        except BaseException:
            connection.close()
            raise
        return connection


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Let no exception of SQLite out: each becomes a `RegistryError` or a `CorruptError`.

    Args:
        path: The file that is worked on.
    """
    try:
        yield
    except _FOREIGN as error:
        raise _translation(error, path) from error


def _translation(error: Exception, path: Path) -> RegistryError:
    if isinstance(error, UnicodeDecodeError):  # damage can reach SQLite's own messages
        return damaged(path, "a text in it is not UTF-8")
    if isinstance(error, MemoryError):
        return RegistryError(f"the registry {path} needs more memory than there is")
    code: int | None = getattr(error, "sqlite_errorcode", None)
    # Without a code it is Python that could not read a value, such as text that is not UTF-8.
    if code is None or code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return damaged(path, str(error))
    reason = _ADVICE.get(code & 0xFF, "SQLite reports an error")
    return RegistryError(f"the registry {path} failed: {reason} ({error})")


def damaged(path: Path, what: str) -> CorruptError:
    """Return the error that tells of damage.

    Args:
        path: The damaged file.
        what: What was seen.
    """
    return CorruptError(
        f"the registry {path} is damaged: {what}; it was left as it is: restore it from a backup "
        "or a mirror, and compare it with a checkpoint",
        place=str(path),
    )
