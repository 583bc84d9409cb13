"""Resolving DIDs, and the registry in a file, which waits for the disk."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import documents
from benchmarks.measure import Row, Times, interleaved, shown
from cityid import did, registry
from cityid.registry import NewEntry

_DISTINCT = 500
_BATCH = 1000
_DATA = b"x" * 577


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


def _rate(title: str, seconds: float, target: float) -> Row:
    return Row(title, 1 / seconds, "/s", f"{shown(seconds)} each", target)


def registries(rounds: int) -> Iterator[Row]:
    """Measure durable appends against bare SQLite with the same promises, on the same disk."""
    with (
        TemporaryDirectory() as folder,
        registry.connect(f"file:{folder}/city.registry") as city,
    ):
        numbers = count()

        def append(size: int) -> None:
            city.append([NewEntry(f"log-{next(numbers)}", 1, _DATA) for _ in range(size)])

        bare = _sqlite(Path(folder) / "bare.sqlite")

        def insert(size: int) -> None:
            bare.execute("BEGIN IMMEDIATE")
            rows = [(f"log-{next(numbers)}", _DATA) for _ in range(size)]
            bare.executemany("INSERT INTO record (log, data) VALUES (?, ?)", rows)
            bare.execute("COMMIT")

        single: Times = interleaved(
            {"append": lambda: append(1), "SQLite commit": lambda: insert(1)},
            rounds=rounds,
            clock=time.perf_counter,
        )
        batch: Times = interleaved(
            {"append": lambda: append(_BATCH), "SQLite commit": lambda: insert(_BATCH)},
            rounds=max(5, rounds // 5),
            clock=time.perf_counter,
        )
        bare.close()
    yield single.row("registry file, one durable append", "append", "SQLite commit")
    yield batch.row(f"registry file, {_BATCH} entries an append", "append", "SQLite commit")
    seconds = batch.median("append") / _BATCH
    yield Row("registry file, entries in batches", 1 / seconds, "/s", f"{shown(seconds)} each")


def _sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY, log TEXT, data BLOB)")
    return connection
