"""Wallet files that were damaged, laid open, or are written by two at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cityid import keys
from cityid.errors import CityIdError, Code, CorruptError, InvalidInputError, RegistryError
from cityid.keys.sealed import Cost, locked
from cityid.wallet import Wallet

CHEAP = Cost(operations=1, memory=2**13)
PASSPHRASE = "correct horse"
CARD = {"type": ["VerifiableCredential"], "issuer": "did:example:city"}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "alice.wallet"
    wallet = Wallet.create(path, PASSPHRASE, cost=CHEAP)
    wallet.put(CARD)
    wallet.add_key("holder", keys.generate(seed=bytes(32)))
    return path


def test_a_byte_changed_anywhere_is_told_and_the_file_untouched(path):
    whole = path.read_bytes()
    assert len(Wallet.open(path, PASSPHRASE).list()) == 1
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        damaged = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        path.write_bytes(damaged)
        with pytest.raises(CityIdError):
            Wallet.open(path, PASSPHRASE)
        assert path.read_bytes() == damaged


def test_a_file_cut_anywhere_is_told_and_never_read_as_empty(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptError):
            Wallet.open(path, PASSPHRASE)
        assert path.read_bytes() == whole[:length]


def test_damage_met_while_writing_is_told_and_nothing_is_written(path):
    wallet = Wallet.open(path, PASSPHRASE)
    damaged = path.read_bytes()[:-1]
    path.write_bytes(damaged)
    with pytest.raises(CorruptError):
        wallet.put({"type": ["VerifiableCredential"], "issuer": "did:example:bus"})
    assert path.read_bytes() == damaged
    assert len(wallet.list()) == 1


def test_another_passphrase_opens_nothing(path):
    for wrong in ("correct hors", "correct horse ", "", b"\xff"):
        with pytest.raises(InvalidInputError):
            Wallet.open(path, wrong)
    with pytest.raises(InvalidInputError) as caught:
        Wallet.open(path, "wrong")
    assert caught.value.code is Code.WRONG_PASSPHRASE
    assert len(Wallet.open(path, PASSPHRASE).list()) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_may_read_is_refused(path, mode):
    path.chmod(mode)
    with pytest.raises(InvalidInputError) as caught:
        Wallet.open(path, PASSPHRASE)
    assert caught.value.code is Code.INSECURE_PERMISSIONS
    path.chmod(0o600)
    assert Wallet.open(path, PASSPHRASE).key_names() == ("holder",)


def test_wallet_and_backup_are_their_owners_alone(path, tmp_path):
    old = os.umask(0)
    try:
        Wallet.open(path, PASSPHRASE, cost=CHEAP).backup(tmp_path / "backup", PASSPHRASE)
    finally:
        os.umask(old)
    for file in (path, tmp_path / "backup"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_readable_lies_in_the_file(path):
    content = path.read_bytes()
    for text in (b"did:example:city", b"VerifiableCredential", b"holder", b"credentials"):
        assert text not in content


def test_a_second_writer_waits_and_is_told(path, monkeypatch):
    wallet = Wallet.open(path, PASSPHRASE, cost=CHEAP)
    monkeypatch.setattr("cityid.wallet.locked", lambda place: locked(place, patience=0.05))
    with locked(path):
        with pytest.raises(RegistryError) as caught:
            wallet.put({"type": "x"})
        assert caught.value.code is Code.STORE_LOCKED
    wallet.put({"type": "x"})
    assert len(Wallet.open(path, PASSPHRASE).list()) == 2


WRITER = """
import sys
from cityid.keys.sealed import Cost
from cityid.wallet import Wallet
path, passphrase, name = sys.argv[1:]
wallet = Wallet.open(path, passphrase, cost=Cost(operations=1, memory=2**13))
for number in range(5):
    wallet.put({"type": "VerifiableCredential", "name": name, "number": number})
"""


def test_writers_in_four_processes_lose_nothing(path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), PASSPHRASE, f"writer {index}"])
        for index in range(4)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    assert len(Wallet.open(path, PASSPHRASE).list()) == 1 + 4 * 5
