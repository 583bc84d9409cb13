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
        if not did.identifier.startswith("z"):
            raise invalid_did("a did:key holds a Multikey, which begins with z")
        key = key_in_did(did.identifier)
        document = one_key_document(str(did), key, did.identifier, self.form)
        if self.key_agreement:
            self._add_key_agreement(document, key)
        return ResolutionResult(DIDDocument(document, str(did)), _METADATA)

    def _add_key_agreement(self, document: dict[str, Any], key: PublicKey) -> None:
        methods, did = document["verificationMethod"], document["id"]
        if key.type is KeyType.ED25519:
            agreement = keys.x25519_from_ed25519(key)
            identifier = f"{did}#{agreement.multikey}"
            methods.append(method_entry(identifier, did, agreement, self.form))
        if key.type is not KeyType.BLS12_381_G2:
            document["keyAgreement"] = [methods[-1]["id"]]


_METADATA = ResolutionMetadata(MEDIA_TYPES[0])


def did_of(key: PublicKey) -> DID:
    """Return the did:key of a public key."""
    return DID("key", key.multikey)
