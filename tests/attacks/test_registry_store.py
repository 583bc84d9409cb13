"""What may happen to a registry's files behind its back, and what a kept checkpoint exposes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cityid import cli, registry
from cityid.errors import CorruptError, InvalidInputError, RegistryError
from cityid.registry import NewEntry
from torture.witness import Witness, grown

SWIFT = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
PAGE = 4096
LOGS = [f"did:webvh:{number}:city.example" for number in range(5)]


@pytest.fixture
def folder():
    place = SWIFT if SWIFT.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield Path(name)


@pytest.fixture
def path(folder):
    return folder / "city.registry"


def connect(path):
    return registry.connect(f"file:{path}", origin="city.example/registry")


def grow(ledger, first, last, data=b"x"):
    for version in range(first, last + 1):
        ledger.append([NewEntry(log, version, data * version * 50) for log in LOGS])
    return ledger.checkpoint()


def beside(path):
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def killed(path):
    """Leave a registry as a killed writer does: a part of it in its write-ahead log alone."""
    with connect(path) as ledger:
        settled = grow(ledger, 1, 3)
    with connect(path) as ledger:
        checkpoint = grow(ledger, 4, 6)
        left = contents(path.parent)
    for name, content in left.items():
        (path.parent / name).write_bytes(content)
    return settled, checkpoint


# --- what is not a file


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def make_loop(path):
    path.symlink_to(path)


def make_device(path):
    path.symlink_to("/dev/null")


def make_endless(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    "make", [make_fifo, make_socket, make_loop, make_device, make_endless, Path.mkdir]
)
def test_what_is_not_a_file_is_refused_without_waiting_for_it(path, make):
    make(path)
    script = (
        "import sys; from cityid import registry, errors\n"
        "try: registry.connect('file:' + sys.argv[1])\n"
        "except errors.RegistryError as error: print(error.code, error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert str(path.parent) in run.stdout or "/dev/" in run.stdout
    assert [p.name for p in path.parent.iterdir()] == [path.name]


# --- an empty file, a missing file, and the log beside


def test_an_empty_file_is_not_new_and_its_log_stays(path):
    killed(path)
    path.write_bytes(b"")
    before = contents(path.parent)
    with pytest.raises(CorruptError, match="empty"):
        connect(path)
    assert contents(path.parent) == before


def test_a_file_that_is_emptied_while_open_is_noticed(path):
    with connect(path) as ledger:
        grow(ledger, 1, 2)
        os.truncate(path, 0)
        for ask in (ledger.checkpoint, lambda: ledger.head(LOGS[0]), lambda: grow(ledger, 3, 3)):
            with pytest.raises(CorruptError, match="empty"):
                ask()


def test_a_file_that_is_deleted_while_open_is_not_made_anew(path):
    with connect(path) as ledger:
        grow(ledger, 1, 2)
        path.unlink()
        with pytest.raises(CorruptError, match="gone"):
            ledger.head(LOGS[0])
        with pytest.raises(CorruptError, match="write-ahead log"):
            connect(path)
        assert not path.exists()


def test_the_first_acknowledged_append_shows_in_the_file_alone(path, folder):
    with connect(path) as ledger:
        (record,) = ledger.append([NewEntry("a", 1, b"first")])
        copy = folder / "copy.registry"
        shutil.copy(path, copy)  # as careless backups do
        with connect(copy) as found:
            assert list(found.scan()) == [record]


@pytest.mark.parametrize("which", [(1,), (0,), (0, 1)], ids=["index", "log", "both"])
def test_files_that_are_removed_after_a_kill_cost_at_most_what_a_checkpoint_exposes(path, which):
    settled, checkpoint = killed(path)
    for number in which:
        beside(path)[number].unlink()
    with connect(path) as ledger:
        found = ledger.checkpoint()
        Witness().reread(ledger)
        assert grown(ledger, settled)
        if 0 in which:
            assert found == settled
            assert not grown(ledger, checkpoint)
        else:
            assert found == checkpoint


@pytest.mark.parametrize("which", [(1,), (0,), (0, 1)], ids=["index", "log", "both"])
@pytest.mark.parametrize("replaced", [False, True])
def test_files_that_are_removed_while_open_are_noticed_and_nothing_is_lost(path, which, replaced):
    ledger = connect(path)
    checkpoint = grow(ledger, 1, 3)
    for number in which:
        beside(path)[number].unlink()
        if replaced:
            beside(path)[number].write_bytes(b"")
    for ask in (ledger.checkpoint, lambda: ledger.head(LOGS[0]), lambda: grow(ledger, 4, 4)):
        with pytest.raises(RegistryError, match="removed or replaced"):
            ask()
    ledger.close()  # SQLite still holds the removed files, and saves what is in them
    with connect(path) as again:
        assert again.checkpoint() == checkpoint
        Witness().reread(again)


# --- damage in the middle


def refuses(path, witness):
    """Tell whether a damaged registry says so; else it must answer everything as before."""
    try:
        with connect(path) as ledger:
            assert ledger.head("absent") is None
            witness.reread(ledger)
    except CorruptError as error:
        return error.place == str(path) and "restore" in str(error)
    return False


@pytest.mark.parametrize("how", ["zeroed", "swapped", "garbled"])
def test_a_bad_page_anywhere_is_told_or_does_not_matter(path, how):
    with connect(path) as ledger:
        grow(ledger, 1, 12)
        witness = Witness()
        witness.reread(ledger)
    content = path.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    pages = [content[place : place + size] for place in range(0, len(content), size)]
    told = 0
    for number, page in enumerate(pages):
        other = {
            "zeroed": bytes(size),
            "swapped": pages[number - 1],
            "garbled": bytes(byte ^ 0x55 for byte in page),
        }[how]
        damaged = b"".join([*pages[:number], other, *pages[number + 1 :]])
        path.write_bytes(damaged)
        told += refuses(path, witness)
        assert path.read_bytes() == damaged
    assert told >= len(pages) - 2


def test_a_page_that_was_refused_once_is_refused_again(path):
    with connect(path) as ledger:
        grow(ledger, 1, 9)
    content = path.read_bytes()
    refused = 0
    for place in range(2 * PAGE, len(content), PAGE):  # behind the name, which connecting reads
        damaged = bytearray(content)
        damaged[place + 8] ^= 0x80  # where the first cell is: a bit of it that is too much
        copy = path.with_name(f"{place}.registry")
        copy.write_bytes(damaged)
        with connect(copy) as ledger:
            answers = []
            for _ in range(3):
                try:
                    answers.append(list(ledger.scan()))
                except CorruptError:
                    answers.append(None)
        assert answers == [answers[0]] * 3
        refused += answers[0] is None
    assert refused


def test_a_refusal_leaves_the_log_of_a_damaged_registry(path):
    killed(path)
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    before = contents(path.parent)
    try:
        with connect(path) as ledger, pytest.raises(CorruptError) as caught:
            Witness().reread(ledger)
        assert caught.value.place == str(path)
    except CorruptError:
        pass
    after = contents(path.parent)
    after.pop(beside(path)[1].name)
    before.pop(beside(path)[1].name)
    assert after == before


def exit_status(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["cityid", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


@pytest.mark.parametrize("command", ["audit", "checkpoint"])
def test_the_command_line_fails_for_a_damaged_registry_and_leaves_it_alone(
    path, monkeypatch, command
):
    with connect(path) as ledger:
        grow(ledger, 1, 9)
    whole = path.read_bytes()
    assert exit_status(monkeypatch, "registry", command, f"file:{path}") == 0
    for kept in (0, 1, 99, 512, 5000, len(whole) - 4096):
        path.write_bytes(whole[:kept])
        assert exit_status(monkeypatch, "registry", command, f"file:{path}") != 0
        assert path.read_bytes() == whole[:kept]


# --- older and other histories


def test_an_older_copy_is_exposed_by_every_checkpoint_after_it(path, folder):
    checkpoints = []
    with connect(path) as ledger:
        grow(ledger, 1, 2)
    shutil.copy(path, folder / "older")
    with connect(path) as ledger:
        older = ledger.checkpoint()
        checkpoints = [grow(ledger, version, version) for version in range(3, 7)]
        assert all(grown(ledger, checkpoint) for checkpoint in (older, *checkpoints))
    (folder / "older").replace(path)
    with connect(path) as ledger:
        Witness().reread(ledger)
        assert grown(ledger, older)
        assert not any(grown(ledger, checkpoint) for checkpoint in checkpoints)
        with pytest.raises(InvalidInputError, match="leaves"):
            ledger.prove_consistency(checkpoints[0].size, checkpoints[0].size)
        grow(ledger, 3, 8, data=b"y")  # nor does it help to grow past what they say
        assert grown(ledger, older)
        assert not any(grown(ledger, checkpoint) for checkpoint in checkpoints)


def test_an_older_copy_below_a_newer_log_is_exposed(path, folder):
    with connect(path) as ledger:
        grow(ledger, 1, 2)
    shutil.copy(path, folder / "older")
    _, checkpoint = killed_further(path)
    (folder / "older").replace(path)
    with contextlib.suppress(CorruptError), connect(path) as ledger:
        Witness().reread(ledger)
        assert ledger.checkpoint() == checkpoint or not grown(ledger, checkpoint)


def killed_further(path):
    with connect(path) as ledger:
        settled = grow(ledger, 3, 9)
    with connect(path) as ledger:
        checkpoint = grow(ledger, 10, 10)
        left = contents(path.parent)
    for name, content in left.items():
        (path.parent / name).write_bytes(content)
    return settled, checkpoint


def test_two_copies_that_grew_apart_are_exposed_by_each_other(path, folder):
    with connect(path) as ledger:
        common = grow(ledger, 1, 3)
    twin = folder / "twin.registry"
    shutil.copy(path, twin)
    with connect(path) as one, connect(twin) as other:
        assert grown(one, other.checkpoint())
        one_kept, other_kept = grow(one, 4, 5, b"one"), grow(other, 4, 5, b"other")
        assert one_kept.size == other_kept.size
        assert one_kept.root != other_kept.root
        for ledger, own, foreign in ((one, one_kept, other_kept), (other, other_kept, one_kept)):
            Witness().reread(ledger)
            assert grown(ledger, common)
            assert grown(ledger, own)
            assert not grown(ledger, foreign)
        later = grow(one, 6, 7, b"one")
        assert grown(one, one_kept, later)
        assert not grown(one, other_kept, later)


def test_a_newer_copy_in_its_place_is_noticed_by_whoever_has_it_open(path, folder):
    with connect(path) as ledger:
        grow(ledger, 1, 2)
    newer = folder / "newer"
    shutil.copy(path, newer)
    with connect(newer) as ledger:
        grow(ledger, 3, 4)
    with connect(path) as ledger:
        newer.replace(path)
        with pytest.raises(RegistryError, match="replaced"):
            ledger.append([NewEntry(LOGS[0], 3, b"z")])
    with connect(path) as ledger:
        assert ledger.head(LOGS[0]).version == 4


# --- whoever is interrupted


INTERRUPT = """
import signal, sys
from cityid import registry
from torture.witness import Witness

class Interrupted(Exception):
    pass

def interrupt(*_):
    raise Interrupted

signal.signal(signal.SIGALRM, interrupt)
interrupted = 0
with registry.connect(sys.argv[1]) as ledger, registry.connect(sys.argv[1]) as other:
    for version in range(1, 60):
        batch = [registry.NewEntry(log, version, b"x" * 3000) for log in "abcde"]
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.00002 * (version % 40 + 1))
            ledger.append(batch)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            interrupted += 1
        if ledger.append(batch) != other.append(batch):
            print("two answers at", version)
    witness = Witness()
    witness.reread(other)
print(interrupted, sorted(witness.heads.items()))
"""


def test_an_append_that_is_interrupted_is_whole_or_absent_and_the_next_one_works(path):
    # In a process without coverage, whose own locks would not survive the interruptions.
    calm = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPT, f"file:{path}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=calm | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert run.returncode == 0, run.stderr
    interrupted, _, heads = run.stdout.strip().partition(" ")
    assert heads == str([(log, 59) for log in "abcde"])
    assert int(interrupted) > 10


def test_a_cursor_that_an_exception_holds_does_not_keep_a_damaged_file_open(path):
    killed(path)
    before = contents(path.parent)
    ledger = connect(path)
    cursors = []

    def fail():
        with ledger._database.transaction() as connection:
            cursors.append(connection.execute("SELECT sequence FROM record"))
            assert cursors[0].fetchone()
            raise ledger._database.damaged("for this test")

    with pytest.raises(CorruptError):
        fail()
    ledger.close()
    after = contents(path.parent)
    index = beside(path)[1].name
    assert {**after, index: b""} == {**before, index: b""}
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        cursors[0].fetchone()


def test_a_transaction_that_never_ends_is_undone_when_it_is_forgotten(path):
    with connect(path) as ledger, connect(path) as other:
        work = ledger._database.transaction(write=True)
        work.__enter__()
        del work
        assert other.append([NewEntry("a", 1, b"x")]) == ledger.append([NewEntry("a", 1, b"x")])
