"""Hostile documents: wrong JSON types anywhere, endless lists, deep nesting, dates that lie."""

from __future__ import annotations

import copy
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityid.credential import (
    Credential,
    Presentation,
    check_credential,
    check_presentation,
    check_related_resources,
    check_validity,
)
from cityid.errors import Code, InvalidInputError
from cityid.report import Outcome, Problem

V2 = "https://www.w3.org/ns/credentials/v2"
V1 = "https://www.w3.org/2018/credentials/v1"
AT = datetime(2026, 11, 21, tzinfo=UTC)
VALID = {
    "@context": [V2, "https://city.example/v1"],
    "id": "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008",
    "type": ["VerifiableCredential"],
    "name": [{"@value": "Card", "@language": "en", "@direction": "ltr"}],
    "issuer": {"id": "did:web:city.example", "name": "City"},
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": [{"id": "did:example:a", "confidenceMethod": {"type": "X"}}],
    "credentialStatus": {"type": "X"},
    "credentialSchema": {"type": "X", "id": "urn:x"},
    "relatedResource": [{"id": "urn:x", "digestSRI": "sha256-AAAA", "digestMultibase": ["uAA"]}],
    "proof": [{"type": "DataIntegrityProof"}],
}
VALID_1_1 = {
    "@context": [V1],
    "type": ["VerifiableCredential"],
    "issuer": "did:web:city.example",
    "issuanceDate": "2026-01-01T00:00:00Z",
    "credentialSubject": {"a": 1},
}
PRESENTATION = {
    "@context": [V2],
    "type": ["VerifiablePresentation"],
    "holder": {"id": "did:example:a"},
    "verifiableCredential": [VALID],
}


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = [
    None,
    True,
    -1,
    1e308,
    "",
    "\x00",
    "x" * 100_000,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"id": {}},
    {"type": [[]]},
    {"@value": {}},
    nested(5000),
    {"id": nested(5000)},
]


def places(value, path=()):
    yield path
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for name, member in pairs:
        yield from places(member, (*path, name))


def replaced(document, path, value):
    if not path:
        return value
    changed = copy.deepcopy(document)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    return changed


def ask_everything(document):
    credential, presentation = check_credential(document), check_presentation(document)
    for problem in (*credential, *presentation):
        assert isinstance(problem, Problem)
    if isinstance(document, dict):
        assert check_validity(document, at=AT).outcome in set(Outcome)
        assert isinstance(check_related_resources(document, {"urn:x": b""}), tuple)
    return credential, presentation


@pytest.mark.parametrize("base", [VALID, VALID_1_1, PRESENTATION])
def test_a_wrong_value_anywhere_is_told_and_never_raised(base):
    assert check_credential(VALID) == check_credential(VALID_1_1) == ()
    assert check_presentation(PRESENTATION) == ()
    for path in places(base):
        for value in HOSTILE:
            ask_everything(replaced(base, path, value))


@pytest.mark.parametrize("value", [None, 7, "x" * 50, nested(3)])
def test_every_value_the_rules_need_is_needed(value):
    for name in VALID.keys() - {"name"}:
        assert check_credential({**VALID, name: value}), name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    [*VALID, *PRESENTATION, "expirationDate", "evidence", "termsOfUse", "holder", "description"]
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.dictionaries(MEMBERS, JSON, max_size=8))
def test_any_object_is_judged_and_never_accepted_by_chance(document):
    credential, presentation = ask_everything(document)
    assert credential
    assert presentation


def test_endless_faults_are_told_in_bounded_number_and_time():
    begin = time.process_time()
    problems = check_credential({**VALID, "@context": [V2, *[1] * 200_000]})
    assert len(problems) == 100
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "value",
    [
        "a" * 500_000,
        "https://" + "a" * 500_000 + " ",
        "a:" + "b" * 500_000 + "\x00",
        "data:" + "a/" * 100_000,
        "data:a/b" + ";c" * 200_000,
        "en" + "-abcde" * 100_000 + "-",
        "en-a" + "-bc" * 100_000 + "-!",
    ],
)
def test_no_pattern_takes_more_than_linear_time(value):
    begin = time.process_time()
    text = {"@value": "x", "@language": value}
    assert check_credential({**VALID, "id": value, "name": text, "type": [value]})
    assert check_credential({"type": "EnvelopedVerifiableCredential", "id": value})
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "date",
    [
        "not-a-date",
        "2026-01-01T00:00:00+00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "",
        "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
        None,
        0,
        [],
        {"@value": "2027-01-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("member", ["validFrom", "validUntil"])
def test_a_date_that_cannot_be_read_fails_closed(member, date):
    assert check_validity(VALID, at=AT).outcome is Outcome.PASSED
    document = {**VALID, member: date}
    check = check_validity(document, at=AT)
    assert check.outcome is Outcome.FAILED
    assert (check.problem.code, check.problem.path) == (Code.MALFORMED_VALUE_ERROR, f"/{member}")
    (problem,) = check_credential(document)
    assert (problem.code, problem.path) == (Code.MALFORMED_VALUE_ERROR, f"/{member}")
    with pytest.raises(InvalidInputError):
        _ = Credential.of(document).valid_from, Credential.of(document).valid_until


@pytest.mark.parametrize("proof", [None, [], "x", 7, [[]]])
def test_a_proof_that_is_none_is_told_as_unreadable(proof):
    assert check_credential({**VALID, "proof": {"type": "DataIntegrityProof"}}) == ()
    (problem,) = check_credential({**VALID, "proof": proof})
    assert problem.code is Code.PARSING_ERROR


def test_a_message_never_holds_a_whole_document():
    secret = {"residentOf": "a secret place " * 100}
    for problem in check_credential({**VALID, "issuer": [secret], "name": secret, "id": secret}):
        assert len(problem.title) < 200
    assert "secret" not in repr(Credential.of({"credentialSubject": secret}))
    assert "secret" not in repr(Presentation.of({"verifiableCredential": {"a": secret}}))


def test_text_is_read_as_strictly_as_anywhere():
    text = json.dumps(VALID)
    assert check_credential(text) == ()
    (problem,) = check_credential(text[:-1] + ', "issuer": "did:web:thief.example"}')
    assert problem.code is Code.DUPLICATE_KEY
