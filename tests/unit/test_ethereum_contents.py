"""What the bytes of an entry on the chain say: small for whoever is honest, something for all."""

from __future__ import annotations

import hashlib
import random
import zlib

import pytest

from cityid import did, registry, status
from cityid.registry.admission import MAX_DATA, MAX_LOG_NAME
from cityid.registry.ethereum.contract.contents import (
    DEFLATED,
    NAMELESS,
    PLAIN,
    content,
    log_id,
    read_content,
)
from cityid.registry.ethereum.contract.dictionary import DICTIONARY
from cityid.registry.ethereum.hashing import keccak256

NAME = "did:webvh:example:city.example"
LOG = log_id(NAME)
UNNAMED = NAMELESS + LOG.hex()
CHANCE = random.Random(4)  # noqa: S311 - any bytes


@pytest.mark.parametrize("name", ["x", NAME, "a" * MAX_LOG_NAME, UNNAMED])
@pytest.mark.parametrize("data", [b"", b"x", b'{"id":"did:web:x"}' * 50, bytes(MAX_DATA)])
def test_what_was_written_is_read(name, data):
    assert read_content(log_id(name), 1, content(name, 1, data)) == (name, data)
    assert read_content(log_id(name), 2, content(name, 2, data)) == (None, data)


def test_bytes_that_do_not_compress_grow_by_one():
    data = CHANCE.randbytes(5000)
    assert content(NAME, 2, data) == bytes([PLAIN]) + data
    assert content(NAME, 2, CHANCE.randbytes(MAX_DATA))[0] == PLAIN


def test_zeros_nearly_vanish():
    assert len(content(NAME, 1, bytes(MAX_DATA))) < 1100


def test_the_dictionary_is_what_every_entry_was_compressed_against():
    assert hashlib.sha256(DICTIONARY).hexdigest() == PINNED


def test_what_was_written_once_is_read_for_ever():
    told = b'{"versionId":"1-Qm","state":{"id":"did:webvh:example:city.example"}}'
    assert read_content(LOG, 1, bytes.fromhex(WRITTEN)) == (NAME, told)
    assert read_content(LOG, 1, bytes.fromhex("00001e") + NAME.encode() + told) == (NAME, told)


WRITTEN = "01639043782db52231b72027d52a19e8763d28076be285271bb478c36680526d2d00"
PINNED = "1ae58dd2831cf084f7ab47179aa6437e71fb963e2378e0e18154f8a1c8fb2d23"


def test_the_dictionary_saves_what_compression_alone_does_not():
    city = registry.connect("memory:")
    issuer = did.create("webvh", domain="city.example", registry=city)
    status.publish(city, issuer, "https://city.example/revoked", purpose="revocation")
    for entry in city.scan():
        compressed = len(content(entry.log, entry.version, entry.data)) - 1
        without = zlib.compressobj(9, zlib.DEFLATED, -15)
        usual = len(without.compress(entry.data) + without.flush())
        assert compressed * 4 < len(entry.data)
        assert compressed * 5 < usual * 3


def test_a_name_that_was_made_of_an_id_leads_back_to_it():
    assert log_id(UNNAMED) == LOG
    assert log_id(NAMELESS + LOG.hex().upper()) == keccak256(
        (NAMELESS + LOG.hex().upper()).encode()
    )
    assert log_id(UNNAMED + "0") == keccak256((UNNAMED + "0").encode())
    assert log_id(NAME) == keccak256(NAME.encode())


def deflated(body):
    worker = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=DICTIONARY)
    return bytes([DEFLATED]) + worker.compress(body) + worker.flush()


def named(name, data=b"data"):
    return len(name).to_bytes(2, "big") + name + data


NONSENSE = [
    b"",
    b"\2unknown form",
    b"\xff",
    bytes([DEFLATED]),
    bytes([DEFLATED]) + b"no deflate",
    deflated(b"cut short" * 20)[:-1],
    deflated(b"followed by more") + b"x",
    deflated(bytes(MAX_DATA + MAX_LOG_NAME + 3)),
    bytes([DEFLATED]) + zlib.compress(b"another wrapper"),
]
NAMELESS_ONES = [
    bytes([PLAIN]),
    bytes([PLAIN]) + b"\0",
    bytes([PLAIN]) + named(b""),
    bytes([PLAIN]) + named(b"did:webvh:another"),
    bytes([PLAIN]) + named(NAME.encode() + b" "),
    bytes([PLAIN]) + named(NAME.encode())[:20],
    bytes([PLAIN]) + named(b"\xff\xfe"),
    bytes([PLAIN]) + named(NAME.encode(), bytes(MAX_DATA + 1)),
    deflated(named(b"did:webvh:another")),
    deflated(named(b"a" * (MAX_LOG_NAME + 1))),
]


@pytest.mark.parametrize("written", NONSENSE + NAMELESS_ONES, ids=lambda w: w[:12].hex() or "none")
def test_a_first_entry_that_says_no_name_is_data_of_a_nameless_log(written):
    assert read_content(LOG, 1, written) == (UNNAMED, written[:MAX_DATA])


@pytest.mark.parametrize("written", NONSENSE, ids=lambda w: w[:12].hex() or "none")
def test_a_later_entry_that_has_no_form_is_data(written):
    assert read_content(LOG, 2, written) == (None, written)


def test_what_expands_beyond_an_entry_is_not_expanded():
    bomb = deflated(bytes(MAX_DATA + 1))
    assert read_content(LOG, 2, bomb) == (None, bomb)
    assert read_content(LOG, 2, deflated(bytes(MAX_DATA))) == (None, bytes(MAX_DATA))
    plain = bytes([PLAIN]) + bytes(MAX_DATA + 1)
    assert read_content(LOG, 2, plain) == (None, plain[:MAX_DATA])
    assert read_content(LOG, 2, plain[:-1]) == (None, bytes(MAX_DATA))


@pytest.mark.parametrize("version", [1, 2])
def test_whatever_is_written_is_an_entry_that_a_registry_takes(version):
    good = [content(NAME, version, b"some data" * 9), content(NAME, version, CHANCE.randbytes(90))]
    copy = registry.connect("memory:")
    for number in range(300):
        written = bytearray(CHANCE.choice(good))
        for _ in range(CHANCE.randint(0, 3)):
            written[CHANCE.randrange(len(written))] = CHANCE.randrange(256)
        written = bytes(written[: CHANCE.randint(0, len(written))])
        name, data = read_content(LOG, version, written)
        assert (name is None) is (version > 1)
        log = f"{name or NAME}/{number}"
        copy.append([registry.NewEntry(log, 1, data)])
