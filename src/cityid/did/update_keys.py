"""Update keys: which key may sign the next entry of a log, and which keys that entry commits to.

A log commits to the next update key and, where there is a recovery keyring, to one more key that
nothing but a recovery uses: its commitment is carried from entry to entry, so that even an old copy
of that keyring opens the way. Keys are found by their public halves, whatever they are called.

Spec:
    https://identity.foundation/didwebvh/v1.0/#pre-rotation-key-hash-generation-and-verification
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cityid.did.methods.webvh import History, key_hash
from cityid.errors import ConflictError, NotFoundError
from cityid.keys import Keyring, KeyType, Signer

_NAMED = re.compile(r"did:webvh:([^:]+):.*#(key|update|recovery)-([1-9][0-9]{0,8})", re.ASCII)
_NO_KEYS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs an entry, and what it says of keys.

    Attributes:
        signer: The update key.
        parameters: ``updateKeys`` and ``nextKeyHashes`` of the entry.
    """

    signer: Signer = field(repr=False)
    parameters: Mapping[str, Any]


def update_name(did: str, number: int) -> str:
    """Return what a keyring calls the update key of a version."""
    return f"{did}#update-{number}"


def recovery_name(did: str, number: int) -> str:
    """Return what a keyring calls the recovery key that a version is the first to commit to."""
    return f"{did}#recovery-{number}"


def committed(history: History, keyring: Keyring) -> tuple[str, Signer]:
    """Return a key that may sign the next entry, and how the log names it: by hash or in full.

    Args:
        history: The history so far.
        keyring: Where to look.

    Raises:
        ConflictError: The keyring has keys of versions that the history lacks: it is out of date,
            or was rolled back.
        NotFoundError: The keyring has no key that may change the DID.
    """
    known = _begun_version(keyring.names(), history.scid)
    if known > history.last.number + 1:
        raise ConflictError(
            f"the log at hand ends with version {history.last.number}, and the keyring has keys of "
            f"version {known}: load the identity again; if it is still so, the log was rolled back",
            log=history.scid,
            expected=history.last.number + 1,
            found=known,
        )
    parameters = history.parameters
    found: dict[str, Signer] = {}
    for name in keyring.names():
        signer = keyring.signer(name)
        multikey = signer.public_key.multikey
        found[key_hash(multikey) if parameters.next_key_hashes else multikey] = signer
    for key in parameters.next_key_hashes or parameters.update_keys:
        if key in found:
            return key, found[key]
    raise NotFoundError(
        "no key at hand may change this DID: its next update key is in another keyring, or lost; "
        "recover it with the recovery keyring or with a copy",
        ref=str(history.current_did)[:200],
    )


def ordinary(history: History, keyring: Keyring, wanted: Mapping[str, str] = _NO_KEYS) -> Authority:
    """Return the authority for an ordinary change, with its keys durable in the keyring.

    Args:
        history: The history so far.
        keyring: Where the update key is, and the next one is made.
        wanted: The types of further keys to make with it, all or none, by name.

    Raises:
        NotFoundError: The keyring has no key that may change the DID.
        InvalidInputError: There is such a key already, of another type.
        UnsupportedError: No key of such a type can be made.
        RegistryError: The keys could not be written.
    """
    used, signer = committed(history, keyring)
    kept = [commitment for commitment in history.parameters.next_key_hashes if commitment != used]
    return _with_next_key(history, keyring, signer, kept, wanted)


def recovering(
    history: History, keyring: Keyring, source: Keyring, wanted: Mapping[str, str] = _NO_KEYS
) -> Authority:
    """Return the authority for a recovery, with its keys durable in both keyrings.

    A recovery key is spent by it: the commitment to the lost update key ends, and a new recovery
    key is made.

    Args:
        history: The history so far.
        keyring: Where the next update key is made.
        source: Where the key is that takes the DID back.
        wanted: The types of further keys to make in the keyring, all or none, by name.

    Raises:
        NotFoundError: `source` has no key that may change the DID.
        InvalidInputError: There is such a key already, of another type.
        UnsupportedError: No key of such a type can be made.
        RegistryError: The keys could not be written.
    """
    used, signer = committed(history, source)
    commitments = history.parameters.next_key_hashes
    if used not in commitments[1:]:
        return _with_next_key(history, keyring, signer, list(commitments[1:]), wanted)
    name = recovery_name(str(history.current_did), history.last.number + 1)
    source.obtain({name: KeyType.ED25519})
    kept = [commitment for commitment in commitments[1:] if commitment != used]
    return _with_next_key(history, keyring, signer, [*kept, commitment_to(source, name)], wanted)


def commitment_to(keyring: Keyring, name: str) -> str:
    """Return the hash by which an entry commits to a key."""
    return key_hash(keyring.signer(name).public_key.multikey)


def _begun_version(names: Iterable[str], scid: str) -> int:
    """Return the last version that keys were made for; it was begun, if perhaps not written."""
    versions = [0]
    for name in names:
        match = _NAMED.fullmatch(name)
        if match is not None and match[1] == scid:
            versions.append(int(match[3]) - (match[2] == "update"))
    return max(versions)


def _with_next_key(
    history: History,
    keyring: Keyring,
    signer: Signer,
    kept: list[str],
    wanted: Mapping[str, str],
) -> Authority:
    """Make the keys that the entry needs; a log without pre-rotation begins it."""
    did, number = str(history.current_did), history.last.number + 1
    following, own = update_name(did, number + 1), update_name(did, number)
    begins = not history.parameters.next_key_hashes
    needed = dict.fromkeys((following, own) if begins else (following,), KeyType.ED25519.value)
    keyring.obtain({**needed, **wanted})
    named = keyring.signer(own) if begins else signer
    return Authority(
        signer,
        {
            "updateKeys": [named.public_key.multikey],
            "nextKeyHashes": [commitment_to(keyring, following), *kept],
        },
    )
