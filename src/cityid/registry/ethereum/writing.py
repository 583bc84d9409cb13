"""Writing to the registry on a chain: what is new is sent once, and answered when it is settled.

Between the sending of an entry and its settling lie seconds or minutes. The writer keeps in mind
what is under way, so that entries can follow each other without waiting, and so that the same entry
asked for again is the same transaction. Whatever it assumes, the contract has the last word: where
it refuses a version, the writer looks at what is settled, and decides again.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cityid.errors import (
    Code,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    quote,
)
from cityid.registry.admission import admit
from cityid.registry.base import BlockEntry, NewEntry, Record, moment
from cityid.registry.ethereum.contract.contents import content, log_id
from cityid.registry.ethereum.contract.layout import Entry, Head, append_call, head_slot, parts
from cityid.registry.ethereum.history import Contract, records_to, walk
from cityid.registry.ethereum.recent import Recent
from cityid.registry.ethereum.sending.sender import (
    PATIENCE_SECONDS,
    Receipt,
    RevertedError,
    Sender,
    Ticket,
)
from cityid.registry.ethereum.under_way import UnderWay

_TRIES: Final = 5
_TURNS: Final = 64
_TAKEN_BACK: Final = "taken back"
_STALE: Final = {"version", "", _TAKEN_BACK}  # some nodes do not tell the reason
_REASONS: Final = {
    "writer": "its key is not that of a writer whom the registry has admitted",
    "owner": "the log belongs to another writer",
}
_WORK: Final = b"cityid append\n"

_TRANSACTION_GAS: Final = 21_000
_ZERO_GAS, _BYTE_GAS = 4, 16
_ZERO_FLOOR, _BYTE_FLOOR = 10, 40
_FIXED_GAS: Final = 50_000
_ENTRY_GAS: Final = 22_000
_PART_GAS: Final = 7_500
_CONTENT_GAS: Final = 18

_Name = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Course:
    """What is known of the entries of an append, and what must settle before all of it is."""

    known: Mapping[_Name, Record]
    tickets: tuple[Ticket, ...]


class Pending:
    """Entries on their way to the chain."""

    def __init__(self, writer: Writer, entries: Sequence[NewEntry], course: _Course) -> None:
        self._writer = writer
        self._entries = entries
        self._course = course

    def wait(self, timeout: float = PATIENCE_SECONDS) -> tuple[Record, ...]:
        """Return the record of each entry, in their order, once they are settled.

        Args:
            timeout: After how many seconds to give up waiting. The entries stay under way.

        Raises:
            ConflictError: Somebody else wrote first.
            RegistryError: They are not settled yet (TIMEOUT), the contract refuses the writer, or
                the chain cannot be read.
        """
        for _ in range(_TRIES):
            try:
                return self._writer.finish(self._entries, self._course, timeout)
            except RevertedError as error:
                reason = error.reason
            except NotFoundError:  # the outbox remembers what is settled for a while only
                reason = ""
            self._course = self._writer.again(self._entries, self._course, reason)
        raise RegistryError("the contract refuses these entries again and again; try again later")


class Writer:
    """Sends entries with one key. Threads may share it.

    Args:
        contract: The registry.
        sender: Sends transactions; None where nothing is to be written.
    """

    def __init__(self, contract: Contract, sender: Sender | None) -> None:
        self._contract = contract
        self._sender = sender
        self._turns = [threading.Lock() for _ in range(_TURNS)]
        self._under_way = UnderWay()
        self._recent = Recent(contract)
        self._keys_after: dict[bytes, bytes] = {}

    def begin(self, entries: Sequence[NewEntry], *, look: bool) -> Pending:
        """Send what is new.

        Args:
            entries: The entries, which keep all limits.
            look: Whether to look first at what is settled. Else the versions are taken to be the
                next ones: if they are not, a transaction is sent in vain.

        Raises:
            ConflictError: Somebody else wrote first.
            InvalidInputError: There is no key to write with, or it is more than fits into one
                transaction (INPUT_TOO_LARGE).
            RegistryError: The chain cannot be read or written.
        """
        return Pending(self, entries, self._course(entries, look=look))

    def finish(
        self, entries: Sequence[NewEntry], course: _Course, timeout: float
    ) -> tuple[Record, ...]:
        """Wait until entries are settled; see `Pending.wait`.

        Raises:
            RevertedError: The contract refused them.
            NotFoundError: The outbox remembers them no more.
        """
        receipts = [self._demand_sender().wait(ticket, timeout) for ticket in course.tickets]
        unknown = {(e.log, e.version) for e in entries} - course.known.keys()
        found = self._read(unknown, {receipt.block_hash for receipt in receipts})
        if late := unknown - found.keys():
            self._refuse_taken_back(course.tickets, receipts)
            raise _late(*min(late))
        records = {**course.known, **found}
        self._under_way.forget(course.tickets, entries)
        return tuple(records[entry.log, entry.version] for entry in entries)

    def again(self, entries: Sequence[NewEntry], course: _Course, reason: str) -> _Course:
        """Decide anew, after the contract has refused entries.

        Args:
            entries: The entries.
            course: What was decided before.
            reason: Why it refused them; empty where that is unknown.

        Raises:
            ConflictError: Somebody else wrote first.
            RegistryError: It refused them for another reason.
        """
        self._under_way.forget(course.tickets, entries)
        if reason in _STALE:
            return self._course(entries, look=True)
        why = _REASONS.get(reason, f"it says {quote(reason)}")
        refusal = RegistryError(
            f"the contract {self._contract.address} refuses entries of "
            f"{self._demand_sender().address}: {why}",
            code=Code.WRITE_REFUSED,
        )
        return self._course(entries, look=True, refusal=refusal)

    def _course(
        self, entries: Sequence[NewEntry], *, look: bool, refusal: RegistryError | None = None
    ) -> _Course:
        if self._sender is not None:
            self._under_way.recall(self._sender, self._contract.address)
        while True:
            with self._in_turn(entries):
                others = self._under_way.tickets(entries)
                try:
                    return self._start(entries, look=look, refusal=refusal)
                except ConflictError:
                    if look and not others:
                        raise
            # Neither a guess nor what may still fail is a reason to refuse anything.
            self._await(others, entries)
            look = True

    @contextlib.contextmanager
    def _in_turn(self, entries: Sequence[NewEntry]) -> Iterator[None]:
        """Let one thread at a time decide on the next versions of a log."""
        with contextlib.ExitStack() as stack:
            for place in sorted({hash(entry.log) % _TURNS for entry in entries}):
                stack.enter_context(self._turns[place])
            yield

    def _start(
        self, entries: Sequence[NewEntry], *, look: bool, refusal: RegistryError | None
    ) -> _Course:
        heads, known = self._look(entries) if look else self._guess(entries)
        tickets: list[Ticket] = []

        def find(log: str, version: int) -> Record:
            if (record := known.get((log, version))) is not None:
                return record
            sent = self._under_way.sent(log).get(version)
            if sent is None:
                raise _unseen(log, version)
            tickets.append(sent.ticket)
            return _stand_in(log, version, sent.data)

        admission = admit(entries, heads=heads, find=find)
        if admission.fresh and refusal is not None:
            raise refusal
        if admission.fresh:
            tickets.append(self._send(admission.fresh))
        return _Course(known, tuple(dict.fromkeys(tickets)))

    def _guess(self, entries: Sequence[NewEntry]) -> tuple[dict[str, int], dict[_Name, Record]]:
        """Return as what the heads of logs are taken without a look."""
        heads: dict[str, int] = {}
        for entry in entries:
            heads[entry.log] = min(heads.get(entry.log, entry.version), entry.version - 1)
        for log in heads:
            if sent := self._under_way.sent(log):
                heads[log] = max(sent)
        return heads, {}

    def _look(self, entries: Sequence[NewEntry]) -> tuple[dict[str, int], dict[_Name, Record]]:
        """Return the heads of logs, with what is under way, and which entries are settled."""
        settled = self._contract.chain.settled()
        heads: dict[str, int] = {}
        known: dict[_Name, Record] = {}
        first = _first_versions(entries)
        slots = [head_slot(log_id(log)) for log in first]
        for (log, least), word in zip(
            first.items(), self._contract.words(slots, settled), strict=True
        ):
            version = Head.read(word).version
            if least <= version:
                records = records_to(self._contract, log, word, after=least - 1)
                known |= {(log, r.version): r for r in records}
            heads[log] = max([version, *self._under_way.sent(log)])
        return heads, known

    def _send(self, entries: Sequence[NewEntry]) -> Ticket:
        sender = self._demand_sender()
        self._recent.begin()
        packed = [Entry(log_id(log), v, content(log, v, data)) for log, v, data in entries]
        call = append_call(packed)
        address = self._contract.address
        key = hashlib.sha256(_WORK + address.encode() + call).digest()
        gas = gas_for(packed, call)
        ticket = sender.submit(address, call, key=self._newest(key), gas=gas)
        while self._was_taken_back(ticket, sender.receipt(ticket)):
            ticket = sender.submit(address, call, key=self._newest(key), gas=gas)
        self._under_way.add(entries, ticket)
        return ticket

    def _demand_sender(self) -> Sender:
        if self._sender is None:
            raise InvalidInputError(
                "this registry was opened to be read alone: connect with signer=",
                code=Code.INVALID_OPTIONS,
            )
        return self._sender

    def _await(self, tickets: Collection[Ticket], entries: Sequence[NewEntry]) -> None:
        """Let what is under way settle, whatever becomes of it."""
        for ticket in tickets:
            with contextlib.suppress(RevertedError, NotFoundError):
                self._demand_sender().wait(ticket)
        self._under_way.forget(tickets, entries)

    def _read(self, names: Collection[_Name], blocks: Collection[bytes]) -> dict[_Name, Record]:
        """Return records of entries that have settled in some of these blocks."""
        found = self._recent.find(names, blocks)
        missing = set(names) - found.keys()
        if missing:
            settled = self._contract.chain.settled()
            least = _first_versions([NewEntry(log, version, b"") for log, version in missing])
            for log, version in least.items():
                records = walk(self._contract, log, settled, after=version - 1)
                found |= {(log, r.version): r for r in records}
        return found

    def _refuse_taken_back(self, tickets: Sequence[Ticket], receipts: Sequence[Receipt]) -> None:
        """Refuse work that was settled, and that a deeper reorganisation took back all the same.

        Raises:
            RevertedError: Some of the work is on the chain no longer.
            RegistryError: The chain cannot be read.
        """
        gone = [self._was_taken_back(*pair) for pair in zip(tickets, receipts, strict=True)]
        if any(gone):
            raise RevertedError("the chain took back what was settled", reason=_TAKEN_BACK)

    def _was_taken_back(self, ticket: Ticket, receipt: Receipt | None) -> bool:
        """Tell whether settled work is on the chain no longer, and give it another key then.

        Its key stands for what is done: the same work needs another to be done once more.
        """
        if receipt is None or receipt.block_hash == self._contract.chain.block(receipt.block).hash:
            return False
        self._keys_after[ticket.key] = hashlib.sha256(ticket.key + receipt.block_hash).digest()
        return True

    def _newest(self, key: bytes) -> bytes:
        while key in self._keys_after:
            key = self._keys_after[key]
        return key


def gas_for(entries: Sequence[Entry], call: bytes) -> int:
    """Return gas with which entries can surely be appended; what is not used is not paid.

    Nodes estimate gas on what is settled, where entries under way seem out of order.

    Args:
        entries: The entries.
        call: The call that appends them.

    Spec:
        https://eips.ethereum.org/EIPS/eip-2028 and https://eips.ethereum.org/EIPS/eip-7623
        (what the bytes of a call cost)
    """
    zeros = call.count(0)
    others = len(call) - zeros
    size = sum(len(entry.content) for entry in entries)
    count = sum(len(parts(entry.content)) for entry in entries)
    work = _FIXED_GAS + _ENTRY_GAS * len(entries) + _PART_GAS * count + _CONTENT_GAS * size
    usual = _ZERO_GAS * zeros + _BYTE_GAS * others + work
    return _TRANSACTION_GAS + max(usual, _ZERO_FLOOR * zeros + _BYTE_FLOOR * others)


def _late(log: str, version: int) -> RegistryError:
    return RegistryError(
        f"version {version} of {quote(log)} is settled, and a node does not have it yet; ask again",
        code=Code.TIMEOUT,
    )


def _first_versions(entries: Iterable[NewEntry]) -> dict[str, int]:
    first: dict[str, int] = {}
    for entry in entries:
        first[entry.log] = min(first.get(entry.log, entry.version), entry.version)
    return first


def _unseen(log: str, version: int) -> ConflictError:
    return ConflictError("not looked at yet", log=log, expected=version, found=version)


def _stand_in(log: str, version: int, data: bytes) -> Record:
    """Return what stands for an entry under way where entries are compared."""
    return Record(log, version, data, moment(0), BlockEntry(0, "", 0, "", "", 0), 0)
