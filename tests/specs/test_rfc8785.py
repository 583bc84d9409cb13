"""RFC 8785: the authors' test data, the number samples of its appendix B, and look-alikes."""

import json
import struct

import pytest

import vectors
from cityid import strict_json
from cityid.canonical import jcs
from cityid.errors import Code, InvalidInputError

PUBLISHED = [
    vectors.case("jcs", path.parent.parent, path.stem, id=path.stem)
    for path in vectors.files("jcs", "input/*.json")
]


@pytest.mark.parametrize(("folder", "name"), PUBLISHED)
def test_published_documents(folder, name):
    value = strict_json.parse((folder / "input" / f"{name}.json").read_bytes())
    canonical = jcs.canonicalize(value)
    assert canonical == (folder / "output" / f"{name}.json").read_bytes().rstrip(b"\n")
    assert canonical == bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())


# Appendix B: the 64 bits of a number, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_of_appendix_b(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert jcs.canonicalize(number).decode() == text


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_numbers_that_json_does_not_have(bits):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    with pytest.raises(InvalidInputError) as caught:
        jcs.canonicalize([number])
    assert (caught.value.code, caught.value.path) == (Code.NUMBER_OUT_OF_RANGE, "/0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1e-7, "1e-7"),
        (-0.0, "0"),
        (4.50, "4.5"),
        (2e-3, "0.002"),
        (0.0000012, "0.0000012"),
        (123e45, "1.23e+47"),
        (1e20, "100000000000000000000"),
        (2**53 - 1, "9007199254740991"),
        (-(2**53) + 1, "-9007199254740991"),
        (True, "true"),
        (None, "null"),
        ([False, 1.5], "[false,1.5]"),
        ({}, "{}"),
        ([[], {}, 0.5], "[[],{},0.5]"),
    ],
)
def test_values_that_look_alike_have_one_form(value, text):
    assert jcs.canonicalize(value).decode() == text


def test_names_sort_by_utf16_code_units():
    names = ["\ufb33", "\U0001f600", "b", "a", "\u20ac", "\r", "\ue000"]
    expected = '{"\\r":1,"a":1,"b":1,"\u20ac":1,"\U0001f600":1,"\ue000":1,"\ufb33":1}'
    assert jcs.canonicalize(dict.fromkeys(names, 1)).decode() == expected
    assert sorted(names).index("\U0001f600") > sorted(names).index("\ufb33")  # Python's own order


@pytest.mark.parametrize("extra", [{}, {"z": 0.5}, {"z": "\U0001f600"}], ids=["plain", "0.5", "😀"])
def test_text_is_escaped_only_where_json_needs_it(extra):
    every = "".join(map(chr, range(0x100))) + "\u2028\u2029\ufeff\uffff"
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
    expected = "".join(
        short.get(ord(character)) or (f"\\u{ord(character):04x}" if character < " " else character)
        for character in every
    )
    canonical = jcs.canonicalize({"a": every, **extra}).decode()
    assert canonical.startswith(f'{{"a":"{expected}"')


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        ({"a": 2**53}, Code.NUMBER_OUT_OF_RANGE, "/a"),
        ({"a": -(2**53)}, Code.NUMBER_OUT_OF_RANGE, "/a"),
        ({"a": ["\ud800"]}, Code.INVALID_UNICODE, "/a/0"),
        ({"\udc00": 1}, Code.INVALID_UNICODE, ""),
        ({1: 2}, Code.PARSING_ERROR, ""),
        ({"a": 1, None: 2}, Code.PARSING_ERROR, ""),
        ([("a", 1)], Code.PARSING_ERROR, "/0"),
        ([{"a"}], Code.PARSING_ERROR, "/0"),
        (json.loads("[" * 65 + "]" * 65), Code.TOO_DEEP, "/0" * 64),
        ([None] * 1_000_001, Code.INPUT_TOO_LARGE, ""),
    ],
    ids=range(10),
)
def test_what_i_json_does_not_have_is_refused(value, code, path):
    with pytest.raises(InvalidInputError) as caught:
        jcs.canonicalize(value)
    assert (caught.value.code, caught.value.path) == (code, path)


def test_the_deepest_allowed_value_is_written():
    assert jcs.canonicalize(json.loads("[" * 64 + "]" * 64)) == b"[" * 64 + b"]" * 64
