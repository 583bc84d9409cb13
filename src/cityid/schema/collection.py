"""The schemas at hand: the city's own, and what a caller adds. Nothing is ever fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cityid import resources, strict_json
from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError, quote
from cityid.resources import Kind
from cityid.schema.bounds import bounded_schemas
from cityid.schema.unwrapping import VerifiedSchema
from cityid.strict_json import JSONObject, Limits

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_LIMITS = Limits(max_bytes=200_000, max_depth=32)


@dataclass(frozen=True, slots=True)
class _Source:
    """A schema as it was given: the parsed document, and its bytes where there were some."""

    document: JSONObject
    content: bytes | None


@dataclass(slots=True)
class _Memory:
    """What a collection has read and compiled already; as many entries as it has schemas."""

    index: dict[str, Any] | None = None
    sources: dict[str, _Source] = field(default_factory=dict)
    validators: dict[str, Validator] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Schemas:
    """An immutable set of JSON Schemas, by URL.

    `SCHEMAS` is the set that ships with cityid; ``Schemas()`` is empty.

    Attributes:
        shipped: Whether the schemas of the city's credentials, which ship with cityid, are in it.
    """

    shipped: bool = False
    _added: Mapping[str, _Source] = field(default_factory=dict)
    _credentials: Mapping[str, VerifiedSchema] = field(default_factory=dict)
    _memory: _Memory = field(default_factory=_Memory, repr=False)

    def __reduce__(self) -> tuple[type[Schemas], tuple[object, ...]]:
        """Leave what was compiled behind: it does not travel between processes."""
        return type(self), (self.shipped, self._added, self._credentials)

    def __contains__(self, url: object) -> bool:
        return url in self._added or url in self._index()

    def __iter__(self) -> Iterator[str]:
        return iter({**self._index(), **self._added})

    def __len__(self) -> int:
        return len({**self._index(), **self._added})

    def with_schema(
        self, url: str, document: Mapping[str, Any] | str | bytes, *, sha256: str | None = None
    ) -> Schemas:
        """Return these schemas and one more.

        Args:
            url: The schema's URL, which must be its `$id` too.
            document: The schema. As text or bytes it can be held against the digest that a
                credential gives of it; as a mapping it cannot.
            sha256: The digest of the bytes in hexadecimal, if they are to be pinned.

        Raises:
            InvalidInputError: The document is not JSON, too large or too deep, has another
                digest, or the URL stands for another schema already. Whether it is a schema is
                told when a credential is checked.
        """
        content = document.encode() if isinstance(document, str) else document
        if isinstance(content, bytes):
            _demand_digest(content, sha256, url)
            source = _Source(strict_json.parse_object(content, limits=_LIMITS), content)
        elif sha256 is None and isinstance(content, Mapping):
            source = _Source(strict_json.snapshot(content, limits=_LIMITS), None)
        else:
            raise InvalidInputError(
                "a schema is a mapping, or text or bytes with or without their SHA-256",
                code=Code.INVALID_OPTIONS,
            )
        if url in self and self._source(url).document != source.document:
            raise InvalidInputError(
                f"{quote(url, 200)} stands for another schema already; publish the new one under "
                "a new URL, or begin with Schemas()",
                code=Code.INVALID_OPTIONS,
            )
        return Schemas(self.shipped, {**self._added, url: source}, self._credentials)

    def with_schema_credential(self, verified: VerifiedSchema) -> Schemas:
        """Return these schemas and one that came in a credential.

        Args:
            verified: What `cityid.schema_credentials.verify_schema_credential` returned.

        Raises:
            InvalidInputError: It was not verified, or its URL stands for another schema already.
        """
        if not isinstance(verified, VerifiedSchema):
            raise InvalidInputError(
                "a schema credential must be verified first: pass what verify_schema_credential "
                "returned",
                code=Code.INVALID_OPTIONS,
            )
        url = verified.schema.credential
        if self._credentials.get(url, verified).schema != verified.schema:
            raise InvalidInputError(
                f"the credential {quote(url, 200)} brought another schema already",
                code=Code.INVALID_OPTIONS,
            )
        known = self.with_schema(verified.schema.url, verified.schema.document)
        credentials = {**self._credentials, url: verified}
        return replace(known, _credentials=credentials, _memory=_Memory())

    def verified(self, url: str) -> VerifiedSchema:
        """Return the schema that came in the credential of this URL.

        Raises:
            NotFoundError: There is none at hand.
        """
        if url not in self._credentials:
            raise NotFoundError(
                f"the schema credential {quote(url, 200)} is not at hand; add it with "
                "SCHEMAS.with_schema_credential(verify_schema_credential(…))",
                ref=url,
                code=Code.SCHEMA_NOT_ALLOWED,
            )
        return self._credentials[url]

    def document(self, url: str) -> JSONObject:
        """Return a schema, a copy.

        Raises:
            NotFoundError: There is none at hand for the URL.
        """
        copy: JSONObject = strict_json.snapshot(self._source(url).document, limits=_LIMITS)
        return copy

    def content(self, url: str) -> bytes | None:
        """Return the bytes of a schema, None where it was given as a mapping.

        Raises:
            NotFoundError: There is none at hand for the URL.
        """
        return self._source(url).content

    def validator(self, url: str) -> Validator:
        """Return the validator of a schema, compiled once.

        Raises:
            NotFoundError: There is none at hand for the URL.
            InvalidInputError: It is no schema, or its work is not bounded.
            UnsupportedError: It is in a dialect that cityid does not read.
        """
        from cityid.schema.validator import compiled, dialect

        known = self._memory.validators
        if url not in known:
            document = self._source(url).document
            _demand_identity(document, url)
            dialect(document)
            known[url] = compiled(url, bounded_schemas(url, self._at_hand))
        return known[url]

    def _at_hand(self, url: str) -> JSONObject | None:
        return self._source(url).document if url in self else None

    def _source(self, url: str) -> _Source:
        if url in self._added:
            return self._added[url]
        if url not in self._index():
            raise NotFoundError(
                f"the schema {quote(url, 200)} is not at hand; add it with "
                "SCHEMAS.with_schema(url, document)",
                ref=url,
                code=Code.SCHEMA_NOT_ALLOWED,
            )
        if url not in self._memory.sources:
            entry = self._index()[url]
            content = resources.read(Kind.SCHEMAS, entry["file"])
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise CorruptError("a shipped schema has another digest", place=entry["file"])
            self._memory.sources[url] = _Source(strict_json.parse_object(content), content)
        return self._memory.sources[url]

    def _index(self) -> dict[str, Any]:
        if not self.shipped:
            return {}
        if self._memory.index is None:
            index = strict_json.parse_object(resources.read(Kind.SCHEMAS, "index.json"))
            self._memory.index = index["schemas"]
        return self._memory.index


def _demand_digest(content: bytes, sha256: str | None, url: str) -> None:
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise InvalidInputError(
            f"the schema {quote(url, 200)} has another SHA-256 than the one given",
            code=Code.DIGEST_MISMATCH,
        )


def _demand_identity(document: JSONObject, url: str) -> None:
    """Hold a schema to its own URL.

    Spec:
        https://www.w3.org/TR/vc-json-schema/#jsonschema
    """
    name = document.get("$id")
    if not isinstance(name, str) or name.removesuffix("#") != url:
        raise InvalidInputError(
            f"the schema calls itself {quote(name, 200)}, not {quote(url, 200)}", path="/$id"
        )


SCHEMAS = Schemas(shipped=True)
"""The schemas of the city's credentials."""
