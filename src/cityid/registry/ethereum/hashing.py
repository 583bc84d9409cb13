"""What Ethereum hashes and how it lists: Keccak-256, RLP, and addresses with their check sum.

The one door to the library that hashes, which is imported when first used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote

ADDRESS_SIZE: Final = 20
"""How many bytes an address has."""

_SHORT: Final = 55
"""The longest content whose length fits into the first byte of RLP."""

Item: TypeAlias = bytes | Sequence["Item"]
"""What RLP writes: bytes, or a list of items."""


def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 of some bytes: the hash of Ethereum, which is not SHA3-256.

    Raises:
        UnsupportedError: The libraries of the chain are not installed.

    Spec:
        https://ethereum.github.io/yellowpaper/paper.pdf (appendix A)
    """
    try:
        from eth_hash.auto import keccak
    except ImportError as error:
        raise _missing() from error
    return keccak(data)


def rlp_encode(item: Item) -> bytes:
    """Return bytes, or a list of them, as Ethereum serialises it.

    Args:
        item: Bytes, or a sequence whose members are items in turn. Numbers are bytes without
            leading zeros; see `number`.

    Spec:
        https://ethereum.org/developers/docs/data-structures-and-encoding/rlp/
    """
    if isinstance(item, bytes):
        return item if len(item) == 1 and item < b"\x80" else _prefix(0x80, len(item)) + item
    body = b"".join(map(rlp_encode, item))
    return _prefix(0xC0, len(body)) + body


def _prefix(kind: int, length: int) -> bytes:
    if length <= _SHORT:
        return bytes([kind + length])
    size = number(length)
    return bytes([kind + _SHORT + len(size)]) + size


def number(value: int) -> bytes:
    """Return a whole number from 0 as RLP has it: the shortest big-endian bytes, none for 0."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def checksummed(address: bytes) -> str:
    """Return an address as text whose upper and lower case is a check sum.

    Args:
        address: The 20 bytes.

    Raises:
        InvalidInputError: They are not 20 bytes.

    Spec:
        https://eips.ethereum.org/EIPS/eip-55
    """
    if len(address) != ADDRESS_SIZE:
        raise InvalidInputError(f"an address has {ADDRESS_SIZE} bytes, not {len(address)}")
    digits = address.hex()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit  # noqa: PLR2004 - the top bit of a nibble
        for digit, nibble in zip(digits, digest, strict=False)
    )


def read_address(text: object) -> bytes:
    """Return the 20 bytes of an address that somebody wrote.

    Args:
        text: ``0x`` and 40 hexadecimal digits; where upper and lower case are mixed, they must be
            the check sum, so that a digit mistyped is noticed.

    Raises:
        InvalidInputError: It is no address, or its check sum is wrong.

    Spec:
        https://eips.ethereum.org/EIPS/eip-55
    """
    if not isinstance(text, str) or len(text) != 2 + 2 * ADDRESS_SIZE or text[:2] != "0x":
        raise _no_address(text)
    digits = text[2:]
    if not digits.isascii() or not digits.isalnum():
        raise _no_address(text)
    try:
        address = bytes.fromhex(digits)
    except ValueError as error:
        raise _no_address(text) from error
    if digits not in {digits.lower(), digits.upper()} and text != checksummed(address):
        raise InvalidInputError(
            f"the check sum of the address {quote(text)} is wrong; compare it with where it is from"
        )
    return address


def _no_address(text: object) -> InvalidInputError:
    return InvalidInputError(
        f"{quote(text)} is no address: 0x and {2 * ADDRESS_SIZE} hexadecimal digits",
        code=Code.INVALID_ENCODING,
    )


def _missing() -> UnsupportedError:
    return UnsupportedError(
        "a registry on a chain needs the extra: pip install 'cityid[ethereum]'", name="ethereum"
    )
