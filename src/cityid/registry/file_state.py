"""What one state of a registry's file says: nothing leaves unchecked.

A record must have the leaf hash that stands beside it. What a log has, or that there is no such
log, two indexes must say alike: they lie in different pages of the file, and every append writes
both.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, NoReturn

from cityid.errors import CorruptError, quote
from cityid.registry import merkle
from cityid.registry.base import MOMENTS, MerkleLeaf, Record, leaf_hash, moment, time_text
from cityid.registry.file_format import Name

_COLUMNS = "record.sequence, record.log, record.version, recorded_at, leaf, data"
_PLACES = (
    f"SELECT {_COLUMNS} FROM entry JOIN record ON record.sequence = entry.sequence "  # noqa: S608 - constants
    "WHERE place BETWEEN ? AND ? ORDER BY place"
)
_SEQUENCES = f"SELECT {_COLUMNS} FROM record WHERE sequence > ? ORDER BY sequence LIMIT ?"  # noqa: S608 - constants
_LAST = (
    "SELECT sequence, recorded_at, root FROM record "
    "WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1"
)
_HEAD = "SELECT version FROM head WHERE key = ?"
_LAST_AND_HEAD = _LAST.replace(" FROM", f", ({_HEAD}) FROM")

Row = tuple[Any, ...]


class Size(NamedTuple):
    """What the last record says of the registry.

    Attributes:
        size: How many records there are.
        recorded_at: When the last was accepted, in microseconds since 1970.
        root: The root of the Merkle tree.
    """

    size: int
    recorded_at: int | None
    root: bytes

    @property
    def time(self) -> datetime | None:
        """When the last was accepted."""
        return None if self.recorded_at is None else moment(self.recorded_at)


class State:
    """One unchanging state of a registry's file, as a transaction sees it."""

    __slots__ = ("_damaged", "_name", "connection")

    def __init__(
        self, connection: sqlite3.Connection, name: Name, damaged: Callable[[str], CorruptError]
    ) -> None:
        """Look at a state.

        Args:
            connection: A connection within a transaction.
            name: The registry's name.
            damaged: Makes the error that tells of damage.
        """
        self.connection = connection
        self._name = name
        self._damaged = damaged

    def refuse(self, what: str) -> NoReturn:
        """Tell of damage.

        Raises:
            CorruptError: Always.
        """
        raise self._damaged(what)

    def last(self) -> Size:
        """Return what the last record says of the registry."""
        row = self.connection.execute(_LAST).fetchone()
        if row is None:
            if self.connection.execute("SELECT 1 FROM head LIMIT 1").fetchone():
                self.refuse("it has logs, and no records")
            return Size(0, None, merkle.EMPTY_ROOT)
        return self._size(*row)

    def _size(self, size: int, recorded_at: object, root: object) -> Size:
        if not isinstance(root, bytes):
            self.refuse("its last record is not the end of an append")
        return Size(size, self._time(recorded_at), root)

    def check_counts(self, nodes: int) -> None:
        """Refuse rows that no record needs, and records that are none.

        Args:
            nodes: How many hashes of the Merkle tree are stored.
        """
        size = self.last().size
        logs = self._count("record WHERE version = 1")
        wanted = {"record": size, "entry": size, "head": logs, "node": nodes}
        for table, count in wanted.items():
            if (found := self._count(table)) != count:
                self.refuse(f"its table {table} has {found} rows, and should have {count}")

    def _count(self, rows: str) -> int:
        (count,) = self.connection.execute(f"SELECT count(*) FROM {rows}").fetchone()  # noqa: S608 - constants
        return int(count)

    def last_and_heads(self, keys: Mapping[str, int]) -> tuple[Size, dict[str, int]]:
        """Return what `last` does, and the last version of those of some logs that are known.

        Args:
            keys: The logs and their keys.
        """
        if len(keys) == 1:  # as usual: one question is enough
            ((log, key),) = keys.items()
            row = self.connection.execute(_LAST_AND_HEAD, (key,)).fetchone()
            if row is not None:
                *last, head = row
                if head is not None:
                    self._check_head(head)
                return self._size(*last), {} if head is None else {log: head}
        return self.last(), self._heads(keys)

    def _heads(self, keys: Mapping[str, int]) -> dict[str, int]:
        places = ",".join("?" * len(keys))
        versions = dict(
            self.connection.execute(
                f"SELECT key, version FROM head WHERE key IN ({places})",  # noqa: S608 - question marks
                list(keys.values()),
            )
        )
        heads = {log: versions[key] for log, key in keys.items() if key in versions}
        for version in heads.values():
            self._check_head(version)
        return heads

    def _head(self, key: int) -> int:
        """Return the last version of a log, 0 for an unknown one."""
        row = self.connection.execute(_HEAD, (key,)).fetchone()
        if row is None:
            return 0
        self._check_head(row[0])
        return int(row[0])

    def _check_head(self, version: object) -> None:
        if not isinstance(version, int) or version < 1:
            self.refuse("a head in it is not a version")

    def records_of(
        self, log: str, *, after: int = 0, limit: int | None = None
    ) -> tuple[Record, ...]:
        """Return the records of one log.

        Args:
            log: Its name.
            after: The version after which to begin.
            limit: The most records to return.
        """
        key = self._name.keys([log])[log]
        last = self._head(key)
        end = last if limit is None else min(after + limit, last)
        # Where all are asked for, the place behind the last must be empty.
        beyond = end + 1 if end == last else end
        return self._between(log, key, after + 1, end, beyond)

    def last_of(self, log: str) -> Record | None:
        """Return the last record of a log, None for an unknown one."""
        key = self._name.keys([log])[log]
        last = self._head(key)
        found = self._between(log, key, last or 1, last, last + 1)
        return found[0] if found else None

    def find(self, log: str, version: int) -> Record:
        """Return a record that is there."""
        key = self._name.keys([log])[log]
        return self._between(log, key, version, version, version)[0]

    def _between(
        self, log: str, key: int, first: int, last: int, beyond: int
    ) -> tuple[Record, ...]:
        """Return versions `first` to `last` of a log: exactly these may stand up to `beyond`."""
        rows = self.connection.execute(_PLACES, (key + first, key + beyond)).fetchall()
        found = self.records(rows)
        if len(found) != max(0, last + 1 - first) or any(
            r.version != version or r.log != log for version, r in enumerate(found, first)
        ):
            self.refuse(f"its indexes disagree about {quote(log)}")
        return tuple(found)

    def following(self, after: int, *, records: int, data: int) -> list[Record]:
        """Return the next records in the order of acceptance.

        Args:
            after: The sequence after which to begin.
            records: The most records to return.
            data: After how many bytes of data to stop.
        """
        rows: list[Row] = []
        with contextlib.closing(self.connection.execute(_SEQUENCES, (after, records))) as cursor:
            for row in cursor:  # SQLite closes no file before its cursors
                rows.append(row)
                data -= len(row[-1]) if isinstance(row[-1], bytes) else 0
                if data < 0:
                    break
        if [row[0] for row in rows] != list(range(after + 1, after + 1 + len(rows))):
            self.refuse(f"there is a gap after record {after}")
        return self.records(rows)

    def records(self, rows: Iterable[Row]) -> list[Record]:
        """Return the records of rows, each of which must have the leaf hash beside it."""
        found: list[Record] = []
        before, time, text = None, None, ""
        origin = self._name.origin
        for sequence, log, version, recorded_at, leaf, data in rows:
            if recorded_at != before or time is None:
                before, time = recorded_at, moment(self._time(recorded_at))
                text = time_text(time)
            if not (isinstance(log, str) and isinstance(version, int) and isinstance(data, bytes)):
                self.refuse(f"record {sequence} is of the wrong kind")
            if leaf_hash(log, version, data, text) != leaf:
                self.refuse(f"record {sequence} was changed")
            evidence = MerkleLeaf(origin, sequence - 1)
            found.append(Record(log, version, data, time, evidence, sequence))
        return found

    def _time(self, recorded_at: object) -> int:
        if not isinstance(recorded_at, int) or recorded_at not in MOMENTS:
            self.refuse("a time in it is none")
        return recorded_at
