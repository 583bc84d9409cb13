"""How single JSON-LD values become terms: ids, texts, numbers, value objects, language maps.

Spec:
    https://www.w3.org/TR/json-ld11-api/#object-to-rdf-conversion
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cityid.canonical import jcs, literals
from cityid.canonical.claims import Claim, Coercion, Reading, Shape
from cityid.canonical.refusal import RefusalError
from cityid.canonical.terms import ActiveContext
from cityid.errors import Code, InvalidInputError, quote


def term(value: Any, claim: Claim) -> str:
    """Return the term of a value that is no object.

    Raises:
        RefusalError: It has no term, or another value would have the same one.
    """
    kind = type(value)
    if kind is str:
        return _text(value, claim)
    if claim.coercion is not Coercion.LITERAL or kind not in (bool, int, float):
        raise _value_refusal(value, claim)
    return _native(value, claim.datatype)


def _text(value: str, claim: Claim) -> str:
    if claim.coercion is Coercion.ID:
        return iri(claim.context, value)
    if claim.coercion is Coercion.VOCAB:
        return claim.context.vocabulary(value)
    if claim.datatype is not None:
        return literals.string(value, claim.datatype)
    return f'"{literals.escape(value)}{claim.suffix}'


def _native(value: Any, datatype: str | None) -> str:
    if type(value) is bool:
        return literals.boolean(value, datatype)
    return literals.number(value, datatype)


def literal(element: dict[str, Any], reading: Reading, claim: Claim | None) -> str:
    """Return the literal of an object with ``@value``.

    Args:
        element: The object.
        reading: What its keys mean.
        claim: The property whose value it is.

    Raises:
        RefusalError: It is no valid value object, or a part of it would be lost.

    Spec:
        https://www.w3.org/TR/json-ld11/#value-objects
    """
    shape = reading.shape
    key = str(shape.value_key)
    value = element[key]
    _check_value_object(element, shape, claim)
    if shape.type_key is not None:
        return _typed_literal(value, element[shape.type_key], reading)
    if shape.language_key is not None:
        text = _tagged_literal(value, element[shape.language_key], shape)
    elif type(value) is str:
        text = f'"{literals.escape(value)}"'
    elif shape.direction_key is None:
        return _plain_literal(value, None, key)
    else:
        raise RefusalError("only text has a base direction", key)
    if shape.direction_key is None:
        return text
    return literals.directed(text, element[shape.direction_key])


def _check_value_object(element: dict[str, Any], shape: Shape, claim: Claim | None) -> None:
    if claim is None:
        raise RefusalError("a document is a node, and cannot have @value", str(shape.value_key))
    if shape.refused is not None:
        raise RefusalError(shape.refused.refusal, shape.refused.key)
    for key in (*(each.key for each in shape.claims), shape.id_key):
        if key is not None:
            raise RefusalError("only @type, @language, @direction may stand beside @value", key)
    direction = shape.direction_key
    if direction is not None and element[direction] not in ("ltr", "rtl"):
        raise _malformed("a base direction is ltr or rtl", direction)
    if shape.type_key is not None and (direction or shape.language_key):
        raise _malformed("a value has a datatype, or a language and direction", shape.type_key)


def iri(context: ActiveContext, value: Any) -> str:
    """Return the term of an ``@id``: an absolute or compact IRI, or a blank node.

    Args:
        context: The active context, for the prefixes.
        value: What the document says.

    Raises:
        RefusalError: It is none of these.

    Spec:
        https://www.w3.org/TR/json-ld11-api/#iri-expansion (without a base)
    """
    if type(value) is not str:
        raise RefusalError(f"{quote(value)} is no id: text is")
    prefix, colon, suffix = value.partition(":")
    if prefix == "_" and literals.is_blank_node(value):
        return f"_:u{suffix}"
    iri = value
    if colon and not suffix.startswith("//"):
        mapping = context.mappings.get(prefix)
        if mapping and mapping["_prefix"] and mapping["@id"]:
            iri = mapping["@id"] + suffix
    if not literals.is_iri(iri):
        raise RefusalError(
            f"{quote(value)} is no absolute IRI, so it would not be signed; write one, such as "
            "https://… or did:…"
        )
    return f"<{iri}>"


def json_literal(value: Any) -> str:
    """Return the literal of JSON as such.

    Raises:
        RefusalError: It is no I-JSON.

    Spec:
        https://www.w3.org/TR/json-ld11/#the-rdf-json-datatype
    """
    try:
        text = jcs.canonicalize(value).decode()
    except InvalidInputError as error:
        message = str(error).removesuffix(f" (at {error.path})")
        refusal = RefusalError(message, code=error.code)
        refusal.tail = error.path
        raise refusal from error
    return f'"{literals.escape(text)}{literals.JSON_SUFFIX}'


def language_map(value: dict[str, Any], claim: Claim) -> Iterator[str]:
    """Yield the literals of an object from languages to texts.

    Args:
        value: The object.
        claim: The property whose value it is.

    Raises:
        RefusalError: A language tag is malformed, or a text is none.

    Spec:
        https://www.w3.org/TR/json-ld11/#language-maps
    """
    if not value:
        raise RefusalError("an empty language map says nothing; leave it out")
    for language, texts in value.items():
        mapping = claim.context.mappings.get(language)
        if language == "@none":
            suffix = '"'
        elif literals.is_language(str(language)) and not (mapping and mapping["@id"] == "@none"):
            suffix = f'"@{language.lower()}'
        else:
            raise _malformed(
                f"{quote(language)} is no language tag, such as en or pt-BR", str(language)
            )
        several = texts if type(texts) is list and texts else [texts]
        for text in several:
            if type(text) is not str:
                raise RefusalError(
                    f"{quote(text)} is no text, and a language map holds texts", language
                )
            yield f'"{literals.escape(text)}{suffix}'


def _typed_literal(value: Any, type_: Any, reading: Reading) -> str:
    key = str(reading.shape.type_key)
    context = reading.context
    if type(type_) is not str:
        raise RefusalError(f"{quote(type_)} is no datatype: text is", key)
    if context.terms.expand(context, type_) == "@json":
        return json_literal(value)
    try:
        datatype = context.vocabulary(type_)[1:-1]
    except RefusalError as refusal:
        refusal.tokens.append(key)
        raise
    scoped = (context.mappings.get(type_) or {}).get("@context")
    if scoped is not None or datatype in literals.SPECIAL_DATATYPES:
        raise RefusalError(f"{quote(type_)} cannot be used as a datatype", key)
    return _plain_literal(value, datatype, str(reading.shape.value_key))


def _tagged_literal(value: Any, language: Any, shape: Shape) -> str:
    if type(language) is not str or not literals.is_language(language):
        raise _malformed(
            f"{quote(language)} is no language tag, such as en or pt-BR", str(shape.language_key)
        )
    if type(value) is not str:
        raise RefusalError("only text has a language", str(shape.value_key))
    return f'"{literals.escape(value)}"@{language.lower()}'


def _plain_literal(value: Any, datatype: str | None, key: str) -> str:
    kind = type(value)
    try:
        if kind is str:
            return literals.string(value, datatype or literals.STRING)
        if kind is bool or kind is int or kind is float:
            return _native(value, datatype)
    except RefusalError as refusal:
        refusal.tokens.append(key)
        raise
    raise RefusalError(f"{quote(value)} is no value: text, a number or a boolean is", key)


def _value_refusal(value: Any, claim: Claim) -> RefusalError:
    if value is None:
        return RefusalError("null says nothing, and would not be signed; leave the member out")
    if type(value) is list:
        return RefusalError(
            "an array inside an array would lose its bounds; define the term as a list"
        )
    if type(value) in (bool, int, float):
        return RefusalError(
            f"the term {quote(claim.key)} holds IRIs: text is needed, not {quote(value)}"
        )
    return RefusalError(
        f"{type(value).__name__} is no JSON value: dict, list, str, int, float and bool are",
        code=Code.PARSING_ERROR,
    )


def _malformed(message: str, *tokens: str | int) -> RefusalError:
    return RefusalError(message, *tokens, code=Code.MALFORMED_VALUE_ERROR)
