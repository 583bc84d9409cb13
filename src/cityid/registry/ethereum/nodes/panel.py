"""The nodes that are asked about one chain: each alone, one after another, or all at once.

A node takes its seat when it is on the right chain and has shown what it is able to do. One that
could not be reached must show that again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cityid.errors import RegistryError
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.agreement import Voice, disagreement, has_quorum
from cityid.registry.ethereum.nodes.node import Capabilities, Node
from cityid.registry.ethereum.nodes.rpc import Endpoint

T = TypeVar("T", bound=Hashable)

Question = Callable[[Node, Capabilities], T]
"""What a node is asked."""

GRACE_SECONDS: Final = 0.5
"""How long the others are waited for when enough nodes agree: long enough to notice a liar."""
_GONE: Final = {Failure.UNREACHABLE, Failure.TIMEOUT}


@dataclass(slots=True, eq=False)
class _Seat:
    """A node's place.

    Attributes:
        node: The node.
        capabilities: What it is able to do; None as long as it has not shown it.
        thread: Where it is asked, where several are asked at once.
    """

    node: Node
    capabilities: Capabilities | None = None
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "cityid-node"))


class Panel:
    """The nodes that are asked about one chain.

    Args:
        endpoints: How they are asked.
        chain_id: The number of the chain that they must be on; any as long as it is None.
        warn: Takes a sentence about a node.

    Attributes:
        chain_id: That number.
    """

    def __init__(
        self, endpoints: Sequence[Endpoint], chain_id: int | None, warn: Callable[[str], None]
    ) -> None:
        self._seats = [
            _Seat(Node(name, endpoint))
            for name, endpoint in zip(_names(endpoints), endpoints, strict=True)
        ]
        self.chain_id = chain_id
        self._warn = warn
        self._order = threading.Lock()
        self._one_vote = threading.Lock()
        self._closed = False

    def first(self, question: Question[T], what: str) -> T:
        """Return the answer of the first node that has one; who fails goes to the end of the row.

        Args:
            question: What is asked. An answer that it refuses to believe is none.
            what: What that is, for messages.

        Raises:
            RegistryError: No node has an answer.
        """
        voices: list[Voice[T]] = []
        with self._order:
            seats = self._open_seats()
        for seat in seats:
            try:
                return self._put(seat, question)
            except RegistryError as error:
                voices.append(Voice(seat.node.name, error))
                self._warn(f"{seat.node.name} could not be asked for {what}: {error}")
                with self._order:
                    self._seats.remove(seat)
                    self._seats.append(seat)
        raise disagreement(voices, 1, what)

    def everybody(self, question: Question[T], quorum: int) -> list[Voice[T]]:
        """Return what every node says; when enough agree, of those that are not slow.

        Args:
            question: What is asked.
            quorum: How many nodes saying the same are enough.

        Raises:
            RegistryError: The panel was closed.
        """
        with self._one_vote:
            asked: dict[Future[Voice[T]], str] = {}
            with self._order:
                for seat in self._open_seats():
                    asked[seat.thread.submit(self._voice, seat, question)] = seat.node.name
            return _collect(asked, quorum)

    def dismiss(self) -> None:
        """Let every node show again that it is the right one."""
        for seat in self._seats:
            seat.capabilities = None

    def close(self) -> None:
        """Give all resources back; a node that is just being asked does not answer any more."""
        with self._order:
            self._closed = True
            for seat in self._seats:
                seat.thread.shutdown(wait=False)  # what was asked already ends with an error
        for seat in self._seats:
            seat.node.endpoint.close()

    def _open_seats(self) -> list[_Seat]:
        """Return the seats in their order.

        Raises:
            RegistryError: They were given back.
        """
        self._check_open()
        return list(self._seats)

    def _check_open(self) -> None:
        if self._closed:
            raise RegistryError("the chain was closed; connect to it again")

    def _voice(self, seat: _Seat, question: Question[T]) -> Voice[T]:
        try:
            return Voice(seat.node.name, self._put(seat, question))
        except RegistryError as error:
            return Voice(seat.node.name, error)

    def _put(self, seat: _Seat, question: Question[T]) -> T:
        """Put a question to a node, which shows first that it is the right one."""
        self._check_open()
        try:
            if seat.capabilities is None:
                self._check_chain(seat.node)
                seat.capabilities = seat.node.capabilities()
            return question(seat.node, seat.capabilities)
        except RpcError as error:
            if error.failure in _GONE:
                seat.capabilities = None
            raise

    def _check_chain(self, node: Node) -> None:
        if self.chain_id is None:
            return
        chain_id = node.chain_id()
        if chain_id != self.chain_id:
            raise RpcError(
                f"{node.name} is on chain {chain_id} instead of {self.chain_id}",
                failure=Failure.OTHER,
            )


def _collect(asked: dict[Future[Voice[T]], str], quorum: int) -> list[Voice[T]]:
    """Return what is said; the slow ones are not waited for once enough agree."""
    voices: list[Voice[T]] = []
    pending = set(asked)
    while pending:
        patience = GRACE_SECONDS if has_quorum(voices, quorum) else None
        done, pending = wait(pending, patience, FIRST_COMPLETED)
        if not done:
            break
        voices += [answer.result() for answer in done]
    for answer in pending:  # a node that is still busy is not asked what nobody waits for
        answer.cancel()
        late = RpcError("it has not answered yet", failure=Failure.TIMEOUT)
        voices.append(Voice(asked[answer], late))
    order = list(asked.values())
    return sorted(voices, key=lambda voice: order.index(voice.name))


def _names(endpoints: Sequence[Endpoint]) -> list[str]:
    """Return names that differ: two paths of one host have the same."""
    given = [endpoint.name for endpoint in endpoints]
    before = (given[:place].count(name) for place, name in enumerate(given))
    return [
        f"{name} #{count + 1}" if count else name for name, count in zip(given, before, strict=True)
    ]
