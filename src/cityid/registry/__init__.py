"""The verifiable data registry: where logs of signed entries are kept, whatever keeps them.

`connect` opens a registry by its address: ``memory:``, ``file:PATH``, or a contract on a chain,
``ethereum+https://HOST/0xCONTRACT``. Every backend keeps the same records and is asked the same
questions (`Registry`); one with a Merkle log can also prove its answers (`Provable`, `prove`,
`verify_proof`).

A backend is trusted for order and availability alone. It stores opaque bytes that their authors
have signed, so it cannot invent an entry; that it does not drop one or rewrite history is what
checkpoints show: keep them, have them witnessed, and compare.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypedDict, Unpack

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import DigestSigner, Signer
from cityid.registry.anchoring import Anchor, anchor, anchors
from cityid.registry.auditing import Audit, audit
from cityid.registry.base import (
    BlockEntry,
    Clock,
    Evidence,
    MerkleLeaf,
    NewEntry,
    OpenRegistry,
    Provable,
    Record,
    Registry,
    Replicable,
    now,
)
from cityid.registry.checkpoint import Checkpoint, read_checkpoint, verify_checkpoint
from cityid.registry.cosignature import Cosignature, WitnessKey, cosignatures
from cityid.registry.ethereum.nodes.blocks import TrustedBlock
from cityid.registry.existence import (
    Existence,
    ExistenceProof,
    prove_existence,
    verify_existence,
)
from cityid.registry.mirroring import Mirrored, mirror
from cityid.registry.pictures import chain_picture, tree_picture
from cityid.registry.proof import RecordProof, check_growth, prove, verify_growth, verify_proof
from cityid.registry.tiles import Tiles, write_tiles
from cityid.registry.witness import GrowthClaim, Witness, claim_growth

__all__ = [
    "BACKENDS",
    "Anchor",
    "Audit",
    "Backend",
    "BlockEntry",
    "Checkpoint",
    "Cosignature",
    "Evidence",
    "Existence",
    "ExistenceProof",
    "GrowthClaim",
    "MerkleLeaf",
    "Mirrored",
    "Network",
    "NewEntry",
    "OpenRegistry",
    "Provable",
    "Record",
    "RecordProof",
    "Registry",
    "Replicable",
    "Tiles",
    "TrustedBlock",
    "Witness",
    "WitnessKey",
    "anchor",
    "anchors",
    "audit",
    "chain_picture",
    "check_growth",
    "claim_growth",
    "connect",
    "cosignatures",
    "mirror",
    "prove",
    "prove_existence",
    "read_checkpoint",
    "tree_picture",
    "verify_checkpoint",
    "verify_existence",
    "verify_growth",
    "verify_proof",
    "write_tiles",
]


class Network(TypedDict, total=False):
    """How a registry on a chain is reached and written; no other kind takes any of it.

    What each means is told by `connect`.
    """

    signer: DigestSigner
    endpoints: Sequence[str]
    quorum: int
    confirmations: int
    trusted_block: TrustedBlock
    chain_id: int
    outbox: str | os.PathLike[str]


class Backend(Protocol):
    """How one kind of registry is opened."""

    def __call__(
        self,
        location: str,
        *,
        origin: str | None,
        operator: Signer | None,
        clock: Clock,
        **network: Unpack[Network],
    ) -> OpenRegistry:
        """Open a registry.

        Args:
            location: What stands after the colon of its address.
            origin: The registry's name in checkpoints; None for one of the backend's choice.
            operator: Who signs checkpoints.
            clock: Gives the time at which records are accepted.
            network: How a chain is reached: only what `connect` was given.
        """
        ...


def _memory(
    location: str,
    *,
    origin: str | None,
    operator: Signer | None,
    clock: Clock,
    **network: Unpack[Network],
) -> OpenRegistry:
    from cityid.registry.memory import MemoryRegistry

    _refuse_network("memory:", network)
    if location:
        raise InvalidInputError(
            f"the address of a registry in memory is 'memory:', without {quote(location)}",
            code=Code.INVALID_OPTIONS,
        )
    name = "memory" if origin is None else origin
    return MemoryRegistry(origin=name, operator=operator, clock=clock)


def _file(
    location: str,
    *,
    origin: str | None,
    operator: Signer | None,
    clock: Clock,
    **network: Unpack[Network],
) -> OpenRegistry:
    from cityid.registry.file import FileRegistry

    _refuse_network("file:", network)
    if location.startswith("//") and not location.startswith("///"):
        raise InvalidInputError(
            f"{quote(location)} names another machine; write file:PATH or file:///PATH",
            code=Code.INVALID_OPTIONS,
        )
    path = location.removeprefix("//")
    return FileRegistry(path, origin=origin, operator=operator, clock=clock)


def _refuse_network(kind: str, network: Network) -> None:
    if network:
        raise InvalidInputError(
            f"a registry of the kind {kind} takes no {', '.join(sorted(network))}: "
            "that is for chains with nodes",
            code=Code.INVALID_OPTIONS,
        )


def _tester(
    location: str,
    *,
    origin: str | None,
    operator: Signer | None,
    clock: Clock,
    **network: Unpack[Network],
) -> OpenRegistry:
    from cityid.registry.ethereum.embedded import open_embedded

    if location:
        raise InvalidInputError(
            "the address of a registry on a chain of its own is 'ethereum+tester:', "
            f"without {quote(location)}",
            code=Code.INVALID_OPTIONS,
        )
    signer = network.pop("signer", None)
    _refuse_network("ethereum+tester:", network)
    return open_embedded(origin=origin, operator=operator, clock=clock, signer=signer)


def _remote(
    scheme: str,
    location: str,
    *,
    origin: str | None,
    operator: Signer | None,
    clock: Clock,
    **network: Unpack[Network],
) -> OpenRegistry:
    from cityid.registry.ethereum.remote import open_remote

    url = f"{scheme}:{location}"
    return open_remote(url, origin=origin, operator=operator, clock=clock, **network)


BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "memory": _memory,
        "file": _file,
        "ethereum+http": partial(_remote, "http"),
        "ethereum+https": partial(_remote, "https"),
        "ethereum+tester": _tester,
    }
)
"""How each kind of registry is opened, by the scheme of its address."""


def connect(
    url: str,
    *,
    origin: str | None = None,
    operator: Signer | None = None,
    clock: Clock = now,
    backends: Mapping[str, Backend] = BACKENDS,
    signer: DigestSigner | None = None,
    endpoints: Sequence[str] = (),
    quorum: int = 1,
    confirmations: int | None = None,
    trusted_block: TrustedBlock | None = None,
    chain_id: int | None = None,
    outbox: str | os.PathLike[str] | None = None,
) -> OpenRegistry:
    """Open a registry, and make it where it is not there yet.

    Args:
        url: Its address: ``memory:``, ``file:PATH``, ``ethereum+https://HOST/0xCONTRACT`` for a
            contract that was deployed, or ``ethereum+tester:`` for a chain of its own that lives
            as long as the registry is open.
        origin: Its name in checkpoints, such as ``city.example/registry``. A new file without
            one gets a random name; an existing one must have this name. A registry on a chain
            without one is called by chain and contract.
        operator: Who signs checkpoints, with an Ed25519 key; else they are unsigned.
        clock: Gives the time at which records are accepted. On a chain the blocks say that.
        backends: The kinds of registry there are; pass your own beside `BACKENDS`.
        signer: On a chain: who writes, with a key of secp256k1; None to read alone.
        endpoints: On a chain: the URLs of more nodes than the one of the address.
        quorum: On a chain: how many nodes must say the same.
        confirmations: On a chain: how many blocks after its own make an entry settled; None for
            what the chain itself calls final.
        trusted_block: On a chain: a block that is known to be part of it, from another source. It
            is read as of that block, so that there is no signer.
        chain_id: On a chain: its number, by which no other is taken for it; None for what the
            nodes say at first.
        outbox: On a chain: the file that keeps transactions until they are settled, so that none
            is lost or doubled when a process dies; None to keep them in memory.

    Raises:
        InvalidInputError: The address or an option is malformed.
        UnsupportedError: There is no such backend in this version, or it is not installed.
        CorruptError: The registry is damaged or something else.
        RegistryError: The registry cannot be reached.
    """
    address: object = url
    if not isinstance(address, str) or ":" not in address:
        raise InvalidInputError(
            f"{quote(url)} is not a registry's address, such as memory: or file:city.registry",
            code=Code.INVALID_OPTIONS,
        )
    scheme, _, location = address.partition(":")
    if scheme not in backends:
        raise UnsupportedError(
            f"there is no registry of the kind {quote(scheme)}",
            name=scheme,
            known=tuple(f"{name}:" for name in backends),
        )
    network: Network = {}
    if signer is not None:
        network["signer"] = signer
    if endpoints:
        network["endpoints"] = endpoints
    if quorum != 1:
        network["quorum"] = quorum
    if confirmations is not None:
        network["confirmations"] = confirmations
    if trusted_block is not None:
        network["trusted_block"] = trusted_block
    if chain_id is not None:
        network["chain_id"] = chain_id
    if outbox is not None:
        network["outbox"] = outbox
    return backends[scheme](location, origin=origin, operator=operator, clock=clock, **network)
