"""The history of one log: walked back from its head, block by block, and believed in no step.

The contract keeps one word for each log, and says with each entry what the word was before it; a
word holds the block of the entry that left it. Whoever knows the last word thus reads a log with
one request for each block that has entries of it, however long the chain is, and from any node:
each entry must lead from the word before it to the word that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cityid.errors import CorruptError
from cityid.registry.base import BlockEntry, Record
from cityid.registry.ethereum.contract.contents import Content, log_id, read_content
from cityid.registry.ethereum.contract.layout import (
    ENTRY,
    TRANSFERRED,
    EntryPart,
    Head,
    Place,
    head_after,
    head_slot,
    read_event,
)
from cityid.registry.ethereum.failures import Failure, RpcError, malformed
from cityid.registry.ethereum.nodes.blocks import Block, Log
from cityid.registry.ethereum.nodes.chain import Chain

_EVENTS: Final = (ENTRY, TRANSFERRED)


@dataclass(frozen=True, slots=True)
class Contract:
    """A registry on a chain.

    Attributes:
        chain: The chain.
        address: The contract's address.
        birth: The number of the block in which it was made.
    """

    chain: Chain
    address: str
    birth: int

    def word(self, slot: int, at: Block) -> int:
        """Return a word of the contract's storage, after a block.

        Raises:
            RegistryError: It cannot be read, or nodes disagree.
        """
        return self.words((slot,), at)[0]

    def words(self, slots: Sequence[int], at: Block) -> tuple[int, ...]:
        """Return words of the contract's storage, after a block.

        Raises:
            RegistryError: They cannot be read, or nodes disagree.
        """
        return self.chain.storages(self.address, slots, at)


@dataclass(frozen=True, slots=True)
class Step:
    """What an event did to a log: it added an entry, or gave the log to another writer.

    Attributes:
        log: The log's id.
        previous: The log's word before it.
        place: Where it stands.
        parts: The parts of the entry; none for a transfer.
        head: What it left behind.
        source: Where the chain has it (the first part).
    """

    log: bytes
    previous: int
    place: Place
    parts: tuple[bytes, ...]
    head: Head
    source: Log

    def content(self) -> Content:
        """Return what the entry says: its data, and if it is the first the name of its log."""
        return read_content(self.log, self.place.version, b"".join(self.parts))

    def record(self, name: str, data: bytes, chain_id: int) -> Record:
        """Return the entry as a record.

        Args:
            name: The log's name.
            data: The entry's data.
            chain_id: The chain's number.

        Raises:
            CorruptError: No calendar has the time of its block.
        """
        place, source = self.place, self.source
        evidence = BlockEntry(
            chain_id,
            source.address,
            source.block,
            "0x" + source.block_hash.hex(),
            "0x" + source.transaction.hex(),
            source.index,
        )
        time = _moment(place.time, source)
        return Record(name, place.version, data, time, evidence, place.sequence)


def _moment(seconds: int, source: Log) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise CorruptError(
            f"block {source.block} is of a time that no calendar has", place=source.address
        ) from error


def read_steps(logs: Iterable[Log]) -> list[Step]:
    """Return what the events of the contract did, in order; nothing is believed yet.

    Args:
        logs: The events, in order.

    Raises:
        RpcError: The contract emits no such events.
    """
    steps: list[Step] = []
    begun: list[EntryPart] = []
    first: Log | None = None
    for log in logs:
        event = read_event(log)
        place = event.place
        if begun and not (isinstance(event, EntryPart) and _follows(begun[-1], event)):
            raise malformed("an entry lacks a part")
        first = log if first is None or not begun else first
        if isinstance(event, EntryPart):
            begun.append(event)
        if not place.more:
            parts = tuple(part.data for part in begun)
            head = head_after(event.previous, place, parts, log.block)
            steps.append(Step(event.log, event.previous, place, parts, head, first))
            begun = []
    if begun:
        raise malformed("an entry lacks its last part")
    return steps


def _follows(part: EntryPart, other: EntryPart) -> bool:
    """Tell whether one part of an entry is followed by another."""
    one, next_ = part.place, other.place
    same = (part.log, part.previous) == (other.log, other.previous)
    return same and (one.version, one.sequence) == (next_.version, next_.sequence)


def walk(contract: Contract, log: str, at: Block, *, after: int = 0) -> tuple[Record, ...]:
    """Return the records of a log after some version.

    Args:
        contract: The registry.
        log: The log's name.
        at: The block up to which the chain is read.
        after: The version after which to begin.

    Raises:
        RegistryError: No node gives what leads to the log's word.
    """
    word = contract.word(head_slot(log_id(log)), at)
    return records_to(contract, log, word, after=after)


def last(contract: Contract, log: str, at: Block) -> Record | None:
    """Return the last record of a log; None where there is no such log.

    Args:
        contract: The registry.
        log: The log's name.
        at: The block up to which the chain is read.

    Raises:
        RegistryError: No node gives what leads to the log's word.
    """
    word = contract.word(head_slot(log_id(log)), at)
    records = records_to(contract, log, word, after=Head.read(word).version - 1)
    return records[-1] if records else None


def records_to(contract: Contract, log: str, word: int, *, after: int) -> tuple[Record, ...]:
    """Return the records that lead to a word of a log, after some version.

    Args:
        contract: The registry.
        log: The log's name.
        word: The word, which is believed.
        after: The version after which to begin.

    Raises:
        RegistryError: No node gives what leads to the word.
    """
    name, chain_id = log_id(log), contract.chain.chain_id
    back: list[Step] = []
    while word and Head.read(word).version > after:
        steps = _steps_to(contract, name, word)
        back += reversed(steps)
        word = steps[0].previous
    entries = (step for step in reversed(back) if step.parts and step.place.version > after)
    return tuple(step.record(log, step.content().data, chain_id) for step in entries)


def _steps_to(contract: Contract, log: bytes, word: int) -> list[Step]:
    """Return the steps of a log within the block of a word that lead to the word."""
    block = Head.read(word).block
    steps: list[Step] = []

    def check(logs: Sequence[Log]) -> None:
        if not logs:
            raise RpcError(
                f"the node has no logs of block {block}, where an entry is: they are pruned, or it "
                "lies; give a node with the whole history",
                failure=Failure.PRUNED,
            )
        steps[:] = read_steps(logs)
        _check_leads(steps, log, word)

    contract.chain.logs(contract.address, (_EVENTS, (log,)), block, block, check)
    return steps


def _check_leads(steps: Sequence[Step], log: bytes, word: int) -> None:
    """Refuse steps within one block that are not all of those that lead to a word."""
    block = Head.read(word).block
    for step in reversed(steps):
        if (step.log, step.head.word) != (log, word):
            raise malformed("the entries of a log do not lead to what the contract knows of it")
        word = step.previous
        before = Head.read(word)
        if step.head.version != before.version + bool(step.parts) or (word and not before.version):
            raise malformed("the versions of a log do not follow each other")
    if Head.read(word).block >= block:
        raise malformed("an entry of a log is missing")
