"""A registry in one file: durable, shared by many processes, with a Merkle log.

An append writes the records, two indexes and the Merkle tree in one transaction, and no read grows
with the size of the registry. What is read is checked: each record against its leaf hash, the tree
against its root, and what a log has, or that there is no such log, by two indexes that must agree.
A damaged file thus gives a `CorruptError`, and never the impression that it is empty.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import Signer
from cityid.registry import merkle
from cityid.registry.admission import (
    admit,
    check_entries,
    check_log,
    check_number,
    check_range,
    stamp,
    time_of_acceptance,
)
from cityid.registry.base import (
    Clock,
    Closing,
    MerkleLeaf,
    NewEntry,
    Record,
    leaf_content,
    leaf_contents,
    microseconds,
    moment,
    now,
)
from cityid.registry.checkpoint import (
    Checkpoint,
    check_operator,
    check_origin,
    write_checkpoint,
)
from cityid.registry.file_format import REGISTRY, digest, key
from cityid.sqlite import Database

_NODE_STEP = 4
_SCAN_RECORDS = 500
_SCAN_BYTES = 4 << 20
_COLUMNS = "record.sequence, record.log, record.version, recorded_at, leaf, data"
_BY_LOG = (
    f"SELECT {_COLUMNS} FROM entry JOIN record ON record.sequence = entry.sequence "  # noqa: S608 - constants
    "WHERE key = ? AND entry.version "
)


@dataclass(frozen=True, slots=True)
class _State:
    """What the last record says of the registry.

    Attributes:
        size: How many records there are.
        time: When the last was accepted.
        root: The root of the Merkle tree.
    """

    size: int
    time: datetime | None
    root: bytes


class FileRegistry(Closing):
    """A registry in an SQLite file; threads and processes may share it."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        origin: str | None = None,
        operator: Signer | None = None,
        clock: Clock = now,
        timeout: float = 10.0,
    ) -> None:
        """Open the file, or make it where there is none.

        Args:
            path: The file. SQLite keeps two more beside it while it is open.
            origin: The registry's name in checkpoints; None for the one that it has, or a random
                one for a new file.
            operator: Who signs checkpoints, with an Ed25519 key.
            clock: Gives the time at which records are accepted.
            timeout: For how many seconds to wait for other writers.

        Raises:
            InvalidInputError: The registry cannot have, or does not have, this origin.
            UnsupportedError: The operator's key or the file's format is of another kind.
            CorruptError: The file is damaged, or not a registry.
            RegistryError: The file cannot be read or written.
        """
        check_operator(operator)
        if origin is not None:
            check_origin(origin)
        self._operator = operator
        self._clock = clock
        name = origin or f"cityid-{secrets.token_hex(16)}"
        self._database = Database.open(
            path,
            REGISTRY,
            timeout=timeout,
            fill=lambda new: new.execute(
                "INSERT INTO registry VALUES (1, ?, ?)", (name, digest(name))
            ),
        )
        self._known = (0, merkle.EMPTY_ROOT, merkle.Frontier())
        try:
            with self._database.transaction() as connection:
                self._origin = self._read_origin(connection)
            self._check_name(origin)
        except BaseException:
            self._database.close()
            raise

    def append(self, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
        """Add entries, all or none; see `Registry.append`."""
        entries = check_entries(entries)
        with self._database.transaction(write=True) as connection:
            admission = admit(
                entries,
                heads=self._heads(connection, {entry.log for entry in entries}),
                find=lambda log, version: self._find(connection, log, version),
            )
            if not admission.fresh:
                return admission.records(())
            state = self._state(connection)
            stored = stamp(
                admission.fresh,
                origin=self._origin,
                size=state.size,
                recorded_at=time_of_acceptance(self._clock, state.time),
            )
            self._store(connection, state, stored)
        if state.size == 0:
            self._database.settle()  # from now on the file alone does not look empty
        return admission.records(stored)

    def read(self, log: str, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records of one log; see `Registry.read`."""
        check_log(log)
        check_range(after, limit)
        with self._database.transaction() as connection:
            last = self._heads(connection, {log}).get(log, 0)
            rows = connection.execute(
                _BY_LOG + "> ? ORDER BY entry.version LIMIT ?",
                (key(log), after, -1 if limit is None else limit),
            ).fetchall()
            records = tuple(self._record(row) for row in rows)
        end = last if limit is None else min(after + limit, last)
        if [(r.log, r.version) for r in records] != [(log, v) for v in range(after + 1, end + 1)]:
            self._refuse(f"its indexes disagree about {quote(log)}")
        return records

    def head(self, log: str) -> Record | None:
        """Return the last record of a log; see `Registry.head`."""
        check_log(log)
        with self._database.transaction() as connection:
            last = self._heads(connection, {log}).get(log)
            row = connection.execute(
                _BY_LOG + "> 0 ORDER BY entry.version DESC LIMIT 1", (key(log),)
            ).fetchone()
            record = None if row is None else self._record(row)
        if (record and (record.log, record.version)) != (last and (log, last)):
            self._refuse(f"its indexes disagree about {quote(log)}")
        return record

    def scan(self, after: int = 0) -> Iterator[Record]:
        """Go through all records; see `Registry.scan`."""
        check_number(after, "after")
        return self._scan(after)

    def _scan(self, after: int) -> Iterator[Record]:
        while True:
            batch: list[Record] = []
            with self._database.transaction() as connection:
                size = self._state(connection).size
                rows = connection.execute(
                    f"SELECT {_COLUMNS} FROM record WHERE sequence > ? ORDER BY sequence LIMIT ?",  # noqa: S608 - constants
                    (after, _SCAN_RECORDS),
                )
                room = _SCAN_BYTES
                with contextlib.closing(rows):  # SQLite closes no file before its cursors
                    for row in rows:
                        batch.append(self._record(row))
                        room -= len(batch[-1].data)
                        if room < 0:
                            break
            if [r.sequence for r in batch] != list(range(after + 1, after + 1 + len(batch))):
                self._refuse(f"there is a gap after record {after}")
            if not batch:
                if after < size:
                    self._refuse(f"the records after {after} are missing")
                return
            yield from batch
            after += len(batch)

    def checkpoint(self) -> Checkpoint:
        """Return what the registry holds now; see `Registry.checkpoint`."""
        with self._database.transaction() as connection:
            state = self._state(connection)
            self._grown(connection, state)  # no root is signed that the stored tree does not have
        return write_checkpoint(
            self._origin, state.size, state.root, time=state.time, operator=self._operator
        )

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        check_number(index, "a place in the tree")
        with self._database.transaction() as connection:
            state, nodes = self._state(connection), self._nodes(connection)
            merkle.check_size(size, state.size)
            path = merkle.inclusion_proof(index, size, nodes)
            root = self._root(state, size, nodes)
            self._hold(merkle.verify_inclusion, nodes(0, index), index, size, path, root)
            return path

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        check_number(old_size, "a place in the tree")
        with self._database.transaction() as connection:
            state, nodes = self._state(connection), self._nodes(connection)
            merkle.check_size(size, state.size)
            path = merkle.consistency_proof(old_size, size, nodes)
            old_root, root = merkle.frontier(old_size, nodes).root(), self._root(state, size, nodes)
            self._hold(merkle.verify_consistency, old_size, size, path, old_root, root)
            return path

    def close(self) -> None:
        """Close the file; nothing can be asked afterwards."""
        self._database.close()

    def _check_name(self, origin: str | None) -> None:
        if origin not in {None, self._origin}:
            raise InvalidInputError(
                f"the registry {self._database.path} is called {quote(self._origin)}, "
                f"not {quote(origin)}",
                code=Code.INVALID_OPTIONS,
            )

    def _read_origin(self, connection: sqlite3.Connection) -> str:
        row = connection.execute("SELECT origin, digest FROM registry WHERE id = 1").fetchone()
        if row is None or not isinstance(row[0], str) or digest(row[0]) != row[1]:
            self._refuse("its name was changed")
        return str(row[0])

    def _state(self, connection: sqlite3.Connection) -> _State:
        row = connection.execute(
            "SELECT sequence, recorded_at, root FROM record "
            "WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return _State(0, None, merkle.EMPTY_ROOT)
        size, time, root = row
        if not isinstance(root, bytes):
            self._refuse("its last record is not the end of an append")
        return _State(size, self._moment(time), root)

    def _grown(self, connection: sqlite3.Connection, state: _State) -> merkle.Frontier:
        """Return the frontier of the stored tree, which must lead to the root."""
        (nodes,) = connection.execute(
            "SELECT max(position) FROM node WHERE level = ?", (_NODE_STEP,)
        ).fetchone()
        if (-1 if nodes is None else nodes) != (state.size >> _NODE_STEP) - 1:
            self._refuse(f"it has {state.size} records, and a Merkle tree of other size")
        frontier = merkle.frontier(state.size, self._nodes(connection))
        if frontier.root() != state.root:
            self._refuse("its Merkle tree does not lead to its root")
        return frontier

    def _heads(self, connection: sqlite3.Connection, logs: Collection[str]) -> dict[str, int]:
        """Return the last version of those of the logs that are known."""
        keys = {key(log): log for log in logs}
        places = ",".join("?" * len(keys))
        rows = connection.execute(
            f"SELECT key, version FROM head WHERE key IN ({places})",  # noqa: S608 - question marks
            list(keys),
        )
        heads = {keys[row[0]]: row[1] for row in rows}
        if any(not isinstance(version, int) or version < 1 for version in heads.values()):
            self._refuse("a head in it is not a version")
        return heads

    def _find(self, connection: sqlite3.Connection, log: str, version: int) -> Record:
        row = connection.execute(_BY_LOG + "= ?", (key(log), version)).fetchone()
        record = None if row is None else self._record(row)
        if record is None or (record.log, record.version) != (log, version):
            self._refuse(f"version {version} of {quote(log)} is missing")
        return record

    def _record(self, row: tuple[Any, ...]) -> Record:
        """Return the record of a row, which must have the leaf hash that stands beside it."""
        sequence, log, version, recorded_at, leaf, data = row
        if not (isinstance(log, str) and isinstance(version, int) and isinstance(data, bytes)):
            self._refuse(f"record {sequence} is of the wrong kind")
        time = self._moment(recorded_at)
        if merkle.leaf_hash(leaf_content(log, version, data, time)) != leaf:
            self._refuse(f"record {sequence} was changed")
        return Record(log, version, data, time, MerkleLeaf(self._origin, sequence - 1), sequence)

    def _moment(self, recorded_at: object) -> datetime:
        if not isinstance(recorded_at, int):
            self._refuse("a time in it is none")
        try:
            return moment(recorded_at)
        except OverflowError:
            self._refuse("a time in it is none")

    def _store(
        self, connection: sqlite3.Connection, state: _State, records: Sequence[Record]
    ) -> None:
        size, root, frontier = self._known
        if (size, root) != (state.size, state.root):
            frontier = self._grown(connection, state)
        time = microseconds(records[0].recorded_at)
        leaves = [merkle.leaf_hash(content) for content in leaf_contents(records)]
        frontier, completed = frontier.extend(leaves)
        roots: list[bytes | None] = [None] * len(records)
        roots[-1] = root = frontier.root()
        connection.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (r.sequence, r.log, r.version, time, leaf, root_here, r.data)
                for r, leaf, root_here in zip(records, leaves, roots, strict=True)
            ],
        )
        # In the order of the indexes, so that neighbours are written together.
        entries = sorted((key(r.log), r.version, r.sequence) for r in records)
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", entries)
        connection.executemany(
            "REPLACE INTO head VALUES (?, ?)",
            list({log: version for log, version, _ in entries}.items()),
        )
        nodes = [node for node in completed if node[0] % _NODE_STEP == 0]
        connection.executemany("INSERT INTO node VALUES (?, ?, ?)", nodes)
        # Where the commit fails after all, the root in the file will not be this one.
        self._known = (frontier.size, root, frontier)

    def _nodes(self, connection: sqlite3.Connection) -> merkle.Nodes:
        """Return how to read the tree: the levels between the stored ones are computed."""

        def node(level: int, index: int) -> bytes:
            above = level % _NODE_STEP
            first, count = index << above, 1 << above
            if level < _NODE_STEP:
                query = "SELECT leaf FROM record WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
                rows = connection.execute(query, (first + 1, first + count)).fetchall()
            else:
                rows = connection.execute(
                    "SELECT hash FROM node WHERE level = ? AND position BETWEEN ? AND ? "
                    "ORDER BY position",
                    (level - above, first, first + count - 1),
                ).fetchall()
            hashes = [row[0] for row in rows]
            if len(hashes) != count or any(not isinstance(item, bytes) for item in hashes):
                self._refuse(f"its Merkle tree lacks node {index} of level {level}")
            return merkle.Frontier().extend(hashes)[0].root()

        return node

    def _root(self, state: _State, size: int, nodes: merkle.Nodes) -> bytes:
        """Return the root of the first records, which must agree with the root of all."""
        if size == state.size:
            return state.root
        root = merkle.frontier(size, nodes).root()
        path = merkle.consistency_proof(size, state.size, nodes)
        self._hold(merkle.verify_consistency, size, state.size, path, root, state.root)
        return root

    def _hold(self, verify: Callable[..., None], *arguments: object) -> None:
        """Refuse the file where a proof made from it does not hold."""
        try:
            verify(*arguments)
        except InvalidInputError as error:
            raise self._database.damaged("its Merkle tree does not lead to its root") from error

    def _refuse(self, what: str) -> NoReturn:
        raise self._database.damaged(what)
