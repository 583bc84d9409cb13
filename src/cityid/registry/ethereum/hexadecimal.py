"""The two spellings of JSON-RPC: numbers as quantities, bytes as data, both in hexadecimal.

Whatever a node says is read here and nowhere else, and a node is not trusted: wrong types, wrong
sizes and endless texts are malformed answers.

Spec:
    https://ethereum.github.io/execution-apis/ (types of the JSON-RPC API)
"""

from __future__ import annotations

import re
from typing import Final

from cityid.errors import quote
from cityid.registry.ethereum.failures import malformed

HASH_SIZE: Final = 32
ADDRESS_SIZE: Final = 20

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


def read_quantity(value: object, what: str, *, bits: int = 256) -> int:
    """Return the number that a quantity says.

    Args:
        value: What a node answered, such as ``0x1b4``; some nodes write leading zeros.
        what: What it is, for the message.
        bits: The most bits of the number.

    Raises:
        RpcError: It is no quantity, or too large a one.
    """
    if not isinstance(value, str) or _QUANTITY.fullmatch(value) is None:
        raise malformed(f"{what} is no quantity: {quote(value)}")
    number = int(value, 16)
    if number >> bits:
        raise malformed(f"{what} has more than {bits} bits: {quote(value)}")
    return number


def read_data(value: object, what: str, *, size: int | None = None) -> bytes:
    """Return the bytes that data says.

    Args:
        value: What a node answered, such as ``0x00ff``.
        what: What it is, for the message.
        size: How many bytes they must be; any number where it is None.

    Raises:
        RpcError: It is no data, or not of that size.
    """
    content = _bytes(value)
    if content is None:
        raise malformed(f"{what} is no data in hexadecimal: {quote(value)}")
    if size is not None and len(content) != size:
        raise malformed(f"{what} has {len(content)} bytes instead of {size}")
    return content


def read_hash(value: object, what: str) -> bytes:
    """Return the 32 bytes of a hash.

    Raises:
        RpcError: It is none.
    """
    return read_data(value, what, size=HASH_SIZE)


def _bytes(value: object) -> bytes | None:
    if not isinstance(value, str) or value[:2] != "0x":
        return None
    try:
        content = bytes.fromhex(value[2:])
    except ValueError:
        return None
    return content if 2 * len(content) + 2 == len(value) else None  # it skips spaces


def quantity(number: int) -> str:
    """Return a number as a quantity."""
    return hex(number)


def data(content: bytes) -> str:
    """Return bytes as data."""
    return "0x" + content.hex()
