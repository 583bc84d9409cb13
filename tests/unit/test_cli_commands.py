"""Every command in process: what it prints for people and for programs, and how it ends."""

from __future__ import annotations

import base64
import json
import re
import sys

import pytest

import cityid
import town
from cityid import did, keys, registry
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from cityid.wallet import Wallet
from shell import Shell

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COLUMNS", "100")
    for opener in (Wallet.create, Wallet.open, Wallet.restore, KeyStore.create, KeyStore.open):
        # The price of a passphrase is paid in tests of its own.
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    return Shell(tmp_path, monkeypatch, capfd)


def seeded(name, type_="Ed25519"):
    return keys.generate(type_, seed=name.encode().ljust(32, b"."))


@pytest.fixture
def stocked(shell):
    """A shell whose folder has a key store of an office and a resident."""
    KeyStore.create("cityid.keys", PASSPHRASE)
    store = KeyStore.open("cityid.keys", PASSPHRASE)
    for name in ("office", "alice"):
        store.add(name, seeded(name))
    store.add("p256", seeded("p256", "P-256"))
    return shell


OFFICE = did.create("key", signer=seeded("office"))
ALICE = did.create("key", signer=seeded("alice"))


def unsigned(**claims):
    """Return a credential that is in force whatever day it is."""
    return town.unsigned(ALICE, **claims) | {"validFrom": "2020-01-01T00:00:00Z"}


# --- keys


def test_a_store_is_made_with_its_first_key_and_kept(shell):
    (first,) = shell.json("keys", "generate", "first")
    assert (first["name"], first["type"]) == ("first", "Ed25519")
    assert "P-256" in shell.done("keys", "generate", "second", "--type", "P-256")
    assert [row["name"] for row in shell.json("keys", "list")] == ["first", "second"]
    assert "already" in shell.refused(2, "keys", "generate", "first")
    assert "RSA" in shell.refused(2, "keys", "generate", "third", "--type", "RSA")


def test_the_public_half_of_a_key_is_exported(stocked):
    exported = stocked.json("keys", "export", "p256")
    public = seeded("p256", "P-256").public_key
    assert exported == {
        "type": "P-256",
        "publicKeyMultibase": public.multikey,
        "publicKeyJwk": public.jwk,
    }
    table = stocked.done("keys", "export", "p256")
    assert public.multikey in table
    assert public.jwk["y"] in table
    assert "'nobody'" in stocked.refused(2, "keys", "export", "nobody")


def test_a_key_for_a_chain_is_exported_with_its_address(shell, monkeypatch):
    key = keys.generate("secp256k1", seed=(1).to_bytes(32))
    KeyStore.create("cityid.keys", PASSPHRASE).add("writer", key)
    told = shell.json("keys", "export", "writer")
    assert told["ethereumAddress"] == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    monkeypatch.setitem(sys.modules, "eth_hash.auto", None)
    assert "ethereumAddress" not in shell.json("keys", "export", "writer")


def test_a_wrong_passphrase_opens_nothing(stocked, monkeypatch):
    monkeypatch.setenv("CITYID_PASSPHRASE", "another one")
    assert "does not open" in (told := stocked.refused(2, "keys", "list"))
    assert "cityid.keys" in told


def test_where_nobody_sits_no_passphrase_is_asked_for(stocked, monkeypatch):
    monkeypatch.delenv("CITYID_PASSPHRASE")
    assert "--passphrase-file" in stocked.refused(2, "keys", "list")


def test_a_passphrase_comes_from_the_first_line_of_a_file(stocked, monkeypatch):
    monkeypatch.delenv("CITYID_PASSPHRASE")
    (stocked.folder / "phrase").write_bytes(PASSPHRASE.encode() + b"\r\nand more")
    assert len(stocked.json("keys", "list", "--passphrase-file", "phrase")) == 3
    stocked.refused(2, "keys", "list", "--passphrase-file", "nowhere")


def test_what_is_missing_is_told_with_how_to_make_it(shell):
    told = shell.refused(2, "keys", "list")
    assert told == (
        "cityid: there is no key store cityid.keys; make it with: cityid keys generate NAME\n"
    )
    assert "there is no directory" in shell.refused(3, "keys", "generate", "a", "--keys", "no/k")


def test_only_types_that_can_be_made_are_offered(shell):
    told = shell.refused(2, "keys", "generate", "a", "--type", "p256")
    assert told.endswith("known: Ed25519, P-256, P-384, secp256k1, X25519\n")


# --- DIDs


@pytest.mark.parametrize("method", ["key", "jwk", "peer"])
def test_a_did_is_made_of_a_key_and_resolved(stocked, method):
    identifier = stocked.done("did", "create", method, "--key", "office").strip()
    assert identifier.startswith(f"did:{method}:")
    made = stocked.json("did", "create", method, "--key", "office")
    assert made["did"] == identifier
    assert json.loads(stocked.done("did", "resolve", identifier)) == made["didDocument"]
    resolution = stocked.json("did", "resolve", identifier)
    assert resolution["didDocument"] == made["didDocument"]


def test_a_did_web_is_made_with_the_document_to_publish(stocked):
    place = ("--key", "office", "--domain", "city.example", "--path", "offices")
    told = stocked.done("did", "create", "web", *place, "-o", "did.json")
    assert told == "written: did.json\n"
    stocked.refused(2, "did", "create", "web", *place, "-o", "did.json")
    again = (*place, "-o", "did.json", "--force")
    assert stocked.json("did", "create", "web", *again) == {"written": "did.json"}
    identifier = "did:web:city.example:offices"
    document = stocked.done("did", "resolve", identifier, "--did-document", "did.json")
    assert json.loads(document)["id"] == identifier


@pytest.mark.parametrize(
    ("identifier", "status", "says"),
    [
        ("did:web:city.example", 2, "no method did:web"),
        ("nonsense", 2, "is not a DID"),
        ("did:key:zNothing", 2, "cityid: "),
    ],
)
def test_a_did_that_cannot_be_resolved_is_told(stocked, identifier, status, says):
    ended, out, err = stocked("did", "resolve", identifier)
    assert (ended, out) == (status, "")
    assert says in err
    ended, out, err = stocked("did", "resolve", identifier, "--json")
    assert (ended, err) == (status, "")
    assert json.loads(out)["didResolutionMetadata"]["error"]["type"]


def test_the_network_is_reached_only_on_demand_and_never_a_private_address(stocked, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 443))])
    ended, _, err = stocked("did", "resolve", "did:web:city.example", "--online")
    assert ended in {1, 3}
    assert "city.example" in err


@pytest.mark.parametrize(
    ("acting", "says"),
    [
        ("did:key:z6Mk", "only a did:web"),
        ("did:web:city.example:a%2Db", "is written did:web:city.example:a-b"),
        ("did:web:city.example%3A99999999999", "is written did:web:city.example"),
        ("did:web:city.example:", "did:web"),
        ("nothing", "nothing"),
    ],
)
def test_nobody_acts_as_a_did_that_is_not_to_be_had(stocked, acting, says):
    document = stocked.write("unsigned.json", unsigned())
    told = stocked.refused(2, "issue", document, "--key", "office", "--as", acting)
    assert says in told


def test_an_issuer_can_act_as_a_did_web_with_port_and_path(stocked):
    place = "did:web:city.example%3A8443:offices:a%20b"
    document = stocked.write("unsigned.json", unsigned())
    issued = stocked.json("issue", document, "--key", "office", "--as", place)
    assert issued["issuer"] == place
    assert issued["proof"]["verificationMethod"].startswith(f"{place}#")


# --- issue, present, verify


def issued(stocked, *options):
    document = stocked.write("unsigned.json", unsigned())
    return json.loads(stocked.done("issue", document, "--key", "office", *options))


def test_a_credential_is_issued_from_a_file_or_standard_input(stocked):
    credential = issued(stocked, "--at", "2027-03-14T09:00:00Z", "--valid-days", "10")
    assert credential["issuer"] == str(OFFICE.did)
    assert credential["validUntil"] == "2027-03-24T09:00:00Z"
    assert credential["proof"]["created"] == "2027-03-14T09:00:00Z"
    content = json.dumps(unsigned()).encode()
    piped = stocked.json(
        "issue", "-", "--key", "p256", "--cryptosuite", "ecdsa-jcs-2019", stdin=content
    )
    assert piped["proof"]["cryptosuite"] == "ecdsa-jcs-2019"
    followed = stocked.json("issue", "-", "--key", "p256", stdin=content)
    assert followed["proof"]["cryptosuite"] == "ecdsa-rdfc-2019"


def test_an_output_file_is_never_replaced_unasked_nor_left_behind_in_parts(stocked):
    document = stocked.write("unsigned.json", unsigned())
    target = stocked.folder / "vc.json"
    target.write_text("mine")
    asked = ("issue", document, "--key", "office", "-o", "vc.json")
    assert "--force" in stocked.refused(2, *asked)
    assert target.read_text() == "mine"
    assert stocked.json(*asked, "--force") == {"written": "vc.json"}
    assert json.loads(target.read_text())["proof"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(stocked.done("issue", document, "--key", "office", "-o", "-"))["proof"]
    nowhere = ("issue", document, "--key", "office", "-o", "no/such/folder/vc.json")
    assert "cannot be written" in stocked.refused(3, *nowhere)
    folder = ("issue", document, "--key", "office", "-o", ".")
    assert stocked.refused(2, *folder) == "cityid: .: Is a directory\n"
    assert not [path for path in stocked.folder.iterdir() if path.suffix == ".new"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "Nothing"}, "/type"),
        ({"issuer": "did:key:z6MkOther"}, "another issuer"),
        ({"@context": [town.V2, "https://elsewhere.example/v1"]}, "/@context/1"),
    ],
)
def test_what_may_not_be_signed_is_wrong_use(stocked, change, says):
    document = stocked.write("unsigned.json", unsigned() | change)
    assert says in stocked.refused(2, "issue", document, "--key", "office")


@pytest.mark.parametrize("days", ["0", "-1", "36526", "many"])
def test_a_length_of_time_has_its_bounds(stocked, days):
    document = stocked.write("unsigned.json", unsigned())
    status, out, _ = stocked("issue", document, "--key", "office", "--valid-days", days)
    assert (status, out) == (2, "")


def test_further_contexts_and_schemas_come_from_files(stocked):
    url, schema_url = "https://elsewhere.example/v1", "https://elsewhere.example/schema"
    context = {"@context": {"shoeSize": "https://elsewhere.example/terms#shoeSize"}}
    stocked.write("context.json", context)
    stocked.write(
        "schema.json",
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": schema_url,
            "required": ["credentialSubject"],
        },
    )
    document = unsigned(shoeSize=42) | {
        "@context": [town.V2, town.EXAMPLES, url],
        "credentialSchema": {"id": schema_url, "type": "JsonSchema"},
    }
    document = stocked.write("unsigned.json", document)
    more = ("--context", f"{url}=context.json", "--schema", f"{schema_url}=schema.json")
    stocked.done("issue", document, "--key", "office", *more, "-o", "vc.json")
    stocked.done("verify", "vc.json", "--issuer", str(OFFICE.did), *more)
    (row,) = stocked.json("schema", "check", "vc.json", "--schema", f"{schema_url}=schema.json")
    assert row == {"schema": schema_url, "outcome": "passed", "path": "", "reason": ""}
    for malformed in ("context.json", "=context.json", f"{url}="):
        told = stocked.refused(2, "issue", document, "--key", "office", "--context", malformed)
        assert "URL=FILE" in told


def test_a_schema_that_is_not_at_hand_is_told_to_the_issuer(stocked):
    url = "https://elsewhere.example/typo"
    entry = {"credentialSchema": {"id": url, "type": "JsonSchema"}}
    document = stocked.write("unsigned.json", unsigned() | entry)
    status, out, err = stocked("issue", document, "--key", "office")
    assert (status, bool(json.loads(out)["proof"])) == (0, True)
    assert err == (
        f"cityid: warning: not checked: the schema '{url}' is not at hand; "
        "add it with --schema URL=FILE\n"
    )
    status, _, err = stocked("issue", document, "--key", "office", "--json")
    assert (status, json.loads(err)["type"]) == (0, "urn:cityid:problem:SCHEMA_NOT_ALLOWED")


def test_advice_is_told_in_options(stocked):
    """No answer sends a person into Python."""
    stocked.write("vc.json", issued(stocked))
    _, shown, _ = presented(stocked, "vc.json")
    stocked.write("vp.json", json.loads(shown))
    told = stocked("verify", "vp.json", "--issuer", OFFICE.did)[1]
    assert "--challenge TEXT" in told
    assert "--domain HOST" in told
    assert "--nonces FILE" in told
    told += stocked("verify", "vc.json", "--issuer", ALICE.did)[1]
    assert "--issuer DID" in told
    told += stocked.refused(2, "did", "create", "web", "--key", "office")
    assert "a did:web needs a --domain HOST" in told
    _, _, err = stocked("did", "resolve", "did:web:city.example")
    assert "did:web needs --online, or --did-document FILE" in err
    _, _, err = stocked("did", "resolve", f"did:webvh:Qm{'1' * 44}:city.example")
    assert "did:webvh needs --registry URL, or --online" in err
    foreign = unsigned() | {"@context": [town.V2, "https://elsewhere.example/v1"]}
    told += err + stocked.refused(2, "issue", stocked.write("a.json", foreign), "--key", "office")
    assert "pass --context URL=FILE" in told
    foreign["@context"][1] = {"shelf": "https://elsewhere.example/shelf"}
    told += stocked.refused(2, "issue", stocked.write("a.json", foreign), "--key", "office")
    assert "publish it under a URL and pass --context URL=FILE" in told
    told += stocked.refused(2, "issue", "vc.json", "--key", "office")
    assert "signed already" in told
    assert not re.search(r"add_proof|\w=(?!FILE)|with_|IssuedBy", told), told
    report = stocked("verify", "vp.json", "--issuer", OFFICE.did, "--json")[1]
    assert "--challenge TEXT" in report
    assert "challenge=" not in report


def presented(stocked, *credentials, stdin=b""):
    asked = ("--key", "alice", "--challenge", town.CHALLENGE, "--domain", town.DOMAIN)
    return stocked("present", *credentials, *asked, stdin=stdin)


def test_a_presentation_is_made_and_verified(stocked):
    content = json.dumps(issued(stocked)).encode()
    status, out, err = presented(stocked, "-", stdin=content)
    assert (status, err) == (0, "")
    assert json.loads(out)["holder"] == str(ALICE.did)
    asked = ("--issuer", str(OFFICE.did), "--challenge", town.CHALLENGE, "--domain", town.DOMAIN)
    registry.connect("file:city.registry").close()
    world = ("--registry", "file:city.registry", "--nonces", "challenges.db")
    report = stocked.json(
        "verify", "-", *asked, *world, "--type", "ExampleAlumniCredential", stdin=out.encode()
    )
    assert report["verified"] is True
    assert report["warnings"] == []
    told = stocked.done("verify", "-", *asked, stdin=out.encode())
    assert told.startswith("PERMITTED\n")
    assert "  ! nobody checks that this presentation is used only once" in told


def test_standard_input_is_read_once(stocked):
    status, out, err = presented(stocked, "-", "-")
    assert (status, out) == (2, "")
    assert "only once" in err
    asked = ("verify", "-", "--unsafe-any-issuer", "--did-document", "-")
    assert "only once" in stocked.refused(2, *asked)


def test_a_refusal_is_a_report_and_ends_with_1(stocked):
    stocked.write("vc.json", issued(stocked))
    for asked in (("--issuer", str(ALICE.did)), ("--unsafe-any-issuer", "--type", "Other")):
        status, out, err = stocked("verify", "vc.json", *asked)
        assert (status, err) == (1, "")
        assert "\n  ✗ " in out or "\n  ? " in out
        status, out, err = stocked("verify", "vc.json", *asked, "--json")
        assert (status, err) == (1, "")
        assert json.loads(out)["decision"]["verdict"] in {"deny", "indeterminate"}


def test_what_only_the_world_left_open_ends_with_3(stocked, monkeypatch):
    stocked.write("vc.json", issued(stocked))
    credential = cityid.Credential.of((stocked.folder / "vc.json").read_bytes())
    place = "did:web:city.example"
    stocked.write("web.json", unsigned() | {"issuer": place})
    web = ("--as", place, "--key", "office")
    stocked.done("issue", "web.json", *web, "-o", "web-vc.json")
    monkeypatch.setattr("socket.getaddrinfo", _unreachable)
    status, out, _ = stocked("verify", "web-vc.json", "--issuer", place, "--online", "--json")
    assert status == 3
    assert json.loads(out)["decision"]["verdict"] == "indeterminate"
    assert credential.issuer == str(OFFICE.did)


def _unreachable(*_, **__):
    raise OSError(101, "Network is unreachable")


@pytest.mark.parametrize("whom", [(), ("--issuer", "did:key:z6Mk", "--unsafe-any-issuer")])
def test_verify_must_be_told_whom_to_believe(stocked, whom):
    assert "whom to believe" in stocked.refused(2, "verify", "-", *whom, stdin=b"{}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"x" * 1_000_001])
def test_what_is_no_document_is_unreadable(stocked, content):
    stocked.refused(2, "verify", "-", "--unsafe-any-issuer", stdin=content)


@pytest.mark.parametrize("time", ["today", "2027-03-14", "0001-01-01T00:00:00Z"])
def test_a_time_that_is_none_is_wrong_use(stocked, time):
    stocked.write("vc.json", issued(stocked))
    stocked.refused(2, "verify", "vc.json", "--unsafe-any-issuer", "--at", time)


@pytest.mark.parametrize("source", ["", "nowhere.json", ".", "nul\0byte"])
def test_a_file_that_is_none_is_wrong_use(stocked, source):
    stocked.refused(2, "verify", source, "--unsafe-any-issuer")


def test_nothing_can_be_shown_in_parts_yet(stocked):
    stocked.write("vc.json", issued(stocked))
    told = stocked.refused(2, "disclose", "vc.json", "--reveal", "/credentialSubject")
    assert "the whole credential or nothing" in told


def test_disclose_delivers_what_the_door_returns(stocked, monkeypatch):
    credential = cityid.Credential.of(issued(stocked))
    monkeypatch.setattr(cityid, "disclose", lambda _document, **_: credential)
    stocked.write("vc.json", credential.to_dict())
    assert stocked.json("disclose", "vc.json", "--reveal", "/issuer") == credential.to_dict()


# --- schema


def test_a_credential_is_checked_against_the_schemas_it_declares(shell):
    document = town.city_credential("kyc", town.alice())
    document |= {"issuer": "did:key:z6Mk", "validFrom": "2027-01-01T00:00:00Z"}
    document["validUntil"] = "2028-01-01T00:00:00Z"
    assert "passed" in shell.done("schema", "check", shell.write("vc.json", document))
    document["credentialSubject"]["assuranceLevel"] = "whatever"
    shell.write("vc.json", document)
    status, out, _ = shell("schema", "check", "vc.json", "--json")
    assert status == 1
    (row,) = json.loads(out)
    assert row["outcome"] == "failed"
    assert row["path"] == "/credentialSubject/assuranceLevel"
    assert "/credentialSubject/assuranceLevel" in row["reason"]
    del document["credentialSchema"]
    shell.write("vc.json", document)
    assert "declares no schema" in shell.refused(2, "schema", "check", "vc.json")


# --- wallet


def test_a_wallet_is_made_filled_shown_emptied_saved_and_restored(shell):
    Wallet.create("cityid.wallet", PASSPHRASE)
    credential = cityid.issue(unsigned(), by=OFFICE).to_dict()
    shell.write("vc.json", credential)
    identifier = shell.done("wallet", "add", "vc.json", "--name", "mine").strip()
    assert shell.json("wallet", "add", "vc.json") == {"id": identifier}
    (row,) = shell.json("wallet", "list")
    assert row == {
        "id": identifier,
        "name": "mine",
        "type": "ExampleAlumniCredential",
        "issuer": str(OFFICE.did),
    }
    assert identifier in shell.done("wallet", "list")
    assert shell.json("wallet", "show", identifier) == credential
    assert json.loads(shell.done("wallet", "show", identifier)) == credential
    (shell.folder / "phrase").write_bytes(b"another passphrase\n")
    other = ("--backup-passphrase-file", "phrase")
    counts = {"credentials": 1, "keys": 0}
    assert shell.json("wallet", "backup", "copy", *other) == {"backup": "copy"} | counts
    told = shell.done("wallet", "backup", "same")
    assert told == "written: same, 1 credentials, 0 keys; the wallet's passphrase opens it\n"
    assert "already" in shell.refused(2, "wallet", "backup", "copy")
    assert shell.done("wallet", "remove", identifier) == f"removed: {identifier}\n"
    shell.refused(2, "wallet", "remove", identifier)
    assert shell.json("wallet", "list") == []
    again = ("wallet", "restore", "copy", "--wallet", "new", "--passphrase-file", "phrase")
    assert shell.json(*again) == {"wallet": "new"} | counts
    assert "already" in shell.refused(2, *again)
    told = shell.refused(2, "wallet", "show", identifier, "--wallet", "nowhere")
    assert told == "cityid: there is no wallet nowhere; make it with: cityid wallet add FILE\n"


def test_a_wallet_is_made_where_there_is_none(stocked):
    stocked.write("vc.json", issued(stocked))
    stocked.done("wallet", "add", "vc.json")
    assert len(Wallet.open("cityid.wallet", PASSPHRASE).list()) == 1


def test_an_unsigned_credential_is_kept_with_a_warning(shell):
    shell.write("vc.json", unsigned())
    status, out, err = shell("wallet", "add", "vc.json")
    assert (status, len(out)) == (0, 33)
    assert err == "cityid: warning: the credential is not signed: nobody will believe it\n"
    _, _, err = shell("wallet", "add", "vc.json", "--json")
    assert json.loads(err)["type"] == "urn:cityid:problem:NOT_VERIFIED"


def test_after_the_loss_of_a_device_a_backup_presents_again(stocked):
    stocked.write("vc.json", issued(stocked))
    stocked.done("wallet", "add", "vc.json")
    assert stocked.done("wallet", "add-key", "alice") == "added: alice\n"
    assert stocked.json("wallet", "add-key", "alice") == {"added": "alice"}
    told = stocked.done("wallet", "backup", "copy")
    assert "1 credentials, 1 keys" in told
    for name in ("cityid.keys", "cityid.wallet", "vc.json"):
        (stocked.folder / name).unlink()
    stocked.done("wallet", "restore", "copy")
    (key,) = stocked.json("wallet", "keys")
    assert (key["name"], key["publicKeyMultibase"]) == (
        "alice",
        seeded("alice").public_key.multikey,
    )
    (entry,) = stocked.json("wallet", "list")
    held = stocked.done("wallet", "show", entry["id"]).encode()
    asked = ("--challenge", town.CHALLENGE, "--domain", town.DOMAIN)
    shown = stocked.done(
        "present", "-", "--wallet", "cityid.wallet", "--key", "alice", *asked, stdin=held
    )
    report = stocked.json("verify", "-", "--issuer", OFFICE.did, *asked, stdin=shown.encode())
    assert report["verified"] is True
    absent = ("present", "-", "--wallet", "cityid.wallet", "--key", "bob", *asked)
    assert "the wallet has no key 'bob'" in stocked.refused(2, *absent, stdin=held)


def test_a_key_moves_between_files_of_two_passphrases(stocked, monkeypatch):
    (stocked.folder / "store").write_text(PASSPHRASE)
    monkeypatch.setenv("CITYID_PASSPHRASE", "another one")
    asked = ("wallet", "add-key", "alice")
    assert "does not open" in stocked.refused(2, *asked)
    assert not (stocked.folder / "cityid.wallet").exists()
    stocked.done(*asked, "--keys-passphrase-file", "store")
    assert Wallet.open("cityid.wallet", "another one").key_names() == ("alice",)
    assert "no key 'nobody'" in stocked.refused(
        2, "wallet", "add-key", "nobody", "--keys-passphrase-file", "store"
    )


# --- registry


def test_a_registry_is_made_filled_and_proves_what_it_holds(stocked):
    url, log = "file:city.registry", "https://city.example/offices"
    made = stocked.json("registry", "init", url, "--origin", "city.example/registry")
    assert made == [{"registry": url, "origin": "city.example/registry", "size": 0}]
    assert "never replaced" in stocked.refused(2, "registry", "init", url)
    (record,) = stocked.json("registry", "append", url, log, "-", stdin=b"first entry")
    assert (record["sequence"], record["version"], record["bytes"]) == (1, 1, 11)
    assert " 2  " in stocked.done("registry", "append", url, log, "-", stdin=b"second entry")
    rows = stocked.json("registry", "log", url, log)
    assert [base64.b64decode(row["data"]) for row in rows] == [b"first entry", b"second entry"]
    assert rows[0]["sha256"] in stocked.done("registry", "log", url, log)
    note = stocked.done("registry", "checkpoint", url)
    assert stocked.json("registry", "checkpoint", url)["note"] == note
    signed = stocked.done("registry", "checkpoint", url, "--operator", "office")
    operator = OFFICE.signer("assertionMethod")[1].public_key
    checked = registry.verify_checkpoint(signed, origin="city.example/registry", operator=operator)
    assert checked.size == 2
    text = stocked.done("registry", "prove", url, log, "2", "--operator", "office")
    assert stocked.json("registry", "prove", url, log, "2", "--operator", "office")["proof"] == text
    proven = registry.verify_proof(
        text, b"second entry", origin="city.example/registry", operator=operator
    )
    assert (proven.log, proven.version) == (log, 2)
    assert "no version 3" in stocked.refused(2, "registry", "prove", url, log, "3")
    status, _, _ = stocked("registry", "prove", url, log, "0")
    assert status == 2


@pytest.mark.parametrize(
    ("url", "status"),
    [("file:nowhere", 2), ("file:", 2), ("nothing", 2), ("cloud:x", 2), ("file:broken", 3)],
)
def test_a_registry_that_cannot_be_read_is_told_and_none_is_made(shell, url, status):
    (shell.folder / "broken").write_bytes(b"no registry" * 500)
    shell.refused(status, "registry", "log", url, "log")
    assert [path.name for path in shell.folder.iterdir()] == ["broken"]


def test_a_registry_in_memory_lives_as_long_as_the_command(shell):
    assert shell.json("registry", "log", "memory:", "log") == []


# --- the rest


def test_specs_and_version(shell):
    rows = shell.json("specs")
    assert {"standard", "version"} == set(rows[0])
    assert rows[0]["standard"] in shell.done("specs")
    assert shell.done("version") == f"{cityid.__version__}\n"
    assert shell.done("--version") == shell.done("version")
    assert shell.json("version") == {"version": cityid.__version__}


def test_the_demo_tells_its_scenes_to_people_and_leaves_its_files(shell):
    told = shell.done("demo", "--folder", "new/stage")
    assert told.count("✓ permit") == 4
    assert told.count("✗ deny") == 6
    assert "did:key:z6Mk" in told
    assert max(map(len, told.splitlines())) < 180
    assert (shell.folder / "new/stage/city.registry").exists()


def test_the_demo_tells_its_scenes_to_programs_too(shell):
    scenes = shell.json("demo")
    assert len(scenes) == 7
    assert all(scene["title"] and scene["text"] and scene["rows"] for scene in scenes)
    assert list(shell.folder.iterdir()) == []
    (shell.folder / "something").touch()
    assert "not empty" in shell.refused(2, "demo", "--folder", ".")
    assert "no folder" in shell.refused(2, "demo", "--folder", "something")
