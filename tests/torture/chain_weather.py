"""A chain under weather, in a time of its own: blocks come when a schedule lets time pass.

The chain is a real node (anvil) that mines by hand. What is bad about its weather: reorgs, pending
transactions that are forgotten, delayed, overtaken or repeated, prices that jump, and nodes that
fail, lag or lie.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

import faults
import lies
from cityid.registry.ethereum.failures import RpcError
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.sending.transactions import Fees, Transaction, address, sign
from faults import Fault, FaultyNode
from torture.chain_city import CHAIN_ID, EPOCH, City

BLOCK_SECONDS = 1
DEEPEST = 12
DEAREST = 10**11
"""What gas costs at most, in wei: a fifth of what a sender pays where nothing else is said."""


class World:
    """One chain, its nodes and its weather.

    Attributes:
        now: The time, in seconds since the world began.
        stormy: Whether things go wrong.
        troubled: When something last went wrong, or stopped going wrong.
        nodes: The nodes that clients ask.
        counted: How often what happened.
    """

    def __init__(
        self, city: City, chance: random.Random, *, nodes: int, liars: int, deepest: int
    ) -> None:
        self.city = city
        self.node = city.node
        self.now = 0.0
        self.stormy = True
        self.troubled = 0.0
        self.counted: Counter[str] = Counter()
        self.nodes = [FaultyNode(city.node.endpoint(), f"node {n}") for n in range(nodes)]
        self.deepest = deepest
        self._liars = liars
        self._chance = chance
        self._begun = city.node.time()
        self._floor = city.node.height()
        self._raws: dict[str, str] = {}
        self._late: list[tuple[float, str]] = []
        self._healing: dict[FaultyNode, float] = {}
        self._lying: set[FaultyNode] = set()

    # --- time

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, in which blocks are made and the weather changes."""
        end = self.now + max(seconds, 0.001)
        while int(self.now) < int(end):
            self.now = float(int(self.now) + BLOCK_SECONDS)
            self._change_weather()
            self.node.mine(at=self._begun + int(self.now))
        self.now = end

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self.stormy = False
        self.troubled = self.now
        for node in self.nodes:
            node.faults.clear()
        self._lying.clear()
        self._healing.clear()

    def _change_weather(self) -> None:
        self._note_transactions()
        for node, end in list(self._healing.items()):
            if self.now >= end:
                node.faults.clear()
                self._lying.discard(node)
                del self._healing[node]
                self.troubled = self.now
        for due, raw in [late for late in self._late if late[0] <= self.now]:
            self._late.remove((due, raw))
            self._send(raw)
        if not self.stormy:
            return
        for chance, happens in self._dangers():
            if self._chance.random() < chance:
                happens()

    def _dangers(self) -> list[tuple[float, Callable[[], None]]]:
        return [
            (0.08, self._reorg),
            (0.08, self._drop),
            (0.05, self._delay),
            (0.04, self._repeat),
            (0.03, self._overtake),
            (0.02, self._raise_price),
            (0.15, self._ail),
            (0.02, self._shut),
        ]

    def _count(self, what: str) -> None:
        self.counted[what] += 1
        self.troubled = self.now

    # --- the chain

    def _reorg(self) -> None:
        room = self.node.height() - self._floor - 1
        if room < 1:
            return
        depth = min(room, self._chance.randint(1, self.deepest))
        height = self.node.height()
        blocks = self.node.control.batch(
            [
                ("eth_getBlockByNumber", [hex(n), False])
                for n in range(height - depth + 1, height + 1)
            ]
        )
        removed = [self._raws[t] for b in blocks for t in b["transactions"] if t in self._raws]
        times = [int(block["timestamp"], 16) for block in blocks]
        self.node.rollback(depth)
        self.node.ask("anvil_setCoinbase", "0x" + self._chance.randbytes(20).hex())
        kept = [raw for raw in removed if self._chance.random() < 0.5]
        for time in times:
            while kept and self._chance.random() < 0.6:
                self._send(kept.pop(0))
            self.node.mine(at=time)
        self._count(f"reorgs of depth {depth:2}")

    def _drop(self) -> None:
        for transaction in self._pending()[: self._chance.randint(1, 3)]:
            self.node.drop(transaction)
            self._count("transactions dropped")

    def _delay(self) -> None:
        for transaction in self._pending():
            if transaction in self._raws:
                self.node.drop(transaction)
                self._late.append((self.now + self._chance.randint(1, 9), self._raws[transaction]))
                self._count("transactions delayed")

    def _repeat(self) -> None:
        if self._raws:
            self._send(self._chance.choice(list(self._raws.values())))
            self._count("transactions repeated")

    def _overtake(self) -> None:
        """Use a nonce that a writer thinks to be his, as his key on another machine would."""
        writer = self._chance.choice(self.city.writers)
        own = address(writer.public_key)
        nonce = int(self.node.ask("eth_getTransactionCount", own, "latest"), 16)
        price = min(2 * int(self.node.ask("eth_gasPrice"), 16), DEAREST)
        transaction = Transaction(
            chain_id=CHAIN_ID, nonce=nonce, to=bytes.fromhex(own[2:]), data=b"", gas=21_000,
            fees=Fees(price=price),
        )  # fmt: skip
        self._send("0x" + sign(transaction, writer).raw.hex())
        self._count("nonces used by somebody else")

    def _raise_price(self) -> None:
        price = int(self.node.last_block()["baseFeePerGas"], 16)
        if 4 * price < DEAREST:
            self.node.ask(
                "anvil_setNextBlockBaseFeePerGas", hex(price * self._chance.randint(2, 4))
            )
            self._count("jumps of the price")

    def _pending(self) -> list[str]:
        block = self.node.ask("txpool_content")
        found = [t for group in block.values() for lane in group.values() for t in lane.values()]
        hashes = [str(transaction["hash"]) for transaction in found]
        self._chance.shuffle(hashes)
        return hashes

    def _send(self, raw: str) -> None:
        with suppress(RpcError):
            self.node.ask("eth_sendRawTransaction", raw)

    def _note_transactions(self) -> None:
        for node in self.nodes:
            for raw in node.sent:
                self._raws["0x" + keccak256(bytes.fromhex(raw[2:])).hex()] = raw
            node.sent.clear()

    # --- the nodes

    def _ail(self) -> None:
        healthy = [node for node in self.nodes if node not in self._healing]
        if not healthy:
            return
        node = self._chance.choice(healthy)
        wrong = len(self._lying) < self._liars and self._chance.random() < 0.6
        kinds = LIES if wrong else FAILURES
        name = self._chance.choice(list(kinds))
        if wrong:
            self._lying.add(node)
        node.faults.append(kinds[name](self, self._chance))
        self._healing[node] = self.now + self._chance.randint(1, 12)
        self._count(f"nodes that {name}")

    def _shut(self) -> None:
        """Let no node answer for a while."""
        for node in self.nodes:
            if node not in self._healing:
                node.faults.append(faults.down)
                self._healing[node] = self.now + self._chance.randint(1, 10)
        self._count("times when all nodes were down")

    def earlier(self) -> int:
        """Return the height of an earlier block."""
        return max(self._floor - 20, self.node.height() - self._chance.randint(1, 20))


def _often(chance: random.Random) -> Callable[[], bool]:
    return lambda: chance.random() < 0.5


Making = Callable[[World, random.Random], Fault]

FAILURES: Mapping[str, Making] = MappingProxyType(
    {
        "are down": lambda *_: faults.down,
        "do not answer in time": lambda *_: faults.timing_out,
        "limit the rate": lambda _, chance: faults.now_and_then(
            faults.rate_limited, _often(chance)
        ),
        "answer garbage": lambda _, chance: faults.now_and_then(faults.garbled, _often(chance)),
        "lose answers": lambda _, chance: faults.now_and_then(
            faults.after_all(faults.timing_out), _often(chance)
        ),
        "are on another chain": lambda _, chance: faults.on_chain(chance.randint(1, 9)),
        "swallow transactions": lambda *_: faults.swallows,
        "double transactions": lambda *_: faults.doubles,
    }
)
"""What a node does that answers the truth or nothing."""

LIES: Mapping[str, Making] = MappingProxyType(
    {
        "are stale": lambda world, _: faults.stale(world.earlier(), finalized=2 * EPOCH),
        "lie about storage": lambda _, chance: lies.about_storage(chance),
        "lie about logs": lambda _, chance: lies.about_logs(chance),
        "lie about blocks": lambda _, chance: lies.about_blocks(chance),
        "lie about receipts": lambda _, chance: lies.about_receipts(chance),
        "lie about nonces": lambda _, chance: lies.about_nonces(chance),
        "lie about prices": lambda _, chance: lies.about_prices(chance),
        "lie about code": lambda *_: lies.about_code(),
    }
)
"""What a node does that answers something else than the truth."""
