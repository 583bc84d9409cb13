"""Whatever a schema or a pattern holds, the answer is typed and comes soon."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from cityid.errors import Code, InvalidInputError
from cityid.report import Check
from cityid.schema import Schemas, check_schema
from cityid.schema.patterns import bounded

URL = "https://schemas.example/any"
FAST = settings(derandomize=True, deadline=None, max_examples=150)

PIECES = st.sampled_from(
    ["a", "b", "[ab]", "[^a]", ".", r"\d", "^", "$", "|", "(", "(?:", ")", "*", "+", "?", "{2,9}"]
)
KEYWORDS = [
    "$ref",
    "$defs",
    "$id",
    "$anchor",
    "allOf",
    "anyOf",
    "const",
    "credentialSubject",
    "enum",
    "format",
    "items",
    "not",
    "pattern",
    "patternProperties",
    "properties",
    "required",
    "type",
    "unevaluatedProperties",
    "uniqueItems",
]
TEXTS = st.sampled_from(["#", "#/$defs/a", "#a", "a", "(a+)+", "string", "object", "date", URL])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYWORDS, "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=5)


def written_or_none(pattern):
    try:
        return bounded(pattern)
    except InvalidInputError as error:
        if error.code is Code.SCHEMA_TOO_COMPLEX:
            return None
        raise


@FAST
@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_pattern_is_refused_or_quick(pattern):
    written = written_or_none(pattern)
    if written is None:
        return
    started = time.process_time()
    for text in ("a" * 1000, "ab" * 500, "a" * 24 + "!", "9" * 1000):
        re.search(written, text)
    assert time.process_time() - started < 2


@FAST
@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(pattern):
    written = written_or_none(pattern)
    assert written is None or re.compile(written)


@FAST
@given(OBJECTS, VALUES)
def test_any_schema_gets_an_answer(schema, value):
    document = {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": URL}
    schemas = Schemas().with_schema(URL, document)
    check = check_schema(value, {"id": URL, "type": "JsonSchema"}, schemas)
    assert isinstance(check, Check)


@FAST
@given(VALUES)
def test_any_entry_gets_an_answer(entry):
    assert isinstance(check_schema({}, entry), Check)
