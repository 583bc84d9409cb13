"""``cityid did`` for DIDs with a history: in a registry, in files, with witnesses."""

from __future__ import annotations

import json
import shutil

import pytest

import town
from cityid import did, keys, registry
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from shell import Shell

CHEAP = Cost(1, 2**13)
LEDGER = "file:city.registry"
IN = ("--registry", LEDGER)
PLACE = ("--domain", "id.city.example", "--path", "registry-office")


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", "correct horse battery staple")
    monkeypatch.setenv("COLUMNS", "100")
    for opener in (KeyStore.create, KeyStore.open):
        # The price of a passphrase is paid in tests of its own.
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    made = Shell(tmp_path, monkeypatch, capfd)
    made.done("registry", "init", LEDGER, "--origin", "city.example/registry")
    return made


@pytest.fixture
def office(shell):
    """The registry office: its log in the registry, a recovery key in the vault."""
    options = ("--recovery", "vault.keys", "--portable", "--at", "2026-03-14T09:00:00Z")
    return shell.json("did", "create", "webvh", *PLACE, *IN, *options)["did"]


def resolved(shell, name, *options):
    return json.loads(shell.done("did", "resolve", name, *IN, *options))


# --- in a registry


def test_an_office_lives_in_the_registry(shell, office):
    names = [row["name"] for row in shell.json("keys", "list")]
    assert names == [f"{office}#key-1", f"{office}#update-2"]
    assert [row["name"] for row in shell.json("keys", "list", "--keys", "vault.keys")] == [
        f"{office}#recovery-1"
    ]
    rotated = shell.json("did", "rotate", office, *IN, "--type", "P-256")
    assert rotated["keys"] == [f"{office}#key-2"]
    assert (rotated["did"], rotated["pending"]) == (office, False)
    text = shell.done("did", "rotate", office, *IN)
    assert text.startswith(f"{office}: version 3-")
    assert resolved(shell, office)["authentication"] == [f"{office}#key-3"]
    first = resolved(shell, office, "--version-time", "2026-03-15T00:00:00Z")
    assert first["authentication"] == [f"{office}#key-1"]
    version = rotated["versionId"]
    second = resolved(shell, office, "--version-id", version)
    assert second["authentication"] == [f"{office}#key-2"]
    assert resolved(shell, office, "--version-number", "2") == second
    status, _, err = shell("did", "resolve", office, *IN, "--version-number", "9")
    assert (status, err) == (1, "cityid: the DID has no such version\n")
    entries = shell.json("did", "log", office, *IN)
    assert [entry["versionId"][:2] for entry in entries] == ["1-", "2-", "3-"]
    table = shell.done("did", "log", office, *IN)
    assert "2026-03-14T09:00:00Z" in table
    assert "portable" in table


def test_a_stolen_key_store_is_recovered_from(shell, office):
    shutil.move("cityid.keys", "thief.keys")
    recover = ("did", "recover", office, *IN, "--recovery", "vault.keys")
    told = shell.json(*recover, "--revoked-from", "2026-03-20T00:00:00Z", "--type", "P-256")
    assert told["keys"] == [f"{office}#key-2"]
    methods = resolved(shell, office)["verificationMethod"]
    assert [method.get("revoked") for method in methods] == [None, "2026-03-20T00:00:00Z"]
    thief = ("--keys", "thief.keys")
    assert "may change" in shell.refused(2, "did", "rotate", office, *IN, *thief)
    assert "no key" in shell.refused(
        2, "did", "recover", office, *IN, *thief, "--recovery", "no.keys"
    )
    again = shell.json(*recover)
    assert again["keys"] == [f"{office}#key-3"]


def test_lost_keys_may_retire_unrevoked(shell, office):
    (shell.folder / "cityid.keys").unlink()
    shell.json("did", "recover", office, *IN, "--recovery", "vault.keys", "--no-revoke")
    methods = resolved(shell, office)["verificationMethod"]
    assert [method.get("revoked") for method in methods] == [None, None]


def test_a_recovery_store_has_its_own_passphrase_and_its_own_file(shell):
    (shell.folder / "vault.phrase").write_text("in the vault\n")
    secret = ("--recovery", "vault.keys", "--recovery-passphrase-file", "vault.phrase")
    office = shell.json("did", "create", "webvh", *PLACE, *IN, *secret)["did"]
    told = shell.refused(2, "did", "recover", office, *IN, "--recovery", "vault.keys")
    assert "vault.keys" in told
    assert shell.json("did", "recover", office, *IN, *secret)["keys"] == [f"{office}#key-2"]
    same = ("--recovery", "./cityid.keys")
    assert "another file" in shell.refused(2, "did", "create", "webvh", *PLACE, *IN, *same)


def test_an_office_moves_and_closes(shell, office):
    moved = shell.json("did", "move", office, "--domain", "new.example", "--path", "desk", *IN)
    assert moved["did"].endswith(":new.example:desk")
    assert resolved(shell, moved["did"])["alsoKnownAs"] == [office]
    gone = shell.json("did", "deactivate", moved["did"], *IN)
    assert gone["keys"] == []
    status, out, err = shell("did", "resolve", moved["did"], *IN)
    assert (status, out) == (1, "")
    assert "deactivated" in err
    assert "deactivated" in shell.refused(2, "did", "rotate", moved["did"], *IN)


def test_an_office_issues_and_is_verified_before_and_after_it_rotates(shell, office):
    unsigned = town.unsigned(town.alice()) | {"validFrom": "2020-01-01T00:00:00Z"}
    document = shell.write("unsigned.json", unsigned)
    acting = ("--as", office, *IN)
    shell.done("issue", document, *acting, "-o", "before.json")
    shell.done("did", "rotate", office, *IN)
    shell.done("issue", document, *acting, "-o", "after.json")
    named = ("--key", f"{office}#key-2")
    shell.done("issue", document, *acting, *named, "-o", "named.json")
    for name in ("before", "after", "named"):
        assert shell.done("verify", f"{name}.json", "--issuer", office, *IN)
        signed = json.loads((shell.folder / f"{name}.json").read_text())
        number = 1 if name == "before" else 2
        assert signed["proof"]["verificationMethod"] == f"{office}#key-{number}"
    retired = ("--key", f"{office}#key-1")
    assert "no key at hand" in shell.refused(2, "issue", document, *acting, *retired)
    assert "--key" in shell.refused(2, "issue", document)
    assert "need" in shell.refused(2, "issue", document, "--as", office)


def test_a_key_of_ones_own_acts_for_a_did_with_a_history(shell):
    shell.done("keys", "generate", "desk", "--type", "P-256")
    made = shell.json("did", "create", "webvh", *PLACE, *IN, "--key", "desk")
    assert [row["name"] for row in shell.json("keys", "list")] == [
        "desk",
        f"{made['did']}#update-2",
    ]
    assert made["keys"] == [f"{made['did']}#key-1"]


# --- in files


def test_a_log_goes_out_to_files_and_into_another_registry(shell, office):
    shell.done("did", "rotate", office, *IN)
    out = shell.json("did", "export", office, *IN)
    assert (shell.folder / "did.jsonl").read_text().count("\n") == 2
    assert not (shell.folder / "did-witness.json").exists()
    assert out["did"] == office
    shell.done("did", "export", office, *IN, "--witness", "did-witness.json")
    assert (shell.folder / "did-witness.json").read_text() == "[]"
    shell.done("registry", "init", "file:other.registry")
    other = ("--registry", "file:other.registry")
    for _ in range(2):
        assert shell.json("did", "import", office, *other)["versionId"] == out["versionId"]
    assert json.loads(shell.done("did", "resolve", office, *other)) == resolved(shell, office)
    in_hand = shell.done("did", "resolve", office, "--log", "did.jsonl", *other)
    assert json.loads(in_hand) == resolved(shell, office)
    shell.done("did", "rotate", office, *other)
    assert "goes on" in shell.refused(3, "did", "import", office, *other)
    ended, out, err = shell("did", "resolve", office, "--log", "did.jsonl", *other)
    assert (ended, out) == (1, "")
    assert "known elsewhere" in err
    assert "never replaced" in shell.refused(
        2, "did", "create", "webvh", *PLACE, "--log", "did.jsonl"
    )


def test_a_log_lives_in_files_alone(shell):
    files = ("--log", "did.jsonl")
    office = shell.json("did", "create", "webvh", *PLACE, *files)["did"]
    assert shell.json("did", "rotate", office, *files)["keys"] == [f"{office}#key-2"]
    assert (shell.folder / "did.jsonl").read_text().count("\n") == 2
    document = json.loads(shell.done("did", "resolve", office, *files))
    assert document["authentication"] == [f"{office}#key-2"]
    second = shell.json("did", "create", "webvh", *PLACE, *IN)["did"]
    told = shell.refused(2, "did", "rotate", second, *IN, *files)
    assert "not the log of this DID" in told
    assert len(shell.json("did", "log", second, *IN)) == 1
    alone = ("--witness", "did-witness.json")
    assert "--log did.jsonl" in shell.refused(2, "did", "rotate", second, *IN, *alone)
    assert "--log did.jsonl" in shell.refused(2, "did", "resolve", second, *IN, *alone)
    assert "name where the log is" in shell.refused(2, "did", "log", office)
    assert "name the file" in shell.refused(2, "did", "witness", office, "--key", f"{office}#key-1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("key-2", "key-9"),
        ('"versionTime":"20', '"versionTime":"19'),
        ('"method":"did:webvh:1.0"', '"method":"did:webvh:0.5"'),
        ("\n{", "\nnonsense{"),
        ("eddsa-jcs-2022", "eddsa-rdfc-2022"),
    ],
)
def test_a_log_that_breaks_a_rule_gives_no_document(shell, office, old, new):
    shell.done("did", "rotate", office, *IN, "--log", "did.jsonl")
    log = (shell.folder / "did.jsonl").read_text()
    assert old in log
    (shell.folder / "did.jsonl").write_text(log.replace(old, new))
    files = ("--log", "did.jsonl", "--witness", "none.json")
    shell.refused(2, "did", "resolve", office, *files)
    status, out, err = shell("did", "resolve", office, "--log", "did.jsonl")
    assert (status, out) == (1, "")
    assert err.startswith("cityid: ")
    status, out, err = shell("did", "resolve", office, "--log", "did.jsonl", "--json")
    assert (status, err) == (1, "")
    result = json.loads(out)
    assert result["didDocument"] is None
    assert result["didResolutionMetadata"]["legacyCode"] == "invalidDid"
    shell.refused(2, "did", "import", office, "--registry", LEDGER)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("did:webvh:QmNothing:city.example", IN),
        ("did:webvh:city.example", IN),
        ("{office}", ("--version-time", "yesterday", *IN)),
        ("{office}", ()),
        ("{office}", ("--registry", "file:no.registry")),
    ],
)
def test_a_malformed_question_is_wrong_use(shell, office, name, options):
    status, out, err = shell("did", "resolve", name.format(office=office), *options)
    assert (status, out) == (2, "")
    assert err.startswith("cityid: ")


def test_a_did_that_nobody_knows_is_not_found(shell, office):
    unknown = office.replace("registry-office", "other-office")
    status, out, _ = shell("did", "resolve", unknown, *IN)
    assert (status, out) == (1, "")
    for command in ("rotate", "deactivate"):
        shell.refused(2, "did", command, unknown, *IN)
    shell.refused(2, "did", "create", "webvh", *IN)
    shell.refused(2, "did", "create", "webvh", *PLACE)
    shell.refused(2, "did", "create", "webvh", *PLACE, *IN, "--type", "RSA")
    assert "--key" in shell.refused(2, "did", "create", "key")


# --- with witnesses


@pytest.fixture
def court(shell):
    store = KeyStore.create(shell.folder / "court.keys", "correct horse battery staple")
    store.add("court", keys.generate(seed=b"court".ljust(32, b".")))
    return str(did.create("key", signer=store.signer("court")).did)


def test_a_change_waits_in_the_files_until_a_witness_approves(shell, court):
    watched = ("--witness-did", court)
    told = shell.refused(2, "did", "create", "webvh", *PLACE, *IN, *watched)
    assert "--log did.jsonl" in told
    files = ("--log", "did.jsonl")
    waiting = shell.json("did", "create", "webvh", *PLACE, *IN, *files, *watched)
    office = waiting["did"]
    assert (waiting["pending"], waiting["keys"]) == (True, [])
    approving = ("did", "witness", office, "--key", "court", "--keys", "court.keys", *files)
    (approval,) = json.loads(shell.done(*approving))
    assert approval["versionId"] == waiting["versionId"]
    told = shell.json(*approving, "-o", "court.json")
    assert told == {"written": "court.json"}
    done = shell.json("did", "approve", office, "court.json", *IN, *files)
    assert done["pending"] is False
    assert resolved(shell, office)["id"] == office
    sent = json.loads((shell.folder / "court.json").read_text())
    assert json.loads((shell.folder / "did-witness.json").read_text()) == sent
    text = shell.done("did", "rotate", office, *IN, *files)
    assert "waits for witnesses" in text
    known = ("--known-version", waiting["versionId"])
    assert "rewritten" in shell.refused(2, *approving, "--known-version", "1-QmOther")
    shell.done(*approving, *known, "-o", "court.json", "--force")
    shell.done("did", "approve", office, "court.json", *IN, *files)
    assert resolved(shell, office)["authentication"] == [f"{office}#key-2"]
    shell.done("did", "export", office, *IN, *files, "--witness", "proofs.json")
    checked = shell.done("did", "resolve", office, *files, "--witness", "proofs.json")
    assert json.loads(checked) == resolved(shell, office)
    (shell.folder / "empty.json").write_text("[]")
    status, out, err = shell("did", "resolve", office, *files, "--witness", "empty.json")
    assert (status, out) == (1, "")
    assert "witnesses" in err


def test_times_come_from_the_clock_or_an_option(shell, office):
    late = ("--at", "2026-05-01T00:00:00Z")
    for command in (("rotate",), ("deactivate",)):
        shell.done("did", *command, office, *IN, *late)
        late = ("--at", "2026-06-01T00:00:00Z")
    entries = shell.json("did", "log", office, *IN)
    assert [entry["versionTime"][:7] for entry in entries] == ["2026-03", "2026-05", "2026-06"]
    with registry.connect(LEDGER) as ledger:
        assert did.load(office, registry=ledger).lifecycle.history.deactivated


# --- on a chain


def test_a_did_on_a_chain_is_made_of_a_key(shell):
    shell.done("keys", "generate", "mayor", "--type", "secp256k1")
    made = shell.json("did", "create", "ethr", "--key", "mayor", "--network", "0x7a69")
    assert made["did"].startswith("did:ethr:0x7a69:0x0")
    assert made["didDocument"]["authentication"] == [
        f"{made['did']}#controller",
        f"{made['did']}#controllerKey",
    ]
    shell.done("keys", "generate", "clerk", "--type", "P-256")
    assert "secp256k1" in shell.refused(2, "did", "create", "ethr", "--key", "clerk")
    elsewhere = ("did", "create", "key", "--key", "clerk", "--network", "sepolia")
    assert "on no chain" in shell.refused(2, *elsewhere)
