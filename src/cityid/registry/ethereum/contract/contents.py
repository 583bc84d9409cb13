"""What the bytes of an entry on the chain are: a name, data, and whether they are compressed.

The contract never looks inside. The first byte is the form. What follows, expanded where the form
says so, is the entry's data; for the first version the name of the log stands before it, after two
bytes that say how long the name is. So a chain alone tells every record, without a list of names.

Anybody who may write can write nonsense. Reading gives every nonsense exactly one meaning, so that
no writer can stop others from reading on.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

from cityid.errors import InvalidInputError
from cityid.registry.admission import MAX_DATA, MAX_LOG_NAME, check_log
from cityid.registry.ethereum.contract.dictionary import DICTIONARY
from cityid.registry.ethereum.hashing import keccak256

PLAIN: Final = 0
"""The form of bytes as they are."""
DEFLATED: Final = 1
"""The form of bytes that are compressed (RFC 1951, no wrapper) after the bytes of `DICTIONARY`."""

NAMELESS: Final = "urn:cityid:log:0x"
"""How the name of a log begins whose first entry does not tell it; the digits of its id follow."""

_STRONGEST: Final = 9
_NO_WRAPPER: Final = -15
_NAME_LENGTH: Final = 2
_NAMELESS: Final = re.compile(NAMELESS + "([0-9a-f]{64})")
_MOST: Final = _NAME_LENGTH + MAX_LOG_NAME + MAX_DATA


class Content(NamedTuple):
    """What an entry says.

    Attributes:
        name: The name of its log; None for every version but the first.
        data: The bytes.
    """

    name: str | None
    data: bytes


def log_id(log: str) -> bytes:
    """Return the 32 bytes by which the chain knows a log.

    Args:
        log: The log's name. Nameless logs, whose name was made from the id, have that id.
    """
    if (nameless := _NAMELESS.fullmatch(log)) is not None:
        return bytes.fromhex(nameless[1])
    return keccak256(log.encode())


def content(log: str, version: int, data: bytes) -> bytes:
    """Return the bytes that an entry has on the chain: compressed where that makes them fewer.

    Args:
        log: The log's name.
        version: The version that the entry will be.
        data: The entry's bytes.
    """
    body = data
    if version == 1:
        name = log.encode()
        body = len(name).to_bytes(_NAME_LENGTH, "big") + name + data
    worker = zlib.compressobj(_STRONGEST, zlib.DEFLATED, _NO_WRAPPER, _STRONGEST, zdict=DICTIONARY)
    deflated = worker.compress(body) + worker.flush()
    if len(deflated) < len(body):
        return bytes([DEFLATED]) + deflated
    return bytes([PLAIN]) + body


def read_content(log: bytes, version: int, content: bytes) -> Content:
    """Return what the bytes of an entry say; there are none that say nothing.

    Bytes that do not have one of the forms, expand to more than an entry may have, or as a first
    version do not tell the name that leads to the id, are data as they stand (cut to the most
    that an entry may have), and their log is nameless.

    Args:
        log: The log's id.
        version: The entry's version.
        content: All bytes of the entry.
    """
    body = _body(content)
    if body is not None:
        if version != 1:
            if len(body) <= MAX_DATA:
                return Content(None, body)
        elif (found := _named(log, body)) is not None:
            return found
    name = NAMELESS + log.hex() if version == 1 else None
    return Content(name, content[:MAX_DATA])


def _body(content: bytes) -> bytes | None:
    if not content or content[0] not in {PLAIN, DEFLATED}:
        return None
    if content[0] == PLAIN:
        return content[1:]
    worker = zlib.decompressobj(_NO_WRAPPER, zdict=DICTIONARY)
    try:
        body = worker.decompress(content[1:], _MOST + 1)
    except zlib.error:
        return None
    return body if worker.eof and not worker.unused_data and len(body) <= _MOST else None


def _named(log: bytes, body: bytes) -> Content | None:
    start = _NAME_LENGTH + int.from_bytes(body[:_NAME_LENGTH], "big")
    data = body[start:]
    try:
        name = body[_NAME_LENGTH:start].decode("ascii")
        check_log(name)
    except (UnicodeDecodeError, InvalidInputError):
        return None
    whole = start <= len(body) and len(data) <= MAX_DATA
    return Content(name, data) if whole and log_id(name) == log else None
