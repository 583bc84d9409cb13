"""An office rotates its keys, loses them, and takes its DID back: the drill of the how-to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

import cityid
import town
from cityid import did, keys, policy, registry
from cityid.errors import Code, InvalidInputError, NotFoundError
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CHEAP = Cost(operations=1, memory=2**13)


@pytest.fixture(params=["file", "ethereum+tester"])
def ledger(request, tmp_path):
    place = tmp_path / "city.registry" if request.param == "file" else ""
    with registry.connect(f"{request.param}:{place}") as opened:
        yield opened


@pytest.fixture
def office(tmp_path, ledger):
    """The registry office: its keys in one file, the recovery key in another, in the vault."""
    (tmp_path / "vault").mkdir()
    return did.create(
        "webvh",
        domain="id.city.example",
        path="registry-office",
        registry=ledger,
        keyring=KeyStore.create(tmp_path / "office.keys", "desk", cost=CHEAP),
        recovery=KeyStore.create(tmp_path / "vault" / "recovery.keys", "vault", cost=CHEAP),
        at=START,
    )


def issue(office, at):
    return cityid.issue(
        town.unsigned(town.alice()) | {"validFrom": "2026-03-14T09:00:00Z"}, by=office, at=at
    )


def judge(credential, office, ledger, at):
    return cityid.verify(
        credential,
        policy=policy.IssuedBy({str(office.did)}),
        resolver=did.resolver(ledger),
        at=at,
    )


def test_what_was_issued_before_a_rotation_verifies_after_it(tmp_path, office, ledger):
    before = issue(office, START + DAY)
    store = KeyStore.open(tmp_path / "office.keys", "desk", cost=CHEAP)
    rotated = did.load(office.did, registry=ledger, keyring=store).rotate(at=START + 10 * DAY)
    after = issue(rotated, START + 11 * DAY)
    methods = [vc.to_dict()["proof"]["verificationMethod"] for vc in (before, after)]
    assert methods == [f"{office.did}#key-1", f"{office.did}#key-2"]
    for credential in (before, after):
        result = judge(credential, office, ledger, START + 20 * DAY)
        assert result, result.explain()
    tampered = before.to_dict()
    tampered["name"] = "Another credential"
    assert not judge(tampered, office, ledger, START + 20 * DAY)


def test_keys_that_were_merely_lost_retire_and_what_they_signed_verifies(tmp_path, office, ledger):
    before = issue(office, START + DAY)
    (tmp_path / "office.keys").unlink()
    fresh = KeyStore.create(tmp_path / "fresh.keys", "new desk", cost=CHEAP)
    vault = KeyStore.open(tmp_path / "vault" / "recovery.keys", "vault", cost=CHEAP)
    helpless = did.load(office.did, registry=ledger, keyring=fresh)
    with pytest.raises(InvalidInputError, match="revoked_from= is for keys that are revoked"):
        helpless.recover(vault, revoke=False, revoked_from=START, at=START + 9 * DAY)
    taken = helpless.recover(vault, revoke=False, at=START + 10 * DAY)
    assert vault.names() == (f"{office.did}#recovery-1", f"{office.did}#recovery-2")
    after = issue(taken.rotate(at=START + 11 * DAY), START + 12 * DAY)
    for credential in (before, after):
        result = judge(credential, office, ledger, START + 20 * DAY)
        assert result, result.explain()


def test_the_drill_takes_the_did_back_from_a_thief(tmp_path, office, ledger):
    # An old copy of the vault is all there is, and the office rotated since it was made.
    shutil.copytree(tmp_path / "vault", tmp_path / "copy")
    rotated = office.rotate(at=START + 10 * DAY)
    honest = issue(rotated, START + 11 * DAY)
    # 1. The key store is stolen.
    shutil.move(tmp_path / "office.keys", tmp_path / "thief.keys")
    # 2. The office makes a new one, and recovers with the recovery key.
    fresh = KeyStore.create(tmp_path / "office.keys", "new desk", cost=CHEAP)
    vault = KeyStore.open(tmp_path / "copy" / "recovery.keys", "vault", cost=CHEAP)
    recovered = did.load(office.did, registry=ledger, keyring=fresh).recover(
        vault, revoked_from=START + 12 * DAY, at=START + 13 * DAY
    )
    # 3. What the office issues now verifies.
    assert recovered.did == office.did
    again = issue(recovered, START + 14 * DAY)
    assert judge(again, office, ledger, START + 20 * DAY)
    # 4. Nothing that the stolen key signs does, whatever date it bears.
    stolen = KeyStore.open(tmp_path / "thief.keys", "desk", cost=CHEAP)
    url = f"{office.did}#key-2"
    thief = did.Identity(rotated.did, rotated.document, ((url, stolen.signer(url)),))
    forged = issue(thief, START + 11 * DAY)
    result = judge(forged, office, ledger, START + 20 * DAY)
    assert not result
    assert Code.KEY_REVOKED in {problem.code for problem in result.errors}
    assert not judge(honest, office, ledger, START + 20 * DAY)
    # 5. The thief can neither issue nor change the DID.
    loaded = did.load(office.did, registry=ledger, keyring=stolen)
    assert loaded.signers == ()
    with pytest.raises(NotFoundError):
        loaded.rotate(at=START + 15 * DAY)
    with pytest.raises(NotFoundError):
        loaded.recover(stolen, at=START + 15 * DAY)
    # 6. The office rotates on, and can recover once more.
    on = did.load(office.did, registry=ledger, keyring=fresh).rotate(at=START + 16 * DAY)
    assert on.recover(vault, at=START + 17 * DAY).lifecycle.history.last.number == 5


def test_without_the_recovery_key_a_lost_update_key_is_lost(tmp_path, ledger):
    store = KeyStore.create(tmp_path / "alone.keys", "desk", cost=CHEAP)
    office = did.create("webvh", domain="c.example", registry=ledger, keyring=store, at=START)
    fresh = keys.MemoryKeyring()
    with pytest.raises(NotFoundError, match="lost"):
        did.load(office.did, registry=ledger, keyring=fresh).recover(fresh, at=START + DAY)
    copy = shutil.copy(tmp_path / "alone.keys", tmp_path / "copy.keys")
    kept = KeyStore.open(copy, "desk", cost=CHEAP)
    recovered = did.load(office.did, registry=ledger, keyring=fresh).recover(kept, at=START + DAY)
    assert judge(issue(recovered, START + DAY), office, ledger, START + DAY)


DIES = """
import os, sys
from datetime import UTC, datetime
from cityid import did, registry
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost

folder, name, dies = sys.argv[1:]
store = KeyStore.open(folder + "/office.keys", "desk", cost=Cost(1, 2**13))
ledger = registry.connect("file:" + folder + "/city.registry")
place, when = dies.split("-")
inner, deed = {"keys": (store, "obtain"), "entry": (ledger, "append")}[place]

class Dying:
    def __getattr__(self, wanted):
        do = getattr(inner, wanted)
        if wanted != deed:
            return do
        def die(*arguments):
            if when == "after":
                do(*arguments)
            os.kill(os.getpid(), 9)
        return die

office = did.load(
    name,
    registry=Dying() if place == "entry" else ledger,
    keyring=Dying() if place == "keys" else store,
)
office.rotate(at=datetime(2026, 4, 1, tzinfo=UTC))
"""


@pytest.mark.parametrize("ledger", ["file"], indirect=True)  # processes share it
@pytest.mark.parametrize("dies", ["keys-before", "keys-after", "entry-before", "entry-after"])
def test_whoever_is_killed_in_a_rotation_leaves_a_usable_identity(tmp_path, office, ledger, dies):
    before = issue(office, START + DAY)
    command = [sys.executable, "-c", DIES, str(tmp_path), str(office.did), dies]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    store = KeyStore.open(tmp_path / "office.keys", "desk", cost=CHEAP)
    found = did.load(office.did, registry=ledger, keyring=store)
    assert found.lifecycle.history.last.number == (2 if dies == "entry-after" else 1)
    rotated = found if dies == "entry-after" else found.rotate(at=START + 30 * DAY)
    assert store.names() == (
        f"{office.did}#key-1",
        f"{office.did}#key-2",
        f"{office.did}#update-2",
        f"{office.did}#update-3",
    )
    for credential in (before, issue(rotated, START + 31 * DAY)):
        assert judge(credential, office, ledger, START + 40 * DAY)
    assert rotated.rotate(at=START + 50 * DAY).signers[0][0] == f"{office.did}#key-3"


ROTATES = """
import sys
from cityid import did, registry
from cityid.errors import ConflictError
from cityid.keys import KeyStore
from cityid.keys.sealed import Cost

folder, name = sys.argv[1:]
store = KeyStore.open(folder + "/office.keys", "desk", cost=Cost(1, 2**13))
ledger = registry.connect("file:" + folder + "/city.registry")
office = did.load(name, registry=ledger, keyring=store)
print("ready", flush=True)
sys.stdin.readline()
try:
    print(office.rotate().signers[0][0], flush=True)
except ConflictError:
    print("conflict", flush=True)
"""


@pytest.mark.parametrize("ledger", ["file"], indirect=True)  # processes share it
def test_four_desks_that_rotate_at_once_rotate_once(tmp_path, office, ledger):
    command = [sys.executable, "-c", ROTATES, str(tmp_path), str(office.did)]
    desks = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for desk in desks:
        assert desk.stdout.readline() == "ready\n"
    for desk in desks:
        desk.stdin.write("go\n")
        desk.stdin.flush()
    told = {desk.communicate(timeout=60)[0] for desk in desks}
    assert all(desk.returncode == 0 for desk in desks)
    assert told == {f"{office.did}#key-2\n"}
    store = KeyStore.open(tmp_path / "office.keys", "desk", cost=CHEAP)
    found = did.load(office.did, registry=ledger, keyring=store)
    assert found.lifecycle.history.last.number == 2
    assert found.signers[0][0] == f"{office.did}#key-2"
