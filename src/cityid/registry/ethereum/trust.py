"""What is believed of a chain's nodes, and what was told of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from cityid.registry.ethereum.blocks import TrustedBlock

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
