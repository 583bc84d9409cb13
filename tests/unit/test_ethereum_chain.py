"""A chain behind its nodes: what is settled, what is agreed, what is proven, what they lack."""

from __future__ import annotations

import threading
from functools import partial

import pytest

import chains
import record_anvil
from cityid.errors import Code, InvalidInputError, RegistryError, UnsupportedError
from cityid.registry.ethereum.failures import Failure, RpcError, malformed
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.hexadecimal import data, quantity, read_data, read_quantity
from cityid.registry.ethereum.nodes import paging
from cityid.registry.ethereum.nodes.agreement import Voice, agree
from cityid.registry.ethereum.nodes.blocks import Log, TrustedBlock, read_block, read_log
from cityid.registry.ethereum.nodes.chain import CONFIRMATIONS, connect_chain
from cityid.registry.ethereum.nodes.rpc import http_endpoint
from simulated_node import SimulatedChain, SimulatedNode, consortium

CONTRACT = "0x" + 20 * "c0"
OTHER = "0x" + 20 * "d0"
CODE = b"\x60\x00"
KIND, SECOND = keccak256(b"kind"), keccak256(b"second")
LENGTH = 30


def town_chain(**options):
    """Return a chain of 31 blocks, whose contract writes its block's number and says it."""
    chain = SimulatedChain(**options)
    chain.codes[CONTRACT] = CODE
    for number in range(1, LENGTH + 1):
        topics = [KIND, SECOND if number % 2 else KIND]
        chain.mine({CONTRACT: {7: number}}, [(CONTRACT, topics, bytes([number]))])
    return chain


@pytest.fixture(scope="module")
def honest():
    return town_chain()


def nodes(chain, count=3, **options):
    return [SimulatedNode(chain, name, **options) for name in "ABCDE"[:count]]


# --- what is settled


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_what_the_nodes_call_final_is_settled(honest, quorum):
    with connect_chain(nodes(honest), quorum=quorum) as chain:
        assert chain.settled() == read_block(honest.blocks[LENGTH - 2])
        assert chain.latest() == read_block(honest.blocks[LENGTH])
        assert chain.block(3) == read_block(honest.blocks[3])
        assert chain.warnings == ()


@pytest.mark.parametrize(
    ("confirmations", "height"),
    [(None, LENGTH - CONFIRMATIONS), (0, LENGTH), (1, LENGTH - 1), (LENGTH + 5, 0)],
)
def test_without_a_final_block_depth_decides(honest, confirmations, height):
    for quorum in (1, 2):
        voices = nodes(honest, finalized=None)
        with connect_chain(voices, quorum=quorum, confirmations=confirmations) as chain:
            assert not chain.capabilities.finalized
            assert chain.settled().number == height


def test_the_depth_that_the_caller_gives_wins_over_what_is_final(honest):
    with connect_chain(nodes(honest), confirmations=5) as chain:
        assert chain.settled().number == LENGTH - 5


def test_nodes_that_lag_do_not_hold_the_others_up(honest):
    behind = town_chain()
    for row in (behind.blocks, behind.states, behind.logs):
        del row[20:]
    voices = [*nodes(honest, 2), SimulatedNode(behind, "C")]
    with connect_chain(voices, quorum=2) as chain:
        assert chain.settled().number == LENGTH - 2
        assert chain.warnings == (
            "C could not be asked for the settled block: C is behind the others",
        )
    with connect_chain(voices, quorum=3) as chain:
        assert chain.settled().number == 17


def test_nodes_that_are_a_little_apart_agree_below_both(honest):
    voices = [
        SimulatedNode(honest, name, finalized=behind)
        for name, behind in zip("AB", (2, 4), strict=True)
    ]
    with connect_chain(voices, quorum=2) as chain:
        assert chain.settled().number == LENGTH - 4
        assert chain.warnings == ()


def test_a_block_that_is_not_there_yet_is_an_error_and_no_absence(honest):
    for quorum in (1, 2):
        with (
            connect_chain(nodes(honest), quorum=quorum) as chain,
            pytest.raises(RegistryError, match="has no block 99"),
        ):
            chain.block(99)


def test_a_chain_without_a_block_number_of_its_own_is_refused(honest):
    liar = SimulatedNode(honest, lies={"eth_getBlockByNumber": lambda _, __: honest.blocks[5]})
    with connect_chain([liar]) as chain:
        with pytest.raises(RegistryError, match="gives block 5 for block 3"):
            chain.block(3)
        assert chain.latest().number == 5


# --- what is read


@pytest.mark.parametrize("options", [{}, {"by_hash": False}, {"proofs": False}], ids=repr)
@pytest.mark.parametrize("quorum", [1, 2])
def test_storage_and_code_are_read_as_of_a_block(honest, options, quorum):
    with connect_chain(nodes(honest, **options), quorum=quorum) as chain:
        block = chain.block(12)
        assert chain.storage(CONTRACT, 7, block) == 12
        assert chain.storages(CONTRACT, (7, 8), block) == (12, 0)
        assert chain.storage(OTHER, 7, block) == 0
        assert chain.code(CONTRACT, block) == CODE
        assert chain.code(OTHER, block) == b""
        assert chain.code(CONTRACT, chain.block(0)) == b""
        assert chain.call(CONTRACT, b"\x01", block) == (12).to_bytes(32, "big")
        expected = quorum == 2 and options == {"proofs": False}
        assert bool(chain.warnings) == expected


def test_one_trusted_node_is_not_asked_for_proofs(honest):
    (only,) = nodes(honest, 1)
    with connect_chain([only]) as chain:
        block = chain.settled()
        only.asked.clear()
        chain.storage(CONTRACT, 7, block)
        assert only.asked == ["eth_getStorageAt"]


def test_where_several_must_agree_one_proof_is_enough(honest):
    voices = nodes(honest)
    with connect_chain(voices, quorum=2) as chain:
        block = chain.settled()
        for voice in voices:
            voice.asked.clear()
        assert chain.storage(CONTRACT, 7, block) == block.number
        assert sorted(voice.asked for voice in voices) == [[], [], ["eth_getProof"]]


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        (((KIND,),), [3, 4, 5]),
        ((None, (SECOND,)), [3, 5]),
        (((KIND,), (KIND, SECOND)), [3, 4, 5]),
        (((SECOND,),), []),
        ((), [3, 4, 5]),
        ((None, None, None), []),
    ],
)
def test_logs_are_those_of_the_topics_and_blocks_that_were_asked_for(honest, topics, said):
    for options in ({"quorum": 2}, {}):
        with connect_chain(nodes(honest), **options) as chain:
            logs = chain.logs(CONTRACT, topics, 3, 5)
            assert [log.data for log in logs] == [bytes([number]) for number in said]
            assert [log.block for log in logs] == said
            assert chain.logs(CONTRACT, topics, 3, 5, lambda _: None) == logs
            assert chain.logs(OTHER, topics, 3, 5) == chain.logs(CONTRACT, topics, 5, 4) == ()


def test_logs_are_read_in_parts_as_large_as_the_node_takes(honest):
    (narrow,) = nodes(honest, 1, log_range=4)
    with connect_chain([narrow]) as chain:
        logs = chain.logs(CONTRACT, ((KIND,),), 0, LENGTH)
        assert [log.block for log in logs] == list(range(1, LENGTH + 1))
        assert narrow.asked.count("eth_getLogs") < 15


def test_a_node_that_takes_no_single_block_is_given_up(honest):
    voices = [*nodes(honest, 1, log_range=0), SimulatedNode(honest, "B")]
    with connect_chain(voices) as chain:
        assert len(chain.logs(CONTRACT, ((KIND,),), 0, LENGTH)) == LENGTH
        assert voices[0].asked.count("eth_getLogs") == 6
    with connect_chain(voices[:1]) as chain, pytest.raises(RpcError) as caught:
        chain.logs(CONTRACT, ((KIND,),), 0, LENGTH)
    assert caught.value.failure is Failure.RANGE_TOO_LARGE


@pytest.mark.parametrize("limit", ["MOST_PAGES", "MOST_LOGS"])
def test_a_node_that_gives_logs_without_end_is_given_up(honest, limit, monkeypatch):
    monkeypatch.setattr(paging, limit, 5)
    (narrow,) = nodes(honest, 1, log_range=2)
    with connect_chain([narrow]) as chain, pytest.raises(RpcError, match="too many logs"):
        chain.logs(CONTRACT, ((KIND,),), 0, LENGTH)


def test_logs_that_the_check_refuses_are_asked_of_the_next_node(honest):
    voices = nodes(honest)
    voices[0].lies["eth_getLogs"] = lambda _, logs: logs[:-1]

    def check(logs):
        if len(logs) != 3:
            raise malformed("one is missing")

    with connect_chain(voices) as chain:
        assert len(chain.logs(CONTRACT, ((KIND,),), 3, 5, check)) == 3
        (warning,) = chain.warnings
        assert warning.startswith(f"A could not be asked for the logs of {CONTRACT}: a node's")
        voices[0].asked.clear()
        assert len(chain.logs(CONTRACT, ((KIND,),), 3, 5, check)) == 3
        assert voices[0].asked == []  # who failed is asked last
    with connect_chain(voices[:1]) as chain, pytest.raises(RpcError, match="one is missing"):
        chain.logs(CONTRACT, ((KIND,),), 3, 5, check)


def test_what_needs_no_belief_is_asked_of_any_node(honest):
    voices = nodes(honest)
    voices[0].failure = Failure.UNREACHABLE
    with connect_chain(voices[1:]) as chain:
        assert chain.ask("eth_gasPrice") == "0x0"
        with pytest.raises(RpcError) as caught:
            chain.ask("eth_unknown")
        assert caught.value.failure is Failure.UNSUPPORTED


@pytest.mark.parametrize("address", ["", "0x", CONTRACT[:-2], "0xAb" + 38 * "0", 5, None])
def test_what_is_no_address_is_asked_of_nobody(honest, address):
    (only,) = nodes(honest, 1)
    with connect_chain([only]) as chain:
        block = chain.settled()
        only.asked.clear()
        for question in (
            lambda: chain.storage(address, 0, block),
            lambda: chain.code(address, block),
            lambda: chain.call(address, b"", block),
            lambda: chain.logs(address, (), 0, 1),
        ):
            with pytest.raises(InvalidInputError):
                question()
        assert only.asked == []


# --- what is trusted


def trusted(chain, number):
    return TrustedBlock(number, read_block(chain.blocks[number]).hash)


@pytest.mark.parametrize("consensus", ["plain", "clique", "qbft", "ibft2", "istanbul"])
def test_against_a_trusted_block_one_node_is_enough(consensus):
    chain = town_chain(consensus=consensus)
    with connect_chain(nodes(chain, 1), trusted_block=trusted(chain, 17)) as proven:
        block = proven.settled()
        assert block == read_block(chain.blocks[17])
        assert proven.storages(CONTRACT, (7, 8), block) == (17, 0)
        assert proven.code(CONTRACT, block) == CODE
        assert proven.storage(OTHER, 1, block) == 0
        assert proven.settled() is block
        assert proven.warnings == ()


def test_what_one_node_cannot_prove_is_refused_against_a_trusted_block(honest):
    with connect_chain(nodes(honest, 1), trusted_block=trusted(honest, 17)) as chain:
        block = chain.settled()
        for question in (
            lambda: chain.call(CONTRACT, b"", block),
            lambda: chain.logs(CONTRACT, ((KIND,),), 1, 5),
        ):
            with pytest.raises(UnsupportedError, match="give several nodes and a quorum"):
                question()
        assert len(chain.logs(CONTRACT, ((KIND,),), 1, 5, lambda _: None)) == 5


def test_what_several_nodes_say_is_good_enough_beside_a_trusted_block(honest):
    with connect_chain(nodes(honest), quorum=2, trusted_block=trusted(honest, 17)) as chain:
        block = chain.settled()
        assert chain.call(CONTRACT, b"", block) == (17).to_bytes(32, "big")
        assert len(chain.logs(CONTRACT, ((KIND,),), 1, 5)) == 5


def test_without_proofs_a_trusted_block_needs_several_nodes(honest):
    block = trusted(honest, 17)
    with (
        connect_chain(nodes(honest, 1, proofs=False), trusted_block=block) as chain,
        pytest.raises(RpcError, match="Method not found") as caught,
    ):
        chain.storage(CONTRACT, 7, chain.settled())
    assert caught.value.code is Code.NOT_SUPPORTED
    with connect_chain(nodes(honest, proofs=False), quorum=2, trusted_block=block) as chain:
        assert chain.storage(CONTRACT, 7, chain.settled()) == 17
        assert chain.warnings == (
            f"no node proves the storage of {CONTRACT}: 2 say it alike instead",
        )


def test_where_the_hash_of_a_block_is_unknown_several_nodes_must_agree_and_it_is_told():
    chain = town_chain(consensus="unknown")
    block = trusted(chain, 17)
    with connect_chain(nodes(chain, 1), trusted_block=block) as alone:
        assert not alone.capabilities.plain_hashes
        with pytest.raises(RpcError, match="in a way not known here") as caught:
            alone.settled()
        assert caught.value.code is Code.NOT_SUPPORTED
    with connect_chain(nodes(chain), quorum=2, trusted_block=block) as several:
        assert several.settled() == read_block(chain.blocks[17])
        assert several.storage(CONTRACT, 7, several.settled()) == 17
        assert "cannot be proven; 2 nodes say it alike" in several.warnings[-1]
    other = TrustedBlock(17, keccak256(b"another"))
    with (
        connect_chain(nodes(chain), quorum=2, trusted_block=other) as several,
        pytest.raises(RegistryError, match="agree that the trusted block 17 has another hash"),
    ):
        several.settled()


def test_a_trusted_block_that_the_chain_has_not_is_an_error(honest):
    for block in (TrustedBlock(17, keccak256(b"x")), TrustedBlock(99, keccak256(b"x"))):
        for quorum in (1, 2):
            with (
                connect_chain(nodes(honest), quorum=quorum, trusted_block=block) as chain,
                pytest.raises(RegistryError),
            ):
                chain.settled()


def test_a_trusted_block_has_its_own_height(honest):
    block = TrustedBlock(16, trusted(honest, 17).hash)
    lies = {"eth_getBlockByNumber": lambda _, __: honest.blocks[17]}
    with (
        connect_chain(nodes(honest, 1, lies=lies), trusted_block=block) as chain,
        pytest.raises(RegistryError, match="gives block 17 for block 16"),
    ):
        chain.settled()


# --- connecting


@pytest.mark.parametrize(
    "options",
    [
        {"quorum": 0},
        {"quorum": 4},
        {"quorum": True},
        {"quorum": "2"},
        {"confirmations": -1},
        {"confirmations": 1.5},
        {"trusted_block": TrustedBlock(-1, bytes(32))},
        {"trusted_block": TrustedBlock(1, bytes(31))},
        {"trusted_block": TrustedBlock(1, "0x" + 64 * "0")},
    ],
    ids=repr,
)
def test_options_that_do_not_fit_are_refused(honest, options):
    with pytest.raises(InvalidInputError) as caught:
        connect_chain(nodes(honest), **options)
    assert caught.value.code is Code.INVALID_OPTIONS


def test_without_nodes_there_is_no_chain():
    with pytest.raises(InvalidInputError, match="at least one node"):
        connect_chain([])


def test_what_the_nodes_are_able_to_do_is_tried(honest):
    with connect_chain(nodes(honest, 1)) as chain:
        able = chain.capabilities
        assert (able.finalized, able.proofs, able.dynamic_fees, able.by_hash) == (True,) * 4
        assert chain.chain_id == 1337


def test_a_network_of_a_consortium_lacks_what_others_have():
    legacy = town_chain(consensus="qbft", dynamic_fees=False)
    with connect_chain([consortium(legacy, proofs=False)]) as chain:
        able = chain.capabilities
        assert (able.finalized, able.proofs, able.dynamic_fees, able.by_hash) == (False,) * 4
        assert chain.settled().number == LENGTH - CONFIRMATIONS
        assert chain.storage(CONTRACT, 7, chain.settled()) == LENGTH - CONFIRMATIONS
        assert chain.ask("eth_gasPrice") == "0x0"


def test_what_only_one_of_several_nodes_is_able_to_do_is_not_relied_upon(honest):
    voices = [SimulatedNode(honest, "A"), *nodes(honest, 2, finalized=None, proofs=False)]
    with connect_chain(voices, quorum=2) as chain:
        assert not chain.capabilities.finalized
        assert chain.capabilities.proofs  # a proof is one, whoever gives it
        assert chain.settled().number == LENGTH - CONFIRMATIONS
        assert chain.storage(CONTRACT, 7, chain.settled()) == LENGTH - CONFIRMATIONS


def test_one_node_that_knows_no_final_block_does_not_speak_for_the_others():
    final = town_chain()
    voices = nodes(final, 2, finalized=20)
    for quorum in (2, 3):
        with connect_chain(
            [SimulatedNode(final, "C", finalized=None), *voices], quorum=quorum
        ) as chain:
            assert chain.settled().number == LENGTH - 20


@pytest.mark.parametrize("reorder", [reversed, partial(sorted, key=str)])
def test_logs_are_put_in_their_order(honest, reorder):
    lies = {"eth_getLogs": lambda _, logs: list(reorder(logs))}
    with connect_chain(nodes(honest, 1, lies=lies)) as chain:
        assert [log.block for log in chain.logs(CONTRACT, ((KIND,),), 3, 20)] == list(range(3, 21))


def test_a_node_of_another_chain_is_not_heard(honest):
    elsewhere = town_chain(chain_id=5)
    voices = [*nodes(honest, 2), SimulatedNode(elsewhere, "C")]
    with connect_chain(voices, quorum=2) as chain:
        assert chain.chain_id == 1337
        assert chain.settled().number == LENGTH - 2
        assert "C could not be asked for the settled block: C is on chain 5 instead of 1337" in (
            chain.warnings
        )
    with pytest.raises(RegistryError) as caught:
        connect_chain(voices)
    assert caught.value.code is Code.REGISTRY_UNDETERMINED
    with connect_chain(voices, chain_id=1337) as chain:
        assert chain.chain_id == 1337


def test_a_chain_of_another_number_than_the_expected_is_refused(honest):
    with pytest.raises(RegistryError, match="is on chain 1337 instead of 1"):
        connect_chain(nodes(honest, 1), chain_id=1)


def test_a_node_that_comes_back_on_another_chain_is_noticed(honest):
    (only,) = nodes(honest, 1)
    with connect_chain([only]) as chain:
        chain.settled()
        only.failure = Failure.UNREACHABLE
        with pytest.raises(RpcError):
            chain.settled()
        only.failure, only.chain = None, town_chain(chain_id=6)
        with pytest.raises(RegistryError, match="is on chain 6 instead of 1337"):
            chain.settled()
        only.chain = honest
        assert chain.settled().number == LENGTH - 2


def test_too_few_nodes_are_an_error_that_names_them(honest):
    voices = nodes(honest)
    for voice in voices[:2]:
        voice.failure = Failure.TIMEOUT
    with pytest.raises(RpcError, match=r"1 of 3 nodes answered.*A: A is timeout; B") as caught:
        connect_chain(voices, quorum=2)
    assert caught.value.failure is Failure.TIMEOUT
    assert all(voice.closed for voice in voices)


def test_while_nodes_are_down_the_others_answer(honest):
    voices = nodes(honest)
    voices[0].failure = Failure.UNREACHABLE
    for quorum in (1, 2):
        with connect_chain(voices, quorum=quorum) as chain:
            assert chain.settled().number == LENGTH - 2
            assert any(warning.startswith("A could not be asked") for warning in chain.warnings)


def test_unreachable_is_an_error_and_no_absence(honest):
    for quorum in (1, 2):
        voices = nodes(honest)
        with connect_chain(voices, quorum=quorum) as chain:
            block = chain.settled()
            for voice in voices:
                voice.failure = Failure.UNREACHABLE
            for question in (
                chain.settled,
                chain.latest,
                lambda chain=chain: chain.block(1),
                lambda chain=chain, block=block: chain.storage(CONTRACT, 7, block),
                lambda chain=chain, block=block: chain.code(CONTRACT, block),
                lambda chain=chain: chain.logs(CONTRACT, ((KIND,),), 0, 5),
            ):
                with pytest.raises(RpcError) as caught:
                    question()
                assert caught.value.code is Code.UNREACHABLE


def test_history_that_is_pruned_says_so(honest):
    for quorum in (1, 2):
        with connect_chain(nodes(honest, keeps=10), quorum=quorum) as chain:
            with pytest.raises(RpcError) as caught:
                chain.storage(CONTRACT, 7, chain.block(3))
            assert caught.value.code is Code.HISTORY_PRUNED


def test_a_revert_is_told_with_its_reason(honest):
    refusal = RpcError("execution reverted", failure=Failure.REVERTED, reason="version")
    for quorum in (1, 2):
        lies = {"eth_call": lambda _, __: refusal}
        with connect_chain(nodes(honest, lies=lies), quorum=quorum) as chain:
            with pytest.raises(RpcError) as caught:
                chain.call(CONTRACT, b"", chain.settled())
            assert (caught.value.failure, caught.value.reason) == (Failure.REVERTED, "version")


def test_a_slow_node_is_not_waited_for_when_the_others_agree(honest):
    go_on = threading.Event()
    voices = nodes(honest)
    with connect_chain(voices, quorum=2) as chain:
        voices[2].lies["eth_getBlockByNumber"] = lambda _, block: go_on.wait(20) and block
        for _ in range(2):
            assert chain.settled().number == LENGTH - 2
        told = "C could not be asked for the settled block: it has not answered yet"
        assert chain.warnings == (told,)
        voices[0].failure = Failure.UNREACHABLE
        threading.Timer(0.1, go_on.set).start()
        assert chain.latest().number == LENGTH  # now it is waited for


def test_a_chain_that_was_closed_is_asked_nothing(honest):
    for quorum in (1, 2):
        voices = nodes(honest)
        chain = connect_chain(voices, quorum=quorum)
        chain.close()
        chain.close()
        assert all(voice.closed for voice in voices)
        assert chain.quorum == quorum
        with pytest.raises(RegistryError, match="was closed; connect to it again"):
            chain.settled()


def test_whoever_waits_while_a_chain_is_closed_is_told(honest):
    go_on, waits = threading.Event(), threading.Event()
    voices = nodes(honest)
    chain = connect_chain(voices, quorum=2)
    voices[2].lies["eth_getBlockByNumber"] = lambda _, block: go_on.wait(20) and block
    assert chain.settled().number == LENGTH - 2  # the third has not answered yet
    voices[0].lies["eth_getBlockByNumber"] = lambda _, __: waits.set()
    told = []

    def ask():
        with pytest.raises(RegistryError) as caught:
            chain.settled()
        told.append(str(caught.value))

    thread = threading.Thread(target=ask)
    thread.start()
    assert waits.wait(5)
    chain.close()
    go_on.set()
    thread.join(5)
    assert "C: the chain was closed" in told[0]


def test_nodes_that_fail_in_many_threads_are_still_asked(honest):
    voices = nodes(honest, 2)
    voices[0].lies["eth_gasPrice"] = lambda _, __: malformed("always")
    with connect_chain(voices) as chain:
        seen = []
        threads = [
            threading.Thread(
                target=lambda: seen.extend(chain.ask("eth_gasPrice") for _ in range(50))
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == ["0x0"] * 300


def test_nodes_of_one_host_are_told_apart(honest):
    voices = [SimulatedNode(honest, "host") for _ in range(3)]
    voices[2].lies["eth_chainId"] = lambda _, __: "0x5"
    with connect_chain(voices, quorum=2) as chain:
        assert chain.warnings == ("host #3 contradicts 2 others about the number of the chain",)


def test_warnings_are_told_once_and_not_without_end(honest):
    voices = nodes(honest)
    with connect_chain(voices) as chain:
        for number in range(150):
            with pytest.raises(RegistryError):
                chain.block(1000 + number)
        assert len(chain.warnings) == 100
        assert "149" in chain.warnings[-1]
        with pytest.raises(RegistryError):
            chain.block(1149)
        assert len(set(chain.warnings)) == len(chain.warnings) == 100


def test_threads_may_share_a_chain(honest):
    with connect_chain(nodes(honest), quorum=2) as chain:
        seen = []
        threads = [
            threading.Thread(target=lambda: seen.extend(chain.settled().number for _ in range(10)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [LENGTH - 2] * 40


# --- values


def test_what_is_no_log_is_refused(honest):
    log = dict(honest.logs[4][0])
    assert isinstance(read_log(log, CONTRACT), Log)
    assert read_log({**log, "removed": None} | {"removed": False}, CONTRACT).block == 4
    for wrong in (
        None,
        [],
        {},
        {**log, "address": OTHER},
        {**log, "address": "0x"},
        {**log, "removed": True},
        {**log, "removed": None},
        {**log, "topics": None},
        {**log, "topics": [log["topics"][0]] * 5},
        {**log, "topics": ["0x00"]},
        {**log, "topics": [5]},
        {**log, "data": "0x0"},
        {**log, "data": "text"},
        {**log, "data": None},
        {**log, "blockNumber": 4},
        {**log, "blockNumber": "0x" + 17 * "f"},
        {**log, "blockHash": None},
        {**log, "logIndex": None},
        {name: value for name, value in log.items() if name != "transactionHash"},
    ):
        with pytest.raises(RpcError, match="malformed"):
            read_log(wrong, CONTRACT)


@pytest.mark.parametrize(
    "value", [None, 5, "5", "0x", "0xg", "0x" + 65 * "0", "0X1", "0x1\n", "-0x1"]
)
def test_what_is_no_quantity_is_refused(value):
    with pytest.raises(RpcError, match="malformed"):
        read_quantity(value, "a number")


@pytest.mark.parametrize(
    "value", [None, b"", "", "00", "0x0", "0xzz", "0x00\n", "0x 00", "0x00 00", "0x\u0660\u0660"]
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(RpcError, match="malformed"):
        read_data(value, "data")


def test_quantities_and_data_are_written_as_they_are_read():
    assert read_quantity(quantity(0), "x") == 0
    assert read_quantity("0x000a", "x", bits=4) == 10
    assert read_data(data(b"\x00\xff"), "x", size=2) == b"\x00\xff"
    with pytest.raises(RpcError, match="more than 4 bits"):
        read_quantity("0x10", "x", bits=4)
    with pytest.raises(RpcError, match="has 2 bytes instead of 3"):
        read_data("0x00ff", "x", size=3)


def test_an_agreement_is_of_enough_voices():
    voices = [Voice("A", 1), Voice("B", 1), Voice("C", 2), Voice("D", malformed("x"))]
    agreement = agree(voices, 2, "it")
    assert agreement.value == 1
    assert agreement.warnings[0] == "C contradicts 2 others about it"
    assert agreement.warnings[1].startswith("D could not be asked for it")
    for quorum in (1, 3):
        with pytest.raises(RegistryError, match="contradict each other about it") as caught:
            agree(voices, quorum, "it")
        assert caught.value.code is Code.REGISTRY_UNDETERMINED
    with pytest.raises(RegistryError, match="2 of 3 nodes answered") as caught:
        agree([voices[0], voices[1], Voice("E", RegistryError("y"))], 3, "it")
    assert caught.value.code is Code.REGISTRY_UNAVAILABLE


# --- a real node


@pytest.mark.anvil
def test_a_real_node_is_believed_against_a_block():
    with chains.anvil(block_time=None) as node:
        sender = node.ask("eth_accounts")[0]
        creation = {"from": sender, "data": record_anvil.creation_code(), "gas": "0x100000"}
        created = node.control.request("eth_sendTransaction", [creation])
        node.mine(4)
        contract = node.ask("eth_getTransactionReceipt", created)["contractAddress"]
        with connect_chain([node.endpoint()]) as chain:
            settled = chain.settled()
            assert chain.latest().number == 4
            assert settled.number == 2
        block = TrustedBlock(settled.number, settled.hash)
        with connect_chain([node.endpoint()], trusted_block=block) as chain:
            assert chain.settled() == settled
            words = chain.storages(contract, (*record_anvil.WORDS, 5), settled)
            assert words == (*record_anvil.WORDS.values(), 0)
            assert chain.code(contract, settled) == b"\x00"
            assert chain.storage("0x" + 20 * "77", 1, settled) == 0
        voices = [http_endpoint(node.url) for _ in range(3)]
        with connect_chain(voices, quorum=2) as chain:
            assert chain.settled() == settled
            assert chain.storages(contract, tuple(record_anvil.WORDS), settled) == words[:-1]
            assert chain.logs(contract, (), 0, 4) == ()
            assert chain.warnings == ()
