"""JSON-LD to RDF in one strict pass: every member becomes a statement, or the document is refused.

General JSON-LD drops what it does not understand: undefined terms, relative IRIs, null. What is
dropped is not signed, so an attacker may add or change it. Here such a document has no canonical
form. Refused with a JSON Pointer are: undefined terms, types and datatypes; relative or malformed
IRIs and language tags; null and empty arrays; arrays inside arrays (but in lists); numbers that
processors write differently or not exactly; a null context in a document; and the keywords
``@graph``, ``@included``, ``@index``, ``@list``, ``@nest``, ``@reverse`` and ``@set``.

JSON-LD itself gives one meaning to several documents, and so does a signature over it: the order
of members and of array items (but in lists), an array of one item and the item, an item given
twice, two terms for one IRI, and upper and lower case in language tags: they are handled, because
the credentials of others have them. A base direction stands in the datatype (``i18n-datatype``).

Spec:
    https://www.w3.org/TR/json-ld11-api/#deserialize-json-ld-to-rdf-algorithm
    https://www.w3.org/TR/vc-data-integrity/#securing-data-losslessly
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cityid.canonical import jcs, literals, rdfc
from cityid.canonical.contexts import Contexts
from cityid.canonical.rdfc import HashName, Quad
from cityid.canonical.refusal import RefusalError
from cityid.canonical.terms import ActiveContext, Claim, Coercion, Container, Shape, Terms
from cityid.errors import Code, InvalidInputError, quote

_DEEPEST = 64
_MOST_CONTEXTS = 500
_TYPE = f"<{literals.RDF}type>"
_FIRST = f"<{literals.RDF}first>"
_REST = f"<{literals.RDF}rest>"
_NIL = f"<{literals.RDF}nil>"


def canonicalize(
    document: Mapping[str, Any], contexts: Contexts, *, hash_name: HashName = "sha256"
) -> str:
    """Return the canonical N-Quads of a JSON-LD document.

    Args:
        document: The document, with its ``@context``.
        contexts: The contexts that may be used.
        hash_name: The hash inside canonicalization.

    Raises:
        InvalidInputError: A part of the document would be lost (DATA_LOSS_DETECTION_ERROR), or
            telling its nodes apart takes too long (COMPLEXITY_LIMIT_EXCEEDED); `path` points to it.
        NotFoundError: It names a context outside the set (CONTEXT_NOT_ALLOWED).

    Spec:
        https://www.w3.org/TR/rdf-canon/#canon-algorithm
    """
    return rdfc.canonicalize(to_quads(document, contexts), hash_name=hash_name)


def to_quads(document: Mapping[str, Any], contexts: Contexts) -> list[Quad]:
    """Return the statements of a JSON-LD document.

    Args:
        document: The document, with its ``@context``; contexts written out in it and nested ones
            are followed, whether or not `check_contexts` admits them.
        contexts: The contexts that may be used.

    Returns:
        Quads of canonical N-Quads terms; blank nodes have labels of their own.

    Raises:
        InvalidInputError: A part of the document would be lost; `path` points to it.
        NotFoundError: It names a context outside the set (CONTEXT_NOT_ALLOWED).

    Spec:
        https://www.w3.org/TR/json-ld11-api/#deserialize-json-ld-to-rdf-algorithm
    """
    if not isinstance(document, Mapping):
        raise InvalidInputError(
            f"a JSON-LD document is an object, not {type(document).__name__}",
            code=Code.PARSING_ERROR,
        )
    walk = _Walk(_terms(contexts))
    try:
        walk.node(dict(document), walk.terms.initial, None, "", 0)
    except RefusalError as refusal:
        raise refusal.located() from refusal.__cause__
    return walk.quads


def _terms(contexts: Contexts) -> Terms:
    """Return what was worked out under these contexts; begin anew where it became too much."""
    terms: Terms | None = contexts.memory.terms
    if terms is None or terms.full:
        terms = contexts.memory.terms = Terms(contexts)
    return terms


class _Walk:
    """One document on its way to quads."""

    __slots__ = ("blank_nodes", "most_processed", "quads", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.quads: list[Quad] = []
        self.blank_nodes = 0
        self.most_processed = terms.processed + _MOST_CONTEXTS

    def blank_node(self) -> str:
        """Return a label that no other node has."""
        label = f"_:n{self.blank_nodes}"
        self.blank_nodes += 1
        return label

    def node(
        self,
        element: dict[str, Any],
        context: ActiveContext,
        claim: Claim | None,
        graph: str,
        depth: int,
    ) -> str:
        """Add what an object says, and return its term: the node's, or a literal.

        Args:
            element: The object.
            context: The active context around it.
            claim: The property whose value it is; None for the document.
            graph: The graph that its statements go to.
            depth: How many nodes are around it.
        """
        if depth > _DEEPEST:
            raise RefusalError("nodes lie too deep in each other", Code.TOO_DEEP)
        keys = tuple(element)
        active = self.enter(element, keys, context, claim)
        shape = active.shapes.get(keys) or active.shape(keys)
        if shape.value_key is not None:
            return self.value_object(element, shape, active, claim)
        type_terms: tuple[str, ...] = ()
        if shape.type_key is not None:
            typed, type_terms = self.types(element[shape.type_key], shape.type_key, active)
            if typed is not active:
                active, outer = typed, shape
                shape = active.shapes.get(keys) or active.shape(keys)
                if shape.type_key != outer.type_key or shape.value_key is not None:
                    raise RefusalError("the context of a type redefines how types are written")
        if shape.refused is not None:
            raise RefusalError(
                shape.refused.refusal, Code.DATA_LOSS_DETECTION_ERROR, shape.refused.key
            )
        if shape.id_key is None:
            subject = self.blank_node()
        else:
            subject = self.subject(element[shape.id_key], shape, active, claim)
        self.state(subject, type_terms, shape, element, graph, depth)
        return subject

    def state(
        self,
        subject: str,
        type_terms: tuple[str, ...],
        shape: Shape,
        element: dict[str, Any],
        graph: str,
        depth: int,
    ) -> None:
        """Add the statements about one node."""
        add = self.quads.append
        for term in type_terms:
            add((subject, _TYPE, term, graph))
        for claim in shape.claims:
            value = element[claim.key]
            kind = type(value)
            try:
                if kind is str and claim.plain:
                    text = value
                    if not value.isprintable() or '"' in value or "\\" in value:
                        text = literals.escape(value)
                    add((subject, claim.predicate, f'"{text}{claim.suffix}', graph))
                elif kind is dict and claim.single:
                    term = self.node(value, claim.context, claim, graph, depth + 1)
                    add((subject, claim.predicate, term, graph))
                else:
                    self.values(subject, claim, value, graph, depth)
            except RefusalError as refusal:
                refusal.tokens.append(claim.key)
                raise

    # --- where a node begins

    def enter(
        self,
        element: dict[str, Any],
        keys: tuple[Any, ...],
        context: ActiveContext,
        claim: Claim | None,
    ) -> ActiveContext:
        """Return the active context inside an object, before its types are looked at.

        Spec:
            https://www.w3.org/TR/json-ld11-api/#expansion-algorithm (steps 7 to 9)
        """
        active = context
        if context.previous is not None:
            shape = context.shapes.get(keys) or context.shape(keys)
            if not shape.keeps_scope:
                active = context.previous
                if shape.value_key is not None:
                    _check_same_value_object(shape, active.shape(keys))
        if claim is not None and claim.scoped:
            active = active.scoped(context, claim.key, by_type=False)
        if "@context" in element:
            try:
                active = active.local(element["@context"])
            except RefusalError as refusal:
                refusal.tokens.append("@context")
                raise
        if self.terms.processed > self.most_processed:
            raise RefusalError(
                "the document has too many contexts inside", Code.COMPLEXITY_LIMIT_EXCEEDED
            )
        return active

    def types(
        self, value: Any, key: str, active: ActiveContext
    ) -> tuple[ActiveContext, tuple[str, ...]]:
        """Return the active context inside a node of these types, and the types as terms."""
        if type(value) is str:
            types: tuple[Any, ...] = (value,)
        elif type(value) is list and value:
            types = tuple(value)
        else:
            raise RefusalError(
                f"{quote(value)} is no type: text or an array of texts is",
                Code.DATA_LOSS_DETECTION_ERROR,
                key,
            )
        try:
            return active.typed.get(types) or active.of_types(types)
        except TypeError as error:  # an object or array among the types
            raise RefusalError("a type is text", Code.DATA_LOSS_DETECTION_ERROR, key) from error
        except RefusalError as refusal:
            refusal.tokens.append(key)
            raise

    def subject(self, value: Any, shape: Shape, active: ActiveContext, claim: Claim | None) -> str:
        """Return the term of a node that has an ``@id``."""
        unlinked = claim is None or claim.container is Container.GRAPH
        if unlinked and shape.type_key is None and not shape.claims:
            raise RefusalError(
                "nothing is said of this node, so its id would not be signed",
                Code.DATA_LOSS_DETECTION_ERROR,
                str(shape.id_key),
            )
        try:
            return _iri(active, value)
        except RefusalError as refusal:
            refusal.tokens.append(str(shape.id_key))
            raise

    # --- values

    def values(self, subject: str, claim: Claim, value: Any, graph: str, depth: int) -> None:
        """Add the statements of one property, whatever its JSON value is."""
        add = self.quads.append
        if claim.coercion is Coercion.JSON:
            add((subject, claim.predicate, _json_literal(value), graph))
        elif claim.container is Container.LIST:
            items = value if type(value) is list else [value]
            add((subject, claim.predicate, self.list_(items, claim, graph, depth), graph))
        elif claim.container is Container.LANGUAGE and type(value) is dict:
            for literal in _language_map(value, claim):
                add((subject, claim.predicate, literal, graph))
        elif type(value) is not list:
            add((subject, claim.predicate, self.value(value, claim, graph, depth), graph))
        elif not value:
            raise RefusalError("an empty array says nothing, and would not be signed; leave it out")
        else:
            for index, item in enumerate(value):
                try:
                    add((subject, claim.predicate, self.value(item, claim, graph, depth), graph))
                except RefusalError as refusal:
                    refusal.tokens.append(index)
                    raise

    def value(self, value: Any, claim: Claim, graph: str, depth: int) -> str:
        """Return the term of one value."""
        kind = type(value)
        if claim.container is Container.GRAPH:
            return self.graph(value, claim, depth)
        if kind is dict:
            return self.node(value, claim.context, claim, graph, depth + 1)
        if kind is str:
            if claim.coercion is Coercion.ID:
                return _iri(claim.context, value)
            if claim.coercion is Coercion.VOCAB:
                return claim.context.vocabulary(value)
            if claim.plain or claim.datatype is None:
                return f'"{literals.escape(value)}{claim.suffix}'
            return literals.string(value, claim.datatype)
        if claim.coercion is not Coercion.LITERAL or kind not in (bool, int, float):
            raise _value_refusal(value, claim)
        if kind is bool:
            return literals.boolean(value, claim.datatype)
        return literals.number(value, claim.datatype)

    def graph(self, value: Any, claim: Claim, depth: int) -> str:
        """Add a graph of its own for one node, and return its name."""
        if type(value) is not dict:
            raise RefusalError(
                f"the term {quote(claim.key)} holds graphs: an object is needed, not {quote(value)}"
            )
        name = self.blank_node()
        if self.node(value, claim.context, claim, name, depth + 1)[0] == '"':
            raise RefusalError("a graph holds nodes, no values")
        return name

    def list_(self, items: list[Any], claim: Claim, graph: str, depth: int) -> str:
        """Add an ordered list, and return its first node.

        Spec:
            https://www.w3.org/TR/json-ld11-api/#list-to-rdf-conversion
        """
        if depth > _DEEPEST:
            raise RefusalError("lists lie too deep in each other", Code.TOO_DEEP)
        head = rest = _NIL
        for index in reversed(range(len(items))):
            item = items[index]
            try:
                if type(item) is list:
                    first = self.list_(item, claim, graph, depth + 1)
                else:
                    first = self.value(item, claim, graph, depth)
            except RefusalError as refusal:
                refusal.tokens.append(index)
                raise
            head = self.blank_node()
            self.quads.append((head, _FIRST, first, graph))
            self.quads.append((head, _REST, rest, graph))
            rest = head
        return head

    def value_object(
        self, element: dict[str, Any], shape: Shape, active: ActiveContext, claim: Claim | None
    ) -> str:
        """Return the literal of an object with ``@value``.

        Spec:
            https://www.w3.org/TR/json-ld11/#value-objects
        """
        if shape.refused is not None or shape.claims or shape.id_key is not None or claim is None:
            raise RefusalError("an object with @value may also have @type, @language, @direction")
        value = element[str(shape.value_key)]
        if shape.direction_key is not None and element[shape.direction_key] not in ("ltr", "rtl"):
            raise RefusalError(
                "a base direction is ltr or rtl", Code.MALFORMED_VALUE_ERROR, shape.direction_key
            )
        if shape.type_key is not None:
            if shape.language_key is not None or shape.direction_key is not None:
                raise RefusalError("a value has a datatype, or a language and direction, not both")
            return _typed_literal(value, element[shape.type_key], shape, active)
        if shape.language_key is not None:
            literal = _tagged_literal(value, element[shape.language_key], shape)
        elif type(value) is str:
            literal = f'"{literals.escape(value)}"'
        elif shape.direction_key is None:
            return _native_literal(value, None, shape)
        else:
            raise RefusalError("only text has a base direction")
        if shape.direction_key is None:
            return literal
        return literals.directed(literal, element[shape.direction_key])


# --- terms of single values


def _iri(context: ActiveContext, value: Any) -> str:
    """Return the term of an ``@id``: an absolute or compact IRI, or a blank node.

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


def _json_literal(value: Any) -> str:
    try:
        text = jcs.canonicalize(value).decode()
    except InvalidInputError as error:
        refusal = RefusalError(str(error).removesuffix(f" (at {error.path})"), error.code)
        refusal.tail = error.path
        raise refusal from error
    return f'"{literals.escape(text)}{literals.JSON_SUFFIX}'


def _language_map(value: dict[str, Any], claim: Claim) -> Iterator[str]:
    """Yield the literals of an object from languages to texts.

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
            raise RefusalError(
                f"{quote(language)} is no language tag, such as en or pt-BR",
                Code.MALFORMED_VALUE_ERROR,
                str(language),
            )
        several = texts if type(texts) is list and texts else [texts]
        for text in several:
            if type(text) is not str:
                raise RefusalError(
                    f"{quote(text)} is no text, and a language map holds texts",
                    Code.DATA_LOSS_DETECTION_ERROR,
                    language,
                )
            yield f'"{literals.escape(text)}{suffix}'


def _typed_literal(value: Any, type_: Any, shape: Shape, active: ActiveContext) -> str:
    key = str(shape.type_key)
    if type(type_) is not str:
        raise RefusalError(
            f"{quote(type_)} is no datatype: text is", Code.DATA_LOSS_DETECTION_ERROR, key
        )
    if active.terms.expand(active, type_) == "@json":
        return _json_literal(value)
    mapping = active.mappings.get(type_)
    try:
        datatype = active.vocabulary(type_)[1:-1]
    except RefusalError as refusal:
        refusal.tokens.append(key)
        raise
    if (mapping and mapping.get("@context") is not None) or datatype in literals.SPECIAL_DATATYPES:
        raise RefusalError(
            f"{quote(type_)} cannot be used as a datatype", Code.DATA_LOSS_DETECTION_ERROR, key
        )
    if type(value) is str:
        return literals.string(value, datatype)
    return _native_literal(value, datatype, shape)


def _tagged_literal(value: Any, language: Any, shape: Shape) -> str:
    if type(language) is not str or not literals.is_language(language):
        raise RefusalError(
            f"{quote(language)} is no language tag, such as en or pt-BR",
            Code.MALFORMED_VALUE_ERROR,
            str(shape.language_key),
        )
    if type(value) is not str:
        raise RefusalError(
            "only text has a language", Code.DATA_LOSS_DETECTION_ERROR, str(shape.value_key)
        )
    return f'"{literals.escape(value)}"@{language.lower()}'


def _native_literal(value: Any, datatype: str | None, shape: Shape) -> str:
    try:
        if type(value) is bool:
            return literals.boolean(value, datatype)
        if type(value) in (int, float):
            return literals.number(value, datatype)
        raise RefusalError(f"{quote(value)} is no value: text, a number or a boolean is")
    except RefusalError as refusal:
        refusal.tokens.append(str(shape.value_key))
        raise


def _check_same_value_object(inside: Shape, outside: Shape) -> None:
    members = ("value_key", "language_key", "direction_key", "type_key")
    if any(getattr(inside, name) != getattr(outside, name) for name in members):
        raise RefusalError("the context of a type renames @value or @language; write them out")


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
        f"{type(value).__name__} is no JSON value: dict, list, str, int, float, bool are",
        Code.PARSING_ERROR,
    )
