"""Keyrings: private keys by name, wherever they are kept.

A `Keyring` is what makes new keys and has them durable before anybody relies on them. `KeyStore`
is the one in an encrypted file, `MemoryKeyring` the one that ends with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NoReturn, Protocol

from cityid.errors import Code, InvalidInputError, NotFoundError, UnsupportedError, quote
from cityid.keys.base import PrivateKey, Signer
from cityid.keys.table import algorithm

MAX_NAME = 400
"""The longest name of a key: room for the URL of a verification method."""


class Keyring(Protocol):
    """The port behind which an identity keeps the keys that act for it and change it."""

    def names(self) -> tuple[str, ...]:
        """Return the names of the keys."""
        ...

    def signer(self, name: str) -> Signer:
        """Return who signs with the key of that name.

        Raises:
            NotFoundError: There is no such key.
        """
        ...

    def add_all(self, keys: Mapping[str, PrivateKey]) -> None:
        """Add keys: all of them or none; they are durable when this returns.

        Args:
            keys: The keys, by names that are not taken.

        Raises:
            InvalidInputError: A name is no name, or taken.
            RegistryError: They cannot be written.
        """
        ...

    def obtain(self, wanted: Mapping[str, str]) -> None:
        """Make the keys that are not there yet: all of them or none, durable on return.

        Whoever died after this asks again for the same names and has the same keys.

        Args:
            wanted: The type of each key, by its name.

        Raises:
            InvalidInputError: A name is no name, or there is a key of another type.
            UnsupportedError: No key of such a type can be made.
            RegistryError: They cannot be written.
        """
        ...


def demand_keyring(given: object, name: str) -> None:
    """Refuse what is no keyring, such as the path of a key store.

    Args:
        given: What should be one; None will do.
        name: What the caller calls it.

    Raises:
        InvalidInputError: It is something else.
    """
    if given is not None and not callable(getattr(given, "obtain", None)):
        raise InvalidInputError(
            f"{name}= takes a keyring, such as keys.KeyStore.open gives, not {quote(given)}",
            code=Code.INVALID_OPTIONS,
        )


class MemoryKeyring:
    """A keyring that lives as long as the process."""

    __slots__ = ("_keys", "_lock")

    def __init__(self) -> None:
        self._keys: dict[str, PrivateKey] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<MemoryKeyring of {len(self._keys)} keys>"

    def __reduce__(self) -> NoReturn:
        raise UnsupportedError("a keyring can be neither copied nor pickled", name="pickle")

    def names(self) -> tuple[str, ...]:
        """Return the names of the keys, sorted."""
        return tuple(sorted(self._keys))

    def signer(self, name: str) -> PrivateKey:
        """Return who signs with the key of that name.

        Raises:
            NotFoundError: There is no such key.
        """
        return found(self._keys, name)

    def add_all(self, keys: Mapping[str, PrivateKey]) -> None:
        """Add keys, all of them or none, as `Keyring.add_all` says.

        Raises:
            InvalidInputError: A name is no name, or taken.
        """
        with self._lock:
            self._keys = joined(self._keys, keys)

    def obtain(self, wanted: Mapping[str, str]) -> None:
        """Make the keys that are not there yet, as `Keyring.obtain` says.

        Raises:
            InvalidInputError: A name is no name, or there is a key of another type.
            UnsupportedError: No key of such a type can be made.
        """
        with self._lock:
            self._keys = joined(self._keys, lacking(self._keys, wanted))


def joined(keys: Mapping[str, PrivateKey], more: Mapping[str, PrivateKey]) -> dict[str, PrivateKey]:
    """Return the keys of both by name.

    Args:
        keys: The keys that are there.
        more: Keys to add.

    Raises:
        InvalidInputError: A name is no name, or taken.
    """
    for name in more:
        check_name(name)
        if name in keys:
            raise InvalidInputError(
                f"there is a key {quote(name)} already", code=Code.INVALID_OPTIONS
            )
    return {**keys, **more}


def lacking(keys: Mapping[str, PrivateKey], wanted: Mapping[str, str]) -> dict[str, PrivateKey]:
    """Make the wanted keys that are not there.

    Args:
        keys: The keys that are there.
        wanted: The type of each wanted key, by its name.

    Raises:
        InvalidInputError: There is a key of that name, but of another type.
        UnsupportedError: No key of such a type can be made.
    """
    made: dict[str, PrivateKey] = {}
    for name, type_ in wanted.items():
        kind = algorithm(type_)
        if name not in keys:
            made[name] = PrivateKey(kind, kind.draw())
        elif keys[name].public_key.type is not kind.type:
            raise InvalidInputError(
                f"the key {quote(name, 120)} is there already, of type "
                f"{keys[name].public_key.type}; ask for that type",
                code=Code.INVALID_OPTIONS,
            )
    return made


def found(keys: Mapping[str, PrivateKey], name: str) -> PrivateKey:
    """Return the key of a name.

    Raises:
        NotFoundError: There is no such key.
    """
    if not _is_name(name) or name not in keys:
        raise NotFoundError(f"there is no key {quote(name)}", ref=str(name)[:MAX_NAME])
    return keys[name]


def check_name(name: str) -> None:
    """Refuse what no key can be called.

    Raises:
        InvalidInputError: The name is no name.
    """
    if not _is_name(name):
        raise InvalidInputError(
            f"the name of a key is 1 to {MAX_NAME} printable characters",
            code=Code.INVALID_OPTIONS,
        )


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and 0 < len(name) <= MAX_NAME
