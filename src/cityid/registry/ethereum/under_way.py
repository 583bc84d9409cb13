"""What is on its way to a contract: entries that were sent, and are not settled as far as known."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from cityid.registry.base import NewEntry
from cityid.registry.ethereum.contract.calls import read_append_call
from cityid.registry.ethereum.contract.contents import log_id, read_content
from cityid.registry.ethereum.hashing import read_address
from cityid.registry.ethereum.sending.sender import Sender, Ticket


class Sent(NamedTuple):
    """An entry that was sent.

    Attributes:
        data: Its data.
        ticket: The work that it is part of.
    """

    data: bytes
    ticket: Ticket


class UnderWay:
    """The entries that were sent to a contract. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[bytes, dict[int, Sent]] = {}
        self._recalled = False

    def recall(self, sender: Sender, contract: str) -> None:
        """Take up, once, what earlier processes have left in the outbox of a sender.

        Args:
            sender: The sender.
            contract: The contract's address.

        Raises:
            RegistryError: The outbox cannot be read.
        """
        with self._lock:
            if self._recalled:
                return
            address = read_address(contract)
            for work in sender.under_way():
                if work.to == address:
                    for entry in read_append_call(work.data):
                        data = read_content(*entry).data
                        log = self._logs.setdefault(entry.log, {})
                        log[entry.version] = Sent(data, Ticket(work.key))
            self._recalled = True

    def sent(self, log: str) -> Mapping[int, Sent]:
        """Return what is under way in a log, by its version."""
        return self._logs.get(log_id(log), {})

    def tickets(self, entries: Sequence[NewEntry]) -> set[Ticket]:
        """Return what is under way in the logs of some entries."""
        logs = {entry.log for entry in entries}
        return {sent.ticket for log in logs for sent in self.sent(log).values()}

    def add(self, entries: Sequence[NewEntry], ticket: Ticket) -> None:
        """Take note of entries that were sent."""
        with self._lock:
            for log, version, data in entries:
                key = log_id(log)
                self._logs[key] = {**self._logs.get(key, {}), version: Sent(data, ticket)}

    def forget(self, tickets: Collection[Ticket], entries: Sequence[NewEntry]) -> None:
        """Take note that work in the logs of some entries is no longer under way."""
        with self._lock:
            for key in {log_id(entry.log) for entry in entries}:
                log = self._logs.pop(key, {})
                if left := {v: sent for v, sent in log.items() if sent.ticket not in tickets}:
                    self._logs[key] = left
