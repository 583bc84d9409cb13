"""did:web: the document lies on the web, at a place that the DID tells.

There is no history: after a key was rotated, what it signed before cannot be checked any more.

Spec:
    https://w3c-ccg.github.io/did-method-web/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Final
from urllib.parse import quote as percent_encode

from cityid.did import syntax
from cityid.did.document import DIDDocument
from cityid.did.fetch import Fetch, is_domain_name
from cityid.did.methods.base import check_path_segment, invalid_did
from cityid.did.resolution import (
    MEDIA_TYPES,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.did.syntax import DID
from cityid.errors import Code, InvalidInputError, quote

_HOST = re.compile(r"([^%]+)(?:%3A([1-9][0-9]{0,4}))?", re.ASCII)
_JSON_TYPES: Final = frozenset({*MEDIA_TYPES, "application/json", "application/ld+json"})
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Web:
    """The method did:web.

    Attributes:
        fetch: How documents are read; `cityid.did.fetch` makes one that is safe.
    """

    name: ClassVar[str] = "web"
    self_contained: ClassVar[bool] = False

    fetch: Fetch = field(repr=False)

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:  # noqa: ARG002 - a did:web has one version
        """Return the document that lies at the DID's place.

        Raises:
            InvalidInputError: The DID tells no place (``INVALID_DID``), the place is not allowed,
                or what lies there is no DID document (``INVALID_DID_DOCUMENT``).
            NotFoundError: Nothing lies there, so the DID was given up or never was.
            RegistryError: The place could not be reached.

        Spec:
            https://w3c-ccg.github.io/did-method-web/#read-resolve
        """
        fetched = self.fetch(location(did))
        if fetched.media_type not in _JSON_TYPES:
            raise _invalid_document(f"{quote(fetched.media_type)} is no type of a DID document")
        try:
            document = DIDDocument.parse(fetched.content)
        except InvalidInputError as error:
            raise _invalid_document(str(error)) from error
        return ResolutionResult(document, ResolutionMetadata(MEDIA_TYPES[0]))


def location(did: DID) -> str:
    """Return the https URL at which the document of a did:web lies.

    Args:
        did: The DID.

    Raises:
        InvalidInputError: The DID tells no place: its host is no domain name, or its path is not
            what it seems (``INVALID_DID``).

    Spec:
        https://w3c-ccg.github.io/did-method-web/#read-resolve
    """
    first, *segments = did.identifier.split(":")
    match = _HOST.fullmatch(first)
    if match is None or not is_domain_name(match[1]):
        raise invalid_did(f"{quote(first)} is not a domain name, with %3A and a port or without")
    if match[2] and int(match[2]) > _LAST_PORT:
        raise invalid_did(f"there is no port {match[2]}")
    for segment in segments:
        check_path_segment(segment)
    host = match[1].lower() + (f":{match[2]}" if match[2] else "")
    return f"https://{'/'.join([host, *(segments or ['.well-known'])])}/did.json"


def did_of(domain: str, path: str = "", port: int | None = None) -> DID:
    """Return the did:web of a place.

    Args:
        domain: The domain name.
        path: Where below the host the document lies, such as ``offices/registry``; empty for the
            host itself.
        port: The port, where it is not 443.

    Raises:
        InvalidInputError: There is no such place (``INVALID_DID``).
    """
    host = domain if port is None else f"{domain}%3A{port}"
    try:
        encoded = percent_encode(path, safe="/").replace("~", "%7E")
    except UnicodeEncodeError as error:
        raise invalid_did("the path holds a lone surrogate") from error
    segments = encoded.split("/") if path else []
    did = syntax.parse(":".join(["did:web", host, *segments]))
    location(did)
    return did


def _invalid_document(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_DID_DOCUMENT)
