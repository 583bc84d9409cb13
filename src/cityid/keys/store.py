"""The key store: private keys by name, in one sealed file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from cityid.errors import CorruptError, UnsupportedError
from cityid.keys.base import PrivateKey, PublicKey, Secret
from cityid.keys.keyring import check_name, found, joined, lacking
from cityid.keys.multikey import private_key_from_multikey
from cityid.keys.sealed import COST, Cost, locked, read_sealed, write_sealed

_VERSION = 1


class KeyStore:
    """Private keys by name, in one encrypted file for one owner.

    The keys are read when the store is opened; every change is written before it is seen, onto
    what other writers have written in the meantime.
    """

    __slots__ = ("_cost", "_keys", "_passphrase", "_path")

    def __init__(
        self,
        path: str | Path,
        passphrase: Secret[bytes | str],
        cost: Cost,
        keys: dict[str, PrivateKey],
    ) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost
        self._keys = keys

    @classmethod
    def create(cls, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST) -> KeyStore:
        """Make an empty store.

        Args:
            path: The file, not there yet, in a folder that is.
            passphrase: What opens it.
            cost: What guessing the passphrase shall cost.

        Raises:
            InvalidInputError: There is a file already, or the passphrase is empty.
            RegistryError: The file cannot be written.
        """
        store = cls(path, Secret(passphrase), cost, {})
        del passphrase
        with locked(path):
            store._write({}, new=True)
        return store

    @classmethod
    def open(cls, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST) -> KeyStore:
        """Open a store.

        Args:
            path: The file.
            passphrase: What it was made with.
            cost: What guessing the passphrase shall cost once a change is written.

        Raises:
            NotFoundError: There is no such file.
            InvalidInputError: Others may read it (INSECURE_PERMISSIONS), or the passphrase is
                another one (WRONG_PASSPHRASE).
            CorruptError: It is damaged, or no key store.
        """
        store = cls(path, Secret(passphrase), cost, {})
        del passphrase
        store._keys = store._read()
        return store

    def __repr__(self) -> str:
        return f"<KeyStore {self._path} of {len(self._keys)} keys>"

    def _repr_html_(self) -> str:
        from cityid import display

        public = {name: self._keys[name].public_key for name in self.names()}
        rows = [(name, key.type, key.multikey) for name, key in public.items()]
        table = display.rows_table(("name", "type", "public key"), rows)
        return display.card("Key store", [("file", str(self._path))], body=table)

    def __reduce__(self) -> NoReturn:
        raise UnsupportedError("a key store can be neither copied nor pickled", name="pickle")

    def names(self) -> tuple[str, ...]:
        """Return the names of the keys, sorted."""
        return tuple(sorted(self._keys))

    def signer(self, name: str) -> PrivateKey:
        """Return who signs with the key of that name.

        Raises:
            NotFoundError: There is no such key.
        """
        return found(self._keys, name)

    def public_key(self, name: str) -> PublicKey:
        """Return the public half of the key of that name.

        Raises:
            NotFoundError: There is no such key.
        """
        return self.signer(name).public_key

    def add(self, name: str, key: PrivateKey) -> None:
        """Add a key and write the store.

        Args:
            name: What the key is called from now on; no other key may be called so.
            key: The key.

        Raises:
            InvalidInputError: The name is no name, or taken.
            RegistryError: The store cannot be written, or another writer holds it.
        """
        check_name(name)
        self.add_all({name: key})

    def add_all(self, keys: Mapping[str, PrivateKey]) -> None:
        """Add keys, all of them or none, and write the store once.

        Args:
            keys: The keys, by names that are not taken.

        Raises:
            InvalidInputError: A name is no name, or taken.
            RegistryError: The store cannot be written, or another writer holds it.
        """
        joined({}, keys)
        with locked(self._path):
            self._write(joined(self._read(), keys), new=False)

    def obtain(self, wanted: Mapping[str, str]) -> None:
        """Make the keys that are not there yet, all of them or none, and write the store once.

        Whoever died after this asks again for the same names and has the same keys.

        Args:
            wanted: The type of each key, by its name.

        Raises:
            InvalidInputError: A name is no name, or there is a key of another type.
            UnsupportedError: No key of such a type can be made.
            RegistryError: The store cannot be written, or another writer holds it.
        """
        with locked(self._path):
            there = self._read()
            made = lacking(there, wanted)
            if made:
                self._write(joined(there, made), new=False)
            else:
                self._keys = there

    def remove(self, name: str) -> None:
        """Remove a key for good and write the store.

        Raises:
            NotFoundError: There is no such key.
            RegistryError: The store cannot be written, or another writer holds it.
        """
        with locked(self._path):
            keys = self._read()
            found(keys, name)
            self._write({n: key for n, key in keys.items() if n != name}, new=False)

    def _read(self) -> dict[str, PrivateKey]:
        return _unpack(Secret(read_sealed(self._path, self._passphrase.reveal())), self._path)

    def _write(self, keys: dict[str, PrivateKey], *, new: bool) -> None:
        write_sealed(self._path, _pack(keys), self._passphrase.reveal(), new=new, cost=self._cost)
        self._keys = keys


def _pack(keys: dict[str, PrivateKey]) -> bytes:
    rows = {name: key.export_multikey() for name, key in keys.items()}
    return json.dumps({"version": _VERSION, "keys": rows}, sort_keys=True).encode()


def _unpack(content: Secret[bytes], path: str | Path) -> dict[str, PrivateKey]:
    rows = _rows(content)
    if rows is None:
        raise CorruptError(f"{path} is a sealed file, but no key store", place=str(path))
    return {name: private_key_from_multikey(row.reveal()) for name, row in rows.items()}


def _rows(content: Secret[bytes]) -> dict[str, Secret[str]] | None:
    """Return each key still as text; None where the content is no key store of this version."""
    try:
        store: Any = json.loads(content.reveal())
        if store["version"] == _VERSION:
            return {name: Secret(row) for name, row in store["keys"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return None
