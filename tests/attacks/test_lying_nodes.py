"""Nodes that lie: one alone changes nothing that is believed, it can only take the answer away."""

from __future__ import annotations

import copy
import itertools
import random
from contextlib import suppress

import pytest

from cityid.errors import Code, RegistryError
from cityid.registry.ethereum.failures import Failure, RpcError, malformed
from cityid.registry.ethereum.hashing import keccak256, number, rlp_encode
from cityid.registry.ethereum.nodes.blocks import TrustedBlock, read_block
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.nodes.headers import has_its_hash
from merkle_patricia import Tree
from simulated_node import SimulatedChain, SimulatedNode

CONTRACT = "0x" + 20 * "c0"
KIND = keccak256(b"kind")
LENGTH = 12
ALIKE = 2
"""How far the final block stays behind the last."""


def town_chain(word=7, **options):
    chain = SimulatedChain(**options)
    chain.codes[CONTRACT] = b"\x60\x00"
    for height in range(1, LENGTH + 1):
        chain.mine({CONTRACT: {1: word * height}}, [(CONTRACT, [KIND], bytes([height]))])
    return chain


HONEST = town_chain()
SETTLED = read_block(HONEST.blocks[LENGTH - ALIKE])
WORD = 7 * SETTLED.number


def honest(name):
    return SimulatedNode(HONEST, name)


def liar(**lies):
    return SimulatedNode(HONEST, "liar", lies=lies)


# --- what one node of three may say

BLOCK = HONEST.blocks[LENGTH - ALIKE]
FORK = HONEST.fork(6)
TALLER = copy.deepcopy(HONEST)
for _ in range(40):
    TALLER.mine()
FORKED_AND_TALLER = copy.deepcopy(FORK)
for _ in range(40):
    FORKED_AND_TALLER.mine({CONTRACT: {1: 666}})
ANOTHER = town_chain(word=666)

LIES = {
    "another state": liar(
        eth_getBlockByNumber=lambda _, block: {**block, "stateRoot": ANOTHER.blocks[3]["stateRoot"]}
    ),
    "another time": liar(eth_getBlockByNumber=lambda _, block: {**block, "timestamp": "0x1"}),
    "another hash": liar(eth_getBlockByNumber=lambda _, block: {**block, "hash": "0x" + 64 * "1"}),
    "another parent": liar(
        eth_getBlockByNumber=lambda _, block: {**block, "parentHash": "0x" + 64 * "1"}
    ),
    "an old block": liar(eth_getBlockByNumber=lambda _, __: HONEST.blocks[2]),
    "a block of the future": liar(
        eth_getBlockByNumber=lambda _, block: {**block, "number": hex(2**63)}
    ),
    "no block": liar(eth_getBlockByNumber=lambda _, __: None),
    "no block object": liar(eth_getBlockByNumber=lambda _, __: ["block"]),
    "a fork": SimulatedNode(FORK, "liar"),
    "a taller chain": SimulatedNode(TALLER, "liar"),
    "a taller fork": SimulatedNode(FORKED_AND_TALLER, "liar"),
    "another history": SimulatedNode(ANOTHER, "liar"),
    "words": liar(eth_getStorageAt=lambda _, __: "0x" + 64 * "f"),
    "zeros": liar(eth_getStorageAt=lambda _, __: "0x" + 64 * "0"),
    "emptiness": liar(eth_getStorageAt=lambda _, __: "0x", eth_getCode=lambda _, __: "0x"),
    "code": liar(eth_getCode=lambda _, __: "0x6001"),
    "answers": liar(eth_call=lambda _, __: "0x" + 64 * "f"),
    "fewer logs": liar(eth_getLogs=lambda _, logs: logs[:-1]),
    "no logs": liar(eth_getLogs=lambda _, __: []),
    "more logs": liar(eth_getLogs=lambda _, logs: [*logs, {**logs[-1], "logIndex": "0x9"}]),
    "other logs": liar(eth_getLogs=lambda _, logs: [{**log, "data": "0x66"} for log in logs]),
    "logs twice": liar(eth_getLogs=lambda _, logs: [*logs, *logs]),
    "logs of other blocks": liar(
        eth_getLogs=lambda _, logs: [{**log, "blockNumber": "0x1"} for log in logs]
    ),
    "logs of other kinds": liar(
        eth_getLogs=lambda _, logs: [{**log, "topics": ["0x" + 64 * "1"]} for log in logs]
    ),
    "logs of no kind": liar(eth_getLogs=lambda _, logs: [{**log, "topics": []} for log in logs]),
    "logs of no list": liar(eth_getLogs=lambda _, __: {"logs": []}),
    "logs of nobody": liar(eth_getLogs=lambda _, logs: [None for _ in logs]),
    "no proof": liar(eth_getProof=lambda _, __: {}),
    "an empty proof": liar(eth_getProof=lambda _, __: {"accountProof": [], "storageProof": []}),
    "a proof of lists": liar(eth_getProof=lambda _, __: {"accountProof": {}, "storageProof": {}}),
    "another's proof": liar(
        eth_getProof=lambda params, _: ANOTHER.prove(
            SETTLED.number, params[0], [int(slot, 16) for slot in params[1]]
        )
    ),
    "an old proof": liar(
        eth_getProof=lambda params, _: HONEST.prove(
            3, params[0], [int(slot, 16) for slot in params[1]]
        )
    ),
    "a proof too few": liar(eth_getProof=lambda _, proof: {**proof, "storageProof": []}),
    "reverts": liar(
        eth_call=lambda _, __: RpcError("reverted", failure=Failure.REVERTED),
    ),
    "timeouts": SimulatedNode(HONEST, "liar", failure=Failure.TIMEOUT),
    "another chain": liar(eth_chainId=lambda _, __: "0x1"),
    "no chain": liar(eth_chainId=lambda _, __: None),
}


def answers(chain):
    """Return all that a reader asks of a chain."""
    settled = chain.settled()
    return (
        settled,
        chain.block(5),
        chain.storage(CONTRACT, 1, settled),
        chain.storage(CONTRACT, 2, settled),
        chain.code(CONTRACT, settled),
        chain.call(CONTRACT, b"", settled),
        chain.logs(CONTRACT, ((KIND,),), 2, 5),
    )


with connect_chain([honest("A")]) as _only:
    TRUTH = answers(_only)


def test_the_truth_is_what_the_chain_holds():
    assert TRUTH[0] == SETTLED
    assert TRUTH[2:4] == (WORD, 0)
    assert [log.block for log in TRUTH[6]] == [2, 3, 4, 5]


@pytest.mark.parametrize("seat", range(3))
@pytest.mark.parametrize("lie", LIES)
def test_one_liar_of_three_is_outvoted_wherever_it_sits(lie, seat):
    voices = [honest("A"), honest("B")]
    voices.insert(seat, LIES[lie])
    with connect_chain(voices, quorum=2) as chain:
        assert answers(chain) == TRUTH


OUTVOTED = [name for name in LIES if name != "a taller chain"]


@pytest.mark.parametrize("lie", OUTVOTED)
def test_a_liar_is_named(lie):
    voices = [LIES[lie], honest("A"), honest("B")]
    with connect_chain(voices, quorum=2) as chain:
        for _ in range(3):  # whoever is asked alone for a proof changes
            answers(chain)
        told = " ".join(chain.warnings)
        silent = {"words", "zeros"}  # nobody asks: it must prove
        assert ("liar" in told) == (lie not in silent), told
    assert "A " not in told
    assert "B " not in told


@pytest.mark.parametrize("lie", ["words", "zeros", "emptiness", "code"])
def test_without_proofs_a_liar_is_outvoted_and_named(lie):
    voices = [SimulatedNode(HONEST, "liar", proofs=False, lies=LIES[lie].lies)]
    voices += [SimulatedNode(HONEST, name, proofs=False) for name in "AB"]
    with connect_chain(voices, quorum=2) as chain:
        assert answers(chain) == TRUTH
        assert "liar" in " ".join(chain.warnings)


@pytest.mark.parametrize("lie", LIES)
def test_of_two_one_liar_can_only_take_the_answer_away(lie):
    try:
        with connect_chain([LIES[lie], honest("A")], quorum=2) as chain:
            told = answers(chain)
    except RegistryError:
        return
    settled, *rest = told  # a liar may hold the others back, and call an older block the last
    assert settled == read_block(HONEST.blocks[settled.number])
    assert rest[0] == TRUTH[1]
    assert rest[1] == 7 * settled.number
    assert rest[-1] == TRUTH[-1]


STATES = ["another state", "another hash", "another time", "a fork", "another history"]


@pytest.mark.parametrize("lie", STATES)
def test_two_that_contradict_each_other_leave_it_undetermined(lie):
    with (
        connect_chain([LIES[lie], honest("A")], quorum=2) as chain,
        pytest.raises(RegistryError, match="contradict each other") as caught,
    ):
        chain.settled()
    assert caught.value.code is Code.REGISTRY_UNDETERMINED
    assert "liar" in str(caught.value)
    assert "A:" in str(caught.value)


def test_three_that_all_contradict_each_other_leave_it_undetermined():
    voices = [honest("A"), LIES["a fork"], SimulatedNode(ANOTHER, "C")]
    with connect_chain(voices, quorum=2) as chain, pytest.raises(RegistryError) as caught:
        chain.settled()
    assert caught.value.code is Code.REGISTRY_UNDETERMINED


def test_two_that_lie_alike_against_two_leave_it_undetermined():
    voices = [honest("A"), honest("B"), SimulatedNode(FORK, "C"), SimulatedNode(FORK, "D")]
    with connect_chain(voices, quorum=2) as chain, pytest.raises(RegistryError) as caught:
        chain.settled()
    assert caught.value.code is Code.REGISTRY_UNDETERMINED


def test_where_logs_cannot_be_checked_two_of_three_that_differ_leave_them_undetermined():
    voices = [honest("A"), LIES["no logs"], LIES["other logs"]]
    with connect_chain(voices, quorum=2) as chain, pytest.raises(RegistryError) as caught:
        chain.logs(CONTRACT, ((KIND,),), 2, 5)
    assert caught.value.code is Code.REGISTRY_UNDETERMINED


# --- liars that take turns, on a chain that grows


@pytest.mark.parametrize("seed", range(60))
def test_whoever_of_three_lies_or_fails_the_right_answer_is_given(seed):
    some = random.Random(seed)  # noqa: S311 - a test keeps no secrets
    growing = copy.deepcopy(HONEST)
    voices = [SimulatedNode(growing, name) for name in "ABC"]
    with connect_chain(voices, quorum=2) as chain:
        for _ in range(12):
            faulty = some.choice(voices)
            lie = LIES[some.choice([*LIES])]
            for voice in voices:
                voice.chain = lie.chain if voice is faulty and lie.chain is not HONEST else growing
                voice.lies = dict(lie.lies) if voice is faulty else {}
                voice.failure = lie.failure if voice is faulty else None
                voice.proofs = some.random() < 0.8
            if some.random() < 0.5:
                height = len(growing.blocks)
                growing.mine({CONTRACT: {1: 7 * height}}, [(CONTRACT, [KIND], bytes([height]))])
            told = answers(chain)
            settled = len(growing.blocks) - 1 - ALIKE
            assert told[0] == read_block(growing.blocks[settled])
            assert told[2:5] == (7 * settled, 0, b"\x60\x00")
            assert told[1] == TRUTH[1]
            assert told[6] == TRUTH[6]


# --- reorganisations


def test_a_reorganisation_above_the_settled_block_changes_nothing():
    node = SimulatedNode(copy.deepcopy(HONEST), "A")
    with connect_chain([node]) as chain:
        before = answers(chain)
        node.chain = node.chain.fork(ALIKE)
        assert answers(chain) == before


@pytest.mark.parametrize("depth", range(3, LENGTH))
def test_state_is_asked_by_hash_so_that_a_deeper_one_is_noticed(depth):
    node = SimulatedNode(copy.deepcopy(HONEST), "A")
    with connect_chain([node]) as chain:
        settled = chain.settled()
        node.chain = node.chain.fork(depth)
        with pytest.raises(RegistryError, match="Block not found"):
            chain.storage(CONTRACT, 1, settled)
        assert chain.settled() != settled
        assert chain.block(settled.number).hash != settled.hash


@pytest.mark.parametrize("depth", [3, 6, LENGTH - 1])
def test_nodes_on_both_sides_of_a_fork_agree_below_it_or_not_at_all(depth):
    forked = HONEST.fork(depth)
    voices = [honest("A"), SimulatedNode(forked, "B"), SimulatedNode(forked, "C")]
    with connect_chain(voices, quorum=2) as chain:
        assert chain.settled() == read_block(forked.blocks[LENGTH - ALIKE])
        assert chain.warnings == ("A contradicts 2 others about the settled block",)
    with connect_chain(voices, quorum=3) as chain, pytest.raises(RegistryError):
        chain.settled()


def test_a_liar_that_calls_a_fork_final_does_not_stop_the_others_below_it():
    lagging = SimulatedNode(HONEST, "lagging", finalized=8)
    with connect_chain([LIES["a taller fork"], honest("A"), lagging], quorum=2) as chain:
        assert chain.settled() == read_block(HONEST.blocks[LENGTH - 8])


# --- against a trusted block, one node alone

TRUSTED = TrustedBlock(SETTLED.number, SETTLED.hash)


def proven(chain):
    def check(logs):
        if [log.data for log in logs] != [bytes([height]) for height in range(2, 6)]:
            raise malformed("they do not lead to what is known")

    settled = chain.settled()
    return (
        settled,
        chain.storages(CONTRACT, (1, 2), settled),
        chain.code(CONTRACT, settled),
        [log.data for log in chain.logs(CONTRACT, ((KIND,),), 2, 5, check)],
    )


with connect_chain([honest("A")], trusted_block=TRUSTED) as _only:
    PROVEN = proven(_only)


def test_against_a_trusted_block_the_truth_is_proven():
    assert (SETTLED, (WORD, 0), b"\x60\x00", [bytes([n]) for n in range(2, 6)]) == PROVEN


@pytest.mark.parametrize("lie", LIES)
def test_against_a_trusted_block_a_liar_alone_can_only_take_the_answer_away(lie):
    try:
        with connect_chain([LIES[lie]], trusted_block=TRUSTED) as chain:
            told = proven(chain)
    except RegistryError:
        return
    assert told == PROVEN


def test_what_a_trusted_block_proves_is_not_even_asked_of_a_liar_otherwise():
    harmless = set()
    for name, node in LIES.items():
        with suppress(RegistryError), connect_chain([node], trusted_block=TRUSTED) as chain:
            proven(chain)
            harmless.add(name)
    unasked = {"words", "zeros", "answers", "reverts"}
    assert harmless == unasked | {"a taller chain", "another chain"}


def test_any_field_of_any_answer_that_is_changed_changes_nothing_that_is_believed():
    some = random.Random(2026)  # noqa: S311 - a test keeps no secrets
    seen = set()
    for _ in range(400):
        node = SimulatedNode(HONEST, "liar")
        method = some.choice(["eth_getBlockByNumber", "eth_getProof", "eth_getCode", "eth_getLogs"])
        node.lies[method] = lambda _, said: changed(copy.deepcopy(said), some)
        try:
            with connect_chain([node], trusted_block=TRUSTED) as chain:
                assert proven(chain) == PROVEN
            seen.add((method, "harmless"))
        except RegistryError:
            seen.add((method, "refused"))
    assert {outcome for _, outcome in seen} == {"harmless", "refused"}
    assert len({method for method, outcome in seen if outcome == "refused"}) == 4


NONSENSE = [
    None,
    True,
    5,
    -1,
    1.5,
    "",
    "0x",
    "0x1",
    "0x" + 64 * "1",
    "0x" + 65 * "1",
    "text",
    [],
    {},
    [[]],
]


def changed(value, some):
    """Return a value with one thing in it changed."""
    places = list(_places(value))
    if not places or some.random() < 0.1:
        return some.choice(NONSENSE)
    container, key = some.choice(places)
    old = container[key]
    if isinstance(old, str) and len(old) > 2 and some.random() < 0.7:
        at = some.randrange(2, len(old))
        container[key] = old[:at] + f"{int(old[at], 16) ^ some.randint(1, 15):x}" + old[at + 1 :]
    elif isinstance(container, list) and some.random() < 0.5:
        del container[key]
    else:
        container[key] = some.choice(NONSENSE)
    return value


def _places(value):
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


# --- proofs made up


def test_a_proof_of_absence_for_what_is_there_cannot_be_made_from_other_proofs():
    height = SETTLED.number
    proofs = [HONEST.prove(height, CONTRACT, [slot]) for slot in range(1, 6)]
    proofs += [
        ANOTHER.prove(height, CONTRACT, [1]),
        town_chain(word=0).prove(height, CONTRACT, [1]),
    ]
    parts = [proof["storageProof"][0]["proof"] for proof in proofs]
    for one, other in itertools.product(proofs, parts):
        said = copy.deepcopy(one)
        said["storageProof"][0]["proof"] = other
        node = liar(eth_getProof=lambda _, __, said=said: said)
        with connect_chain([node], trusted_block=TRUSTED) as chain:
            try:
                word = chain.storage(CONTRACT, 1, SETTLED)
            except RpcError as error:
                word = error.failure
            assert word in {WORD, Failure.MALFORMED}


def test_a_tree_of_the_liar_is_refused_with_its_own_root():
    mine = Tree(
        {keccak256(bytes.fromhex(CONTRACT[2:])): rlp_encode([b"", b"", bytes(32), bytes(32)])}
    )
    header = {**HONEST.blocks[SETTLED.number], "stateRoot": "0x" + mine.root.hex()}
    assert not has_its_hash(header)
    node = liar(
        eth_getBlockByNumber=lambda params, said: said if params[0] == "latest" else header,
        eth_getProof=lambda _, __: {
            "accountProof": [
                "0x" + node.hex() for node in mine.proof(keccak256(bytes.fromhex(CONTRACT[2:])))
            ],
            "storageProof": [],
        },
    )
    with connect_chain([node], trusted_block=TRUSTED) as chain, pytest.raises(RpcError):
        chain.settled()


def test_words_are_proven_of_the_slots_that_were_asked_for_and_in_their_order():
    chain_ = copy.deepcopy(HONEST)
    block = chain_.mine({CONTRACT: {3: 33, 4: 44}})
    trusted = TrustedBlock(block.number, block.hash)
    swapped = SimulatedNode(chain_, "liar")
    swapped.lies["eth_getProof"] = lambda _, proof: {
        **proof,
        "storageProof": proof["storageProof"][::-1],
    }
    with connect_chain([SimulatedNode(chain_, "A")], trusted_block=trusted) as chain:
        assert chain.storages(CONTRACT, (3, 4, 5), block) == (33, 44, 0)
    with connect_chain([swapped], trusted_block=trusted) as chain, pytest.raises(RpcError):
        chain.storages(CONTRACT, (3, 4, 5), block)


def test_where_no_node_proves_anything_true_the_others_are_asked_what_they_say():
    lies = {"eth_getProof": lambda _, __: {"accountProof": [], "storageProof": []}}
    voices = [SimulatedNode(HONEST, name, lies=lies) for name in "ABC"]
    with connect_chain(voices, quorum=2) as chain:
        assert chain.storage(CONTRACT, 1, SETTLED) == WORD
        assert "no node proves" in chain.warnings[-1]


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_number_in_the_words_of_a_node_costs_nothing(size):
    digits = number(16**size - 1).hex()
    node = liar(eth_getStorageAt=lambda _, __: "0x" + digits)
    with connect_chain([node]) as chain:
        block = chain.settled()
        if size == 1:
            assert chain.storage(CONTRACT, 1, block) == 15
        else:
            with pytest.raises(RpcError, match="no quantity"):
                chain.storage(CONTRACT, 1, block)
