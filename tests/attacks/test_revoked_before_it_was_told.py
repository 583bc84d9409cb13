"""D13: what a thief signed, and had recorded, before anybody knew of the theft."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import town
from cityid import did, issue, keys, policy, recording, registry, verify
from cityid.errors import Code, InvalidInputError
from cityid.registry import NewEntry

START = datetime(2026, 3, 14, 9, tzinfo=UTC)
DAY = timedelta(days=1)


class City:
    """An office whose key is stolen on day 5 and which learns of it on day 10."""

    def __init__(self):
        self.now = START
        self.ledger = registry.connect("memory:", clock=lambda: self.now)
        self.vault = keys.MemoryKeyring()
        self.office = did.create(
            "webvh",
            domain="id.city.example",
            registry=self.ledger,
            recovery=self.vault,
            at=self.now,
        )
        self.key = f"{self.office.did}#key-1"

    def on(self, day):
        self.now = START + day * DAY
        return self.now

    def registered(self, day):
        """Sign a registration with the key of the first day, and have it recorded."""
        vehicle = town.city_credential("vehicle", town.alice(), keeper=None)
        vehicle |= {"validFrom": "2026-01-01T00:00:00Z"}
        vehicle.pop("validUntil", None)
        vehicle.pop("credentialStatus", None)
        credential = issue(vehicle, by=self.office, at=self.on(day))
        entry = NewEntry(f"registrations/{day}", 1, recording.digest(credential))
        return credential, self.ledger.append([entry])[0]

    def proof(self, registration, day):
        credential, record = registration
        result = verify(
            credential,
            policy=policy.IssuedBy({self.office.did}),
            resolver=did.resolver(self.ledger),
            recorded=record,
            at=START + day * DAY,
        )
        (check,) = [check for check in result.checks if check.name == "proof"]
        return check.problem and check.problem.code


@pytest.fixture
def city():
    return City()


def test_a_revocation_that_reaches_back_is_never_taken_out(city):
    honest, stolen = city.registered(3), city.registered(7)
    found = city.office.recover(city.vault, revoked_from=START + 5 * DAY, at=city.on(10))
    later = found.rotate(at=city.on(12))
    assert city.proof(honest, 30) is None
    assert city.proof(stolen, 30) is Code.KEY_REVOKED
    with pytest.raises(InvalidInputError, match="what a thief had recorded in between") as caught:
        later.update(remove=[city.key], at=city.on(14))
    assert caught.value.code is Code.INVALID_OPTIONS
    assert city.proof(stolen, 30) is Code.KEY_REVOKED


def test_one_that_held_from_when_it_was_told_may_go(city):
    honest = city.registered(3)
    found = city.office.recover(city.vault, at=city.on(10))
    late = city.registered(11)
    found.rotate(at=city.on(12)).update(remove=[city.key], at=city.on(14))
    assert city.proof(honest, 30) is None
    assert city.proof(late, 30) is Code.KEY_REVOKED
