"""Nodes that lie about a registry on a chain, writers that write nonsense, blocks that vanish.

Whatever one node says, no record comes of it that the contract does not vouch for: the answer is
the right one from another node, or an error that is not "there is none".
"""

from __future__ import annotations

import random
import zlib
from functools import partial

import pytest

import chain_registry
import chains
import lies
from chain_registry import ORIGIN, entries
from cityid import did, keys, registry
from cityid.errors import Code, CorruptError, RegistryError
from cityid.registry import NewEntry, TrustedBlock
from cityid.registry.admission import MAX_DATA
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.contract.contents import DEFLATED, NAMELESS, PLAIN, log_id
from cityid.registry.ethereum.contract.deployment import deploy
from cityid.registry.ethereum.contract.layout import Entry
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.sending.transactions import address
from faults import answering, down, stale


@pytest.fixture(scope="module")
def town():
    """Two nodes, of which any one is asked; the logs a (5 entries) and b (2, one long)."""
    made = chain_registry.Chain(nodes=2)
    made.fill("a", 3)
    made.clerk.append(entries(("a", 4, b"4"), ("b", 1, b"b"), ("a", 5, b"5")))
    made.clerk.append(entries(("b", 2, random.Random(1).randbytes(3000))))  # noqa: S311 - data
    yield made
    made.close()


@pytest.fixture
def chain(town):
    """The same chain, the nodes healthy, and a reader who has asked nobody yet."""
    for node in town.nodes:
        node.faults.clear()
    town.reader = town.open()
    yield town
    town.reader.close()


def flipped(text, place=-1):
    content = bytearray.fromhex(text[2:])
    content[place] ^= 1
    return "0x" + content.hex()


def in_topic(number, place=-1):
    def lie(logs):
        topics = list(logs[-1]["topics"])
        topics[number] = flipped(topics[number], place)
        return [*logs[:-1], logs[-1] | {"topics": topics}]

    return lie


def forged(logs):
    """One more entry, which claims to follow the last."""
    place = layout.Place.read(int(logs[-1]["topics"][3], 16))
    later = layout.Place(place.writer, place.version + 1, place.sequence + 1, place.time)
    topics = [*logs[-1]["topics"][:3], f"0x{later.word:064x}"]
    return [*logs, logs[-1] | {"topics": topics, "data": "0x00aa"}]


LIES = {
    "other data": lambda logs: [*logs[:-1], logs[-1] | {"data": flipped(logs[-1]["data"])}],
    "another first entry": lambda logs: [logs[0] | {"data": flipped(logs[0]["data"])}, *logs[1:]],
    "more data": lambda logs: [*logs[:-1], logs[-1] | {"data": logs[-1]["data"] + "00"}],
    "another kind of event": in_topic(0),
    "another log": in_topic(1),
    "another history": in_topic(2),
    "another time": in_topic(3),
    "another writer": in_topic(3, place=11),
    "another sequence": in_topic(3, place=-9),
    "more parts to come": in_topic(3, place=7),
    "a place that is none": in_topic(3, place=0),
    "an entry hidden": lambda logs: logs[:-1],
    "the first entry hidden": lambda logs: logs[1:],
    "an entry twice": lambda logs: [*logs, logs[-1]],
    "a forged entry": forged,
    "nothing": lambda _: [],
    "in another block": lambda logs: [
        *logs[:-1],
        logs[-1] | {"blockNumber": hex(int(logs[-1]["blockNumber"], 16) + 1)},
    ],
    "of another contract": lambda logs: [log | {"address": "0x" + "11" * 20} for log in logs],
    "taken back": lambda logs: [log | {"removed": True} for log in logs],
    "no topics": lambda logs: [log | {"topics": []} for log in logs],
    "no list": lambda _: {},
}


def ask_all(ledger):
    return [ledger.read("a"), ledger.read("b"), ledger.head("a"), tuple(ledger.scan())]


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_the_next_node_is_asked_where_one_lies_about_the_logs(chain, lie):
    honest = ask_all(chain.clerk)
    chain.nodes[0].faults.append(answering(lie, "eth_getLogs"))
    for ask in range(4):
        ledger = chain.open()  # whoever lied is asked last from then on
        assert ask_all(ledger)[ask] == honest[ask]
        assert ledger.contract.chain.warnings
        ledger.close()


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_where_every_node_lies_there_is_no_answer(chain, lie):
    for node in chain.nodes:
        node.faults.append(answering(lie, "eth_getLogs"))
    ledger = chain.reader
    for ask in (
        lambda: ledger.read("b"),
        lambda: ledger.head("b"),
        lambda: next(ledger.scan()),
        ledger.checkpoint,
        lambda: ledger.prove_inclusion(0, 1),
    ):
        with pytest.raises(RegistryError) as caught:
            ask()
        assert not isinstance(caught.value, CorruptError)


def test_chance_finds_no_lie_that_is_believed(chain):
    honest = ask_all(chain.clerk)
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311 - a schedule
        node = chance.choice(chain.nodes)
        ledger = chain.open()
        with node.ailing(lies.about_logs(chance)):
            assert ask_all(ledger) == honest
        ledger.close()


def test_history_that_no_node_keeps_is_called_so(chain):
    for node in chain.nodes:
        node.faults.append(answering(lambda _: [], "eth_getLogs"))
    alone = chain_registry.Chain()
    alone.fill("a", 1)
    alone.nodes[0].faults.append(answering(lambda _: [], "eth_getLogs"))
    with pytest.raises(RegistryError, match="pruned") as caught:
        alone.reader.read("a")
    assert caught.value.code == Code.HISTORY_PRUNED
    with pytest.raises(RegistryError, match="pruned"):
        chain.reader.read("a")
    assert chain.reader.read("nothing") == ()
    alone.close()


def test_nodes_that_cannot_be_reached_are_no_empty_registry(chain):
    for node in chain.nodes:
        node.faults.append(down)
    for ask in (
        lambda: chain.reader.read("a"),
        lambda: chain.reader.head("nothing"),
        lambda: list(chain.reader.scan()),
        chain.reader.checkpoint,
    ):
        with pytest.raises(RegistryError):
            ask()


# --- words: what the contract stores


def voted(nodes, quorum):
    made = chain_registry.Chain(nodes=nodes, quorum=quorum)
    made.fill("a", 4)
    return made


WORDS = {
    "no log": answering(lambda _: "0x" + "00" * 32, "eth_getStorageAt"),
    "another word": answering(flipped, "eth_getStorageAt"),
    "a stale head": stale(4),
}


@pytest.mark.parametrize("lie", WORDS.values(), ids=WORDS)
def test_one_liar_of_three_is_outvoted_and_named(lie):
    made = voted(3, 2)
    made.nodes[1].faults.append(lie)
    assert ask_all(made.reader) == ask_all(made.clerk)
    assert any("node1" in warning for warning in made.reader.contract.chain.warnings)
    made.close()


def test_where_too_few_agree_nothing_is_said():
    made = voted(3, 2)
    made.nodes[0].faults.append(answering(flipped, "eth_getStorageAt"))
    made.nodes[1].faults.append(answering(lambda w: flipped(w, 3), "eth_getStorageAt"))
    for ask in (made.reader.read, made.reader.head):
        with pytest.raises(RegistryError) as caught:
            ask("a")
        assert caught.value.code == Code.REGISTRY_UNDETERMINED
    made.close()


def test_a_contract_that_forgets_is_not_believed():
    made = voted(1, 1)
    made.reader.checkpoint()
    made.tester.mine_block()
    there = made.clerk.contract
    word = layout.Total.read(there.word(layout.total_slot(), there.chain.settled()))
    fewer = layout.Total(word.size - 1, word.block, word.digest).word
    made.nodes[0].faults.append(answering(lambda _: f"0x{fewer:064x}", "eth_getStorageAt"))
    with pytest.raises(RegistryError, match="no contract forgets"):
        made.reader.checkpoint()
    made.nodes[0].faults.clear()
    assert made.reader.checkpoint().size == 4
    made.close()


def test_a_time_that_no_calendar_has_is_damage_and_hides_no_other_log():
    made = voted(1, 1)
    bob = made.open_for("bob")
    made.sender._set_time = partial(made.tester.backend.chain.set_header_timestamp, 1 << 62)
    for ask in (lambda: bob.append(entries(("b", 1, b"x"))), lambda: made.reader.read("b")):
        with pytest.raises(CorruptError, match="no calendar"):
            ask()
    for _ in range(2):
        with pytest.raises(CorruptError, match="no calendar"):
            made.reader.checkpoint()
    assert made.reader.read("a") == made.clerk.read("a")
    bob.close()
    made.close()


# --- a node that is trusted, and makes up a whole world


def made_up(steps):
    """A node that tells of events that never were, and of words that go with them.

    Args:
        steps: For each the place, the parts (none for a transfer), the block, and the word before
            (None for that which the step before has left).
    """
    head, total, logs = 0, layout.Total.read(0), []
    for place, parts, block, before in steps:
        previous = head if before is None else before
        kind = layout.ENTRY if parts else layout.TRANSFERRED
        after = layout.head_after(previous, place, parts, block)
        topics = [kind, log_id("a"), previous.to_bytes(32, "big"), place.word.to_bytes(32, "big")]
        logs.append(
            {
                "topics": ["0x" + topic.hex() for topic in topics],
                "data": "0x" + b"".join(parts).hex(),
                "blockNumber": hex(block),
                "blockHash": "0x" + "01" * 32,
                "transactionHash": "0x" + "02" * 32,
                "logIndex": hex(len(logs)),
            }
        )
        if parts:
            total = layout.total_after(total, log_id("a"), after)
        head = after.word

    def answer(ask, method, params):
        if method == "eth_getStorageAt":
            word = total.word if int(params[1], 16) == layout.total_slot() else head
            return f"0x{word:064x}"
        if method != "eth_getLogs":
            return ask(method, params)
        first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
        kinds = params[0]["topics"][0]
        return [
            log | {"address": params[0]["address"]}
            for log in logs
            if first <= int(log["blockNumber"], 16) <= last and log["topics"][0] in kinds
        ]

    return answer


def entry(version, sequence, time=1):
    return layout.Place(1, version, sequence, time)


def transfer(version):
    return layout.Place(1, version, 0, 1)


LATER = layout.Head(1, 1, 9, 5).word


@pytest.mark.parametrize(
    "steps",
    [
        [(entry(1, 1), [b"\0"], 3, None), (entry(3, 2), [b"\0"], 4, None)],
        [(entry(1, 1), [b"\0"], 3, None), (entry(1, 2), [b"\0"], 4, None)],
        [(entry(2, 1), [b"\0"], 3, None)],
        [(transfer(1), [], 3, None)],
        [(transfer(0), [], 3, None), (entry(1, 1), [b"\0"], 4, None)],
        [(entry(1, 1), [b"\0"], 3, None), (transfer(2), [], 4, None)],
        [(entry(2, 1), [b"\0"], 3, LATER)],
    ],
    ids=["a gap", "a version twice", "no beginning", "a transfer of nothing", "of no version",
         "one that adds", "back in time"],
)  # fmt: skip
def test_a_world_that_contradicts_itself_is_refused(steps):
    made = chain_registry.Chain()
    made.tester.mine_blocks(5)
    made.nodes[0].faults.append(made_up(steps))
    with pytest.raises(RegistryError, match=r"versions|missing|pruned"):
        made.reader.read("a")
    with pytest.raises(RegistryError):
        made.reader.read("a", after=0, limit=1)
    made.close()


def test_entries_of_a_log_without_a_first_one_are_refused():
    made = chain_registry.Chain()
    made.tester.mine_blocks(5)
    assert made.reader.head("a") is None
    made.nodes[0].faults.append(made_up([(entry(2, 1), [b"\0"], 3, LATER)]))
    with pytest.raises(RegistryError, match="no first entry"):
        made.reader.checkpoint()
    made.nodes[0].faults.clear()
    assert made.reader.checkpoint().size == 0
    made.close()


def test_a_world_that_is_whole_is_what_whoever_trusts_one_node_gets():
    made = chain_registry.Chain()
    made.tester.mine_blocks(5)
    first = (entry(1, 1), [b"\0\0\1axyz"], 3, None)
    made.nodes[0].faults.append(made_up([first, (transfer(1), [], 4, None)]))
    (record,) = made.reader.read("a")
    assert (record.version, record.data) == (1, b"\0\1axyz"[3:])
    assert [r.log for r in made.reader.scan()] == ["a"]
    made.close()


# --- nonsense that anybody may write

NONSENSE = {
    "nothing": b"",
    "an unknown form": b"\x07abc",
    "broken compression": bytes([DEFLATED]) + b"\xff\xff\xff",
    "a name that is too long for its entry": bytes([PLAIN]) + b"\xff\xffab",
    "another name": bytes([PLAIN]) + b"\x00\x01xdata",
    "a name that is none": bytes([PLAIN]) + b"\x00\x03a bdata",
    "no name": bytes([PLAIN]) + b"\x00\x00data",
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_has_a_meaning_and_stops_nobody(content):
    made = voted(1, 1)
    name = keccak256(b"whatever " + content)
    made.call(layout.append_call([Entry(name, 1, content), Entry(name, 2, content)]))
    made.clerk.append(entries(("after", 1, b"fine")))
    scanned = list(made.reader.scan())
    assert [r.log for r in scanned] == ["a"] * 4 + [NAMELESS + name.hex()] * 2 + ["after"]
    assert made.reader.read(scanned[4].log) == tuple(scanned[4:6])
    assert all(len(r.data) <= MAX_DATA for r in scanned)
    assert registry.audit(made.reader)
    copy = registry.connect("memory:", origin="copy")
    assert registry.mirror(made.reader, copy).size == 7
    made.close()


def test_a_bomb_is_data_like_any_other():
    made = voted(1, 1)
    worker = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    bomb = bytes([DEFLATED]) + worker.compress(bytes(64 << 20)) + worker.flush()
    made.call(layout.append_call([Entry(log_id("bomb"), 1, bomb)]))
    assert list(made.reader.scan())[-1].data == bomb
    made.close()


def test_who_was_first_to_a_name_proves_nothing(chain):
    """The chain gives order, never authority: a forged log of a DID resolves to no document."""
    with registry.connect("memory:") as elsewhere:
        office = did.create("webvh", domain="id.city.example", path="office", registry=elsewhere)
        (entry,) = [r for r in elsewhere.scan() if r.log == elsewhere_log(elsewhere)]
    squatter = chain.open_for("bob")
    forged_entry = entry.data.replace(b"id.city.example", b"id.evil.example")
    squatter.append([NewEntry(entry.log, 1, forged_entry)])
    result = did.resolver(chain.reader).resolve(office.did)
    assert result.document is None
    squatter.close()


def elsewhere_log(ledger):
    return next(iter(ledger.scan())).log


# --- blocks that vanish


def test_a_reorg_that_takes_back_a_rotation_takes_back_what_follows_from_it():
    made = chain_registry.Chain()
    ring = keys.MemoryKeyring()
    office = did.create(
        "webvh", domain="id.city.example", path="office", registry=made.clerk, keyring=ring
    )
    resolver = did.resolver(made.reader)

    def present():
        return resolver.resolve(office.did).document.to_json()

    first = present()
    before = made.tester.take_snapshot()
    rotated = office.rotate()
    rotated.publish(made.clerk)
    second = present()
    assert second != first
    made.tester.revert_to_snapshot(before)
    made.tester.mine_blocks(6)
    assert present() == first
    made.close()


# --- on a real node, with proofs


@pytest.mark.anvil
def test_one_lying_node_makes_no_false_answer_about_a_trusted_block():
    with chains.anvil(block_time=None) as node:
        clerk = chains.key("clerk")
        own = address(clerk.public_key)
        node.fund(own)
        node.ask("evm_setAutomine", bool(own))
        chain = connect_chain([node.endpoint()], confirmations=0)
        sender = Sender(chain, clerk, poll=0.02)
        there = deploy(chain, sender, steward=None)
        call = layout.admit_call(bytes.fromhex(own[2:]))
        sender.wait(sender.submit(there.address, call, key=b"admit", gas=200_000))
        contract = Contract(chain, there.address, there.block)
        ledger = EthereumRegistry(contract, sender=sender, origin=ORIGIN)
        for version in (1, 2, 3):
            ledger.append(entries(("a", version, b"%d" % version)))
        honest = ask_some(ledger)
        trusted = TrustedBlock(chain.latest().number, chain.latest().hash)
        ledger.append(entries(("a", 4, b"later")))
        for seed in range(40):
            chance = random.Random(seed)  # noqa: S311 - a schedule
            liar = chain_registry.FaultyNode(node.endpoint())
            with_proof = connect_chain([liar], trusted_block=trusted)
            reader = EthereumRegistry(Contract(with_proof, there.address, there.block))
            assert ask_some(reader) == honest
            lie = chance.choice((lies.about_storage, lies.about_logs, lies.about_blocks))
            fresh = EthereumRegistry(Contract(with_proof, there.address, there.block))
            with liar.ailing(lie(chance)):
                try:
                    answer = ask_some(fresh)
                except RegistryError:
                    continue
            assert answer == honest


def ask_some(ledger):
    return [ledger.read("a"), ledger.head("a"), ledger.head("b"), list(ledger.scan())]
