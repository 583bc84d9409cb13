"""The shipped contexts mean what W3C published.

The second copy of the ed25519-2020 context is not run: it is an excerpt of a specification, and
differs from the published document that has the URL.
"""

from __future__ import annotations

import json

import pytest

import vectors
from cityid import resources
from cityid.canonical.contexts import CONTEXTS

PUBLISHED = {
    url: row
    for url, row in (vectors.load("contexts", "index.json") or {}).items()
    if "#" not in url
}


@pytest.mark.parametrize(
    ("url", "row"), [vectors.case("contexts", url, row, id=url) for url, row in PUBLISHED.items()]
)
def test_a_shipped_context_equals_the_published_one(url, row):
    assert CONTEXTS.document(url) == vectors.load("contexts", row["file"])
    index = json.loads(resources.read(resources.Kind.CONTEXTS, "index.json"))
    assert index[url]["published_sha256"] in {row["sha256"], None}
