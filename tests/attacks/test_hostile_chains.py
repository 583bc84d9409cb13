"""Chains that are hostile in ways of their own: nodes that hide what is new, that ask for fortunes,
that answer without end, and histories that are taken back after they were called settled."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta

import pytest

import chain_registry
import chains
from chain_registry import START, Chain, entries
from cityid import registry
from cityid.cli.access import opened
from cityid.errors import CityIdError, Code, InvalidInputError, RegistryError
from cityid.registry import TrustedBlock
from cityid.registry.ethereum.administration import keys_of
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.layout import Entry, admit_call, append_call
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes import rpc
from cityid.registry.ethereum.nodes.paging import paged
from cityid.registry.ethereum.nodes.wire import MAX_BYTES
from cityid.registry.ethereum.remote import nodes
from cityid.registry.ethereum.sending.slots import Work
from faults import answering, down, slow


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


# --- fortunes, and refusals that nobody else makes

GWEI = 10**9
DEAR = answering(lambda _: hex(400 * GWEI), "eth_gasPrice", "eth_maxPriorityFeePerGas")
NARROW = answering(lambda block: block and block | {"gasLimit": "0x1"}, "eth_getBlockByNumber")
THRIFTY = answering(lambda _: hex(21_000), "eth_estimateGas")
GREEDY = answering(lambda _: hex(10**12), "eth_estimateGas")


def refuses(ask, method, params):
    """Say that the contract refuses everything, for a reason of the node's own."""
    if method in {"eth_estimateGas", "eth_call"}:
        raise RpcError("reverted", failure=Failure.REVERTED, reason="owner")
    return ask(method, params)


@pytest.fixture
def clerk(town):
    """Return the town's writer, who hears the first node long before the others."""
    for node in town.nodes[1:]:
        node.faults.append(slow(0.02))
    with closing(town.open(signer=chains.key("clerk"), quorum=2)) as clerk:
        yield clerk


@pytest.mark.parametrize("others_down", [0, 1])
def test_one_liar_makes_nobody_pay_a_fortune(town, clerk, others_down):
    asked = town.sender._prices.fees()
    town.nodes[0].faults.append(DEAR)
    town.nodes[1].faults += [down] * others_down
    fees = clerk._writer._sender._prices.fees()
    assert fees.tip == asked.tip
    assert fees.price <= 2 * asked.price
    for node in town.nodes:
        node.faults.append(DEAR)
    assert town.open(signer=chains.key("clerk"), quorum=2)._writer._sender._prices.fees().tip == (
        400 * GWEI
    )


@pytest.mark.parametrize("lie", [NARROW, GREEDY, THRIFTY, refuses])
def test_one_liar_refuses_no_transaction_that_the_chain_takes(town, clerk, lie):
    town.nodes[0].faults.append(lie)
    sender = clerk._writer._sender
    call = admit_call(bytes.fromhex(chain_registry.PEOPLE[0][2:]))
    bob = town.open(signer=chains.key("bob"), quorum=2)._writer._sender
    assert bob.wait(bob.submit(town.reader.contract.address, call, key=b"bob")).block
    assert clerk.append(entries(("b", 1, b"x")))[0].version == 1
    assert sender.tend() == 0


@pytest.mark.parametrize("others_down", [0, 1])
def test_one_liar_does_not_say_why_a_contract_refused(town, clerk, others_down):
    town.nodes[0].faults.append(refuses)
    town.nodes[1].faults += [down] * others_down
    mempool, pen = clerk._writer._sender._mempool, clerk._writer._sender._pen
    late = append_call([Entry(log_id("a"), 3, b"late")])
    call = pen.call(Work(b"key", bytes.fromhex(town.reader.contract.address[2:]), late, 10**6))
    height = town.reader.chain.settled().number
    assert mempool.reason(call, height) == ("" if others_down else "version")


# --- what is in an address

SECRETS = ("hunter2", "APIKEY")
ADDRESS = "0x" + 40 * "a"


@pytest.mark.parametrize(
    "url",
    [
        "ethereum+http://ann:hunter2@127.0.0.1:1/v3/APIKEY",
        "ethereum+http://ann:hunter2@127.0.0.1:1/v3/APIKEY/0x1234",
        f"ethereum+http://ann:hunter2@127.0.0.1:1/v3/APIKEY/{ADDRESS}",
        f"ethereum+http://ann:hunter2@127.0.0.1:1/v3?key=APIKEY/{ADDRESS[:-1]}A",
        f"http://ann:hunter2@127.0.0.1:1/v3/APIKEY/{ADDRESS}",
    ],
)
def test_no_message_tells_how_one_logs_in_at_a_node(url):
    for open_ in (registry.connect, lambda url: opened(url).__enter__()):
        with pytest.raises(CityIdError) as caught:
            open_(url)
        assert not any(secret in str(caught.value) for secret in SECRETS)


@pytest.mark.parametrize(
    "other", ["http://127.0.0.1:1/", "HTTP://127.0.0.1:1", "http://a@127.0.0.1:1"]
)
def test_a_node_that_is_named_in_two_ways_does_not_agree_with_itself(other):
    with pytest.raises(InvalidInputError, match="named twice"):
        nodes(["http://127.0.0.1:1", other])
    assert len(nodes(["http://127.0.0.1:1", "http://127.0.0.1:1/other"])) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"endpoints": 5},
        {"endpoints": "http://127.0.0.1:2"},
        {"endpoints": [None]},
        {"trusted_block": 5},
        {"trusted_block": TrustedBlock(5, "0x00")},
        {"trusted_block": TrustedBlock("5", bytes(32))},
        {"quorum": "2"},
        {"confirmations": 1.5},
        {"chain_id": "1"},
    ],
)
def test_options_of_a_wrong_kind_are_refused_before_anybody_is_asked(options):
    with pytest.raises(InvalidInputError) as caught:
        registry.connect(f"ethereum+http://127.0.0.1:1/{ADDRESS}", **options)
    assert caught.value.code is Code.INVALID_OPTIONS


def answer(values):
    return b'{"jsonrpc":"2.0","id":0,"result":[' + b",".join([b"[]"] * values) + b"]}"


def test_an_answer_of_very_many_values_is_refused_before_they_are_made():
    assert len(rpc._decode(answer(200_000))["result"]) == 200_000
    content = answer(10_000_000)
    assert len(content) < MAX_BYTES
    before = time.process_time()
    with pytest.raises(RpcError, match="more than 1000000 values"):
        rpc._decode(content)
    assert time.process_time() - before < 1
