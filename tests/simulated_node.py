"""Chains that exist only in a test, and nodes that answer for them: honest, poor, or lying.

A chain has real headers, hashed as its consensus hashes them, and real trees of accounts and
storage. A node answers in the words of its client, and lacks what its network lacks. The nodes of
a consortium (IBFT, QBFT) know no final block, take no fee, and forget old receipts.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cityid.registry.ethereum.failures import Failure, RpcError, classify
from cityid.registry.ethereum.hashing import keccak256, number, rlp_encode
from cityid.registry.ethereum.nodes import headers
from cityid.registry.ethereum.nodes.blocks import Block, read_block
from cityid.registry.ethereum.nodes.trie import EMPTY_CODE, EMPTY_ROOT
from merkle_patricia import Tree

VANITY = b"a consortium".ljust(32, b"\0")
VALIDATORS = [bytes([n]) * 20 for n in range(1, 5)]
SEALS = [bytes([n]) * 65 for n in range(1, 4)]
ZERO = bytes(32)

EXTRA: dict[str, tuple[bytes, bytes]] = {
    # consensus: extra data as a node tells it, and as the network hashes it
    "plain": (b"anvil", b"anvil"),
    "clique": (VANITY + SEALS[0], VANITY + SEALS[0]),
    "qbft": (
        rlp_encode([VANITY, VALIDATORS, [], b"\x02", SEALS]),
        rlp_encode([VANITY, VALIDATORS, [], b"", []]),
    ),
    "ibft2": (
        rlp_encode([VANITY, VALIDATORS, b"", bytes(3) + b"\x02", SEALS]),
        rlp_encode([VANITY, VALIDATORS, b""]),
    ),
    "istanbul": (
        VANITY + rlp_encode([VALIDATORS, SEALS[0], SEALS]),
        VANITY + rlp_encode([VALIDATORS, SEALS[0], []]),
    ),
    "unknown": (b"told", b"hashed"),
}


def as_data(content: bytes) -> str:
    return "0x" + content.hex()


def _account(code: bytes, storage: Tree) -> bytes:
    digest = keccak256(code) if code else EMPTY_CODE
    return rlp_encode(
        [number(1), number(10**18), storage.root if storage.content else EMPTY_ROOT, digest]
    )


@dataclass
class SimulatedChain:
    """A chain, and what its contracts hold after each block."""

    chain_id: int = 1337
    consensus: str = "plain"
    dynamic_fees: bool = True
    blocks: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, dict[int, int]]] = field(default_factory=list)
    logs: list[list[dict[str, Any]]] = field(default_factory=list)
    codes: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.blocks:
            self.mine()

    def mine(
        self,
        writes: Mapping[str, Mapping[int, int]] | None = None,
        logs: Sequence[tuple[str, Sequence[bytes], bytes]] = (),
        *,
        fork: bytes = b"",
    ) -> Block:
        """Add a block that writes words of storage and says some logs; a fork makes it another."""
        state = copy.deepcopy(self.states[-1]) if self.states else {}
        for address, words in (writes or {}).items():
            state.setdefault(address.lower(), {}).update(words)
        self.states.append(state)
        header = self._header(len(self.blocks), self._accounts(state).root, fork)
        self.blocks.append(header)
        self.logs.append(
            [
                {
                    "address": address.lower(),
                    "topics": [as_data(topic) for topic in topics],
                    "data": as_data(data),
                    "blockNumber": header["number"],
                    "blockHash": header["hash"],
                    "transactionHash": as_data(keccak256(header["hash"].encode() + bytes([place]))),
                    "transactionIndex": "0x0",
                    "logIndex": hex(place),
                    "removed": False,
                }
                for place, (address, topics, data) in enumerate(logs)
            ]
        )
        return read_block(header)

    def fork(self, depth: int) -> SimulatedChain:
        """Return another chain that shares all but the last blocks, and has as many others."""
        length = len(self.blocks) - depth
        other = copy.deepcopy(self)
        for row in (other.blocks, other.states, other.logs):
            del row[length:]
        for _ in range(depth):
            other.mine(fork=b"another")
        return other

    def _header(self, height: int, root: bytes, fork: bytes) -> dict[str, Any]:
        told, hashed = EXTRA[self.consensus]
        header = {
            "parentHash": self.blocks[-1]["hash"] if self.blocks else as_data(ZERO),
            "sha3Uncles": as_data(keccak256(rlp_encode([]))),
            "miner": as_data(VALIDATORS[0]),
            "stateRoot": as_data(root),
            "transactionsRoot": as_data(keccak256(fork)),
            "receiptsRoot": as_data(EMPTY_ROOT),
            "logsBloom": as_data(bytes(256)),
            "difficulty": "0x1",
            "number": hex(height),
            "gasLimit": hex(30_000_000),
            "gasUsed": "0x0",
            "timestamp": hex(1_800_000_000 + height),
            "extraData": as_data(hashed),
            "mixHash": as_data(ZERO),
            "nonce": as_data(bytes(8)),
        }
        if self.dynamic_fees:
            header["baseFeePerGas"] = "0x0"
        header["hash"] = as_data(keccak256(rlp_encode(headers._fields(header))))
        header["extraData"] = as_data(told)
        return header

    def _accounts(self, state: dict[str, dict[int, int]]) -> Tree:
        return Tree(
            {
                keccak256(bytes.fromhex(address[2:])): _account(
                    self.codes.get(address, b""), _storage(words)
                )
                for address, words in state.items()
            }
        )

    def prove(self, height: int, address: str, slots: Sequence[int]) -> dict[str, Any]:
        """Return what eth_getProof answers."""
        words = self.states[height].get(address.lower(), {})
        storage = _storage(words)
        account = self._accounts(self.states[height]).proof(keccak256(bytes.fromhex(address[2:])))
        return {
            "address": address,
            "accountProof": [as_data(node) for node in account],
            "storageProof": [
                {
                    "key": hex(slot),
                    "value": hex(words.get(slot, 0)),
                    "proof": [as_data(node) for node in storage.proof(_key(slot))],
                }
                for slot in slots
            ],
        }


def _key(slot: int) -> bytes:
    return keccak256(slot.to_bytes(32, "big"))


def _storage(words: Mapping[int, int]) -> Tree:
    return Tree({_key(slot): rlp_encode(number(word)) for slot, word in words.items() if word})


Lie = Callable[[Sequence[Any], Any], Any]
"""From parameters and the honest answer to another; what it raises is a refusal."""


@dataclass
class SimulatedNode:
    """A node of a chain: an endpoint.

    Attributes:
        chain: The chain that it follows.
        name: Its name.
        finalized: How many blocks behind the last the final one is; None where it knows no such.
        proofs: Whether it proves what accounts hold.
        by_hash: Whether it tells state by the hash of a block.
        log_range: The most blocks that it looks through at once.
        keeps: How many blocks back it knows state and logs; None for all.
        lies: What it says instead, by method.
        failure: Why it does not answer, if so.
        asked: The methods that it was asked, in order.
    """

    chain: SimulatedChain
    name: str = "node"
    finalized: int | None = 2
    proofs: bool = True
    by_hash: bool = True
    log_range: int | None = None
    keeps: int | None = None
    lies: dict[str, Lie] = field(default_factory=dict)
    failure: Failure | None = None
    asked: list[str] = field(default_factory=list)
    closed: bool = False

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        self.asked.append(method)
        if self.failure is not None:
            raise RpcError(f"{self.name} is {self.failure}", failure=self.failure)
        answer = self._answers().get(method)
        if answer is None:
            raise self._refusal(-32601, "Method not found")
        if method in self.lies:
            try:
                honest = answer(*params)
            except RpcError as error:
                honest = error
            said = self.lies[method](params, honest)
            if isinstance(said, RpcError):
                raise said
            return said
        return answer(*params)

    def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        answers = []
        for method, params in requests:
            try:
                answers.append(self.request(method, params))
            except RpcError as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        self.closed = True

    def _answers(self) -> dict[str, Callable[..., Any]]:
        answers: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(self.chain.chain_id),
            "eth_blockNumber": lambda: hex(self._last),
            "eth_gasPrice": lambda: "0x0",
            "eth_getBlockByNumber": self._block,
            "eth_getStorageAt": self._word,
            "eth_getCode": lambda address, at: self._code(address, self._height(at)),
            "eth_call": lambda _, at: as_data(self._height(at).to_bytes(32, "big")),
            "eth_getLogs": self._logs,
            "eth_getTransactionReceipt": self._receipt,
        }
        if self.proofs:
            answers["eth_getProof"] = self._proof
        return answers

    @property
    def _last(self) -> int:
        return len(self.chain.blocks) - 1

    def _refusal(self, code: int, message: str) -> RpcError:
        return classify(code, message, None, self.name)

    def _block(self, at: str, full: bool) -> Any:  # noqa: ARG002 - the method has it
        if at == "finalized":
            if self.finalized is None:
                raise self._refusal(-39001, "Unknown block")
            at = hex(max(0, self._last - self.finalized))
        height = self._last if at == "latest" else int(at, 16)
        return dict(self.chain.blocks[height]) if height <= self._last else None

    def _height(self, at: str | dict[str, str]) -> int:
        if isinstance(at, dict):
            if not self.by_hash:
                raise self._refusal(-32602, "Invalid block params")
            hashes = [block["hash"] for block in self.chain.blocks]
            if at["blockHash"] not in hashes:
                raise self._refusal(-32000, "Block not found")
            height = hashes.index(at["blockHash"])
        else:
            height = self._last if at == "latest" else int(at, 16)
        if height > self._last:
            raise self._refusal(-39001, "Unknown block")
        if self.keeps is not None and height < self._last - self.keeps:
            raise self._refusal(-32000, "World state unavailable")
        return height

    def _code(self, address: str, height: int) -> str:
        there = address.lower() in self.chain.states[height]
        return as_data(self.chain.codes.get(address.lower(), b"") if there else b"")

    def _word(self, address: str, slot: str, at: Any) -> str:
        words = self.chain.states[self._height(at)].get(address.lower(), {})
        return f"0x{words.get(int(slot, 16), 0):064x}"

    def _proof(self, address: str, slots: Sequence[str], at: Any) -> Any:
        return self.chain.prove(self._height(at), address, [int(slot, 16) for slot in slots])

    def _logs(self, wanted: dict[str, Any]) -> Any:
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        if self.log_range is not None and last - first >= self.log_range:
            raise self._refusal(-32005, "Requested range exceeds maximum RPC range limit")
        if self.keeps is not None and first < self._last - self.keeps:
            return []  # a node that forgot its receipts says nothing of it
        return [
            dict(log)
            for block in self.chain.logs[first : last + 1]
            for log in block
            if log["address"] == wanted["address"].lower()
            and len(log["topics"]) >= len(wanted["topics"])
            and all(
                places is None or topic in places
                for topic, places in zip(log["topics"], wanted["topics"], strict=False)
            )
        ]

    def _receipt(self, transaction: str) -> Any:
        for height, block in enumerate(self.chain.logs):
            if any(log["transactionHash"] == transaction for log in block):
                forgotten = self.keeps is not None and height < self._last - self.keeps
                return None if forgotten else {"status": "0x1", "blockNumber": hex(height)}
        return None


def consortium(chain: SimulatedChain, name: str = "validator", **options: Any) -> SimulatedNode:
    """Return a node of a consortium: no final block, state by number alone, little kept."""
    given = {"finalized": None, "by_hash": False, "keeps": 512, "log_range": 5000, **options}
    return SimulatedNode(chain, name, **given)
