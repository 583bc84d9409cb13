"""Challenges that count once."""

from __future__ import annotations

import os
import pickle
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityid import nonces
from cityid.encoding import base64url_decode
from cityid.errors import Code, CorruptError, InvalidInputError, RegistryError, UnsupportedError
from cityid.nonces import FileNonces, MemoryNonces, NonceStore, fresh_nonce

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(params=["memory", "file"])
def make(request, tmp_path):
    def build(*, issued_only: bool = False) -> NonceStore:
        if request.param == "memory":
            return MemoryNonces(issued_only=issued_only)
        return FileNonces(tmp_path / "nonces", issued_only=issued_only)

    return build


def test_a_fresh_nonce_has_256_bits_and_none_is_like_another():
    assert len(base64url_decode(fresh_nonce(), max_length=100)) == 32
    assert fresh_nonce() != fresh_nonce()
    assert fresh_nonce(bytes) == "A" * 43


def test_each_nonce_counts_once(make):
    store = make()
    assert store.use("a", at=NOW)
    assert store.use("b", at=NOW)
    assert not store.use("a", at=NOW)
    assert not store.use("b", at=LATER)


def test_an_issued_nonce_counts_once_before_it_expires(make):
    store = make()
    store.issue("a", expires=SOON)
    assert store.use("a", at=NOW)
    assert not store.use("a", at=NOW)
    store.issue("late", expires=SOON)
    assert not store.use("late", at=SOON)


def test_a_store_of_issued_nonces_refuses_others(make):
    store = make(issued_only=True)
    store.issue("issued", expires=SOON)
    assert not store.use("foreign", at=NOW)
    assert store.use("issued", at=NOW)


def test_a_nonce_is_issued_once(make):
    store = make()
    store.issue("a", expires=SOON)
    store.use("b", at=NOW)
    for nonce in ("a", "b"):
        with pytest.raises(InvalidInputError) as caught:
            store.issue(nonce, expires=LATER)
        assert caught.value.code is Code.INVALID_OPTIONS


def test_an_answer_at_the_limit_comes_too_late(make):
    store = make()
    assert not store.use("a", at=SOON, expires=SOON)
    assert store.use("a", at=SOON - SECOND, expires=SOON)


def test_expired_nonces_are_forgotten_and_still_refused(make):
    store = make()
    assert store.use("a", at=NOW, expires=SOON)
    assert store.use("b", at=LATER)  # purges
    assert not store.use("a", at=NOW, expires=SOON)
    assert store.use("c", at=NOW, expires=SOON + SECOND)


def test_an_issued_nonce_that_was_forgotten_is_unknown(make):
    store = make(issued_only=True)
    store.issue("a", expires=SOON)
    assert not store.use("other", at=LATER)
    assert not store.use("a", at=NOW)


def test_a_purge_takes_a_bounded_number_the_oldest_first(tmp_path):
    path = tmp_path / "nonces"
    store = FileNonces(path)
    for index in range(70):
        store.issue(str(index), expires=NOW + index * SECOND)
    assert store.use("x", at=LATER)
    assert _rows(path) == 70 - 64 + 1
    assert store.use("y", at=LATER)
    assert _rows(path) == 2


def _rows(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT count(*) FROM nonce").fetchone()[0]
    finally:
        database.close()


@pytest.mark.parametrize("nonce", ["", None, 7, b"bytes"])
def test_a_nonce_is_text(make, nonce):
    with pytest.raises(InvalidInputError):
        make().use(nonce, at=NOW)


def test_any_text_is_a_nonce(make):
    store = make()
    for nonce in ("x" * 100_000, "é", "\ud800", "'; DROP TABLE nonce; --"):
        assert store.use(nonce, at=NOW)
        assert not store.use(nonce, at=NOW)


def test_a_naive_time_is_refused(make):
    with pytest.raises(InvalidInputError):
        make().use("a", at=datetime(2026, 11, 21))  # noqa: DTZ001 - the naive time under test


def test_a_refused_call_leaves_the_store_usable(make):
    store = make()
    store.issue("a", expires=SOON)
    with pytest.raises(InvalidInputError):
        store.issue("a", expires=SOON)
    assert store.use("a", at=NOW)


def test_a_store_in_memory_is_closed_when_nobody_holds_it():
    store = MemoryNonces()
    database = store._database._connection
    del store
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.execute("SELECT 1")


def test_the_file_is_its_owners_alone_and_nothing_else_is_left(tmp_path):
    store = FileNonces(tmp_path / "nonces")
    store.use("a", at=NOW)
    assert {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()} == {0o600}
    store.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["nonces"]
    with pytest.raises(RegistryError, match="closed"):
        store.use("b", at=NOW)


def test_a_pickled_store_is_the_same_store_and_makes_no_file(tmp_path):
    store = FileNonces(tmp_path / "nonces", issued_only=True)
    store.issue("a", expires=SOON)
    pickled = pickle.dumps(store)
    other = pickle.loads(pickled)  # noqa: S301 - written above
    assert other.use("a", at=NOW)
    assert not store.use("a", at=NOW)
    assert not other.use("foreign", at=NOW)
    (tmp_path / "nonces").unlink()
    with pytest.raises(CorruptError, match="gone"):
        pickle.loads(pickled)  # noqa: S301 - written above


def test_the_file_survives_a_restart(tmp_path):
    assert FileNonces(tmp_path / "nonces").use("a", at=NOW)
    assert not FileNonces(tmp_path / "nonces").use("a", at=NOW)


def test_two_that_make_the_file_at_once_share_it(tmp_path, monkeypatch):
    path = tmp_path / "nonces"
    first = FileNonces(path)
    assert first.use("a", at=NOW)
    seen = iter([False, False])  # the second looked before the first was done
    monkeypatch.setattr(os.path, "exists", lambda _path: next(seen))
    second = FileNonces(path)
    assert not second.use("a", at=NOW)


def test_a_later_format_is_told(tmp_path):
    path = tmp_path / "nonces"
    FileNonces(path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(UnsupportedError, match="format 2"):
        FileNonces(path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RegistryError) as caught:
        FileNonces(tmp_path / "no" / "nonces")
    assert caught.value.code is Code.REGISTRY_UNAVAILABLE


def test_a_store_held_by_another_writer_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("cityid.nonces._PATIENCE_SECONDS", 0.05)
    path = tmp_path / "nonces"
    store = FileNonces(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(RegistryError) as caught:
            store.use("a", at=NOW)
        assert caught.value.code is Code.STORE_LOCKED
    finally:
        other.close()
    assert store.use("a", at=NOW)


def test_a_trouble_after_which_sqlite_rolled_back_itself_is_the_one_told():
    store = MemoryNonces()
    with pytest.raises(sqlite3.OperationalError, match="disk full"):
        _fail_after_rollback(store)
    assert store.use("a", at=NOW)


def _fail_after_rollback(store):
    with store._transaction() as database:
        database.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk full")


def test_a_store_whose_index_lost_a_row_is_refused(tmp_path):
    path = tmp_path / "nonces"
    FileNonces(path).issue("a", expires=SOON)
    database = sqlite3.connect(path)
    index, size = (
        database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'nonce_expires'"),
        database.execute("PRAGMA page_size"),
    )
    start = (index.fetchone()[0] - 1) * size.fetchone()[0]
    database.close()
    content = bytearray(path.read_bytes())
    content[start + 3 : start + 5] = bytes(2)  # the page has no cells
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="damaged"):
        FileNonces(path)


def test_a_full_disk_is_the_worlds_fault(tmp_path, monkeypatch):
    store = FileNonces(tmp_path / "nonces")
    monkeypatch.setattr(nonces, "_purge", _full_disk)
    with pytest.raises(RegistryError) as caught:
        store.use("a", at=NOW)
    assert caught.value.code is Code.REGISTRY_UNAVAILABLE
    monkeypatch.undo()
    assert store.use("a", at=NOW)  # the whole transaction was undone


def _full_disk(_database, _now):
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def test_a_store_in_memory_belongs_to_one_process(monkeypatch):
    store = MemoryNonces()
    monkeypatch.setattr(store._database, "_process", 0)  # as in a forked child
    with pytest.raises(RegistryError, match="fork"):
        store.use("a", at=NOW)
