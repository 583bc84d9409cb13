"""``ecdsa-jcs-2019``: ECDSA over canonical JSON; the key's curve chooses the hash.

Spec:
    https://www.w3.org/TR/vc-di-ecdsa/#ecdsa-jcs-2019
"""

from __future__ import annotations

from cityid.cryptosuites.base import JCSSuite
from cityid.keys import KeyType

SUITE = JCSSuite(name="ecdsa-jcs-2019", key_types=frozenset({KeyType.P256, KeyType.P384}))
