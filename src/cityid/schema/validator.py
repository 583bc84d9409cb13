"""The only door to jsonschema: one compiled validator a schema, without network.

Spec:
    https://www.w3.org/TR/vc-json-schema/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cityid import pointer
from cityid.errors import InvalidInputError, UnsupportedError, quote
from cityid.schema import formats
from cityid.strict_json import JSONObject

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MOST_COMPARED = 200
"""The most items of an array that are compared with each other."""
_DIALECTS = {
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft-07/schema": "Draft7Validator",
}
_MOST_NAMES = 5
_SAYINGS = {
    "anyOf": "fits none of the alternatives",
    "enum": "is none of",
    "const": "is not",
    "format": "is not of the format",
    "type": "is not of the type",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a document does not fit.

    Attributes:
        path: JSON Pointer to it.
        text: What is wrong there; names of members, never a value.
    """

    path: str
    text: str


def dialect(schema: JSONObject) -> str:
    """Return the `$schema` of a schema.

    Raises:
        InvalidInputError: There is none.
        UnsupportedError: It is a dialect that cityid does not read.

    Spec:
        https://www.w3.org/TR/vc-json-schema/#jsonschema
    """
    name = schema.get("$schema")
    if not isinstance(name, str):
        raise InvalidInputError("the schema lacks $schema, which says how to read it")
    if name.removesuffix("#") not in _DIALECTS:
        raise UnsupportedError(
            f"no JSON Schema dialect {quote(name)}", name=name, known=tuple(_DIALECTS)
        )
    return name.removesuffix("#")


def compiled(url: str, documents: Mapping[str, JSONObject]) -> Validator:
    """Return the validator of a schema.

    Args:
        url: The schema's URL.
        documents: The schema, and all that it refers to, their work bounded.

    Raises:
        InvalidInputError: One of them is no JSON Schema.
        UnsupportedError: One of them is in a dialect that cityid does not read.
    """
    import jsonschema
    from referencing import Registry
    from referencing.jsonschema import specification_with

    registry: Registry[Any] = Registry()
    for each, document in documents.items():
        name = dialect(document)
        _demand_schema(getattr(jsonschema, _DIALECTS[name]), document, each)
        specification = specification_with(_canonical(name))
        registry = registry.with_resource(each, specification.create_resource(document))
    base = getattr(jsonschema, _DIALECTS[dialect(documents[url])])
    bounds = {"uniqueItems": partial(_few_enough, base.VALIDATORS["uniqueItems"])}
    # The stubs of jsonschema leave this one function without types.
    extended: Any = jsonschema.validators.extend(base, bounds)  # type: ignore[no-untyped-call]
    validator: Validator = extended(
        documents[url], registry=registry, format_checker=_format_checker()
    )
    return validator


def _canonical(name: str) -> str:
    return "http://json-schema.org/draft-07/schema#" if "draft-07" in name else name


def _demand_schema(validator: Any, document: JSONObject, url: str) -> None:
    import jsonschema

    try:
        validator.check_schema(document, format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as error:
        place = pointer.join("", *error.absolute_path)
        raise InvalidInputError(f"{quote(url, 200)} is no JSON Schema", path=place) from error


def _format_checker() -> Any:
    import jsonschema

    checker = jsonschema.FormatChecker(formats=())
    for name in formats.FORMATS:
        checker.checks(name)(partial(formats.holds, name))
    return checker


Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


def _few_enough(
    compare: Keyword, validator: Any, value: Any, instance: Any, schema: Any
) -> Iterator[Any]:
    import jsonschema

    if isinstance(instance, list) and len(instance) > MOST_COMPARED:
        yield jsonschema.ValidationError("too many")
    else:
        yield from compare(validator, value, instance, schema)


def faults(validator: Validator, document: Any) -> Iterator[Fault]:
    """Give the places where a document does not fit a schema.

    Args:
        validator: What `compiled` returned.
        document: The JSON value.
    """
    for error in validator.iter_errors(document):
        yield Fault(pointer.join("", *error.absolute_path), _saying(error))


def _saying(error: Any) -> str:
    keyword, value = error.validator, error.validator_value
    if keyword == "required":
        missing = [name for name in value if name not in error.instance]
        return f"lacks {_first(missing)}"
    if keyword == "additionalProperties":
        return f"has {_first(_unnamed(error))}, which the schema does not name"
    if keyword == "contains":
        asked = value.get("const") if isinstance(value, dict) else None
        return f"must contain {quote(asked) if asked is not None else 'what the schema asks'}"
    if keyword == "pattern":
        return f"does not match the pattern {quote(value.source)}"
    if keyword is None:
        return "may not be there"
    saying = _SAYINGS.get(keyword, f"breaks {keyword}")
    return (
        saying
        if isinstance(value, dict | bool) or keyword == "anyOf"
        else f"{saying} {quote(value)}"
    )


def _unnamed(error: Any) -> list[str]:
    """Return the members that neither ``properties`` nor ``patternProperties`` name."""
    named, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    return [
        name
        for name in error.instance
        if name not in named and not any(re.search(pattern, name) for pattern in patterns)
    ]


def _first(names: list[str]) -> str:
    told = ", ".join(quote(name) for name in names[:_MOST_NAMES])
    return f"{told} and more" if len(names) > _MOST_NAMES else told
