"""The commands for chains and anchors: what they say, and how they end."""

from __future__ import annotations

import json

import pytest

from cityid import keys, registry
from cityid.cli.access import Access, StoredSigner
from cityid.errors import InvalidInputError, NotFoundError
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from cityid.registry import NewEntry
from shell import Shell

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)
ORIGIN = "city.example/registry"
URL = "file:city.registry"
CHAIN = "file:chain.registry"
LOG = "https://city.example/offices"
OPERATOR = keys.generate(seed=b"operator".ljust(32, b"."))
EVE = keys.generate(seed=b"eve".ljust(32, b"."))
WRITER = keys.generate("secp256k1", seed=b"writer".ljust(32, b"."))
OPERATOR_KEY = ("--operator-key", OPERATOR.public_key.multikey)


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COLUMNS", "240")
    for opener in (KeyStore.create, KeyStore.open):
        # The price of a passphrase is paid in tests of its own.
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    store = KeyStore.create("cityid.keys", PASSPHRASE)
    store.add_all({"operator": OPERATOR, "writer": WRITER})
    with registry.connect(URL, origin=ORIGIN) as ledger:
        ledger.append([NewEntry(LOG, n, b"entry %d" % n) for n in range(1, 4)])
    registry.connect(CHAIN, origin="chain.example").close()
    return Shell(tmp_path, monkeypatch, capfd)


def grow(count=1):
    with registry.connect(URL) as ledger:
        version = ledger.head(LOG).version
        ledger.append([NewEntry(LOG, version + n, b"later") for n in range(1, count + 1)])


def saved(shell, name, text):
    (shell.folder / name).write_text(text, encoding="utf-8")
    return name


ANCHOR = ("registry", "anchor", URL, CHAIN)
SIGNED = (*ANCHOR, "--operator", "operator")


def test_a_registry_is_anchored_once_for_what_it_has(shell):
    (first,) = shell.json(*SIGNED)
    assert (first["origin"], first["size"], first["version"]) == (ORIGIN, 3, 1)
    assert first["evidence"] == {"type": "MerkleLeaf", "origin": "chain.example", "index": 0}
    assert shell.json(*SIGNED) == [first]
    grow()
    assert "MerkleLeaf chain.example 1" in shell.done(*SIGNED)
    told = shell.json("registry", "anchors", ORIGIN, CHAIN, *OPERATOR_KEY)
    assert [anchor["size"] for anchor in told] == [3, 4]
    eve = ("--operator-key", EVE.public_key.multikey)
    assert shell.json("registry", "anchors", ORIGIN, CHAIN, *eve) == []


def test_a_checkpoint_that_was_signed_before_can_be_anchored(shell):
    note = shell.done("registry", "checkpoint", URL, "--operator", "operator")
    signed = saved(shell, "signed.txt", note)
    unsigned = saved(shell, "unsigned.txt", shell.done("registry", "checkpoint", URL))
    assert "give the checkpoint's signer" in shell.refused(2, *ANCHOR)
    assert "give the checkpoint's signer" in shell.refused(2, *SIGNED, "--checkpoint", signed)
    assert "is not signed" in shell.refused(2, *ANCHOR, "--checkpoint", unsigned)
    assert "not signed by" in shell.refused(
        1, *ANCHOR, "--checkpoint", signed, "--operator-key", EVE.public_key.multikey
    )
    assert shell.done(*ANCHOR, "--checkpoint", signed, *OPERATOR_KEY)


def test_a_registry_that_went_back_is_told_from_its_anchors(shell):
    grow()
    shell.done(*SIGNED)
    audited = ("registry", "audit", URL, "--anchored-in", CHAIN, *OPERATOR_KEY)
    assert "CLEAN" in shell.done(*audited)
    (shell.folder / "city.registry").unlink()
    with registry.connect(URL, origin=ORIGIN) as ledger:
        ledger.append([NewEntry(LOG, 1, b"another history")])
    assert "has not grown from its anchor 1" in shell.refused(3, *SIGNED)
    status, out, _ = shell(*audited)
    assert status == 1
    assert "rolled back" in out


def test_an_audit_against_anchors_needs_some(shell):
    missing = ("registry", "audit", URL, "--anchored-in", CHAIN)
    assert "is not anchored in" in shell.refused(2, *missing)


def test_existence_is_proven_and_verified(shell):
    prove = ("registry", "prove", URL, LOG, "2", "--anchored-in", CHAIN)
    assert "anchor it first" in shell.refused(2, *prove)
    shell.done(*SIGNED)
    grow()
    shell.done(*SIGNED)
    proof = saved(shell, "proof.json", shell.done(*prove, "--operator", "operator"))
    assert shell.json(*prove)["proof"] == (shell.folder / proof).read_text()
    assert json.loads((shell.folder / proof).read_text())["version"] == 1
    entry, other = saved(shell, "entry", "entry 2"), saved(shell, "other", "entry 3")
    (shell.folder / "city.registry").unlink()
    asked = ("--origin", ORIGIN, *OPERATOR_KEY, "--anchored-in", CHAIN)
    (told,) = shell.json("registry", "verify", proof, entry, *asked)
    assert (told["log"], told["version"]) == (LOG, 2)
    assert told["anchor"]["evidence"]["index"] == 0
    assert told["existedBefore"].startswith(told["anchor"]["recordedAt"][:19])
    assert "existedBefore" in shell.done("registry", "verify", proof, entry, *asked)
    assert "other data" in shell.refused(1, "registry", "verify", proof, other, *asked)
    eve = ("--origin", ORIGIN, "--operator-key", EVE.public_key.multikey, "--anchored-in", CHAIN)
    assert "not signed" in shell.refused(1, "registry", "verify", proof, entry, *eve)
    registry.connect("file:empty.registry", origin="chain.example").close()
    elsewhere = (*asked[:-1], "file:empty.registry")
    assert "says otherwise" in shell.refused(1, "registry", "verify", proof, entry, *elsewhere)
    both = (*prove, "--checkpoint", proof)
    assert "an anchor is a checkpoint itself" in shell.refused(2, *both)


# --- how a chain is reached


def test_a_signer_opens_its_store_when_it_signs_and_not_before(shell, monkeypatch):
    signer = StoredSigner("writer", shell.folder / "cityid.keys", None)
    assert signer.public_key == WRITER.public_key
    assert signer.sign_digest(bytes(32)) == WRITER.sign_digest(bytes(32))
    monkeypatch.delenv("CITYID_PASSPHRASE")
    assert signer.sign_digest(bytes(32))
    with pytest.raises(NotFoundError):
        _ = StoredSigner("writer", shell.folder / "none.keys", None).public_key
    saved(shell, "secret", PASSPHRASE)
    there = StoredSigner("writer", shell.folder / "cityid.keys", shell.folder / "secret")
    assert there.public_key == WRITER.public_key


def test_a_connection_takes_what_was_said():
    assert Access().network() == {"endpoints": (), "quorum": 1}
    block = Access(trusted_block="7:0x" + "ab" * 32, confirmations=0).network()
    assert (block["trusted_block"].number, block["trusted_block"].hash) == (7, b"\xab" * 32)
    assert block["confirmations"] == 0
    signer = StoredSigner("writer", "cityid.keys", None)
    assert str(Access(signer).network()["outbox"]) == "cityid.outbox"
    with pytest.raises(InvalidInputError, match="is not a block"):
        Access(trusted_block="7").network()


def test_options_for_chains_are_left_alone_by_other_registries(shell):
    options = ("--quorum", "2", "--endpoint", "http://127.0.0.1:1", "--signer", "nobody")
    assert LOG in shell.done(*options, "registry", "log", URL, LOG)
    assert "2 is not in the range" not in shell.done("registry", "log", URL, LOG)
    assert shell("--quorum", "0", "registry", "log", URL, LOG)[0] == 2


def test_a_registry_on_a_chain_is_deployed_and_not_made(shell):
    url = "ethereum+http://127.0.0.1:1/0x" + "0" * 40
    assert "cityid registry deploy" in shell.refused(2, "registry", "init", url)
