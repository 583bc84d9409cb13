import json

import base58
from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import encoding, strict_json
from cityid.canonical import jcs
from cityid.encoding import Multicodec
from cityid.errors import InvalidInputError

quickly = settings(derandomize=True, max_examples=150, deadline=None)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-strict_json.LARGEST_INTEGER, strict_json.LARGEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def reads_back(value):
    """RFC 8785 writes 2.0^53 to 1e21 like integers, and integers so large are not read."""
    if isinstance(value, dict | list):
        return all(map(reads_back, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or not 2.0**53 <= abs(value) < 1e21


BASES = st.sampled_from(encoding.BASES)
CHARACTERS = st.sampled_from("".join(map(chr, range(128))) + "äО")


@quickly
@given(st.binary(max_size=100), BASES)
def test_decoding_undoes_encoding(data, base):
    assert encoding.multibase_decode(encoding.multibase_encode(data, base)) == data


@quickly
@given(st.binary(max_size=100))
def test_base58btc_is_what_an_independent_implementation_writes(data):
    assert encoding.base58btc_encode(data) == base58.b58encode(data).decode()
    assert base58.b58decode(encoding.base58btc_encode(data)) == data


@quickly
@given(st.binary(min_size=1, max_size=70), BASES, st.data(), CHARACTERS)
def test_one_other_character_is_refused_or_gives_other_bytes(data, base, draw, character):
    text = encoding.multibase_encode(data, base)
    at = draw.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + character + text[at + 1 :]
    try:
        decoded = encoding.multibase_decode(changed)
    except InvalidInputError:
        return
    assert (decoded == data) == (changed == text)


@quickly
@given(st.text("123456789ABCzyx-_", max_size=60), BASES)
def test_encoding_undoes_decoding(text, base):
    prefixed = ("z" if base == "base58btc" else "u") + text
    try:
        data = encoding.multibase_decode(prefixed)
    except InvalidInputError:
        return
    assert encoding.multibase_encode(data, base) == prefixed


@quickly
@given(st.integers(0, 2**63 - 1), st.binary(max_size=9))
def test_varints_keep_the_number_and_the_rest(number, rest):
    assert encoding.varint_decode(encoding.varint_encode(number) + rest) == (number, rest)


@quickly
@given(st.binary(max_size=20))
def test_a_varint_has_one_form(data):
    try:
        number, rest = encoding.varint_decode(data)
    except InvalidInputError:
        return
    assert encoding.varint_encode(number) + rest == data


@quickly
@given(st.sampled_from(Multicodec), st.binary(max_size=40))
def test_a_prefix_keeps_codec_and_key(codec, raw):
    assert encoding.multicodec_unwrap(encoding.multicodec_wrap(codec, raw)) == (codec, raw)


@quickly
@given(VALUES)
def test_a_value_survives_writing_parsing_and_copying(value):
    assert strict_json.parse(strict_json.write(value)) == value
    assert strict_json.parse(json.dumps(value)) == value
    assert strict_json.snapshot(value) == value


@quickly
@given(VALUES.filter(reads_back))
def test_the_canonical_form_of_the_canonical_form_is_itself(value):
    canonical = jcs.canonicalize(value)
    read = strict_json.parse(canonical)
    assert read == value
    assert jcs.canonicalize(read) == canonical


@quickly
@given(st.dictionaries(TEXT, VALUES, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(value, random):
    names = list(value)
    random.shuffle(names)
    assert jcs.canonicalize({name: value[name] for name in names}) == jcs.canonicalize(value)


@quickly
@given(VALUES)
def test_both_ways_of_canonicalizing_agree(value):
    assert jcs.canonicalize(value).decode() == jcs._write(value)


@quickly
@given(st.text(max_size=40) | st.binary(max_size=40))
def test_any_text_is_read_or_refused(source):
    try:
        value = strict_json.parse(source)
    except InvalidInputError:
        return
    assert value == json.loads(source)
