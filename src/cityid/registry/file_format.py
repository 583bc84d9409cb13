"""The file of a registry: its tables, and how logs are named in its indexes."""

from __future__ import annotations

import hashlib

from cityid.sqlite import Kind

_TABLES = (
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
"""The tables.

``record`` has the entries in the order of acceptance, times in microseconds since 1970; the last
record of each append has the root of the tree up to it. ``entry`` and ``head`` find the records
and the last version of a log by its key. ``node`` has every fourth level of the Merkle tree.
"""

REGISTRY = Kind(
    noun="registry",
    application=b"city",
    format=1,
    tables=_TABLES,
    remedy="restore it from a backup or a mirror, and compare it with a checkpoint",
)
"""The kind of file that a registry is."""


def key(log: str) -> bytes:
    """Return what stands for a log's name in the indexes: short, and spread evenly."""
    return hashlib.sha256(log.encode()).digest()[:16]


def digest(origin: str) -> bytes:
    """Return what stands beside the registry's name, so that damage to it shows."""
    return hashlib.sha256(origin.encode()).digest()
