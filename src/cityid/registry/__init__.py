"""The verifiable data registry: where logs of signed entries are kept, whatever keeps them.

`connect` opens a registry by its address: ``memory:`` or ``file:PATH``. Every backend keeps the
same records and is asked the same questions (`Registry`); one with a Merkle log can also prove
its answers (`Provable`, `prove`, `verify_proof`).

A backend is trusted for order and availability alone. It stores opaque bytes that their authors
have signed, so it cannot invent an entry; that it does not drop one or rewrite history is what
checkpoints show: keep them, have them witnessed, and compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import Signer
from cityid.registry.anchoring import Anchor, anchor, anchors
from cityid.registry.auditing import Audit, audit
from cityid.registry.base import (
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
from cityid.registry.existence import (
    Existence,
    ExistenceProof,
    prove_existence,
    verify_existence,
)
from cityid.registry.mirroring import Mirrored, mirror
from cityid.registry.pictures import tree_picture
from cityid.registry.proof import RecordProof, check_growth, prove, verify_growth, verify_proof
from cityid.registry.tiles import Tiles, write_tiles
from cityid.registry.witness import GrowthClaim, Witness, claim_growth

__all__ = [
    "BACKENDS",
    "Anchor",
    "Audit",
    "Backend",
    "Checkpoint",
    "Cosignature",
    "Evidence",
    "Existence",
    "ExistenceProof",
    "GrowthClaim",
    "MerkleLeaf",
    "Mirrored",
    "NewEntry",
    "OpenRegistry",
    "Provable",
    "Record",
    "RecordProof",
    "Registry",
    "Replicable",
    "Tiles",
    "Witness",
    "WitnessKey",
    "anchor",
    "anchors",
    "audit",
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


class Backend(Protocol):
    """How one kind of registry is opened."""

    def __call__(
        self, location: str, *, origin: str | None, operator: Signer | None, clock: Clock
    ) -> OpenRegistry:
        """Open a registry.

        Args:
            location: What stands after the colon of its address.
            origin: The registry's name in checkpoints; None for one of the backend's choice.
            operator: Who signs checkpoints.
            clock: Gives the time at which records are accepted.
        """
        ...


def _memory(
    location: str, *, origin: str | None, operator: Signer | None, clock: Clock
) -> OpenRegistry:
    from cityid.registry.memory import MemoryRegistry

    if location:
        raise InvalidInputError(
            f"the address of a registry in memory is 'memory:', without {quote(location)}",
            code=Code.INVALID_OPTIONS,
        )
    name = "memory" if origin is None else origin
    return MemoryRegistry(origin=name, operator=operator, clock=clock)


def _file(
    location: str, *, origin: str | None, operator: Signer | None, clock: Clock
) -> OpenRegistry:
    from cityid.registry.file import FileRegistry

    if location.startswith("//") and not location.startswith("///"):
        raise InvalidInputError(
            f"{quote(location)} names another machine; write file:PATH or file:///PATH",
            code=Code.INVALID_OPTIONS,
        )
    path = location.removeprefix("//")
    return FileRegistry(path, origin=origin, operator=operator, clock=clock)


BACKENDS: Mapping[str, Backend] = MappingProxyType({"memory": _memory, "file": _file})
"""How each kind of registry is opened, by the scheme of its address."""


def connect(
    url: str,
    *,
    origin: str | None = None,
    operator: Signer | None = None,
    clock: Clock = now,
    backends: Mapping[str, Backend] = BACKENDS,
) -> OpenRegistry:
    """Open a registry, and make it where it is not there yet.

    Args:
        url: Its address: ``memory:`` or ``file:PATH``.
        origin: Its name in checkpoints, such as ``city.example/registry``. A new file without
            one gets a random name; an existing one must have this name.
        operator: Who signs checkpoints, with an Ed25519 key; else they are unsigned.
        clock: Gives the time at which records are accepted.
        backends: The kinds of registry there are; pass your own beside `BACKENDS`.

    Raises:
        InvalidInputError: The address or an option is malformed.
        UnsupportedError: There is no such backend in this version.
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
    known = tuple(f"{name}:" for name in backends)
    if scheme.startswith("ethereum") and scheme not in backends:
        raise UnsupportedError(
            "this version has no registry on an Ethereum chain", name=scheme, known=known
        )
    if scheme not in backends:
        raise UnsupportedError(
            f"there is no registry of the kind {quote(scheme)}", name=scheme, known=known
        )
    return backends[scheme](location, origin=origin, operator=operator, clock=clock)
