"""The hash of a block follows from its header, under every set of rules and every consensus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import record_anvil
import simulated_node
from cityid.registry.ethereum.failures import RpcError
from cityid.registry.ethereum.hashing import keccak256, rlp_encode
from cityid.registry.ethereum.hexadecimal import data
from cityid.registry.ethereum.nodes.blocks import read_block
from cityid.registry.ethereum.nodes.headers import has_its_hash, proven_block
from cityid.registry.ethereum.nodes.node import Node
from cityid.registry.ethereum.nodes.trie import NO_ACCOUNT, prove_account, prove_word
from simulated_node import SimulatedChain, SimulatedNode

RECORDED = json.loads(Path(record_anvil.RECORDED).read_text(encoding="utf-8"))
HASHED = [*simulated_node.EXTRA]
HASHED.remove("unknown")


def flipped(text):
    """Return data with its last bit changed, or a number that is one more or less."""
    return text[:-1] + f"{int(text[-1], 16) ^ 1:x}"


@pytest.mark.parametrize("hardfork", RECORDED)
def test_a_header_of_a_real_node_has_its_hash(hardfork):
    header = RECORDED[hardfork]["block"]
    block = read_block(header)
    assert has_its_hash(header)
    assert proven_block(header, block.hash) == block
    assert data(block.state_root) == header["stateRoot"]


@pytest.mark.parametrize("hardfork", ["istanbul", "london", "prague"])
def test_a_header_with_anything_changed_has_another_hash(hardfork):
    header = RECORDED[hardfork]["block"]
    beside = {"hash", "size", "totalDifficulty", "uncles", "transactions", "withdrawals"}
    hashed = header.keys() - beside
    assert len(hashed) >= 15
    for name in hashed:
        value = "0x01" if header[name] == "0x" else flipped(header[name])
        assert not has_its_hash({**header, name: value}), name
        with pytest.raises(RpcError, match="does not have the hash"):
            proven_block({**header, name: value}, read_block(header).hash)


def test_a_header_without_a_later_field_or_with_one_more_has_another_hash():
    london, prague = RECORDED["london"]["block"], RECORDED["prague"]["block"]
    assert not has_its_hash({**london, "withdrawalsRoot": prague["withdrawalsRoot"]})
    assert not has_its_hash({**prague, "requestsHash": None})
    assert not has_its_hash({**prague, "withdrawalsRoot": None})
    assert has_its_hash({**london, "withdrawalsRoot": None})


def test_a_block_of_another_hash_than_was_asked_for_is_refused():
    header = RECORDED["prague"]["block"]
    with pytest.raises(RpcError, match="does not have the hash"):
        proven_block(header, keccak256(b"another"))


@pytest.mark.parametrize("consensus", HASHED)
def test_a_header_has_its_hash_under_every_consensus_that_is_known(consensus):
    chain = SimulatedChain(consensus=consensus)
    block = chain.mine({"0x" + 20 * "01": {1: 1}})
    header = chain.blocks[-1]
    assert proven_block(header, block.hash) == block
    for name in ("stateRoot", "parentHash", "number", "timestamp"):
        assert not has_its_hash({**header, name: flipped(header[name])})


@pytest.mark.parametrize("consensus", ["qbft", "ibft2", "istanbul"])
def test_the_seals_alone_are_left_out_of_the_hash(consensus):
    chain = SimulatedChain(consensus=consensus)
    header = chain.blocks[-1]
    told = header["extraData"]
    seals = data(simulated_node.SEALS[2])[2:]
    assert told.count(seals) == 1
    assert has_its_hash({**header, "extraData": told.replace(seals, "77" * 65)})
    validator = data(simulated_node.VALIDATORS[1])[2:]
    assert not has_its_hash({**header, "extraData": told.replace(validator, "77" * 20)})


@pytest.mark.parametrize(
    "extra",
    [
        b"vanity",
        rlp_encode([b"short vanity", [], [], b"", []]),
        rlp_encode([simulated_node.VANITY, [], []]),
        rlp_encode([[], [], [], b"", []]),
        rlp_encode(b"text"),
        simulated_node.VANITY,
        simulated_node.VANITY + rlp_encode([[], [], []]),
        simulated_node.VANITY + rlp_encode(b"text"),
    ],
)
def test_extra_data_that_is_of_no_consensus_is_hashed_as_it_is(extra):
    header = {**RECORDED["london"]["block"], "extraData": data(extra)}
    assert not has_its_hash(header)


def test_extra_data_without_end_is_refused():
    with pytest.raises(RpcError, match="extraData is too long"):
        has_its_hash({**RECORDED["london"]["block"], "extraData": "0x" + "00" * 70_000})


def test_a_chain_that_hashes_otherwise_is_known_as_such():
    assert not has_its_hash(SimulatedChain(consensus="unknown").blocks[-1])


@pytest.mark.parametrize(
    "wrong",
    [None, [], "0x", {}, {"hash": "0x00"}, {"hash": "0x" + "00" * 32}],
    ids=repr,
)
def test_what_is_no_header_is_refused(wrong):
    with pytest.raises(RpcError, match="malformed"):
        has_its_hash(wrong)


@pytest.mark.parametrize("hardfork", RECORDED)
def test_a_real_node_proves_words_and_that_there_is_none(hardfork):
    answers = RECORDED[hardfork]
    root = read_block(answers["block"]).state_root
    contract = bytes.fromhex(answers["contract"][2:])
    account = prove_account(root, contract, nodes(answers["proof"]["accountProof"]))
    assert account.code_hash == keccak256(bytes.fromhex(answers["code"][2:]))
    slots = (*record_anvil.WORDS, record_anvil.NOTHING)
    for slot, said in zip(slots, answers["proof"]["storageProof"], strict=True):
        word = prove_word(account.storage_root, slot, nodes(said["proof"]))
        assert word == record_anvil.WORDS.get(slot, 0)


@pytest.mark.parametrize("hardfork", RECORDED)
def test_a_real_node_proves_that_there_is_no_account(hardfork):
    answers = RECORDED[hardfork]
    root = read_block(answers["block"]).state_root
    stranger = bytes.fromhex(answers["stranger"][2:])
    assert prove_account(root, stranger, nodes(answers["absence"]["accountProof"])) == NO_ACCOUNT


def nodes(proof):
    return [bytes.fromhex(node[2:]) for node in proof]


def test_any_byte_of_a_real_proof_that_is_changed_is_noticed():
    answers = RECORDED["prague"]
    block, contract = read_block(answers["block"]), answers["contract"]
    slots = (*record_anvil.WORDS, record_anvil.NOTHING)
    node = Node("a node", Proving(answers["proof"]))
    words = node.proven_words(contract, slots, "latest", block.state_root)
    assert words == (*record_anvil.WORDS.values(), 0)
    changes = 0
    for where in (answers["proof"], *answers["proof"]["storageProof"]):
        proof = where["accountProof"] if "accountProof" in where else where["proof"]
        for place, text in enumerate(proof):
            for at in range(2, len(text), 3):
                proof[place] = text[:at] + f"{int(text[at], 16) ^ 4:x}" + text[at + 1 :]
                with pytest.raises(RpcError, match="malformed"):
                    node.proven_words(contract, slots, "latest", block.state_root)
                changes += 1
            proof[place] = text
    assert node.proven_words(contract, slots, "latest", block.state_root) == words
    assert changes > 500


class Proving(SimulatedNode):
    """A node that has one proof."""

    def __init__(self, proof):
        super().__init__(SimulatedChain())
        self.lies["eth_getProof"] = lambda _, __: proof


@pytest.mark.anvil
def test_what_was_recorded_is_what_the_node_of_today_answers():
    answers = record_anvil.record("prague")
    assert has_its_hash(answers["block"])
    assert answers["proof"]["storageHash"] == RECORDED["prague"]["proof"]["storageHash"]
