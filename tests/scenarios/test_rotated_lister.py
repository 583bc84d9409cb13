"""An office with a history: its status list outlives its keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import cityid
from cityid import did, keys, policy, registry, status
from cityid.keys.sealed import Cost
from cityid.report import Outcome
from town import alice, unsigned

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://id.city.example/status/1"
CHEAP = Cost(1, 2**13)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at


def test_a_list_that_was_signed_with_an_old_key_is_read_and_changed_with_the_new_one(tmp_path):
    clock = Clock(MONDAY)
    ledger = registry.connect("memory:", clock=clock)
    store = keys.KeyStore.create(tmp_path / "office.keys", "the desk's passphrase", cost=CHEAP)
    place = {"domain": "id.city.example", "path": "office", "keyring": store}
    office = did.create("webvh", registry=ledger, recovery=None, at=MONDAY, **place)
    revoked = status.publish(ledger, office, URL, purpose="revocation", at=MONDAY)
    document = unsigned(alice()) | {"validFrom": "2026-01-01T00:00:00Z"}
    issued = [cityid.issue(document, by=office, status=revoked, at=MONDAY) for _ in range(2)]

    clock.at = MONDAY + DAY
    office = office.rotate(at=clock.at)
    clock.at += timedelta(minutes=1)
    office = office.update(remove=[f"{office.did}#key-1"], at=clock.at)

    later = MONDAY + 2 * DAY
    judge = status.Judge(resolver=did.resolver(ledger), registry=ledger)
    found = status.check(issued[0], status.Snapshot(judge, at=later))
    assert found.outcome is Outcome.PASSED  # by the registry's record of the list
    clock.at = later
    again = status.reopen(ledger, office, URL, allocator=revoked.allocator)
    again.revoke(issued[0], at=later)
    found = [status.check(one, status.Snapshot(judge, at=later)) for one in issued]
    assert [one.outcome for one in found] == [Outcome.FAILED, Outcome.PASSED]
    before = status.check(issued[0], status.Snapshot(judge, at=MONDAY + DAY))
    assert before.outcome is Outcome.PASSED
    result = cityid.verify(
        issued[0],
        policy=policy.IssuedBy({office.did}),
        resolver=did.resolver(ledger),
        registry=ledger,
        at=MONDAY,
    )
    assert result


def test_a_list_of_a_thief_is_not_signed_anew(tmp_path):
    clock = Clock(MONDAY)
    ledger = registry.connect("memory:", clock=clock)
    store = keys.KeyStore.create(tmp_path / "office.keys", "the desk's passphrase", cost=CHEAP)
    vault = keys.KeyStore.create(tmp_path / "vault.keys", "the vault's passphrase", cost=CHEAP)
    fresh = keys.KeyStore.create(tmp_path / "fresh.keys", "the new passphrase", cost=CHEAP)
    place = {"domain": "id.city.example", "path": "office", "keyring": store}
    thief = did.create("webvh", registry=ledger, recovery=vault, at=MONDAY, **place)
    listed = status.publish(ledger, thief, URL, purpose="revocation", at=MONDAY)
    clock.at = MONDAY + 2 * DAY
    listed.revoke(range(100), at=MONDAY)  # with the stolen keys, and a date before the theft
    office = did.load(thief.did, registry=ledger, keyring=fresh).recover(
        vault, revoked_from=MONDAY + DAY, at=clock.at
    )
    judge = status.Judge(resolver=did.resolver(ledger), registry=ledger)
    entry = cityid.Credential({"issuer": str(office.did), "credentialStatus": listed.entry(5)})
    found = status.check(entry, status.Snapshot(judge, at=clock.at))
    assert found.outcome is Outcome.INCONCLUSIVE
    with pytest.raises(cityid.InvalidInputError, match="not this issuer's status list"):
        status.reopen(ledger, office, URL, allocator=listed.allocator)
    for version in (0, 7):
        with pytest.raises(cityid.NotFoundError, match="has no version"):
            status.restore(ledger, office, URL, version=version)
    with pytest.raises(cityid.InvalidInputError, match="not this issuer's status list"):
        status.restore(ledger, office, URL, version=2)
    record = status.restore(ledger, office, URL, version=1, at=clock.at)
    assert record.version == 3
    again = status.reopen(ledger, office, URL, allocator=listed.allocator)
    again.revoke(6, at=clock.at)
    found = status.check(entry, status.Snapshot(judge, at=clock.at))
    assert found.outcome is Outcome.PASSED
    assert again.value(6) == 1
