"""The registry on a chain: what it costs to ask, what is under way, who may write, and reorgs."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

import chain_registry
import chain_server
import chains
import cityid
from chain_registry import ORIGIN, START, entries
from cityid import keys, registry
from cityid.errors import (
    Code,
    ConflictError,
    CorruptError,
    InvalidInputError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry import BlockEntry, NewEntry, TrustedBlock
from cityid.registry.ethereum import embedded
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.deployment import deploy
from cityid.registry.ethereum.contract.layout import MAX_PART
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.remote import split
from cityid.registry.ethereum.sending.outbox import FileOutbox
from cityid.registry.ethereum.sending.sender import RevertedError, Sender, Ticket
from cityid.registry.ethereum.sending.transactions import address as address_of

OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")


@pytest.fixture
def chain():
    made = chain_registry.Chain()
    yield made
    made.close()


@pytest.fixture
def node(chain):
    """The node through which the reader asks, introduced to the chain already."""
    chain.reader.head("nothing")
    chain.nodes[0].requests = 0
    return chain.nodes[0]


def contents(records):
    return [(r.log, r.version, r.data) for r in records]


# --- what it costs to ask


def test_a_log_of_ten_entries_is_read_in_twelve_requests_however_long_the_chain(chain, node):
    written = chain.fill(count=10)
    chain.tester.mine_blocks(300)
    assert chain.reader.read("a") == written
    assert node.requests == 12


def test_entries_of_one_block_are_read_in_one_request(chain, node):
    written = chain.clerk.append(entries(*(("a", v, b"%d" % v) for v in range(1, 51))))
    assert chain.reader.read("a") == written
    assert node.requests == 3


def test_a_head_is_read_in_three_requests(chain, node):
    written = chain.fill(count=5)
    assert chain.reader.head("a") == written[-1]
    assert node.requests == 3


def test_what_is_not_there_is_known_after_two_requests(chain, node):
    chain.fill(count=2)
    assert chain.reader.head("b") is None
    assert chain.reader.read("b") == ()
    assert node.requests == 4


@pytest.mark.parametrize(
    ("after", "limit", "requests"),
    [(8, None, 4), (10, None, 2), (99, 5, 2), (9, 1, 3), (0, 0, 0), (5, 0, 0)],
)
def test_reading_stops_where_it_may(chain, node, after, limit, requests):
    written = chain.fill(count=10)
    assert chain.reader.read("a", after=after, limit=limit) == written[after:][:limit]
    assert node.requests == requests


def test_an_append_asks_little(chain):
    bob = chain.open_for("bob")
    bob.append(entries(("b", 1, b"first")))
    chain.nodes[0].requests = 0
    bob.append(entries(("b", 2, b"second")))
    assert chain.nodes[0].requests <= 12
    bob.close()


def test_an_index_reads_on_from_where_it_stands(chain, node):
    chain.fill(count=3)
    first = chain.reader.checkpoint()
    chain.tester.mine_blocks(50)
    node.requests = 0
    assert chain.reader.checkpoint() == first
    assert node.requests == 3  # the settled block, whether the last one is still there, the total
    chain.clerk.append(entries(("b", 1, b"")))
    node.requests = 0
    assert chain.reader.checkpoint().size == 4
    assert node.requests == 3  # its parent is the last one


# --- what is said of a record


def test_the_evidence_leads_to_the_transaction(chain):
    chain.clerk.append(entries(("before", 1, b"")))
    first, second = chain.clerk.append(entries(("a", 1, b"x"), ("b", 1, b"y" * 3000)))
    there = chain.clerk.contract
    for record in (first, second):
        receipt = chain.nodes[0].request("eth_getTransactionReceipt", [record.evidence.transaction])
        assert record.evidence == BlockEntry(
            there.chain.chain_id,
            there.address,
            int(receipt["blockNumber"], 16),
            receipt["blockHash"],
            receipt["transactionHash"],
            record.sequence - 2,
        )
    block = chain.nodes[0].request("eth_getBlockByHash", [first.evidence.block_hash, False])
    assert first.recorded_at.timestamp() == int(block["timestamp"], 16)


def test_a_registry_without_a_name_is_called_by_its_account():
    with registry.connect("ethereum+tester:") as ledger:
        there = ledger.contract
        assert ledger.checkpoint().origin == f"eip155:{there.chain.chain_id}:{there.address}"


@pytest.mark.parametrize("size", [0, 1, MAX_PART - 4, MAX_PART, MAX_PART + 1, 20_000])
def test_data_that_cannot_be_compressed_come_back(chain, size):
    data = random.Random(size).randbytes(size)  # noqa: S311 - test data
    chain.clerk.append(entries(("a", 1, data), ("a", 2, data)))
    assert [r.data for r in chain.reader.read("a")] == [data, data]
    assert [r.data for r in chain.reader.scan()] == [data, data]


# --- what is under way


def test_entries_follow_each_other_without_waiting(chain):
    under_way = [chain.clerk.submit(entries(("a", v, b"%d" % v))) for v in range(1, 21)]
    answers = [pending.wait() for pending in reversed(under_way)]
    assert [r.version for (r,) in answers] == list(range(20, 0, -1))
    assert chain.reader.read("a") == tuple(r for (r,) in reversed(answers))
    assert under_way[3].wait() == answers[16]


def test_who_only_submits_tends_now_and_then(chain):
    pending = chain.clerk.submit(entries(("a", 1, b"x")))
    assert chain.clerk.tend() == chain.reader.tend() == 0
    assert pending.wait() == chain.reader.read("a")


def test_nothing_is_submitted_as_nothing(chain):
    assert chain.clerk.submit([]).wait() == ()


def test_the_same_entry_is_sent_once(chain):
    bob = chain.open_for("bob")
    sent = len(chain.nodes[0].sent)
    first, second = (bob.submit(entries(("b", 1, b"x"))) for _ in range(2))
    assert first.wait() == second.wait() == bob.append(entries(("b", 1, b"x")))
    assert len(chain.nodes[0].sent) == sent + 1
    bob.close()


def test_a_batch_that_overlaps_what_is_under_way_adds_the_rest(chain):
    first = chain.clerk.submit(entries(("a", 1, b"x")))
    rest = chain.clerk.submit(entries(("a", 1, b"x"), ("a", 2, b"y"), ("b", 1, b"z")))
    records = rest.wait()
    assert records[:1] == first.wait()
    assert [r.sequence for r in records] == [1, 2, 3]


def test_a_version_taken_meanwhile_conflicts_once_that_is_settled(chain):
    bob = chain.open_for("bob")
    chain.clerk.append(entries(("a", 1, b"the clerk's")))
    pending = bob.submit(entries(("a", 1, b"bob's")))
    with pytest.raises(ConflictError) as caught:
        pending.wait()
    assert (caught.value.expected, caught.value.found) == (1, 2)
    bob.close()


def test_a_guess_that_was_wrong_is_answered_all_the_same(chain):
    written = chain.fill(count=3)
    again = chain.clerk.submit(entries(("a", 2, b"entry 2"), ("a", 3, b"entry 3")))
    assert again.wait() == written[1:]
    with pytest.raises(ConflictError):
        chain.clerk.submit(entries(("a", 3, b"entry 3"), ("a", 1, b"other")))


def test_what_is_settled_below_what_is_under_way_is_found(chain):
    (first,) = chain.fill(count=1)
    second = chain.clerk.submit(entries(("a", 2, b"entry 2")))
    assert chain.clerk.submit(entries(("a", 1, b"entry 1"))).wait() == (first,)
    with pytest.raises(ConflictError):
        chain.clerk.submit(entries(("a", 1, b"other"))).wait()
    assert chain.reader.read("a") == (first, *second.wait())


def test_what_is_refused_without_end_is_given_up(chain, monkeypatch):
    def refuse(*_):
        raise RevertedError("the test says no", reason="version")

    monkeypatch.setattr(chain.sender, "wait", refuse)
    monkeypatch.setattr(chain.sender, "submit", lambda *_, key, **__: Ticket(key))
    monkeypatch.setattr(chain.sender, "receipt", lambda *_: None)
    monkeypatch.setattr(chain.sender, "receipt", lambda _: None)
    with pytest.raises(RegistryError, match="again and again"):
        chain.clerk.append(entries(("a", 1, b"x")))
    monkeypatch.undo()
    assert chain.clerk.append(entries(("a", 1, b"x"))) == chain.reader.read("a")


def test_a_node_that_is_behind_what_is_settled_is_not_believed(chain, monkeypatch):
    monkeypatch.setattr(chain.clerk._writer._recent, "find", lambda *_: {})
    monkeypatch.setattr("cityid.registry.ethereum.writing.walk", lambda *_, **__: ())
    with pytest.raises(RegistryError, match="ask again") as caught:
        chain.clerk.append(entries(("a", 1, b"x")))
    assert caught.value.code == Code.TIMEOUT
    monkeypatch.undo()
    assert chain.clerk.append(entries(("a", 1, b"x"))) == chain.reader.read("a")


def test_what_fails_takes_with_it_what_was_built_on_it(chain):
    bob = chain.open_for("bob")
    chain.clerk.append(entries(("a", 1, b"the clerk's")))
    under_way = [bob.submit(entries(("a", v, b"bob's %d" % v))) for v in (1, 2, 3)]
    for pending in under_way:
        with pytest.raises(RegistryError) as caught:
            pending.wait()
        assert caught.value.code in {Code.REGISTRY_CONFLICT, Code.WRITE_REFUSED}
    assert contents(bob.append(entries(("b", 1, b"x")))) == [("b", 1, b"x")]
    bob.close()


def test_a_conflict_with_what_is_under_way_waits_for_what_becomes_of_it(chain):
    bob = chain.open_for("bob")
    doomed = bob.submit(entries(("b", 1, b"x"), ("a", 2, b"not his")))
    assert contents(bob.append(entries(("b", 1, b"y")))) == [("b", 1, b"y")]
    with pytest.raises(ConflictError):
        doomed.wait()
    bob.close()


def test_what_was_sent_by_a_process_that_died_is_answered_to_the_next(chain):
    first = chain.open_for("bob").submit(entries(("b", 1, b"x")))
    other = chain.open(signer=chains.key("bob"))
    assert other.append(entries(("b", 1, b"x"))) == first.wait()
    other.close()


def test_what_an_earlier_process_left_in_the_outbox_is_under_way_still(chain, tmp_path):
    with closing(FileOutbox(tmp_path / "outbox")) as outbox:
        first = chain.open_for("bob", outbox=outbox)
        for version in (1, 2):
            first.submit(entries(("b", version, b"x" * version), ("c", version, b"y" * 2000)))
        sender = first._sender
        sender.submit(sender.address, b"\0" * 40, key=b"something else", gas=40_000)
    with closing(FileOutbox(tmp_path / "outbox")) as outbox:
        second = chain.open_for("bob", admitted=False, outbox=outbox)
        assert len(second._sender.under_way()) == 3
        third = second.submit(entries(("b", 3, b"z")))
        assert [r.sequence for r in second.append(entries(("c", 2, b"y" * 2000)))] == [4]
        assert [r.sequence for r in third.wait()] == [5]
        with pytest.raises(ConflictError) as caught:
            second.append(entries(("b", 2, b"other")))
        assert caught.value.found == 4


def test_threads_submit_side_by_side(chain):
    def write(name):
        pending = [chain.clerk.submit(entries((name, v, b"%d" % v))) for v in range(1, 6)]
        return [record for waiting in pending for record in waiting.wait()]

    with ThreadPoolExecutor(4) as pool:
        written = [r for records in pool.map(write, "abcd") for r in records]
    assert sorted(written, key=lambda r: r.sequence) == list(chain.reader.scan())


def test_what_is_not_settled_in_time_can_be_waited_for_again(chain):
    chain.tester.disable_auto_mine_transactions()
    pending = chain.clerk.submit(entries(("a", 1, b"x")))
    with pytest.raises(RegistryError) as caught:
        pending.wait(timeout=0)
    assert caught.value.code == Code.TIMEOUT
    chain.tester.mine_block()
    assert contents(pending.wait()) == [("a", 1, b"x")]


# --- who may write


def test_whoever_only_reads_is_told_what_is_there_and_writes_nothing(chain):
    written = chain.fill(count=2)
    assert chain.reader.append(entries(("a", 1, b"entry 1"), ("a", 2, b"entry 2"))) == written
    with pytest.raises(ConflictError):
        chain.reader.append(entries(("a", 1, b"other")))
    for ask in (chain.reader.append, chain.reader.submit):
        with pytest.raises(InvalidInputError, match="signer=") as caught:
            ask(entries(("a", 3, b"x")))
        assert caught.value.code == Code.INVALID_OPTIONS


def test_a_key_that_was_not_admitted_is_refused(chain):
    carol = chain.open_for("carol", admitted=False)
    with pytest.raises(RegistryError, match="not that of a writer") as caught:
        carol.append(entries(("c", 1, b"x")))
    assert caught.value.code == Code.WRITE_REFUSED
    assert chain.reader.head("c") is None
    carol.close()


def test_the_log_of_another_is_refused_and_what_it_holds_is_told(chain):
    (written,) = chain.fill(count=1)
    bob = chain.open_for("bob")
    with pytest.raises(RegistryError, match="belongs to another") as caught:
        bob.append(entries(("a", 2, b"x")))
    assert caught.value.code == Code.WRITE_REFUSED
    assert bob.append(entries(("a", 1, b"entry 1"))) == (written,)
    assert bob.submit(entries(("a", 1, b"entry 1"))).wait() == (written,)
    assert chain.reader.read("a") == (written,)
    bob.close()


def test_a_log_is_read_through_its_transfers(chain):
    bob = chain.open_for("bob")
    first, second = chain.fill(count=2)
    chain.call(layout.transfer_call(log_id("a"), 2))
    assert chain.reader.head("a") == second
    assert chain.reader.read("a") == (first, second)
    with pytest.raises(RegistryError, match="belongs to another"):
        chain.clerk.append(entries(("a", 3, b"the clerk's")))
    (third,) = bob.append(entries(("a", 3, b"bob's")))
    chain.call(layout.transfer_call(log_id("a"), 1), bob._sender)
    assert chain.reader.read("a") == (first, second, third)
    assert chain.reader.read("a", after=2) == (third,)
    assert list(chain.reader.scan()) == [first, second, third]
    bob.close()


def test_more_than_a_transaction_carries_is_refused_and_nothing_is_sent(monkeypatch):
    monkeypatch.setattr(embedded, "GAS_LIMIT", 3_000_000)
    with registry.connect("ethereum+tester:") as small:
        data = random.Random(1).randbytes(40_000)  # noqa: S311 - test data
        with pytest.raises(InvalidInputError) as caught:
            small.append(entries(("a", 1, data), ("b", 1, data)))
        assert caught.value.code == Code.INPUT_TOO_LARGE
        assert small.head("a") is None
        assert contents(small.append(entries(("a", 1, data)))) == [("a", 1, data)]


# --- reorganisations


def test_a_reorg_takes_back_what_was_concluded(chain):
    chain.clerk.append(entries(("a", 1, b"stays")))
    kept = chain.reader.checkpoint()
    before = chain.tester.take_snapshot()
    chain.clerk.append(entries(("a", 2, b"goes"), ("b", 1, b"goes too")))
    lost = chain.reader.checkpoint()
    assert lost.size == 3
    chain.tester.revert_to_snapshot(before)
    chain.tester.mine_blocks(3)
    assert chain.reader.checkpoint() == kept
    assert [r.data for r in chain.reader.scan()] == [b"stays"]
    assert [r.data for r in chain.reader.read("a")] == [b"stays"]
    assert chain.reader.head("b") is None
    with pytest.raises(InvalidInputError):
        chain.reader.prove_inclusion(1, lost.size)
    with pytest.raises(CorruptError, match="rolled back"):
        registry.check_growth(chain.reader, lost)


def test_a_scan_does_not_go_on_past_what_was_taken_back(chain):
    chain.clerk.append(entries(("a", 1, b"stays")))
    before = chain.tester.take_snapshot()
    chain.clerk.append(entries(("a", 2, b"goes"), ("b", 1, b"goes too")))
    walk = chain.reader.scan()
    assert [next(walk).sequence for _ in range(3)] == [1, 2, 3]
    chain.tester.revert_to_snapshot(before)
    bob = chain.open_for("bob")
    bob.append(entries(*((f"new{i}", 1, b"new") for i in range(9))))
    chain.reader.checkpoint()
    with pytest.raises(RegistryError, match="took back"):
        next(walk)
    bob.close()


def test_after_a_reorg_the_index_is_that_of_the_new_chain(chain):
    chain.fill(count=3)
    chain.reader.checkpoint()
    before = chain.tester.take_snapshot()
    chain.clerk.append(entries(*((f"old{i}", 1, b"old") for i in range(5))))
    assert chain.reader.checkpoint().size == 8
    chain.tester.revert_to_snapshot(before)
    bob = chain.open_for("bob")
    bob.append(entries(*((f"new{i}", 1, b"new") for i in range(9))))
    assert chain.reader.checkpoint() == bob.checkpoint()
    assert list(chain.reader.scan()) == list(bob.scan())
    proof = registry.prove(chain.reader, chain.reader.head("new4"))
    assert registry.verify_proof(proof, b"new", origin=ORIGIN, operator=None).log == "new4"
    assert registry.audit(chain.reader)
    bob.close()


def test_a_writer_goes_on_after_a_reorg_that_took_back_where_it_began(chain):
    before = chain.tester.take_snapshot()
    chain.tester.mine_blocks(3)
    bob = chain.open_for("bob")
    bob.append(entries(("b", 1, b"x")))
    chain.tester.revert_to_snapshot(before)
    chain.tester.mine_blocks(2)
    again = chain.open_for("bob")
    again._writer._recent = bob._writer._recent
    (record,) = again.append(entries(("b", 1, b"y")))
    assert chain.reader.read("b") == (record,)
    assert again.append(entries(("b", 2, b"z"))) == chain.reader.read("b", after=1)
    again.close()


def test_settled_work_is_done_once_more_where_a_reorg_took_it_back(chain):
    bob = chain.open_for("bob")
    before = chain.tester.take_snapshot()
    bob.append(entries(("b", 1, b"x"), ("b", 2, b"y")))
    chain.tester.revert_to_snapshot(before)
    chain.tester.mine_blocks(3)
    assert chain.reader.read("b") == ()
    again = bob.append(entries(("b", 1, b"x"), ("b", 2, b"y")))
    assert chain.reader.read("b") == again
    assert [r.sequence for r in again] == [1, 2]
    bob.close()


def test_so_is_what_was_not_yet_waited_for(chain):
    bob = chain.open_for("bob")
    before = chain.tester.take_snapshot()
    pending = bob.submit(entries(("b", 1, b"x")))
    bob.tend()
    chain.tester.revert_to_snapshot(before)
    chain.tester.mine_blocks(3)
    records = pending.wait()
    assert chain.reader.read("b") == records == pending.wait()
    bob.close()


def test_what_a_writer_remembers_is_bounded(chain, monkeypatch):
    monkeypatch.setattr("cityid.registry.ethereum.recent._KEPT", 3)
    under_way = [chain.clerk.submit(entries(("a", v, b"%d" % v))) for v in range(1, 9)]
    for pending in reversed(under_way):
        pending.wait()
    assert len(chain.clerk._writer._recent._steps) <= 3
    assert chain.clerk.append(entries(("a", 1, b"1"))) == chain.reader.read("a", limit=1)


# --- mirrors, audits


def test_a_file_is_the_same_after_a_chain(tmp_path):
    source = registry.connect(f"file:{tmp_path / 'one'}", origin=ORIGIN, operator=OPERATOR)
    chance = random.Random(7)  # noqa: S311 - test data
    logs = ["a", "did:webvh:x", "~"]
    for i in range(60):
        log = chance.choice(logs)
        version = len(source.read(log)) + 1
        source.append([NewEntry(log, version, chance.randbytes(i * 40))])
    with registry.connect("ethereum+tester:") as ledger:
        assert registry.mirror(source, ledger).copied == 60
        assert registry.mirror(source, ledger).copied == 0
        back = registry.connect(f"file:{tmp_path / 'two'}")
        assert registry.mirror(ledger, back).size == 60
        assert contents(back.scan()) == contents(ledger.scan()) == contents(source.scan())
        twin = registry.connect(f"file:{tmp_path / 'three'}", origin=ledger.origin)
        mirrored = registry.mirror(ledger, twin)
        assert mirrored.replica
        assert twin.checkpoint().root == ledger.checkpoint().root == mirrored.root
        assert registry.audit(ledger, checkpoints=[twin.checkpoint()])
        assert registry.audit(twin, checkpoints=[ledger.checkpoint()])
        assert [r.recorded_at for r in twin.scan()] == [r.recorded_at for r in ledger.scan()]
    for opened in (source, back, twin):
        opened.close()


def test_a_mirror_on_a_chain_takes_as_much_at_once_as_a_transaction_holds(monkeypatch):
    monkeypatch.setattr(embedded, "GAS_LIMIT", 2_000_000)
    source = registry.connect("memory:")
    source.append(entries(*((f"log{i}", 1, b"x" * i) for i in range(100))))
    with registry.connect("ethereum+tester:") as ledger:
        assert registry.mirror(source, ledger).copied == 100
        assert contents(ledger.scan()) == contents(source.scan())
        assert len({r.evidence.transaction for r in ledger.scan()}) > 1
        large = random.Random(1).randbytes(100_000)  # noqa: S311 - test data
        source.append(entries(("large", 1, large)))
        with pytest.raises(InvalidInputError) as caught:
            registry.mirror(source, ledger)
        assert caught.value.code == Code.INPUT_TOO_LARGE
        assert ledger.checkpoint().size == 100


def test_an_audit_of_a_chain_finds_a_rewritten_history(chain):
    chain.fill(count=3)
    other = registry.connect("memory:", origin=ORIGIN)
    other.append(entries(("a", 1, b"another")))
    found = registry.audit(chain.reader, checkpoints=[other.checkpoint()])
    assert not found
    assert registry.audit(chain.reader)
    assert not registry.audit(chain.reader, examine=lambda _: cityid.Problem(Code.NOT_FOUND, "no"))


# --- how it is opened


def test_a_registry_is_opened_by_its_address(tmp_path):
    with chain_server.served() as node:
        clerk = chains.key("clerk")
        node.chain.fund(address := address_of(clerk.public_key))
        chain = connect_chain([node.chain.endpoint()], confirmations=0)
        there = deploy(chain, sender := Sender(chain, clerk, poll=0.01), steward=None)
        admission = layout.admit_call(bytes.fromhex(address[2:]))
        sender.wait(sender.submit(there.address, admission, key=b"admit", gas=200_000))
        url = f"ethereum+{node.url}/{there.address}"
        with registry.connect(
            url, signer=clerk, outbox=tmp_path / "outbox", confirmations=0, origin=ORIGIN
        ) as ledger:
            (record,) = ledger.append(entries(("a", 1, b"x")))
            assert ledger.contract.birth == there.block
        same = node.url.replace("127.0.0.1", "localhost")
        with registry.connect(url.lower(), endpoints=[same], quorum=2) as ledger:
            assert ledger.read("a") == (record,)
            assert list(ledger.scan()) == [record]
        with pytest.raises(UnsupportedError, match="no contract"):
            registry.connect(f"ethereum+{node.url}/{address}")
        with pytest.raises(InvalidInputError, match="signer="):
            registry.connect(url, outbox=tmp_path / "outbox")
        with pytest.raises(InvalidInputError, match="named twice"):
            registry.connect(url, endpoints=[node.url], quorum=2)
        number = chain.chain_id
        with registry.connect(url, chain_id=number, confirmations=0) as ledger:
            assert ledger.read("a") == (record,)
        with pytest.raises(RegistryError, match=str(number)):
            registry.connect(url, chain_id=number + 1)
        with pytest.raises(InvalidInputError, match="not both"):
            registry.connect(url, signer=clerk, trusted_block=TrustedBlock(1, bytes(32)))


def test_a_chain_that_cannot_be_reached_is_no_empty_one():
    with pytest.raises(RegistryError) as caught:
        registry.connect("ethereum+http://127.0.0.1:9/0x" + "00" * 20)
    assert caught.value.code == Code.UNREACHABLE
    assert not isinstance(caught.value, CorruptError)


@pytest.mark.parametrize(
    "url",
    [
        "ethereum+http:",
        "ethereum+http://127.0.0.1:8545",
        "ethereum+http://127.0.0.1:8545/0x00",
        "ethereum+http://127.0.0.1:8545/0x" + "0g" * 20,
        "ethereum+https:///0x" + "00" * 20,
        "ethereum+tester:x",
        "ethereum+tester://",
    ],
)
def test_an_address_that_leads_to_no_contract_is_refused(url):
    with pytest.raises(InvalidInputError) as caught:
        registry.connect(url)
    assert caught.value.code == Code.INVALID_OPTIONS


def test_the_check_sum_of_a_contract_is_checked():
    good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert split(f"http://h/v1/{good}") == ("http://h/v1", good)
    assert split(f"http://h/{good.lower()}/") == ("http://h", good)
    with pytest.raises(InvalidInputError, match="check sum"):
        split(f"http://h/{good[:-1]}D")


CHAIN_ONLY = [
    {"signer": keys.generate("secp256k1")},
    {"endpoints": ["http://127.0.0.1:1"]},
    {"quorum": 2},
    {"confirmations": 0},
    {"trusted_block": TrustedBlock(1, bytes(32))},
    {"chain_id": 1},
    {"outbox": "outbox.db"},
]


@pytest.mark.parametrize("options", CHAIN_ONLY, ids=lambda options: next(iter(options)))
@pytest.mark.parametrize("kind", ["memory:", "file:", "ethereum+tester:"])
def test_options_of_chains_with_nodes_are_refused_elsewhere(kind, options, tmp_path):
    url = kind + str(tmp_path / "registry") if kind == "file:" else kind
    if kind == "ethereum+tester:" and "signer" in options:
        registry.connect(url, **options).close()
        return
    with pytest.raises(InvalidInputError, match=next(iter(options))) as caught:
        registry.connect(url, **options)
    assert caught.value.code == Code.INVALID_OPTIONS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("signer", [5, "a key", object()])
def test_what_signs_no_digests_cannot_write(signer):
    with pytest.raises(InvalidInputError, match="signer= takes"):
        registry.connect("ethereum+tester:", signer=signer)


def test_a_key_of_another_kind_cannot_write():
    with pytest.raises(UnsupportedError):
        registry.connect("ethereum+tester:", signer=OPERATOR)


@pytest.mark.parametrize("url", ["ethereum+tester:", "ethereum+http://127.0.0.1:1/0x" + "00" * 20])
@pytest.mark.parametrize("missing", ["web3", "eth_tester"])
def test_what_is_not_installed_is_told(monkeypatch, url, missing):
    if "http" in url and missing == "eth_tester":
        return
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UnsupportedError, match=r"pip install 'cityid\[ethereum\]'") as caught:
        registry.connect(url)
    assert caught.value.name == missing


def test_an_embedded_chain_leaves_the_limits_of_the_process_alone():
    code = (
        "import sys; from cityid import registry; before = sys.getrecursionlimit()\n"
        "registry.connect('ethereum+tester:').close()\n"
        "print(sys.getrecursionlimit() == before)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "True\n"


def test_an_embedded_chain_has_the_times_of_its_clock():
    assert START.microsecond == 0
    with registry.connect("ethereum+tester:", clock=lambda: START) as ledger:
        first = ledger.append(entries(("a", 1, b"")))
        assert first[0].recorded_at == START
