"""The curves P-256 with SHA-256 and P-384 with SHA-384.

Spec:
    https://csrc.nist.gov/pubs/sp/800/186/final
"""

from __future__ import annotations

from cityid.encoding import Multicodec
from cityid.keys.base import KeyType
from cityid.keys.ecdsa import ECDSA

P256 = ECDSA(
    type=KeyType.P256,
    public_codec=Multicodec.P256_PUB,
    private_codec=Multicodec.P256_PRIV,
    size=32,
    order=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    curve="SECP256R1",
    hash="SHA256",
)
P384 = ECDSA(
    type=KeyType.P384,
    public_codec=Multicodec.P384_PUB,
    private_codec=Multicodec.P384_PRIV,
    size=48,
    order=int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
        16,
    ),
    curve="SECP384R1",
    hash="SHA384",
)
