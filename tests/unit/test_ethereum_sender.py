"""The sender against a chain in simulated time that drops, reorders, doubles, forgets and dies."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import simulated_chain as simulation
from cityid import keys
from cityid.errors import (
    Code,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry.ethereum.failures import Failure, classify
from cityid.registry.ethereum.hashing import read_address
from cityid.registry.ethereum.nodes.chain import TrustedBlock, connect_chain
from cityid.registry.ethereum.sending import chorus, tending
from cityid.registry.ethereum.sending.combiner import Combiner
from cityid.registry.ethereum.sending.sender import (
    Call,
    FeePolicy,
    FileOutbox,
    MemoryOutbox,
    Receipt,
    RevertedError,
    Sender,
    Ticket,
)
from cityid.registry.ethereum.sending.transactions import created_address
from simulated_chain import Clock, SimulatedChain

KEY = keys.generate("secp256k1", seed=b"\7" * 32)
CONTRACT = "0x" + 40 * "1"
CONFIRMATIONS = 12


class World:
    """A chain, and a sender that can die and come back."""

    def __init__(self, outbox=None, **options):
        self.clock = Clock()
        self.node = SimulatedChain(self.clock, **options)
        self.outbox = outbox or MemoryOutbox()
        self.fees = FeePolicy()
        self.begin()

    def begin(self):
        chain = connect_chain([self.node], confirmations=CONFIRMATIONS)
        self.sender = Sender(
            chain, KEY, self.outbox, fees=self.fees, clock=self.clock, sleep=self.clock.sleep
        )

    def submit(self, name, gas=50_000):
        return self.sender.submit(CONTRACT, name, key=name[:64], gas=gas)

    def run(self, seconds):
        end = self.clock() + seconds
        while self.clock() < end:
            self.sender.tend()
            self.clock.sleep(0.5)


def refusing(words):
    def refuse(method):
        if method == "eth_sendRawTransaction":
            raise classify(-32000, words, None, "simulated")

    return refuse


class Other:
    """The same node by another name."""

    name = "other"

    def __init__(self, node):
        self.node = node

    def request(self, method, params=()):
        return self.node.request(method, params)

    def batch(self, requests):
        return [self.answer(*request) for request in requests]

    def answer(self, method, params):
        return self.node.batch([(method, params)])[0]

    def close(self):
        pass


class Liar(Other):
    """Says that everything is long done, in blocks that there are not."""

    name = "liar"

    def answer(self, method, params):
        if method == "eth_getTransactionCount":
            return hex(10**6)
        if method == "eth_getTransactionReceipt":
            return {
                "transactionHash": params[0],
                "blockNumber": "0x1",
                "blockHash": "0x" + 64 * "1",
                "status": "0x0",
                "gasUsed": "0x1",
            }
        if method == "eth_sendRawTransaction":
            return "0x" + 64 * "1"
        return super().answer(method, params)


class Slow(Other):
    """Answers when it is let."""

    name = "slow"

    def __init__(self, node, gate):
        super().__init__(node)
        self.gate = gate
        self.asked = 0

    def batch(self, requests):
        self.asked += 1
        assert self.gate.wait(60)
        return super().batch(requests)


def test_work_is_done_once_it_is_settled():
    world = World()
    ticket = world.submit(b"work")
    assert world.sender.receipt(ticket) is None
    receipt = world.sender.wait(ticket)
    assert receipt == world.sender.receipt(Ticket(b"work"))
    assert world.node.blocks[receipt.block].hash == receipt.block_hash
    assert receipt.block <= len(world.node.blocks) - 1 - CONFIRMATIONS
    assert receipt.contract is None
    assert world.node.done() == [b"work"]
    assert world.sender.tend() == 0


def test_many_are_on_their_way_at_once_and_in_order():
    world = World()
    names = [b"work %d" % number for number in range(300)]
    tickets = world.sender.submit_many([Call(CONTRACT, one, one, 50_000) for one in names])
    for ticket in tickets:
        world.sender.wait(ticket)
    assert world.node.done() == names


def test_the_same_work_is_done_once_however_often_it_is_asked_for(tmp_path):
    world = World(FileOutbox(tmp_path / "outbox"))
    first = world.submit(b"work")
    assert world.submit(b"work") == first
    world.begin()
    assert world.submit(b"work") == first
    receipt = world.sender.wait(first)
    assert world.sender.wait(world.submit(b"work")) == receipt
    world.begin()
    assert world.sender.submit(CONTRACT, b"work", key=b"work") == first
    assert world.node.calls.count("eth_estimateGas") == 0
    assert world.node.done() == [b"work"]


def test_a_key_stands_for_one_piece_of_work():
    world = World()
    world.submit(b"work")
    for to, data in ((CONTRACT, b"other"), (None, b"work"), ("0x" + 40 * "2", b"work")):
        with pytest.raises(InvalidInputError, match="used for other work") as refused:
            world.sender.submit(to, data, key=b"work", gas=60_000)
        assert refused.value.code is Code.INVALID_OPTIONS
    calls = [Call(CONTRACT, one, b"twice", 50_000) for one in (b"one", b"two")]
    with pytest.raises(InvalidInputError, match="used for other work"):
        world.sender.submit_many([Call(CONTRACT, b"fresh", b"fresh", 50_000), *calls])
    with pytest.raises(NotFoundError):
        world.sender.receipt(Ticket(b"fresh"))
    assert world.sender.submit_many([calls[0], calls[0]]) == (Ticket(b"twice"),) * 2
    world.sender.wait(Ticket(b"twice"))
    assert world.node.done() == [b"work", b"one"]


def test_what_a_contract_refuses_is_told_with_its_reason_and_may_be_tried_again():
    world = World()
    with pytest.raises(RevertedError, match="would refuse it: no") as refused:
        world.sender.submit(CONTRACT, b"no, never", key=b"key")
    assert refused.value.reason == "no"
    assert world.sender.tend() == 0
    ticket = world.sender.submit(CONTRACT, b"no, never", key=b"key", gas=50_000)
    for _ in range(2):
        with pytest.raises(
            RevertedError, match="the contract refused the transaction 0x"
        ) as refused:
            world.sender.wait(ticket)
        assert refused.value.reason == "no"
        assert refused.value.code is Code.WRITE_REFUSED
    world.sender.submit(CONTRACT, b"no, never", key=b"key", gas=50_000)
    assert world.sender.receipt(ticket) is None
    with pytest.raises(RevertedError):
        world.sender.wait(ticket)
    assert world.node.done() == [b"no, never"] * 2


@pytest.mark.parametrize(
    ("data", "reason", "told"),
    [(b"no gas", "out of gas", "out of gas"), (b"not so", "", "it did not say why")],
)
def test_where_a_contract_says_nothing_the_gas_may_tell(data, reason, told):
    world = World()
    with pytest.raises(RevertedError, match=told) as refused:
        world.sender.wait(world.submit(data))
    assert refused.value.reason == reason


def test_another_process_may_be_faster():
    world = World()
    world.node.intrude(0)
    world.node.halted = True
    ticket = world.submit(b"work")
    world.node.restart()
    world.node.base *= 10
    slow = world.sender
    slow._lane.fill = slow._lane.try_again = lambda *_: False
    world.run(20)
    assert world.node.pool[1].price < world.node.base
    assert 0 not in world.node.pool
    world.begin()
    world.node.halted = False
    world.sender.wait(ticket)
    assert slow.receipt(ticket) == world.sender.receipt(ticket)
    assert slow.tend() == 0


def test_a_contract_is_created_where_its_sender_and_nonce_say():
    world = World()
    world.submit(b"before")
    receipt = world.sender.wait(world.sender.submit(None, b"code", key=b"code"))
    assert receipt.contract == created_address(read_address(world.sender.address), 1)


def test_waiting_ends_and_the_work_stays():
    world = World()
    world.node.halted = True
    ticket = world.submit(b"work")
    before = world.clock()
    with pytest.raises(
        RegistryError, match=r"not settled after 20 seconds.*asking again is safe"
    ) as late:
        world.sender.wait(ticket, timeout=20)
    assert late.value.code is Code.TIMEOUT
    assert 20 <= world.clock() - before < 22
    world.node.halted = False
    world.begin()
    world.sender.wait(ticket)
    assert world.node.done() == [b"work"]


def test_whoever_waits_is_told_what_is_wrong():
    world = World()
    world.node.faults.append(broke := refusing("insufficient funds for gas * price + value"))
    ticket = world.submit(b"work")
    with pytest.raises(RegistryError, match="insufficient funds"):
        world.sender.wait(ticket, timeout=60)
    world.node.faults.remove(broke)
    world.sender.wait(ticket)
    assert world.node.done() == [b"work"]


def test_work_that_every_node_refuses_gives_way_to_what_comes_after_it():
    world = World()
    bad, good = world.submit(b"bad"), world.submit(b"good")
    world.sender.wait(good)
    with pytest.raises(
        RegistryError, match=r"every node refused it.*there is something"
    ) as refused:
        world.sender.wait(bad)
    assert refused.value.code is Code.WRITE_REFUSED
    assert world.node.done() == [b"", b"good"]
    assert world.sender.submit(CONTRACT, b"bad", key=b"bad", gas=50_000) == bad
    assert world.sender.receipt(bad) is None


def test_while_no_node_answers_known_lanes_take_work():
    world = World()
    world.sender.wait(world.submit(b"first"))
    world.node.faults.append(down := simulation.fault(Failure.UNREACHABLE))
    ticket = world.submit(b"second")
    with pytest.raises(RegistryError, match="0 of 1 nodes told"):
        world.sender.wait(ticket, timeout=5)
    world.node.faults.remove(down)
    world.sender.wait(ticket)
    assert world.node.done() == [b"first", b"second"]


def test_without_a_node_a_new_lane_takes_no_work():
    world = World()
    for methods in (("eth_gasPrice",), ("eth_getTransactionCount",), ()):
        world.node.faults[:] = [simulation.fault(Failure.UNREACHABLE, *methods)]
        with pytest.raises(RegistryError):
            world.submit(b"work")
        world.node.faults.clear()
        assert world.sender.tend() == 0
        with pytest.raises(NotFoundError):
            world.sender.wait(Ticket(b"work"))


def test_nobody_waits_for_unknown_work():
    with pytest.raises(NotFoundError, match="knows no work of the key"):
        World().sender.wait(Ticket(b"nothing"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "0x12"}, Code.INVALID_ENCODING),
        ({"to": b"1" * 20}, Code.INVALID_ENCODING),
        ({"data": "text"}, Code.INVALID_OPTIONS),
        ({"data": b"x" * 130_001}, Code.INPUT_TOO_LARGE),
        ({"key": "text"}, Code.INVALID_OPTIONS),
        ({"key": b""}, Code.INVALID_OPTIONS),
        ({"key": b"x" * 65}, Code.INVALID_OPTIONS),
        ({"gas": 0}, Code.INVALID_OPTIONS),
        ({"gas": True}, Code.INVALID_OPTIONS),
        ({"gas": 21_000}, Code.INVALID_OPTIONS),
        ({"gas": 30_000_001}, Code.INPUT_TOO_LARGE),
    ],
)
def test_wrong_work_is_refused_before_anything_is_kept(change, code):
    world = World()
    work = {"to": CONTRACT, "data": b"work", "key": b"key", "gas": 50_000} | change
    with pytest.raises(InvalidInputError) as refused:
        world.sender.submit(work.pop("to"), work.pop("data"), **work)
    assert refused.value.code is code
    assert world.sender.tend() == 0


def test_what_cannot_fit_into_a_block_is_refused():
    world = World()
    world.node.limit = 30_000
    with pytest.raises(InvalidInputError, match="its data alone cost") as refused:
        world.sender.submit(CONTRACT, b"x" * 1000, key=b"key")
    assert refused.value.code is Code.INPUT_TOO_LARGE
    with pytest.raises(InvalidInputError, match="it uses 40000 gas, and a block holds 30000"):
        world.sender.submit(CONTRACT, b"work", key=b"key")


def test_gas_is_estimated_with_room_and_fits_a_block():
    world = World()
    world.sender.submit(CONTRACT, b"work", key=b"one")
    world.node.limit = 45_000
    world.clock.sleep(10)
    world.sender.submit(CONTRACT, b"more", key=b"two")
    assert [world.sender._lane.work(nonce).gas for nonce in (0, 1)] == [50_000, 45_000]
    world.node.faults.append(simulation.fault(Failure.OTHER, "eth_estimateGas"))
    with pytest.raises(RegistryError, match="the test says other"):
        world.sender.submit(CONTRACT, b"work", key=b"three")


@pytest.mark.parametrize("type_", ["P-256", "Ed25519"])
def test_keys_of_other_curves_send_nothing(type_):
    chain = connect_chain([SimulatedChain(Clock())], confirmations=1)
    with pytest.raises(UnsupportedError):
        Sender(chain, keys.generate(type_))


def test_nothing_is_sent_to_a_chain_that_stands_still():
    node = SimulatedChain(Clock())
    trusted = TrustedBlock(0, node.blocks[0].hash)
    chain = connect_chain([node], trusted_block=trusted)
    with pytest.raises(InvalidInputError, match="nothing new ever settles"):
        Sender(chain, KEY)


# --- healing, one thing at a time


def test_what_a_node_forgets_is_sent_again_byte_for_byte():
    world = World()
    world.node.halted = True
    ticket = world.submit(b"work")
    sent = world.node.pool[0]
    world.node.restart()
    world.run(5)
    assert world.node.pool[0] == sent
    world.node.halted = False
    world.sender.wait(ticket)
    assert world.node.done() == [b"work"]


@pytest.mark.parametrize("depth", range(1, CONFIRMATIONS + 1))
def test_what_a_reorganisation_takes_away_is_sent_again(depth):
    world = World()
    ticket = world.submit(b"work")
    world.clock.sleep(1)
    world.run(depth - 1)
    assert world.node.done() == [b"work"]
    assert world.sender.receipt(ticket) is None
    world.node.reorganise(depth)
    receipt = world.sender.wait(ticket)
    assert world.node.done() == [b"work"]
    assert world.node.blocks[receipt.block].hash == receipt.block_hash


def test_what_lands_in_another_block_than_before_is_told_with_that():
    world = World()
    ticket = world.submit(b"work")
    world.run(3)
    world.node.reorganise(4, back=1.0)
    world.run(1)
    receipt = world.sender.wait(ticket)
    assert world.node.blocks[receipt.block].hash == receipt.block_hash


def test_what_is_stuck_is_replaced_by_a_better_paid_one():
    world = World()
    world.node.halted = True
    ticket = world.submit(b"work")
    first = world.node.pool[0]
    world.node.base *= 10
    world.node.halted = False
    receipt = world.sender.wait(ticket)
    landed = world.node.blocks[receipt.block].sent[0]
    assert landed.price * 8 >= first.price * 9
    assert landed.tip * 8 >= first.tip * 9
    assert receipt.transaction == landed.hash != first.hash
    assert world.node.done() == [b"work"]


def test_an_old_chain_has_one_price():
    world = World(dynamic=False)
    world.node.halted = True
    ticket = world.submit(b"work")
    assert world.node.pool[0].price == world.node.base
    world.node.base *= 3
    world.node.halted = False
    world.sender.wait(ticket)
    assert world.node.done() == [b"work"]


def test_no_more_than_the_cap_is_paid():
    world = World()
    world.fees = FeePolicy(cap=3 * simulation.GWEI)
    world.begin()
    ticket = world.submit(b"work")
    world.node.pool.clear()
    world.node.base *= 10
    with pytest.raises(RegistryError, match="more than the cap would have to be paid"):
        world.sender.wait(ticket, timeout=90)
    with pytest.raises(RegistryError, match="at most 3000000000 are to be paid"):
        world.submit(b"more")
    world.node.base = simulation.GWEI
    world.sender.wait(ticket)
    assert world.node.done() == [b"work"]


def test_where_gas_is_free_nothing_is_paid():
    world = World(base=0, dynamic=False)
    world.node.tip = 0
    ticket = world.submit(b"work")
    assert world.node.pool[0].price == 0
    world.sender.wait(ticket)
    world.node.lossy = 1.0
    ticket = world.submit(b"more")
    world.run(60)
    world.node.lossy = 0.0
    world.sender.wait(ticket)
    assert world.node.done() == [b"work", b"more"]


def test_somebody_else_with_the_key_costs_no_work():
    world = World()
    world.submit(b"first")
    world.node.intrude(0)
    tickets = [Ticket(b"first"), world.submit(b"second")]
    for ticket in tickets:
        world.sender.wait(ticket)
    assert world.node.done() == [b"second", b"first"]
    assert world.node.mined() == 3


def test_somebody_else_may_use_many_nonces_while_a_sender_rests():
    world = World()
    world.sender.wait(world.submit(b"first"))
    for _ in range(5):
        world.node.intrude()
        world.node.mine()
    world.clock.sleep(60)
    world.sender.wait(world.submit(b"second"), timeout=20)
    assert world.node.done() == [b"first", b"second"]


def test_a_nonce_that_nobody_uses_is_filled():
    world = World()
    world.node.intrude(0)
    world.node.halted = True
    ticket = world.submit(b"work")  # at nonce 1, after the other's
    world.node.restart()
    world.node.halted = False
    world.sender.wait(ticket)
    assert world.node.done() == [b"", b"work"]


def test_a_filler_that_comes_too_late_costs_no_work():
    world = World()
    world.node.intrude(0)
    world.node.halted = True
    ticket = world.submit(b"work")
    world.node.restart()
    world.run(7)
    world.node.faults.append(down := simulation.fault(Failure.TIMEOUT, "eth_gasPrice"))
    world.run(3)
    world.node.faults.remove(down)
    world.run(5)
    assert world.node.pool[0].data == b""
    world.node.intrude(0)
    world.node.halted = False
    world.sender.wait(ticket)
    assert world.node.done() == [b"work"]
    world.run(60)
    assert world.sender.tend() == 0


def test_a_count_beyond_belief_spoils_no_lane():
    world = World()
    world.sender.wait(world.submit(b"first"))
    honest, world.node.eth_getTransactionCount = (
        world.node.eth_getTransactionCount,
        lambda *_: "0xfffff",
    )
    world.clock.sleep(10)
    with pytest.raises(RegistryError, match="far more than its outbox knows of"):
        world.submit(b"second")
    world.node.eth_getTransactionCount = honest
    ticket = world.submit(b"second")
    assert world.node.pool[1].data == b"second"
    world.node.restart()
    world.node.eth_getTransactionCount = lambda *_: "0xfffff"
    world.run(20)
    world.node.eth_getTransactionCount = honest
    world.sender.wait(ticket)
    assert world.node.done()[0] == b"first"
    assert world.node.done()[-1] == b"second"
    assert world.node.mined() < 8


@pytest.mark.parametrize("number", [2**63, 2**256 - 1])
def test_chains_beyond_the_range_of_transactions_are_refused(number):
    node = SimulatedChain(Clock())
    node.chain_id = number
    with pytest.raises(UnsupportedError, match="not known here"):
        Sender(connect_chain([node], confirmations=1), KEY)


def test_the_limits_of_blocks_may_be_what_they_like():
    world = World()
    world.node.limit = 2**64 - 1
    ticket = world.submit(b"work", gas=2**63 - 1)
    world.sender.wait(ticket)
    with pytest.raises(InvalidInputError):
        world.submit(b"more", gas=2**63)


def test_a_chain_that_takes_back_what_it_called_settled_stops_nobody():
    world = World()
    for name in (b"one", b"two", b"three"):
        world.sender.wait(world.submit(name))
    world.node.reorganise(len(world.node.blocks))
    assert world.node.mined() == 0
    world.sender.wait(world.submit(b"four"))
    assert world.node.done() == [b"", b"", b"", b"four"]


def test_a_new_process_of_an_old_sender_sends_at_once():
    world = World()
    for _ in range(5):
        world.node.blocks[-1].sent.extend([None] * 1000)
    world.node.done = lambda: [one.data for block in world.node.blocks for one in block.sent if one]
    world.submit(b"work")
    assert 5000 in world.node.pool


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_nobody_waits_for_a_time_that_is_none(timeout):
    world = World()
    ticket = world.submit(b"work")
    with pytest.raises(InvalidInputError, match="no time to wait"):
        world.sender.wait(ticket, timeout)


@pytest.mark.parametrize("key", ["text", None, 7, b"x" * 1000])
def test_a_ticket_of_anything_else_is_not_known(key):
    with pytest.raises(NotFoundError):
        World().sender.wait(Ticket(key))


def test_a_node_that_takes_no_gaps_gets_them_in_order():
    world = World()
    world.node.refuses_gaps = True
    world.node.faults.append(down := simulation.fault(Failure.TIMEOUT, "eth_sendRawTransaction"))
    names = [b"work %d" % number for number in range(30)]
    tickets = [world.submit(name) for name in names]
    world.node.faults.remove(down)
    for ticket in tickets:
        world.sender.wait(ticket)
    assert world.node.done() == names


def test_a_receipt_that_cannot_be_had_is_not_missing():
    world = World()
    ticket = world.submit(b"work")
    world.node.faults.append(
        silent := simulation.fault(Failure.TIMEOUT, "eth_getTransactionReceipt")
    )
    with pytest.raises(RegistryError, match="not settled"):
        world.sender.wait(ticket, timeout=100)
    assert world.node.calls.count("eth_sendRawTransaction") < 10
    world.node.faults.remove(silent)
    world.sender.wait(ticket)
    assert world.node.mined() == 1


def test_more_than_nodes_keep_waits_in_the_outbox(monkeypatch):
    monkeypatch.setattr(tending, "WINDOW", 10)
    world = World(capacity=5)
    names = [b"work %d" % number for number in range(40)]
    tickets = [world.submit(name) for name in names]
    assert len(world.node.pool) == 10
    for ticket in tickets:
        world.sender.wait(ticket)
    assert world.node.done() == names


# --- several nodes


def test_a_lying_node_is_outvoted():
    world = World()
    liar = Liar(world.node)
    chain = connect_chain([liar, world.node, Other(world.node)], quorum=2, confirmations=3)
    sender = Sender(chain, KEY, clock=world.clock, sleep=world.clock.sleep)
    receipt = sender.wait(sender.submit(CONTRACT, b"work", key=b"work", gas=50_000))
    assert world.node.blocks[receipt.block].hash == receipt.block_hash
    assert world.node.done() == [b"work"]
    sender.close()
    chain.close()


def test_nodes_of_another_chain_are_not_heard():
    world = World()
    sender = world.sender
    world.node.chain_id = 1
    with pytest.raises(RegistryError):
        world.submit(b"work")
    world.node.chain_id = simulation.CHAIN_ID
    sender.wait(world.submit(b"work"))


def test_slow_nodes_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(chorus, "_GRACE_SECONDS", 0.01)
    monkeypatch.setattr(chorus, "_LATE_SECONDS", 0.05)
    world = World()
    gate = threading.Event()
    slow = Slow(world.node, gate)
    chain = connect_chain([world.node, Other(world.node)], confirmations=3)
    chain.endpoints = (slow, world.node)
    sender = Sender(chain, KEY, clock=world.clock, sleep=world.clock.sleep)
    names = [b"work %d" % number for number in range(20)]
    for name in names:
        sender.wait(sender.submit(CONTRACT, name, key=name, gas=50_000))
    assert 0 < slow.asked < 20
    gate.set()
    sender.close()
    chain.close()
    assert world.node.done() == names


def test_where_all_nodes_are_slow_they_are_waited_for(monkeypatch):
    monkeypatch.setattr(chorus, "_LATE_SECONDS", -1)
    gate = threading.Event()
    nodes = [Slow(SimulatedChain(Clock()), gate) for _ in range(2)]
    chorus_ = chorus.Chorus(nodes, 2, simulation.CHAIN_ID)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(chorus_.ask, [("eth_blockNumber", ())]) for _ in range(2)]
        while sum(len(seat.asked) for seat in chorus_._seats) < 4:
            time.sleep(0.001)
        gate.set()
        assert [answer.result() for answer in answers] == [[["0x0"], ["0x0"]]] * 2
    chorus_.close()


def test_threads_that_ask_several_nodes_do_not_hinder_each_other():
    world = World()
    nodes = [Other(world.node) for _ in range(3)]
    chorus_ = chorus.Chorus(nodes, 3, simulation.CHAIN_ID)
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(chorus_.ask, [[("eth_chainId", ())]] * 50))
    assert {len(each) for each in heard} == {3}
    chorus_.close()
    chorus.Chorus(nodes, 1, 1).close()


# --- threads


def test_threads_share_a_sender(tmp_path):
    world = World(FileOutbox(tmp_path / "outbox"))
    names = [b"work %d" % number for number in range(120)]
    with ThreadPoolExecutor(12) as pool:
        tickets = list(pool.map(world.submit, names))
        receipts = list(pool.map(lambda ticket: world.sender.wait(ticket, 1e6), tickets))
    assert sorted(world.node.done()) == sorted(names)
    assert len({receipt.transaction for receipt in receipts}) == len(names)


def test_what_a_step_refuses_it_refuses_to_all_whose_work_was_in_it():
    def step(work):
        raise RegistryError(f"{len(work)} at once")

    combiner = Combiner(step)
    for _ in range(2):
        with pytest.raises(RegistryError, match="1 at once"):
            combiner.do(1)


def test_the_work_of_several_threads_goes_in_one_step():
    steps, gate = [], threading.Event()

    def step(work):
        steps.append(list(work))
        gate.wait(60)
        return [-one for one in work]

    combiner = Combiner(step)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(combiner.do, number) for number in range(4)]
        while len(combiner._waiting) < 3:
            time.sleep(0.001)
        gate.set()
        assert [answer.result() for answer in answers] == [0, -1, -2, -3]
    assert [len(one) for one in steps] == [1, 3]


def test_a_thread_that_is_ended_takes_no_others_along():
    steps, gate = [], threading.Event()

    def step(work):
        steps.append(list(work))
        gate.wait(60)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return work

    combiner = Combiner(step)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(combiner.do, number) for number in range(4)]
        while len(combiner._waiting) < 3:
            time.sleep(0.001)
        gate.set()
        ended = [isinstance(answer.exception(), KeyboardInterrupt) for answer in answers]
    assert sorted(ended) == [False, False, False, True]
    assert sorted(
        answer.result() for answer, end in zip(answers, ended, strict=True) if not end
    ) == [answer for answer, end in enumerate(ended) if not end]


class Killed(BaseException):
    """The process dies here."""


class Storm:
    """A world in which things go wrong by chance, until they stop."""

    SILENT = (Failure.TIMEOUT, Failure.RATE_LIMITED, Failure.UNREACHABLE)

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311 - a test's chance
        self.world = World(seed=seed, dynamic=seed % 3 != 0)
        self.node = self.world.node
        self.senders = [self.world.sender]
        for _ in range(seed % 4 // 2):  # every other time, two processes share the outbox
            self.world.begin()
            self.senders.append(self.world.sender)
        self.wanted = []
        self.missing = []
        self.ends = []
        self.deaths = 0

    def rage(self, seconds):
        end = self.world.clock() + seconds
        while self.world.clock() < end:
            self.survive(self.random.choice(self.TROUBLES))
            for _ in range(self.random.randrange(1, 12)):
                self.ends = [one for one in self.ends if not self.is_over(one)]
                self.survive(Storm.go_on)

    def survive(self, deed):
        try:
            deed(self)
        except Killed:
            self.deaths += 1
            self.node.faults = [one for one in self.node.faults if not hasattr(one, "deadly")]
            self.survive(Storm.resurrect)
        except RegistryError:
            pass  # nothing was sent, or not all of it: it is asked for again

    def resurrect(self):
        self.world.begin()
        self.senders[self.random.randrange(len(self.senders))] = self.world.sender

    def go_on(self):
        self.world.clock.sleep(0.5)
        self.world.sender = self.random.choice(self.senders)
        for name in list(self.missing):
            self.world.submit(name)
            self.missing.remove(name)
        self.world.sender.tend()

    def is_over(self, ending):
        due, undo = ending
        if self.world.clock() < due:
            return False
        undo()
        return True

    def later(self, undo):
        self.ends.append((self.world.clock() + self.random.randrange(2, 20), undo))

    def calm(self):
        for _, undo in self.ends:
            undo()
        self.node.faults.clear()

    # --- what goes wrong

    def work(self):
        for _ in range(self.random.randrange(1, 12)):
            name = b"work %d" % len(self.wanted)
            self.wanted.append(name)
            self.missing.append(name)

    def fail(self):
        make = self.random.choice([simulation.fault, simulation.lost_answer])
        methods = self.random.choice(
            [(), ("eth_sendRawTransaction",), ("eth_getTransactionReceipt",)]
        )
        trouble = make(
            self.random.choice(self.SILENT),
            *methods,
            chance=self.random.choice([0.2, 0.7, 1.0]),
            source=self.random,
        )
        self.node.faults.append(trouble)
        self.later(lambda: trouble in self.node.faults and self.node.faults.remove(trouble))

    def die(self):
        left = self.random.randrange(1, 15)

        def kill(_):
            nonlocal left
            left -= 1
            if not left:
                raise Killed

        def nothing(_):
            return

        nothing.afterwards = kill
        deadly = self.random.choice([kill, nothing])
        deadly.deadly = True
        self.node.faults.append(deadly)

    def forget(self):
        self.node.restart()

    def lose(self):
        self.node.lossy = self.random.choice([0.3, 0.9])
        self.later(lambda: setattr(self.node, "lossy", 0.0))

    def reorganise(self):
        self.node.reorganise(
            self.random.randrange(1, CONFIRMATIONS + 1), back=self.random.choice([0.0, 0.5, 1.0])
        )

    def halt(self):
        self.node.halted = True
        self.later(lambda: setattr(self.node, "halted", False))

    def starve(self):
        self.node.base = self.node.base * self.random.choice([2, 3, 5])
        if self.node.base > 50 * simulation.GWEI:
            self.node.base = simulation.GWEI

    def intrude(self):
        ahead = self.random.randrange(3)
        self.node.intrude(self.node.mined() + ahead)

    def refuse_gaps(self):
        self.node.refuses_gaps = not self.node.refuses_gaps

    TROUBLES = (work, work, work, fail, fail, die, forget, lose, reorganise, halt)
    TROUBLES += (starve, intrude, refuse_gaps)


def storm(seed, seconds=100):
    one = Storm(seed)
    one.rage(seconds)
    one.calm()
    calm = one.world.clock()
    while one.missing or one.world.sender.tend():
        assert one.world.clock() - calm < 60, told(one)
        one.survive(Storm.go_on)
    settled = one.node.blocks[: len(one.node.blocks) - CONFIRMATIONS]
    done = [sent.data for block in settled for sent in block.sent if sent.data.startswith(b"work")]
    assert sorted(done) == sorted(one.wanted)
    receipts = [one.world.sender.receipt(Ticket(name)) for name in one.wanted]
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert {one.node.blocks[each.block].hash == each.block_hash for each in receipts} <= {True}
    return one


@pytest.mark.parametrize("seed", range(24))
def test_whatever_goes_wrong_all_work_is_done_once_and_soon(seed):
    storm(seed)


def told(one):
    slots = one.world.sender._lane.slots()[:4]
    watch = one.world.sender._tending.watch
    notes = {slot.nonce: watch.notes.get(slot.nonce) for slot in slots}
    return f"{one.node.mined()} mined; {one.node.base} base; {slots}; {notes}; {watch.trouble}"
