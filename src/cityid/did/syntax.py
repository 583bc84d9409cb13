"""DIDs and DID URLs: the grammar, and nothing looser than it.

Spec:
    https://www.w3.org/TR/did-1.1/#did-syntax
    https://www.w3.org/TR/did-1.1/#did-url-syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote as percent_encode
from urllib.parse import unquote_to_bytes

from cityid.errors import Code, InvalidInputError, quote

MAX_LENGTH: Final = 8192
"""The longest DID or DID URL that is read; did:peer carries whole documents."""

_PCT = "%[0-9A-Fa-f]{2}"
_IDCHAR = rf"(?:[A-Za-z0-9._-]++|{_PCT})"  # as many as there are: it is always read in a loop
_PCHAR = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]++|{_PCT})"
_DID = rf"did:([a-z0-9]+):((?:{_IDCHAR}|:(?!$|[/?#]))+)"
_DID_PATTERN = re.compile(_DID, re.ASCII)
_DID_URL_PATTERN = re.compile(
    rf"({_DID})((?:/{_PCHAR}*)*)(?:\?((?:{_PCHAR}|[/?])*))?(?:\#((?:{_PCHAR}|[/?])*))?", re.ASCII
)
_REFERENCE_PATTERN = re.compile(
    rf"((?:{_PCHAR}|/)*)(?:\?((?:{_PCHAR}|[/?])*))?(?:\#((?:{_PCHAR}|[/?])*))?", re.ASCII
)
_URI_PATTERN = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?:{_PCHAR}|[/?\[\]])+(?:\#(?:{_PCHAR}|[/?])*)?", re.ASCII
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)


@dataclass(frozen=True, slots=True)
class DID:
    """A decentralized identifier; ``str()`` gives it back exactly as it was read.

    Attributes:
        method: The method name, as in ``did:METHOD:…``.
        identifier: The method-specific identifier.
    """

    method: str
    identifier: str

    def __str__(self) -> str:
        return f"did:{self.method}:{self.identifier}"


@dataclass(frozen=True, slots=True)
class DIDURL:
    """A DID with a path, a query or a fragment; ``str()`` gives it back exactly.

    Attributes:
        did: The DID it starts with.
        path: Empty, or what begins with ``/``.
        query: What follows ``?``, still percent-encoded; None without ``?``.
        fragment: What follows ``#``, still percent-encoded; None without ``#``.
    """

    did: DID
    path: str = ""
    query: str | None = None
    fragment: str | None = None

    def __str__(self) -> str:
        return f"{self.did}{_tail(self.path, self.query, self.fragment)}"

    @property
    def parameters(self) -> dict[str, str]:
        """The DID parameters of the query, decoded once.

        Raises:
            InvalidInputError: A parameter stands twice, or its encoding is not UTF-8.
        """
        found: dict[str, str] = {}
        for field in filter(None, (self.query or "").split("&")):
            name, _, value = (_decode(part) for part in field.partition("="))
            if name in found:
                raise _invalid_url(f"the parameter {quote(name)} stands twice in the DID URL")
            found[name] = value
        return found


def parse(text: object) -> DID:
    """Read a DID.

    Args:
        text: The DID as text.

    Raises:
        InvalidInputError: It is not a DID (``INVALID_DID``).

    Spec:
        https://www.w3.org/TR/did-1.1/#did-syntax
    """
    match = _DID_PATTERN.fullmatch(_bounded(text, Code.INVALID_DID))
    if match is None:
        raise InvalidInputError(
            f"{quote(text)} is not a DID such as did:key:z6Mk…", code=Code.INVALID_DID
        )
    return DID(match[1], match[2])


def parse_url(text: object) -> DIDURL:
    """Read a DID URL; a DID alone is one too.

    Args:
        text: The DID URL as text.

    Raises:
        InvalidInputError: It is not a DID URL (``INVALID_DID_URL``).

    Spec:
        https://www.w3.org/TR/did-1.1/#did-url-syntax
    """
    match = _DID_URL_PATTERN.fullmatch(_bounded(text, Code.INVALID_DID_URL))
    if match is None:
        raise _invalid_url(f"{quote(text)} is not a DID URL such as did:example:123#key-1")
    return DIDURL(DID(match[2], match[3]), match[4], match[5], match[6])


def is_url(text: object) -> bool:
    """Return whether a value is text that is an absolute URL."""
    return (
        isinstance(text, str)
        and len(text) <= MAX_LENGTH
        and _URI_PATTERN.fullmatch(text) is not None
    )


def absolute(reference: str, base: str) -> str:
    """Return a URL as it stands without its base: ``#key-1`` becomes ``did:example:123#key-1``.

    Args:
        reference: An absolute URL, or one relative to the subject of a document.
        base: The subject: a DID, or another URL without a fragment.

    Raises:
        InvalidInputError: The reference is neither (``INVALID_DID_URL``).

    Spec:
        https://www.w3.org/TR/did-1.1/#relative-did-urls
    """
    if reference.startswith("#"):  # nearly every reference there is
        path, query, fragment = "", None, reference[1:]
        if _REFERENCE_PATTERN.fullmatch(reference) is None:
            raise _invalid_url(f"{quote(reference)} is not a relative DID URL")
        return base + _tail(path, query, fragment)
    if _SCHEME.match(reference):
        if not is_url(reference):
            raise _invalid_url(f"{quote(reference)} is not a URL")
        return reference
    match = _REFERENCE_PATTERN.fullmatch(reference)
    if match is None or reference.startswith("//") or not base.startswith("did:"):
        raise _invalid_url(f"{quote(reference)} is neither a URL nor a relative DID URL")
    return base + _tail(_without_dots(match[1]), match[2], match[3])


def build_url(
    did: DID, *, path: str = "", parameters: Iterable[tuple[str, str]] = (), fragment: str = ""
) -> DIDURL:
    """Return a DID URL whose parameters cannot be mistaken for one another.

    Args:
        did: The DID it starts with.
        path: Empty, or what begins with ``/``, already percent-encoded.
        parameters: Names and values as they are meant; they are percent-encoded here.
        fragment: What follows ``#``, already percent-encoded; empty for none.

    Raises:
        InvalidInputError: A part is not allowed there, or a parameter stands twice.
    """
    meant = tuple(parameters)
    query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in meant)
    url = parse_url(f"{did}{_tail(path, query or None, fragment or None)}")
    if (url.did, url.path, url.parameters) != (did, path, dict(meant)):
        raise _invalid_url("the path or the fragment is not percent-encoded")
    return url


def _tail(path: str, query: str | None, fragment: str | None) -> str:
    query_part = "" if query is None else f"?{query}"
    return path + query_part + ("" if fragment is None else f"#{fragment}")


def _without_dots(path: str) -> str:
    """Return a reference's path below the root, ``.`` and ``..`` taken away (RFC 3986 §5.2.4)."""
    if not path:
        return ""
    kept: list[str] = []
    *folders, last = path.removeprefix("/").split("/")
    for segment in folders:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if last == "..":
        del kept[-1:]
    return "/" + "/".join([*kept, "" if last in {".", ".."} else last])


def _encode(text: str) -> str:
    try:
        return percent_encode(text, safe="")
    except UnicodeEncodeError as error:
        raise _invalid_url("a parameter holds a lone surrogate") from error


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid_url(f"{quote(text)} does not decode to UTF-8") from error


def _bounded(text: object, code: Code) -> str:
    if not isinstance(text, str):
        raise InvalidInputError(f"a DID is text, not {type(text).__name__}", code=code)
    if len(text) > MAX_LENGTH:
        raise InvalidInputError(
            f"{quote(text)} has {len(text)} characters; at most {MAX_LENGTH} are read", code=code
        )
    return text


def _invalid_url(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_DID_URL)
