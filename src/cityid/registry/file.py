"""A registry in one file: durable, shared by many processes, with a Merkle log.

Four tables, written in one transaction: ``record``, the entries in the order of acceptance;
``head``, the last record of each log; ``node``, every fourth level of the Merkle tree; and
``tree``, one row with the tree's size and peaks. So an append writes few pages, and no read grows
with the size of the registry. What is read is checked: every record against its leaf hash, and
what a log has, or that there is no such log, by two indexes that must agree. A damaged file thus
gives a `CorruptError`, and never the impression that it is empty.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

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
    MerkleLeaf,
    NewEntry,
    Record,
    leaf_content,
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
from cityid.registry.file_format import Tree, check_format, create, resolve
from cityid.registry.sqlite import Database, damaged

_NODE_STEP = 4
_SCAN_RECORDS = 500
_SCAN_BYTES = 4 << 20
_RECORD = "SELECT sequence, log, version, recorded_at, leaf, data FROM record "


class FileRegistry:
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
        self._path = resolve(path)
        if not os.path.exists(self._path):  # noqa: PTH110 - unlike Path.exists, it never raises
            create(self._path, origin or f"cityid-{secrets.token_hex(16)}", timeout)
        check_format(self._path, timeout)
        self._database = Database(self._path, timeout=timeout)
        try:
            with self._database.transaction() as connection:
                self._origin = self._tree(connection).origin
            self._check_name(origin)
        except BaseException:
            self._database.close()
            raise

    def append(self, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
        """Add entries, all or none; see `Registry.append`."""
        entries = check_entries(entries)
        with self._database.transaction(write=True) as connection:
            tree = self._tree(connection)
            admission = admit(
                entries,
                last=lambda log: self._last(connection, log) or 0,
                find=lambda log, version: self._find(connection, log, version),
            )
            if not admission.fresh:
                return admission.records(())
            last = None if tree.recorded_at is None else self._moment(tree.recorded_at)
            stored = stamp(
                admission.fresh,
                origin=self._origin,
                size=tree.frontier.size,
                recorded_at=time_of_acceptance(self._clock, last),
            )
            self._store(connection, tree.frontier, stored)
        return admission.records(stored)

    def read(self, log: str, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records of one log; see `Registry.read`."""
        check_log(log)
        check_range(after, limit)
        with self._database.transaction() as connection:
            last = self._last(connection, log)
            rows = connection.execute(
                _RECORD + "WHERE log = ? AND version > ? ORDER BY version LIMIT ?",
                (log, after, -1 if limit is None else limit),
            )
            records = tuple(self._record(row) for row in rows)
        end = max(after, last or 0) if limit is None else min(after + limit, max(after, last or 0))
        if [(r.log, r.version) for r in records] != [(log, v) for v in range(after + 1, end + 1)]:
            self._refuse(f"its indexes disagree about {quote(log)}")
        return records

    def head(self, log: str) -> Record | None:
        """Return the last record of a log; see `Registry.head`."""
        check_log(log)
        with self._database.transaction() as connection:
            last = self._last(connection, log)
            row = connection.execute(
                _RECORD + "WHERE log = ? ORDER BY version DESC LIMIT 1", (log,)
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
                size = self._tree(connection).frontier.size
                rows = connection.execute(
                    _RECORD + "WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    (after, _SCAN_RECORDS),
                )
                room = _SCAN_BYTES
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
            tree = self._tree(connection)
            size = tree.frontier.size
            # A root is signed only when the stored nodes lead to it too.
            if merkle.frontier(size, self._nodes(connection)) != tree.frontier:
                self._refuse("its Merkle tree disagrees with its peaks")
        time = None if tree.recorded_at is None else self._moment(tree.recorded_at)
        root = tree.frontier.root()
        return write_checkpoint(self._origin, size, root, time=time, operator=self._operator)

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        check_number(index, "a place in the tree")
        with self._database.transaction() as connection:
            tree, nodes = self._tree(connection), self._nodes(connection)
            merkle.check_size(size, tree.frontier.size)
            path = merkle.inclusion_proof(index, size, nodes)
            root = self._root(tree, size, nodes)
            self._hold(merkle.verify_inclusion, nodes(0, index), index, size, path, root)
            return path

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        check_number(old_size, "a place in the tree")
        with self._database.transaction() as connection:
            tree, nodes = self._tree(connection), self._nodes(connection)
            merkle.check_size(size, tree.frontier.size)
            path = merkle.consistency_proof(old_size, size, nodes)
            old_root, root = merkle.frontier(old_size, nodes).root(), self._root(tree, size, nodes)
            self._hold(merkle.verify_consistency, old_size, size, path, old_root, root)
            return path

    def close(self) -> None:
        """Close the file; nothing can be asked afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_name(self, origin: str | None) -> None:
        if origin not in {None, self._origin}:
            raise InvalidInputError(
                f"the registry {self._path} is called {quote(self._origin)}, not {quote(origin)}",
                code=Code.INVALID_OPTIONS,
            )

    def _tree(self, connection: sqlite3.Connection) -> Tree:
        """Return the state of the tree, which must agree with itself and the records."""
        row = connection.execute(
            "SELECT origin, size, recorded_at, peaks, digest FROM tree WHERE id = 1"
        ).fetchone()
        last = connection.execute("SELECT max(sequence) FROM record").fetchone()[0]
        if row is None:
            self._refuse("it has no tree")
        origin, size, recorded_at, peaks, digest = row
        if not (isinstance(peaks, bytes) and isinstance(size, int) and isinstance(origin, str)):
            self._refuse("its tree is of the wrong kind")
        hashes = (
            peaks[at : at + merkle.HASH_SIZE] for at in range(0, len(peaks), merkle.HASH_SIZE)
        )
        tree = Tree(origin, recorded_at, merkle.Frontier(size, tuple(hashes)))
        if tree.row()[-1] != digest:
            self._refuse("its tree was changed")
        if (last or 0) != size:
            self._refuse(f"it has {last or 0} records where its tree has {size}")
        return tree

    def _last(self, connection: sqlite3.Connection, log: str) -> int | None:
        row = connection.execute("SELECT version FROM head WHERE log = ?", (log,)).fetchone()
        if row is None:
            return None
        if not isinstance(row[0], int) or row[0] < 1:
            self._refuse(f"the head of {quote(log)} is not a version")
        return row[0]

    def _find(self, connection: sqlite3.Connection, log: str, version: int) -> Record:
        row = connection.execute(
            _RECORD + "WHERE log = ? AND version = ?", (log, version)
        ).fetchone()
        if row is None:
            self._refuse(f"version {version} of {quote(log)} is missing")
        return self._record(row)

    def _record(self, row: tuple[Any, ...]) -> Record:
        """Return the record of a row, which must have the leaf hash that stands beside it."""
        sequence, log, version, recorded_at, leaf, data = row
        if not (isinstance(log, str) and isinstance(version, int) and isinstance(data, bytes)):
            self._refuse(f"record {sequence} is of the wrong kind")
        time = self._moment(recorded_at)
        if merkle.leaf_hash(leaf_content(log, version, data, time)) != leaf:
            self._refuse(f"record {sequence} was changed")
        return Record(log, version, data, time, MerkleLeaf(self._origin, sequence - 1), sequence)

    def _moment(self, recorded_at: object) -> Any:
        try:
            return moment(recorded_at)  # type: ignore[arg-type] # a damaged file may say anything
        except (TypeError, OverflowError):
            self._refuse("a time in it is none")

    def _store(
        self, connection: sqlite3.Connection, frontier: merkle.Frontier, records: Sequence[Record]
    ) -> None:
        time = microseconds(records[0].recorded_at)
        leaves = [
            merkle.leaf_hash(leaf_content(r.log, r.version, r.data, r.recorded_at)) for r in records
        ]
        grown, completed = frontier.extend(leaves)
        connection.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)",
            [
                (r.sequence, r.log, r.version, time, leaf, r.data)
                for r, leaf in zip(records, leaves, strict=True)
            ],
        )
        connection.executemany(
            "INSERT INTO head VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
            list({r.log: r.version for r in records}.items()),
        )
        connection.executemany(
            "INSERT INTO node VALUES (?, ?, ?)",
            [node for node in completed if node[0] % _NODE_STEP == 0],
        )
        connection.execute(
            "UPDATE tree SET (origin, size, recorded_at, peaks, digest) = (?, ?, ?, ?, ?)",
            Tree(self._origin, time, grown).row(),
        )

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

    def _root(self, tree: Tree, size: int, nodes: merkle.Nodes) -> bytes:
        """Return the root of the first records, which must agree with the tree's peaks."""
        now_size, now_root = tree.frontier.size, tree.frontier.root()
        if size == now_size:
            return now_root
        root = merkle.frontier(size, nodes).root()
        path = merkle.consistency_proof(size, now_size, nodes)
        self._hold(merkle.verify_consistency, size, now_size, path, root, now_root)
        return root

    def _hold(self, verify: Callable[..., None], *arguments: object) -> None:
        """Refuse the file where a proof made from it does not hold."""
        try:
            verify(*arguments)
        except InvalidInputError as error:
            raise damaged(self._path, "its Merkle tree disagrees with its peaks") from error

    def _refuse(self, what: str) -> NoReturn:
        raise damaged(self._path, what)
