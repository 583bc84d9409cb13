"""A verified log: the history of a DID.

Spec:
    https://identity.foundation/didwebvh/v1.0/#read-resolve
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import Any, Self, TypeVar

from cityid import timestamp
from cityid.did import syntax
from cityid.did.methods.webvh.entry import LogEntry, invalid_log, read_entry, read_lines
from cityid.did.methods.webvh.location import place_of
from cityid.did.methods.webvh.parameters import Parameters, read_parameters
from cityid.did.methods.webvh.rules import RULES, UNSIGNED_RULES, Rule, Step, Version, is_signed
from cityid.did.methods.webvh.versions import resolution
from cityid.did.methods.webvh.witness import (
    Approval,
    first_unapproved,
    read_witness_proofs,
    shows_more,
    shows_other,
    witness_file,
)
from cityid.did.resolution import DEFAULTS, ResolutionOptions, ResolutionResult
from cityid.did.syntax import DID
from cityid.errors import Code, InvalidInputError, quote

Log = str | bytes | Sequence[str]
"""A ``did.jsonl``, or its lines."""

WitnessProofs = str | bytes | Iterable[Mapping[str, Any]]
"""A ``did-witness.json``, or its entries."""


_Item = TypeVar("_Item")


class _Seal:
    """What a history is made with; nobody outside this module has it."""


_SEAL = _Seal()


@dataclass(frozen=True, slots=True)
class History:
    """The versions of a DID, verified. `verify_log` alone makes it.

    A log that breaks a rule somewhere still has the versions before that place: they can be asked
    for by name, but the DID itself resolves to nothing.

    Attributes:
        did: The DID that was asked for.
        versions: The versions that follow every rule but that of witnesses; at least one.
        usable: How many of them, from the first, enough witnesses approved.
        fault: What is wrong behind them; None for a sound log.
        approvals: The witness proofs at hand.
        verified_at: The time it was verified at.
    """

    did: DID
    versions: tuple[Version, ...] = field(repr=False)
    usable: int
    fault: InvalidInputError | None
    approvals: tuple[Approval, ...] = field(repr=False)
    verified_at: datetime
    seal: InitVar[_Seal | None] = None

    def __post_init__(self, seal: _Seal | None) -> None:
        if seal is not _SEAL:
            raise InvalidInputError(
                "a history comes from verify_log alone", code=Code.INVALID_OPTIONS
            )

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """The entries of the versions."""
        return tuple(version.entry for version in self.versions)

    @property
    def last(self) -> LogEntry:
        """The last entry that follows every rule but that of witnesses."""
        return self.versions[-1].entry

    @property
    def parameters(self) -> Parameters:
        """The parameters in force after the last entry."""
        return self.versions[-1].parameters

    @property
    def scid(self) -> str:
        """The self-certifying identifier."""
        return self.parameters.scid

    @property
    def current_did(self) -> DID:
        """The DID's name now; another than `did` where it moved."""
        return syntax.parse(self.last.state["id"])

    @property
    def deactivated(self) -> bool:
        """Whether the DID was given up."""
        return self.parameters.deactivated

    def require(self) -> Self:
        """Return the history, if the whole log is sound.

        Raises:
            InvalidInputError: It breaks a rule (``INVALID_DID``).
        """
        if self.fault is not None:
            raise self.fault
        return self

    def resolve(self, options: ResolutionOptions = DEFAULTS) -> ResolutionResult:
        """Return the version asked for.

        Args:
            options: ``versionId``, ``versionTime``, or ``versionNumber`` among the parameters; the
                last version without any.

        Raises:
            InvalidInputError: The log breaks a rule before or at that version (``INVALID_DID``),
                the options are malformed (``INVALID_OPTIONS``), or the version is no DID document
                (``INVALID_DID_DOCUMENT``).
            NotFoundError: There is no such version.

        Spec:
            https://identity.foundation/didwebvh/v1.0/#reading-did-webvh-did-urls
        """
        return resolution(self.versions, self.usable, self.fault, options)

    def to_jsonl(self) -> str:
        """Return the log as ``did.jsonl``."""
        return "".join(f"{entry.to_line()}\n" for entry in self.entries)

    def to_witness_json(self) -> str:
        """Return the witness proofs as ``did-witness.json``."""
        return witness_file(self.approvals)


def verify_log(
    did: str | DID,
    log: Log,
    witness_proofs: WitnessProofs = (),
    *,
    at: datetime,
    known_version: str | None = None,
) -> History:
    """Verify the log of a DID.

    Args:
        did: The DID that is asked for.
        log: Its ``did.jsonl``, or the lines of it.
        witness_proofs: Its ``did-witness.json``, or the entries of it.
        at: The present: no entry may be later.
        known_version: The newest ``versionId`` that the caller has ever seen; a log without it was
            rolled back or forked, and is refused.

    Returns:
        The history, up to where the log breaks a rule.

    Raises:
        InvalidInputError: The log has no sound version, or never was the log of that DID
            (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#read-resolve
    """
    asked = did if isinstance(did, DID) else syntax.parse(did)
    lines = read_lines(log)
    now = timestamp.aware(at)
    approvals = read_witness_proofs(witness_proofs)
    versions, fault = _followed(lines, place_of(asked).scid, now)
    if all(version.entry.state["id"] != str(asked) for version in versions):
        raise fault or invalid_log(f"no version is that of {quote(str(asked))}")
    unapproved = first_unapproved(versions, approvals, now)
    usable = len(versions) if unapproved is None else unapproved
    if unapproved is not None:
        fault = invalid_log("too few witnesses approved the entry", unapproved)
    if fault is None:
        fault = _cut_off(versions, approvals, known_version, now)
    return History(asked, versions, usable, fault, approvals, now, seal=_SEAL)


def _followed(
    lines: Sequence[str], scid: str, at: datetime
) -> tuple[tuple[Version, ...], InvalidInputError | None]:
    """Hold each entry to every rule, as far as they are kept.

    All entries are read first, then held to what costs little, and at last their proofs are
    verified: three short loops are faster than a long one. The fault that counts is the first of
    the log, and each loop goes no further than the one before.
    """
    entries, unread = _as_far(read_entry(line, index) for index, line in enumerate(lines))
    steps, broken = _as_far(_steps(entries, scid, at))
    signed, unsigned = _as_far(_held(step, (is_signed,)) for step in steps)
    return tuple(step.version for step in signed), unsigned or broken or unread


def _as_far(items: Iterator[_Item]) -> tuple[list[_Item], InvalidInputError | None]:
    """Return the items up to a fault, and the fault."""
    found: list[_Item] = []
    try:
        for item in items:
            found.append(item)  # noqa: PERF402 - those before a fault are kept
    except InvalidInputError as error:
        return found, error
    return found, None


def _steps(entries: Iterable[LogEntry], scid: str, at: datetime) -> Iterator[Step]:
    before = None
    for entry in entries:
        step = _step(before, entry, scid, at)
        before = _held(step, UNSIGNED_RULES).version
        yield step


def _step(before: Version | None, entry: LogEntry, scid: str, at: datetime) -> Step:
    index = 0 if before is None else before.entry.number
    earlier = None if before is None else before.parameters
    return Step.to(entry, before, read_parameters(entry.parameters, earlier, index), scid, at)


def _held(step: Step, rules: Iterable[Rule]) -> Step:
    for rule in rules:
        rule(step)
    return step


def following(before: Version | None, entry: LogEntry, scid: str, at: datetime) -> None:
    """Hold an entry to every rule of what follows a version.

    Args:
        before: The version before; None for the first entry.
        entry: The entry.
        scid: The SCID of the DID.
        at: The present.

    Raises:
        InvalidInputError: It breaks a rule (``INVALID_DID``).
    """
    _held(_step(before, entry, scid, at), RULES)


def _cut_off(
    versions: tuple[Version, ...],
    approvals: tuple[Approval, ...],
    known_version: str | None,
    at: datetime,
) -> InvalidInputError | None:
    if known_version is not None and known_version not in {
        version.entry.version_id for version in versions
    }:
        return invalid_log(
            f"the log lacks {quote(known_version)}, a version that is known elsewhere"
        )
    if shows_more(versions, approvals, at):
        return invalid_log("the log was cut off: witnesses approved a later version")
    if (index := shows_other(versions, approvals, at)) is not None:
        return invalid_log("the log was forked: witnesses approved another version here", index)
    return None
