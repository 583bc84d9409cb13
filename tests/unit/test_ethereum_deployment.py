"""Bringing the contract to a chain, and telling it from all others."""

from __future__ import annotations

import json

import pytest

import chains
from cityid import resources
from cityid.errors import Code, CorruptError, InvalidInputError, UnsupportedError
from cityid.registry.ethereum.contract import deployment, layout
from cityid.registry.ethereum.contract.deployment import check_code, creation_code, deploy
from cityid.registry.ethereum.hashing import checksummed
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.sending.outbox import MemoryOutbox
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.sending.transactions import address

ARTEFACT = json.loads(resources.read(resources.Kind.CONTRACTS, deployment.ARTEFACT))
RUNTIME = bytes.fromhex(ARTEFACT["runtime"][2:])
STEWARD = checksummed(bytes(range(1, 21)))
OPEN = RUNTIME + bytes(32) + (7).to_bytes(32, "big")


def test_the_code_of_the_registry_tells_its_steward_and_its_birth():
    assert check_code(OPEN) is None
    assert check_code(RUNTIME + bytes(12) + bytes(range(1, 21)) + bytes(32)) == STEWARD
    assert deployment.birth(OPEN) == 7


@pytest.mark.parametrize(
    "code",
    [
        b"",
        RUNTIME,
        OPEN[:-1],
        OPEN + b"\0",
        bytes([OPEN[0] ^ 1]) + OPEN[1:],
        OPEN[:2000] + bytes([OPEN[2000] ^ 1]) + OPEN[2001:],
        RUNTIME + b"\1" + bytes(63),
    ],
    ids=["none", "without its numbers", "cut", "longer", "begins so", "differs", "no address"],
)
def test_other_code_is_not_the_registry(code):
    with pytest.raises(UnsupportedError) as caught:
        check_code(code)
    assert caught.value.code is Code.NOT_SUPPORTED


def test_the_steward_is_an_address():
    assert creation_code(STEWARD).endswith(bytes(12) + bytes(range(1, 21)))
    assert creation_code(None).endswith(bytes(32))
    with pytest.raises(InvalidInputError):
        creation_code("0x1234")


# --- on a chain


@pytest.fixture
def city():
    """A chain in this process, and somebody with money on it."""
    node = chains.in_process()
    signer = chains.key("the city")
    node.fund(address(signer.public_key))
    with connect_chain([node.endpoint()], confirmations=0) as chain:
        yield chain, Sender(chain, signer, MemoryOutbox())


@pytest.mark.parametrize("steward", [None, STEWARD])
def test_a_registry_is_deployed_and_known_again(city, steward):
    chain, sender = city
    made = deploy(chain, sender, steward=steward)
    code = chain.code(made.address, chain.settled())
    assert made.steward == check_code(code) == steward
    assert made.block == deployment.birth(code)
    assert chain.storages(made.address, [layout.total_slot()], chain.settled()) == (0,)


def test_the_same_deployment_is_asked_for_again_with_its_key(city):
    first = deploy(*city, steward=None, key=b"the city's")
    assert deploy(*city, steward=None, key=b"the city's") == first
    assert deploy(*city, steward=None).address != first.address


def test_an_outbox_that_took_another_work_for_the_deployment_is_corrupt(city):
    chain, sender = city
    called = sender.wait(sender.submit(sender.address, b"", key=b"a call"))

    class Confused:
        submit = sender.submit

        def wait(self, _):
            return called

    with pytest.raises(CorruptError):
        deploy(chain, Confused(), steward=None)
