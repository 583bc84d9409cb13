"""The kinds of key there are: a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys.base import Algorithm, KeyType
from cityid.keys.bls12381 import BLS12_381_G2
from cityid.keys.ed25519 import ED25519
from cityid.keys.nist import P256, P384
from cityid.keys.secp256k1 import SECP256K1
from cityid.keys.x25519 import X25519

ALGORITHMS: Mapping[KeyType, Algorithm] = MappingProxyType(
    {
        KeyType.ED25519: ED25519,
        KeyType.P256: P256,
        KeyType.P384: P384,
        KeyType.SECP256K1: SECP256K1,
        KeyType.X25519: X25519,
        KeyType.BLS12_381_G2: BLS12_381_G2,
    }
)


def algorithm(name: str) -> Algorithm:
    """Return the algorithm of a type of key.

    Args:
        name: The type, such as ``Ed25519``.

    Raises:
        InvalidInputError: The name is not text.
        UnsupportedError: This version has no such type.
    """
    if not isinstance(name, str):
        raise InvalidInputError("the type of a key is text", code=Code.INVALID_OPTIONS)
    if name not in ALGORITHMS:
        raise UnsupportedError(
            f"no key type {quote(name)}", name=name[:60], known=tuple(ALGORITHMS)
        )
    return ALGORITHMS[KeyType(name)]
