"""DID URL dereferencing: from a DID URL to a document, a part of one, or where a service is.

It stands apart from resolving, because the specification still marks it as at risk.

Spec:
    https://www.w3.org/TR/did-resolution/#dereferencing
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import unquote, urljoin

from cityid import strict_json
from cityid.did import syntax
from cityid.did.document import DIDDocument, Service
from cityid.did.fetch import Fetch
from cityid.did.resolution import (
    MEDIA_TYPES,
    DIDMethod,
    DocumentMetadata,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
    raise_problem,
)
from cityid.did.syntax import DID, DIDURL
from cityid.encoding import multibase_encode
from cityid.errors import (
    CityIdError,
    Code,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    quote,
)
from cityid.report import Problem

URI_LIST: Final = "text/uri-list"
MAX_DEPTH: Final = 8
"""How many DID URLs may lead to one another."""

_SCALARS: Final = ("service", "serviceType", "versionId", "versionTime")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

_JSON = re.compile(r"application/(?:json|vp|vc|[a-z0-9.+-]+\+json)", re.ASCII)

Resolve = Callable[[DID, ResolutionOptions], ResolutionResult]


@runtime_checkable
class FileMethod(Protocol):
    """A DID method whose DID URLs have paths: files that lie beside the document."""

    fetch: Fetch | None

    def file_url(self, path: str, document: DIDDocument) -> str:
        """Return where the file of a path lies, or raise a `CityIdError` that says why nowhere."""
        ...


@dataclass(frozen=True, slots=True)
class DereferencingOptions:
    """What to look for behind a DID URL.

    Attributes:
        accept: The media type wanted: one of a DID document, or ``text/uri-list`` for the
            endpoints of a service; None for a document.
        verification_relationship: The relationship in which the method that the fragment names
            must stand.
        no_cache: Whether a document read earlier may not be used.
        expand_relative_urls: Whether relative DID URLs in the document are written out.
    """

    accept: str | None = None
    verification_relationship: str | None = None
    no_cache: bool = False
    expand_relative_urls: bool = False


DEFAULTS: Final = DereferencingOptions()


@dataclass(frozen=True, slots=True)
class DereferencingResult:
    """What dereferencing a DID URL gave.

    Attributes:
        content: A document or a part of it as JSON values, or a list of URLs; of a file, its JSON
            values or its bytes; None after an error, and for a DID that was given up.
        metadata: What is told of dereferencing.
        content_metadata: What is told of the document the content comes from.
    """

    content: Any
    metadata: ResolutionMetadata = field(default_factory=ResolutionMetadata)
    content_metadata: DocumentMetadata = field(default_factory=DocumentMetadata)

    @property
    def error(self) -> Problem | None:
        """Why there is no content, if an error is why."""
        return self.metadata.error

    def require(self) -> Any:
        """Return the content.

        Raises:
            InvalidInputError: The URL, the options or the document are malformed.
            UnsupportedError: The method or an option is not supported.
            NotFoundError: There is no such thing, or the DID was given up.
            RegistryError: The world failed.
        """
        if self.error is not None:
            raise_problem(self.error)
        if self.content is None:
            raise NotFoundError("the DID was deactivated", ref="deactivated DID")
        return self.content

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON; the bytes of a file are multibase, base64url."""
        content = self.content
        if isinstance(content, bytes):
            content = multibase_encode(content, "base64url")
        return {
            "content": content,
            "dereferencingMetadata": self.metadata.to_dict(),
            "contentMetadata": self.content_metadata.to_dict(),
        }


def dereference(
    did_url: str,
    options: DereferencingOptions,
    *,
    resolve: Resolve,
    methods: Mapping[str, DIDMethod] = MappingProxyType({}),
) -> DereferencingResult:
    """Dereference a DID URL; the result says what is wrong, nothing is raised for it.

    Args:
        did_url: The DID URL.
        options: What to look for.
        resolve: How DIDs are resolved.
        methods: The DID methods, by name; those with paths are a `FileMethod`.

    Spec:
        https://www.w3.org/TR/did-resolution/#dereferencing-algorithm
    """
    try:
        url = syntax.parse_url(did_url)
        return _dereference(url, options, resolve, methods.get(url.did.method))
    except CityIdError as error:
        return DereferencingResult(None, ResolutionMetadata(error=Problem.from_error(error)))


def _dereference(
    url: DIDURL, options: DereferencingOptions, resolve: Resolve, method: DIDMethod | None
) -> DereferencingResult:
    parameters = _parameters(url)
    wants_endpoints = options.accept == URI_LIST
    if wants_endpoints and not (url.path or _selects_services(parameters)):
        raise _no_representation(options.accept)
    result = resolve(url.did, _resolution_options(parameters, options))
    if result.error is not None:
        raise_problem(result.error)
    if result.document is None:
        return DereferencingResult(None, ResolutionMetadata(), result.document_metadata)
    document = result.document
    if url.path:
        return _file(url, document, options, method, result.document_metadata)
    if wants_endpoints:
        urls = _endpoints(url, document, resolve, options, set())
        return DereferencingResult(urls, ResolutionMetadata(URI_LIST), result.document_metadata)
    if _selects_services(parameters):
        document = _reduced(document, _selected(document, parameters))
    content = document.to_dict() if url.fragment is None else _part(url, document, options)
    metadata = ResolutionMetadata(options.accept or MEDIA_TYPES[0])
    return DereferencingResult(content, metadata, result.document_metadata)


def _file(
    url: DIDURL,
    document: DIDDocument,
    options: DereferencingOptions,
    method: object,
    metadata: DocumentMetadata,
) -> DereferencingResult:
    """Return what lies behind the path of a DID URL, or only where that is."""
    if not isinstance(method, FileMethod):
        raise NotFoundError(f"did:{url.did.method} knows no paths", ref=url.path[:80])
    place = method.file_url(url.path, document)
    if options.accept == URI_LIST:
        return DereferencingResult([place], ResolutionMetadata(URI_LIST), metadata)
    if method.fetch is None:
        raise UnsupportedError(
            f"the file is not read without a fetch=; accept {URI_LIST} to learn where it lies",
            name="fetch",
            code=Code.FEATURE_NOT_SUPPORTED,
        )
    fetched = method.fetch(place)
    read = strict_json.parse if _JSON.fullmatch(fetched.media_type) else bytes
    content = ResolutionMetadata(fetched.media_type)
    return DereferencingResult(read(fetched.content), content, metadata)


def _parameters(url: DIDURL) -> dict[str, str]:
    parameters = url.parameters
    for name in _SCALARS:
        value = parameters.get(name, "-")
        if not value.isprintable() or re.search("[&?#]", value) or not value:
            raise _invalid_url(f"{quote(value)} cannot be the {name} of a DID URL")
    if "relativeRef" in parameters:
        if not _selects_services(parameters):
            raise _invalid_url("relativeRef needs a service that it is relative to")
        _check_relative_ref(parameters["relativeRef"])
    return parameters


def _selects_services(parameters: Mapping[str, str]) -> bool:
    return "service" in parameters or "serviceType" in parameters


def _check_relative_ref(reference: str) -> None:
    """Refuse a reference that leads out of the endpoint, however often it is encoded."""
    decoded = reference
    for _ in range(MAX_DEPTH):
        previous, decoded = decoded, unquote(decoded)
        if decoded == previous:
            break
    else:
        raise _invalid_url("the relativeRef is percent-encoded over and over")
    leads_out = (
        decoded.startswith("//")
        or _SCHEME.match(decoded)
        or "\\" in decoded
        or not {".", ".."}.isdisjoint(re.split("[/?#]", decoded))
    )
    if leads_out or not reference.isprintable() or not decoded.isprintable() or " " in reference:
        raise _invalid_url(f"the relativeRef {quote(reference)} leads out of its service")


def _resolution_options(
    parameters: Mapping[str, str], options: DereferencingOptions
) -> ResolutionOptions:
    known = {*_SCALARS, "relativeRef"}
    return ResolutionOptions(
        accept=None if options.accept == URI_LIST else options.accept,
        version_id=parameters.get("versionId"),
        version_time=parameters.get("versionTime"),
        no_cache=options.no_cache,
        expand_relative_urls=options.expand_relative_urls,
        parameters=tuple(sorted(item for item in parameters.items() if item[0] not in known)),
    )


def _selected(document: DIDDocument, parameters: Mapping[str, str]) -> tuple[Service, ...]:
    name, kind = parameters.get("service"), parameters.get("serviceType")
    found = tuple(
        service
        for service in document.services
        if (name is None or service.id == f"{document.id}#{name}")
        and (kind is None or kind in service.types)
    )
    if not found:
        raise NotFoundError("the document has no such service", ref=str(name or kind)[:80])
    return found


def _reduced(document: DIDDocument, services: tuple[Service, ...]) -> DIDDocument:
    kept = [service.document for service in services]
    return DIDDocument(dict(document.document) | {"service": kept}, document.id)


def _part(url: DIDURL, document: DIDDocument, options: DereferencingOptions) -> dict[str, Any]:
    """Return the method or service that the fragment names."""
    wanted = f"{document.id}#{url.fragment}"
    relationship = options.verification_relationship
    method = document.verification_method(wanted)
    if relationship is not None and wanted not in document.relationship(relationship):
        raise InvalidInputError(
            f"{quote(wanted)} is not listed under {relationship}",
            code=Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD,
        )
    if method is not None:
        return copy.deepcopy(dict(method.document))
    for service in document.services:
        if service.id == wanted:
            return copy.deepcopy(dict(service.document))
    raise NotFoundError(f"the document has no {quote('#' + str(url.fragment))}", ref=wanted[:80])


def _endpoints(
    url: DIDURL,
    document: DIDDocument,
    resolve: Resolve,
    options: DereferencingOptions,
    visited: set[str],
) -> list[str]:
    """Return where the services are, through other DID URLs if that is where they are."""
    parameters = _parameters(url)
    key = f"{url.did}?{sorted(parameters.items())}"
    if key in visited or len(visited) >= MAX_DEPTH:
        raise InvalidInputError(
            f"{quote(str(url))} leads back to itself, or too far", code=Code.DEREFERENCING_CYCLE
        )
    visited.add(key)
    found: list[str] = []
    for service in _selected(document, parameters):
        for endpoint in (entry for entry in service.endpoints if isinstance(entry, str)):
            for target in _followed(endpoint, resolve, options, visited):
                found.extend(_joined(target, parameters.get("relativeRef"), url.fragment))
    if not found:
        raise NotFoundError("the service has no URL", ref=str(url)[:80])
    return found


def _followed(
    endpoint: str, resolve: Resolve, options: DereferencingOptions, visited: set[str]
) -> list[str]:
    if not endpoint.startswith("did:"):
        return [endpoint]
    url = syntax.parse_url(endpoint)
    parameters = _parameters(url)
    if not _selects_services(parameters):
        return [endpoint]
    document = resolve(url.did, _resolution_options(parameters, options)).require()
    return _endpoints(url, document, resolve, options, visited)


def _joined(endpoint: str, reference: str | None, fragment: str | None) -> Iterator[str]:
    if reference is not None:
        if not endpoint.startswith(("https://", "http://")):
            return  # nothing can be relative to it
        endpoint = urljoin(endpoint, reference)
    if fragment is not None and "#" in endpoint:
        raise _invalid_url("both the DID URL and the endpoint have a fragment")
    yield endpoint if fragment is None else f"{endpoint}#{fragment}"


def _no_representation(accept: str | None) -> UnsupportedError:
    return UnsupportedError(
        f"{quote(accept)} is how the endpoints of a service are had; the DID URL names none",
        name=str(accept),
        known=MEDIA_TYPES,
        code=Code.REPRESENTATION_NOT_SUPPORTED,
    )


def _invalid_url(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_DID_URL)
