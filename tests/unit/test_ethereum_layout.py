"""Words, events, calls and contents of the registry on a chain, each against what it must be."""

from __future__ import annotations

import hashlib
import json
import random
import sys

import pytest
from eth_abi import encode

from cityid import resources
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.registry.ethereum import hashing
from cityid.registry.ethereum.contract import deployment, layout
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.layout import (
    Entry,
    EntryPart,
    Head,
    Place,
    Total,
    Transfer,
    append_call,
    head_after,
    read_event,
    total_after,
)
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.nodes.blocks import Log
from contracts.artefact import FOLDER

NAME = "did:webvh:example:city.example"
LOG = log_id(NAME)
ARTEFACT = json.loads(resources.read(resources.Kind.CONTRACTS, deployment.ARTEFACT))
CHANCE = random.Random(4)  # noqa: S311 - any numbers


# --- hashing


def test_keccak_is_that_of_ethereum_and_not_of_sha3():
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == empty
    assert hashlib.sha3_256(b"").hexdigest() != empty


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"", "80"),
        (b"\0", "00"),
        (b"\x7f", "7f"),
        (b"\x80", "8180"),
        (b"dog", "83646f67"),
        (b"a" * 55, "b7" + "61" * 55),
        (b"a" * 56, "b838" + "61" * 56),
        (b"a" * 1024, "b90400" + "61" * 1024),
        ([], "c0"),
        ([b"cat", b"dog"], "c88363617483646f67"),
        ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
        ([b"a" * 55, b""], "f839" + "b7" + "61" * 55 + "80"),
        (hashing.number(0), "80"),
        (hashing.number(15), "0f"),
        (hashing.number(1024), "820400"),
    ],
)
def test_rlp_writes_what_the_yellow_paper_says(item, encoded):
    assert hashing.rlp_encode(item).hex() == encoded


def test_rlp_writes_what_the_library_of_others_writes():
    import rlp

    def item(depth):
        if depth == 0 or CHANCE.random() < 0.6:
            return CHANCE.randbytes(CHANCE.choice([0, 1, 2, 55, 56, 300]))
        return [item(depth - 1) for _ in range(CHANCE.choice([0, 1, 3, 20]))]

    for _ in range(100):
        made = item(3)
        assert hashing.rlp_encode(made) == rlp.encode(made)


ADDRESSES = [  # from EIP-55
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses_have_the_check_sum_of_eip_55(text):
    address = hashing.read_address(text)
    assert hashing.checksummed(address) == text
    assert hashing.read_address(text.lower()) == address
    assert hashing.read_address("0x" + text[2:].upper()) == address


@pytest.mark.parametrize(
    "text",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00",
        "0x" + " " * 40,
        "0x" + "1 " * 20,
        "0x" + "g" * 40,
        "0x" + "\u0661" * 40,
        "",
        None,
        b"0x" + b"0" * 40,
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidInputError):
        hashing.read_address(text)


def test_an_address_of_another_size_has_no_check_sum():
    with pytest.raises(InvalidInputError, match="20 bytes, not 19"):
        hashing.checksummed(bytes(19))


def test_without_the_libraries_of_the_chain_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "eth_hash.auto", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'cityid\[ethereum\]'"):
        keccak256(b"")


# --- words


@pytest.mark.parametrize("_", range(20))
def test_words_say_what_was_written_into_them(_):
    head = Head(*map(CHANCE.getrandbits, (24, 32, 32, 168)))
    total = Total(*map(CHANCE.getrandbits, (40, 32, 184)))
    place = Place(*map(CHANCE.getrandbits, (24, 32, 64, 64)), more=CHANCE.random() < 0.5)
    assert Head.read(head.word) == head
    assert Total.read(total.word) == total
    assert Place.read(place.word) == place


def test_words_have_their_fields_where_the_contract_has_them():
    assert Head(1, 2, 3, 4).word == 1 << 232 | 2 << 200 | 3 << 168 | 4
    assert Total(1, 2, 3).word == 1 << 216 | 2 << 184 | 3
    assert Place(1, 2, 3, 4).word == 1 << 160 | 2 << 128 | 3 << 64 | 4
    assert Place(1, 2, 3, 4, more=True).word == 1 << 192 | Place(1, 2, 3, 4).word
    assert Head.read(0) == Head(0, 0, 0, 0)


def test_a_head_is_the_hash_that_the_contract_describes():
    place = Place(1, 2, 3, 4)
    words = [(7).to_bytes(32, "big"), place.word.to_bytes(32, "big"), keccak256(b"data")]
    assert head_after(7, place, [b"data"], 9) == Head(1, 2, 9, top(keccak256(b"".join(words)), 168))
    words[2] = bytes(32)
    assert head_after(7, place, [], 9) == Head(1, 2, 9, top(keccak256(b"".join(words)), 168))
    words = [word(7), word(1 << 192 | place.word), keccak256(b"da")]
    words = [keccak256(b"".join(words)), place.word.to_bytes(32, "big"), keccak256(b"ta")]
    assert head_after(7, place, [b"da", b"ta"], 9).digest == top(keccak256(b"".join(words)), 168)


def test_whether_more_follows_is_told_by_the_parts_and_not_by_the_place():
    place, more = Place(1, 2, 3, 4), Place(1, 2, 3, 4, more=True)
    assert head_after(7, place, [b"a", b"b"], 9) == head_after(7, more, [b"a", b"b"], 9)


def test_a_total_is_the_hash_that_the_contract_describes():
    total, head = Total(5, 6, 7), Head(1, 2, 9, 4)
    log = bytes(range(32))
    words = total.word.to_bytes(32, "big") + log + head.word.to_bytes(32, "big")
    assert total_after(total, log, head) == Total(6, 9, top(keccak256(words), 184))


def top(digest, bits):
    return int.from_bytes(digest, "big") >> 256 - bits


def test_every_field_changes_the_head():
    base = (7, Place(1, 2, 3, 4), [b"data"], 9)
    others = [
        (8, *base[1:]),
        (7, Place(2, 2, 3, 4), *base[2:]),
        (7, Place(1, 3, 3, 4), *base[2:]),
        (7, Place(1, 2, 4, 4), *base[2:]),
        (7, Place(1, 2, 3, 5), *base[2:]),
        (*base[:2], [b"date"], 9),
        (*base[:2], [b"data", b""], 9),
        (*base[:2], [], 9),
    ]
    digests = {head_after(*case).digest for case in [base, *others]}
    assert len(digests) == 9
    assert head_after(*base[:3], 10) != head_after(*base)


# --- storage, events and calls against the artefact


def test_slots_are_where_the_compiler_puts_them():
    from vyper.compiler import compile_code

    source = (FOLDER / "CityRegistry.vy").read_text(encoding="utf-8")
    places = compile_code(source, output_formats=["layout"])["layout"]["storage_layout"]
    slots = {name: row["slot"] for name, row in places.items()}

    def slot(name, key):
        return int.from_bytes(keccak256(slots[name].to_bytes(32, "big") + key), "big")

    address = CHANCE.randbytes(20)
    assert layout.total_slot() == slots["total"]
    assert layout.writer_count_slot() == slots["writers"]
    assert layout.head_slot(LOG) == slot("head", LOG)
    assert layout.writer_slot(3) == slot("writer", (3).to_bytes(32, "big"))
    assert layout.writer_of_slot(address) == slot("writer_of", address.rjust(32, b"\0"))


def signature(name):
    (row,) = (row for row in ARTEFACT["abi"] if row.get("name") == name)
    return f"{name}({','.join(parameter['type'] for parameter in row['inputs'])})".encode()


def test_events_are_known_by_their_signatures():
    assert keccak256(signature("Entry")) == layout.ENTRY
    assert keccak256(signature("Transferred")) == layout.TRANSFERRED


@pytest.mark.parametrize(
    ("name", "call", "arguments"),
    [
        ("append", append_call([Entry(LOG, 2, b"x" * 33)]), (LOG, 2, b"x" * 33)),
        ("append", append_call([Entry(LOG, 2, b"")]), (LOG, 2, b"")),
        ("append", append_call([Entry(LOG, 2, b"x" * 1024)]), (LOG, 2, b"x" * 1024)),
        ("admit", layout.admit_call(b"\1" * 20), ("0x" + "01" * 20,)),
        ("entrust", layout.entrust_call(5, b"\1" * 20), (5, "0x" + "01" * 20)),
        ("rotate", layout.rotate_call(5, b"\1" * 20), (5, "0x" + "01" * 20)),
        ("accept", layout.accept_call(5), (5,)),
        ("transfer", layout.transfer_call(LOG, 5), (LOG, 5)),
    ],
)
def test_calls_are_encoded_as_the_interface_says(name, call, arguments):
    types = signature(name).decode().partition("(")[2][:-1].split(",")
    assert call == keccak256(signature(name))[:4] + encode(types, arguments)


def test_several_entries_are_packed_behind_where_they_begin():
    call = append_call([Entry(LOG, 2, b"abc"), Entry(LOG, 3, b"")])
    packed = LOG + bytes.fromhex("000000020003") + b"abc" + LOG + bytes.fromhex("000000030000")
    selector = keccak256(signature("append_many"))[:4]
    assert call == selector + encode(["uint256"], [1024 - len(packed)]) + call[36:]
    assert call[36:] == bytes(1024 - 36 - len(packed)) + packed


def test_a_long_entry_is_packed_in_parts():
    call = append_call([Entry(LOG, 1, b"a" * 2500)])
    sizes = [bytes([0x84, 0]), bytes([0x84, 0]), (452).to_bytes(2, "big")]
    parts = [b"a" * 1024, b"a" * 1024, b"a" * 452]
    packed = b"".join(size + part for size, part in zip(sizes, parts, strict=True))
    assert call[36:] == LOG + bytes.fromhex("00000001") + packed
    assert int.from_bytes(call[4:36], "big") == 36


@pytest.mark.parametrize("version", [0, -1, 2**32])
def test_a_version_that_the_contract_cannot_count_is_refused(version):
    with pytest.raises(InvalidInputError) as caught:
        append_call([Entry(LOG, 1, b""), Entry(LOG, version, b"")])
    assert (caught.value.code, caught.value.path) == (Code.NUMBER_OUT_OF_RANGE, "/1/version")


def test_no_entry_is_no_call():
    with pytest.raises(InvalidInputError):
        append_call([])


def event(*topics, data=b""):
    return Log("0x", topics, data, 1, bytes(32), bytes(32), 0)


def word(number):
    return number.to_bytes(32, "big")


def test_an_event_tells_an_entry_or_a_transfer():
    place = Place(1, 2, 3, 4)
    entry = event(layout.ENTRY, LOG, word(9), word(place.word), data=b"part")
    assert read_event(entry) == EntryPart(LOG, 9, place, b"part")
    transfer = event(layout.TRANSFERRED, LOG, word(9), word(place.word))
    assert read_event(transfer) == Transfer(LOG, 9, place)


@pytest.mark.parametrize(
    "log",
    [
        event(),
        event(layout.ENTRY),
        event(layout.ENTRY, LOG, word(9)),
        event(LOG, LOG, word(9), word(1)),
        event(layout.ENTRY, LOG, word(9), word(1 << 193)),
        event(layout.TRANSFERRED, LOG, word(9), word(1), data=b"x"),
        event(layout.TRANSFERRED, LOG, word(9), word(1 << 192)),
    ],
    ids=range(7),
)
def test_an_event_that_the_contract_never_emits_is_malformed(log):
    with pytest.raises(RpcError) as caught:
        read_event(log)
    assert caught.value.failure is Failure.MALFORMED
