"""When a registry recorded a document: the evidence that lets an old signature be believed.

What goes onto the registry is the document itself, or its digest. Neither belongs there when the
document is about a person: a record cannot be taken back, and a digest of guessable claims is as
good as the claims. This serves vehicles, offices and public documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cityid import strict_json, timestamp
from cityid.canonical import jcs
from cityid.credential import Credential, Presentation
from cityid.errors import CityIdError, Code, InvalidInputError, quote
from cityid.registry import Record
from cityid.report import Problem

Document = Credential | Presentation | Mapping[str, Any] | str | bytes


def digest(document: Document) -> bytes:
    """Return what to append to a registry as evidence of a document: 32 bytes.

    Args:
        document: The document with its proofs.

    Returns:
        The SHA-256 of its canonical JSON: white space and the order of members do not matter.

    Raises:
        InvalidInputError: It is not I-JSON, or no object.
    """
    return hashlib.sha256(_canonical(document)).digest()


def check_record(record: object) -> None:
    """Refuse what no registry can have returned.

    Args:
        record: What a caller passes as a record; None for no record.

    Raises:
        InvalidInputError: It is none, or its time or data are not (``INVALID_OPTIONS``).
    """
    if record is None:
        return
    if not isinstance(record, Record) or not isinstance(record.data, bytes):
        raise InvalidInputError(
            f"recorded= is a Record as a registry returns it, not {quote(record)}",
            code=Code.INVALID_OPTIONS,
        )
    timestamp.aware(record.recorded_at)


def speaks_of(record: Record, document: Document) -> bool:
    """Tell whether a record holds a document, or its digest.

    Args:
        record: What a registry returned, or a proof of it that was verified.
        document: The document with its proofs.
    """
    try:
        canonical = _canonical(document)
        if record.data == hashlib.sha256(canonical).digest():
            return True
        return jcs.canonicalize(strict_json.parse(record.data)) == canonical
    except CityIdError:
        return False


def recorded_at(record: Record | None, document: Document, at: datetime) -> datetime | None:
    """Return since when a document is recorded; None where the record is no evidence of that.

    Args:
        record: What a registry returned; None for no record.
        document: The document with its proofs.
        at: The time of judgement: what was recorded later is no evidence then.
    """
    if record is None or record.recorded_at > at or not speaks_of(record, document):
        return None
    return record.recorded_at


def unheard(
    record: Record | None, documents: Iterable[Document], at: datetime
) -> tuple[Problem, ...]:
    """Return the warning that a record is evidence of none of the documents; empty where it is.

    Args:
        record: What a registry returned; None for no record.
        documents: What is judged.
        at: The time of judgement.
    """
    if record is None or any(recorded_at(record, document, at) for document in documents):
        return ()
    text = "the record is of another document, or was made after the time of judgement"
    return (Problem(Code.NO_EVIDENCE, text),)


def _canonical(document: Document) -> bytes:
    view = document if isinstance(document, Presentation) else Credential.of(document)
    return jcs.canonicalize(view.document)
