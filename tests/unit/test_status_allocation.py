"""Allocators: places at random, each once, durable, from several processes."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from cityid.errors import (
    Code,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
)
from cityid.status import FileAllocator, MemoryAllocator
from cityid.status.allocation import permuted

URL = "https://id.city.example/status/1"
KEY = bytes(range(32))


@pytest.mark.parametrize("length", [1, 2, 3, 8, 9, 1000, 4096, 4097])
def test_the_permutation_reaches_each_place_once(length):
    assert sorted(permuted(n, length, KEY) for n in range(length)) == list(range(length))


def test_another_key_gives_another_order():
    first = [permuted(n, 1000, KEY) for n in range(1000)]
    assert first != [permuted(n, 1000, KEY[::-1]) for n in range(1000)]
    assert first == [permuted(n, 1000, KEY) for n in range(1000)]


def allocators(folder):
    return [MemoryAllocator(), FileAllocator(folder / "a"), FileAllocator(folder / "b", block=7)]


def test_every_place_is_given_once_then_the_list_is_full(tmp_path):
    for allocator in allocators(tmp_path):
        allocator.register(URL, 64)
        assert allocator.taken(URL) == 0
        assert sorted(allocator.allocate(URL) for _ in range(64)) == list(range(64))
        assert allocator.taken(URL) == 64
        for _ in range(2):
            with pytest.raises(InvalidInputError, match="all 64 places") as refused:
                allocator.allocate(URL)
            assert refused.value.code is Code.STATUS_LIST_FULL


def test_lists_are_apart_and_strangers_unknown(tmp_path):
    for allocator in allocators(tmp_path):
        allocator.register(URL, 64)
        allocator.register(URL + "2", 128)
        allocator.register(URL, 64)
        assert {allocator.allocate(URL + "2") for _ in range(128)} == set(range(128))
        for ask in (allocator.allocate, allocator.taken):
            with pytest.raises(NotFoundError, match="does not know the list"):
                ask("https://id.city.example/status/other")
        with pytest.raises(InvalidInputError, match="has 64 places, not 72"):
            allocator.register(URL, 72)


def test_a_file_goes_on_where_it_stopped_and_is_the_owners_alone(tmp_path):
    path = tmp_path / "city.allocator"
    first = FileAllocator(path)
    assert first.path == path
    first.register(URL, 1000)
    given = [first.allocate(URL) for _ in range(10)]
    first.close()
    with pytest.raises(RegistryError, match="was closed"):
        first.allocate(URL)
    second = FileAllocator(path)
    assert not {second.allocate(URL) for _ in range(990)} & set(given)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_block_that_was_not_used_up_is_lost_and_never_given_again(tmp_path):
    path = tmp_path / "city.allocator"
    first = FileAllocator(path, block=100)
    first.register(URL, 1000)
    given = {first.allocate(URL)}
    second = FileAllocator(path, block=100)
    given |= {second.allocate(URL) for _ in range(900)}
    assert len(given) == 901
    with pytest.raises(InvalidInputError, match="all 1000 places"):
        second.allocate(URL)


def test_a_file_of_others_or_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "city.allocator"
    FileAllocator(path).close()
    path.chmod(0o640)
    with pytest.raises(InvalidInputError, match="chmod 600") as refused:
        FileAllocator(path)
    assert refused.value.code is Code.INSECURE_PERMISSIONS
    other = tmp_path / "other"
    other.write_bytes(b"no allocator at all, but some bytes" * 50)
    other.chmod(0o600)
    with pytest.raises(CorruptError):
        FileAllocator(other)


@pytest.mark.parametrize("block", [0, -1, True, 1.5, "7"])
def test_a_block_is_a_positive_number(tmp_path, block):
    with pytest.raises(InvalidInputError, match="a block is at least one place"):
        FileAllocator(tmp_path / "city.allocator", block=block)


def test_an_allocator_holds_its_secret(tmp_path):
    for allocator in allocators(tmp_path):
        allocator.register(URL, 64)
        allocator.allocate(URL)
        assert "reserved" not in repr(allocator)
        with pytest.raises(TypeError):
            pickle.dumps(allocator)


def _in_child(work):
    """Run something in a forked child; return what it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(work()).encode())
        except BaseException as error:  # noqa: BLE001 - the parent reads what was raised
            os.write(writer, repr(error).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read().decode()


def test_a_forked_child_gives_out_no_place_of_its_parent(tmp_path):
    allocator = FileAllocator(tmp_path / "city.allocator", block=10)
    allocator.register(URL, 40)
    given = [allocator.allocate(URL)]
    said = _in_child(lambda: [allocator.allocate(URL) for _ in range(30)])
    given += [int(word) for word in said.strip("[]").split(",")]
    given += [allocator.allocate(URL) for _ in range(9)]
    assert sorted(given) == list(range(40))


def test_an_allocator_in_memory_does_not_follow_a_fork():
    allocator = MemoryAllocator()
    allocator.register(URL, 40)
    assert "does not follow a fork" in _in_child(lambda: allocator.allocate(URL))
    assert 0 <= allocator.allocate(URL) < 40


def test_what_a_parent_process_reserved_is_left_to_it(tmp_path, monkeypatch):
    file, memory = FileAllocator(tmp_path / "city.allocator", block=10), MemoryAllocator()
    for allocator in (file, memory):
        allocator.register(URL, 40)
    first = file.allocate(URL)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RegistryError, match="does not follow a fork"):
        memory.allocate(URL)
    assert first not in {file.allocate(URL) for _ in range(30)}
    assert file.taken(URL) == 40


_WORK = f"""
import sys
from cityid.status import FileAllocator
allocator = FileAllocator(sys.argv[1], block=250)
print(*(allocator.allocate({URL!r}) for _ in range(int(sys.argv[2]))))
"""


def allocate_in_processes(path, processes, each):
    """Give out places in several processes at once; return those of each, in its order."""
    command = [sys.executable, "-c", _WORK, str(path), str(each)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]
    return [list(map(int, one.communicate()[0].split())) for one in running]


def chi_square(counts, expected):
    return sum((count - expected) ** 2 / expected for count in counts)


@pytest.mark.slow
def test_eight_processes_take_100_000_places_none_twice_and_in_no_order(tmp_path):
    path = tmp_path / "city.allocator"
    length, each, processes = 131_072, 12_500, 8
    FileAllocator(path).register(URL, length)
    given = allocate_in_processes(path, processes, each)
    places = [place for one in given for place in one]
    assert len(set(places)) == 100_000
    assert FileAllocator(path).taken(URL) == 100_000
    # Where the places lie, and how far each is from the next: flat, as of a random order. With 63
    # degrees of freedom, chi-square lies below 115 in all but one of 10,000 random orders; without
    # replacement, it is lower still.
    for one in given:
        cells = Counter(place * 64 // length for place in one)
        assert chi_square((cells[n] for n in range(64)), each / 64) < 115
        steps = Counter((b - a) % length * 64 // length for a, b in pairwise(one))
        assert chi_square((steps[n] for n in range(64)), (each - 1) / 64) < 115
    ups = sum(b > a for one in given for a, b in pairwise(one))
    assert abs(ups / (100_000 - 8) - 0.5) < 0.01


def test_the_chi_square_sees_an_order():
    cells = Counter(place * 64 // 131_072 for place in range(12_500))
    assert chi_square((cells[n] for n in range(64)), 12_500 / 64) > 10_000
