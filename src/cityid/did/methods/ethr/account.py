"""Accounts: what a did:ethr names, an address on a network or a public key that has one.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#method-specific-identifier
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cityid import keys
from cityid.did.methods.base import invalid_did
from cityid.did.syntax import DID
from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import KeyType, PublicKey
from cityid.registry.ethereum.hashing import ADDRESS_SIZE, checksummed, read_address
from cityid.registry.ethereum.sending.transactions import address

NOBODY: Final = bytes(ADDRESS_SIZE)
"""The address without a key: an identity that has this owner was given up."""

_IDENTIFIER = re.compile(r"(?:(?P<network>.+):)?(?P<account>0x(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{66}))")


@dataclass(frozen=True, slots=True)
class Account:
    """What a did:ethr names.

    Attributes:
        network: The network as the DID spells it; empty for the mainnet.
        address: The address, 20 bytes.
        public_key: The key, where the DID has it.
    """

    network: str
    address: bytes
    public_key: PublicKey | None = None


def account_of(did: DID) -> Account:
    """Return what a did:ethr names.

    Args:
        did: The DID.

    Raises:
        InvalidInputError: It is no did:ethr, or names an account that is everybody's
            (``INVALID_DID``).
        UnsupportedError: The packages that speak to a chain are not installed.
    """
    match = _IDENTIFIER.fullmatch(did.identifier)
    if did.method != "ethr" or match is None:
        raise invalid_did(
            "a did:ethr ends with an address of 20 bytes or a compressed public key of 33, "
            f"in hexadecimal behind 0x, and {quote(str(did), 80)} does not"
        )
    network, raw = match["network"] or "", bytes.fromhex(match["account"][2:])
    if len(raw) == ADDRESS_SIZE:
        if raw == NOBODY:
            raise invalid_did("the address 0x0 has no key, so anybody could change what it says")
        return Account(network, raw)
    try:
        public_key = keys.public_key(KeyType.SECP256K1, raw)
    except InvalidInputError as error:
        raise invalid_did(f"the DID holds no compressed public key: {error}") from error
    return Account(network, read_address(address(public_key)), public_key)


def did_of_key(key: PublicKey, network: str = "") -> DID:
    """Return the did:ethr of a public key.

    Args:
        key: A key on secp256k1.
        network: The network's name, or the chain's number in hexadecimal; empty for the mainnet.

    Raises:
        InvalidInputError: It is a key of another kind (``INVALID_KEY``).
    """
    if key.type is not KeyType.SECP256K1:
        raise InvalidInputError(
            f"a did:ethr begins with a key on secp256k1, not {key.type.value}",
            code=Code.INVALID_KEY,
        )
    return _did(key.data, network)


def did_of_address(text: str, network: str = "") -> DID:
    """Return the did:ethr of an address.

    Args:
        text: The address, behind ``0x``.
        network: The network's name, or the chain's number in hexadecimal; empty for the mainnet.

    Raises:
        InvalidInputError: It is no address (``INVALID_ENCODING``).
    """
    return _did(read_address(text), network)


def _did(raw: bytes, network: str) -> DID:
    return DID("ethr", f"{network}:0x{raw.hex()}" if network else f"0x{raw.hex()}")


def account_id(chain_id: int, owner: bytes) -> str:
    """Return an account as a ``blockchainAccountId``.

    Args:
        chain_id: The number of the chain.
        owner: Its address.

    Spec:
        https://standards.chainagnostic.org/CAIPs/caip-10
        https://eips.ethereum.org/EIPS/eip-55
    """
    return f"eip155:{chain_id}:{checksummed(owner)}"
