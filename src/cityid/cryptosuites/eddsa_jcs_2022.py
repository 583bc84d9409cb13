"""``eddsa-jcs-2022``: Ed25519 over canonical JSON.

Spec:
    https://www.w3.org/TR/vc-di-eddsa/#eddsa-jcs-2022
"""

from __future__ import annotations

from cityid.cryptosuites.base import JCSSuite
from cityid.keys import KeyType

SUITE = JCSSuite(name="eddsa-jcs-2022", key_types=frozenset({KeyType.ED25519}))
