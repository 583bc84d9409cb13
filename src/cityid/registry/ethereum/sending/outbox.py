"""Where transactions wait until they are settled, on disk before any node hears of them.

An outbox has one lane for each address on each chain. A lane hands out the nonces, each once, and
keeps for each the work that it is for and every transaction that was signed for it: at most one
of those can land, whichever it is. Settled work is remembered by its key, so that nobody who asks
again, not knowing what became of it, does it twice.

Whoever dies at any moment leaves either no trace of a work, or the work with its nonce and its
signed transaction. Threads and processes may share an outbox in a file, and with it a lane: each
change is one transaction of SQLite that looks before it writes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

from cityid.errors import RegistryError
from cityid.sqlite import Database, Kind, MemoryDatabase

_PATIENCE_SECONDS: Final = 30.0
_TABLES: Final = (
    """CREATE TABLE lane (
        id INTEGER PRIMARY KEY,
        chain INTEGER NOT NULL,
        address BLOB NOT NULL,
        next INTEGER NOT NULL,
        settled INTEGER NOT NULL,
        UNIQUE (chain, address)
    ) STRICT""",
    """CREATE TABLE work (
        id INTEGER PRIMARY KEY,
        lane INTEGER NOT NULL REFERENCES lane,
        key BLOB NOT NULL,
        content BLOB NOT NULL,
        fate TEXT CHECK (fate IN ('done', 'reverted', 'refused')),
        reason TEXT NOT NULL,
        hash BLOB,
        block INTEGER,
        block_hash BLOB,
        gas_used INTEGER,
        contract TEXT,
        UNIQUE (lane, key)
    ) STRICT""",
    """CREATE TABLE slot (
        lane INTEGER NOT NULL REFERENCES lane,
        nonce INTEGER NOT NULL,
        work INTEGER REFERENCES work,
        target BLOB,
        data BLOB NOT NULL,
        gas INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (lane, nonce)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE attempt (
        lane INTEGER NOT NULL,
        nonce INTEGER NOT NULL,
        number INTEGER NOT NULL,
        hash BLOB NOT NULL,
        raw BLOB NOT NULL,
        price INTEGER NOT NULL,
        tip INTEGER,
        filler INTEGER NOT NULL,
        PRIMARY KEY (lane, nonce, number)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE sighting (
        lane INTEGER NOT NULL,
        nonce INTEGER NOT NULL,
        hash BLOB NOT NULL,
        block INTEGER NOT NULL,
        block_hash BLOB NOT NULL,
        succeeded INTEGER NOT NULL,
        gas_used INTEGER NOT NULL,
        PRIMARY KEY (lane, nonce)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sighting_block ON sighting (lane, block)",
)
_OUTBOX: Final = Kind(
    noun="sender's outbox",
    application=b"cidO",
    format=1,
    tables=_TABLES,
    remedy="begin a new one; what was under way may land or not, so look at the chain before "
    "doing it again",
)


class Outbox(ABC):
    """Where transactions wait: `FileOutbox`, which lasts, or `MemoryOutbox`."""

    @abstractmethod
    def transaction(
        self, *, write: bool = False
    ) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Do some work on the tables, whole or not at all, as `Database.transaction` says.

        Args:
            write: Whether the work writes.
        """

    @abstractmethod
    def damaged(self, what: str) -> RegistryError:
        """Return the error that tells of damage.

        Args:
            what: What was seen.
        """


class MemoryOutbox(Outbox):
    """An outbox that lives as long as the process: for tests, and for chains that live as long."""

    def __init__(self) -> None:
        self._database = MemoryDatabase(
            _OUTBOX,
            forked="an outbox in memory does not follow a fork: both processes would use the same "
            "nonces; share a FileOutbox",
        )

    def transaction(
        self, *, write: bool = False
    ) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Do some work on the tables, whole or not at all.

        Args:
            write: Whether the work writes; one thread works at a time either way.
        """
        del write
        return self._database.transaction()

    def damaged(self, what: str) -> RegistryError:
        """Return the error that tells of damage.

        Args:
            what: What was seen.
        """
        return RegistryError(f"the outbox in memory is damaged: {what}")


class FileOutbox(Outbox):
    """An outbox in a file, which several processes may share.

    A file that vanishes or is damaged later is an error, never an empty outbox.

    Args:
        path: The file; made where there is none. SQLite keeps two more beside it while it is
            open.

    Raises:
        InvalidInputError: No file can have this path.
        CorruptError: The file is damaged, or no outbox.
        UnsupportedError: A later version of cityid wrote it.
        RegistryError: The file cannot be read or made.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._database = Database.open(path, _OUTBOX, timeout=_PATIENCE_SECONDS)
        self._database.check()

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def transaction(
        self, *, write: bool = False
    ) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Do some work on the tables, whole or not at all.

        Args:
            write: Whether the work writes; then it is on disk once the block is left.
        """
        return self._database.transaction(write=write)

    def damaged(self, what: str) -> RegistryError:
        """Take note that the file is damaged, and return the error that tells of it.

        Args:
            what: What was seen.
        """
        return self._database.damaged(what)

    def close(self) -> None:
        """Close the file; nothing can be sent afterwards."""
        self._database.close()
