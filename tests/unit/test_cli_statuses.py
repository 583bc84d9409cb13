"""``cityid status``, and issuing and verifying with status lists from the shell."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from cityid import did, keys, registry, status
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from shell import Shell
from town import alice, unsigned

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)
LEDGER = "file:city.registry"
LIST = "https://id.city.example/status/1"
HOLD = "https://id.city.example/status/2"


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COLUMNS", "200")
    for opener in (KeyStore.create, KeyStore.open):
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    KeyStore.create("cityid.keys", PASSPHRASE)
    key = keys.generate("Ed25519", seed=b"office".ljust(32, b"."))
    KeyStore.open("cityid.keys", PASSPHRASE).add("office", key)
    shell = Shell(tmp_path, monkeypatch, capfd)
    document = unsigned(alice()) | {"validFrom": "2020-01-01T00:00:00Z"}
    (tmp_path / "unsigned.json").write_text(json.dumps(document), encoding="utf-8")
    done(shell, "registry", "init", LEDGER)
    return shell


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def done(shell, *words, status=0):
    ended = Ended(*shell(*words))
    assert ended.status == status, ended
    return ended


def issued(shell, *options):
    done(shell, "status", "create", LEDGER, LIST, "--key", "office")
    done(
        shell,
        *("issue", "unsigned.json", "--key", "office", "--registry", LEDGER),
        *("--status", LIST, "-o", "card.json", *options),
    )


OFFICE = did.create("key", signer=keys.generate("Ed25519", seed=b"office".ljust(32, b".")))
VERIFY = ("verify", "card.json", "--issuer", str(OFFICE.did))


def test_a_credential_is_revoked_from_the_shell(shell):
    issued(shell)
    done(shell, *VERIFY, "--registry", LEDGER)
    told = done(shell, "status", "revoke", LEDGER, LIST, "card.json", "7", "--key", "office")
    assert "revoked 2 in https://id.city.example/status/1: version 2" in told.out
    refused = done(shell, *VERIFY, "--registry", LEDGER, status=1)
    assert "the credential is revoked" in refused.out
    checked = done(shell, "status", "check", LEDGER, "card.json", "--json", status=1)
    (row,) = json.loads(checked.out)
    assert "the credential is revoked; revocation: set; list signed at" in row["told"]
    assert "from the registry" in row["told"]


def test_a_credential_is_as_it_was_before(shell):
    issued(shell, "--at", "2026-03-01T00:00:00Z")
    done(shell, "status", "revoke", LEDGER, LIST, "card.json", "--key", "office")
    # The registry's own clock says when the list was there, so before that nothing is known.
    done(shell, *VERIFY, "--registry", LEDGER, "--at", "2026-03-02T00:00:00Z", status=3)


def test_suspending_is_lifted_and_a_list_is_renewed(shell):
    done(shell, "status", "create", LEDGER, HOLD, "--purpose", "suspension", "--key", "office")
    issued(shell, "--status", HOLD)
    for command, ends in (("suspend", 1), ("lift", 0)):
        done(shell, "status", command, LEDGER, HOLD, "card.json", "--key", "office")
        done(shell, *VERIFY, "--registry", LEDGER, status=ends)
    told = done(shell, "status", "renew", LEDGER, HOLD, "--key", "office", "--json")
    assert json.loads(told.out) == {"list": HOLD, "done": "renewed", "items": 0, "version": 4}


def test_a_check_tells_what_the_lists_say(shell):
    issued(shell)
    told = done(shell, "status", "check", LEDGER, "card.json", "--json")
    (row,) = json.loads(told.out)
    assert (row["check"], row["path"], row["outcome"]) == ("status", "/credentialStatus", "passed")
    assert row["told"].startswith("revocation: unset; list signed at 20")
    done(shell, "status", "check", LEDGER, "card.json", "--at", "2999-01-01T00:00:00Z")


def test_nothing_is_looked_up_for_a_forged_credential(shell, tmp_path):
    issued(shell)
    forged = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    forged["credentialSubject"]["alumniOf"] = "Another School"
    (tmp_path / "forged.json").write_text(json.dumps(forged), encoding="utf-8")
    told = done(shell, "status", "check", LEDGER, "forged.json", "--json", status=1)
    rows = {row["check"]: row["outcome"] for row in json.loads(told.out)}
    assert rows["proof"] == "failed"
    assert rows["status"] == "skipped"


def test_a_list_in_hand_is_enough(shell, tmp_path):
    issued(shell)
    with registry.connect(LEDGER) as ledger:
        (tmp_path / "list.json").write_bytes(ledger.head(LIST).data)
    done(shell, *VERIFY, "--status-list", "list.json")
    done(shell, *VERIFY, status=3)


def test_creating_takes_its_options(shell):
    done(
        shell,
        *("status", "create", LEDGER, LIST, "--key", "office", "--decoys", "50"),
        *("--valid-days", "2", "--allocator", "secret.places"),
    )
    assert status.FileAllocator("secret.places").taken(LIST) == 50
    told = done(shell, "status", "create", LEDGER, LIST, "--key", "office", "--json", status=3)
    assert "already" in told.err + told.out


def test_wrong_use_is_told(shell):
    told = done(shell, "issue", "unsigned.json", "--key", "office", "--status", LIST, status=2)
    assert "--status needs --registry" in told.err
    issued(shell)
    done(shell, "status", "lift", LEDGER, LIST, "card.json", "--key", "office", status=2)
    done(shell, "status", "revoke", LEDGER, LIST, "131072", "--key", "office", status=2)
    done(shell, "status", "revoke", LEDGER, LIST, "9" * 5000, "--key", "office", status=2)
    done(shell, "status", "revoke", LEDGER, HOLD, "7", "--key", "office", status=2)
