"""What a lane of an outbox holds: work, and what was signed and seen for it.

A *slot* is a nonce whose transaction is not settled. The *attempts* of a slot are the transactions
signed for it, of which the chain takes one at most: the first, better paid ones, or a *filler*,
which does nothing but use the nonce up. A *sighting* is an attempt seen in a block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cityid.registry.ethereum.sending.transactions import Fees, SignedTransaction


class Fate(StrEnum):
    """How work ends."""

    DONE = "done"
    REVERTED = "reverted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Work:
    """What a transaction is to do.

    Attributes:
        key: What makes it the same work when it is asked for again.
        to: The contract to call, 20 bytes; None to create one.
        data: What to call it with; the code that creates it.
        gas: The most gas it may use.
    """

    key: bytes
    to: bytes | None
    data: bytes
    gas: int

    @property
    def content(self) -> bytes:
        """The digest by which other work under the same key is noticed; gas may differ."""
        return hashlib.sha256((b"\0" if self.to is None else b"\1" + self.to) + self.data).digest()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction that was signed for a slot.

    Attributes:
        number: Its place among the slot's attempts, from 0.
        hash: Its hash.
        fees: What it pays.
        filler: Whether it does nothing but use the nonce up.
    """

    number: int
    hash: bytes
    fees: Fees
    filler: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """A transaction in a block.

    Attributes:
        transaction: The transaction's hash.
        block: The height of the block.
        block_hash: The block's hash.
        succeeded: Whether the transaction did what it was to do, else it was reverted.
        gas_used: The gas it used.
    """

    transaction: bytes
    block: int
    block_hash: bytes
    succeeded: bool
    gas_used: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A nonce whose transaction is not settled.

    Attributes:
        nonce: The nonce.
        attempts: What was signed for it, the oldest first; never empty.
        sighting: Where one of them was last seen.
    """

    nonce: int
    attempts: tuple[Attempt, ...]
    sighting: Sighting | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of work.

    Attributes:
        fate: How it ended.
        reason: Why, where it did not end well.
        sighting: The transaction that did it, or was reverted; None for refused work.
        contract: The address of the contract that was created, if one was.
    """

    fate: Fate
    reason: str
    sighting: Sighting | None
    contract: str | None


@dataclass(frozen=True, slots=True)
class Entered:
    """Work that was given a nonce just now.

    Attributes:
        nonce: The nonce.
        signed: The transaction.
    """

    nonce: int
    signed: SignedTransaction


Signing = Callable[[int, Work], tuple[SignedTransaction, Fees]]
"""Signs the transaction that does some work with a nonce."""


def ended(sighting: Sighting, reason: str, contract: str | None, refusal: str | None) -> Outcome:
    """Return what became of work whose slot is settled.

    Args:
        sighting: The transaction that is settled.
        reason: Why it was reverted, if it was.
        contract: The address of the contract that the work creates, if it does.
        refusal: Why the work was given up, where the transaction is a filler.
    """
    if refusal is not None:
        return Outcome(Fate.REFUSED, refusal, None, None)
    if not sighting.succeeded:
        return Outcome(Fate.REVERTED, reason, sighting, None)
    return Outcome(Fate.DONE, "", sighting, contract)
