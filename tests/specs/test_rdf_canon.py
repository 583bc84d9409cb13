"""RDF Dataset Canonicalization: every case of the W3C test suite."""

import time
from typing import Any

import pytest

import nquads
import vectors
from cityid.canonical import rdfc
from cityid.errors import Code, InvalidInputError

FOLDER = "rdf-canon"


def cases(kind: str) -> list[Any]:
    manifest = vectors.load(FOLDER, "manifest.jsonld") or {"entries": []}
    return [
        vectors.case(FOLDER, entry, id=entry["id"])
        for entry in manifest["entries"]
        if entry["type"] == f"rdfc:{kind}"
    ]


def canonicalize(entry: dict[str, Any]) -> tuple[str, dict[str, str]]:
    hash_name = "sha384" if entry.get("hashAlgorithm") == "SHA384" else "sha256"
    text = (vectors.ROOT / FOLDER / entry["action"]).read_text(encoding="utf-8")
    return rdfc.issue(nquads.parse(text), hash_name=hash_name)


@pytest.mark.parametrize("entry", cases("RDFC10EvalTest"))
def test_the_canonical_form_is_equal_byte_for_byte(entry):
    canonical, _ = canonicalize(entry)

    expected = (vectors.ROOT / FOLDER / entry["result"]).read_bytes()
    assert canonical.encode() == expected


@pytest.mark.parametrize("entry", cases("RDFC10MapTest"))
def test_the_issued_labels_are_equal(entry):
    _, issued = canonicalize(entry)

    labels = {old.removeprefix("_:"): new.removeprefix("_:") for old, new in issued.items()}
    assert labels == vectors.load(FOLDER, entry["result"])


@pytest.mark.parametrize("entry", cases("RDFC10NegativeEvalTest"))
def test_a_poison_graph_stops_at_the_work_limit(entry):
    begin = time.process_time()

    with pytest.raises(InvalidInputError) as caught:
        canonicalize(entry)

    assert caught.value.code is Code.COMPLEXITY_LIMIT_EXCEEDED
    assert time.process_time() - begin < 0.5
