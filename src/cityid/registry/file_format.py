"""The file of a registry: its tables, and where in its indexes a log is found."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cityid.sqlite import Kind

_TABLES = (
    """CREATE TABLE registry (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        origin TEXT NOT NULL,
        salt BLOB NOT NULL,
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
        place INTEGER PRIMARY KEY,
        sequence INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE head (
        key INTEGER PRIMARY KEY,
        version INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE node (
        level INTEGER NOT NULL,
        position INTEGER NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (level, position)
    ) STRICT, WITHOUT ROWID""",
)
"""The tables.

``record`` has the entries in the order of acceptance, times in microseconds since 1970; the last
record of each append has the root of the tree up to it. ``entry`` and ``head`` are two indexes:
``head`` has the last version of a log at the log's key, ``entry`` has the sequence of each version
at the key plus the version, so that the versions of a log stand side by side. ``node`` has every
fourth level of the Merkle tree.
"""

REGISTRY = Kind(
    noun="registry",
    application=b"city",
    format=1,
    tables=_TABLES,
    remedy="restore it from a backup or a mirror, and compare it with a checkpoint",
)
"""The kind of file that a registry is."""

SALT_SIZE = 16
_KEY_SHIFT = 2
"""Keys have 62 bits: a key plus any version is still an integer of SQLite, which has 63."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a registry is called, and what makes the keys of its logs its own.

    Attributes:
        origin: Its name in checkpoints.
        salt: Random bytes. Without them nobody can choose two names of logs whose keys are one;
            by chance it happens once in millions of registries with a million logs, and the
            second log is then refused.
    """

    origin: str
    salt: bytes

    def digest(self) -> bytes:
        """Return what stands beside the name in the file, so that damage to it shows."""
        return hashlib.sha256(self.salt + self.origin.encode()).digest()

    def keys(self, logs: Sequence[str]) -> dict[str, int]:
        """Return where in the indexes each of some logs is found."""
        salt, sha256, number = self.salt, hashlib.sha256, int.from_bytes
        keys: dict[str, int] = {}
        for log in logs:
            if log not in keys:
                keys[log] = number(sha256(salt + log.encode()).digest()[:8], "big") >> _KEY_SHIFT
        return keys
