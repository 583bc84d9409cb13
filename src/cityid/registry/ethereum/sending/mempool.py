"""What a sender asks of the nodes of a chain, and how much of it is believed.

A node that fails says nothing: what was asked stays *unknown*, and never counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeVar

from cityid.errors import RegistryError
from cityid.registry.ethereum.failures import Failure, RpcError, malformed
from cityid.registry.ethereum.hexadecimal import data, quantity, read_hash, read_quantity
from cityid.registry.ethereum.nodes.blocks import member
from cityid.registry.ethereum.nodes.rpc import Request
from cityid.registry.ethereum.sending.chorus import Chorus
from cityid.registry.ethereum.sending.fees import Quote
from cityid.registry.ethereum.sending.slots import Sighting

T = TypeVar("T")

_REFUSALS: Final = {Failure.REVERTED, Failure.INSUFFICIENT_FUNDS}
_NUMBER_BITS: Final = 63
"""What an outbox keeps."""
_GREATEST_LIMIT: Final = 2**_NUMBER_BITS - 1
_MOST_OF_OTHERS: Final = 100_000
"""What somebody else with the key may send while a lane is not used."""
_COUNT_BITS: Final = 40
"""More transactions nobody sends."""
_MOST_PENDING: Final = 64
"""How many transactions of others with the key are waited for: where a node made the number up,
each nonce that is left out for one is paid for."""


class Reception(IntEnum):
    """What nodes did with a transaction, the better the greater."""

    UNKNOWN = 0
    REFUSED = 1
    POOR = 2
    EARLY = 3
    USED = 4
    UNDERPRICED = 5
    SENT = 6


_RECEPTIONS: Final = {
    Failure.ALREADY_KNOWN: Reception.SENT,
    Failure.UNDERPRICED: Reception.UNDERPRICED,
    Failure.NONCE_TOO_LOW: Reception.USED,
    Failure.NONCE_GAP: Reception.EARLY,
    Failure.INSUFFICIENT_FUNDS: Reception.POOR,
    Failure.OTHER: Reception.REFUSED,
    Failure.REVERTED: Reception.REFUSED,
    Failure.RANGE_TOO_LARGE: Reception.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many transactions of an address there are.

    Attributes:
        mined: In blocks: what at least the quorum says.
        low: In blocks: what at most the quorum says; where it is less, nodes differ.
        pending: In blocks or waiting without a gap: what at least the quorum says.
        held: In blocks or waiting without a gap: what every node says.
        height: The latest block of any node.
    """

    mined: int
    low: int
    pending: int
    held: int
    height: int


def is_credible(count: int, known: int) -> bool:
    """Return whether so many transactions may have been sent: a lie would spoil a lane for good.

    Args:
        count: How many, as nodes say.
        known: How many the lane knows of; none where it is new.
    """
    return not known or count - known <= _MOST_OF_OTHERS


class Mempool:
    """The nodes of a chain, as those who keep transactions until they are in a block.

    Args:
        nodes: The nodes.
        quorum: How many must agree.
    """

    def __init__(self, nodes: Chorus, quorum: int) -> None:
        self._nodes = nodes
        self._quorum = quorum

    def counts(self, address: str) -> Counts:
        """Return how many transactions of an address there are.

        Raises:
            RegistryError: Fewer nodes than the quorum answered.
        """
        requests: list[Request] = [
            ("eth_getTransactionCount", (address, "latest")),
            ("eth_getTransactionCount", (address, "pending")),
            ("eth_blockNumber", ()),
        ]
        rows = []
        for answers in self._nodes.ask(requests):
            latest, waiting, block = (_number(answer) for answer in answers)
            if latest is not None and block is not None:
                rows.append((latest, max(latest, waiting or 0), block))
        if len(rows) < self._quorum:
            raise RegistryError(
                f"{len(rows)} of {len(self._nodes)} nodes told how many transactions "
                f"{address} has sent; {self._quorum} must"
            )
        mined, pending = ([*sorted(row[place] for row in rows)] for place in (0, 1))
        return Counts(
            mined=mined[-self._quorum],
            low=mined[self._quorum - 1],
            pending=min(pending[-self._quorum], mined[-self._quorum] + _MOST_PENDING),
            held=pending[0],
            height=max(row[2] for row in rows),
        )

    def count_at(self, address: str, block: int) -> int | None:
        """Return how many transactions of an address there are up to a block.

        Args:
            address: The address.
            block: The height of the block.

        Returns:
            The most that the quorum agrees on; None where too few nodes answered.
        """
        asked = self._nodes.ask([("eth_getTransactionCount", (address, quantity(block)))])
        counts = sorted(
            (count for answers in asked if (count := _number(answers[0])) is not None),
            reverse=True,
        )
        return counts[self._quorum - 1] if len(counts) >= self._quorum else None

    def sightings(self, hashes: Sequence[bytes]) -> list[Sighting | bool]:
        """Look for transactions in blocks.

        Args:
            hashes: The hashes of the transactions.

        Returns:
            For each where the quorum saw it; False where nobody did and the quorum said so; True
            where it may be there, but is unknown.
        """
        if not hashes:
            return []
        requests = [("eth_getTransactionReceipt", (data(hash_),)) for hash_ in hashes]
        columns: list[list[Sighting | bool]] = [[] for _ in hashes]
        for answers in self._nodes.ask(requests):
            for column, hash_, answer in zip(columns, hashes, answers, strict=True):
                column.append(_sighting(answer, hash_))
        return [self._agreed(column) for column in columns]

    def send(self, raw: Sequence[bytes]) -> list[tuple[Reception, str]]:
        """Hand signed transactions to every node.

        Args:
            raw: The transactions, in the order of their nonces.

        Returns:
            For each the best reception that it had, and the words of a node that did not take it.
        """
        requests = [("eth_sendRawTransaction", (data(content),)) for content in raw]
        best = [(Reception.UNKNOWN, "no node answered")] * len(raw)
        for answers in self._nodes.ask(requests):
            received = map(_reception, answers)
            best = [max(new, old, key=_rank) for old, new in zip(best, received, strict=True)]
        return best

    def quote(self, *, dynamic: bool) -> Quote:
        """Return what gas costs.

        Args:
            dynamic: Whether the chain takes transactions with a base fee and a tip.

        Raises:
            RegistryError: No node told.
        """
        # Of two the lower price and the higher limit: what is too little is noticed later.
        requests: list[Request] = [
            ("eth_gasPrice", ()),
            ("eth_maxPriorityFeePerGas", ()),
            ("eth_getBlockByNumber", ("latest", False)),
        ]
        quotes = self._told(requests, lambda answers: _quote(answers, dynamic=dynamic))
        bases = [quote.base for quote in quotes if quote.base is not None]
        return Quote(
            _middle([quote.price for quote in quotes]),
            _middle(bases) if bases else None,
            _middle([quote.tip for quote in quotes]),
            -_middle([-quote.limit for quote in quotes]),
        )

    def estimate(self, call: dict[str, str]) -> int:
        """Return how much gas a transaction is likely to use.

        Args:
            call: The transaction, as JSON-RPC has it.

        Raises:
            RpcError: No node told, or the transaction would be reverted (REVERTED).
        """
        told = self._told([("eth_estimateGas", (call,))], lambda answers: -_quantity(answers[0]))
        return -_middle(told)  # of two the higher: gas that is not used is not paid

    def reason(self, call: dict[str, str], block: int) -> str:
        """Return why a contract reverted, as far as it can be found out by calling it again.

        Args:
            call: The transaction, as JSON-RPC has it.
            block: The height of the block that it was in.
        """
        reasons = [
            answers[0].reason
            for answers in self._nodes.ask([("eth_call", (call, quantity(block)))])
            if isinstance(answers[0], RpcError)
        ]
        return next((one for one in reasons if reasons.count(one) >= self._quorum), "")

    def _agreed(self, column: list[Sighting | bool]) -> Sighting | bool:
        seen = [answer for answer in column if isinstance(answer, Sighting)]
        for sighting in seen:
            if seen.count(sighting) >= self._quorum:
                return sighting
        return bool(seen) or column.count(False) < self._quorum

    def _told(self, requests: Sequence[Request], read: Callable[[list[Any]], T]) -> list[T]:
        """Return what the nodes say that answer properly.

        Raises:
            RpcError: None does, or enough of them say that the transaction would fail.
        """
        told: list[T] = []
        failures = [RpcError("no node answered", failure=Failure.UNREACHABLE)]
        for answers in self._nodes.ask(requests):
            try:
                told.append(read(answers))
            except RpcError as error:
                failures.append(error)
        refusals = [error for error in failures if error.failure in _REFUSALS]
        if refusals and (not told or len(refusals) >= self._quorum):
            raise refusals[0]
        if not told:
            raise failures[-1]
        return told


def _middle(numbers: Sequence[int]) -> int:
    """Return the number in the middle, of two the lower: one liar of three moves it nowhere."""
    return sorted(numbers)[(len(numbers) - 1) // 2]


def _raised(answer: Any) -> Any:
    if isinstance(answer, RpcError):
        raise answer
    return answer


def _quantity(answer: Any, what: str = "a quantity") -> int:
    return read_quantity(_raised(answer), what)


def _number(answer: Any) -> int | None:
    try:
        return read_quantity(_raised(answer), "a count", bits=_COUNT_BITS)
    except RpcError:
        return None


def _sighting(answer: Any, hash_: bytes) -> Sighting | bool:
    if answer is None:
        return False
    try:
        return _read_receipt(_raised(answer), hash_)
    except RpcError:
        return True


def _read_receipt(receipt: Any, hash_: bytes) -> Sighting:
    what = "a receipt"
    if read_hash(member(receipt, "transactionHash", what), "transactionHash") != hash_:
        raise malformed("a receipt is of another transaction")
    return Sighting(
        hash_,
        read_quantity(member(receipt, "blockNumber", what), "blockNumber", bits=_NUMBER_BITS),
        read_hash(member(receipt, "blockHash", what), "blockHash"),
        read_quantity(member(receipt, "status", what), "status", bits=1) == 1,
        read_quantity(member(receipt, "gasUsed", what), "gasUsed", bits=_NUMBER_BITS),
    )


def _rank(received: tuple[Reception, str]) -> Reception:
    return received[0]


def _reception(answer: Any) -> tuple[Reception, str]:
    if isinstance(answer, RpcError):
        return _RECEPTIONS.get(answer.failure, Reception.UNKNOWN), str(answer)
    return Reception.SENT, ""


def _quote(answers: list[Any], *, dynamic: bool) -> Quote:
    price = _quantity(answers[0], "the price of gas")
    block = _raised(answers[2])
    base = None
    if dynamic:
        base = read_quantity(member(block, "baseFeePerGas", "a block"), "baseFeePerGas")
    tip = max(price - (base or 0), 0)
    if not isinstance(answers[1], RpcError):
        tip = read_quantity(answers[1], "the tip")
    limit = read_quantity(member(block, "gasLimit", "a block"), "gasLimit")
    return Quote(price, base, tip, min(limit, _GREATEST_LIMIT))
