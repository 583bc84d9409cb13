"""Looking after a registry on a chain: its state, its writers, and their keys."""

from __future__ import annotations

import pytest

import chains
from cityid.errors import InvalidInputError, NotFoundError, RegistryError
from cityid.registry import NewEntry
from cityid.registry.ethereum import administration
from cityid.registry.ethereum.contract.deployment import deploy
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.sending.outbox import MemoryOutbox
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.sending.transactions import address

STEWARD, WRITER, NEXT, RECOVERY = map(chains.key, ("steward", "writer", "next", "recovery"))
ADDRESSES = {key: address(key.public_key) for key in (STEWARD, WRITER, NEXT, RECOVERY)}
LOG = "https://city.example/offices"


class City:
    """A registry, and whoever has to do with it."""

    def __init__(self):
        node = chains.in_process()
        for account in ADDRESSES.values():
            node.fund(account)
        self.chain = connect_chain([node.control], confirmations=0)
        self.outbox = MemoryOutbox()
        made = deploy(self.chain, self.sender(STEWARD), steward=ADDRESSES[STEWARD])
        self.contract = Contract(self.chain, made.address, made.block)
        self.number = administration.admit(self.contract, self.sender(STEWARD), ADDRESSES[WRITER])

    def sender(self, key):
        return Sender(self.chain, key, self.outbox, poll=0.01)

    def do(self, work, by, *arguments):
        return work(self.contract, self.sender(by), *arguments)

    def append(self, by, version):
        ledger = EthereumRegistry(self.contract, sender=self.sender(by))
        return ledger.append([NewEntry(LOG, version, b"an entry")])

    def keys(self):
        return administration.keys_of(self.contract, self.number)


@pytest.fixture
def city():
    made = City()
    yield made
    made.chain.close()


def test_the_state_is_told_at_the_settled_block(city):
    city.append(WRITER, 1)
    found = administration.look(city.contract)
    assert (found.steward, found.writers, found.size) == (ADDRESSES[STEWARD], 1, 1)
    assert found.last == found.settled.number == city.chain.settled().number
    told = found.to_dict()
    assert (told["records"], told["warnings"]) == (1, [])
    assert "the contract" in found._repr_html_()


def test_a_key_is_told_with_what_it_has_and_waits_for(city):
    own = administration.account(city.contract, WRITER.public_key, city.outbox)
    assert (own.address, own.writer, own.waiting) == (ADDRESSES[WRITER], city.number, 0)
    assert own.balance == 1000 * chains.ETHER
    nobody = administration.account(city.contract, NEXT.public_key)
    assert (nobody.writer, nobody.to_dict()["balance"]) == (None, str(1000 * chains.ETHER))
    assert administration.number_of(city.contract, ADDRESSES[NEXT]) is None
    with pytest.raises(InvalidInputError):
        administration.number_of(city.contract, "0x12")


def test_a_key_is_changed_by_itself_and_by_its_recovery(city):
    assert city.keys() == administration.WriterKeys(1, ADDRESSES[WRITER], None, None)
    city.do(administration.entrust, WRITER, 1, ADDRESSES[RECOVERY])
    city.do(administration.appoint, WRITER, 1, ADDRESSES[NEXT])
    assert city.keys().successor == ADDRESSES[NEXT]
    city.do(administration.accept, NEXT, 1)
    assert city.keys() == administration.WriterKeys(1, ADDRESSES[NEXT], ADDRESSES[RECOVERY], None)
    city.do(administration.appoint, RECOVERY, 1, None)
    assert city.keys().key is None
    with pytest.raises(RegistryError):
        city.append(NEXT, 1)


def test_who_was_not_asked_changes_nothing(city):
    for work, arguments in (
        (administration.admit, (ADDRESSES[NEXT],)),
        (administration.entrust, (1, ADDRESSES[NEXT])),
        (administration.appoint, (1, ADDRESSES[NEXT])),
        (administration.accept, (1,)),
        (administration.transfer, (LOG, 1)),
    ):
        with pytest.raises(RegistryError):
            city.do(work, NEXT, *arguments)
    assert city.keys() == administration.WriterKeys(1, ADDRESSES[WRITER], None, None)


def test_who_is_admitted_again_stays_the_same_writer(city):
    before = city.chain.settled().number
    assert city.do(administration.admit, STEWARD, ADDRESSES[WRITER]) == city.number
    assert city.chain.settled().number == before


def test_a_log_is_given_away(city):
    city.append(WRITER, 1)
    assert city.do(administration.admit, STEWARD, ADDRESSES[NEXT]) == 2
    city.do(administration.transfer, WRITER, LOG, 2)
    with pytest.raises(RegistryError):
        city.append(WRITER, 2)
    (record,) = city.append(NEXT, 2)
    assert record.version == 2


def test_numbers_and_names_are_looked_at_first(city):
    with pytest.raises(NotFoundError, match="no writer 2, only 1"):
        administration.keys_of(city.contract, 2)
    for wrong in (0, -1, True, "1", 2**53):
        with pytest.raises(InvalidInputError):
            administration.keys_of(city.contract, wrong)
        with pytest.raises(InvalidInputError):
            city.do(administration.accept, NEXT, wrong)
    with pytest.raises(InvalidInputError):
        city.do(administration.transfer, WRITER, "", 1)


def test_whoever_is_dismissed_at_once_is_no_writer(city, monkeypatch):
    monkeypatch.setattr(administration, "number_of", lambda *_: None)
    with pytest.raises(NotFoundError, match="no writer any more"):
        city.do(administration.admit, STEWARD, ADDRESSES[NEXT])
