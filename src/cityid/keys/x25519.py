"""X25519: agreeing on a secret, and the X25519 form of an Ed25519 key.

Spec:
    https://www.rfc-editor.org/rfc/rfc7748#section-5
"""

from __future__ import annotations

from typing import Literal

from cityid.encoding import Multicodec
from cityid.keys.base import Algorithm, KeyType, PublicKey, Secret

_SIZE = 32


class Curve25519(Algorithm):
    """Diffie-Hellman over curve25519; every 32 bytes are a public key.

    Spec:
        https://www.rfc-editor.org/rfc/rfc7748#section-6.1
    """

    type = KeyType.X25519
    public_codec = Multicodec.X25519_PUB
    private_codec = Multicodec.X25519_PRIV
    jwk_type: Literal["OKP"] = "OKP"
    size = _SIZE

    def load_public(self, data: bytes) -> tuple[bytes, bytes]:
        """Refuse what is too short or long."""
        if len(data) != _SIZE:
            raise self.invalid(f"{len(data)} bytes, where {_SIZE} are due")
        return data, data

    def load_private(self, secret: Secret[bytes], /) -> tuple[bytes, Secret[bytes]]:
        """Take 32 bytes; libsodium clamps them."""
        if not secret.fits(_SIZE):
            raise self.invalid(f"the secret is not {_SIZE} bytes")
        from nacl.bindings import crypto_scalarmult_base

        return crypto_scalarmult_base(secret.reveal()), secret

    def agree(self, native: Secret[bytes], public: bytes, /) -> bytes:
        """Refuse the shared secret of zeros, to which points of low order lead."""
        from nacl.bindings import crypto_scalarmult
        from nacl.exceptions import RuntimeError as SodiumRefusedError

        try:
            return crypto_scalarmult(native.reveal(), public)
        except SodiumRefusedError:
            pass  # raised below, out of reach of the traceback that holds the secret
        raise self.invalid("the other key is a point of low order")


X25519 = Curve25519()


def x25519_from_ed25519(key: PublicKey) -> PublicKey:
    """Return the X25519 key that did:key derives from an Ed25519 key for key agreement.

    Args:
        key: An Ed25519 key.

    Raises:
        InvalidInputError: The key is of another type, or no point of the curve's main group.

    Spec:
        https://w3c-ccg.github.io/did-key-spec/#derive-encryption-key-algorithm
    """
    from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
    from nacl.exceptions import RuntimeError as SodiumRefusedError

    if key.type is not KeyType.ED25519:
        raise X25519.invalid(f"none can be derived from a key of type {key.type}")
    try:
        return PublicKey(X25519, crypto_sign_ed25519_pk_to_curve25519(key.data))
    except SodiumRefusedError as error:
        raise X25519.invalid("none can be derived from this point") from error
