"""Checkpoints: what a registry holds at one time, as a text that its operator signs.

Whoever keeps a checkpoint can tell later whether the registry still begins with the same records.
The text is the one that transparency logs use, so that witnesses of theirs can cosign it.

Spec:
    https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import KeyType, PublicKey, Signer

MAX_NOTE = 100_000
"""The most characters a checkpoint may have, all signatures included."""

_ORIGIN = re.compile(r"[!-*,-~]{1,255}")
_BODY = re.compile(r"([!-*,-~]{1,255})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\n")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_ED25519 = b"\x01"
_KEY_ID_SIZE = 4


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
    """

    origin: str
    size: int
    root: bytes
    time: datetime | None
    note: str


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
        _check_key(operator.public_key)


def _check_key(key: PublicKey) -> None:
    if key.type != KeyType.ED25519:
        raise UnsupportedError(
            "an operator signs checkpoints with an Ed25519 key",
            name=str(key.type),
            known=(KeyType.ED25519.value,),
        )


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
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    if operator is None:
        return Checkpoint(origin, size, root, time, body)
    signature = key_id(origin, operator.public_key) + operator.sign(body.encode())
    line = f"— {origin} {base64.b64encode(signature).decode()}\n"
    return Checkpoint(origin, size, root, time, f"{body}\n{line}")


def key_id(name: str, key: PublicKey) -> bytes:
    """Return the four bytes by which a signature line names an Ed25519 key.

    Args:
        name: The key's name.
        key: The key.
    """
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.data).digest()[:_KEY_ID_SIZE]


def read_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint **without believing it**: no signature is checked.

    Args:
        note: The text, signed or not.

    Raises:
        InvalidInputError: It is not the text of a checkpoint.
    """
    body, _ = _split(note)
    match = _BODY.fullmatch(body)
    if match is None:
        raise _malformed("a checkpoint begins with the lines origin, size and root in base64")
    return Checkpoint(match[1], int(match[2]), _decode(match[3]), None, note)


def verify_checkpoint(note: str, *, origin: str, operator: PublicKey) -> Checkpoint:
    """Return a checkpoint that the operator of a registry has signed.

    Signatures of other keys, such as those of witnesses, are left alone.

    Args:
        note: The text.
        origin: The name of the registry that is meant.
        operator: The registry's Ed25519 key.

    Raises:
        InvalidInputError: It is no checkpoint, of another registry, or not signed by this key.
        UnsupportedError: The key is not an Ed25519 key.

    Spec:
        https://c2sp.org/signed-note#signatures
    """
    _check_key(operator)
    checkpoint = read_checkpoint(note)
    if checkpoint.origin != origin:
        raise InvalidInputError(
            f"the checkpoint is of {quote(checkpoint.origin)}, not of {quote(origin)}",
            code=Code.PROOF_VERIFICATION_ERROR,
        )
    body, signatures = _split(note)
    wanted = key_id(origin, operator)
    mine = [data[4:] for name, data in signatures if name == origin and data[:4] == wanted]
    if not mine:
        raise InvalidInputError(
            "the checkpoint is not signed by the registry's operator", code=Code.INVALID_SIGNATURE
        )
    for signature in mine:
        operator.verify(signature, body.encode())
    return checkpoint


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if not isinstance(note, str):
        raise _malformed(f"a checkpoint is text, not {type(note).__name__}")
    if len(note) > MAX_NOTE:
        raise InvalidInputError(
            f"a checkpoint has at most {MAX_NOTE} characters", code=Code.INPUT_TOO_LARGE
        )
    if _CONTROL.search(note) or not _is_unicode(note):
        raise _malformed("a checkpoint has no control characters other than line feeds")
    text, separator, lines = note.rpartition("\n\n")
    if not separator:
        return note, []
    signatures = [_SIGNATURE_LINE.fullmatch(line) for line in lines.splitlines(keepends=True)]
    if not signatures or None in signatures:
        raise _malformed("below its empty line a checkpoint has signature lines alone")
    return text + "\n", [(match[1], _decode(match[2])) for match in signatures if match]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise _malformed(f"{quote(text)} is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise _malformed(f"{quote(text)} is not base64 in its one canonical form")
    return data


def _malformed(why: str) -> InvalidInputError:
    return InvalidInputError(why, code=Code.PARSING_ERROR)
