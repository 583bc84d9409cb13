"""Whoever remembers what a registry has acknowledged, and believes nothing but his own sums."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from cityid import registry
from cityid.errors import InvalidInputError
from cityid.registry import Checkpoint, OpenRegistry, Record

Connect = Callable[[str], Any]
"""How a registry is opened; tests of the torture itself pass a registry that is broken."""


class BrokenPromiseError(Exception):
    """The registry did what it promises never to do."""


def expect(held: object, what: str) -> None:
    """Raise where a promise is not kept; an assert would vanish under ``python -O``."""
    if not held:
        raise BrokenPromiseError(what)


def leaf(record: Record) -> bytes:
    """Return a leaf's hash, from the format as documented and not from the code under test."""
    time = record.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    digest = hashlib.sha256(record.data).hexdigest()
    content = f"cityid record v1\n{record.log}\n{record.version}\n{digest}\n{time}\n"
    return hashlib.sha256(b"\0" + content.encode()).digest()


class Tree:
    """A Merkle tree as a stack of complete subtrees."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, bytes]] = []

    def add(self, hashed: bytes) -> None:
        size = 1
        while self._stack and self._stack[-1][0] == size:
            size, left = 2 * size, self._stack.pop()[1]
            hashed = hashlib.sha256(b"\1" + left + hashed).digest()
        self._stack.append((size, hashed))

    def root(self) -> bytes:
        if not self._stack:
            return hashlib.sha256().digest()
        root = self._stack[-1][1]
        for _, left in reversed(self._stack[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        return root


class Witness:
    """Reads along, and notices whatever was lost, doubled, skipped or rewritten."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.places: dict[tuple[str, int], int] = {}
        self.heads: dict[str, int] = {}
        self.checkpoint: Checkpoint | None = None
        self._tree = Tree()

    def follow(self, ledger: OpenRegistry) -> None:
        """Read what is new, and check it against everything seen before."""
        checkpoint = ledger.checkpoint()
        if self.checkpoint is not None:
            expect(grown(ledger, self.checkpoint, checkpoint), "history was rewritten or cut")
        known = len(self.records)
        for record in islice(ledger.scan(known), checkpoint.size - known):
            self._note(record)
        expect(len(self.records) == checkpoint.size, "the scan ends before the checkpoint does")
        expect(self._tree.root() == checkpoint.root, "the root is not that of the records")
        self.checkpoint = checkpoint

    def _note(self, record: Record) -> None:
        here = f"{record.log} {record.version}"
        expect(record.sequence == len(self.records) + 1, f"{here} has the wrong sequence")
        expect(record.version == self.heads.get(record.log, 0) + 1, f"{here} leaves a gap")
        expect((record.log, record.version) not in self.places, f"{here} is there twice")
        if self.records:
            expect(record.recorded_at >= self.records[-1].recorded_at, "time ran backwards")
        self.records.append(record)
        self.heads[record.log] = record.version
        self.places[record.log, record.version] = record.sequence
        self._tree.add(leaf(record))

    def reread(self, ledger: OpenRegistry) -> None:
        """Read everything again by every way, and compare it with what was seen."""
        self.follow(ledger)
        expect(list(ledger.scan()) == self.records, "a record changed")
        logs: dict[str, list[Record]] = {}
        for record in self.records:
            logs.setdefault(record.log, []).append(record)
        for log, records in logs.items():
            expect(list(ledger.read(log)) == records, f"{log} is read differently")
            expect(ledger.head(log) == records[-1], f"{log} has another head")


def grown(ledger: Any, earlier: Checkpoint, later: Checkpoint | None = None) -> bool:
    """Tell whether a registry still begins with what an earlier checkpoint says."""
    later = ledger.checkpoint() if later is None else later
    try:
        path: Sequence[bytes] = ledger.prove_consistency(earlier.size, later.size)
        registry.verify_growth(earlier, later, path)
    except InvalidInputError:
        return False
    return True
