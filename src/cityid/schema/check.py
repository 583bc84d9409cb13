"""Whether a credential has the shape that its issuer declared.

Spec:
    https://www.w3.org/TR/vc-json-schema/
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from cityid import digests, strict_json
from cityid.errors import CityIdError, Code, InvalidInputError, UnsupportedError, quote
from cityid.report import Check, Problem
from cityid.schema.collection import SCHEMAS, Schemas
from cityid.schema.unwrapping import TYPE
from cityid.schema.validator import faults

_NAME = "schema"
_SHOWN = 5
_COULD_NOT = frozenset({Code.SCHEMA_NOT_ALLOWED, Code.SCHEMA_TOO_COMPLEX})


def check_schema(
    document: Mapping[str, Any],
    entry: object,
    schemas: Schemas = SCHEMAS,
    *,
    path: str = "/credentialSchema",
) -> Check:
    """Ask whether a credential fits one of the schemas it declares.

    Args:
        document: The whole credential; its subject alone is never judged.
        entry: The object under ``credentialSchema``.
        schemas: The schemas at hand.
        path: JSON Pointer to the entry.

    Returns:
        The check ``schema``: FAILED where the credential does not fit, where the schema is not
        the one the issuer meant, or where it is malformed; INCONCLUSIVE where the schema is not
        at hand, or is of a kind or a complexity that cityid does not run.

    Spec:
        https://www.w3.org/TR/vc-json-schema/#validation
    """
    try:
        url = _schema_url(entry, schemas)
        validator = schemas.validator(url)
        found = tuple(islice(faults(validator, strict_json.snapshot(document)), _SHOWN))
    except InvalidInputError as error:
        if error.code not in _COULD_NOT:
            return Check.failed(_NAME, _problem(error, path), path)
        return Check.inconclusive(_NAME, _problem(error, path), path)
    except CityIdError as error:
        return Check.inconclusive(_NAME, _problem(error, path), path)
    if not found:
        return Check.passed(_NAME, path)
    detail = "; ".join(f"{fault.path or 'the credential'} {fault.text}" for fault in found)
    title = f"the credential does not fit the schema {quote(url, 200)}"
    return Check.failed(_NAME, Problem(Code.SCHEMA_VIOLATION, title, detail, found[0].path), path)


def at_hand(entry: object, schemas: Schemas) -> bool:
    """Tell whether what a credential declares is a JSON Schema, and among those at hand.

    Args:
        entry: The object under ``credentialSchema``.
        schemas: The schemas at hand.
    """
    try:
        return _schema_url(entry, schemas) in schemas
    except CityIdError:
        return False


def _schema_url(entry: object, schemas: Schemas) -> str:
    """Return the URL of the schema itself, whether it is declared by it or by its credential."""
    types, url = _declared(entry)
    if "JsonSchema" in types:
        _check_digest(entry, url, schemas.content(url))
        return url
    verified = schemas.verified(url)
    _check_digest(entry, url, verified.content)
    return verified.schema.url


def _declared(entry: object) -> tuple[list[object], str]:
    """Return the types of an entry, and the URL it names.

    Spec:
        https://www.w3.org/TR/vc-json-schema/#jsonschema
    """
    types = _members(entry).get("type")
    types = types if isinstance(types, list) else [types]
    if not {"JsonSchema", TYPE} & {each for each in types if isinstance(each, str)}:
        raise InvalidInputError(f"a schema of type {quote(types)} is no JsonSchema")
    url = _members(entry).get("id")
    if not isinstance(url, str):
        raise InvalidInputError("a schema is named by the URL in its id")
    return types, url


def _members(entry: object) -> Mapping[str, Any]:
    if isinstance(entry, Mapping):
        return entry
    raise InvalidInputError("credentialSchema holds an object with id and type")


def _check_digest(entry: object, url: str, content: bytes | None) -> None:
    if not digests.given(_members(entry)):
        return
    if content is None:
        raise UnsupportedError(
            "the digest cannot be compared: the schema was given as a mapping; pass its bytes",
            name=url,
        )
    digests.check(_members(entry), content)


def _problem(error: CityIdError, path: str) -> Problem:
    return Problem(error.code, str(error), path=path)
