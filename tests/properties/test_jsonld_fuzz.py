"""Random documents: cityid means what PyLD means, or refuses; and it never raises anything else."""

import os

import pytest

import jsonld_fuzz

DOCUMENTS = int(os.environ.get("CITYID_FUZZ_DOCUMENTS", "20000"))
SHARDS = 8


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_handled_documents_mean_what_pyld_says(shard):
    tally = jsonld_fuzz.run(shard, DOCUMENTS // SHARDS)

    assert tally.faults == []
    assert tally.handled + tally.refused == DOCUMENTS // SHARDS
    assert tally.handled > tally.refused / 2, "the generator writes too few valid documents"


def test_the_comparison_can_fail(monkeypatch):
    monkeypatch.setattr(jsonld_fuzz, "to_quads", lambda *_: [])

    assert jsonld_fuzz.run(0, jsonld_fuzz.BATCH).faults
