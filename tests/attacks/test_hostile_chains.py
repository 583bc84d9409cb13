"""Chains that are hostile in ways of their own: nodes that hide what is new, that ask for fortunes,
that answer without end, and histories that are taken back after they were called settled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chain_registry import START, Chain, entries
from cityid.errors import Code, RegistryError
from cityid.registry.ethereum.administration import keys_of
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.paging import paged
from faults import answering, down


@pytest.fixture
def town():
    """Return a registry behind three nodes of which two must agree, written to for a day."""
    town = Chain(nodes=3, quorum=2)
    for version in range(1, 7):
        town.sender.block_clock = lambda version=version: START + timedelta(hours=4 * version)
        town.clerk.append(entries(("a", version, b"%d" % version)))
    yield town
    town.close()


# --- what is new is hidden


def hiding(depth):
    """Return the lie of a node that calls a block of old its last: a true one, which all know."""

    def lie(ask, method, params):
        if method == "eth_getBlockByNumber" and params[0] in {"latest", "finalized"}:
            last = int(ask(method, ["latest", False])["number"], 16)
            return ask(method, [hex(max(0, last - depth)), False])
        return ask(method, params)

    return lie


@pytest.mark.parametrize("depth", [3, 5, 1000])
def test_one_liar_hides_nothing_while_another_node_is_down(town, depth):
    town.nodes[0].faults.append(down)
    town.nodes[1].faults.append(hiding(depth))
    for ask in (town.reader.head, town.reader.read):
        with pytest.raises(RegistryError, match="too few nodes answer") as caught:
            ask("a")
        assert caught.value.code is Code.REGISTRY_UNDETERMINED
    with pytest.raises(RegistryError, match="too few nodes answer"):
        list(town.reader.scan())


@pytest.mark.parametrize("seat", range(3))
def test_one_liar_hides_nothing_while_two_nodes_answer(town, seat):
    town.nodes[seat].faults.append(hiding(1000))
    assert town.reader.head("a").version == 6


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_node_that_is_a_little_behind_is_believed_while_another_is_down(town, depth):
    town.nodes[0].faults.append(down)
    town.nodes[1].faults.append(hiding(depth))
    assert town.reader.head("a").version == 6 - depth


# --- numbers that fit nowhere


def writers(number):
    """Return the lie of a node that says who wrote: a number, or one that the contract has not."""

    def lie(logs):
        for log in logs:
            place = int(log["topics"][3], 16) & ~(0xFFFFFFFF << 160) | number << 160
            log["topics"][3] = f"0x{place:064x}"
        return logs

    return answering(lie, "eth_getLogs")


@pytest.mark.parametrize("number", [2, 2**24 - 1, 2**24, 2**32 - 1])
def test_a_writer_whom_no_contract_has_is_a_lie_like_others(town, number):
    for node in town.nodes:
        node.faults.append(writers(number))
    for ask in (town.reader.checkpoint, lambda: list(town.reader.scan())):
        with pytest.raises(RpcError, match="malformed"):
            ask()
    for node in town.nodes:
        node.faults[:] = [writers(1)]
    assert town.reader.checkpoint().size == 6


def test_a_key_that_is_no_address_is_a_lie(town):
    contract = town.reader.contract
    assert keys_of(contract, 1).key == town.sender.address
    for node in town.nodes:
        node.faults.append(answering(lambda _: "0x" + 64 * "f", "eth_getStorageAt"))
    with pytest.raises(RpcError, match="an address that is none"):
        keys_of(contract, 1)


# --- answers without end


class Slow:
    """A node that looks through few blocks at once, each time a little late."""

    name = "slow"

    def __init__(self, most, seconds=0.0):
        self.most, self.seconds, self.now, self.asked = most, seconds, 0.0, 0

    def clock(self):
        return self.now

    def logs(self, address, topics, first, last):
        del address, topics
        self.asked += 1
        self.now += self.seconds
        if last - first >= self.most(first):
            raise RpcError("more than 10000 results", failure=Failure.RANGE_TOO_LARGE)
        return ()

    def paged(self, last):
        return paged(self, "0x" + 40 * "1", (), 0, last, clock=self.clock)


def test_a_node_that_is_always_a_little_late_is_given_up():
    node = Slow(lambda _: 1, seconds=9.0)
    with pytest.raises(RpcError, match="takes too long") as caught:
        node.paged(10_000)
    assert caught.value.failure is Failure.TIMEOUT
    assert node.now < 400
    assert Slow(lambda _: 1, seconds=0.01).paged(10_000) == ()


def test_a_few_full_blocks_do_not_make_all_later_parts_small():
    node = Slow(lambda first: 1 if first < 50 else 10**9)
    assert node.paged(10_000_000) == ()
    assert node.asked < 500
