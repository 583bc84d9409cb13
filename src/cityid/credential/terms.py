"""What the values of the data model look like: URLs, types, texts in a language, one-or-many.

A rule asks here; nothing here knows of credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cityid.errors import Code, quote
from cityid.pointer import join
from cityid.report import Problem

V2 = "https://www.w3.org/ns/credentials/v2"
V1 = "https://www.w3.org/2018/credentials/v1"

_URL_CHARACTER = r'[^\s\x00-\x20\x7f-\x9f<>"{}|\\^`]'
_URL = re.compile(
    rf"(?:https?://(?=[^/?#]){_URL_CHARACTER}+"
    rf"|did:[a-z0-9]+:{_URL_CHARACTER}+"
    rf"|(?!https?:|did:)[a-z][a-z0-9+.-]*:{_URL_CHARACTER}+)",
    re.IGNORECASE,
)
_TERM = re.compile(r"[^\s\x00-\x20\x7f-\x9f@:][^\s\x00-\x20\x7f-\x9f:]*")
_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"  # language
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|\d{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*"  # variants
    r"(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"  # private use
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)"
    r"|sgn-(?:be-fr|be-nl|ch-de)",
    re.IGNORECASE | re.ASCII,
)
_LANGUAGE_VALUE = frozenset({"@value", "@language", "@direction"})


def is_url(value: object) -> bool:
    """Whether a value is one absolute URL: a scheme, no white space, no control character."""
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def is_type(value: object) -> bool:
    """Whether a value is one type: a term without white space, or an absolute URL."""
    if not isinstance(value, str):
        return False
    return value.isidentifier() or _TERM.fullmatch(value) is not None or is_url(value)


def is_language_tag(value: object) -> bool:
    """Whether a value is a well-formed language tag.

    Spec:
        https://www.rfc-editor.org/rfc/rfc5646#section-2.1
    """
    return isinstance(value, str) and _LANGUAGE_TAG.fullmatch(value) is not None


def each(value: Any, path: str) -> Sequence[tuple[Any, str]]:
    """Return the items of a set with their pointers; a value that stands alone is a set of one."""
    if isinstance(value, list):
        return [(item, f"{path}/{index}") for index, item in enumerate(value)]
    return ((value, path),)


def has_type(value: Any, name: str) -> bool:
    """Whether the ``type`` member `value` names a type."""
    return value == name or (type(value) is list and name in value)


def types(value: Any) -> tuple[str, ...]:
    """Return the types that the ``type`` member `value` names; none where it is malformed."""
    if isinstance(value, str):
        return (value,)
    return tuple(
        [item for item in value if isinstance(item, str)] if isinstance(value, list) else ()
    )


def identifier(value: Any) -> str | None:
    """Return the URL of an ``issuer`` or ``holder``: the text itself, or the object's ``id``."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def objects(value: Any) -> tuple[dict[str, Any], ...]:
    """Return the objects of a set, or the one that stands alone; what is no object is left out."""
    if value is None:
        return ()
    items = value if isinstance(value, list) else (value,)
    return tuple([item for item in items if isinstance(item, dict)])


def fault(title: str, path: str, detail: str = "") -> Problem:
    """Return the problem of a value that is not what the data model wants."""
    return Problem(Code.MALFORMED_VALUE_ERROR, title, detail, path)


def url_faults(value: Any, path: str) -> tuple[Problem, ...]:
    """Return the fault of a value that must be one URL."""
    if is_url(value):
        return ()
    return (fault(f"{quote(value)} is not one absolute URL, such as did:example:123", path),)


def type_faults(owner: dict[str, Any], path: str, required: str | None = None) -> Iterable[Problem]:
    """Return the faults of the ``type`` member of an object.

    Args:
        owner: The object that must have a type.
        path: Where it lies.
        required: A type that must be among its types.
    """
    value = owner.get("type")
    if type(value) is not list:
        if is_type(value) and (required is None or required == value):
            return ()
    elif value and all(map(is_type, value)) and (required is None or required in value):
        return ()
    return _type_faults(value, path, required)


def _type_faults(value: Any, path: str, required: str | None) -> Iterator[Problem]:
    if value is None or value == []:
        yield fault("an object without type: add the member type", f"{path}/type")
        return
    for item, place in each(value, f"{path}/type"):
        if not is_type(item):
            yield fault(f"{quote(item)} is neither a term nor an absolute URL", place)
    if required is not None and required not in types(value):
        yield fault(f"type {required} is missing among the types", f"{path}/type")


def text_faults(value: Any, path: str) -> Iterable[Problem]:
    """Return the faults of a text for people: a string, or one or more language value objects."""
    return () if isinstance(value, str) else _language_faults(value, path)


def _language_faults(value: Any, path: str) -> Iterator[Problem]:
    if value == [] or not isinstance(value, dict | list):
        yield fault(f"{quote(value)} is neither text nor a language value object", path)
        return
    for item, place in each(value, path):
        yield from _language_value_faults(item, place)


def _language_value_faults(item: Any, path: str) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield fault(f"{quote(item)} is not a language value object with @value", path)
        return
    if not isinstance(item.get("@value"), str):
        yield fault("a language value object needs text in @value", f"{path}/@value")
    if "@language" in item and not is_language_tag(item["@language"]):
        yield fault(f"{quote(item['@language'])} is no language tag", f"{path}/@language")
    if "@direction" in item and item["@direction"] not in ("ltr", "rtl"):
        yield fault("@direction is neither ltr nor rtl", f"{path}/@direction")
    for name in item:
        if name not in _LANGUAGE_VALUE:
            yield fault(f"a language value object has no member {quote(name)}", join(path, name))
