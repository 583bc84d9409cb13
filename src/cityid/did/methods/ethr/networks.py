"""Networks: which chain a did:ethr lives on, and which contract there keeps its changes.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#method-specific-identifier
    https://eips.ethereum.org/EIPS/eip-1056
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cityid.did.methods.base import invalid_did
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.registry.ethereum.hashing import read_address

MAINNET: Final = "mainnet"

_CHAIN_ID = re.compile(r"0x[0-9a-fA-F]{1,16}", re.ASCII)
_NAME = re.compile(r"(?!0x)[A-Za-z0-9._-]+(?::[A-Za-z0-9._-]+)*", re.ASCII)
_FIRST: Final = "0xdca7ef03e98e0dc2b855be647c39abe984fcf21b"
_SECOND: Final = "0x03d5003bf0e79c5f5223588f347eba39afbc3818"


@dataclass(frozen=True, slots=True)
class Network:
    """One network.

    Attributes:
        chain_id: The number of its chain.
        registry: The address of the ERC-1056 contract there.
        legacy_nonce: Whether the contract is one of the first edition, which counts signed changes
            of attributes by the identity and not by its owner.

    Raises:
        InvalidInputError: The number or the address is none (``INVALID_OPTIONS``).
    """

    chain_id: int
    registry: str
    legacy_nonce: bool = False

    def __post_init__(self) -> None:
        chain_id: object = self.chain_id
        registry: object = self.registry
        if not isinstance(chain_id, int) or isinstance(chain_id, bool) or chain_id < 1:
            raise _invalid(f"{quote(chain_id)} is not the number of a chain")
        try:
            read_address(registry)
        except InvalidInputError as error:
            raise _invalid(f"the address of the contract: {error}") from error


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        MAINNET: Network(1, _FIRST, legacy_nonce=True),
        "artis:sigma1": Network(246529, _FIRST, legacy_nonce=True),
        "artis:tau1": Network(246785, _FIRST, legacy_nonce=True),
        "aurora": Network(
            1313161554, "0x63ed58b671eed12bc1652845ba5b2cdfbff198e0", legacy_nonce=True
        ),
        "ewc": Network(246, "0xe29672f34e92b56c9169f9d485ffc8b9a136bce4"),
        "gno": Network(100, _SECOND),
        "holesky": Network(17000, _SECOND),
        "linea:goerli": Network(59140, _SECOND),
        "polygon": Network(137, _FIRST, legacy_nonce=True),
        "polygon:test": Network(80001, _FIRST, legacy_nonce=True),
        "sepolia": Network(11155111, _SECOND),
        "volta": Network(73799, "0xc15d5a57a8eb0e1dcbe5d88b8f9a82017e5cc4af"),
    }
)
"""Read-only: where the contract was published. Your own networks are an argument."""


def checked_networks(networks: Mapping[str, Network]) -> Mapping[str, Network]:
    """Return the networks of a caller with those known beside them.

    Args:
        networks: The caller's, by name; each comes before a known one of its name or number.

    Raises:
        InvalidInputError: A name or a network is none (``INVALID_OPTIONS``).
    """
    given: object = networks
    if not isinstance(given, Mapping):
        raise _invalid(f"networks= takes networks by name, not {quote(networks)}")
    for name, network in given.items():
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise _invalid(f"{quote(name)} is not the name of a network")
        if not isinstance(network, Network):
            raise _invalid(f"{quote(network)} is no Network")
    return MappingProxyType(
        {**networks, **{n: v for n, v in NETWORKS.items() if n not in networks}}
    )


def chain_id_of(name: str, networks: Mapping[str, Network]) -> int:
    """Return the number of the chain that a DID names.

    Args:
        name: What stands in the DID: a name, a number in hexadecimal, or nothing for the mainnet.
        networks: The networks there are.

    Raises:
        InvalidInputError: It is neither (``INVALID_DID``).
        UnsupportedError: No network has this name (``METHOD_NOT_SUPPORTED``).
    """
    if _CHAIN_ID.fullmatch(name):
        number = int(name, 16)
        if not number:
            raise invalid_did("no chain has the number 0")
        return number
    if name and _NAME.fullmatch(name) is None:
        raise invalid_did(f"{quote(name)} is neither the name of a network nor a chain's number")
    return _named(name or MAINNET, networks).chain_id


def network_of(name: str, networks: Mapping[str, Network]) -> Network:
    """Return the network that a DID names.

    Args:
        name: As for `chain_id_of`.
        networks: The networks there are; of several on one chain the first counts.

    Raises:
        InvalidInputError: As for `chain_id_of`.
        UnsupportedError: There is no such network (``METHOD_NOT_SUPPORTED``).
    """
    chain_id = chain_id_of(name, networks)
    if _CHAIN_ID.fullmatch(name) is None:
        return _named(name or MAINNET, networks)
    for network in networks.values():
        if network.chain_id == chain_id:
            return network
    raise _unknown(name, networks)


def _named(name: str, networks: Mapping[str, Network]) -> Network:
    if name not in networks:
        raise _unknown(name, networks)
    return networks[name]


def _unknown(name: str, networks: Mapping[str, Network]) -> UnsupportedError:
    return UnsupportedError(
        f"no network {quote(name)} of did:ethr is known here; pass it as networks=",
        name=name[:80],
        known=tuple(networks),
        code=Code.METHOD_NOT_SUPPORTED,
    )


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
