"""What a call of the contract appends, read back from the call."""

from __future__ import annotations

import random

import pytest

from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.contract.calls import read_append_call
from cityid.registry.ethereum.contract.layout import MAX_PART, Entry

LOG, OTHER = bytes(range(32)), b"\xff" * 32
SIZES = [0, 1, 31, 32, 100, MAX_PART, MAX_PART + 1, 3 * MAX_PART, 50_000]


def entry(size, version=1, log=LOG):
    return Entry(log, version, random.Random(size).randbytes(size))  # noqa: S311 - test data


@pytest.mark.parametrize("size", SIZES)
def test_one_entry_is_read_back(size):
    assert read_append_call(layout.append_call([entry(size)])) == (entry(size),)


@pytest.mark.parametrize("count", [2, 3, 9])
def test_several_entries_are_read_back(count):
    entries = tuple(
        entry(SIZES[i % len(SIZES)], i + 1, log) for i in range(count) for log in (LOG, OTHER)
    )
    assert read_append_call(layout.append_call(entries)) == entries


@pytest.mark.parametrize(
    "call",
    [b"", b"\0" * 200, layout.admit_call(bytes(20)), layout.transfer_call(LOG, 1)],
)
def test_another_call_appends_nothing(call):
    assert read_append_call(call) == ()


def test_a_call_that_was_cut_ends():
    call = layout.append_call([entry(3000), entry(40, 2)])
    for end in range(4, len(call), 37):
        read_append_call(call[:end])
