"""JSON read strictly: what two readers could understand differently is refused.

Spec:
    https://www.rfc-editor.org/rfc/rfc7493 (I-JSON)
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NoReturn

from cityid import compact_json, pointer
from cityid.errors import Code, InvalidInputError, quote

JSONObject = dict[str, Any]

LARGEST_INTEGER = 2**53 - 1
_LONGEST_INTEGER = len(f"-{LARGEST_INTEGER}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much JSON is read.

    Attributes:
        max_bytes: The most UTF-8 bytes of text; for Python values, the most characters and members.
        max_depth: The most objects and arrays inside each other.
    """

    max_bytes: int = 1_000_000
    max_depth: int = 64


LIMITS = Limits()


def parse(source: str | bytes, *, limits: Limits = LIMITS) -> Any:
    """Read JSON text.

    Args:
        source: The text, or its UTF-8 bytes without byte order mark.
        limits: How much is read.

    Raises:
        InvalidInputError: The text is not JSON (PARSING_ERROR), or not I-JSON (DUPLICATE_KEY,
            NUMBER_OUT_OF_RANGE, INVALID_UNICODE), or too much (INPUT_TOO_LARGE, TOO_DEEP).

    Spec:
        https://www.rfc-editor.org/rfc/rfc7493#section-2
    """
    value = _usual(source, limits)
    if value is not None:
        return value
    text = _text(source, limits)
    if text.count("{") + text.count("[") > limits.max_depth:
        _check_depth(text, limits)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidInputError(
            f"this is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            code=Code.PARSING_ERROR,
        ) from error
    except RecursionError as error:
        raise _too_deep(limits) from error
    if "\\" in text and _SURROGATE_ESCAPE.search(text):
        return snapshot(value, limits=limits)
    return value


def parse_object(source: str | bytes, *, limits: Limits = LIMITS) -> JSONObject:
    """Read JSON text whose root is an object.

    Args:
        source: The text, or its UTF-8 bytes without byte order mark.
        limits: How much is read.

    Raises:
        InvalidInputError: As in `parse`, or the root is no object (PARSING_ERROR).
    """
    value = parse(source, limits=limits)
    if not isinstance(value, dict):
        raise InvalidInputError(
            f"a JSON object is expected, not {_JSON_NAMES[type(value)]}", code=Code.PARSING_ERROR
        )
    return value


def snapshot(value: Any, *, limits: Limits = LIMITS) -> Any:
    """Return a deep copy of Python values that JSON can say, checked as `parse` checks text.

    Args:
        value: Mappings with text keys, lists, text, numbers, booleans and None.
        limits: How much is copied.

    Returns:
        The same in plain `dict`, `list`, `str`, `int`, `float`, `bool` and None.

    Raises:
        InvalidInputError: A value has no place in I-JSON; the error's `path` points to it.
    """
    try:
        return _Copier(limits).copy(value, limits.max_depth)
    except _FaultError as fault:
        raise fault.located() from None
    except RecursionError as error:
        raise _too_deep(limits) from error


def write(value: Any) -> str:
    """Return a value as compact JSON text, members in their own order.

    Args:
        value: What `parse` or `snapshot` returned.

    Raises:
        InvalidInputError: JSON cannot say it.
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"this cannot be written as JSON: {error}", code=Code.PARSING_ERROR
        ) from error


# --- text


def _usual(source: object, limits: Limits) -> Any:
    """Return the value of text that needs no closer look; None for other text."""
    if isinstance(source, str) and source.isascii():
        source = source.encode()
    if not isinstance(source, bytes) or len(source) > limits.max_bytes:
        return None
    if source.count(b"{") + source.count(b"[") > limits.max_depth:
        return None
    return compact_json.read(source)


def _text(source: object, limits: Limits) -> str:
    if not isinstance(source, str | bytes):
        raise InvalidInputError(
            f"JSON is read from str or bytes, not {type(source).__name__}", code=Code.PARSING_ERROR
        )
    if len(source) > limits.max_bytes:
        raise _too_large(limits)
    try:
        if isinstance(source, bytes):
            return source.decode()
        if not source.isascii() and len(source.encode()) > limits.max_bytes:
            raise _too_large(limits)
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"JSON is read as UTF-8, and byte {error.start} is not", code=Code.PARSING_ERROR
        ) from error
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"character {error.start} is half of a surrogate pair", code=Code.INVALID_UNICODE
        ) from error
    return source


_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # always matches: no quadratic retries
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def _check_depth(text: str, limits: Limits) -> None:
    brackets = _STRING.sub("", text).encode().translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > limits.max_depth:
        raise _too_deep(limits)


def _members(pairs: list[tuple[str, Any]]) -> JSONObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise InvalidInputError(
            f"an object has the member {quote(twice)} more than once", code=Code.DUPLICATE_KEY
        )
    return members


def _integer(digits: str) -> int:
    if len(digits) <= _LONGEST_INTEGER:  # int() itself refuses very long ones with a bare error
        number = int(digits)
        if -LARGEST_INTEGER <= number <= LARGEST_INTEGER:
            return number
    return _refuse_number(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    return _refuse_number(digits) if math.isinf(number) else number


def _refuse_number(digits: str) -> NoReturn:
    raise InvalidInputError(_number_message(quote(digits)), code=Code.NUMBER_OUT_OF_RANGE)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_fraction,
    parse_constant=_refuse_number,
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


# --- Python values


class _FaultError(Exception):
    """A fault on its way up; each container that it passes adds a token of its place."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.tokens: list[str | int] = []

    def located(self) -> InvalidInputError:
        path = pointer.join("", *reversed(self.tokens))
        return InvalidInputError(self.message, code=self.code, path=path)


class _Copier:
    """One `snapshot` under way: how many members and characters may still come."""

    __slots__ = ("limits", "room")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.room = limits.max_bytes

    def copy(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is dict:
            return self.members(value, depth)
        if kind is list:
            return self.items(value, depth)
        if kind is bool or value is None:
            return value
        if isinstance(value, int | float):
            return _number(value)
        return self.unusual(value, depth)

    def text(self, value: str) -> str:
        self.room -= len(value)
        if self.room < 0:
            raise _FaultError(_large_message(self.limits), Code.INPUT_TOO_LARGE)
        if not value.isascii():
            _check_surrogates(value)
        return value

    def members(self, mapping: dict[Any, Any], depth: int) -> JSONObject:
        self.enter(mapping, depth)
        copied: JSONObject = {}
        for key, value in mapping.items():
            name = self.text(key) if type(key) is str else self.name(key)
            try:
                copied[name] = (
                    self.text(value) if type(value) is str else self.copy(value, depth - 1)
                )
            except _FaultError as fault:
                fault.tokens.append(name)
                raise
        if len(copied) != len(mapping):
            raise _FaultError("two keys are the same text", Code.DUPLICATE_KEY)
        return copied

    def items(self, values: list[Any], depth: int) -> list[Any]:
        self.enter(values, depth)
        copied: list[Any] = []
        try:
            for value in values:
                copied.append(self.copy(value, depth - 1))  # noqa: PERF401 - its length is the index
        except _FaultError as fault:
            fault.tokens.append(len(copied))
            raise
        return copied

    def enter(self, container: dict[Any, Any] | list[Any], depth: int) -> None:
        # Counting here stops a small web of shared lists that would unfold without end.
        self.room -= len(container)
        if self.room < 0:
            raise _FaultError(_large_message(self.limits), Code.INPUT_TOO_LARGE)
        if depth == 0:
            raise _FaultError(_deep_message(self.limits), Code.TOO_DEEP)

    def name(self, key: object) -> str:
        if isinstance(key, str):
            return self.text(str.__str__(key))
        raise _FaultError(
            f"a key is text in JSON; {quote(key)} is {type(key).__name__}", Code.PARSING_ERROR
        )

    def unusual(self, value: object, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, Mapping):
            return self.members(dict(value), depth)
        if isinstance(value, list):
            return self.items(list(value), depth)
        hint = "; use a list" if isinstance(value, tuple | set | frozenset) else ""
        raise _FaultError(f"JSON has no {type(value).__name__}{hint}", Code.PARSING_ERROR)


def _number(value: Any) -> int | float:
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
    elif -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return int(value)
    shown = quote(value) if isinstance(value, float) else f"an integer of {value.bit_length()} bits"
    raise _FaultError(_number_message(shown), Code.NUMBER_OUT_OF_RANGE)


def _check_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _FaultError(
            f"character {error.start} of the text is half of a surrogate pair",
            Code.INVALID_UNICODE,
        ) from None


# --- messages

_JSON_NAMES: dict[type, str] = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def _number_message(shown: str) -> str:
    return (
        f"{shown} is no number that every reader understands alike: integers go to "
        "±(2^53-1), fractions to 1.8e308; write a larger one as text"
    )


def _large_message(limits: Limits) -> str:
    return f"this is more than {limits.max_bytes} bytes, the most that is read"


def _deep_message(limits: Limits) -> str:
    return f"objects and arrays lie more than {limits.max_depth} deep in each other"


def _too_large(limits: Limits) -> InvalidInputError:
    return InvalidInputError(_large_message(limits), code=Code.INPUT_TOO_LARGE)


def _too_deep(limits: Limits) -> InvalidInputError:
    return InvalidInputError(_deep_message(limits), code=Code.TOO_DEEP)
