"""Frozen views over the exact JSON of credentials and presentations.

A view keeps every member it does not know; it says what is there, not whether it is right.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from cityid import strict_json, timestamp
from cityid.credential import terms
from cityid.errors import Code, InvalidInputError

ENVELOPED_CREDENTIAL = "EnvelopedVerifiableCredential"
ENVELOPED_PRESENTATION = "EnvelopedVerifiablePresentation"
PERIOD = {"2.0": ("validFrom", "validUntil"), "1.1": ("issuanceDate", "expirationDate")}


def version(document: Mapping[str, Any]) -> str:
    """Return the data model that a document says it follows: ``1.1`` by its first context.

    Every other document is read as ``2.0``, whose rules then say what is wrong with it.
    """
    context = document.get("@context")
    first = context[0] if isinstance(context, list) and context else context
    return "1.1" if first == terms.V1 else "2.0"


def moment(document: Mapping[str, Any], end: int) -> datetime | None:
    """Return when a credential becomes valid, or ceases to be; None where it does not say.

    Args:
        document: The credential.
        end: Which end of the period: 0 or 1.

    Raises:
        InvalidInputError: What stands there is not a point in time.
    """
    return _moment(document, version(document), end)


def period(document: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return when a credential becomes valid, and when it ceases to be; see `moment`."""
    model = version(document)
    return _moment(document, model, 0), _moment(document, model, 1)


def _moment(document: Mapping[str, Any], model: str, end: int) -> datetime | None:
    name = PERIOD[model][end]
    if name not in document:
        return None
    return timestamp.parse(document[name], path=f"/{name}", need_offset=model == "2.0")


@dataclass(frozen=True, slots=True)
class _Document:
    """What credentials and presentations share.

    Attributes:
        document: The exact JSON, unknown members included; not to be changed.
    """

    document: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Self | Mapping[str, Any] | str | bytes) -> Self:
        """Return a view over a document: text is parsed strictly, a mapping is copied.

        Args:
            document: The document; its structure is not judged here.

        Raises:
            InvalidInputError: It is not I-JSON, or not an object.
        """
        if isinstance(document, cls):
            return document
        if isinstance(document, str | bytes):
            return cls(strict_json.parse_object(document))
        if not isinstance(document, Mapping):
            raise InvalidInputError(
                f"a document is a JSON object, not {type(document).__name__}",
                code=Code.PARSING_ERROR,
            )
        return cls(strict_json.snapshot(document))

    @property
    def id(self) -> str | None:
        """The document's own identifier, where it has one."""
        return terms.identifier(self.document)

    @property
    def types(self) -> tuple[str, ...]:
        """The values of ``type``, in order."""
        return terms.types(self.document.get("type"))

    @property
    def version(self) -> str:
        """The data model it follows, told by its first context: ``2.0`` or ``1.1``."""
        return version(self.document)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as a fresh deep copy."""
        return copy.deepcopy(self.document)

    def to_json(self) -> str:
        """Return the document as compact JSON."""
        return strict_json.write(self.document)

    def _repr_html_(self) -> str:
        from cityid import display

        return display.document(type(self).__name__, self.document)


@dataclass(frozen=True, slots=True)
class Credential(_Document):
    """A verifiable credential, secured or not: a frozen view over its exact JSON.

    Build one with `Credential.of`.
    """

    def __repr__(self) -> str:
        return f"<Credential {self.version} {', '.join(self.types)} by {self.issuer}>"

    @property
    def enveloped(self) -> bool:
        """Whether this is an envelope (a ``data:`` URL) and the credential lies inside."""
        return ENVELOPED_CREDENTIAL in self.types

    @property
    def issuer(self) -> str | None:
        """The issuer's URL, whether ``issuer`` is the URL itself or an object with ``id``."""
        return terms.identifier(self.document.get("issuer"))

    @property
    def subjects(self) -> tuple[Mapping[str, Any], ...]:
        """The objects of ``credentialSubject``."""
        return terms.objects(self.document.get("credentialSubject"))

    @property
    def statuses(self) -> tuple[Mapping[str, Any], ...]:
        """The objects of ``credentialStatus``."""
        return terms.objects(self.document.get("credentialStatus"))

    @property
    def schemas(self) -> tuple[Mapping[str, Any], ...]:
        """The objects of ``credentialSchema``."""
        return terms.objects(self.document.get("credentialSchema"))

    @property
    def valid_from(self) -> datetime | None:
        """When it becomes valid (1.1: ``issuanceDate``), where it says so.

        Raises:
            InvalidInputError: What stands there is not a point in time.
        """
        return moment(self.document, 0)

    @property
    def valid_until(self) -> datetime | None:
        """When it ceases to be valid (1.1: ``expirationDate``), where it says so.

        Raises:
            InvalidInputError: What stands there is not a point in time.
        """
        return moment(self.document, 1)


@dataclass(frozen=True, slots=True)
class Presentation(_Document):
    """A verifiable presentation, secured or not: a frozen view over its exact JSON.

    Build one with `Presentation.of`.
    """

    def __repr__(self) -> str:
        return f"<Presentation {self.version} of {len(self.credentials)} by {self.holder}>"

    @property
    def enveloped(self) -> bool:
        """Whether this is an envelope (a ``data:`` URL) and the presentation lies inside."""
        return ENVELOPED_PRESENTATION in self.types

    @property
    def holder(self) -> str | None:
        """The holder's URL, whether ``holder`` is the URL itself or an object with ``id``."""
        return terms.identifier(self.document.get("holder"))

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The objects of ``verifiableCredential``, envelopes included."""
        return tuple(map(Credential, terms.objects(self.document.get("verifiableCredential"))))
