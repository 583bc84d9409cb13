"""The contract against a model of it in Python, under random calls of good and bad people."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from city_contract import NOBODY, City
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.contract.layout import (
    Entry,
    EntryPart,
    Head,
    Place,
    Total,
    Transfer,
    head_after,
    parts,
    total_after,
)
from cityid.registry.ethereum.hashing import keccak256

LOGS = [keccak256(b"log %d" % number) for number in range(4)]
CALLS = 160


@dataclass
class Writer:
    key: int | None
    recovery: int | None = None
    successor: int | None = None


@dataclass
class Model:
    """What the contract is to do, with people in place of addresses."""

    writers: list[Writer] = field(default_factory=list)
    heads: dict[bytes, Head] = field(default_factory=dict)
    total: Total = Total(0, 0, 0)  # noqa: RUF009 - a frozen value

    def number(self, person):
        keys = [writer.key for writer in self.writers]
        return keys.index(person) + 1 if person in keys else 0

    def append(self, entries, by, block, time):
        """Return why entries are refused, or the events of all of them."""
        writer = self.number(by)
        if writer == 0:
            return "writer"
        heads, total, events = dict(self.heads), self.total, []
        for log, version, content in entries:
            before = heads.get(log)
            if before is not None and before.writer != writer:
                return "owner"
            if version != (0 if before is None else before.version) + 1:
                return "version"
            word = 0 if before is None else before.word
            *others, last = parts(content)
            place = Place(writer, version, total.size + 1, time)
            more = Place(writer, version, total.size + 1, time, more=True)
            events += [EntryPart(log, word, more, part) for part in others]
            events.append(EntryPart(log, word, place, last))
            heads[log] = head_after(word, place, parts(content), block)
            total = total_after(total, log, heads[log])
        self.heads, self.total = heads, total
        return events

    def transfer(self, log, heir, by, block, time):
        writer, before = self.number(by), self.heads.get(log)
        if writer == 0:
            return "writer"
        if before is None or before.writer != writer:
            return "owner"
        if not 0 < heir <= len(self.writers):
            return "writer"
        place = Place(heir, before.version, 0, time)
        self.heads[log] = head_after(before.word, place, [], block)
        return [Transfer(log, before.word, place)]

    def admit(self, person, by):
        if person != by:
            return "steward"
        if self.number(person):
            return "key"
        self.writers.append(Writer(person))
        return []

    def entrust(self, number, person, by):
        writer = self._writer(number)
        if by != (writer.key if writer.recovery is None else writer.recovery):
            return "recovery"
        writer.recovery = person
        return []

    def rotate(self, number, person, by):
        writer = self._writer(number)
        if by not in {writer.key, writer.recovery}:
            return "recovery"
        if by != writer.key:
            writer.key = None
        writer.successor = person
        return []

    def accept(self, number, by):
        writer = self._writer(number)
        if by != writer.successor:
            return "successor"
        if self.number(by):
            return "key"
        writer.key, writer.successor = by, None
        return []

    def _writer(self, number):
        known = 0 < number <= len(self.writers)
        return self.writers[number - 1] if known else Writer(None)


class Schedule:
    """What people do next, good and bad, as the model's call and the contract's."""

    def __init__(self, seed, city, model):
        self.chance = random.Random(seed)  # noqa: S311 - which calls, no secret
        self.city = city
        self.model = model

    def next(self):
        kinds = [self.append] * 5 + [self.transfer, self.admit, self.entrust, self.rotate]
        return self.chance.choice([*kinds, self.accept, self.accept])()

    def append(self):
        versions = {log: head.version for log, head in self.model.heads.items()}
        entries = []
        for _ in range(self.chance.choice([1, 1, 1, 2, 5])):
            log = self.chance.choice(LOGS)
            wrong = self.chance.choice([0] * 12 + [-1, 1])
            versions[log] = version = versions.get(log, 0) + 1
            size = self.chance.choice([0, 1, 40, 300, 1023, 1024, 1025, 2048, 2500])
            entries.append(Entry(log, max(1, version + wrong), self.chance.randbytes(size)))
        return (
            lambda *where: self.model.append(entries, *where),
            layout.append_call(entries),
        )

    def transfer(self):
        log, heir = self.chance.choice(LOGS), self.number()
        return (
            lambda *where: self.model.transfer(log, heir, *where),
            layout.transfer_call(log, heir),
        )

    def admit(self):
        person = self.chance.randrange(len(self.city.people))
        return (
            lambda by, *_: self.model.admit(person, by),
            layout.admit_call(self.city.people[person]),
        )

    def entrust(self):
        number, person = self.number(), self.somebody()
        return (
            lambda by, *_: self.model.entrust(number, person, by),
            layout.entrust_call(number, self.address(person)),
        )

    def rotate(self):
        number, person = self.number(), self.somebody()
        return (
            lambda by, *_: self.model.rotate(number, person, by),
            layout.rotate_call(number, self.address(person)),
        )

    def accept(self):
        number = self.number()
        return (
            lambda by, *_: self.model.accept(number, by),
            layout.accept_call(number),
        )

    def number(self):
        return self.chance.randrange(len(self.model.writers) + 2)

    def somebody(self):
        return self.chance.choice([None, *range(len(self.city.people))])

    def address(self, person):
        return NOBODY if person is None else self.city.people[person]


@pytest.mark.parametrize(("seed", "london"), [(0, False), (1, False), (2, True)])
def test_the_contract_does_what_its_model_does(seed, london):
    city, model = City(london=london), Model()
    city.admit(0, 1, 2)
    model.writers = [Writer(0), Writer(1), Writer(2)]
    schedule = Schedule(seed, city, model)
    outcomes = set()
    for _ in range(CALLS):
        do, call = schedule.next()
        by = schedule.chance.choice([0, 0, 0, 1, 1, 2, *range(len(city.people))])
        pending = city.tester.get_block_by_number("pending")
        done, refusal = None, city.refusal(call, by)
        if refusal is None:
            done = city.send(call, by)
            told = do(by, done.block, done.time)
            kinds = {layout.ENTRY, layout.TRANSFERRED}
            found = [layout.read_event(log) for log in done.logs if log.topics[0] in kinds]
            assert found == told
        else:
            told = do(by, pending["number"], pending["timestamp"])
            assert refusal == told
        outcomes.add(refusal)
        compare(city, model)
    assert outcomes >= {None, "owner", "version", "recovery", "successor", "steward"}


def compare(city, model):
    """Hold the whole storage of the contract against the model."""
    assert city.total() == model.total
    for log in LOGS:
        word = city.stored(layout.head_slot(log))
        assert word == (model.heads[log].word if log in model.heads else 0)
    for number, writer in enumerate(model.writers, 1):
        slot = layout.writer_slot(number)
        for offset, person in enumerate((writer.key, writer.recovery, writer.successor)):
            address = NOBODY if person is None else city.people[person]
            assert city.stored(slot + offset) == int.from_bytes(address, "big")
    for person, address in enumerate(city.people):
        assert city.stored(layout.writer_of_slot(address)) == model.number(person)
