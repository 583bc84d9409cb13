"""Arrays of small numbers in bits, in both orders, and their bounded compression.

The Bitstring Status List counts from the left-most bit of the first byte, the Token Status List
from its least significant one. The two readers share no code, so that neither can be mistaken for
the other.
"""

from __future__ import annotations

import zlib
from enum import Enum

from cityid.errors import Code, InvalidInputError

MOST_BYTES = 1 << 21
"""The most bytes that a list may have when it is expanded."""

_BYTE = 8
_STRONGEST = 9


class Form(Enum):
    """How the bytes of a list are compressed: DEFLATE in one of two wrappers."""

    GZIP = 31
    ZLIB = 15


def compress(data: bytes, form: Form) -> bytes:
    """Return bytes compressed; the same bytes always come out the same.

    Args:
        data: The bytes.
        form: The wrapper.
    """
    worker = zlib.compressobj(_STRONGEST, zlib.DEFLATED, form.value)
    return worker.compress(data) + worker.flush()


def expand(data: bytes, form: Form, *, most: int = MOST_BYTES) -> bytes:
    """Return what was compressed; never more than `most` bytes are made on the way.

    Args:
        data: One compressed stream, and nothing after it.
        form: The wrapper.
        most: The most bytes that may come out.

    Raises:
        InvalidInputError: It is more (INPUT_TOO_LARGE), or damaged, cut short, or followed by other
            bytes (INVALID_ENCODING).
    """
    worker = zlib.decompressobj(form.value)
    try:
        expanded = worker.decompress(data, most + 1)
    except zlib.error as error:
        raise _unreadable(form, "damaged") from error
    if len(expanded) > most:
        raise InvalidInputError(
            f"the list is more than {most} bytes when it is expanded, the most that is read",
            code=Code.INPUT_TOO_LARGE,
        )
    if not worker.eof:
        raise _unreadable(form, "cut short")
    if worker.unused_data:
        raise _unreadable(form, "followed by other bytes")
    return expanded


def _unreadable(form: Form, how: str) -> InvalidInputError:
    return InvalidInputError(
        f"the compressed list ({form.name.lower()}) is {how}", code=Code.INVALID_ENCODING
    )


# --- the left-most bit first


def read_leftmost_first(bits: bytes | bytearray, index: int, size: int = 1) -> int:
    """Return one number of an array whose first bit is the left-most one.

    Args:
        bits: The array.
        index: Which number, from 0.
        size: How many bits each has; the first of them counts most.

    Raises:
        InvalidInputError: The array is shorter (RANGE_ERROR).

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm
    """
    if size == 1:
        place, bit = index >> 3, index & 7
        if place >= len(bits):
            raise _beyond(index)
        return bits[place] >> (7 - bit) & 1
    start = index * size
    end = start + size
    first, last = start // _BYTE, -(-end // _BYTE)
    if last > len(bits):
        raise _beyond(index)
    return int.from_bytes(bits[first:last]) >> (last * _BYTE - end) & ((1 << size) - 1)


def write_leftmost_first(bits: bytearray, index: int, value: int, size: int = 1) -> None:
    """Set one number of an array whose first bit is the left-most one.

    Args:
        bits: The array.
        index: Which number, from 0.
        value: The number.
        size: How many bits each has.

    Raises:
        InvalidInputError: The array is shorter (RANGE_ERROR), or the number has more bits.
    """
    _check_fits(value, size)
    start = index * size
    end = start + size
    first, last = start // _BYTE, -(-end // _BYTE)
    if last > len(bits):
        raise _beyond(index)
    shift = last * _BYTE - end
    chunk = int.from_bytes(bits[first:last]) & ~(((1 << size) - 1) << shift) | value << shift
    bits[first:last] = chunk.to_bytes(last - first)


# --- the least significant bit first


def read_least_first(bits: bytes | bytearray, index: int, size: int = 1) -> int:
    """Return one number of an array whose first bit is the least significant one.

    Args:
        bits: The array.
        index: Which number, from 0.
        size: How many bits each has: 1, 2, 4 or 8.

    Raises:
        InvalidInputError: The array is shorter (RANGE_ERROR).

    Spec:
        https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-4.1
    """
    place, offset = divmod(index * size, _BYTE)
    if place >= len(bits):
        raise _beyond(index)
    return bits[place] >> offset & ((1 << size) - 1)


def write_least_first(bits: bytearray, index: int, value: int, size: int = 1) -> None:
    """Set one number of an array whose first bit is the least significant one.

    Args:
        bits: The array.
        index: Which number, from 0.
        value: The number.
        size: How many bits each has: 1, 2, 4 or 8.

    Raises:
        InvalidInputError: The array is shorter (RANGE_ERROR), or the number has more bits.
    """
    _check_fits(value, size)
    place, offset = divmod(index * size, _BYTE)
    if place >= len(bits):
        raise _beyond(index)
    bits[place] = bits[place] & ~(((1 << size) - 1) << offset) | value << offset


def _check_fits(value: int, size: int) -> None:
    if not 0 <= value < 1 << size:
        raise InvalidInputError(
            f"the value {value} does not fit into {size} bits", code=Code.NUMBER_OUT_OF_RANGE
        )


def _beyond(index: int) -> InvalidInputError:
    shown = index if index.bit_length() <= 64 else "a very large index"  # noqa: PLR2004 - readable
    return InvalidInputError(f"the list has no entry {shown}", code=Code.RANGE_ERROR)
