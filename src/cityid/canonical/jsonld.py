"""JSON-LD to RDF in one strict pass: every member becomes a statement, or the document is refused.

General JSON-LD drops what it does not understand: undefined terms, relative IRIs, null. What is
dropped is not signed, so an attacker may add or change it. Here such a document has no canonical
form. Refused with a JSON Pointer are: undefined terms, types and datatypes; relative or malformed
IRIs and language tags; null and empty arrays; arrays inside arrays (but in lists); numbers that
processors write differently or not exactly; a null context in a document; ``validUntil`` and its
kind, and ``id``, under any other name (`reserved`); and the keywords
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

from collections.abc import Mapping
from typing import Any

from cityid.canonical import literals, rdfc, values
from cityid.canonical.claims import Claim, Coercion, Container, Opening, Reading, Shape
from cityid.canonical.contexts import Contexts
from cityid.canonical.rdfc import HashName, Quad
from cityid.canonical.refusal import RefusalError
from cityid.canonical.terms import ActiveContext, Terms
from cityid.errors import Code, InvalidInputError, quote

_DEEPEST = 64
_MOST_DEFINITIONS = 200_000
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

    __slots__ = ("blank_nodes", "most_spent", "quads", "root", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.quads: list[Quad] = []
        self.blank_nodes = 0
        self.root = ""
        self.most_spent = terms.spent.size + _MOST_DEFINITIONS

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
            raise RefusalError("nodes lie too deep in each other", code=Code.TOO_DEEP)
        keys = tuple(element)
        opening = claim.openings.get(keys) if claim is not None else None
        if opening is None:
            opening = self.open(element, keys, context, claim)
        reading = opening.untyped
        shape = reading.shape
        if shape.value_key is not None:
            return values.literal(element, reading, claim)
        if shape.type_key is not None:
            types = element[shape.type_key]
            known = opening.typed.get(types) if type(types) is str else None
            reading = known or self.typed(types, opening, keys)
            shape = reading.shape
        if shape.refused is not None:
            refused = shape.refused
            raise RefusalError(refused.refusal, refused.key)
        if shape.id_key is None:
            subject = self.blank_node()
        else:
            subject = self.subject(element[shape.id_key], reading, claim)
        self.state(subject, reading, element, graph, depth)
        return subject

    def state(
        self, subject: str, reading: Reading, element: dict[str, Any], graph: str, depth: int
    ) -> None:
        """Add the statements about one node."""
        add = self.quads.append
        for term in reading.types:
            add((subject, _TYPE, term, graph))
        for claim in reading.shape.claims:
            value = element[claim.key]
            kind = type(value)
            try:
                if kind is str and claim.plain:
                    if not value.isprintable() or '"' in value or "\\" in value:
                        value = literals.escape(value)
                    add((subject, claim.predicate, f'"{value}{claim.suffix}', graph))
                elif claim.single and kind is not list:
                    if kind is dict:
                        term = self.node(value, claim.context, claim, graph, depth + 1)
                    else:
                        term = values.term(value, claim)
                    add((subject, claim.predicate, term, graph))
                else:
                    self.values(subject, claim, value, graph, depth)
            except RefusalError as refusal:
                refusal.tokens.append(claim.key)
                raise

    # --- where a node begins

    def open(
        self,
        element: dict[str, Any],
        keys: tuple[Any, ...],
        context: ActiveContext,
        claim: Claim | None,
    ) -> Opening:
        """Return where an object begins, and remember it unless it has a context of its own.

        Spec:
            https://www.w3.org/TR/json-ld11-api/#expansion-algorithm (steps 7 to 9)
        """
        active = context
        if context.previous is not None and not context.shape(keys).keeps_scope:
            active = context.previous
        if claim is not None and claim.scoped:
            active = active.scoped(context, claim.key, by_type=False)
        if "@context" in element:
            try:
                active = active.local(element["@context"])
            except RefusalError as refusal:
                refusal.tokens.append("@context")
                raise
        opening = active.opening(keys)
        if context.previous is not None:
            _check_same_value_object(context.shape(keys), opening.untyped.shape)
        if claim is not None and "@context" not in element:
            claim.openings[keys] = opening
            self.terms.remember(sum(map(len, keys)))
        self.check_spent()
        return opening

    def check_spent(self) -> None:
        """Stop where the document makes too many contexts out of each other."""
        if self.terms.spent.size > self.most_spent:
            raise RefusalError(
                "the document has too many contexts inside", code=Code.COMPLEXITY_LIMIT_EXCEEDED
            )

    def typed(self, value: Any, opening: Opening, keys: tuple[Any, ...]) -> Reading:
        """Return how a node is read whose ``@type`` is `value`."""
        key = str(opening.untyped.shape.type_key)
        if type(value) is not str and (type(value) is not list or not value):
            raise _type_refusal(value, key)
        types = (value,) if type(value) is str else tuple(value)
        remembered = value if type(value) is str else types
        try:
            reading = opening.typed.get(remembered)
        except TypeError as error:  # an object or array among the types
            raise _type_refusal(value, key) from error
        if reading is None:
            try:
                reading = opening.untyped.context.of_types(types, keys)
            except RefusalError as refusal:
                refusal.tokens.append(key)
                raise
            opening.typed[remembered] = reading
            self.terms.remember(sum(map(len, types)))
            self.check_spent()
        return reading

    def subject(self, value: Any, reading: Reading, claim: Claim | None) -> str:
        """Return the term of a node that has an ``@id``."""
        key = str(reading.shape.id_key)
        unlinked = claim is None or claim.container is Container.GRAPH
        if unlinked and not reading.types and not reading.shape.claims:
            raise RefusalError(
                "nothing is said of this node, so its id would not be signed",
                key,
            )
        try:
            term = values.iri(reading.context, value)
        except RefusalError as refusal:
            refusal.tokens.append(key)
            raise
        if claim is None:
            self.root = term
        elif term == self.root and (reading.types or reading.shape.claims):
            raise RefusalError(
                "what is said of the document itself is said at its top, where readers look for it",
                key,
            )
        return term

    # --- values

    def values(self, subject: str, claim: Claim, value: Any, graph: str, depth: int) -> None:
        """Add the statements of one property, whatever its JSON value is."""
        add = self.quads.append
        if claim.coercion is Coercion.JSON:
            add((subject, claim.predicate, values.json_literal(value), graph))
        elif claim.container is Container.LIST:
            items = value if type(value) is list else [value]
            add((subject, claim.predicate, self.list_(items, claim, graph, depth), graph))
        elif claim.container is Container.LANGUAGE and type(value) is dict:
            for literal in values.language_map(value, claim):
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
        if claim.container is Container.GRAPH:
            return self.graph(value, claim, depth)
        if type(value) is dict:
            return self.node(value, claim.context, claim, graph, depth + 1)
        return values.term(value, claim)

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
            raise RefusalError("lists lie too deep in each other", code=Code.TOO_DEEP)
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


def _check_same_value_object(inside: Shape, outside: Shape) -> None:
    members = ("value_key", "language_key", "direction_key")
    if inside.value_key is not None and any(
        getattr(inside, name) != getattr(outside, name) for name in members
    ):
        raise RefusalError("the context of a type renames @value or @language; write them out")


def _type_refusal(value: Any, key: str) -> RefusalError:
    return RefusalError(
        f"{quote(value)} is no type: text, or an array of texts, is",
        key,
    )
