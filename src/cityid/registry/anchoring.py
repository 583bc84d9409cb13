"""Anchors: checkpoints of one registry, written into another one that nobody can rewrite.

A city keeps its records in a file, and writes the file's signed checkpoint into a registry on a
chain now and then. Whoever reads the chain knows from then on what the file must begin with, and
every record under an anchored checkpoint is proven to have existed before the anchor's block. An
anchor is an ordinary entry, in the log ``anchor:ORIGIN``; any registry can hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from cityid import display, strict_json, timestamp
from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError, quote
from cityid.keys import PublicKey
from cityid.registry.admission import check_number
from cityid.registry.base import (
    Evidence,
    NewEntry,
    Record,
    Registry,
    Replicable,
    demand_open,
    time_text,
)
from cityid.registry.checkpoint import (
    Checkpoint,
    believe_checkpoint,
    check_origin,
    check_same,
    read_checkpoint,
)
from cityid.registry.cosignature import WitnessKey
from cityid.registry.note import malformed, split
from cityid.registry.proof import RecordProof, check_growth, prove, verify_proof

_LOG = "anchor:"
_MEMBERS = {"proof", "version", "recordedAt", "evidence"}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint of a registry, as another registry holds it.

    Attributes:
        checkpoint: What the registry held.
        record: Where and when that was written: its evidence is the block of a chain.
    """

    checkpoint: Checkpoint
    record: Record

    def to_dict(self) -> dict[str, Any]:
        """Return the anchor as JSON."""
        return {
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "root": self.checkpoint.root.hex(),
            "version": self.record.version,
            "recordedAt": time_text(self.record.recorded_at),
            "evidence": evidence_members(self.record.evidence),
        }

    def _repr_html_(self) -> str:
        return display.card("Anchor", self.to_dict(), badge=("⚓ anchored", "green"))


@dataclass(frozen=True, slots=True)
class ExistenceProof:
    """Proof that a record existed when a checkpoint over it was anchored.

    Attributes:
        proof: Proof that the record is under the checkpoint.
        version: The version of the anchor in its log.
        recorded_at: When the other registry is said to have accepted the anchor.
        evidence: Where the anchor is said to be: the members of its record's evidence.
    """

    proof: RecordProof
    version: int
    recorded_at: datetime
    evidence: Mapping[str, Any]

    def to_json(self) -> str:
        """Return the proof as JSON text."""
        members = {
            "proof": self.proof.to_text(),
            "version": self.version,
            "recordedAt": time_text(self.recorded_at),
            "evidence": dict(self.evidence),
        }
        return strict_json.write(members)

    @classmethod
    def from_json(cls, text: str | bytes) -> ExistenceProof:
        """Read a proof **without believing it**: `verify_existence` does that.

        Args:
            text: What `to_json` has written.

        Raises:
            InvalidInputError: It is not the text of a proof.
        """
        members = strict_json.parse_object(text)
        if members.keys() != _MEMBERS or not isinstance(members["evidence"], dict):
            raise malformed("a proof of existence has proof, version, recordedAt and evidence")
        version, evidence = members["version"], members["evidence"]
        check_number(version, "the version of an anchor", "/version", least=1)
        time = timestamp.parse(members["recordedAt"], path="/recordedAt")
        return cls(RecordProof.from_text(members["proof"]), version, time, evidence)

    def _repr_html_(self) -> str:
        said = {"anchor": self.version, "recordedAt": time_text(self.recorded_at)}
        rows = [*said.items(), *self.evidence.items()]
        badge = ("not verified yet", "grey")
        return display.card("Proof of existence", rows, badge=badge)


@dataclass(frozen=True, slots=True)
class Existence:
    """What a proof of existence has shown.

    Attributes:
        record: The record.
        anchor: The anchor that it existed before.
    """

    record: Record
    anchor: Anchor

    @property
    def before(self) -> datetime:
        """When the record existed at the latest, by the clock of the registry with the anchor."""
        return self.anchor.record.recorded_at

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON."""
        return {
            "log": self.record.log,
            "version": self.record.version,
            "recordedAt": time_text(self.record.recorded_at),
            "existedBefore": time_text(self.before),
            "anchor": self.anchor.to_dict(),
        }

    def _repr_html_(self) -> str:
        return display.card("Existence", self.to_dict(), badge=("✓ proven", "green"))


def anchor(
    source: Registry,
    chain: Registry,
    *,
    checkpoint: str | None = None,
    operator: PublicKey | None = None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
) -> Anchor:
    """Write a signed checkpoint of a registry into another one, unless a later one is there.

    Args:
        source: The registry; without `checkpoint` it must have been opened with its operator.
        chain: Where to write: a registry that others hold, such as one on a chain.
        checkpoint: The text of a signed checkpoint of the source, for example because witnesses
            have cosigned it; by default a new one.
        operator: The source's key; with it the signature is verified before it is written.
        witnesses: Who must have cosigned the checkpoint; they need an operator.
        threshold: How many of them; None for all.

    Returns:
        The anchor: the new one, or the last one where that covers the checkpoint already.

    Raises:
        CorruptError: The source does not begin with what it was last anchored with, or is not
            what the checkpoint says; or the log of anchors holds something else. Nothing was
            written.
        ConflictError: Somebody else anchored it at the same time; anchor again.
        InvalidInputError: The checkpoint is not signed, or not to be believed; or both are the
            same registry.
        UnsupportedError: The source has no Merkle log.
        RegistryError: One of them cannot be read or written.
    """
    demand_open(source)
    demand_open(chain)
    now = source.checkpoint()
    _demand_other(chain, now.origin)
    note = now.note if checkpoint is None else checkpoint
    stated = believe_checkpoint(
        note, origin=now.origin, operator=operator, witnesses=witnesses, threshold=threshold
    )
    _demand_signed(stated)
    check_growth(source, stated)
    last = _last(chain, now.origin)
    if last is not None:
        _demand_growth(source, last)
        if last.checkpoint.size >= stated.size:
            return last
    version = 1 if last is None else last.record.version + 1
    (record,) = chain.append([NewEntry(anchor_log(now.origin), version, note.encode())])
    return Anchor(stated, record)


def anchors(
    origin: str,
    chain: Registry,
    *,
    operator: PublicKey | None = None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
) -> tuple[Anchor, ...]:
    """Return the anchors of a registry, the oldest first.

    Entries that are not to be believed are left out: where anybody may write, anybody may have
    written them.

    Args:
        origin: The registry's name.
        chain: Where it is anchored.
        operator: The registry's key; None takes each checkpoint at its word.
        witnesses: Who must have cosigned a checkpoint; they need an operator.
        threshold: How many of them; None for all.

    Raises:
        InvalidInputError: No registry has this name, or there are witnesses and no operator.
        RegistryError: The anchors cannot be read.
    """
    cosigners = tuple(witnesses)
    found = []
    for record in chain.read(anchor_log(origin)):
        try:
            stated = believe_checkpoint(
                _note(record),
                origin=origin,
                operator=operator,
                witnesses=cosigners,
                threshold=threshold,
            )
        except InvalidInputError as error:
            if error.code is Code.INVALID_OPTIONS:
                raise
            continue
        found.append(Anchor(stated, record))
    return tuple(found)


def prove_existence(
    source: Registry, record: Record, chain: Registry, *, operator: PublicKey | None = None
) -> ExistenceProof:
    """Return the proof that a record existed when it was first covered by an anchor.

    Args:
        source: The registry with the record, or a replica of it.
        record: One of its records.
        chain: Where the registry is anchored.
        operator: The registry's key: anchors that it has not signed are left out.

    Raises:
        NotFoundError: No anchor covers the record yet.
        CorruptError: The source does not begin with what was anchored.
        UnsupportedError: The source has no Merkle log.
        InvalidInputError: The record is not in the source.
        RegistryError: One of them cannot be read.
    """
    origin = source.checkpoint().origin
    for found in anchors(origin, chain, operator=operator):
        if found.checkpoint.size >= record.sequence:
            _demand_growth(source, found)
            proof = prove(source, record, found.checkpoint)
            members = evidence_members(found.record.evidence)
            return ExistenceProof(proof, found.record.version, found.record.recorded_at, members)
    raise NotFoundError(
        f"no anchor of {quote(origin)} covers its record {record.sequence} yet; anchor it first",
        ref=anchor_log(origin),
    )


def verify_existence(
    proof: ExistenceProof | str,
    data: bytes,
    *,
    origin: str,
    operator: PublicKey | None,
    chain: Registry,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
) -> Existence:
    """Return what a proof of existence shows, once it holds and the chain says so too.

    The anchor is read from the chain: what the proof says of it must be what the chain says.

    Args:
        proof: The proof, or its JSON text.
        data: The record's data.
        origin: The name of the registry that is meant.
        operator: The registry's key; None takes the anchored checkpoint at its word.
        chain: Where the registry is anchored; the verifier's own connection.
        witnesses: Who must have cosigned the checkpoint; they need an operator.
        threshold: How many of them; None for all.

    Raises:
        InvalidInputError: The proof is of other data or another registry, or the chain does not
            hold the anchor as the proof says, for example because it dropped the block.
        RegistryError: The chain cannot be read, so that nothing is known.
    """
    proof = ExistenceProof.from_json(proof) if isinstance(proof, str) else proof
    record = verify_proof(
        proof.proof,
        data,
        origin=origin,
        operator=operator,
        witnesses=witnesses,
        threshold=threshold,
    )
    check_number(proof.version, "the version of an anchor", least=1)
    held = chain.read(anchor_log(origin), after=proof.version - 1, limit=1)
    if not held or held[0].version != proof.version:
        raise _unproven(f"there is no anchor {proof.version} of {quote(origin)}")
    (there,) = held
    if there.data != proof.proof.checkpoint.encode():
        raise _unproven(f"anchor {proof.version} of {quote(origin)} is another checkpoint")
    said = (time_text(proof.recorded_at), dict(proof.evidence))
    if said != (time_text(there.recorded_at), evidence_members(there.evidence)):
        raise _unproven(
            f"anchor {proof.version} of {quote(origin)} stands at {_place(there)}, and the proof "
            "says another place or time"
        )
    return Existence(record, Anchor(read_checkpoint(proof.proof.checkpoint), there))


def anchor_log(origin: str) -> str:
    """Return the name of the log with the anchors of a registry.

    Args:
        origin: The registry's name.

    Raises:
        InvalidInputError: No registry has this name.
    """
    return _LOG + check_origin(origin)


def evidence_members(evidence: Evidence) -> dict[str, Any]:
    """Return what proves a record's order and time as JSON: its kind, then its fields.

    Args:
        evidence: The evidence of a record.
    """
    members: dict[str, Any] = {"type": type(evidence).__name__}
    for field in fields(evidence):
        first, *rest = field.name.split("_")
        value = getattr(evidence, field.name)
        name = first + "".join(map(str.capitalize, rest))
        members[name] = "0x" + value.hex() if isinstance(value, bytes) else value
    return members


def _demand_other(chain: Registry, origin: str) -> None:
    """Refuse to anchor a registry in itself: whoever rolls it back takes the anchors too."""
    if isinstance(chain, Replicable) and chain.checkpoint().origin == origin:
        raise InvalidInputError(
            f"the registry {quote(origin)} cannot be anchored in itself or in its replica: name "
            "one that others hold",
            code=Code.INVALID_OPTIONS,
        )


def _demand_signed(stated: Checkpoint) -> None:
    _, signatures = split(stated.note)
    if all(signature.name != stated.origin for signature in signatures):
        raise InvalidInputError(
            f"the checkpoint of {quote(stated.origin)} is not signed, so that anybody could have "
            "written it: open the registry with its operator",
            code=Code.INVALID_OPTIONS,
        )


def _demand_growth(source: Registry, last: Anchor) -> None:
    try:
        check_growth(source, last.checkpoint)
    except CorruptError as error:
        origin = last.checkpoint.origin
        raise CorruptError(
            f"the registry {quote(origin)} has not grown from its anchor {last.record.version} of "
            f"{_place(last.record)}: {error}",
            place=origin,
        ) from error


def _last(chain: Registry, origin: str) -> Anchor | None:
    """Return the last anchor; one that cannot be read hides what the registry has to begin with."""
    record = chain.head(anchor_log(origin))
    if record is None:
        return None
    try:
        stated = read_checkpoint(_note(record))
        check_same(stated, origin)
    except InvalidInputError as error:
        raise CorruptError(
            f"version {record.version} of {quote(record.log)} is no checkpoint of that registry: "
            "somebody else writes to its anchors; take another registry to anchor in",
            place=record.log,
        ) from error
    return Anchor(stated, record)


def _note(record: Record) -> str:
    try:
        return record.data.decode()
    except UnicodeDecodeError as error:
        raise malformed("a checkpoint is text in UTF-8") from error


def _place(record: Record) -> str:
    said = ", ".join(f"{name} {value}" for name, value in evidence_members(record.evidence).items())
    return f"{time_text(record.recorded_at)} ({said})"


def _unproven(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the registry that is asked says otherwise: {why}", code=Code.PROOF_VERIFICATION_ERROR
    )
