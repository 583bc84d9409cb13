"""What an ERC-1056 contract says: its three events, and the answers of its read-only functions.

Nodes are not trusted: whatever they claim the contract said is read here, strictly.

Spec:
    https://eips.ethereum.org/EIPS/eip-1056
    https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.hashing import ADDRESS_SIZE
from cityid.registry.ethereum.nodes.blocks import Log

WORD: Final = 32
"""How many bytes every value has in the encoding of contracts."""

OWNER_CHANGED: Final = bytes.fromhex(
    "38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3"
)
DELEGATE_CHANGED: Final = bytes.fromhex(
    "5a5084339536bcab65f20799fcc58724588145ca054bd2be626174b27ba156f7"
)
ATTRIBUTE_CHANGED: Final = bytes.fromhex(
    "18ab6b2ae3d64306c00ce663125f2bd680e441a098de1635bd7ad8b0d44965e4"
)
TOPICS: Final = (OWNER_CHANGED, DELEGATE_CHANGED, ATTRIBUTE_CHANGED)
"""The first topic of each event: the Keccak-256 of its signature."""

_BESIDE: Final = WORD - ADDRESS_SIZE  # the zeros before an address
_VALUE_AT: Final = 4 * WORD  # where the length of an attribute's value stands


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """The identity got another owner.

    Attributes:
        block: The height of the block in which it did.
        previous: The height of the block of the change before; 0 where there was none.
        owner: The new owner's address.
    """

    block: int
    previous: int
    owner: bytes


@dataclass(frozen=True, slots=True)
class DelegateChanged:
    """A delegate was added, renewed or revoked.

    Attributes:
        block: The height of the block in which it was.
        previous: The height of the block of the change before; 0 where there was none.
        kind: What the delegate may do; None where that is no text.
        delegate: The delegate's address.
        valid_to: Until when, in seconds since 1970.
    """

    block: int
    previous: int
    kind: str | None
    delegate: bytes
    valid_to: int


@dataclass(frozen=True, slots=True)
class AttributeChanged:
    """An attribute was set, renewed or revoked.

    Attributes:
        block: The height of the block in which it was.
        previous: The height of the block of the change before; 0 where there was none.
        name: The attribute's name; None where it is no text.
        value: Its value.
        valid_to: Until when, in seconds since 1970; 0 where it was revoked.
    """

    block: int
    previous: int
    name: str | None
    value: bytes
    valid_to: int


Event = OwnerChanged | DelegateChanged | AttributeChanged


def read_event(log: Log, identity: bytes) -> Event:
    """Read what a contract said of an identity.

    Args:
        log: What a node answered.
        identity: The identity's address.

    Raises:
        RegistryError: No ERC-1056 contract said that of this identity.

    Spec:
        https://eips.ethereum.org/EIPS/eip-1056
    """
    if len(log.topics) != 2 or log.topics[1] != word_of(identity):  # noqa: PLR2004 - event, identity
        raise hostile("a log is of another identity than was asked for")
    kind, data = log.topics[0], log.data
    if kind == OWNER_CHANGED:
        _sized(data, 2 * WORD)
        return OwnerChanged(log.block, _number(data, 1), read_address_word(data[:WORD]))
    if kind == DELEGATE_CHANGED:
        _sized(data, 4 * WORD)
        delegate = read_address_word(data[WORD : 2 * WORD])
        role = _text(data[:WORD])
        return DelegateChanged(log.block, _number(data, 3), role, delegate, _number(data, 2))
    if kind == ATTRIBUTE_CHANGED:
        value = _value(data)
        return AttributeChanged(
            log.block, _number(data, 3), _text(data[:WORD]), value, _number(data, 2)
        )
    raise hostile("a log is no event of ERC-1056")


def word_of(address: bytes) -> bytes:
    """Return an address as the encoding of contracts has it."""
    return address.rjust(WORD, b"\0")


def read_word(answer: bytes, asked: str) -> int:
    """Return the number that a contract answered.

    Args:
        answer: What a node says that the contract answered.
        asked: The function that was called, for the message.

    Raises:
        RegistryError: It is no number: mostly there is no contract at this address.
    """
    if len(answer) != WORD:
        raise hostile(
            f"the contract answered {asked} with {len(answer)} bytes instead of {WORD}; "
            "is an ERC-1056 contract at this address?"
        )
    return int.from_bytes(answer)


def read_address_word(word: bytes) -> bytes:
    """Return the address that a word says.

    Raises:
        RegistryError: The word is no address.
    """
    if any(word[:_BESIDE]) or len(word) != WORD:
        raise hostile("a word that should be an address is none")
    return word[_BESIDE:]


def hostile(message: str) -> RpcError:
    """Return the error of an answer that no ERC-1056 contract gives."""
    return RpcError(f"did:ethr: {message}", failure=Failure.MALFORMED)


def _sized(data: bytes, size: int) -> None:
    if len(data) != size:
        raise hostile(f"an event has {len(data)} bytes instead of {size}")


def _number(data: bytes, index: int) -> int:
    return int.from_bytes(data[index * WORD : (index + 1) * WORD])


def _value(data: bytes) -> bytes:
    if len(data) <= _VALUE_AT or _number(data, 1) != _VALUE_AT:
        raise hostile("the event of an attribute has no value where it should be")
    size = _number(data, 4)
    start = _VALUE_AT + WORD
    if size > len(data) - start or len(data) != start + -(-size // WORD) * WORD:
        raise hostile("the event of an attribute has a value of another length than it says")
    return data[start : start + size]


def _text(word: bytes) -> str | None:
    """Return the text that fills a word from the left; None where it is none."""
    try:
        return word.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return None
