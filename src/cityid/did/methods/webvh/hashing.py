"""The hashes that hold a log together: the SCID, the hash of each entry, and those of next keys.

Spec:
    https://identity.foundation/didwebvh/v1.0/#scid-generation-and-verification
    https://identity.foundation/didwebvh/v1.0/#entry-hash-generation-and-verification
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cityid.canonical import jcs
from cityid.did.methods.webvh.location import SCID_PLACEHOLDER
from cityid.encoding import base58btc_encode, multihash_encode


def scid_of(entry: Mapping[str, Any]) -> str:
    """Return the SCID of a first entry in which placeholders stand for it.

    Args:
        entry: The entry, without ``proof``; its ``versionId`` does not matter.

    Raises:
        InvalidInputError: The entry is not I-JSON.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#generate-scid
    """
    return _hash(jcs.canonicalize({**entry, "versionId": SCID_PLACEHOLDER}))


def entry_hash(entry: Mapping[str, Any], predecessor: str) -> str:
    """Return the hash of an entry, which chains it to the one before.

    Args:
        entry: The entry, without ``proof``; its own ``versionId`` does not matter.
        predecessor: The ``versionId`` of the entry before; for the first entry the SCID.

    Raises:
        InvalidInputError: The entry is not I-JSON.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#generate-entry-hash
    """
    return _hash(jcs.canonicalize({**entry, "versionId": predecessor}))


def chained_hash(canonical: bytes, version_id: str, time: str, predecessor: str) -> str:
    """Return the hash of an entry that is in canonical form already; see `entry_hash`.

    In that form ``versionId`` and ``versionTime`` stand last, so that one end is put for another.

    Args:
        canonical: The entry, without ``proof``.
        version_id: Its ``versionId``.
        time: Its ``versionTime``.
        predecessor: The ``versionId`` of the entry before; for the first entry the SCID.
    """
    return _hash(canonical.removesuffix(_end(version_id, time)) + _end(predecessor, time))


def key_hash(multikey: str) -> str:
    """Return the hash by which a key is committed to before anyone sees it.

    Args:
        multikey: The public key as a Multikey.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#pre-rotation-key-hash-generation-and-verification
    """
    return _hash(multikey.encode())


def replaced(value: Any, old: str, new: str) -> Any:
    """Return a JSON value in which one text stands for another, in names too.

    Args:
        value: The value.
        old: What is replaced, wherever it occurs within a text.
        new: What replaces it.
    """
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {name.replace(old, new): replaced(item, old, new) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(item, old, new) for item in value]
    return value


def _end(version_id: str, time: str) -> bytes:
    return f',"versionId":"{version_id}","versionTime":"{time}"}}'.encode()


def _hash(data: bytes) -> str:
    return base58btc_encode(multihash_encode("sha2-256", hashlib.sha256(data).digest()))
