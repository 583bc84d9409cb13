"""The events of an identity: walked back from its last change, one question for each block.

The contract keeps the block of an identity's last change, and each event says the block of the
change before. The events themselves are in no storage, so no proof covers them: as many nodes must
tell them alike as the chain asks for.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#enumerating-contract-events-to-build-the-did-document
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from cityid.did.methods.ethr.account import NOBODY
from cityid.did.methods.ethr.changes import question
from cityid.did.methods.ethr.events import (
    TOPICS,
    Event,
    OwnerChanged,
    hostile,
    read_address_word,
    read_event,
    read_word,
    word_of,
)
from cityid.errors import RegistryError
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.blocks import Block, Log

MAX_BLOCKS: Final = 1_024
"""The most blocks with changes that are read of an identity."""

MAX_EVENTS: Final = 4_096
"""The most events that are read of an identity."""

MAX_BYTES: Final = 1_000_000
"""The most bytes that the events of an identity may have."""


class Ledger(Protocol):
    """What did:ethr asks of a chain; `cityid.registry.ethereum.nodes.chain.Chain` answers it."""

    @property
    def chain_id(self) -> int:
        """The number of the chain."""
        ...

    def settled(self) -> Block:
        """Return the newest block that is not taken back any more."""
        ...

    def block(self, number: int) -> Block:
        """Return the block of a height."""
        ...

    def call(self, address: str, content: bytes, block: Block) -> bytes:
        """Return what a contract answers after a block, as enough nodes tell it."""
        ...

    def logs(
        self,
        address: str,
        topics: Sequence[Sequence[bytes] | None],
        first: int,
        last: int,
        check: Callable[[Sequence[Log]], object],
        *,
        agreed: bool,
    ) -> tuple[Log, ...]:
        """Return what a contract said in some blocks, as enough nodes tell it that are believed."""
        ...


@runtime_checkable
class OnChain(Protocol):
    """Whatever lives on a chain and tells which, such as a registry."""

    @property
    def chain(self) -> Ledger:
        """The chain."""
        ...


def read_history(ledger: Ledger, contract: str, identity: bytes, at: Block) -> tuple[Event, ...]:
    """Return the events of an identity up to a block, in order.

    Args:
        ledger: The chain.
        contract: The address of the ERC-1056 contract.
        identity: The identity's address.
        at: The block.

    Raises:
        RegistryError: They cannot be read, nodes disagree, there are too many, or they are not what
            the contract tells of the identity's owner.

    Spec:
        https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#enumerating-contract-events-to-build-the-did-document
    """
    back: list[Event] = []
    block = _word(ledger, contract, "changed", identity, at)
    if block > at.number:
        raise hostile("the last change is in a block that has not come yet")
    blocks = size = 0
    while block:
        blocks += 1
        logs = _logs(ledger, contract, identity, block)
        events = [read_event(log, identity) for log in logs]
        size += sum(len(log.data) for log in logs)
        back += reversed(events)
        if blocks > MAX_BLOCKS or len(back) > MAX_EVENTS or size > MAX_BYTES:
            raise RegistryError(
                f"the DID has more changes than are read: {MAX_BLOCKS} blocks, {MAX_EVENTS} "
                f"events, {MAX_BYTES} bytes"
            )
        block = events[0].previous
    history = tuple(reversed(back))
    _check_owner(ledger, contract, identity, at, history)
    return history


def nonce_of(ledger: Ledger, contract: str, signer: bytes, at: Block) -> int:
    """Return how many signed changes of somebody a contract carried out.

    Args:
        ledger: The chain.
        contract: The address of the ERC-1056 contract.
        signer: The address of who signed them.
        at: The block up to which they count.

    Raises:
        RegistryError: It cannot be read.
    """
    return _word(ledger, contract, "nonce", signer, at)


def owner_of(ledger: Ledger, contract: str, identity: bytes, at: Block) -> bytes:
    """Return who may change an identity, as the contract says; an identity given up is its own.

    Args:
        ledger: The chain.
        contract: The address of the ERC-1056 contract.
        identity: The identity's address.
        at: The block after which to ask.

    Raises:
        RegistryError: It cannot be read.
    """
    word = _word(ledger, contract, "identityOwner", identity, at)
    return read_address_word(word.to_bytes(32))


def _word(ledger: Ledger, contract: str, function: str, address: bytes, at: Block) -> int:
    return read_word(ledger.call(contract, question(function, address), at), function)


def _check_owner(
    ledger: Ledger, contract: str, identity: bytes, at: Block, history: Sequence[Event]
) -> None:
    """Refuse events that the contract's own word contradicts.

    Spec:
        https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#controller-address
    """
    owners = [event.owner for event in history if isinstance(event, OwnerChanged)]
    last = owners[-1] if owners else identity
    expected = identity if last == NOBODY else last
    if owner_of(ledger, contract, identity, at) != expected:
        raise hostile("the events tell of another owner than the contract")


def _logs(ledger: Ledger, contract: str, identity: bytes, block: int) -> tuple[Log, ...]:
    """Return what the contract said of an identity within a block."""
    topics = (TOPICS, (word_of(identity),))

    def check(logs: Sequence[Log]) -> None:
        _check_links(logs, identity, block)

    return ledger.logs(contract, topics, block, block, check, agreed=True)


def _check_links(logs: Sequence[Log], identity: bytes, block: int) -> None:
    """Refuse what cannot be all that a contract said of an identity within a block."""
    if not logs:
        raise RpcError(
            f"the node has no logs of block {block}, where the DID was changed: it dropped what is "
            "old; ask one that keeps everything",
            failure=Failure.PRUNED,
        )
    place = -1
    for log in logs:
        if log.block != block or log.index <= place:
            raise hostile("the logs of a block are of another, or out of order")
        place = log.index
    first, *others = (read_event(log, identity).previous for log in logs)
    if first >= block or any(previous != block for previous in others):
        raise hostile("an event of a block is missing, or leads nowhere")
