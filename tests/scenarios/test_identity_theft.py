"""Identity theft: what a thief can do with a stolen copy, and with the stolen phone."""

from __future__ import annotations

import pytest

import cityid
import town
from cityid import freeze, policy, registry, status
from cityid.errors import Code
from cityid.journal import Journal
from cityid.keys.sealed import Cost
from cityid.wallet import Wallet

CHEAP = Cost(1, 2**13)
PHRASE = "correct horse battery staple"
HELPERS, ALICE, BACKUP, THIEF = map(town.person, ("helpers", "alice", "backup", "thief"))
URL = f"{HELPERS.did}/freeze"


class Gate:
    """A verifier that nobody has met before, with its alarm."""

    def __init__(self, public):
        self.heard = []
        self._verifier = cityid.Verifier(
            resolver=town.resolver(), registry=public, alert=self.heard.append
        )

    def lets_in(self, credential, by, **options):
        shown = cityid.present(
            [credential],
            by=by,
            challenge=town.CHALLENGE,
            domain=town.DOMAIN,
            at=town.NOW,
            **options,
        )
        return self._verifier.verify(
            shown,
            policy=policy.AllOf(policy.HolderBound(), policy.IssuedBy({town.office().did})),
            challenge=town.CHALLENGE,
            domain=town.DOMAIN,
            at=town.NOW,
        )


def test_stolen_copy_in_another_wallet_opens_nothing(tmp_path):
    credential = cityid.issue(town.unsigned(ALICE), by=town.office(), at=town.NOW)
    own = Wallet.create(tmp_path / "alice", PHRASE, cost=CHEAP)
    stolen = Wallet.create(tmp_path / "thief", "other", cost=CHEAP)
    mine, copy = own.put(credential), stolen.put(credential.to_json())
    journal = Journal.create(tmp_path / "journal", PHRASE, cost=CHEAP)
    public = registry.connect("memory:")

    gate = Gate(public)
    assert gate.lets_in(own.get(mine), ALICE, journal=journal)
    assert gate.heard == []

    other = Gate(public)
    refused = other.lets_in(stolen.get(copy), THIEF)
    assert Code.HOLDER_BINDING_FAILED in [problem.code for problem in refused.errors]
    assert not refused
    assert [alert.kind for alert in other.heard] == ["foreign"]
    assert [entry.domain for entry in journal.entries()] == [town.DOMAIN]


def test_stolen_phone_is_frozen_at_every_verifier_and_found_again():
    public = registry.connect("memory:", clock=lambda: town.NOW)
    suspended = status.publish(public, HELPERS, URL, purpose="suspension", at=town.NOW)
    office = freeze.FreezeOffice(suspended, registry.connect("memory:"), town.resolver())
    entry = office.enrol(ALICE, recovery=BACKUP)
    document = {**town.unsigned(ALICE), "credentialStatus": [entry]}
    credential = cityid.issue(document, by=town.office(), at=town.NOW)

    def ask(action, by):
        number = office.sequence(entry)
        return freeze.request(action, entry, by=by, sequence=number, at=town.NOW)

    assert Gate(public).lets_in(credential, ALICE)
    office.act(ask("freeze", BACKUP), at=town.NOW)

    gate = Gate(public)
    refused = gate.lets_in(credential, ALICE)  # the thief has the phone, and so the key
    assert Code.CREDENTIAL_SUSPENDED in [problem.code for problem in refused.errors]
    assert not refused
    assert [alert.kind for alert in gate.heard] == ["frozen"]
    for thief in (ALICE, THIEF):
        with pytest.raises(cityid.InvalidInputError, match="not signed by the key"):
            office.act(ask("lift", thief), at=town.NOW)
        assert not Gate(public).lets_in(credential, ALICE)

    office.act(ask("lift", BACKUP), at=town.NOW)
    assert Gate(public).lets_in(credential, ALICE)
    assert office.audit() == ()
