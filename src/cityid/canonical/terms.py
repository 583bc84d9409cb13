"""What terms mean: JSON-LD context processing, done once for each context and remembered.

PyLD processes contexts; this module asks it, and keeps every answer beside the active context it
was given for. All memory hangs on one `Terms` value, which lives on one `Contexts` value: no
answer ever reaches documents under other contexts.

Spec:
    https://www.w3.org/TR/json-ld11-api/#context-processing-algorithm
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

from cityid.canonical import literals
from cityid.canonical.claims import Definition, Opening, Reading, Shape, define, shape_of
from cityid.canonical.context_sources import ContextSources
from cityid.canonical.contexts import Contexts
from cityid.canonical.refusal import RefusalError
from cityid.errors import CityIdError, Code, quote

_MOST_MEMORIES = 100_000
_CHARACTERS_PER_MEMORY = 200
_CHARACTERS_PER_MAPPING = 60
_LEAST_SIZE = 20
_LONGEST_INLINE = 100_000


class ActiveContext:
    """An active context, and everything already worked out under it.

    Attributes:
        processed: What PyLD made of the local contexts.
        terms: Where all that is worked out lies.
        mappings: The term definitions of PyLD.
        previous: The active context that holds again in objects inside, if it is another one.
    """

    __slots__ = (
        "_definitions",
        "_locals",
        "_openings",
        "_scoped",
        "_shapes",
        "_vocabulary",
        "mappings",
        "previous",
        "processed",
        "terms",
    )

    def __init__(self, processed: Any, terms: Terms) -> None:
        previous = processed.get("previousContext")
        self.processed = processed
        self.terms = terms
        self.mappings: Mapping[str, Any] = processed["mappings"]
        self.previous = None if previous is None else terms.wrap(previous)
        self._openings: dict[tuple[Any, ...], Opening] = {}
        self._shapes: dict[tuple[Any, ...], Shape] = {}
        self._definitions: dict[str, Definition] = {}
        self._locals: dict[Any, ActiveContext] = {}
        self._scoped: dict[tuple[ActiveContext, str, bool], ActiveContext] = {}
        self._vocabulary: dict[str, str] = {}

    # --- contexts that begin here

    def local(self, value: Any) -> ActiveContext:
        """Return the active context inside an object whose ``@context`` is `value`.

        Raises:
            RefusalError: PyLD refuses the context, or it is none.
            NotFoundError: It names a context outside the set.
        """
        key = _context_key(value)
        context = self._locals.get(key)
        if context is None:
            local = json.loads(key) if type(key) is str else list(key)
            context = self._locals[key] = self.terms.process(self, local)
            self.terms.remember(len(str(key)))
        return context

    def scoped(self, origin: ActiveContext, term: str, *, by_type: bool) -> ActiveContext:
        """Return the active context after applying the context that a term has of its own.

        Args:
            origin: The active context in which the term is defined.
            term: A type or a property.
            by_type: Whether it is a type: its context does not reach the objects inside.

        Raises:
            RefusalError: PyLD refuses the context.
            NotFoundError: It names a context outside the set.
        """
        key = (origin, term, by_type)
        context = self._scoped.get(key)
        if context is None:
            local = origin.mappings[term]["@context"]
            options = {"propagate": False} if by_type else {"override_protected": True}
            context = self._scoped[key] = self.terms.process(self, local, **options)
            self.terms.remember(len(term))
        return context

    def opening(self, keys: tuple[Any, ...]) -> Opening:
        """Return where an object of these keys begins."""
        opening = self._openings.get(keys)
        if opening is None:
            opening = self._openings[keys] = Opening(Reading(self, (), self.shape(keys)))
            self.terms.remember(sum(map(len, keys)))
        return opening

    def of_types(self, types: tuple[Any, ...], keys: tuple[Any, ...]) -> Reading:
        """Return how a node of these types and keys is read.

        Raises:
            RefusalError: A type is no text, has no meaning, or has a context out of reach.
            NotFoundError: A type's context is outside the set.
        """
        for type_ in types:
            if type(type_) is not str:
                raise RefusalError(
                    f"{quote(type_)} is no type: text is", code=Code.MALFORMED_VALUE_ERROR
                )
        context = self
        for type_ in sorted(set(types)):
            scoped = (self.mappings.get(type_) or {}).get("@context")
            if scoped is False:
                raise RefusalError(
                    f"the type {quote(type_)} has the context null, which JSON-LD processors read "
                    "differently"
                )
            if scoped is not None:
                context = context.scoped(self, type_, by_type=True)
        shape = context.shape(keys)
        if shape.type_key != self.shape(keys).type_key or shape.value_key is not None:
            raise RefusalError("the context of a type redefines how types are written")
        return Reading(context, tuple(self.vocabulary(type_) for type_ in types), shape)

    # --- words

    def vocabulary(self, value: str) -> str:
        """Return the IRI term of a type, or of a value that is a word of the vocabulary.

        Raises:
            RefusalError: It has no meaning here.
        """
        term = self._vocabulary.get(value)
        if term is None:
            iri = self.terms.expand(self, value)
            if iri is None or not literals.is_iri(iri):
                raise RefusalError(
                    f"{quote(value)} is neither a term of the document's contexts nor an absolute "
                    "IRI, so it would not be signed; define it in a context"
                )
            term = self._vocabulary[value] = f"<{iri}>"
            self.terms.remember(len(value))
        return term

    def shape(self, keys: tuple[Any, ...]) -> Shape:
        """Return what these keys mean together."""
        shape = self._shapes.get(keys)
        if shape is None:
            shape = self._shapes[keys] = shape_of([self.definition(key) for key in keys])
            self.terms.remember(sum(map(len, keys)))
        return shape

    def definition(self, key: Any) -> Definition:
        """Return what one key means."""
        if type(key) is not str:
            raise RefusalError(f"{quote(key)} is no key: text is", code=Code.MALFORMED_VALUE_ERROR)
        definition = self._definitions.get(key)
        if definition is None:
            definition = self._definitions[key] = define(self, key)
            self.terms.remember(len(key))
        return definition


class Spent(threading.local):
    """What processing contexts took so far, counted apart in each thread.

    Attributes:
        size: The term definitions written into active contexts.
    """

    size = 0


class Terms:
    """Everything worked out under one set of contexts.

    Attributes:
        sources: Reads the contexts of the set.
        initial: The active context before any local one.
        spent: The term definitions that were written so far, in each thread.
    """

    __slots__ = ("_options", "_pyld", "_remembered", "_wrapped", "initial", "sources", "spent")

    def __init__(self, contexts: Contexts) -> None:
        from pyld import jsonld

        self.sources = ContextSources(contexts)
        self.spent = Spent()
        self._remembered = 0
        self._wrapped: dict[int, ActiveContext] = {}
        self._pyld: Any = jsonld.JsonLdProcessor()
        self._options = {
            "base": "",
            "processingMode": "json-ld-1.1",
            "isFrame": False,
            "contextResolver": self.sources,
        }
        self.initial = self.wrap(self._pyld._get_initial_context(self._options))  # noqa: SLF001 - pyld is pinned for this

    @property
    def full(self) -> bool:
        """Whether enough was remembered to begin anew before the next document."""
        return self._remembered > _MOST_MEMORIES

    def remember(self, characters: int) -> None:
        """Count one answer that stays in memory, under a key of so many characters."""
        self._remembered += 1 + characters // _CHARACTERS_PER_MEMORY

    def wrap(self, processed: Any) -> ActiveContext:
        """Return the one `ActiveContext` for what PyLD processed."""
        context = self._wrapped.get(id(processed))
        if context is None:
            context = ActiveContext(processed, self)
            self._wrapped[id(processed)] = context
        return context

    def process(self, context: ActiveContext, local: Any, **options: Any) -> ActiveContext:
        """Return the active context after applying a local one.

        Raises:
            RefusalError: PyLD refuses the local context.
            NotFoundError: It names a context outside the set.
        """
        try:
            contexts = self.sources.flatten(local)
            processed = self._pyld._process_context(  # noqa: SLF001 - pyld is pinned for this
                context.processed, contexts, self._options, **options
            )
        except Exception as error:  # noqa: BLE001 - whatever PyLD meets is told as a refusal
            _refuse(error, self.sources)
        size = _LEAST_SIZE + len(processed["mappings"])
        self.spent.size += size
        if id(processed) not in self._wrapped:
            self.remember(size * _CHARACTERS_PER_MAPPING)
        return self.wrap(processed)

    def expand(self, context: ActiveContext, word: str) -> str | None:
        """Return the IRI or keyword that a word of the vocabulary stands for, if any.

        Spec:
            https://www.w3.org/TR/json-ld11-api/#iri-expansion
        """
        try:
            iri = self._pyld._expand_iri(context.processed, word, vocab=True)  # noqa: SLF001 - as above
        except Exception as error:  # noqa: BLE001 - whatever PyLD meets is told as a refusal
            _refuse(error, self.sources)
        return iri if isinstance(iri, str) else None

    def language(self, context: ActiveContext, key: str) -> Any:
        """Return the language of a property's strings, if any."""
        return self._pyld.get_context_value(context.processed, key, "@language")

    def direction(self, context: ActiveContext, key: str) -> Any:
        """Return the base direction of a property's strings, if any."""
        return self._pyld.get_context_value(context.processed, key, "@direction")


def _context_key(value: Any) -> str | tuple[str, ...]:
    """Return what to remember a local context by: its URLs, else its JSON text."""
    items = value if type(value) is list else [value]
    if all(type(item) is str for item in items):
        return tuple(items)
    if None in items:
        raise RefusalError(
            "a null context forgets what the document's own contexts say; leave it out",
            code=Code.MALFORMED_VALUE_ERROR,
        )
    try:
        text = json.dumps(items, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RefusalError(
            f"this context is no JSON: {error}", code=Code.MALFORMED_VALUE_ERROR
        ) from error
    if len(text) > _LONGEST_INLINE:
        raise RefusalError(
            f"a context written out in a document has at most {_LONGEST_INLINE} characters",
            code=Code.INPUT_TOO_LARGE,
        )
    return text


def _refuse(error: Exception, sources: ContextSources) -> NoReturn:
    """Raise what stopped context processing, however deep PyLD wrapped it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, CityIdError | RefusalError):
            raise cause from None
        cause = cause.__cause__
    shown = getattr(error, "code", None) or type(error).__name__
    details = getattr(error, "details", None) or {}
    url, term = sources.url_of(details.get("context")), details.get("term")
    whose = "a context" if url is None else f"the context {quote(url, 200)}"
    place = "" if term is None else f" at its term {quote(term)}"
    raise RefusalError(
        f"{whose} cannot be processed{place}: {shown}", code=Code.MALFORMED_VALUE_ERROR
    ) from error
