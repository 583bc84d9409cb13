"""Ed25519 through libsodium, which verifies strictly.

What is accepted: a key that is neither of low order nor written in a second form, a signature
whose S is reduced, whose R is not of low order, and which satisfies the equation *without* the
cofactor over bytes as they stand. An encoding that is no point of the curve is not noticed when a
key is made (that would cost a third of a verification); it verifies nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

from cityid.encoding import Multicodec
from cityid.errors import Code
from cityid.keys.base import Algorithm, KeyType, Secret, invalid_signature

_SIZE = 32
_SIGNATURE_SIZE = 64
_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_WITHOUT_SIGN = 2**255 - 1
_LOW_ORDER = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)
"""The y coordinates of the eight points whose order divides the cofactor."""


class Ed25519(Algorithm):
    """EdDSA over edwards25519.

    Spec:
        https://www.rfc-editor.org/rfc/rfc8032#section-5.1
    """

    type = KeyType.ED25519
    public_codec = Multicodec.ED25519_PUB
    private_codec = Multicodec.ED25519_PRIV
    jwk_type: Literal["OKP"] = "OKP"
    size = _SIZE

    def load_public(self, data: bytes) -> tuple[bytes, bytes]:
        """Refuse what is too short or long, not reduced, or of low order."""
        if len(data) != _SIZE:
            raise self.invalid(f"{len(data)} bytes, where {_SIZE} are due")
        y = int.from_bytes(data, "little") & _WITHOUT_SIGN
        if y >= _PRIME:
            raise self.invalid("the coordinate is not reduced")
        if y in _LOW_ORDER:
            raise self.invalid("a point of low order, under which anybody can sign")
        return data, data

    def load_private(self, secret: Secret[bytes], /) -> tuple[bytes, Secret[bytes]]:
        """Take a seed of 32 bytes."""
        if not secret.fits(_SIZE):
            raise self.invalid(f"the secret is not {_SIZE} bytes")
        from nacl.bindings import crypto_sign_seed_keypair

        public, pair = crypto_sign_seed_keypair(secret.reveal())
        return public, Secret(pair)

    def verify(self, native: bytes, signature: bytes, data: bytes, /) -> None:
        """Verify strictly, as the module says."""
        if len(signature) != _SIGNATURE_SIZE:
            raise invalid_signature(
                f"{len(signature)} bytes, where {_SIGNATURE_SIZE} are due",
                Code.INVALID_SIGNATURE_ENCODING,
            )
        sign_open, refusal = _sign_open()
        try:
            sign_open(signature + data, native)
        except refusal as error:
            if int.from_bytes(signature[_SIZE:], "little") >= _ORDER:
                raise invalid_signature("S is not reduced", Code.NON_CANONICAL_SIGNATURE) from error
            raise invalid_signature("not made with this key over this data") from error

    def sign(self, native: Secret[bytes], data: bytes, /) -> bytes:
        """Sign the data itself, not its hash."""
        from nacl.bindings import crypto_sign

        return crypto_sign(data, native.reveal())[:_SIGNATURE_SIZE]


ED25519 = Ed25519()


@cache
def _sign_open() -> tuple[Callable[[bytes, bytes], bytes], type[Exception]]:
    """Import once: two import statements a call would cost 3 µs of a verification's 50."""
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError

    return crypto_sign_open, BadSignatureError
