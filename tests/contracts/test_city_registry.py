"""The contract of the registry on a chain: each rule where it lets pass, and where it refuses."""

from __future__ import annotations

import hashlib
import random

import pytest

import city_contract
from city_contract import ARTEFACT, City
from cityid import resources
from cityid.registry.ethereum.contract import contents, layout
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.layout import (
    MAX_PART,
    MAX_VERSION,
    Entry,
    EntryPart,
    Place,
    Total,
    append_call,
    head_after,
    total_after,
)
from cityid.registry.ethereum.hashing import keccak256
from contracts.artefact import artefact

LOG, OTHER = log_id("did:example:log"), log_id("did:example:other")
CHAIN_IS_LONG = 2**32


@pytest.fixture
def city():
    """A registry without steward, with two writers: the people 0 and 1."""
    city = City()
    city.admit(0, 1)
    return city


def one(log=LOG, version=1, content=b"an entry"):
    return append_call([Entry(log, version, content)])


def many(*entries):
    """The packed form, however few entries there are."""
    packed = b"".join(map(layout._packed, entries))
    return raw(packed)


def raw(packed, start=None):
    start = max(36, MAX_PART - len(packed)) if start is None else start
    return (
        keccak256(b"append_many(uint256)")[:4]
        + start.to_bytes(32, "big").ljust(start - 4, b"\0")
        + packed
    )


# --- what ships


def test_what_ships_is_what_the_source_compiles_to():
    source = resources.read(resources.Kind.CONTRACTS, "CityRegistry.vy").decode()
    assert resources.read(resources.Kind.CONTRACTS, "CityRegistry.json") == artefact(source)
    assert ARTEFACT["sourceSha256"] == hashlib.sha256(source.encode()).hexdigest()
    assert ARTEFACT["compiler"].startswith("vyper 0.4.3")
    assert ARTEFACT["settings"]["evmVersion"] == "london"


def test_the_code_calls_nobody():
    """The precompiled copy is asked statically; nothing else is asked, made or given away."""
    runtime = bytes.fromhex(ARTEFACT["runtime"][2:])
    code = runtime[: runtime.rindex(END_OF_CODE) + len(END_OF_CODE)]
    assert len(runtime) - len(code) < 40  # the table of functions
    operations = operations_of(code)
    others = {"CREATE": 0xF0, "CALL": 0xF1, "CALLCODE": 0xF2, "DELEGATECALL": 0xF4, "CREATE2": 0xF5}
    others |= {"SELFDESTRUCT": 0xFF, "MCOPY": 0x5E, "PUSH0": 0x5F, "TLOAD": 0x5C, "TSTORE": 0x5D}
    assert 0xFA in operations
    assert operations & set(others.values()) == set()


END_OF_CODE = bytes.fromhex("5b600080fd")  # where all checks end that say nothing


def operations_of(code):
    """The operations of code, without the words that they push."""
    found, position = set(), 0
    while position < len(code):
        operation = code[position]
        found.add(operation)
        position += operation - 0x5E if 0x60 <= operation <= 0x7F else 1
    return found


def test_the_interface_has_exactly_this():
    functions = {row["name"] for row in ARTEFACT["abi"] if row["type"] == "function"}
    assert functions == {
        "append", "append_many", "transfer", "admit", "entrust", "rotate", "accept",
        "total", "head", "writer", "writer_of", "writers", "steward", "birth",
    }  # fmt: skip
    assert all(
        row["stateMutability"] in {"view", "nonpayable"}
        for row in ARTEFACT["abi"]
        if row["type"] == "function"
    )


def test_money_is_not_taken(city):
    call = {"from": "0x" + city.people[0].hex(), "to": city_contract.ADDRESS, "value": 1}
    with pytest.raises(city_contract.TransactionFailed):
        city.tester.call(call | {"data": "0x" + one().hex()})
    with pytest.raises(city_contract.TransactionFailed):
        city.tester.call(call)


# --- entries


def test_an_entry_is_in_the_event_and_its_head_in_storage(city):
    done = city.send(one(content=b"the first"))
    place = Place(writer=1, version=1, sequence=1, time=done.time)
    assert done.events() == [EntryPart(LOG, 0, place, b"the first")]
    head = head_after(0, place, [b"the first"], done.block)
    assert city.head(LOG) == head
    assert city.total() == total_after(Total(0, 0, 0), LOG, head)
    assert city.ask("head(bytes32)", LOG) == (head.word,)
    assert city.ask("total()") == (city.total().word,)


def test_the_next_entry_tells_the_head_before_it(city):
    city.send(one())
    before, total = city.head(LOG), city.total()
    done = city.send(one(version=2, content=b""))
    place = Place(writer=1, version=2, sequence=2, time=done.time)
    assert done.events() == [EntryPart(LOG, before.word, place, b"")]
    assert city.head(LOG) == head_after(before.word, place, [b""], done.block)
    assert city.total() == total_after(total, LOG, city.head(LOG))


def test_only_writers_append(city):
    assert city.reverts(one(), by=2) == "writer"
    assert city.reverts(many(Entry(LOG, 1, b"x")), by=2) == "writer"


def test_only_the_owner_appends(city):
    city.send(one(), by=1)
    assert city.reverts(one(version=2), by=0) == "owner"
    assert city.reverts(many(Entry(OTHER, 1, b"x"), Entry(LOG, 2, b"x")), by=0) == "owner"
    assert city.head(OTHER).word == 0
    city.send(one(version=2), by=1)


def test_the_first_to_open_a_log_owns_it(city):
    city.send(one(), by=1)
    assert city.reverts(one(), by=0) == "owner"
    assert city.reverts(one(), by=1) == "version"


@pytest.mark.parametrize("version", [0, 1, 3, 4, MAX_VERSION])
def test_only_the_next_version_is_taken(city, version):
    city.send(one())
    entry = Entry(LOG, version, b"x")
    assert city.reverts(layout._append(entry)) == "version"
    assert city.reverts(many(entry)) == "version"
    city.send(one(version=2))


@pytest.mark.parametrize("version", [0, 2, MAX_VERSION])
def test_a_log_begins_with_version_1(city, version):
    assert city.reverts(layout._append(Entry(LOG, version, b"x"))) == "version"


@pytest.mark.parametrize("version", [2**32, 2**32 + 1, 2**255])
def test_a_version_has_32_bits(city, version):
    assert city.reverts(layout._append(Entry(LOG, version, b"x"))) == ""


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 577, MAX_PART - 1, MAX_PART])
def test_a_part_has_any_size_up_to_the_largest(city, size):
    content = random.Random(size).randbytes(size)  # noqa: S311 - any bytes
    for version, data in ((1, layout._append(Entry(LOG, 1, content))), (2, None)):
        done = city.send(data or many(Entry(LOG, version, content)))
        assert [part.data for part in done.events()] == [content]


def test_a_larger_part_is_refused(city):
    content = bytes(MAX_PART + 1)
    assert city.reverts(layout._append(Entry(LOG, 1, content))) == ""
    packed = LOG + (1).to_bytes(4, "big") + len(content).to_bytes(2, "big") + content
    assert city.reverts(raw(packed)) == ""
    assert city.reverts(raw(packed + bytes(2000))) == ""


# --- many entries at once


def test_a_batch_is_in_order_and_each_log_has_its_own_chain(city):
    city.send(one())
    before, total = city.head(LOG), city.total()
    entries = [Entry(OTHER, 1, b"a"), Entry(LOG, 2, b"b"), Entry(LOG, 3, b"c" * 600)]
    done = city.send(append_call(entries))
    places = [Place(1, entry.version, 2 + i, done.time) for i, entry in enumerate(entries)]
    heads = [head_after(0, places[0], [b"a"], done.block)]
    heads.append(head_after(before.word, places[1], [b"b"], done.block))
    heads.append(head_after(heads[1].word, places[2], [b"c" * 600], done.block))
    previous = [0, before.word, heads[1].word]
    assert done.events() == [
        EntryPart(entry.log, word, place, entry.content)
        for entry, word, place in zip(entries, previous, places, strict=True)
    ]
    assert (city.head(OTHER), city.head(LOG)) == (heads[0], heads[2])
    for entry, head in zip(entries, heads, strict=True):
        total = total_after(total, entry.log, head)
    assert city.total() == total


def test_a_batch_is_all_or_nothing(city):
    entries = [Entry(LOG, 1, b"a"), Entry(OTHER, 2, b"b")]
    assert city.reverts(append_call(entries)) == "version"
    assert city.head(LOG).word == 0
    assert city.total().word == 0
    city.send(append_call([entries[0], Entry(OTHER, 1, b"b")]))


def test_one_batch_takes_more_than_1200_entries(city):
    entries = [Entry(keccak256(b"%d" % (i % 600)), 1 + i // 600, b"%d" % i) for i in range(1300)]
    done = city.send(append_call(entries))
    assert [(e.log, e.place.version, e.data) for e in done.events()] == [tuple(e) for e in entries]
    assert [e.place.sequence for e in done.events()] == list(range(1, 1301))
    assert city.total().size == 1300
    assert done.gas < 30_000_000


def test_a_long_entry_comes_in_parts(city):
    city.send(one())
    before = city.head(LOG)
    content = random.Random(4).randbytes(40_000)  # noqa: S311 - any bytes
    done = city.send(append_call([Entry(LOG, 2, content), Entry(OTHER, 1, b"short")]))
    *long, short = done.events()
    assert [len(part.data) for part in long] == [MAX_PART] * 39 + [64]
    assert [part.place.more for part in long] == [True] * 39 + [False]
    assert {part.place.sequence for part in long} == {2}
    assert {part.previous for part in long} == {before.word}
    parts = layout.parts(content)
    assert b"".join(parts) == content
    assert city.head(LOG) == head_after(before.word, long[-1].place, parts, done.block)
    assert short.place.sequence == 3


def test_a_million_zeros_are_one_small_part(city):
    content = contents.content("did:example:log", 1, bytes(1 << 20))
    assert len(content) < 1100
    done = city.send(append_call([Entry(LOG, 1, content)]))
    joined = b"".join(part.data for part in done.events())
    assert contents.read_content(LOG, 1, joined) == ("did:example:log", bytes(1 << 20))
    assert done.gas < 120_000


def test_the_parts_of_an_entry_are_part_of_its_head():
    # No other way to cut the same bytes leads to the same head, nor do other parts.
    place = Place(1, 1, 1, 1)
    cuts = [[b"abcdef"], [b"abc", b"def"], [b"ab", b"cdef"], [b"abcdef", b""], [b"", b"abcdef"]]
    cuts += [[b"abc"], [b"def", b"abc"], [keccak256(b"abc") + keccak256(b"def")]]
    assert len({head_after(0, place, cut, 1) for cut in cuts}) == len(cuts)


# --- calls that are not what they should be

GOOD = [Entry(LOG, 1, b"a" * 40), Entry(OTHER, 1, bytes(range(256)) * 9), Entry(LOG, 2, b"")]


@pytest.mark.parametrize("cut", [1, 2, 3, 35, 36, 37, 39, 300, 1500])
def test_a_call_that_ends_too_early_is_refused(city, cut):
    call = append_call(GOOD)
    assert city.reverts(call[:-cut]) in {"", "version"}
    assert city.refusal(call) is None


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 37, b"\0" * 38, LOG, LOG + b"\0\0\0\3\0"])
def test_a_call_with_bytes_after_its_entries_is_refused(city, tail):
    assert city.reverts(append_call(GOOD) + tail) in {"", "version"}


def test_an_entry_whose_last_part_is_missing_is_refused(city):
    packed = LOG + (1).to_bytes(4, "big") + (1 << 15 | 3).to_bytes(2, "big") + b"abc"
    assert city.reverts(raw(packed)) == ""
    assert city.reverts(raw(layout._packed(GOOD[1]) + packed)) == ""
    closed = packed + (0).to_bytes(2, "big")
    (first, last) = city.send(raw(closed)).events()
    assert (first.data, first.place.more) == (b"abc", True)
    assert (last.data, last.place.more) == (b"", False)


def test_a_call_without_entries_is_refused(city):
    assert city.reverts(raw(b"")) == ""
    assert city.reverts(raw(b"", start=36)) == ""
    assert city.reverts(keccak256(b"append_many(uint256)")[:4]) == ""


@pytest.mark.parametrize("start", [0, 3, 35, 1025, 5000, 2**64, 2**256 - 1, 2**256 - 36])
def test_entries_that_begin_elsewhere_are_refused(city, start):
    call = bytearray(append_call(GOOD))
    call[4:36] = start.to_bytes(32, "big")
    assert city.reverts(bytes(call)) in {"", "version"}


def test_a_call_shorter_than_a_window_is_refused(city):
    packed = layout._packed(Entry(LOG, 1, b"abc"))
    assert city.reverts(raw(packed, start=MAX_PART - len(packed) - 1)) == ""
    city.send(raw(packed, start=MAX_PART - len(packed)))


def test_what_lies_before_the_entries_is_not_read(city):
    call = bytearray(many(Entry(LOG, 1, b"abc")))
    call[36:136] = bytes(range(100))
    (part,) = city.send(bytes(call)).events()
    assert part.data == b"abc"


def test_whatever_is_mangled_is_refused_or_says_what_it_says(city):
    """Compare the contract with a reader of calls that was written without looking at it."""
    chance = random.Random(20261122)  # noqa: S311 - which bytes, no secret
    good = append_call(GOOD)
    outcomes = set()
    for _ in range(250):
        call = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            where = chance.choice(
                [chance.randrange(4, len(call)), 35, 70, 71, 72, 73, 74, 149, 150]
            )
            call[where] = chance.choice([0, 1, 2, 4, 0x80, 0xFF, chance.randrange(256)])
        if chance.random() < 0.3:
            call = call[: chance.randrange(4, len(call))] + bytes(chance.choice([0, 0, 7]))
        expected = unpack(bytes(call))
        refusal = city.refusal(bytes(call))
        assert (refusal is None) is (expected is not None), bytes(call).hex()
        outcomes.add(refusal)
    assert outcomes == {None, "", "version"}


def unpack(call):
    """The entries of a call, each the next one of a log nobody has; None where it is no such."""
    if len(call) < max(36, MAX_PART):
        return None
    position, versions = int.from_bytes(call[4:36], "big"), {}
    while True:
        log, version = call[position : position + 32], call[position + 32 : position + 36]
        if int.from_bytes(version, "big") != versions.get(log, 0) + 1:
            return None
        versions[log] = int.from_bytes(version, "big")
        position += 36
        more = True
        while more:
            header = call[position : position + 2]
            more, size = header[:1] >= b"\x80", int.from_bytes(header, "big") & 0x7FFF
            position += 2 + size
            if len(header) < 2 or size > MAX_PART or position > len(call):
                return None
        if position == len(call):
            return versions
