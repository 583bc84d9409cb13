"""A registry on a network of a consortium: free gas, legacy transactions, little that nodes can."""

from __future__ import annotations

import pytest

import chains
import consortium
from cityid.errors import Code, RegistryError
from cityid.registry import BlockEntry, NewEntry
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.contract.deployment import deploy
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.blocks import TrustedBlock
from cityid.registry.ethereum.nodes.chain import Chain, connect_chain
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.remote import open_contract
from cityid.registry.ethereum.sending.sender import Sender

pytestmark = pytest.mark.anvil


@pytest.fixture(scope="module")
def network():
    with consortium.validators() as validators:
        yield validators


@pytest.fixture(scope="module")
def address(network):
    """The contract of a registry, which an office without any money has brought there."""
    with connect_chain(network, quorum=2, confirmations=0) as chain:
        sender = Sender(chain, chains.key("office"), poll=0.02)
        there = deploy(chain, sender, steward=None).address
        admit = layout.admit_call(bytes.fromhex(sender.address[2:]))
        sender.wait(sender.submit(there, admit, key=b"admit"))
        return there


def opened(network, address, **options):
    chain: Chain = connect_chain(network, **{"quorum": 2, "confirmations": 0, **options})
    reads_alone = "trusted_block" in options
    sender = None if reads_alone else Sender(chain, chains.key("office"), poll=0.02)
    return EthereumRegistry(open_contract(chain, address), sender=sender, release=chain.close)


def test_what_such_a_network_lacks_is_noticed(network):
    with connect_chain(network, quorum=2) as chain:
        able = chain.capabilities
        assert (able.finalized, able.proofs, able.dynamic_fees, able.by_hash) == (False,) * 4
        assert not able.plain_hashes


def test_an_office_without_money_writes_and_reads(network, address):
    with opened(network, address) as registry:
        first = registry.append([NewEntry("did:example:1", 1, b"one")])
        batch = [NewEntry(f"did:example:batch:{n}", 1, bytes([n])) for n in range(20)]
        second = registry.append([NewEntry("did:example:1", 2, b"two"), *batch])
        assert registry.read("did:example:1") == (*first, second[0])
        assert registry.head("did:example:batch:7") == second[8]
        assert registry.head("did:example:nobody") is None
        assert [record.sequence for record in registry.scan()] == list(range(1, 23))
        assert registry.append([NewEntry("did:example:1", 1, b"one")]) == first
    evidence = first[0].evidence
    assert isinstance(evidence, BlockEntry)
    sent = network[0].request("eth_getTransactionByHash", [_data(evidence.transaction)])
    assert (sent["type"], sent["gasPrice"]) == ("0x0", "0x0")


def _data(value):
    return value if isinstance(value, str) else "0x" + value.hex()


def test_the_network_goes_on_without_one_validator(network, address, monkeypatch):
    down = consortium.Validator("down", network[0].node)

    def gone(*_):
        raise RpcError("it is down", failure=Failure.UNREACHABLE)

    monkeypatch.setattr(down, "request", gone)
    with opened([down, *network[1:]], address) as registry:
        (record,) = registry.append([NewEntry("did:example:2", 1, b"while one is down")])
        assert registry.head("did:example:2") == record
        warnings = " ".join(registry.contract.chain.warnings)
    assert "down could not be asked" in warnings
    with pytest.raises(RegistryError):
        opened([down, down, network[2]], address)


def test_receipts_that_a_validator_forgot_are_pruned_and_not_absent(network, address):
    with opened(network, address) as registry:
        (record,) = registry.append([NewEntry("did:example:3", 1, b"long ago")])
        block = record.evidence.block
        while registry.contract.chain.latest().number < block + 5:
            pass
    forgetful = consortium.Validator("forgetful", network[0].node, keeps=2)
    with opened([forgetful], address, quorum=1) as registry:
        with pytest.raises(RegistryError) as caught:
            registry.read("did:example:3")
        assert caught.value.code is Code.HISTORY_PRUNED
        assert registry.read("did:example:unknown") == ()
    with opened([forgetful, *network[1:]], address) as registry:
        assert registry.read("did:example:3") == (record,)
        assert "forgetful could not be asked" in registry.contract.chain.warnings[-1]


def test_nothing_is_proven_against_a_block_whose_hash_cannot_be_computed_again(network, address):
    with connect_chain(network, quorum=2, confirmations=0) as chain:
        settled = chain.settled()
    known = TrustedBlock(settled.number, settled.hash)
    with (
        connect_chain(network[:1], trusted_block=known) as chain,
        pytest.raises(RpcError, match="in a way not known here") as caught,
    ):
        chain.settled()
    assert caught.value.code is Code.NOT_SUPPORTED
    with opened(network, address, trusted_block=known) as registry:
        assert registry.contract.chain.settled() == settled
        assert registry.read("did:example:unknown") == ()
        told = " ".join(registry.contract.chain.warnings)
    assert "cannot be proven" in told
    assert "no node proves" in told
