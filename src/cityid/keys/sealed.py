"""Files encrypted with a passphrase: what the key store and the wallet are written in.

A sealed file is a header, a secretbox and a SHA-256 over both::

    "cityid sealed", newline | version 1 | operations 4 | memory 8 | salt 16
    nonce 24 | box | SHA-256 32

Argon2id makes the key of the box from the passphrase; what it costs stands in the header, within
bounds, so that no file can ask for a machine's whole memory. The digest keeps no secret: it tells a
damaged file from a wrong passphrase. A file is replaced as a whole or not at all, belongs to its
owner alone from its first byte, and is refused when it does not.

Spec:
    https://www.rfc-editor.org/rfc/rfc9106
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cityid.errors import (
    Code,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.keys.base import Secret

MAX_BYTES = 256 * 2**20
"""The largest sealed file that is read or written."""
_MAGIC = b"cityid sealed\n"
_VERSION = 1
_COST = struct.Struct(">IQ")
_SALT, _BOX, _DIGEST = 16, 24 + 16, 32
_HEADER = len(_MAGIC) + 1 + _COST.size + _SALT
_OWNER_ALONE = 0o600
_OTHERS = 0o077
_DRAFT = ".new"
_PATIENCE = 10.0
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What Argon2id spends on one passphrase.

    Attributes:
        operations: Passes over the memory, 1 to 10.
        memory: Bytes, 8 KiB to 1 GiB.
    """

    operations: int = 3
    memory: int = 64 * 2**20

    def __post_init__(self) -> None:
        if not (1 <= self.operations <= 10 and 2**13 <= self.memory <= 2**30):  # noqa: PLR2004 - said above
            raise InvalidInputError(
                "Argon2id may take 1 to 10 passes over 8 KiB to 1 GiB",
                code=Code.NUMBER_OUT_OF_RANGE,
            )


COST = Cost()


def write_sealed(
    path: str | Path, plaintext: bytes, passphrase: bytes | str, *, new: bool, cost: Cost = COST
) -> None:
    """Write a sealed file, whole or not at all; hold `locked` meanwhile.

    Args:
        path: Where; the folder is there already.
        plaintext: What to encrypt.
        passphrase: What opens it again; text counts as its UTF-8.
        new: Whether the file must not be there yet; else it is replaced.
        cost: What guessing a passphrase shall cost.

    Raises:
        InvalidInputError: The passphrase is empty, or `new` and there is a file.
        RegistryError: The file cannot be written; the old one stands.
    """
    opened, given = Secret(plaintext), Secret(passphrase)
    del plaintext, passphrase
    phrase, place = _passphrase(given), _place(path)
    if new and place.exists():
        raise _taken(place)
    _write(place, _seal(opened, phrase, cost), new=new)


def read_sealed(path: str | Path, passphrase: bytes | str) -> bytes:
    """Read a sealed file.

    Args:
        path: Where it is.
        passphrase: What it was written with.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: Others than its owner may read it (INSECURE_PERMISSIONS), or the
            passphrase is another one (WRONG_PASSPHRASE).
        CorruptError: It is damaged, or no sealed file.
        UnsupportedError: It was written by a later version.
        RegistryError: It cannot be read.
    """
    given = Secret(passphrase)
    del passphrase
    phrase, place = _passphrase(given), _place(path)
    return _unseal(_read(place), phrase, place)


@contextmanager
def locked(path: str | Path, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Be the one writer of a sealed file, across threads and processes.

    Args:
        path: The sealed file, there or not; the lock is a file beside it, which stays.
        patience: How many seconds to wait for another writer.

    Raises:
        RegistryError: Another one is still writing (STORE_LOCKED), or there is no such folder.
    """
    place = _place(path)
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(_beside(place, "lock"), flags, _OWNER_ALONE)
    except OSError as error:
        raise _failed("locked", place, error) from error
    try:
        _acquire(descriptor, place, time.monotonic() + patience)
        _sweep(place)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, place: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise RegistryError(
                    f"another writer holds {place}; try again when it is done",
                    code=Code.STORE_LOCKED,
                ) from None
            time.sleep(_PAUSE)
        except OSError as error:
            raise _failed("locked", place, error) from error
        else:
            return


def _sweep(place: Path) -> None:
    """Remove what writers left that died; who holds the lock knows that none is alive."""
    for leftover in place.parent.iterdir():
        if leftover.name.startswith(_beside(place, "").name) and leftover.suffix == _DRAFT:
            with suppress(OSError):
                leftover.unlink()


def _place(path: str | Path) -> Path:
    """Return the file that a symbolic link stands for, so that it is the file that is replaced."""
    try:
        return Path(os.path.realpath(path))
    except (ValueError, TypeError) as error:
        raise InvalidInputError("this is no path", code=Code.INVALID_OPTIONS) from error


def _beside(place: Path, suffix: str) -> Path:
    return place.with_name(f".{place.name}.{suffix}")


def _passphrase(given: Secret[bytes | str]) -> Secret[bytes]:
    if not _can_be_passphrase(given.reveal()):
        raise InvalidInputError(
            "a passphrase is text or bytes, and not empty", code=Code.INVALID_OPTIONS
        )
    return Secret(_encoded(given.reveal()))


def _can_be_passphrase(value: object) -> bool:
    return isinstance(value, bytes | str) and len(value) > 0


def _encoded(text: bytes | str) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)


def _seal(plaintext: Secret[bytes], passphrase: Secret[bytes], cost: Cost) -> bytes:
    from nacl.secret import SecretBox

    salt = secrets.token_bytes(_SALT)
    header = _MAGIC + bytes([_VERSION]) + _COST.pack(cost.operations, cost.memory) + salt
    box = SecretBox(_derive(passphrase, salt, cost).reveal())
    sealed = header + bytes(box.encrypt(plaintext.reveal()))
    return sealed + sha256(sealed).digest()


def _unseal(content: bytes, passphrase: Secret[bytes], place: Path) -> bytes:
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    cost, salt, box = _take_apart(content, place)
    key = _derive(passphrase, salt, cost)
    try:
        return SecretBox(key.reveal()).decrypt(box)
    except CryptoError:
        pass  # raised below, out of reach of the traceback that holds the key
    raise InvalidInputError(f"the passphrase does not open {place}", code=Code.WRONG_PASSPHRASE)


def _take_apart(content: bytes, place: Path) -> tuple[Cost, bytes, bytes]:
    sealed, digest = content[:-_DIGEST], content[-_DIGEST:]
    whole = len(sealed) >= _HEADER + _BOX and sealed.startswith(_MAGIC)
    if not whole or sha256(sealed).digest() != digest:
        raise CorruptError(
            f"{place} is damaged or no file of cityid; restore a backup", place=str(place)
        )
    version = sealed[len(_MAGIC)]
    if version != _VERSION:
        raise UnsupportedError(
            f"{place} has format version {version}",
            name=f"sealed file version {version}",
            known=(f"version {_VERSION}",),
        )
    operations, memory = _COST.unpack_from(sealed, len(_MAGIC) + 1)
    try:
        cost = Cost(operations, memory)
    except InvalidInputError as error:
        raise CorruptError(f"{place} asks for too much: {error}", place=str(place)) from error
    return cost, sealed[_HEADER - _SALT : _HEADER], sealed[_HEADER:]


def _derive(passphrase: Secret[bytes], salt: bytes, cost: Cost) -> Secret[bytes]:
    from nacl.exceptions import RuntimeError as SodiumFailedError
    from nacl.pwhash import argon2id
    from nacl.secret import SecretBox

    try:
        return Secret(
            argon2id.kdf(
                SecretBox.KEY_SIZE, passphrase.reveal(), salt, cost.operations, cost.memory
            )
        )
    except SodiumFailedError:
        pass  # raised below, out of reach of the traceback that holds the passphrase
    raise RegistryError(f"there is not enough memory for Argon2id: {cost.memory} bytes")


def _read(place: Path) -> bytes:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _check_file(os.fstat(descriptor), place)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(MAX_BYTES)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {place}", ref=str(place)) from error
    except OSError as error:
        raise _failed("read", place, error) from error


def _check_file(status: os.stat_result, place: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInputError(f"{place} is no file", code=Code.INVALID_OPTIONS)
    if status.st_mode & _OTHERS:
        raise InvalidInputError(
            f"others than its owner may open {place}: run chmod 600 on it, "
            "and change what it holds if they may have read it",
            code=Code.INSECURE_PERMISSIONS,
        )
    if status.st_size > MAX_BYTES:
        raise InvalidInputError(f"{place} is too large", code=Code.INPUT_TOO_LARGE)


def _write(place: Path, content: bytes, *, new: bool) -> None:
    if len(content) > MAX_BYTES:
        raise InvalidInputError("too much for one sealed file", code=Code.INPUT_TOO_LARGE)
    draft = _beside(place, secrets.token_hex(8) + _DRAFT)
    try:
        _write_draft(draft, content)
        if new:
            os.link(draft, place)  # a rename would replace a file that is there
        else:
            draft.replace(place)
        _sync_folder(place.parent)
    except FileExistsError:
        raise _taken(place) from None
    except OSError as error:
        raise _failed("written", place, error) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _write_draft(draft: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, _OWNER_ALONE), "wb") as file:
        os.fchmod(file.fileno(), _OWNER_ALONE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(place: Path) -> InvalidInputError:
    return InvalidInputError(f"there is a file {place} already", code=Code.INVALID_OPTIONS)


def _failed(deed: str, place: Path, error: OSError) -> RegistryError:
    if isinstance(error, FileNotFoundError):
        return RegistryError(f"there is no directory {place.parent}")
    return RegistryError(f"{place} cannot be {deed}: {error.strerror or error}")
