"""DID documents: frozen views over exact JSON.

Spec:
    https://www.w3.org/TR/did-1.1/#data-model
    https://www.w3.org/TR/cid-1.0/#data-model
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cityid import strict_json
from cityid.did import syntax
from cityid.did.rules import faults
from cityid.did.verification_method import RELATIONSHIPS, VerificationMethod
from cityid.errors import Code, InvalidInputError, quote
from cityid.strict_json import JSONObject


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a document announces.

    Attributes:
        id: Its absolute URL; None where the document gives it no name.
        types: What kind of service it is.
        endpoints: Where it is: URLs and objects, as they stand in the document.
        document: The JSON it stands in, exactly; never to be changed.
    """

    id: str | None
    types: tuple[str, ...]
    endpoints: tuple[str | Mapping[str, Any], ...]
    document: Mapping[str, Any] = field(repr=False, hash=False)


@dataclass(frozen=True, slots=True)
class DIDDocument:
    """A DID document, or a controlled identifier document of another kind of URL.

    `parse` is the way in for a document from outside; the constructor believes what it is given.

    Attributes:
        document: The JSON, exactly as received; never to be changed.
    """

    document: Mapping[str, Any] = field(repr=False, hash=False)
    id: str
    _methods: dict[str, VerificationMethod] = field(
        default_factory=dict, repr=False, compare=False, hash=False
    )
    _listed: dict[str, tuple[str, ...]] = field(
        default_factory=dict, repr=False, compare=False, hash=False
    )

    @classmethod
    def parse(
        cls, document: Mapping[str, Any] | str | bytes, *, any_url: bool = False
    ) -> DIDDocument:
        """Read a document from outside.

        Args:
            document: The document as JSON text or as values; it is copied.
            any_url: Whether the subject may be any URL, as in a controlled identifier document.

        Raises:
            InvalidInputError: It is not a DID document (``INVALID_DID_DOCUMENT``).

        Spec:
            https://www.w3.org/TR/did-1.1/#consumption
        """
        if isinstance(document, str | bytes):
            values = strict_json.parse_object(document)
        else:
            values = strict_json.snapshot(document)
        problems = faults(values, any_url=any_url)
        if problems:
            more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
            raise InvalidInputError(
                problems[0].title + more, code=Code.INVALID_DID_DOCUMENT, path=problems[0].path
            )
        return cls(values, values["id"])

    @property
    def controller(self) -> tuple[str, ...]:
        """Who may change the document, by DID; empty where only the subject may."""
        value = self.document.get("controller", ())
        return (value,) if isinstance(value, str) else tuple(value)

    @property
    def also_known_as(self) -> tuple[str, ...]:
        """Other names that the subject claims."""
        return tuple(self.document.get("alsoKnownAs", ()))

    @property
    def verification_methods(self) -> tuple[VerificationMethod, ...]:
        """Every verification method, listed or embedded in a relationship."""
        return tuple(self._by_id().values())

    @property
    def services(self) -> tuple[Service, ...]:
        """The services that the document announces."""
        return tuple(self._service(entry) for entry in self.document.get("service", ()))

    def relationship(self, name: str) -> tuple[str, ...]:
        """Return the absolute URLs of the methods under a verification relationship.

        Args:
            name: ``authentication``, ``assertionMethod``, ``keyAgreement`` …

        Raises:
            InvalidInputError: There is no such relationship (``INVALID_OPTIONS``).
        """
        listed = self._listed.get(name)
        if listed is not None:
            return listed
        if name not in RELATIONSHIPS:
            raise InvalidInputError(
                f"{quote(name)} is not one of {', '.join(RELATIONSHIPS)}", code=Code.INVALID_OPTIONS
            )
        entries = self.document.get(name, ())
        references = (entry["id"] if isinstance(entry, Mapping) else entry for entry in entries)
        listed = tuple(syntax.absolute(reference, self.id) for reference in references)
        self._listed[name] = listed
        return listed

    def verification_method(self, url: str) -> VerificationMethod | None:
        """Return the verification method of that absolute URL, or None."""
        return self._by_id().get(url)

    def to_dict(self) -> JSONObject:
        """Return the document as JSON values, a fresh copy."""
        return copy.deepcopy(dict(self.document))

    def to_json(self) -> str:
        """Return the document as JSON text."""
        return strict_json.write(self.document)

    def with_absolute_urls(self) -> Self:
        """Return the document with every relative DID URL written out.

        Spec:
            https://www.w3.org/TR/did-resolution/#dfn-expandrelativeurls
        """
        values = self.to_dict()
        for relationship in ("verificationMethod", *RELATIONSHIPS):
            if relationship in values:
                values[relationship] = [self._expanded(entry) for entry in values[relationship]]
        if "service" in values:
            values["service"] = [self._expanded(entry) for entry in values["service"]]
        return type(self)(values, self.id)

    def _expanded(self, entry: Any) -> Any:
        if isinstance(entry, str):
            return syntax.absolute(entry, self.id)
        return entry | {"id": syntax.absolute(entry["id"], self.id)} if "id" in entry else entry

    def _by_id(self) -> Mapping[str, VerificationMethod]:
        if not self._methods:
            methods = (VerificationMethod.read(entry, self.id) for entry in self._entries())
            self._methods.update((method.id, method) for method in methods)
        return self._methods

    def _entries(self) -> Iterator[Mapping[str, Any]]:
        yield from self.document.get("verificationMethod", ())
        for relationship in RELATIONSHIPS:
            for entry in self.document.get(relationship, ()):
                if isinstance(entry, Mapping):
                    yield entry

    def _service(self, entry: Mapping[str, Any]) -> Service:
        kinds, endpoints = entry["type"], entry["serviceEndpoint"]
        return Service(
            syntax.absolute(entry["id"], self.id) if "id" in entry else None,
            (kinds,) if isinstance(kinds, str) else tuple(kinds),
            tuple(endpoints) if isinstance(endpoints, list) else (endpoints,),
            entry,
        )

    def _repr_html_(self) -> str:
        from cityid import display

        return display.document("DID document", self.document)
