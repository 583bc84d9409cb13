"""Resolving DIDs, and the registry in a file, which waits for the disk."""

from __future__ import annotations

import contextlib
import hashlib
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import documents
from benchmarks.measure import Row, Times, Work, interleaved, shown
from cityid import did
from cityid.registry import NewEntry
from cityid.registry.file import FileRegistry

_DISTINCT = 500
_BATCH = 1000
_FEW, _MANY = 1000, 1_000_000
_DATA = b"x" * 577
_LEAF = bytes(range(32))
_AUDIT = """
import resource, sys, time
from cityid import registry
with registry.connect("file:" + sys.argv[1]) as city:
    start = time.process_time()
    audit = registry.audit(city)
    seconds = time.process_time() - start
print(audit.size, bool(audit), seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def resolving(rounds: int) -> Iterator[Row]:
    """Measure did:key: DIDs that were never seen before, and one that was."""
    dids = [str(documents.identity(f"resident {index}").did) for index in range(_DISTINCT)]
    warm = did.resolver()

    def distinct() -> None:
        resolve = did.resolver().resolve
        for each in dids:
            resolve(each)

    times = interleaved(
        {"distinct": distinct, "repeated": lambda: warm.resolve(dids[0])}, rounds=rounds
    )
    yield _rate("did:key resolve, distinct", times.median("distinct") / _DISTINCT, 20_000)
    yield _rate("did:key resolve, repeated", times.median("repeated"), 100_000)


def registries(rounds: int) -> Iterator[Row]:
    """Measure durable appends against bare SQLite with the same promises, on the same disk."""
    with (
        TemporaryDirectory() as folder,
        FileRegistry(f"{folder}/city.registry") as city,
        contextlib.closing(_sqlite(Path(folder) / "bare.sqlite")) as bare,
    ):
        names = _names()
        single, batch = (
            interleaved(
                {
                    "append": _appending(city, names, size),
                    "SQLite commit": _inserting(bare, names, size),
                },
                rounds=turns,
                clock=time.perf_counter,
            )
            for size, turns in ((1, rounds * 4), (_BATCH, max(15, rounds // 2)))
        )
        yield single.row("registry file, one durable append", "append", "SQLite commit", 0.7)
        yield batch.row(
            f"registry file, {_BATCH} entries an append", "append", "SQLite commit", 0.6
        )
        yield _rate("registry file, entries in batches", batch.median("append") / _BATCH)
        yield from _proving(city, rounds)


def large_registry(rounds: int) -> Iterator[Row]:
    """Measure a registry with a million logs: how it reads, proves, and is audited. Minutes."""
    with (
        TemporaryDirectory() as folder,
        FileRegistry(f"{folder}/few") as few,
        FileRegistry(f"{folder}/many") as many,
    ):
        logs = _filled(few, _FEW), _filled(many, _MANY)
        one = logs[0][_FEW // 2]  # the first names are the same in both
        reads = interleaved(
            {
                "one of 1,000": lambda: few.read(one),
                "one of 1,000,000": lambda: many.read(one),
                "any of 1,000": _reading(few, logs[0]),
                "any of 1,000,000": _reading(many, logs[1]),
            },
            rounds=rounds,
        )
        yield _growth(reads, "one", 1.3)
        yield _growth(reads, "any", None)
        yield from _proving(many, rounds)
        yield from _auditing(f"{folder}/many")


def _growth(reads: Times, which: str, target: float | None) -> Row:
    """Return by how much longer a read takes where there are more logs."""
    small, large = f"{which} of 1,000", f"{which} of 1,000,000"
    detail = f"{shown(reads.median(large))} against {shown(reads.median(small))}"
    title = f"registry file, time to read {which} of 1,000,000 logs"
    return Row(title, reads.rate(small, large), "x", detail, target, at_most=True)


def _rate(title: str, seconds: float, target: float | None = None) -> Row:
    return Row(title, 1 / seconds, "/s", f"{shown(seconds)} each", target)


def _names() -> Iterator[str]:
    """Give the names of new logs: in no order, as DIDs are."""
    for number in count():
        digest = hashlib.sha256(b"%d" % number).hexdigest()
        yield f"did:webvh:Qm{digest[:44]}:city.example"


def _appending(city: FileRegistry, names: Iterator[str], size: int) -> Work:
    return lambda: city.append([NewEntry(name, 1, _DATA) for name in islice(names, size)])


def _inserting(bare: sqlite3.Connection, names: Iterator[str], size: int) -> Work:
    def insert() -> None:
        now = time.time_ns() // 1000
        rows = [(name, 1, now, _LEAF, _DATA) for name in islice(names, size)]
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany(
            "INSERT INTO record (log, version, recorded_at, leaf, data) VALUES (?, ?, ?, ?, ?)",
            rows,
        )
        bare.execute("COMMIT")

    return insert


def _sqlite(path: Path) -> sqlite3.Connection:
    """Return bare SQLite with the settings of a registry: one table, its unique indexes."""
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute(
        "CREATE TABLE record (sequence INTEGER PRIMARY KEY, log TEXT NOT NULL, "
        "version INTEGER NOT NULL, recorded_at INTEGER NOT NULL, leaf BLOB NOT NULL, "
        "data BLOB NOT NULL, UNIQUE (log, version)) STRICT"
    )
    return connection


def _filled(city: FileRegistry, size: int) -> list[str]:
    """Give a registry so many logs; return their names."""
    logs = list(islice(_names(), size))
    step = min(size, 10_000)
    for start in range(0, size, step):
        city.append([NewEntry(name, 1, _DATA) for name in logs[start : start + step]])
    return logs


def _reading(city: FileRegistry, logs: list[str]) -> Work:
    chance = random.Random(7)  # noqa: S311 - which log, not a secret
    return lambda: city.read(chance.choice(logs))


def _proving(city: FileRegistry, rounds: int) -> Iterator[Row]:
    size = city.checkpoint().size
    chance = random.Random(7)  # noqa: S311 - which record, not a secret
    times = interleaved(
        {"proof": lambda: city.prove_inclusion(chance.randrange(size), size)},
        rounds=max(5, rounds // 5),
    )
    seconds = times.median("proof")
    yield Row(f"registry file, inclusion proof among {size:,}", seconds * 1e6, "µs")


def _auditing(path: str) -> Iterator[Row]:
    """Measure an audit in a process of its own, for its memory."""
    command = [sys.executable, "-c", _AUDIT, path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    size, good, seconds, resident = done.stdout.split()
    if good != "True":
        raise RuntimeError("the audit found damage")
    yield _rate(f"registry file, audit of {int(size):,} records", float(seconds) / int(size))
    megabytes = int(resident) / 1024
    yield Row("registry file, memory of that audit", megabytes, "MiB", "", 300, at_most=True)
