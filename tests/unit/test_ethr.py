"""did:ethr made and found: identities, networks, the contract brought, the chain asked."""

from __future__ import annotations

import hashlib
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cityid import did, keys
from cityid.did.methods import ethr
from cityid.did.methods.ethr import changes, deployment, resolving
from cityid.errors import (
    Code,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry.ethereum.sending.sender import PATIENCE_SECONDS, Receipt, Ticket
from ethr_chain import CHAIN_ID, CONTRACT, NETWORKS, Town

KEY = keys.generate("secp256k1", seed=bytes(31) + b"\1")
COMPRESSED = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
ADDRESS = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"


def test_a_did_ethr_is_made_of_a_key_and_nothing_is_written():
    made = did.create("ethr", signer=KEY)
    assert str(made.did) == f"did:ethr:{COMPRESSED}"
    assert made.signer("assertionMethod") == (f"{made.did}#controllerKey", KEY)
    assert [name for name, _ in made.signers] == [f"{made.did}#controllerKey"]
    assert did.check_document(made.document.to_dict()) == ()


@pytest.mark.parametrize(
    ("network", "number"), [("", 1), ("mainnet", 1), ("sepolia", 11155111), ("0x7a69", 31337)]
)
def test_a_did_ethr_is_made_for_a_network(network, number):
    made = did.create("ethr", signer=KEY, network=network)
    assert str(made.did) == f"did:ethr:{network}{network and ':'}{COMPRESSED}"
    account = made.document.verification_methods[0].document["blockchainAccountId"]
    assert account.lower() == f"eip155:{number}:{ADDRESS}"


def test_a_key_for_a_did_ethr_is_made_where_none_is_given():
    first, second = (did.create("ethr", network="0x7a69") for _ in range(2))
    assert first.did != second.did
    assert first.signer("authentication")[1].public_key.type == "secp256k1"
    assert did.create("ethr", key_type="secp256k1").signers


def test_what_makes_no_did_ethr_is_told():
    for options, code in (
        ({"key_type": "Ed25519"}, Code.INVALID_KEY),
        ({"signer": keys.generate("P-256")}, Code.INVALID_KEY),
        ({"network": "0x"}, Code.INVALID_DID),
        ({"network": "0x0"}, Code.INVALID_DID),
        ({"network": "a b"}, Code.INVALID_DID),
    ):
        with pytest.raises(InvalidInputError) as raised:
            did.create("ethr", **options)
        assert raised.value.code is code
    with pytest.raises(UnsupportedError) as unknown:
        did.create("ethr", network="nowhere")
    assert "mainnet" in unknown.value.known
    with pytest.raises(InvalidInputError, match="on no chain"):
        did.create("key", network="mainnet")


def test_addresses_have_dids_too():
    assert str(ethr.did_of_address(ADDRESS)) == f"did:ethr:{ADDRESS}"
    assert str(ethr.did_of_address(ADDRESS, "0x7a69")) == f"did:ethr:0x7a69:{ADDRESS}"
    account = ethr.account_of(ethr.did_of_address(ADDRESS, "linea:goerli"))
    assert (account.network, account.public_key) == ("linea:goerli", None)
    with pytest.raises(InvalidInputError):
        ethr.did_of_address("0x12")


def test_the_known_networks_are_read_only_and_come_after_the_caller_s():
    with pytest.raises(TypeError):
        ethr.NETWORKS["mine"] = ethr.Network(7, CONTRACT)
    for name, network in ethr.NETWORKS.items():
        assert int(network.registry, 16), name
    method = ethr.method(networks={"mine": ethr.Network(1, CONTRACT)})
    assert method.networks["mainnet"] == ethr.NETWORKS["mainnet"]
    town = Town(chain_id=1)
    method = ethr.method(town, networks={"mine": ethr.Network(1, CONTRACT)})
    found = did.resolver(methods=[method]).resolve(f"did:ethr:0x1:{ADDRESS}")
    assert found.error is None  # the caller's contract, and not the published one


def test_a_registry_on_a_chain_answers_for_did_ethr(monkeypatch):
    class OnChain:
        """What a registry on a chain has, besides what every registry has."""

        chain = Town(chain_id=1)
        closed = False

    monkeypatch.setattr(did, "demand_open", lambda _: None)
    resolver = did.resolver(OnChain())
    assert resolver.methods["ethr"].chains == {1: OnChain.chain}
    assert did.resolver().methods["ethr"].chains == {}


def test_who_holds_a_listed_key_acts_as_the_did():
    office = did.create("web", domain="city.example")
    _, signer = office.signer("assertionMethod")
    acting = did.Identity.of(office.document, signer)
    assert acting == office
    with pytest.raises(NotFoundError):
        did.Identity.of(office.document, keys.generate())
    assert did.Identity.of(office.document).signers == ()


def test_a_revoked_or_unreadable_key_acts_for_nobody():
    office = did.create("web", domain="city.example")
    _, signer = office.signer("assertionMethod")
    document = office.document.to_dict()
    strange = {**document["verificationMethod"][0], "id": "#strange", "type": "Strange"}
    document["verificationMethod"].append(strange)
    assert did.Identity.of(did.DIDDocument.parse(document), signer).signers == office.signers
    document["verificationMethod"][0]["revoked"] = "2027-01-01T00:00:00Z"
    with pytest.raises(NotFoundError):
        did.Identity.of(did.DIDDocument.parse(document), signer)


class Noting:
    """A sender that notes what it is given."""

    def __init__(self, contract: str | None = None) -> None:
        self.sent: list[Any] = []
        self.contract = contract

    def submit(self, to: str | None, data: bytes, *, key: bytes, gas: int | None = None) -> Ticket:
        self.sent.append((to, data, key, gas))
        return Ticket(key)

    def wait(self, _: Ticket, timeout: float = 0) -> Receipt:
        self.waited = timeout
        return Receipt(bytes(32), 1, bytes(32), 21_000, self.contract)


CODE = b"what makes the contract"


@pytest.fixture
def as_if_published(monkeypatch):
    monkeypatch.setattr(deployment, "SHA256", hashlib.sha256(CODE).hexdigest())


@pytest.mark.usefixtures("as_if_published")
def test_the_contract_is_brought_to_a_chain_as_it_was_published():
    sender = Noting(CONTRACT)
    assert ethr.deploy(Town(), sender, CODE, key=b"mine") == ethr.Network(CHAIN_ID, CONTRACT)
    ethr.deploy(Town(), sender, CODE)
    (to, data, key, gas), (*_, other, _) = sender.sent
    assert (to, data, key, gas) == (None, CODE, b"mine", None)
    assert other != key
    with pytest.raises(CorruptError):
        ethr.deploy(Town(), Noting(), CODE)


@pytest.mark.parametrize("code", [b"", b"\x60", CODE.hex(), bytearray(CODE), None, 7])
@pytest.mark.usefixtures("as_if_published")
def test_another_contract_is_not_deployed(code):
    sender = Noting(CONTRACT)
    with pytest.raises(InvalidInputError, match="npm package ethr-did-registry") as raised:
        ethr.deploy(Town(), sender, code)
    assert raised.value.code is Code.INVALID_OPTIONS
    assert sender.sent == []


@pytest.mark.usefixtures("as_if_published")
def test_the_code_is_read_from_the_file_of_its_authors():
    artefact = json.dumps({"contractName": "any", "bytecode": f"0x{CODE.hex()}"})
    assert ethr.read_artefact(artefact) == ethr.read_artefact(artefact.encode()) == CODE


@pytest.mark.parametrize(
    ("artefact", "code"),
    [
        ("{}", Code.INVALID_OPTIONS),
        ('{"bytecode": 7}', Code.INVALID_OPTIONS),
        ('{"bytecode": ["0x60"]}', Code.INVALID_OPTIONS),
        ('{"bytecode": "0x60"}', Code.INVALID_OPTIONS),
        ('{"bytecode": "0x6"}', Code.INVALID_OPTIONS),
        ("[]", Code.PARSING_ERROR),
        (b"\x60\x80", Code.PARSING_ERROR),
        (None, Code.PARSING_ERROR),
    ],
)
def test_another_file_is_refused(artefact, code):
    with pytest.raises(InvalidInputError) as raised:
        ethr.read_artefact(artefact)
    assert raised.value.code is code


def test_each_change_is_sent_once_unless_it_is_called_the_same():
    sender = Noting()
    control = ethr.control(f"did:ethr:city:{ADDRESS}", Town(), sender, networks=NETWORKS)
    for _ in range(2):
        control.add_service("Hub", "https://a.example", validity=timedelta(days=1))
    assert sender.waited == PATIENCE_SECONDS
    control.deactivate()
    contracts, _, names, _ = zip(*sender.sent, strict=True)
    assert set(contracts) == {CONTRACT}
    assert len(set(names)) == 3


def test_an_identity_says_who_changes_a_did_ethr():
    with pytest.raises(UnsupportedError, match=r"ethr\.control does"):
        did.create("ethr").deactivate()
    with pytest.raises(UnsupportedError, match="changes and tells no did:key"):
        did.create("key").rotate()


def test_a_change_is_waited_for_as_long_as_is_said():
    sender = Noting()
    control = ethr.control(
        f"did:ethr:city:{ADDRESS}", Town(), sender, networks=NETWORKS, timeout=1800
    )
    change = changes.change_owner(control.identity, bytes([1] * 20))
    assert control.submit(change, key=b"mine") == Ticket(b"mine")
    control.send(change, key=b"mine")
    assert sender.waited == 1800
    assert sender.sent[0] == sender.sent[1]


@pytest.mark.parametrize(("legacy", "counted"), [(False, "owner"), (True, "identity")])
def test_first_contracts_count_signed_attributes_by_the_identity(legacy, counted):
    """And everything else by the owner, as later contracts do."""
    identity, owner = bytes.fromhex(ADDRESS[2:]), bytes([7] * 20)
    town = Counting()
    town.counts = {"owner": {owner: 5}, "identity": {identity: 5}}[counted]
    town.mine()
    town.change_owner(identity, owner)
    networks = {"city": ethr.Network(CHAIN_ID, CONTRACT, legacy_nonce=legacy)}
    control = ethr.control(f"did:ethr:city:{ADDRESS}", town, Noting(), networks=networks)
    attribute = changes.revoke_attribute(identity, "did/svc/Hub", b"")
    expected = KEY.sign_digest(attribute.digest(bytes.fromhex(CONTRACT[2:]), 5))
    assert control.sign(attribute, KEY) == expected
    delegate = changes.revoke_delegate(identity, "veriKey", owner)
    number = 0 if legacy else 5
    expected = KEY.sign_digest(delegate.digest(bytes.fromhex(CONTRACT[2:]), number))
    assert control.sign(delegate, KEY) == expected


class Counting(Town):
    """A chain whose contract counts signed changes."""

    counts: Any = None

    def call(self, address: str, content: bytes, block: Any) -> bytes:
        if content == changes.question("nonce", content[-20:]):
            return self.counts.get(content[-20:], 0).to_bytes(32)
        return super().call(address, content, block)


def test_the_clock_of_the_caller_counts():
    town = Town()
    town.mine()
    who = bytes.fromhex(ADDRESS[2:])
    town.add_delegate(who, "veriKey", bytes([1] * 20), 100)
    for seconds, listed in ((100, 2), (101, 1)):
        moment = datetime.fromtimestamp(town.time + seconds, UTC)
        method = ethr.method(town, networks=NETWORKS, clock=lambda moment=moment: moment)
        found = did.resolver(methods=[method]).resolve(f"did:ethr:city:{ADDRESS}").require()
        assert len(found.verification_methods) == listed


def test_a_history_is_read_once_for_each_block_that_is_settled():
    town = Town()
    town.mine()
    who = bytes.fromhex(ADDRESS[2:])
    town.add_delegate(who, "veriKey", bytes([1] * 20), 10**8)
    town.mine()
    moment = datetime.fromtimestamp(town.time, UTC)
    method = ethr.method(town, networks=NETWORKS, clock=lambda: moment)
    resolver = did.resolver(methods=[method])

    def asked(**options: Any) -> list[str]:
        town.asked.clear()
        found = resolver.resolve(
            f"did:ethr:city:{ADDRESS}", did.ResolutionOptions(**options)
        ).require()
        assert len(found.verification_methods) == 2
        return town.asked.copy()

    whole = ["block", "call", "logs", "call", "block"]
    assert asked() == whole
    assert asked() == ["block"]
    assert asked(version_time=moment) == ["block"]
    assert asked(no_cache=True) == whole
    town.fork += 1  # the same height, and another chain
    assert asked() == whole
    town.mine()
    assert asked() == whole


def test_few_histories_are_kept_and_no_long_ones(monkeypatch):
    town = Town()
    town.mine()
    monkeypatch.setattr(resolving, "CACHE_SIZE", 2)
    method = ethr.method(town, networks=NETWORKS)
    resolver = did.resolver(methods=[method])
    for number in (1, 2, 3, 1):
        town.asked.clear()
        assert resolver.resolve(f"did:ethr:city:0x{bytes([number] * 20).hex()}").error is None
        assert "call" in town.asked
    assert len(method._kept) == 2
    monkeypatch.setattr(resolving, "MAX_KEPT", -1)
    town.mine()
    resolver.resolve(f"did:ethr:city:{ADDRESS}")
    town.asked.clear()
    resolver.resolve(f"did:ethr:city:{ADDRESS}")
    assert "call" in town.asked


def test_a_chain_that_is_gone_is_an_error_of_the_world():
    class Gone(Town):
        def settled(self) -> Any:
            raise RegistryError("closed")

    method = ethr.method(Gone(), networks=NETWORKS)
    found = did.resolver(methods=[method]).resolve(f"did:ethr:city:{ADDRESS}")
    assert found.error.code is Code.REGISTRY_UNAVAILABLE
    assert found.metadata.legacy_code == "internalError"


def test_the_method_is_carried_to_another_process():
    method = ethr.method(networks=NETWORKS)
    copied = pickle.loads(pickle.dumps(method))  # noqa: S301 - its own
    assert copied.networks == method.networks
    assert copied.chains == {}
