"""A registry in one file: durable, shared by many processes, with a Merkle log.

An append writes the records, two indexes and the Merkle tree in one transaction, and no read grows
with the size of the registry. What is read is checked: each record against its leaf hash, the tree
against its root, and what a log has, or that there is no such log, by two indexes that must agree.
A damaged file thus gives a `CorruptError`, and never the impression that it is empty.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import Signer
from cityid.registry import merkle
from cityid.registry.admission import (
    admit,
    check_entries,
    check_log,
    check_number,
    check_range,
    check_records,
    check_replica,
    check_root,
    stamp,
    time_of_acceptance,
)
from cityid.registry.base import (
    Clock,
    Closing,
    NewEntry,
    Record,
    leaf_hashes,
    microseconds,
    now,
)
from cityid.registry.checkpoint import (
    Checkpoint,
    check_operator,
    check_origin,
    write_checkpoint,
)
from cityid.registry.file_format import REGISTRY, SALT_SIZE, Name
from cityid.registry.file_state import Size, State
from cityid.registry.file_tree import Tree, store
from cityid.sqlite import Database

_SCAN_RECORDS = 500
_SCAN_BYTES = 4 << 20
_RECORD = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)"
_ENTRY = "INSERT INTO entry VALUES (?, ?)"
_HEAD = "REPLACE INTO head VALUES (?, ?)"


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
        new = Name(origin or f"cityid-{secrets.token_hex(16)}", secrets.token_bytes(SALT_SIZE))
        self._database = Database.open(
            path,
            REGISTRY,
            timeout=timeout,
            fill=lambda connection: connection.execute(
                "INSERT INTO registry VALUES (1, ?, ?, ?)", (new.origin, new.salt, new.digest())
            ),
        )
        self._known = (Size(0, None, merkle.EMPTY_ROOT), merkle.Frontier())
        try:
            self._name = self._read_name(origin)
        except BaseException:
            self._database.close()
            raise

    def append(self, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
        """Add entries, all or none; see `Registry.append`."""
        entries = check_entries(entries)
        keys = self._name.keys([entry.log for entry in entries])
        with self._database.transaction(write=True) as connection:
            state = self._seen(connection)
            last, heads = state.last_and_heads(keys)
            admission = admit(entries, heads=heads, find=state.find)
            if not admission.fresh:
                return admission.records(())
            stored = stamp(
                admission.fresh,
                origin=self._name.origin,
                size=last.size,
                recorded_at=time_of_acceptance(self._clock, last.recorded_at),
            )
            self._store(state, last, stored, keys)
        if last.size == 0:
            self._database.settle()  # from now on the file alone does not look empty
        return admission.records(stored)

    def replicate(self, records: Sequence[Record], *, root: bytes) -> None:
        """Add records as they are, all or none; see `Replicable.replicate`."""
        check_records(records)
        keys = self._name.keys([record.log for record in records])
        with self._database.transaction(write=True) as connection:
            state = self._seen(connection)
            last, heads = state.last_and_heads(keys)
            origin = self._name.origin
            check_replica(records, origin=origin, size=last.size, last=last.time, heads=heads)
            self._store(state, last, records, keys, root=root)
        if last.size == 0:
            self._database.settle()

    def read(self, log: str, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records of one log; see `Registry.read`."""
        check_log(log)
        check_range(after, limit)
        with self._database.transaction() as connection:
            state = self._seen(connection)
            return state.records_of(log, after=after, limit=limit)

    def head(self, log: str) -> Record | None:
        """Return the last record of a log; see `Registry.head`."""
        check_log(log)
        with self._database.transaction() as connection:
            state = self._seen(connection)
            return state.last_of(log)

    def scan(self, after: int = 0) -> Iterator[Record]:
        """Go through all records; see `Registry.scan`."""
        check_number(after, "after")
        return self._scan(after)

    def _scan(self, after: int) -> Iterator[Record]:
        while True:
            with self._database.transaction() as connection:
                state = self._seen(connection)
                size = state.last().size
                batch = state.following(after, records=_SCAN_RECORDS, data=_SCAN_BYTES)
                if not batch and after < size:
                    state.refuse(f"the records after {after} are missing")
            if not batch:
                return
            yield from batch
            after += len(batch)

    def checkpoint(self) -> Checkpoint:
        """Return what the registry holds now; see `Registry.checkpoint`."""
        with self._database.transaction() as connection:
            state = self._seen(connection)
            last = state.last()
            Tree(state, last).grown()  # no root is signed that the stored tree does not have
        return write_checkpoint(
            self._name.origin, last.size, last.root, time=last.time, operator=self._operator
        )

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        check_number(index, "a place in the tree")
        with self._database.transaction() as connection:
            state = self._seen(connection)
            return Tree(state, state.last()).prove_inclusion(index, size)

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        check_number(old_size, "a place in the tree")
        with self._database.transaction() as connection:
            state = self._seen(connection)
            return Tree(state, state.last()).prove_consistency(old_size, size)

    def check_counts(self) -> None:
        """Refuse rows that no record needs; see `Countable.check_counts`."""
        with self._database.transaction() as connection:
            state = self._seen(connection)
            state.check_counts(Tree(state, state.last()).stored())

    def close(self) -> None:
        """Close the file; nothing can be asked afterwards."""
        self._database.close()

    def _seen(self, connection: sqlite3.Connection) -> State:
        return State(connection, self._name, self._database.damaged)

    def _read_name(self, origin: str | None) -> Name:
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT origin, salt, digest FROM registry WHERE id = 1"
            ).fetchone()
        known = row is not None and isinstance(row[0], str) and isinstance(row[1], bytes)
        name = Name(row[0], row[1]) if known else None
        if name is None or name.digest() != row[2]:
            raise self._database.damaged("its name was changed")
        if origin not in {None, name.origin}:
            raise InvalidInputError(
                f"the registry {self._database.path} is called {quote(name.origin)}, "
                f"not {quote(origin)}",
                code=Code.INVALID_OPTIONS,
            )
        return name

    def _store(
        self,
        state: State,
        last: Size,
        records: Sequence[Record],
        keys: Mapping[str, int],
        root: bytes | None = None,
    ) -> None:
        """Write new records.

        Args:
            state: The state of the file.
            last: What its last record says.
            records: The new records, in order.
            keys: The keys of their logs.
            root: The root that the tree must have with them, where that is known.
        """
        known, frontier = self._known
        if known != last:
            frontier = Tree(state, last).grown()
        leaves = leaf_hashes(records)
        frontier, completed = frontier.extend(leaves)
        found = frontier.root()
        if root is not None:
            check_root(found, root)
        if records:
            _insert(state, records, leaves, keys, found)
            store(state.connection, completed)
        # Where the commit fails after all, the root in the file will not be this one.
        time = microseconds(records[-1].recorded_at) if records else last.recorded_at
        self._known = (Size(frontier.size, time, found), frontier)


def _insert(
    state: State,
    records: Sequence[Record],
    leaves: Sequence[bytes],
    keys: Mapping[str, int],
    root: bytes,
) -> None:
    """Write records and both indexes, these in their own order: neighbours come together."""
    if len(records) == 1:
        _insert_one(state.connection, records[0], leaves[0], keys[records[0].log], root)
        return
    rows, entries, heads = [], [], {}
    before, time, end = None, 0, records[-1].sequence
    for (log, version, data, recorded_at, _, sequence), leaf in zip(records, leaves, strict=True):
        if recorded_at is not before:
            before, time = recorded_at, microseconds(recorded_at)
        key, here = keys[log], root if sequence == end else None
        rows.append((sequence, log, version, time, leaf, here, data))
        entries.append((key + version, sequence))
        heads[key] = version
    entries.sort()
    insert = state.connection.executemany
    insert(_RECORD, rows)
    insert(_ENTRY, entries)
    insert(_HEAD, sorted(heads.items()))


def _insert_one(
    connection: sqlite3.Connection, record: Record, leaf: bytes, key: int, root: bytes
) -> None:
    """Write what `_insert` does for a lone record, as most appends have it."""
    log, version, data, recorded_at, _, sequence = record
    row = sequence, log, version, microseconds(recorded_at), leaf, root, data
    connection.execute(_RECORD, row)
    connection.execute(_ENTRY, (key + version, sequence))
    connection.execute(_HEAD, (key, version))
