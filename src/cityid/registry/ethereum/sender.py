"""Sending transactions so that each piece of work lands once, whatever nodes and machines do.

A `Sender` writes what is to be sent into its outbox first, so that a machine that dies forgets
nothing, then hands it to the nodes and goes on at once; many transactions may be on their way.
`Sender.wait` returns when one is settled, and heals meanwhile what went wrong::

    sender = Sender(chain, signer, Outbox.open("outbox.db"))
    ticket = sender.submit(contract, data, key=b"the same for the same work", gas=60_000)
    receipt = sender.wait(ticket)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cityid.errors import RegistryError, UnsupportedError
from cityid.keys import DigestSigner
from cityid.registry.ethereum import transactions

PATIENCE_SECONDS = 120.0


class RevertedError(RegistryError):
    """A contract refused a transaction; nothing of it happened.

    Attributes:
        reason: Why, in the contract's own words; empty where it said nothing.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
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


class Sender:
    """One key's way to one chain.

    Threads may share a sender. Processes may share its outbox.

    Args:
        chain: The chain.
        signer: The key, of secp256k1.
        outbox: Where work is kept until it is settled; only in memory where it is None.
        clock: Tells seconds that only grow.
        sleep: Waits for some seconds.

    Attributes:
        address: The key's address.
    """

    def __init__(
        self,
        chain: Any,
        signer: DigestSigner,
        outbox: Any = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = transactions.address(signer.public_key)
        self._chain = chain
        self._signer = signer
        self._outbox = outbox
        self._clock = clock
        self._sleep = sleep

    def submit(self, to: str | None, data: bytes, *, key: bytes, gas: int | None = None) -> Ticket:
        """Send a transaction, and do not wait for it.

        The same key with the same work is the same ticket, however often it is asked for, before
        and after a restart; unless the chain refused the work, which then is tried anew.

        Args:
            to: The address of the contract to call; None to create one.
            data: What to call it with; the code that creates it.
            key: What makes this work the same work when it is asked for again, at most 64 bytes.
            gas: The most gas it may use; estimated where it is None, on what is settled so far:
                give it where the work depends on other work that is still on its way.

        Raises:
            InvalidInputError: A value is of the wrong kind, the key was used for other work, or
                the transaction is larger than the chain takes (INPUT_TOO_LARGE).
            RevertedError: The contract refuses it by the estimate; nothing was sent.
            RegistryError: The outbox cannot be written, or gas and fees cannot be asked for:
                nothing was sent. When only the sending fails, the work is kept and sent later.
        """
        return self.submit_many([Call(to, data, key, gas)])[0]

    def submit_many(self, calls: Sequence[Call]) -> tuple[Ticket, ...]:
        """Send several transactions in their order; all of them are kept, or none.

        Args:
            calls: The work, as `submit` takes it.

        Raises:
            InvalidInputError: As `submit` says.
            RevertedError: As `submit` says.
            RegistryError: As `submit` says.
        """
        raise UnsupportedError("nothing is sent yet", name="sender")

    def wait(self, ticket: Ticket, timeout: float = PATIENCE_SECONDS) -> Receipt:
        """Return when the work is settled, and keep it on its way until then.

        Args:
            ticket: What `submit` returned.
            timeout: After how many seconds to give up waiting.

        Raises:
            NotFoundError: The outbox knows no such work.
            RevertedError: The contract refused it, and that is settled.
            RegistryError: It is not settled yet (TIMEOUT): it stays in the outbox, so that asking
                again is safe, here or after a restart.
        """
        raise UnsupportedError("nothing is sent yet", name="sender")

    def receipt(self, ticket: Ticket) -> Receipt | None:
        """Return the receipt of work that is settled, from the outbox; None until it is.

        Args:
            ticket: What `submit` returned.

        Raises:
            NotFoundError: The outbox knows no such work.
            RevertedError: The contract refused it, and that is settled.
        """
        raise UnsupportedError("nothing is sent yet", name="sender")

    def tend(self) -> int:
        """Heal what went wrong, in one step, and return how much work is still on its way.

        What vanished is sent again, what is stuck is paid better, what is settled is filed.
        `wait` does this by itself; a service that does not wait calls it now and then.

        Raises:
            RegistryError: The outbox cannot be used. What nodes do wrong is no error here.
        """
        raise UnsupportedError("nothing is sent yet", name="sender")
