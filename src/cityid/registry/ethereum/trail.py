"""All entries of a contract from some block on, in their order, and believed in no step.

The contract keeps one word over all entries, which chains their logs and the words that each of
them left there. Whoever follows it asks what the word is at the settled block, asks any node for
the events since, and sees that they lead from the one word to the other: no entry is hidden, none
invented, none out of its place. A block that has vanished from the chain takes with it what was
read there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cityid.errors import RegistryError
from cityid.registry.ethereum.contract.layout import ENTRY, Total, total_after, total_slot
from cityid.registry.ethereum.failures import malformed
from cityid.registry.ethereum.history import Contract, Step, read_steps
from cityid.registry.ethereum.nodes.blocks import Block, Log

KEPT_MARKS: Final = 64
"""How many of the blocks at which it stood a trail remembers, to go back to after a reorg."""


class TrailLostError(RegistryError):
    """The block with which a trail began is no longer part of the chain."""


class Mark(NamedTuple):
    """Where a trail stood.

    Attributes:
        block: The block up to which it was followed; None before the contract was made.
        total: What the contract stored about all entries then.
    """

    block: Block | None
    total: Total


class News(NamedTuple):
    """What came of following a trail on.

    Attributes:
        kept: How many entries of the contract are still what they were.
        steps: The entries after these.
        trail: The trail from then on.
    """

    kept: int
    steps: Sequence[Step]
    trail: Trail


@dataclass(frozen=True, slots=True)
class Trail:
    """The entries of a contract, followed from one block to the next.

    Attributes:
        contract: The registry.
        marks: Where it stood, in order; the first is where it began.
    """

    contract: Contract
    marks: tuple[Mark, ...] = (Mark(None, Total.read(0)),)

    def follow(self) -> News:
        """Go on to the block that is settled now, and return what is new.

        Raises:
            TrailLostError: Even the first block of the trail has vanished from the chain.
            RegistryError: It cannot be read, or no node gives what leads to the contract's word.
        """
        settled = self.contract.chain.settled()
        marks = self._still_there(settled)
        if not marks:
            raise TrailLostError("the chain has taken back the block with which this began")
        last = marks[-1]
        if last.block == settled:
            return News(last.total.size, (), Trail(self.contract, marks))
        total = Total.read(self.contract.word(total_slot(), settled))
        steps = self._between(last, total)
        marks = (*marks[:1], *marks[1:][-KEPT_MARKS:], Mark(settled, total))
        return News(last.total.size, steps, Trail(self.contract, marks))

    def _still_there(self, settled: Block) -> tuple[Mark, ...]:
        """Return the marks whose blocks are part of the chain that ends in the settled block."""
        marks = self.marks
        while marks and not self._is_there(marks[-1].block, settled):
            marks = marks[:-1]
        return marks

    def _is_there(self, block: Block | None, settled: Block) -> bool:
        if block is None or block.hash in {settled.hash, settled.parent}:
            return True
        if block.number >= settled.number:
            return False
        return self.contract.chain.block(block.number).hash == block.hash

    def _between(self, mark: Mark, total: Total) -> Sequence[Step]:
        """Return the entries that lead from a mark to a later total."""
        if total == mark.total:
            return ()
        if total.size <= mark.total.size:
            raise malformed("the contract has fewer entries than it had: no contract forgets")

        steps: list[Step] = []

        def check(logs: Sequence[Log]) -> None:
            steps[:] = read_steps(logs)
            _check_leads(steps, mark.total, total)

        first = mark.block.number + 1 if mark.block else self.contract.birth
        self.contract.chain.logs(self.contract.address, ((ENTRY,),), first, total.block, check)
        return steps


def _check_leads(steps: Sequence[Step], total: Total, end: Total) -> None:
    """Refuse entries that do not lead from one total to another."""
    for step in steps:
        total = total_after(total, step.log, step.head)
        if step.place.sequence != total.size:
            raise malformed("an entry is not in its place among all entries")
    if total != end:
        raise malformed("the entries do not lead to what the contract knows of all of them")
