"""A Merkle-Patricia tree, built anew for every question: slow, plain, and not the verifier's.

It knows keys of one length, as the trees of accounts and of storage have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cityid.registry.ethereum.hashing import keccak256, rlp_encode

Node = bytes | list["Node"]
EMPTY = keccak256(rlp_encode(b""))


def _path(nibbles: str, *, leaf: bool) -> bytes:
    flag = 2 * leaf + len(nibbles) % 2
    return bytes.fromhex(f"{flag:x}{'' if flag % 2 else '0'}{nibbles}")


def _shared(keys: list[str]) -> int:
    first, last = min(keys), max(keys)
    return next(
        (i for i, pair in enumerate(zip(first, last, strict=True)) if len(set(pair)) > 1),
        len(first),
    )


@dataclass
class Tree:
    """A tree of some content, by the keys' 32 bytes."""

    content: Mapping[bytes, bytes]
    _nodes: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        leaves = {key.hex(): value for key, value in self.content.items()}
        self._top = self._build(leaves) if leaves else b""

    @property
    def root(self) -> bytes:
        return keccak256(rlp_encode(self._top))

    def _build(self, leaves: dict[str, bytes]) -> Node:
        if len(leaves) == 1:
            ((nibbles, value),) = leaves.items()
            return [_path(nibbles, leaf=True), value]
        shared = _shared(list(leaves))
        if shared:
            prefix = next(iter(leaves))[:shared]
            rest = {key[shared:]: value for key, value in leaves.items()}
            return [_path(prefix, leaf=False), self._reference(self._build(rest))]
        children: list[Node] = []
        for nibble in "0123456789abcdef":
            below = {key[1:]: value for key, value in leaves.items() if key[0] == nibble}
            children.append(self._reference(self._build(below)) if below else b"")
        return [*children, b""]

    def _reference(self, node: Node) -> Node:
        written = rlp_encode(node)
        return node if len(written) < 32 else keccak256(written)

    def proof(self, key: bytes) -> list[bytes]:
        """Return the nodes on the way to a key, or to where it would be."""
        if not self.content:
            return []
        leaves = {key.hex(): value for key, value in self.content.items()}
        nibbles, proof, is_apart = key.hex(), [], True
        while True:
            node = self._build(leaves)
            if is_apart:
                proof.append(rlp_encode(node))
            if len(leaves) == 1:
                return proof
            shared = _shared(list(leaves))
            step = next(iter(leaves))[:shared] or nibbles[:1]
            if not nibbles.startswith(step):
                return proof
            leaves = {k[len(step) :]: v for k, v in leaves.items() if k.startswith(step)}
            nibbles = nibbles[len(step) :]
            if not leaves:
                return proof
            is_apart = len(rlp_encode(self._build(leaves))) >= 32
