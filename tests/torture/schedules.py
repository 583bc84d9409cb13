"""Random schedules of work and faults: a registry in memory and one in a file answer alike.

What both answer is also held against a model that shares no code with them.
"""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cityid import keys, registry
from cityid.errors import CityIdError, ConflictError, CorruptError, InvalidInputError, RegistryError
from cityid.registry import Checkpoint, NewEntry, Record
from cityid.registry.file import FileRegistry
from cityid.registry.memory import MemoryRegistry
from torture.witness import Witness, expect

ORIGIN = "city.example/registry"
START = datetime(2027, 3, 14, 9, tzinfo=UTC)
LOGS = ("a", "b", "did:webvh:x", "~")
_DATA = (b"", b"x", b"yz" * 40, b"w" * 5000, b"v" * 40_000)
_STEPS = (8, 30)
_BUSY = 0.002
_UNBOUND = resource.RLIM_INFINITY


class ClockError(Exception):
    """What a clock raises that has stopped."""


class Model:
    """What a registry is, in the fewest words."""

    def __init__(self) -> None:
        self.logs: dict[str, list[bytes]] = {}

    def accepts(self, entries: Sequence[NewEntry]) -> bool:
        """Take the entries of an append, if all of them can be taken."""
        logs = {name: list(data) for name, data in self.logs.items()}
        for entry in entries:
            log = logs.setdefault(entry.log, [])
            if entry.version == len(log) + 1:
                log.append(entry.data)
            elif not 0 < entry.version <= len(log) or log[entry.version - 1] != entry.data:
                return False
        self.logs = {name: data for name, data in logs.items() if data}
        return True

    def size(self) -> int:
        return sum(map(len, self.logs.values()))


def answer(ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what came of a question: its answer, or its error with all it says for programs."""
    try:
        return ask(*arguments, **options)
    except ConflictError as error:
        return "conflict", error.code, error.log, error.expected, error.found
    except CorruptError:
        raise
    except (CityIdError, ClockError) as error:
        return type(error), getattr(error, "code", ""), str(error)


def refused(came: object) -> bool:
    """Tell whether the registry could not do what it was asked."""
    return isinstance(came, tuple) and came[:1] == (RegistryError,)


class Schedule:
    """One random schedule."""

    def __init__(self, seed: int, folder: Path, memory: type, file: type) -> None:
        self.counted: Counter[str] = Counter()
        self._chance = random.Random(seed)  # noqa: S311 - a schedule
        self._folder = folder
        self._path = folder / "city.registry"
        self._time: datetime | None = START
        self._held: Callable[[], None] | None = None
        self._new_file = file
        self._operator = keys.generate(seed=b"the operator of a registry, 32 b")
        self._memory = memory(origin=ORIGIN, operator=self._operator, clock=self._clock)
        self._files = [self._open()]
        self._model = Model()
        self._kept: list[Checkpoint] = []
        self._walks: list[tuple[Iterator[Record], Iterator[Record]]] = []

    def _clock(self) -> datetime:
        if self._time is None:
            raise ClockError("the clock has stopped")
        return self._time

    def _open(self) -> Any:
        return self._new_file(
            self._path, origin=ORIGIN, operator=self._operator, clock=self._clock, timeout=_BUSY
        )

    def run(self) -> Counter[str]:
        """Take some steps, then compare everything."""
        steps = self._chance.randint(*_STEPS)
        work = (
            [self.append] * 5
            + [self.repeat, self.read, self.read, self.head, self.scan, self.walk, self.prove]
            + [self.keep_checkpoint, self.pass_time, self.reopen, self.join, self.leave]
            + [self.crash, self.stop_clock, self.lose_offset, self.fill_disk, self.fill_disk]
            + [self.write_in_the_way, self.write_nonsense, self.use_closed]
        )
        try:
            for _ in range(steps):
                step = self._chance.choice(work)
                step()
                self.counted[step.__name__.replace("_", " ")] += 1
            self.end()
        finally:
            for file in self._files:
                file.close()
        return self.counted + Counter(schedules=1, steps=steps, records=self._model.size())

    def _file(self) -> Any:
        return self._chance.choice(self._files)

    def _both(self, name: str, *arguments: Any, **options: Any) -> Any:
        memory = answer(getattr(self._memory, name), *arguments, **options)
        file = answer(getattr(self._file(), name), *arguments, **options)
        expect(memory == file, f"{name}{arguments}: memory says {memory}, the file says {file}")
        return memory

    def _entries(self) -> list[NewEntry]:
        """Return entries near the ends of logs: new ones, repetitions, gaps, other data."""
        lengths: dict[str, int] = {}
        entries = []
        size = self._chance.choice((0, 1, 1, 1, 2, 3, 5, 20))
        fair = self._chance.random() < 0.7
        for _ in range(size):
            log = self._chance.choice(LOGS)
            length = lengths.get(log, len(self._model.logs.get(log, ())))
            version = length + 1 if fair else max(1, length + self._chance.choice((-1, 0, 1, 1, 2)))
            entries.append(NewEntry(log, version, self._chance.choice(_DATA)))
            lengths[log] = max(length, version)
        return entries

    # --- work

    def append(self) -> None:
        """Append, and see that the model agrees on what was accepted."""
        entries = self._entries()
        came = self._both("append", entries)
        accepted = self._model.accepts(entries)
        expect(accepted == (came[:1] != ("conflict",)), f"the model disagrees with {came}")
        if accepted:
            wanted = [(e.log, e.version, e.data) for e in entries]
            expect([(r.log, r.version, r.data) for r in came] == wanted, "other entries came back")

    def repeat(self) -> None:
        """Ask again what was acknowledged."""
        records = self._memory.read(self._chance.choice(LOGS))[-3:]
        expect(self._both("append", [NewEntry(r.log, r.version, r.data) for r in records])
               == records, "a retry is answered anew")  # fmt: skip

    def read(self) -> None:
        """Read a part of a log."""
        log, after = self._chance.choice((*LOGS, "absent")), self._chance.choice((0, 0, 1, 3, 50))
        limit = self._chance.choice((None, 0, 1, 2, 7))
        records = self._both("read", log, after=after, limit=limit)
        data = self._model.logs.get(log, [])[after:]
        expect([r.data for r in records] == (data if limit is None else data[:limit]), "the model")

    def head(self) -> None:
        """Ask for the last record of a log."""
        log = self._chance.choice((*LOGS, "absent"))
        head = self._both("head", log)
        expect((head.version if head else 0) == len(self._model.logs.get(log, ())), "the model")

    def scan(self) -> None:
        """Go through all records after some place."""
        after = self._chance.choice((0, 0, 1, 5, 1000))
        memory, file = list(self._memory.scan(after)), list(self._file().scan(after))
        expect(memory == file, f"scan({after}) differs")
        expect(len(memory) == max(0, self._model.size() - after), "the model")

    def walk(self) -> None:
        """Begin a scan, or go on with one that was begun before other work."""
        if not self._walks or self._chance.random() < 0.5:
            self._walks.append((self._memory.scan(), self._files[0].scan()))
        memory, file = self._chance.choice(self._walks)
        for _ in range(self._chance.randint(0, 4)):
            expect(answer(next, memory, None) == answer(next, file, None), "two walks differ")

    def prove(self) -> None:
        """Ask for proofs, also of what is not there."""
        size = self._model.size()
        place = self._chance.randint(0, size + 1)
        self._both("prove_inclusion", place, self._chance.randint(0, size + 1))
        self._both("prove_consistency", place, self._chance.randint(0, size + 1))

    def keep_checkpoint(self) -> None:
        """Take a checkpoint, which must continue all earlier ones."""
        now = self._both("checkpoint")
        for earlier in self._kept[-3:]:
            path = self._both("prove_consistency", earlier.size, now.size)
            registry.verify_growth(earlier, now, path)
        self._kept.append(now)

    def pass_time(self) -> None:
        """Set the clock forward or back."""
        passed = timedelta(seconds=self._chance.randint(-50, 99), microseconds=7)
        self._time = (self._time or START) + passed

    # --- coming and going

    def reopen(self) -> None:
        """Close the file everywhere, and open it again."""
        self._end_walks()
        for file in self._files:
            file.close()
        self._files = [self._open()]

    def join(self) -> None:
        """Use the file by a second or third connection from now on."""
        if len(self._files) < 3:
            self._files.append(self._open())

    def leave(self) -> None:
        """Close one of several connections."""
        if len(self._files) > 1:
            self._end_walks()
            self._files.pop(self._chance.randrange(len(self._files))).close()

    def use_closed(self) -> None:
        """Ask a registry that was closed."""
        other = self._open()
        other.close()
        for ask in (other.checkpoint, lambda: other.head("a"), lambda: other.append([]),
                    lambda: list(other.scan())):  # fmt: skip
            came = answer(ask)
            expect(refused(came) and "closed" in came[2], "a closed registry answers")

    def crash(self) -> None:
        """Go on with what a killed process leaves on the disk."""
        self._end_walks()
        left = self._folder / "left"
        left.mkdir()
        for name in (self._path.name, self._path.name + "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self._folder / name, left / name)
        for file in self._files:
            file.close()
        for file in left.iterdir():
            file.replace(self._folder / file.name)
        left.rmdir()
        self._files = [self._open()]

    def _end_walks(self) -> None:
        """Forget half-read scans: the registry under them is about to close."""
        self._walks.clear()

    # --- faults

    def stop_clock(self) -> None:
        """Append while the clock fails: nothing may come of it."""
        before, self._time = self._time, None
        entries = self._entries()
        came = self._both("append", entries)
        self._time = before
        expect(came[:1] in {(ClockError,), ("conflict",)} or not self._is_new(entries, came),
               f"a clock that fails gave {came}")  # fmt: skip

    def lose_offset(self) -> None:
        """Append while the clock gives a time of no zone."""
        before, self._time = self._time, datetime(2027, 3, 14)  # noqa: DTZ001 - the fault
        entries = self._entries()
        came = self._both("append", entries)
        self._time = before
        expect(came[:1] in {(InvalidInputError,), ("conflict",)} or not self._is_new(entries, came),
               f"a time of no zone gave {came}")  # fmt: skip

    def _is_new(self, entries: Sequence[NewEntry], came: Sequence[Any]) -> bool:
        """Tell whether an append that was accepted added anything."""
        before = self._model.size()
        expect(self._model.accepts(entries), f"the model disagrees with {came}")
        return self._model.size() > before

    def fill_disk(self) -> None:
        """Append while files cannot grow past some byte, then again when they can."""
        entries = self._entries()
        file = self._file()
        held = max(p.stat().st_size for p in self._folder.iterdir() if p.is_file())
        room = self._chance.choice((0, 24, 100, 4096, 4121, 9000, 30_000))
        limit = self._chance.choice((held, self._path.stat().st_size, 0)) + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, _UNBOUND))
        try:
            came = answer(file.append, entries)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (_UNBOUND, _UNBOUND))
        failed = refused(came)
        self.counted["appends refused by a full disk"] += failed
        memory = self._memory.checkpoint()
        if failed:
            expect(file.checkpoint() == memory, "an append that was refused left something behind")
            came = answer(file.append, entries)
        expect(came == answer(self._memory.append, entries), f"after a full disk: {came}")
        self._model.accepts(entries)

    def write_in_the_way(self) -> None:
        """Append while another process is in the middle of an append."""
        entries, mine = self._entries(), self._file()
        new = len(self._model.logs.get("a", ())) + 1
        held: list[Any] = []

        def hold() -> datetime:
            held.append(answer(mine.append, entries))
            return self._time or START

        other = self._new_file(
            self._path, origin=ORIGIN, operator=self._operator, clock=hold, timeout=_BUSY
        )
        try:
            came = answer(other.append, [NewEntry("a", new, b"the other")])
        finally:
            other.close()
        expect(held and refused(held[0]), f"two writers at once: {held}")
        expect(came == self._memory.append([NewEntry("a", new, b"the other")]), "the other writer")
        self._model.accepts([NewEntry("a", new, b"the other")])

    def write_nonsense(self) -> None:
        """Append what breaks a limit, beside what does not."""
        bad = self._chance.choice((
            NewEntry("", 1, b""), NewEntry("a b", 1, b""), NewEntry("a", 0, b""),
            NewEntry("a", 1 << 60, b""), NewEntry("a", 1, "text"), None,
        ))  # fmt: skip
        came = self._both("append", [NewEntry("new", 1, b""), bad])
        expect(came[0] is InvalidInputError, f"nonsense gave {came}")

    def end(self) -> None:
        """Compare everything at the end."""
        self._end_walks()
        self.keep_checkpoint()
        for file in self._files:
            witness = Witness()
            witness.reread(file)
            expect(witness.records == list(self._memory.scan()), "the records differ")
            stored: dict[str, list[bytes]] = {}
            for record in witness.records:
                stored.setdefault(record.log, []).append(record.data)
            expect(stored == self._model.logs, "the model differs")
            file.close()
        self._memory.close()
        for ask in ("checkpoint", "scan"):
            expect(refused(answer(getattr(self._memory, ask))), "a closed registry answers")


def run(
    seed: int, count: int, folder: Path, memory: type = MemoryRegistry, file: type = FileRegistry
) -> Iterator[Counter[str]]:
    """Run the schedules of the seeds from `seed` on."""
    for number in range(seed, seed + count):
        place = folder / f"schedule-{number}"
        place.mkdir()
        try:
            yield Schedule(number, place, memory, file).run()
        except Exception as error:
            error.add_note(f"schedule {number}")
            raise
        shutil.rmtree(place)
