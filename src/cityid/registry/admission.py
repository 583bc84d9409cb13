"""Which entries a registry accepts: the limits, the order of versions, and the time.

All registries decide alike, because they decide here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cityid import timestamp
from cityid.errors import Code, ConflictError, InvalidInputError, quote
from cityid.registry.base import Clock, MerkleLeaf, NewEntry, Record, microseconds, moment

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
    if not _is_visible(log):
        raise InvalidInputError(
            f"{quote(log)} is not a log's name: use visible ASCII characters, at least one",
            path=path,
        )


def _is_visible(text: str) -> bool:
    """Tell whether some text has visible ASCII characters, and nothing else."""
    return text.isascii() and text.isprintable() and " " not in text and text != ""


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
    if not isinstance(entries, (list, tuple, Sequence)):  # most are lists, which is quick to see
        raise InvalidInputError(f"entries are a list of NewEntry, not {type(entries).__name__}")
    if len(entries) > MAX_BATCH:
        raise InvalidInputError(
            f"one append has at most {MAX_BATCH} entries, not {len(entries)}",
            code=Code.INPUT_TOO_LARGE,
        )
    size = 0
    for position, entry in enumerate(entries):
        _check_entry(entry, position)
        size += len(entry.data)
    if size > MAX_BATCH_DATA:
        raise InvalidInputError(
            f"the entries of one append have at most {MAX_BATCH_DATA} bytes together",
            code=Code.INPUT_TOO_LARGE,
        )
    return tuple(entries)


def _check_entry(entry: object, position: int) -> None:
    if not isinstance(entry, NewEntry):
        raise InvalidInputError(
            f"an entry is a NewEntry, not {type(entry).__name__}", path=f"/{position}"
        )
    log, version, data = entry.log, entry.version, entry.data
    # What is plainly right is recognised first; the checks that find words take longer.
    if type(log) is not str or len(log) > MAX_LOG_NAME or not _is_visible(log):
        check_log(log, f"/{position}/log")
    if type(version) is not int or not 1 <= version <= MAX_NUMBER:
        check_number(version, "a version", f"/{position}/version", least=1)
    if type(data) is not bytes or len(data) > MAX_DATA:
        _check_data(data, f"/{position}/data")


def _check_data(data: object, path: str) -> None:
    if not isinstance(data, bytes):
        raise InvalidInputError(f"an entry's data is bytes, not {type(data).__name__}", path=path)
    if len(data) > MAX_DATA:
        raise InvalidInputError(
            f"an entry has at most {MAX_DATA} bytes, not {len(data)}",
            code=Code.INPUT_TOO_LARGE,
            path=path,
        )


class Admission(NamedTuple):
    """Which entries of an append are new.

    Attributes:
        fresh: The entries to store, in order.
        answers: For each entry of the append the record it already had, or its place in `fresh`.
    """

    fresh: tuple[NewEntry, ...]
    answers: tuple[Record | int, ...]

    def records(self, stored: Sequence[Record]) -> tuple[Record, ...]:
        """Return the answer to the append, once `fresh` is `stored`."""
        if len(stored) == len(self.answers):  # as usual: nothing was there already
            return tuple(stored)
        return tuple([stored[a] if isinstance(a, int) else a for a in self.answers])


def admit(
    entries: Sequence[NewEntry],
    *,
    heads: Mapping[str, int],
    find: Callable[[str, int], Record],
) -> Admission:
    """Decide which entries are new, which are there already, and refuse the rest.

    Args:
        entries: The entries of one append, checked.
        heads: The last version of each of their logs; a log that is missing is unknown.
        find: Gives a record that is there.

    Raises:
        ConflictError: A version is neither the next one nor there with the same data.
    """
    fresh: list[NewEntry] = []
    answers: list[Record | int] = []
    last = dict(heads)
    places: dict[tuple[str, int], int] = {}
    for entry in entries:
        log, version = entry.log, entry.version
        expected = last.get(log, 0) + 1
        if version == expected:
            last[log] = version
            places[log, version] = len(fresh)
            answers.append(len(fresh))
            fresh.append(entry)
            continue
        if version > expected:
            raise _conflict(entry, expected)
        place = places.get((log, version))
        known = find(log, version) if place is None else place
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


def check_records(records: Sequence[Record]) -> None:
    """Refuse what no registry can have as its records, whoever says so.

    Raises:
        InvalidInputError: One is no record, breaks a limit, or is of a time that is not in UTC:
            the leaves of the Merkle log tell times in UTC; the path names it.
    """
    if not isinstance(records, Sequence):
        raise InvalidInputError(f"records are a list of Record, not {type(records).__name__}")
    for position, record in enumerate(records):
        given: object = record  # whatever the annotation promises
        if not isinstance(given, Record):
            raise InvalidInputError(
                f"a record is a Record, not {type(given).__name__}", path=f"/{position}"
            )
    check_entries([NewEntry(r.log, r.version, r.data) for r in records])
    for position, record in enumerate(records):
        timestamp.aware(record.recorded_at)
        if record.recorded_at.utcoffset():
            raise InvalidInputError("the time of a record is in UTC", path=f"/{position}")


def check_replica(
    records: Sequence[Record],
    *,
    origin: str,
    size: int,
    last: datetime | None,
    heads: Mapping[str, int],
) -> None:
    """Refuse records that are not the next ones of a registry.

    Args:
        records: What is to be taken over; `check_records` has let them pass.
        origin: The registry's name.
        size: How many records it has.
        last: When the last of them was accepted.
        heads: The last version of each of their logs; a log that is missing is unknown.

    Raises:
        InvalidInputError: They are not; the path names the first that is wrong.
    """
    versions = dict(heads)
    for position, record in enumerate(records):
        index = size + position
        time = record.recorded_at
        version = versions.get(record.log, 0) + 1
        if (
            (record.sequence, record.evidence) != (index + 1, MerkleLeaf(origin, index))
            or record.version != version
            or (last is not None and time < last)
        ):
            raise InvalidInputError(
                f"this is not record {index + 1} of {quote(origin)}", path=f"/{position}"
            )
        versions[record.log], last = version, time


def check_root(found: bytes, root: bytes) -> None:
    """Refuse records that do not lead to the root that they should.

    Raises:
        InvalidInputError: They lead to another.
    """
    if found != root:
        raise InvalidInputError(
            "the records do not lead to the root that was given",
            code=Code.PROOF_VERIFICATION_ERROR,
        )


def time_of_acceptance(clock: Clock, last: int | None) -> datetime:
    """Return the registry's time, which never runs backwards.

    Args:
        clock: The registry's clock.
        last: When the last record was accepted, in microseconds since 1970.

    Raises:
        InvalidInputError: The clock gives a time without offset.
    """
    present = timestamp.aware(clock())
    return present if last is None or last <= microseconds(present) else moment(last)
