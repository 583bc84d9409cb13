"""A source that makes up records, with a Merkle tree that fits: no mirror is spoilt by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from cityid import registry
from cityid.errors import CorruptError, InvalidInputError
from cityid.registry import MerkleLeaf, Record, merkle
from cityid.registry.base import leaf_content
from cityid.registry.checkpoint import write_checkpoint

ORIGIN = "city.example/registry"
TIME = datetime(2026, 3, 14, 9, tzinfo=UTC)
AHEAD = timezone(timedelta(hours=2))


def a_record(number, **lies):
    leaf = MerkleLeaf(ORIGIN, number - 1)
    return Record("log", number, b"entry", TIME, leaf, number)._replace(**lies)


def leaf(record):
    try:
        content = leaf_content(record.log, record.version, record.data, record.recorded_at)
    except (AttributeError, TypeError):
        content = b"whatever"
    return merkle.leaf_hash(content)


def tree(records):
    """Return the root of what a liar says, and how to read the hashes below."""
    leaves = [leaf(record) for record in records]

    def node(level, index):
        chosen = leaves[index << level : (index + 1) << level]
        return merkle.Frontier().extend(chosen)[0].root()

    return merkle.Frontier().extend(leaves)[0].root(), node


def source_of(records):
    root, node = tree(records)
    stated = write_checkpoint(ORIGIN, len(records), root, time=None, operator=None)
    return SimpleNamespace(
        checkpoint=lambda: stated,
        scan=lambda after=0: iter(records[after:]),
        prove_inclusion=lambda index, size: merkle.inclusion_proof(index, size, node),
        prove_consistency=lambda old, size: merkle.consistency_proof(old, size, node),
    )


@pytest.fixture(params=["memory", "file"])
def target(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"file:{tmp_path / 'mirror'}"
    with registry.connect(url, origin=ORIGIN) as opened:
        yield opened


LIES = {
    "a time with an offset": {"recorded_at": TIME.astimezone(AHEAD)},
    "a time of another place": {"recorded_at": TIME.replace(tzinfo=AHEAD) + timedelta(days=1)},
    "a time of nowhere": {"recorded_at": TIME.replace(tzinfo=None)},
    "a time that is text": {"recorded_at": "2026-03-14T09:00:00Z"},
    "no time": {"recorded_at": None},
    "a time in no calendar": {
        "recorded_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=3)))
    },
    "a name of two lines": {"log": "a\nb"},
    "a name that is a number": {"log": 5},
    "a version that is a flag": {"version": True},
    "data that is text": {"data": "entry"},
    "no data": {"data": None},
    "data of two megabytes": {"data": bytes(2 << 20)},
}


def test_what_an_honest_source_says_is_taken_over(target):
    records = [a_record(1), a_record(2)]
    assert registry.mirror(source_of(records), target).size == 2
    assert list(target.scan()) == records
    assert registry.audit(target)


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_no_lie_is_written_however_well_its_tree_fits(target, lie):
    records = [a_record(1), a_record(2, **lie)]
    with pytest.raises(CorruptError, match="its record 2 is none"):
        registry.mirror(source_of(records), target)
    with pytest.raises(InvalidInputError):
        target.replicate(records, root=tree(records)[0])
    assert target.checkpoint().size == 0
    assert registry.audit(target)


@pytest.mark.parametrize("record", [None, ("log", 1), a_record(2)[:5], {}])
def test_what_is_no_record_is_not_written(target, record):
    records = [a_record(1), record]
    with pytest.raises(CorruptError, match="its record 2 is none"):
        registry.mirror(source_of(records), target)
    for given in (records, None, iter(records)):
        with pytest.raises(InvalidInputError):
            target.replicate(given, root=tree(records)[0])
    assert target.checkpoint().size == 0
