"""Many processes and one registry file: nothing lost, nothing doubled, whoever is killed."""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import signal
import struct
import time
from collections import Counter
from pathlib import Path

import pytest

from cityid import registry
from cityid.errors import ConflictError
from cityid.registry import NewEntry

PROCESSES = 8
APPENDS = 100
pytestmark = pytest.mark.slow


class Child:
    """A forked process that runs `work`, and tells numbers to its parent."""

    def __init__(self, work):
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self._reading)
                work(lambda number: os.write(writing, struct.pack("<I", number)))
                status = 0
            finally:
                os._exit(status)
        os.close(writing)

    def wait_for_news(self):
        select.select([self._reading], [], [], 20)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def told(self):
        """Wait for the end; return its status and what it told."""
        with os.fdopen(self._reading, "rb") as pipe:
            data = pipe.read()
        status = os.waitpid(self.pid, 0)[1]
        whole = len(data) // 4 * 4
        return status, [number for (number,) in struct.iter_unpack("<I", data[:whole])]


@pytest.fixture
def address(tmp_path):
    return f"file:{tmp_path / 'city.registry'}"


def test_eight_processes_append_to_one_log_and_to_their_own(address):
    registry.connect(address).close()

    def work(number):
        def append(_):
            with registry.connect(address) as ledger:
                done = 0
                while done < APPENDS:
                    head = ledger.head("shared")
                    version = head.version + 1 if head else 1
                    name = f"{number} {done}".encode()
                    batch = [
                        NewEntry("shared", version, name),
                        NewEntry(f"own:{number}", done + 1, name),
                    ]
                    with contextlib.suppress(ConflictError):
                        ledger.append(batch)
                        done += 1

        return append

    children = [Child(work(number)) for number in range(PROCESSES)]
    assert [child.told()[0] for child in children] == [0] * PROCESSES
    with registry.connect(address) as ledger:
        shared = ledger.read("shared")
        assert [r.version for r in shared] == list(range(1, PROCESSES * APPENDS + 1))
        written = {f"{p} {i}".encode() for p in range(PROCESSES) for i in range(APPENDS)}
        assert Counter(r.data for r in shared) == Counter(written)
        for number in range(PROCESSES):
            own = ledger.read(f"own:{number}")
            assert [r.data for r in own] == [f"{number} {i}".encode() for i in range(APPENDS)]
        everything = list(ledger.scan())
        assert [r.sequence for r in everything] == list(range(1, 2 * PROCESSES * APPENDS + 1))
        times = [r.recorded_at for r in everything]
        assert times == sorted(times)
        checkpoint = ledger.checkpoint()
        for record in everything[::97]:
            proof = registry.prove(ledger, record, checkpoint)
            registry.verify_proof(proof, record.data, origin=checkpoint.origin, operator=None)


def test_of_many_processes_one_wins_each_version(address):
    rounds = 25
    registry.connect(address).close()
    reading, writing = os.pipe()

    def compete(number):
        def work(tell):
            os.close(writing)
            lost = {}
            with registry.connect(address) as ledger:
                os.read(reading, 1)  # ends when the last of the others is ready too
                for version in range(1, rounds + 1):
                    end = time.monotonic() + 60
                    while version > 1 and len(ledger.read("prize", after=version - 2)) < 1:
                        assert time.monotonic() < end
                    try:
                        ledger.append([NewEntry("prize", version, b"%d" % number)])
                        tell(version)
                    except ConflictError as error:
                        lost[version] = error
            assert all(e.expected == v and e.found > v for v, e in lost.items())

        return work

    children = [Child(compete(number)) for number in range(PROCESSES)]
    os.close(writing)
    told = [child.told() for child in children]
    os.close(reading)
    assert [status for status, _ in told] == [0] * PROCESSES
    won = {version: number for number, (_, versions) in enumerate(told) for version in versions}
    assert sorted(version for _, versions in told for version in versions) == sorted(won)
    with registry.connect(address) as ledger:
        records = ledger.read("prize")
    assert [r.version for r in records] == list(range(1, rounds + 1))
    assert {r.version: int(r.data) for r in records} == won


def writer(address, name, seed, first):
    """Append batches of one to five, and tell the last version of each that was acknowledged."""

    def work(tell):
        sizes = random.Random(seed)  # noqa: S311 - a schedule
        version = first
        with registry.connect(address) as ledger:
            while True:
                size = sizes.randint(1, 5)
                ledger.append(
                    [NewEntry(name, version + i, content(name, version + i)) for i in range(size)]
                )
                version += size
                tell(version - 1)

    return work


def content(name, version):
    return f"{name} {version} ".encode() * (version % 40)


def ends_of_batches(seed, first, last):
    sizes = random.Random(seed)  # noqa: S311 - the writer's schedule
    ends, version = {first - 1}, first
    while version <= last:
        version += sizes.randint(1, 5)
        ends.add(version - 1)
    return ends


@pytest.mark.parametrize("watched", [True, False], ids=["beside a reader", "alone"])
def test_whenever_writers_are_killed_no_acknowledged_record_is_lost(address, watched):
    schedule = random.Random(watched)  # noqa: S311 - when to kill
    registry.connect(address).close()
    heads = dict.fromkeys("abcd", 0)
    earlier = None
    unacknowledged = kills = 0
    with registry.connect(address) if watched else contextlib.nullcontext():
        for turn in range(3):
            seeds = {name: f"{name}{turn}{watched}" for name in heads}
            children = {
                name: Child(writer(address, name, seeds[name], heads[name] + 1)) for name in heads
            }
            for name in "abcd" if turn % 2 == 0 else schedule.choice("abcd"):
                children[name].wait_for_news()
            for child in schedule.sample(list(children.values()), 4):
                time.sleep(schedule.uniform(0, 0.03))
                child.kill()
                kills += 1
            with registry.connect(address) as ledger:
                for name, child in children.items():
                    status, told = child.told()
                    assert os.WTERMSIG(status) == signal.SIGKILL
                    acknowledged = max(told, default=heads[name])
                    records = ledger.read(name)
                    last = len(records)
                    assert last >= acknowledged
                    assert [r.version for r in records] == list(range(1, last + 1))
                    assert all(r.data == content(name, r.version) for r in records)
                    assert last in ends_of_batches(seeds[name], heads[name] + 1, last)
                    unacknowledged += last > acknowledged
                    heads[name] = last
                checkpoint = ledger.checkpoint()
                assert sum(1 for _ in ledger.scan()) == checkpoint.size == sum(heads.values())
                if earlier:
                    path = ledger.prove_consistency(earlier.size, checkpoint.size)
                    registry.verify_growth(earlier, checkpoint, path)
                earlier = checkpoint
    assert kills == 12
    assert min(heads.values()) >= 2


def test_a_writer_that_got_no_answer_asks_again_and_nothing_is_doubled(address):
    batch = [NewEntry("a", v, b"%d" % v) for v in range(1, 4)]

    def work(_):
        registry.connect(address).append(batch)
        os.kill(os.getpid(), signal.SIGKILL)  # after the commit, before any acknowledgement

    Child(work).told()
    with registry.connect(address) as ledger:
        first = ledger.read("a")
        assert len(first) == 3
        assert ledger.append(batch) == first
        assert tuple(ledger.scan()) == first


def test_whenever_a_maker_is_killed_there_is_a_whole_registry_or_none(tmp_path):
    schedule = random.Random(3)  # noqa: S311 - when to kill
    started = time.monotonic()
    registry.connect(f"file:{tmp_path / 'first.registry'}").close()
    usual = time.monotonic() - started
    made = 0
    for turn in range(20):
        folder = tmp_path / str(turn)
        folder.mkdir()
        address = f"file:{folder / 'city.registry'}"

        def work(tell, address=address):
            with registry.connect(address) as ledger:
                ledger.append([NewEntry("a", 1, b"x")])
                tell(1)
                signal.pause()

        child = Child(work)
        if turn % 5 == 4:
            child.wait_for_news()
        time.sleep(schedule.uniform(0, 2 * usual))
        child.kill()
        _, told = child.told()
        there = Path(folder / "city.registry").exists()
        with registry.connect(address) as ledger:
            found = ledger.read("a")
            assert len(found) >= len(told)
            assert there or not found
            ledger.append([NewEntry("b", 1, b"y")])
        made += there
        shutil.rmtree(folder)
    assert made >= 4
