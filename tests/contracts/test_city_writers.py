"""Who may write to the registry on a chain: admission, keys that change hands, logs that do."""

from __future__ import annotations

import pytest
from eth.vm.execution_context import ExecutionContext

from city_contract import NOBODY, City, people
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.layout import (
    MAX_VERSION,
    Entry,
    Head,
    Place,
    Total,
    Transfer,
    accept_call,
    admit_call,
    append_call,
    entrust_call,
    head_after,
    head_slot,
    rotate_call,
    total_after,
    total_slot,
    transfer_call,
    writer_count_slot,
    writer_of_slot,
    writer_slot,
)

LOG, OTHER = log_id("did:example:log"), log_id("did:example:other")
OWNER, HEIR, OFFLINE, NEXT, THIEF, STRANGER = range(6)
PEOPLE = people()


@pytest.fixture
def city():
    """A registry without steward: OWNER is writer 1, HEIR is writer 2."""
    city = City()
    city.admit(OWNER, HEIR)
    return city


def one(version=1, log=LOG):
    return append_call([Entry(log, version, b"x")])


def writer(city, number):
    """The key, recovery and successor of a writer, from storage, as people; None for nobody."""
    slot = layout.writer_slot(number)
    words = [city.stored(slot + i).to_bytes(32, "big")[12:] for i in range(3)]
    assert [int.from_bytes(word, "big") for word in words] == [*city.ask("writer(uint256)", number)]
    return tuple(None if word == NOBODY else city.people.index(word) for word in words)


def numbers(city):
    """The number of the writer that each person is, from storage; 0 for none."""
    found = [city.stored(layout.writer_of_slot(person)) for person in city.people]
    assert found == [city.ask("writer_of(address)", person)[0] for person in city.people]
    return found


# --- admission


def test_without_a_steward_everybody_admits_themselves_alone(city):
    assert city.ask("steward()") == (0,)
    assert city.reverts(admit_call(city.people[NEXT]), STRANGER) == "steward"
    city.send(admit_call(city.people[STRANGER]), STRANGER)
    assert numbers(city)[: STRANGER + 1] == [1, 2, 0, 0, 0, 3]
    assert city.ask("writers()") == (3,)


def test_a_steward_alone_admits_and_can_do_nothing_else():
    city = City(steward=PEOPLE[OFFLINE])
    assert city.ask("steward()") == (int.from_bytes(PEOPLE[OFFLINE], "big"),)
    assert city.reverts(admit_call(PEOPLE[OWNER]), OWNER) == "steward"
    city.send(admit_call(PEOPLE[OWNER]), OFFLINE)
    assert writer(city, 1) == (OWNER, None, None)
    city.send(one(), OWNER)
    assert city.reverts(one(2), OFFLINE) == "writer"
    assert city.reverts(transfer_call(LOG, 1), OFFLINE) == "writer"
    assert city.reverts(entrust_call(1, PEOPLE[OFFLINE]), OFFLINE) == "recovery"
    assert city.reverts(rotate_call(1, PEOPLE[OFFLINE]), OFFLINE) == "recovery"
    assert city.reverts(admit_call(PEOPLE[OWNER]), OFFLINE) == "key"


def test_a_key_is_one_writer_and_zero_is_none(city):
    assert city.reverts(admit_call(city.people[OWNER]), OWNER) == "key"
    steward = City(steward=city.people[0])
    assert steward.reverts(admit_call(NOBODY), 0) == "key"
    assert numbers(steward) == [0] * len(steward.people)


def test_writers_are_numbered_with_24_bits():
    city = City(storage={writer_count_slot(): 2**24 - 2})
    city.send(admit_call(city.people[OWNER]), OWNER)
    assert numbers(city)[OWNER] == 2**24 - 1
    assert city.reverts(admit_call(city.people[HEIR]), HEIR) == "full"
    done = city.send(one(), OWNER)
    (event,) = done.events()
    assert event.place.writer == 2**24 - 1
    assert city.head(LOG) == head_after(0, event.place, [b"x"], done.block)


def test_an_address_has_20_bytes(city):
    call = bytearray(admit_call(city.people[STRANGER]))
    call[15] = 1
    assert city.reverts(bytes(call), STRANGER) == ""


# --- keys


def test_the_key_appoints_its_successor_who_accepts(city):
    city.send(one(), OWNER)
    city.send(rotate_call(1, city.people[NEXT]), OWNER)
    assert writer(city, 1) == (OWNER, None, NEXT)
    city.send(one(2), OWNER)
    assert city.reverts(one(3), NEXT) == "writer"
    city.send(accept_call(1), NEXT)
    assert writer(city, 1) == (NEXT, None, None)
    assert numbers(city) == [0, 2, 0, 1, 0, 0, 0, 0]
    assert city.reverts(one(3), OWNER) == "writer"
    city.send(one(3), NEXT)
    assert city.head(LOG).writer == 1


def test_only_who_was_appointed_last_accepts_and_once(city):
    assert city.reverts(accept_call(1), NEXT) == "successor"
    city.send(rotate_call(1, city.people[NEXT]), OWNER)
    city.send(rotate_call(1, city.people[OFFLINE]), OWNER)
    assert city.reverts(accept_call(1), NEXT) == "successor"
    assert city.reverts(accept_call(2), OFFLINE) == "successor"
    city.send(accept_call(1), OFFLINE)
    assert city.reverts(accept_call(1), OFFLINE) == "successor"


def test_an_appointment_can_be_taken_back(city):
    city.send(rotate_call(1, city.people[NEXT]), OWNER)
    city.send(rotate_call(1, NOBODY), OWNER)
    assert writer(city, 1) == (OWNER, None, None)
    assert city.reverts(accept_call(1), NEXT) == "successor"


@pytest.mark.parametrize("person", [HEIR, OFFLINE, STRANGER])
def test_nobody_else_appoints(city, person):
    assert city.reverts(rotate_call(1, city.people[STRANGER]), person) == "recovery"
    assert city.reverts(rotate_call(3, city.people[STRANGER]), person) == "recovery"
    assert city.reverts(rotate_call(0, city.people[STRANGER]), person) == "recovery"


def test_nobody_becomes_a_second_writer_or_one_unasked(city):
    city.send(rotate_call(1, city.people[HEIR]), OWNER)
    assert city.reverts(accept_call(1), HEIR) == "key"
    city.send(rotate_call(1, city.people[STRANGER]), OWNER)
    assert numbers(city)[STRANGER] == 0
    city.send(admit_call(city.people[STRANGER]), STRANGER)
    assert city.reverts(accept_call(1), STRANGER) == "key"
    assert numbers(city) == [1, 2, 0, 0, 0, 3, 0, 0]


def test_the_recovery_dismisses_a_stolen_key_at_once(city):
    city.send(one(), OWNER)
    city.send(entrust_call(1, city.people[OFFLINE]), OWNER)
    city.send(rotate_call(1, city.people[THIEF]), OWNER)  # the thief has the key
    city.send(rotate_call(1, city.people[NEXT]), OFFLINE)
    assert writer(city, 1) == (None, OFFLINE, NEXT)
    assert city.reverts(one(2), OWNER) == "writer"
    assert city.reverts(rotate_call(1, city.people[THIEF]), OWNER) == "recovery"
    assert city.reverts(accept_call(1), THIEF) == "successor"
    assert city.reverts(transfer_call(LOG, 2), OWNER) == "writer"
    city.send(accept_call(1), NEXT)
    city.send(one(2), NEXT)
    assert writer(city, 1) == (NEXT, OFFLINE, None)


def test_a_thief_who_was_faster_is_dismissed_too(city):
    city.send(entrust_call(1, city.people[OFFLINE]), OWNER)
    city.send(rotate_call(1, city.people[THIEF]), OWNER)
    city.send(accept_call(1), THIEF)
    city.send(rotate_call(1, city.people[OWNER]), OFFLINE)
    assert numbers(city)[THIEF] == 0
    city.send(accept_call(1), OWNER)
    assert writer(city, 1) == (OWNER, OFFLINE, None)
    city.send(rotate_call(1, NOBODY), OFFLINE)  # nobody writes until somebody is appointed
    assert writer(city, 1) == (None, OFFLINE, None)
    city.send(rotate_call(1, city.people[NEXT]), OFFLINE)
    city.send(accept_call(1), NEXT)


def test_the_recovery_alone_changes_the_recovery(city):
    assert city.reverts(entrust_call(1, city.people[OFFLINE]), OFFLINE) == "recovery"
    city.send(entrust_call(1, city.people[OFFLINE]), OWNER)
    assert city.reverts(entrust_call(1, city.people[THIEF]), OWNER) == "recovery"
    assert city.reverts(entrust_call(1, NOBODY), OWNER) == "recovery"
    city.send(entrust_call(1, city.people[NEXT]), OFFLINE)
    assert city.reverts(entrust_call(1, city.people[OFFLINE]), OFFLINE) == "recovery"
    assert city.reverts(rotate_call(1, city.people[OFFLINE]), OFFLINE) == "recovery"
    city.send(entrust_call(1, NOBODY), NEXT)
    city.send(entrust_call(1, city.people[OFFLINE]), OWNER)
    assert writer(city, 1) == (OWNER, OFFLINE, None)


def test_a_writer_without_key_and_recovery_is_gone_for_good(city):
    city.send(entrust_call(1, city.people[OFFLINE]), OWNER)
    city.send(rotate_call(1, NOBODY), OFFLINE)
    city.send(entrust_call(1, NOBODY), OFFLINE)
    for person in range(len(city.people)):
        assert city.refusal(entrust_call(1, city.people[person]), person) == "recovery"
        assert city.refusal(rotate_call(1, city.people[person]), person) == "recovery"
        assert city.refusal(accept_call(1), person) == "successor"
    city.send(admit_call(city.people[OWNER]), OWNER)
    assert numbers(city)[OWNER] == 3


# --- logs


def test_a_log_is_handed_on_with_its_history(city):
    city.send(one(), OWNER)
    before, total = city.head(LOG), city.total()
    done = city.send(transfer_call(LOG, 2), OWNER)
    place = Place(writer=2, version=1, sequence=0, time=done.time)
    assert done.events() == [Transfer(LOG, before.word, place)]
    assert city.head(LOG) == head_after(before.word, place, [], done.block)
    assert city.total() == total
    assert city.reverts(one(2), OWNER) == "owner"
    after = city.head(LOG)
    (entry,) = city.send(one(2), HEIR).events()
    assert entry.previous == after.word
    city.send(transfer_call(LOG, 1), HEIR)
    city.send(one(3), OWNER)


def test_only_the_owner_hands_a_log_on_and_only_to_a_writer(city):
    city.send(one(), OWNER)
    assert city.reverts(transfer_call(LOG, 2), HEIR) == "owner"
    assert city.reverts(transfer_call(LOG, 2), STRANGER) == "writer"
    assert city.reverts(transfer_call(OTHER, 2), OWNER) == "owner"
    for number in (0, 3, 2**24 + 2, 2**256 - 1):
        assert city.reverts(transfer_call(LOG, number), OWNER) == "writer"


# --- limits


def test_a_log_ends_with_its_last_version():
    word = Head(1, MAX_VERSION - 1, 0, 5).word
    storage = {head_slot(LOG): word, writer_count_slot(): 2, writer_of_slot(PEOPLE[OWNER]): 1}
    storage |= {writer_slot(1): int.from_bytes(PEOPLE[OWNER], "big")}
    city = City(storage=storage | {writer_of_slot(PEOPLE[HEIR]): 2})
    done = city.send(one(MAX_VERSION), OWNER)
    assert city.head(LOG) == head_after(word, done.events()[0].place, [b"x"], done.block)
    for person, why in ((OWNER, "version"), (HEIR, "owner")):
        for version in (0, 1, MAX_VERSION):
            assert city.reverts(layout._append(Entry(LOG, version, b"x")), person) == why
    assert city.reverts(layout._append(Entry(LOG, 2**32, b"x")), OWNER) == ""
    city.send(transfer_call(LOG, 2), OWNER)
    assert (city.head(LOG).writer, city.head(LOG).version) == (2, MAX_VERSION)


def test_the_registry_ends_with_its_last_entry():
    total = Total(2**40 - 2, 0, 7)
    storage = {total_slot(): total.word, writer_count_slot(): 1, writer_of_slot(PEOPLE[OWNER]): 1}
    city = City(storage=storage)
    assert city.reverts(append_call([Entry(LOG, 1, b"x"), Entry(LOG, 2, b"x")])) == ""
    (entry,) = city.send(one(), OWNER).events()
    assert entry.place.sequence == 2**40 - 1
    assert city.total() == total_after(total, LOG, city.head(LOG))
    assert city.reverts(one(2), OWNER) == ""


def test_block_numbers_have_32_bits(city, monkeypatch):
    city.send(one(), OWNER)
    number = 2**32 - 1
    monkeypatch.setattr(ExecutionContext, "block_number", property(lambda _: number))
    calls = [one(2), append_call([Entry(LOG, 2, b"x"), Entry(OTHER, 1, b"y")])]
    calls.append(transfer_call(LOG, 2))
    assert [city.refusal(call, OWNER) for call in calls] == [None] * 3
    number += 1
    assert [city.refusal(call, OWNER) for call in calls] == ["block"] * 3
