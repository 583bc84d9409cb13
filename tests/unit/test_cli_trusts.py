"""``cityid trust``: recognise, withdraw, list and ask from the shell."""

from __future__ import annotations

import pytest

import town
from cityid import did, keys
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from shell import Shell

KIND = "KycAssuranceCredential"
URL = "file:city.registry"
PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)


def seeded(name):
    return keys.generate("Ed25519", seed=name.encode().ljust(32, b"."))


CITY, BANK = (str(did.create("key", signer=seeded(name)).did) for name in ("city", "bank"))


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COLUMNS", "300")
    for opener in (KeyStore.create, KeyStore.open):
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    store = KeyStore.create("cityid.keys", PASSPHRASE)
    for name in ("city", "bank"):
        store.add(name, seeded(name))
    shell = Shell(tmp_path, monkeypatch, capfd)
    shell.done("registry", "init", URL)
    return shell


def test_recognised_issuer_is_listed_and_asked_for(shell):
    rows = shell.json(
        *("trust", "recognise", URL, BANK, "--type", KIND, "--key", "city"),
        *("--jurisdiction", "NL", "--claim", "/credentialSubject/assuranceLevel"),
        *("--valid-from", "2026-01-01T00:00:00Z", "--valid-until", "2999-01-01T00:00:00Z"),
        *("--days", "30"),
    )
    expected = {
        "entity": BANK,
        "action": "issue",
        "type": KIND,
        "jurisdictions": "NL",
        "claims": "/credentialSubject/assuranceLevel",
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2999-01-01T00:00:00Z",
    }
    assert rows == [expected]
    assert shell.json("trust", "list", URL, CITY) == rows
    asked = ("trust", "ask", URL, CITY, BANK, "--type", KIND, "--jurisdiction", "NL")
    assert shell.json(*asked)["path"] == [CITY, BANK]
    assert shell.done(*asked) == f"passed: {CITY} → {BANK}\n"


def test_not_recognised_ends_with_1_and_no_list_with_3(shell):
    asked = ("trust", "ask", URL, CITY, BANK, "--type", KIND)
    assert shell(*asked)[0] == 3
    shell.done("trust", "recognise", URL, BANK, "--type", KIND, "--key", "city", "--others")
    shell.done("trust", "recognise", URL, CITY, "--type", KIND, "--key", "bank")
    status, out, _ = shell(*asked)
    assert status == 1
    assert out.startswith("failed: ")
    assert "Recognised" not in shell.refused(
        3, "trust", "list", "file:city.registry", "did:web:a.b"
    )


def test_withdrawn_is_listed_no_more(shell):
    shell.done("trust", "recognise", URL, BANK, "--type", KIND, "--key", "city")
    assert shell.json("trust", "withdraw", URL, BANK, "--type", KIND, "--key", "city") == []
    assert shell.json("trust", "list", URL, CITY) == []
    shell.refused(2, "trust", "withdraw", URL, BANK, "--key", "city")


def test_verify_believes_whom_an_authority_recognises(shell):
    document = town.city_credential("kyc", town.alice()) | {"validFrom": "2026-01-01T00:00:00Z"}
    shell.write("unsigned.json", document)
    shell.done("issue", "unsigned.json", "--key", "bank", "--output", "signed.json")
    asked = ("verify", "signed.json", "--registry", URL, "--recognised-by", CITY)
    assert shell(*asked, "--type", KIND)[0] == 3
    shell.done(
        *("trust", "recognise", URL, BANK, "--type", KIND, "--key", "city"),
        *("--jurisdiction", "NL"),
    )
    assert shell(*asked, "--type", KIND)[0] == 1
    told = shell.json(*asked, "--type", KIND, "--jurisdiction", "NL")
    assert told["decision"]["verdict"] == "permit"
    assert "--type" in shell.refused(2, *asked)
    both = shell.json(*asked, "--type", KIND, "--jurisdiction", "NL", "--issuer", CITY)
    assert both["decision"]["verdict"] == "permit"
