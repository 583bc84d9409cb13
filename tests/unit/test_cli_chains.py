"""The commands for chains and anchors: what they say, and how they end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import town
from chain_server import served
from cityid import did, keys, registry
from cityid.cli.access import Access, StoredSigner
from cityid.errors import InvalidInputError, NotFoundError
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from cityid.registry import NewEntry
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.sending.transactions import address
from shell import Shell

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)
ORIGIN = "city.example/registry"
URL = "file:city.registry"
CHAIN = "file:chain.registry"
LOG = "https://city.example/offices"
OPERATOR = keys.generate(seed=b"operator".ljust(32, b"."))
EVE = keys.generate(seed=b"eve".ljust(32, b"."))
WRITER, STEWARD, NEXT = (
    keys.generate("secp256k1", seed=name.ljust(32, b".")) for name in (b"w", b"s", b"n")
)
OPERATOR_KEY = ("--operator-key", OPERATOR.public_key.multikey)


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COLUMNS", "240")
    for opener in (KeyStore.create, KeyStore.open):
        # The price of a passphrase is paid in tests of its own.
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    monkeypatch.setitem(Sender.__init__.__kwdefaults__, "poll", 0.01)
    store = KeyStore.create("cityid.keys", PASSPHRASE)
    store.add_all({"operator": OPERATOR, "writer": WRITER, "steward": STEWARD, "next": NEXT})
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
    assert "chain.example" in shell.done(*SIGNED)
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
    block = Access(trusted_block="7:0x" + "ab" * 32, confirmations=0, chain_id=5).network()
    assert (block["trusted_block"].number, block["trusted_block"].hash) == (7, b"\xab" * 32)
    assert (block["confirmations"], block["chain_id"]) == (0, 5)
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


# --- a registry on a chain


@pytest.fixture(scope="module")
def node():
    with served() as chain:
        for key in (WRITER, STEWARD, NEXT):
            chain.chain.fund(address(key.public_key))
        yield chain


WRITER_ADDRESS, STEWARD_ADDRESS, NEXT_ADDRESS = (
    address(key.public_key) for key in (WRITER, STEWARD, NEXT)
)
AT_ONCE = ("--confirmations", "0")


def by(name):
    return (*AT_ONCE, "--signer", name, "registry")


@pytest.fixture
def city(shell, node):
    """The address of a registry whose steward has admitted a writer."""
    url = shell.done(*by("steward"), "deploy", node.url, "--steward", "steward").strip()
    assert shell.json(*by("steward"), "admit", url, WRITER_ADDRESS)["writer"] == 1
    return url


def test_a_registry_is_deployed_with_a_steward_or_without(shell, node):
    told = shell.json(*by("writer"), "deploy", f"ethereum+{node.url}/")
    assert told["registry"].startswith(f"ethereum+{node.url}/0x")
    assert told["steward"] is None
    assert shell.json(*by("writer"), "deploy", node.url)["registry"] == told["registry"]
    another = shell.json(*by("writer"), "deploy", node.url, "--name", "the second")
    assert another["registry"] != told["registry"]
    assert shell.json(*by("writer"), "admit", told["registry"])["writer"] == 1
    assert "0x" in shell.done(*by("writer"), "deploy", node.url, "--steward", STEWARD_ADDRESS)
    unnamed = (*AT_ONCE, "registry", "deploy", node.url)
    assert "name the key that pays" in shell.refused(2, *unnamed)
    assert "0x12" in shell.refused(2, *by("writer"), "deploy", node.url, "--steward", "0x12")


def test_who_is_not_the_steward_admits_nobody(shell, city):
    assert "steward" in shell.refused(3, *by("writer"), "admit", city, NEXT_ADDRESS)


def test_the_status_tells_what_an_operator_asks(shell, city):
    told = shell.json(*AT_ONCE, "registry", "status", city)
    assert (told["steward"], told["writers"], told["records"]) == (STEWARD_ADDRESS, 1, 0)
    assert told["contract"] == city.rpartition("/")[2]
    assert told["warnings"] == []
    assert "signer" not in told
    own = shell.json(*by("writer"), "status", city)
    assert (own["signer"], own["writer"], own["waiting"]) == (WRITER_ADDRESS, 1, 0)
    assert int(own["balance"]) > 0
    elsewhere = ("--outbox", "none.outbox", *by("steward"))
    assert shell.json(*elsewhere, "status", city)["writer"] is None
    table = shell.done(*AT_ONCE, "registry", "status", city)
    assert "none" in table
    assert "no" in table
    assert "is not on a chain" in shell.refused(2, "registry", "status", URL)
    missing = city[:-40] + "0" * 40
    assert "no contract" in shell.refused(2, *AT_ONCE, "registry", "status", missing)


def test_every_command_takes_a_registry_on_a_chain(shell, city):
    entry = saved(shell, "entry", "the office is appointed")
    (written,) = shell.json(*by("writer"), "append", city, LOG, entry)
    assert (written["version"], written["sequence"]) == (1, 1)
    assert shell.json(*AT_ONCE, "registry", "log", city, LOG)[0]["sha256"] == written["sha256"]
    alone = shell.refused(2, *AT_ONCE, "registry", "append", city, LOG, entry)
    assert "cityid --signer NAME" in alone
    (anchored,) = shell.json(*by("writer"), "anchor", URL, city, "--operator", "operator")
    assert anchored["evidence"]["contract"] == city.rpartition("/")[2]
    proof = saved(
        shell,
        "proof.json",
        shell.done(*AT_ONCE, "registry", "prove", URL, LOG, "2", "--anchored-in", city),
    )
    asked = ("--origin", ORIGIN, *OPERATOR_KEY, "--anchored-in", city)
    data = saved(shell, "data", "entry 2")
    (told,) = shell.json(*AT_ONCE, "registry", "verify", proof, data, *asked)
    assert told["anchor"]["evidence"]["block"] == anchored["evidence"]["block"]
    assert "CLEAN" in shell.done(*AT_ONCE, "registry", "audit", city)
    copy = shell.json(*AT_ONCE, "registry", "mirror", city, "file:copy", "--origin", "copy.example")
    assert copy[0]["size"] == 2
    back = shell.json(*by("writer"), "anchors", ORIGIN, city)
    assert [anchor["version"] for anchor in back] == [1]


def test_a_file_is_mirrored_to_a_chain_and_back(shell, city):
    there = shell.json(*by("writer"), "mirror", URL, city)[0]
    assert (there["source"], there["size"], there["replica"]) == (ORIGIN, 3, False)
    assert there["target"].startswith("eip155:")
    back = shell.json(*AT_ONCE, "registry", "mirror", city, "file:back", "--origin", "back")[0]
    assert back["size"] == 3
    logs = [shell.json(*AT_ONCE, "registry", "log", url, LOG) for url in (URL, city, "file:back")]
    told = [[(row["version"], row["data"]) for row in rows] for rows in logs]
    assert told[0] == told[1] == told[2]


def test_whoever_reads_is_asked_for_no_passphrase(shell, city, monkeypatch):
    shell.done(*by("writer"), "append", city, LOG, saved(shell, "entry", "appointed"))
    monkeypatch.delenv("CITYID_PASSPHRASE")
    assert LOG in shell.done(*by("writer"), "log", city, LOG)
    assert shell.done(*by("writer"), "checkpoint", city).startswith("eip155:")
    assert shell.done(*by("writer"), "anchors", ORIGIN, city)
    assert "CLEAN" in shell.done(*by("writer"), "audit", city)
    assert "passphrase" in shell.refused(2, *by("writer"), "append", city, LOG, "entry")


def test_an_identity_lives_on_a_chain(shell, city):
    signed = (*AT_ONCE, "--signer", "writer")
    made = shell.json(
        *signed, "did", "create", "webvh", "--domain", "city.example", "--registry", city
    )
    shell.done(*signed, "did", "rotate", made["did"], "--registry", city)
    resolved = shell.json(*AT_ONCE, "did", "resolve", made["did"], "--registry", city)
    assert resolved["didDocumentMetadata"]["versionId"].startswith("2-")


def test_statuses_and_recognitions_live_on_a_chain(shell, city):
    listed, kind = "https://id.city.example/status/1", "ExampleAlumniCredential"
    card = town.unsigned(town.alice()) | {"validFrom": "2020-01-01T00:00:00Z"}
    shell.write("unsigned.json", card)
    office = str(did.create("key", signer=OPERATOR).did)
    signed, by_office = (*AT_ONCE, "--signer", "writer"), ("--key", "operator")
    shell.done(*signed, "status", "create", city, listed, *by_office)
    entered = ("--registry", city, "--status", listed, "-o", "card.json")
    shell.done(*AT_ONCE, "issue", "unsigned.json", *by_office, *entered)
    shell.done(*signed, "trust", "recognise", city, office, "--type", kind, *by_office)
    # The chain of the tests makes blocks faster than its time passes, so that it runs ahead.
    later = ("--at", (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds"))
    asked = (city, office, office, "--type", kind, *later)
    assert shell.done(*AT_ONCE, "trust", "ask", *asked)
    assert office in shell.done(*AT_ONCE, "trust", "list", city, office, *later)
    verify = (*AT_ONCE, "verify", "card.json", "--issuer", office, "--registry", city, *later)
    assert shell.done(*verify)
    shell.done(*signed, "status", "revoke", city, listed, "card.json", *by_office)
    assert shell(*verify)[0] == 1
    assert shell(*AT_ONCE, "status", "check", city, "card.json", *later)[0] == 1


def test_a_writer_changes_its_key_and_gives_logs_away(shell, city):
    entry = saved(shell, "entry", "the office is appointed")
    shell.done(*by("writer"), "append", city, LOG, entry)
    assert "may replace" in shell.done(*by("writer"), "entrust", city, STEWARD_ADDRESS)
    assert "is the key of no writer" in shell.refused(2, *by("next"), "appoint", city, NEXT_ADDRESS)
    lost = ("appoint", city, NEXT_ADDRESS, "--writer", "1")
    assert "may take over" in shell.done(*by("steward"), *lost)
    assert "writer" in shell.refused(3, *by("writer"), "append", city, LOG, entry)
    assert "is writer 1" in shell.done(*by("next"), "accept", city, "1")
    assert shell.json(*by("next"), "append", city, LOG, entry)[0]["version"] == 2
    assert shell.json(*by("steward"), "admit", city, WRITER_ADDRESS)["writer"] == 2
    assert "belongs to writer 2" in shell.done(*by("next"), "transfer", city, LOG, "2")
    assert shell.json(*by("writer"), "append", city, LOG, entry)[0]["version"] == 3


def test_what_an_outbox_holds_is_sent_on(shell, city, node):
    node.chain.tester.disable_auto_mine_transactions()
    held = NewEntry(LOG, 1, b"written as the machine went down")
    with registry.connect(city, signer=WRITER, confirmations=0, outbox="cityid.outbox") as ledger:
        ledger.submit([held])
    assert shell.json(*by("writer"), "tend", city) == {"waiting": 1}
    assert shell.json(*by("writer"), "status", city)["waiting"] == 1
    node.chain.tester.enable_auto_mine_transactions()
    node.chain.mine()
    assert "0 transactions" in shell.done(*by("writer"), "tend", city)
    assert shell.json(*AT_ONCE, "registry", "log", city, LOG)[0]["version"] == 1


def test_nodes_must_agree(shell, city, node):
    other = node.url.replace("127.0.0.1", "localhost")
    several = (*AT_ONCE, "--quorum", "2", "--endpoint", other, "registry", "status", city)
    assert shell.json(*several)["writers"] == 1
    twice = (*AT_ONCE, "--quorum", "2", "--endpoint", node.url, "registry", "status", city)
    assert shell.refused(2, *twice)
    alone = (*AT_ONCE, "--quorum", "2", "registry", "status", city)
    assert shell.refused(2, *alone)
