"""How JSON-LD values are written as canonical N-Quads terms, and which cannot be.

Spec:
    https://www.w3.org/TR/rdf-canon/#canonical-quads
"""

from __future__ import annotations

import re

from cityid.canonical.refusal import RefusalError
from cityid.errors import Code, quote
from cityid.strict_json import LARGEST_INTEGER

XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
STRING = XSD + "string"
BOOLEAN = XSD + "boolean"
INTEGER = XSD + "integer"
DOUBLE = XSD + "double"
JSON_SUFFIX = f'"^^<{RDF}JSON>'
SPECIAL_DATATYPES = frozenset({RDF + "langString", RDF + "dirLangString", RDF + "JSON"})
"""Datatypes of RDF itself: a value gets them by its form, never by naming them."""

is_iri = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20<>"{}|^`\\\x7f-\x9f]*').fullmatch
is_blank_node = re.compile(r"_:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?").fullmatch
is_language = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*").fullmatch

_SMALLEST_FRACTION = 1e-6
_ESCAPES = {code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)} | {
    0x08: "\\b",
    0x09: "\\t",
    0x0A: "\\n",
    0x0C: "\\f",
    0x0D: "\\r",
    0x22: '\\"',
    0x5C: "\\\\",
}
_EXPONENT = re.compile(r"0*E([+-])0*(\d+)")


def escape(text: str) -> str:
    """Return `text` as it stands between the quotes of a canonical N-Quads literal."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


def datatype_suffix(datatype: str) -> str:
    """Return what follows the text of a literal, from the closing quote on."""
    return '"' if datatype == STRING else f'"^^<{datatype}>'


def directed(literal: str, direction: str) -> str:
    """Return the literal of a text as the literal of the same text with a base direction.

    Args:
        literal: The text in its quotes, and its language tag where it has one.
        direction: The base direction.

    Spec:
        https://www.w3.org/TR/json-ld11/#the-i18n-namespace
    """
    text, _, tag = literal.rpartition('"')
    return f'{text}"^^<https://www.w3.org/ns/i18n#{tag[1:]}_{direction}>'


def string(text: str, datatype: str) -> str:
    """Return the literal of a string under a datatype.

    Raises:
        RefusalError: Canonicalization would rewrite the text.
    """
    if datatype == DOUBLE and not _is_double(text):
        raise RefusalError(
            f"{quote(text)} is no canonical xsd:double, and would be signed as another text; "
            "write a JSON number, or 1.5E0 for 1.5"
        )
    return f'"{escape(text)}{datatype_suffix(datatype)}'


def number(value: float, datatype: str | None) -> str:
    """Return the literal of a JSON number.

    Args:
        value: An int or float.
        datatype: What the context says of the property, if anything.

    Raises:
        RefusalError: JSON-LD processors write this number differently, or not exactly.

    Spec:
        https://www.w3.org/TR/json-ld11-api/#object-to-rdf-conversion
        https://www.w3.org/TR/json-ld11-api/#data-round-tripping
    """
    if value != value or abs(value) > LARGEST_INTEGER:  # noqa: PLR0124 - only NaN is not itself
        raise _number_refusal(quote(value))
    if float(value).is_integer() and datatype != DOUBLE:
        return f'"{int(value)}{datatype_suffix(datatype or INTEGER)}'
    text = _write_double(value)
    if float(text) != value or 0 < abs(value) < _SMALLEST_FRACTION:
        raise _number_refusal(quote(value))
    return f'"{text}{datatype_suffix(datatype or DOUBLE)}'


def boolean(value: bool, datatype: str | None) -> str:
    """Return the literal of a JSON boolean under what the context says of the property."""
    return f'"{"true" if value else "false"}{datatype_suffix(datatype or BOOLEAN)}'


def _write_double(value: float) -> str:
    text = _EXPONENT.sub(_short_exponent, f"{value:.15E}")
    return text.replace(".E", ".0E")


def _short_exponent(match: re.Match[str]) -> str:
    return f"E{'-' if match[1] == '-' else ''}{match[2]}"


def _is_double(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return abs(value) <= LARGEST_INTEGER and _write_double(value) == text


def _number_refusal(shown: str) -> RefusalError:
    return RefusalError(
        f"JSON-LD processors write the number {shown} differently or not exactly; make it text",
        code=Code.NUMBER_OUT_OF_RANGE,
    )
