"""One node of a chain: what it is asked, read with its type, and what it is able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cityid.registry.ethereum.failures import Failure, RpcError, malformed
from cityid.registry.ethereum.hashing import keccak256, read_address
from cityid.registry.ethereum.hexadecimal import data, quantity, read_data, read_quantity
from cityid.registry.ethereum.nodes.blocks import Block, Log, member, read_block, read_log
from cityid.registry.ethereum.nodes.headers import has_its_hash, proven_block
from cityid.registry.ethereum.nodes.rpc import Endpoint
from cityid.registry.ethereum.nodes.trie import Account, prove_account, prove_word

Topics = Sequence[Sequence[bytes] | None]
"""What the topics of a log may be, in their places; None where it may be anything."""

At = str | dict[str, str]
"""A block, as a node takes it: its height, its hash, or its name."""

_NOBODY: Final = "0x" + 40 * "0"
_MOST_LOGS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a chain and its nodes are able to do; networks of a consortium lack some of it.

    Attributes:
        finalized: Whether they say which block is final.
        proofs: Whether they prove what an account holds.
        dynamic_fees: Whether transactions may bid a base fee and a tip (EIP-1559).
        by_hash: Whether state is told by the hash of a block (EIP-1898).
        plain_hashes: Whether the hash of a block is that of its header, as far as known here.
    """

    finalized: bool
    proofs: bool
    dynamic_fees: bool
    by_hash: bool
    plain_hashes: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a chain.

    Attributes:
        name: What it is called in messages.
        endpoint: How it is asked.
    """

    name: str
    endpoint: Endpoint

    def chain_id(self) -> int:
        """Return the number of the chain that the node says it is on.

        Raises:
            RpcError: It does not say.
        """
        answer = self.endpoint.request("eth_chainId", [])
        return read_quantity(answer, "chain id")

    def capabilities(self) -> Capabilities:
        """Return what the node is able to do: it is tried.

        Raises:
            RpcError: It does not even give its latest block.
        """
        latest, finalized, proof = self.endpoint.batch(
            [
                ("eth_getBlockByNumber", ["latest", False]),
                ("eth_getBlockByNumber", ["finalized", False]),
                ("eth_getProof", [_NOBODY, [], "latest"]),
            ]
        )
        header = _given(latest)
        block = read_block(header)
        by_hash = self.endpoint.batch(
            [("eth_getStorageAt", [_NOBODY, "0x0", {"blockHash": data(block.hash)}])]
        )[0]
        return Capabilities(
            finalized=isinstance(finalized, dict),
            proofs=isinstance(proof, dict),
            dynamic_fees=header.get("baseFeePerGas") is not None,
            by_hash=isinstance(by_hash, str),
            plain_hashes=has_its_hash(header),
        )

    def block(self, at: int | str) -> Block:
        """Return a block.

        Args:
            at: Its height, or ``latest`` or ``finalized``.

        Raises:
            RpcError: The node gives none.
        """
        block = read_block(self._header(at))
        if isinstance(at, int) and block.number != at:
            raise malformed(f"{self.name} gives block {block.number} for block {at}")
        return block

    def proven_block(self, number: int, digest: bytes) -> Block:
        """Return a block whose hash is known.

        Args:
            number: Its height.
            digest: Its hash, which is believed.

        Raises:
            RpcError: The node gives none that has the hash.
        """
        block = proven_block(self._header(number), digest)
        if block.number != number:
            raise malformed(f"{self.name} gives block {block.number} for block {number}")
        return block

    def _header(self, at: int | str) -> Any:
        name = quantity(at) if isinstance(at, int) else at
        header = self.endpoint.request("eth_getBlockByNumber", [name, False])
        if header is None:
            raise RpcError(f"{self.name} has no block {at}", failure=Failure.OTHER)
        return header

    def words(self, address: str, slots: Sequence[int], at: At) -> tuple[int, ...]:
        """Return words of an account's storage, as the node says them.

        Args:
            address: The account.
            slots: The words' places.
            at: The block, as the node takes it.

        Raises:
            RpcError: It does not say.
        """
        answers = self.endpoint.batch(
            [("eth_getStorageAt", [address, _slot(slot), at]) for slot in slots]
        )
        return tuple(read_quantity(_given(answer), "a word") for answer in answers)

    def proven_words(
        self, address: str, slots: Sequence[int], at: At, root: bytes
    ) -> tuple[int, ...]:
        """Return words of an account's storage, as the node proves them.

        Args:
            address: The account.
            slots: The words' places.
            at: The block, as the node takes it.
            root: The block's state root, which is believed.

        Raises:
            RpcError: It proves none, or not these.
        """
        proof = self.endpoint.request(
            "eth_getProof", [address, [_slot(slot) for slot in slots], at]
        )
        account = _account(proof, address, root)
        words = member(proof, "storageProof", "a proof")
        if not isinstance(words, list) or len(words) != len(slots):
            raise malformed(f"{self.name} does not prove the words that were asked for")
        return tuple(
            prove_word(account.storage_root, slot, _nodes(word, "proof"))
            for slot, word in zip(slots, words, strict=True)
        )

    def code(self, address: str, at: At) -> bytes:
        """Return the code of a contract, as the node says it.

        Raises:
            RpcError: It does not say.
        """
        return read_data(self.endpoint.request("eth_getCode", [address, at]), "code")

    def proven_code(self, address: str, at: At, root: bytes) -> bytes:
        """Return the code of a contract, as the node proves it; see `proven_words`.

        Raises:
            RpcError: It proves none.
        """
        proof, answer = self.endpoint.batch(
            [("eth_getProof", [address, [], at]), ("eth_getCode", [address, at])]
        )
        account = _account(_given(proof), address, root)
        code = read_data(_given(answer), "code")
        if keccak256(code) != account.code_hash:
            raise malformed(f"{self.name} gives other code than the account has")
        return code

    def call(self, address: str, content: bytes, at: At) -> bytes:
        """Return what a contract answers, as the node says it.

        Raises:
            RpcError: It does not say, or the contract reverts.
        """
        message = {"to": address, "data": data(content)}
        return read_data(self.endpoint.request("eth_call", [message, at]), "an answer")

    def logs(self, address: str, topics: Topics, first: int, last: int) -> tuple[Log, ...]:
        """Return the logs of a contract in some blocks, in their order.

        Args:
            address: The contract.
            topics: What their topics may be.
            first: The first block.
            last: The last block.

        Raises:
            RpcError: The node does not say, or gives others than were asked for.
        """
        wanted = {
            "address": address,
            "topics": [_alternatives(places) for places in topics],
            "fromBlock": quantity(first),
            "toBlock": quantity(last),
        }
        answer = self.endpoint.request("eth_getLogs", [wanted])
        if not isinstance(answer, list) or len(answer) > _MOST_LOGS:
            raise malformed(f"{self.name} gives no list of logs, or a very long one")
        logs = sorted((read_log(log, address) for log in answer), key=lambda log: log.place)
        _check_asked(logs, topics, first, last)
        return tuple(logs)


def _check_asked(logs: Sequence[Log], topics: Topics, first: int, last: int) -> None:
    """Refuse logs that were not asked for, or are there twice."""
    if len({log.place for log in logs}) != len(logs):
        raise malformed("a log is there twice")
    for log in logs:
        if not first <= log.block <= last:
            raise malformed("a log is of another block than was asked for")
        if len(log.topics) < len(topics) or any(
            places is not None and topic not in places
            for topic, places in zip(log.topics, topics, strict=False)
        ):
            raise malformed("a log has other topics than were asked for")


def _account(proof: object, address: str, root: bytes) -> Account:
    return prove_account(root, read_address(address), _nodes(proof, "accountProof"))


def _nodes(proof: object, name: str) -> list[bytes]:
    nodes = member(proof, name, "a proof")
    if not isinstance(nodes, list):
        raise malformed("a proof has no list of nodes")
    return [read_data(node, "a node of a proof") for node in nodes]


def _given(answer: Any) -> Any:
    """Return an answer of a batch.

    Raises:
        RpcError: It is a refusal.
    """
    if isinstance(answer, RpcError):
        raise answer
    return answer


def _alternatives(topics: Sequence[bytes] | None) -> list[str] | None:
    return None if topics is None else [data(topic) for topic in topics]


def _slot(slot: int) -> str:
    return f"0x{slot:064x}"
