"""A registry in memory: for tests, for simulations, and to read a history into."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime

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
    closed,
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

_SCAN_BATCH = 500


class MemoryRegistry(Closing):
    """A registry that lives as long as the process; threads may share it."""

    def __init__(
        self, *, origin: str = "memory", operator: Signer | None = None, clock: Clock = now
    ) -> None:
        """Start with no records.

        Args:
            origin: The registry's name in checkpoints.
            operator: Who signs checkpoints, with an Ed25519 key.
            clock: Gives the time at which records are accepted.

        Raises:
            InvalidInputError: The origin cannot name a registry.
            UnsupportedError: The operator's key is of another kind.
        """
        check_operator(operator)
        self._origin = check_origin(origin)
        self._operator = operator
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = False
        self._records: list[Record] = []
        self._logs: dict[str, list[Record]] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._frontier = merkle.Frontier()

    def append(self, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
        """Add entries, all or none; see `Registry.append`."""
        entries = check_entries(entries)
        with self._lock:
            self._check_open()
            heads = {e.log: len(self._logs.get(e.log, ())) for e in entries}
            admission = admit(entries, heads=heads, find=self._find)
            if not admission.fresh:
                return admission.records(())
            time = self._time()
            last = None if time is None else microseconds(time)
            stored = stamp(
                admission.fresh,
                origin=self._origin,
                size=len(self._records),
                recorded_at=time_of_acceptance(self._clock, last),
            )
            self._store(stored)
            return admission.records(stored)

    def replicate(self, records: Sequence[Record], *, root: bytes) -> None:
        """Add records as they are, all or none; see `Replicable.replicate`."""
        check_records(records)
        with self._lock:
            self._check_open()
            size, last = len(self._records), self._time()
            heads = {r.log: len(self._logs.get(r.log, ())) for r in records}
            check_replica(records, origin=self._origin, size=size, last=last, heads=heads)
            leaves = leaf_hashes(records)
            check_root(self._frontier.extend(leaves)[0].root(), root)
            self._store(records)

    def read(self, log: str, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records of one log; see `Registry.read`."""
        check_log(log)
        check_range(after, limit)
        with self._lock:
            self._check_open()
            end = None if limit is None else after + limit
            return tuple(self._logs.get(log, ())[after:end])

    def head(self, log: str) -> Record | None:
        """Return the last record of a log; see `Registry.head`."""
        check_log(log)
        with self._lock:
            self._check_open()
            records = self._logs.get(log)
            return records[-1] if records else None

    def scan(self, after: int = 0) -> Iterator[Record]:
        """Go through all records; see `Registry.scan`."""
        check_number(after, "after")
        self._check_open()
        return self._scan(after)

    def _scan(self, after: int) -> Iterator[Record]:
        while True:
            self._check_open()
            batch = self._records[after : after + _SCAN_BATCH]
            if not batch:
                return
            yield from batch
            after += len(batch)

    def checkpoint(self) -> Checkpoint:
        """Return what the registry holds now; see `Registry.checkpoint`."""
        with self._lock:
            self._check_open()
            frontier, time = self._frontier, self._time()
        root = frontier.root()
        return write_checkpoint(
            self._origin, frontier.size, root, time=time, operator=self._operator
        )

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        with self._lock:
            self._check_tree(index, size)
            return merkle.inclusion_proof(index, size, self._node)

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        with self._lock:
            self._check_tree(old_size, size)
            return merkle.consistency_proof(old_size, size, self._node)

    def close(self) -> None:
        """Forget everything; nothing can be asked afterwards."""
        with self._lock:
            self._closed = True
            self._records, self._logs, self._nodes = [], {}, {}

    def _check_open(self) -> None:
        if self._closed:
            raise closed("memory:")

    def _check_tree(self, place: int, size: int) -> None:
        self._check_open()
        check_number(place, "a place in the tree")
        merkle.check_size(size, len(self._records))

    def _find(self, log: str, version: int) -> Record:
        return self._logs[log][version - 1]

    def _time(self) -> datetime | None:
        return self._records[-1].recorded_at if self._records else None

    def _store(self, records: Sequence[Record]) -> None:
        leaves = leaf_hashes(records)
        self._nodes.update({(0, r.sequence - 1): h for r, h in zip(records, leaves, strict=True)})
        self._frontier, completed = self._frontier.extend(leaves)
        self._nodes.update({(level, index): node for level, index, node in completed})
        for record in records:
            self._logs.setdefault(record.log, []).append(record)
        self._records.extend(records)

    def _node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]
