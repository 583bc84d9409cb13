"""What every registry has in common: entries, records, and the ports.

A registry holds *logs*: named sequences of entries, numbered from version 1, each opaque bytes
that prove themselves by a signature of their author. A backend is trusted for two things only:
for **order** (which entry came first, and when) and for **availability** (that what was
acknowledged is still there). It is never trusted for authenticity. It could withhold entries or
go back to an older state; signed checkpoints that others keep expose both.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, runtime_checkable

from cityid.errors import Code, InvalidInputError, RegistryError, quote
from cityid.registry import merkle

if TYPE_CHECKING:
    from types import TracebackType

    from cityid.registry.checkpoint import Checkpoint

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_SIZE = len("2027-03-14T09:00:00.000000")

Clock = Callable[[], datetime]


class NewEntry(NamedTuple):
    """An entry to append.

    Attributes:
        log: The log's name: 1 to 1,024 visible ASCII characters, such as a DID or a URL.
        version: The version the entry will be: one more than the log's last.
        data: The bytes; the registry does not look inside.
    """

    log: str
    version: int
    data: bytes


@dataclass(frozen=True, slots=True)
class MerkleLeaf:
    """Evidence that a record is a leaf of a registry's Merkle log.

    Attributes:
        origin: The registry's name, as in its checkpoints.
        index: The leaf's place in the tree, from 0.
    """

    origin: str
    index: int


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """Evidence that a record is an entry of a contract on a chain.

    The record's block number and time are part of what was verified; hash, transaction and index
    say where to look the entry up with any other tool.

    Attributes:
        chain_id: The chain's number, by EIP-155.
        contract: The contract's address.
        block: The number of the block.
        block_hash: The hash of the block, in hexadecimal.
        transaction: The hash of the transaction, in hexadecimal.
        log_index: The place of the entry among the logs of the block.
    """

    chain_id: int
    contract: str
    block: int
    block_hash: str
    transaction: str
    log_index: int


Evidence = MerkleLeaf | BlockEntry
"""What proves a record's order and time; each kind of backend has its own."""


class Record(NamedTuple):
    """An entry as a registry keeps it. Its identity is log, version and the SHA-256 of its data.

    Attributes:
        log: The log's name.
        version: Its place in the log, from 1.
        data: The bytes.
        recorded_at: When the registry accepted it, by the registry's own clock.
        evidence: What proves that.
        sequence: Its place among all records of the registry, from 1.
    """

    log: str
    version: int
    data: bytes
    recorded_at: datetime
    evidence: Evidence
    sequence: int


class Registry(Protocol):
    """The port behind which records are kept."""

    def append(self, entries: Sequence[NewEntry]) -> tuple[Record, ...]:
        """Add entries: all of them or none.

        An entry that is already there with the same bytes is answered with its first record, so
        that whoever got no answer can simply ask again.

        Args:
            entries: What to add, in this order; a log may occur more than once.

        Returns:
            The record of each entry, in the order of `entries`; they are durable.

        Raises:
            InvalidInputError: An entry breaks a limit.
            ConflictError: A version is not the log's next one.
            RegistryError: Nothing could be written.
        """
        ...

    def read(self, log: str, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records of one log in order.

        Args:
            log: The log's name; an unknown log has no records.
            after: The version after which to begin.
            limit: The most records to return.

        Raises:
            InvalidInputError: An argument breaks a limit.
            RegistryError: The records cannot be read.
        """
        ...

    def head(self, log: str) -> Record | None:
        """Return the last record of a log; None for an unknown log.

        Raises:
            InvalidInputError: The name is not one of a log.
            RegistryError: The record cannot be read.
        """
        ...

    def scan(self, after: int = 0) -> Iterator[Record]:
        """Go through all records in the order in which they were accepted.

        Args:
            after: The sequence after which to begin.

        Raises:
            InvalidInputError: The argument breaks a limit.
            RegistryError: The records cannot be read.
        """
        ...

    def checkpoint(self) -> Checkpoint:
        """Return what the registry holds now, in one root hash, signed if it has an operator.

        Raises:
            RegistryError: The state cannot be read.
        """
        ...


class OpenRegistry(Registry, Protocol):
    """A registry that holds resources until it is closed; also a context manager."""

    def close(self) -> None:
        """Give all resources back; nothing can be asked afterwards."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Closing(ABC):
    """What every backend shares: it closes itself at the end of a ``with`` block."""

    @abstractmethod
    def close(self) -> None:
        """Give all resources back; nothing can be asked afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@runtime_checkable
class Provable(Protocol):
    """A registry with a Merkle log."""

    def prove_inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the hashes that lead from a leaf to the root of the first `size` records.

        Args:
            index: The leaf's place, from 0.
            size: How many records the tree is to have.

        Raises:
            InvalidInputError: There is no such leaf or tree.
            RegistryError: The hashes cannot be read.
        """
        ...

    def prove_consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """Return the hashes that show the first `old_size` records to be unchanged.

        Args:
            old_size: The size of the earlier tree.
            size: The size of the later tree.

        Raises:
            InvalidInputError: There is no such tree.
            RegistryError: The hashes cannot be read.
        """
        ...


@runtime_checkable
class Replicable(Protocol):
    """A registry that can be a replica: it takes over whole records of one of the same name."""

    def replicate(self, records: Sequence[Record], *, root: bytes) -> None:
        """Add records as they are, with their times and places: all of them or none.

        Args:
            records: The next records of the source, in order.
            root: The root that the Merkle tree must have with them.

        Raises:
            InvalidInputError: They are not the next records of a registry of this name, or lead
                to another root; nothing was written.
            RegistryError: Nothing could be written.
        """
        ...


@runtime_checkable
class Countable(Protocol):
    """A registry that keeps indexes and hashes beside its records, which can be counted."""

    def check_counts(self) -> None:
        """Refuse a store that holds anything beside what its records need.

        What was planted ahead of the records answers no question yet, and stands in the way later.

        Raises:
            CorruptError: It holds more, or less.
            RegistryError: It cannot be read.
        """
        ...


def now() -> datetime:
    """Return the present time in UTC: the clock of a registry that was given no other."""
    return datetime.now(UTC)


def microseconds(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


MOMENTS = range(
    microseconds(datetime.min.replace(tzinfo=UTC)),
    microseconds(datetime.max.replace(tzinfo=UTC)) + 1,
)
"""All times that the calendar has, as microseconds since 1970."""


def moment(microseconds_since_epoch: int) -> datetime:
    """Return the time that lies so many microseconds after 1970.

    Raises:
        OverflowError: No calendar has such a time.
    """
    return _EPOCH + timedelta(microseconds=microseconds_since_epoch)


def leaf_content(log: str, version: int, data: bytes, recorded_at: datetime) -> bytes:
    r"""Return what a record's leaf in the Merkle log says: its whole identity, as five lines.

    The lines are ``cityid record v1``, the log's name, the version in decimal, the SHA-256 of the
    data in lower-case hexadecimal, and the time in UTC to the microsecond
    (``2027-03-14T09:00:00.000000Z``), each ended by a line feed. No field can hold a line feed, so
    that no two records have the same content. The leaf hash is the SHA-256 of a zero byte and
    this content.

    Spec:
        https://www.rfc-editor.org/rfc/rfc6962#section-2.1
    """
    return _content(log, version, data, time_text(recorded_at))


def leaf_contents(records: Iterable[Record]) -> Iterator[bytes]:
    """Give what the leaf of each of some records says; see `leaf_content`.

    Args:
        records: The records, those of one append together.
    """
    before, text = None, ""
    for log, version, data, recorded_at, _, _ in records:
        if recorded_at is not before:
            before, text = recorded_at, time_text(recorded_at)
        yield _content(log, version, data, text)


def leaf_hashes(records: Iterable[Record]) -> list[bytes]:
    """Return the leaf hash of each of some records.

    Args:
        records: The records, those of one append together.
    """
    before, text, hashes = None, "", list[bytes]()
    for log, version, data, recorded_at, _, _ in records:
        if recorded_at is not before:
            before, text = recorded_at, time_text(recorded_at)
        hashes.append(merkle.leaf_hash(_content(log, version, data, text)))
    return hashes


def leaf_hash(log: str, version: int, data: bytes, time: str) -> bytes:
    """Return the leaf hash of a record.

    Args:
        log: The log's name.
        version: Its place in the log.
        data: The bytes.
        time: When it was accepted, as `time_text` writes it.
    """
    return merkle.leaf_hash(_content(log, version, data, time))


def time_text(moment: datetime) -> str:
    """Return a time in UTC as the leaves of the Merkle log have it."""
    return moment.isoformat("T", "microseconds")[:_TIME_SIZE] + "Z"


def _content(log: str, version: int, data: bytes, time: str) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    return f"cityid record v1\n{log}\n{version}\n{digest}\n{time}\n".encode()


def demand_open(registry: object) -> None:
    """Refuse the address of a registry where a registry that was opened is needed.

    Args:
        registry: What was given.

    Raises:
        InvalidInputError: It is text.
    """
    if isinstance(registry, str):
        raise InvalidInputError(
            f"a registry is opened before it is used: registry.connect({quote(registry)})",
            code=Code.INVALID_OPTIONS,
        )


def closed(place: str) -> RegistryError:
    """Return the error of using a registry after it was closed."""
    return RegistryError(f"the registry {quote(place)} was closed; connect to it again")
