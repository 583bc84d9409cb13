"""Audits: every record, every hash and every index of a registry, verified again.

An audit goes through the records once, in the order of their acceptance, and holds no more of them
than one batch. It believes nothing that the registry stores beside them: leaves and tree are
computed anew, and each earlier checkpoint must be the root of the records up to its size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from cityid import display, timestamp
from cityid.errors import Code, CorruptError, InvalidInputError, RegistryError, quote
from cityid.keys import PublicKey
from cityid.registry import merkle
from cityid.registry.base import (
    Countable,
    Evidence,
    MerkleLeaf,
    Provable,
    Record,
    Registry,
    demand_open,
    leaf_contents,
)
from cityid.registry.checkpoint import Checkpoint, believe_checkpoint, read_checkpoint
from cityid.registry.cosignature import WitnessKey
from cityid.report import Check, Outcome, Problem, Report

Progress = Callable[[int, int], None]
"""Is called with the number of records done and of all."""
Examine = Callable[[Record], Problem | None]
"""Looks inside a record, which a registry never does; returns what is wrong with it."""

MAX_TOLD = 20
"""The most problems of one kind that an audit tells."""
_BATCH = 256
_PAGE = 64
_PROVEN = 16  # every stored hash above so many leaves is part of one of the proofs
_QUESTIONS = ("records", "versions", "times", "tree", "proofs", "indexes")
_SIGNS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.INCONCLUSIVE: "?"}
_MARKS = {True: ("✓ clean", "green"), False: ("✗ damaged", "red")}


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        origin: The registry's name.
        size: How many records were read.
        logs: How many logs they are in.
        root: The root of the Merkle tree over them, computed anew.
        first: When the first record was accepted.
        last: When the last one was.
        report: A check for each question: ``records``, ``versions``, ``times``, ``tree``,
            ``proofs``, ``indexes``, ``entries`` and one ``checkpoint`` for each earlier one.
    """

    origin: str
    size: int
    logs: int
    root: bytes
    first: datetime | None
    last: datetime | None
    report: Report

    def __bool__(self) -> bool:
        return self.report.clean

    def rows(self) -> list[tuple[str, object]]:
        """Return names and values of what was read."""
        times = [timestamp.write(time) if time else "" for time in (self.first, self.last)]
        names = ("Registry", "Records", "Logs", "Root", "First record", "Last record")
        values = (self.origin, self.size, self.logs, self.root.hex(), *times)
        return list(zip(names, values, strict=True))

    def explain(self) -> str:
        """Return the audit as text for a person: what was read, then one line a check."""
        lines = [_MARKS[bool(self)][0].partition(" ")[2].upper()]
        lines += [f"  {name}: {value}" for name, value in self.rows()]
        for check in self.report:
            lines.append(f"  {_SIGNS[check.outcome]} {check.name} {check.path}".rstrip())
            if check.problem is not None:
                lines += [f"      {check.problem.title}", f"      → {check.problem.advice}"]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON with RFC 9457 problem objects."""
        return {
            "clean": bool(self),
            "origin": self.origin,
            "size": self.size,
            "logs": self.logs,
            "root": self.root.hex(),
            "first": timestamp.write(self.first) if self.first else None,
            "last": timestamp.write(self.last) if self.last else None,
            "checks": [check.to_dict() for check in self.report],
        }

    def _repr_html_(self) -> str:
        table = display.checks_table(self.report)
        return display.card("Audit", self.rows(), badge=_MARKS[bool(self)], body=table)


def audit(
    registry: Registry,
    *,
    checkpoints: Iterable[Checkpoint | str] = (),
    operator: PublicKey | None = None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
    examine: Examine | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Verify a whole registry again. It is never changed, and may be in use meanwhile.

    Args:
        registry: The registry.
        checkpoints: Earlier checkpoints of it, or their texts, that were kept elsewhere.
        operator: The registry's key; with it each earlier checkpoint must be signed.
        witnesses: Who must have cosigned each earlier checkpoint; they need an operator.
        threshold: How many of them; None for all.
        examine: Looks inside each record, for example whether its signature holds.
        progress: Is called with the number of records done and of all.

    Returns:
        What was found. Damage is told there and not raised, nor is a world that fails.
    """
    demand_open(registry)
    stated, tree = _stated(registry)
    believed = [_believed(given, operator, tuple(witnesses), threshold) for given in checkpoints]
    walk = _Walk(registry, stated, examine)
    walk.expect(checkpoint for checkpoint, _ in believed if checkpoint is not None)
    unread = _go(walk, registry, progress or (lambda _done, _whole: None))
    return walk.result(tree, [problem for _, problem in believed if problem], unread)


def _stated(registry: Registry) -> tuple[Checkpoint | None, Problem | None]:
    try:
        return registry.checkpoint(), None
    except RegistryError as error:
        return None, Problem.from_error(error)


def _believed(
    given: Checkpoint | str,
    operator: PublicKey | None,
    witnesses: tuple[WitnessKey, ...],
    threshold: int | None,
) -> tuple[Checkpoint | None, Problem | None]:
    note = given if isinstance(given, str) else given.note
    try:
        checkpoint = believe_checkpoint(
            note,
            origin=read_checkpoint(note).origin,
            operator=operator,
            witnesses=witnesses,
            threshold=threshold,
        )
    except InvalidInputError as error:
        return None, Problem.from_error(error)
    return checkpoint, None


def _go(walk: _Walk, registry: Registry, progress: Progress) -> Problem | None:
    """Walk through the records; return why that ended early, if it did."""
    size = walk.stated.size if walk.stated else 0
    progress(0, size)
    try:
        records = registry.scan() if walk.stated is None else islice(registry.scan(), size)
        for batch in _batches(records):
            walk.take(batch)
            progress(walk.frontier.size, max(size, walk.frontier.size))
    except RegistryError as error:
        return Problem.from_error(error)
    return None


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, _BATCH)):
        yield batch


@dataclass(slots=True)
class _Findings:
    """What is wrong, by question; of each kind the first few."""

    problems: dict[str, list[Problem]] = field(default_factory=dict)

    def add(self, question: str, title: str, *, path: str = "") -> None:
        self.tell(question, Problem(Code.STORE_CORRUPT, title, path=path))

    def tell(self, question: str, problem: Problem) -> None:
        told = self.problems.setdefault(question, [])
        if len(told) < MAX_TOLD:
            told.append(problem)

    def checks(self, question: str) -> tuple[Check, ...]:
        problems = self.problems.get(question)
        if not problems:
            return (Check.passed(question),)
        return tuple(_judged(question, problem) for problem in problems)


def _judged(question: str, problem: Problem) -> Check:
    """Return what a problem says: the world's failures leave a question open."""
    if problem.code == Code.REGISTRY_UNAVAILABLE:
        return Check.inconclusive(question, problem, problem.path)
    return Check.failed(question, problem, problem.path)


class _Walk:
    """The state of one audit between two batches of records."""

    def __init__(
        self, registry: Registry, stated: Checkpoint | None, examine: Examine | None
    ) -> None:
        self.registry = registry
        self.stated = stated
        self.examine = examine
        self.frontier = merkle.Frontier()
        self.findings = _Findings()
        self.first: datetime | None = None
        self.last: datetime | None = None
        # A whole name for each of a million logs would not fit: their digests do.
        self.versions: dict[int, int] = {}
        self.scanned = self.indexed = 0
        self.expected: dict[int, list[Checkpoint]] = {}
        self.held: list[Checkpoint] = []

    def expect(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Hold the records to earlier checkpoints, each at its size."""
        for checkpoint in checkpoints:
            self.expected.setdefault(checkpoint.size, []).append(checkpoint)
        self._compare()

    def take(self, records: Sequence[Record]) -> None:
        """Verify the next records."""
        leaves = [merkle.leaf_hash(content) for content in leaf_contents(records)]
        first = self.frontier.size + 1
        for place, (record, leaf) in enumerate(zip(records, leaves, strict=True), first):
            self._order(record, place)
            self.scanned += _mark(record.sequence, leaf)
            if self.stated is not None and record.sequence % _PROVEN == 1:
                self._prove(record, leaf, self.stated)
            if record.version == 1:
                self._index(record.log)
            if self.examine is not None and (problem := self.examine(record)) is not None:
                self.findings.tell("entries", problem)
        self._grow(leaves)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        """Add leaves to the tree, and stop at the size of each earlier checkpoint."""
        first = self.frontier.size
        stops = (size - first for size in self.expected if first < size <= first + len(leaves))
        done = 0
        for stop in [*sorted(stops), len(leaves)]:
            self.frontier, _ = self.frontier.extend(leaves[done:stop])
            self._compare()
            done = stop

    def _order(self, record: Record, place: int) -> None:
        where = f"/{place}"
        if record.sequence != place or not self._is_leaf(record.evidence, place - 1):
            self.findings.add("records", f"record {place} says that it is another", path=where)
        name = int.from_bytes(hashlib.sha256(record.log.encode()).digest()[:16])
        version = self.versions.get(name, 0) + 1
        if record.version != version:
            self.findings.add(
                "versions",
                f"version {version} of {quote(record.log)} is missing; "
                f"version {record.version} stands in its place",
                path=where,
            )
        self.versions[name] = record.version
        if self.last is not None and record.recorded_at < self.last:
            self.findings.add("times", f"record {place} is older than the one before", path=where)
        self.first = self.first or record.recorded_at
        self.last = record.recorded_at

    def _is_leaf(self, evidence: Evidence, index: int) -> bool:
        """Tell whether evidence is of this place; a chain's was verified against the chain."""
        if not isinstance(evidence, MerkleLeaf):
            return True
        origin = self.stated.origin if self.stated else evidence.origin
        return evidence == MerkleLeaf(origin, index)

    def _compare(self) -> None:
        size, root = self.frontier.size, self.frontier.root()
        for checkpoint in self.expected.pop(size, ()):
            if self.stated is not None and checkpoint.origin != self.stated.origin:
                title = f"the checkpoint is of another registry, {quote(checkpoint.origin)}"
                self.findings.add("checkpoint", title, path=f"/{size}")
            elif checkpoint.root != root:
                title = f"the first {size} records are not those of the checkpoint: history changed"
                self.findings.add("checkpoint", title, path=f"/{size}")
            else:
                self.held.append(checkpoint)

    def _prove(self, record: Record, leaf: bytes, stated: Checkpoint) -> None:
        if not isinstance(self.registry, Provable):
            return
        index = record.sequence - 1
        try:
            path = self.registry.prove_inclusion(index, stated.size)
            merkle.verify_inclusion(leaf, index, stated.size, path, stated.root)
        except (InvalidInputError, CorruptError) as error:
            self.findings.add("proofs", str(error), path=f"/{index + 1}")

    def _index(self, log: str) -> None:
        """Read a log by its name, and add up what it has; all logs must have what was scanned."""
        most, after, page = self.stated.size if self.stated else None, 0, _PAGE
        try:
            while page == _PAGE:
                records = self.registry.read(log, after=after, limit=_PAGE)
                for record, content in zip(records, leaf_contents(records), strict=True):
                    if most is None or record.sequence <= most:
                        self.indexed += _mark(record.sequence, merkle.leaf_hash(content))
                page = len(records)
                after += page
        except CorruptError as error:
            self.findings.add("indexes", str(error))

    def result(
        self, tree: Problem | None, unbelieved: Iterable[Problem], unread: Problem | None
    ) -> Audit:
        """Return what was found, once all records were taken that could be read."""
        self._conclude(tree, unread)
        for problem in unbelieved:
            self.findings.tell("checkpoint", problem)
        checks = [check for name in _QUESTIONS for check in self.findings.checks(name)]
        if self.examine is not None:
            checks += self.findings.checks("entries")
        checks += [Check.passed("checkpoint", f"/{held.size}") for held in self.held]
        if "checkpoint" in self.findings.problems:
            checks += self.findings.checks("checkpoint")
        return Audit(
            self.stated.origin if self.stated else "",
            self.frontier.size,
            len(self.versions),
            self.frontier.root(),
            self.first,
            self.last,
            Report(tuple(checks)),
        )

    def _conclude(self, tree: Problem | None, unread: Problem | None) -> None:
        size, root = self.frontier.size, self.frontier.root()
        if tree is not None:
            self.findings.tell("tree", tree)
        elif self.stated is not None and (self.stated.size, self.stated.root) != (size, root):
            self.findings.add("tree", "the records do not lead to the root that is stated")
        if unread is not None:
            self.findings.tell("records", unread)
        elif self.scanned != self.indexed:
            self.findings.add("indexes", "the logs do not have the records that were accepted")
        self._count()
        for checkpoints in self.expected.values():
            for checkpoint in checkpoints:
                self.findings.add(
                    "checkpoint",
                    f"there are {size} records, and were {checkpoint.size}: it was rolled back",
                    path=f"/{checkpoint.size}",
                )

    def _count(self) -> None:
        """Let the registry count what it keeps beside the records, where these are all right."""
        damaged = self.findings.problems.keys() & {"records", "tree", "indexes"}
        if isinstance(self.registry, Countable) and not damaged:
            try:
                self.registry.check_counts()
            except RegistryError as error:
                self.findings.tell("indexes", Problem.from_error(error))


def _mark(sequence: int, leaf: bytes) -> int:
    """Return what stands for a record in a sum that does not depend on the order."""
    return int.from_bytes(hashlib.sha256(sequence.to_bytes(8) + leaf).digest())
