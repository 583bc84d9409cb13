"""What the members of JSON-LD objects are: claims, identifiers, types, values.

Everything here holds under one active context, and is worked out once.

Spec:
    https://www.w3.org/TR/json-ld11-api/#expansion-algorithm
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from cityid.canonical import literals
from cityid.canonical.refusal import RefusalError
from cityid.canonical.reserved import misspelt
from cityid.errors import quote

if TYPE_CHECKING:
    from cityid.canonical.terms import ActiveContext


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


def define(context: ActiveContext, key: str) -> Definition:
    """Work out what a key means.

    Spec:
        https://www.w3.org/TR/json-ld11-api/#expansion-algorithm (step 13)
    """
    if key == "@context":
        return Definition(key, Role.CONTEXT)
    try:
        iri = context.terms.expand(context, key)
        if spelling := _other_spelling(context, key, iri):
            return _refused(key, f"{quote(key)} says what readers look for in {spelling}: write so")
        if iri in _ROLES:
            return Definition(key, _ROLES[iri])
        return Definition(key, Role.CLAIM, _claim(context, key, iri))
    except RefusalError as refusal:
        return _refused(key, refusal.message)


def _other_spelling(context: ActiveContext, key: str, iri: str | None) -> str | None:
    """Return how a member must be written that readers of the JSON would overlook as it is."""
    if iri != "@id":
        return misspelt(key, iri)
    named = (context.mappings.get("id") or {}).get("@id") == "@id"
    return "id" if named and key != "id" else None


def _claim(context: ActiveContext, key: str, iri: str | None) -> Claim:
    """Return a property; a context of its own may define it differently for its values."""
    if iri is not None and iri.startswith("@"):
        raise RefusalError(f"{quote(key)} stands for {iri}, which is outside the strict subset")
    if iri is None or not literals.is_iri(iri):
        raise RefusalError(
            f"the term {quote(key)} is not defined by the document's contexts, so it would not be "
            "signed; define it in a context, or leave it out"
        )
    outside = context.mappings.get(key) or {}
    inner = context
    if outside.get("@context") is not None:
        inner = context.scoped(context, key, by_type=False)
        if (context.terms.expand(inner, key) or "").startswith("@"):
            raise RefusalError(f"the term {quote(key)} is made a keyword by its own context")
    inside = inner.mappings.get(key) or {}
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
    if container is Container.LANGUAGE:
        _check_undirected(context, key)
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
    _check_undirected(inner, key)
    language = inner.terms.language(inner, key)
    if language is None:
        return None, '"'
    if not isinstance(language, str) or not literals.is_language(language):
        raise RefusalError(f"the term {quote(key)} has the invalid language {quote(language)}")
    return None, f'"@{language.lower()}'


def _check_undirected(context: ActiveContext, key: str) -> None:
    if context.terms.direction(context, key) is not None:
        raise RefusalError(
            f"the term {quote(key)} has a base direction by its context; write @direction beside "
            "@value instead"
        )


def shape_of(definitions: list[Definition]) -> Shape:
    """Return what keys mean together.

    Args:
        definitions: What each means, in the order of the object.
    """
    claims: list[Claim] = []
    keys: dict[Role, str] = {}
    refused: list[Definition] = []
    for definition in definitions:
        if definition.claim is not None:
            claims.append(definition.claim)
        elif definition.role is Role.REFUSED:
            refused.append(definition)
        elif definition.role in keys:
            refused.append(_twice(definition))
        else:
            keys[definition.role] = definition.key
    if Role.VALUE not in keys:
        alone = (keys[role] for role in (Role.LANGUAGE, Role.DIRECTION) if role in keys)
        refused += (_refused(key, f"{quote(key)} stands beside @value only") for key in alone)
    return Shape(
        claims=tuple(claims),
        id_key=keys.get(Role.ID),
        type_key=keys.get(Role.TYPE),
        value_key=keys.get(Role.VALUE),
        language_key=keys.get(Role.LANGUAGE),
        direction_key=keys.get(Role.DIRECTION),
        refused=refused[0] if refused else None,
        keeps_scope=_keeps_scope(definitions),
    )


def _keeps_scope(definitions: list[Definition]) -> bool:
    """Return whether an object of these keys is a value object or a reference to a node.

    Spec:
        https://www.w3.org/TR/json-ld11-api/#expansion-algorithm (step 7)
    """
    roles = [definition.role for definition in definitions]
    if len(roles) == 1:
        return roles[0] in (Role.ID, Role.VALUE)
    return len(roles) == 2 and Role.VALUE in roles and Role.CONTEXT not in roles  # noqa: PLR2004 - PyLD looks no further


def _refused(key: str, refusal: str) -> Definition:
    return Definition(key, Role.REFUSED, None, refusal)


def _twice(definition: Definition) -> Definition:
    return _refused(
        definition.key,
        f"{quote(definition.key)} says once more what another member of the object says",
    )
