"""What nodes say of transactions and of the price of gas, and how much of it is believed."""

import pytest

from cityid.errors import RegistryError
from cityid.registry.ethereum.failures import Failure, RpcError, classify
from cityid.registry.ethereum.sending.chorus import Chorus
from cityid.registry.ethereum.sending.fees import FeePolicy, Quote
from cityid.registry.ethereum.sending.mempool import Mempool, Reception
from cityid.registry.ethereum.sending.prices import Prices
from cityid.registry.ethereum.sending.slots import Sighting
from cityid.registry.ethereum.sending.transactions import Fees

ADDRESS = "0x" + 40 * "1"
HASH = bytes(range(32))
BLOCK = b"b" * 32
RECEIPT = {
    "transactionHash": "0x" + HASH.hex(),
    "blockNumber": "0x7",
    "blockHash": "0x" + BLOCK.hex(),
    "status": "0x1",
    "gasUsed": "0x5208",
}
SEEN = Sighting(HASH, 7, BLOCK, succeeded=True, gas_used=21_000)
DOWN = RpcError("down", failure=Failure.UNREACHABLE)


class Node:
    """Answers each method the same, whatever is asked."""

    def __init__(self, chain_id="0x7", **answers):
        self.name = "node"
        self.answers = {"eth_chainId": chain_id} | answers

    def batch(self, requests):
        return [self.answers.get(method, DOWN) for method, _ in requests]


def mempool(*nodes, quorum=1):
    return Mempool(Chorus(nodes, quorum, 7), quorum)


def counting(mined, pending=DOWN, height="0x9"):
    """A node that counts; the tag is the second parameter."""

    class Counting(Node):
        def batch(self, requests):
            said = {"latest": mined, "pending": pending}
            return [
                said.get(params[1], mined) if method == "eth_getTransactionCount" else answer
                for (method, params), answer in zip(requests, super().batch(requests), strict=True)
            ]

    return Counting(eth_blockNumber=height)


# --- how many transactions there are


def test_one_node_is_believed():
    counts = mempool(counting("0x5", "0x8")).counts(ADDRESS)
    assert (counts.mined, counts.low, counts.pending, counts.held) == (5, 5, 8, 8)
    assert counts.height == 9


def test_a_node_that_does_not_know_what_is_pending_is_taken_to_know_of_nothing():
    counts = mempool(counting("0x5")).counts(ADDRESS)
    assert (counts.pending, counts.held) == (5, 5)
    assert mempool(counting("0x5", "0x3")).counts(ADDRESS).pending == 5


def test_of_several_nodes_the_quorum_counts():
    nodes = [counting("0x5", "0x8"), counting("0x6", "0x6"), counting("0xffff", "0xffff")]
    counts = mempool(*nodes, quorum=2).counts(ADDRESS)
    assert (counts.mined, counts.low) == (6, 6)
    assert (counts.pending, counts.held) == (8, 6)


def test_a_lone_liar_moves_nobody_far():
    counts = mempool(counting("0x5", "0xfffffffff")).counts(ADDRESS)
    assert counts.pending == 69


@pytest.mark.parametrize(
    "node",
    [
        Node(),
        counting("five"),
        counting("0x10000000000"),
        counting("0x5", height=None),
        Node("0x8", eth_getTransactionCount="0x5", eth_blockNumber="0x9"),
    ],
)
def test_too_few_answers_are_no_answer(node):
    with pytest.raises(RegistryError, match="1 of 2 nodes told how many"):
        mempool(counting("0x5"), node, quorum=2).counts(ADDRESS)


def test_a_count_at_a_block_needs_the_quorum():
    assert mempool(counting("0x5")).count_at(ADDRESS, 3) == 5
    several = mempool(counting("0x5"), counting("0x9"), Node(), quorum=2)
    assert several.count_at(ADDRESS, 3) == 5
    assert mempool(counting("0x5"), Node(), quorum=2).count_at(ADDRESS, 3) is None


# --- receipts


@pytest.mark.parametrize(
    ("receipts", "quorum", "expected"),
    [
        ([RECEIPT], 1, SEEN),
        ([None], 1, False),
        ([DOWN], 1, True),
        ([RECEIPT, RECEIPT, None], 2, SEEN),
        ([RECEIPT, None, None], 2, True),
        ([RECEIPT, RECEIPT | {"status": "0x0"}], 2, True),
        ([None, None, DOWN], 2, False),
        ([None, DOWN, DOWN], 2, True),
        ([None, RECEIPT], 1, SEEN),
    ],
)
def test_a_receipt_is_there_or_not_or_unknown(receipts, quorum, expected):
    nodes = [Node(eth_getTransactionReceipt=receipt) for receipt in receipts]
    assert mempool(*nodes, quorum=quorum).sightings([HASH]) == [expected]


def test_who_asks_for_nothing_asks_nobody():
    assert mempool().sightings([]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"transactionHash": "0x" + 64 * "0"},
        {"transactionHash": None},
        {"blockNumber": 7},
        {"blockNumber": "0x8000000000000000"},
        {"gasUsed": "0x8000000000000000"},
        {"blockHash": "0x12"},
        {"status": "0x2"},
        {"status": None},
        {"gasUsed": "much"},
    ],
)
def test_a_receipt_that_is_none_says_nothing(change):
    node = Node(eth_getTransactionReceipt=RECEIPT | change)
    assert mempool(node).sightings([HASH]) == [True]


@pytest.mark.parametrize("receipt", ["0x", [], 7, {}])
def test_something_else_than_a_receipt_says_nothing(receipt):
    assert mempool(Node(eth_getTransactionReceipt=receipt)).sightings([HASH]) == [True]


# --- sending


@pytest.mark.parametrize(
    ("words", "reception"),
    [
        ("already known", Reception.SENT),
        ("nonce too low", Reception.USED),
        ("nonce too high", Reception.EARLY),
        ("replacement transaction underpriced", Reception.UNDERPRICED),
        ("insufficient funds for gas * price + value", Reception.POOR),
        ("something else", Reception.REFUSED),
        ("too many requests", Reception.UNKNOWN),
        ("the method eth_sendRawTransaction does not exist", Reception.UNKNOWN),
    ],
)
def test_what_nodes_say_of_a_transaction_is_told_by_its_meaning(words, reception):
    node = Node(eth_sendRawTransaction=classify(-32000, words, None, "node"))
    [(received, said)] = mempool(node).send([b"raw"])
    assert received is reception
    assert words in said


def test_one_node_that_takes_a_transaction_is_enough():
    refusing = Node(eth_sendRawTransaction=classify(-32000, "something", None, "node"))
    taking = Node(eth_sendRawTransaction="0x" + HASH.hex())
    assert mempool(refusing, taking, Node()).send([b"a", b"b"]) == [(Reception.SENT, "")] * 2
    assert mempool(Node("0x8", eth_sendRawTransaction="0x")).send([b"a"]) == [
        (Reception.UNKNOWN, "no node answered")
    ]


# --- what gas costs

LATEST = {"baseFeePerGas": "0x64", "gasLimit": "0x1c9c380"}


def priced(**change):
    answers = {
        "eth_gasPrice": "0x6e",
        "eth_maxPriorityFeePerGas": "0x5",
        "eth_getBlockByNumber": LATEST,
    }
    return Node(**(answers | change))


def test_gas_is_quoted_in_both_forms():
    nodes = mempool(priced())
    assert nodes.quote(dynamic=True) == Quote(110, 100, 5, 30_000_000)
    assert nodes.quote(dynamic=False) == Quote(110, None, 5, 30_000_000)


def test_where_nobody_suggests_a_tip_it_follows_from_the_price():
    unable = classify(-32601, "method not found", None, "node")
    assert mempool(priced(eth_maxPriorityFeePerGas=unable)).quote(dynamic=True).tip == 10
    cheap = priced(eth_maxPriorityFeePerGas=unable, eth_gasPrice="0x1")
    assert mempool(cheap).quote(dynamic=True).tip == 0


@pytest.mark.parametrize(
    "change",
    [
        {"eth_gasPrice": "cheap"},
        {"eth_gasPrice": DOWN},
        {"eth_maxPriorityFeePerGas": None},
        {"eth_getBlockByNumber": None},
        {"eth_getBlockByNumber": {"baseFeePerGas": "0x64"}},
        {"eth_getBlockByNumber": {"gasLimit": "0x64"}},
        {"eth_getBlockByNumber": LATEST | {"baseFeePerGas": "low"}},
    ],
)
def test_a_quote_that_is_none_is_asked_for_elsewhere(change):
    with pytest.raises(RegistryError):
        mempool(priced(**change)).quote(dynamic=True)
    assert mempool(priced(**change), priced()).quote(dynamic=True).price == 110


def test_prices_are_asked_for_now_and_then_and_remembered_for_some_minutes():
    node, now = priced(), [0.0]
    prices = Prices(mempool(node), FeePolicy(), dynamic=False, clock=lambda: now[0])
    assert prices.fees() == Fees(110)
    node.answers["eth_gasPrice"] = "0x1"
    assert prices.fees() == Fees(110)
    now[0] = 6.0
    assert prices.fees() == Fees(1)
    node.answers["eth_gasPrice"] = DOWN
    now[0] = 500.0
    assert prices.fees() == Fees(1)
    now[0] = 700.0
    with pytest.raises(RegistryError):
        prices.fees()


def test_an_estimate_is_the_first_that_is_one():
    call = {"from": ADDRESS}
    nodes = [Node(eth_estimateGas=answer) for answer in (DOWN, None, "0x5208")]
    assert mempool(*nodes).estimate(call) == 21_000
    reverted = classify(3, "execution reverted: no", None, "node")
    with pytest.raises(RpcError) as refused:
        mempool(Node(eth_estimateGas=reverted)).estimate(call)
    assert refused.value.failure is Failure.REVERTED
    with pytest.raises(RpcError, match="no node answered"):
        mempool(Node("0x8", eth_estimateGas="0x1")).estimate(call)


def test_why_a_contract_reverted_is_told_where_it_can_be_found_out():
    reverted = classify(3, "execution reverted: version", None, "node")
    assert mempool(Node(eth_call=reverted)).reason({}, 7) == "version"
    assert mempool(Node(eth_call="0x")).reason({}, 7) == ""
    assert mempool(Node()).reason({}, 7) == ""


# --- what is offered


def test_the_first_offer_leaves_room_for_the_base_fee_to_double():
    policy = FeePolicy(cap=1000)
    assert policy.first(Quote(110, 100, 5, 1)) == Fees(205, 5)
    assert policy.first(Quote(110, None, 5, 1)) == Fees(110)
    assert policy.first(Quote(0, 0, 0, 1)) == Fees(0, 0)
    assert policy.first(Quote(900, 890, 5, 1)) == Fees(1000, 5)


@pytest.mark.parametrize("quote", [Quote(1001, None, 0, 1), Quote(0, 990, 11, 1)])
def test_more_than_the_cap_is_not_offered(quote):
    with pytest.raises(RegistryError, match="at most 1000 are to be paid"):
        FeePolicy(cap=1000).first(quote)


def test_no_cap_is_greater_than_an_outbox_keeps():
    with pytest.raises(RegistryError):
        FeePolicy(cap=2**70).first(Quote(2**64, None, 0, 1))


@pytest.mark.parametrize(
    ("fees", "quote", "better"),
    [
        (Fees(800), Quote(100, None, 0, 1), Fees(901)),
        (Fees(800), Quote(5000, None, 0, 1), Fees(5000)),
        (Fees(800, 80), Quote(0, 100, 10, 1), Fees(901, 91)),
        (Fees(800, 80), Quote(0, 1000, 100, 1), Fees(2100, 100)),
        (Fees(8800, 80), Quote(0, 7000, 100, 1), Fees(10_000, 100)),
        (Fees(9000), Quote(5000, None, 0, 1), None),
        (Fees(0), Quote(0, None, 0, 1), None),
        (Fees(0), Quote(7, None, 0, 1), Fees(7)),
        (Fees(0, 0), Quote(0, 0, 0, 1), None),
        (Fees(800), Quote(100, 90, 9, 1), Fees(901)),
        (Fees(800, 80), Quote(100, None, 9, 1), Fees(901, 91)),
    ],
)
def test_a_better_offer_is_an_eighth_more_and_what_is_asked(fees, quote, better):
    offered = FeePolicy(cap=10_000).better(fees, quote)
    assert offered == better
    if better is not None and fees.price:
        assert 8 * better.price >= 9 * fees.price
