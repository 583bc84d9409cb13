"""PyLD's own conversion to RDF: the other implementation that cityid's strict pass is held to."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

from cachetools import LRUCache
from pyld import jsonld
from pyld.context_resolver import ContextResolver

from cityid.canonical import Contexts, literals
from cityid.canonical.rdfc import Quad


class Reference:
    """PyLD under one set of contexts, with a cache of its own.

    Attributes:
        contexts: The contexts that may be used.
    """

    def __init__(self, contexts: Contexts) -> None:
        self.contexts = contexts
        self._cache: Any = LRUCache(maxsize=1000)

    def to_quads(self, document: Any) -> list[Quad]:
        """Return the statements that PyLD finds in a document."""
        options = {
            "documentLoader": self._load,
            "contextResolver": ContextResolver(self._cache, self._load),
            "rdfDirection": "i18n-datatype",
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = jsonld.JsonLdProcessor().to_rdf(copy.deepcopy(document), options)
        return list(_quads(dataset))

    def _load(self, url: str, options: Any) -> dict[str, Any]:
        del options
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": self.contexts.document(url),
            "tag": "static",
        }


def _quads(dataset: dict[str, list[dict[str, Any]]]) -> Iterator[Quad]:
    for name, triples in dataset.items():
        graph = "" if name == "@default" else name if name.startswith("_:") else f"<{name}>"
        for triple in triples:
            yield (
                _term(triple["subject"]),
                _term(triple["predicate"]),
                _term(triple["object"]),
                graph,
            )


def _term(node: dict[str, Any]) -> str:
    if node["type"] == "IRI":
        return f"<{node['value']}>"
    if node["type"] == "blank node":
        return str(node["value"])
    text = literals.escape(node["value"])
    if node.get("language"):
        return f'"{text}"@{node["language"]}'
    return f'"{text}{literals.datatype_suffix(node["datatype"])}'
