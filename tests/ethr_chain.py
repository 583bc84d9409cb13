"""A chain for the tests of did:ethr: an ERC-1056 contract in plain Python, and liars beside it.

The contract here is written down a second time, straight from ERC-1056; `test_did_ethr_contract`
holds it against the published bytecode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import chains
import erc1056
from cityid import did
from cityid.did.methods import ethr
from cityid.did.methods.ethr import changes
from cityid.did.methods.ethr.events import (
    ATTRIBUTE_CHANGED,
    DELEGATE_CHANGED,
    OWNER_CHANGED,
    word_of,
)
from cityid.errors import RegistryError
from cityid.registry.base import now
from cityid.registry.ethereum.nodes.blocks import Block, Log
from cityid.registry.ethereum.nodes.chain import Chain, connect_chain
from cityid.registry.ethereum.sending.outbox import MemoryOutbox
from cityid.registry.ethereum.sending.sender import Sender

CONTRACT = "0x" + "c0" * 20
CHAIN_ID = 31337
NETWORKS = {"city": ethr.Network(CHAIN_ID, CONTRACT)}
GENESIS = 1_800_000_000
NOBODY = bytes(20)


def word(number: int) -> bytes:
    """Return a number as a word."""
    return number.to_bytes(32)


def text(name: str | bytes) -> bytes:
    """Return a name as a word."""
    return (name.encode() if isinstance(name, str) else name).ljust(32, b"\0")


@dataclass
class Town:
    """A chain with one ERC-1056 contract; each change is a block of its own unless told otherwise.

    Attributes:
        step: How many seconds pass from block to block.
        voice: What the nodes make of the logs that are asked for.
        behind: How many blocks are not settled.
        fork: Makes the hashes those of another chain.
    """

    step: int = 10
    chain_id: int = CHAIN_ID
    voice: Callable[[tuple[Log, ...]], tuple[Log, ...]] = tuple
    behind: int = 0
    fork: int = 0
    times: list[int] = field(default_factory=lambda: [GENESIS])
    owners: dict[bytes, bytes] = field(default_factory=dict)
    changed: dict[bytes, list[int]] = field(default_factory=dict)
    said: list[Log] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    # What changes the chain.

    def mine(self, seconds: int | None = None) -> int:
        """Begin a new block."""
        self.times.append(self.times[-1] + (self.step if seconds is None else seconds))
        return self.height

    @property
    def height(self) -> int:
        """The block being made."""
        return len(self.times) - 1

    @property
    def time(self) -> int:
        """Its time."""
        return self.times[-1]

    def _say(self, topic: bytes, identity: bytes, head: Sequence[bytes], tail: bytes = b"") -> None:
        previous = self.changed.setdefault(identity, [])
        data = b"".join((*head, word(previous[-1] if previous else 0))) + tail
        self.say(topic, identity, data)
        previous.append(self.height)

    def say(self, topic: bytes, identity: bytes, data: bytes) -> None:
        """Let the contract say something."""
        self.said.append(
            Log(
                CONTRACT,
                (topic, word_of(identity)),
                data,
                self.height,
                self.hash(self.height),
                hashlib.sha256(b"tx" + word(len(self.said))).digest(),
                sum(log.block == self.height for log in self.said),
            )
        )

    def owner(self, identity: bytes) -> bytes:
        """Who may change an identity."""
        owner = self.owners.get(identity, NOBODY)
        return identity if owner == NOBODY else owner

    def change_owner(self, identity: bytes, owner: bytes) -> None:
        """Give an identity away."""
        self.owners[identity] = owner
        self._say(OWNER_CHANGED, identity, (word_of(owner),))

    def add_delegate(self, identity: bytes, kind: str | bytes, who: bytes, validity: int) -> None:
        """Add a delegate."""
        head = (text(kind), word_of(who), word(self.time + validity))
        self._say(DELEGATE_CHANGED, identity, head)

    def revoke_delegate(self, identity: bytes, kind: str | bytes, who: bytes) -> None:
        """Revoke a delegate."""
        self.add_delegate(identity, kind, who, 0)

    def set_attribute(
        self, identity: bytes, name: str | bytes, value: bytes, validity: int
    ) -> None:
        """Set an attribute."""
        self._attribute(identity, name, value, self.time + validity)

    def revoke_attribute(self, identity: bytes, name: str | bytes, value: bytes) -> None:
        """Revoke an attribute."""
        self._attribute(identity, name, value, 0)

    def _attribute(self, identity: bytes, name: str | bytes, value: bytes, valid_to: int) -> None:
        padded = value + bytes(-len(value) % 32)
        head = (text(name), word(128), word(valid_to))
        self._say(ATTRIBUTE_CHANGED, identity, head, word(len(value)) + padded)

    # What did:ethr asks.

    def hash(self, number: int) -> bytes:
        """The hash of a block."""
        return hashlib.sha256(b"block" + word(number) + word(self.fork)).digest()

    def block(self, number: int) -> Block:
        """Return a block."""
        self.asked.append("block")
        if not 0 <= number <= self.height:
            raise RegistryError("no such block")
        before = self.hash(number - 1) if number else bytes(32)
        return Block(number, self.hash(number), before, self.times[number], bytes(32))

    def settled(self) -> Block:
        """Return the last block that counts."""
        return self.block(max(0, self.height - self.behind))

    def call(self, address: str, content: bytes, block: Block) -> bytes:
        """Answer what the contract answers after a block."""
        self.asked.append("call")
        if address != CONTRACT:
            return b""
        identity = content[-20:]
        if content == changes.question("changed", identity):
            done = [number for number in self.changed.get(identity, ()) if number <= block.number]
            return word(done[-1] if done else 0)
        if content == changes.question("identityOwner", identity):
            owners = [
                log.data[12:32]
                for log in self.said
                if log.topics == (OWNER_CHANGED, word_of(identity)) and log.block <= block.number
            ]
            owner = owners[-1] if owners else NOBODY
            return word_of(identity if owner == NOBODY else owner)
        raise RegistryError("reverted")

    def logs(
        self,
        address: str,
        topics: Sequence[Sequence[bytes] | None],
        first: int,
        last: int,
        check: Callable[[Sequence[Log]], object],
        *,
        agreed: bool,
    ) -> tuple[Log, ...]:
        """Return what the contract said, as this chain's nodes tell it."""
        assert agreed
        self.asked.append("logs")
        kinds, identities = topics
        told = self.voice(
            tuple(
                log
                for log in self.said
                if log.address == address
                and first <= log.block <= last
                and log.topics[0] in kinds
                and log.topics[1] in identities
            )
        )
        check(told)
        return told


def altered(**members: object) -> Callable[[tuple[Log, ...]], tuple[Log, ...]]:
    """Return the voice of a node that tells every log otherwise."""
    return lambda logs: tuple(replace(log, **members) for log in logs)


# The published contract on a chain in this process.


@dataclass
class Published:
    """A chain with the published contract, and people who may pay."""

    node: Any
    chain: Chain
    networks: dict[str, ethr.Network]

    @property
    def network(self) -> str:
        """How a DID names the chain."""
        return hex(self.chain.chain_id)

    def sender(self, name: str) -> Sender:
        """Return how somebody sends, who has money."""
        sender = Sender(self.chain, chains.key(name), MemoryOutbox(), poll=0.001)
        self.node.fund(sender.address)
        return sender

    def resolver(self, clock: Callable[[], datetime] = now) -> did.Resolver:
        """Return a resolver of this chain."""
        return did.resolver(methods=[ethr.method(self.chain, networks=self.networks, clock=clock)])

    def controller(self, subject: did.DID, name: str) -> ethr.Controller:
        """Return how somebody changes a DID."""
        return ethr.control(subject, self.chain, self.sender(name), networks=self.networks)


def published(node: Any = None) -> Published:
    """Return a chain with the published contract: one in this process, or that of a node."""
    node = chains.in_process() if node is None else node
    chain = connect_chain([node.endpoint()], confirmations=0)
    town = Published(node, chain, {})
    town.networks["city"] = ethr.deploy(chain, town.sender("deployer"), erc1056.creation_code())
    return town
