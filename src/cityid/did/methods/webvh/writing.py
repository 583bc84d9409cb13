"""Writing logs: pure functions from documents, parameters, keys and time to entries.

A first entry is made from a document and parameters in which `SCID_PLACEHOLDER` stands for the
SCID; each further one from the history so far. What no resolver would accept is not written.

Spec:
    https://identity.foundation/didwebvh/v1.0/#create-register
    https://identity.foundation/didwebvh/v1.0/#update-rotate
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cityid import strict_json, timestamp
from cityid.did.methods.webvh.entry import LogEntry, read_entry
from cityid.did.methods.webvh.hashing import entry_hash, replaced, scid_of
from cityid.did.methods.webvh.history import History, following, verify_log
from cityid.did.methods.webvh.location import SCID_PLACEHOLDER
from cityid.did.methods.webvh.parameters import METHOD
from cityid.did.methods.webvh.proofs import make_proof
from cityid.errors import Code, InvalidInputError
from cityid.keys import Signer
from cityid.strict_json import JSONObject


def first_entry(
    state: Mapping[str, Any], parameters: Mapping[str, Any], signer: Signer, *, at: datetime
) -> LogEntry:
    """Make the first entry of a DID, and so the DID.

    Args:
        state: The document, with `SCID_PLACEHOLDER` where the SCID will stand; its ``id`` is what
            `location.template` gives.
        parameters: ``updateKeys`` and whatever else; ``method`` and ``scid`` are added.
        signer: One of the update keys.
        at: The entry's time, written in whole seconds.

    Returns:
        The entry; its ``state["id"]`` is the DID.

    Raises:
        InvalidInputError: No resolver would accept it (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#create-register
    """
    preliminary = strict_json.snapshot(
        {
            "versionId": SCID_PLACEHOLDER,
            "versionTime": timestamp.write(at),
            "parameters": {**parameters, "method": METHOD, "scid": SCID_PLACEHOLDER},
            "state": dict(state),
        }
    )
    scid = scid_of(preliminary)
    entry = sealed(replaced(preliminary, SCID_PLACEHOLDER, scid), 1, scid, (signer,), at)
    following(None, entry, scid, at)
    return entry


def next_entry(
    history: History,
    signer: Signer,
    *,
    at: datetime,
    state: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> LogEntry:
    """Make the entry that follows a history.

    Args:
        history: The history, sound to its end.
        signer: A key that may update the DID: under pre-rotation one of the entry's own
            ``updateKeys``, else one of those in force.
        at: The entry's time, written in whole seconds.
        state: The new document, with nothing left out; the one in force where it is not given.
        parameters: Those that change.

    Raises:
        InvalidInputError: The history is not sound, or no resolver would accept the entry
            (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#update-rotate
    """
    last = history.require().last
    document = strict_json.snapshot(
        {
            "versionId": last.version_id,
            "versionTime": timestamp.write(at),
            "parameters": dict(parameters or {}),
            "state": dict(last.state if state is None else state),
        }
    )
    entry = sealed(document, last.number + 1, last.version_id, (signer,), at)
    following(history.versions[-1], entry, history.scid, at)
    return entry


def begun(
    entry: LogEntry, witness_proofs: Sequence[Mapping[str, Any]] = (), *, at: datetime
) -> History:
    """Return the history that a first entry begins.

    Args:
        entry: The first entry.
        witness_proofs: The approvals of it, as entries of ``did-witness.json``.
        at: The present.

    Raises:
        InvalidInputError: It is no sound first entry (``INVALID_DID``).
    """
    return verify_log(str(entry.state.get("id")), (entry.to_line(),), witness_proofs, at=at)


def extended(
    history: History,
    entry: LogEntry | None = None,
    witness_proofs: Sequence[Mapping[str, Any]] = (),
    *,
    at: datetime,
) -> History:
    """Return a history that an entry or further approvals were added to.

    Args:
        history: The history so far.
        entry: What follows.
        witness_proofs: Further approvals, as entries of ``did-witness.json``.
        at: The present.

    Returns:
        The history under the DID's name in the last entry; it has a `fault` as long as
        witnesses are missing.

    Raises:
        InvalidInputError: The entry does not follow (``INVALID_DID``).
    """
    lines = [known.to_line() for known in history.entries]
    did = str(history.current_did)
    if entry is not None:
        following(history.versions[-1], entry, history.scid, timestamp.aware(at))
        lines.append(entry.to_line())
        did = entry.state["id"]
    known = [{"versionId": item.version_id, "proof": [item.proof]} for item in history.approvals]
    return verify_log(did, lines, [*known, *witness_proofs], at=at)


def deactivating(history: History, update_keys: Sequence[str] = ()) -> JSONObject:
    """Return the parameters of an entry that gives a DID up.

    Args:
        history: The history.
        update_keys: Under pre-rotation, the Multikeys committed to before, for one must sign.
    """
    if not history.parameters.next_key_hashes:
        return {"updateKeys": [], "deactivated": True}
    return {"updateKeys": list(update_keys), "nextKeyHashes": [], "deactivated": True}


def moved(history: History, place: str) -> JSONObject:
    """Return the document of a DID that moves to another place.

    Args:
        history: The history of a portable DID.
        place: What `location.template` gives for the new place.

    Returns:
        The document in force under the new name; ``alsoKnownAs`` holds the old one.

    Raises:
        InvalidInputError: The DID is not portable (``INVALID_OPTIONS``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#did-portability
    """
    if not history.parameters.portable:
        raise InvalidInputError(
            "the DID was not made portable, so it stays where it is", code=Code.INVALID_OPTIONS
        )
    old = history.last.state["id"]
    state: JSONObject = replaced(
        history.last.state, old, place.replace(SCID_PLACEHOLDER, history.scid)
    )
    names = history.last.state.get("alsoKnownAs", [])
    return {**state, "alsoKnownAs": [*names, *([] if old in names else [old])]}


def sealed(
    document: JSONObject, number: int, predecessor: str, signers: Sequence[Signer], at: datetime
) -> LogEntry:
    """Return an entry with its hash and proofs; no rule is asked.

    Args:
        document: The entry without ``proof``; its ``versionId`` does not matter.
        number: Its version number.
        predecessor: What its hash builds on: the ``versionId`` before, or the SCID.
        signers: Who sign it.
        at: When they do.

    Raises:
        InvalidInputError: It is no entry (``INVALID_DID``), or a key is not of type Ed25519.
    """
    version_id = f"{number}-{entry_hash(document, predecessor)}"
    unsecured = {**document, "versionId": version_id}
    proofs = [make_proof(unsecured, signer, at) for signer in signers]
    return read_entry(strict_json.write({**unsecured, "proof": proofs}), number - 1)
