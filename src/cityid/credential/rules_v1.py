"""The rules of the VC Data Model 1.1, kept apart: such documents are read, never written.

Spec:
    https://www.w3.org/TR/vc-data-model-1.1/#basic-concepts
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from cityid import timestamp
from cityid.credential import rules
from cityid.credential.rules import Rule
from cityid.credential.terms import V1, fault
from cityid.errors import InvalidInputError
from cityid.report import Problem


def issuance_date(document: dict[str, Any]) -> Iterator[Problem]:
    """``issuanceDate`` is a date and time; without offset it is UTC."""
    if "issuanceDate" not in document:
        yield fault("a credential of data model 1.1 needs issuanceDate", "/issuanceDate")
        return
    yield from _date_faults(document, "issuanceDate")


def expiration_date(document: dict[str, Any]) -> Iterator[Problem]:
    """``expirationDate``, if present, is a date and time; without offset it is UTC."""
    if "expirationDate" in document:
        yield from _date_faults(document, "expirationDate")


def _date_faults(document: dict[str, Any], member: str) -> Iterator[Problem]:
    try:
        timestamp.parse(document[member], need_offset=False)
    except InvalidInputError as error:
        yield Problem.from_error(error, path=f"/{member}")


CREDENTIAL: Mapping[str, Rule] = MappingProxyType(
    {
        "@context": rules.context_of(V1),
        "id": rules.id_,
        "type": rules.type_of("VerifiableCredential"),
        "issuer": rules.issuer,
        "issuanceDate": issuance_date,
        "expirationDate": expiration_date,
        "credentialSubject": rules.credential_subject,
        "credentialStatus": rules.objects_with_type(
            "credentialStatus",
            need_id=True,
            doc="``credentialStatus`` objects have a type and a URL as ``id``.",
        ),
        "credentialSchema": rules.objects_with_type(
            "credentialSchema",
            need_id=True,
            doc="``credentialSchema`` objects have a type and a URL as ``id``.",
        ),
        "refreshService": rules.objects_with_type(
            "refreshService",
            need_id=True,
            doc="``refreshService`` objects have a type and a URL as ``id``.",
        ),
        "termsOfUse": rules.TERMS_OF_USE,
        "evidence": rules.objects_with_type(
            "evidence", doc="``evidence`` objects have a type; ``id`` is one URL."
        ),
        "proof": rules.proof,
    }
)
