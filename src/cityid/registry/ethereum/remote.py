"""A registry on a chain that is there already: its nodes, its contract, and who writes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from cityid.errors import Code, InvalidInputError
from cityid.keys import DigestSigner, Signer
from cityid.registry.base import Clock
from cityid.registry.checkpoint import check_operator, check_origin
from cityid.registry.ethereum.contract.deployment import birth, check_code
from cityid.registry.ethereum.hashing import checksummed, read_address
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.blocks import TrustedBlock
from cityid.registry.ethereum.nodes.chain import Chain, connect_chain
from cityid.registry.ethereum.nodes.rpc import Endpoint, http_endpoint
from cityid.registry.ethereum.nodes.wire import Location
from cityid.registry.ethereum.registry import EthereumRegistry, demand_installed
from cityid.registry.ethereum.sending.outbox import FileOutbox
from cityid.registry.ethereum.sending.sender import Sender

_CONTRACT: Final = re.compile(r"(.+)/(0x[0-9a-fA-F]{40})/?", re.DOTALL)


def open_remote(
    url: str,
    *,
    origin: str | None = None,
    operator: Signer | None = None,
    clock: Clock | None = None,  # noqa: ARG001 - blocks tell the time
    signer: DigestSigner | None = None,
    endpoints: Sequence[str] = (),
    quorum: int = 1,
    confirmations: int | None = None,
    trusted_block: TrustedBlock | None = None,
    chain_id: int | None = None,
    outbox: str | os.PathLike[str] | None = None,
) -> EthereumRegistry:
    """Open a registry on a chain.

    Args:
        url: The node's URL, and after a slash the contract's address.
        origin: The registry's name in checkpoints; None for one made of chain and contract.
        operator: Who signs checkpoints.
        clock: Is not asked: the blocks tell the time.
        signer: Who writes; None to read alone.
        endpoints: The URLs of more nodes.
        quorum: How many nodes must say the same.
        confirmations: How many blocks make an entry settled; None for what the chain calls final.
        trusted_block: A block that is known to be part of the chain.
        chain_id: The chain's number; None for what its nodes say.
        outbox: The file that keeps transactions until they are settled; None for memory.

    Raises:
        InvalidInputError: The address or an option is malformed.
        UnsupportedError: The extra is not installed, or the contract is another.
        RegistryError: The chain cannot be reached, or its nodes disagree.
    """
    if origin is not None:
        check_origin(origin)
    check_operator(operator)
    demand_installed("web3")
    node, address = split(url)
    given: object = endpoints
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidInputError("endpoints= takes a list of URLs", code=Code.INVALID_OPTIONS)
    if outbox is not None and signer is None:
        raise InvalidInputError(
            "an outbox keeps what a signer writes: pass signer= too", code=Code.INVALID_OPTIONS
        )
    if trusted_block is not None and signer is not None:
        raise InvalidInputError(
            "what is read as of a trusted block never shows what was written since: pass "
            "signer= or trusted_block=, not both",
            code=Code.INVALID_OPTIONS,
        )
    with ExitStack() as stack:
        chain = connect_chain(
            nodes((node, *endpoints)),
            quorum=quorum,
            confirmations=confirmations,
            trusted_block=trusted_block,
            chain_id=chain_id,
        )
        stack.callback(chain.close)
        contract = open_contract(chain, address)
        kept = None
        if outbox is not None:
            kept = FileOutbox(outbox)
            stack.callback(kept.close)
        sender = None
        if signer is not None:
            sender = Sender(chain, signer, kept)
            stack.callback(sender.close)
            sender.tend()  # what an earlier process left in the outbox goes on at once
        return EthereumRegistry(
            contract,
            origin=origin,
            operator=operator,
            sender=sender,
            release=stack.pop_all().close,
        )


def nodes(urls: Sequence[str]) -> list[Endpoint]:
    """Return the nodes of a chain, each of which has a say of its own.

    Args:
        urls: Their URLs.

    Raises:
        InvalidInputError: One is malformed, or named twice: it would agree with itself.
    """
    places = [Location.of(url) for url in urls]
    if len({(place.host, place.port, place.target) for place in places}) != len(places):
        raise InvalidInputError(
            "a node is named twice, and would count twice in a quorum: name others",
            code=Code.INVALID_OPTIONS,
        )
    return [http_endpoint(url) for url in urls]


def open_contract(chain: Chain, address: str) -> Contract:
    """Return a contract, once its code is that of a registry.

    Args:
        chain: The chain.
        address: The contract's address.

    Raises:
        UnsupportedError: There is another contract, or none.
        RegistryError: The chain cannot be reached, or its nodes disagree.
    """
    code = chain.code(address, chain.settled())
    check_code(code)
    return Contract(chain, address, birth(code))


def split(url: str) -> tuple[str, str]:
    """Return the URL of a node and the address of a contract, which are written as one.

    Args:
        url: ``https://HOST:PORT/PATH/0xCONTRACT``.

    Raises:
        InvalidInputError: There is no address of a contract at its end.
    """
    match = _CONTRACT.fullmatch(url)
    if match is None:
        raise InvalidInputError(
            "the address of a registry on a chain ends with that of its contract, 0x and 40 "
            "digits, such as ethereum+http://127.0.0.1:8545/0x…",  # theirs may hold a key
            code=Code.INVALID_OPTIONS,
        )
    return match[1], checksummed(read_address(match[2]))
