"""Schemas and credentials that mean harm: nothing is fetched, nothing hangs."""

from __future__ import annotations

import socket
import time

import pytest

from cityid.errors import Code, InvalidInputError
from cityid.report import Outcome
from cityid.schema import Schemas, check_schema

URL = "https://schemas.example/hostile"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENTRY = {"id": URL, "type": "JsonSchema"}
LONG = "a" * 28 + "!"


def judge(claim_rule, claim, *others, **rest):
    document = {
        "$schema": DIALECT,
        "$id": URL,
        "properties": {"credentialSubject": {"properties": {"claim": claim_rule}}},
        **rest,
    }
    schemas = Schemas().with_schema(URL, document)
    for other in others:
        schemas = schemas.with_schema(other["$id"], other)
    started = time.process_time()
    check = check_schema({"credentialSubject": {"claim": claim}}, ENTRY, schemas)
    assert time.process_time() - started < 1
    return check


def refused(check, code):
    return check.outcome is Outcome.INCONCLUSIVE and check.problem.code is code


# --- E8: a schema cannot make the verifier call anybody


@pytest.fixture
def no_socket(monkeypatch):
    opened = []
    monkeypatch.setattr(socket, "socket", lambda *_, **__: opened.append(1))
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: opened.append(1))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: opened.append(1))
    yield
    assert opened == []


OUTSIDE = [
    "https://attacker.example/track/alice",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "other",
    "//attacker.example/x",
    "https://attacker.example/x#/$defs/a",
    "http://[",
    DIALECT,
    "#/$defs/none",
    "#none",
    "#/properties",
]


@pytest.mark.parametrize("reference", OUTSIDE)
@pytest.mark.parametrize("place", ["claim", "never reached", "inside an unknown keyword"])
@pytest.mark.usefixtures("no_socket")
def test_a_reference_to_the_outside_is_refused(reference, place):
    hostile = {"$ref": reference}
    check = {
        "claim": lambda: judge(hostile, "x"),
        "never reached": lambda: judge({"anyOf": [True, hostile]}, "x"),
        "inside an unknown keyword": lambda: judge({"x-note": [hostile]}, "x"),
    }[place]()
    assert refused(check, Code.SCHEMA_NOT_ALLOWED)


@pytest.mark.usefixtures("no_socket")
def test_the_same_reference_to_a_schema_at_hand_is_followed():
    other = {"$schema": DIALECT, "$id": OUTSIDE[0], "type": "string"}
    assert judge({"$ref": OUTSIDE[0]}, "x", other).outcome is Outcome.PASSED
    assert judge({"$ref": OUTSIDE[0]}, 7, other).outcome is Outcome.FAILED


@pytest.mark.usefixtures("no_socket")
def test_a_schema_at_hand_cannot_lead_further_out():
    other = {"$schema": DIALECT, "$id": OUTSIDE[0], "$ref": OUTSIDE[1]}
    assert refused(judge({"$ref": OUTSIDE[0]}, "x", other), Code.SCHEMA_NOT_ALLOWED)


@pytest.mark.usefixtures("no_socket")
def test_the_schema_itself_is_never_fetched():
    check = check_schema({}, {**ENTRY, "id": OUTSIDE[0]})
    assert refused(check, Code.SCHEMA_NOT_ALLOWED)


@pytest.mark.usefixtures("no_socket")
def test_the_dialect_is_never_fetched():
    check = judge({}, "x", **{"$schema": "https://attacker.example/dialect"})
    assert refused(check, Code.NOT_SUPPORTED)


# --- E9: a pattern cannot hang the verifier


@pytest.mark.parametrize(
    "rule",
    [
        {"pattern": "^(a+)+$"},
        {"patternProperties": {"^(a+)+$": True}},
        {"anyOf": [{"pattern": "^(a|a)*$"}]},
        {"x-note": {"pattern": "^(a|aa)+$"}},
    ],
    ids=str,
)
def test_a_pattern_that_blows_up_is_refused(rule):
    assert refused(judge(rule, LONG), Code.SCHEMA_TOO_COMPLEX)


def test_a_bounded_pattern_is_run():
    assert judge({"pattern": "^a+!$"}, LONG).outcome is Outcome.PASSED
    assert judge({"pattern": "^a+$"}, LONG).outcome is Outcome.FAILED
    rule = {"patternProperties": {"^a+$": {"type": "string"}}}
    assert judge(rule, {"aa": "x", "b": 7}).outcome is Outcome.PASSED
    assert judge(rule, {"aa": 7}).outcome is Outcome.FAILED


@pytest.mark.parametrize("pattern", ["^.*.*x$", "a+b", "^(a|a){20}$", "^.{0,1000}.{0,1000}$"])
def test_the_worst_that_is_admitted_takes_less_than_a_second(pattern):
    assert judge({"pattern": pattern}, "a" * 1000).outcome in {Outcome.PASSED, Outcome.FAILED}
    judge({"pattern": pattern}, "a" * 20 + "!")


def test_a_text_too_long_for_a_pattern_does_not_fit_it():
    assert judge({"pattern": "^a*$"}, "a" * 1000).outcome is Outcome.PASSED
    assert judge({"pattern": "^a*$"}, "a" * 1001).outcome is Outcome.FAILED


def test_a_member_name_too_long_for_a_pattern_does_not_fit_it():
    rule = {"patternProperties": {"^a*$": True}, "additionalProperties": False}
    assert judge(rule, {"a" * 1000: 1}).outcome is Outcome.PASSED
    assert judge(rule, {"a" * 1001: 1}).outcome is Outcome.FAILED


# --- work without end


def doubled(levels, join):
    last = {f"d{levels}": {"type": "string"}}
    return last | {f"d{n}": join({"$ref": f"#/$defs/d{n + 1}"}) for n in range(levels)}


@pytest.mark.parametrize(
    "join",
    [
        lambda ref: {"allOf": [ref, ref]},
        lambda ref: {"anyOf": [ref, ref]},
        lambda ref: {"not": {"not": {"oneOf": [ref, ref]}}},
        lambda ref: {"properties": {"a": ref, "b": ref}},
    ],
)
def test_references_that_double_are_refused(join):
    rule = {"$ref": "#/$defs/d0"}
    assert refused(judge(rule, 7, **{"$defs": doubled(40, join)}), Code.SCHEMA_TOO_COMPLEX)
    check = judge(rule, 7, **{"$defs": doubled(3, join)})
    assert check.outcome in {Outcome.PASSED, Outcome.FAILED}


def test_unevaluated_members_that_double_are_refused():
    rule = {"type": "object"}
    for _ in range(12):
        rule = {"allOf": [rule], "unevaluatedProperties": False}
    assert refused(judge(rule, {}), Code.SCHEMA_TOO_COMPLEX)
    shallow = {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False}
    assert judge(shallow, {"a": 1}).outcome is Outcome.PASSED
    assert judge(shallow, {"b": 1}).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("rule", "definitions"),
    [
        ({"$ref": "#"}, {}),
        ({"$ref": URL}, {}),
        ({"$ref": "#/$defs/a"}, {"a": {"$ref": "#/$defs/a"}}),
        ({"$ref": "#/$defs/a"}, {"a": {"items": {"$ref": "#/$defs/a"}}}),
        ({"$ref": "#/$defs/a"}, {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#b"}]}}),
    ],
    ids=str,
)
def test_a_recursive_schema_is_refused(rule, definitions):
    definitions = {**definitions, "anchored": {"$anchor": "b", "$ref": "#/$defs/a"}}
    if "a" not in definitions:
        definitions["a"] = True
    assert refused(judge(rule, [[[]]], **{"$defs": definitions}), Code.SCHEMA_TOO_COMPLEX)


def test_schemas_that_lead_to_each_other_are_refused():
    other = {"$schema": DIALECT, "$id": OUTSIDE[0], "properties": {"a": {"$ref": URL}}}
    check = judge({"$ref": OUTSIDE[0]}, "x", other)
    assert refused(check, Code.SCHEMA_TOO_COMPLEX)


def test_a_chain_of_references_is_bounded():
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(400)}
    rule = {"$ref": "#/$defs/d0"}
    check = judge(rule, "x", **{"$defs": {**chain, "d400": True}})
    assert refused(check, Code.SCHEMA_TOO_COMPLEX)
    check = judge(rule, "x", **{"$defs": {**dict(list(chain.items())[:20]), "d20": True}})
    assert check.outcome is Outcome.PASSED


def test_the_number_of_schemas_that_refer_to_each_other_is_bounded():
    def chain(length):
        last = {"$schema": DIALECT, "$id": f"urn:s:{length}", "type": "string"}
        return [
            {"$schema": DIALECT, "$id": f"urn:s:{n}", "$ref": f"urn:s:{n + 1}"}
            for n in range(length)
        ] + [last]

    assert judge({"$ref": "urn:s:0"}, "x", *chain(10)).outcome is Outcome.PASSED
    assert refused(judge({"$ref": "urn:s:0"}, "x", *chain(60)), Code.SCHEMA_TOO_COMPLEX)


@pytest.mark.parametrize("keyword", ["$dynamicRef", "$dynamicAnchor", "$recursiveRef"])
def test_dynamic_references_are_refused(keyword):
    assert refused(judge({keyword: "#a"}, "x"), Code.SCHEMA_TOO_COMPLEX)
    named = judge({"properties": {keyword: {"type": "string"}}}, {keyword: "x"})
    assert named.outcome is Outcome.PASSED


def test_a_schema_that_renames_its_parts_is_refused():
    rule = {"$id": "https://attacker.example/part", "type": "string"}
    assert refused(judge(rule, "x"), Code.SCHEMA_TOO_COMPLEX)


def test_a_schema_has_a_depth_and_a_size():
    def nested(depth):
        rule = {"type": "string"}
        for _ in range(depth):
            rule = {"not": rule}
        return rule

    assert judge(nested(26), "x").outcome is Outcome.PASSED
    with pytest.raises(InvalidInputError) as caught:
        judge(nested(60), "x")
    assert caught.value.code is Code.TOO_DEEP
    with pytest.raises(InvalidInputError) as caught:
        judge({"description": "x" * 300_000}, "x")
    assert caught.value.code is Code.INPUT_TOO_LARGE
    wide = {"anyOf": [{"const": number} for number in range(6000)]}
    assert refused(judge(wide, "x"), Code.SCHEMA_TOO_COMPLEX)


def test_items_are_compared_with_each_other_up_to_a_number():
    rule = {"uniqueItems": True}
    unlike = [{"a": [number]} for number in range(201)]
    assert judge(rule, unlike[:200]).outcome is Outcome.PASSED
    assert judge(rule, unlike).outcome is Outcome.FAILED


# --- hostile credentials


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, True, 1.5, {"credentialSubject": []}])
def test_a_credential_of_any_type_gets_an_answer(value):
    document = {"$schema": DIALECT, "$id": URL, "type": "object", "required": ["issuer"]}
    check = check_schema(value, ENTRY, Schemas().with_schema(URL, document))
    assert check.outcome is Outcome.FAILED


def test_a_deep_credential_gets_an_answer():
    claim: list = []
    for _ in range(5000):
        claim = [claim]
    assert judge({"items": {"items": {"type": "string"}}}, claim).outcome is Outcome.FAILED


def test_values_of_a_credential_do_not_leak_into_the_problem():
    check = judge({"type": "integer"}, "the secret")
    assert check.outcome is Outcome.FAILED
    assert "secret" not in str(check.to_dict())
