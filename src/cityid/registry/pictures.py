"""Pictures: a small Merkle tree, the path of a proof through a large one, and blocks of a chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cityid.display import HTML, Block, Branch, Item, Role, blocks, tree
from cityid.display.trees import MAX_LEAVES
from cityid.errors import Code, InvalidInputError
from cityid.registry import merkle
from cityid.registry.base import BlockEntry, Record, leaf_contents, time_text

_SHOWN = 8


def tree_picture(records: Sequence[Record], *, proven: Record | None = None) -> HTML:
    """Return the Merkle tree of a small registry as SVG.

    Args:
        records: All its records, in order.
        proven: One of them: what its proof gives is marked, and what follows from that.

    Raises:
        InvalidInputError: There are no records, more than 64, or not the one to be marked.
    """
    if not 0 < len(records) <= MAX_LEAVES or (proven is not None and proven not in records):
        raise InvalidInputError(
            f"a tree of 1 to {MAX_LEAVES} records can be drawn, and one of them marked",
            code=Code.INVALID_OPTIONS,
        )
    leaves = [
        (str(record.sequence), merkle.leaf_hash(content))
        for record, content in zip(records, leaf_contents(records), strict=True)
    ]
    marked = None if proven is None else records.index(proven)
    root, _ = _branch(leaves, marked, "plain")
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


def chain_picture(records: Iterable[Record]) -> HTML:
    """Return the blocks of a chain as SVG, with the entries in them and what links these.

    Args:
        records: Records of a registry on a chain, such as it gives in a scan.

    Raises:
        InvalidInputError: None of them is on a chain.
    """
    chain: dict[tuple[int, str], list[Item]] = {}
    for record in records:
        if isinstance(record.evidence, BlockEntry):
            place = record.evidence.block, record.evidence.block_hash
            item = Item(record.log, f"v{record.version}", _about(record))
            chain.setdefault(place, []).append(item)
    if not chain:
        raise InvalidInputError(
            "records of a registry on a chain are drawn, at least one", code=Code.INVALID_OPTIONS
        )
    drawn = [
        Block(str(number), tuple(items), f"block {number} {block_hash}")
        for (number, block_hash), items in sorted(chain.items())
    ]
    count = sum(len(items) for items in chain.values())
    return blocks(drawn, caption=f"{count} entries in {len(chain)} blocks")


def _about(record: Record) -> str:
    time = time_text(record.recorded_at)
    return f"{record.log} version {record.version}, {time}, record {record.sequence}"


def _short(node: bytes) -> str:
    return node.hex()[:_SHOWN] + "…"
