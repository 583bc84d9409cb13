"""JSON-LD contexts: which ones may be used, each pinned by its hash, none ever fetched.

A context decides what every word of a credential means, so whoever can swap a context can swap
the meaning of what was signed. `Contexts` is an immutable set of known ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cityid import resources, strict_json
from cityid.canonical import jcs
from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError, quote

JSONObject = dict[str, Any]

_KINDS = (resources.Kind.CONTEXTS, resources.Kind.SCHEMAS)


@dataclass(frozen=True, slots=True)
class Added:
    """A context that a caller added.

    Attributes:
        url: What documents call it.
        text: The document as JSON text.
    """

    url: str
    text: str


@dataclass(slots=True)
class Memory:
    """What one `Contexts` value worked out already; never shared with another value.

    Attributes:
        shipped: The shipped contexts by URL: their folder and row of the index.
        texts: The documents read so far, as JSON text.
        terms: Where `cityid.canonical.jsonld` keeps its term definitions.
    """

    shipped: Mapping[str, tuple[resources.Kind, JSONObject]] | None = None
    texts: dict[str, str] = field(default_factory=dict)
    terms: Any = None


@dataclass(frozen=True, slots=True)
class Contexts:
    """An immutable set of JSON-LD contexts, by URL.

    `CONTEXTS` is the set that ships with cityid; ``Contexts()`` is empty.

    Attributes:
        shipped: Whether the contexts that ship with cityid are in the set.
        inline: Whether contexts written out inside a document may be used.
        added: The contexts added to them.
    """

    shipped: bool = False
    inline: bool = False
    added: tuple[Added, ...] = ()
    memory: Memory = field(default_factory=Memory, init=False, repr=False, compare=False)

    def with_context(
        self, url: str, document: Mapping[str, Any] | str | bytes, *, sha256: str | None = None
    ) -> Contexts:
        """Return a set that has one context more.

        Args:
            url: What documents call it.
            document: The context document: an object with ``@context``, or its JSON text.
            sha256: The expected digest in hexadecimal: of the bytes where `document` is text, of
                the canonical JSON (RFC 8785) where it is a mapping.

        Raises:
            InvalidInputError: It is no context document, its digest is another one, or the URL
                stands for another document already.
        """
        if type(url) is not str or ":" not in url:
            raise InvalidInputError(
                f"{quote(url)} is no absolute URL, by which documents could name a context",
                code=Code.INVALID_OPTIONS,
            )
        context, digest = _read(document)
        if sha256 is not None and digest != sha256.lower():
            raise InvalidInputError(
                f"the context {quote(url)} has the SHA-256 {digest}, not {quote(sha256, 70)}",
                code=Code.DIGEST_MISMATCH,
            )
        if url in self:
            if self.document(url) == context:
                return self
            raise InvalidInputError(
                f"{quote(url)} stands for another context already, and a pinned context cannot be "
                "replaced; publish the new one under a new URL, or begin with Contexts()",
                code=Code.INVALID_OPTIONS,
            )
        return replace(self, added=(*self.added, Added(url, strict_json.write(context))))

    def with_inline(self) -> Contexts:
        """Return a set that also admits contexts written out inside a document.

        Their author decides what every word means: admit them only where the author is trusted.
        """
        return replace(self, inline=True)

    def document(self, url: str) -> JSONObject:
        """Return the context document that a URL stands for, as a copy of the caller's own.

        Raises:
            NotFoundError: It is not in the set.
            CorruptError: The shipped file is not the one that was pinned.
        """
        text = self.memory.texts.get(url)
        if text is None:
            text = self.memory.texts[url] = self._text(url)
        document: JSONObject = json.loads(text)
        return document

    def __contains__(self, url: object) -> bool:
        return url in self._index() or any(each.url == url for each in self.added)

    def __iter__(self) -> Iterator[str]:
        yield from self._index()
        yield from (each.url for each in self.added)

    def __len__(self) -> int:
        return len(self._index()) + len(self.added)

    def __reduce__(self) -> tuple[Any, ...]:
        # What was worked out stays behind: another process works it out anew.
        return Contexts, (self.shipped, self.inline, self.added)

    def _text(self, url: str) -> str:
        for each in self.added:
            if each.url == url:
                return each.text
        if url not in self._index():
            raise not_allowed(url)
        kind, row = self._index()[url]
        data = resources.read(kind, row["file"])
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise CorruptError(
                "a shipped context is not the file that was pinned; install cityid again",
                place=row["file"],
            )
        return data.decode()

    def _index(self) -> Mapping[str, tuple[resources.Kind, JSONObject]]:
        if not self.shipped:
            return {}
        if self.memory.shipped is None:
            self.memory.shipped = {
                url: (kind, row) for kind in _KINDS for url, row in _rows(kind).items()
            }
        return self.memory.shipped


def _rows(kind: resources.Kind) -> JSONObject:
    index: JSONObject = json.loads(resources.read(kind, "index.json"))
    rows: JSONObject = index["contexts"] if kind is resources.Kind.SCHEMAS else index
    return rows


CONTEXTS = Contexts(shipped=True)


def not_allowed(url: str) -> NotFoundError:
    """Return the error for a context that is not in the set.

    Args:
        url: What the document calls it.
    """
    return NotFoundError(
        f"the context {quote(url, 200)} is not among the contexts that may be used, and contexts "
        "are never fetched; once you have read and trust the document, pass "
        f"contexts=cityid.CONTEXTS.with_context({quote(url, 200)}, document)",
        ref=url,
        code=Code.CONTEXT_NOT_ALLOWED,
    )


def _read(document: Mapping[str, Any] | str | bytes) -> tuple[JSONObject, str]:
    if isinstance(document, str | bytes):
        context = strict_json.parse_object(document)
        data = document.encode() if isinstance(document, str) else document
    else:
        context = strict_json.snapshot(document)
        data = jcs.canonicalize(context)
    if not isinstance(context.get("@context"), dict | list | str):
        raise InvalidInputError(
            'a context document is a JSON object with the member "@context"',
            code=Code.MALFORMED_VALUE_ERROR,
            path="/@context",
        )
    return context, hashlib.sha256(data).hexdigest()
