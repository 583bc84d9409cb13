"""Checkpoints: what a registry holds at one time, as a text that its operator signs.

Whoever keeps a checkpoint can tell later whether the registry still begins with the same records.
The text is the one that transparency logs use, so that witnesses of theirs can cosign it.

Spec:
    https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import PublicKey, Signer
from cityid.registry.cosignature import Cosignature, WitnessKey, check_key, demand_witnesses
from cityid.registry.note import Signature, decode, encode, key_id, malformed, split

_ORIGIN = re.compile(r"[!-*,-~]{1,255}")
_BODY = re.compile(r"([!-*,-~]{1,255})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a registry holds at one time.

    Attributes:
        origin: The registry's name.
        size: How many records it has.
        root: The root of its Merkle log.
        time: When the last of them was recorded; None where there is none, and in a checkpoint
            that was read from its text.
        note: The text: origin, size and root, then the signatures if there are any.
        cosigned: Which of the witnesses that were asked for have cosigned it, and when; empty
            in a checkpoint that was not verified.
    """

    origin: str
    size: int
    root: bytes
    time: datetime | None
    note: str
    cosigned: tuple[Cosignature, ...] = ()


def check_origin(origin: object) -> str:
    """Return `origin`, which can name a registry.

    Raises:
        InvalidInputError: It cannot.
    """
    if not isinstance(origin, str) or _ORIGIN.fullmatch(origin) is None:
        raise InvalidInputError(
            f"{quote(origin)} cannot name a registry: use 1 to 255 visible ASCII characters "
            "without '+', such as city.example/registry",
            code=Code.INVALID_OPTIONS,
        )
    return origin


def check_operator(operator: Signer | None) -> None:
    """Refuse a key that cannot sign checkpoints.

    Raises:
        UnsupportedError: The key is not an Ed25519 key.
    """
    if operator is not None:
        check_key(operator.public_key, "an operator")


def write_checkpoint(
    origin: str, size: int, root: bytes, *, time: datetime | None, operator: Signer | None
) -> Checkpoint:
    """Return the checkpoint of a tree, signed where there is an operator.

    Args:
        origin: The registry's name, also the name of the operator's key.
        size: How many records the registry has.
        root: The root of its Merkle log.
        time: When the last record was accepted.
        operator: Whoever runs the registry, with an Ed25519 key.
    """
    body = f"{origin}\n{size}\n{encode(root)}\n"
    if operator is None:
        return Checkpoint(origin, size, root, time, body)
    id_ = key_id(origin, operator.public_key)
    line = Signature(origin, id_, operator.sign(body.encode())).to_line()
    return Checkpoint(origin, size, root, time, f"{body}\n{line}")


def read_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint **without believing it**: no signature is checked.

    Args:
        note: The text, signed or not.

    Raises:
        InvalidInputError: It is not the text of a checkpoint.
    """
    body, _ = split(note)
    match = _BODY.fullmatch(body)
    if match is None:
        raise malformed("a checkpoint begins with the lines origin, size and root in base64")
    return Checkpoint(match[1], int(match[2]), decode(match[3]), None, note)


def verify_checkpoint(
    note: str,
    *,
    origin: str,
    operator: PublicKey,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
    at: datetime | None = None,
) -> Checkpoint:
    """Return a checkpoint that the operator of a registry has signed, and witnesses cosigned.

    Signatures of other keys are left alone.

    Args:
        note: The text.
        origin: The name of the registry that is meant.
        operator: The registry's Ed25519 key.
        witnesses: Whose cosignatures count; a key that occurs twice counts once.
        threshold: How many of the witnesses must have cosigned; None for all of them.
        at: The time as of which the question is asked: later cosignatures do not count.

    Raises:
        InvalidInputError: It is no checkpoint, of another registry, not signed by this key, or
            not cosigned by enough witnesses.
        UnsupportedError: The key is not an Ed25519 key.

    Spec:
        https://c2sp.org/signed-note#signatures
    """
    check_key(operator, "an operator")
    checkpoint = read_checkpoint(note)
    check_same(checkpoint, origin)
    body, signatures = split(note)
    wanted = (origin, key_id(origin, operator))
    mine = [line.data for line in signatures if (line.name, line.key_id) == wanted]
    if not mine:
        raise InvalidInputError(
            "the checkpoint is not signed by the registry's operator", code=Code.INVALID_SIGNATURE
        )
    for signature in mine:
        operator.verify(signature, body.encode())
    cosigned = demand_witnesses(note, witnesses, threshold=threshold, operator=operator, at=at)
    return replace(checkpoint, cosigned=cosigned)


def believe_checkpoint(
    note: str,
    *,
    origin: str,
    operator: PublicKey | None,
    witnesses: Iterable[WitnessKey] = (),
    threshold: int | None = None,
    at: datetime | None = None,
) -> Checkpoint:
    """Return a checkpoint as `verify_checkpoint` does, or at its word where no key is known.

    Args:
        note: The text.
        origin: The name of the registry that is meant.
        operator: The registry's key; None takes the checkpoint at its word.
        witnesses: Whose cosignatures count; they need an operator.
        threshold: How many of the witnesses must have cosigned; None for all of them.
        at: The time as of which the question is asked.

    Raises:
        InvalidInputError: See `verify_checkpoint`; or there are witnesses and no operator.
    """
    if operator is not None:
        return verify_checkpoint(
            note, origin=origin, operator=operator, witnesses=witnesses, threshold=threshold, at=at
        )
    if threshold is not None or tuple(witnesses):
        raise InvalidInputError(
            "witnesses cosign what an operator has signed: pass the operator's key too",
            code=Code.INVALID_OPTIONS,
        )
    checkpoint = read_checkpoint(note)
    check_same(checkpoint, origin)
    return checkpoint


def check_same(checkpoint: Checkpoint, origin: str) -> None:
    """Refuse a checkpoint of another registry.

    Raises:
        InvalidInputError: It is.
    """
    if checkpoint.origin != origin:
        raise InvalidInputError(
            f"the checkpoint is of {quote(checkpoint.origin)}, not of {quote(origin)}",
            code=Code.PROOF_VERIFICATION_ERROR,
        )
