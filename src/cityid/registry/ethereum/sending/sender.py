"""Sending transactions so that each piece of work lands once, whatever nodes and machines do.

A `Sender` writes what is to be sent into its outbox first, so that a machine that dies forgets
nothing, then hands it to the nodes and goes on at once; many transactions may be on their way.
`Sender.wait` returns when one is settled, and heals meanwhile what went wrong::

    sender = Sender(chain, signer, FileOutbox("outbox.db"))
    ticket = sender.submit(contract, data, key=b"the same for the same work", gas=60_000)
    receipt = sender.wait(ticket)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cityid.errors import Code, InvalidInputError, RegistryError, quote
from cityid.keys import DigestSigner
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.hashing import read_address
from cityid.registry.ethereum.sending.chorus import Chorus
from cityid.registry.ethereum.sending.combiner import Combiner
from cityid.registry.ethereum.sending.fees import FeePolicy
from cityid.registry.ethereum.sending.lane import Lane
from cityid.registry.ethereum.sending.mempool import Mempool, is_credible
from cityid.registry.ethereum.sending.outbox import FileOutbox, MemoryOutbox, Outbox
from cityid.registry.ethereum.sending.pen import Pen, least_gas
from cityid.registry.ethereum.sending.prices import Prices
from cityid.registry.ethereum.sending.slots import Entered, Fate, Work
from cityid.registry.ethereum.sending.tending import Tending
from cityid.registry.ethereum.sending.tickets import Call, Receipt, RevertedError, Ticket

if TYPE_CHECKING:
    from cityid.registry.ethereum.nodes.chain import Chain

__all__ = [
    "Call",
    "FeePolicy",
    "FileOutbox",
    "MemoryOutbox",
    "Outbox",
    "Receipt",
    "RevertedError",
    "Sender",
    "Ticket",
]

PATIENCE_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.5
FEES: Final = FeePolicy()
_FRESH_SECONDS: Final = 5.0
_LONGEST_KEY: Final = 64
_LARGEST_DATA: Final = 130_000
"""Nodes take no transaction beyond 128 KiB."""


class Sender:
    """One key's way to one chain.

    Threads may share a sender, and should: what they send at the same time goes in one request.
    Processes may share its outbox.

    Args:
        chain: The chain.
        signer: The key, of secp256k1.
        outbox: Where work is kept until it is settled; only in memory where it is None.
        fees: How much is to be paid.
        poll: How many seconds `wait` lets pass before it looks again.
        clock: Tells seconds that only grow.
        sleep: Waits for some seconds.

    Attributes:
        chain: The chain.
        address: The key's address.

    Raises:
        InvalidInputError: The chain stands still at a block that is trusted.
        UnsupportedError: The key is of another kind.
        RegistryError: The outbox cannot be used.
    """

    def __init__(
        self,
        chain: Chain,
        signer: DigestSigner,
        outbox: Outbox | None = None,
        *,
        fees: FeePolicy = FEES,
        poll: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if chain.trusted_block is not None:
            raise _invalid(
                "as of one trusted block nothing new ever settles: connect without it to write"
            )
        self.chain = chain
        self._pen = Pen(signer, chain.chain_id)
        self.address = self._pen.address
        self._lane = Lane(outbox or MemoryOutbox(), chain.chain_id, self._pen.account)
        self._nodes = Chorus(chain.endpoints, chain.quorum, chain.chain_id)
        self._mempool = Mempool(self._nodes, chain.quorum)
        dynamic = chain.capabilities.dynamic_fees
        self._prices = Prices(self._mempool, fees, dynamic=dynamic, clock=clock)
        self._tending = Tending(
            chain, self._mempool, self._lane, pen=self._pen, prices=self._prices, clock=clock
        )
        self._poll, self._clock, self._sleep = poll, clock, sleep
        self._entering = Combiner(self._enter)
        self._sending = Combiner(self._send)
        self._turn = threading.Lock()
        self._tended: float | None = None
        self._counted: tuple[float, int] | None = None

    def submit(self, to: str | None, data: bytes, *, key: bytes, gas: int | None = None) -> Ticket:
        """Send a transaction, and do not wait for it.

        The same key with the same work is the same ticket, however often it is asked for, before
        and after a restart; unless the chain refused the work, which then is tried anew.

        Args:
            to: The address of the contract to call; None to create one.
            data: What to call it with; the code that creates it.
            key: What makes this work the same work when it is asked for again, at most 64 bytes.
            gas: The most gas it may use; estimated where it is None, on what the latest block
                left: give it where the work depends on other work that is still on its way.

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
        limit = self._prices.quote().limit
        work = [self._read(call, limit) for call in calls]
        entered = self._entering.do(work)
        if isinstance(entered, InvalidInputError):
            raise entered
        if entered:
            self._sending.do(entered)
        return tuple(Ticket(call.key) for call in calls)

    def wait(self, ticket: Ticket, timeout: float = PATIENCE_SECONDS) -> Receipt:
        """Return when the work is settled, and keep it on its way until then.

        Args:
            ticket: What `submit` returned.
            timeout: After how many seconds to give up waiting.

        Raises:
            InvalidInputError: The time is none.
            NotFoundError: The outbox knows no such work.
            RevertedError: The contract refused it, and that is settled.
            RegistryError: It was given up because every node refused it (WRITE_REFUSED), or it is
                not settled yet (TIMEOUT): then it stays in the outbox, so that asking again is
                safe, here or after a restart.
        """
        if not timeout >= 0:
            raise _invalid(f"{quote(timeout)} is no time to wait")
        end = self._clock() + timeout
        while (receipt := self.receipt(ticket)) is None:
            self._tend_in_turn()
            left = end - self._clock()
            if (receipt := self.receipt(ticket)) is not None:
                break
            if left <= 0:
                raise self._late(timeout)
            self._sleep(min(self._poll, left))
        return receipt

    def receipt(self, ticket: Ticket) -> Receipt | None:
        """Return the receipt of work that is settled, from the outbox; None until it is.

        Args:
            ticket: What `submit` returned.

        Raises:
            NotFoundError: The outbox knows no such work.
            RevertedError: The contract refused it, and that is settled.
            RegistryError: It was given up because every node refused it (WRITE_REFUSED).
        """
        outcome = self._lane.outcome(ticket.key)
        if outcome is None:
            return None
        seen = outcome.sighting
        if seen is None:
            raise RegistryError(
                f"the transaction was given up, as every node refused it: {outcome.reason}",
                code=Code.WRITE_REFUSED,
            )
        if outcome.fate is Fate.REVERTED:
            raise RevertedError(
                f"the contract refused the transaction 0x{seen.transaction.hex()}: "
                f"{outcome.reason or 'it did not say why'}",
                reason=outcome.reason,
            )
        return Receipt(
            seen.transaction, seen.block, seen.block_hash, seen.gas_used, outcome.contract
        )

    def under_way(self) -> list[Work]:
        """Return the work that is not settled, of earlier processes too, in its order."""
        found = (self._lane.work(slot.nonce) for slot in self._lane.slots())
        return [work for work in found if work is not None]

    def tend(self) -> int:
        """Heal what went wrong, in one step, and return how much work is still on its way.

        What vanished is sent again, what is stuck is paid better, what is settled is filed.
        `wait` does this by itself; a service that does not wait calls it now and then.

        Raises:
            RegistryError: The outbox cannot be used. What nodes do wrong is no error here.
        """
        with self._turn:
            return self._tend()

    def close(self) -> None:
        """Give the sender's own threads back; the chain and the outbox stay open."""
        self._nodes.close()

    def _tend(self) -> int:
        under_way = self._tending.step()
        self._tended = self._clock()
        return under_way

    def _tend_in_turn(self) -> None:
        """Tend, unless another thread does or just did."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            now = self._clock()
            if self._tended is None or now - self._tended >= self._poll / 2:
                self._tend()
        finally:
            self._turn.release()

    def _read(self, call: Call, limit: int) -> Work:
        """Return work whose values are right and whose gas is known."""
        target = None if call.to is None else read_address(call.to)
        given: tuple[object, object] = call.data, call.key
        if not all(isinstance(value, bytes) for value in given):
            raise _invalid("the data of a transaction and the key of the work are bytes")
        if not 0 < len(call.key) <= _LONGEST_KEY:
            raise _invalid(f"the key of the work has 1 to {_LONGEST_KEY} bytes")
        if len(call.data) > _LARGEST_DATA:
            raise _too_large(f"{len(call.data)} bytes of data, where {_LARGEST_DATA} fit")
        least = least_gas(call.data, creates=target is None)
        if least > limit:
            raise _too_large(f"its data alone cost {least} gas, and a block holds {limit}")
        if call.gas is None:
            work = Work(call.key, target, call.data, least)
            return work if self._lane.knows(call.key) else self._estimated(work, limit)
        work = Work(call.key, target, call.data, _gas(call.gas))
        if work.gas > limit:
            raise _too_large(f"it may use {work.gas} gas, and a block holds {limit}")
        if work.gas < least:
            raise _invalid(f"{work.gas} gas are too little: its data alone cost {least}")
        return work

    def _estimated(self, work: Work, limit: int) -> Work:
        try:
            estimate = self._mempool.estimate(self._pen.call(replace(work, gas=0)))
        except RpcError as error:
            if error.failure is Failure.REVERTED:
                raise RevertedError(
                    f"the contract would refuse it: {error.reason or 'it did not say why'}",
                    reason=error.reason,
                ) from error
            raise
        if estimate > limit:
            raise _too_large(f"it uses {estimate} gas, and a block holds {limit}")
        return replace(work, gas=min(estimate + estimate // 4, limit))

    def _enter(
        self, groups: Sequence[Sequence[Work]]
    ) -> Sequence[tuple[Entered, ...] | InvalidInputError]:
        fees = self._prices.fees()
        return self._lane.enter(groups, self._floor(), self._pen.signing(fees))

    def _floor(self) -> int:
        """Return the least nonce that is free on the chain, as far as that was heard of late."""
        now, last = self._clock(), self._counted
        if last is not None and now - last[0] < _FRESH_SECONDS:
            return last[1]
        try:
            counts = self._mempool.counts(self.address)
        except RegistryError:
            if not self._lane.bounds()[1]:
                raise
            return 0
        if not is_credible(counts.pending, self._lane.bounds()[1]):
            raise RegistryError(
                f"the nodes say that {self.address} has sent {counts.pending} transactions, far "
                "more than its outbox knows of; where that is so, begin a new outbox"
            )
        self._tending.watch.look(counts, now)
        self._counted = now, counts.pending
        return counts.pending

    def _send(self, groups: Sequence[tuple[Entered, ...]]) -> Sequence[None]:
        self._tending.send([entered for group in groups for entered in group])
        return [None] * len(groups)

    def _late(self, timeout: float) -> RegistryError:
        trouble = self._tending.watch.told()
        return RegistryError(
            f"the transaction is not settled after {timeout:g} seconds; it is kept in the outbox "
            f"and sent on, so asking again is safe{trouble and ': '}{trouble}",
            code=Code.TIMEOUT,
        )


def _gas(gas: object) -> int:
    if not isinstance(gas, int) or isinstance(gas, bool) or gas <= 0:
        raise _invalid(f"{quote(gas)} is no amount of gas")
    return gas


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)


def _too_large(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the transaction is too large for this chain: {why}", code=Code.INPUT_TOO_LARGE
    )
