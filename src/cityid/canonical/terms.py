"""What terms mean: JSON-LD context processing, done once for each context and remembered.

PyLD processes contexts; this module asks it, and keeps every answer beside the active context it
was given for. All memory hangs on one `Terms` value, which lives on one `Contexts` value: no
answer ever reaches documents under other contexts.

Spec:
    https://www.w3.org/TR/json-ld11-api/#context-processing-algorithm
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from cityid.canonical import literals
from cityid.canonical.context_sources import ContextSources
from cityid.canonical.contexts import Contexts
from cityid.canonical.refusal import RefusalError
from cityid.errors import CityIdError, Code, quote

_MOST_MEMORIES = 100_000
_CHARACTERS_PER_MEMORY = 200
_CHARACTERS_PER_MAPPING = 60


class Role(Enum):
    """What a member of a JSON-LD object is."""

    CLAIM = auto()
    ID = auto()
    TYPE = auto()
    CONTEXT = auto()
    VALUE = auto()
    LANGUAGE = auto()
    DIRECTION = auto()
    REFUSED = auto()


class Container(Enum):
    """How the values of a property lie in its JSON value."""

    SET = auto()
    LIST = auto()
    LANGUAGE = auto()
    GRAPH = auto()


class Coercion(Enum):
    """How a string value of a property is read."""

    LITERAL = auto()
    ID = auto()
    VOCAB = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A property under one active context.

    Attributes:
        key: The key as written.
        predicate: The property as a term.
        container: How its values lie in the JSON value.
        coercion: How its strings are read.
        datatype: The datatype that the context gives to values.
        suffix: What follows the text of a string value, from the closing quote on.
        context: The active context of its values.
        scoped: Whether the property has a context of its own there.
        plain: Whether a string value is ready once it is escaped and has its suffix.
        single: Whether an object value is one node or one value object.
        openings: How object values begin, by their keys in order.
    """

    key: str
    predicate: str
    container: Container
    coercion: Coercion
    datatype: str | None
    suffix: str
    context: ActiveContext
    scoped: bool
    plain: bool
    single: bool
    openings: dict[tuple[Any, ...], Opening] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """What one key means under one active context.

    Attributes:
        key: The key as written.
        role: What kind of member it is.
        claim: The property, for CLAIM.
        refusal: Why the key cannot be used, for REFUSED.
    """

    key: str
    role: Role
    claim: Claim | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What the keys of an object mean together under one active context.

    Attributes:
        claims: The properties, in the order of the object.
        id_key: The key that holds ``@id``.
        type_key: The key that holds ``@type``.
        value_key: The key that holds ``@value``, where it is a value object.
        language_key: The key that holds ``@language``.
        direction_key: The key that holds ``@direction``.
        refused: The first key that cannot be used.
        keeps_scope: Whether a type-scoped context around the object still holds inside.
    """

    claims: tuple[Claim, ...]
    id_key: str | None
    type_key: str | None
    value_key: str | None
    language_key: str | None
    direction_key: str | None
    refused: Definition | None
    keeps_scope: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How the members of an object are read.

    Attributes:
        context: The active context of the members.
        types: The types of the node, as terms.
        shape: What the keys mean.
    """

    context: ActiveContext
    types: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """Where an object begins: its keys are known, its types not yet.

    Attributes:
        untyped: How it is read if it has no types.
        typed: How it is read under types, by the value of ``@type`` (a tuple for an array).
    """

    untyped: Reading
    typed: dict[Any, Reading] = field(default_factory=dict)


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
        self._scoped: dict[tuple[int, str, bool], ActiveContext] = {}
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
        key = (id(origin), term, by_type)
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
            shape = self._shapes[keys] = self._shape(keys)
            self.terms.remember(sum(map(len, keys)))
        return shape

    def _shape(self, keys: tuple[Any, ...]) -> Shape:
        definitions = [self.definition(key) for key in keys]
        by_role: dict[Role, list[Definition]] = {role: [] for role in Role}
        for definition in definitions:
            by_role[definition.role].append(definition)
        single = {
            role: by_role[role][0].key if by_role[role] else None
            for role in (Role.ID, Role.TYPE, Role.VALUE, Role.LANGUAGE, Role.DIRECTION)
        }
        refused = [
            *by_role[Role.REFUSED],
            *(_twice(by_role[role][1]) for role in single if len(by_role[role]) > 1),
        ]
        return Shape(
            claims=tuple(each.claim for each in by_role[Role.CLAIM] if each.claim),
            id_key=single[Role.ID],
            type_key=single[Role.TYPE],
            value_key=single[Role.VALUE],
            language_key=single[Role.LANGUAGE],
            direction_key=single[Role.DIRECTION],
            refused=refused[0] if refused else None,
            keeps_scope=_keeps_scope(definitions),
        )

    def definition(self, key: Any) -> Definition:
        """Return what one key means."""
        if type(key) is not str:
            raise RefusalError(f"{quote(key)} is no key: text is", code=Code.MALFORMED_VALUE_ERROR)
        definition = self._definitions.get(key)
        if definition is None:
            definition = self._definitions[key] = _define(self, key)
            self.terms.remember(len(key))
        return definition


class Terms:
    """Everything worked out under one set of contexts.

    Attributes:
        sources: Reads the contexts of the set.
        initial: The active context before any local one.
        processed: How many contexts were processed so far.
    """

    __slots__ = ("_options", "_pyld", "_remembered", "_wrapped", "initial", "processed", "sources")

    def __init__(self, contexts: Contexts) -> None:
        from pyld import jsonld

        self.sources = ContextSources(contexts)
        self.processed = 0
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
        self.processed += 1
        try:
            contexts = self.sources.flatten(local)
            processed = self._pyld._process_context(  # noqa: SLF001 - pyld is pinned for this
                context.processed, contexts, self._options, **options
            )
        except Exception as error:
            raise _context_refusal(error) from error
        if id(processed) not in self._wrapped:
            self.remember(len(processed["mappings"]) * _CHARACTERS_PER_MAPPING)
        return self.wrap(processed)

    def expand(self, context: ActiveContext, word: str) -> str | None:
        """Return the IRI or keyword that a word of the vocabulary stands for, if any.

        Spec:
            https://www.w3.org/TR/json-ld11-api/#iri-expansion
        """
        try:
            iri = self._pyld._expand_iri(context.processed, word, vocab=True)  # noqa: SLF001 - as above
        except Exception as error:
            raise _context_refusal(error) from error
        return iri if isinstance(iri, str) else None

    def language(self, context: ActiveContext, key: str) -> Any:
        """Return the language of a property's strings, if any."""
        return self._pyld.get_context_value(context.processed, key, "@language")

    def direction(self, context: ActiveContext, key: str) -> Any:
        """Return the base direction of a property's strings, if any."""
        return self._pyld.get_context_value(context.processed, key, "@direction")


_ROLES = {
    "@id": Role.ID,
    "@type": Role.TYPE,
    "@value": Role.VALUE,
    "@language": Role.LANGUAGE,
    "@direction": Role.DIRECTION,
}
_CONTAINERS = {
    frozenset[str](): Container.SET,
    frozenset({"@set"}): Container.SET,
    frozenset({"@list"}): Container.LIST,
    frozenset({"@language"}): Container.LANGUAGE,
    frozenset({"@language", "@set"}): Container.LANGUAGE,
    frozenset({"@graph"}): Container.GRAPH,
    frozenset({"@graph", "@set"}): Container.GRAPH,
}
_COERCIONS = {"@id": Coercion.ID, "@vocab": Coercion.VOCAB, "@json": Coercion.JSON}


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
        return json.dumps(items, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RefusalError(
            f"this context is no JSON: {error}", code=Code.MALFORMED_VALUE_ERROR
        ) from error


def _keeps_scope(definitions: list[Definition]) -> bool:
    """Return whether an object of these keys is a value object or a reference to a node.

    Spec:
        https://www.w3.org/TR/json-ld11-api/#expansion-algorithm (step 7)
    """
    roles = [definition.role for definition in definitions]
    if len(roles) == 1:
        return roles[0] in (Role.ID, Role.VALUE)
    return len(roles) == 2 and Role.VALUE in roles and Role.CONTEXT not in roles  # noqa: PLR2004 - PyLD looks no further


def _define(context: ActiveContext, key: str) -> Definition:
    """Work out what a key means.

    Spec:
        https://www.w3.org/TR/json-ld11-api/#expansion-algorithm (step 13)
    """
    if key == "@context":
        return Definition(key, Role.CONTEXT)
    iri = context.terms.expand(context, key)
    if iri in _ROLES:
        return Definition(key, _ROLES[iri])
    if iri is not None and iri.startswith("@"):
        return _refused(key, f"{quote(key)} stands for {iri}, which is outside the strict subset")
    if iri is None or not literals.is_iri(iri):
        return _refused(
            key,
            f"the term {quote(key)} is not defined by the document's contexts, so it would not be "
            "signed; define it in a context, or leave it out",
        )
    mapping = context.mappings.get(key) or {}
    inner = context
    if mapping.get("@context") is not None:
        inner = context.scoped(context, key, by_type=False)
    try:
        claim = _claim(context, key, iri, inner)
    except RefusalError as refusal:
        return _refused(key, refusal.message)
    return Definition(key, Role.CLAIM, claim)


def _claim(context: ActiveContext, key: str, iri: str, inner: ActiveContext) -> Claim:
    """Return a property; its values are read in `inner`, which may define it differently."""
    outside, inside = context.mappings.get(key) or {}, inner.mappings.get(key) or {}
    containers = frozenset(outside.get("@container") or ())
    container = _CONTAINERS.get(containers)
    if container is None or outside.get("reverse") or inside.get("reverse"):
        raise RefusalError(f"the term {quote(key)} is a reverse property or an index or id map")
    is_list = "@list" in (inside.get("@container") or ())
    is_json = inside.get("@type") == "@json"
    if is_list != (container is Container.LIST) or is_json != (outside.get("@type") == "@json"):
        raise RefusalError(f"the term {quote(key)} is redefined by its own context")
    if is_json and container is not Container.SET:
        raise RefusalError(f"the term {quote(key)} makes a list, map or graph of JSON literals")
    coercion = _COERCIONS.get(str(inside.get("@type")), Coercion.LITERAL)
    datatype, suffix = _datatype(inner, key, inside.get("@type"), coercion)
    plain = coercion is Coercion.LITERAL and datatype != literals.DOUBLE
    return Claim(
        key=key,
        predicate=f"<{iri}>",
        container=container,
        coercion=coercion,
        datatype=datatype,
        suffix=suffix,
        context=inner,
        scoped=inside.get("@context") is not None,
        plain=plain and container in (Container.SET, Container.LANGUAGE),
        single=container is Container.SET and not is_json,
    )


def _datatype(
    inner: ActiveContext, key: str, type_: str | None, coercion: Coercion
) -> tuple[str | None, str]:
    """Return the datatype of a property's values, and the suffix of its strings."""
    if coercion is not Coercion.LITERAL:
        return None, '"'
    if type_ is not None and type_ != "@none":
        if not literals.is_iri(type_) or type_ in literals.SPECIAL_DATATYPES:
            raise RefusalError(f"the term {quote(key)} has the unusable datatype {quote(type_)}")
        return type_, literals.datatype_suffix(type_)
    if inner.terms.direction(inner, key) is not None:
        raise RefusalError(
            f"the term {quote(key)} has a base direction by its context; write it with the value"
        )
    language = inner.terms.language(inner, key)
    if language is None:
        return None, '"'
    if not isinstance(language, str) or not literals.is_language(language):
        raise RefusalError(f"the term {quote(key)} has the invalid language {quote(language)}")
    return None, f'"@{language.lower()}'


def _refused(key: str, refusal: str) -> Definition:
    return Definition(key, Role.REFUSED, None, refusal)


def _twice(definition: Definition) -> Definition:
    return _refused(
        definition.key,
        f"{quote(definition.key)} says once more what another member of the object says",
    )


def _context_refusal(error: Exception) -> Exception:
    """Return what stopped context processing, however deep PyLD wrapped it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, CityIdError | RefusalError):
            return cause
        cause = cause.__cause__
    shown = getattr(error, "code", None) or type(error).__name__
    return RefusalError(f"a context cannot be processed: {shown}", code=Code.MALFORMED_VALUE_ERROR)
