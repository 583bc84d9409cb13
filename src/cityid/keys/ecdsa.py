"""ECDSA over prime curves through OpenSSL: what P-256, P-384 and secp256k1 share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cityid.encoding import Multicodec
from cityid.errors import Code
from cityid.keys.base import Algorithm, KeyType, Secret, invalid_signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_UNCOMPRESSED = b"\x04"
_COMPRESSED = (b"\x02", b"\x03")


@dataclass(frozen=True)
class ECDSA(Algorithm):
    """ECDSA on one curve with one hash; signatures are r and s at their full length.

    Attributes:
        type: The kind of key.
        public_codec: What the Multikey of a public key begins with.
        private_codec: What the Multikey of a secret key begins with.
        size: How many bytes a coordinate, a scalar, r and s have.
        order: The order of the curve's group.
        curve: The curve as OpenSSL's binding calls it.
        hash: The hash as OpenSSL's binding calls it.
        low_s: Whether of the two s that fit only the smaller is a signature, as the users of
            secp256k1 have it.

    Spec:
        https://www.rfc-editor.org/rfc/rfc7518#section-3.4
    """

    type: KeyType
    public_codec: Multicodec
    private_codec: Multicodec
    size: int
    order: int
    curve: Literal["SECP256R1", "SECP384R1", "SECP256K1"]
    hash: Literal["SHA256", "SHA384"]
    low_s: bool = False
    jwk_type: Literal["EC"] = "EC"

    def load_public(self, data: bytes) -> tuple[bytes, ec.EllipticCurvePublicKey]:
        """Take a point of the curve, compressed or not; never infinity, nor a hybrid form.

        Spec:
            https://www.secg.org/sec1-v2.pdf#subsubsection.2.3.4
        """
        compressed = len(data) == 1 + self.size and data.startswith(_COMPRESSED)
        if not compressed and not (
            len(data) == 1 + 2 * self.size and data.startswith(_UNCOMPRESSED)
        ):
            raise self.invalid(f"{len(data)} bytes that are no encoded point")
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            native = ec.EllipticCurvePublicKey.from_encoded_point(self._curve(), data)
        except ValueError as error:
            raise self.invalid("the point is not on the curve") from error
        return data if compressed else self._compress(data), native

    def load_private(self, secret: Secret[bytes], /) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """Take a scalar from 1 to the order of the group, at its full length."""
        if not secret.fits(self.size) or not self._in_range(secret.reveal()):
            raise self.invalid(f"the secret is not {self.size} bytes of a scalar in range")
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        native = ec.derive_private_key(int.from_bytes(secret.reveal()), self._curve())
        point = native.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return point, native

    def draw(self) -> Secret[bytes]:
        """Return a fresh scalar, each as likely as any other."""
        return Secret((1 + secrets.randbelow(self.order - 1)).to_bytes(self.size))

    def coordinates(self, _data: bytes, native: ec.EllipticCurvePublicKey, /) -> bytes:
        """Return x and y."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return native.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    def from_coordinates(self, coordinates: bytes, /) -> bytes:
        """Return the uncompressed point."""
        return _UNCOMPRESSED + coordinates

    def verify(self, native: ec.EllipticCurvePublicKey, signature: bytes, data: bytes, /) -> None:
        """Verify r and s, each at its full length and within 1 and the order of the group."""
        if len(signature) != 2 * self.size:
            raise invalid_signature(
                f"{len(signature)} bytes, where {2 * self.size} are due",
                Code.INVALID_SIGNATURE_ENCODING,
            )
        if not self._in_range(signature[: self.size]) or not self._in_range(signature[self.size :]):
            raise invalid_signature("r or s out of range", Code.INVALID_SIGNATURE_ENCODING)
        r, s = (int.from_bytes(half) for half in (signature[: self.size], signature[self.size :]))
        if self.low_s and s > self.order // 2:
            raise invalid_signature("s is the larger of two", Code.NON_CANONICAL_SIGNATURE)
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        try:
            native.verify(encode_dss_signature(r, s), data, ec.ECDSA(self._hash()))
        except InvalidSignature as error:
            raise invalid_signature("not made with this key over this data") from error

    def sign(self, native: ec.EllipticCurvePrivateKey, data: bytes, /) -> bytes:
        """Sign deterministically.

        Spec:
            https://www.rfc-editor.org/rfc/rfc6979#section-3.2
        """
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        scheme = ec.ECDSA(self._hash(), deterministic_signing=True)
        r, s = decode_dss_signature(native.sign(data, scheme))
        if self.low_s:
            s = min(s, self.order - s)
        return r.to_bytes(self.size) + s.to_bytes(self.size)

    def _compress(self, point: bytes) -> bytes:
        return _COMPRESSED[point[-1] & 1] + point[1 : 1 + self.size]

    def _in_range(self, scalar: bytes) -> bool:
        return 0 < int.from_bytes(scalar) < self.order

    def _curve(self) -> ec.EllipticCurve:
        from cryptography.hazmat.primitives.asymmetric import ec

        curve: ec.EllipticCurve = getattr(ec, self.curve)()
        return curve

    def _hash(self) -> Any:
        from cryptography.hazmat.primitives import hashes

        return getattr(hashes, self.hash)()
