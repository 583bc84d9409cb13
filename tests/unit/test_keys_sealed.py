import errno
import os
import stat
import subprocess
import sys
from hashlib import sha256

import pytest

from cityid.errors import (
    Code,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.keys import sealed
from cityid.keys.sealed import Cost, locked, read_sealed, write_sealed

CHEAP = Cost(operations=1, memory=2**13)


@pytest.fixture
def path(tmp_path):
    write_sealed(tmp_path / "box", b"what is inside", "open", new=True, cost=CHEAP)
    return tmp_path / "box"


def resealed(content):
    return content[:-32] + sha256(content[:-32]).digest()


def test_what_was_written_is_read(path):
    assert read_sealed(path, "open") == read_sealed(str(path), b"open") == b"what is inside"
    write_sealed(path, b"", "other", new=False, cost=CHEAP)
    assert read_sealed(path, "other") == b""


def test_nothing_of_it_stands_in_the_file(path):
    assert b"inside" not in path.read_bytes()


def test_the_same_content_never_looks_the_same(path):
    before = path.read_bytes()
    write_sealed(path, b"what is inside", "open", new=False, cost=CHEAP)
    assert path.read_bytes()[:27] == before[:27]
    assert path.read_bytes()[27:43] != before[27:43]  # the salt
    assert path.read_bytes()[43:67] != before[43:67]  # the nonce


def test_another_passphrase_is_refused(path):
    with pytest.raises(InvalidInputError) as refused:
        read_sealed(path, "Open")
    assert refused.value.code is Code.WRONG_PASSPHRASE
    assert str(refused.value) == f"the passphrase does not open {path}"
    assert refused.value.__context__ is None  # whose traceback would hold the key


@pytest.mark.parametrize("wrong", ["", b"", None, 5, []])
def test_a_passphrase_is_text_or_bytes(path, wrong):
    for attempt in (
        lambda: read_sealed(path, wrong),
        lambda: write_sealed(path, b"", wrong, new=False),
    ):
        with pytest.raises(InvalidInputError) as refused:
            attempt()
        assert refused.value.code is Code.INVALID_OPTIONS


def test_every_flipped_byte_is_seen(path):
    content = path.read_bytes()
    for index in range(len(content)):
        path.write_bytes(content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :])
        with pytest.raises(CorruptError):
            read_sealed(path, "open")


def test_every_cut_is_seen(path):
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CorruptError):
            read_sealed(path, "open")
    path.write_bytes(resealed(content[:60]))
    with pytest.raises(CorruptError):
        read_sealed(path, "open")


def test_a_forged_box_is_no_other_content(path):
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(resealed(bytes(content)))
    with pytest.raises(InvalidInputError) as refused:
        read_sealed(path, "open")
    assert refused.value.code is Code.WRONG_PASSPHRASE


def test_a_later_version_is_unsupported(path):
    content = bytearray(path.read_bytes())
    content[14] = 2
    path.write_bytes(resealed(bytes(content)))
    with pytest.raises(UnsupportedError):
        read_sealed(path, "open")


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        read_sealed(tmp_path / "none", "open")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidInputError) as refused:
        read_sealed(tmp_path, "open")
    assert refused.value.code is Code.INVALID_OPTIONS


def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(InvalidInputError):
        read_sealed(tmp_path / "pipe", "open")


@pytest.mark.parametrize("wrong", ["a\0b", None, 5])
def test_a_path_is_a_path(wrong):
    with pytest.raises(InvalidInputError) as refused:
        read_sealed(wrong, "open")
    assert refused.value.code is Code.INVALID_OPTIONS


def test_a_file_that_is_there_is_not_new(path):
    with pytest.raises(InvalidInputError):
        write_sealed(path, b"", "open", new=True, cost=CHEAP)
    assert read_sealed(path, "open") == b"what is inside"


def test_a_file_made_in_the_meantime_stands(path, monkeypatch):
    monkeypatch.setattr(type(path), "exists", lambda _: False)
    with pytest.raises(InvalidInputError):
        write_sealed(path, b"", "open", new=True, cost=CHEAP)
    assert read_sealed(path, "open") == b"what is inside"
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_folder_is_told(tmp_path):
    for attempt in (
        lambda: write_sealed(tmp_path / "no" / "box", b"", "open", new=True, cost=CHEAP),
        lambda: locked(tmp_path / "no" / "box").__enter__(),
    ):
        with pytest.raises(RegistryError, match=f"there is no directory {tmp_path}/no$"):
            attempt()


@pytest.mark.parametrize("call", ["write", "fsync", "fchmod", "open", "replace"])
def test_a_failing_disk_leaves_the_old_file(path, monkeypatch, call):
    def fail(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    if call == "write":
        monkeypatch.setattr(sealed.os, "fdopen", fail)
    elif call == "replace":
        monkeypatch.setattr(type(path), "replace", fail)
    else:
        monkeypatch.setattr(sealed.os, call, fail)
    with pytest.raises(RegistryError, match="No space left"):
        write_sealed(path, b"new", "open", new=False, cost=CHEAP)
    monkeypatch.undo()
    assert read_sealed(path, "open") == b"what is inside"
    assert list(path.parent.iterdir()) == [path]


def test_an_unreadable_disk_is_told(path, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sealed.os, "open", fail)
    with pytest.raises(RegistryError, match="cannot be read"):
        read_sealed(path, "open")


def test_too_much_is_refused(path, monkeypatch):
    monkeypatch.setattr(sealed, "MAX_BYTES", 100)
    for attempt in (
        lambda: read_sealed(path, "open"),
        lambda: write_sealed(path, bytes(100), "open", new=False, cost=CHEAP),
    ):
        with pytest.raises(InvalidInputError) as refused:
            attempt()
        assert refused.value.code is Code.INPUT_TOO_LARGE


@pytest.mark.parametrize(("operations", "memory"), [(0, 2**13), (11, 2**13), (1, 8191), (1, 2**31)])
def test_the_cost_is_bounded(operations, memory):
    with pytest.raises(InvalidInputError) as refused:
        Cost(operations, memory)
    assert refused.value.code is Code.NUMBER_OUT_OF_RANGE


def test_too_little_memory_is_told(path, monkeypatch):
    from nacl import exceptions
    from nacl.pwhash import argon2id

    def fail(*_arguments):
        raise exceptions.RuntimeError("out of memory")

    monkeypatch.setattr(argon2id, "kdf", fail)
    with pytest.raises(RegistryError, match="memory") as refused:
        read_sealed(path, "open")
    assert refused.value.__context__ is None


def test_a_symbolic_link_stays_one(path):
    link = path.with_name("link")
    link.symlink_to(path)
    write_sealed(link, b"new", "open", new=False, cost=CHEAP)
    assert link.is_symlink()
    assert read_sealed(path, "open") == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- one writer


def test_one_writer_at_a_time(path):
    with (
        locked(path),
        pytest.raises(RegistryError) as refused,
        locked(path, patience=0.05),
    ):
        raise AssertionError
    assert refused.value.code is Code.STORE_LOCKED
    with locked(path, patience=0):
        pass


def test_a_lock_is_given_back_after_an_error(path):
    with pytest.raises(KeyError), locked(path):
        raise KeyError
    with locked(path, patience=0):
        pass


def test_a_lock_that_the_disk_does_not_know_is_told(path, monkeypatch):
    def fail(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(sealed.fcntl, "flock", fail)
    with pytest.raises(RegistryError, match="No locks"), locked(path):
        raise AssertionError


def test_a_dead_writers_draft_is_removed(path):
    draft = path.with_name(".box.0123456789abcdef.new")
    other = path.with_name(".other.0123456789abcdef.new")
    for leftover in (draft, other):
        leftover.write_bytes(b"half")
    with locked(path):
        assert not draft.exists()
        assert other.exists()


@pytest.mark.slow
def test_writers_of_other_processes_wait(path):
    script = (
        "import sys\n"
        "from cityid.keys.sealed import Cost, locked, read_sealed, write_sealed\n"
        "path = sys.argv[1]\n"
        "for _ in range(10):\n"
        "    with locked(path, patience=30):\n"
        "        number = int(read_sealed(path, 'open')) + 1\n"
        "        write_sealed(path, str(number).encode(), 'open', new=False, cost=Cost(1, 8192))\n"
    )
    write_sealed(path, b"0", "open", new=False, cost=CHEAP)
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert read_sealed(path, "open") == b"30"
