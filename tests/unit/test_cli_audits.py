"""The commands of operators, witnesses and auditors: what they say, and how they end."""

from __future__ import annotations

import json

import pytest

from cityid import keys, registry
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost
from cityid.registry import NewEntry, Tiles
from shell import Shell

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)
ORIGIN = "city.example/registry"
URL = "file:city.registry"
LOG = "https://city.example/offices"
NAME = "witness.example/w1"
OPERATOR = keys.generate(seed=b"operator".ljust(32, b"."))
WITNESS = keys.generate(seed=b"witness".ljust(32, b"."))
OPERATOR_KEY = ("--operator-key", OPERATOR.public_key.multikey)
MEMORY = ("--memory", "file:w1.memory")


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COLUMNS", "200")
    for opener in (KeyStore.create, KeyStore.open):
        # The price of a passphrase is paid in tests of its own.
        monkeypatch.setitem(opener.__func__.__kwdefaults__, "cost", CHEAP)
    store = KeyStore.create("cityid.keys", PASSPHRASE)
    store.add("operator", OPERATOR)
    store.add("witness", WITNESS)
    with registry.connect(URL, origin=ORIGIN) as ledger:
        ledger.append([NewEntry(LOG, n, b"entry %d" % n) for n in range(1, 4)])
    registry.connect("file:w1.memory").close()
    return Shell(tmp_path, monkeypatch, capfd)


def grow(count=1, url=URL):
    with registry.connect(url) as ledger:
        version = ledger.head(LOG).version
        ledger.append([NewEntry(LOG, version + n, b"later") for n in range(1, count + 1)])


def saved(shell, name, text):
    (shell.folder / name).write_text(text, encoding="utf-8")
    return name


def checkpoint(shell, name="checkpoint.txt", *options):
    return saved(
        shell, name, shell.done("registry", "checkpoint", URL, "--operator", "operator", *options)
    )


def cosign(claim, *options):
    return ("registry", "cosign", NAME, claim, "--key", "witness", *OPERATOR_KEY, *MEMORY, *options)


@pytest.fixture
def witness(shell):
    return ("--witness", shell.done("registry", "witness", NAME, "--key", "witness").strip())


def test_a_witness_tells_its_key(shell, witness):
    told = shell.json("registry", "witness", NAME, "--key", "witness")
    assert told == {"name": NAME, "witness": witness[1]}
    assert registry.WitnessKey.from_text(witness[1]).key == WITNESS.public_key
    assert "cannot name a witness" in shell.refused(
        2, "registry", "witness", "a b", "--key", "witness"
    )


def test_a_checkpoint_is_cosigned_as_the_registry_grows(shell, witness):
    first = saved(shell, "first.txt", shell.done(*cosign(checkpoint(shell))))
    assert (shell.folder / first).read_text().count("—") == 2
    grow()
    claim = checkpoint(shell, "claim.txt", "--since", "3", "--known", first)
    assert (shell.folder / claim).read_text().startswith("old 3\n")
    second = saved(shell, "second.txt", shell.json(*cosign(claim))["note"])
    grow(3)
    third = checkpoint(shell, "third.txt")
    assert "ask again with a proof of growth from there" in shell.refused(1, *cosign(third))
    assert shell.done(*cosign(third, "--registry", URL, "--at", "2030-01-01T00:00:00Z"))
    assert shell.done(*cosign(third, "--registry", URL))
    assert "went back" in shell.refused(1, *cosign(second))
    audited = ("registry", "audit", URL, "--known", first, "--known", second)
    assert "CLEAN" in shell.done(*audited, *OPERATOR_KEY, *witness, "--threshold", "1")
    assert shell.json(*audited)["clean"] is True


def test_only_the_operators_checkpoints_are_cosigned(shell):
    unsigned = saved(shell, "unsigned.txt", shell.done("registry", "checkpoint", URL))
    assert "not signed by the registry's operator" in shell.refused(1, *cosign(unsigned))
    assert shell.refused(2, *cosign(saved(shell, "no.txt", "no checkpoint")))
    (shell.folder / "bytes").write_bytes(b"\xff")
    assert "not UTF-8" in shell.refused(2, *cosign("bytes"))
    (shell.folder / "w1.memory").unlink()
    assert "there is no registry" in shell.refused(2, *cosign(checkpoint(shell)))


def test_a_proof_on_a_witnessed_checkpoint_is_verified_offline(shell, witness):
    cosigned = saved(shell, "cosigned.txt", shell.done(*cosign(checkpoint(shell))))
    grow()
    text = shell.done("registry", "prove", URL, LOG, "2", "--checkpoint", cosigned)
    proof = saved(shell, "record.tlog-proof", text)
    entry, other = saved(shell, "entry", "entry 2"), saved(shell, "other", "entry 3")
    for name in ("city.registry", "w1.memory", "cityid.keys"):
        (shell.folder / name).unlink()
    asked = ("registry", "verify", proof)
    trusted = ("--origin", ORIGIN, *OPERATOR_KEY, *witness)
    (row,) = shell.json(*asked, entry, *trusted)
    assert (row["log"], row["version"]) == (LOG, 2)
    assert LOG in shell.done(*asked, entry, *trusted)
    assert "other data" in shell.refused(1, *asked, other, *trusted)
    assert "not of 'elsewhere'" in shell.refused(
        1, *asked, entry, "--origin", "elsewhere", *OPERATOR_KEY
    )
    assert "whose word counts" in shell.refused(2, *asked, entry, "--origin", ORIGIN)
    assert "tlog-proof" in shell.refused(2, "registry", "verify", entry, entry, *trusted)
    assert "cannot be asked for" in shell.refused(2, *asked, entry, *trusted, "--threshold", "2")


def test_an_audit_of_a_rolled_back_registry_is_refused(shell):
    older = (shell.folder / "city.registry").read_bytes()
    grow()
    known = checkpoint(shell)
    for name in ("city.registry", "city.registry-wal", "city.registry-shm"):
        (shell.folder / name).unlink(missing_ok=True)
    (shell.folder / "city.registry").write_bytes(older)
    status, out, err = shell("registry", "audit", URL, "--known", known)
    assert (status, err) == (1, "")
    assert "DAMAGED" in out
    assert "rolled back" in out
    status, out, _ = shell("registry", "audit", URL, "--known", known, "--json")
    assert (status, json.loads(out)["clean"]) == (1, False)
    for command in (
        ("checkpoint", URL),
        ("log", URL, LOG),
        ("append", URL, LOG, known),
        ("prove", URL, LOG, "1"),
        ("mirror", URL, "file:mirror"),
        ("tiles", URL, "tiles"),
    ):
        told = shell.refused(3, "registry", *command, "--known", known)
        assert "it had 4 records, and has 3: it was rolled back" in told
    assert not (shell.folder / "tiles").exists()
    assert not (shell.folder / "mirror").exists()
    assert len(shell.json("registry", "log", URL, LOG)) == 3


@pytest.mark.parametrize(
    "asked", [OPERATOR_KEY, ("--threshold", "5"), ("--witness", "w1+00000000+AAAA")]
)
def test_an_audit_does_not_pass_over_whom_it_was_asked_to_hear(shell, asked):
    assert shell.done("registry", "audit", URL).startswith("CLEAN")
    assert "--known" in shell.refused(2, "registry", "audit", URL, *asked)
    known = checkpoint(shell)
    assert shell.done("registry", "audit", URL, "--known", known, *OPERATOR_KEY).startswith("CLEAN")


def test_standard_input_is_read_once(shell):
    for command in (
        ("audit", URL, "--known", "-", "--known", "-"),
        ("append", URL, LOG, "-", "--known", "-"),
        ("verify", "-", "-", "--origin", ORIGIN, *OPERATOR_KEY),
    ):
        assert "only once" in shell.refused(2, "registry", *command)


def test_a_mirror_is_made_and_brought_up_to_date(shell):
    (row,) = shell.json("registry", "mirror", URL, "file:mirror")
    assert (row["replica"], row["size"], row["copied"]) == (True, 3, 3)
    grow()
    known = checkpoint(shell)
    grow()
    (row,) = shell.json(
        "registry", "mirror", URL, "file:mirror", "--checkpoint", known, *OPERATOR_KEY
    )
    assert (row["size"], row["copied"]) == (4, 1)
    assert " 5 " in shell.done("registry", "mirror", URL, "file:mirror")
    (row,) = shell.json("registry", "mirror", URL, "file:copy", "--origin", "copy.example")
    assert (row["target"], row["replica"]) == ("copy.example", False)
    assert shell.json("registry", "mirror", URL, "memory:")[0]["copied"] == 5
    grow(1, "file:mirror")
    assert "different histories" in shell.refused(3, "registry", "mirror", URL, "file:mirror")
    unsigned = saved(shell, "unsigned", shell.done("registry", "checkpoint", URL))
    asked = ("registry", "mirror", URL, "file:copy", "--checkpoint", unsigned)
    assert "not signed" in shell.refused(1, *asked, *OPERATOR_KEY)


def test_tiles_are_written_and_verified(shell, witness):
    rows = shell.json("registry", "tiles", URL, "tiles", "--operator", "operator")
    assert rows == shell.json("registry", "check-tiles", "tiles", *OPERATOR_KEY)
    assert "3 of" not in shell.done("registry", "check-tiles", "tiles")
    assert "0 of the witnesses" in shell.refused(
        1, "registry", "check-tiles", "tiles", *OPERATOR_KEY, *witness
    )
    cosigned = saved(shell, "cosigned", shell.done(*cosign(checkpoint(shell))))
    assert shell.done("registry", "tiles", URL, "tiles", "--checkpoint", cosigned)
    assert shell.done("registry", "check-tiles", "tiles", *OPERATOR_KEY, *witness)
    assert Tiles(shell.folder / "tiles").checkpoint().size == 3
    (shell.folder / "tiles/tile/0/000.p/3").write_bytes(bytes(96))
    assert "has not the hashes" in shell.refused(3, "registry", "check-tiles", "tiles")
    assert "no file" in shell.refused(2, "registry", "check-tiles", "nowhere")
