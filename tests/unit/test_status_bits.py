"""Bit arrays in both orders, and their compression."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityid.errors import Code, InvalidInputError
from cityid.status import bits
from cityid.status.bits import Form


@pytest.mark.parametrize("form", Form)
def test_what_is_compressed_expands_to_itself(form):
    data = bytes(range(256)) * 64
    assert bits.expand(bits.compress(data, form), form) == data
    assert bits.compress(data, form) == bits.compress(data, form)


def test_others_read_what_is_compressed():
    assert gzip.decompress(bits.compress(b"list", Form.GZIP)) == b"list"
    assert zlib.decompress(bits.compress(b"list", Form.ZLIB)) == b"list"


def test_the_forms_are_told_apart():
    with pytest.raises(InvalidInputError, match=r"\(gzip\) is damaged"):
        bits.expand(bits.compress(b"list", Form.ZLIB), Form.GZIP)


@pytest.mark.parametrize("form", Form)
def test_what_is_cut_short_followed_or_too_much_is_refused(form):
    whole = bits.compress(bytes(1000), form)
    assert bits.expand(whole, form, most=1000) == bytes(1000)
    for data, told, code in (
        (whole[:-1], "cut short", Code.INVALID_ENCODING),
        (b"", "cut short", Code.INVALID_ENCODING),
        (whole + b"\0", "followed by other bytes", Code.INVALID_ENCODING),
        (whole + whole, "followed by other bytes", Code.INVALID_ENCODING),
        (b"\0" + whole, "damaged", Code.INVALID_ENCODING),
    ):
        with pytest.raises(InvalidInputError, match=told) as refused:
            bits.expand(data, form, most=1000)
        assert refused.value.code is code
    with pytest.raises(InvalidInputError, match="more than 999 bytes") as refused:
        bits.expand(whole, form, most=999)
    assert refused.value.code is Code.INPUT_TOO_LARGE


def test_a_damaged_checksum_is_seen():
    whole = bytearray(bits.compress(bytes(1000), Form.GZIP))
    whole[-5] ^= 1
    with pytest.raises(InvalidInputError, match="damaged"):
        bits.expand(bytes(whole), Form.GZIP)


@given(data=st.data(), size=st.integers(1, 16))
@settings(derandomize=True, max_examples=60)
def test_leftmost_first_reads_what_it_wrote_and_leaves_the_neighbours(data, size):
    length = 64
    values = data.draw(st.lists(st.integers(0, 2**size - 1), min_size=length, max_size=length))
    array = bytearray(-(-length * size // 8))
    for place in data.draw(st.permutations(range(length))):
        bits.write_leftmost_first(array, place, values[place], size)
    assert [bits.read_leftmost_first(array, n, size) for n in range(length)] == values
    whole = "".join(f"{value:0{size}b}" for value in values)
    assert bytes(array) == int(whole.ljust(len(array) * 8, "0"), 2).to_bytes(len(array))


@given(data=st.data(), size=st.sampled_from([1, 2, 4, 8]))
@settings(derandomize=True, max_examples=60)
def test_least_first_reads_what_it_wrote_and_leaves_the_neighbours(data, size):
    length = 64
    values = data.draw(st.lists(st.integers(0, 2**size - 1), min_size=length, max_size=length))
    array = bytearray(length * size // 8)
    for place in data.draw(st.permutations(range(length))):
        bits.write_least_first(array, place, values[place], size)
    assert [bits.read_least_first(array, n, size) for n in range(length)] == values
    whole = sum(value << place * size for place, value in enumerate(values))
    assert bytes(array) == whole.to_bytes(len(array), "little")


@given(array=st.binary(min_size=1, max_size=32))
@settings(derandomize=True, max_examples=60)
def test_each_order_is_the_mirror_of_the_other(array):
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in array)
    for place in range(len(array) * 8):
        assert bits.read_leftmost_first(array, place) == bits.read_least_first(mirrored, place)


def test_the_two_orders_disagree_on_the_first_byte():
    left, least = bytearray(1), bytearray(1)
    bits.write_leftmost_first(left, 0, 1)
    bits.write_least_first(least, 0, 1)
    assert (left, least) == (b"\x80", b"\x01")


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize(
    ("read", "write"),
    [
        (bits.read_leftmost_first, bits.write_leftmost_first),
        (bits.read_least_first, bits.write_least_first),
    ],
)
def test_beyond_the_end_is_out_of_range(read, write, size):
    array = bytearray(4)
    last = 32 // size - 1
    write(array, last, 1, size)
    assert read(array, last, size) == 1
    for place in (last + 1, 2**70):
        for ask in (lambda p=place: read(array, p, size), lambda p=place: write(array, p, 1, size)):
            with pytest.raises(InvalidInputError, match="has no entry") as refused:
                ask()
            assert refused.value.code is Code.RANGE_ERROR
    for value in (-1, 2**size):
        with pytest.raises(InvalidInputError, match="does not fit") as refused:
            write(array, 0, value, size)
        assert refused.value.code is Code.NUMBER_OUT_OF_RANGE
    assert sum(read(array, n, size) for n in range(last + 1)) == 1
