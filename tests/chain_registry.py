"""A registry on a chain in this process, written by a clerk and read through nodes with faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import chains
from cityid.keys import DigestSigner
from cityid.registry import NewEntry
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.embedded import open_embedded
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.nodes.rpc import tester_endpoint
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.sending.outbox import Outbox
from cityid.registry.ethereum.sending.sender import Receipt, Sender
from cityid.registry.ethereum.sending.transactions import address
from faults import FaultyNode

START = datetime(2027, 3, 14, 9, tzinfo=UTC)
PEOPLE = [address(chains.key(name).public_key) for name in ("bob", "carol")]
ORIGIN = "city.example/registry"


def entries(*items):
    return [NewEntry(log, version, data) for log, version, data in items]


class Hurry:
    """A clock that waits for nothing: what is waited for has passed."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


class Chain:
    """A chain with the contract, and as many nodes as a test needs.

    Attributes:
        clerk: The registry as its first writer has it; it asks a node without faults.
        tester: The chain itself.
        nodes: The nodes through which `reader` asks.
        reader: The registry as others read it.
    """

    def __init__(self, nodes: int = 1, quorum: int = 1) -> None:
        self.clerk = open_embedded(
            origin=ORIGIN, clock=lambda: START, signer=chains.key("clerk"), wealthy=PEOPLE
        )
        self.sender: Sender = self.clerk._sender
        self.tester: Any = self.sender._tester
        self.nodes = [FaultyNode(tester_endpoint(self.tester), f"node{i}") for i in range(nodes)]
        self.reader = self.open(quorum=quorum)

    def open(
        self,
        *,
        signer: DigestSigner | None = None,
        quorum: int = 1,
        outbox: Outbox | None = None,
    ) -> EthereumRegistry:
        """Open the registry through the nodes."""
        chain = connect_chain(self.nodes, quorum=quorum, confirmations=0)
        there = self.clerk.contract
        contract = Contract(chain, there.address, there.birth)
        hurry = Hurry()
        sender = (
            None
            if signer is None
            else Sender(chain, signer, outbox, poll=0.5, clock=hurry, sleep=hurry.sleep)
        )
        return EthereumRegistry(contract, origin=ORIGIN, sender=sender, release=chain.close)

    def open_for(
        self, name: str, *, admitted: bool = True, outbox: Outbox | None = None
    ) -> EthereumRegistry:
        """Open the registry for a second writer."""
        opened = self.open(signer=chains.key(name), outbox=outbox)
        someone = opened._sender
        if admitted:
            self.call(layout.admit_call(bytes.fromhex(someone.address[2:])), someone)
        return opened

    def call(self, data: bytes, sender: Sender | None = None) -> Receipt:
        """Call the contract."""
        sender = sender or self.sender
        there = self.clerk.contract.address
        key = len(self.nodes[0].sent).to_bytes(8, "big") + data[:40]
        return sender.wait(sender.submit(there, data, key=key, gas=9_000_000))

    def fill(self, log: str = "a", count: int = 10) -> tuple[Any, ...]:
        """Append entries, each in a block of its own."""
        return tuple(
            self.clerk.append(entries((log, version, b"entry %d" % version)))[0]
            for version in range(1, count + 1)
        )

    def close(self) -> None:
        self.reader.close()
        self.clerk.close()
