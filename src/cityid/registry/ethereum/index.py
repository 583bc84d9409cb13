"""An index of all records of a contract, and the Merkle tree over them, in memory.

A contract proves its entries to whoever reads the chain. The index makes of them what every other
registry has: records in order, a tree, checkpoints, and proofs for those who read no chain.
"""

from __future__ import annotations

import threading

from cityid.registry import merkle
from cityid.registry.admission import check_number
from cityid.registry.base import Record, leaf_hashes
from cityid.registry.ethereum.failures import malformed
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.trail import News, Trail


class Index:
    """All records of a contract, as far as they were asked for. Threads may share it.

    Args:
        contract: The registry.
    """

    def __init__(self, contract: Contract) -> None:
        self._chain_id = contract.chain.chain_id
        self._trail = Trail(contract)
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._names: dict[bytes, str] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._frontier = merkle.Frontier()

    def refresh(self) -> tuple[merkle.Frontier, Record | None]:
        """Read on to the settled block.

        Returns:
            The frontier of the tree, and the last record.

        Raises:
            RegistryError: The chain cannot be read, or no node gives what leads to the
                contract's word.
        """
        with self._lock:
            self._take(self._trail.follow())
            return self._frontier, self._records[-1] if self._records else None

    def records(self, after: int, limit: int) -> list[Record]:
        """Return records that were read, without looking for new ones.

        Args:
            after: The sequence after which to begin.
            limit: The most records to return.
        """
        return self._records[after : after + limit]

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        self._demand(index, size)
        with self._lock:
            return merkle.inclusion_proof(index, size, self._node)

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        self._demand(old_size, size)
        with self._lock:
            return merkle.consistency_proof(old_size, size, self._node)

    def _demand(self, place: int, size: int) -> None:
        """Refuse a place or a tree that is not there; the chain is asked when it may be now."""
        check_number(place, "a place in the tree")
        check_number(size, "a size")
        if size > len(self._records):
            self.refresh()
        merkle.check_size(size, len(self._records))

    def _node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]

    def _cut(self, size: int) -> None:
        """Forget the records after the first `size`: their blocks are gone."""
        self._records = self._records[:size]
        self._nodes = {
            (level, index): node
            for (level, index), node in self._nodes.items()
            if (index + 1) << level <= size
        }
        self._frontier = merkle.frontier(size, self._node)

    def _take(self, news: News) -> None:
        names, records = dict[bytes, str](), list[Record]()
        for step in news.steps:
            content = step.content()
            if content.name is not None:
                names[step.log] = content.name
            name = names.get(step.log) or self._names.get(step.log)
            if name is None:
                raise malformed("an entry is of a log that has no first entry")
            records.append(step.record(name, content.data, self._chain_id))
        if news.kept < len(self._records):
            self._cut(news.kept)
        leaves = leaf_hashes(records)
        self._nodes.update({(0, index): leaf for index, leaf in enumerate(leaves, news.kept)})
        self._frontier, completed = self._frontier.extend(leaves)
        self._nodes.update({(level, index): node for level, index, node in completed})
        self._names |= names
        self._records += records
        self._trail = news.trail
