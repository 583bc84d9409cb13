"""Pictures of trees: well-formed, escaped, and nothing overlaps."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from cityid import keys, registry
from cityid.display import Branch, tree
from cityid.errors import InvalidInputError
from cityid.registry import NewEntry, RecordProof

OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def a_registry(records):
    ledger = registry.connect(
        "memory:", origin="city.example/registry", operator=OPERATOR, clock=lambda: TIME
    )
    ledger.append([NewEntry(f"did:example:{n}", 1, b"x") for n in range(records)])
    return ledger


def boxes(svg):
    """Return left, top and right of each box of a picture."""
    found = ET.fromstring(svg).iter(f"{SVG}rect")  # noqa: S314 - our own markup
    return [
        (float(r.get("x")), float(r.get("y")), float(r.get("x")) + float(r.get("width")))
        for r in found
    ]


def labels(svg):
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own markup


def test_labels_and_titles_of_strangers_are_escaped():
    hostile = "<script>&\"'\u202e"
    svg = tree(Branch(hostile, (Branch("a", title=hostile),)), caption=hostile)
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert labels(svg)[0].startswith("<script>&")


@pytest.mark.parametrize("records", [1, 2, 3, 7, 11, 64])
def test_no_box_of_a_row_touches_another_or_the_edge(records):
    svg = registry.tree_picture(list(a_registry(records).scan()))
    found = sorted(boxes(svg), key=lambda box: (box[1], box[0]))
    assert len(found) == 2 * records - 1
    assert min(left for left, _, _ in found) >= 0
    wide = float(ET.fromstring(svg).get("width"))  # noqa: S314 - our own markup
    assert max(right for _, _, right in found) <= wide
    for one, other in pairwise(found):
        assert one[1] != other[1] or one[2] < other[0]


def test_the_root_of_the_picture_is_the_root_of_the_tree():
    ledger = a_registry(11)
    root = ledger.checkpoint().root.hex()
    records = list(ledger.scan())
    for svg in (
        registry.tree_picture(records),
        registry.tree_picture(records, proven=records[6]),
        registry.prove(ledger, records[6])._repr_html_(),
    ):
        assert root in svg


@pytest.mark.parametrize("place", range(11))
def test_what_a_proof_gives_is_drawn_broken(place):
    ledger = a_registry(11)
    records = list(ledger.scan())
    proof = registry.prove(ledger, records[place])
    whole = registry.tree_picture(records, proven=records[place])
    given = re.findall(r"<g><title>([0-9a-f]{64})</title><rect[^>]*dasharray", whole)
    assert sorted(given) == sorted(node.hex() for node in proof.path)
    drawn = proof._repr_html_()
    assert all(node.hex() in drawn for node in proof.path)
    assert f">record {place + 1}</text>" in drawn
    assert "not verified yet" in drawn
    assert f"did:example:{place}" in drawn


def test_a_picture_has_one_to_64_records_and_the_proven_one_is_among_them():
    records = list(a_registry(65).scan())
    for wrong, proven in (([], None), (records, None), (records[:3], records[3])):
        with pytest.raises(InvalidInputError, match="1 to 64"):
            registry.tree_picture(wrong, proven=proven)


@pytest.mark.parametrize(
    "proof",
    [
        RecordProof(b"<b>", 0, (), "no checkpoint"),
        RecordProof(b"<b>", 5, (bytes(32),), a_registry(3).checkpoint().note),
        RecordProof(b"\xff", 2, (), a_registry(3).checkpoint().note),
    ],
)
def test_a_broken_proof_is_shown_without_a_picture(proof):
    shown = proof._repr_html_()
    assert "<svg" not in shown
    assert "<b>" not in shown
