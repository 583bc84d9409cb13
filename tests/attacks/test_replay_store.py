"""The same answer shown twice: by many processes at once, after a restart, over a broken file."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from subprocess import PIPE

import pytest

from cityid.errors import CityIdError, Code, CorruptError, InvalidInputError
from cityid.nonces import FileNonces, MemoryNonces, fresh_nonce

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RACERS = 8


RACER = """
import json, sys
from datetime import datetime
from cityid.nonces import FileNonces
path, moment, *nonces = sys.argv[1:]
store = FileNonces(path)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([store.use(nonce, at=datetime.fromisoformat(moment)) for nonce in nonces]))
"""


def test_of_eight_processes_at_once_exactly_one_is_accepted_also_after_a_restart(tmp_path):
    path = tmp_path / "nonces"
    nonces = [fresh_nonce() for _ in range(5)]
    command = [sys.executable, "-c", RACER, str(path), NOW.isoformat(), *nonces]
    with contextlib.ExitStack() as stack:
        racers = [
            stack.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True))
            for _ in range(RACERS)
        ]
        assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * RACERS
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        rows = [json.loads(racer.stdout.readline()) for racer in racers]
    assert [sum(column) for column in zip(*rows, strict=True)] == [1] * len(nonces)
    again = FileNonces(path)
    assert not any(again.use(nonce, at=NOW) for nonce in nonces)
    assert again.use(fresh_nonce(), at=NOW)


def test_a_file_deleted_while_in_use_is_no_empty_store(tmp_path):
    store = FileNonces(tmp_path / "nonces")
    assert store.use("a", at=NOW)
    (tmp_path / "nonces").unlink()
    with pytest.raises(CorruptError) as caught:
        store.use("a", at=NOW)
    assert caught.value.code is Code.STORE_CORRUPT


def test_a_file_emptied_or_truncated_is_no_empty_store(tmp_path):
    whole = _filled(tmp_path / "whole")
    for index, length in enumerate([0, 1, 50, 99, 100, 4095, 4096, 8191, len(whole) - 1]):
        path = _written(tmp_path / f"short{index}", whole[:length])
        with pytest.raises(CorruptError):
            FileNonces(path).use("used", at=NOW)


def test_garbled_structure_is_told_and_never_forgets(tmp_path):
    whole = _filled(tmp_path / "whole")
    told = 0
    for index, place in enumerate([*range(0, 64, 3), *range(100, 112), *range(4096, 4108)]):
        damaged = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        path = _written(tmp_path / f"garbled{index}", damaged)
        try:
            assert not FileNonces(path).use("used", at=NOW)
        except CityIdError:
            told += 1
    assert told > 10


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused_and_untouched(tmp_path, content):
    path = _written(tmp_path / "nonces", content)
    with pytest.raises(CorruptError):
        FileNonces(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path):
    path = _written(tmp_path / "nonces", b"")
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE nonce (digest BLOB, expires INTEGER, used INTEGER)")
    database.close()
    with pytest.raises(CorruptError, match="not a nonce store"):
        FileNonces(path)


def test_a_store_without_its_tables_is_refused(tmp_path):
    path = tmp_path / "nonces"
    store = FileNonces(path)
    database = sqlite3.connect(path)
    database.execute("DROP TABLE nonce")
    database.close()
    with pytest.raises(CorruptError):
        store.use("a", at=NOW)


def test_a_file_open_to_others_is_refused(tmp_path):
    path = tmp_path / "nonces"
    store = FileNonces(path)
    assert store.use("a", at=NOW)
    os.chmod(path, 0o644)  # noqa: PTH101 - reads plainer
    with pytest.raises(InvalidInputError) as caught:
        store.use("b", at=NOW)
    assert caught.value.code is Code.INSECURE_PERMISSIONS


def _filled(path):
    store = FileNonces(path)
    for nonce in ["used", *map(str, range(20))]:
        store.use(nonce, at=NOW)
    store.close()
    return path.read_bytes()


def _written(path, content):
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_challenges_in_memory_do_not_count_once_more_in_a_forked_process():
    store = MemoryNonces()
    assert store.use("here", at=NOW)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # the child only tells what it met, and never returns to the tests
        try:
            answer = str(store.use("there", at=NOW))
        except CityIdError as error:
            answer = error.code.name
        os.write(writer, answer.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"REGISTRY_UNAVAILABLE"
    os.close(reader)
    os.close(writer)
    assert store.use("there", at=NOW)
