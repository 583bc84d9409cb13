from __future__ import annotations

import base64
import copy
import hashlib
import json
import pickle

import pytest

from cityid import resources
from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError
from cityid.report import Outcome
from cityid.schema import SCHEMAS, Schemas, check_schema

URL = "https://schemas.example/email"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENTRY = {"id": URL, "type": "JsonSchema"}
CREDENTIAL = {
    "type": ["VerifiableCredential"],
    "credentialSubject": {"id": "did:example:1", "emailAddress": "alice@city.example"},
}


def schema(subject, **rest):
    return {
        "$schema": DIALECT,
        "$id": URL,
        "type": "object",
        "properties": {"credentialSubject": subject},
        **rest,
    }


EMAIL = schema(
    {
        "type": "object",
        "required": ["emailAddress"],
        "properties": {"emailAddress": {"type": "string", "format": "email"}},
    }
)


def judge(document, *, value=CREDENTIAL, entry=ENTRY):
    return check_schema(value, entry, Schemas().with_schema(URL, document))


def subject(**claims):
    return {**CREDENTIAL, "credentialSubject": claims}


# --- the outcome


def test_a_credential_that_fits_passes():
    check = judge(EMAIL)
    assert (check.name, check.outcome, check.path) == (
        "schema",
        Outcome.PASSED,
        "/credentialSchema",
    )


def test_the_whole_credential_is_judged_and_faults_are_told_by_place_without_values():
    check = judge(EMAIL, value=subject(emailAddress="secret"))
    assert check.outcome is Outcome.FAILED
    assert check.problem.code is Code.SCHEMA_VIOLATION
    assert check.problem.path == "/credentialSubject/emailAddress"
    assert URL in check.problem.title
    assert check.problem.detail == "/credentialSubject/emailAddress is not of the format 'email'"


def test_the_check_lies_where_the_entry_lies():
    schemas = Schemas().with_schema(URL, EMAIL)
    check = check_schema(CREDENTIAL, ENTRY, schemas, path="/credentialSchema/1")
    assert check.path == "/credentialSchema/1"
    check = check_schema(CREDENTIAL, {}, schemas, path="/credentialSchema/1")
    assert check.problem.path == "/credentialSchema/1"


def test_the_first_faults_are_told_not_all():
    names = [f"claim{number}" for number in range(9)]
    check = judge(schema({"required": names}))
    assert check.problem.detail.count("lacks") == 5
    assert "lacks 'claim0'" in check.problem.detail


@pytest.mark.parametrize(
    ("rule", "value", "saying"),
    [
        ({"type": "string"}, 7, "/credentialSubject/claim is not of the type 'string'"),
        ({"const": "a"}, "b", "is not 'a'"),
        ({"enum": ["a", "b"]}, "c", "is none of ['a', 'b']"),
        ({"pattern": "^a$"}, "b", "does not match the pattern '^a$'"),
        ({"minimum": 3}, 1, "breaks minimum 3"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "fits none of the alternatives"),
        ({"contains": {"const": "Alumni"}}, ["x"], "/claim must contain 'Alumni'"),
        ({"contains": {"type": "string"}}, [2], "must contain what the schema asks"),
        ({"contains": True}, [], "must contain what the schema asks"),
        ({"uniqueItems": True}, [1, 1], "breaks uniqueItems"),
        (
            {
                "additionalProperties": False,
                "properties": {"a": True},
                "patternProperties": {"^b": True},
            },
            {"a": 1, "bb": 1, "x": "secret"},
            "/claim has 'x', which the schema does not name",
        ),
        (
            {"additionalProperties": False},
            dict.fromkeys("abcdefg", 1),
            "has 'a', 'b', 'c', 'd', 'e' and more, which the schema does not name",
        ),
        ({"required": list("abcdefg")}, {}, "lacks 'a', 'b', 'c', 'd', 'e' and more"),
        (False, 1, "may not be there"),
    ],
    ids=str,
)
def test_every_fault_is_said_in_words(rule, value, saying):
    check = judge(schema({"properties": {"claim": rule}}), value=subject(claim=value))
    assert check.outcome is Outcome.FAILED
    assert saying in check.problem.detail


def test_a_fault_of_the_root_is_said_of_the_credential():
    check = judge(schema({}, required=["evidence"]))
    assert check.problem.detail == "the credential lacks 'evidence'"


# --- the entry


@pytest.mark.parametrize("kind", ["JsonSchema", ["JsonSchema"], ["JsonSchema", "CitySchema"]])
def test_one_type_or_several(kind):
    assert judge(EMAIL, entry={**ENTRY, "type": kind}).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "https://schemas.example/email",
        [],
        {},
        {"id": URL},
        {"type": "JsonSchema"},
        {**ENTRY, "id": 7},
        {**ENTRY, "id": [URL]},
        {**ENTRY, "type": "NotJsonSchema"},
        {**ENTRY, "type": 7},
        {**ENTRY, "type": {}},
    ],
    ids=str,
)
def test_a_malformed_entry_fails(entry):
    check = judge(EMAIL, entry=entry)
    assert check.outcome is Outcome.FAILED
    assert check.problem.code is Code.MALFORMED_VALUE_ERROR


def test_a_schema_inside_a_credential_that_nobody_verified_is_not_read():
    check = judge(EMAIL, entry={**ENTRY, "type": "JsonSchemaCredential"})
    assert check.outcome is Outcome.INCONCLUSIVE
    assert check.problem.code is Code.SCHEMA_NOT_ALLOWED


def test_an_unknown_schema_is_not_fetched_and_the_message_says_what_to_do():
    check = check_schema(CREDENTIAL, ENTRY)
    assert check.outcome is Outcome.INCONCLUSIVE
    assert check.problem.code is Code.SCHEMA_NOT_ALLOWED
    assert "with_schema" in check.problem.title


# --- digests


def sri(content):
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def test_the_schema_must_be_the_one_the_issuer_meant():
    content = json.dumps(EMAIL).encode()
    schemas = Schemas().with_schema(URL, content)
    good = check_schema(CREDENTIAL, {**ENTRY, "digestSRI": sri(content)}, schemas)
    bad = check_schema(CREDENTIAL, {**ENTRY, "digestSRI": sri(b"{}")}, schemas)
    assert good.outcome is Outcome.PASSED
    assert bad.outcome is Outcome.FAILED
    assert bad.problem.code is Code.DIGEST_MISMATCH


def test_a_digest_of_a_mapping_cannot_be_compared():
    check = judge(EMAIL, entry={**ENTRY, "digestSRI": sri(b"{}")})
    assert check.outcome is Outcome.INCONCLUSIVE
    assert "bytes" in check.problem.title


def test_a_malformed_digest_fails():
    schemas = Schemas().with_schema(URL, json.dumps(EMAIL))
    check = check_schema(CREDENTIAL, {**ENTRY, "digestMultibase": "x"}, schemas)
    assert check.outcome is Outcome.FAILED


# --- the schema


@pytest.mark.parametrize(
    "change",
    [
        {"$id": None},
        {"$id": "https://schemas.example/other"},
        {"$id": 7},
        {"$schema": None},
        {"$schema": 7},
        {"type": "thing"},
        {"properties": []},
        {"required": "emailAddress"},
    ],
    ids=str,
)
def test_a_malformed_schema_fails(change):
    document = {name: value for name, value in {**EMAIL, **change}.items() if value is not None}
    assert judge(EMAIL).outcome is Outcome.PASSED
    check = judge(document)
    assert check.outcome is Outcome.FAILED
    assert check.problem.code is Code.MALFORMED_VALUE_ERROR
    assert check.problem.path == "/credentialSchema"


def test_an_unknown_dialect_cannot_be_run():
    check = judge({**EMAIL, "$schema": "https://json-schema.org/draft/2019-09/schema"})
    assert check.outcome is Outcome.INCONCLUSIVE
    assert check.problem.code is Code.NOT_SUPPORTED


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_draft_7_is_read_by_its_own_rules(scheme):
    document = {
        "$schema": f"{scheme}://json-schema.org/draft-07/schema#",
        "$id": URL,
        "definitions": {"mail": {"type": "string"}},
        "dependencies": {"credentialSubject": ["type"]},
        "properties": {
            "credentialSubject": {
                "properties": {"emailAddress": {"$ref": "#/definitions/mail", "maxLength": 1}}
            }
        },
    }
    assert judge(document).outcome is Outcome.PASSED
    assert judge(document, value=subject(emailAddress=7)).outcome is Outcome.FAILED


def test_references_lead_to_places_anchors_and_schemas_at_hand():
    other = "urn:example:other"
    document = schema(
        {
            "properties": {
                "a": {"$ref": "#/$defs/with~1slash"},
                "b": {"$ref": "#anchored"},
                "c": {"$ref": f"{other}#/$defs/word"},
                "d": {"$ref": "numbers"},
                "e": {"$ref": "#/$defs/any"},
            }
        },
        **{
            "$defs": {
                "with/slash": {"type": "string"},
                "named": {"$anchor": "anchored", "type": "boolean"},
                "any": True,
            }
        },
    )
    words = {
        "$schema": DIALECT,
        "$id": other,
        "$defs": {"word": {"$ref": "#/$defs/text"}, "text": {"type": "string"}},
    }
    numbers = {
        "$schema": DIALECT,
        "$id": "https://schemas.example/numbers",
        "type": "integer",
        "examples": [{"$ref": URL}],
    }
    schemas = (
        Schemas()
        .with_schema(URL, document)
        .with_schema(other, words)
        .with_schema(numbers["$id"], numbers)
    )
    good = {"a": "x", "b": True, "c": "y", "d": 1, "e": None}
    assert check_schema(subject(**good), ENTRY, schemas).outcome is Outcome.PASSED
    for name in "abcd":
        check = check_schema(subject(**{**good, name: {}}), ENTRY, schemas)
        assert check.problem.path == f"/credentialSubject/{name}"


def test_values_that_look_like_schemas_stay_what_they_are():
    look = {"pattern": "a$", "$ref": "https://nowhere.example/"}
    document = schema({"properties": {"claim": {"const": look}, "pattern": {"type": "string"}}})
    assert judge(document, value=subject(claim=look, pattern="x")).outcome is Outcome.PASSED


# --- the collection


def test_the_citys_schemas_are_there_and_pinned():
    assert len(SCHEMAS) == 10
    url = "https://cityid.example/schemas/age/v1"
    assert url in SCHEMAS
    assert url in list(SCHEMAS)
    assert SCHEMAS.document(url)["$id"] == url
    assert json.loads(SCHEMAS.content(url)) == SCHEMAS.document(url)
    assert len(Schemas()) == 0
    assert url not in Schemas()
    assert "https://cityid.example/schemas/none/v1" not in SCHEMAS


def test_a_document_is_the_callers_own_copy():
    url = "https://cityid.example/schemas/age/v1"
    SCHEMAS.document(url).clear()
    assert SCHEMAS.document(url)["$id"] == url


def test_adding_makes_a_new_set():
    more = SCHEMAS.with_schema(URL, EMAIL)
    assert URL in more
    assert URL not in SCHEMAS
    assert len(more) == 11
    assert set(more) == {*SCHEMAS, URL}
    assert more.content(URL) is None


def test_the_callers_mapping_is_copied():
    document = copy.deepcopy(EMAIL)
    schemas = Schemas().with_schema(URL, document)
    document.clear()
    assert schemas.document(URL) == EMAIL


def test_what_is_pinned_cannot_be_replaced():
    schemas = Schemas().with_schema(URL, EMAIL)
    assert URL in schemas.with_schema(URL, json.dumps(EMAIL))
    with pytest.raises(InvalidInputError, match="another schema already"):
        schemas.with_schema(URL, {**EMAIL, "title": "other"})


def test_the_digest_of_an_added_schema_may_be_pinned():
    content = json.dumps(EMAIL)
    digest = hashlib.sha256(content.encode()).hexdigest()
    assert Schemas().with_schema(URL, content, sha256=digest).content(URL) == content.encode()
    with pytest.raises(InvalidInputError) as caught:
        Schemas().with_schema(URL, content + " ", sha256=digest)
    assert caught.value.code is Code.DIGEST_MISMATCH


@pytest.mark.parametrize(
    ("document", "options"), [(7, {}), ([], {}), (None, {}), (EMAIL, {"sha256": "00"})]
)
def test_a_schema_is_a_mapping_or_text(document, options):
    with pytest.raises(InvalidInputError):
        Schemas().with_schema(URL, document, **options)


@pytest.mark.parametrize("document", ["", "[]", "{", b"\xff", '{"a":1,"a":2}', {"a": object()}])
def test_what_is_no_json_object_is_refused_at_once(document):
    with pytest.raises(InvalidInputError):
        Schemas().with_schema(URL, document)


def test_an_unknown_url_is_not_found():
    for ask in (Schemas().document, Schemas().content, Schemas().validator):
        with pytest.raises(NotFoundError) as caught:
            ask(URL)
        assert caught.value.ref == URL


def test_a_schema_is_compiled_once():
    schemas = Schemas().with_schema(URL, EMAIL)
    assert schemas.validator(URL) is schemas.validator(URL)


def test_a_set_travels_between_processes_without_what_was_compiled():
    schemas = Schemas().with_schema(URL, EMAIL)
    check_schema(CREDENTIAL, ENTRY, schemas)
    again = pickle.loads(pickle.dumps(schemas))  # noqa: S301 - our own bytes
    assert check_schema(CREDENTIAL, ENTRY, again).outcome is Outcome.PASSED


def test_a_damaged_installation_is_told_not_believed(monkeypatch):
    read = resources.read

    def damaged(kind, name):
        return read(kind, name) + (b" " if name.endswith("schema.json") else b"")

    monkeypatch.setattr(resources, "read", damaged)
    url = "https://cityid.example/schemas/age/v1"
    with pytest.raises(CorruptError):
        Schemas(shipped=True).document(url)
    check = check_schema(CREDENTIAL, {**ENTRY, "id": url}, Schemas(shipped=True))
    assert check.outcome is Outcome.INCONCLUSIVE
    assert check.problem.code is Code.STORE_CORRUPT
