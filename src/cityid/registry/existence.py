"""Proofs of existence: that a record was there when a checkpoint over it was anchored.

Whoever verifies one asks the registry with the anchors himself, over his own connection: what
counts is what the chain says, never what the proof says of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cityid import display, strict_json, timestamp
from cityid.errors import Code, InvalidInputError, NotFoundError, quote
from cityid.keys import PublicKey
from cityid.registry.admission import check_number
from cityid.registry.anchoring import (
    Anchor,
    anchor_log,
    anchors,
    demand_growth,
    evidence_members,
    place,
)
from cityid.registry.base import Record, Registry, time_text
from cityid.registry.checkpoint import read_checkpoint
from cityid.registry.cosignature import WitnessKey
from cityid.registry.note import malformed
from cityid.registry.proof import RecordProof, prove, verify_proof

_LOOKED_UP = {"blockHash", "transaction", "logIndex"}
_MEMBERS = {"proof", "version", "recordedAt", "evidence"}


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
            demand_growth(source, found)
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
    known = _proven_members(evidence_members(there.evidence))
    if proof.recorded_at != there.recorded_at or _proven_members(proof.evidence) != known:
        raise _unproven(
            f"anchor {proof.version} of {quote(origin)} is in {place(there)} of "
            f"{time_text(there.recorded_at)}, and the proof says another place or time"
        )
    return Existence(record, Anchor(read_checkpoint(proof.proof.checkpoint), there))


def _proven_members(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a registry proves of its evidence; the rest is where to look it up."""
    return {name: value for name, value in evidence.items() if name not in _LOOKED_UP}


def _unproven(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the registry that is asked says otherwise: {why}", code=Code.PROOF_VERIFICATION_ERROR
    )
