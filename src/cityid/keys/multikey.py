"""Keys as Multikey text: base58btc over a codec and the key's one binary form.

Spec:
    https://www.w3.org/TR/cid-1.0/#Multikey
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cityid.encoding import Base, Multicodec, multibase_decode, multicodec_unwrap
from cityid.errors import CityIdError, Code, InvalidInputError, UnsupportedError
from cityid.keys.base import Algorithm, PrivateKey, PublicKey, Secret
from cityid.keys.table import ALGORITHMS

_BASES: tuple[Base, ...] = ("base58btc",)
_MAX_LENGTH = 256
_PUBLIC: Mapping[Multicodec, Algorithm] = MappingProxyType(
    {algorithm.public_codec: algorithm for algorithm in ALGORITHMS.values()}
)
_PRIVATE: Mapping[Multicodec, Algorithm] = MappingProxyType(
    {algorithm.private_codec: algorithm for algorithm in ALGORITHMS.values()}
)


def from_multikey(text: str) -> PublicKey:
    """Read a public key from a Multikey.

    Args:
        text: The Multikey, such as ``z6Mk…``.

    Raises:
        InvalidInputError: It is no Multikey, a secret one, or holds no such key.
        UnsupportedError: It is a key of a type this version has not.
    """
    codec, data = _decode(text)
    algorithm = _PUBLIC.get(codec)
    if algorithm is None:
        if codec in _PRIVATE:
            del text, data
            raise InvalidInputError(
                "this is a secret key, which belongs in no public place", code=Code.INVALID_KEY
            )
        raise _unknown(codec)
    key = PublicKey(algorithm, data)
    if key.data != data:
        raise algorithm.invalid("a Multikey holds the compressed point")
    return key


def private_key_from_multikey(text: str) -> PrivateKey:
    """Read a private key from a secret Multikey.

    Args:
        text: What `PrivateKey.export_multikey` gave.

    Raises:
        InvalidInputError: It is no secret Multikey, or holds no such key; nothing of it is told.
        UnsupportedError: It is a key of a type this version has not.
    """
    hidden = Secret(text)
    del text
    return _private_key(hidden)


def _private_key(text: Secret[str]) -> PrivateKey:
    try:
        codec, secret = _decode_secret(text)
    except CityIdError as error:
        code = error.code
    else:
        algorithm = _PRIVATE.get(codec)
        if algorithm is None:
            raise _unknown(codec)
        return PrivateKey(algorithm, secret)
    # Raised out here, so that no traceback reaches the functions that saw the text.
    raise InvalidInputError("this is no secret Multikey", code=code)


def _decode(text: object) -> tuple[Multicodec, bytes]:
    if not isinstance(text, str):
        raise InvalidInputError("a Multikey is text", code=Code.INVALID_KEY)
    return multicodec_unwrap(multibase_decode(text, bases=_BASES, max_length=_MAX_LENGTH))


def _decode_secret(text: Secret[str]) -> tuple[Multicodec, Secret[bytes]]:
    codec, data = _decode(text.reveal())
    return codec, Secret(data)


def _unknown(codec: Multicodec) -> UnsupportedError:
    return UnsupportedError(
        f"no key type for the codec {codec.value}",
        name=codec.value,
        known=tuple(known.value for known in _PUBLIC),
    )
