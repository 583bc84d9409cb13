import copy
import json
import pickle

import pytest

from cityid import keys
from cityid.errors import (
    Code,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.keys.sealed import Cost, locked, write_sealed

CHEAP = Cost(operations=1, memory=2**13)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def store(path):
    return keys.KeyStore.create(path, "open", cost=CHEAP)


@pytest.mark.parametrize("type_", ["Ed25519", "P-256", "P-384", "secp256k1", "X25519"])
def test_keys_come_back(store, path, type_):
    key = keys.generate(type_)
    store.add("office", key)
    again = keys.KeyStore.open(path, "open", cost=CHEAP)
    assert again.names() == store.names() == ("office",)
    assert again.public_key("office") == key.public_key
    assert again.signer("office").export_multikey() == key.export_multikey()


def test_names_are_sorted_and_keys_removed(store, path):
    for name in ("b", "a", "c"):
        store.add(name, keys.generate())
    store.remove("b")
    assert store.names() == keys.KeyStore.open(path, "open").names() == ("a", "c")


def test_a_store_is_made_once(store, path):
    store.add("office", keys.generate())
    with pytest.raises(InvalidInputError):
        keys.KeyStore.create(path, "open", cost=CHEAP)
    assert keys.KeyStore.open(path, "open").names() == ("office",)


def test_a_name_is_taken_once(store):
    key = keys.generate()
    store.add("office", key)
    with pytest.raises(InvalidInputError) as refused:
        store.add("office", keys.generate())
    assert refused.value.code is Code.INVALID_OPTIONS
    assert store.public_key("office") == key.public_key


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 401, None, 5, []])
def test_a_name_is_printable(store, name):
    with pytest.raises(InvalidInputError) as refused:
        store.add(name, keys.generate())
    assert refused.value.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize("name", ["nobody", None, []])
def test_unknown_names_are_not_found(store, name):
    for attempt in (store.signer, store.public_key, store.remove):
        with pytest.raises(NotFoundError):
            attempt(name)


def test_another_passphrase_is_refused(store, path):
    assert store.names() == ()
    with pytest.raises(InvalidInputError) as refused:
        keys.KeyStore.open(path, "Open")
    assert refused.value.code is Code.WRONG_PASSPHRASE


def test_a_missing_store_is_not_found(path):
    with pytest.raises(NotFoundError):
        keys.KeyStore.open(path, "open")


def test_two_open_stores_lose_nothing(store, path):
    other = keys.KeyStore.open(path, "open", cost=CHEAP)
    store.add("a", keys.generate())
    other.add("b", keys.generate())
    assert keys.KeyStore.open(path, "open").names() == ("a", "b") == other.names()
    with pytest.raises(InvalidInputError):
        store.add("b", keys.generate())


def test_a_change_waits_for_the_lock(store, path, monkeypatch):
    monkeypatch.setattr(keys.store, "locked", lambda place: locked(place, patience=0))
    with locked(path), pytest.raises(RegistryError) as refused:
        store.add("a", keys.generate())
    assert refused.value.code is Code.STORE_LOCKED
    assert store.names() == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"version": 2, "keys": {}}',
        b'{"version": 1}',
        b'{"version": 1, "keys": []}',
    ],
)
def test_other_sealed_files_are_no_key_store(path, content):
    write_sealed(path, content, "open", new=True, cost=CHEAP)
    with pytest.raises(CorruptError):
        keys.KeyStore.open(path, "open")


@pytest.mark.parametrize("row", [5, None, "z6Mk", ["z"]])
def test_a_store_of_no_keys_is_refused(path, row):
    content = json.dumps({"version": 1, "keys": {"a": row}}).encode()
    write_sealed(path, content, "open", new=True, cost=CHEAP)
    with pytest.raises(InvalidInputError):
        keys.KeyStore.open(path, "open")


@pytest.fixture(params=["file", "memory"])
def keyring(request, store):
    return store if request.param == "file" else keys.MemoryKeyring()


def test_keys_are_added_all_or_none(keyring):
    first, second = keys.generate(), keys.generate("P-256")
    keyring.add_all({"b": first, "a": second})
    assert keyring.names() == ("a", "b")
    assert keyring.signer("b").public_key == first.public_key
    for refused in ({"c": keys.generate(), "a": first}, {"c": first, "": second}):
        with pytest.raises(InvalidInputError) as caught:
            keyring.add_all(refused)
        assert caught.value.code is Code.INVALID_OPTIONS
    assert keyring.names() == ("a", "b")
    with pytest.raises(NotFoundError):
        keyring.signer("c")


def test_whoever_asks_again_obtains_the_same_keys(keyring):
    wanted = {"office#key-2": "P-256", "office#update-3": "Ed25519"}
    keyring.obtain(wanted)
    made = {name: keyring.signer(name).public_key for name in wanted}
    assert [key.type for key in made.values()] == ["P-256", "Ed25519"]
    keyring.obtain(wanted)
    keyring.obtain({"office#key-2": "P-256", "office#key-3": "Ed25519"})
    assert {name: keyring.signer(name).public_key for name in wanted} == made
    assert keyring.names() == ("office#key-2", "office#key-3", "office#update-3")


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"new": "Ed25519", "office": "P-256"}, InvalidInputError),
        ({"new": "Ed25519", "a\nb": "P-256"}, InvalidInputError),
        ({"new": "Ed25519", "other": "RSA"}, UnsupportedError),
        ({"new": "Ed25519", "office": "RSA"}, UnsupportedError),
    ],
)
def test_keys_are_obtained_all_or_none(keyring, wanted, error):
    keyring.add_all({"office": keys.generate()})
    with pytest.raises(error):
        keyring.obtain(wanted)
    assert keyring.names() == ("office",)


def test_what_another_process_obtained_is_seen(store, path):
    other = keys.KeyStore.open(path, "open", cost=CHEAP)
    other.obtain({"office": "Ed25519"})
    assert store.names() == ()
    store.obtain({"office": "Ed25519"})
    assert store.public_key("office") == other.public_key("office")


def test_a_keyring_in_memory_shows_and_copies_nothing():
    keyring = keys.MemoryKeyring()
    keyring.obtain({"office": "Ed25519"})
    assert repr(keyring) == "<MemoryKeyring of 1 keys>"
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(UnsupportedError):
            copied(keyring)
