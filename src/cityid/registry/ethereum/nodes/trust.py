"""What is believed of a chain's nodes, and what was told of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from cityid.errors import Code, InvalidInputError
from cityid.registry.ethereum.hexadecimal import HASH_SIZE
from cityid.registry.ethereum.nodes.blocks import TrustedBlock

_MOST_WARNINGS: Final = 100


@dataclass(frozen=True, slots=True)
class Trust:
    """What is believed of the nodes.

    Attributes:
        quorum: How many must say the same.
        confirmations: How deep a block lies before it is settled; as the nodes say, or
            `CONFIRMATIONS`, where it is None.
        block: A block that is known from elsewhere.
    """

    quorum: int = 1
    confirmations: int | None = None
    block: TrustedBlock | None = None


class Warnings:
    """Sentences about nodes, each once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, None] = {}

    def tell(self, sentence: str) -> None:
        """Add a sentence; of very many, the oldest go."""
        with self._lock:
            self._told.pop(sentence, None)
            self._told[sentence] = None
            if len(self._told) > _MOST_WARNINGS:
                del self._told[next(iter(self._told))]

    def told(self) -> tuple[str, ...]:
        """Return all, those that were told last at the end."""
        with self._lock:
            return tuple(self._told)


def check_trust(trust: Trust, nodes: int, chain_id: int | None) -> None:
    """Refuse what cannot be believed of so many nodes.

    Args:
        trust: What is to be believed.
        nodes: How many nodes there are.
        chain_id: The number of the chain that they must be on, where it is known.

    Raises:
        InvalidInputError: It does not fit together.
    """
    block, depth = trust.block, trust.confirmations
    faults = {
        "give at least one node": nodes < 1,
        "quorum is a number from 1 to that of the nodes": not _is_number(trust.quorum, 1)
        or trust.quorum > nodes,
        "confirmations is a number from 0": depth is not None and not _is_number(depth, 0),
        "chain_id is a number from 1": chain_id is not None and not _is_number(chain_id, 1),
        "a trusted block has a number and a hash of 32 bytes": block is not None
        and not _is_block(block),
    }
    for fault, is_there in faults.items():
        if is_there:
            raise InvalidInputError(fault, code=Code.INVALID_OPTIONS)


def _is_number(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _is_block(value: object) -> bool:
    if not isinstance(value, TrustedBlock) or not _is_number(value.number, 0):
        return False
    digest: object = value.hash
    return isinstance(digest, bytes) and len(digest) == HASH_SIZE
