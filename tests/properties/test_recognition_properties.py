"""Lists of recognised entities: every line reads as it was written, and no line breaks a reader."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import town
from cityid import registry, trust
from cityid.errors import CorruptError, InvalidInputError
from cityid.journal import read_export
from cityid.registry import NewEntry
from cityid.report import Outcome
from cityid.trust import RecognizedAction
from cityid.trust.actions import read_actions

TEXTS = st.text(min_size=1, max_size=20)
MOMENTS = st.none() | st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))
LINES = st.builds(
    RecognizedAction,
    entity=TEXTS,
    action=TEXTS,
    for_type=TEXTS,
    claims=st.lists(TEXTS, max_size=3).map(tuple),
    jurisdictions=st.lists(TEXTS, max_size=3).map(tuple),
    valid_from=MOMENTS,
    valid_until=MOMENTS,
    further=st.integers(0, 8),
)
NAMES = st.sampled_from(
    [
        *("id", "type", "recognizedTo", "action", "claim", "jurisdiction", "credentialType"),
        *("validFrom", "validUntil", "furtherAuthorities", "outputValidation"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
CITY = town.person("city")


@given(line=LINES)
@settings(derandomize=True, max_examples=80, deadline=None)
def test_line_reads_as_it_was_written(line):
    subject = {"id": line.entity, "recognizedTo": line.to_dict("did:example:1")}
    assert read_actions([subject]) == (line,)


@given(subjects=st.lists(st.dictionaries(NAMES, JSON, max_size=5), max_size=3))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_any_json_is_read_or_refused(subjects):
    try:
        lines = read_actions(subjects)
    except InvalidInputError as error:
        lines, told = (), error.path
    else:
        told = "/credentialSubject/"
    assert told.startswith("/credentialSubject/")
    assert all(isinstance(line, RecognizedAction) for line in lines)


@given(data=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_any_bytes_in_a_log_recognise_nobody(data):
    ledger = registry.connect("memory:", clock=lambda: town.NOW)
    ledger.append([NewEntry(trust.list_id(str(CITY.did)), 1, data)])
    found = trust.recognition(
        ledger,
        town.resolver(),
        authority=str(CITY.did),
        issuer=str(CITY.did),
        for_type="X",
        at=town.NOW,
    )
    assert found.outcome is Outcome.INCONCLUSIVE


@given(query=st.dictionaries(NAMES | st.sampled_from(["entity_id", "authority_id"]), JSON))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_any_query_is_answered(query):
    ledger = registry.connect("memory:", clock=lambda: town.NOW)
    options = {"ledger": ledger, "resolver": town.resolver(), "at": town.NOW}
    assert trust.answer_trqp(query, **options)["status"] == 400
    assert trust.answer_ebsi(query, **options)["status"] == 400


@given(text=st.text(max_size=60))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_any_text_is_no_journal(text):
    with pytest.raises(CorruptError):
        read_export(text)
