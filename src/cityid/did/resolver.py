"""The resolver: from a DID to its document, and from a URL to a verification method.

Spec:
    https://www.w3.org/TR/did-resolution/#did-resolution-algorithm
    https://www.w3.org/TR/cid-1.0/#retrieve-verification-method
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from cityid.did import dereferencing, syntax
from cityid.did.dereferencing import DereferencingOptions, DereferencingResult
from cityid.did.document import DIDDocument
from cityid.did.methods import METHODS
from cityid.did.resolution import (
    DEFAULTS,
    MEDIA_TYPES,
    DIDMethod,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
    raise_problem,
)
from cityid.did.syntax import DID
from cityid.did.verification_method import RELATIONSHIPS, VerificationMethod
from cityid.errors import (
    CityIdError,
    Code,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
    quote,
)

CACHE_SIZE: Final = 1024


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves the DIDs of its methods, and those whose documents it has in hand.

    Answers of methods whose DIDs alone decide them are kept, up to `cache_size`; all others are
    asked for anew each time.

    Attributes:
        methods: The DID methods, by name.
        documents: Documents in hand, by the subject's DID or URL; they come first.
        cache_size: How many answers are kept.
    """

    methods: Mapping[str, DIDMethod]
    documents: Mapping[str, DIDDocument] = field(default_factory=dict)
    cache_size: int = CACHE_SIZE
    _kept: OrderedDict[str, ResolutionResult] = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "methods", MappingProxyType(dict(self.methods)))
        object.__setattr__(self, "documents", MappingProxyType(dict(self.documents)))

    def __reduce__(self) -> tuple[type[Resolver], tuple[object, ...]]:
        """Let a process pool carry the resolver; what is kept stays behind."""
        return Resolver, (dict(self.methods), dict(self.documents), self.cache_size)

    def resolve(self, did: str | DID, options: ResolutionOptions = DEFAULTS) -> ResolutionResult:
        """Resolve a DID.

        Never raises because the DID, the options or the world is bad: the metadata says so.

        Args:
            did: The DID.
            options: What to resolve besides it.

        Returns:
            The document and what is told of it; no document after an error.

        Spec:
            https://www.w3.org/TR/did-resolution/#did-resolution-algorithm
        """
        if options is DEFAULTS and isinstance(did, str):
            kept = self._kept.get(did)
            if kept is not None:
                return kept
        try:
            return self._resolve(did, options)
        except CityIdError as error:
            return ResolutionResult.failed(error)

    def dereference(
        self, did_url: str, options: DereferencingOptions = dereferencing.DEFAULTS
    ) -> DereferencingResult:
        """Dereference a DID URL.

        Never raises because the URL, the options or the world is bad: the metadata says so.

        Args:
            did_url: The DID URL.
            options: What to look for.

        Spec:
            https://www.w3.org/TR/did-resolution/#dereferencing
        """
        return dereferencing.dereference(
            did_url, options, resolve=self.resolve, methods=self.methods
        )

    def keeps_history(self, url: str) -> bool:
        """Return whether the document that a URL leads to has versions to be asked for by time.

        Args:
            url: A DID, or the URL of a verification method.
        """
        subject = url.partition("#")[0]
        if subject in self._kept or not subject.startswith("did:"):
            return False
        name = subject.split(":")[1]
        features: frozenset[str] = getattr(self.methods.get(name), "features", frozenset())
        return "versionTime" in features and subject not in self.documents

    def verification_method(
        self,
        url: str,
        *,
        relationship: str,
        at: datetime | None = None,
        by_registry: bool = False,
    ) -> VerificationMethod:
        """Retrieve the verification method of a proof, if its controller lists it for that use.

        Whether it is expired or revoked is for the caller to judge, against the time that counts.

        Args:
            url: The absolute URL of the verification method.
            relationship: The verification relationship it must stand in.
            at: The time as of which the document counts, where it has a history; None for the
                document as it is.
            by_registry: Whether the document counts that a registry had recorded at that time; else
                the one which its controller dated so.

        Raises:
            InvalidInputError: The URL, the document or the method is not what it must be; the
                code is that of Controlled Identifiers or DID Resolution.
            UnsupportedError: The DID method or the kind of key is not supported.
            NotFoundError: There is no such document.
            RegistryError: The world failed.

        Spec:
            https://www.w3.org/TR/cid-1.0/#retrieve-verification-method
        """
        if relationship not in RELATIONSHIPS:
            raise InvalidInputError(
                f"{quote(relationship)} is not one of {', '.join(RELATIONSHIPS)}",
                code=Code.INVALID_OPTIONS,
            )
        options = DEFAULTS
        if at is not None and self.keeps_history(url):
            options = (
                ResolutionOptions(recorded_by=at)
                if by_registry
                else ResolutionOptions(version_time=at.replace(microsecond=0))
            )
        document, method = self._kept_method(url) or self._sought_method(url, options)
        _ = method.public_key
        # 10. It names the document back as its controller.
        if method.controller != url.partition("#")[0]:
            raise _invalid_method(f"{quote(url)} is controlled by {quote(method.controller)}")
        # 11. It is listed, by URL or by value, for the use it was put to.
        if url not in document.relationship(relationship):
            raise InvalidInputError(
                f"{quote(url)} is not listed under {relationship}",
                code=Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD,
            )
        return method

    def _kept_method(self, url: str) -> tuple[DIDDocument, VerificationMethod] | None:
        """Return a method of a kept document: found by the whole URL, it needs no reading."""
        given: object = url  # whatever the annotation promises
        kept = self._kept.get(url.partition("#")[0]) if isinstance(given, str) else None
        if kept is None or kept.document is None:
            return None
        method = kept.document.verification_method(url)
        return None if method is None else (kept.document, method)

    def _sought_method(
        self, url: str, options: ResolutionOptions
    ) -> tuple[DIDDocument, VerificationMethod]:
        # 1.-3. Take the URL apart.
        subject, hash_sign, fragment = url.partition("#") if syntax.is_url(url) else ("", "", "")
        if not (subject and hash_sign and fragment):
            raise InvalidInputError(
                f"{quote(url)} is not the absolute URL of a verification method",
                code=Code.INVALID_VERIFICATION_METHOD_URL,
            )
        # 4.-6. Dereference the document; it conforms and is the subject's own.
        document = self._controller_document(subject, options)
        # 7.-9. Find the method by its absolute id; it holds a key that can be read.
        method = document.verification_method(url)
        if method is None:
            raise _invalid_method(f"{quote(subject)} has no verification method {quote(fragment)}")
        return document, method

    def _controller_document(self, url: str, options: ResolutionOptions) -> DIDDocument:
        if not url.startswith("did:"):
            if url not in self.documents:
                raise NotFoundError(
                    f"no document of {quote(url)} is in hand; pass it as documents=", ref=url[:80]
                )
            return self.documents[url]
        did = syntax.parse_url(url).did
        if str(did) != url:
            raise InvalidInputError(
                f"{quote(url)} is more than the DID of a controller",
                code=Code.INVALID_CONTROLLED_IDENTIFIER_DOCUMENT_ID,
            )
        return (self._kept.get(url) or self._resolve(did, options)).require()

    def _resolve(self, did: str | DID, options: ResolutionOptions) -> ResolutionResult:
        subject = str(did) if isinstance(did, DID) else did
        did = syntax.parse(subject)
        if subject in self.documents:
            options.check_supported(frozenset(), did.method)
            options.check_valid()
            return _finished(_found(self.documents[subject]), options)
        method = self._method(did.method)
        options.check_supported(getattr(method, "features", frozenset()), did.method)
        options.check_valid()
        result = _asked(method, did, options)
        if getattr(method, "self_contained", False) and not options.no_cache:
            self._keep(subject, result)
        return _finished(result, options)

    def _method(self, name: str) -> DIDMethod:
        if name not in self.methods:
            needs = "; did:web needs a fetch=" if name == "web" else ""
            raise UnsupportedError(
                f"this resolver has no method did:{quote(name)[1:-1]}{needs}",
                name=name[:80],
                known=tuple(sorted(self.methods)),
                code=Code.METHOD_NOT_SUPPORTED,
            )
        return self.methods[name]

    def _keep(self, subject: str, result: ResolutionResult) -> None:
        if result.document is None or self.cache_size < 1:
            return
        while len(self._kept) >= self.cache_size:
            with suppress(KeyError):  # another thread may have emptied it
                self._kept.popitem(last=False)
        self._kept[subject] = result


def _asked(method: DIDMethod, did: DID, options: ResolutionOptions) -> ResolutionResult:
    """Ask a method, and believe nothing of its answer that can be checked."""
    try:
        result: object = method.resolve(did, options)
    except CityIdError:
        raise
    except Exception as error:
        raise RegistryError(
            f"did:{did.method} failed with {type(error).__name__}", code=Code.INTERNAL_ERROR
        ) from error
    if not isinstance(result, ResolutionResult):
        raise RegistryError(f"did:{did.method} gave no result", code=Code.INTERNAL_ERROR)
    if result.error is not None:
        raise_problem(result.error)
    if result.document_metadata.deactivated:
        return ResolutionResult(None, ResolutionMetadata(), result.document_metadata)
    document = result.require()
    own = type(METHODS.get(did.method)) is type(method)
    names = {document.id, *(result.document_metadata.equivalent_id if own else ())}
    if str(did) not in names or document.document.get("id") != document.id:
        raise InvalidInputError(
            f"the document is that of {quote(document.id)}, not of {quote(str(did))}",
            code=Code.INVALID_DID_DOCUMENT,
            path="/id",
        )
    if not own:
        DIDDocument.parse(document.document)
    return result


def _finished(result: ResolutionResult, options: ResolutionOptions) -> ResolutionResult:
    document = result.document
    if document is None:
        return result
    if options.expand_relative_urls:
        document = document.with_absolute_urls()
    content_type = options.accept or result.metadata.content_type or MEDIA_TYPES[0]
    if document is result.document and content_type == result.metadata.content_type:
        return result
    return replace(
        result, document=document, metadata=replace(result.metadata, content_type=content_type)
    )


def _found(document: DIDDocument) -> ResolutionResult:
    return ResolutionResult(document, ResolutionMetadata(MEDIA_TYPES[0]))


def _invalid_method(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_VERIFICATION_METHOD)
