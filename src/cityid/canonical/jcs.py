"""JSON Canonicalization Scheme: one sequence of bytes for each I-JSON value.

Spec:
    https://www.rfc-editor.org/rfc/rfc8785
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring  # writes text just as RFC 8785 3.2.2.2 asks for
from typing import Any

from cityid import compact_json
from cityid.strict_json import LIMITS, snapshot


def canonicalize(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Args:
        value: Objects, arrays, text, numbers, booleans and None, as `strict_json` gives them.

    Raises:
        InvalidInputError: I-JSON has no such value; the error's `path` points to it.

    Spec:
        https://www.rfc-editor.org/rfc/rfc8785#section-3.2
    """
    if type(value) in _CONTAINERS and _is_plain(value):
        text = compact_json.write(value, in_order=True)
        if text is not None and (text.isascii() or not _SORTED_OTHERWISE.search(text)):
            return text
    return _write(snapshot(value)).encode()


# --- the usual case: plain values whose names in order make the canonical form

_CONTAINERS = frozenset({dict, list})
_PLAIN = frozenset({str, int, bool, type(None)})

# Names are in the order of their code points there, in that of their UTF-16 code units in RFC 8785
# 3.2.3: the same where no character needs two units, and so four bytes.
_SORTED_OTHERWISE = re.compile(rb"[\xf0-\xf4]")


def _is_plain(value: Any) -> bool:
    """Tell whether there is nothing but text, integers, booleans and None in an object or array."""
    level, room = [value], LIMITS.max_bytes
    for _ in range(LIMITS.max_depth):
        below: list[Any] = []
        for container in level:
            room -= len(container)
            if room < 0:
                return False
            for item in container.values() if type(container) is dict else container:
                kind = type(item)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    below.append(item)
                elif kind not in _PLAIN:
                    return False
        if not below:
            return True
        level = below
    return False


# --- every case, over values that were checked


def _write(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        members = (f"{encode_basestring(name)}:{_write(value[name])}" for name in names)
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_write, value))}]"
    return _number(value) if isinstance(value, float) else json.dumps(value)


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
