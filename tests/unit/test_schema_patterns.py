from __future__ import annotations

import re

import pytest

from cityid.errors import Code, InvalidInputError
from cityid.schema.patterns import LONGEST_TEXT, bounded


@pytest.mark.parametrize(
    ("pattern", "match", "other"),
    [
        ("^[A-Z]{2}$", "DE", "DE\n"),
        ("^[A-Z]{2}(-[A-Z0-9]{1,3})?$", "DE-SN", "DE-"),
        (r"^\d+$", "12", "١٢"),
        ("^a|b$", "xb", "x"),
        ("^(?:ab){2,}$", "ababab", "ab"),
        ("^a{0,3}?b*$", "aab", "aaaab"),
        (r"^[^\]a-c\\-]+\.$", "xyz.", "a."),
        (r"^\$\{x\}\/\|$", "${x}/|", "x"),
        ("", "", None),
        ("x.y", "axzyb", "xy"),
        ("^(a|b|cd){3}$", "acdb", "ab"),
    ],
)
def test_a_bounded_pattern_means_what_ecma_262_says(pattern, match, other):
    written = bounded(pattern)
    assert re.search(written, match)
    assert other is None or not re.search(written, other)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(a*)*",
        "^(a|a)*$",
        "^(a|ab)+$",
        "^([a-z]+)*$",
        "^(a?){50}$",
        "a+b+",
        "^a*a*a*$",
        "((((a{1,30}){1,30}){1,30}){1,30}){1,30}",
    ],
)
def test_too_many_ways_to_match(pattern):
    with pytest.raises(InvalidInputError, match="too many ways") as caught:
        bounded(pattern, path="/pattern")
    assert caught.value.code is Code.SCHEMA_TOO_COMPLEX
    assert caught.value.path == "/pattern"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a" * 501, "500 characters"),
        ("(" * 30 + ")" * 30, "groups inside each other"),
        ("(?=a)", "kind that is not read"),
        ("(?i)a", "kind that is not read"),
        ("(?P<n>a)", "kind that is not read"),
        (r"(a)\1", "escape"),
        (r"\p{L}", "escape"),
        (r"[\b]", "escape"),
        ("a\\", "escape"),
        ("[a", "does not end"),
        ("[]", "empty class"),
        ("[^]", "empty class"),
        ("[[a]]", "does not end"),
        ("[a--b]", "operation"),
        ("[z-a]", "malformed"),
        ("(a", r"\( without \)"),
        ("a)", r"\) without \("),
        ("*a", r"\* where"),
        ("a**", r"\* where"),
        ("a*+", r"\+ where"),
        ("a]", "] where"),
        ("a}", "} where"),
        ("a{", "repetition"),
        ("a{x}", "repetition"),
        ("a{2,1}", "repetition"),
        ("a{,2}", "repetition"),
        (f"a{{{LONGEST_TEXT + 1}}}", "repetition"),
        ("a{99999999999999999999}", "repetition"),
        ("a{1", "repetition"),
    ],
)
def test_what_is_not_read(pattern, why):
    with pytest.raises(InvalidInputError, match=why) as caught:
        bounded(pattern)
    assert caught.value.code is Code.SCHEMA_TOO_COMPLEX
