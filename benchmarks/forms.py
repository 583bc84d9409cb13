"""Canonical forms and parsing, against PyLD and the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pyld import jsonld as pyld

from benchmarks import documents
from benchmarks.measure import Row, interleaved
from cityid import CONTEXTS, strict_json
from cityid.canonical import jcs, jsonld

_OPTIONS = {
    "algorithm": "URDNA2015",
    "format": "application/n-quads",
    "processingMode": "json-ld-1.1",
}


def rdf(rounds: int) -> Iterator[Row]:
    """Measure JSON-LD to canonical RDF; PyLD has its contexts in its cache."""
    for name, document, target in (
        ("small", documents.small(), None),
        ("citizen", documents.citizen(), 25),
        ("large", documents.large(), None),
    ):
        canonical = jsonld.canonicalize(document, CONTEXTS)
        assert canonical == _normalize(document)
        times = interleaved(
            {
                "cityid": lambda document=document: jsonld.canonicalize(document, CONTEXTS),
                "PyLD normalize": lambda document=document: _normalize(document),
            },
            rounds=max(5, rounds // 4),
        )
        title = f"JSON-LD to canonical RDF, {name}: {canonical.count(chr(10))} quads"
        yield times.row(title, "cityid", "PyLD normalize", target)


def text(rounds: int) -> Iterator[Row]:
    """Measure strict parsing and canonical JSON."""
    document = documents.citizen()
    source = json.dumps(document, separators=(",", ":")).encode()
    times = interleaved(
        {
            "parse": lambda: strict_json.parse(source),
            "json.loads": lambda: json.loads(source),
            "jcs": lambda: jcs.canonicalize(document),
            "json.dumps": lambda: json.dumps(document, sort_keys=True, separators=(",", ":")),
        },
        rounds=rounds,
    )
    yield times.row(f"strict JSON parse, {len(source)} bytes", "parse", "json.loads")
    yield times.row("canonical JSON (RFC 8785)", "jcs", "json.dumps")


def _normalize(document: dict[str, Any]) -> str:
    canonical: str = pyld.normalize(document, _OPTIONS | {"documentLoader": _load})
    return canonical


_LOADED: dict[str, Any] = {}


def _load(url: str, _options: object) -> dict[str, Any]:
    if url not in _LOADED:
        _LOADED[url] = CONTEXTS.document(url)
    return {"contextUrl": None, "documentUrl": url, "document": _LOADED[url]}
