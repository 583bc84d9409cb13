"""What is given in place of an identity, a keyring or a record is told, never a bare exception."""

from __future__ import annotations

import pytest

from cityid import did, freeze, registry, status, trust
from cityid.errors import Code, InvalidInputError

OFFICE = did.create("key")
LEDGER = registry.connect("memory:")
URL = "https://id.city.example/status/1"
ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "suspension",
    "statusListCredential": URL,
    "statusListIndex": "5",
}


@pytest.fixture(scope="module")
def desk():
    return did.create("webvh", domain="id.city.example", registry=registry.connect("memory:"))


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("issuer", lambda who: status.publish(LEDGER, who, URL, purpose="revocation")),
        ("issuer", lambda who: status.reopen(LEDGER, who, URL, allocator=None)),
        ("issuer", lambda who: status.restore(LEDGER, who, URL, version=1)),
        ("authority", lambda who: trust.publish(LEDGER, who, [])),
        ("authority", lambda who: trust.recognise(LEDGER, who, OFFICE, for_type="Card")),
        ("authority", lambda who: trust.withdraw(LEDGER, who, OFFICE, for_type="Card")),
        ("by", lambda who: did.witness("did:webvh:x:y", "", by=who)),
        ("by", lambda who: freeze.request("freeze", ENTRY, by=who, sequence=1)),
    ],
)
def test_a_did_is_no_identity(name, ask):
    with pytest.raises(InvalidInputError, match=f"{name}= takes an Identity") as caught:
        ask(OFFICE.did)
    assert caught.value.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("keyring", lambda _: did.create("webvh", domain="id.city.example", keyring="a.keys")),
        ("recovery", lambda _: did.create("webvh", domain="id.city.example", recovery="a.keys")),
        ("keyring", lambda desk: did.load(desk.did, keyring="a.keys", log=desk.log())),
        ("source", lambda desk: desk.recover("a.keys")),
    ],
)
def test_a_path_is_no_keyring(name, ask, desk):
    with pytest.raises(InvalidInputError, match=f"{name}= takes a keyring"):
        ask(desk)


def test_a_log_is_text_and_a_proof_is_of_a_record(desk):
    with pytest.raises(InvalidInputError, match=r"the text of a did\.jsonl"):
        did.load(desk.did, log=123)
    with pytest.raises(InvalidInputError, match="a proof is of a Record"):
        registry.prove(LEDGER, 5)
