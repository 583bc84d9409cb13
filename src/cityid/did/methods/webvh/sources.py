"""Where logs come from: files in hand, a registry, the web.

In a registry the log of a DID is the log named by its SCID, one record for each entry: the line of
``did.jsonl`` without its line feed. Witness proofs are the log ``SCID/witness``: one record for
each entry of ``did-witness.json``, in the order in which they came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cityid import strict_json
from cityid.did.fetch import Fetch
from cityid.did.methods.webvh.entry import MAX_ENTRIES, LogEntry, invalid_log, read_lines
from cityid.did.methods.webvh.location import Place
from cityid.did.methods.webvh.witness import MAX_WITNESS_PROOFS, read_witness_proofs, witness_file
from cityid.errors import CityIdError, NotFoundError
from cityid.registry import NewEntry, Record, Registry


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The log of a DID in hand.

    Attributes:
        log: Its ``did.jsonl``.
        witness_proofs: Its ``did-witness.json``, where there is one.
    """

    log: str | bytes = field(repr=False)
    witness_proofs: str | bytes = field(default="[]", repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A log as a source gave it: nothing is verified.

    Attributes:
        lines: The lines of ``did.jsonl``.
        witness_proofs: ``did-witness.json``.
    """

    lines: tuple[str, ...]
    witness_proofs: str | bytes = "[]"


def log_name(scid: str) -> str:
    """Return the name under which a registry keeps the log of a DID."""
    return scid


def witness_log_name(scid: str) -> str:
    """Return the name under which a registry keeps the witness proofs of a DID."""
    return f"{scid}/witness"


def entry_record(entry: LogEntry, scid: str) -> NewEntry:
    """Return what to append to a registry for an entry.

    Args:
        entry: The entry.
        scid: The SCID of its DID.
    """
    return NewEntry(log_name(scid), entry.number, entry.to_line().encode())


def witness_record(entry: Mapping[str, Any], scid: str, version: int) -> NewEntry:
    """Return what to append to a registry for an approval.

    Args:
        entry: An entry of ``did-witness.json``.
        scid: The SCID of the DID.
        version: The place in the log of approvals: one more than its last.
    """
    return NewEntry(witness_log_name(scid), version, strict_json.write(entry).encode())


def from_files(files: LogFiles) -> Source:
    """Return what lies in files in hand.

    Raises:
        InvalidInputError: The log breaks a limit (``INVALID_DID``).
    """
    return Source(read_lines(files.log), files.witness_proofs)


def from_registry(registry: Registry, scid: str, *, by: datetime | None = None) -> Source | None:
    """Return what a registry holds of a DID; None where it holds nothing.

    Args:
        registry: The registry.
        scid: The SCID of the DID.
        by: Only what was recorded at that time counts; None for everything.

    Raises:
        InvalidInputError: It holds what is no log, or more than is read (``INVALID_DID``).
        RegistryError: It cannot be read.
    """
    records = _recorded(registry.read(log_name(scid), limit=MAX_ENTRIES + 1), by)
    if not records:
        return None
    proofs = registry.read(witness_log_name(scid), limit=MAX_WITNESS_PROOFS + 1)
    approvals = _recorded(proofs, by)
    entries = [_object(record.data) for record in approvals]
    if len(records) > MAX_ENTRIES:
        raise invalid_log(f"the log has more than {MAX_ENTRIES} entries")
    return Source(
        tuple(_text(record.data) for record in records),
        witness_file(read_witness_proofs(entries)),
    )


def _recorded(records: Sequence[Record], by: datetime | None) -> Sequence[Record]:
    return [record for record in records if by is None or record.recorded_at <= by]


def from_web(fetch: Fetch, place: Place) -> Source:
    """Return what lies at the place that a DID tells.

    Args:
        fetch: How files are read.
        place: The place.

    Raises:
        NotFoundError: There is no log.
        InvalidInputError: The log breaks a limit (``INVALID_DID``), or the place is not allowed.
        RegistryError: The place could not be reached.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#the-did-to-https-transformation
    """
    lines = read_lines(fetch(place.log_url).content)
    if not any('"witness' in line for line in lines):
        return Source(lines)
    try:
        return Source(lines, fetch(place.witness_url).content)
    except NotFoundError:
        return Source(lines)


def joined(approvals: Sequence[str | bytes]) -> str:
    """Return several files of witness proofs as one.

    Raises:
        InvalidInputError: One of them is none (``INVALID_DID``).
    """
    return witness_file(item for file in approvals for item in read_witness_proofs(file))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise invalid_log("the registry holds an entry that is not UTF-8") from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        return strict_json.parse_object(data)
    except CityIdError as error:
        raise invalid_log(f"the registry holds an approval that is none: {error}") from error
