"""What is given to a sender and what comes back: calls, tickets, receipts, refusals."""

from __future__ import annotations

from dataclasses import dataclass

from cityid.errors import Code, RegistryError


class RevertedError(RegistryError):
    """A contract refused a transaction; nothing of it happened.

    Attributes:
        reason: Why, in the contract's own words; empty where it said nothing.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, code=Code.WRITE_REFUSED)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Call:
    """Work for the chain: a contract to call, or to create.

    Attributes:
        to: The contract's address; None to create one.
        data: What to call it with; the code that creates it.
        key: What makes this work the same work when it is asked for again, at most 64 bytes.
        gas: The most gas it may use; estimated where it is None.
    """

    to: str | None
    data: bytes
    key: bytes
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What to wait for; a ticket made anew from the same key is as good, after a restart too.

    Attributes:
        key: The key of the work.
    """

    key: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of work that is settled.

    Attributes:
        transaction: The hash of the transaction that did it, 32 bytes.
        block: The height of its block.
        block_hash: The block's hash.
        gas_used: What it used.
        contract: The address of the contract that it created; None where it called one.
    """

    transaction: bytes
    block: int
    block_hash: bytes
    gas_used: int
    contract: str | None
