"""What an entry must be to follow the one before: each rule a small function, with a name.

Spec:
    https://identity.foundation/didwebvh/v1.0/#read-resolve
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from cityid.canonical import jcs
from cityid.cryptosuites.base import Unsecured
from cityid.did import syntax
from cityid.did.document import DIDDocument
from cityid.did.methods.webvh.documents import document_of
from cityid.did.methods.webvh.entry import CLOCK_TOLERANCE, LogEntry, invalid_log
from cityid.did.methods.webvh.hashing import chained_hash, key_hash, scid_of
from cityid.did.methods.webvh.location import SCID_PLACEHOLDER, place_of
from cityid.did.methods.webvh.parameters import Parameters
from cityid.did.methods.webvh.proofs import CRYPTOSUITE, check_proof, signing_key
from cityid.errors import CityIdError, InvalidInputError, quote
from cityid.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Version:
    """An entry that follows the rules, and the parameters in force once it is published."""

    entry: LogEntry
    parameters: Parameters
    _read: list[DIDDocument] = field(default_factory=list, repr=False, compare=False, hash=False)

    @property
    def document(self) -> DIDDocument:
        """The document, with the services that every did:webvh has; read once.

        Raises:
            InvalidInputError: It is no DID document (``INVALID_DID_DOCUMENT``).
        """
        if not self._read:
            self._read.append(document_of(self.entry.state))
        return self._read[0]


class Step(NamedTuple):
    """One entry about to follow another.

    Attributes:
        entry: The entry.
        before: The version before; None for the first entry.
        parameters: The parameters in force once the entry is published.
        scid: The SCID of the DID that is asked for.
        at: The present.
        unsecured: The entry without its proofs.
        canonical: The same in canonical form.
    """

    entry: LogEntry
    before: Version | None
    parameters: Parameters
    scid: str
    at: datetime
    unsecured: Unsecured
    canonical: bytes

    @classmethod
    def to(
        cls,
        entry: LogEntry,
        before: Version | None,
        parameters: Parameters,
        scid: str,
        at: datetime,
    ) -> Step:
        """Return the step to an entry; its canonical form is made once for hash and proofs."""
        document = entry.unsecured
        canonical = jcs.canonicalize(document)
        unsecured = Unsecured(document)
        unsecured.hashes[CRYPTOSUITE, "sha256"] = hashlib.sha256(canonical).digest()
        return cls(entry, before, parameters, scid, at, unsecured, canonical)

    def refused(self, message: str, *path: str | int) -> InvalidInputError:
        """Return the error of an entry that breaks a rule.

        Args:
            message: What is wrong.
            path: Where within the entry.
        """
        index = 0 if self.before is None else self.before.entry.number
        return invalid_log(message, index, *path)

    @property
    def version(self) -> Version:
        """The version that the entry makes, once it is held to every rule."""
        return Version(self.entry, self.parameters)

    @property
    def predecessor(self) -> str:
        """What the hash of the entry builds on."""
        return self.parameters.scid if self.before is None else self.before.entry.version_id


Rule = Callable[[Step], None]


def follows_on(step: Step) -> None:
    """Version numbers begin with 1 and leave none out."""
    expected = 1 if step.before is None else step.before.entry.number + 1
    if step.entry.number != expected:
        raise step.refused(f"version {expected} comes here, not {step.entry.number}", "versionId")


def is_not_after_the_end(step: Step) -> None:
    """Nothing follows the entry that gave the DID up."""
    if step.before is not None and step.before.parameters.deactivated:
        raise step.refused("the DID was deactivated in the entry before")


def is_in_time(step: Step) -> None:
    """Times rise strictly, and none is in the future."""
    time = step.entry.time
    if step.before is not None and time <= step.before.entry.time:
        raise step.refused("versionTime is not later than that of the entry before", "versionTime")
    if time - step.at > CLOCK_TOLERANCE:
        raise step.refused(f"{step.entry.version_time} is in the future", "versionTime")


def has_its_scid(step: Step) -> None:
    """The SCID is the one asked for, and the hash of the first entry."""
    if step.before is not None:
        return
    scid = step.parameters.scid
    if scid != step.scid:
        raise step.refused(f"the scid {quote(scid)} is not the DID's", "parameters", "scid")
    if SCID_PLACEHOLDER.encode() in step.canonical:  # else several first entries had one SCID
        raise step.refused(f"{SCID_PLACEHOLDER} still stands in the first entry")
    original = step.canonical.replace(scid.encode(), SCID_PLACEHOLDER.encode())
    if scid_of(json.loads(original)) != scid:
        raise step.refused("the scid is not the hash of the entry", "parameters", "scid")


def has_its_hash(step: Step) -> None:
    """The entry hashes, with what came before, to the hash that it tells: always SHA-256."""
    entry = step.entry
    found = chained_hash(step.canonical, entry.version_id, entry.version_time, step.predecessor)
    if found != entry.entry_hash:
        raise step.refused("versionId does not hold the SHA-256 hash of the entry", "versionId")


def keeps_its_subject(step: Step) -> None:
    """The subject has the SCID; it changes where the DID is portable, and its old name is kept."""
    subject = step.entry.state.get("id")
    old = None if step.before is None else step.before.entry.state["id"]
    if step.before is not None and subject == old:
        return
    try:
        scid = place_of(syntax.parse(subject)).scid
    except InvalidInputError as error:
        raise step.refused(str(error), "state", "id") from error
    if scid != step.parameters.scid:
        raise step.refused(f"{quote(subject)} has another SCID", "state", "id")
    if old is None:
        return
    if not step.parameters.portable:
        raise step.refused("the DID is not portable, so its id stays as it is", "state", "id")
    names = step.entry.state.get("alsoKnownAs")
    if not isinstance(names, list) or old not in names:
        raise step.refused("alsoKnownAs does not hold the DID from before", "state", "alsoKnownAs")


def stays_unportable(step: Step) -> None:
    """A DID that is not portable never becomes so."""
    if step.before is None or step.before.parameters.portable:
        return
    if step.parameters.portable:
        raise step.refused("only a first entry makes a DID portable", "parameters", "portable")


def rotates_as_committed(step: Step) -> None:
    """Under pre-rotation, every update key was committed to, and the next ones are."""
    hashes = () if step.before is None else step.before.parameters.next_key_hashes
    if not hashes:
        return
    for name in ("updateKeys", "nextKeyHashes"):
        if step.entry.parameters.get(name) is None:
            raise step.refused(f"under pre-rotation every entry has {name}", "parameters")
    for number, key in enumerate(step.parameters.update_keys):
        if key_hash(key) not in hashes:
            raise step.refused(
                "the key was not committed to in the entry before",
                "parameters",
                "updateKeys",
                number,
            )


def is_signed(step: Step) -> None:
    """Every proof holds, by a key that may update the DID at this point."""
    active = active_keys(step.before, step.parameters)
    for number, proof in enumerate(step.entry.proofs):
        try:
            key = signing_key(proof)
            if key not in active:
                raise InvalidInputError(f"{quote(key)} may not update the DID")
            check_proof(step.unsecured, proof, active[key], step.at)
        except CityIdError as error:
            raise step.refused(str(error), "proof", number) from error


def active_keys(before: Version | None, parameters: Parameters) -> Mapping[str, PublicKey]:
    """Return the keys that may sign an entry, by their Multikeys.

    Args:
        before: The version before; None for the first entry.
        parameters: Those in force once the entry is published.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#authorized-keys
    """
    if before is None or before.parameters.next_key_hashes:
        return parameters.keys
    return before.parameters.keys


UNSIGNED_RULES: Final[tuple[Rule, ...]] = (
    follows_on,
    is_not_after_the_end,
    is_in_time,
    stays_unportable,
    keeps_its_subject,
    rotates_as_committed,
    has_its_scid,
    has_its_hash,
)
"""Every rule but that of proofs, in the order in which an entry is held to them."""

RULES: Final[tuple[Rule, ...]] = (*UNSIGNED_RULES, is_signed)
"""Every rule, in the order in which an entry is held to them."""
