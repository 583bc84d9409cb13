"""The wallet: a holder's credentials and keys in one sealed file.

The keys lie with the credentials, because a credential bound to a lost key is lost too: one
backup restored on a new device shows credentials again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from cityid.canonical import jcs
from cityid.credential import Credential
from cityid.errors import (
    CityIdError,
    Code,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    quote,
)
from cityid.keys import PrivateKey, Signer, private_key_from_multikey
from cityid.keys.base import Secret
from cityid.keys.sealed import COST, Cost, locked, read_sealed, write_sealed

_VERSION = 1
_MAX_NAME = 200
_ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One credential in a wallet.

    Attributes:
        id: What the wallet knows it by: the first 128 bits of the SHA-256 of its canonical JSON.
        name: What its holder calls it; empty without.
        credential: The credential.
    """

    id: str
    name: str
    credential: Credential


@dataclass(frozen=True, slots=True)
class _Content:
    entries: Mapping[str, Entry]
    keys: Mapping[str, PrivateKey]


class Wallet:
    """Credentials and keys in one encrypted file for one owner.

    The file is read when the wallet is opened; every change is written before it is seen, onto
    what other writers have written in the meantime.
    """

    __slots__ = ("_content", "_cost", "_passphrase", "_path")

    def __init__(
        self, path: Path, passphrase: Secret[bytes | str], cost: Cost, content: _Content
    ) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost
        self._content = content

    @classmethod
    def create(cls, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST) -> Wallet:
        """Make an empty wallet.

        Args:
            path: The file, not there yet, in a folder that is.
            passphrase: What opens it.
            cost: What guessing the passphrase shall cost.

        Raises:
            InvalidInputError: There is a file already, or the passphrase is empty.
            RegistryError: The file cannot be written.
        """
        secret: Secret[bytes | str] = Secret(passphrase)
        del passphrase
        return cls._made(Path(path), secret, cost, _Content({}, {}))

    @classmethod
    def open(cls, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST) -> Wallet:
        """Open a wallet.

        Args:
            path: The file.
            passphrase: What it was made with.
            cost: What guessing the passphrase shall cost once a change is written.

        Raises:
            NotFoundError: There is no such file.
            InvalidInputError: Others may read it (INSECURE_PERMISSIONS), or the passphrase is
                another one (WRONG_PASSPHRASE).
            CorruptError: It is damaged, or no wallet.
            UnsupportedError: It was written by a later version.
        """
        secret: Secret[bytes | str] = Secret(passphrase)
        del passphrase
        return cls(Path(path), secret, cost, _read(Path(path), secret))

    @classmethod
    def restore(
        cls, backup: str | Path, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST
    ) -> Wallet:
        """Make a wallet from a backup: what one does when a device is lost.

        Args:
            backup: The backup; it is only read.
            path: The file of the new wallet, not there yet.
            passphrase: What the backup was made with; it opens the new wallet too.
            cost: What guessing the passphrase shall cost.

        Raises:
            CityIdError: As `open` does for the backup, and `create` for the new wallet.
        """
        secret: Secret[bytes | str] = Secret(passphrase)
        del passphrase
        content = _read(Path(backup), secret)
        return cls._made(Path(path), secret, cost, content)

    @classmethod
    def _made(
        cls, path: Path, passphrase: Secret[bytes | str], cost: Cost, content: _Content
    ) -> Wallet:
        wallet = cls(path, passphrase, cost, content)
        with locked(path):
            wallet._write(content, new=True)
        return wallet

    def __repr__(self) -> str:
        content = self._content
        return (
            f"<Wallet {str(self._path)!r} of {len(content.entries)} credentials"
            f" and {len(content.keys)} keys>"
        )

    def _repr_html_(self) -> str:
        from cityid import display

        rows = [
            (entry.name, ", ".join(entry.credential.types[-1:]), entry.id) for entry in self.list()
        ]
        facts = [("file", str(self._path)), ("keys", list(self.key_names()))]
        table = display.rows_table(("name", "type", "id"), rows)
        return display.card("Wallet", facts, body=table)

    def __reduce__(self) -> NoReturn:
        raise UnsupportedError("a wallet can be neither copied nor pickled", name="pickle")

    def put(
        self, credential: Credential | Mapping[str, Any] | str | bytes, name: str | None = None
    ) -> str:
        """Put a credential in; the same credential again changes nothing but its name.

        Args:
            credential: The credential. It is not verified here.
            name: What to call it; None leaves the name it has.

        Returns:
            Its id in the wallet.

        Raises:
            InvalidInputError: It is not a JSON object, or the name is no name.
            RegistryError: The wallet cannot be written, or another writer holds it.
        """
        view = Credential.of(credential)
        if name is not None:
            _check_name(name)
        key = sha256(jcs.canonicalize(view.document)).hexdigest()[:_ID_DIGITS]

        def add(content: _Content) -> _Content:
            kept = content.entries.get(key, Entry(key, "", view))
            entry = kept if name is None else replace(kept, name=name)
            return replace(content, entries={**content.entries, key: entry})

        self._change(add)
        return key

    def list(self) -> tuple[Entry, ...]:
        """Return every credential, in the order they were put in."""
        return tuple(self._content.entries.values())

    def get(self, id: str) -> Credential:  # noqa: A002 - the entry's own word
        """Return a credential.

        Args:
            id: What `put` returned.

        Raises:
            NotFoundError: There is no such credential.
        """
        if id not in self._content.entries:
            raise _no_entry(id)
        return self._content.entries[id].credential

    def delete(self, id: str) -> None:  # noqa: A002 - the entry's own word
        """Delete a credential for good.

        Args:
            id: What `put` returned.

        Raises:
            NotFoundError: There is no such credential.
            RegistryError: The wallet cannot be written, or another writer holds it.
        """

        def remove(content: _Content) -> _Content:
            if id not in content.entries:
                raise _no_entry(id)
            entries = {key: entry for key, entry in content.entries.items() if key != id}
            return replace(content, entries=entries)

        self._change(remove)

    def key_names(self) -> tuple[str, ...]:
        """Return the names of the keys, sorted."""
        return tuple(sorted(self._content.keys))

    def add_key(self, name: str, key: PrivateKey) -> None:
        """Add a key of the holder; the same key under the same name changes nothing.

        Args:
            name: What the key is called from now on; no other key may be called so.
            key: The key.

        Raises:
            InvalidInputError: The name is no name, or another key has it.
            RegistryError: The wallet cannot be written, or another writer holds it.
        """
        _check_name(name)

        def add(content: _Content) -> _Content:
            taken = content.keys.get(name)
            if taken is None:
                return replace(content, keys={**content.keys, name: key})
            if taken.public_key == key.public_key:
                return content
            raise InvalidInputError(
                f"there is another key {quote(name)} already", code=Code.INVALID_OPTIONS
            )

        self._change(add)

    def signer(self, name: str) -> Signer:
        """Return who signs with the key of that name.

        Raises:
            NotFoundError: There is no such key.
        """
        if name not in self._content.keys:
            raise NotFoundError(f"the wallet has no key {quote(name)}", ref=str(name))
        return self._content.keys[name]

    def backup(self, path: str | Path, passphrase: bytes | str) -> None:
        """Write everything, keys included, to another sealed file.

        Args:
            path: The file, not there yet; keep it on another device.
            passphrase: What opens the backup; it may be another one than the wallet's.

        Raises:
            InvalidInputError: There is a file already, or the passphrase is empty.
            RegistryError: The file cannot be written.
        """
        secret: Secret[bytes | str] = Secret(passphrase)
        del passphrase
        with locked(self._path):
            content = _read(self._path, self._passphrase)
        Wallet._made(Path(path), secret, self._cost, content)

    def _change(self, edit: Callable[[_Content], _Content]) -> None:
        with locked(self._path):
            before = _read(self._path, self._passphrase)
            after = edit(before)
            if after == before:
                self._content = after
            else:
                self._write(after, new=False)

    def _write(self, content: _Content, *, new: bool) -> None:
        sealed = Secret(_pack(content))
        write_sealed(
            self._path, sealed.reveal(), self._passphrase.reveal(), new=new, cost=self._cost
        )
        self._content = content


def _read(path: Path, passphrase: Secret[bytes | str]) -> _Content:
    return _unpack(Secret(read_sealed(path, passphrase.reveal())), path)


def _no_entry(key: object) -> NotFoundError:
    return NotFoundError(f"the wallet has no credential {quote(key)}", ref=str(key))


def _check_name(name: object) -> None:
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= _MAX_NAME):
        raise InvalidInputError(
            f"a name is 1 to {_MAX_NAME} printable characters", code=Code.INVALID_OPTIONS
        )


def _pack(content: _Content) -> bytes:
    entries = [
        {"id": entry.id, "name": entry.name, "credential": entry.credential.document}
        for entry in content.entries.values()
    ]
    keys = {name: key.export_multikey() for name, key in content.keys.items()}
    return json.dumps({"wallet": _VERSION, "credentials": entries, "keys": keys}).encode()


def _unpack(packed: Secret[bytes], path: Path) -> _Content:
    try:
        found: Secret[Any] = Secret(json.loads(packed.reveal()))
        version = found.reveal()["wallet"]
        if version == _VERSION:
            rows = found.reveal()["credentials"]
            entries = [Entry(row["id"], row["name"], Credential(row["credential"])) for row in rows]
            keys = {name: Secret(row) for name, row in found.reveal()["keys"].items()}
            return _Content(
                {entry.id: entry for entry in entries},
                {name: private_key_from_multikey(row.reveal()) for name, row in keys.items()},
            )
    except (ValueError, TypeError, KeyError, AttributeError, CityIdError) as error:
        raise CorruptError(f"{path} is a sealed file, but no wallet", place=str(path)) from error
    raise UnsupportedError(
        f"{path} has a format of another version of cityid",
        name=f"wallet format {quote(version)}",
        known=(f"wallet format {_VERSION}",),
    )
