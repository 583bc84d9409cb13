"""The members that are read as JSON from a document whose RDF is signed: each has one spelling.

JSON-LD lets a holder write a signed ``validUntil`` as the IRI it stands for, as a prefix and a
suffix, or, where data model and context are exchanged, as any other term: the statements stay the
same, the signature holds, and whoever reads ``validUntil`` finds nothing. So these members have no
canonical form under any other name.

Spec:
    https://www.w3.org/TR/vc-data-integrity/#securing-data-losslessly
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_DATA_MODEL: Final = "https://www.w3.org/2018/credentials#"
_SECURITY: Final = "https://w3id.org/security#"

_OF_DATA_MODEL: Final = (
    "confidenceMethod",
    "credentialSchema",
    "credentialStatus",
    "credentialSubject",
    "evidence",
    "expirationDate",
    "holder",
    "issuanceDate",
    "issuer",
    "refreshService",
    "relatedResource",
    "renderMethod",
    "termsOfUse",
    "validFrom",
    "validUntil",
    "verifiableCredential",
)
_OF_SECURITY: Final = (
    "challenge",
    "cryptosuite",
    "domain",
    "nonce",
    "previousProof",
    "proof",
    "proofPurpose",
    "proofValue",
    "verificationMethod",
)

SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {_DATA_MODEL + name: name for name in _OF_DATA_MODEL}
    | {_SECURITY + name: name for name in _OF_SECURITY}
    | {_SECURITY + "expiration": "expires"}
)
"""The one spelling of each member, by the IRI that it stands for."""


def misspelt(key: str, iri: str | None) -> str | None:
    """Return how a member must be written that is written otherwise.

    Args:
        key: The member as written.
        iri: What it stands for.
    """
    spelling = SPELLINGS.get(iri) if iri is not None else None
    return None if spelling == key else spelling
