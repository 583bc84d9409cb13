"""Pictures of Merkle trees: a whole small one, and the path of a proof through a large one."""

from __future__ import annotations

from collections.abc import Sequence

from cityid.display import HTML, Branch, Role, tree
from cityid.display.trees import MAX_LEAVES
from cityid.errors import Code, InvalidInputError
from cityid.registry import merkle

_SHOWN = 8


def tree_picture(leaves: Sequence[tuple[str, bytes]], *, proven: int | None = None) -> HTML:
    """Return the Merkle tree of a few records as SVG.

    Args:
        leaves: The label and the hash of each leaf, in order.
        proven: The place of one leaf: its inclusion proof is marked.

    Raises:
        InvalidInputError: There are no leaves, more than 64, or not the one to be marked.
    """
    if not 0 < len(leaves) <= MAX_LEAVES or not (proven is None or 0 <= proven < len(leaves)):
        raise InvalidInputError(
            f"a tree of 1 to {MAX_LEAVES} records can be drawn, and one of them marked",
            code=Code.INVALID_OPTIONS,
        )
    root, _ = _branch(leaves, proven, "plain")
    return tree(root, caption=f"Merkle tree of {len(leaves)} records")


def _branch(
    leaves: Sequence[tuple[str, bytes]], proven: int | None, outside: Role
) -> tuple[Branch, bytes]:
    """Return the branch over some leaves, and its hash.

    Args:
        leaves: The leaves.
        proven: The place of the marked leaf among them; None where it is not one of them.
        outside: What the branch is in that case.
    """
    if len(leaves) == 1:
        ((label, leaf),) = leaves
        return Branch(label, (), outside if proven is None else "asked", leaf.hex()), leaf
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    on_left = proven if proven is not None and proven < middle else None
    on_right = proven - middle if proven is not None and proven >= middle else None
    beside: Role = "plain" if proven is None else "given"
    left, left_hash = _branch(leaves[:middle], on_left, beside)
    right, right_hash = _branch(leaves[middle:], on_right, beside)
    node = merkle.node_hash(left_hash, right_hash)
    role: Role = outside if proven is None else "known"
    return Branch(_short(node), (left, right), role, node.hex()), node


def path_picture(label: str, leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> HTML:
    """Return an inclusion proof as SVG: what it gives, and what follows from that.

    Args:
        label: What to call the leaf.
        leaf: Its hash.
        index: Its place, from 0.
        size: How many leaves the tree has.
        path: The proof.

    Raises:
        InvalidInputError: No tree of this size has such a proof.
    """
    merkle.inclusion_root(leaf, index, size, path)
    branch, node = Branch(label, (), "asked", leaf.hex()), leaf
    for sibling, left in zip(path, merkle.sides(index, size - 1), strict=True):
        given = Branch(_short(sibling), (), "given", sibling.hex())
        node = merkle.node_hash(sibling, node) if left else merkle.node_hash(node, sibling)
        below = (given, branch) if left else (branch, given)
        branch = Branch(_short(node), below, "known", node.hex())
    return tree(branch, caption=f"Proof of leaf {index} in a Merkle tree of {size}")


def _short(node: bytes) -> str:
    return node.hex()[:_SHOWN] + "…"
