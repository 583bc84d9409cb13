"""How a did:webvh begins, and how it is taken up again: `incept`, `load`, and `witness`.

Spec:
    https://identity.foundation/didwebvh/v1.0/#create-register
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cityid import keys, timestamp
from cityid.did import succession, syntax
from cityid.did.identity import Identity, demand_identity
from cityid.did.lifecycle import Lifecycle
from cityid.did.methods.webvh import (
    History,
    LogFiles,
    WebVH,
    begun,
    first_entry,
    key_hash,
    read_lines,
    verify_log,
    witness_entry,
)
from cityid.did.methods.webvh.entry import invalid_log
from cityid.did.methods.webvh.witness import required
from cityid.did.syntax import DID
from cityid.did.update_keys import recovery_name, update_name
from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import Keyring, MemoryKeyring, Signer
from cityid.keys.keyring import demand_keyring
from cityid.registry import Registry
from cityid.registry.base import demand_open
from cityid.strict_json import write


def incept(
    place: str,
    *,
    signer: Signer | None,
    key_type: str,
    services: Iterable[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    keyring: Keyring | None,
    recovery: Keyring | None,
    registry: Registry | None,
    at: datetime | None,
) -> Identity:
    """Begin the log of a did:webvh, and so the DID.

    The key that signs the first entry is spent by it and kept nowhere.

    Args:
        place: What `template` gives for the place.
        signer: The key that shall act; made new in the keyring where it is not given.
        key_type: The type of the key to make.
        services: Services to announce.
        parameters: Those of the log besides its keys.
        keyring: Where the keys are kept; None for as long as the process lives.
        recovery: Where the recovery key is kept; None to go without.
        registry: Where the log is written; None where the caller publishes it.
        at: The time; None for now.

    Raises:
        InvalidInputError: The options do not make a DID.
        UnsupportedError: No key of such a type can be made.
        RegistryError: The keys or the entry could not be written.
    """
    moment = _moment(at)
    made = {"key": keys.generate(key_type)} if signer is None else {}
    acting = made["key"] if signer is None else signer
    spent, following = keys.generate(), keys.generate()
    reserve = None if recovery is None else keys.generate()
    committed = [following] if reserve is None else [following, reserve]
    named = {
        **parameters,
        "updateKeys": [spent.public_key.multikey],
        "nextKeyHashes": [key_hash(key.public_key.multikey) for key in committed],
    }
    state = succession.first(place, acting.public_key, services)
    entry = first_entry(state, named, spent, at=moment)
    did = entry.state["id"]
    history = begun(entry, at=moment)
    ring = MemoryKeyring() if keyring is None else keyring
    outside = () if signer is None else (signer,)
    life = Lifecycle(history, ring, registry, outside)
    life.identity()  # refuses a document that is none, before anything is written
    if recovery is not None and reserve is not None:
        recovery.add_all({recovery_name(did, 1): reserve})
    own = {f"{did}#key-1": key for key in made.values()}
    ring.add_all({**own, update_name(did, 2): following})
    return life.published()


def load(
    did: str | DID,
    *,
    keyring: Keyring | None = None,
    registry: Registry | None = None,
    log: str | bytes | None = None,
    witness_proofs: str | bytes = "[]",
    signers: Iterable[Signer] = (),
    at: datetime | None = None,
) -> Identity:
    """Take up a did:webvh again: its history from where it is kept, its keys from a keyring.

    The keys are found by their public halves. Without the one that issues, nothing can be issued;
    without an update key, nothing can be changed; the identity can be told all the same.

    Args:
        did: The DID.
        keyring: Where the keys are, and new ones will be made.
        registry: The registry that holds the log, and takes what is added to it.
        log: The log in hand, a ``did.jsonl``; with a registry too, it must have all that is there.
        witness_proofs: The ``did-witness.json`` beside the log in hand.
        signers: Keys that act for the DID from outside the keyring.
        at: The time at which the history is verified; None for now.

    Raises:
        InvalidInputError: The log breaks a rule (``INVALID_DID``), or the registry is not open.
        NotFoundError: There is no log of this DID.
        UnsupportedError: The DID is of another method, or there is nowhere to look for its log.
        RegistryError: The registry cannot be read.
    """
    demand_open(registry)
    demand_keyring(keyring, "keyring")
    if not isinstance(log, str | bytes | None):
        raise InvalidInputError(
            f"log= takes the text of a did.jsonl, not {quote(log)}", code=Code.INVALID_OPTIONS
        )
    asked = did if isinstance(did, DID) else syntax.parse(did)
    moment = _moment(at)
    files = {} if log is None else {str(asked): LogFiles(log, witness_proofs)}
    history = WebVH(registry, logs=files, clock=lambda: moment).history(asked)
    if history.usable == len(history.versions):
        history.require()
    elif log is not None:
        _demand_whole(history, log)
    ring = MemoryKeyring() if keyring is None else keyring
    return Lifecycle(history, ring, registry, tuple(signers)).identity()


def witness(
    did: str | DID,
    log: str | bytes,
    *,
    by: Identity,
    witness_proofs: str | bytes = "[]",
    known_version: str | None = None,
    at: datetime | None = None,
) -> str:
    """Approve the last version of a log as one of its witnesses.

    Whoever witnesses answers for having seen the whole log before: keep the last ``versionId`` you
    approved and pass it on, and a log that was rewritten is refused.

    Args:
        did: The DID.
        log: Its ``did.jsonl``, with the version to approve at its end.
        by: The witness: a did:key with an Ed25519 key.
        witness_proofs: The approvals of earlier versions.
        known_version: The ``versionId`` approved last.
        at: The time; None for now.

    Returns:
        The approval as a ``did-witness.json``, for `Identity.add_witness_proofs`.

    Raises:
        InvalidInputError: The log breaks a rule or lacks the known version (``INVALID_DID``), or
            nobody asked this identity to witness it (``INVALID_OPTIONS``).
        NotFoundError: The key of the witness is not at hand.
    """
    demand_identity(by, "by")
    moment = _moment(at)
    history = verify_log(did, log, witness_proofs, at=moment)
    _demand_whole(history, log)
    if known_version not in {None, *(entry.version_id for entry in history.entries)}:
        raise invalid_log("the log lacks the version that was approved last: it was rewritten")
    before = history.versions[-2] if len(history.versions) > 1 else None
    asked = required(before, history.versions[-1])
    if asked is None or str(by.did) not in asked.ids:
        raise InvalidInputError(
            f"{quote(str(by.did), 80)} is not asked to witness this version",
            code=Code.INVALID_OPTIONS,
        )
    _, signer = by.signer("assertionMethod")
    return write([witness_entry(history.last.version_id, signer, at=moment)])


def _demand_whole(history: History, log: str | bytes) -> None:
    """Refuse a log that breaks a rule besides that of witnesses."""
    sound = len(history.versions)
    if len(read_lines(log)) > sound:
        raise invalid_log(f"the log breaks a rule after version {sound}", sound)


def _moment(at: datetime | None) -> datetime:
    return datetime.now(UTC) if at is None else timestamp.aware(at)
