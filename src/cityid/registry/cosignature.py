"""Cosignatures: a witness's word that at some time a registry had grown to a checkpoint.

Spec:
    https://c2sp.org/tlog-cosignature
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cityid import keys, timestamp
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import KeyType, PublicKey, Signer
from cityid.registry import note as notes
from cityid.registry.note import COSIGNATURE, Signature, malformed

MAX_WITNESSES = 100
"""The most witnesses a checkpoint can be asked to have."""

_NAME = re.compile(r"[!-*,-~]{1,255}")
_TEXT = re.compile(r"([!-*,-~]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")
_TIMESTAMP = struct.Struct(">Q")
_SIGNATURE_SIZE = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Who a witness is, for those who rely on it.

    Attributes:
        name: Its name, such as ``witness.example/w1``.
        key: Its Ed25519 key, which serves this one name and purpose alone.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        name: object = self.name
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise InvalidInputError(
                f"{quote(name)} cannot name a witness: use 1 to 255 visible ASCII characters "
                "without '+', such as witness.example/w1",
                code=Code.INVALID_OPTIONS,
            )
        check_key(self.key, "a witness")

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each of its cosignatures."""
        return notes.key_id(self.name, self.key, COSIGNATURE)

    def to_text(self) -> str:
        """Return name and key as one line, in the form other transparency logs use."""
        encoded = notes.encode(bytes([COSIGNATURE]) + self.key.data)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_text(cls, text: str) -> WitnessKey:
        """Read what `to_text` has written.

        Args:
            text: Name, key id and key.

        Raises:
            InvalidInputError: It is not the key of a witness.
            UnsupportedError: The key is of a kind that makes other signatures.
        """
        given: object = text
        match = _TEXT.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            raise malformed(f"{quote(text)} is not the key of a witness: name+id+key")
        kind, *raw = notes.decode(match[3])
        if kind != COSIGNATURE:
            raise UnsupportedError(
                "a witness's key makes cosignatures of Ed25519", name=f"kind {kind}"
            )
        found = cls(match[1], keys.public_key("Ed25519", bytes(raw)))
        if found.key_id.hex() != match[2]:
            raise malformed(f"the id of the witness {quote(found.name)} is not that of its key")
        return found


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that holds.

    Attributes:
        witness: Whose it is.
        time: When it saw the checkpoint, by its own clock.
    """

    witness: WitnessKey
    time: datetime


def check_key(key: object, who: str) -> None:
    """Refuse a key that cannot sign checkpoints.

    Args:
        key: The key.
        who: Whose key it is, for the message.

    Raises:
        InvalidInputError: It is not a key.
        UnsupportedError: The key is not an Ed25519 key.
    """
    if not isinstance(key, PublicKey):
        raise InvalidInputError(
            f"the key of {who} is a PublicKey, not {type(key).__name__}", code=Code.INVALID_OPTIONS
        )
    if key.type != KeyType.ED25519:
        raise UnsupportedError(
            f"{who} signs checkpoints with an Ed25519 key",
            name=str(key.type),
            known=(KeyType.ED25519.value,),
        )


def cosign(text: str, *, name: str, signer: Signer, at: datetime) -> str:
    """Return the line by which a witness cosigns a checkpoint; `Witness` first checks it.

    Args:
        text: The checkpoint without its signatures.
        name: The witness's name.
        signer: The witness's Ed25519 key.
        at: The time.
    """
    witness = WitnessKey(name, signer.public_key)
    seconds = (timestamp.aware(at) - _EPOCH) // timedelta(seconds=1)
    if seconds < 0:
        raise InvalidInputError(
            "a witness cosigns at a time from 1970 on", code=Code.NUMBER_OUT_OF_RANGE
        )
    data = _TIMESTAMP.pack(seconds) + signer.sign(_message(text, seconds))
    return Signature(name, witness.key_id, data).to_line()


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosignatures(
    note: str, witnesses: Iterable[WitnessKey], *, at: datetime | None = None
) -> tuple[Cosignature, ...]:
    """Return which of some witnesses have cosigned a checkpoint, and when.

    Signatures of other keys are left alone.

    Args:
        note: The checkpoint with its signatures.
        witnesses: Whose word counts; a key that occurs twice counts once.
        at: The time as of which the question is asked: later cosignatures do not count.

    Raises:
        InvalidInputError: The note is malformed, or one of the witnesses did not make the
            signature that bears its name.

    Spec:
        https://c2sp.org/tlog-cosignature#ed25519-signed-message
    """
    text, signatures = notes.split(note)
    latest = None if at is None else timestamp.aware(at)
    found: list[Cosignature] = []
    for witness in _distinct(witnesses):
        for signature in signatures:
            if (signature.name, signature.key_id) == (witness.name, witness.key_id):
                cosignature = _verified(text, witness, signature)
                if latest is None or cosignature.time <= latest:
                    found.append(cosignature)
    return tuple(found)


def _verified(text: str, witness: WitnessKey, signature: Signature) -> Cosignature:
    if len(signature.data) != _TIMESTAMP.size + _SIGNATURE_SIZE:
        raise InvalidInputError(
            f"the cosignature of {quote(witness.name)} has not the length of one",
            code=Code.INVALID_SIGNATURE_ENCODING,
        )
    (seconds,) = _TIMESTAMP.unpack_from(signature.data)
    try:
        time = _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise malformed(
            f"the cosignature of {quote(witness.name)} is of a time that no calendar has"
        ) from error
    witness.key.verify(signature.data[_TIMESTAMP.size :], _message(text, seconds))
    return Cosignature(witness, time)


def _distinct(witnesses: Iterable[WitnessKey]) -> tuple[WitnessKey, ...]:
    by_key: dict[bytes, WitnessKey] = {}
    for witness in witnesses:
        if not isinstance(witness, WitnessKey):
            raise InvalidInputError(
                f"a witness is a WitnessKey, not {type(witness).__name__}",
                code=Code.INVALID_OPTIONS,
            )
        by_key.setdefault(witness.key.data, witness)
        if len(by_key) > MAX_WITNESSES:
            raise InvalidInputError(
                f"there are at most {MAX_WITNESSES} witnesses", code=Code.INPUT_TOO_LARGE
            )
    return tuple(by_key.values())


def demand_witnesses(
    note: str,
    witnesses: Iterable[WitnessKey],
    *,
    threshold: int | None,
    operator: PublicKey,
    at: datetime | None,
) -> tuple[Cosignature, ...]:
    """Refuse a checkpoint that too few witnesses have cosigned; return their cosignatures.

    Args:
        note: The checkpoint with its signatures.
        witnesses: Whose word counts.
        threshold: How many of them must have cosigned; None for all.
        operator: The registry's key, which is no witness of its own registry.
        at: The time as of which the question is asked; None to count all cosignatures.

    Raises:
        InvalidInputError: Too few have, a cosignature is forged, or the threshold makes no sense.
    """
    asked = _distinct(witnesses)
    if any(witness.key.data == operator.data for witness in asked):
        raise InvalidInputError(
            "the operator cannot be a witness of the same registry", code=Code.INVALID_OPTIONS
        )
    wanted: object = len(asked) if threshold is None else threshold
    least = 1 if asked else 0
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not least <= wanted <= len(asked):
        raise InvalidInputError(
            f"of {len(asked)} different witnesses {quote(threshold)} cannot be asked for",
            code=Code.INVALID_OPTIONS,
        )
    found = cosignatures(note, asked, at=at)
    count = len({cosignature.witness.key.data for cosignature in found})
    if count < wanted:
        raise InvalidInputError(
            f"{count} of the witnesses have cosigned the checkpoint, not {wanted}; ask the "
            "operator for one that they have cosigned",
            code=Code.INVALID_SIGNATURE,
        )
    return found
