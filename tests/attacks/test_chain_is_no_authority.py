"""Whoever may write to the chain says nothing by that about whom to believe."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import cityid
import town
from cityid import did, policy, registry, strict_json, trust
from cityid.errors import Code
from cityid.registry import NewEntry
from cityid.securing import add_proof

KIND = "ExampleAlumniCredential"
NOW = datetime(2026, 3, 14, 9, tzinfo=UTC)
CARD = town.unsigned() | {"validFrom": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def chain():
    with registry.connect("ethereum+tester:", clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture(scope="module")
def office(chain):
    return did.create("webvh", domain="id.city.example", registry=chain, at=NOW)


@pytest.fixture(scope="module")
def eve(chain):
    """Somebody with an identity on the same chain, written by the same admitted writer."""
    return did.create("webvh", domain="id.eve.example", registry=chain, at=NOW)


def judged(document, chain, believed):
    return cityid.verify(
        document,
        policy=policy.AllOf(believed, policy.HasType(KIND)),
        resolver=did.resolver(chain),
        registry=chain,
        at=NOW,
    )


def problems(result):
    return {check.problem.code for check in result.checks if check.problem is not None}


def signed(document, by):
    method, signer = by.signer("assertionMethod")
    return add_proof(
        document,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
        created=NOW,
    )


def test_what_the_office_issued_is_believed(chain, office):
    card = cityid.issue(CARD, by=office, at=NOW)
    assert judged(card, chain, policy.IssuedBy({office.did}))


def test_who_names_the_office_as_issuer_is_not_the_office(chain, office, eve):
    """The record that Eve's key belongs to is on the chain, and the proof holds."""
    forged = signed(CARD | {"issuer": str(office.did)}, eve)
    result = judged(forged, chain, policy.IssuedBy({office.did}))
    assert not result.verified
    assert problems(result) >= {Code.ISSUER_MISMATCH}


def test_who_issues_in_her_own_name_is_believed_by_nobody(chain, office, eve):
    card = cityid.issue(CARD, by=eve, at=NOW)
    result = judged(card, chain, policy.IssuedBy({office.did}))
    assert not result
    assert problems(result) == {Code.ISSUER_NOT_TRUSTED}


def test_a_list_that_the_authority_has_not_signed_recognises_nobody(chain, office, eve):
    """Eve is first to the log of the office's list, and writes what would recognise her there."""
    with registry.connect("memory:") as elsewhere:
        trust.recognise(elsewhere, eve, str(eve.did), for_type=KIND, at=NOW)
        own = trust.list_id(str(eve.did))
        entry = strict_json.parse_object(elsewhere.head(own).data)
    log = trust.list_id(str(office.did))
    text = strict_json.write({k: v for k, v in entry.items() if k != "proof"})
    in_its_name = strict_json.parse_object(text.replace(str(eve.did), str(office.did)))
    in_its_name["credentialSubject"][0]["id"] = str(eve.did)
    forged = signed(in_its_name, eve)
    chain.append([NewEntry(log, 1, strict_json.write(forged).encode())])
    card = cityid.issue(CARD, by=eve, at=NOW)
    assert not judged(card, chain, policy.Recognised(office.did, for_type=KIND))
    head = chain.head(log)
    assert head is not None
    assert head.version == 1
    found = trust.recognition(
        chain,
        did.resolver(chain),
        authority=str(office.did),
        issuer=str(eve.did),
        for_type=KIND,
        at=NOW,
    )
    assert not found
