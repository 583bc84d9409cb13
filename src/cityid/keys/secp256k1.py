"""The curve secp256k1 with SHA-256: JOSE's ES256K, of low s alone.

Spec:
    https://www.rfc-editor.org/rfc/rfc8812#section-3
"""

from __future__ import annotations

from cityid.encoding import Multicodec
from cityid.keys.base import KeyType
from cityid.keys.ecdsa import ECDSA

SECP256K1 = ECDSA(
    type=KeyType.SECP256K1,
    public_codec=Multicodec.SECP256K1_PUB,
    private_codec=Multicodec.SECP256K1_PRIV,
    size=32,
    order=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    curve="SECP256K1",
    hash="SHA256",
    low_s=True,
)
