"""Places in lists, given out at random and never twice; the issuer's secret.

The order is a pseudorandom permutation of all places under a key that only the issuer has, and a
counter says how many were given out. So the next place costs the same however full the list is,
nothing needs to be remembered about single places, and nobody without the key can tell from a place
when it was given.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from cityid.errors import Code, InvalidInputError, NotFoundError, RegistryError, quote

KEY_BYTES = 32
"""How long the key of a list's permutation is."""

_ROUNDS = 10


class Allocator(Protocol):
    """Gives out places in lists: each once, in an order that nobody can guess."""

    def register(self, url: str, length: int) -> None:
        """Take a list into care.

        Args:
            url: The list's URL.
            length: How many places it has.

        Raises:
            InvalidInputError: It is in care with another length.
            RegistryError: The state cannot be written.
        """
        ...

    def allocate(self, url: str) -> int:
        """Give out a place; that it is taken is durable before the answer.

        Args:
            url: The list's URL.

        Raises:
            NotFoundError: The list is not in care here.
            InvalidInputError: No place is left (STATUS_LIST_FULL).
            RegistryError: The state cannot be written.
        """
        ...

    def taken(self, url: str) -> int:
        """Return how many places were given out.

        Args:
            url: The list's URL.

        Raises:
            NotFoundError: The list is not in care here.
            RegistryError: The state cannot be read.
        """
        ...


def permuted(number: int, length: int, key: bytes) -> int:
    """Return where a number goes in a pseudorandom permutation of 0 … `length` - 1.

    A Feistel network permutes the numbers of a power of four; one that lands beyond the length is
    sent through again, which keeps it a permutation.

    Args:
        number: The number.
        length: How many numbers there are.
        key: The secret.

    Spec:
        https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-38G.pdf
    """
    half = max(1, ((length - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = number >> half, number & mask
        for turn in range(_ROUNDS):
            message = bytes((turn,)) + right.to_bytes(8)
            digest = hashlib.blake2b(message, digest_size=8, key=key).digest()
            left, right = right, left ^ int.from_bytes(digest) & mask
        number = left << half | right
        if number < length:
            return number


class Reserving(ABC):
    """What both allocators share: numbers are reserved in blocks, and a block is used up here."""

    def __init__(self, block: int) -> None:
        if type(block) is not int or block < 1:
            raise InvalidInputError(
                f"a block is at least one place, not {quote(block)}", code=Code.INVALID_OPTIONS
            )
        self._block = block
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._reserved: dict[str, tuple[range, int, bytes]] = {}

    def allocate(self, url: str) -> int:
        """Give out a place; see `Allocator.allocate`.

        Args:
            url: The list's URL.

        Raises:
            NotFoundError: The list is not in care here.
            InvalidInputError: No place is left (STATUS_LIST_FULL).
            RegistryError: The state cannot be written.
        """
        with self._lock:
            self._check_process()
            numbers, length, key = self._reserved.get(url, _NOTHING)
            if not numbers:
                numbers, length, key = self._reserve(url, self._block)
            if not numbers:
                raise InvalidInputError(
                    f"all {length} places of the list {quote(url, 120)} are taken; publish another",
                    code=Code.STATUS_LIST_FULL,
                )
            self._reserved[url] = (numbers[1:], length, key)
        return permuted(numbers[0], length, key)

    @abstractmethod
    def _reserve(self, url: str, count: int) -> tuple[range, int, bytes]:
        """Take numbers for good; return them, the list's length, and its key."""

    @abstractmethod
    def _check_process(self) -> None:
        """Give up what a parent process has reserved."""


_NOTHING: tuple[range, int, bytes] = (range(0), 0, b"")


class MemoryAllocator(Reserving):
    """An allocator that lives as long as the process: for tests, and for looking around.

    Args:
        random: Where keys come from; another source is for tests.
    """

    def __init__(self, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        super().__init__(block=1)
        self._random = random
        self._lists: dict[str, tuple[int, int, bytes]] = {}

    def register(self, url: str, length: int) -> None:
        """Take a list into care; see `Allocator.register`.

        Args:
            url: The list's URL.
            length: How many places it has.

        Raises:
            InvalidInputError: It is in care with another length.
        """
        with self._lock:
            known = self._lists.setdefault(url, (0, length, self._random(KEY_BYTES)))
        check_same(url, known[1], length)

    def taken(self, url: str) -> int:
        """Return how many places were given out.

        Args:
            url: The list's URL.

        Raises:
            NotFoundError: The list is not in care here.
        """
        return self._known(url)[0]

    def _known(self, url: str) -> tuple[int, int, bytes]:
        if url not in self._lists:
            raise unknown_list(url)
        return self._lists[url]

    def _reserve(self, url: str, count: int) -> tuple[range, int, bytes]:
        start, length, key = self._known(url)
        end = min(start + count, length)
        self._lists[url] = (end, length, key)
        return range(start, end), length, key

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise RegistryError(
                "an allocator in memory does not follow a fork: two processes would give out the "
                "same places; share a FileAllocator"
            )


def unknown_list(url: str) -> NotFoundError:
    """Return the error of a list that is not in care.

    Args:
        url: The list's URL.
    """
    return NotFoundError(
        f"this allocator does not know the list {quote(url, 120)}: open it with the allocator it "
        "was published with, else places would be given out twice",
        ref=url,
    )


def check_same(url: str, known: int, length: int) -> None:
    """Refuse to take a list into care a second time with another length.

    Args:
        url: The list's URL.
        known: The length with which it is in care.
        length: The length that is asked for.

    Raises:
        InvalidInputError: They differ.
    """
    if known != length:
        raise InvalidInputError(
            f"the list {quote(url, 120)} has {known} places, not {length}",
            code=Code.INVALID_OPTIONS,
        )
