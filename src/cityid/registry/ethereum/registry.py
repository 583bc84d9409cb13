"""The registry on a chain: a contract keeps the order, and nodes that nobody trusts the entries.

What is read is read at the settled block, and verified against what the contract stores, so that
one lying node can hold up an answer but not make a false one. What is written is answered when it
is settled. Threads may share a registry.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator, Sequence

from cityid.errors import RegistryError, UnsupportedError
from cityid.keys import Signer
from cityid.registry.admission import check_entries, check_log, check_number, check_range
from cityid.registry.base import Closing, NewEntry, Record, closed
from cityid.registry.checkpoint import (
    Checkpoint,
    check_operator,
    check_origin,
    write_checkpoint,
)
from cityid.registry.ethereum import history
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.index import Index
from cityid.registry.ethereum.nodes.chain import Chain
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.writing import Pending, Writer

_SCAN_BATCH = 500


class EthereumRegistry(Closing):
    """A registry that a contract keeps.

    Args:
        contract: The contract.
        origin: The registry's name in checkpoints; None for one made of chain and contract.
        operator: Who signs checkpoints, with an Ed25519 key.
        sender: Sends what is written; None to read alone.
        release: Is called when the registry is closed.

    Attributes:
        contract: The contract.
        origin: The registry's name in checkpoints.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        origin: str | None = None,
        operator: Signer | None = None,
        sender: Sender | None = None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        check_operator(operator)
        self.contract = contract
        self.origin = origin_of(contract) if origin is None else check_origin(origin)
        self._operator = operator
        self._release = release
        self._sender = sender
        self._writer = Writer(contract, sender)
        self._index = Index(contract)
        self._closed = threading.Event()

    @property
    def chain(self) -> Chain:
        """The chain that the contract is on; a resolver reads did:ethr there too."""
        return self.contract.chain

    def append(self, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
        """Add entries, all or none, and return when they are settled; see `Registry.append`."""
        entries = check_entries(entries)
        self._check_open()
        return self._writer.begin(entries, look=True).wait() if entries else ()

    def submit(self, entries: Sequence[NewEntry]) -> Pending:
        """Send entries, all or none, and do not wait until they are settled.

        Entries may follow each other before any of them is settled. Each version is taken to be
        the next one of its log: where it is not, `Pending.wait` finds that out.

        Args:
            entries: What to add, as `append` takes it.

        Raises:
            InvalidInputError: An entry breaks a limit, or they do not fit into one transaction
                (INPUT_TOO_LARGE).
            ConflictError: A version is not the log's next one.
            RegistryError: Nothing could be sent.
        """
        entries = check_entries(entries)
        self._check_open()
        return self._writer.begin(entries, look=False)

    def tend(self) -> int:
        """Heal what went wrong with what was submitted, and return how much is under way still.

        Waiting does that by itself; a service that only submits calls it now and then.

        Raises:
            RegistryError: The outbox cannot be used.
        """
        self._check_open()
        return 0 if self._sender is None else self._sender.tend()

    def read(self, log: str, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records of one log; see `Registry.read`."""
        check_log(log)
        check_range(after, limit)
        self._check_open()
        if limit == 0:
            return ()
        return history.walk(self.contract, log, self.contract.chain.settled(), after=after)[:limit]

    def head(self, log: str) -> Record | None:
        """Return the last record of a log; see `Registry.head`."""
        check_log(log)
        self._check_open()
        return history.last(self.contract, log, self.contract.chain.settled())

    def scan(self, after: int = 0) -> Iterator[Record]:
        """Go through all records; see `Registry.scan`."""
        check_number(after, "after")
        self._check_open()
        return self._scan(after)

    def _scan(self, after: int) -> Iterator[Record]:
        self._check_open()
        self._index.refresh()  # what was read before may have been taken back
        last: Record | None = None
        while True:
            self._check_open()
            if last is not None and self._index.records(after - 1, 1) != [last]:
                raise RegistryError("the chain took back records that were given; scan it again")
            if not (batch := self._index.records(after, _SCAN_BATCH)):
                self._index.refresh()
                batch = self._index.records(after, _SCAN_BATCH)
            if not batch:
                return
            yield from batch
            after, last = after + len(batch), batch[-1]

    def checkpoint(self) -> Checkpoint:
        """Return what the registry holds now; see `Registry.checkpoint`."""
        self._check_open()
        frontier, last = self._index.refresh()
        return write_checkpoint(
            self.origin,
            frontier.size,
            frontier.root(),
            time=last.recorded_at if last else None,
            operator=self._operator,
        )

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return an inclusion proof; see `Provable.prove_inclusion`."""
        self._check_open()
        return self._index.prove_inclusion(index, size)

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return a consistency proof; see `Provable.prove_consistency`."""
        self._check_open()
        return self._index.prove_consistency(old_size, size)

    def close(self) -> None:
        """Give all resources back; nothing can be asked afterwards."""
        if not self._closed.is_set():
            self._closed.set()
            self._release()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise closed(self.origin)


def origin_of(contract: Contract) -> str:
    """Return what a contract is called in checkpoints: its account, by CAIP-10.

    Spec:
        https://chainagnostic.org/CAIPs/caip-10
    """
    return f"eip155:{contract.chain.chain_id}:{contract.address}"


def demand_installed(*modules: str) -> None:
    """Refuse to begin what will miss a package.

    Args:
        modules: What is needed.

    Raises:
        UnsupportedError: One is missing.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise UnsupportedError(
                f"a registry on a chain needs {module}: pip install 'cityid[ethereum]'", name=module
            )
