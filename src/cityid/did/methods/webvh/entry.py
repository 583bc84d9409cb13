"""Log entries, and how ``did.jsonl`` is read: strictly, line by line, within limits.

Spec:
    https://identity.foundation/didwebvh/v1.0/#the-did-log-file
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cityid import strict_json, timestamp
from cityid.errors import CityIdError, Code, InvalidInputError, quote
from cityid.pointer import join
from cityid.strict_json import Limits

MAX_ENTRIES: Final = 4096
"""The most entries of a log that are read."""

MAX_LINE_BYTES: Final = 262_144
"""The most bytes of one entry."""

MAX_LOG_BYTES: Final = 8_388_608
"""The most bytes of a whole log."""

MAX_PROOFS: Final = 16
"""The most proofs of one entry."""

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""How far the clock of whoever wrote a log may be ahead."""

_LIMITS: Final = Limits(max_bytes=MAX_LINE_BYTES)
_MEMBERS: Final = ("versionId", "versionTime", "parameters", "state", "proof")
_VERSION_ID = re.compile(r"([1-9][0-9]{0,8})-([1-9A-HJ-NP-Za-km-z]{1,120})", re.ASCII)
_UTC: Final = ("Z", "+00:00")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a log, read but not verified.

    Attributes:
        number: Its version number, as its ``versionId`` tells it.
        entry_hash: The hash behind the number.
        time: Its ``versionTime``.
        parameters: The parameters that this entry sets.
        state: The DID document of this version, as it was signed.
        document: The entry as JSON, exactly; never to be changed.
    """

    number: int
    entry_hash: str
    time: datetime
    parameters: Mapping[str, Any] = field(repr=False, hash=False)
    state: Mapping[str, Any] = field(repr=False, hash=False)
    document: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def version_id(self) -> str:
        """The ``versionId``: number, dash and hash."""
        return str(self.document["versionId"])

    @property
    def version_time(self) -> str:
        """The ``versionTime`` as it was written."""
        return str(self.document["versionTime"])

    @property
    def proofs(self) -> tuple[Mapping[str, Any], ...]:
        """The proofs of the entry."""
        proof = self.document["proof"]
        return tuple(proof) if isinstance(proof, list) else (proof,)

    @property
    def unsecured(self) -> dict[str, Any]:
        """The entry without its proofs."""
        return {name: value for name, value in self.document.items() if name != "proof"}

    def to_line(self) -> str:
        """Return the entry as a line of ``did.jsonl``, without the line feed."""
        return strict_json.write(self.document)


def read_lines(log: str | bytes | Sequence[str]) -> tuple[str, ...]:
    """Take a ``did.jsonl`` apart into its lines.

    Args:
        log: The file, or its lines.

    Raises:
        InvalidInputError: It breaks a limit, is not UTF-8 or holds no entry (``INVALID_DID``).
    """
    size = len(log) if isinstance(log, str | bytes) else sum(map(len, log))
    if size > MAX_LOG_BYTES:
        raise invalid_log(f"the log is longer than {MAX_LOG_BYTES} bytes")
    lines = _split(log) if isinstance(log, str | bytes) else tuple(log)
    if not lines:
        raise invalid_log("the log has no entries")
    if len(lines) > MAX_ENTRIES:
        raise invalid_log(f"the log has {len(lines)} entries; at most {MAX_ENTRIES} are read")
    return lines


def _split(log: str | bytes) -> tuple[str, ...]:
    try:
        text = log.decode() if isinstance(log, bytes) else log
    except UnicodeDecodeError as error:
        raise invalid_log("the log is not UTF-8") from error
    lines = tuple(line.removesuffix("\r") for line in text.split("\n"))
    return lines if lines[-1] else lines[:-1]


def read_entry(line: str | bytes, index: int = 0) -> LogEntry:
    """Read one entry of a log.

    Args:
        line: The line.
        index: Which line of the log it is, from 0, for the message.

    Raises:
        InvalidInputError: It is not an entry (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#the-did-log-file
    """
    try:
        document = strict_json.parse_object(line, limits=_LIMITS)
    except CityIdError as error:
        raise invalid_log(f"the line is no entry: {error}", index) from error
    for name in _MEMBERS:
        if name not in document:
            raise invalid_log(f"the entry has no {name}", index)
    for name in document:
        if name not in _MEMBERS:
            raise invalid_log(f"an entry has no member {quote(name)}", index)
    for name in ("parameters", "state"):
        if not isinstance(document[name], dict):
            raise invalid_log(f"{name} is an object", index, name)
    number, digest = read_version_id(document["versionId"], index)
    time = _time(document["versionTime"], index)
    _check_proofs(document["proof"], index)
    return LogEntry(number, digest, time, document["parameters"], document["state"], document)


def read_version_id(text: object, *path: str | int) -> tuple[int, str]:
    """Return the number and the hash of a ``versionId``.

    Args:
        text: The ``versionId``.
        path: Where it stands, for the message.

    Raises:
        InvalidInputError: It is none (``INVALID_DID``).
    """
    match = _VERSION_ID.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise invalid_log(f"{quote(text)} is not a versionId such as 1-Qm…", *path, "versionId")
    return int(match[1]), match[2]


def invalid_log(message: str, *path: str | int) -> InvalidInputError:
    """Return what to raise for a log that breaks a rule.

    Args:
        message: What is wrong.
        path: Where: the line from 0, then names within the entry.
    """
    return InvalidInputError(message, code=Code.INVALID_DID, path=join("", *path))


def _time(text: object, index: int) -> datetime:
    try:
        moment = timestamp.parse(text)
    except InvalidInputError as error:
        raise invalid_log(str(error), index, "versionTime") from error
    if not str(text).endswith(_UTC):
        raise invalid_log(f"{quote(text)} is not in UTC", index, "versionTime")
    return moment


def _check_proofs(proof: object, index: int) -> None:
    proofs = proof if isinstance(proof, list) else [proof]
    if not 1 <= len(proofs) <= MAX_PROOFS or not all(isinstance(entry, dict) for entry in proofs):
        raise invalid_log(f"an entry has a list of 1 to {MAX_PROOFS} proofs", index, "proof")
