"""did:peer: keys and services, or a whole document, inside the identifier.

Numalgo 0 is one key, 2 a list of keys and services, 4 a document with its hash. Of 1 and 3, and
of the short form of 4, the DID does not tell the document; have it in hand (``documents=``).

Spec:
    https://identity.foundation/peer-did-method-spec/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from cityid import encoding, strict_json
from cityid.did.document import DIDDocument
from cityid.did.methods.base import (
    MULTIKEY,
    MULTIKEY_V1,
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
from cityid.did.rules import DID_V1
from cityid.did.syntax import DID
from cityid.did.verification_method import RELATIONSHIPS
from cityid.errors import CityIdError, Code, InvalidInputError, NotFoundError, UnsupportedError
from cityid.keys import PublicKey

_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "0": re.compile(rf"0(z{_BASE58}+)"),
        "1": re.compile(rf"1z{_BASE58}{{46,}}"),
        "2": re.compile(rf"2(?:\.[AEVID]z{_BASE58}+|\.S[A-Za-z0-9_-]+)+"),
        "3": re.compile(rf"3z{_BASE58}{{46,}}"),
        "4": re.compile(rf"4(z{_BASE58}{{46,}})(?::(z{_BASE58}+))?"),
    }
)
_PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "A": "assertionMethod",
        "E": "keyAgreement",
        "V": "authentication",
        "I": "capabilityInvocation",
        "D": "capabilityDelegation",
    }
)
_LONG_NAMES: Mapping[str, str] = MappingProxyType(
    {"t": "type", "s": "serviceEndpoint", "r": "routingKeys", "a": "accept"}
)
_SHORT_NAMES = MappingProxyType({long: short for short, long in _LONG_NAMES.items()})
_DIDCOMM: Final = ("dm", "DIDCommMessaging")
_JSON_CODEC: Final = b"\x80\x04"
"""The multicodec of JSON, 0x0200, as a varint."""
_MAX_DOCUMENT: Final = 8192


@dataclass(frozen=True, slots=True)
class Peer:
    """The method did:peer."""

    name: ClassVar[str] = "peer"
    self_contained: ClassVar[bool] = True

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:  # noqa: ARG002 - a did:peer has one version
        """Return the document that the identifier holds.

        Raises:
            InvalidInputError: The identifier is not well-formed (``INVALID_DID``), or what it
                holds is no DID document (``INVALID_DID_DOCUMENT``).
            UnsupportedError: The numalgo, or the kind of key, is not supported.
            NotFoundError: The short form of numalgo 4 does not tell its document.

        Spec:
            https://identity.foundation/peer-did-method-spec/#resolving-a-did
        """
        shape = _SHAPES.get(did.identifier[0])
        match = shape.fullmatch(did.identifier) if shape else None
        if match is None:
            raise invalid_did(f"{str(did)[:60]} is not a did:peer of a numalgo from 0 to 4")
        document = _READERS[did.identifier[0]](did, match)
        return ResolutionResult(DIDDocument.parse(document), ResolutionMetadata(MEDIA_TYPES[0]))


def did_of_keys(
    method_keys: Iterable[tuple[str, PublicKey]], services: Iterable[Mapping[str, Any]] = ()
) -> DID:
    """Return the did:peer of numalgo 2 with these keys and services.

    Args:
        method_keys: The relationship and the key of each verification method.
        services: Services; their ids, if any, are relative.

    Spec:
        https://identity.foundation/peer-did-method-spec/#generating-a-didpeer2
    """
    codes = {relationship: code for code, relationship in _PURPOSES.items()}
    elements = [f".{codes[relationship]}{key.multikey}" for relationship, key in method_keys]
    for service in services:
        text = strict_json.write(_abbreviated(strict_json.snapshot(service)))
        elements.append(f".S{encoding.base64url_encode(text.encode())}")
    return DID("peer", f"2{''.join(elements)}")


def did_of_document(document: Mapping[str, Any]) -> DID:
    """Return the did:peer of numalgo 4, in its long form, of a document that names no DID.

    Args:
        document: The input document: no ``id``, and relative URLs alone.

    Raises:
        InvalidInputError: The document names its own ``id`` (``INVALID_DID_DOCUMENT``).

    Spec:
        https://identity.foundation/peer-did-method-spec/#creating-a-did
    """
    if "id" in document:
        raise InvalidInputError(
            "the DID follows from the document, so the document cannot name it",
            code=Code.INVALID_DID_DOCUMENT,
            path="/id",
        )
    text = strict_json.write(strict_json.snapshot(document))
    encoded = encoding.multibase_encode(_JSON_CODEC + text.encode(), "base58btc")
    return DID("peer", f"4{_hash(encoded)}:{encoded}")


def short_form(did: DID) -> DID:
    """Return the short form of a did:peer of numalgo 4."""
    return DID("peer", did.identifier.partition(":")[0])


def _read_key(did: DID, match: re.Match[str]) -> dict[str, Any]:
    return one_key_document(str(did), key_in_did(match[1]), match[1], MULTIKEY)


def _read_elements(did: DID, match: re.Match[str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "@context": [DID_V1, MULTIKEY_V1],
        "id": str(did),
        "verificationMethod": [],
    }
    unnamed = 0
    for element in match[0].split(".")[1:]:
        if element[0] == "S":
            service = _service(element[1:])
            if "id" not in service:
                service["id"] = f"#service-{unnamed}" if unnamed else "#service"
                unnamed += 1
            document.setdefault("service", []).append(service)
            continue
        methods = document["verificationMethod"]
        name = f"#key-{len(methods) + 1}"
        methods.append(method_entry(name, str(did), key_in_did(element[1:]), MULTIKEY))
        document.setdefault(_PURPOSES[element[0]], []).append(name)
    return document | {"alsoKnownAs": [f"did:peer:3{_hash(match[0][1:])}"]}


def _read_document(did: DID, match: re.Match[str]) -> dict[str, Any]:
    if match[2] is None:
        raise NotFoundError(
            "the short form of a did:peer:4 does not tell its document; resolve the long form, or "
            "have the document in hand",
            ref=str(did)[:80],
        )
    if _hash(match[2]) != match[1]:
        raise invalid_did("the did:peer:4 holds another document than its hash is of")
    document = _decoded(match[2])
    if "id" in document:
        raise InvalidInputError(
            "the document inside a did:peer:4 names an id", code=Code.INVALID_DID_DOCUMENT
        )
    also = document.get("alsoKnownAs", [])
    names = [*also, str(short_form(did))] if isinstance(also, list) else also
    return _controlled(document | {"id": str(did), "alsoKnownAs": names}, str(did))


def _read_nothing(did: DID, match: re.Match[str]) -> dict[str, Any]:
    raise UnsupportedError(
        f"a did:peer of numalgo {match[0][0]} does not tell its document; have it in hand",
        name=str(did)[:10],
        known=("did:peer:0", "did:peer:2", "did:peer:4"),
        code=Code.FEATURE_NOT_SUPPORTED,
    )


_READERS = MappingProxyType(
    {
        "0": _read_key,
        "1": _read_nothing,
        "2": _read_elements,
        "3": _read_nothing,
        "4": _read_document,
    }
)


def _service(encoded: str) -> dict[str, Any]:
    try:
        service: dict[str, Any] = _expanded(
            strict_json.parse_object(encoding.base64url_decode(encoded))
        )
    except CityIdError as error:
        raise invalid_did(f"the did:peer holds a malformed service: {error}") from error
    name = service.get("id", "#")
    if not isinstance(name, str) or not name.startswith("#"):
        raise invalid_did("the id of a service inside a did:peer is relative, such as #files")
    return service


def _decoded(encoded: str) -> dict[str, Any]:
    try:
        data = encoding.multibase_decode(encoded, max_length=_MAX_DOCUMENT)
        if not data.startswith(_JSON_CODEC):
            raise invalid_did("the did:peer:4 holds something that is not marked as JSON")
        return strict_json.parse_object(data[len(_JSON_CODEC) :])
    except InvalidInputError as error:
        raise invalid_did(f"the did:peer:4 holds no document: {error}") from error


def _controlled(document: dict[str, Any], did: str) -> dict[str, Any]:
    """Name the DID as controller of every method that names none."""
    for member in ("verificationMethod", *RELATIONSHIPS):
        entries = document.get(member)
        if isinstance(entries, list):
            document[member] = [
                {"controller": did} | entry if isinstance(entry, dict) else entry
                for entry in entries
            ]
    return document


def _hash(encoded: str) -> str:
    digest = encoding.multihash_encode("sha2-256", hashlib.sha256(encoded.encode()).digest())
    return encoding.multibase_encode(digest, "base58btc")


def _expanded(value: Any) -> Any:
    return _renamed(value, _LONG_NAMES, "type", _DIDCOMM)


def _abbreviated(value: Any) -> Any:
    return _renamed(value, _SHORT_NAMES, "t", _DIDCOMM[::-1])


def _renamed(value: Any, names: Mapping[str, str], kind: str, common: tuple[str, str]) -> Any:
    """Rename members at every depth, and the one common value of the member `kind`."""
    if isinstance(value, list):
        return [_renamed(item, names, kind, common) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {
        names.get(name, name): _renamed(item, names, kind, common) for name, item in value.items()
    }
    if len(renamed) != len(value):
        raise invalid_did("a service names a member both long and short")
    if renamed.get(kind) == common[0]:
        renamed[kind] = common[1]
    return renamed
