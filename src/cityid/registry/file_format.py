"""The file of a registry: its tables, how it comes into being, and which files are refused."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cityid.errors import Code, InvalidInputError, RegistryError, UnsupportedError, quote
from cityid.registry.sqlite import damaged, open_connection, translated

FORMAT = 1
"""The version of the file format; it stands in the file as SQLite's ``user_version``."""
APPLICATION_ID = 0x63697479
"""What marks an SQLite file as a registry of cityid: ``city``."""

SCHEMA = (
    """CREATE TABLE registry (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        origin TEXT NOT NULL,
        digest BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE record (
        sequence INTEGER PRIMARY KEY,
        log TEXT NOT NULL,
        version INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        leaf BLOB NOT NULL,
        root BLOB,
        data BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE entry (
        key BLOB NOT NULL,
        version INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        PRIMARY KEY (key, version)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE head (
        key BLOB PRIMARY KEY,
        version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE node (
        level INTEGER NOT NULL,
        position INTEGER NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (level, position)
    ) STRICT, WITHOUT ROWID""",
)
"""The tables; a file whose tables are others, in a letter, is not of this format.

``record`` has the entries in the order of acceptance, times in microseconds since 1970; the last
record of each append has the root of the tree up to it. ``entry`` and ``head`` find the records
and the last version of a log by its key. ``node`` has every fourth level of the Merkle tree.
"""


def key(log: str) -> bytes:
    """Return what stands for a log's name in the indexes: short, and spread evenly."""
    return hashlib.sha256(log.encode()).digest()[:16]


def digest(origin: str) -> bytes:
    """Return what stands beside the registry's name, so that damage to it shows."""
    return hashlib.sha256(origin.encode()).digest()


def resolve(path: str | os.PathLike[str]) -> Path:
    """Return the file that is meant, whatever directory the process goes to later.

    Args:
        path: Its path.

    Raises:
        InvalidInputError: No file can have this path.
    """
    try:
        text: object = os.fspath(path)
        if isinstance(text, str) and text and b"\x00" not in os.fsencode(text):
            return Path(os.path.realpath(text))
    except (TypeError, UnicodeEncodeError):
        pass
    raise InvalidInputError(f"{quote(path)} is not the path of a file", code=Code.INVALID_OPTIONS)


def create(path: Path, origin: str, timeout: float) -> None:
    """Make an empty registry beside its place, then put it there whole, unless one came first.

    Args:
        path: Where the file is to be.
        origin: The registry's name.
        timeout: For how many seconds to wait for other processes.

    Raises:
        CorruptError: There was a registry, and a part of it is left.
        RegistryError: The file cannot be made.
    """
    if os.path.exists(f"{path}-wal"):  # noqa: PTH110 - unlike Path.exists, it never raises
        raise damaged(path, "the file is gone, but its write-ahead log is there")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _fill(draft, origin, timeout)
            os.link(draft, path)
        except FileExistsError:
            return  # another process was faster
        finally:
            draft.unlink()
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise RegistryError(f"the registry {path} cannot be made: {error.strerror}") from error


def _fill(path: Path, origin: str, timeout: float) -> None:
    connection = open_connection(path, mode="rw", timeout=timeout)
    try:
        with translated(path):
            connection.execute("BEGIN")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO registry VALUES (1, ?, ?)", (origin, digest(origin)))
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def check_format(path: Path, timeout: float) -> None:
    """Refuse a file that is not a registry of this format, without writing to it.

    Args:
        path: The file.
        timeout: For how many seconds to wait for other processes.

    Raises:
        UnsupportedError: The file has another version of the format.
        CorruptError: The file is damaged, or not a registry.
        RegistryError: The file cannot be read.
    """
    connection = open_connection(path, mode="ro", timeout=timeout)
    try:
        with translated(path):
            application, version, journal = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version", "journal_mode")
            )
            schema = {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema")}
    finally:
        connection.close()
    if application != APPLICATION_ID:
        raise damaged(path, "it is not a registry of cityid")
    if version != FORMAT:
        raise UnsupportedError(
            f"the registry {path} has format {version}, which this version of cityid does not read",
            name=str(version),
            known=(str(FORMAT),),
        )
    if journal != "wal" or schema != set(SCHEMA):
        raise damaged(path, "its tables are not those of a registry")
