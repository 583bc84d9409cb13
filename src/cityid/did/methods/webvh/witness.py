"""Witnesses: who approved which version, and whether they were enough.

Spec:
    https://identity.foundation/didwebvh/v1.0/#did-witnesses
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cityid import keys, strict_json
from cityid.did.methods.webvh.entry import invalid_log, read_version_id
from cityid.did.methods.webvh.parameters import Witnesses
from cityid.did.methods.webvh.proofs import check_proof, make_proof, signing_key
from cityid.did.methods.webvh.rules import Version
from cityid.errors import CityIdError
from cityid.keys import Signer
from cityid.strict_json import JSONObject, Limits

MAX_WITNESS_BYTES: Final = 4_194_304
"""The most bytes of a file of witness proofs."""

MAX_WITNESS_PROOFS: Final = 8192
"""The most proofs of such a file."""

_LIMITS: Final = Limits(max_bytes=MAX_WITNESS_BYTES)


@dataclass(frozen=True, slots=True)
class Approval:
    """One proof of a witness, read but not verified.

    Attributes:
        version_id: What it approves.
        number: The version number of that.
        witness: The did:key of the witness, as the proof tells it; empty where it tells none.
        proof: The proof.
    """

    version_id: str
    number: int
    witness: str
    proof: Mapping[str, Any] = field(repr=False, hash=False)

    def holds(self, at: datetime) -> bool:
        """Return whether the witness it names has made it.

        Args:
            at: The time at which it must not have expired.
        """
        try:
            key = keys.from_multikey(signing_key(self.proof))
            check_proof({"versionId": self.version_id}, self.proof, key, at)
        except CityIdError:
            return False
        return True


def read_witness_proofs(source: str | bytes | Iterable[Mapping[str, Any]]) -> tuple[Approval, ...]:
    """Read a ``did-witness.json``.

    Args:
        source: The file, or its entries as JSON values.

    Raises:
        InvalidInputError: It is no such file, or breaks a limit (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#the-witness-proofs-file
    """
    try:
        if isinstance(source, str | bytes):
            entries = strict_json.parse(source, limits=_LIMITS)
        else:
            entries = strict_json.snapshot(list(source), limits=_LIMITS)
    except CityIdError as error:
        raise invalid_log(f"the witness proofs cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise invalid_log("did-witness.json is a list")
    found = [approval for index, entry in enumerate(entries) for approval in _read(entry, index)]
    if len(found) > MAX_WITNESS_PROOFS:
        raise invalid_log(f"there are more than {MAX_WITNESS_PROOFS} witness proofs")
    return tuple(found)


def witness_entry(version_id: str, signer: Signer, *, at: datetime) -> JSONObject:
    """Approve a version as a witness.

    Whoever calls this has verified the log up to that version.

    Args:
        version_id: The ``versionId`` of the entry.
        signer: The key of the witness's did:key.
        at: When it approves.

    Returns:
        An entry of ``did-witness.json``.

    Raises:
        InvalidInputError: It is no ``versionId``, or the key is not of type Ed25519.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#witnessing-a-did-version-update
    """
    read_version_id(version_id)
    return {"versionId": version_id, "proof": [make_proof({"versionId": version_id}, signer, at)]}


def witness_file(approvals: Iterable[Approval]) -> str:
    """Return approvals as ``did-witness.json``, each version once.

    Args:
        approvals: The approvals, as `read_witness_proofs` gives them.
    """
    proofs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for approval in sorted(approvals, key=lambda approval: approval.number):
        if approval.proof not in proofs[approval.version_id]:
            proofs[approval.version_id].append(approval.proof)
    entries = [{"versionId": version_id, "proof": found} for version_id, found in proofs.items()]
    return strict_json.write(entries)


def required(before: Version | None, version: Version) -> Witnesses | None:
    """Return who must approve a version: those in force before it, or else its own.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#witness-lists
    """
    if before is not None and before.parameters.witness is not None:
        return before.parameters.witness
    return version.parameters.witness


def first_unapproved(
    versions: Sequence[Version], approvals: Sequence[Approval], at: datetime
) -> int | None:
    """Return the index of the first version that too few witnesses approved; None if none.

    A proof of a later version of the log counts for the earlier ones too.

    Args:
        versions: The versions, all other rules held.
        approvals: The approvals at hand.
        at: The present.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#verifying-witness-proofs-during-resolution
    """
    approved: dict[str, int] = {}
    published = {version.entry.version_id for version in versions}
    befores: list[Version | None] = [None, *versions]
    by_witness = _by_witness(approval for approval in approvals if approval.version_id in published)
    for index, version in enumerate(versions):
        witnesses = required(befores[index], version)
        if witnesses is None:
            continue
        for witness in witnesses.ids:
            if witness not in approved:
                approved[witness] = _last_held(by_witness.get(witness, []), at)
        if sum(approved[witness] > index for witness in witnesses.ids) < witnesses.threshold:
            return index
    return None


def shows_more(versions: Sequence[Version], approvals: Sequence[Approval], at: datetime) -> bool:
    """Return whether approvals show that the log went on: that it was cut off at its end.

    Enough approvals of the next version do, for it is published then; and one of any version
    beyond, because a witness holds the published log when it approves.

    Args:
        versions: The versions of the log.
        approvals: The approvals at hand.
        at: The present.
    """
    witnesses = versions[-1].parameters.witness
    if witnesses is None:
        return False
    last = len(versions)
    held: dict[str, set[str]] = defaultdict(set)
    for approval in approvals:
        if approval.number > last and approval.witness in witnesses.ids and approval.holds(at):
            if approval.number > last + 1:
                return True
            held[approval.version_id].add(approval.witness)
    return any(len(approvers) >= witnesses.threshold for approvers in held.values())


def shows_other(
    versions: Sequence[Version], approvals: Sequence[Approval], at: datetime
) -> int | None:
    """Return the index of a version in whose place enough witnesses approved another; None if none.

    So the log was forked, and of those who approved some approved both.

    Args:
        versions: The versions of the log.
        approvals: The approvals at hand.
        at: The present.
    """
    names = [version.entry.version_id for version in versions]
    others: dict[str, list[Approval]] = defaultdict(list)
    for approval in approvals:
        if 1 < approval.number <= len(names) and names[approval.number - 1] != approval.version_id:
            others[approval.version_id].append(approval)
    for found in others.values():
        index = found[0].number - 1
        witnesses = versions[index - 1].parameters.witness
        if witnesses is not None and _reach(found, witnesses, at):
            return index
    return None


def _reach(approvals: Sequence[Approval], witnesses: Witnesses, at: datetime) -> bool:
    """Tell whether approvals of one version are those of enough witnesses."""
    by = {a.witness for a in approvals if a.witness in witnesses.ids and a.holds(at)}
    return len(by) >= witnesses.threshold


def _read(entry: object, index: int) -> Iterable[Approval]:
    if not isinstance(entry, dict):
        raise invalid_log("an entry of did-witness.json is an object", index)
    number, _ = read_version_id(entry.get("versionId"), index)
    proofs = entry.get("proof", [])
    if not isinstance(proofs, list) or not all(isinstance(proof, dict) for proof in proofs):
        raise invalid_log("the proofs of a witness entry are a list of objects", index, "proof")
    for proof in proofs:
        yield Approval(entry["versionId"], number, _witness_of(proof), proof)


def _witness_of(proof: Mapping[str, Any]) -> str:
    try:
        return f"did:key:{signing_key(proof)}"
    except CityIdError:
        return ""


def _by_witness(approvals: Iterable[Approval]) -> dict[str, list[Approval]]:
    found: dict[str, list[Approval]] = defaultdict(list)
    for approval in approvals:
        found[approval.witness].append(approval)
    return found


def _last_held(approvals: list[Approval], at: datetime) -> int:
    newest_first = sorted(approvals, key=lambda approval: -approval.number)
    return next((approval.number for approval in newest_first if approval.holds(at)), 0)
