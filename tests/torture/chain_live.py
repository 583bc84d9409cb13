"""Writers in processes of their own on a chain in real time, killed at random moments.

Here nothing is simulated: the node makes a block every second, the writers open the registry by
its address and ask three nodes over sockets, through proxies that spoil what goes through them, and
die by SIGKILL. ``python -m torture.chain_live ADDRESS …`` is one writer.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import chains
import proxies
from cityid import registry
from cityid.errors import RegistryError
from cityid.registry import NewEntry, OpenRegistry
from torture.chain_city import City, Fact, city, truth
from torture.kills import batch
from torture.witness import expect

WRITERS = 3
NODES = 3
QUORUM = 2
EPOCH = 2
SECONDS = 15
DEEPEST = 3
"""What is final lies four blocks deep, so that no reorganisation reaches it."""
PATIENCE = 60
_DEEDS = ("refuse", "limit", "hang", "cut", "lose", "garbage", "nest", "drip")


def write(addresses: list[str], number: int, outbox: str, first: int, last: int) -> None:
    """Append what is next until a version is acknowledged, and tell of each batch."""
    while first <= last:
        with (
            contextlib.suppress(RegistryError),  # nodes fail: connect again
            registry.connect(
                addresses[0],
                endpoints=addresses[1:],
                quorum=QUORUM,
                signer=chains.key(f"writer {number}"),
                outbox=outbox,
            ) as ledger,
        ):
            while first <= last:
                first = _append(ledger, batch(_name(number), first))


def _append(ledger: OpenRegistry, entries: Sequence[NewEntry]) -> int:
    """Append a batch, tell of it, and return which version is next, whatever came of it."""
    first = entries[0].version
    with contextlib.suppress(RegistryError):
        records = ledger.append(entries)
        sys.stdout.write(f"{first} {records[0].sequence} {records[-1].version}\n")
        sys.stdout.flush()
        return records[-1].version + 1
    time.sleep(0.1)
    return first


class Writer:
    """A writer's process, and what it has told."""

    def __init__(self, number: int, addresses: list[str], folder: Path) -> None:
        self.number = number
        self.told: list[tuple[int, int, int]] = []
        self.last = 1 << 30
        self._addresses = addresses
        self._folder = folder
        self._start()

    def _start(self) -> None:
        first = self.told[-1][2] + 1 if self.told else 1
        outbox = self._folder / f"{self.number}.outbox"
        self._file = (self._folder / f"{self.number}-{time.monotonic_ns()}.told").open("w+b")
        arguments = [str(self.number), str(outbox), str(first), str(self.last), *self._addresses]
        self._process = subprocess.Popen(
            [*chains.leash(), sys.executable, "-m", "torture.chain_live", *arguments],
            stdout=self._file,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join([_TESTS, os.environ.get("PYTHONPATH", "")])},
        )

    def stop(self) -> None:
        """End it, if it lives."""
        self._process.kill()
        self._process.wait()
        self._file.close()

    def kill(self) -> None:
        """Kill it, if it lives, and read what it told."""
        self._process.kill()
        self._process.wait()
        expect(self._process.returncode in {0, -signal.SIGKILL}, "a writer failed by itself")
        self._file.seek(0)
        for line in self._file.read().decode().splitlines(keepends=True):
            if line.endswith("\n"):
                first, sequence, last = map(int, line.split())
                self.told.append((first, sequence, last))
        self._file.close()

    def restart(self) -> None:
        """Begin again after the last batch that was acknowledged."""
        self.kill()
        self._start()

    def finish(self) -> float:
        """Let it write a few more batches, and return how many seconds it took."""
        self.kill()
        self.last = (self.told[-1][2] if self.told else 0) + 3
        started = time.monotonic()
        self._start()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            expect(held=False, what=f"{_name(self.number)} is stuck")
        self.kill()
        return time.monotonic() - started


class Session:
    """Some seconds of bad weather, and what is left of them."""

    def __init__(self, seed: int, place: City, gates: list[proxies.Proxy], folder: Path) -> None:
        self.counted: Counter[str] = Counter()
        self._chance = random.Random(seed)  # noqa: S311 - what happens when
        self._place = place
        self._gates = gates
        first, *others = [gate.url for gate in gates]
        addresses = [f"ethereum+{first}/{place.contract}", *others]
        self._writers = [Writer(number, addresses, folder) for number in range(WRITERS)]

    def run(self) -> Counter[str]:
        """Do it."""
        try:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                time.sleep(self._chance.uniform(0.1, 1.5))
                self._chance.choice((self._kill, self._kill, self._spoil, self._spoil, self._reorg,
                                     self._drop))()  # fmt: skip
            for gate in self._gates:
                gate.deed = "pass"
            slowest = max([writer.finish() for writer in self._writers])
        finally:
            for writer in self._writers:
                writer.stop()
        time.sleep(2 * EPOCH + 2)
        self._check(truth(self._place.node, self._place.contract))
        self.counted["seconds of the slowest writer in fair weather"] += int(slowest)
        return self.counted + Counter(sessions=1)

    def _kill(self) -> None:
        self._chance.choice(self._writers).restart()
        self.counted["processes killed"] += 1

    def _spoil(self) -> None:
        """Spoil what goes through one proxy; the others are left in peace."""
        for gate in self._gates:
            gate.deed = "pass"
        gate = self._chance.choice(self._gates)
        gate.deed, gate.seconds = self._chance.choice(_DEEDS), self._chance.uniform(0.1, 3)
        self.counted[f"proxies that {gate.deed}"] += 1

    def _reorg(self) -> None:
        depth = self._chance.randint(1, DEEPEST)
        self._place.node.reorg(depth)
        self.counted[f"reorgs of depth {depth}"] += 1

    def _drop(self) -> None:
        self._place.node.ask("anvil_dropAllTransactions")
        self.counted["times when all that was pending was dropped"] += 1

    def _check(self, facts: list[Fact]) -> None:
        expect([f.sequence for f in facts] == list(range(1, len(facts) + 1)), "sequences have gaps")
        places = {(fact.log, fact.version): fact for fact in facts}
        for writer in self._writers:
            name = _name(writer.number)
            own = [fact for fact in facts if fact.log == name]
            expect([f.version for f in own] == list(range(1, len(own) + 1)), f"{name} has gaps")
            version = 1
            while version <= len(own):
                wanted = batch(name, version)
                found = [fact.data for fact in own[version - 1 : version - 1 + len(wanted)]]
                expect(found == [entry.data for entry in wanted], f"{name} has half a batch")
                version += len(wanted)
            for first, sequence, last in writer.told:
                fact = places.get((name, first))
                expect(fact is not None and (name, last) in places, f"{name} {first} is lost")
                expect(fact and fact.sequence == sequence, f"{name} {first} is another record")
            self.counted["batches acknowledged"] += len(writer.told)
        self.counted["entries on the chain"] += len(facts)


def run(seed: int, count: int, folder: Path) -> Iterator[Counter[str]]:
    """Run sessions, each on a node of its own."""
    for number in range(seed, seed + count):
        own = folder / f"session-{number}"
        own.mkdir()
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(city(block_time=1, slots_in_an_epoch=EPOCH))
            gates = [stack.enter_context(proxies.proxy(place.node.url)) for _ in range(NODES)]
            yield Session(number, place, gates, own).run()


def _name(number: int) -> str:
    return f"live:{number}"


_TESTS = str(Path(__file__).resolve().parents[1])

if __name__ == "__main__":
    write(sys.argv[5:], int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
