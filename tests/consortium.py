"""A network of a consortium, played by a real node: it obeys, and answers as IBFT and QBFT do.

What such networks lack is lacking here: the tag of final blocks, state by the hash of a block,
transactions that bid a base fee, proofs. Gas costs nothing, refusals are in the words of Besu, the
extra data of a block holds seals, and receipts are forgotten without a word.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import chains
from cityid.registry.ethereum.failures import Failure, RpcError, classify
from cityid.registry.ethereum.hexadecimal import data
from cityid.registry.ethereum.nodes.rpc import Endpoint, Request
from simulated_node import EXTRA

_BLOCK_SECONDS = 0.05
WITHOUT = {
    "eth_feeHistory",
    "eth_getBlockReceipts",
    "eth_getProof",
    "eth_maxPriorityFeePerGas",
    "eth_createAccessList",
}
WORDS = {
    Failure.ALREADY_KNOWN: (-32000, "Known transaction"),
    Failure.INSUFFICIENT_FUNDS: (-32004, "Upfront cost exceeds account balance"),
    Failure.NONCE_GAP: (-32006, "Nonce too high"),
    Failure.NONCE_TOO_LOW: (-32001, "Nonce too low"),
    Failure.UNDERPRICED: (-32009, "Gas price below configured minimum gas price"),
    Failure.UNSUPPORTED: (-32601, "Method not found"),
}


@dataclass
class Validator:
    """A node of a consortium: an endpoint.

    Attributes:
        name: Its name.
        node: The node that plays it.
        keeps: How many blocks back it knows receipts and logs; None for all.
    """

    name: str
    node: Endpoint
    keeps: int | None = None

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        if method in WITHOUT:
            raise self._refusal(-32601, "Method not found")
        if any(param in ("finalized", "safe") for param in params if isinstance(param, str)):
            raise self._refusal(-39001, "Unknown block")
        if any(isinstance(param, dict) and "blockHash" in param for param in params):
            raise self._refusal(-32602, "Invalid block params")
        try:
            answer = self.node.request(method, params)
        except RpcError as error:
            raise self._reworded(error) from None
        return self._as_told(method, params, answer)

    def batch(self, requests: Sequence[Request]) -> list[Any]:
        return [self._attempt(*request) for request in requests]

    def close(self) -> None:
        self.node.close()

    def _attempt(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self.request(method, params)
        except RpcError as error:
            return error

    def _as_told(self, method: str, params: Sequence[Any], answer: Any) -> Any:
        match method:
            case "eth_gasPrice":
                return "0x0"
            case "eth_getBlockByNumber" if answer:
                return {**answer, "extraData": data(EXTRA["qbft"][0])}
            case "eth_getTransactionReceipt" if answer:
                return None if self._forgot(answer["blockNumber"]) else answer
            case "eth_getLogs":
                return [] if self._forgot(params[0]["fromBlock"]) else answer
            case _:
                return answer

    def _forgot(self, height: str) -> bool:
        if self.keeps is None:
            return False
        last = int(self.node.request("eth_blockNumber"), 16)
        return int(height, 16) < last - self.keeps

    def _refusal(self, code: int, words: str) -> RpcError:
        return classify(code, words, None, self.name)

    def _reworded(self, error: RpcError) -> RpcError:
        if error.failure is Failure.REVERTED:
            return classify(-32000, f"Execution reverted: {error.reason}", None, self.name)
        words = WORDS.get(error.failure)
        return self._refusal(*words) if words else error


@contextmanager
def validators(*, keeps: int | None = None) -> Iterator[list[Validator]]:
    """Run a network of three validators, which make many blocks a second.

    Args:
        keeps: How many blocks back the first of them knows receipts and logs.
    """
    free = ["--gas-price", "0"]
    with chains.anvil(block_time=None, hardfork="istanbul", arguments=free) as node:
        stop = threading.Event()
        maker = threading.Thread(target=_make_blocks, args=(node, stop))
        maker.start()
        try:
            yield [
                Validator(f"validator {n + 1}", node.endpoint(), None if n else keeps)
                for n in range(3)
            ]
        finally:
            stop.set()
            maker.join()


def _make_blocks(node: chains.Node, stop: threading.Event) -> None:
    while not stop.wait(_BLOCK_SECONDS):
        node.mine()
