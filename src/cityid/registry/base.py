"""What every registry has in common: entries, records, the ports, and which entries are accepted.

A registry holds *logs*: named sequences of entries, numbered from version 1, each opaque bytes
that prove themselves by a signature of their author. A backend is trusted for two things only:
for **order** (which entry came first, and when) and for **availability** (that what was
acknowledged is still there). It is never trusted for authenticity. It could withhold entries or
go back to an older state; signed checkpoints that others keep expose both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from cityid import timestamp
from cityid.errors import Code, ConflictError, InvalidInputError, RegistryError, quote
from cityid.pointer import join

if TYPE_CHECKING:
    from types import TracebackType

    from cityid.registry.checkpoint import Checkpoint

MAX_LOG_NAME = 1024
"""The most characters a log's name may have."""
MAX_DATA = 1 << 20
"""The most bytes one entry may have."""
MAX_BATCH = 10_000
"""The most entries one append may have."""
MAX_BATCH_DATA = 64 << 20
"""The most bytes the entries of one append may have together."""
MAX_NUMBER = (1 << 53) - 1
"""The highest version, sequence or limit: what JSON can carry exactly."""

_LOG_NAME = re.compile(r"[!-~]+")
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class NewEntry:
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


Evidence = MerkleLeaf
"""What proves a record's order and time; each kind of backend has its own."""


@dataclass(frozen=True, slots=True)
class Record:
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


def now() -> datetime:
    """Return the present time in UTC: the clock of a registry that was given no other."""
    return datetime.now(UTC)


def microseconds(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


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
    digest = hashlib.sha256(data).hexdigest()
    time = recorded_at.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"cityid record v1\n{log}\n{version}\n{digest}\n{time}Z\n".encode()


def check_log(log: object, path: str = "") -> None:
    """Refuse what is not a log's name.

    Raises:
        InvalidInputError: It is not text, too long, or has other than visible ASCII characters.
    """
    if not isinstance(log, str):
        raise InvalidInputError(f"a log's name is text, not {type(log).__name__}", path=path)
    if len(log) > MAX_LOG_NAME:
        raise InvalidInputError(
            f"a log's name has at most {MAX_LOG_NAME} characters, not {len(log)}",
            code=Code.INPUT_TOO_LARGE,
            path=path,
        )
    if _LOG_NAME.fullmatch(log) is None:
        raise InvalidInputError(
            f"{quote(log)} is not a log's name: use visible ASCII characters, at least one",
            path=path,
        )


def check_number(value: object, name: str, path: str = "", *, least: int = 0) -> None:
    """Refuse what is not a whole number between `least` and 2**53 - 1.

    Raises:
        InvalidInputError: It is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_NUMBER:
        raise InvalidInputError(
            f"{name} is a whole number from {least} to {MAX_NUMBER}, not {quote(value)}",
            code=Code.NUMBER_OUT_OF_RANGE,
            path=path,
        )


def check_range(after: object, limit: object) -> None:
    """Refuse a range of records that cannot be read.

    Raises:
        InvalidInputError: `after` or `limit` is not a whole number from 0.
    """
    check_number(after, "after")
    if limit is not None:
        check_number(limit, "limit")


def check_entries(entries: Sequence[NewEntry]) -> tuple[NewEntry, ...]:
    """Return the entries of one append, none of which breaks a limit.

    Raises:
        InvalidInputError: One does; the path names it.
    """
    if not isinstance(entries, Sequence):
        raise InvalidInputError(f"entries are a list of NewEntry, not {type(entries).__name__}")
    if len(entries) > MAX_BATCH:
        raise InvalidInputError(
            f"one append has at most {MAX_BATCH} entries, not {len(entries)}",
            code=Code.INPUT_TOO_LARGE,
        )
    for position, entry in enumerate(entries):
        _check_entry(entry, join("", position))
    if sum(len(entry.data) for entry in entries) > MAX_BATCH_DATA:
        raise InvalidInputError(
            f"the entries of one append have at most {MAX_BATCH_DATA} bytes together",
            code=Code.INPUT_TOO_LARGE,
        )
    return tuple(entries)


def _check_entry(entry: object, path: str) -> None:
    if not isinstance(entry, NewEntry):
        raise InvalidInputError(f"an entry is a NewEntry, not {type(entry).__name__}", path=path)
    check_log(entry.log, path + "/log")
    check_number(entry.version, "a version", path + "/version", least=1)
    data: object = entry.data
    if not isinstance(data, bytes):
        raise InvalidInputError(
            f"an entry's data is bytes, not {type(data).__name__}", path=path + "/data"
        )
    if len(data) > MAX_DATA:
        raise InvalidInputError(
            f"an entry has at most {MAX_DATA} bytes, not {len(data)}",
            code=Code.INPUT_TOO_LARGE,
            path=path + "/data",
        )


@dataclass(frozen=True, slots=True)
class Admission:
    """Which entries of an append are new.

    Attributes:
        fresh: The entries to store, in order.
        answers: For each entry of the append the record it already had, or its place in `fresh`.
    """

    fresh: tuple[NewEntry, ...]
    answers: tuple[Record | int, ...]

    def records(self, stored: Sequence[Record]) -> tuple[Record, ...]:
        """Return the answer to the append, once `fresh` is `stored`."""
        return tuple(stored[a] if isinstance(a, int) else a for a in self.answers)


def admit(
    entries: Sequence[NewEntry],
    *,
    last: Callable[[str], int],
    find: Callable[[str, int], Record],
) -> Admission:
    """Decide which entries are new, which are there already, and refuse the rest.

    Args:
        entries: The entries of one append, checked.
        last: Gives the last version of a log, 0 for an unknown one.
        find: Gives a record that is there.

    Raises:
        ConflictError: A version is neither the next one nor there with the same data.
    """
    fresh: list[NewEntry] = []
    answers: list[Record | int] = []
    next_version: dict[str, int] = {}
    places: dict[tuple[str, int], int] = {}
    for entry in entries:
        expected = next_version.get(entry.log) or last(entry.log) + 1
        next_version[entry.log] = expected
        if entry.version == expected:
            places[entry.log, entry.version] = len(fresh)
            answers.append(len(fresh))
            fresh.append(entry)
            next_version[entry.log] = expected + 1
            continue
        if entry.version > expected:
            raise _conflict(entry, expected)
        place = places.get((entry.log, entry.version))
        known = find(entry.log, entry.version) if place is None else place
        # Equal bytes are what equal SHA-256 stands for, and need no hashing.
        if (fresh[known] if isinstance(known, int) else known).data != entry.data:
            raise _conflict(entry, expected)
        answers.append(known)
    return Admission(tuple(fresh), tuple(answers))


def _conflict(entry: NewEntry, expected: int) -> ConflictError:
    return ConflictError(
        f"version {entry.version} of {quote(entry.log)} cannot be written: {expected} is next; "
        "read what was written since, and decide again",
        log=entry.log,
        expected=entry.version,
        found=expected,
    )


def stamp(
    entries: Sequence[NewEntry], *, origin: str, size: int, recorded_at: datetime
) -> list[Record]:
    """Return new entries as the records they become.

    Args:
        entries: The new entries, in order.
        origin: The registry's name.
        size: How many records the registry already has.
        recorded_at: When they are accepted.
    """
    return [
        Record(e.log, e.version, e.data, recorded_at, MerkleLeaf(origin, index), index + 1)
        for index, e in enumerate(entries, size)
    ]


def time_of_acceptance(clock: Clock, last: datetime | None) -> datetime:
    """Return the registry's time, which never runs backwards.

    Args:
        clock: The registry's clock.
        last: When the last record was accepted.

    Raises:
        InvalidInputError: The clock gives a time without offset.
    """
    present = timestamp.aware(clock())
    return present if last is None else max(present, last)


def closed(place: str) -> RegistryError:
    """Return the error of using a registry after it was closed."""
    return RegistryError(f"the registry {quote(place)} was closed; connect to it again")
