"""Nodes with faults that a test switches on: they fail, lie, lag, swallow, double.

A fault stands between a question and its answer: it may ask on, change, delay or refuse::

    node = FaultyNode(endpoint)
    with node.ailing(rate_limited):
        ...
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.nodes.rpc import Endpoint, Request

Ask = Callable[[str, Sequence[Any]], Any]
Fault = Callable[[Ask, str, Sequence[Any]], Any]


class FaultyNode:
    """A node behind faults that can be switched on and off.

    Attributes:
        faults: What stands between; the first is the nearest to whoever asks.
        asked: How often each method was asked for.
        requests: How often it was asked; many questions at once count as one.
        sent: The raw transactions that it was given, whatever became of them.
    """

    def __init__(self, endpoint: Endpoint, name: str = "") -> None:
        self.name = name or endpoint.name
        self.faults: list[Fault] = []
        self.asked: Counter[str] = Counter()
        self.requests = 0
        self.sent: list[str] = []
        self._endpoint = endpoint

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        self.requests += 1
        return self._one(method, params)

    def batch(self, requests: Sequence[Request]) -> list[Any | RpcError]:
        self.requests += 1
        if not self.faults:
            for method, params in requests:
                self._note(method, params)
            return self._endpoint.batch(requests)
        return [self._attempt(*request) for request in requests]

    def close(self) -> None:
        self._endpoint.close()

    @contextmanager
    def ailing(self, *faults: Fault) -> Iterator[None]:
        """Have faults for a while."""
        before = list(self.faults)
        self.faults += faults
        try:
            yield
        finally:
            self.faults[:] = before

    def _one(self, method: str, params: Sequence[Any]) -> Any:
        self._note(method, params)
        ask: Ask = self._endpoint.request
        for fault in reversed(self.faults):
            ask = _behind(fault, ask)
        return ask(method, params)

    def _note(self, method: str, params: Sequence[Any]) -> None:
        self.asked[method] += 1
        if method == "eth_sendRawTransaction":
            self.sent.append(params[0])

    def _attempt(self, method: str, params: Sequence[Any]) -> Any | RpcError:
        try:
            return self._one(method, params)
        except RpcError as error:
            return error


def _behind(fault: Fault, ask: Ask) -> Ask:
    return lambda method, params: fault(ask, method, params)


def failing(failure: Failure) -> Fault:
    """Return the fault of a node that answers nothing but one failure."""

    def fail(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        del ask, method, params
        raise RpcError(f"the test says {failure}", failure=failure)

    return fail


down = failing(Failure.UNREACHABLE)
timing_out = failing(Failure.TIMEOUT)
rate_limited = failing(Failure.RATE_LIMITED)
garbled = failing(Failure.MALFORMED)


def only(fault: Fault, *methods: str) -> Fault:
    """Return a fault that shows in some methods alone."""

    def sometimes(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        return fault(ask, method, params) if method in methods else ask(method, params)

    return sometimes


def now_and_then(fault: Fault, chance: Callable[[], bool]) -> Fault:
    """Return a fault that shows when chance says so."""

    def sometimes(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        return fault(ask, method, params) if chance() else ask(method, params)

    return sometimes


def after_all(fault: Fault) -> Fault:
    """Return a fault that shows when the node has done what it was asked: its answer is lost."""

    def late(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        with suppress(RpcError):
            ask(method, params)
        return fault(ask, method, params)

    return late


def slow(seconds: float, sleep: Callable[[float], None] = time.sleep) -> Fault:
    """Return the fault of a node that takes its time."""

    def wait(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        sleep(seconds)
        return ask(method, params)

    return wait


def answering(change: Callable[[Any], Any], *methods: str) -> Fault:
    """Return a lie: the answers to some methods, changed."""

    def lie(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        answer = ask(method, params)
        return change(answer) if method in methods else answer

    return lie


def on_chain(chain_id: int) -> Fault:
    """Return the fault of a node of another chain."""
    return answering(lambda _: hex(chain_id), "eth_chainId")


def swallows(ask: Ask, method: str, params: Sequence[Any]) -> Any:
    """Take transactions, say their hashes, and do nothing with them."""
    if method != "eth_sendRawTransaction":
        return ask(method, params)
    return "0x" + keccak256(bytes.fromhex(params[0][2:])).hex()


def doubles(ask: Ask, method: str, params: Sequence[Any]) -> Any:
    """Send every transaction twice."""
    answer = ask(method, params)
    if method == "eth_sendRawTransaction":
        with suppress(RpcError):
            ask(method, params)
    return answer


def elsewhere(other: Endpoint, *methods: str) -> Fault:
    """Return the lie of a node that answers as another one would: all methods, or some."""

    def lie(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        chosen = not methods or method in methods
        return other.request(method, params) if chosen else ask(method, params)

    return lie


_BLOCK_AT = {
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getStorageAt": 2,
    "eth_getProof": 2,
    "eth_getBlockByNumber": 0,
}
"""Which parameter names the block."""


def stale(height: int, *, finalized: int = 2) -> Fault:
    """Return the fault of a node that knows no block after `height`, and passes nothing on."""

    def answer(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_blockNumber":
            return hex(height)
        if method == "eth_sendRawTransaction":
            return swallows(ask, method, params)
        if method == "eth_getLogs" and "blockHash" not in params[0]:
            first, last = (_height(params[0].get(end, "latest"), height, finalized)
                           for end in ("fromBlock", "toBlock"))  # fmt: skip
            if first > height:
                return []
            params = [{**params[0], "toBlock": hex(min(height, last))}]
        elif method in _BLOCK_AT:
            place = _BLOCK_AT[method]
            block = params[place] if len(params) > place else "latest"
            if isinstance(block, str):
                number = _height(block, height, finalized)
                if number > height:
                    return _unknown(method)
                params = [*params[:place], hex(number), *params[place + 1 :]]
        return _forgotten(ask(method, params), height)

    return answer


def _height(block: str, height: int, finalized: int) -> int:
    if block.startswith("0x"):
        return int(block, 16)
    behind = {"finalized": finalized, "safe": 1, "earliest": height}.get(block, 0)
    return max(0, height - behind)


def _unknown(method: str) -> None:
    if method != "eth_getBlockByNumber":
        raise RpcError("the test's node answered: header not found", failure=Failure.OTHER)


def _forgotten(answer: Any, height: int) -> Any:
    """Return an answer about something in a block; None where the block is too new."""
    if isinstance(answer, dict):
        block = answer.get("blockNumber") or answer.get("number")
        if isinstance(block, str) and int(block, 16) > height:
            return None
    return answer
