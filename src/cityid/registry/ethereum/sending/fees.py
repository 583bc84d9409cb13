"""What gas may cost: what nodes ask, what is offered first, and more when that is too little."""

from __future__ import annotations

from dataclasses import dataclass

from cityid.errors import RegistryError
from cityid.registry.ethereum.sending.transactions import Fees

_GWEI = 10**9
_GREATEST_CAP = 2**63 - 1
"""The most that an outbox keeps: nine ether for a unit of gas."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a node says of gas at present.

    Attributes:
        price: What a unit costs in the old form; 0 where gas is free.
        base: What every transaction of the next block pays for a unit at least; None where the
            chain has no such fee.
        tip: What whoever makes the block wants beyond that.
        limit: The most gas that fits in a block.
    """

    price: int
    base: int | None
    tip: int
    limit: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """How much a sender is ready to pay.

    Attributes:
        cap: The most for a unit of gas, in wei, whatever nodes ask.
    """

    cap: int = 500 * _GWEI

    def first(self, quote: Quote) -> Fees:
        """Return what a new transaction offers.

        A cap of twice the base fee lets it through while that fee doubles, which takes six full
        blocks; what is not needed is not paid.

        Args:
            quote: What is asked for.

        Raises:
            RegistryError: That is more than the cap.
        """
        asked = quote.price if quote.base is None else quote.base + quote.tip
        cap = min(self.cap, _GREATEST_CAP)
        if asked > cap:
            raise RegistryError(
                f"gas costs {asked} wei at present, and at most {cap} are to be paid; "
                "wait, or raise the cap"
            )
        if quote.base is None:
            return Fees(quote.price)
        return Fees(min(2 * quote.base + quote.tip, cap), quote.tip)

    def better(self, fees: Fees, quote: Quote) -> Fees | None:
        """Return what replaces a transaction that is stuck, or None where the cap forbids it.

        Nodes take a replacement that pays at least a tenth more in each respect, some an eighth.

        Args:
            fees: What it offered.
            quote: What is asked for now.
        """
        if not fees.price and not quote.price:
            return None  # gas is free: it is not the price that holds it up
        cap = min(self.cap, _GREATEST_CAP)
        least = _more(fees.price)
        if least > cap:
            return None
        if fees.tip is None or quote.base is None:
            price = min(max(least, quote.price), cap)
            return Fees(price, None if fees.tip is None else min(_more(fees.tip), price))
        price = min(max(least, 2 * quote.base + quote.tip), cap)
        return Fees(price, min(max(_more(fees.tip), quote.tip), price))


def _more(amount: int) -> int:
    return amount + amount // 8 + 1
