"""How a history gets into a registry: entries and approvals together, or nothing.

Optimistic concurrency: the registry takes an entry only as the next of its log, so that of two
writers one wins, and the other hears of it before anything is written.
"""

from __future__ import annotations

from cityid.did.methods.webvh import (
    Approval,
    History,
    LogEntry,
    entry_record,
    log_name,
    read_entry,
    read_witness_proofs,
    witness_log_name,
    witness_record,
)
from cityid.errors import ConflictError, quote
from cityid.registry import NewEntry, Registry
from cityid.strict_json import parse_object


def record(history: History, registry: Registry) -> None:
    """Write what of a sound history a registry has not yet; it may have all of it.

    Args:
        history: The history, with the approvals that its entries need.
        registry: The registry.

    Raises:
        ConflictError: The registry has another history of this DID, or a longer one.
        InvalidInputError: The history is not sound (``INVALID_DID``).
        RegistryError: It could not be written; ask again.
    """
    ours = [entry_record(entry, history.scid) for entry in history.require().entries]
    there = registry.read(log_name(history.scid), limit=len(ours) + 1)
    for recorded, entry in zip(there, ours, strict=False):
        if recorded.data != entry.data:
            told = f"version {recorded.version} is another there"
            raise _other(history, recorded.version, told)
    if len(there) > len(ours):
        raise _other(history, len(there), f"it goes on there after version {len(ours)}")
    batch = [*_new_approvals(history, registry), *ours[len(there) :]]
    if batch:
        registry.append(batch)


def next_recorded(history: History, registry: Registry | None) -> LogEntry | None:
    """Return the entry that a registry has behind a history, if it is the last there.

    Args:
        history: The history.
        registry: The registry; without one there is no such entry.

    Raises:
        InvalidInputError: It is no entry (``INVALID_DID``).
        RegistryError: It cannot be read.
    """
    number = len(history.versions)
    if registry is None:
        return None
    records = registry.read(log_name(history.scid), after=number, limit=2)
    return read_entry(records[0].data, number) if len(records) == 1 else None


def _new_approvals(history: History, registry: Registry) -> list[NewEntry]:
    """Return the approvals that the registry has not, as one record for each."""
    records = registry.read(witness_log_name(history.scid))
    there = read_witness_proofs([parse_object(found.data) for found in records])
    known = {_identity(approval) for approval in there}
    fresh = [
        approval
        for approval in history.approvals
        if _identity(approval) not in known and _counts(approval, history)
    ]
    return [
        witness_record(
            {"versionId": approval.version_id, "proof": [dict(approval.proof)]},
            history.scid,
            len(records) + number,
        )
        for number, approval in enumerate(fresh, 1)
    ]


def _counts(approval: Approval, history: History) -> bool:
    """Tell whether a witness of this history made it; what others sent is not for a registry."""
    asked = {
        witness
        for version in history.versions
        if version.parameters.witness is not None
        for witness in version.parameters.witness.ids
    }
    written = {entry.version_id for entry in history.entries}
    return (
        approval.witness in asked
        and approval.version_id in written
        and approval.holds(history.verified_at)
    )


def _identity(approval: Approval) -> tuple[str, object]:
    return approval.version_id, approval.proof.get("proofValue")


def _other(history: History, found: int, what: str) -> ConflictError:
    return ConflictError(
        f"the registry has another history of {quote(str(history.current_did), 120)}: {what}; "
        "load the identity again and repeat the change",
        log=log_name(history.scid),
        expected=len(history.versions),
        found=found,
    )
