"""What several DID methods share: how a key stands in a document that follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

from cityid.did.rules import DID_V1, DID_V1_1
from cityid.did.verification_method import read_multikey
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import KeyType, PublicKey

MULTIKEY: Final = "Multikey"
MULTIKEY_V1: Final = "https://w3id.org/security/multikey/v1"
JWS_2020_V1: Final = "https://w3id.org/security/suites/jws-2020/v1"

_CONTEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        MULTIKEY: (DID_V1_1,),
        "JsonWebKey": (DID_V1_1,),
        "JsonWebKey2020": (DID_V1, JWS_2020_V1),
        "Ed25519VerificationKey2020": (
            DID_V1,
            "https://w3id.org/security/suites/ed25519-2020/v1",
            "https://w3id.org/security/suites/x25519-2020/v1",
        ),
    }
)
_FORMS_OF_2020: Mapping[KeyType, str] = MappingProxyType(
    {
        KeyType.ED25519: "Ed25519VerificationKey2020",
        KeyType.X25519: "X25519KeyAgreementKey2020",
    }
)
_SIGNING: Final = (
    "authentication",
    "assertionMethod",
    "capabilityInvocation",
    "capabilityDelegation",
)


def contexts_of(form: str) -> list[str]:
    """Return the contexts of a document that gives its keys in a form.

    Args:
        form: The type of its verification methods.

    Raises:
        UnsupportedError: cityid writes no such form (``FEATURE_NOT_SUPPORTED``).
    """
    if form not in _CONTEXTS:
        raise UnsupportedError(
            f"keys cannot be given as {quote(form)}",
            name=str(form)[:80],
            known=tuple(_CONTEXTS),
            code=Code.FEATURE_NOT_SUPPORTED,
        )
    return list(_CONTEXTS[form])


def method_entry(
    identifier: str, controller: str, key: PublicKey, form: str, *, multikey: str = ""
) -> dict[str, Any]:
    """Return a verification method as JSON.

    Args:
        identifier: Its id.
        controller: The DID that controls it.
        key: The public key.
        form: The type to give the key in; ``Ed25519VerificationKey2020`` means that family.
        multikey: The key as a Multikey, where it is known already.

    Raises:
        UnsupportedError: Keys of this type have no such form (``FEATURE_NOT_SUPPORTED``).
    """
    entry: dict[str, Any] = {"id": identifier, "type": form, "controller": controller}
    if form.startswith("JsonWebKey"):
        return entry | {"publicKeyJwk": key.jwk}
    if form != MULTIKEY:
        if key.type not in _FORMS_OF_2020:
            raise UnsupportedError(
                f"a {key.type.value} key cannot be given as {form}",
                name=key.type.value,
                known=tuple(_FORMS_OF_2020),
                code=Code.FEATURE_NOT_SUPPORTED,
            )
        entry["type"] = _FORMS_OF_2020[key.type]
    entry["publicKeyMultibase"] = multikey or key.multikey
    return entry


def relationships_of(key: PublicKey) -> tuple[str, ...]:
    """Return the relationships that a key alone in its document stands in."""
    return ("keyAgreement",) if key.type is KeyType.X25519 else _SIGNING


def one_key_document(did: str, key: PublicKey, multikey: str, form: str) -> dict[str, Any]:
    """Return the document of a DID that is nothing but one key, as JSON.

    Args:
        did: The DID.
        key: The key.
        multikey: The key as a Multikey, which is also the fragment that names its method.
        form: The type to give the key in.
    """
    identifier = f"{did}#{multikey}"
    document: dict[str, Any] = {
        "@context": contexts_of(form),
        "id": did,
        "verificationMethod": [method_entry(identifier, did, key, form, multikey=multikey)],
    }
    for relationship in relationships_of(key):
        document[relationship] = [identifier]
    return document


def key_in_did(multikey: str) -> PublicKey:
    """Return the public key that a DID holds as a Multikey.

    Raises:
        InvalidInputError: It holds none (``INVALID_DID``).
        UnsupportedError: It is of a kind this version has not (``FEATURE_NOT_SUPPORTED``).
    """
    try:
        return read_multikey(multikey)
    except InvalidInputError as error:
        raise invalid_did(f"the DID holds a malformed key: {error}") from error
    except UnsupportedError as error:
        raise unsupported_key(error) from error


def unsupported_key(error: UnsupportedError) -> UnsupportedError:
    """Return what to raise for a DID whose key is of a kind this version has not."""
    return UnsupportedError(str(error), name=error.name, code=Code.FEATURE_NOT_SUPPORTED)


def invalid_did(message: str) -> InvalidInputError:
    """Return what to raise for a DID that its method does not know as one."""
    return InvalidInputError(message, code=Code.INVALID_DID)


def check_path_segment(segment: str) -> None:
    """Refuse a part of a DID that is no plain name in the path of a URL.

    Args:
        segment: The part, percent-encoded as it stands in the DID.

    Raises:
        InvalidInputError: It leads elsewhere, or hides what it is (``INVALID_DID``).
    """
    try:
        decoded = unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_did(f"the path segment {quote(segment)} is not UTF-8") from error
    if decoded in {"", ".", ".."} or not decoded.isprintable() or re.search(r"[/\\%?#]", decoded):
        raise invalid_did(f"the path segment {quote(segment)} is not a plain name")
