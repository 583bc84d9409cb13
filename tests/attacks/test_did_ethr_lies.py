"""did:ethr against nodes that lie, chains that fail and owners that write what they like."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from cityid import did, keys
from cityid.did.methods import ethr
from cityid.did.methods.ethr import history
from cityid.did.methods.ethr.events import ATTRIBUTE_CHANGED, DELEGATE_CHANGED, OWNER_CHANGED
from cityid.errors import Code, InvalidInputError, RegistryError, UnsupportedError
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.blocks import Block
from ethr_chain import CHAIN_ID, CONTRACT, NETWORKS, NOBODY, Town, altered, word

ALICE = bytes.fromhex("f3beac30c498d9e26865f34fcaa57dbb935b0d74")
BOB = bytes.fromhex("12345678c498d9e26865f34fcaa57dbb935b0d74")
DID = f"did:ethr:city:0x{ALICE.hex()}"
LONG = 10**8
WORLD_FAILED = {
    Code.REGISTRY_UNAVAILABLE,
    Code.REGISTRY_UNDETERMINED,
    Code.HISTORY_PRUNED,
    Code.TIMEOUT,
    Code.UNREACHABLE,
}


@pytest.fixture
def town() -> Town:
    town = Town()
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.mine()
    town.add_delegate(ALICE, "sigAuth", BOB, LONG)
    town.set_attribute(ALICE, "did/svc/Hub", b"https://a.example", LONG)
    town.mine()
    return town


def resolver(ledger: Any, **networks: ethr.Network) -> did.Resolver:
    moment = datetime.fromtimestamp(1_800_001_000, UTC)
    method = ethr.method(ledger, networks=networks or NETWORKS, clock=lambda: moment)
    return did.resolver(methods=[method])


def refused(ledger: Any, **options: Any) -> str:
    """Resolve what cannot be known: an error of the world, and never an answer or an absence."""
    asked = resolver(ledger)
    result = asked.resolve(DID, did.ResolutionOptions(**options))
    assert result.document is None
    assert result.error is not None
    assert result.error.code in WORLD_FAILED, result.error
    with pytest.raises(RegistryError):
        result.require()
    with pytest.raises(RegistryError):
        asked.verification_method(f"{DID}#controller", relationship="authentication")
    return result.error.title


def test_without_a_lie_the_town_answers(town):
    assert len(resolver(town).resolve(DID).require().verification_methods) == 3


def lie(change):
    """A node that changes what it tells of the block with two events."""

    def voice(logs):
        return change(logs) if len(logs) == 2 else logs

    return voice


def with_data(index, *words):
    """A node that alters words of an event's data."""

    def change(logs):
        data = bytearray(logs[index].data)
        for place, value in words:
            data[32 * place : 32 * place + 32] = value
        logs = list(logs)
        logs[index] = dataclasses.replace(logs[index], data=bytes(data))
        return tuple(logs)

    return lie(change)


@pytest.mark.parametrize(
    "voice",
    [
        lie(lambda _: ()),
        lie(lambda logs: logs[1:]),
        lie(lambda logs: (logs[1], logs[0])),
        lie(lambda logs: (logs[0], logs[0])),
        lie(lambda logs: (*logs, dataclasses.replace(logs[0], index=5))),
        lie(altered(block=1)),
        lie(altered(block=99)),
        lie(altered(topics=())),
        lie(altered(topics=(DELEGATE_CHANGED,))),
        lie(altered(topics=(DELEGATE_CHANGED, word(1)))),
        lie(altered(topics=(word(7), ALICE.rjust(32, b"\0")))),
        lie(altered(topics=(OWNER_CHANGED, ALICE.rjust(32, b"\0")))),
        lie(altered(topics=(ATTRIBUTE_CHANGED, ALICE.rjust(32, b"\0")))),
        lie(altered(data=b"")),
        lie(altered(data=bytes(127))),
        lie(altered(data=bytes(1_000_000))),
        with_data(0, (3, word(2))),  # leads to its own block for ever
        with_data(0, (3, word(3))),
        with_data(0, (3, word(2**256 - 1))),
        with_data(1, (3, word(1))),
        with_data(0, (1, b"\1" + bytes(31))),  # no address
        with_data(1, (1, word(0))),  # a value that is elsewhere
        with_data(1, (1, word(2**256 - 1))),
        with_data(1, (4, word(2**256 - 1))),
        with_data(1, (4, word(33))),
        with_data(1, (4, word(0))),
    ],
)
def test_events_that_no_contract_emits(town, voice):
    town.voice = voice
    refused(town)
    assert town.asked.count("logs") == 2  # each of two questions ends where the lie is


def test_events_that_were_dropped_say_so(town):
    town.voice = lambda _: ()
    assert "ask one that keeps everything" in refused(town)


def test_an_owner_that_the_events_do_not_tell(town):
    town.change_owner(ALICE, BOB)
    town.mine()
    assert resolver(town).resolve(DID).document is not None
    data = word(int.from_bytes(ALICE)) + town.said[-1].data[32:]
    town.voice = lambda logs: (
        altered(data=data)(logs) if logs[0].topics[0] == OWNER_CHANGED else logs
    )
    assert "another owner" in refused(town)


class Failing(Town):
    """A chain one of whose questions fails."""

    failing: str = ""
    error: Exception = RegistryError("down")

    def _fail(self, name: str) -> None:
        if name == self.failing:
            raise self.error

    def settled(self) -> Block:
        self._fail("settled")
        return super().settled()

    def block(self, number: int) -> Block:
        self._fail("block")
        return super().block(number)

    def call(self, address: str, content: bytes, block: Block) -> bytes:
        self._fail("call")
        return super().call(address, content, block)

    def logs(self, *arguments: Any, **options: Any) -> Any:
        self._fail("logs")
        return super().logs(*arguments, **options)


@pytest.mark.parametrize("question", ["settled", "block", "call", "logs"])
@pytest.mark.parametrize(
    "error",
    [
        RegistryError("down"),
        RegistryError("they disagree", code=Code.REGISTRY_UNDETERMINED),
        *(RpcError("no", failure=failure) for failure in Failure),
        UnsupportedError("one node cannot prove calls", name="trusted_block"),
    ],
    ids=lambda error: getattr(error, "failure", type(error).__name__),
)
def test_a_chain_that_fails_is_never_an_absence(question, error):
    town = Failing()
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.failing, town.error = question, error
    if question == "block":
        town.mine()
    refused(town)


class Answering(Town):
    """A chain whose contract answers calls as it likes."""

    answers: tuple[bytes, ...] = ()

    def call(self, *_: Any) -> bytes:
        first, *rest = self.answers
        self.answers = (*rest, first)
        return first


@pytest.mark.parametrize(
    "answer", [b"", bytes(31), bytes(33), bytes(64), b"\xff" * 32, word(5), word(2**64)]
)
def test_answers_that_no_contract_gives(answer):
    town = Answering()
    town.answers = (answer,)
    told = refused(town)
    assert "did:ethr" in told


def test_an_owner_that_is_no_address():
    town = Answering()
    town.answers = (word(0), b"\1" + bytes(11) + ALICE)
    refused(town)


def test_a_change_in_a_block_that_has_not_come():
    town = Answering()
    town.answers = (word(1), ALICE.rjust(32, b"\0"))
    assert "not come yet" in refused(town)


def test_where_there_is_no_contract_nothing_is_known(town):
    elsewhere = {"city": ethr.Network(CHAIN_ID, "0x" + "99" * 20)}
    result = resolver(town, **elsewhere).resolve(DID)
    assert result.error.code is Code.REGISTRY_UNAVAILABLE
    assert "contract at this address" in result.error.title


def test_a_chain_that_changes_its_number_is_refused(town):
    asked = resolver(town)
    town.chain_id = 1
    assert asked.resolve(DID).error.code is Code.REGISTRY_UNAVAILABLE


class WrongBlocks(Town):
    """A chain that gives other blocks than were asked for."""

    def block(self, number: int) -> Block:
        return dataclasses.replace(super().block(number), **self.members)

    def settled(self) -> Block:
        return super().block(self.height)

    members: Any = None


@pytest.mark.parametrize("members", [{"number": 9}, {"time": 2**63}])
def test_blocks_that_were_not_asked_for(members):
    town = WrongBlocks()
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.mine()
    town.members = {}
    assert resolver(town).resolve(DID).error is None
    town.members = members
    refused(town)


def test_a_time_that_no_calendar_has():
    town = Town(times=[2**62])
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    refused(town)


# What an owner may do to whoever reads


@pytest.mark.parametrize(
    ("limit", "most"), [("MAX_BLOCKS", 2), ("MAX_EVENTS", 2), ("MAX_BYTES", 200)]
)
def test_a_history_without_end_is_not_read(town, monkeypatch, limit, most):
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    assert resolver(town).resolve(DID).error is None
    monkeypatch.setattr(history, limit, most)
    town.asked.clear()
    assert "more changes than are read" in refused(town)
    assert town.asked.count("logs") <= 2 * 3


def test_a_thousand_attributes_are_a_document():
    town = Town()
    town.mine()
    for index in range(1000):
        town.set_attribute(ALICE, f"did/svc/S{index}", b"https://a.example", LONG)
    assert len(resolver(town).resolve(DID).require().services) == 1000


def test_too_many_slow_keys_are_no_document():
    """Reading a key on BLS12-381 takes milliseconds."""
    town = Town()
    town.mine()
    for index in range(33):
        town.set_attribute(
            ALICE, "did/pub/Multikey/veriKey", b"\xeb\x01" + bytes([index] * 96), LONG
        )
    assert resolver(town).resolve(DID).error.code is Code.INVALID_DID_DOCUMENT
    town.revoke_attribute(ALICE, "did/pub/Multikey/veriKey", b"\xeb\x01" + bytes(96))
    assert resolver(town).resolve(DID).error is None


def test_attributes_that_end_in_what_could_be_no_document():
    """Endpoints of every JSON there is, names with every character, values of every size."""
    town = Town()
    for value in (b'{"a":' * 70, b'"\xc3\xa9"', b"[1e400]", b'{"__proto__": 1}', b"a" * 20_000):
        town.mine()
        for name in ("did/svc/X", "did/pub/Any/veriKey", "did/pub/Any/sigAuth/pem", "did/svc/\n"):
            town.set_attribute(ALICE, name, value, 2**255)
    document = resolver(town).resolve(DID).require()
    assert did.check_document(document.to_dict()) == ()


def test_nobody_s_address_is_no_did(town):
    """Any signature that is none recovers to 0x0, so anybody could write there."""
    result = resolver(town).resolve(f"did:ethr:city:0x{NOBODY.hex()}")
    assert result.error.code is Code.INVALID_DID


def test_the_method_of_an_address_is_unsupported_as_a_key(town):
    """What tells an address alone holds no key that a proof could be checked with."""
    with pytest.raises(UnsupportedError, match="RecoveryMethod"):
        resolver(town).verification_method(f"{DID}#controller", relationship="assertionMethod")


def test_the_key_in_a_did_verifies_until_its_owner_changes(town):
    made = did.create("ethr", network="0x7a69")
    asked = resolver(town)
    url = f"{made.did}#controllerKey"
    found = asked.verification_method(url, relationship="authentication")
    assert found.public_key == made.signer("authentication")[1].public_key
    town.change_owner(ethr.account_of(made.did).address, BOB)
    town.mine()
    with pytest.raises(InvalidInputError):
        asked.verification_method(url, relationship="authentication")


def test_two_chains_of_one_number_are_refused(town):
    with pytest.raises(InvalidInputError, match="same number"):
        ethr.method(town, Town())


@pytest.mark.parametrize(
    "networks",
    [
        7,
        {"": ethr.Network(1, CONTRACT)},
        {"0x1": ethr.Network(1, CONTRACT)},
        {"a b": ethr.Network(1, CONTRACT)},
        {"a": CONTRACT},
        {7: ethr.Network(1, CONTRACT)},
    ],
)
def test_what_is_no_network_is_refused(town, networks):
    with pytest.raises(InvalidInputError) as raised:
        ethr.method(town, networks=networks)
    assert raised.value.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    ("chain_id", "registry"),
    [
        (0, CONTRACT),
        (-1, CONTRACT),
        (True, CONTRACT),
        ("1", CONTRACT),
        (1, "0x12"),
        (1, None),
        (1, f"0x{'c0' * 19}C0"),  # neither its check sum nor one case
    ],
)
def test_what_is_no_contract_is_refused(chain_id, registry):
    with pytest.raises(InvalidInputError) as raised:
        ethr.Network(chain_id, registry)
    assert raised.value.code is Code.INVALID_OPTIONS


def test_without_a_chain_nothing_is_asked():
    result = did.resolver().resolve(f"did:ethr:0x{ALICE.hex()}")
    assert result.error.code is Code.METHOD_NOT_SUPPORTED


def test_a_key_that_others_chose_is_no_proof_of_the_first():
    """A DID with a key and the DID of its address are two DIDs; each names only itself."""
    public = keys.generate("secp256k1").public_key
    one = ethr.did_of_key(public, "0x7a69")
    other = ethr.did_of_address("0x" + ethr.account_of(one).address.hex(), "0x7a69")
    asked = resolver(Town())
    assert asked.resolve(str(one)).require().id != asked.resolve(str(other)).require().id
    with pytest.raises(InvalidInputError):
        asked.verification_method(f"{other}#controllerKey", relationship="authentication")
