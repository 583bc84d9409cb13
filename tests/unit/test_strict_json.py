import json
import sys
from collections import OrderedDict
from enum import IntEnum, StrEnum
from functools import partial
from types import MappingProxyType

import pytest

from cityid import strict_json
from cityid.errors import Code, InvalidInputError
from cityid.strict_json import LARGEST_INTEGER, Limits


def refusal(action, *arguments, **options):
    with pytest.raises(InvalidInputError) as caught:
        action(*arguments, **options)
    return caught.value


def nested(depth):
    return "[" * depth + "]" * depth


class Colour(StrEnum):
    RED = "red"


class Floor(IntEnum):
    GROUND = 0


# --- parse


def test_values_are_read_as_json_reads_them():
    text = '{"a": [1, -2.5, true, false, null, "ä\\n\\u00e9\\ud83d\\ude00"], "b": {}, "-0": -0}'
    assert strict_json.parse(text) == json.loads(text)
    assert strict_json.parse(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ('{"a":1,"a":2}', Code.DUPLICATE_KEY),
        ('[{"x":{"a":1,"\\u0061":2}}]', Code.DUPLICATE_KEY),
        ("NaN", Code.NUMBER_OUT_OF_RANGE),
        ("[Infinity]", Code.NUMBER_OUT_OF_RANGE),
        ("-Infinity", Code.NUMBER_OUT_OF_RANGE),
        ("1e400", Code.NUMBER_OUT_OF_RANGE),
        ("-1e400", Code.NUMBER_OUT_OF_RANGE),
        ("9007199254740992", Code.NUMBER_OUT_OF_RANGE),
        ("-9007199254740992", Code.NUMBER_OUT_OF_RANGE),
        ("9" * 5000, Code.NUMBER_OUT_OF_RANGE),
        (nested(65), Code.TOO_DEEP),
        (nested(5000), Code.TOO_DEEP),
        ("[" * 500_000, Code.TOO_DEEP),
        ('{"a":' * 65 + "1" + "}" * 65, Code.TOO_DEEP),
        (r'"\ud800"', Code.INVALID_UNICODE),
        (r'{"\uDFFF": 1}', Code.INVALID_UNICODE),
        (r'["\ude00\ud83d"]', Code.INVALID_UNICODE),
        ('"\ud800"', Code.INVALID_UNICODE),
        ('"a"'.encode("utf-16"), Code.PARSING_ERROR),
        ('"a"'.encode("utf-16-be"), Code.PARSING_ERROR),
        ('"a"'.encode("utf-32-le"), Code.PARSING_ERROR),
        (b'\xef\xbb\xbf"a"', Code.PARSING_ERROR),
        ('\ufeff"a"', Code.PARSING_ERROR),
        (b'"\xff"', Code.PARSING_ERROR),
        (b'"\xed\xa0\x80"', Code.PARSING_ERROR),
        ("", Code.PARSING_ERROR),
        ("{", Code.PARSING_ERROR),
        ('"' * 5000, Code.PARSING_ERROR),
        ("1 2", Code.PARSING_ERROR),
        ('"\t"', Code.PARSING_ERROR),
        ("[1,]", Code.PARSING_ERROR),
        ("'a'", Code.PARSING_ERROR),
        ("\u0661", Code.PARSING_ERROR),
        ("]" * 200 + "[" * 200, Code.PARSING_ERROR),
        (" " * 1_000_001, Code.INPUT_TOO_LARGE),
        ('"' + "ä" * 500_000 + '"', Code.INPUT_TOO_LARGE),
        (7, Code.PARSING_ERROR),
        (None, Code.PARSING_ERROR),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_text_that_readers_could_understand_differently_is_refused(source, code):
    error = refusal(strict_json.parse, source)
    assert error.code is code
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (str(LARGEST_INTEGER), LARGEST_INTEGER),
        (str(-LARGEST_INTEGER), -LARGEST_INTEGER),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud800"', r"\ud800"),
        ('{"a":{"a":1},"b":{"a":1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        ('"' + "[" * 100 + '"', "[" * 100),
        ('["' + '\\"[' * 100 + '"]', ['"[' * 100]),
        ("[" + ",".join(["[]"] * 100) + "]", [[]] * 100),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_the_nearest_good_text_is_read(source, value):
    assert strict_json.parse(source) == value


def test_the_deepest_allowed_value_is_read():
    assert json.dumps(strict_json.parse(nested(64))) == nested(64)


def test_brackets_are_counted_in_linear_time():
    source = '["' + "\\[" * 200_000  # each quotation mark begins a string that never ends
    assert refusal(strict_json.parse, source).code is Code.PARSING_ERROR


def test_a_lone_surrogate_is_told_with_its_place():
    assert refusal(strict_json.parse, r'{"a": ["x", "\udead"]}').path == "/a/1"


def test_a_duplicate_is_told_by_name():
    assert "'id'" in str(refusal(strict_json.parse, '{"id": 1, "x": 2, "id": 3}'))


def test_limits_are_the_callers():
    limits = Limits(max_bytes=10, max_depth=1)
    assert strict_json.parse("[1]", limits=limits) == [1]
    assert refusal(strict_json.parse, "[[1]]", limits=limits).code is Code.TOO_DEEP
    assert refusal(strict_json.parse, b" " * 11, limits=limits).code is Code.INPUT_TOO_LARGE


def test_a_depth_that_the_interpreter_cannot_follow_is_refused(request):
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(1000)  # packages of other tests raise it for the whole process
    limits = Limits(max_depth=10**6)
    assert refusal(strict_json.parse, nested(200_000), limits=limits).code is Code.TOO_DEEP
    value = []
    for _ in range(200_000):
        value = [value]
    assert refusal(strict_json.snapshot, value, limits=limits).code is Code.TOO_DEEP
    while value:  # taken apart by hand: freeing it whole would recurse
        value = value.pop()


# --- parse_object


def test_an_object_is_read():
    assert strict_json.parse_object(b'{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("[]", "an array"),
        ('"a"', "a string"),
        ("1", "a number"),
        ("1.5", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
    ],
)
def test_another_root_is_refused(source, name):
    error = refusal(strict_json.parse_object, source)
    assert error.code is Code.PARSING_ERROR
    assert name in str(error)


# --- snapshot


def test_a_snapshot_is_equal_and_shares_nothing_that_changes():
    value = {"a": [1, 2.5, True, None, "ä"], "b": {"c": []}}
    copied = strict_json.snapshot(value)
    assert copied == value
    value["a"].append(3)
    value["b"]["c"].append(4)
    assert copied == {"a": [1, 2.5, True, None, "ä"], "b": {"c": []}}


def test_kinds_of_plain_values_become_plain():
    class Items(list):
        pass

    value = MappingProxyType(
        {Colour.RED: Colour.RED, "f": Floor.GROUND, "o": OrderedDict(x=Items([1])), "t": True}
    )
    copied = strict_json.snapshot(value)
    assert copied == {"red": "red", "f": 0, "o": {"x": [1]}, "t": True}
    kinds = [*map(type, copied), *map(type, copied.values()), type(copied["o"]["x"])]
    assert kinds == [str, str, str, str, str, int, dict, bool, list]


class Unequal(str):
    """Text that hides that it is the same as other text."""

    __slots__ = ()

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        ({"a": [1, float("nan")]}, Code.NUMBER_OUT_OF_RANGE, "/a/1"),
        ([float("inf")], Code.NUMBER_OUT_OF_RANGE, "/0"),
        ({"a/b~": 2**53}, Code.NUMBER_OUT_OF_RANGE, "/a~1b~0"),
        ([10**5000], Code.NUMBER_OUT_OF_RANGE, "/0"),
        ({"a": "\ud800"}, Code.INVALID_UNICODE, "/a"),
        ({"a": {"\ud800": 1}}, Code.INVALID_UNICODE, "/a"),
        ({"a": {1: 2}}, Code.PARSING_ERROR, "/a"),
        ({"a": (1,)}, Code.PARSING_ERROR, "/a"),
        ({"a": {1}}, Code.PARSING_ERROR, "/a"),
        ({"a": b"x"}, Code.PARSING_ERROR, "/a"),
        ({"a": object()}, Code.PARSING_ERROR, "/a"),
        ({Unequal("a"): 1, Unequal("a"): 2}, Code.DUPLICATE_KEY, ""),
        ("x" * 1_000_001, Code.INPUT_TOO_LARGE, ""),
        ([[None] * 1_000_001], Code.INPUT_TOO_LARGE, "/0"),
        ({"x": "y" * 1_000_000}, Code.INPUT_TOO_LARGE, "/x"),
    ],
    ids=lambda value: repr(value)[:24] if not isinstance(value, list) else None,
)
def test_what_json_cannot_say_is_refused_with_its_place(value, code, path):
    error = refusal(strict_json.snapshot, value)
    assert (error.code, error.path) == (code, path)


def test_a_tuple_comes_with_advice():
    assert "use a list" in str(refusal(strict_json.snapshot, {"type": ("a",)}))


def test_deep_and_endless_values_are_refused():
    ring = []
    ring.append(ring)
    assert refusal(strict_json.snapshot, ring).code is Code.TOO_DEEP
    ring.append(ring)  # twice: unfolds to 2^64 lists
    assert refusal(strict_json.snapshot, ring).code in {Code.TOO_DEEP, Code.INPUT_TOO_LARGE}


def test_a_small_web_of_shared_lists_does_not_unfold_without_end():
    web = ["x"]
    for _ in range(40):
        web = [web, web]
    assert refusal(strict_json.snapshot, web).code is Code.INPUT_TOO_LARGE


def test_the_deepest_allowed_value_is_copied():
    value = json.loads(nested(64))
    assert strict_json.snapshot(value) == value
    assert refusal(strict_json.snapshot, [value]).code is Code.TOO_DEEP


# --- write


def test_writing_is_compact_and_keeps_order_and_characters():
    assert strict_json.write({"b": [1, 1.5, None], "a": "ä😀"}) == '{"b":[1,1.5,null],"a":"ä😀"}'


@pytest.mark.parametrize("value", [float("nan"), {"a": {1}}])
def test_what_json_does_not_have_is_not_written(value):
    assert refusal(strict_json.write, value).code is Code.PARSING_ERROR


def test_a_ring_is_not_written():
    ring = []
    ring.append(ring)
    assert refusal(strict_json.write, ring).code is Code.PARSING_ERROR
