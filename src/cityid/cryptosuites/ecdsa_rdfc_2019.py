"""``ecdsa-rdfc-2019``: ECDSA over canonical RDF; the key's curve chooses the hash.

Spec:
    https://www.w3.org/TR/vc-di-ecdsa/#ecdsa-rdfc-2019
"""

from __future__ import annotations

from cityid.cryptosuites.base import RDFCSuite
from cityid.keys import KeyType

SUITE = RDFCSuite(name="ecdsa-rdfc-2019", key_types=frozenset({KeyType.P256, KeyType.P384}))
