"""The registry on a chain under random faults, and that the torture notices what it looks for."""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest

from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.writing import Pending
from torture import __main__ as command
from torture import chain, chain_client, chain_live
from torture.witness import BrokenPromiseError

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

PARTS = 20
EACH = command.TORTURES["chain"].short // PARTS
ASKED = range(int(os.environ.get("CITYID_CHAIN_PARTS", PARTS)))


@pytest.mark.parametrize("part", ASKED)
def test_no_fault_makes_a_wrong_answer_or_loses_or_doubles_an_entry(part, tmp_path):
    seen = sum(chain.run(part * EACH, EACH, tmp_path), Counter())
    assert seen["schedules"] == EACH
    assert seen["entries on the chain"] > 3 * EACH
    assert seen["answers that were right"] > EACH
    assert seen["processes killed"] > EACH / 4
    assert sum(count for what, count in seen.items() if what.startswith("reorgs")) > EACH / 4
    assert sum(count for what, count in seen.items() if what.startswith("nodes that")) > EACH / 2


def test_no_death_in_real_time_loses_or_doubles_an_entry(tmp_path):
    (seen,) = chain_live.run(0, command.TORTURES["chain-live"].short, tmp_path)
    assert seen["batches acknowledged"] >= chain_live.WRITERS
    assert seen["processes killed"] > 0


# --- the torture is tortured


def believing(monkeypatch, **options):
    """Let clients connect with other options than they should."""
    connect = chain_client.connect_chain
    monkeypatch.setattr(
        chain_client, "connect_chain", lambda nodes, **given: connect(nodes, **given | options)
    )


def noticed(tmp_path, count=60):
    with pytest.raises(BrokenPromiseError) as caught:
        list(chain.run(1000, count, tmp_path))
    return str(caught.value)


def test_it_notices_who_believes_one_node_that_lies(monkeypatch, tmp_path):
    believing(monkeypatch, quorum=1, trusted_block=None)
    noticed(tmp_path)


def test_it_notices_who_takes_a_block_for_settled_too_early(monkeypatch, tmp_path):
    believing(monkeypatch, confirmations=0)
    assert re.search("settled|lost", noticed(tmp_path))


def test_it_notices_who_forgets_the_last_record(monkeypatch, tmp_path):
    read = EthereumRegistry.read
    monkeypatch.setattr(EthereumRegistry, "read", lambda *given, **more: read(*given, **more)[:-1])
    assert re.search("lost|not all there|believed", noticed(tmp_path))


def test_it_notices_who_answers_with_the_records_of_others(monkeypatch, tmp_path):
    wait = Pending.wait
    monkeypatch.setattr(Pending, "wait", lambda *given: wait(*given)[::-1])
    assert "other records came back" in noticed(tmp_path)
