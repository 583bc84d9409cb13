"""Tiles: a registry's Merkle log as plain files that any static server publishes.

A folder of tiles has the checkpoint, the hashes of the tree in tiles of 256, and what the leaves
say in bundles of 256. All but the checkpoint never change once they are full, and anyone computes
every proof from them. What a leaf says holds the SHA-256 of a record's data, not the data.

Spec:
    https://c2sp.org/tlog-tiles
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cityid.errors import (
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.keys import PublicKey
from cityid.registry import merkle
from cityid.registry.base import Provable, Registry, leaf_contents
from cityid.registry.checkpoint import Checkpoint, believe_checkpoint, read_checkpoint
from cityid.registry.cosignature import WitnessKey
from cityid.registry.note import MAX_NOTE
from cityid.registry.proof import verify_growth

Progress = Callable[[int, int], None]
"""Is called with the number of records done and of all."""

WIDTH = 256
"""The most hashes of a tile, and entries of a bundle."""
_HEIGHT = 8
_CHECKPOINT = "checkpoint"
_LENGTH = struct.Struct(">H")
_LARGEST_BUNDLE = WIDTH * (_LENGTH.size + 0xFFFF)


def tile_path(level: int | None, index: int, width: int = WIDTH) -> str:
    """Return where a tile or bundle lies.

    Args:
        level: The level of the tile, each 256 times as high as the one before; None for a bundle.
        index: Its place on the level, from 0.
        width: How many hashes or entries it has; fewer than 256 make it a partial one.

    Spec:
        https://c2sp.org/tlog-tiles#merkle-tree
    """
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    kind = "entries" if level is None else str(level)
    end = "" if width == WIDTH else f".p/{width}"
    return "/".join(["tile", kind, *reversed(parts)]) + end


@dataclass(frozen=True, slots=True)
class Tiles:
    """A folder of tiles, read. It makes proofs as a registry does, without one.

    Attributes:
        folder: The folder.
    """

    folder: Path

    def checkpoint(
        self,
        *,
        operator: PublicKey | None = None,
        witnesses: Iterable[WitnessKey] = (),
        threshold: int | None = None,
    ) -> Checkpoint:
        """Return the checkpoint up to which there are tiles.

        Args:
            operator: The registry's key; None takes the checkpoint at its word.
            witnesses: Who must have cosigned it; they need an operator.
            threshold: How many of them; None for all.

        Raises:
            NotFoundError: The folder has none.
            InvalidInputError: It is not to be believed.
            RegistryError: It cannot be read.
        """
        try:
            note = self._read(_CHECKPOINT, 4 * MAX_NOTE).decode()
        except UnicodeDecodeError as error:
            raise self._damaged("its checkpoint is not text") from error
        origin = read_checkpoint(note).origin
        return believe_checkpoint(
            note, origin=origin, operator=operator, witnesses=witnesses, threshold=threshold
        )

    def node(self, size: int) -> merkle.Nodes:
        """Return how to read the hashes of the tree of the first `size` entries."""

        def read(level: int, index: int) -> bytes:
            row, above = divmod(level, _HEIGHT)
            tile, first = divmod(index << above, WIDTH)
            hashes = self.hashes(row, tile, size)[first : first + (1 << above)]
            return merkle.Frontier().extend(hashes)[0].root()

        return read

    def hashes(self, level: int, index: int, size: int) -> list[bytes]:
        """Return the hashes of a tile, whole or partial, of the tree of `size` entries.

        Raises:
            CorruptError: The tile is missing or has not its length.
        """
        width = min((size >> _HEIGHT * level) - index * WIDTH, WIDTH)
        content = self._resource(level, index, width, WIDTH * merkle.HASH_SIZE)
        if len(content) not in {width * merkle.HASH_SIZE, WIDTH * merkle.HASH_SIZE}:
            raise self._damaged(f"{tile_path(level, index, width)} has not its length")
        ends = range(merkle.HASH_SIZE, (width + 1) * merkle.HASH_SIZE, merkle.HASH_SIZE)
        return [content[end - merkle.HASH_SIZE : end] for end in ends]

    def entries(self, size: int) -> Iterator[list[bytes]]:
        """Give what the first `size` leaves say, a bundle at a time.

        Raises:
            CorruptError: A bundle is missing or malformed.
        """
        for index, first in enumerate(range(0, size, WIDTH)):
            width = min(size - first, WIDTH)
            content = self._resource(None, index, width, _LARGEST_BUNDLE)
            found = _unbundled(content)
            if found is None or len(found) < width:
                raise self._damaged(f"{tile_path(None, index, width)} is not a bundle of entries")
            yield found[:width]

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        available = self.checkpoint().size
        merkle.check_size(size, available)
        return merkle.inclusion_proof(index, size, self.node(available))

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        available = self.checkpoint().size
        merkle.check_size(size, available)
        return merkle.consistency_proof(old_size, size, self.node(available))

    def verify(
        self,
        *,
        operator: PublicKey | None = None,
        witnesses: Iterable[WitnessKey] = (),
        threshold: int | None = None,
        progress: Progress | None = None,
    ) -> Checkpoint:
        """Verify every bundle and every tile against the checkpoint, and return that.

        Args:
            operator: The registry's key; None takes the checkpoint at its word.
            witnesses: Who must have cosigned it; they need an operator.
            threshold: How many of them; None for all.
            progress: Is called with the number of entries done and of all.

        Raises:
            CorruptError: A file is missing, malformed, or says something else.
            InvalidInputError: The checkpoint is not to be believed.
        """
        stated = self.checkpoint(operator=operator, witnesses=witnesses, threshold=threshold)
        show = progress or (lambda _done, _whole: None)
        edge, frontier = _Edge(), merkle.Frontier()
        for bundle in self.entries(stated.size):
            leaves = [merkle.leaf_hash(content) for content in bundle]
            frontier, _ = frontier.extend(leaves)
            for tile in edge.add(leaves):
                self._compare(tile, stated.size)
            show(frontier.size, stated.size)
        for tile in edge.rest():
            self._compare(tile, stated.size)
        if (frontier.size, frontier.root()) != (stated.size, stated.root):
            raise self._damaged("its entries do not lead to the root of the checkpoint")
        return stated

    def _compare(self, tile: _Tile, size: int) -> None:
        if self.hashes(tile.level, tile.index, size) != tile.hashes:
            path = tile_path(tile.level, tile.index, len(tile.hashes))
            raise self._damaged(f"{path} has not the hashes of the entries")

    def _resource(self, level: int | None, index: int, width: int, most: int) -> bytes:
        """Read a tile or bundle; the whole one stands for a partial one that is gone."""
        for path in dict.fromkeys((tile_path(level, index, width), tile_path(level, index))):
            with suppress(NotFoundError):
                return self._read(path, most)
        raise self._damaged(f"{tile_path(level, index, width)} is missing")

    def _read(self, path: str, most: int) -> bytes:
        place = self.folder / path
        try:
            content = _content(place, most + 1)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {place}", ref=path) from error
        except OSError as error:
            raise RegistryError(f"{place} cannot be read: {error.strerror}") from error
        if content is None:
            raise self._damaged(f"{path} is not a file")
        if len(content) > most:
            raise self._damaged(f"{path} is larger than it may be")
        return content

    def _damaged(self, what: str) -> CorruptError:
        return CorruptError(
            f"the tiles in {self.folder} are damaged: {what}; write them anew from the registry "
            "into an empty folder",
            place=str(self.folder),
        )


@dataclass(frozen=True, slots=True)
class _Tile:
    """A tile, whole or partial.

    Attributes:
        level: Its level.
        index: Its place on the level.
        hashes: What it holds.
    """

    level: int
    index: int
    hashes: list[bytes]


class _Edge:
    """The tiles at the right edge of a tree: on each level the one that still grows."""

    def __init__(self, rows: Iterable[_Tile] = ()) -> None:
        self._rows = list(rows)

    def add(self, leaves: Iterable[bytes]) -> Iterator[_Tile]:
        """Add the hashes of leaves; give each tile that has become whole."""
        for leaf in leaves:
            node, level = leaf, 0
            while True:
                if level == len(self._rows):
                    self._rows.append(_Tile(level, 0, []))
                row = self._rows[level]
                row.hashes.append(node)
                if len(row.hashes) < WIDTH:
                    break
                yield row
                self._rows[level] = _Tile(level, row.index + 1, [])
                node, level = merkle.Frontier().extend(row.hashes)[0].root(), level + 1

    def rest(self) -> Iterator[_Tile]:
        """Give the partial tiles."""
        return (row for row in self._rows if row.hashes)


def write_tiles(
    registry: Registry,
    folder: Path,
    *,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Checkpoint:
    """Write the tiles of a registry, or those that are new; one writer at a time.

    The checkpoint comes last, so that a reader never sees one whose tiles are not there.

    Args:
        registry: The registry.
        folder: Where to; it is made where it is not there yet.
        checkpoint: Up to which checkpoint, for example because witnesses have cosigned it; by
            default a new one.
        progress: Is called with the number of entries done and of all.

    Returns:
        The checkpoint.

    Raises:
        UnsupportedError: The registry has no Merkle log.
        InvalidInputError: The registry has fewer records than the checkpoint.
        CorruptError: The folder has the tiles of another history, or is damaged.
        RegistryError: The registry cannot be read, or the folder not written.
    """
    if not isinstance(registry, Provable):
        raise UnsupportedError(
            "this registry has no Merkle log to write tiles of", name=type(registry).__name__
        )
    stated = checkpoint or registry.checkpoint()
    tiles, show = Tiles(folder), progress or (lambda _done, _whole: None)
    base = _written(tiles, registry, stated) // WIDTH * WIDTH
    edge = _Edge(_edge(tiles, base))
    records = islice(registry.scan(base), stated.size - base)
    for index in range(base // WIDTH, -(-stated.size // WIDTH)):
        contents = list(leaf_contents(list(islice(records, WIDTH))))
        bundle = b"".join(_LENGTH.pack(len(content)) + content for content in contents)
        _save(folder, None, index, len(contents), bundle)
        for tile in edge.add(map(merkle.leaf_hash, contents)):
            _save(folder, tile.level, tile.index, WIDTH, b"".join(tile.hashes))
        show(min((index + 1) * WIDTH, stated.size), stated.size)
    for tile in edge.rest():
        _save(folder, tile.level, tile.index, len(tile.hashes), b"".join(tile.hashes))
    if merkle.frontier(stated.size, tiles.node(stated.size)).root() != stated.root:
        raise tiles._damaged("they do not lead to the root of the checkpoint")  # noqa: SLF001 - the same module
    _replace(folder / _CHECKPOINT, stated.note.encode())
    return stated


def _written(tiles: Tiles, registry: Provable, stated: Checkpoint) -> int:
    """Return for how many entries there are tiles: of the same history, or the call is refused."""
    registry.prove_consistency(0, stated.size)  # the registry has as many records
    try:
        there = tiles.checkpoint()
    except NotFoundError:
        return 0
    try:
        verify_growth(there, stated, registry.prove_consistency(there.size, stated.size))
    except InvalidInputError as error:
        raise CorruptError(
            f"the tiles in {tiles.folder} are of another history than the checkpoint of "
            f"{stated.size} records: {error}; find out which of them was changed",
            place=str(tiles.folder),
        ) from error
    return there.size


def _edge(tiles: Tiles, size: int) -> Iterator[_Tile]:
    """Give the partial tiles above the leaves at the right edge of a tree that has been written."""
    level = 0
    while size:
        index, width = divmod(size, WIDTH)
        hashes = tiles.hashes(level, index, size << _HEIGHT * level) if width else []
        yield _Tile(level, index, hashes)
        size, level = index, level + 1


def _unbundled(content: bytes) -> list[bytes] | None:
    """Return the entries of a bundle; None where their lengths do not add up."""
    entries: list[bytes] = []
    place = 0
    while place < len(content):
        if place + _LENGTH.size > len(content):
            return None
        (length,) = _LENGTH.unpack_from(content, place)
        place += _LENGTH.size + length
        entries.append(content[place - length : place])
    return entries if place == len(content) else None


def _save(folder: Path, level: int | None, index: int, width: int, content: bytes) -> None:
    """Write a tile or bundle; a whole one takes the place of the partial ones."""
    place = folder / tile_path(level, index, width)
    _replace(place, content)
    if width == WIDTH:
        shutil.rmtree(f"{place}.p", ignore_errors=True)


def _content(place: Path, most: int) -> bytes | None:
    """Return how a file begins, None of what is no file: no pipe is waited for."""
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def _replace(place: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}.new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    except OSError as error:
        raise RegistryError(f"{place} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink()
