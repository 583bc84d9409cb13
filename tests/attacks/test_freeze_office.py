"""Attacks on the freeze office, from outside and by the office itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cityid import freeze, registry, status
from cityid.errors import Code, InvalidInputError
from cityid.registry import NewEntry
from town import NOW, alice, bob, office, resolver

URL = "https://freeze.example/status/1"
OTHER = "https://freeze.example/status/2"


@pytest.fixture
def suspended():
    ledger = registry.connect("memory:")
    return status.publish(ledger, office(), URL, purpose="suspension", at=NOW)


@pytest.fixture
def desk(suspended):
    return freeze.FreezeOffice(suspended, registry.connect("memory:"), resolver())


def asked(entry, action=freeze.FREEZE, sequence=1, *, by=alice):
    return freeze.request(action, entry, by=by(), sequence=sequence, at=NOW)


def write(desk, entry, document, version=2):
    log = f"{URL}#{entry['statusListIndex']}"
    desk.evidence.append([NewEntry(log, version, json.dumps(document).encode())])


def test_an_honest_office_passes_its_audit(desk):
    entry, other = desk.enrol(alice()), desk.enrol(bob())
    desk.act(asked(entry), at=NOW)
    desk.act(asked(other, by=bob), at=NOW)
    desk.act(asked(other, freeze.LIFT, 2, by=bob), at=NOW)
    desk.evidence.append([NewEntry(f"{URL}#notes", 1, b"anything")])
    assert desk.audit() == ()


def unsigned(desk, entry):
    del desk
    return {**asked(entry), "proof": {}}


def of_another_place(desk, _):
    return asked(desk.enrol(alice()))


def of_another_office(desk, entry):
    del desk
    return asked({**entry, "statusListCredential": OTHER})


def of_somebody_else(desk, entry):
    del desk
    return asked(entry, by=bob)


def of_another_number(desk, entry):
    del desk
    return asked(entry, sequence=2)


def of_no_kind(desk, entry):
    del desk
    return {**asked(entry), "type": "Note"}


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        of_another_place,
        of_another_office,
        of_somebody_else,
        of_another_number,
        of_no_kind,
    ],
)
def test_a_request_that_the_office_made_up_is_told(desk, suspended, forge):
    entry = desk.enrol(alice())
    write(desk, entry, forge(desk, entry))
    suspended.suspend(int(entry["statusListIndex"]), at=NOW)
    (problem,) = desk.audit()
    assert f"place {entry['statusListIndex']} is" in problem.title


def test_a_lift_that_the_office_made_up_is_told(desk, suspended):
    entry = desk.enrol(alice())
    desk.act(asked(entry), at=NOW)
    write(desk, entry, {**asked(entry), "action": freeze.LIFT, "sequence": 2}, 3)
    suspended.lift(int(entry["statusListIndex"]), at=NOW)
    (problem,) = desk.audit()
    assert "does not hold" in problem.title


@pytest.mark.parametrize("nonsense", [5, None, [], "[]", True])
def test_what_is_no_request_is_refused(desk, nonsense):
    with pytest.raises(InvalidInputError):
        desk.act(nonsense, at=NOW)


@pytest.mark.parametrize("action", [["freeze"], {}, None, 1, "FREEZE"])
def test_an_action_that_is_no_word_is_refused(desk, action):
    entry = desk.enrol(alice())
    with pytest.raises(InvalidInputError):
        desk.act({**asked(entry), "action": action}, at=NOW)
    with pytest.raises(InvalidInputError):
        freeze.request(action, entry, by=alice(), sequence=1)
    assert desk.act(asked(entry), at=NOW).version == 2


def test_no_request_outlasts_the_calendar(desk):
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    with pytest.raises(InvalidInputError) as caught:
        freeze.request(freeze.FREEZE, desk.enrol(alice()), by=alice(), sequence=1, at=end)
    assert caught.value.code is Code.NUMBER_OUT_OF_RANGE
