"""A verifier's memory of the lists that it verified a moment ago."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cityid.registry import Record

if TYPE_CHECKING:
    from cityid.trust.lists import RecognitionList

HOLD: Final = timedelta(minutes=5)
"""For how long a verified list need not be verified again: a key may be revoked meanwhile."""
MOST_KEPT: Final = 64
"""How many lists are kept."""


class ListCache:
    """Lists that were verified, by the record they lie in; safe to share between threads.

    It belongs to one verifier: what it holds was judged with that verifier's resolver, contexts
    and suites. Which record is the newest is asked of the registry every time.

    Args:
        most: The most lists that are kept.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], tuple[datetime, bytes, RecognitionList]] = (
            OrderedDict()
        )

    def __reduce__(self) -> tuple[type[ListCache], tuple[int]]:
        """Let a process pool carry the verifier; what is remembered stays behind."""
        return ListCache, (self._most,)

    def verified(self, record: Record, at: datetime) -> RecognitionList | None:
        """Return the list of a record, where it was verified a moment before `at`.

        Args:
            record: The record, as the registry shows it now.
            at: The time of judgement.
        """
        with self._lock:
            kept = self._kept.get((record.log, record.version))
        if kept is None or kept[1] != record.data or not timedelta(0) <= at - kept[0] < HOLD:
            return None
        until = kept[2].credential.valid_until
        fits = kept[2].recorded_at == record.recorded_at and (until is None or at < until)
        return kept[2] if fits else None

    def keep(self, record: Record, at: datetime, verified: RecognitionList) -> None:
        """Remember a list that was verified.

        Args:
            record: The record it lies in.
            at: The time of judgement.
            verified: The list.
        """
        with self._lock:
            self._kept[record.log, record.version] = at, record.data, verified
            self._kept.move_to_end((record.log, record.version))
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
