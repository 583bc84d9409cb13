"""Mirrors: a registry copied into another one, record by record, and both shown to be the same.

There are two kinds. A *replica* has the name of its source: it takes over whole records, with
their times and places, so that both have one Merkle tree and every checkpoint and proof of the
source holds for it too. A *copy* has a name of its own, like a registry of another kind: its
records have the same log, version and data, and its own times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from cityid import display
from cityid.errors import Code, CorruptError, InvalidInputError, UnsupportedError, quote
from cityid.keys import PublicKey
from cityid.registry import merkle
from cityid.registry.admission import check_records
from cityid.registry.base import (
    MerkleLeaf,
    NewEntry,
    Provable,
    Record,
    Registry,
    Replicable,
    demand_open,
    leaf_content,
    leaf_contents,
)
from cityid.registry.checkpoint import Checkpoint, believe_checkpoint
from cityid.registry.cosignature import WitnessKey
from cityid.registry.proof import check_growth, verify_growth

Progress = Callable[[int, int], None]
"""Is called with the number of records that are the same, and of all."""

_BATCH = 500
_BATCH_BYTES = 16 << 20


class ProvableRegistry(Registry, Provable, Protocol):
    """A registry with a Merkle log, which alone can be mirrored."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a mirroring did.

    Attributes:
        source: The name of the source.
        target: The name of the mirror; the same for a replica.
        size: How many records both have.
        copied: How many of them are new in the mirror.
        root: The root of both Merkle trees; of a copy, that of the source.
    """

    source: str
    target: str
    size: int
    copied: int
    root: bytes

    @property
    def replica(self) -> bool:
        """Whether the mirror has the records' times too, and thus the same Merkle tree."""
        return self.source == self.target

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON."""
        return {
            "source": self.source,
            "target": self.target,
            "replica": self.replica,
            "size": self.size,
            "copied": self.copied,
            "root": self.root.hex(),
        }

    def _repr_html_(self) -> str:
        same = "one Merkle tree" if self.replica else "log, version and data of each record"
        rows = [*self.to_dict().items(), ("same", same)]
        return display.card("Mirror", rows, badge=("✓ the same", "green"))


def mirror(
    source: Registry,
    target: Registry,
    *,
    checkpoint: str | None = None,
    operator: PublicKey | None = None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
    progress: Progress | None = None,
) -> Mirrored:
    """Bring a mirror up to date, and show that it says the same as its source.

    Args:
        source: The registry.
        target: Its mirror: a replica where it has the same name, else a copy.
        checkpoint: Up to which signed checkpoint; by default all that the source has now.
        operator: The source's key; with it the checkpoint must be signed.
        witnesses: Who must have cosigned the checkpoint; they need an operator.
        threshold: How many of them; None for all.
        progress: Is called with the number of records that are the same, and of all.

    Raises:
        CorruptError: Source and mirror have different histories, or the source does not have what
            its checkpoint says; nothing that differs was written.
        InvalidInputError: The checkpoint is not to be believed.
        UnsupportedError: The source has no Merkle log, or the target cannot be a replica.
        RegistryError: One of them cannot be read or written.
    """
    demand_open(source)
    demand_open(target)
    if not isinstance(source, Provable):
        raise UnsupportedError(
            "this registry has no Merkle log to mirror it by", name=type(source).__name__
        )
    origin = source.checkpoint().origin
    stated = believe_checkpoint(
        checkpoint or source.checkpoint().note,
        origin=origin,
        operator=operator,
        witnesses=witnesses,
        threshold=threshold,
    )
    check_growth(source, stated)
    show = progress or (lambda _done, _whole: None)
    there = target.checkpoint()
    if there.origin == origin:
        return _replicate(source, target, stated, show)
    return _copy(source, target, stated, show)


def _replicate(
    source: ProvableRegistry, target: Registry, stated: Checkpoint, progress: Progress
) -> Mirrored:
    if not isinstance(target, Replicable):
        raise UnsupportedError(
            "this registry cannot take over records with their times: give it a name of its own",
            name=type(target).__name__,
        )
    there = target.checkpoint()
    _demand_longer(there, stated)
    try:
        path = source.prove_consistency(there.size, stated.size)
        verify_growth(there, stated, path)
    except InvalidInputError as error:
        raise _apart(there, "the source does not begin with what the mirror has") from error
    done = there.size
    progress(done, stated.size)
    for batch in _batches(source, done, stated):
        done += len(batch)
        root = _root(source, batch[-1], done, stated)
        try:
            target.replicate(_leaves(batch, stated.origin), root=root)
        except InvalidInputError as error:
            raise _unlike(stated, f"its first {done} records are others") from error
        progress(done, stated.size)
    _demand_whole(done, stated)
    return Mirrored(stated.origin, stated.origin, done, done - there.size, stated.root)


def _leaves(records: Sequence[Record], origin: str) -> list[Record]:
    """Return records with the evidence that they have in a replica: it knows no blocks."""
    return [
        record
        if isinstance(record.evidence, MerkleLeaf)
        else record._replace(evidence=MerkleLeaf(origin, record.sequence - 1))
        for record in records
    ]


def _root(source: Provable, last: Record, size: int, stated: Checkpoint) -> bytes:
    """Return the root that a tree of the first `size` records has, of which `last` is the last."""
    content = leaf_content(last.log, last.version, last.data, last.recorded_at)
    try:
        path = source.prove_inclusion(size - 1, size)
        root = merkle.inclusion_root(merkle.leaf_hash(content), size - 1, size, path)
    except InvalidInputError as error:
        raise _unlike(stated, f"its record {size} is another") from error
    _lead(source, root, size, stated)
    return root


def _lead(source: Provable, root: bytes, size: int, stated: Checkpoint) -> None:
    """Refuse a root that the believed checkpoint has not grown from."""
    try:
        path = source.prove_consistency(size, stated.size)
        merkle.verify_consistency(size, stated.size, path, root, stated.root)
    except InvalidInputError as error:
        raise _unlike(stated, f"its first {size} records are others") from error


def _copy(
    source: ProvableRegistry, target: Registry, stated: Checkpoint, progress: Progress
) -> Mirrored:
    there = target.checkpoint()
    _demand_longer(there, stated)
    frontier, known = merkle.Frontier(), target.scan()
    progress(0, stated.size)
    for batch in _batches(source, 0, stated):
        leaves = [merkle.leaf_hash(content) for content in leaf_contents(batch)]
        frontier, _ = frontier.extend(leaves)
        _lead(source, frontier.root(), frontier.size, stated)
        old = list(islice(known, len(batch)))
        _compare(batch, old, there)
        new = batch[len(old) :]
        _compare(new, _append(target, [NewEntry(r.log, r.version, r.data) for r in new]), there)
        progress(frontier.size, stated.size)
    _demand_whole(frontier.size, stated)
    if target.checkpoint().size != stated.size:
        raise _apart(there, "somebody else writes to the mirror")
    return Mirrored(stated.origin, there.origin, stated.size, stated.size - there.size, stated.root)


def _append(target: Registry, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
    """Append entries, as many at once as the target takes: a transaction of a chain takes few."""
    try:
        return target.append(entries)
    except InvalidInputError as error:
        if error.code != Code.INPUT_TOO_LARGE or len(entries) <= 1:
            raise
    middle = len(entries) // 2
    return *_append(target, entries[:middle]), *_append(target, entries[middle:])


def _compare(records: Sequence[Record], mirrored: Sequence[Record], there: Checkpoint) -> None:
    """Refuse a mirror whose records are not those of the source, as far as it has them."""
    for record, other in zip(records, mirrored, strict=False):
        if (record.log, record.version, record.data) != (other.log, other.version, other.data):
            raise _apart(there, f"record {record.sequence} is another in the mirror")


def _batches(source: Registry, after: int, stated: Checkpoint) -> Iterator[list[Record]]:
    """Give the records up to a checkpoint, as many at once as may be appended together."""
    batch: list[Record] = []
    room = _BATCH_BYTES
    for number, record in enumerate(islice(source.scan(after), stated.size - after), after + 1):
        try:
            check_records([record])
        except InvalidInputError as error:
            raise _unlike(stated, f"its record {number} is none: {error}") from error
        if batch and (len(batch) == _BATCH or len(record.data) > room):
            yield batch
            batch, room = [], _BATCH_BYTES
        batch.append(record)
        room -= len(record.data)
    if batch:
        yield batch


def _demand_longer(there: Checkpoint, stated: Checkpoint) -> None:
    if there.size > stated.size:
        raise _apart(there, f"the mirror has {there.size} records, and the source {stated.size}")


def _demand_whole(size: int, stated: Checkpoint) -> None:
    if size != stated.size:
        raise _unlike(stated, f"it has {size} records")


def _apart(there: Checkpoint, what: str) -> CorruptError:
    return CorruptError(
        f"the mirror {quote(there.origin)} and its source have different histories: {what}; find "
        "out by earlier checkpoints which of them was changed",
        place=there.origin,
    )


def _unlike(stated: Checkpoint, what: str) -> CorruptError:
    return CorruptError(
        f"the registry {quote(stated.origin)} is not what its checkpoint of {stated.size} records "
        f"says: {what}; audit it",
        place=stated.origin,
    )
