"""Proofs that a registry holds a record: small texts that anyone verifies offline.

Spec:
    https://c2sp.org/tlog-proof
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cityid import display, timestamp
from cityid.errors import Code, CorruptError, InvalidInputError, UnsupportedError, quote
from cityid.keys import PublicKey
from cityid.registry import merkle
from cityid.registry.admission import check_number
from cityid.registry.base import MerkleLeaf, Provable, Record, Registry, leaf_content
from cityid.registry.checkpoint import Checkpoint, believe_checkpoint, read_checkpoint
from cityid.registry.cosignature import WitnessKey
from cityid.registry.note import MAX_NOTE, decode, encode, malformed
from cityid.registry.pictures import path_picture

_HEADER = "c2sp.org/tlog-proof@v1"
_LONGEST = MAX_NOTE + 10_000
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")
_LEAF = re.compile(
    r"cityid record v1\n([!-~]{1,1024})\n([1-9][0-9]{0,15})\n[0-9a-f]{64}\n"
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)\n"
)


@dataclass(frozen=True, slots=True)
class RecordProof:
    """Proof that a record stands at one place of a registry's Merkle log.

    Attributes:
        content: What the record's leaf says: log, version, SHA-256 of the data, time.
        index: The leaf's place, from 0.
        path: The hashes that lead from the leaf to the checkpoint's root.
        checkpoint: The text of the checkpoint, with its signatures.
    """

    content: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def to_text(self) -> str:
        """Return the proof as text, in the form other transparency logs use."""
        lines = [_HEADER, "extra " + encode(self.content), f"index {self.index}"]
        return "\n".join([*lines, *map(encode, self.path), "", self.checkpoint])

    @classmethod
    def from_text(cls, text: str) -> RecordProof:
        """Read a proof **without believing it**: `verify_proof` does that.

        Args:
            text: What `to_text` has written.

        Raises:
            InvalidInputError: It is not the text of a proof.
        """
        if not isinstance(text, str):
            raise malformed(f"a proof is text, not {type(text).__name__}")
        if len(text) > _LONGEST:
            raise InvalidInputError(
                f"a proof has at most {_LONGEST} characters", code=Code.INPUT_TOO_LARGE
            )
        head, _, checkpoint = text.partition("\n\n")
        header, extra, index, *path = [*head.split("\n"), "", "", ""]
        number = _INDEX.fullmatch(index)
        if header != _HEADER or not extra.startswith("extra ") or number is None:
            raise malformed(f"a proof begins with the lines {_HEADER}, extra and index")
        hashes = tuple(decode(line) for line in path[:-3])
        return cls(decode(extra.removeprefix("extra ")), int(number[1]), hashes, checkpoint)

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("Record", self.index + 1)]
        if (match := _LEAF.fullmatch(self.content.decode("ascii", "replace"))) is not None:
            rows += zip(("Log", "Version", "Recorded at"), match.groups(), strict=True)
        try:
            stated = read_checkpoint(self.checkpoint)
            leaf = merkle.leaf_hash(self.content)
            drawn = path_picture(
                f"record {self.index + 1}", leaf, self.index, stated.size, self.path
            )
        except InvalidInputError as error:
            return display.card("Proof of a record", rows, body=str(error))
        rows += [("Registry", stated.origin), ("Records", stated.size), ("Root", stated.root.hex())]
        return display.card(
            "Proof of a record", rows, badge=("not verified yet", "grey"), body=drawn
        )


def prove(registry: Registry, record: Record, checkpoint: Checkpoint | None = None) -> RecordProof:
    """Return the proof that a registry holds a record.

    Args:
        registry: The registry.
        record: One of its records.
        checkpoint: One of its checkpoints that covers the record, for example because witnesses
            have signed it; by default a new one.

    Raises:
        UnsupportedError: The registry has no Merkle log.
        InvalidInputError: The record is not in the registry, or not under the checkpoint.
        RegistryError: The registry cannot be read.
    """
    if not isinstance(registry, Provable):
        raise UnsupportedError(
            "this registry has no Merkle log to prove records from", name=type(registry).__name__
        )
    if not isinstance(record, Record):
        raise InvalidInputError(
            f"a proof is of a Record, such as read gives, not of {quote(record)}",
            code=Code.INVALID_OPTIONS,
        )
    checkpoint = checkpoint or registry.checkpoint()
    content = leaf_content(record.log, record.version, record.data, record.recorded_at)
    index = record.sequence - 1
    path = registry.prove_inclusion(index, checkpoint.size)
    leaf = merkle.leaf_hash(content)
    merkle.verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root)
    return RecordProof(content, index, path, checkpoint.note)


def verify_proof(
    proof: RecordProof | str,
    data: bytes,
    *,
    origin: str,
    operator: PublicKey | None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
    at: datetime | None = None,
) -> Record:
    """Return the record that a proof is about, once the proof holds. Nothing is looked up.

    Args:
        proof: The proof, or its text.
        data: The record's data.
        origin: The name of the registry that is meant.
        operator: The registry's key; None takes the checkpoint at its word, for whoever
            compares it with one he trusts.
        witnesses: Whose cosignatures of the checkpoint count; they need an operator.
        threshold: How many of them must have cosigned; None for all of them.
        at: The time as of which the question is asked: later cosignatures do not count.

    Raises:
        InvalidInputError: The proof is of other data, does not lead to the checkpoint, or the
            checkpoint is not signed by the operator and enough witnesses.
    """
    proof = RecordProof.from_text(proof) if isinstance(proof, str) else proof
    checkpoint = believe_checkpoint(
        proof.checkpoint,
        origin=origin,
        operator=operator,
        witnesses=witnesses,
        threshold=threshold,
        at=at,
    )
    match = _LEAF.fullmatch(proof.content.decode("ascii", "replace"))
    if match is None:
        raise malformed("the proof is not about a record of cityid")
    check_number(proof.index, "an index")
    record = Record(
        match[1],
        int(match[2]),
        data,
        timestamp.parse(match[3]),
        MerkleLeaf(origin, proof.index),
        proof.index + 1,
    )
    if leaf_content(record.log, record.version, data, record.recorded_at) != proof.content:
        raise InvalidInputError("the proof is about other data", code=Code.DIGEST_MISMATCH)
    leaf = merkle.leaf_hash(proof.content)
    merkle.verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root)
    return record


def verify_growth(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Refuse a checkpoint whose registry does not begin with the records of an earlier one.

    Args:
        old: The earlier checkpoint.
        new: The later checkpoint.
        path: The consistency proof between their sizes.

    Raises:
        InvalidInputError: They are of two registries, or history was rewritten.
    """
    if old.origin != new.origin:
        raise InvalidInputError(
            f"the checkpoints are of {quote(old.origin)} and {quote(new.origin)}",
            code=Code.PROOF_VERIFICATION_ERROR,
        )
    merkle.verify_consistency(old.size, new.size, path, old.root, new.root)


def check_growth(registry: Registry, earlier: Checkpoint | str) -> Checkpoint:
    """Refuse a registry that was rolled back, cut off or rewritten since an earlier checkpoint.

    Args:
        registry: The registry.
        earlier: A checkpoint of it that was kept elsewhere, or its text; whoever got it from a
            stranger verifies it first.

    Returns:
        The present checkpoint.

    Raises:
        CorruptError: The registry does not begin with what it had at the earlier checkpoint.
        InvalidInputError: The checkpoint is malformed, or of another registry.
        UnsupportedError: The registry has no Merkle log.
        RegistryError: The registry cannot be read.
    """
    if not isinstance(registry, Provable):
        raise UnsupportedError(
            "this registry has no Merkle log to prove growth from", name=type(registry).__name__
        )
    old = read_checkpoint(earlier) if isinstance(earlier, str) else earlier
    new = registry.checkpoint()
    if old.origin != new.origin:
        raise InvalidInputError(
            f"the checkpoint is of {quote(old.origin)}, and the registry is {quote(new.origin)}",
            code=Code.INVALID_OPTIONS,
        )
    if new.size < old.size:
        raise _rewritten(old, f"it had {old.size} records, and has {new.size}: it was rolled back")
    try:
        verify_growth(old, new, registry.prove_consistency(old.size, new.size))
    except InvalidInputError as error:
        raise _rewritten(old, f"its first {old.size} records are not what they were") from error
    return new


def _rewritten(old: Checkpoint, what: str) -> CorruptError:
    return CorruptError(
        f"the registry {quote(old.origin)} is not what its checkpoint of {old.size} records says: "
        f"{what}; keep both as evidence, and restore it from a backup or a mirror that agrees",
        place=old.origin,
    )
