"""The outbox: nothing is forgotten or done twice, whoever dies, shares or damages it."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import chain_server
import chains
import outbox_client
import simulated_chain
from cityid import keys, registry
from cityid.errors import (
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry.ethereum.contract.deployment import deploy
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.sending import lane as lanes
from cityid.registry.ethereum.sending.lane import Lane
from cityid.registry.ethereum.sending.outbox import FileOutbox, MemoryOutbox
from cityid.registry.ethereum.sending.pen import Pen
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.sending.slots import Attempt, Fate, Sighting, Work
from cityid.registry.ethereum.sending.transactions import Fees, address

CHAIN = 4242
KEY = keys.generate("secp256k1", seed=b"\7" * 32)
PEN = Pen(KEY, CHAIN)
FEES = Fees(100, 10)
TARGET = bytes(range(20))


@pytest.fixture(params=["file", "memory"])
def outbox(request, tmp_path):
    return MemoryOutbox() if request.param == "memory" else FileOutbox(tmp_path / "outbox")


@pytest.fixture
def lane(outbox):
    return Lane(outbox, CHAIN, PEN.account)


def work(name=b"work", data=b"data"):
    return Work(name, TARGET, data, 50_000)


def enter(lane, *works, floor=0):
    return lane.enter([works], floor, PEN.signing(FEES))[0]


def seen(slot, number=0, *, succeeded=True):
    return Sighting(slot.attempts[number].hash, 7, b"h" * 32, succeeded, 21_000)


def settle(lane, nonce, number=0, *, succeeded=True, reason=""):
    slot = next(slot for slot in lane.slots() if slot.nonce == nonce)
    lane.file([(nonce, seen(slot, number, succeeded=succeeded), reason)])


# --- a lane


def test_work_is_kept_with_its_nonce_and_its_transaction(lane):
    [entered] = enter(lane, work(), floor=5)
    assert entered.nonce == 5
    [slot] = lane.slots()
    assert slot.attempts == (Attempt(0, entered.signed.hash, FEES),)
    assert slot.sighting is None
    assert lane.raw([(5, 0), (6, 0)]) == [entered.signed.raw]
    assert lane.work(5) == work()
    assert lane.outcome(b"work") is None
    assert lane.bounds() == (0, 6)


def test_a_lane_is_one_of_an_address_on_a_chain(outbox):
    ours, theirs = Lane(outbox, CHAIN, PEN.account), Lane(outbox, CHAIN, bytes(20))
    elsewhere, again = Lane(outbox, 1, PEN.account), Lane(outbox, CHAIN, PEN.account)
    enter(ours, work())
    assert len(again.slots()) == 1
    for other in (theirs, elsewhere):
        assert other.slots() == []
        with pytest.raises(NotFoundError):
            other.outcome(b"work")


def test_nonces_are_given_once_and_in_order(lane):
    names = [b"%d" % number for number in range(5)]
    assert [one.nonce for one in enter(lane, *map(work, names[:3]))] == [0, 1, 2]
    assert enter(lane, work(names[1])) == ()
    assert [one.nonce for one in enter(lane, work(names[3]))] == [3]
    assert [one.nonce for one in enter(lane, work(names[4]), floor=9)] == [9]


def test_of_a_group_all_or_nothing_is_taken(lane):
    enter(lane, work())
    groups = [[work(b"new"), work(data=b"other")], [work(b"good")]]
    refusal, taken = lane.enter(groups, 0, PEN.signing(FEES))
    assert isinstance(refusal, InvalidInputError)
    assert [one.nonce for one in taken] == [1]
    assert not lane.knows(b"new")
    assert lane.knows(b"good")


def test_a_signer_that_fails_leaves_no_trace(lane):
    def failing(nonce, work):
        if nonce:
            raise RegistryError("the device is gone")
        return PEN.signing(FEES)(nonce, work)

    with pytest.raises(RegistryError, match="device"):
        lane.enter([[work(b"one"), work(b"two")]], 0, failing)
    assert lane.slots() == []
    assert not lane.knows(b"one")
    assert enter(lane, work(b"two"))[0].nonce == 0


def test_settled_work_is_remembered_and_its_transactions_are_not(lane):
    enter(lane, work())
    [slot] = lane.slots()
    lane.see([(0, seen(slot))])
    assert lane.slots()[0].sighting == seen(slot)
    lane.see([(0, None), (3, seen(slot))])
    assert lane.slots() == [slot]
    settle(lane, 0)
    outcome = lane.outcome(b"work")
    assert (outcome.fate, outcome.sighting, outcome.contract) == (Fate.DONE, seen(slot), None)
    assert lane.slots() == []
    assert lane.work(0) is None
    assert lane.raw([(0, 0)]) == []
    assert lane.bounds() == (1, 1)
    assert enter(lane, work()) == ()
    lane.file([(0, seen(slot), "")])  # another process was faster
    assert lane.outcome(b"work") == outcome


def test_what_failed_may_be_tried_anew(lane):
    enter(lane, work())
    settle(lane, 0, succeeded=False, reason="version")
    outcome = lane.outcome(b"work")
    assert (outcome.fate, outcome.reason) == (Fate.REVERTED, "version")
    assert not lane.knows(b"work")
    with pytest.raises(InvalidInputError):
        raise enter(lane, work(data=b"other"))
    assert enter(lane, work())[0].nonce == 1
    assert lane.outcome(b"work") is None


def test_only_one_of_several_tries_again(lane):
    enter(lane, work())
    for expected in (True, False):
        signed = PEN.sign(0, work(), Fees(200, 20))
        attempt = Attempt(1, signed.hash, Fees(200, 20))
        assert lane.try_again(0, attempt, signed) is expected
    assert [one.number for one in lane.slots()[0].attempts] == [0, 1]
    assert not lane.try_again(7, attempt, signed)
    settle(lane, 0, number=1)
    assert lane.outcome(b"work").sighting.transaction == attempt.hash


@pytest.mark.parametrize(("landed", "fate"), [(0, Fate.DONE), (1, Fate.REFUSED)])
def test_work_that_was_given_up_is_done_if_it_lands_all_the_same(lane, landed, fate):
    enter(lane, work())
    signed = PEN.filler(0, FEES)
    assert lane.try_again(0, Attempt(1, signed.hash, FEES, filler=True), signed, "too bad")
    settle(lane, 0, number=landed)
    outcome = lane.outcome(b"work")
    assert outcome.fate is fate
    assert outcome.reason == ("too bad" if landed else "")


def test_a_gap_is_filled_once(lane):
    enter(lane, work(), floor=1)
    signed = PEN.filler(0, FEES)
    assert lane.fill(0, signed, FEES)
    assert not lane.fill(0, signed, FEES)
    assert not lane.fill(1, PEN.filler(1, FEES), FEES)
    assert lane.work(0) is None
    settle(lane, 0)
    assert [slot.nonce for slot in lane.slots()] == [1]


def test_work_whose_nonce_is_used_gets_another(lane):
    enter(lane, work(), work(b"other"))
    moved = lane.move(0, 5, PEN.signing(FEES))
    assert moved.nonce == 5
    assert [slot.nonce for slot in lane.slots()] == [1, 5]
    assert lane.move(0, 5, PEN.signing(FEES)) is None
    assert lane.bounds() == (1, 6)
    signed = PEN.filler(9, FEES)
    lane.fill(9, signed, FEES)
    assert lane.move(9, 5, PEN.signing(FEES)) is None
    signed = PEN.filler(1, FEES)
    lane.try_again(1, Attempt(1, signed.hash, FEES, filler=True), signed, "too bad")
    assert lane.move(1, 5, PEN.signing(FEES)) is None
    assert lane.outcome(b"other").fate is Fate.REFUSED
    assert [slot.nonce for slot in lane.slots()] == [5]


def test_the_oldest_of_very_much_settled_work_is_forgotten(lane, monkeypatch):
    monkeypatch.setattr(lanes, "_REMEMBERED", 3)
    enter(lane, work(b"open"))
    for number in range(1, 8):
        enter(lane, work(b"%d" % number))
        settle(lane, number)
    assert lane.outcome(b"open") is None
    assert lane.outcome(b"7").fate is Fate.DONE
    with pytest.raises(NotFoundError):
        lane.outcome(b"1")


# --- files


def test_an_outbox_outlives_its_process(tmp_path):
    first = FileOutbox(tmp_path / "outbox")
    [entered] = enter(Lane(first, CHAIN, PEN.account), work())
    first.close()
    again = FileOutbox(tmp_path / "outbox")
    assert again.path == tmp_path / "outbox"
    lane = Lane(again, CHAIN, PEN.account)
    assert lane.raw([(0, 0)]) == [entered.signed.raw]
    assert enter(lane, work()) == ()
    with pytest.raises(RegistryError, match="closed"):
        Lane(first, CHAIN, PEN.account)


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(500)])
def test_a_file_that_is_no_outbox_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "outbox"
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="outbox"):
        FileOutbox(path)
    assert path.read_bytes() == content


def test_a_database_of_others_is_refused(tmp_path):
    path = tmp_path / "outbox"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(CorruptError, match="it is not a sender's outbox"):
        FileOutbox(path)


def test_an_outbox_of_another_format_is_refused(tmp_path):
    FileOutbox(tmp_path / "outbox").close()
    with sqlite3.connect(tmp_path / "outbox") as later:
        later.execute("PRAGMA user_version = 9")
    later.close()
    with pytest.raises(UnsupportedError, match="format 9"):
        FileOutbox(tmp_path / "outbox")


def test_damage_anywhere_is_told_or_harmless(tmp_path):
    """Flip bytes: what is read is what was written, or an error."""
    path = tmp_path / "outbox"
    box = FileOutbox(path)
    lane = Lane(box, CHAIN, PEN.account)
    entered = enter(lane, *[work(b"%d" % number, b"data" * 200) for number in range(8)])
    raw, slots = lane.raw([(number, 0) for number in range(8)]), lane.slots()
    assert raw == [one.signed.raw for one in entered]
    box._database.settle()
    box.close()
    good = path.read_bytes()
    told = 0
    for place in range(0, len(good), 211):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        for beside in tmp_path.glob("outbox-*"):
            beside.unlink()
        try:
            damaged = FileOutbox(path)
            lane = Lane(damaged, CHAIN, PEN.account)
            assert lane.raw([(number, 0) for number in range(8)]) == raw
            assert [lane.work(number) for number in range(8)] == [
                work(b"%d" % number, b"data" * 200) for number in range(8)
            ]
            assert [slot.nonce for slot in lane.slots()] == [slot.nonce for slot in slots]
        except (CorruptError, UnsupportedError):
            told += 1
    assert told > 50


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE attempt SET raw = x'00'",
        "UPDATE slot SET data = x'00'",
        "UPDATE attempt SET price = -1",
        "UPDATE attempt SET tip = 1000",
    ],
)
def test_values_that_were_never_written_are_damage(outbox, damage):
    lane = Lane(outbox, CHAIN, PEN.account)
    enter(lane, work())
    with outbox.transaction(write=True) as connection:
        connection.execute(damage)
    with pytest.raises(RegistryError, match="damaged"):
        (lane.raw([(0, 0)]), lane.work(0), lane.slots())


def test_a_fork_does_not_take_an_outbox_in_memory_along(monkeypatch):
    outbox = MemoryOutbox()
    lane = Lane(outbox, CHAIN, PEN.account)
    monkeypatch.setattr(outbox._database, "_process", 0)  # as in a forked child
    with pytest.raises(RegistryError, match="does not follow a fork"):
        enter(lane, work())


# --- processes


def test_what_a_dead_process_left_is_sent_when_its_registry_is_opened(tmp_path):
    with chain_server.served() as node:
        clerk = chains.key("clerk")
        node.chain.fund(own := address(clerk.public_key))
        with closing(connect_chain([node.chain.endpoint()], confirmations=0)) as chain:
            there = deploy(chain, Sender(chain, clerk, poll=0.01), steward=None).address
            pen = Pen(clerk, chain.chain_id)
            with closing(FileOutbox(tmp_path / "outbox")) as left:
                lane = Lane(left, chain.chain_id, pen.account)
                lane.enter([[work()]], 1, pen.signing(Fees(10**10, 10**9)))
            mined = chain.ask("eth_getTransactionCount", (own, "latest"))
            outbox = tmp_path / "outbox"
            registry.connect(f"ethereum+{node.url}/{there}", signer=clerk, outbox=outbox).close()
            assert (mined, chain.ask("eth_getTransactionCount", (own, "latest"))) == ("0x1", "0x2")


def start(url, path, first, count):
    program = Path(outbox_client.__file__)
    command = [sys.executable, str(program), url, str(path), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process):
    told, _ = process.communicate(timeout=120)
    return {int(line) for line in told.split() if line.isdigit()}


def check(chain, count):
    done = [sent for sent in chain.done() if sent]
    assert sorted(done) == sorted(outbox_client.name(number) for number in range(count))


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path):
    chance, count, told = random.Random(4), 48, set()  # noqa: S311 - a test's chance
    with simulated_chain.serving() as (chain, url):
        for _ in range(3):
            process = start(url, tmp_path / "outbox", 0, count)
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.random() * 0.5)
            process.send_signal(signal.SIGKILL)
            told |= finish(process)
        told_before_the_end = set(told)
        told |= finish(start(url, tmp_path / "outbox", 0, count))
        assert told == set(range(count))
        assert told_before_the_end < told
        check(chain, count)


@pytest.mark.slow
def test_processes_share_a_lane(tmp_path):
    with simulated_chain.serving() as (chain, url):
        processes = [start(url, tmp_path / "outbox", first, 24) for first in (0, 16)]
        told = set().union(*map(finish, processes))
        assert told == set(range(40))
        check(chain, 40)
