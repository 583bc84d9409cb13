"""The short form of ``make torture``, and that each torture notices what it looks for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from cityid.errors import CityIdError, CorruptError
from cityid.registry.file import FileRegistry
from cityid.registry.memory import MemoryRegistry
from torture import __main__ as command
from torture import damage, schedules
from torture.witness import BrokenPromiseError

TESTS = Path(__file__).parents[1]
TIMEOUT = 300


def python(*arguments):
    # A process of its own: it forks, limits the size of its files, and dies if it must.
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
    )


def seen(name, *options):
    done = python("-m", "torture", "--short", name, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^ +([\d,]+)  (.+)$", done.stdout, re.MULTILINE)
    return {what: int(count.replace(",", "")) for count, what in found}


@pytest.mark.slow
def test_no_kill_loses_an_acknowledged_record():
    counts = seen("kills")
    assert counts["moments"] >= 50
    assert counts["processes"] > counts["moments"]
    assert counts["records"] > 10 * counts["moments"]


@pytest.mark.slow
def test_no_damage_passes_for_the_registry_that_was():
    counts = seen("damage")
    assert counts["cases"] >= 3 * len(damage.DEEDS) * damage.END // damage.STEP
    assert counts["killed, its log: older state, exposed by the checkpoint"] > 400
    for name in ("closed", "killed, the file"):
        refused = counts[f"{name}: refused when opened"] + counts[f"{name}: refused when read"]
        assert refused > 400


@pytest.mark.slow
def test_no_crowd_loses_or_doubles_an_append():
    assert seen("crowd")["appends"] == 800


@pytest.mark.slow
def test_no_schedule_parts_the_registry_in_a_file_from_the_one_in_memory():
    counts = seen("schedules")
    assert counts["schedules"] == 500
    assert counts["steps"] > 5000
    assert counts["appends refused by a full disk"] > 100
    assert len(counts) == 23, "a step is never taken"


# --- a torture that cannot fail shows nothing


class Deaf(MemoryRegistry):
    """A registry with a fault at one place."""

    fault = ""

    def append(self, entries):
        records = super().append(entries)
        if self.fault == "append" and len(records) > 2:
            return (*records[:-1], records[0])
        return records

    def read(self, log, *, after=0, limit=None):
        return super().read(log, after=after + (self.fault == "read"), limit=limit)

    def head(self, log):
        return None if self.fault == "head" else super().head(log)

    def scan(self, after=0):
        return islice(super().scan(after), 7 if self.fault == "scan" else None)

    def prove_inclusion(self, index, size):
        path = super().prove_inclusion(index, size)
        return path[:-1] if self.fault == "proof" else path

    def close(self):
        if self.fault != "close":
            super().close()


@pytest.mark.parametrize("fault", ["append", "read", "head", "scan", "proof", "close"])
def test_schedules_notice_a_registry_that_answers_otherwise(tmp_path, monkeypatch, fault):
    monkeypatch.setattr(Deaf, "fault", fault)
    with pytest.raises(BrokenPromiseError) as caught:
        list(schedules.run(0, 40, tmp_path, memory=Deaf))
    assert "schedule" in caught.value.__notes__[0]


class Forgetful(FileRegistry):
    """A registry that acknowledges some appends it did not make."""

    def append(self, entries):
        if len(entries) == 2:
            head = self.head("a")
            if head:
                return (head,) * len(entries)
        return super().append(entries)


def test_schedules_notice_a_file_that_forgets(tmp_path):
    with pytest.raises(BrokenPromiseError):
        list(schedules.run(0, 40, tmp_path, file=Forgetful))


class Careless(FileRegistry):
    """A registry that takes every damage for the end of its records."""

    def scan(self, after=0):
        try:
            yield from super().scan(after)
        except CorruptError:
            return

    def head(self, log):
        try:
            return super().head(log)
        except CorruptError:
            return None


def test_the_damage_notices_a_registry_that_takes_damage_for_the_end(tmp_path):
    with pytest.raises(BrokenPromiseError) as caught:
        list(damage.run(0, 512, tmp_path, connect=lambda url: Careless(url[5:])))
    assert " at " in caught.value.__notes__[0]


class Hasty(FileRegistry):
    """A registry that makes itself anew where it finds damage."""

    def __init__(self, path):
        try:
            super().__init__(path)
        except CityIdError:
            for end in ("", "-wal", "-shm"):
                Path(path + end).unlink(missing_ok=True)
            super().__init__(path)


def test_the_damage_notices_a_registry_that_starts_anew(tmp_path):
    with pytest.raises(BrokenPromiseError):
        list(damage.run(0, 512, tmp_path, connect=lambda url: Hasty(url[5:])))


LOSES = """
import sys
from pathlib import Path
from cityid.registry.file import FileRegistry
from torture import crowd, kills

class Lazy(FileRegistry):
    # Keeps the last append to itself, as if a disk had not been told to keep it.
    waiting = ()

    def append(self, entries):
        if self.waiting and self.waiting[0].log == entries[0].log != "shared":
            super().append(self.waiting)
        answer = super().append(entries) if entries[0].version % 9 == 1 else None
        self.waiting = () if answer else entries
        return answer or [type("Told", (), {"version": e.version, "sequence": 1}) for e in entries]

for torture, amount in ((kills, 5), (crowd, 20)):
    folder = Path(sys.argv[1]) / torture.__name__
    folder.mkdir()
    try:
        list(torture.run(0, amount, folder, connect=lambda url: Lazy(url[5:])))
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_kills_and_crowd_notice_what_was_acknowledged_too_early(tmp_path):
    told = python("-c", LOSES, str(tmp_path)).stdout.splitlines()
    assert len(told) == 2, told
    assert all(line.startswith("BrokenPromiseError") for line in told), told


class Doubling(FileRegistry):
    """A registry whose clock runs backwards where it is read."""

    def scan(self, after=0):
        for record in super().scan(after):
            yield type(record)(
                record.log,
                record.version,
                record.data,
                record.recorded_at - timedelta(seconds=record.sequence),
                record.evidence,
                record.sequence,
            )


def test_the_witness_notices_a_time_that_was_changed(tmp_path):
    with pytest.raises(BrokenPromiseError, match=r"time|root"):
        list(damage.run(0, 4096, tmp_path, connect=lambda url: Doubling(url[5:])))


# --- the command


def test_the_command_says_how_to_repeat_a_failure(monkeypatch, capsys):
    def fails(seed, amount, folder):
        yield from schedules.run(seed, 3, folder)
        raise BrokenPromiseError(f"of {amount}")

    this = command.Torture(fails, "schedules", 9, 5, "schedules", swift=False)
    monkeypatch.setitem(command.TORTURES, "schedules", this)
    monkeypatch.setattr(sys, "argv", ["torture", "schedules", "--seed", "70", "--short"])
    assert command.main() == 1
    told = capsys.readouterr().out
    assert "python -m torture schedules --seed 73 --amount 1" in told
    assert "A PROMISE WAS BROKEN" in told
    assert re.search(r"^ +3  schedules$", told, re.MULTILINE)


def test_an_unknown_torture_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["torture", "rack"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there is no rack" in capsys.readouterr().err
