"""Writers that are killed at random moments: what was acknowledged stays, and nothing doubles."""

from __future__ import annotations

import os
import random
import select
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from cityid import registry
from cityid.errors import Code, RegistryError
from cityid.registry import NewEntry
from torture.witness import Connect, Witness, expect

WRITERS = ("north", "east", "south", "west")
PER_FILE = 50
_LONGEST_WAIT = 0.04
_REOPEN_AFTER = 25
_ANSWER = struct.Struct("<QQ")
_LOCKED = (0, 0)


def batch(name: str, first: int) -> list[NewEntry]:
    """Return what a writer appends when `first` is next: always the same, so it can be repeated."""
    schedule = random.Random(f"{name} {first}")  # noqa: S311 - a schedule
    size = schedule.randint(1, 8)
    return [
        NewEntry(name, v, f"{name} {v} ".encode() * schedule.choice((1, 5, 40, 500)))
        for v in range(first, first + size)
    ]


def write(connect: Connect, address: str, name: str, first: int, tell: Callable) -> None:
    """Append for ever, telling version and sequence of each batch's end once it is acknowledged."""
    while True:
        with connect(address) as ledger:
            for _ in range(_REOPEN_AFTER):
                try:
                    last = ledger.append(batch(name, first))[-1]
                except RegistryError as error:
                    if error.code != Code.STORE_LOCKED:
                        raise
                    tell(*_LOCKED)  # the others were faster all the time: as told, try again
                    continue
                tell(last.version, last.sequence)
                first = last.version + 1


class Writer:
    """A process that writes one log, and what it has told of it."""

    def __init__(self, connect: Connect, address: str, name: str, acknowledged: int) -> None:
        self.name = name
        self.acknowledged = acknowledged
        self.answers: list[tuple[int, int]] = []
        self.waits = 0
        self.alive = True
        self._rest = b""
        self._reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                tell = lambda *answer: os.write(writing, _ANSWER.pack(*answer))  # noqa: E731 - short
                write(connect, address, name, acknowledged + 1, tell)
            except BaseException:  # noqa: BLE001 - the parent learns it from the status
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)
        os.close(writing)
        os.set_blocking(self._reading, False)

    def wait(self, seconds: float) -> None:
        """Wait for the first answer, at most so long."""
        select.select([self._reading], [], [], seconds)

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def bury(self) -> None:
        """Wait for the end of a killed writer, and take its last answers."""
        status = os.waitpid(self._pid, 0)[1]
        self.listen()
        os.close(self._reading)
        self.alive = False
        expect(os.WIFSIGNALED(status), f"the writer {self.name} failed by itself")

    def listen(self) -> None:
        """Take the answers that came since; a pipe keeps what a killed process wrote into it."""
        while True:
            try:
                data = os.read(self._reading, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                break
            self._rest += data
        whole = len(self._rest) // _ANSWER.size * _ANSWER.size
        for answer in _ANSWER.iter_unpack(self._rest[:whole]):
            if answer == _LOCKED:
                self.waits += 1
            else:
                self.answers.append(answer)
        self._rest = self._rest[whole:]
        if self.answers:
            self.acknowledged = self.answers[-1][0]


class Session:
    """Four writers on one file, and who watches them."""

    def __init__(self, seed: str, folder: Path, connect: Connect) -> None:
        self._schedule = random.Random(seed)  # noqa: S311 - when to kill
        self._connect = connect
        self._address = f"file:{folder / 'city.registry'}"
        self._witness = Witness()
        self._ends: dict[str, int] = {}
        connect(self._address).close()
        self._writers = {name: self._start(name, 0) for name in WRITERS}

    def _start(self, name: str, acknowledged: int) -> Writer:
        return Writer(self._connect, self._address, name, acknowledged)

    def strike(self) -> Counter[str]:
        """Kill one writer or more at a random moment, and see what is left."""
        schedule = self._schedule
        victims = schedule.sample(WRITERS, schedule.choice((1, 1, 1, 2, 4, 4)))
        if schedule.random() < 0.5:
            self._writers[victims[0]].wait(10)
        time.sleep(schedule.uniform(0, _LONGEST_WAIT))
        for name in victims:
            self._writers[name].kill()
        for name in victims:
            self._writers[name].bury()
        # Half of the time the next writers find the wreck before the witness does.
        late = schedule.random() < 0.5
        counted = Counter(moments=1, processes=len(victims))
        counted += self._look(() if late else victims)
        for name in victims:
            self._writers[name] = self._start(name, self._writers[name].acknowledged)
        if late:
            self._writers[victims[-1]].wait(schedule.choice((0, 10)))
            self._look(())
        return counted

    def _look(self, dead: tuple[str, ...] | list[str]) -> Counter[str]:
        for writer in self._writers.values():
            if writer.alive:
                writer.listen()
        before = len(self._witness.records)
        with self._connect(self._address) as ledger:
            self._witness.follow(ledger)
        waits = 0
        for name, writer in self._writers.items():
            for version, sequence in writer.answers:
                found = self._witness.places.get((name, version))
                expect(found is not None, f"{name} {version} was acknowledged and is lost")
                expect(found == sequence, f"{name} {version} was acknowledged as another record")
            writer.answers.clear()
            waits += writer.waits
            writer.waits = 0
        unacknowledged = sum(self._left_whole(name) for name in dead)
        records = len(self._witness.records) - before
        return Counter(records=records, unacknowledged=unacknowledged, waits=waits)

    def _left_whole(self, name: str) -> bool:
        """Tell whether the dead writer's last batch is there unacknowledged: whole, or not."""
        acknowledged, found = self._writers[name].acknowledged, self._witness.heads.get(name, 0)
        whole = acknowledged + len(batch(name, acknowledged + 1))
        expect(found in {acknowledged, whole}, f"{name} has a half batch at {found}")
        return found == whole

    def stop(self) -> None:
        """Leave no writer behind."""
        alive = [writer for writer in self._writers.values() if writer.alive]
        for writer in alive:
            writer.kill()
        for writer in alive:
            writer.bury()

    def end(self) -> Counter[str]:
        """Kill all, then read everything once more."""
        self.stop()
        counted = self._look(WRITERS)
        with self._connect(self._address) as ledger:
            for name, writer in self._writers.items():
                wanted = batch(name, writer.acknowledged + 1)
                again = ledger.append(wanted)
                expect(ledger.append(wanted) == again, f"a retry of {name} is answered anew")
            self._witness.reread(ledger)
        for record in self._witness.records:
            first = record.version
            expect(record.data.startswith(f"{record.log} {first} ".encode()), "other data")
        return counted


def run(
    seed: int, count: int, folder: Path, connect: Connect = registry.connect
) -> Iterator[Counter[str]]:
    """Kill at `count` moments, on a new file after every `PER_FILE`."""
    for start in range(0, count, PER_FILE):
        place = folder / f"kills-{seed}-{start}"
        place.mkdir()
        session = Session(f"{seed} {start}", place, connect)
        try:
            for _ in range(min(PER_FILE, count - start)):
                yield session.strike()
            yield session.end()
        finally:
            session.stop()
