"""The Merkle tree in a registry's file: every fourth level is stored, the rest is computed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from cityid.errors import InvalidInputError
from cityid.registry import merkle
from cityid.registry.file_state import Size, State

_STEP = 4
_LEAVES = "SELECT leaf FROM record WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
_NODES = "SELECT hash FROM node WHERE level = ? AND position BETWEEN ? AND ? ORDER BY position"


def store(connection: sqlite3.Connection, completed: Sequence[tuple[int, int, bytes]]) -> None:
    """Store what is to be stored of the subtrees that have become complete.

    Args:
        connection: A connection within a transaction that writes.
        completed: Their levels, indexes and hashes.
    """
    if len(completed) >= _STEP:  # fewer do not reach the first level that is stored
        nodes = [node for node in completed if node[0] % _STEP == 0]
        connection.executemany("INSERT INTO node VALUES (?, ?, ?)", nodes)


class Tree:
    """The tree of one state of the file; whatever is read must lead to the root of that state."""

    __slots__ = ("_last", "_state")

    def __init__(self, state: State, last: Size) -> None:
        """Look at the tree.

        Args:
            state: The state of the file.
            last: What its last record says.
        """
        self._state = state
        self._last = last

    def grown(self) -> merkle.Frontier:
        """Return the frontier of the whole tree, whose last record must be what its leaf says."""
        (nodes,) = self._state.connection.execute(
            "SELECT max(position) FROM node WHERE level = ?", (_STEP,)
        ).fetchone()
        if (-1 if nodes is None else nodes) != (self._last.size >> _STEP) - 1:
            self._state.refuse(f"it has {self._last.size} records, and a Merkle tree of other size")
        frontier = merkle.frontier(self._last.size, self.node)
        if frontier.root() != self._last.root:
            self._state.refuse("its Merkle tree does not lead to its root")
        if self._last.size:
            self._state.following(self._last.size - 1, records=1, data=0)
        return frontier

    def stored(self) -> int:
        """Return how many hashes are stored: those of every fourth level above the leaves."""
        levels = range(_STEP, self._last.size.bit_length(), _STEP)
        return sum(self._last.size >> level for level in levels)

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        merkle.check_size(size, self._last.size)
        path = merkle.inclusion_proof(index, size, self.node)
        root = self._root(size)
        self._hold(merkle.verify_inclusion, self.node(0, index), index, size, path, root)
        return path

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        merkle.check_size(size, self._last.size)
        path = merkle.consistency_proof(old_size, size, self.node)
        old_root = merkle.frontier(old_size, self.node).root()
        self._hold(merkle.verify_consistency, old_size, size, path, old_root, self._root(size))
        return path

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree; the levels between the stored ones are computed.

        Args:
            level: How far above the leaves.
            index: Its place on that level.
        """
        above = level % _STEP
        first, count = index << above, 1 << above
        if level < _STEP:
            rows = self._state.connection.execute(_LEAVES, (first + 1, first + count))
        else:
            rows = self._state.connection.execute(_NODES, (level - above, first, first + count - 1))
        hashes = [row[0] for row in rows.fetchall()]
        if len(hashes) != count or any(not isinstance(item, bytes) for item in hashes):
            self._state.refuse(f"its Merkle tree lacks node {index} of level {level}")
        if count == 1:
            return hashes[0]  # type: ignore[no-any-return]  # it was looked at
        return merkle.Frontier().extend(hashes)[0].root()

    def _root(self, size: int) -> bytes:
        """Return the root of the first records, which must agree with the root of all."""
        if size == self._last.size:
            return self._last.root
        root = merkle.frontier(size, self.node).root()
        path = merkle.consistency_proof(size, self._last.size, self.node)
        self._hold(merkle.verify_consistency, size, self._last.size, path, root, self._last.root)
        return root

    def _hold(self, verify: Callable[..., None], *arguments: object) -> None:
        """Refuse the file where a proof made from it does not hold."""
        try:
            verify(*arguments)
        except InvalidInputError:
            self._state.refuse("its Merkle tree does not lead to its root")
