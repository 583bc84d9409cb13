"""What is asked of a schema before it is run: that its work is bounded and needs no network.

A schema is read as a tree. `$ref` may lead to any place in the schemas at hand, never outside and
never back to where it came from; unfolded, the tree has a bounded number of nodes.

Spec:
    https://json-schema.org/draft/2020-12/json-schema-core#name-schema-references
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin

from cityid import pointer
from cityid.errors import Code, InvalidInputError, quote
from cityid.schema.patterns import bounded
from cityid.strict_json import JSONObject

MOST_NODES = 5000
"""The most nodes of a schema, every `$ref` unfolded."""
_LONGEST_CHAIN = 150
_MOST_SCHEMAS = 50
_MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
_DATA = frozenset({"const", "enum", "default", "examples"})
_NOT_READ = frozenset({"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"})
_READ_TWICE = frozenset({"unevaluatedItems", "unevaluatedProperties"})

Place = tuple[str, str]
"""A node: the URL of the schema, and the JSON Pointer in it."""


@dataclass(slots=True)
class _Node:
    children: list[Place] = field(default_factory=list)
    reference: str | None = None
    weight: int = 1


@dataclass(slots=True)
class _Tree:
    """Every node of the schemas that one schema leads to."""

    nodes: dict[Place, _Node] = field(default_factory=dict)
    anchors: dict[Place, Place] = field(default_factory=dict)
    documents: dict[str, JSONObject] = field(default_factory=dict)


def bounded_schemas(
    url: str, document: Callable[[str], JSONObject | None]
) -> Mapping[str, JSONObject]:
    """Return a schema and all schemas it refers to, each pattern written for Python.

    Args:
        url: The schema's URL.
        document: Gives the schema of a URL, None where there is none at hand.

    Raises:
        InvalidInputError: A `$ref` leads outside of the schemas at hand (SCHEMA_NOT_ALLOWED); the
            schema is recursive, too large, holds a pattern with too many ways to match, or a
            keyword that cityid does not read (SCHEMA_TOO_COMPLEX).
    """
    tree = _Tree()
    _Walk(tree, url, document).read()
    _unfolded(tree, (url, ""), {}, ())
    return tree.documents


class _Walk:
    def __init__(self, tree: _Tree, url: str, document: Callable[[str], JSONObject | None]) -> None:
        self.tree = tree
        self.url = url
        self.document = document

    def read(self) -> None:
        document = self.document(self.url)
        if document is None:
            raise InvalidInputError(
                f"a $ref leads to {quote(self.url, 200)}, which is not among the schemas at hand; "
                "add it with with_schema, nothing is fetched",
                code=Code.SCHEMA_NOT_ALLOWED,
            )
        self.tree.documents[self.url] = self._schema(document, "")
        for place in [place for place in self.tree.nodes if place[0] == self.url]:
            node = self.tree.nodes[place]
            if node.reference is not None:
                node.children.append(self._target(node.reference))

    def _target(self, reference: str) -> Place:
        url, fragment = _resolved(self.url, reference)
        if url not in self.tree.documents:
            if len(self.tree.documents) == _MOST_SCHEMAS:
                raise _too_complex(f"more than {_MOST_SCHEMAS} schemas refer to each other", "")
            _Walk(self.tree, url, self.document).read()
        place = self.tree.anchors.get((url, fragment), (url, fragment))
        if place not in self.tree.nodes:
            raise InvalidInputError(
                f"the $ref {quote(reference, 200)} leads to no schema",
                code=Code.SCHEMA_NOT_ALLOWED,
            )
        return place

    def _schema(self, schema: JSONObject, path: str) -> JSONObject:
        node = self.tree.nodes[self.url, path] = _Node()
        self._keywords(schema, path, node)
        written: JSONObject = {}
        for keyword, value in schema.items():
            place = pointer.join(path, keyword)
            if keyword == "pattern" and isinstance(value, str):
                written[keyword] = bounded(value, path=place)
            elif keyword in _MAPS and isinstance(value, dict):
                written[keyword] = dict(self._map(keyword, value, place, node))
            elif keyword in _DATA:
                written[keyword] = value
            else:
                written[keyword] = self._value(value, place, node)
        return written

    def _keywords(self, schema: JSONObject, path: str, node: _Node) -> None:
        for keyword in sorted(_NOT_READ & schema.keys()):
            raise _too_complex(f"{keyword} is not read", path)
        if path and isinstance(schema.get("$id"), str):
            raise _too_complex("a schema inside a schema with its own $id is not read", path)
        reference, anchor = schema.get("$ref"), schema.get("$anchor")
        node.reference = reference if isinstance(reference, str) else None
        if isinstance(anchor, str):
            self.tree.anchors[self.url, anchor] = (self.url, path)
        if _READ_TWICE & schema.keys():
            node.weight = 2

    def _map(
        self, keyword: str, schemas: JSONObject, path: str, node: _Node
    ) -> Iterator[tuple[str, Any]]:
        for name, value in schemas.items():
            place = pointer.join(path, name)
            written = bounded(name, path=place) if keyword == "patternProperties" else name
            yield written, self._value(value, place, node)

    def _value(self, value: Any, path: str, node: _Node) -> Any:
        if isinstance(value, dict):
            node.children.append((self.url, path))
            return self._schema(value, path)
        if isinstance(value, bool):
            self.tree.nodes[self.url, path] = _Node()
        if isinstance(value, list):
            return [
                self._value(one, pointer.join(path, number), node)
                for number, one in enumerate(value)
            ]
        return value


def _resolved(base: str, reference: str) -> tuple[str, str]:
    """Return the URL and the fragment that a `$ref` names."""
    try:
        url, _, fragment = reference.partition("#")
        return (urljoin(base, url) if url else base), unquote(fragment)
    except ValueError as error:
        raise InvalidInputError(
            f"the $ref {quote(reference, 200)} is no URL", code=Code.SCHEMA_NOT_ALLOWED
        ) from error


def _unfolded(tree: _Tree, place: Place, known: dict[Place, int], chain: tuple[Place, ...]) -> int:
    """Return how many nodes a node has, every `$ref` unfolded."""
    if place in chain:
        raise _too_complex("a $ref leads back to itself; recursive schemas are not read", place[1])
    if len(chain) > _LONGEST_CHAIN:
        raise _too_complex("the chain of $ref is too long", place[1])
    if place not in known:
        node = tree.nodes[place]
        below = sum(_unfolded(tree, child, known, (*chain, place)) for child in node.children)
        known[place] = 1 + node.weight * below
        if known[place] > MOST_NODES:
            raise _too_complex(f"the schema has more than {MOST_NODES} nodes", place[1])
    return known[place]


def _too_complex(what: str, path: str) -> InvalidInputError:
    return InvalidInputError(what, code=Code.SCHEMA_TOO_COMPLEX, path=path)
