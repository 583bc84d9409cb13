"""The contexts of the JSON-LD test suite: handled exactly as PyLD does, or refused.

cityid has no expansion API. So each input of the expansion tests is turned into statements; the
outputs of the suite, which keep what statements have no room for, are not compared.
"""

from typing import Any

import pytest

import vectors
from cityid.canonical import CONTEXTS, rdfc
from cityid.canonical.jsonld import to_quads
from cityid.errors import CityIdError
from pyld_reference import Reference

FOLDER = "json-ld-api"
HANDLED = 117


def inputs() -> dict[str, str]:
    manifest = vectors.load(FOLDER, "expand-manifest.jsonld") or {"sequence": []}
    return {
        entry["@id"]: entry["input"]
        for entry in manifest["sequence"]
        if entry.get("option", {}).get("specVersion") != "json-ld-1.0"
        and entry["input"].endswith(".jsonld")
    }


def handled(file: str) -> str | None:
    """Return the canonical form of an input; None where it is refused."""
    document: Any = vectors.load(FOLDER, file)
    try:
        quads = to_quads(document, CONTEXTS)
    except CityIdError:
        return None
    return rdfc.canonicalize(quads)


@pytest.mark.parametrize(
    "file", [vectors.case(FOLDER, file, id=name) for name, file in inputs().items()]
)
def test_an_input_is_refused_or_means_what_pyld_says(file):
    canonical = handled(file)

    if canonical is not None:
        expected = Reference(CONTEXTS).to_quads(vectors.load(FOLDER, file))
        assert canonical == rdfc.canonicalize(expected)


@pytest.mark.parametrize("files", [list(inputs().values())] if inputs() else [])
def test_exactly_so_many_inputs_are_handled(files):
    assert sum(handled(file) is not None for file in files) == HANDLED
