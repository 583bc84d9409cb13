"""What is asked of a resolver and what it answers; and the port every DID method is behind.

Spec:
    https://www.w3.org/TR/did-resolution/#resolving
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NoReturn, Protocol

from cityid import timestamp
from cityid.did.document import DIDDocument
from cityid.did.syntax import DID
from cityid.errors import (
    CityIdError,
    Code,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
    quote,
)
from cityid.report import Problem

MEDIA_TYPES: Final = ("application/did", "application/did+json", "application/did+ld+json")
"""The representations a DID document can be had in; the last two are those of DID 1.0."""

_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_LEGACY: Final[Mapping[Code, str]] = MappingProxyType(
    {
        Code.INVALID_DID: "invalidDid",
        Code.INVALID_DID_URL: "invalidDidUrl",
        Code.INVALID_DID_DOCUMENT: "invalidDidDocument",
        Code.INVALID_OPTIONS: "invalidOptions",
        Code.NOT_FOUND: "notFound",
        Code.METHOD_NOT_SUPPORTED: "methodNotSupported",
        Code.FEATURE_NOT_SUPPORTED: "featureNotSupported",
        Code.REPRESENTATION_NOT_SUPPORTED: "representationNotSupported",
    }
)
_UNSUPPORTED: Final = frozenset(
    {
        Code.METHOD_NOT_SUPPORTED,
        Code.FEATURE_NOT_SUPPORTED,
        Code.REPRESENTATION_NOT_SUPPORTED,
        Code.NOT_SUPPORTED,
    }
)
_WORLD_FAILED: Final = frozenset(
    {Code.INTERNAL_ERROR, Code.REGISTRY_UNAVAILABLE, Code.STORE_CORRUPT, Code.STORE_LOCKED}
    | {Code.TIMEOUT, Code.UNREACHABLE, Code.REGISTRY_UNDETERMINED, Code.HISTORY_PRUNED}
)


@dataclass(frozen=True, slots=True)
class ResolutionOptions:
    """What to resolve besides the DID.

    Attributes:
        accept: The media type wanted; None for ``application/did``.
        version_id: The version wanted.
        version_time: The version wanted is the newest before this time: a
            ``2027-03-14T09:00:00Z`` in whole seconds, or an aware `datetime`.
        recorded_by: Only what a registry had recorded at this time counts, by its own clock.
        no_cache: Whether a document read earlier may not be the answer.
        expand_relative_urls: Whether relative DID URLs in the document are written out.
        parameters: Further DID parameters, for methods that know them.
    """

    accept: str | None = None
    version_id: str | None = None
    version_time: str | datetime | None = None
    recorded_by: datetime | None = None
    no_cache: bool = False
    expand_relative_urls: bool = False
    parameters: tuple[tuple[str, str], ...] = ()

    def check_supported(self, features: frozenset[str], method: str) -> None:
        """Refuse what a method cannot do.

        Args:
            features: The options the method knows: ``versionId``, ``versionTime``.
            method: The method's name, for the message.

        Raises:
            UnsupportedError: An option is asked for that the method has not
                (``FEATURE_NOT_SUPPORTED``, ``REPRESENTATION_NOT_SUPPORTED``).
        """
        asked = {
            "versionId": self.version_id,
            "versionTime": self.version_time,
            "recordedBy": self.recorded_by,
        }
        for name in (name for name, value in asked.items() if value is not None):
            if name not in features:
                raise UnsupportedError(
                    f"did:{method} keeps no history, so {name} cannot be asked of it",
                    name=name,
                    code=Code.FEATURE_NOT_SUPPORTED,
                )
        if self.accept is not None and self.accept not in MEDIA_TYPES:
            raise UnsupportedError(
                f"a DID document cannot be had as {quote(self.accept)}",
                name=str(self.accept)[:80],
                known=MEDIA_TYPES,
                code=Code.REPRESENTATION_NOT_SUPPORTED,
            )

    def check_valid(self) -> None:
        """Refuse options that say nothing or contradict each other.

        Raises:
            InvalidInputError: The options are malformed (``INVALID_OPTIONS``).
        """
        if self.version_id is not None and self.version_time is not None:
            raise _invalid_options("versionId and versionTime exclude each other")
        version_id: object = self.version_id
        if version_id is not None and not (isinstance(version_id, str) and version_id):
            raise _invalid_options("versionId is a text that is not empty")
        if self.version_time is not None:
            self._check_time(self.version_time)

    @staticmethod
    def _check_time(moment: object) -> None:
        if isinstance(moment, datetime):
            timestamp.aware(moment)
            if moment.microsecond:
                raise _invalid_options("versionTime has whole seconds")
            return
        if not isinstance(moment, str) or _SECONDS.fullmatch(moment) is None:
            raise _invalid_options("versionTime is written as 2027-03-14T09:00:00Z")
        try:
            timestamp.parse(moment)
        except InvalidInputError as error:
            raise _invalid_options(str(error)) from error


DEFAULTS: Final = ResolutionOptions()


@dataclass(frozen=True, slots=True)
class ResolutionMetadata:
    """What is told of the act of resolving or dereferencing.

    Attributes:
        content_type: The media type of the answer; None where there is none.
        error: Why there is no answer.
    """

    content_type: str | None = None
    error: Problem | None = None

    @property
    def legacy_code(self) -> str | None:
        """The error as DID 1.0 spelt it, such as ``notFound``."""
        return None if self.error is None else _LEGACY.get(self.error.code, "internalError")

    def to_dict(self) -> dict[str, Any]:
        """Return the metadata as JSON."""
        if self.error is not None:
            return {"error": self.error.to_dict(), "legacyCode": self.legacy_code}
        return {} if self.content_type is None else {"contentType": self.content_type}


@dataclass(frozen=True, slots=True)
class DocumentMetadata:
    """What is told of the document itself.

    Attributes:
        created: When the DID was made.
        updated: When it was last changed; None where it never was.
        deactivated: Whether the DID was given up.
        next_update: When the version resolved was followed by another.
        version_id: The version resolved.
        next_version_id: The version that followed it.
        equivalent_id: DIDs of the same method that mean the same subject.
        canonical_id: The one of them to use.
        proof: Proofs over the document, in methods that sign theirs.
        further: What else the method tells, as JSON; never to be changed.
    """

    created: datetime | None = None
    updated: datetime | None = None
    deactivated: bool = False
    next_update: datetime | None = None
    version_id: str | None = None
    next_version_id: str | None = None
    equivalent_id: tuple[str, ...] = ()
    canonical_id: str | None = None
    proof: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    further: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the metadata as JSON; times in UTC and whole seconds."""
        times = {"created": self.created, "updated": self.updated, "nextUpdate": self.next_update}
        others = {
            "deactivated": self.deactivated,
            "versionId": self.version_id,
            "nextVersionId": self.next_version_id,
            "equivalentId": list(self.equivalent_id),
            "canonicalId": self.canonical_id,
            "proof": [dict(proof) for proof in self.proof],
        }
        written = {name: timestamp.write(moment) for name, moment in times.items() if moment}
        known = written | {name: value for name, value in others.items() if value}
        return known | copy.deepcopy(dict(self.further))


@dataclass(frozen=True, slots=True)
class ResolutionResult:
    """What resolving a DID gave.

    Attributes:
        document: The document; None after an error, and for a DID that was given up.
        metadata: What is told of resolving it.
        document_metadata: What is told of the document.
    """

    document: DIDDocument | None
    metadata: ResolutionMetadata = ResolutionMetadata()
    document_metadata: DocumentMetadata = DocumentMetadata()

    @classmethod
    def failed(cls, error: CityIdError) -> ResolutionResult:
        """Return the result of an error: no document, and nothing told of one."""
        return cls(None, ResolutionMetadata(error=Problem.from_error(error)))

    @property
    def error(self) -> Problem | None:
        """Why there is no document, if an error is why."""
        return self.metadata.error

    def require(self) -> DIDDocument:
        """Return the document.

        Raises:
            InvalidInputError: The DID, the options or the document are malformed.
            UnsupportedError: The method or an option is not supported.
            NotFoundError: There is no such DID, or it was given up.
            RegistryError: The world failed.
        """
        if self.error is not None:
            raise_problem(self.error)
        if self.document is None:
            raise NotFoundError("the DID was deactivated", ref="deactivated DID")
        return self.document

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON.

        Spec:
            https://www.w3.org/TR/did-resolution/#did-resolution-result
        """
        return {
            "@context": "https://w3id.org/did-resolution/v1",
            "didDocument": self.document and self.document.to_dict(),
            "didResolutionMetadata": self.metadata.to_dict(),
            "didDocumentMetadata": self.document_metadata.to_dict(),
        }


class DIDMethod(Protocol):
    """The port that every DID method is behind.

    A method that can do more says so in two optional attributes: ``features``, a frozenset of
    the resolution options it knows (``versionId``, ``versionTime``, ``recordedBy``), and
    ``self_contained``, True where the DID alone decides the document, so that an answer may be
    kept. One whose DID URLs have paths also is a `cityid.did.dereferencing.FileMethod`.
    """

    @property
    def name(self) -> str:
        """The method name, as in ``did:NAME:…``."""
        ...

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:
        """Return what the DID stands for, or raise a `CityIdError` that says why not."""
        ...


def raise_problem(problem: Problem) -> NoReturn:
    """Raise a problem as the exception that fits its code.

    Args:
        problem: What is wrong.

    Raises:
        CityIdError: Always.
    """
    if problem.code in _UNSUPPORTED:
        raise UnsupportedError(problem.title, name=problem.code.name, code=problem.code)
    if problem.code is Code.NOT_FOUND:
        raise NotFoundError(problem.title, ref=problem.path or "DID", code=problem.code)
    if problem.code in _WORLD_FAILED:
        raise RegistryError(problem.title, code=problem.code)
    raise InvalidInputError(problem.title, code=problem.code, path=problem.path)


def _invalid_options(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
