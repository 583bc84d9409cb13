"""did:key: the identifier is the public key, and the document follows from it.

Spec:
    https://w3c-ccg.github.io/did-key-spec/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from cityid import keys
from cityid.did.document import DIDDocument
from cityid.did.methods.base import (
    MULTIKEY,
    invalid_did,
    key_in_did,
    method_entry,
    one_key_document,
    relationships_of,
)
from cityid.did.resolution import (
    MEDIA_TYPES,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.did.syntax import DID
from cityid.keys import KeyType, PublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """The method did:key.

    Attributes:
        form: The type of the verification method: ``Multikey``, ``JsonWebKey``,
            ``JsonWebKey2020`` or ``Ed25519VerificationKey2020``.
        key_agreement: Whether the document also has a key to agree on secrets with: the key
            itself, or the X25519 key that follows from an Ed25519 key.
    """

    name: ClassVar[str] = "key"
    self_contained: ClassVar[bool] = True

    form: str = MULTIKEY
    key_agreement: bool = False

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:  # noqa: ARG002 - a did:key has one version
        """Return the document that follows from the key.

        Raises:
            InvalidInputError: The identifier is no public key (``INVALID_DID``).
            UnsupportedError: cityid does not know this kind of key (``FEATURE_NOT_SUPPORTED``).

        Spec:
            https://w3c-ccg.github.io/did-key-spec/#document-creation-algorithm
        """
        key = _read(did.identifier)
        return ResolutionResult(DIDDocument(self._document(str(did), key), str(did)), _METADATA)

    def _document(self, did: str, key: PublicKey) -> dict[str, Any]:
        identifier = f"{did}#{key.multikey}"
        document = one_key_document(did, identifier, key, self.form, relationships_of(key))
        if self.key_agreement and key.type is KeyType.ED25519:
            agreement = keys.x25519_from_ed25519(key)
            identifier = f"{did}#{agreement.multikey}"
            document["verificationMethod"].append(
                method_entry(identifier, did, agreement, self.form)
            )
        if self.key_agreement and key.type is not KeyType.BLS12_381_G2:
            document["keyAgreement"] = [identifier]
        return document


_METADATA = ResolutionMetadata(MEDIA_TYPES[0])


def did_of(key: PublicKey) -> DID:
    """Return the did:key of a public key."""
    return DID("key", key.multikey)


def _read(identifier: str) -> PublicKey:
    if not identifier.startswith("z"):
        raise invalid_did("a did:key holds a Multikey, which begins with z")
    key = key_in_did(identifier)
    if key.multikey != identifier:
        raise invalid_did("the did:key holds its public key in another form than the one")
    return key
