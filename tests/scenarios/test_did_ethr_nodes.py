"""did:ethr on real nodes: many changes in a block, nodes that lie, blocks that are taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

import chains
import faults
from cityid import did
from cityid.did.methods import ethr
from cityid.did.methods.ethr import changes
from cityid.errors import Code
from cityid.registry.ethereum.failures import Failure
from cityid.registry.ethereum.nodes.chain import TrustedBlock, connect_chain
from ethr_chain import Published, published

pytestmark = [pytest.mark.anvil, pytest.mark.erc1056]
DAY = timedelta(days=1)
ANEW = did.ResolutionOptions(no_cache=True)


@contextmanager
def a_town() -> Iterator[tuple[Published, did.Identity, ethr.Controller]]:
    """A node with the contract, and somebody who has a service and a delegate there."""
    with chains.anvil(block_time=None) as node:
        node.ask("evm_setAutomine", True)  # noqa: FBT003 - a parameter of the node's
        town = published(node)
        made = did.create("ethr", signer=chains.key("owner"), network=town.network)
        control = town.controller(made.did, "owner")
        control.add_service("Hub", "https://a.example", validity=DAY)
        control.add_delegate("veriKey", "0x" + "01" * 20, validity=DAY)
        yield town, made, control


def test_several_changes_in_one_block():
    with a_town() as (town, made, control):
        node, who, contract = town.node, control.identity, control.network.registry
        node.ask("evm_setAutomine", False)  # noqa: FBT003 - a parameter of the node's
        hasty = [
            changes.add_delegate(who, "veriKey", bytes([2] * 20), DAY),
            changes.add_delegate(who, "veriKey", bytes([3] * 20), DAY),
            changes.revoke_delegate(who, "veriKey", bytes([2] * 20)),
        ]
        for index, change in enumerate(hasty):
            control.sender.submit(contract, change.call(), key=bytes([index]), gas=200_000)
        node.mine()
        history = ethr.read_history(town.chain, contract, who, town.chain.settled())
        block = history[-1].block
        assert [event.block == block for event in history] == [False, False, True, True, True]
        assert [event.previous == block for event in history] == [False] * 3 + [True] * 2
        document = town.resolver().resolve(str(made.did)).require()
        found = [method.id.partition("#")[2] for method in document.verification_methods]
        assert found == ["controller", "controllerKey", "delegate-1", "delegate-3"]


def without_the_last(logs: list[object]) -> list[object]:
    return logs[:-1]


def with_another_delegate(logs: list[dict[str, str]]) -> list[dict[str, str]]:
    """A lie that no link betrays."""
    return [log | {"data": log["data"].replace("01" * 20, "66" * 20)} for log in logs]


def test_one_node_of_three_lies_about_events_and_is_outvoted():
    with a_town() as (town, made, _):
        nodes = [faults.FaultyNode(town.node.endpoint(), f"node {index}") for index in range(3)]
        chain = connect_chain(nodes, quorum=2, confirmations=0)
        resolver = did.resolver(methods=[ethr.method(chain, networks=town.networks)])
        honest = resolver.resolve(str(made.did), ANEW).require().to_json()
        for lie in (
            faults.answering(without_the_last, "eth_getLogs"),
            faults.answering(with_another_delegate, "eth_getLogs"),
            faults.answering(lambda _: "0x" + "00" * 32, "eth_call"),
            faults.failing(Failure.PRUNED),
        ):
            with nodes[1].ailing(lie):
                assert resolver.resolve(str(made.did), ANEW).require().to_json() == honest
            assert chain.warnings
        with nodes[0].ailing(lie), nodes[1].ailing(faults.failing(Failure.UNREACHABLE)):
            result = resolver.resolve(str(made.did), ANEW)
        assert result.error.code in {Code.REGISTRY_UNAVAILABLE, Code.REGISTRY_UNDETERMINED}
        chain.close()


def test_without_a_majority_nothing_is_known():
    with a_town() as (town, made, _):
        nodes = [faults.FaultyNode(town.node.endpoint(), f"node {index}") for index in range(3)]
        chain = connect_chain(nodes, quorum=2, confirmations=0)
        resolver = did.resolver(methods=[ethr.method(chain, networks=town.networks)])
        with (
            nodes[0].ailing(faults.answering(with_another_delegate, "eth_getLogs")),
            nodes[1].ailing(faults.failing(Failure.TIMEOUT)),
        ):
            assert resolver.resolve(str(made.did)).error.code is Code.REGISTRY_UNDETERMINED
        chain.close()


def test_a_node_that_dropped_old_events_is_not_asked_alone():
    with a_town() as (town, made, _):
        nodes = [faults.FaultyNode(town.node.endpoint(), f"node {index}") for index in range(2)]
        chain = connect_chain(nodes, confirmations=0)
        resolver = did.resolver(methods=[ethr.method(chain, networks=town.networks)])
        with nodes[0].ailing(faults.answering(lambda _: [], "eth_getLogs")):
            assert len(resolver.resolve(str(made.did), ANEW).require().verification_methods) == 3
            with nodes[1].ailing(faults.answering(lambda _: [], "eth_getLogs")):
                assert resolver.resolve(str(made.did), ANEW).error.code is Code.HISTORY_PRUNED
        chain.close()


def test_one_node_and_a_trusted_block_prove_no_events():
    with a_town() as (town, made, _):
        latest = town.chain.latest()
        chain = connect_chain(
            [town.node.endpoint()], trusted_block=TrustedBlock(latest.number, latest.hash)
        )
        resolver = did.resolver(methods=[ethr.method(chain, networks=town.networks)])
        result = resolver.resolve(str(made.did))
        assert result.error.code is Code.REGISTRY_UNAVAILABLE
        assert "give several nodes and a quorum" in result.error.title
        chain.close()


def test_a_change_counts_when_it_is_settled_and_not_before():
    with a_town() as (town, made, control):
        chain = connect_chain([town.node.endpoint()], confirmations=3)
        resolver = did.resolver(methods=[ethr.method(chain, networks=town.networks)])
        town.node.mine(3)
        assert len(resolver.resolve(str(made.did)).require().verification_methods) == 3
        control.add_delegate("veriKey", "0x" + "02" * 20, validity=DAY)
        for _ in range(3):
            assert len(resolver.resolve(str(made.did)).require().verification_methods) == 3
            town.node.mine()
        assert len(resolver.resolve(str(made.did)).require().verification_methods) == 4
        chain.close()


def test_a_change_that_was_taken_back_counts_no_more():
    with a_town() as (town, made, control):
        control.deactivate()
        assert town.resolver().resolve(str(made.did)).document_metadata.deactivated
        town.node.reorg(1)
        found = town.resolver().resolve(str(made.did))
        assert len(found.require().verification_methods) == 3
