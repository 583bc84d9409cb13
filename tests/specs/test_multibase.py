"""The tables of multiformats: multibase rows, multicodec and multihash codes."""

import csv
import io

import pytest

import vectors
from cityid import encoding
from cityid.encoding import BASES, Multicodec
from cityid.errors import Code, InvalidInputError


def rows(file):
    for path in vectors.files("multibase", file):
        yield from csv.reader(
            io.StringIO(path.read_text(encoding="utf-8")), skipinitialspace=True, strict=True
        )


def basic():
    return {base: text for base, text in rows("tests/basic.csv") if base != "encoding"}


CODES = {
    name: int(code, 16) for name, _tag, code, *_ in rows("multicodec-table.csv") if code[1:2] == "x"
}
PREFIXES = {base: character for _code, character, base, *_ in rows("multibase.csv")}
PLAIN = b"yes mani !"


@pytest.mark.parametrize(
    ("base", "text"),
    [vectors.case("multibase", base, basic()[base], id=base) for base in BASES if base in basic()],
)
def test_each_row_of_a_supported_base_encodes_and_decodes(base, text):
    assert encoding.multibase_encode(PLAIN, base) == text
    assert encoding.multibase_decode(text) == PLAIN
    assert encoding.multibase_decode(text, bases=(base,)) == PLAIN


@pytest.mark.parametrize(("base", "text"), [row for row in basic().items() if row[0] not in BASES])
def test_a_row_of_another_base_is_refused(base, text):
    with pytest.raises(InvalidInputError) as caught:
        encoding.multibase_decode(text)
    assert caught.value.code is Code.INVALID_ENCODING, base


@pytest.mark.parametrize(
    ("base", "prefix"),
    [
        vectors.case("multibase", base, PREFIXES[base], id=f"prefix-{base}")
        for base in BASES
        if base in PREFIXES
    ],
)
def test_the_prefix_is_that_of_the_table(base, prefix):
    assert encoding.multibase_encode(PLAIN, base)[0] == prefix


@pytest.mark.parametrize(
    ("codec", "code"),
    [
        vectors.case("multibase", codec, CODES[codec.value], id=codec.value)
        for codec in Multicodec
        if CODES
    ],
)
def test_the_code_of_a_key_is_that_of_the_table(codec, code):
    assert codec.code == code
    assert encoding.varint_decode(codec.prefix) == (code, b"")
    assert encoding.multicodec_unwrap(encoding.multicodec_wrap(codec, b"key")) == (codec, b"key")


@pytest.mark.parametrize(
    ("name", "length", "code"),
    [
        vectors.case("multibase", name, length, CODES[name], id=name)
        for name, length in [("sha2-256", 32), ("sha2-384", 48), ("sha2-512", 64)]
        if CODES
    ],
)
def test_the_code_of_a_hash_is_that_of_the_table(name, length, code):
    digest = bytes(range(length))
    assert encoding.multihash_encode(name, digest) == bytes([code, length]) + digest
    assert encoding.multihash_decode(bytes([code, length]) + digest) == (name, digest)
