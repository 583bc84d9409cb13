"""Logs of DIDs in a registry that is audited: sound ones, broken ones, and what is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cityid import did, registry
from cityid.did.examination import examine_logs
from cityid.errors import Code
from cityid.registry import NewEntry
from cityid.report import Outcome

START = datetime(2026, 3, 14, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SCID = "Q" * 46


@pytest.fixture
def ledger():
    return registry.connect("memory:")


@pytest.fixture
def office(ledger):
    made = did.create("webvh", domain="id.city.example", registry=ledger, at=START)
    return made.rotate(at=START + DAY)


def audited(ledger, at=START + 9 * DAY):
    return registry.audit(ledger, examine=examine_logs(ledger, at=at))


def broken(found):
    return [check for check in found.report if check.outcome is not Outcome.PASSED]


@pytest.mark.usefixtures("office")
def test_sound_logs_pass_and_other_logs_are_not_judged(ledger):
    ledger.append([NewEntry("https://city.example/offices", 1, b"no log of a DID")])
    ledger.append([NewEntry(f"{SCID}/witness", 1, b"not the log itself")])
    found = audited(ledger)
    assert found
    assert found.report.outcome("entries") is Outcome.PASSED


def test_a_log_that_goes_on_with_what_nobody_signed_is_told(ledger, office):
    scid = office.did.identifier.partition(":")[0]
    entry = json.loads(ledger.head(scid).data)
    entry["state"]["alsoKnownAs"] = ["https://thief.example"]
    ledger.append([NewEntry(scid, 3, json.dumps(entry).encode())])
    (check,) = broken(audited(ledger))
    assert (check.name, check.path, check.problem.code) == ("entries", "/1", Code.INVALID_DID)


@pytest.mark.usefixtures("office")
def test_a_log_from_the_future_is_told(ledger):
    (check,) = broken(audited(ledger, at=START + DAY / 2))
    assert check.name == "entries"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]", b'{"state": {"id": 7}}'])
def test_what_is_no_log_is_told(ledger, data):
    ledger.append([NewEntry(SCID, 1, data)])
    (check,) = broken(audited(ledger))
    assert check.name == "entries"


@pytest.mark.parametrize("subject", [None, 7, "did:key:z6Mk", "did:web:city.example", "webvh"])
def test_a_log_of_something_else_is_told(ledger, office, subject):
    entry = json.loads(office.log().splitlines()[0])
    entry["state"]["id"] = subject
    ledger.append([NewEntry(SCID, 1, json.dumps(entry).encode())])
    (check,) = broken(audited(ledger))
    assert check.problem.code == Code.INVALID_DID


def test_a_log_under_the_name_of_another_is_told(ledger, office):
    for version, line in enumerate(office.log().splitlines(), 1):
        ledger.append([NewEntry(SCID, version, line.encode())])
    (check,) = broken(audited(ledger))
    assert check.path == "/3"


@pytest.mark.usefixtures("office")
def test_a_log_that_its_index_does_not_lead_to_is_a_finding_of_the_audit(ledger):
    class Lost:
        """A registry that finds no log by its name."""

        scan, checkpoint = ledger.scan, ledger.checkpoint
        read = staticmethod(lambda *_arguments, **_options: ())

    found = registry.audit(Lost(), examine=examine_logs(Lost(), at=START + 9 * DAY))
    assert {check.name for check in broken(found)} == {"indexes"}
