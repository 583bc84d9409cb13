"""A writer of the registry on a chain, who may die at any question or commit and begins again."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityid.errors import Code, ConflictError, RegistryError
from cityid.keys import PrivateKey
from cityid.registry import NewEntry, Record
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.chain import Chain, TrustedBlock, connect_chain
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.sending.outbox import FileOutbox
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.writing import Pending
from faults import Ask, FaultyNode
from torture.chain_city import CHAIN_ID
from torture.chain_weather import DEEPEST, World
from torture.witness import expect


class KilledError(BaseException):
    """The end of a process, where the schedule puts it."""


class Fuse:
    """Counts down to the death of a process."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        """Die, if it is time."""
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                raise KilledError


class FusedOutbox(FileOutbox):
    """An outbox whose process may die before, in and after each of its commits."""

    fuse: Fuse

    @contextlib.contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        burn: Callable[[], None] = self.fuse.burn if write else lambda: None
        burn()
        with super().transaction(write=write) as connection:
            yield connection
            burn()
        burn()


@dataclass(slots=True, eq=False)
class Flight:
    """Entries on their way.

    Attributes:
        entries: The entries.
        begun: When they were first sent.
        pending: What to wait for; None where a new process must ask again.
    """

    entries: list[NewEntry]
    begun: float
    pending: Pending | None = None


class Client:
    """A process that writes with a key.

    Attributes:
        logs: What each of its logs is to hold.
        flights: What is under way, the oldest first.
        records: What was acknowledged, by log and version.
    """

    def __init__(
        self,
        world: World,
        name: str,
        key: PrivateKey,
        folder: Path,
        *,
        quorum: int,
        confirmations: int | None,
        chance: random.Random,
    ) -> None:
        self.name = name
        self.key = key
        self.logs: dict[str, list[bytes]] = {}
        self.flights: list[Flight] = []
        self.records: dict[tuple[str, int], Record] = {}
        self.fuse = Fuse()
        self._history: list[Flight] = []
        self._depth = DEEPEST if confirmations is None else confirmations
        self._world = world
        self._nodes = [FaultyNode(node, node.name) for node in world.nodes]
        self._folder = folder
        self._lives = 0
        self._options: dict[str, Any] = {
            "quorum": quorum,
            "confirmations": confirmations,
            "chain_id": CHAIN_ID,
        }
        self._chance = chance
        self._parts: tuple[Sender, Chain, FusedOutbox]
        self.registry = self.connect()

    @property
    def _path(self) -> Path:
        return self._folder / f"{self.name}-{self._lives}.outbox"

    def connect(self) -> EthereumRegistry:
        """Begin to live, as soon as enough nodes answer."""
        while True:
            try:
                chain = connect_chain(self._nodes, **self._options)
                break
            except RegistryError:
                self._world.counted["connections refused"] += 1
                self._world.sleep(1)
        outbox = FusedOutbox(self._path)
        outbox.fuse = self.fuse
        sender = Sender(chain, self.key, outbox, clock=self._world.clock, sleep=self._world.sleep)
        contract = Contract(chain, self._world.city.contract, self._world.city.birth)
        self._parts = (sender, chain, outbox)
        return EthereumRegistry(contract, sender=sender)

    def end(self) -> None:
        """Stop living in order."""
        self.registry.close()
        for part in self._parts:
            part.close()

    def restart(self) -> None:
        """End in order, and begin again."""
        self.end()
        self._forget()
        self.registry = self.connect()

    def die(self) -> None:
        """End as a killed process does, and begin again with what the disk holds."""
        self.fuse.left = None
        left = self._path
        self._lives += 1
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(
                    left.with_name(left.name + end), self._path.with_name(self._path.name + end)
                )
        self.end()
        self._forget()
        self.registry = self.connect()

    def begin_again(self) -> None:
        """Ask for everything once more, as whoever saw that the chain took back what was settled.

        The process stays: it must not hold what it remembers against what the chain says now.
        """
        landed = [flight for flight in self._history if flight not in self.flights]
        for flight in landed:
            flight.pending = None
        self.flights = list(self._history)

    def _forget(self) -> None:
        for flight in self.flights:
            flight.pending = None

    # --- work, each of which a death may interrupt

    def living(self, work: Callable[[], None]) -> None:
        """Do something; if the process dies in the middle, begin again."""
        for node in self._nodes:
            node.faults[:] = [self._burn] if self.fuse.left is not None else []
        try:
            work()
        except KilledError:
            self._world.counted["processes killed"] += 1
            self.die()

    def _burn(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        self.fuse.burn()
        answer = ask(method, params)
        self.fuse.burn()
        return answer

    def send(self, entries: list[NewEntry]) -> None:
        """Send entries that are new, and do not wait."""
        for entry in entries:
            self.logs.setdefault(entry.log, []).append(entry.data)
        self.flights.append(Flight(entries, self._world.now))
        self._history.append(self.flights[-1])
        self._send_all()

    def _send_all(self) -> None:
        """Send what no living process knows, in order."""
        for flight in self.flights:
            if flight.pending is None:
                self._send(flight)
                if flight.pending is None:
                    return  # what follows cannot be sent before it

    def _send(self, flight: Flight) -> None:
        try:
            flight.pending = self.registry.submit(flight.entries)
        except RegistryError as error:
            self._refused(error)

    def wait(self, timeout: float) -> None:
        """Wait for the oldest flight, and look after the others as other threads would."""
        begun = self._world.now
        self._send_all()
        for number, flight in enumerate(list(self.flights)):
            if flight.pending is not None:
                self._wait_for(flight, flight.pending, 0 if number else timeout)
        if self.flights and self._world.now == begun:
            self._world.sleep(1)

    def _wait_for(self, flight: Flight, pending: Pending, timeout: float) -> None:
        try:
            records = pending.wait(timeout)
        except RegistryError as error:
            flight.pending = None if error.code != Code.TIMEOUT else flight.pending
            self._refused(error)
            return
        self._land(flight, records)

    def append(self) -> None:
        """Ask for the oldest flight as whoever knows nothing of it would."""
        if not self.flights:
            return
        flight = self.flights[0]
        try:
            records = self.registry.append(flight.entries)
        except RegistryError as error:
            self._refused(error)
            return
        self._land(flight, records)

    def _refused(self, error: RegistryError) -> None:
        lost = self._world.deepest > self._depth  # what was settled may have been taken back
        refused = isinstance(error, ConflictError) and not lost
        expect(not refused, f"{self.name} was refused what is his: {error}")
        expect(error.code != Code.WRITE_REFUSED, f"{self.name} was refused: {error}")
        self._world.counted[f"appends not known yet: {error.code}"] += 1

    def _land(self, flight: Flight, records: Sequence[Record]) -> None:
        wanted = [(e.log, e.version, e.data) for e in flight.entries]
        expect([(r.log, r.version, r.data) for r in records] == wanted, "other records came back")
        self.flights.remove(flight)
        for record in records:
            self.records[record.log, record.version] = record
        waited = self._world.now - flight.begun
        self._world.counted["entries acknowledged"] += len(records)
        for limit in (30, 60, 120):
            self._world.counted[f"appends that took over {limit:3} s in bad weather"] += (
                self._world.stormy and waited > limit
            )


def trusting(world: World, node: FaultyNode, block: TrustedBlock) -> EthereumRegistry:
    """Return a registry that is read through one node, and trusts nothing but a block."""
    chain = connect_chain([FaultyNode(node, node.name)], trusted_block=block, chain_id=CHAIN_ID)
    return EthereumRegistry(Contract(chain, world.city.contract, world.city.birth))
