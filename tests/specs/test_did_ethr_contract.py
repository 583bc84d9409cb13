"""did:ethr on the contract that ERC-1056 published, run by an EVM in this process."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import chains
import cityid
import erc1056
import faults
from cityid import did, keys, policy
from cityid.did.methods import ethr
from cityid.did.methods.ethr import changes
from cityid.errors import Code, InvalidInputError
from cityid.registry.ethereum.failures import Failure
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.sending.sender import RevertedError
from cityid.report import Outcome
from ethr_chain import CHAIN_ID, CONTRACT, NOBODY, Published, Town, published

pytestmark = pytest.mark.erc1056
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> Published:
    return published()


def identity(world: Published, name: str) -> did.Identity:
    return did.create("ethr", signer=chains.key(name), network=world.network)


def fragments(world: Published, subject: did.DID, **options: Any) -> list[str]:
    result = world.resolver().resolve(str(subject), did.ResolutionOptions(**options))
    assert result.error is None, result.error
    return [method.id.partition("#")[2] for method in result.document.verification_methods]


def test_only_the_published_contract_is_deployed(world):
    code = erc1056.creation_code()
    sender = world.sender("deployer")
    for other in (code[:-1], code + b"\0", b"", code.hex(), None):
        with pytest.raises(InvalidInputError, match="npm package ethr-did-registry"):
            ethr.deploy(world.chain, sender, other, key=b"mine")
    deployed = ethr.deploy(world.chain, sender, code, key=b"mine")
    assert deployed == ethr.deploy(world.chain, sender, code, key=b"mine")
    assert deployed != world.networks["city"]


def test_a_did_that_nobody_changed_has_the_document_it_was_made_with(world):
    made = identity(world, "nobody changed it")
    found = world.resolver().resolve(str(made.did))
    assert found.document.to_dict() == made.document.to_dict()
    assert found.document_metadata.to_dict() == {}


def test_everything_an_owner_may_do(world):
    made = identity(world, "owner")
    control = world.controller(made.did, "owner")
    other = keys.generate("P-256").public_key
    delegate = "0x" + "ab" * 20

    first = control.add_key(other, validity=DAY)
    assert fragments(world, made.did) == ["controller", "controllerKey", "delegate-1"]
    control.add_key(other, purpose="enc", validity=DAY)
    control.add_delegate("sigAuth", delegate, validity=DAY)
    control.add_service("Hub", "https://hub.example", validity=DAY)
    assert fragments(world, made.did)[2:] == ["delegate-1", "delegate-2", "delegate-3"]
    document = world.resolver().resolve(str(made.did)).require()
    assert document.services[0].endpoints == ("https://hub.example",)

    control.remove_key(other)
    control.revoke_delegate("sigAuth", delegate)
    control.remove_service("Hub", "https://hub.example")
    assert fragments(world, made.did)[2:] == ["delegate-2"]
    assert world.resolver().resolve(str(made.did)).require().services == ()
    assert fragments(world, made.did, version_id=str(first.block))[2:] == ["delegate-1"]

    with pytest.raises(InvalidInputError, match="deactivate"):
        control.change_owner("0x" + "00" * 20)
    last = control.deactivate()
    result = world.resolver().resolve(str(made.did))
    assert (result.document, result.error) == (None, None)
    assert result.document_metadata.deactivated
    assert result.document_metadata.version_id == str(last.block)


def test_what_the_contract_allows_after_a_deactivation_counts_for_nothing(world):
    made = identity(world, "gave up")
    control = world.controller(made.did, "gave up")
    last = control.deactivate()
    control.add_delegate("veriKey", "0x" + "ab" * 20, validity=DAY)
    result = world.resolver().resolve(str(made.did))
    assert result.document is None
    assert result.document_metadata.version_id == str(last.block)


def test_a_new_owner_takes_over_and_the_old_one_is_refused(world):
    made = identity(world, "sold")
    seller, buyer = (world.controller(made.did, name) for name in ("sold", "bought"))
    seller.change_owner(world.sender("bought").address)
    assert fragments(world, made.did) == ["controller"]
    with pytest.raises(RevertedError) as raised:
        seller.deactivate()
    assert raised.value.reason == "bad_actor"
    buyer.add_delegate("veriKey", "0x" + "ab" * 20, validity=DAY)
    assert fragments(world, made.did) == ["controller", "delegate-1"]
    buyer.change_owner(world.sender("sold").address)
    assert fragments(world, made.did) == ["controller", "controllerKey", "delegate-1"]


def every_change(who: bytes) -> list[changes.Change]:
    other = bytes([7] * 20)
    return [
        changes.add_delegate(who, "veriKey", other, DAY),
        changes.revoke_delegate(who, "veriKey", other),
        changes.set_attribute(who, "did/svc/Hub", b"https://hub.example/" + bytes(50), DAY),
        changes.set_attribute(who, "did/svc/Hub", b"", DAY),
        changes.revoke_attribute(who, "did/svc/Hub", b"https://hub.example/"),
        changes.change_owner(who, other),
    ]


def test_every_change_may_be_signed_by_the_owner_and_sent_by_another(world):
    made = identity(world, "signs only")
    account = ethr.account_of(made.did)
    control = world.controller(made.did, "pays")
    signer = chains.key("signs only")
    for number, change in enumerate(every_change(account.address)):
        with pytest.raises(RevertedError) as raised:
            control.send(change)
        assert raised.value.reason == "bad_actor"
        signature = control.sign(change, signer)
        stranger = control.sign(change, chains.key("pays"))
        with pytest.raises(RevertedError) as raised:
            control.send(change, signature=stranger)
        assert raised.value.reason == "bad_signature"
        receipt = control.send(change, signature=signature, key=bytes([number]))
        assert control.send(change, signature=signature, key=bytes([number])) == receipt
        with pytest.raises(RevertedError) as raised:  # replayed
            control.send(change, signature=signature)
        assert raised.value.reason == "bad_signature"
    assert world.resolver().resolve(str(made.did)).document_metadata.version_id == str(
        receipt.block
    )


def test_a_change_of_another_chain_or_of_no_chain_is_refused(world):
    sender = world.sender("owner")
    address = f"0x{'12' * 20}"
    with pytest.raises(InvalidInputError, match="lives on chain 1, and this is"):
        ethr.control(f"did:ethr:{address}", world.chain, sender)
    with pytest.raises(cityid.UnsupportedError, match="no network"):
        ethr.control(f"did:ethr:{world.network}:{address}", world.chain, sender)
    with pytest.raises(InvalidInputError) as raised:
        ethr.control("did:key:z6Mk", world.chain, sender)
    assert raised.value.code is Code.INVALID_DID


@pytest.mark.parametrize("given", [None, "z6Mk", b"\xed\x01"])
def test_what_is_no_key_is_not_added(world, given):
    control = world.controller(identity(world, "owner").did, "owner")
    with pytest.raises(InvalidInputError, match="no public key"):
        control.add_key(given, validity=DAY)


def test_what_no_resolver_would_show_is_not_written(world):
    control = world.controller(identity(world, "owner").did, "owner")
    key = keys.generate().public_key
    for write in (
        lambda: control.add_key(key, purpose="sign", validity=DAY),
        lambda: control.remove_key(key, purpose=""),
        lambda: control.add_service("no word", "https://a.example", validity=DAY),
        lambda: control.add_service("Hub", "no URL", validity=DAY),
        lambda: control.add_service("Hub", '["https://a.example"]', validity=DAY),
        lambda: control.remove_service("", "https://a.example"),
        lambda: control.add_delegate("veriKey", "0x12", validity=DAY),
        lambda: control.revoke_delegate("veriKey", f"0x{'aB' * 20}"),
    ):
        with pytest.raises(InvalidInputError):
            write()


# Acting with a DID that lives on a chain


def test_who_issues_with_a_key_on_the_chain_is_verified_until_the_key_goes(world):
    office, issuing = identity(world, "office"), keys.generate()
    control = world.controller(office.did, "office")
    control.add_key(issuing.public_key, validity=DAY)
    resolver = world.resolver()
    acting = did.Identity.of(resolver.resolve(str(office.did)).require(), issuing)
    assert acting.signer("assertionMethod")[0] == f"{office.did}#delegate-1"
    credential = cityid.issue(
        {
            "@context": [
                "https://www.w3.org/ns/credentials/v2",
                "https://www.w3.org/ns/credentials/examples/v2",
            ],
            "type": ["VerifiableCredential", "AlumniCredential"],
            "issuer": str(office.did),
            "credentialSubject": {"alumniOf": "The School of Examples"},
        },
        by=acting,
    )
    verifier = cityid.Verifier(resolver=resolver)
    believed = policy.IssuedBy({str(office.did)})
    good = datetime.fromtimestamp(world.chain.latest().time, UTC)
    assert verifier.verify(credential, policy=believed, at=good)
    world.node.mine(5)
    control.remove_key(issuing.public_key)
    now = datetime.fromtimestamp(world.chain.latest().time + 1, UTC)
    assert not verifier.verify(credential, policy=believed, at=now)
    then = verifier.verify(credential, policy=believed, at=good)
    assert then
    assert Code.ORDER_UNPROVEN in {warning.code for warning in then.warnings}


@pytest.mark.parametrize(
    "fault",
    [
        faults.failing(Failure.UNREACHABLE),
        faults.only(faults.failing(Failure.TIMEOUT), "eth_getLogs"),
        faults.answering(lambda _: [], "eth_getLogs"),
        faults.answering(lambda _: "0x", "eth_call"),
        faults.answering(lambda _: "0x" + "00" * 32, "eth_call"),
    ],
)
def test_a_verifier_who_cannot_read_the_chain_cannot_decide(world, fault):
    office, issuing = identity(world, "unread"), keys.generate()
    world.controller(office.did, "unread").add_key(issuing.public_key, validity=DAY)
    document = world.resolver().resolve(str(office.did)).require()
    credential = cityid.issue(
        {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential"],
            "issuer": str(office.did),
            "credentialSubject": {"id": "urn:example:somebody"},
        },
        by=did.Identity.of(document, issuing),
    )
    node = faults.FaultyNode(world.node.endpoint())
    chain = connect_chain([node], confirmations=0)
    at = datetime.fromtimestamp(world.chain.latest().time, UTC)

    def judged() -> cityid.Result:
        method = ethr.method(chain, networks=world.networks)  # which has read nothing yet
        resolver = did.resolver(methods=[method])
        believed = policy.IssuedBy({str(office.did)})
        return cityid.verify(credential, policy=believed, resolver=resolver, at=at)

    assert judged()
    with node.ailing(fault):
        result = judged()
        assert not result
        outcomes = {check.name: check.outcome for check in result.checks}
        assert outcomes["proof"] is Outcome.INCONCLUSIVE
    assert judged()


def test_only_listed_keys_act(world):
    office = identity(world, "office")
    document = world.resolver().resolve(str(office.did)).require()
    owner = chains.key("office")
    acting = did.Identity.of(document, owner)
    assert acting.signer("authentication") == (f"{office.did}#controllerKey", owner)
    with pytest.raises(cityid.NotFoundError, match="does not list"):
        did.Identity.of(document, keys.generate())


# The contract of the other tests is the published one


def random_changes(seed: int, count: int) -> list[tuple[Any, ...]]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    someone = [bytes([number] * 20) for number in (1, 2)]
    made: list[tuple[Any, ...]] = []
    for _ in range(count):
        validity = chance.choice([1, 2, 60, 10**6])
        kind = chance.choice(["veriKey", "sigAuth", "other"])
        name = chance.choice(["did/pub/Ed25519/veriKey", "did/svc/Hub", "more"])
        value = chance.randbytes(chance.choice([0, 1, 31, 32, 33, 64, 200]))
        made.append(
            chance.choice(
                [
                    ("add_delegate", kind, chance.choice(someone), validity),
                    ("revoke_delegate", kind, chance.choice(someone)),
                    ("set_attribute", name, value, validity),
                    ("revoke_attribute", name, value),
                ]
            )
        )
    return made


@pytest.mark.parametrize("seed", range(4))
def test_the_contract_in_plain_python_says_what_the_published_one_says(world, seed):
    sender = world.sender(f"random {seed}")
    who = bytes.fromhex(sender.address[2:])
    contract = world.networks["city"].registry
    town = Town()
    plan = [*random_changes(seed, 12), ("change_owner", NOBODY), ("change_owner", bytes([3] * 20))]
    for index, (name, *arguments) in enumerate(plan):
        *others, last = arguments
        timed = timedelta(seconds=last) if isinstance(last, int) else last
        change = getattr(changes, name)(who, *others, timed)
        ticket = sender.submit(contract, change.call(), key=bytes([index]), gas=300_000)
        block = world.chain.block(sender.wait(ticket).block)
        while town.height < block.number:
            town.mine()
        town.times[-1] = block.time
        getattr(town, name)(who, *arguments)
    settled = world.chain.settled()
    told = ethr.read_history(world.chain, contract, who, settled)
    assert told == ethr.read_history(town, CONTRACT, who, town.settled())
    assert len(told) == len(plan)
    assert town.chain_id == CHAIN_ID
