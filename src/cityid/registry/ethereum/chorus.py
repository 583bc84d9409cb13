"""Asking all nodes of a chain the same questions at once, and not waiting for the slowest."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final

from cityid.registry.ethereum.failures import RpcError
from cityid.registry.ethereum.hexadecimal import quantity
from cityid.registry.ethereum.rpc import Endpoint, Request

Answers = list[Any | RpcError]
"""What a node answers to each question."""

_GRACE_SECONDS: Final = 0.5
"""How long the others are waited for when enough nodes have answered."""


class Chorus:
    """Nodes that are asked together. One node is asked by the caller's own thread.

    Args:
        endpoints: How the nodes are asked.
        enough: How many answers are enough.
        chain_id: The chain they must be on: what a node of another chain says is not heard.
    """

    def __init__(self, endpoints: Sequence[Endpoint], enough: int, chain_id: int) -> None:
        self._endpoints = tuple(endpoints)
        self._enough = enough
        self._chain_id = quantity(chain_id)
        self._threads: list[ThreadPoolExecutor] = []
        self._busy: dict[int, Future[Answers | None]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._endpoints)

    def ask(self, requests: Sequence[Request]) -> list[Answers]:
        """Return what each node answers that is not slow, and is on the right chain.

        Args:
            requests: The questions.
        """
        if len(self._endpoints) == 1:
            answers = [self._ask_one(self._endpoints[0], requests)]
        else:
            answers = self._ask_all(requests)
        return [each for each in answers if each is not None]

    def close(self) -> None:
        """Give the threads back."""
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)

    def _ask_one(self, endpoint: Endpoint, requests: Sequence[Request]) -> Answers | None:
        """Return what a node answers; None where it does not say that it is on the right chain."""
        chain_id, *answers = endpoint.batch([("eth_chainId", ()), *requests])
        return answers if chain_id == self._chain_id else None

    def _ask_all(self, requests: Sequence[Request]) -> list[Answers | None]:
        asked: set[Future[Answers | None]] = set()
        with self._lock:
            if not self._threads:
                self._threads = [ThreadPoolExecutor(1, "cityid-sender") for _ in self._endpoints]
            for place, (thread, endpoint) in enumerate(
                zip(self._threads, self._endpoints, strict=True)
            ):
                before = self._busy.get(place)
                if before is None or before.done():
                    self._busy[place] = thread.submit(self._ask_one, endpoint, requests)
                    asked.add(self._busy[place])
        heard: list[Answers | None] = []
        while asked:
            enough = sum(each is not None for each in heard) >= self._enough
            done, asked = wait(asked, _GRACE_SECONDS if enough else None, FIRST_COMPLETED)
            if not done:
                break
            heard += [answer.result() for answer in done]
        return heard
