"""Which version of a DID is asked for, and what is told of it.

Spec:
    https://identity.foundation/didwebvh/v1.0/#reading-did-webvh-did-urls
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cityid import timestamp
from cityid.did.methods.webvh.parameters import Parameters
from cityid.did.methods.webvh.rules import Version
from cityid.did.resolution import (
    MEDIA_TYPES,
    DocumentMetadata,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.errors import Code, InvalidInputError, NotFoundError, quote

VERSION_NUMBER = "versionNumber"

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_VERSION_ID = re.compile(r"[1-9][0-9]{0,8}-[A-Za-z0-9]{1,120}", re.ASCII)


def resolution(
    versions: Sequence[Version],
    usable: int,
    fault: InvalidInputError | None,
    options: ResolutionOptions,
) -> ResolutionResult:
    """Return the version that options ask for; see `History.resolve`.

    Args:
        versions: The versions of the log.
        usable: How many of them may be the answer.
        fault: What is wrong behind those; None for a sound log.
        options: What is asked for.
    """
    options.check_valid()
    wanted = _wanted(versions[:usable], fault, options)
    version = versions[wanted]
    metadata = _metadata(versions, usable, wanted)
    if version.parameters.deactivated:
        return ResolutionResult(None, ResolutionMetadata(), metadata)
    return ResolutionResult(version.document, _RESOLVED, metadata)


_RESOLVED = ResolutionMetadata(MEDIA_TYPES[0])


def _wanted(
    versions: Sequence[Version], fault: InvalidInputError | None, options: ResolutionOptions
) -> int:
    """Return the index of the version asked for."""
    number, version_id = _version_number(options), options.version_id
    if number is None and version_id is None and options.version_time is None:
        if fault is not None:
            raise fault
        return len(versions) - 1
    index = _by_name(number, version_id)
    if options.version_time is not None:
        index = _by_time(versions, fault, options.version_time)
    if index >= len(versions) and fault is not None:
        raise fault
    if not 0 <= index < len(versions):
        raise _no_version()
    entry = versions[index].entry
    if number not in {None, entry.number} or version_id not in {None, entry.version_id}:
        raise _no_version()
    return index


def _version_number(options: ResolutionOptions) -> int | None:
    given = [value for name, value in options.parameters if name == VERSION_NUMBER]
    if not given:
        return None
    if len(given) > 1 or _NUMBER.fullmatch(given[0]) is None:
        raise _invalid_options(f"{quote(given[0])} is no versionNumber")
    return int(given[0])


def _by_name(number: int | None, version_id: str | None) -> int:
    if version_id is None:
        return (number or 0) - 1
    if _VERSION_ID.fullmatch(version_id) is None:
        raise _invalid_options(f"{quote(version_id)} is no versionId")
    return int(version_id.partition("-")[0]) - 1


def _by_time(
    versions: Sequence[Version], fault: InvalidInputError | None, wanted: str | datetime
) -> int:
    moment = timestamp.parse(wanted) if isinstance(wanted, str) else timestamp.aware(wanted)
    index = sum(version.entry.time <= moment for version in versions) - 1
    if fault is not None and index == len(versions) - 1:
        raise fault  # nobody knows whether another version was in force then
    return index


def _metadata(versions: Sequence[Version], usable: int, wanted: int) -> DocumentMetadata:
    """Return what is told of a version.

    Spec:
        https://identity.foundation/didwebvh/v1.0/#read-resolve
    """
    version, last = versions[wanted], versions[-1]
    following = versions[wanted + 1].entry if wanted + 1 < usable else None
    names = {candidate.entry.state["id"]: None for candidate in versions[:usable]}
    current = versions[usable - 1].entry.state["id"]
    names.pop(version.entry.state["id"])
    return DocumentMetadata(
        created=versions[0].entry.time,
        updated=last.entry.time,
        deactivated=version.parameters.deactivated,
        next_update=None if following is None else following.time,
        version_id=version.entry.version_id,
        next_version_id=None if following is None else following.version_id,
        equivalent_id=tuple(names),
        canonical_id=current if names else None,
        further=_further(version, versions[usable - 1].parameters),
    )


def _further(version: Version, parameters: Parameters) -> dict[str, Any]:
    """Return the members that did:webvh adds; numbers are text, but for that of the version."""
    witness: dict[str, Any] = {}
    if parameters.witness is not None:
        witness = parameters.witness.to_dict()
        witness["threshold"] = str(parameters.witness.threshold)
    return {
        "versionNumber": version.entry.number,
        "versionTime": version.entry.version_time,
        "scid": parameters.scid,
        "portable": parameters.portable,
        "deactivated": version.parameters.deactivated,
        "ttl": str(parameters.ttl),
        "witness": witness,
        "watchers": list(parameters.watchers),
    }


def _no_version() -> NotFoundError:
    return NotFoundError("the DID has no such version", ref="version")


def _invalid_options(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
