"""The tables of a kind of file, in memory: for one process, and as long as it lives."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator

from cityid.errors import RegistryError
from cityid.sqlite.connection import Kind
from cityid.sqlite.creation import Fill, nothing


class MemoryDatabase:
    """What `Database` is, without a file. Threads may share it; a forked child may not use it.

    Args:
        kind: Whose tables it has.
        forked: What to tell a forked child: why, and what to use instead.
        fill: Writes the first rows.
    """

    def __init__(self, kind: Kind, *, forked: str, fill: Fill = nothing) -> None:
        self._process = os.getpid()
        self._forked = forked
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )
        weakref.finalize(self, self._connection.close)
        for statement in kind.tables:
            self._connection.execute(statement)
        fill(self._connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do some work on the tables, whole or not at all; one thread at a time.

        Raises:
            RegistryError: The process was forked.
        """
        if os.getpid() != self._process:
            raise RegistryError(self._forked)
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
