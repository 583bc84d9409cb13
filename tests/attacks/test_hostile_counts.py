"""Nodes that count transactions and blocks wrongly: nobody pays for it, and nothing is stuck."""

from __future__ import annotations

import threading

import pytest

from cityid import keys
from cityid.errors import RegistryError
from cityid.registry.ethereum.failures import RpcError
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.sending.outbox import MemoryOutbox
from cityid.registry.ethereum.sending.sender import Sender
from simulated_chain import Clock, Sent, SimulatedChain

KEY = keys.generate("secp256k1", seed=b"\7" * 32)
CONTRACT = "0x" + 40 * "1"


class Node:
    """One of several nodes of a simulated chain, with a lie of its own."""

    turn = threading.Lock()

    def __init__(self, chain, name):
        self.chain, self.name, self.lie = chain, name, None

    def request(self, method, params=()):
        with self.turn:
            answer = self.chain.request(method, params)
        return self.lie(method, params, answer) if self.lie else answer

    def batch(self, requests):
        return [self.attempt(*request) for request in requests]

    def attempt(self, method, params):
        try:
            return self.request(method, params)
        except RpcError as error:
            return error

    def close(self):
        pass


class World:
    """A chain behind some nodes, and who sends to it."""

    def __init__(self, count, quorum):
        self.clock = Clock()
        self.chain = SimulatedChain(self.clock)
        self.nodes = [Node(self.chain, f"node{place}") for place in range(count)]
        chain = connect_chain(self.nodes, quorum=quorum, confirmations=12)
        outbox = MemoryOutbox()
        self.sender = Sender(chain, KEY, outbox, clock=self.clock, sleep=self.clock.sleep)

    def submit(self, name):
        return self.sender.submit(CONTRACT, name, key=name, gas=50_000)

    def run(self, seconds):
        end = self.clock() + seconds
        while self.clock() < end:
            self.sender.tend()
            self.clock.sleep(0.5)


def counting(number, *tags):
    """Return the lie of a node that says so many transactions were sent."""

    def lie(method, params, answer):
        counted = method == "eth_getTransactionCount" and params[1] in tags
        return hex(number) if counted else answer

    return lie


def test_transactions_that_are_made_up_are_not_waited_for_at_any_price():
    world = World(1, 1)
    world.nodes[0].lie = counting(5_000, "pending")
    ticket = world.submit(b"work")
    world.nodes[0].lie = None
    began = world.clock()
    world.sender.wait(ticket)
    assert world.clock() - began < 60
    done = world.chain.done()
    assert done.count(b"work") == 1
    assert done.count(b"") <= 64


def test_transactions_of_others_with_the_key_are_waited_for():
    world = World(1, 1)
    for nonce in range(5):
        world.chain.intrude(nonce)
    world.sender.wait(world.submit(b"work"))
    assert world.chain.done() == [b"work"]


def test_a_node_that_is_far_behind_has_nothing_sent_in_vain():
    world = World(3, 2)
    for nonce in range(60):
        old = Sent(b"%32d" % nonce, nonce, 1, 1, b"", b"old")
        world.chain.blocks[-1].sent.append(old)
    for name in (b"one", b"two"):
        world.sender.wait(world.submit(name))
    world.nodes[0].lie = counting(0, "latest", "pending")
    world.chain.capacity = 0
    ticket = world.submit(b"late")
    before = world.chain.calls.count("eth_sendRawTransaction")
    world.run(200)
    assert world.chain.calls.count("eth_sendRawTransaction") - before < 500
    assert len(world.sender._lane.slots()) == 1
    world.chain.capacity = 40
    world.sender.wait(ticket)
    assert world.chain.done()[60:] == [b"one", b"two", b"late"]


def test_nonces_that_are_made_up_are_not_paid_for():
    world = World(1, 1)
    world.nodes[0].lie = counting(10_000, "latest", "pending")
    ticket = world.submit(b"work")
    world.nodes[0].lie = None
    with pytest.raises(RegistryError, match="begin a new outbox"):
        world.sender.wait(ticket)
    assert world.chain.done() == []
    (slot,) = world.sender._lane.slots()
    assert len(slot.attempts) == 1  # nor is more offered for what only waits for them


@pytest.mark.parametrize("height", [2**40, 30])
def test_a_receipt_of_a_block_that_is_not_there_stops_nothing(height):
    world = World(1, 1)

    def lie(method, _, answer):
        told = method == "eth_getTransactionReceipt" and answer
        return answer | {"blockNumber": hex(height)} if told else answer

    ticket = world.submit(b"work")
    world.nodes[0].lie = lie
    world.run(3)
    world.nodes[0].lie = None
    began = world.clock()
    receipt = world.sender.wait(ticket)
    assert world.chain.blocks[receipt.block].hash == receipt.block_hash
    assert world.clock() - began < 60
    assert world.chain.done() == [b"work"]
