"""Schemas that lie in credentials: what a ``JsonSchemaCredential`` must look like.

A schema that came in a credential counts only when the credential was verified, so what is
unwrapped here is only looked at; `Schemas.with_schema_credential` takes what the verification
sealed, and nothing else.

Spec:
    https://www.w3.org/TR/vc-json-schema/#jsonschemacredential
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Any, Final, NamedTuple

from cityid.errors import Code, InvalidInputError, quote
from cityid.strict_json import JSONObject

TYPE: Final = "JsonSchemaCredential"
_OF_ALL: Final = "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json"
_DIGEST: Final = "sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW"


class UnwrappedSchema(NamedTuple):
    """A schema as it lies in a credential, whoever wrote it.

    Attributes:
        credential: The URL of the credential, by which others declare the schema.
        url: The schema's own URL, its ``$id``.
        document: The schema.
    """

    credential: str
    url: str
    document: JSONObject


class _Seal:
    """Marks what a verification made."""

    __slots__ = ()


_SEAL = _Seal()


@dataclass(frozen=True, slots=True)
class VerifiedSchema:
    """A schema from a credential that was verified.

    Attributes:
        schema: The schema.
        issuer: Who issued the credential.
        content: The bytes of the credential; None where it was not given as text.
    """

    schema: UnwrappedSchema
    issuer: str
    content: bytes | None = None
    seal: InitVar[_Seal | None] = None

    def __post_init__(self, seal: _Seal | None) -> None:
        if seal is not _SEAL:
            raise InvalidInputError(
                "verified schemas come from verify_schema_credential alone",
                code=Code.INVALID_OPTIONS,
            )


def sealed(schema: UnwrappedSchema, issuer: str, content: bytes | None) -> VerifiedSchema:
    """Seal a schema; for the verification alone."""
    return VerifiedSchema(schema, issuer, content, seal=_SEAL)


def unwrap(document: Mapping[str, Any]) -> UnwrappedSchema:
    """Return the schema in a schema credential, after a look at the credential's form.

    Args:
        document: The credential.

    Raises:
        InvalidInputError: It is no schema credential; the path says why.

    Spec:
        https://www.w3.org/TR/vc-json-schema/#jsonschemacredential
    """
    url, types = document.get("id"), document.get("type")
    if not isinstance(url, str) or ":" not in url:
        raise InvalidInputError("a schema credential is named by the URL in its id", path="/id")
    if TYPE not in (types if isinstance(types, list) else [types]):
        raise InvalidInputError(
            f"a credential of type {quote(types)} holds no schema", path="/type"
        )
    _demand_schema_of_all(document.get("credentialSchema"))
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict) or subject.get("type") != "JsonSchema":
        raise InvalidInputError(
            "the subject of a schema credential has the type JsonSchema",
            path="/credentialSubject/type",
        )
    schema, path = subject.get("jsonSchema"), "/credentialSubject/jsonSchema"
    if not isinstance(schema, dict):
        raise InvalidInputError("jsonSchema is a JSON Schema, an object", path=path)
    name = schema.get("$id")
    if not isinstance(name, str) or name != subject.get("id", name) or ":" not in name:
        raise InvalidInputError(
            f"the schema calls itself {quote(name, 200)}, which is not the subject's id",
            path=f"{path}/$id",
        )
    return UnwrappedSchema(url, name.removesuffix("#"), schema)


def _demand_schema_of_all(value: Any) -> None:
    """Hold ``credentialSchema`` to the one value it may have.

    Spec:
        https://www.w3.org/TR/vc-json-schema/#jsonschemacredential
    """
    one = value[0] if isinstance(value, list) and len(value) == 1 else value
    entry = one if isinstance(one, dict) else {}
    right = entry.get("id") == _OF_ALL and entry.get("type") == "JsonSchema"
    if not right or entry.get("digestSRI", _DIGEST) != _DIGEST:
        raise InvalidInputError(
            f"the credentialSchema of every schema credential is {_OF_ALL}, of type JsonSchema",
            path="/credentialSchema",
        )
