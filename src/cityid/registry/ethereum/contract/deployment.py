"""The contract itself: bringing it to a chain, and telling whether what is there is it.

The compiled contract ships with cityid. Whoever connects compares the code on the chain with it,
byte for byte: no other contract is ever taken for the registry, however well it plays one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cityid import resources, strict_json
from cityid.errors import CorruptError, UnsupportedError
from cityid.registry.ethereum.hashing import ADDRESS_SIZE, checksummed, read_address

if TYPE_CHECKING:
    from cityid.registry.ethereum.nodes.chain import Chain
    from cityid.registry.ethereum.sending.sender import Sender

ARTEFACT: Final = "CityRegistry.json"
"""The file that ships: how the contract was compiled, and what came out."""

_WORD: Final = 32
_KEY_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Deployment:
    """A registry that was brought to a chain.

    Attributes:
        address: The contract's address.
        block: The number of the block in which it was made.
        steward: The address of whoever admits writers; None where anybody may write.
    """

    address: str
    block: int
    steward: str | None


def deploy(
    chain: Chain, sender: Sender, *, steward: str | None, key: bytes | None = None
) -> Deployment:
    """Bring a registry without writers to a chain, and wait until it is settled.

    Args:
        chain: The chain.
        sender: Who pays; that gives no power over the registry.
        steward: The address of whoever will admit writers, which can never be changed; None for a
            registry that anybody may write to.
        key: What makes this the same deployment when it is asked for again after a failure; None
            for a new one each time.

    Raises:
        InvalidInputError: The steward is no address.
        RegistryError: The chain did not take it, or not in time.
        UnsupportedError: The extra is not installed.
    """
    creation = creation_code(steward)
    ticket = sender.submit(None, creation, key=key or secrets.token_bytes(_KEY_SIZE))
    receipt = sender.wait(ticket)
    if receipt.contract is None:
        raise CorruptError("the outbox has another work in place of the deployment", place="outbox")
    found = check_code(chain.code(receipt.contract, chain.settled()))
    return Deployment(receipt.contract, receipt.block, found)


def creation_code(steward: str | None) -> bytes:
    """Return the data of the transaction that makes the contract.

    Args:
        steward: The address of whoever will admit writers; None for nobody.

    Raises:
        InvalidInputError: It is no address.
    """
    address = bytes(ADDRESS_SIZE) if steward is None else read_address(steward)
    return _code("bytecode") + address.rjust(_WORD, b"\0")


def check_code(code: bytes) -> str | None:
    """Refuse a contract that is not the registry, by its code.

    Args:
        code: The code at an address, as enough nodes say or as is proven.

    Returns:
        The address of the registry's steward; None where anybody may write.

    Raises:
        UnsupportedError: There is no contract, or it is another one.
    """
    if not code:
        raise _wrong("there is no contract at this address on this chain")
    runtime, steward = code[: -2 * _WORD], code[-2 * _WORD : -_WORD]
    if runtime != _code("runtime") or any(steward[:-ADDRESS_SIZE]):
        raise _wrong("the contract at this address is another, or of another version of cityid")
    address = steward[-ADDRESS_SIZE:]
    return checksummed(address) if any(address) else None


def birth(code: bytes) -> int:
    """Return the number of the block in which a registry was made: no entry is in an earlier one.

    Args:
        code: Its code, which `check_code` has let pass.
    """
    return int.from_bytes(code[-_WORD:], "big")


def _wrong(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what}; compare the address and the chain with what the registry's operator published",
        name="contract",
    )


def _code(name: str) -> bytes:
    artefact: dict[str, Any] = strict_json.parse_object(
        resources.read(resources.Kind.CONTRACTS, ARTEFACT)
    )
    return bytes.fromhex(artefact[name].removeprefix("0x"))
