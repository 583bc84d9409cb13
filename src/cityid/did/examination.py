"""What an audit of a registry asks of the logs of DIDs: whether each keeps the rules of its method.

A registry stores opaque bytes, so it also stores a log that breaks every rule. Resolvers refuse
such a log; an audit tells of it before anybody asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from cityid.did import syntax
from cityid.did.methods.webvh import place_of, read_entry, verify_log
from cityid.did.methods.webvh.sources import from_registry
from cityid.errors import CityIdError, Code, InvalidInputError, quote
from cityid.registry import Record, Registry
from cityid.report import Problem

_SCID = re.compile(r"[1-9A-HJ-NP-Za-km-z]{46}", re.ASCII)


def examine_logs(registry: Registry, *, at: datetime) -> Callable[[Record], Problem | None]:
    """Return what `cityid.registry.audit` takes as ``examine=``: it verifies each did:webvh log.

    A log is verified whole where its first record is met. Records of other logs are not judged.

    Args:
        registry: The registry that is audited.
        at: The present: no entry may be later.
    """

    def examine(record: Record) -> Problem | None:
        if record.version != 1 or _SCID.fullmatch(record.log) is None:
            return None
        try:
            _verify(registry, record, at)
        except CityIdError as error:
            return Problem(error.code, str(error), path=f"/{record.sequence}")
        return None

    return examine


def _verify(registry: Registry, record: Record, at: datetime) -> None:
    subject = syntax.parse(read_entry(record.data).state.get("id"))
    if place_of(subject).scid != record.log:
        raise InvalidInputError(
            f"the log of {quote(str(subject))} is kept under another name", code=Code.INVALID_DID
        )
    # A log that its index does not lead to is a finding of the audit itself.
    if (source := from_registry(registry, record.log)) is not None:
        verify_log(subject, source.lines, source.witness_proofs, at=at).require()
