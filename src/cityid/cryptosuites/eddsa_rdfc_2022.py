"""``eddsa-rdfc-2022``: Ed25519 over canonical RDF.

Spec:
    https://www.w3.org/TR/vc-di-eddsa/#eddsa-rdfc-2022
"""

from __future__ import annotations

from cityid.cryptosuites.base import RDFCSuite
from cityid.keys import KeyType

SUITE = RDFCSuite(name="eddsa-rdfc-2022", key_types=frozenset({KeyType.ED25519}))
