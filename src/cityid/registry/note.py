"""Signed notes: texts below which signature lines stand, each of a named key.

Spec:
    https://c2sp.org/signed-note#format
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import PublicKey

MAX_NOTE = 100_000
"""The most characters a note may have, all signatures included."""
ED25519 = 1
"""The kind of signature by which an operator signs the text itself."""
COSIGNATURE = 4
"""The kind of signature by which a witness signs the text and the time."""

_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\n")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_ID_SIZE = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note.

    Attributes:
        name: The name of the key.
        key_id: Four bytes that tell, with the name, which key and kind of signature it is.
        data: What follows them: the signature.
    """

    name: str
    key_id: bytes
    data: bytes

    def to_line(self) -> str:
        """Return the line."""
        return f"— {self.name} {encode(self.key_id + self.data)}\n"


def key_id(name: str, key: PublicKey, kind: int = ED25519) -> bytes:
    """Return the four bytes by which a signature line names an Ed25519 key.

    Args:
        name: The key's name.
        key: The key.
        kind: `ED25519` or `COSIGNATURE`.

    Spec:
        https://c2sp.org/signed-note#signatures
    """
    content = name.encode() + b"\n" + bytes([kind]) + key.data
    return hashlib.sha256(content).digest()[:_KEY_ID_SIZE]


def split(note: str) -> tuple[str, tuple[Signature, ...]]:
    """Return the text of a note and its signatures, none of them believed.

    Args:
        note: The note; a text without signatures is one too.

    Raises:
        InvalidInputError: It is too long, or not a note.
    """
    if not isinstance(note, str):
        raise malformed(f"a checkpoint is text, not {type(note).__name__}")
    if len(note) > MAX_NOTE:
        raise InvalidInputError(
            f"a checkpoint has at most {MAX_NOTE} characters", code=Code.INPUT_TOO_LARGE
        )
    if _CONTROL.search(note) or not _is_unicode(note):
        raise malformed("a checkpoint has no control characters other than line feeds")
    text, separator, lines = note.rpartition("\n\n")
    if not separator:
        return note, ()
    matches = [_SIGNATURE_LINE.fullmatch(line) for line in lines.splitlines(keepends=True)]
    if not matches or None in matches:
        raise malformed("below its empty line a checkpoint has signature lines alone")
    return text + "\n", tuple(_signature(match) for match in matches if match)


def _signature(match: re.Match[str]) -> Signature:
    data = decode(match[2])
    return Signature(match[1], data[:_KEY_ID_SIZE], data[_KEY_ID_SIZE:])


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def encode(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    """Return the bytes that stand in base64, in its one canonical form.

    Raises:
        InvalidInputError: It is not base64, or in another form.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed(f"{quote(text)} is not base64") from error
    if encode(data) != text:
        raise malformed(f"{quote(text)} is not base64 in its one canonical form")
    return data


def malformed(why: str) -> InvalidInputError:
    """Return the error of a text that has not the form it should have."""
    return InvalidInputError(why, code=Code.PARSING_ERROR)
