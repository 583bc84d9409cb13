"""Challenges that count once: a store that several processes share and that survives a restart.

A verifier sends a fresh challenge with each request. Comparing it proves that an answer is meant
for this request; only a store proves that the answer is not shown a second time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cityid import encoding, timestamp
from cityid.errors import Code, InvalidInputError
from cityid.sqlite import Database, Kind, MemoryDatabase

_NONCE_BYTES = 32
_PURGED_AT_ONCE = 64
_PATIENCE_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = (
    """CREATE TABLE nonce (
        digest BLOB PRIMARY KEY,
        expires INTEGER,
        used INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX nonce_expires ON nonce (expires) WHERE expires IS NOT NULL",
    "CREATE TABLE purged (id INTEGER PRIMARY KEY CHECK (id = 1), until INTEGER NOT NULL) STRICT",
)
_NONCE_STORE = Kind(
    noun="nonce store",
    application=b"cidN",
    format=1,
    tables=_TABLES,
    remedy="an older copy would accept answers again, so begin a new one when no challenge is open",
    private=True,
)


def fresh_nonce(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a new challenge: 256 random bits in base64url.

    Args:
        random: Where the bits come from; another source is for tests.
    """
    return encoding.base64url_encode(random(_NONCE_BYTES))


class NonceStore(Protocol):
    """Remembers which challenges were sent, and which were answered."""

    def issue(self, nonce: str, *, expires: datetime) -> None:
        """Remember a challenge that is being sent, to be answered before `expires`."""
        ...

    def use(self, nonce: str, *, at: datetime, expires: datetime | None = None) -> bool:
        """Tell whether a challenge may be answered now; True exactly once for each.

        A challenge that was never issued here counts once too, unless the store refuses such.

        Args:
            nonce: The challenge that was answered.
            at: Now.
            expires: When an answer comes too late. A challenge not issued here may be forgotten
                after that, and is then refused for ever; without it, it is remembered for ever.
        """
        ...


class _Nonces(ABC):
    """The one set of rules, over any SQLite database."""

    def __init__(self, *, issued_only: bool) -> None:
        self.issued_only = issued_only

    @abstractmethod
    def _transaction(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Give the database to one writer; what it wrote stays, or nothing does."""

    def issue(self, nonce: str, *, expires: datetime) -> None:
        """Remember a challenge that is being sent, to be answered before `expires`.

        Args:
            nonce: The challenge, such as `fresh_nonce` returns.
            expires: When an answer comes too late.

        Raises:
            InvalidInputError: It was issued or used before.
            RegistryError: The store cannot be written; CorruptError where it is damaged.
        """
        digest, moment = _digest(nonce), _microseconds(expires)
        with self._transaction() as database:
            if _find(database, digest) is not None:
                raise InvalidInputError(
                    "this nonce was issued or used before; take a fresh one for each request",
                    code=Code.INVALID_OPTIONS,
                )
            database.execute("INSERT INTO nonce VALUES (?, ?, 0)", (digest, moment))

    def use(self, nonce: str, *, at: datetime, expires: datetime | None = None) -> bool:
        """Tell whether a challenge may be answered now; True exactly once for each.

        Args:
            nonce: The challenge that was answered.
            at: Now.
            expires: When an answer comes too late. A challenge not issued here may be forgotten
                after that, and is then refused for ever; without it, it is remembered for ever.

        Raises:
            InvalidInputError: The nonce is not text, or a time is naive.
            RegistryError: The store cannot be written; CorruptError where it is damaged.
        """
        digest, now = _digest(nonce), _microseconds(at)
        limit = None if expires is None else _microseconds(expires)
        with self._transaction() as database:
            accepted = (limit is None or now < limit) and self._take(database, digest, now, limit)
            _purge(database, now)
        return accepted

    def _take(
        self, database: sqlite3.Connection, digest: bytes, now: int, limit: int | None
    ) -> bool:
        row = _find(database, digest)
        if row is not None:
            expires, used = row
            if used or (expires is not None and now >= expires):
                return False
            database.execute("UPDATE nonce SET used = 1 WHERE digest = ?", (digest,))
            return True
        if self.issued_only or (limit is not None and limit <= _purged_until(database)):
            return False
        database.execute("INSERT INTO nonce VALUES (?, ?, 1)", (digest, limit))
        return True


class MemoryNonces(_Nonces):
    """A store that lives as long as the process: for one process, and for tests.

    Args:
        issued_only: Whether challenges that were not issued here are refused.
    """

    def __init__(self, *, issued_only: bool = False) -> None:
        super().__init__(issued_only=issued_only)
        self._database = MemoryDatabase(
            _NONCE_STORE,
            forked="challenges kept in memory do not follow a fork: each process would accept the "
            "same one; share a FileNonces",
            fill=_begin,
        )

    def _transaction(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._database.transaction()


class FileNonces(_Nonces):
    """A store in a file that several processes share; each answer is on disk before it counts.

    Opening a path where nothing lies makes a new store. A file that vanishes or is damaged later
    is an error, never an empty store. A pickled copy is the same store.

    Args:
        path: The file; only its owner may read it. SQLite keeps two more beside it while it is
            open.
        issued_only: Whether challenges that were not issued here are refused.

    Raises:
        CorruptError: The file is damaged, or no nonce store.
        InvalidInputError: Others may read the file.
        UnsupportedError: A later version of cityid wrote it.
        RegistryError: The file cannot be read or made.
    """

    def __init__(self, path: str | os.PathLike[str], *, issued_only: bool = False) -> None:
        super().__init__(issued_only=issued_only)
        self._database = Database.open(path, _NONCE_STORE, timeout=_PATIENCE_SECONDS, fill=_begin)
        self._database.check()

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def close(self) -> None:
        """Close the file; nothing can be asked afterwards."""
        self._database.close()

    def _transaction(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._database.transaction(write=True)

    def __getstate__(self) -> tuple[Path, bool]:
        return self.path, self.issued_only

    def __setstate__(self, state: tuple[Path, bool]) -> None:
        # Nothing is made here: where the file is gone meanwhile, answers could repeat.
        path, self.issued_only = state
        self._database = Database(path, _NONCE_STORE, timeout=_PATIENCE_SECONDS)


def _begin(database: sqlite3.Connection) -> None:
    """Write what a new store has: nothing was forgotten yet."""
    database.execute("INSERT INTO purged VALUES (1, 0)")


def _digest(nonce: object) -> bytes:
    if not isinstance(nonce, str) or not nonce:
        raise InvalidInputError("a nonce is text that is not empty", code=Code.INVALID_OPTIONS)
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).digest()


def _microseconds(moment: datetime) -> int:
    return (timestamp.aware(moment) - _EPOCH) // timedelta(microseconds=1)


def _find(database: sqlite3.Connection, digest: bytes) -> tuple[int | None, int] | None:
    row: tuple[int | None, int] | None = database.execute(
        "SELECT expires, used FROM nonce WHERE digest = ?", (digest,)
    ).fetchone()
    return row


def _purged_until(database: sqlite3.Connection) -> int:
    row: tuple[int] = database.execute("SELECT until FROM purged").fetchone()
    return row[0]


def _purge(database: sqlite3.Connection, now: int) -> None:
    """Forget a few expired nonces, and remember which moments are forgotten."""
    expired = database.execute(
        "SELECT digest, expires FROM nonce WHERE expires <= ? ORDER BY expires LIMIT ?",
        (now, _PURGED_AT_ONCE),
    ).fetchall()
    if expired:
        database.executemany(
            "DELETE FROM nonce WHERE digest = ?", [(digest,) for digest, _ in expired]
        )
        database.execute("UPDATE purged SET until = max(until, ?)", (expired[-1][1],))
