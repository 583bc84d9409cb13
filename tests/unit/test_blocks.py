"""Pictures of chains: every entry and link is drawn, and no stranger's text becomes markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest

from cityid import display, registry
from cityid.display import Block, Item
from cityid.display.blocks import MAX_BLOCKS
from cityid.errors import InvalidInputError
from cityid.registry import BlockEntry, MerkleLeaf, Record

CHAIN = [
    Block("7", (Item("a", "v1"), Item("b", "v1"))),
    Block("8", (Item("a", "v2", "the second"), Item("a", "v3"))),
    Block("9", (Item("a", "v4"),), "0xabc"),
]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own picture


def test_each_block_log_and_entry_is_there():
    svg = display.blocks(CHAIN, caption="three blocks")
    assert texts(svg) == ["7", "8", "9", "a", "v1", "v2 … v3", "v4", "b", "v1"]
    assert svg.count("<path") == 2 * (2 + 2)
    assert "the second; v3" in svg
    assert "0xabc" in svg
    assert 'aria-label="three blocks"' in svg


def test_no_text_becomes_markup():
    evil = "<script>\u202e"
    svg = display.blocks([Block(evil, (Item(evil, evil, evil),), evil)], caption=evil)
    assert "<script" not in svg
    assert "\u202e" not in svg
    ET.fromstring(svg)  # noqa: S314 - our own picture


def test_of_many_blocks_the_last_are_drawn():
    many = [Block(str(n), (Item("a", f"v{n}"),)) for n in range(100)]
    drawn = texts(display.blocks(many, caption="many"))
    assert len(drawn) == 2 * MAX_BLOCKS + 1
    assert drawn[0] == "68"
    assert texts(display.blocks([], caption="none")) == []


def a_record(log, version, block, sequence):
    evidence = BlockEntry(1337, "0x" + "ab" * 20, block, f"0x{block:064x}", "0x", sequence)
    return Record(log, version, b"x", datetime(2027, 3, 14, tzinfo=UTC), evidence, sequence)


def test_records_on_a_chain_are_drawn_in_their_blocks():
    records = [a_record("a", 1, 10, 1), a_record("b", 1, 9, 2), a_record("a", 2, 12, 3)]
    elsewhere = records[0]._replace(evidence=MerkleLeaf("file", 0))
    svg = registry.chain_picture([*records, elsewhere])
    assert texts(svg) == ["9", "10", "12", "b", "v1", "a", "v1", "v2"]
    assert "3 entries in 3 blocks" in svg
    assert f"block 12 0x{12:064x}" in svg
    assert "a version 2, 2027-03-14T00:00:00.000000Z, record 3" in svg
    with pytest.raises(InvalidInputError, match="at least one"):
        registry.chain_picture([elsewhere])
