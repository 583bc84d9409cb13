"""Tiles: written in the published layout, read back, and every way to damage them."""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from cityid import keys, registry
from cityid.errors import (
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry import NewEntry, Tiles, Witness
from cityid.registry.base import leaf_contents
from cityid.registry.tiles import tile_path

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
WITNESS = keys.generate(seed=b"a witness of the registry, 32 by")
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)


def a_registry(records, data=b"x"):
    ledger = registry.connect("memory:", origin=ORIGIN, operator=OPERATOR, clock=lambda: TIME)
    grow(ledger, records, data)
    return ledger


def grow(ledger, records, data=b"x"):
    head = ledger.head("log")
    first = head.version + 1 if head else 1
    entries = [NewEntry("log", first + n, data) for n in range(records)]
    for place in range(0, records, 10_000):
        ledger.append(entries[place : place + 10_000])


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((0, 0), "tile/0/000"),
        ((1, 1234067), "tile/1/x001/x234/067"),
        ((63, 1000), "tile/63/x001/000"),
        ((None, 999), "tile/entries/999"),
        ((None, 5, 17), "tile/entries/005.p/17"),
        ((2, 0, 1), "tile/2/000.p/1"),
    ],
)
def test_the_paths_are_those_of_the_specification(arguments, path):
    assert tile_path(*arguments) == path


def test_a_tree_of_70000_has_the_tiles_that_the_specification_says(tmp_path):
    registry.write_tiles(a_registry(70_000), tmp_path)
    found = {path: len(content) for path, content in files(tmp_path).items()}
    hashes = {
        path: found[path] for path in found if path.startswith(("tile/0", "tile/1", "tile/2"))
    }
    assert sum(path.startswith("tile/0/") for path in hashes) == 274
    assert hashes["tile/0/273.p/112"] == 112 * 32
    assert (hashes["tile/1/000"], hashes["tile/1/001.p/17"]) == (8192, 17 * 32)
    assert hashes["tile/2/000.p/1"] == 32
    assert set(hashes.values()) == {8192, 112 * 32, 17 * 32, 32}
    assert "tile/entries/273.p/112" in found
    assert Tiles(tmp_path).verify(operator=OPERATOR.public_key).size == 70_000


def test_a_tree_of_256_has_a_whole_tile_and_one_above(tmp_path):
    registry.write_tiles(a_registry(256), tmp_path)
    assert set(files(tmp_path)) == {
        "checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000",
    }  # fmt: skip


def test_hashes_and_entries_stand_where_another_reader_looks_for_them(tmp_path):
    ledger = a_registry(300)
    registry.write_tiles(ledger, tmp_path)
    contents = list(leaf_contents(list(ledger.scan())))
    leaves = [sha256(b"\x00" + content).digest() for content in contents]
    written = files(tmp_path)
    assert written["tile/0/000"] == b"".join(leaves[:256])
    assert written["tile/0/001.p/44"] == b"".join(leaves[256:])
    row = leaves[:256]
    while len(row) > 1:
        row = [sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=True)]
    assert written["tile/1/000.p/1"] == row[0]
    bundle = b"".join(struct.pack(">H", len(content)) + content for content in contents[256:])
    assert written["tile/entries/001.p/44"] == bundle
    assert written["checkpoint"].decode() == ledger.checkpoint().note


def test_tiles_grow_and_prove_what_the_registry_proves(tmp_path):
    ledger, tiles = a_registry(0), Tiles(tmp_path)
    for more in (0, 1, 4, 250, 1, 1, 255, 300, 0, 65_000):
        grow(ledger, more)
        stated = registry.write_tiles(ledger, tmp_path)
        size = stated.size
        assert tiles.verify(operator=OPERATOR.public_key).root == stated.root
        for index in {0, size // 2, size - 1} & set(range(size)):
            assert tiles.prove_inclusion(index, size) == ledger.prove_inclusion(index, size)
        old = size // 3
        assert tiles.prove_consistency(old, size) == ledger.prove_consistency(old, size)
        assert tiles.prove_consistency(old, size // 2) == ledger.prove_consistency(old, size // 2)
    assert list(tmp_path.rglob(".*")) == []
    assert not (tmp_path / "tile/0/000.p").exists()


def test_what_is_written_at_once_is_what_is_written_in_steps(tmp_path):
    ledger = a_registry(1000)
    registry.write_tiles(ledger, tmp_path / "steps")
    grow(ledger, 1000)
    registry.write_tiles(ledger, tmp_path / "steps")
    registry.write_tiles(ledger, tmp_path / "once")
    steps, once = files(tmp_path / "steps"), files(tmp_path / "once")
    assert once.items() <= steps.items()
    assert all(".p/" in path for path in steps.keys() - once.keys())


def test_the_folder_can_carry_a_cosigned_checkpoint(tmp_path):
    ledger = a_registry(10)
    witness = Witness("witness.example/w", WITNESS, registry.connect("memory:"))
    registry.write_tiles(ledger, tmp_path)
    claim = registry.claim_growth(ledger)
    note = witness.cosign(claim, origin=ORIGIN, operator=OPERATOR.public_key, at=TIME)
    asked = {"operator": OPERATOR.public_key, "witnesses": [witness.key], "threshold": 1}
    with pytest.raises(InvalidInputError, match="0 of the witnesses"):
        Tiles(tmp_path).verify(**asked)
    grow(ledger, 5)
    registry.write_tiles(ledger, tmp_path, checkpoint=registry.read_checkpoint(note))
    assert Tiles(tmp_path).verify(**asked).size == 10


def test_progress_is_told_to_the_end(tmp_path):
    written, verified = [], []
    registry.write_tiles(a_registry(300), tmp_path, progress=lambda *step: written.append(step))
    Tiles(tmp_path).verify(progress=lambda *step: verified.append(step))
    assert written == verified == [(256, 300), (300, 300)]


# --- damage


@pytest.fixture
def folder(tmp_path):
    registry.write_tiles(a_registry(300), tmp_path)
    return tmp_path


ALL = [
    "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44",
]  # fmt: skip


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"\x00",
        lambda _: b"",
        lambda content: (
            content[:100] + bytes([content[100] ^ 1]) + content[101:]
            if len(content) > 100
            else bytes(len(content))
        ),
        lambda _: bytes(9000),
        None,
    ],
    ids=["cut", "longer", "empty", "garbled", "other", "gone"],
)
def test_a_damaged_tile_is_damage(folder, path, damage):
    assert Tiles(folder).verify()
    place = folder / path
    if damage is None:
        place.unlink()
    else:
        place.write_bytes(damage(place.read_bytes()))
    with pytest.raises(CorruptError, match="write them anew") as caught:
        Tiles(folder).verify()
    assert caught.value.place == str(folder)


def test_a_whole_tile_stands_for_the_partial_one_that_is_gone(folder):
    more = a_registry(600)
    partial = (folder / "tile/0/001.p/44").read_bytes()
    registry.write_tiles(more, folder.with_name("more"))
    for kind in ("0", "entries"):
        (folder / f"tile/{kind}/001.p/44").unlink()
        whole = (folder.with_name("more") / f"tile/{kind}/001").read_bytes()
        (folder / f"tile/{kind}/001").write_bytes(whole)
    assert Tiles(folder).verify().size == 300
    assert (folder / "tile/0/001").read_bytes().startswith(partial)


def test_a_huge_file_is_not_read_whole(folder):
    (folder / "checkpoint").write_bytes(b"x" * 1_000_000)
    with pytest.raises(CorruptError, match="larger than it may be"):
        Tiles(folder).verify()


def test_a_checkpoint_that_is_no_text_no_checkpoint_or_gone_is_told(folder):
    (folder / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(CorruptError, match="not text"):
        Tiles(folder).verify()
    (folder / "checkpoint").write_bytes(b"hello")
    with pytest.raises(InvalidInputError):
        Tiles(folder).verify()
    (folder / "checkpoint").unlink()
    with pytest.raises(NotFoundError):
        Tiles(folder).verify()
    (folder / "checkpoint").mkdir()
    with pytest.raises(RegistryError):
        Tiles(folder).verify()


def test_a_checkpoint_of_another_root_is_damage(folder):
    other = a_registry(300, b"y").checkpoint().note
    (folder / "checkpoint").write_text(other, encoding="utf-8")
    with pytest.raises(CorruptError, match="do not lead to the root"):
        Tiles(folder).verify()


def test_damaged_tiles_are_not_built_upon(folder):
    ledger = a_registry(600)
    place = folder / "tile/1/000.p/1"
    place.write_bytes(bytes(32))
    with pytest.raises(CorruptError, match="do not lead to the root"):
        registry.write_tiles(ledger, folder)
    assert Tiles(folder).checkpoint().size == 300


@pytest.mark.parametrize("other", [lambda: a_registry(299), lambda: a_registry(600, b"y")])
def test_tiles_of_another_history_are_left_alone(folder, other):
    before = files(folder)
    with pytest.raises(CorruptError, match="of another history"):
        registry.write_tiles(other(), folder)
    assert files(folder) == before


def test_a_checkpoint_beyond_the_registry_is_refused(tmp_path):
    with pytest.raises(InvalidInputError):
        registry.write_tiles(a_registry(5), tmp_path, checkpoint=a_registry(6).checkpoint())
    assert files(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "tile").write_text("in the way", encoding="utf-8")
    with pytest.raises(RegistryError, match="cannot be written"):
        registry.write_tiles(a_registry(5), tmp_path)


def test_a_registry_without_merkle_log_has_no_tiles(tmp_path):
    with pytest.raises(UnsupportedError, match="no Merkle log"):
        registry.write_tiles(object(), tmp_path)


def test_a_proof_beyond_the_tiles_is_refused(folder):
    for proof in (Tiles(folder).prove_inclusion, Tiles(folder).prove_consistency):
        with pytest.raises(InvalidInputError):
            proof(0, 301)


def test_a_writing_that_was_interrupted_shows_nothing_of_it(folder, monkeypatch):
    ledger, written = a_registry(1000), files(folder)
    scan = ledger.scan

    def breaking(after=0):
        for record in scan(after):
            if record.sequence == 700:
                raise RegistryError("the disk is gone")
            yield record

    monkeypatch.setattr(ledger, "scan", breaking)
    with pytest.raises(RegistryError, match="the disk is gone"):
        registry.write_tiles(ledger, folder)
    assert Tiles(folder).verify().size == 300
    assert files(folder)["checkpoint"] == written["checkpoint"]
    monkeypatch.undo()
    registry.write_tiles(ledger, folder)
    assert Tiles(folder).verify().size == 1000


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/entries/000"])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda p: p.symlink_to("/dev/zero")])
def test_what_is_not_a_file_is_refused_without_waiting_for_it(tmp_path, path, make):
    registry.write_tiles(a_registry(300), tmp_path)
    (tmp_path / path).unlink()
    make(tmp_path / path)
    with pytest.raises(RegistryError):
        Tiles(tmp_path).verify()
