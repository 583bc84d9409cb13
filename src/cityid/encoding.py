"""Bytes as text, and the prefixes that say what bytes are: multibase, multicodec, multihash.

Spec:
    https://www.w3.org/TR/cid-1.0/#multibase-0
    https://www.w3.org/TR/cid-1.0/#multihash
    https://github.com/multiformats/multicodec
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from typing import Literal, Self, get_args

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote

Base = Literal["base58btc", "base64url"]
HashName = Literal["sha2-256", "sha2-384", "sha2-512"]

BASES: tuple[Base, ...] = get_args(Base)
BASE58_MAX_LENGTH = 4_096
"""The most base58 characters that are decoded: the work grows with the square of them."""
BASE64URL_MAX_LENGTH = 1_000_000
"""The most base64url characters that are decoded."""

# --- base58btc: all digits at once, side by side in one integer, because 58^8 fits a machine word

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NO_DIGIT = 255
_DIGITS = bytes(
    _ALPHABET.index(chr(byte)) if chr(byte) in _ALPHABET else _NO_DIGIT for byte in range(256)
)
_CHARACTERS = _ALPHABET.encode().ljust(256, b"?")
_WORD, _FOUR, _PAIR, _ONE = 58**8, 58**4, 58**2, 58
_BY_FOUR, _BY_PAIR, _BY_ONE = -(-(2**71) // _FOUR), -(-(2**36) // _PAIR), -(-(2**18) // _ONE)
_QUOTIENTS = (bytes(12) + b"\xff" * 4, (bytes(6) + b"\xff" * 2) * 2, (bytes(3) + b"\xff") * 4)
_LOWER_HALVES = (b"\0\xff" * 4, b"\0\0\xff\xff" * 2, b"\0\0\0\0\xff\xff\xff\xff")


def base58btc_encode(data: bytes) -> str:
    """Return bytes in base58 with the Bitcoin alphabet.

    Args:
        data: At most as many bytes as `BASE58_MAX_LENGTH` characters hold.

    Raises:
        InvalidInputError: There are more.

    Spec:
        https://www.w3.org/TR/cid-1.0/#base-encode
    """
    _cap(len(data), BASE58_MAX_LENGTH * 8 // 11, "base58btc")
    digits = data.lstrip(b"\0")
    number = int.from_bytes(digits, "big")
    row = count = 0
    while number:
        number, word = divmod(number, _WORD)
        row |= word << 128 * count
        count += 1
    text = _taken_apart(row, count).lstrip(b"\0").translate(_CHARACTERS).decode()
    return "1" * (len(data) - len(digits)) + text


def _taken_apart(row: int, count: int) -> bytes:
    """Return the eight digits of each word; the words stand 128 bits apart.

    To divide is to multiply with the inverse, rounded up: exact for numbers as small as these.
    """
    fours, pairs, ones = _masks(_QUOTIENTS, count)
    high = row * _BY_FOUR >> 71 & fours
    row += (high << 64) - high * _FOUR
    high = row * _BY_PAIR >> 36 & pairs
    row += (high << 32) - high * _PAIR
    high = row * _BY_ONE >> 18 & ones
    row += (high << 16) - high * _ONE
    return row.to_bytes(16 * count, "big")[1::2]


def base58btc_decode(text: str, *, max_length: int = BASE58_MAX_LENGTH) -> bytes:
    """Return the bytes that base58btc text stands for.

    Args:
        text: Without multibase prefix.
        max_length: The most characters that are decoded.

    Raises:
        InvalidInputError: A character is none of the alphabet (INVALID_ENCODING), or there are
            too many (INPUT_TOO_LARGE).

    Spec:
        https://www.w3.org/TR/cid-1.0/#base-decode
    """
    _check_text(text, max_length, "base58btc")
    values = text.encode("utf-8", "replace").translate(_DIGITS)
    if _NO_DIGIT in values:
        stranger = next(character for character in text if character not in _ALPHABET)
        raise _invalid(f"{quote(stranger)} is no base58btc character")
    digits = values.lstrip(b"\0")
    zeros = len(values) - len(digits)
    number = 0
    for word in _words(digits):
        number = number * _WORD + word
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _words(digits: bytes) -> tuple[int, ...]:
    """Return the numbers that eight digits make each: neighbours joined to pairs, fours, words."""
    count = -(-len(digits) // 8)
    ones, pairs, fours = _masks(_LOWER_HALVES, count)
    row = int.from_bytes(digits, "big")
    row = (row >> 8 & ones) * _ONE + (row & ones)
    row = (row >> 16 & pairs) * _PAIR + (row & pairs)
    row = (row >> 32 & fours) * _FOUR + (row & fours)
    return struct.unpack(f">{count}Q", row.to_bytes(8 * count, "big"))


@lru_cache(maxsize=32)
def _masks(patterns: tuple[bytes, ...], count: int) -> tuple[int, ...]:
    return tuple(int.from_bytes(pattern * count, "big") for pattern in patterns)


# --- base64url

# What the decoder must not take for an own character: those of plain base64, and padding.
_PLAIN = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
# Which characters may stand last: no bits beyond the last byte.
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
_PADDING = (b"", b"", b"==", b"=")
_NOT_BASE64URL = "this is not base64url as RFC 7515 writes it, without padding"  # may be a secret


def base64url_encode(data: bytes) -> str:
    """Return bytes in base64url without padding.

    Spec:
        https://www.rfc-editor.org/rfc/rfc4648#section-5
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_decode(text: str, *, max_length: int = BASE64URL_MAX_LENGTH) -> bytes:
    """Return the bytes that base64url text stands for; each has exactly one text.

    Args:
        text: Without padding, and without bits beyond the last byte.
        max_length: The most characters that are decoded.

    Raises:
        InvalidInputError: It is not what `base64url_encode` writes (INVALID_ENCODING), or too
            long (INPUT_TOO_LARGE).

    Spec:
        https://www.rfc-editor.org/rfc/rfc7515#section-2
    """
    _check_text(text, max_length, "base64url")
    over = len(text) % 4
    try:
        data = binascii.a2b_base64(
            text.encode().translate(_PLAIN) + _PADDING[over], strict_mode=True
        )
    except ValueError:
        raise _invalid(_NOT_BASE64URL) from None
    if over and text[-1] not in _LAST[over]:
        raise _invalid(_NOT_BASE64URL)
    return data


# --- multibase


def multibase_encode(data: bytes, base: Base) -> str:
    """Return bytes as text that says its own base.

    Raises:
        UnsupportedError: There is no such base here.
        InvalidInputError: There are more bytes than base58btc is meant for.

    Spec:
        https://www.w3.org/TR/cid-1.0/#multibase-0
    """
    if base == "base58btc":
        return "z" + base58btc_encode(data)
    if base == "base64url":
        return "u" + base64url_encode(data)
    raise UnsupportedError(f"no base {quote(base)}", name=str(base), known=BASES)


def multibase_decode(
    text: str, *, bases: Collection[Base] = BASES, max_length: int | None = None
) -> bytes:
    """Return the bytes of text that says its own base.

    Args:
        text: The text with its prefix, ``z`` or ``u``.
        bases: The bases that are allowed here.
        max_length: The most characters that are decoded; each base has a sane number of its own.

    Raises:
        InvalidInputError: The prefix or the rest is wrong (INVALID_ENCODING), or the text too
            long (INPUT_TOO_LARGE).

    Spec:
        https://www.w3.org/TR/cid-1.0/#multibase-0
    """
    _check_text(text, max_length or BASE64URL_MAX_LENGTH, "multibase")
    prefix = text[:1]
    if prefix == "z" and "base58btc" in bases:
        return base58btc_decode(text[1:], max_length=max_length or BASE58_MAX_LENGTH)
    if prefix == "u" and "base64url" in bases:
        return base64url_decode(text[1:], max_length=max_length or BASE64URL_MAX_LENGTH)
    wanted = " or ".join(f"{'z' if base == 'base58btc' else 'u'} ({base})" for base in bases)
    raise _invalid(f"multibase text starts here with {wanted}; this with {quote(prefix)}")


# --- varint, multicodec, multihash

_VARINT_MAX_BYTES = 9


def varint_encode(number: int) -> bytes:
    """Return an unsigned integer below 2^63 in as few bytes of seven bits as hold it.

    Raises:
        InvalidInputError: It is negative or too large.

    Spec:
        https://github.com/multiformats/unsigned-varint
    """
    if not 0 <= number < 1 << 7 * _VARINT_MAX_BYTES:
        raise InvalidInputError("a varint holds 0 to 2^63-1", code=Code.NUMBER_OUT_OF_RANGE)
    encoded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def varint_decode(data: bytes) -> tuple[int, bytes]:
    """Return the integer at the start of `data`, and the bytes behind it.

    Raises:
        InvalidInputError: It does not end within nine bytes, or has more bytes than it needs.

    Spec:
        https://github.com/multiformats/unsigned-varint
    """
    number = 0
    for index, byte in enumerate(data[:_VARINT_MAX_BYTES]):
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # noqa: PLR2004 - the eighth bit says that more follows
            if index and not byte:
                raise _invalid("a varint has more bytes than it needs")
            return number, data[index + 1 :]
    raise _invalid("a varint has no end")


class Multicodec(StrEnum):
    """What a key is, as the prefix of its bytes says.

    Attributes:
        code: The number in the table of multicodec.
        length: How many bytes the key itself has.
        prefix: The code as varint.

    Spec:
        https://www.w3.org/TR/cid-1.0/#Multikey
        https://github.com/multiformats/multicodec/blob/master/table.csv
    """

    code: int
    length: int
    prefix: bytes

    def __new__(cls, name: str, code: int, length: int) -> Self:
        """Make a row of the table."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.code = code
        member.length = length
        member.prefix = varint_encode(code)
        return member

    ED25519_PUB = "ed25519-pub", 0xED, 32
    ED25519_PRIV = "ed25519-priv", 0x1300, 32
    X25519_PUB = "x25519-pub", 0xEC, 32
    X25519_PRIV = "x25519-priv", 0x1302, 32
    P256_PUB = "p256-pub", 0x1200, 33
    P256_PRIV = "p256-priv", 0x1306, 32
    P384_PUB = "p384-pub", 0x1201, 49
    P384_PRIV = "p384-priv", 0x1307, 48
    SECP256K1_PUB = "secp256k1-pub", 0xE7, 33
    SECP256K1_PRIV = "secp256k1-priv", 0x1301, 32
    BLS12_381_G2_PUB = "bls12_381-g2-pub", 0xEB, 96
    BLS12_381_G2_PRIV = "bls12_381-g2-priv", 0x130A, 32


_CODECS = {codec.code: codec for codec in Multicodec}


def multicodec_wrap(codec: Multicodec, raw: bytes) -> bytes:
    """Return the bytes of a key behind the prefix that says what it is."""
    return codec.prefix + raw


def multicodec_unwrap(data: bytes) -> tuple[Multicodec, bytes]:
    """Return what the prefix says, and the bytes behind it, whose number is not looked at.

    Raises:
        InvalidInputError: There is no proper prefix.
        UnsupportedError: The prefix says something else than a kind of key known here.
    """
    code, raw = varint_decode(data)
    codec = _CODECS.get(code)
    if codec is None:
        name = _codec_name(code)
        raise UnsupportedError(
            f"no multicodec {name} here",
            name=name,
            known=tuple(codec.value for codec in _CODECS.values()),
        )
    return codec, raw


def _codec_name(code: int) -> str:
    from multiformats import multicodec

    known = multicodec.exists(code=code)
    return f"{multicodec.get(code=code).name} ({code:#x})" if known else f"{code:#x}"


_HASHES: dict[HashName, tuple[int, int]] = {
    "sha2-256": (0x12, 32),
    "sha2-384": (0x20, 48),
    "sha2-512": (0x13, 64),
}


def multihash_encode(name: HashName, digest: bytes) -> bytes:
    """Return a digest behind its hash's code and its length.

    Raises:
        UnsupportedError: There is no such hash here.
        InvalidInputError: The digest is not as long as the hash makes it.

    Spec:
        https://www.w3.org/TR/cid-1.0/#multihash
    """
    if name not in _HASHES:
        raise UnsupportedError(f"no hash {quote(name)}", name=str(name), known=tuple(_HASHES))
    code, length = _HASHES[name]
    if len(digest) != length:
        raise _invalid(f"a {name} digest has {length} bytes, not {len(digest)}")
    return bytes((code, length)) + digest


def multihash_decode(data: bytes) -> tuple[HashName, bytes]:
    """Return the name of the hash, and the digest.

    Raises:
        InvalidInputError: The parts do not fit together.
        UnsupportedError: It is another hash.

    Spec:
        https://www.w3.org/TR/cid-1.0/#multihash
    """
    code, rest = varint_decode(data)
    for name, (known, length) in _HASHES.items():
        if code == known:
            said, digest = varint_decode(rest)
            if said != length or len(digest) != length:
                raise _invalid(
                    f"a {name} digest has {length} bytes; this says {said} and has {len(digest)}"
                )
            return name, digest
    other = _codec_name(code)
    raise UnsupportedError(f"no hash {other} here", name=other, known=tuple(_HASHES))


def _check_text(text: object, max_length: int, base: str) -> None:
    if not isinstance(text, str):
        raise _invalid(f"{base} is text, not {type(text).__name__}")
    if len(text) > max_length:
        _cap(len(text), max_length, base)


def _cap(length: int, most: int, base: str) -> None:
    if length > most:
        raise InvalidInputError(
            f"a length of {length} is too much for {base}; {most} may come here",
            code=Code.INPUT_TOO_LARGE,
        )


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_ENCODING)
