"""Files of a known kind: how they are made, refused, shared, and what SQLite's troubles mean."""

from __future__ import annotations

import os
import sqlite3
import weakref
from pathlib import Path

import pytest

from cityid.errors import (
    Code,
    ConflictError,
    CorruptError,
    InvalidInputError,
    RegistryError,
    UnsupportedError,
)
from cityid.sqlite import Database, Kind, connection, creation, database, resolve

ROLL = Kind(
    noun="roll",
    application=b"test",
    format=3,
    tables=("CREATE TABLE name (name TEXT PRIMARY KEY) STRICT",),
    remedy="ask the clerk",
)
SECRET_ROLL = Kind("roll", b"test", 3, ROLL.tables, "ask the clerk", private=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "roll"


def enrol(name):
    return lambda new: new.execute("INSERT INTO name VALUES (?)", (name,))


def opened(path, kind=ROLL, **options):
    return Database.open(path, kind, timeout=0.05, **options)


def names(roll):
    with roll.transaction() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM name ORDER BY name")]


def test_a_new_file_has_its_first_rows_and_an_old_one_is_not_filled_again(path):
    roll = opened(path, fill=enrol("Ada"))
    assert names(roll) == ["Ada"]
    roll.close()
    assert names(opened(path, fill=enrol("Bob"))) == ["Ada"]
    assert names(opened(str(path))) == ["Ada"]


def test_a_file_that_is_to_be_there_is_not_made(path):
    with pytest.raises(CorruptError, match=r"roll .* gone.*ask the clerk") as caught:
        Database(path, ROLL, timeout=1)
    assert caught.value.place == str(path)
    assert list(path.parent.iterdir()) == []


def begin_and_fail(roll, error):
    with roll.transaction(write=True) as writing:
        enrol("Bob")(writing)
        raise error


def test_work_is_done_whole_or_not_at_all(path):
    roll = opened(path)
    with roll.transaction(write=True) as writing:
        enrol("Ada")(writing)
    for error in (
        ConflictError("x", log="a", expected=1, found=2),
        CorruptError("x", place="x"),
        KeyError(),
    ):
        with pytest.raises(type(error)):
            begin_and_fail(roll, error)
    assert names(roll) == ["Ada"]


@pytest.mark.parametrize(
    ("other", "error", "said"),
    [
        (Kind("list", b"TEST", 3, ROLL.tables, ""), CorruptError, "not a list of cityid"),
        (Kind("roll", b"test", 4, ROLL.tables, ""), UnsupportedError, "format 3"),
        (Kind("roll", b"test", 3, ("CREATE TABLE other (x)",), ""), CorruptError, "tables"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_left_alone(path, other, error, said):
    opened(path).close()
    before = path.read_bytes()
    with pytest.raises(error, match=said):
        opened(path, other)
    assert path.read_bytes() == before


def test_what_is_private_is_refused_once_others_may_read_it(path):
    roll = opened(path, SECRET_ROLL)
    assert names(roll) == []
    path.chmod(0o640)
    for ask in (lambda: names(roll), lambda: opened(path, SECRET_ROLL)):
        with pytest.raises(InvalidInputError, match="chmod 600") as caught:
            ask()
        assert caught.value.code is Code.INSECURE_PERMISSIONS
    assert names(opened(path)) == []


def test_a_rest_of_a_file_is_no_place_for_a_new_one(path):
    path.with_name("roll-wal").write_bytes(b"what was acknowledged")
    with pytest.raises(CorruptError, match="write-ahead log"):
        opened(path)


def test_of_two_that_make_a_file_the_first_wins(path):
    creation.create(path, ROLL, timeout=1, fill=enrol("Ada"))
    creation.create(path, ROLL, timeout=1, fill=enrol("Bob"))
    assert names(opened(path)) == ["Ada"]
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_a_folder_that_is_not_there_is_told(path):
    with pytest.raises(RegistryError, match=r"roll .* cannot be made"):
        opened(path / "x" / "roll")
    path.write_bytes(b"")
    with pytest.raises(RegistryError, match=r"roll .* cannot be reached"):
        Database(path / "roll", ROLL, timeout=1)


@pytest.mark.parametrize("bad", ["", "a\x00b", "\ud800", b"bytes", None, 5])
def test_what_is_no_path_is_refused(bad):
    with pytest.raises(InvalidInputError):
        resolve(bad)


def test_a_writer_in_the_way_is_waited_for_then_told(path):
    roll = opened(path)
    with (
        opened(path).transaction(write=True),
        pytest.raises(RegistryError, match="try again") as caught,
        roll.transaction(write=True),
    ):
        pass
    assert caught.value.code is Code.STORE_LOCKED
    assert names(roll) == []


def test_a_closed_file_takes_back_the_connection_that_is_in_use(path):
    roll = opened(path)
    with roll.transaction() as reading:
        roll.close()
        assert reading.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        reading.execute("SELECT 1")
    with pytest.raises(RegistryError, match=r"roll .* was closed"):
        names(roll)


def test_another_file_in_its_place_is_noticed(path):
    roll = opened(path)
    opened(path.with_name("other")).close()
    path.with_name("other").replace(path)
    with pytest.raises(RegistryError, match="replaced"):
        names(roll)


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("name", ["roll-wal", "roll-shm"])
def test_a_removed_file_beside_it_is_noticed(path, name, settled):
    roll = opened(path, fill=enrol("Ada"))
    assert names(roll) == ["Ada"]
    if settled:
        os.utime(path.parent, (1e9, 1e9))
    for _ in range(2):
        assert names(roll) == ["Ada"]
    assert [connection.seen is not None for connection in roll._pool.idle] == [settled]
    path.with_name(name).unlink()
    for _ in range(2):
        with pytest.raises(RegistryError, match="beside"):
            names(roll)


def test_damage_that_comes_before_the_first_use_is_told(path):
    roll = opened(path)
    path.write_bytes(b"x" * 5000)
    with pytest.raises(CorruptError):
        names(roll)


def test_a_log_that_cannot_be_opened_is_told(path):
    roll = opened(path)
    path.with_name("roll-wal").unlink(missing_ok=True)
    path.with_name("roll-wal").mkdir()
    with pytest.raises(RegistryError, match="cannot be opened"):
        names(roll)


def test_a_connection_that_cannot_read_is_closed(path, monkeypatch):
    opening = []

    def refusing(*arguments, **options):
        opening.append(connection.connect(*arguments, **options))
        opening[0].set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
        return opening[0]

    roll = opened(path)
    monkeypatch.setattr(database, "connect", refusing)
    with pytest.raises(RegistryError, match="not authorized"):
        names(roll)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opening[0].execute("SELECT 1")


def test_other_files_may_come_and_go_beside_it(path):
    roll = opened(path, fill=enrol("Ada"))
    for turn in range(3):
        path.with_name(f"other{turn}").write_bytes(b"")
        assert names(roll) == ["Ada"]
    roll._folder = str(path.with_name("missing"))
    with pytest.raises(RegistryError, match="beside"):
        names(roll)


def test_a_child_gives_up_what_it_inherited():
    # Other tests do it in a child, where no coverage is measured.
    idle = sqlite3.connect(":memory:", check_same_thread=False)
    pool = database._Pool(lambda: idle, idle=[idle])
    database._after_fork(weakref.ref(pool))
    assert (pool.idle, pool.lost) == ([], "")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        idle.execute("SELECT 1")
    used = sqlite3.connect(":memory:")
    pool.used.add(used)
    database._after_fork(weakref.ref(pool))
    assert "forked" in pool.lost
    used.execute("SELECT 1")
    used.close()
    gone = weakref.ref(pool)
    del pool
    database._after_fork(gone)


def test_text_of_sqlite_that_is_not_utf_8_is_damage(path):
    with pytest.raises(CorruptError, match="UTF-8"), connection.translated(path, ROLL):
        b"\xff".decode()


def test_memory_that_runs_out_is_told(path):
    with pytest.raises(RegistryError, match="memory"), connection.translated(path, ROLL):
        raise MemoryError


def test_a_connection_that_cannot_be_set_up_is_closed(path, monkeypatch):
    path.write_bytes(b"x" * 5000)
    monkeypatch.setattr(connection, "_SETTINGS", ("PRAGMA journal_mode",))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(CorruptError):
        connection.connect(path, ROLL, mode="rw", timeout=1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
