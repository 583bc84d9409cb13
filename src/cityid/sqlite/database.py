"""An SQLite file in use: its connections, its transactions, and what may happen to it meanwhile."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cityid.errors import CityIdError, Code, CorruptError, InvalidInputError, RegistryError
from cityid.sqlite.connection import (
    FOREIGN,
    Connection,
    Kind,
    close_cursors,
    connect,
    left_alone,
    translated,
    translation,
)
from cityid.sqlite.creation import Fill, check_format, create, nothing, resolve

if TYPE_CHECKING:
    from types import TracebackType

_OTHERS = 0o077
_TICK_NS = 100_000_000
"""Longer than any file system's clock stands still."""


@dataclass(slots=True, weakref_slot=True)
class _Pool:
    """The connections of one process to one file.

    Attributes:
        reader: Opens a connection that cannot write.
        idle: Connections that wait for use.
        used: Connections that some thread uses at present.
        lost: Why the pool cannot be used any more, if so.
        damaged: Whether the file was seen to be damaged.
    """

    reader: Callable[[], Connection]
    idle: list[Connection] = field(default_factory=list)
    used: set[Connection] = field(default_factory=set)
    lost: str = ""
    damaged: bool = False

    def drain(self) -> None:
        """Close the connections that nobody uses."""
        keep = self.damaged and bool(self.idle)
        closing = left_alone(self.reader) if keep else contextlib.nullcontext()
        with closing, contextlib.suppress(IndexError):  # another thread may take the last one
            while True:
                connection = self.idle.pop()
                if self.damaged:
                    close_cursors(connection)
                connection.close()


def _after_fork(reference: weakref.ref[_Pool]) -> None:
    """Give up inherited connections: the parent's locks on the file are not the child's."""
    pool = reference()
    if pool is None:
        return
    if pool.used:
        pool.lost = "the process was forked while a thread used the file; start it differently"
    else:
        pool.drain()


class Transaction:
    """Some work on a `Database`, as the block of a ``with`` statement."""

    __slots__ = ("_begin", "_connection", "_database", "_turn")

    def __init__(self, database: Database, begin: str) -> None:
        """Get ready; `Database.transaction` is for use."""
        self._database = database
        self._begin = begin
        self._turn = 0

    def __enter__(self) -> Connection:
        self._connection = self._database.begin(self._begin)
        self._turn = self._connection.turn
        return self._connection

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.end(self._connection, exc)
        self._turn = 0

    def __del__(self) -> None:
        # A signal whose handler raises may keep __exit__ from its work.
        if self._turn:
            self._database.abandon(self._connection, self._turn)


class Database:
    """An SQLite file that threads and processes share.

    Attributes:
        path: The file, absolute, symbolic links resolved.
        kind: What the file is.
    """

    def __init__(self, path: Path, kind: Kind, *, timeout: float) -> None:
        """Open a file that is there; `open` makes it where there is none.

        Args:
            path: The file, as `resolve` returns it.
            kind: What it is.
            timeout: For how many seconds to wait for other writers.

        Raises:
            InvalidInputError: Others may read what is private.
            UnsupportedError: The file has another version of the format.
            CorruptError: The file is gone, damaged, or of another kind.
            RegistryError: The file cannot be read.
        """
        self.path = path
        self.kind = kind
        self._name = str(path)
        self._folder, self._log, self._index = str(path.parent), f"{path}-wal", f"{path}-shm"
        self._timeout = timeout
        self._pool = _Pool(partial(connect, path, kind, mode="ro", timeout=timeout))
        self._identity = self._identify()
        check_format(path, kind, timeout=timeout)
        weakref.finalize(self, self._pool.drain)
        os.register_at_fork(after_in_child=partial(_after_fork, weakref.ref(self._pool)))

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        kind: Kind,
        *,
        timeout: float,
        fill: Fill = nothing,
    ) -> Self:
        """Open a file of this kind, or make it where there is none.

        Args:
            path: The file. SQLite keeps two more beside it while it is open.
            kind: What it is.
            timeout: For how many seconds to wait for other writers.
            fill: Writes the first rows of a new file.

        Raises:
            InvalidInputError: No file can have this path, or others may read what is private.
            UnsupportedError: The file has another version of the format.
            CorruptError: The file is damaged, or of another kind.
            RegistryError: The file cannot be read or made.
        """
        place = resolve(path)
        if not os.path.exists(place):  # noqa: PTH110 - unlike Path.exists, it never raises
            create(place, kind, timeout=timeout, fill=fill)
        return cls(place, kind, timeout=timeout)

    def close(self) -> None:
        """Close all connections: those in use as soon as they are given back."""
        self._pool.lost = f"the {self.kind.noun} {self.path} was closed; open it again"
        self._pool.drain()

    def transaction(self, *, write: bool = False) -> Transaction:
        """Do some work whole or not at all, on one unchanging state of the file.

        Whatever exception leaves the block, nothing of its work was written.

        Args:
            write: Whether the work writes; then no other process writes meanwhile.

        Raises:
            InvalidInputError: Others may read what is private.
            CorruptError: The file is damaged.
            RegistryError: The file cannot be read or written.
        """
        return Transaction(self, "BEGIN IMMEDIATE" if write else "BEGIN")

    def begin(self, statement: str) -> Connection:
        """Return a connection within a transaction, for `Transaction`.

        Args:
            statement: What begins it.
        """
        connection = self._borrow()
        healthy = False
        try:
            connection.execute(statement)
            healthy = True
        except FOREIGN as error:
            raise self._meant(error) from error
        finally:
            if not healthy:
                self._give_back(connection, healthy=False)
        return connection

    def end(self, connection: Connection, error: BaseException | None) -> None:
        """Commit, or undo the work that an error ended, for `Transaction`.

        Args:
            connection: What `begin` returned.
            error: What left the block.
        """
        healthy = False
        try:
            if error is None:
                connection.execute("COMMIT")
                healthy = True
            elif isinstance(error, CityIdError):
                connection.execute("ROLLBACK")
                healthy = not isinstance(error, CorruptError)
            elif isinstance(error, FOREIGN):
                raise self._meant(error) from error
        except FOREIGN as failure:
            raise self._meant(failure) from failure
        finally:
            self._give_back(connection, healthy=healthy)

    def abandon(self, connection: Connection, turn: int) -> None:
        """Take back a connection whose transaction was never ended, for `Transaction`.

        Args:
            connection: What `begin` returned.
            turn: Which time of lending it that was.
        """
        if connection.turn == turn and connection in self._pool.used:
            self._give_back(connection, healthy=False)

    def _meant(self, error: Exception) -> RegistryError:
        meant = translation(error, self.path, self.kind)
        self._pool.damaged |= isinstance(meant, CorruptError)
        return meant

    def settle(self) -> None:
        """Carry over what the write-ahead log holds into the file itself, as far as possible.

        What was committed is durable without; this is for whoever looks at the file alone.
        """
        connection = self._borrow()
        try:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
        finally:
            self._give_back(connection, healthy=True)

    def check(self) -> None:
        """Look through the whole file.

        Raises:
            CorruptError: A page of it is damaged.
            RegistryError: It cannot be read.
        """
        with self.transaction() as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != ("ok",):
                raise self.damaged(str(verdict[0]))

    def damaged(self, what: str) -> CorruptError:
        """Take note that this file is damaged, and return the error that tells of it.

        From now on closing leaves the file as it is.

        Args:
            what: What was seen.
        """
        self._pool.damaged = True
        return self.kind.damaged(self.path, what)

    def _borrow(self) -> Connection:
        if self._pool.lost:
            raise RegistryError(self._pool.lost)
        if self._identify() != self._identity:
            raise RegistryError(
                f"the {self.kind.noun} {self.path} was replaced by another file; open it again"
            )
        try:
            connection = self._pool.idle.pop()
        except IndexError:
            connection = self._open()
        self._pool.used.add(connection)
        connection.turn += 1
        if not self._is_whole(connection):
            self._pool.lost = (
                f"a file beside the {self.kind.noun} {self.path} was removed or replaced while it "
                "was open: close it in all processes, then open it again"
            )
            self._give_back(connection, healthy=False)
            raise RegistryError(self._pool.lost)
        return connection

    def _open(self) -> Connection:
        connection = connect(self.path, self.kind, mode="rw", timeout=self._timeout)
        try:
            with translated(self.path, self.kind):
                connection.execute("SELECT 1 FROM sqlite_schema").fetchone()  # opens the log
        except CityIdError:
            connection.close()
            raise
        connection.beside = self._identify_beside()
        return connection

    def _is_whole(self, connection: Connection) -> bool:
        """Tell whether the files beside the database are still those that are open.

        While nothing is made, removed or renamed in the directory, they are. To look at the log
        itself would cost more: a file system that was asked when a file changed has to note the
        next change at once.
        """
        try:
            folder = os.stat(self._folder)  # noqa: PTH116 - as below
        except OSError:
            return False
        seen = folder.st_dev, folder.st_ino, folder.st_mtime_ns
        if seen == connection.seen:
            return True
        # A change at the same tick of the file system's clock would not show.
        settled = time.time_ns() - folder.st_mtime_ns > _TICK_NS
        connection.seen = seen if settled else None
        return connection.beside == self._identify_beside()

    def _identify_beside(self) -> tuple[tuple[int, int], ...]:
        """Return which files are the write-ahead log and its index; SQLite never looks again."""
        try:
            log, index = os.stat(self._log), os.stat(self._index)  # noqa: PTH116 - as below
        except OSError:
            return ()
        return (log.st_dev, log.st_ino), (index.st_dev, index.st_ino)

    def _give_back(self, connection: Connection, *, healthy: bool) -> None:
        self._pool.used.discard(connection)
        if not healthy:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()  # now: a cursor in some traceback may put off the closing
                # SQLite looks at a page when it reads it: what it refused once, it shall again.
                connection.execute("PRAGMA shrink_memory")
        if healthy or self._pool.damaged:
            self._pool.idle.append(connection)
        else:
            connection.close()
        if self._pool.lost:
            self._pool.drain()

    def _identify(self) -> tuple[int, int]:
        try:
            status = os.stat(self._name)  # noqa: PTH116 - at every transaction, and twice as fast
        except FileNotFoundError as error:
            raise self.damaged("the file cannot be found: it is gone") from error
        except OSError as error:
            raise RegistryError(
                f"the {self.kind.noun} {self.path} cannot be reached: {error.strerror}"
            ) from error
        if not status.st_size:  # SQLite would take it for a new one, and delete the log beside it
            raise self.damaged("it is empty")
        if self.kind.private and status.st_mode & _OTHERS:
            raise InvalidInputError(
                f"others may use the {self.kind.noun} {self.path}: chmod 600 it",
                code=Code.INSECURE_PERMISSIONS,
            )
        return status.st_dev, status.st_ino
