"""A holder's credentials and keys in one file."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from cityid import keys
from cityid.credential import Credential
from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError, UnsupportedError
from cityid.keys.sealed import Cost, write_sealed
from cityid.wallet import Wallet

CHEAP = Cost(operations=1, memory=2**13)
PASSPHRASE = "correct horse"
CARD = {"type": ["VerifiableCredential"], "issuer": "did:example:city", "name": "Zoë"}
PASS = {"type": ["VerifiableCredential"], "issuer": "did:example:bus"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alice.wallet"


@pytest.fixture
def wallet(path):
    return Wallet.create(path, PASSPHRASE, cost=CHEAP)


def test_what_is_put_in_comes_out_after_a_restart(path, wallet):
    card, bus = wallet.put(CARD), wallet.put(json.dumps(PASS), "bus pass")
    again = Wallet.open(path, PASSPHRASE)
    assert again.get(card).to_dict() == CARD
    assert [(entry.id, entry.name) for entry in again.list()] == [(card, ""), (bus, "bus pass")]
    assert again.list() == wallet.list()


def test_the_same_credential_is_kept_once_and_may_be_renamed(wallet):
    first = wallet.put(CARD, "card")
    assert wallet.put(dict(reversed(CARD.items()))) == first
    assert [entry.name for entry in wallet.list()] == ["card"]
    assert wallet.put(Credential.of(CARD), "city card") == first
    assert [entry.name for entry in wallet.list()] == ["city card"]


def test_what_changes_nothing_writes_nothing(path, wallet):
    wallet.put(CARD)
    key = keys.generate(seed=bytes(32))
    wallet.add_key("holder", key)
    before = path.read_bytes()
    wallet.put(CARD)
    wallet.add_key("holder", key)
    assert path.read_bytes() == before


def test_a_deleted_credential_is_gone(path, wallet):
    card, bus = wallet.put(CARD), wallet.put(PASS)
    wallet.delete(card)
    for seen in (wallet, Wallet.open(path, PASSPHRASE)):
        assert [entry.id for entry in seen.list()] == [bus]
        with pytest.raises(NotFoundError):
            seen.get(card)
    with pytest.raises(NotFoundError):
        wallet.delete(card)


def test_two_wallets_over_one_file_lose_nothing(path, wallet):
    other = Wallet.open(path, PASSPHRASE, cost=CHEAP)
    card, bus = wallet.put(CARD), other.put(PASS)
    assert {entry.id for entry in other.list()} == {card, bus}
    wallet.delete(bus)
    assert [entry.id for entry in wallet.list()] == [card]


def test_keys_sign_after_a_restart(path, wallet):
    key = keys.generate("P-256", seed=bytes(range(32)))
    wallet.add_key("holder", key)
    again = Wallet.open(path, PASSPHRASE)
    assert again.key_names() == ("holder",)
    signer = again.signer("holder")
    key.public_key.verify(signer.sign(b"data"), b"data")
    with pytest.raises(NotFoundError):
        again.signer("other")


def test_a_name_belongs_to_one_key(wallet):
    wallet.add_key("holder", keys.generate(seed=bytes(32)))
    with pytest.raises(InvalidInputError, match="another key"):
        wallet.add_key("holder", keys.generate())


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", 7])
def test_a_name_is_short_printable_text(wallet, name):
    with pytest.raises(InvalidInputError):
        wallet.put(CARD, name)
    with pytest.raises(InvalidInputError):
        wallet.add_key(name, keys.generate(seed=bytes(32)))
    assert not wallet.list()


def test_a_backup_has_its_own_passphrase(tmp_path, path, wallet):
    card = wallet.put(CARD)
    wallet.backup(tmp_path / "backup", "other words")
    path.unlink()
    restored = Wallet.restore(tmp_path / "backup", path, "other words", cost=CHEAP)
    assert restored.get(card).to_dict() == CARD
    assert Wallet.open(path, "other words").list() == restored.list()


def test_nothing_is_overwritten(tmp_path, path, wallet):
    wallet.backup(tmp_path / "backup", PASSPHRASE)
    with pytest.raises(InvalidInputError):
        Wallet.create(path, PASSPHRASE)
    with pytest.raises(InvalidInputError):
        Wallet.restore(tmp_path / "backup", path, PASSPHRASE)
    with pytest.raises(InvalidInputError):
        wallet.backup(path, PASSPHRASE)


def test_a_wallet_shows_nothing_and_travels_nowhere(wallet):
    wallet.put(CARD)
    assert "1 credentials and 0 keys" in repr(wallet)
    assert PASSPHRASE not in repr(wallet)
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UnsupportedError):
            carry(wallet)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"version": 1, "keys": {}}',
        b'{"wallet": 1}',
        b'{"wallet": 1, "credentials": [1], "keys": {}}',
        b'{"wallet": 1, "credentials": [], "keys": []}',
        b'{"wallet": 1, "credentials": [], "keys": {"a": "z6Mk"}}',
    ],
)
def test_a_sealed_file_that_is_no_wallet_is_told(path, content):
    write_sealed(path, content, PASSPHRASE, new=True, cost=CHEAP)
    with pytest.raises(CorruptError, match="no wallet") as caught:
        Wallet.open(path, PASSPHRASE)
    assert caught.value.code is Code.STORE_CORRUPT


def test_a_later_format_is_told(path):
    write_sealed(path, b'{"wallet": 2}', PASSPHRASE, new=True, cost=CHEAP)
    with pytest.raises(UnsupportedError, match="wallet format 1"):
        Wallet.open(path, PASSPHRASE)
