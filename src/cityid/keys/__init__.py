"""Keys: what signs, and what a signature is checked with.

`generate` makes a private key, which is a `Signer`; `from_multikey` and `from_jwk` read public
keys, which are checked as they are read. A `KeyStore` keeps private keys in an encrypted file, a
`MemoryKeyring` for the life of the process.
"""

from __future__ import annotations

from cityid.keys.base import DigestSigner, KeyType, PrivateKey, PublicKey, Secret, Signer
from cityid.keys.jwk import from_jwk, private_key_from_jwk
from cityid.keys.keyring import Keyring, MemoryKeyring
from cityid.keys.multikey import from_multikey, private_key_from_multikey
from cityid.keys.store import KeyStore
from cityid.keys.table import ALGORITHMS, algorithm
from cityid.keys.x25519 import x25519_from_ed25519

__all__ = [
    "ALGORITHMS",
    "DigestSigner",
    "KeyStore",
    "KeyType",
    "Keyring",
    "MemoryKeyring",
    "PrivateKey",
    "PublicKey",
    "Signer",
    "from_jwk",
    "from_multikey",
    "generate",
    "private_key_from_jwk",
    "private_key_from_multikey",
    "public_key",
    "x25519_from_ed25519",
]


def public_key(type: str, data: bytes) -> PublicKey:  # noqa: A002 - the standards' word
    """Return a checked public key.

    Args:
        type: The type of the key, such as ``Ed25519`` or ``P-256``.
        data: The key in binary: 32 bytes for Ed25519 and X25519, else a point, compressed or not.

    Raises:
        InvalidInputError: This is no such key (INVALID_KEY).
        UnsupportedError: This version has no such type.
    """
    return PublicKey(algorithm(type), data)


def generate(type: str = KeyType.ED25519, *, seed: bytes | None = None) -> PrivateKey:  # noqa: A002 - the standards' word
    """Make a private key.

    Args:
        type: The type of the key, such as ``Ed25519`` or ``P-256``.
        seed: The secret key itself, for keys that must come out the same: 32 bytes, for P-384 48.

    Raises:
        InvalidInputError: The seed is no secret key of this type (INVALID_KEY).
        UnsupportedError: This version has no such type, or only its public keys.
    """
    secret = None if seed is None else Secret(seed)
    del seed
    kind = algorithm(type)
    return PrivateKey(kind, secret or kind.draw())
