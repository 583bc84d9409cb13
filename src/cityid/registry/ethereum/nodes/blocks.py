"""What a chain is made of, as far as a registry looks at it: blocks and logs, read from JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cityid.errors import quote
from cityid.registry.ethereum.failures import malformed
from cityid.registry.ethereum.hexadecimal import (
    ADDRESS_SIZE,
    read_data,
    read_hash,
    read_quantity,
)

_MOST_TOPICS: Final = 4
_NUMBER_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a chain.

    Attributes:
        number: Its height.
        hash: Its hash, 32 bytes.
        parent: The hash of the block before it.
        time: When it was made, in seconds since 1970, as its maker said.
        state_root: The root of the tree of all accounts after it.
    """

    number: int
    hash: bytes
    parent: bytes
    time: int
    state_root: bytes


@dataclass(frozen=True, slots=True)
class TrustedBlock:
    """A block that the caller knows to be part of the chain, from a source other than its nodes.

    Attributes:
        number: Its height.
        hash: Its hash, 32 bytes.
    """

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract said in a transaction (an event).

    Attributes:
        address: The contract's, spelled as it was asked for.
        topics: Up to four words of 32 bytes; the first is the kind of event.
        data: The rest.
        block: The height of the block.
        block_hash: The block's hash.
        transaction: The transaction's hash.
        index: The log's place in the block.
    """

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: bytes
    transaction: bytes
    index: int

    @property
    def place(self) -> tuple[int, int]:
        """Its place among all logs of the chain: block, and place in the block."""
        return self.block, self.index


def member(value: object, name: str, what: str) -> Any:
    """Return a member of an object that a node answered.

    Raises:
        RpcError: It is no object, or has no such member.
    """
    if not isinstance(value, dict):
        raise malformed(f"{what} is no object: {quote(value)}")
    if name not in value:
        raise malformed(f"{what} has no {name}")
    return value[name]


def read_block(value: object) -> Block:
    """Read a block as nodes write it.

    Raises:
        RpcError: It is none.
    """
    return Block(
        read_quantity(member(value, "number", "a block"), "number", bits=_NUMBER_BITS),
        read_hash(member(value, "hash", "a block"), "hash"),
        read_hash(member(value, "parentHash", "a block"), "parentHash"),
        read_quantity(member(value, "timestamp", "a block"), "timestamp", bits=_NUMBER_BITS),
        read_hash(member(value, "stateRoot", "a block"), "stateRoot"),
    )


def read_log(value: object, address: str) -> Log:
    """Read a log as nodes write it.

    Args:
        value: What a node answered.
        address: The contract that was asked about.

    Raises:
        RpcError: It is none, is another contract's, or was taken back.
    """
    if not isinstance(value, dict):
        raise malformed(f"a log is no object: {quote(value)}")
    said = read_data(member(value, "address", "a log"), "address", size=ADDRESS_SIZE)
    if said.hex() != address[2:].lower():
        raise malformed("a log is of another contract than was asked for")
    if value.get("removed", False) is not False:
        raise malformed("a log is of a block that was taken back")
    topics = member(value, "topics", "a log")
    if not isinstance(topics, list) or len(topics) > _MOST_TOPICS:
        raise malformed("a log has no list of up to four topics")
    return Log(
        address=address,
        topics=tuple(read_hash(topic, "a topic") for topic in topics),
        data=read_data(member(value, "data", "a log"), "data"),
        block=read_quantity(
            member(value, "blockNumber", "a log"), "blockNumber", bits=_NUMBER_BITS
        ),
        block_hash=read_hash(member(value, "blockHash", "a log"), "blockHash"),
        transaction=read_hash(member(value, "transactionHash", "a log"), "transactionHash"),
        index=read_quantity(member(value, "logIndex", "a log"), "logIndex", bits=_NUMBER_BITS),
    )
