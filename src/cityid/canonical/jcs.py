"""JSON Canonicalization Scheme: one sequence of bytes for each I-JSON value.

Spec:
    https://www.rfc-editor.org/rfc/rfc8785
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from json.encoder import encode_basestring  # writes text just as RFC 8785 3.2.2.2 asks for
from typing import Any

from cityid.strict_json import LARGEST_INTEGER, LIMITS, snapshot

_Order = Callable[[dict[str, Any]], list[str]]


def canonicalize(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Args:
        value: Objects, arrays, text, numbers, booleans and None, as `strict_json` gives them.

    Raises:
        InvalidInputError: I-JSON has no such value; the error's `path` points to it.

    Spec:
        https://www.rfc-editor.org/rfc/rfc8785#section-3.2
    """
    try:
        return _canonicalize(value)
    except (_UnfitError, TypeError, UnicodeEncodeError):
        return _canonicalize(snapshot(value))  # names the fault, or gives plain values


def _canonicalize(value: Any) -> bytes:
    text = _Writer(sorted).write(value, LIMITS.max_depth)
    if not text.isascii() and _BEYOND_BMP.search(text):
        text = _Writer(_by_utf16).write(value, LIMITS.max_depth)
    return text.encode()


# Text sorts by code points in Python, by UTF-16 code units in RFC 8785 3.2.3. The two orders
# differ only where a character beyond the basic multilingual plane is compared.
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def _by_utf16(members: dict[str, Any]) -> list[str]:
    return sorted(members, key=lambda name: name.encode("utf-16-be"))


class _UnfitError(Exception):
    """A value that the writer does not know."""


class _Writer:
    """One canonicalization under way: how to sort names, how many more members may come."""

    __slots__ = ("room", "sort")

    def __init__(self, sort: _Order) -> None:
        self.sort = sort
        self.room = LIMITS.max_bytes

    def write(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind is str:
            return encode_basestring(value)
        if kind is dict:
            self.enter(len(value), depth)
            members = [
                f"{encode_basestring(name)}:{self.write(value[name], depth - 1)}"
                for name in self.sort(value)
            ]
            return f"{{{','.join(members)}}}"
        if kind is list:
            self.enter(len(value), depth)
            return f"[{','.join([self.write(item, depth - 1) for item in value])}]"
        if kind is int and -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            return str(value)
        if kind is float and math.isfinite(value):
            return _number(value)
        if kind is bool:
            return "true" if value else "false"
        if value is None:
            return "null"
        raise _UnfitError

    def enter(self, count: int, depth: int) -> None:
        self.room -= count
        if depth == 0 or self.room < 0:
            raise _UnfitError


def _number(value: float) -> str:
    """Write a number as ECMAScript does; `repr` finds the same digits, and only sets them apart."""
    if value == 0:
        return "0"
    sign, digits, point = _decompose(value)
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004 - ECMAScript Number::toString, step 6
        return f"{sign}{digits}{'0' * (point - count)}"
    if 0 < point <= 21:  # noqa: PLR2004 - step 7
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004 - step 8
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = f"{digits[0]}.{digits[1:]}" if count > 1 else digits  # steps 9 to 11
    return f"{sign}{mantissa}e{point - 1:+d}"


def _decompose(value: float) -> tuple[str, str, int]:
    """Return sign and digits, and where the point stands: the number is 0.digits * 10^point."""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return "-" if value < 0 else "", digits.rstrip("0"), point
