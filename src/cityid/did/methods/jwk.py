"""did:jwk: the identifier is a JWK, and the document follows from it.

Spec:
    https://github.com/quartzjer/did-jwk/blob/main/spec.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cityid import encoding, keys, strict_json
from cityid.did.document import DIDDocument
from cityid.did.methods.base import contexts_of, invalid_did, unsupported_key
from cityid.did.resolution import (
    MEDIA_TYPES,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.did.syntax import DID
from cityid.did.verification_method import RELATIONSHIPS
from cityid.errors import InvalidInputError, UnsupportedError
from cityid.keys import KeyType, PublicKey

_TYPE: Final = "JsonWebKey2020"


@dataclass(frozen=True, slots=True)
class Jwk:
    """The method did:jwk."""

    name: ClassVar[str] = "jwk"
    self_contained: ClassVar[bool] = True

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:  # noqa: ARG002 - a did:jwk has one version
        """Return the document that follows from the JWK.

        Raises:
            InvalidInputError: The identifier is no public JWK (``INVALID_DID``).
            UnsupportedError: cityid does not know this kind of key (``FEATURE_NOT_SUPPORTED``).

        Spec:
            https://github.com/quartzjer/did-jwk/blob/main/spec.md#read
        """
        document = _document(str(did), _read(did.identifier))
        return ResolutionResult(DIDDocument(document, str(did)), ResolutionMetadata(MEDIA_TYPES[0]))


def did_of(key: PublicKey) -> DID:
    """Return the did:jwk of a public key: of the many there are, the one with sorted members.

    Raises:
        UnsupportedError: There is no JWK for keys of this type.
    """
    use = {"use": "enc"} if key.type is KeyType.X25519 else {}
    members = dict(sorted((key.jwk | use).items()))
    return DID("jwk", encoding.base64url_encode(strict_json.write(members).encode()))


def _document(did: str, jwk: dict[str, Any]) -> dict[str, Any]:
    identifier = f"{did}#0"
    method = {"id": identifier, "type": _TYPE, "controller": did, "publicKeyJwk": jwk}
    document: dict[str, Any] = {
        "@context": contexts_of(_TYPE),
        "id": did,
        "verificationMethod": [method],
    }
    for relationship in RELATIONSHIPS:
        if _serves(jwk.get("use"), relationship):
            document[relationship] = [identifier]
    return document


def _serves(use: object, relationship: str) -> bool:
    """A key for signatures agrees on nothing, and one for encryption signs nothing."""
    unwanted = {"sig": relationship == "keyAgreement", "enc": relationship != "keyAgreement"}
    return not unwanted.get(str(use), False)


def _read(identifier: str) -> dict[str, Any]:
    try:
        jwk = strict_json.parse_object(encoding.base64url_decode(identifier))
        keys.from_jwk(jwk)
    except InvalidInputError as error:
        raise invalid_did(f"the did:jwk holds no public JWK: {error}") from error
    except UnsupportedError as error:
        raise unsupported_key(error) from error
    return jwk
