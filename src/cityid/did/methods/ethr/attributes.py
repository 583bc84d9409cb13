"""Attributes: what an event says that becomes a verification method or a service of the document.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#non-ethereum-attributes-didattributechanged
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cityid import keys, strict_json
from cityid.did import syntax
from cityid.did.verification_method import read_multikey
from cityid.encoding import (
    Multicodec,
    base58btc_encode,
    multibase_encode,
    multicodec_unwrap,
    multicodec_wrap,
)
from cityid.errors import CityIdError, InvalidInputError, UnsupportedError
from cityid.keys import KeyType

KEYS: Final = "did/pub/"
SERVICES: Final = "did/svc/"

RELATIONSHIPS: Final[Mapping[str, str]] = MappingProxyType(
    {"veriKey": "assertionMethod", "sigAuth": "authentication", "enc": "keyAgreement"}
)
"""What a key may be used for, by the purpose in the attribute's name."""

SECP256K1_TYPE: Final = "EcdsaSecp256k1VerificationKey2019"
SECURITY_V2: Final = "https://w3id.org/security/v2"
JWK_TERM: Final[Mapping[str, Any]] = MappingProxyType(
    {"publicKeyJwk": {"@id": "https://w3id.org/security#publicKeyJwk", "@type": "@json"}}
)
_HEX_TERM: Final[Mapping[str, Any]] = MappingProxyType(
    {"publicKeyHex": "https://w3id.org/security#publicKeyHex"}
)
_ED25519_V1: Final = "https://w3id.org/security/suites/ed25519-2020/v1"
_X25519_V1: Final = "https://w3id.org/security/suites/x25519-2020/v1"
_MULTIKEY_V1: Final = "https://w3id.org/security/multikey/v1"

_KEY_NAME = re.compile(
    r"did/pub/([A-Za-z0-9_.-]+)/(veriKey|sigAuth|enc)(?:/(hex|base64|base58|pem))?", re.ASCII
)
_SERVICE_NAME = re.compile(r"did/svc/([A-Za-z0-9_.-]+)", re.ASCII)
_PEM: Final = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")
_RAW_SIZE: Final = 32
_MAX_KEY: Final = 8_192


@dataclass(frozen=True, slots=True)
class Material:
    """A key as it stands in a document.

    Attributes:
        relationship: What it may be used for.
        type: The type of its verification method.
        form: The member that holds it, and what it holds.
        contexts: What the document must add to its ``@context``.
    """

    relationship: str
    type: str
    form: Mapping[str, Any] = field(hash=False)
    contexts: tuple[str | Mapping[str, Any], ...] = field(default=(), hash=False)


def read_key_attribute(name: str, value: bytes) -> Material | None:
    """Return the key that an attribute adds; None where it adds none.

    Whoever may change an identity may write anything: what is no key of the kind it says it is
    makes no verification method, and does no harm to the others.

    Args:
        name: The attribute's name.
        value: Its value: the key, raw.

    Spec:
        https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#public-keys
    """
    match = _KEY_NAME.fullmatch(name)
    if match is None or not value or len(value) > _MAX_KEY:
        return None
    algorithm, purpose, encoding = match.groups()
    try:
        kind, form, contexts = _READERS.get(algorithm, _unknown)(value, encoding, algorithm)
    except InvalidInputError:
        return None
    return Material(RELATIONSHIPS[purpose], kind, form, contexts)


def read_service_attribute(name: str, value: bytes) -> tuple[str, Any] | None:
    """Return type and endpoint of the service that an attribute adds; None where it adds none.

    Args:
        name: The attribute's name.
        value: Its value: a URL, or JSON.

    Spec:
        https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#service-endpoints
    """
    match = _SERVICE_NAME.fullmatch(name)
    if match is None:
        return None
    try:
        text = value.decode()
        endpoint = text if syntax.is_url(text) else strict_json.parse(text)
    except (UnicodeDecodeError, CityIdError):
        return None
    parts = endpoint if isinstance(endpoint, list) else [endpoint]
    if not parts or not all(isinstance(part, Mapping) or syntax.is_url(part) for part in parts):
        return None
    return match[1], endpoint


_Read = tuple[str, Mapping[str, Any], tuple[str | Mapping[str, Any], ...]]


def _secp256k1(value: bytes, encoding: str | None, _: str) -> _Read:
    key = keys.public_key(KeyType.SECP256K1, value)
    if encoding == "hex":
        return SECP256K1_TYPE, {"publicKeyHex": value.hex()}, (SECURITY_V2, _HEX_TERM)
    return SECP256K1_TYPE, {"publicKeyJwk": key.jwk}, (SECURITY_V2, JWK_TERM)


def _ed25519(value: bytes, _: str | None, __: str) -> _Read:
    form = _prefixed(Multicodec.ED25519_PUB, value)
    return "Ed25519VerificationKey2020", form, (_ED25519_V1,)


def _x25519(value: bytes, _: str | None, __: str) -> _Read:
    form = _prefixed(Multicodec.X25519_PUB, value)
    return "X25519KeyAgreementKey2020", form, (_X25519_V1,)


def _prefixed(codec: Multicodec, value: bytes) -> Mapping[str, Any]:
    if len(value) != _RAW_SIZE:
        raise InvalidInputError(f"{len(value)} bytes are no key on this curve")
    return {"publicKeyMultibase": multibase_encode(multicodec_wrap(codec, value), "base58btc")}


def _rsa(value: bytes, _: str | None, __: str) -> _Read:
    """Give the key as PEM; attributes of old have it so already."""
    if value.startswith(_PEM[0].encode()):
        try:
            pem = value.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise InvalidInputError("a PEM is ASCII") from error
    else:
        lines = base64.encodebytes(_sequence(value)).decode()
        wrapped = re.findall(".{1,64}", lines.replace("\n", ""))
        pem = "\n".join((_PEM[0], *wrapped, _PEM[1]))
    return "RsaVerificationKey2018", {"publicKeyPem": pem}, (SECURITY_V2,)


def _sequence(der: bytes) -> bytes:
    """Refuse what is not one whole sequence of DER, as every SubjectPublicKeyInfo is."""
    size, at = (der[1], 2) if len(der) > 1 else (0, 0)
    if size >> 7:
        at = 2 + (size & 0x7F)
        size = int.from_bytes(der[2:at])
    if der[:1] != b"\x30" or len(der) != at + size:
        raise InvalidInputError("the key is no DER")
    return der


def _multikey(value: bytes, _: str | None, __: str) -> _Read:
    """Give the key as it is: its prefix says of what kind it is, which others may know."""
    text = multibase_encode(value, "base58btc")
    try:
        multicodec_unwrap(value)
    except UnsupportedError as error:
        if " (" in error.name and "-pub (" not in error.name:
            raise InvalidInputError(f"a Multikey of {error.name} is no public key") from error
    else:
        read_multikey(text)
    return "Multikey", {"publicKeyMultibase": text}, (_MULTIKEY_V1,)


def _unknown(value: bytes, encoding: str | None, algorithm: str) -> _Read:
    """Give a key of a kind nobody here knows in the encoding that its name hints at."""
    if encoding == "base64":
        return algorithm, {"publicKeyBase64": base64.b64encode(value).decode()}, ()
    if encoding == "base58":
        return algorithm, {"publicKeyBase58": base58btc_encode(value)}, ()
    if encoding == "pem":
        try:
            return algorithm, {"publicKeyPem": value.decode()}, ()
        except UnicodeDecodeError as error:
            raise InvalidInputError("a PEM is text") from error
    return algorithm, {"publicKeyHex": value.hex()}, (_HEX_TERM,)


_READERS: Final[Mapping[str, Callable[[bytes, str | None, str], _Read]]] = MappingProxyType(
    {
        "Secp256k1": _secp256k1,
        "Ed25519": _ed25519,
        "X25519": _x25519,
        "RSA": _rsa,
        "Multikey": _multikey,
    }
)
