from datetime import UTC, datetime, timedelta

import pytest

import town
from cityid import Credential, Presentation, issue, recording, registry
from cityid.errors import Code, InvalidInputError
from cityid.registry import NewEntry

NOW = datetime(2027, 3, 14, 9, 0, tzinfo=UTC)
ISSUED = issue(town.unsigned(), by=town.office(), at=town.NOW)


def recorded(data):
    return registry.connect("memory:", clock=lambda: NOW).append([NewEntry("log", 1, data)])[0]


@pytest.mark.parametrize(
    "form", [ISSUED, ISSUED.to_dict(), ISSUED.to_json(), f" {ISSUED.to_json()}"]
)
def test_the_digest_is_that_of_the_document_however_it_is_written(form):
    assert recording.digest(form) == recording.digest(ISSUED)
    assert len(recording.digest(form)) == 32


def test_the_proofs_belong_to_the_document():
    assert recording.digest({**ISSUED.to_dict(), "proof": {}}) != recording.digest(ISSUED)


def test_a_presentation_is_a_document_too():
    shown = Presentation.of({"type": "VerifiablePresentation"})
    assert recording.digest(shown) == recording.digest(Credential.of(shown.to_dict()))


def test_what_is_no_document_has_no_digest():
    with pytest.raises(InvalidInputError):
        recording.digest("[]")


@pytest.mark.parametrize(
    "data", [recording.digest(ISSUED), ISSUED.to_json().encode(), f" {ISSUED.to_json()}\n".encode()]
)
def test_a_record_speaks_of_the_document_it_holds(data):
    record = recorded(data)
    assert recording.speaks_of(record, ISSUED)
    assert recording.recorded_at(record, ISSUED, NOW) == NOW
    assert recording.unheard(record, [{}, ISSUED], NOW) == ()


@pytest.mark.parametrize(
    "data",
    [
        recording.digest(ISSUED)[:31],
        recording.digest(ISSUED).hex().encode(),
        recording.digest({}),
        b"{}",
        b"{",
        b"\xff",
        b"[" * 1000,
        ISSUED.to_json().replace("Alumni", "Alumna").encode(),
    ],
)
def test_and_of_no_other(data):
    record = recorded(data)
    assert not recording.speaks_of(record, ISSUED)
    assert recording.recorded_at(record, ISSUED, NOW) is None
    assert [p.code for p in recording.unheard(record, [ISSUED], NOW)] == [Code.NO_EVIDENCE]


def test_a_record_of_tomorrow_is_no_evidence_today():
    record = recorded(recording.digest(ISSUED))
    assert recording.recorded_at(record, ISSUED, NOW - timedelta(microseconds=1)) is None


def test_no_record_is_nothing_to_be_warned_of():
    assert recording.recorded_at(None, ISSUED, NOW) is None
    assert recording.unheard(None, [ISSUED], NOW) == ()
