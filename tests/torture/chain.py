"""Random schedules of work and faults against the registry on a real node, in simulated time.

A schedule writes several logs by one writer or more, reads them, kills and restarts the writers,
and all the while the chain reorganises, transactions vanish and nodes fail or lie. Allowed is the
right answer, or an error that says that it is not known. Forbidden is everything else: an answer
that the chain does not bear out, an entry lost or doubled, or work that takes more than a minute
once the weather is fair.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cityid.errors import CityIdError, ConflictError, RegistryError, UnsupportedError
from cityid.registry import NewEntry, Record
from cityid.registry.ethereum.nodes.chain import TrustedBlock
from torture.chain_city import City, Fact, city, truth
from torture.chain_client import Client, trusting
from torture.chain_weather import DEEPEST, LIES, World
from torture.witness import expect

STUCK_SECONDS = 60
_STEPS = (8, 20)
_FLIGHTS = 5
_SIZES = (0, 1, 20, 20, 200, 500, 3000)


class Schedule:
    """One random schedule."""

    def __init__(self, seed: int, place: City, folder: Path) -> None:
        self.counted: Counter[str] = Counter()
        chance = self._chance = random.Random(seed)  # noqa: S311 - a schedule
        several = chance.random() < 0.5
        self._confirmations, deepest = chance.choice(
            ((None, DEEPEST), (None, DEEPEST), (DEEPEST, DEEPEST), (3, 3), (3, DEEPEST))
        )
        self._depth = DEEPEST if self._confirmations is None else self._confirmations
        self._deep = deepest > self._depth
        self._several = several
        self._world = World(
            place, chance, nodes=3 if several else 1, liars=int(several), deepest=deepest
        )
        self._tokens = itertools.count()
        self._seen: dict[tuple[str, str], int] = {}
        quorum = 2 if several else 1
        self._clients = [
            Client(
                self._world, f"writer {number}", place.writers[number], folder,
                quorum=quorum, confirmations=self._confirmations, chance=chance,
            )
            for number in range(chance.choice((1, 1, 2)))
        ]  # fmt: skip

    def __str__(self) -> str:
        """Tell what is special about it."""
        nodes = "3 nodes, 1 of which lies" if self._several else "1 node"
        told = "what is final" if self._confirmations is None else f"{self._depth} confirmations"
        return f"{nodes}, {told}" + (", deeper reorgs" if self._deep else "")

    def run(self) -> Counter[str]:
        """Take some steps, let the weather become fair, then compare everything."""
        steps = self._chance.randint(*_STEPS)
        work: list[Callable[[Client], None]] = (
            [self.send] * 6 + [self.wait] * 5 + [self.append, self.repeat, self.dispute]
            + [self.read] * 3 + [self.scan, self.checkpoint, self.trust, self.trust, self.restart]
            + [self.kill] * 3 + [self.intrude, self.pass_time]
        )  # fmt: skip
        try:
            for _ in range(steps):
                step = self._chance.choice(work)
                step(self._chance.choice(self._clients))
                self.counted[step.__name__.replace("_", " ")] += 1
            self._end()
        finally:
            for client in self._clients:
                client.end()
            for node in self._world.nodes:
                node.close()
        self.counted[f"schedules with {self}"] += 1
        return self.counted + self._world.counted + Counter(schedules=1, steps=steps)

    # --- writing

    def _entries(self, client: Client) -> list[NewEntry]:
        lengths: dict[str, int] = {}
        entries = []
        for _ in range(self._chance.choice((1, 1, 1, 2, 5))):
            log = f"{client.name.replace(' ', ':')}:{self._chance.choice('abc')}"
            length = lengths.get(log, len(client.logs.get(log, ())))
            lengths[log] = length + 1
            size = self._chance.choice(_SIZES)
            data = f"{next(self._tokens)} ".encode() + self._chance.randbytes(size)
            entries.append(NewEntry(log, length + 1, data))
        return entries

    def send(self, client: Client) -> None:
        """Send entries without waiting for them."""
        if len(client.flights) < _FLIGHTS:
            client.living(lambda: client.send(self._entries(client)))

    def wait(self, client: Client) -> None:
        """Wait for the oldest entries for a while."""
        client.living(lambda: client.wait(self._chance.choice((2, 10, 40))))

    def append(self, client: Client) -> None:
        """Ask for entries that are under way once more."""
        client.living(client.append)

    def repeat(self, client: Client) -> None:
        """Append what was acknowledged: the same records come back."""
        if not client.records:
            return
        log, version = self._chance.choice(list(client.records))
        entry = NewEntry(log, version, client.logs[log][version - 1])
        if (found := self._told(lambda: client.registry.append([entry]))) is not None:
            self._check(client, found)

    def dispute(self, client: Client) -> None:
        """Append another entry where there is one already."""
        if not client.records:
            return
        log, version = self._chance.choice(list(client.records))
        entry = NewEntry(log, version, b"something else")
        try:
            client.registry.append([entry])
        except ConflictError:
            self.counted["conflicts told"] += 1
        except RegistryError:
            self.counted["not known"] += 1
        else:
            expect(held=False, what=f"version {version} of {log} was written twice")

    def intrude(self, client: Client) -> None:
        """Append to the log of somebody else, who alone may."""
        others = [c for c in self._clients if c is not client and c.records]
        if not others:
            return
        log = next(iter(others[0].records))[0]
        entry = NewEntry(log, len(others[0].logs[log]) + 1, b"an intruder's")
        try:
            client.registry.append([entry])
        except RegistryError as error:
            self.counted[f"intruders who were told: {error.code}"] += 1
        else:
            expect(held=False, what=f"an intruder wrote to {log}")

    # --- reading

    def read(self, client: Client) -> None:
        """Read a log of anybody."""
        names = [log for c in self._clients for log in c.logs] + ["absent"]
        log = self._chance.choice(names)
        found = self._told(lambda: client.registry.read(log))
        if found is not None:
            self._check(client, found)
            expect([r.version for r in found] == list(range(1, len(found) + 1)), "a gap in a log")
            self._grown(client, log, len(found))
            if log in client.logs and not self._deep:
                known = [version for name, version in client.records if name == log]
                expect(len(found) >= max(known, default=0), f"{log} lost what was acknowledged")

    def scan(self, client: Client) -> None:
        """Go through all records."""
        found = self._told(lambda: tuple(client.registry.scan()))
        if found is not None:
            self._check(client, found)
            expect(
                [r.sequence for r in found] == list(range(1, len(found) + 1)), "a scan has a gap"
            )
            self._grown(client, "a scan", len(found))

    def checkpoint(self, client: Client) -> None:
        """Take a checkpoint."""
        try:
            size = client.registry.checkpoint().size
        except RegistryError:
            self.counted["not known"] += 1
        else:
            expect(size <= len(self._facts()), "a checkpoint of records that are not there")
            self._grown(client, "a scan", size)

    def trust(self, client: Client) -> None:
        """Read through one node that lies, and trust nothing but one block."""
        node = self._world.nodes[0]
        number = max(0, self._world.node.height() - self._chance.randint(0, 20))
        header = self._world.node.control.request("eth_getBlockByNumber", [hex(number), False])
        block = TrustedBlock(number, bytes.fromhex(header["hash"][2:]))
        name = self._chance.choice(list(LIES))
        log = self._chance.choice([*client.logs, "absent"])
        with node.ailing(LIES[name](self._world, self._chance)):
            try:
                with trusting(self._world, node, block) as city:
                    found = city.read(log)
            except (RegistryError, UnsupportedError):
                self.counted["lies told to whoever trusts a block: nothing was believed"] += 1
                return
        facts = [fact for fact in self._facts() if fact.log == log and fact.block <= number]
        expect(_same(found, facts), f"a node that would {name} was believed: {found}")
        self.counted["lies told to whoever trusts a block: the truth was found"] += 1

    def _told(self, ask: Callable[[], tuple[Record, ...]]) -> tuple[Record, ...] | None:
        try:
            return ask()
        except RegistryError as error:
            expect(not isinstance(error, ConflictError), f"a conflict with itself: {error}")
            self.counted["not known"] += 1
            return None

    def _facts(self) -> list[Fact]:
        return truth(self._world.node, self._world.city.contract)

    def _check(self, client: Client, records: Sequence[Record]) -> None:
        """See that records are what the chain says, as far as it is settled."""
        height = self._world.node.height()
        facts = {(fact.log, fact.version): fact for fact in self._facts()}
        for record in records:
            fact = facts.get((record.log, record.version))
            name = f"version {record.version} of {record.log}"
            expect(
                fact is not None, f"{client.name} was told {name}, which the chain does not have"
            )
            expect(fact and _same([record], [fact]), f"{client.name} was told another {name}")
            deep = fact is not None and height - fact.block
            expect(
                self._deep or deep >= self._depth, f"{name} counts as settled after {deep} blocks"
            )
        self.counted["answers that were right"] += 1

    def _grown(self, client: Client, what: str, size: int) -> None:
        """See that nothing that was seen is gone."""
        before = self._seen.get((client.name, what), 0)
        expect(self._deep or size >= before, f"{what} had {before} records and now has {size}")
        self._seen[client.name, what] = size

    # --- coming and going

    def restart(self, client: Client) -> None:
        """Close a registry and open it again."""
        client.restart()

    def kill(self, client: Client) -> None:
        """Kill a writer in the middle of what it does next, a batch if it can be."""
        client.fuse.left = self._chance.choice((1, 2, 3, 4, 5, 8, 13, 21, 40, 80))
        if len(client.flights) < _FLIGHTS:
            client.living(lambda: client.send(self._entries(client)))
        client.living(lambda: client.wait(20))
        client.fuse.left = None

    def pass_time(self, _: Client) -> None:
        """Let time pass in which nobody tends to anything."""
        self._world.sleep(self._chance.choice((1, 5, 30)))

    # --- the end

    def _end(self) -> None:
        world = self._world
        world.calm()
        for client in self._clients:
            if self._deep:
                client.begin_again()
            while client.flights:
                client.living(lambda client=client: client.wait(10))
                waited = world.now - world.troubled
                expect(waited <= STUCK_SECONDS, f"{client.name} is stuck: {client.flights[:1]}")
        self.counted["longest wait in fair weather: total s"] += int(world.now - world.troubled)
        world.sleep(self._depth + 1)
        facts = self._facts()
        stored: dict[str, list[bytes]] = {}
        for fact in facts:
            stored.setdefault(fact.log, []).append(fact.data)
        wanted = {log: data for client in self._clients for log, data in client.logs.items()}
        expect(stored == wanted, f"lost or doubled: {_difference(stored, wanted)}")
        expect([f.sequence for f in facts] == list(range(1, len(facts) + 1)), "sequences have gaps")
        kept = {(fact.log, fact.version): fact for fact in facts}
        for client in self._clients:
            for name, record in client.records.items():
                same = _same([record], [kept[name]])
                expect(self._deep or same, f"{name} was acknowledged as another record")
            self.scan(client)
            self._all_is_told(client, facts)
        self.counted["entries on the chain"] += len(facts)

    def _all_is_told(self, client: Client, facts: Sequence[Fact]) -> None:
        try:
            expect(_same(tuple(client.registry.scan()), facts), "the records are not all there")
            for log in client.logs:
                of_log = [fact for fact in facts if fact.log == log]
                expect(_same(client.registry.read(log), of_log), f"{log} is not all there")
                head = client.registry.head(log)
                expect(head is not None and _same([head], of_log[-1:]), f"{log} has another head")
        except CityIdError as error:
            expect(held=False, what=f"in fair weather: {error}")


def _same(records: Sequence[Record], facts: Sequence[Fact]) -> bool:
    """Tell whether records are what the chain says; hashes and indexes are told, not proven."""
    return [
        (r.sequence, r.log, r.version, r.data, r.recorded_at, r.evidence.block) for r in records
    ] == [(f.sequence, f.log, f.version, f.data, f.time, f.block) for f in facts]


def _difference(stored: dict[str, list[bytes]], wanted: dict[str, list[bytes]]) -> str:
    return "; ".join(
        f"{log}: {[d[:9] for d in stored.get(log, [])]} for {[d[:9] for d in wanted.get(log, [])]}"
        for log in sorted(stored.keys() | wanted.keys())
        if stored.get(log) != wanted.get(log)
    )


def run(seed: int, count: int, folder: Path) -> Iterator[Counter[str]]:
    """Run the schedules of the seeds from `seed` on, each on a node of its own."""
    for number in range(seed, seed + count):
        own = folder / f"schedule-{number}"
        own.mkdir()
        with city() as place:
            schedule = Schedule(number, place, own)
            try:
                yield schedule.run()
            except Exception as error:
                error.add_note(f"schedule {number}: {schedule}")
                raise
        shutil.rmtree(own)
