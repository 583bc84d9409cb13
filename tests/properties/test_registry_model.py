"""Random work on a registry in memory and one in a file or on a chain: they always answer alike.

All are also compared with a model of a few lines that shares no code with them.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cityid import keys, registry
from cityid.errors import ConflictError, InvalidInputError, RegistryError
from cityid.registry import Checkpoint, NewEntry, Record
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.file import FileRegistry
from cityid.registry.memory import MemoryRegistry

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
LOGS = st.sampled_from(["a", "b", "did:webvh:x", "~"])
NUMBERS = st.integers(0, 12)
SWIFT = Path("/dev/shm")  # noqa: S108 - a disk in memory: what is compared is answers, not durability


class Model:
    """What a registry is, in the fewest words."""

    def __init__(self):
        self.records = []

    def log(self, name):
        return [r for r in self.records if r[0] == name]

    def append(self, entries, time):
        new, answers = list(self.records), []
        for entry in entries:
            versions = [r for r in new if r[0] == entry.log]
            if 0 < entry.version <= len(versions):
                if versions[entry.version - 1][2] != entry.data:
                    return None
            elif entry.version == len(versions) + 1:
                new.append((entry.log, entry.version, entry.data, time, len(new) + 1))
            else:
                return None
            answers.append([r for r in new if r[0] == entry.log][entry.version - 1])
        self.records = new
        return answers


def told(records):
    return [(r.log, r.version, r.data, r.recorded_at, r.sequence) for r in records]


def answer(ask, *arguments, **options):
    """What came of a question: its answer, or its error with all it says for programs."""
    try:
        return ask(*arguments, **options)
    except ConflictError as error:
        return ("conflict", error.code, error.log, error.expected, error.found)
    except (InvalidInputError, RegistryError) as error:
        return (type(error), error.code, str(error))


class Registries(RuleBasedStateMachine):
    """Do the same to both registries and compare."""

    def __init__(self):
        super().__init__()
        self.time = datetime(2027, 3, 14, 9, tzinfo=UTC)
        self.latest = None
        self.folder = Path(tempfile.mkdtemp(dir=SWIFT if SWIFT.is_dir() else None))
        self.path = self.folder / "city.registry"
        self.model = Model()
        self.memory = MemoryRegistry(origin=ORIGIN, operator=OPERATOR, clock=self.clock)
        self.file = self.open()
        self.checkpoints = []

    def clock(self):
        return self.time

    def open(self):
        return FileRegistry(self.path, origin=ORIGIN, operator=OPERATOR, clock=self.clock)

    def teardown(self):
        self.file.close()
        shutil.rmtree(self.folder)

    def both(self, name, *arguments, **options):
        memory = answer(getattr(self.memory, name), *arguments, **options)
        file = answer(getattr(self.file, name), *arguments, **options)
        assert memory == file, name
        return memory

    @initialize()
    def begin(self):
        self.compare()

    @rule(
        wishes=st.lists(
            st.tuples(LOGS, st.integers(-2, 1), st.sampled_from([b"", b"x", b"y" * 5000])),
            max_size=6,
        )
    )
    def append(self, wishes):
        """Append near the end of each log: new entries, repetitions, gaps, other data."""
        lengths, entries = {}, []
        for log, offset, data in wishes:
            length = lengths.get(log, len(self.model.log(log)))
            version = length + 1 + offset
            entries.append(NewEntry(log, version, data))
            lengths[log] = max(length, version)
        time = max(self.time, self.latest or self.time)
        came = self.both("append", entries)
        if any(entry.version < 1 for entry in entries):
            assert came[0] is InvalidInputError
            return
        before = len(self.model.records)
        expected = self.model.append(entries, time)
        if expected is None:
            assert came[0] == "conflict"
        else:
            assert told(came) == expected
        if len(self.model.records) > before:
            self.latest = time

    @rule(log=LOGS, size=st.integers(1, 40))
    def append_many(self, log, size):
        """Grow past the levels of the tree that the file stores."""
        first = len(self.model.log(log)) + 1
        entries = [NewEntry(log, first + i, b"%d" % i) for i in range(size)]
        time = max(self.time, self.latest or self.time)
        assert told(self.both("append", entries)) == self.model.append(entries, time)
        self.latest = time

    @rule(log=LOGS)
    def repeat(self, log):
        """Ask again what was acknowledged."""
        records = self.memory.read(log)[-3:]
        entries = [NewEntry(r.log, r.version, r.data) for r in records]
        assert self.both("append", entries) == records

    @rule(log=LOGS, after=NUMBERS, limit=st.none() | NUMBERS)
    def read(self, log, after, limit):
        records = self.model.log(log)[after:]
        expected = records if limit is None else records[:limit]
        assert told(self.both("read", log, after=after, limit=limit)) == expected

    @rule(log=LOGS)
    def head(self, log):
        head = self.both("head", log)
        assert ([] if head is None else told([head])) == self.model.log(log)[-1:]

    @rule(after=NUMBERS)
    def scan(self, after):
        assert list(self.memory.scan(after)) == list(self.file.scan(after))
        assert told(self.file.scan(after)) == self.model.records[after:]

    @rule()
    def keep_a_checkpoint(self):
        checkpoint = self.both("checkpoint")
        assert checkpoint.size == len(self.model.records)
        self.checkpoints.append(checkpoint)

    @rule(index=st.integers(0, 200), size=st.integers(0, 200))
    def prove(self, index, size):
        self.both("prove_inclusion", index, size)
        self.both("prove_consistency", index, size)

    @rule(seconds=st.integers(-100, 100))
    def pass_time(self, seconds):
        self.time += timedelta(seconds=seconds, microseconds=7)

    @rule()
    def reopen(self):
        self.file.close()
        self.file = self.open()

    @rule()
    def join_another_process(self):
        """Go on through a second registry on the same file, the first still open."""
        first, self.file = self.file, self.open()
        first.append([])
        first.close()

    @rule()
    def crash(self):
        """Go on with what a killed process leaves on the disk."""
        left = self.folder / "left"
        left.mkdir()
        for file in ("city.registry", "city.registry-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self.folder / file, left / file)
        self.file.close()
        for file in left.iterdir():
            file.replace(self.folder / file.name)
        left.rmdir()
        self.file = self.open()

    @invariant()
    def compare(self):
        checkpoint = self.both("checkpoint")
        for earlier in self.checkpoints[-3:]:
            path = self.both("prove_consistency", earlier.size, checkpoint.size)
            registry.verify_growth(earlier, checkpoint, path)


Registries.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRegistries = Registries.TestCase


def placed(answer):
    """An answer without times, and without what follows from them: a chain has its own."""
    if isinstance(answer, Checkpoint):
        return answer.origin, answer.size
    if isinstance(answer, Record):
        return answer._replace(recorded_at=None, evidence=None)
    if isinstance(answer, bytes):
        return len(answer)
    return tuple(map(placed, answer)) if isinstance(answer, tuple) else answer


class OnAChain(Registries):
    """The same, with a registry on a chain in place of the file."""

    def open(self):
        self.signer = keys.generate("secp256k1", seed=b"the clerk of a registry, 32 byte")
        self.grown = []
        return registry.connect(
            "ethereum+tester:",
            origin=ORIGIN,
            operator=OPERATOR,
            clock=self.clock,
            signer=self.signer,
        )

    def both(self, name, *arguments, **options):
        memory = answer(getattr(self.memory, name), *arguments, **options)
        chain = answer(getattr(self.file, name), *arguments, **options)
        assert placed(memory) == placed(chain), name
        return memory

    @rule(after=NUMBERS)
    def scan(self, after):
        records = tuple(self.file.scan(after))
        assert placed(records) == placed(tuple(self.memory.scan(after)))
        times = [r.recorded_at for r in self.file.scan()]
        assert times == sorted(times)

    @rule()
    def reopen(self):
        """Go on as another process does, with the same key."""
        first = self.file
        chain = first.contract.chain
        sender = Sender(chain, self.signer, poll=0.01)
        self.file = EthereumRegistry(
            first.contract, origin=ORIGIN, operator=OPERATOR, sender=sender
        )

    join_another_process = None

    @rule(log=LOGS, size=st.integers(1, 4))
    def crash(self, log, size):
        """Die before the answer comes; the next process asks again."""
        first = len(self.model.log(log)) + 1
        entries = [NewEntry(log, first + i, b"%d" % i) for i in range(size)]
        for entry in entries:
            self.file.submit([entry])
        self.reopen()
        time = max(self.time, self.latest or self.time)
        assert told(self.both("append", entries)) == self.model.append(entries, time)
        self.latest = time

    @invariant()
    def compare(self):
        assert self.both("checkpoint").size == len(self.model.records)
        self.grown = [*self.grown[-3:], self.file.checkpoint()]
        for earlier in self.grown:
            path = self.file.prove_consistency(earlier.size, self.grown[-1].size)
            registry.verify_growth(earlier, self.grown[-1], path)


OnAChain.TestCase.settings = settings(
    Registries.TestCase.settings, max_examples=8, stateful_step_count=20
)
TestOnAChain = OnAChain.TestCase
