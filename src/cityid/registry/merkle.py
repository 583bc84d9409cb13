"""A Merkle tree that only grows: its root, and proofs that need nothing but hashes.

The functions are pure. They read hashes of *complete* subtrees through a `Nodes` function: the
node at ``(level, index)`` covers the ``2**level`` leaves from ``index * 2**level``. Such a node
never changes, so a registry stores it once; all other hashes of a tree follow from these.

Spec:
    https://www.rfc-editor.org/rfc/rfc6962#section-2.1 (trees and proofs),
    https://www.rfc-editor.org/rfc/rfc9162#section-2.1 (how proofs are verified)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cityid.errors import Code, InvalidInputError, quote

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""
HASH_SIZE = 32

Nodes = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree at a level and index."""


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier(NamedTuple):
    """All that is needed to add leaves to a tree, and to know its root.

    Attributes:
        size: How many leaves the tree has.
        peaks: The roots of the largest complete subtrees, from left to right: one for each
            binary one of `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        sha256 = hashlib.sha256  # here, and not by node_hash: every append asks for the root
        *others, root = self.peaks
        for peak in reversed(others):
            root = sha256(b"\x01" + peak + root).digest()
        return root

    def extend(self, leaves: Sequence[bytes]) -> tuple[Frontier, list[tuple[int, int, bytes]]]:
        """Add leaves.

        Args:
            leaves: The hashes of the new leaves.

        Returns:
            The frontier of the larger tree, and level, index and hash of every subtree above the
            leaves that has become complete.
        """
        if len(leaves) == 1:
            return self._add(leaves[0])
        sha256, old, new = hashlib.sha256, list(self.peaks), list[bytes]()
        completed: list[tuple[int, int, bytes]] = []
        row, start, level = list(leaves), self.size, 0
        while row:  # level by level, which is cheaper than leaf by leaf
            if start & 1:
                row.insert(0, old.pop())
                start -= 1
            if len(row) & 1:
                new.append(row.pop())
                if not row:
                    break
            pairs = iter(row)
            row = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=True)
            ]
            start, level = start >> 1, level + 1
            completed += [(level, index, node) for index, node in enumerate(row, start)]
        return Frontier(self.size + len(leaves), (*old, *reversed(new))), completed

    def _add(self, leaf: bytes) -> tuple[Frontier, list[tuple[int, int, bytes]]]:
        """Add one leaf, as most appends do."""
        sha256, completed = hashlib.sha256, list[tuple[int, int, bytes]]()
        peaks, node, level, index = list(self.peaks), leaf, 0, self.size
        while index & 1:
            node = sha256(b"\x01" + peaks.pop() + node).digest()
            level, index = level + 1, index >> 1
            completed.append((level, index, node))
        return Frontier(self.size + 1, (*peaks, node)), completed


def check_size(size: object, available: int) -> None:
    """Refuse the size of a tree that is larger than what is there.

    Raises:
        InvalidInputError: It is, or it is no whole number.
    """
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= available:
        raise InvalidInputError(
            f"a tree of this registry has 0 to {available} leaves, not {quote(size)}",
            code=Code.NUMBER_OUT_OF_RANGE,
        )


def frontier(size: int, nodes: Nodes) -> Frontier:
    """Return the frontier of the first `size` leaves.

    Args:
        size: How many leaves the tree has.
        nodes: The stored hashes.
    """
    return Frontier(size, tuple(nodes(level, index) for level, index in _complete(0, size)))


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the complete subtrees that make up the leaves from `start` up to `end`, left to right.

    `start` is where a subtree of at least ``end - start`` leaves may begin.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _subtree(start: int, end: int, nodes: Nodes) -> bytes:
    parts = [nodes(level, index) for level, index in _complete(start, end)]
    return Frontier(end - start, tuple(parts)).root()


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """Return the hashes that lead from a leaf to the root, beginning beside the leaf.

    Args:
        index: The leaf's place, from 0.
        size: How many leaves the tree has.
        nodes: The stored hashes.

    Raises:
        InvalidInputError: The tree has no such leaf.

    Spec:
        https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1
    """
    if not 0 <= index < size:
        raise InvalidInputError(
            f"a tree of {size} leaves has no leaf {index}", code=Code.NUMBER_OUT_OF_RANGE
        )
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, nodes))
            end = middle
        else:
            path.append(_subtree(start, middle, nodes))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old_size: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """Return the hashes that show a tree to begin with the leaves of an earlier one.

    Args:
        old_size: How many leaves the earlier tree has.
        size: How many leaves the later tree has.
        nodes: The stored hashes.

    Raises:
        InvalidInputError: The earlier tree is not the smaller one.

    Spec:
        https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2
    """
    if not 0 <= old_size <= size:
        raise InvalidInputError(
            f"a tree of {size} leaves does not begin with {old_size} leaves",
            code=Code.NUMBER_OUT_OF_RANGE,
        )
    if old_size in {0, size}:
        return ()
    path: list[bytes] = []
    start, end = 0, size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_subtree(middle, end, nodes))
            end = middle
        else:
            path.append(_subtree(start, middle, nodes))
            start = middle
    if start:  # else the verifier holds this subtree's root: it is the earlier tree
        path.append(_subtree(start, end, nodes))
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Refuse a leaf that the tree with this root does not have at this place.

    Args:
        leaf: The leaf's hash.
        index: Its place, from 0.
        size: How many leaves the tree has.
        path: The inclusion proof.
        root: The root of the tree.

    Raises:
        InvalidInputError: The proof does not lead to the root.

    Spec:
        https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2
    """
    if inclusion_root(leaf, index, size, path) != root:
        raise _refused("the proof does not lead from the leaf to the root")


def inclusion_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root to which an inclusion proof leads.

    Args:
        leaf: The leaf's hash.
        index: Its place, from 0.
        size: How many leaves the tree has.
        path: The inclusion proof.

    Raises:
        InvalidInputError: No tree of this size has such a proof.

    Spec:
        https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2
    """
    if not 0 <= index < size:
        raise _refused("the tree has no such leaf")
    if _bad_hash(path):
        raise _refused("the proof has something other than hashes")
    node, on_left = leaf, sides(index, size - 1)
    if len(path) != len(on_left):
        raise _refused("the proof is too short or too long")
    for sibling, left in zip(path, on_left, strict=True):
        node = node_hash(sibling, node) if left else node_hash(node, sibling)
    return node


def verify_consistency(
    old_size: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Refuse a tree that does not begin with the leaves of an earlier one.

    Args:
        old_size: How many leaves the earlier tree has.
        size: How many leaves the later tree has.
        path: The consistency proof.
        old_root: The root of the earlier tree.
        root: The root of the later tree.

    Raises:
        InvalidInputError: The proof does not lead to both roots: history was rewritten.

    Spec:
        https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.2
    """
    if not 0 <= old_size <= size:
        raise _refused("the later tree is smaller than the earlier one")
    if old_size in {0, size}:
        if path or old_root != (root if old_size else EMPTY_ROOT):
            raise _refused("trees of one size must have one root and need no proof")
        return
    if _bad_hash(path):
        raise _refused("the proof has something other than hashes")
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    hashes, on_left = list(path), sides(place, last)
    if old_size & (old_size - 1) == 0:  # the earlier tree is one subtree of the later one
        hashes.insert(0, old_root)
    if len(hashes) != len(on_left) + 1:
        raise _refused("the proof is too short or too long")
    old_node = node = hashes[0]
    for sibling, left in zip(hashes[1:], on_left, strict=True):
        old_node = node_hash(sibling, old_node) if left else old_node
        node = node_hash(sibling, node) if left else node_hash(node, sibling)
    if old_node != old_root or node != root:
        raise _refused("the proof does not lead to both roots: one of them is of another history")


def sides(place: int, last: int) -> list[bool]:
    """Return on which side the siblings stand on the way up: True where it is the left one.

    Args:
        place: Where a node stands on its level.
        last: Where the last node of that level stands.
    """
    found: list[bool] = []
    while last:
        left = bool(place & 1) or place == last
        while left and place and not place & 1:  # levels on which the node stands alone
            place, last = place >> 1, last >> 1
        found.append(left)
        place, last = place >> 1, last >> 1
    return found


def _bad_hash(path: Sequence[object]) -> bool:
    return any(not isinstance(item, bytes) or len(item) != HASH_SIZE for item in path)


def _refused(why: str) -> InvalidInputError:
    return InvalidInputError(why, code=Code.PROOF_VERIFICATION_ERROR)
