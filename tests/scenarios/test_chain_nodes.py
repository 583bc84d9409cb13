"""The chains that the tests run on are what they say, and end with the tests."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress

import pytest

import chains
import faults
import proxies
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.rpc import http_endpoint
from cityid.registry.ethereum.sending.transactions import address

_ADDRESS = "0x" + "11" * 20


def _gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_chain_in_the_process_mines_and_pays():
    chain = chains.in_process()
    before = int(chain.endpoint().request("eth_blockNumber"), 16)
    chain.fund(_ADDRESS, 7)
    chain.mine(3)
    assert int(chain.endpoint().request("eth_blockNumber"), 16) == before + 4
    assert chain.endpoint().request("eth_getBalance", [_ADDRESS, "latest"]) == "0x7"


@pytest.mark.anvil
def test_a_node_ends_with_its_block_even_when_the_test_fails():
    pids = []
    with suppress(ZeroDivisionError), chains.anvil() as node:
        pids.append(node.pid)
        assert not _gone(node.pid)
        raise ZeroDivisionError
    assert [_gone(pid) for pid in pids] == [True]


@pytest.mark.anvil
def test_a_node_has_the_rules_that_were_asked_for():
    with chains.anvil(block_time=None, gas_limit=9_000_000, hardfork="london", chain_id=77) as node:
        endpoint = node.endpoint()
        assert endpoint.request("eth_chainId") == hex(77)
        assert int(node.last_block()["gasLimit"], 16) == 9_000_000
        assert "withdrawalsRoot" not in node.last_block()
        assert node.height() == 0
        node.mine(5, at=2_000_000_000, step=3)
        assert (node.height(), node.time()) == (5, 2_000_000_012)
        final = endpoint.request("eth_getBlockByNumber", ["finalized", False])
        assert int(final["number"], 16) == 3


@pytest.mark.anvil
def test_a_node_mines_by_itself_every_second():
    with chains.anvil() as node:
        until = time.monotonic() + 10
        while node.height() < 2:
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.mark.anvil
def test_a_reorg_replaces_blocks():
    with chains.anvil(block_time=None) as node:
        node.mine(20)
        ask = [("eth_getBlockByNumber", [hex(number), False]) for number in range(20)]
        before = [block["hash"] for block in node.control.batch(ask)]
        node.reorg(12)
        after = [block["hash"] for block in node.control.batch(ask)]
        assert node.height() == 21
        assert [number for number in range(20) if before[number] != after[number]] == list(
            range(9, 20)
        )
        remembered = node.snapshot()
        node.fund(address(chains.key("a").public_key), 5)
        node.revert(remembered)
        assert node.height() == 21


@pytest.mark.anvil
def test_faults_come_and_go():
    with chains.anvil(block_time=None) as node:
        node.mine(9)
        faulty = faults.FaultyNode(node.endpoint(), "north")
        for fault in (faults.down, faults.timing_out, faults.rate_limited, faults.garbled):
            with faulty.ailing(fault), pytest.raises(RpcError):
                faulty.request("eth_chainId")
        with faulty.ailing(faults.on_chain(5)):
            assert faulty.batch([("eth_chainId", []), ("eth_blockNumber", [])]) == ["0x5", "0x9"]
        with faulty.ailing(faults.only(faults.down, "eth_chainId")):
            refused, height = faulty.batch([("eth_chainId", []), ("eth_blockNumber", [])])
            assert (refused.failure, height) == (Failure.UNREACHABLE, "0x9")
        assert faulty.request("eth_blockNumber") == "0x9"
        assert faulty.asked["eth_chainId"] == 6


@pytest.mark.anvil
def test_a_stale_node_knows_nothing_newer():
    with chains.anvil(block_time=None) as node:
        node.mine(3)
        node.fund(_ADDRESS, 5)
        node.mine(4)
        faulty = faults.FaultyNode(node.endpoint())
        asked = [
            ("eth_blockNumber", []),
            ("eth_getBlockByNumber", ["0x3", False]),
            ("eth_getBlockByNumber", ["0x4", False]),
            ("eth_getBlockByNumber", ["finalized", False]),
            ("eth_getBalance", [_ADDRESS, "0x4"]),
            ("eth_getLogs", [{"fromBlock": "0x4", "toBlock": "latest"}]),
        ]
        with faulty.ailing(faults.stale(3)):
            height, three, four, final, balance, logs = faulty.batch(asked)
        assert (height, three["number"], four, final["number"], logs) == (
            "0x3", "0x3", None, "0x1", [],
        )  # fmt: skip
        assert isinstance(balance, RpcError)


@pytest.mark.anvil
@pytest.mark.parametrize(
    ("deed", "failure"),
    [
        ("refuse", Failure.UNREACHABLE),
        ("limit", Failure.RATE_LIMITED),
        ("hang", Failure.TIMEOUT),
        ("drip", Failure.TIMEOUT),
        ("cut", Failure.UNREACHABLE),
        ("lose", Failure.UNREACHABLE),
        ("garbage", Failure.MALFORMED),
        ("nest", Failure.MALFORMED),
        ("redirect", Failure.OTHER),
    ],
)
def test_what_a_wire_can_do_to_an_answer(deed, failure):
    with chains.anvil(block_time=None) as node, proxies.proxy(node.url) as between:
        between.seconds = 5
        with closing(http_endpoint(between.url, timeout=0.3, attempts=1)) as endpoint:
            assert endpoint.request("eth_blockNumber") == "0x0"
            between.deed = deed
            with pytest.raises(RpcError) as caught:
                endpoint.request("evm_mine")
            assert caught.value.failure is failure
            between.deed = "pass"
            height = endpoint.request("eth_blockNumber")
    assert (height != "0x0") == (deed in {"lose", "cut", "drip"})
