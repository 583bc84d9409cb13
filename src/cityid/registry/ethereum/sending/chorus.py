"""Asking all nodes of a chain the same questions at once, and not waiting for the slowest."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from cityid.registry.ethereum.failures import RpcError
from cityid.registry.ethereum.hexadecimal import quantity
from cityid.registry.ethereum.nodes.rpc import Endpoint, Request

Answers = list[Any | RpcError]
"""What a node answers to each question."""

_GRACE_SECONDS: Final = 0.5
"""How long the others are waited for when enough nodes have answered."""
_LATE_SECONDS: Final = 2.0
"""A node that owes an answer for longer is asked again once it has given it."""


@dataclass(slots=True)
class _Seat:
    """A node, and what it was asked and has not answered yet, the oldest first."""

    endpoint: Endpoint
    thread: ThreadPoolExecutor | None = None
    asked: deque[tuple[float, Future[Answers | None]]] = field(default_factory=deque)

    def is_late(self, now: float) -> bool:
        """Tell whether an answer is overdue."""
        while self.asked and self.asked[0][1].done():
            self.asked.popleft()
        return bool(self.asked) and now - self.asked[0][0] > _LATE_SECONDS


class Chorus:
    """Nodes that are asked together. One node is asked by the caller's own thread.

    Args:
        endpoints: How the nodes are asked.
        enough: How many answers are enough.
        chain_id: The chain they must be on: what a node of another chain says is not heard.
    """

    def __init__(self, endpoints: Sequence[Endpoint], enough: int, chain_id: int) -> None:
        self._seats = [_Seat(endpoint) for endpoint in endpoints]
        self._enough = enough
        self._chain_id = quantity(chain_id)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seats)

    def ask(self, requests: Sequence[Request]) -> list[Answers]:
        """Return what each node answers that is not slow, and is on the right chain.

        Args:
            requests: The questions.
        """
        if len(self._seats) == 1:
            answers = [self._ask_one(self._seats[0].endpoint, requests)]
        else:
            answers = self._collect(self._ask_all(requests))
        return [each for each in answers if each is not None]

    def close(self) -> None:
        """Give the threads back."""
        for seat in self._seats:
            if seat.thread is not None:
                seat.thread.shutdown(wait=False, cancel_futures=True)

    def _ask_one(self, endpoint: Endpoint, requests: Sequence[Request]) -> Answers | None:
        """Return what a node answers; None where it does not say that it is on the right chain."""
        chain_id, *answers = endpoint.batch([("eth_chainId", ()), *requests])
        return answers if chain_id == self._chain_id else None

    def _ask_all(self, requests: Sequence[Request]) -> set[Future[Answers | None]]:
        """Ask every node that is not late; all of them where all are."""
        now = time.monotonic()
        asked = set()
        with self._lock:
            prompt = [seat for seat in self._seats if not seat.is_late(now)]
            for seat in prompt or self._seats:
                seat.thread = seat.thread or ThreadPoolExecutor(1, "cityid-sender")
                answer = seat.thread.submit(self._ask_one, seat.endpoint, requests)
                seat.asked.append((now, answer))
                asked.add(answer)
        return asked

    def _collect(self, asked: set[Future[Answers | None]]) -> list[Answers | None]:
        heard: list[Answers | None] = []
        while asked:
            enough = sum(each is not None for each in heard) >= self._enough
            done, asked = wait(asked, _GRACE_SECONDS if enough else None, FIRST_COMPLETED)
            if not done:
                break
            heard += [answer.result() for answer in done]
        return heard
