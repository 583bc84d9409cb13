"""Lists that were verified a moment ago, by the hash of their bytes; bounded in number and time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from cityid.status.bitstring import BitstringList

LONGEST_TTL = timedelta(days=1)
"""The longest time for which a copy of a list is used, whatever its ttl says."""

SHORTEST_TTL = timedelta(seconds=10)
"""The shortest time between two fetches of one list, whatever its ttl says."""

USUAL_TTL = timedelta(minutes=5)
"""The time for which a copy is used where the list does not say."""

HOLD = timedelta(minutes=5)
"""For how long the verification of a list counts; a key revoked meanwhile is then noticed."""


class Fetched(NamedTuple):
    """What came of a fetch.

    Attributes:
        at: When it was.
        content: The bytes; None where nothing could be read.
        told: Why nothing could be read.
        hold: For how long this counts.
    """

    at: datetime
    content: bytes | None
    told: str
    hold: timedelta


class Cache:
    """A verifier's memory of lists; safe to share between threads.

    It belongs to one verifier: what it holds was judged with that verifier's resolver, contexts
    and suites.

    Args:
        most: The most lists that are kept.
    """

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._lists: OrderedDict[bytes, tuple[datetime, BitstringList]] = OrderedDict()
        self._fetched: OrderedDict[str, Fetched] = OrderedDict()

    def __reduce__(self) -> tuple[type[Cache], tuple[int]]:
        """Let a process pool carry the verifier; what is remembered stays behind."""
        return Cache, (self._most,)

    def verified(self, digest: bytes, at: datetime) -> BitstringList | None:
        """Return the list with this hash, where it was verified a moment before `at`.

        Args:
            digest: The SHA-256 of its bytes.
            at: The time of judgement.
        """
        with self._lock:
            found = self._lists.get(digest)
        if found is None:
            return None
        judged, kept = found
        if not timedelta(0) <= at - judged < HOLD:
            return None
        return kept if kept.valid_until is None or at < kept.valid_until else None

    def keep(self, digest: bytes, at: datetime, verified: BitstringList) -> None:
        """Remember a list that was verified.

        Args:
            digest: The SHA-256 of its bytes.
            at: The time of judgement.
            verified: The list.
        """
        with self._lock:
            self._lists[digest] = (at, verified)
            self._lists.move_to_end(digest)
            while len(self._lists) > self._most:
                self._lists.popitem(last=False)

    def fetched(self, url: str, at: datetime) -> Fetched | None:
        """Return what came of the last fetch, while it counts.

        Args:
            url: The list's URL.
            at: The time of judgement.
        """
        with self._lock:
            found = self._fetched.get(url)
        return found if found and timedelta(0) <= at - found.at < found.hold else None

    def keep_fetched(self, url: str, fetched: Fetched) -> None:
        """Remember what came of a fetch.

        Args:
            url: The list's URL.
            fetched: What came.
        """
        with self._lock:
            self._fetched[url] = fetched
            self._fetched.move_to_end(url)
            while len(self._fetched) > self._most:
                self._fetched.popitem(last=False)


def clamped(ttl: timedelta | None) -> timedelta:
    """Return for how long a copy of a list may be used.

    Args:
        ttl: What the list says.
    """
    return min(max(USUAL_TTL if ttl is None else ttl, SHORTEST_TTL), LONGEST_TTL)
