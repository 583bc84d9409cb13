"""Where context processing gets contexts from: the documents of one `Contexts` value.

It stands in for PyLD's own resolver, whose cache knows contexts by URL alone and whose ``@import``
writes into the imported document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityid.canonical.contexts import Contexts
from cityid.canonical.refusal import RefusalError
from cityid.errors import Code, quote

_KEYWORDS = frozenset(
    """
    @base @container @context @direction @graph @id @import @included @index @json @language @list
    @nest @none @prefix @propagate @protected @reverse @set @type @value @version @vocab
    """.split()  # noqa: SIM905 - twenty-three quoted words read worse
)
_ENTRIES = frozenset(
    "@base @direction @import @language @propagate @protected @type @version @vocab".split()  # noqa: SIM905 - as above
)
_LONGEST_CHAIN = 10
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Resolved:
    """One local context, as PyLD asks for it.

    Attributes:
        document: The context, or False for null.
    """

    document: Any

    def get_processed(self, active: Any) -> None:
        """Return nothing: what was processed is remembered elsewhere."""

    def set_processed(self, active: Any, processed: Any) -> None:
        """Keep nothing."""


class ContextSources:
    """Reads local contexts: URLs become the documents behind them, imports are carried out."""

    __slots__ = ("_contexts", "_remote")

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._remote: dict[str, list[Any]] = {}

    def flatten(self, value: Any) -> list[Any]:
        """Return the contexts that a local context stands for, as objects, or False for null.

        Args:
            value: A URL, an object, None, or a list of them.

        Raises:
            RefusalError: It is no context.
            NotFoundError: It names a context outside the set.
        """
        return self._flatten(value if isinstance(value, list) else [value], ())

    def resolve(self, active: Any, context: Any, base: Any, cycles: Any = None) -> list[Resolved]:
        """Return the contexts that a local context stands for, as PyLD asks for them.

        Args:
            active: Unused, as `base` and `cycles`: no context here depends on a place.
            context: A URL, an object, None, or a list of them.
            base: Unused.
            cycles: Unused.
        """
        del active, base, cycles
        return [Resolved(item) for item in self.flatten(context)]

    def url_of(self, context: Any) -> str | None:
        """Return under which URL a context was read, None where it was written out."""
        for url, contexts in self._remote.items():
            if any(context is each or context == each for each in contexts):
                return url
        return None

    def _flatten(self, items: list[Any], chain: tuple[str, ...]) -> list[Any]:
        flat: list[Any] = []
        for item in items:
            if isinstance(item, str):
                flat += self._behind(item, chain)
            elif isinstance(item, dict):
                flat.append(self._prepare(item, _DEEPEST))
            elif item is None or item is False:
                flat.append(False)
            else:
                raise _refusal(f"{quote(item)} is no context: a URL or an object is")
        return flat

    def _behind(self, url: str, chain: tuple[str, ...]) -> list[Any]:
        contexts = self._remote.get(url)
        if contexts is None:
            if url in chain or len(chain) > _LONGEST_CHAIN:
                raise _refusal(f"the context {quote(url)} includes itself")
            context = self._contexts.document(url)["@context"]
            items = context if isinstance(context, list) else [context]
            try:
                contexts = self._flatten(items, (*chain, url))
            except RefusalError as refusal:
                told = refusal.message
                if not told.startswith("the context "):  # the innermost one is told
                    told = f"the context {quote(url, 200)} is malformed: {told}"
                raise _refusal(told, refusal.code) from refusal
            self._remote[url] = contexts
        return contexts

    def _prepare(self, context: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return a context with its imports carried out; refuse what PyLD would pass over."""
        if depth == 0:
            raise _refusal("contexts lie too deep in each other", Code.TOO_DEEP)
        if "@import" in context:
            context = self._import(context)
        prepared: dict[str, Any] = {}
        for term, definition in context.items():
            if term.startswith("@") and term not in _ENTRIES:
                raise _refusal(f"a context has no entry {quote(term)}")
            if term == "@direction":  # PyLD forgets it in the contexts inside
                raise _refusal("a base direction for a whole context; write it with each value")
            if not term.startswith("@") and isinstance(definition, bool | int | float | list):
                raise _refusal(f"the term {quote(term)} is defined by neither text nor an object")
            prepared[term] = (
                self._definition(definition, depth) if isinstance(definition, dict) else definition
            )
            _check_target(definition)
        return prepared

    def _definition(self, definition: dict[str, Any], depth: int) -> dict[str, Any]:
        for name in ("@id", "@reverse"):
            _check_target(definition.get(name))
        scoped = definition.get("@context")
        if isinstance(scoped, dict):
            return {**definition, "@context": self._prepare(scoped, depth - 1)}
        if isinstance(scoped, list):
            parts = [
                self._prepare(item, depth - 1) if isinstance(item, dict) else item
                for item in scoped
            ]
            return {**definition, "@context": parts}
        return definition

    def _import(self, context: dict[str, Any]) -> dict[str, Any]:
        """Merge a context into the one that it imports.

        Spec:
            https://www.w3.org/TR/json-ld11-api/#context-processing-algorithm (step 5.6)
        """
        url = context["@import"]
        imported = self._contexts.document(url)["@context"] if isinstance(url, str) else None
        if not isinstance(imported, dict) or "@import" in imported:
            raise _refusal(f"{quote(url)} cannot be imported: it is no URL of a single context")
        return {name: value for name, value in {**imported, **context}.items() if name != "@import"}


def _check_target(target: Any) -> None:
    if isinstance(target, str) and target.startswith("@") and target not in _KEYWORDS:
        raise _refusal(f"{quote(target)} looks like a keyword, and is none")


def _refusal(message: str, code: Code = Code.MALFORMED_VALUE_ERROR) -> RefusalError:
    return RefusalError(message, code=code)
