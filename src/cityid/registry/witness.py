"""Witnesses: parties that watch a registry grow, and say so in cosignatures.

A witness cosigns a checkpoint only if the registry still begins with everything that the witness
cosigned before. Whoever asks for the cosignatures of several witnesses can thus not be shown
another history than the rest of the city: all of them would have to lie.

Spec:
    https://c2sp.org/tlog-witness
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from cityid import timestamp
from cityid.errors import Code, CorruptError, InvalidInputError, UnsupportedError, quote
from cityid.keys import PublicKey, Signer
from cityid.registry import merkle
from cityid.registry.base import NewEntry, Provable, Registry
from cityid.registry.checkpoint import Checkpoint, read_checkpoint, verify_checkpoint
from cityid.registry.cosignature import WitnessKey, cosign, cosignatures
from cityid.registry.note import MAX_NOTE, decode, encode, malformed, split

MAX_PATH = 63
"""The most hashes a consistency proof may have."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class GrowthClaim:
    """A checkpoint, with the proof that it grew from an earlier one: what a witness is asked.

    Attributes:
        old_size: The size of the earlier checkpoint; 0 where there is none.
        path: The consistency proof.
        note: The later checkpoint, signed by the operator.
    """

    old_size: int
    path: tuple[bytes, ...]
    note: str

    def to_text(self) -> str:
        """Return the claim as text, in the form that other witnesses take too."""
        return "\n".join([f"old {self.old_size}", *map(encode, self.path), "", self.note])

    @classmethod
    def from_text(cls, text: str) -> GrowthClaim:
        """Read a claim **without believing it**; a checkpoint alone claims growth from nothing.

        Args:
            text: What `to_text` has written, or a checkpoint.

        Raises:
            InvalidInputError: It is neither.
        """
        if not isinstance(text, str):
            raise malformed(f"a claim of growth is text, not {type(text).__name__}")
        if len(text) > MAX_NOTE + 10_000:
            raise InvalidInputError(
                f"a checkpoint has at most {MAX_NOTE} characters", code=Code.INPUT_TOO_LARGE
            )
        if not text.startswith("old "):
            return cls(0, (), read_checkpoint(text).note)
        head, _, note = text.partition("\n\n")
        first, *path = head.split("\n")
        size = _OLD.fullmatch(first)
        if size is None or len(path) > MAX_PATH:
            raise malformed(
                f"a claim of growth begins with 'old SIZE' and at most {MAX_PATH} hashes"
            )
        return cls(int(size[1]), tuple(map(decode, path)), read_checkpoint(note).note)


def claim_growth(
    registry: Registry, *, since: int = 0, checkpoint: Checkpoint | None = None
) -> GrowthClaim:
    """Return what to ask a witness: the present checkpoint, and the proof that it grew.

    Args:
        registry: The registry, or a mirror of it.
        since: The size of the checkpoint that the witness cosigned last.
        checkpoint: The checkpoint to cosign, perhaps cosigned by others already; by default a
            new one, which needs the operator.

    Raises:
        UnsupportedError: The registry has no Merkle log.
        InvalidInputError: The registry is smaller than one of the two.
        RegistryError: The registry cannot be read.
    """
    if not isinstance(registry, Provable):
        raise UnsupportedError(
            "this registry has no Merkle log to prove growth from", name=type(registry).__name__
        )
    stated = checkpoint or registry.checkpoint()
    return GrowthClaim(since, registry.prove_consistency(since, stated.size), stated.note)


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its key, and its memory of what it cosigned.

    The memory is a registry of the witness's own, with one log for each registry that it watches.
    It is durable before a cosignature leaves, and of two who cosign at once one is refused. A
    witness that loses its memory must take a new key.

    Attributes:
        name: Its name, such as ``witness.example/w1``.
        signer: Its Ed25519 key, which serves nothing else.
        memory: Where it keeps what it cosigned.
    """

    name: str
    signer: Signer
    memory: Registry

    def __post_init__(self) -> None:
        _ = self.key

    @property
    def key(self) -> WitnessKey:
        """What to give to those who rely on the witness."""
        return WitnessKey(self.name, self.signer.public_key)

    def last(self, origin: str) -> Checkpoint | None:
        """Return the last checkpoint of a registry that the witness cosigned; None for none.

        Args:
            origin: The registry's name.

        Raises:
            CorruptError: The memory is not of this witness, or damaged.
            RegistryError: The memory cannot be read.
        """
        known = self._remembered(origin)
        return None if known is None else known[1]

    def cosign(self, claim: GrowthClaim, *, origin: str, operator: PublicKey, at: datetime) -> str:
        """Return the checkpoint with the witness's cosignature below all others.

        Args:
            claim: The checkpoint, and the proof that it grew from the last one.
            origin: The name of the registry that is watched.
            operator: Its operator's key.
            at: The time; one before the last cosignature counts as that one's.

        Raises:
            InvalidInputError: The operator has not signed it, or it is not grown from what the
                witness cosigned last: the registry went back, or shows two histories.
            ConflictError: The witness cosigned another checkpoint of it meanwhile.
            CorruptError: The memory is not of this witness, or damaged.
            RegistryError: The memory cannot be read or written.

        Spec:
            https://c2sp.org/tlog-witness#add-checkpoint
        """
        later = verify_checkpoint(claim.note, origin=origin, operator=operator)
        self._demand_own_memory(origin)
        version, earlier = self._remembered(origin) or (0, None)
        check_claim(earlier, later, claim)
        time = timestamp.aware(at)
        if earlier is not None:
            time = max(time, *(cosignature.time for cosignature in earlier.cosigned))
        text, _ = split(claim.note)
        line = cosign(text, name=self.name, signer=self.signer, at=time)
        if earlier is None or earlier.size < later.size:
            remembered = f"{text}\n{line}".encode()
            self.memory.append([NewEntry(origin, version + 1, remembered)])
        return claim.note + line

    def _demand_own_memory(self, origin: str) -> None:
        """Refuse a memory that would be rolled back together with what is watched."""
        if self.memory.checkpoint().origin == origin:
            raise InvalidInputError(
                f"the memory of the witness {quote(self.name)} is the registry that it watches: "
                "whoever rolls that back makes it forget; give it a registry of its own",
                code=Code.INVALID_OPTIONS,
            )

    def _remembered(self, origin: str) -> tuple[int, Checkpoint] | None:
        """Return the last checkpoint and its version; only our own cosignature shows it is ours."""
        record = self.memory.head(origin)
        if record is None:
            return None
        try:
            note = record.data.decode()
            checkpoint = read_own(note, self.key)
        except ValueError as error:
            raise CorruptError(
                f"version {record.version} of {quote(origin)} in the memory of the witness "
                f"{quote(self.name)} is not a checkpoint that it cosigned; restore the memory, or "
                "take a new key and tell those who rely on the old one",
                place=origin,
            ) from error
        return record.version, checkpoint


def read_own(note: str, witness: WitnessKey) -> Checkpoint:
    """Return a checkpoint that a witness finds in its memory.

    Args:
        note: What it finds.
        witness: The witness.

    Raises:
        InvalidInputError: It is not a checkpoint, or not one that the witness cosigned.
    """
    checkpoint = read_checkpoint(note)
    cosigned = cosignatures(note, [witness])
    if not cosigned:
        raise malformed("the checkpoint is not cosigned by the witness")
    return replace(checkpoint, cosigned=cosigned)


def check_claim(earlier: Checkpoint | None, later: Checkpoint, claim: GrowthClaim) -> None:
    """Refuse a checkpoint that has not grown from the last one: the whole judgement of a witness.

    Args:
        earlier: What the witness cosigned last; None for a registry that is new to it.
        later: What it is asked to cosign; the operator's signature holds.
        claim: The claim that it came from.

    Raises:
        InvalidInputError: The registry went back, forked, or the proof is not for these two.
    """
    size, root = (0, merkle.EMPTY_ROOT) if earlier is None else (earlier.size, earlier.root)
    if later.size < size:
        raise InvalidInputError(
            f"the registry {quote(later.origin)} went back: it had {size} records when this "
            f"witness cosigned last, and has {later.size} now; keep this checkpoint as evidence",
            code=Code.PROOF_VERIFICATION_ERROR,
        )
    if later.size == size:
        if later.root != root:
            raise InvalidInputError(
                f"the registry {quote(later.origin)} shows two histories of {size} records; keep "
                "both checkpoints as evidence",
                code=Code.PROOF_VERIFICATION_ERROR,
            )
        return
    if claim.old_size != size:
        raise InvalidInputError(
            f"this witness cosigned {quote(later.origin)} last at size {size}: ask again with a "
            f"proof of growth from there, not from {claim.old_size}",
            code=Code.PROOF_VERIFICATION_ERROR,
        )
    merkle.verify_consistency(size, later.size, claim.path, root, later.root)
