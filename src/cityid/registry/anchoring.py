"""Anchors: checkpoints of one registry, written into another one that nobody can rewrite.

A city keeps its records in a file, and writes the file's signed checkpoint into a registry on a
chain now and then. Whoever reads the chain knows from then on what the file must begin with, and
every record under an anchored checkpoint is proven to have existed before the anchor's block. An
anchor is an ordinary entry, in the log ``anchor:ORIGIN``; any registry can hold it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from cityid import display
from cityid.errors import Code, CorruptError, InvalidInputError, quote
from cityid.keys import PublicKey
from cityid.registry.base import (
    BlockEntry,
    Evidence,
    NewEntry,
    Record,
    Registry,
    Replicable,
    demand_open,
    time_text,
)
from cityid.registry.checkpoint import (
    Checkpoint,
    believe_checkpoint,
    check_origin,
    check_same,
    read_checkpoint,
)
from cityid.registry.cosignature import WitnessKey
from cityid.registry.note import malformed, split
from cityid.registry.proof import check_growth

_LOG = "anchor:"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint of a registry, as another registry holds it.

    Attributes:
        checkpoint: What the registry held.
        record: Where and when that was written: its evidence is the block of a chain.
    """

    checkpoint: Checkpoint
    record: Record

    def to_dict(self) -> dict[str, Any]:
        """Return the anchor as JSON."""
        return {
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "root": self.checkpoint.root.hex(),
            "version": self.record.version,
            "recordedAt": time_text(self.record.recorded_at),
            "evidence": evidence_members(self.record.evidence),
        }

    def _repr_html_(self) -> str:
        return display.card("Anchor", self.to_dict(), badge=("⚓ anchored", "green"))


def anchor(
    source: Registry,
    chain: Registry,
    *,
    checkpoint: str | None = None,
    operator: PublicKey | None = None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
) -> Anchor:
    """Write a signed checkpoint of a registry into another one, unless a later one is there.

    Args:
        source: The registry; without `checkpoint` it must have been opened with its operator.
        chain: Where to write: a registry that others hold, such as one on a chain.
        checkpoint: The text of a signed checkpoint of the source, for example because witnesses
            have cosigned it; by default a new one.
        operator: The source's key; with it the signature is verified before it is written.
        witnesses: Who must have cosigned the checkpoint; they need an operator.
        threshold: How many of them; None for all.

    Returns:
        The anchor: the new one, or the last one where that covers the checkpoint already.

    Raises:
        CorruptError: The source does not begin with what it was last anchored with, or is not
            what the checkpoint says; or the log of anchors holds something else. Nothing was
            written.
        ConflictError: Somebody else anchored it at the same time; anchor again.
        InvalidInputError: The checkpoint is not signed, or not to be believed; or both are the
            same registry.
        UnsupportedError: The source has no Merkle log.
        RegistryError: One of them cannot be read or written.
    """
    demand_open(source)
    demand_open(chain)
    now = source.checkpoint()
    _demand_other(chain, now.origin)
    note = now.note if checkpoint is None else checkpoint
    stated = believe_checkpoint(
        note, origin=now.origin, operator=operator, witnesses=witnesses, threshold=threshold
    )
    _demand_signed(stated)
    check_growth(source, stated)
    last = _last(chain, now.origin)
    if last is not None:
        demand_growth(source, last)
        if last.checkpoint.size >= stated.size:
            return last
    version = 1 if last is None else last.record.version + 1
    (record,) = chain.append([NewEntry(anchor_log(now.origin), version, note.encode())])
    return Anchor(stated, record)


def anchors(
    origin: str,
    chain: Registry,
    *,
    operator: PublicKey | None = None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
) -> tuple[Anchor, ...]:
    """Return the anchors of a registry, the oldest first.

    Entries that are not to be believed are left out: where anybody may write, anybody may have
    written them.

    Args:
        origin: The registry's name.
        chain: Where it is anchored.
        operator: The registry's key; None takes each checkpoint at its word.
        witnesses: Who must have cosigned a checkpoint; they need an operator.
        threshold: How many of them; None for all.

    Raises:
        InvalidInputError: No registry has this name, or there are witnesses and no operator.
        RegistryError: The anchors cannot be read.
    """
    cosigners = tuple(witnesses)
    found = []
    for record in chain.read(anchor_log(origin)):
        try:
            stated = believe_checkpoint(
                _note(record),
                origin=origin,
                operator=operator,
                witnesses=cosigners,
                threshold=threshold,
            )
        except InvalidInputError as error:
            if error.code is Code.INVALID_OPTIONS:
                raise
            continue
        found.append(Anchor(stated, record))
    return tuple(found)


def anchor_log(origin: str) -> str:
    """Return the name of the log with the anchors of a registry.

    Args:
        origin: The registry's name.

    Raises:
        InvalidInputError: No registry has this name.
    """
    return _LOG + check_origin(origin)


def evidence_members(evidence: Evidence) -> dict[str, Any]:
    """Return what proves a record's order and time as JSON: its kind, then its fields.

    Args:
        evidence: The evidence of a record.
    """
    members: dict[str, Any] = {"type": type(evidence).__name__}
    for field in fields(evidence):
        first, *rest = field.name.split("_")
        value = getattr(evidence, field.name)
        name = first + "".join(map(str.capitalize, rest))
        members[name] = "0x" + value.hex() if isinstance(value, bytes) else value
    return members


def _demand_other(chain: Registry, origin: str) -> None:
    """Refuse to anchor a registry in itself: whoever rolls it back takes the anchors too."""
    if isinstance(chain, Replicable) and chain.checkpoint().origin == origin:
        raise InvalidInputError(
            f"the registry {quote(origin)} cannot be anchored in itself or in its replica: name "
            "one that others hold",
            code=Code.INVALID_OPTIONS,
        )


def _demand_signed(stated: Checkpoint) -> None:
    _, signatures = split(stated.note)
    if all(signature.name != stated.origin for signature in signatures):
        raise InvalidInputError(
            f"the checkpoint of {quote(stated.origin)} is not signed, so that anybody could have "
            "written it: open the registry with its operator",
            code=Code.INVALID_OPTIONS,
        )


def demand_growth(source: Registry, last: Anchor) -> None:
    """Refuse a registry that was rolled back, cut off or rewritten since it was anchored.

    Args:
        source: The registry.
        last: One of its anchors.

    Raises:
        CorruptError: The registry does not begin with what it had when it was anchored.
    """
    try:
        check_growth(source, last.checkpoint)
    except CorruptError as error:
        origin = last.checkpoint.origin
        raise CorruptError(
            f"the registry {quote(origin)} has not grown from its anchor {last.record.version} of "
            f"{time_text(last.record.recorded_at)} in {place(last.record)}: {error}",
            place=origin,
        ) from error


def _last(chain: Registry, origin: str) -> Anchor | None:
    """Return the last anchor; one that cannot be read hides what the registry has to begin with."""
    record = chain.head(anchor_log(origin))
    if record is None:
        return None
    try:
        stated = read_checkpoint(_note(record))
        check_same(stated, origin)
    except InvalidInputError as error:
        raise CorruptError(
            f"version {record.version} of {quote(record.log)} is no checkpoint of that registry: "
            "somebody else writes to its anchors; take another registry to anchor in",
            place=record.log,
        ) from error
    return Anchor(stated, record)


def _note(record: Record) -> str:
    try:
        return record.data.decode()
    except UnicodeDecodeError as error:
        raise malformed("a checkpoint is text in UTF-8") from error


def place(record: Record) -> str:
    """Return where a record is, for people."""
    found = record.evidence
    if isinstance(found, BlockEntry):
        return f"block {found.block} of chain {found.chain_id}"
    return found.origin
