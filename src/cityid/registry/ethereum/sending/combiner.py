"""Many threads' work in few steps: who comes while a step runs joins the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from cityid.errors import CityIdError

T = TypeVar("T")
R = TypeVar("R")

_LARGEST_STEP: Final = 500


class _Request(Generic[T, R]):
    """One thread's work, and what came of it."""

    __slots__ = ("error", "result", "work")

    def __init__(self, work: T) -> None:
        self.work = work
        self.result: list[R] = []
        self.error: CityIdError | None = None


class Combiner(Generic[T, R]):
    """Does the work of all threads that wait, in one step, by the thread whose turn it is.

    A step that fsyncs or asks a node takes as long for hundreds as for one. No thread of its own
    is needed, and a single caller waits for nobody.

    Args:
        step: Does several pieces of work, and returns what came of each.
    """

    def __init__(self, step: Callable[[Sequence[T]], Sequence[R]]) -> None:
        self._step = step
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[_Request[T, R]] = []

    def do(self, work: T) -> R:
        """Do some work, together with that of others.

        Args:
            work: The work.

        Returns:
            What came of it. What the step refuses, it refuses to all whose work was in it.
        """
        request = _Request[T, R](work)
        with self._lock:
            self._waiting.append(request)
        with self._turn:
            while not request.result and request.error is None:
                self._take_turn(request)
        if request.error is not None:
            raise request.error
        return request.result[0]

    def _take_turn(self, mine: _Request[T, R]) -> None:
        with self._lock:
            batch = self._waiting[:_LARGEST_STEP]
            del self._waiting[:_LARGEST_STEP]
        try:
            results = self._step([request.work for request in batch])
        except CityIdError as error:
            for request in batch:
                request.error = error
            return
        except BaseException:  # what ends this thread is no reason to end others
            with self._lock:
                self._waiting[:0] = [request for request in batch if request is not mine]
            raise
        for request, result in zip(batch, results, strict=True):
            request.result.append(result)
