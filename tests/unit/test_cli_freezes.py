"""``cityid freeze``: what a holder and a freeze office do from the shell."""

from __future__ import annotations

import json

import pytest

from cityid import did, keys
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from shell import Shell
from town import unsigned

PASSPHRASE = "correct horse battery staple"
LEDGER, EVIDENCE = "file:city.registry", "file:evidence.registry"
CHEAP = Cost(1, 2**13)
NAMES = ("city", "helpers", "alice", "backup", "thief")


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("CITYID_EVIDENCE", EVIDENCE)
    monkeypatch.setenv("COLUMNS", "200")
    for opener in (KeyStore.create, KeyStore.open):
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    store = KeyStore.create("cityid.keys", PASSPHRASE)
    for name in NAMES:
        store.add(name, key_of(name))
    shell = Shell(tmp_path, monkeypatch, capfd)
    done(shell, "registry", "init", LEDGER)
    done(shell, "registry", "init", EVIDENCE)
    done(
        shell,
        *("status", "create", LEDGER, office_list(), "--purpose", "suspension"),
        *("--key", "helpers"),
    )
    return shell


def key_of(name):
    return keys.generate("Ed25519", seed=name.encode().ljust(32, b"."))


def identity_of(name):
    return did.create("key", signer=key_of(name))


def did_of(name):
    return str(identity_of(name).did)


def office_list():
    return f"{did_of('helpers')}/freeze"


def done(shell, *words, status=0):
    ended = shell(*words)
    assert ended[0] == status, ended
    return ended[1]


def office(shell, *words, status=0):
    command, *rest = words
    return done(
        shell, "freeze", command, LEDGER, office_list(), *rest, "--key", "helpers", status=status
    )


@pytest.fixture
def card(shell, tmp_path):
    office(shell, "enrol", did_of("alice"), "--recovery", did_of("backup"), "-o", "entry.json")
    entry = json.loads((tmp_path / "entry.json").read_text(encoding="utf-8"))
    document = unsigned(identity_of("alice")) | {
        "credentialStatus": [entry],
        "validFrom": "2020-01-01T00:00:00Z",
    }
    (tmp_path / "unsigned.json").write_text(json.dumps(document), encoding="utf-8")
    done(shell, "issue", "unsigned.json", "--key", "city", "-o", "card.json")
    return "card.json"


def asked(shell, action, card, by, number, *options):
    words = ("freeze", "request", action, card, "--number", number, "--key", by)
    done(shell, *words, "-o", "request.json", "--force", *options)


def checked(shell, card, *, status):
    return done(shell, "status", "check", LEDGER, card, status=status)


def test_a_holder_freezes_and_the_recovery_key_lifts(shell, card):
    checked(shell, card, status=0)
    number = office(shell, "number", card).strip()
    assert number == "1"
    asked(shell, "freeze", card, "alice", number)
    office(shell, "act", "request.json")
    assert "suspended" in checked(shell, card, status=1)
    asked(shell, "lift", card, "backup", "2", "--list", office_list())
    office(shell, "act", "request.json")
    checked(shell, card, status=0)
    office(shell, "audit")
    assert json.loads(office(shell, "number", card, "--json")) == {"number": 3}


def test_nobody_else_freezes_or_lifts(shell, card):
    asked(shell, "freeze", card, "thief", "1")
    office(shell, "act", "request.json", status=2)
    asked(shell, "freeze", "entry.json", "alice", "1")
    office(shell, "act", "request.json")
    asked(shell, "lift", card, "alice", "2")
    office(shell, "act", "request.json", status=2)
    checked(shell, card, status=1)


@pytest.mark.usefixtures("card")
def test_a_bit_set_without_a_request_is_told(shell):
    place = json.loads((shell.folder / "entry.json").read_text(encoding="utf-8"))["statusListIndex"]
    done(shell, "status", "suspend", LEDGER, office_list(), place, "--key", "helpers")
    assert "without a request" in office(shell, "audit", status=1)


@pytest.mark.parametrize(
    ("status", "count"),
    [(None, 0), ("second", 2), ("revocation", 0)],
    ids=["no list", "two lists", "another purpose"],
)
def test_a_document_that_names_not_one_list_is_refused(shell, card, tmp_path, status, count):
    document = json.loads((tmp_path / card).read_text(encoding="utf-8"))
    (entry,) = document["credentialStatus"]
    entries = {
        None: [],
        "second": [entry, entry | {"statusListCredential": "https://other.example/list"}],
        "revocation": [entry | {"statusPurpose": "revocation"}],
    }
    document["credentialStatus"] = entries[status]
    (tmp_path / "odd.json").write_text(json.dumps(document), encoding="utf-8")
    words = ("freeze", "request", "freeze", "odd.json", "--number", "1", "--key", "alice")
    ended = shell(*words)
    assert ended[0] == 2
    assert f"names {count} lists" in ended[2]
