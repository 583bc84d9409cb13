"""An authority over the years: keys rotate, issuers come and go, and all of it can be asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import cityid
import town
from cityid import did, keys, policy, registry, trust
from cityid.errors import RegistryError

KIND = "KycAssuranceCredential"
BANK, ALICE = town.person("bank"), town.alice()
DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Years:
    """A registry whose clock the test moves, and an authority with a history in it."""

    def __init__(self, address):
        self.now = START
        self.ledger = registry.connect(address, clock=lambda: self.now)
        self.keyring = keys.MemoryKeyring()
        self.city = did.create(
            "webvh",
            domain="id.city.example",
            registry=self.ledger,
            keyring=self.keyring,
            at=START,
        )

    def after(self, days):
        self.now = START + days * DAY
        return self.now

    def rotate(self, days):
        loaded = did.load(self.city.did, registry=self.ledger, keyring=self.keyring)
        self.city = loaded.rotate(at=self.after(days))

    def recognised(self, days):
        return trust.recognition(
            self.ledger,
            did.resolver(self.ledger),
            authority=str(self.city.did),
            issuer=str(BANK.did),
            for_type=KIND,
            at=START + days * DAY,
        )


@pytest.fixture(params=["memory:", "ethereum+tester:"])
def years(request):
    return Years(request.param)


def test_list_outlives_the_key_that_signed_it(years):
    trust.recognise(years.ledger, years.city, BANK, for_type=KIND, at=years.after(1))
    years.rotate(10)
    assert years.recognised(20)
    trust.recognise(years.ledger, years.city, ALICE, for_type=KIND, at=years.after(30))
    years.rotate(40)
    trust.withdraw(years.ledger, years.city, BANK, at=years.after(50))
    told = [bool(years.recognised(days)) for days in (0, 2, 12, 32, 42, 49, 51)]
    assert told == [False, True, True, True, True, True, False]


def test_credential_of_a_bank_is_judged_as_of_then(years):
    document = town.city_credential("kyc", ALICE) | {"validFrom": "2026-01-01T00:00:00Z"}
    card = cityid.issue(document, by=BANK, at=START + DAY)
    trust.recognise(years.ledger, years.city, BANK, for_type=KIND, at=years.after(1))
    trust.withdraw(years.ledger, years.city, BANK, at=years.after(9))

    def verify(days):
        return cityid.verify(
            card,
            policy=policy.Recognised(years.city, for_type=KIND),
            resolver=did.resolver(years.ledger),
            registry=years.ledger,
            at=START + days * DAY,
        )

    assert verify(5)
    assert not verify(10)


def test_authority_on_the_web_reads_its_list_by_its_own_document():
    ledger = registry.connect("memory:", clock=lambda: START)
    city = did.create("web", domain="city.example", signer=keys.generate(seed=b"c" * 32))
    trust.recognise(ledger, city, BANK, for_type=KIND, at=START)
    listed = trust.recognise(ledger, city, ALICE, for_type=KIND, at=START)
    assert len(listed.actions) == 2
    known = did.resolver(documents=[city.document])
    assert trust.read_list(ledger, known, str(city.did), at=START).version == 2
    with pytest.raises(RegistryError):
        trust.read_list(ledger, did.resolver(), str(city.did), at=START)
