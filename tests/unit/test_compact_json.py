import math
from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

import pytest

from cityid import compact_json, strict_json
from cityid.errors import InvalidInputError


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '"text"',
        "true",
        "-1",
        "1.5",
        "9007199254740991",
        '{"b":1,"a":[null,{"é":"\\n\\u0001\\"😀"}]}',
    ],
)
def test_compact_text_is_read_as_the_strict_reader_does(text):
    assert compact_json.read(text.encode()) == strict_json.snapshot(strict_json.parse(f" {text}"))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":{"b":1,"b":2}}',
        '{"a":1,"\\u0061":2}',
        '{"a": 1}',
        " {}",
        "{}\n",
        '"\\u00e9"',
        '"\\/"',
        '"\\ud800"',
        "-0",
        "1e2",
        "1.50",
        "1e400",
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551616",
        "NaN",
        "Infinity",
        "\ufeff{}",
        "{} {}",
        "{",
        "",
    ],
)
def test_any_other_text_needs_a_closer_look(text):
    assert compact_json.read(text.encode()) is None


@pytest.mark.parametrize("data", [b"\xff", b'"\xed\xa0\x80"', "{}".encode("utf-16")])
def test_what_is_not_utf_8_needs_a_closer_look(data):
    assert compact_json.read(data) is None


def test_no_depth_of_text_or_value_exhausts_the_stack():
    assert compact_json.read(b"[" * 100_000) is None
    assert compact_json.read(b"[" * 500 + b"]" * 500) is None
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert compact_json.write(deep) is None


def test_names_are_put_in_order_where_that_is_asked_for():
    assert compact_json.write({"b": {"d": 1, "c": 2}, "a": 3}) == b'{"b":{"d":1,"c":2},"a":3}'
    assert compact_json.write({"b": {"d": 1, "c": 2}, "a": 3}, in_order=True) == (
        b'{"a":3,"b":{"c":2,"d":1}}'
    )


class _Text(str):
    __slots__ = ()


class _Members(dict):
    pass


@pytest.mark.parametrize(
    "value",
    [{1: "a"}, {_Text("a"): 1}, [_Text("a")], [_Members()], [2**53], ["\ud800"], [b""], [{1}]],
)
def test_what_json_has_not_takes_a_closer_look(value):
    assert compact_json.write(value) is None


def test_writing_is_no_check():
    assert compact_json.write([math.nan, (1,)]) == b"[null,[1]]"


class _Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, (1,), _Colour.RED, UUID(int=0), datetime(2027, 1, 1, tzinfo=UTC)]
)
def test_but_the_canonical_form_is_one(value):
    from cityid.canonical import jcs

    with pytest.raises(InvalidInputError):
        jcs.canonicalize({"a": [value]})
