"""What a process remembers of transactions under way; a restart forgets it without harm."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from cityid.registry.ethereum.sending.mempool import Counts, Reception


@dataclass(slots=True)
class Note:
    """What is known of one slot.

    Attributes:
        sent: When its newest attempt was last handed to a node.
        tried: Which attempt that was.
        waiting: Since when that attempt waits for a block.
        refused: Since when every node refuses it; None while one takes it.
        underpriced: Whether a node wants more for it.
        used: Since when its nonce seems to be used by somebody else.
        words: What a node said when it did not take it.
    """

    sent: float | None = None
    tried: int = -1
    waiting: float | None = None
    refused: float | None = None
    underpriced: bool = False
    used: float | None = None
    words: str = ""

    def receive(self, number: int, reception: Reception, words: str, now: float) -> None:
        """Note what nodes did with an attempt.

        Args:
            number: The attempt's.
            reception: What they did.
            words: What they said.
            now: The time.
        """
        if number != self.tried:
            self.tried, self.waiting = number, None
        self.sent = now
        self.words = words
        self.underpriced = reception is Reception.UNDERPRICED
        if reception is not Reception.REFUSED:
            self.refused = None
        elif self.refused is None:
            self.refused = now
        if self.waiting is None and reception in {Reception.SENT, Reception.UNDERPRICED}:
            self.waiting = now


@dataclass(slots=True)
class Watch:
    """What is known of a lane.

    Attributes:
        notes: What is known of each slot, by its nonce.
        gaps: Since when a nonce has no transaction, by the nonce.
        mined: How many transactions were in blocks when it was last looked.
        moved: When that number last changed.
        height: The chain's height then.
        trouble: What went wrong in the last step; empty where nothing did.
    """

    notes: dict[int, Note] = field(default_factory=dict)
    gaps: dict[int, float] = field(default_factory=dict)
    mined: int = -1
    moved: float = 0.0
    height: int = 0
    trouble: str = ""

    def note(self, nonce: int) -> Note:
        """Return what is known of a slot."""
        return self.notes.setdefault(nonce, Note())

    def look(self, counts: Counts, now: float) -> None:
        """Note how far the chain has come.

        Args:
            counts: How many transactions there are.
            now: The time.
        """
        if counts.mined != self.mined:
            self.mined, self.moved, self.height = counts.mined, now, counts.height

    def keep(self, nonces: Collection[int]) -> None:
        """Forget all slots but these."""
        for nonce in list(self.notes):
            if nonce not in nonces:
                self.notes.pop(nonce, None)

    def told(self) -> str:
        """Return what is wrong, for whoever waits; empty where nothing is known to be."""
        words = (self.notes[nonce].words for nonce in sorted(self.notes))
        return self.trouble or next(filter(None, words), "")
