"""What was written lately: each settled entry is read back once, however many wait for theirs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection
from typing import Final

from cityid.registry.base import Record
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.layout import Total, total_slot
from cityid.registry.ethereum.history import Contract, Step
from cityid.registry.ethereum.trail import Mark, News, Trail, TrailLostError

_KEPT: Final = 20_000


class Recent:
    """The entries of a contract since somebody began to write. Threads may share it.

    Args:
        contract: The registry.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._lock = threading.Lock()
        self._trail: Trail | None = None
        self._steps: dict[tuple[bytes, int], Step] = {}

    def begin(self) -> None:
        """Take up the trail at the settled block, unless it is followed already.

        Raises:
            RegistryError: The chain cannot be read.
        """
        with self._lock:
            if self._trail is None:
                settled = self._contract.chain.settled()
                total = Total.read(self._contract.word(total_slot(), settled))
                self._trail = Trail(self._contract, (Mark(settled, total),))

    def find(
        self, names: Collection[tuple[str, int]], blocks: Collection[bytes]
    ) -> dict[tuple[str, int], Record]:
        """Return the records of entries that have settled, as far as they are recent.

        Args:
            names: The log and the version of each.
            blocks: The hashes of the blocks in which they are.

        Raises:
            RegistryError: The chain cannot be read.
        """
        ids = {(log_id(log), version): log for log, version in names}
        with self._lock:
            steps = [self._steps.get(id_) for id_ in ids]
            if any(step is None or step.source.block_hash not in blocks for step in steps):
                self._follow()
            found = {id_: self._steps[id_] for id_ in ids if id_ in self._steps}
        chain_id = self._contract.chain.chain_id
        return {
            (ids[id_], id_[1]): step.record(ids[id_], step.content().data, chain_id)
            for id_, step in found.items()
        }

    def _follow(self) -> None:
        if self._trail is not None:
            try:
                self._take(self._trail.follow())
            except TrailLostError:
                self._trail, self._steps = None, {}

    def _take(self, news: News) -> None:
        kept = {id_: s for id_, s in self._steps.items() if s.place.sequence <= news.kept}
        kept.update({(step.log, step.place.version): step for step in news.steps})
        self._steps = dict(itertools.islice(kept.items(), max(0, len(kept) - _KEPT), None))
        self._trail = news.trail
