"""Files that are cut or garbled at every offset of their ends.

Allowed is the right answer, a `CorruptError`, or an older state that the registry really had and
that a kept checkpoint exposes. Forbidden is everything else: a wrong answer, a missing log, a
registry that looks empty, a file that was changed by refusing it.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityid import registry
from cityid.errors import CorruptError, InvalidInputError, UnsupportedError
from cityid.registry import Checkpoint, NewEntry, Record
from torture.witness import Connect, Witness, expect, grown

END = 8 * 1024
STEP = 64
_SECTOR = 512
_AUDITED = 8  # every so many cases
_LOGS = [f"did:webvh:{number}:city.example" for number in range(6)]
_REFUSED = object()
DEEDS = ("cut", "flip", "zero", "garbage")


@dataclass(frozen=True, slots=True)
class Specimen:
    """A registry to be damaged, and what it has acknowledged.

    Attributes:
        name: What is special about it.
        files: The bytes of its files, by what follows the registry's name.
        target: Which of the files is damaged.
        records: All records that were acknowledged.
        sizes: How many records there were after each append.
        settled: How many records the database file holds without its write-ahead log.
        checkpoint: What somebody keeps who has seen all of it.
        expected: The right answers.
    """

    name: str
    files: dict[str, bytes]
    target: str
    records: tuple[Record, ...]
    sizes: frozenset[int]
    settled: int
    checkpoint: Checkpoint
    expected: dict[str, Any]


def specimens(folder: Path, connect: Connect) -> Iterator[Specimen]:
    """Make a registry that was closed, and one whose writer was killed."""
    path = folder / "specimen"
    address = f"file:{path}"
    sizes = {0}
    with connect(address) as ledger:
        for version in range(1, 4):
            sizes.add(_grow(ledger, version))
        settled = ledger.checkpoint()
        closed = _records(ledger)
        expected = _answers(ledger)
    files = {"": path.read_bytes()}
    yield Specimen("closed", files, "", closed, frozenset(sizes), settled.size, settled, expected)
    with connect(address) as ledger:
        for version in range(4, 9):
            sizes.add(_grow(ledger, version))
        checkpoint, records, expected = ledger.checkpoint(), _records(ledger), _answers(ledger)
        files = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
    for name, target in (("killed, the file", ""), ("killed, its log", "-wal")):
        yield Specimen(
            name, files, target, records, frozenset(sizes), settled.size, checkpoint, expected
        )


def _grow(ledger: Any, version: int) -> int:
    data = [b"%d " % version * size for size in (1, 20, 60, 200, 1500, 3)]
    new = [NewEntry(log, version, d) for log, d in zip(_LOGS, data, strict=True)]
    return ledger.append(new)[-1].sequence


def _records(ledger: Any) -> tuple[Record, ...]:
    return tuple(ledger.scan())


def _answers(ledger: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"scan": _records, "checkpoint": lambda ledger: ledger.checkpoint()}
    for log in [*_LOGS[::2], "absent"]:
        asked[f"read {log}"] = lambda ledger, log=log: ledger.read(log)
        asked[f"head {log}"] = lambda ledger, log=log: ledger.head(log)
    asked["proof"] = lambda ledger: ledger.prove_inclusion(3, 17)
    found: dict[str, Any] = {}
    for name, ask in asked.items():
        try:
            found[name] = ask(ledger)
        except CorruptError:
            found[name] = _REFUSED
        except InvalidInputError:  # there are fewer records than the proof is about
            found[name] = None
    return found


def damaged(content: bytes, deed: str, place: int, chance: random.Random) -> bytes:
    """Return the content of a file after something happened to it."""
    if deed == "cut":
        return content[:place]
    if deed == "flip":
        piece = bytes([content[place] ^ 1 << chance.randrange(8)])
    elif deed == "zero":
        piece = bytes(_SECTOR)
    else:
        piece = chance.randbytes(chance.choice((2, 16, _SECTOR, 4096)))
    return (content[:place] + piece + content[place + len(piece) :])[: len(content)]


class Examination:
    """What a registry says after damage."""

    def __init__(self, path: Path, connect: Connect) -> None:
        self._path = path
        self._connect = connect
        self._turn = 0

    def of(self, specimen: Specimen, content: bytes) -> str:
        """Damage a copy, ask it everything, and return what came of it."""
        files = specimen.files | {specimen.target: content}
        if files == specimen.files:
            return "unchanged"
        self._put(files)
        try:
            ledger = self._connect(f"file:{self._path}")
        except (CorruptError, UnsupportedError):
            expect(self._found(files) == files, "refusing the file changed it")
            return "refused when opened"
        with ledger:
            found = _answers(ledger)
            expect(found["checkpoint"] is _REFUSED or found["checkpoint"].size, "it looks empty")
            refused = _REFUSED in found.values()
            self._turn += 1
            if self._turn % _AUDITED == 0:
                self._audit(specimen, ledger, whole=not refused)
            if not refused:
                return self._whole(specimen, ledger, found)
            self._partly(specimen, found)
        expect(self._found(files) == files, "refusing an answer changed the file")
        return "refused when read"

    def _audit(self, specimen: Specimen, ledger: Any, *, whole: bool) -> None:
        """See that an audit with the kept checkpoint notices what the questions did."""
        report = registry.audit(ledger, checkpoints=[specimen.checkpoint])
        lost = ledger.checkpoint().size < specimen.checkpoint.size if whole else True
        expect(bool(report) != lost, f"an audit is mistaken:\n{report.explain()}")

    def _put(self, files: dict[str, bytes]) -> None:
        for end in ("", "-wal", "-shm"):
            place = self._path.with_name(self._path.name + end)
            if end in files:
                place.write_bytes(files[end])
            else:
                place.unlink(missing_ok=True)

    def _found(self, files: dict[str, bytes]) -> dict[str, bytes]:
        places = {end: self._path.with_name(self._path.name + end) for end in files}
        return {end: place.read_bytes() for end, place in places.items() if place.exists()}

    def _whole(self, specimen: Specimen, ledger: Any, found: dict[str, Any]) -> str:
        """Judge a registry that answers everything."""
        records = found["scan"]
        expect(records == specimen.records[: len(records)], "a record was changed")
        Witness().reread(ledger)
        kept = specimen.checkpoint
        if len(records) == len(specimen.records):
            expect(found == specimen.expected, "an answer is wrong")
            expect(grown(ledger, kept), "a kept checkpoint is refused, but nothing is lost")
            return "nothing lost"
        expect(specimen.target == "-wal", "the database file lost records without a word")
        expect(len(records) in specimen.sizes, "half of an append is there")
        expect(len(records) >= specimen.settled, "settled records are gone without a word")
        expect(not grown(ledger, kept), "a kept checkpoint does not expose what is lost")
        missing = specimen.records[len(records)]
        while ledger.checkpoint().size <= kept.size:  # nor when it has grown past it
            head = ledger.head(missing.log)
            ledger.append([NewEntry(missing.log, head.version + 1, b"another history")])
        expect(not grown(ledger, kept), "a kept checkpoint does not expose another history")
        return "older state, exposed by the checkpoint"

    def _partly(self, specimen: Specimen, found: dict[str, Any]) -> None:
        """Judge the answers of a registry that refuses others."""
        for name, answer in found.items():
            if answer is _REFUSED or answer == specimen.expected[name]:
                continue
            expect(name != "absent", "a log that never was")
            expect(specimen.target == "-wal", f"{name}: a wrong answer")
            older = answer.size if name == "checkpoint" else _last_sequence(name, answer)
            expect(older >= specimen.settled - len(_LOGS), f"{name}: a wrong answer")


def _last_sequence(name: str, answer: Any) -> int:
    if name == "proof":
        return 1 << 53
    last = answer[-1] if isinstance(answer, tuple) and answer else answer
    return last.sequence if last else 0


def run(
    seed: int, step: int, folder: Path, connect: Connect = registry.connect
) -> Iterator[Counter[str]]:
    """Do every deed at every `step`-th offset of the last `END` bytes, and of the first 128."""
    place = folder / "damage"
    place.mkdir()
    examine = Examination(place / "city.registry", connect)
    for specimen in specimens(place, connect):
        content = specimen.files[specimen.target]
        chance = random.Random(f"{seed} {specimen.name}")  # noqa: S311 - which bytes, no secret
        start = max(0, len(content) - END)
        for offset in [*range(start, len(content), step), *range(0, min(128, start), 4)]:
            for deed in DEEDS:
                try:
                    came = examine.of(specimen, damaged(content, deed, offset, chance))
                except Exception as error:
                    error.add_note(f"{specimen.name}: {deed} at {offset} of {len(content)} bytes")
                    raise
                yield Counter({"cases": 1, f"{specimen.name}: {came}": 1})
    shutil.rmtree(place)
