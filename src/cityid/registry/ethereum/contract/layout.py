"""How CityRegistry lays out its storage, its events and its calls: words read, written, computed.

Pure: nothing here speaks to a chain. Whoever knows the word that the contract has stored for a log
can check with `head_after` each of the log's entries, whoever sent them: every word commits to the
one before it, to the place of the entry (writer, version, sequence, time) and to its content.

The contract itself, `contracts/CityRegistry.vy`, explains why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from cityid.errors import Code, InvalidInputError
from cityid.registry.ethereum.failures import malformed
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.nodes.blocks import Log

MAX_PART: Final = 1024
"""The most bytes that one event carries; longer content goes as several parts."""
MAX_VERSION: Final = (1 << 32) - 1
"""The highest version of a log."""

_WORD: Final = 32


# --- the words


@dataclass(frozen=True, slots=True)
class Head:
    """What the contract stores for a log; the word 0 is no log.

    Attributes:
        writer: The number of the writer who may append.
        version: The log's last version.
        block: The block of its last event.
        digest: What commits to its whole history.
    """

    writer: int
    version: int
    block: int
    digest: int

    @property
    def word(self) -> int:
        """The stored number: writer 24 bits, version 32, block 32, digest 168."""
        return self.writer << 232 | self.version << 200 | self.block << 168 | self.digest

    @classmethod
    def read(cls, word: int) -> Self:
        """Return what a stored number says."""
        return cls(
            word >> 232, word >> 200 & MAX_VERSION, word >> 168 & _MASK_32, word & (1 << 168) - 1
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands.

    Attributes:
        writer: The number of its writer.
        version: Its version in the log.
        sequence: Its place among all entries of the contract, from 1; 0 for a transfer.
        time: The time of its block, in seconds since 1970.
        more: Whether another part of the same entry follows.
    """

    writer: int
    version: int
    sequence: int
    time: int
    more: bool = False

    @property
    def word(self) -> int:
        """The event's number: more 1 bit, writer 32, version 32, sequence 64, time 64."""
        numbers = self.writer << 160 | self.version << 128 | self.sequence << 64 | self.time
        return self.more << 192 | numbers

    @classmethod
    def read(cls, word: int) -> Self:
        """Return what an event's number says.

        Raises:
            RpcError: The contract makes no such number.
        """
        writer, version = word >> 160 & _MASK_32, word >> 128 & _MASK_32
        if word >> 193 or writer >> _WRITER_BITS:
            raise malformed("a log has a place that the contract never gives")
        return cls(writer, version, word >> 64 & _MASK_64, word & _MASK_64, bool(word >> 192))


@dataclass(frozen=True, slots=True)
class Total:
    """What the contract stores about all entries together.

    Attributes:
        size: How many entries there are.
        block: The block of the last of them.
        digest: What commits to the log of each and the head that it left, in order of sequence.
    """

    size: int
    block: int
    digest: int

    @property
    def word(self) -> int:
        """The stored number: size 40 bits, block 32, digest 184."""
        return self.size << 216 | self.block << 184 | self.digest

    @classmethod
    def read(cls, word: int) -> Self:
        """Return what a stored number says."""
        return cls(word >> 216, word >> 184 & _MASK_32, word & (1 << 184) - 1)


_MASK_32: Final = (1 << 32) - 1
_MASK_64: Final = (1 << 64) - 1
_WRITER_BITS: Final = 24


def head_after(previous: int, place: Place, parts: Sequence[bytes], block: int) -> Head:
    """Return the head that an event leaves behind.

    Args:
        previous: The log's word before it; 0 where there was no log.
        place: The place that the event tells; whether it says that more follows does not matter.
        parts: The parts of the entry, in order; none for a transfer.
        block: The block of the event.
    """
    last = len(parts) - 1
    link = previous
    for position, part in enumerate(parts):
        link = _link(link, _with_more(place, position < last).word, keccak256(part))
    if not parts:
        link = _link(link, place.word, bytes(_WORD))
    return Head(place.writer, place.version, block, link >> 88)


def total_after(total: Total, log: bytes, head: Head) -> Total:
    """Return the total after one more entry.

    Args:
        total: The total before it.
        log: The log's id: the head of a new log says nothing of it.
        head: The head that the entry leaves behind.
    """
    link = int.from_bytes(keccak256(_word(total.word) + log + _word(head.word)), "big")
    return Total(total.size + 1, head.block, link >> 72)


def _with_more(place: Place, more: bool) -> Place:
    return Place(place.writer, place.version, place.sequence, place.time, more)


def _link(previous: int, place: int, digest: bytes) -> int:
    return int.from_bytes(keccak256(_word(previous) + _word(place) + digest), "big")


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, "big")


# --- the storage

_TOTAL, _HEADS, _WRITERS, _WRITER_OF, _WRITER_COUNT = 1, 2, 3, 4, 5


def total_slot() -> int:
    """Return where the total is stored."""
    return _TOTAL


def writer_count_slot() -> int:
    """Return where the number of writers is stored."""
    return _WRITER_COUNT


def head_slot(log: bytes) -> int:
    """Return where the head of a log is stored, by the log's id."""
    return _slot(_HEADS, log)


def writer_slot(writer: int) -> int:
    """Return where a writer's key is stored; its recovery and its successor are in the next two."""
    return _slot(_WRITERS, _word(writer))


def writer_of_slot(address: bytes) -> int:
    """Return where the number of the writer with this key is stored."""
    return _slot(_WRITER_OF, address.rjust(_WORD, b"\0"))


def _slot(mapping: int, key: bytes) -> int:
    return int.from_bytes(keccak256(_word(mapping) + key), "big")


# --- the events

ENTRY: Final = bytes.fromhex("172e25f560f0090164bd575c7c4b1df89d1be627f72b4d3a2bdb604c8f1e7f30")
"""The first topic of the event `Entry(bytes32,uint256,uint256)`; its data are a part's bytes."""
TRANSFERRED: Final = bytes.fromhex(
    "6a14ee49dfb84c9f662708cd0c9fc39b29fc5fa5b9414ca33a16ab4944811982"
)
"""The first topic of the event `Transferred(bytes32,uint256,uint256)`."""
_TOPICS: Final = 4


@dataclass(frozen=True, slots=True)
class EntryPart:
    """An entry, or one of the parts of a long one: all of them tell the same but `place.more`.

    Attributes:
        log: The log's id.
        previous: The log's word before the entry.
        place: Where the entry stands.
        data: The part's bytes.
    """

    log: bytes
    previous: int
    place: Place
    data: bytes


@dataclass(frozen=True, slots=True)
class Transfer:
    """A log given to another writer.

    Attributes:
        log: The log's id.
        previous: The log's word before it.
        place: The new writer, the log's version as it stays, the sequence 0, and the time.
    """

    log: bytes
    previous: int
    place: Place


def read_event(log: Log) -> EntryPart | Transfer:
    """Return what an event of the contract says about a log.

    Args:
        log: The event, as any node tells it; `head_after` shows whether it is true.

    Raises:
        RpcError: The contract emits no such event.
    """
    if len(log.topics) != _TOPICS or log.topics[0] not in {ENTRY, TRANSFERRED}:
        raise malformed("a log is neither an entry nor a transfer")
    kind, name, previous, place = log.topics
    number = int.from_bytes(previous, "big")
    where = Place.read(int.from_bytes(place, "big"))
    if kind == ENTRY:
        return EntryPart(name, number, where, log.data)
    if log.data or where.more:
        raise malformed("a transfer has no data")
    return Transfer(name, number, where)


# --- the calls


class Entry(NamedTuple):
    """An entry to append, as the contract takes it.

    Attributes:
        log: The log's id.
        version: The version that the entry will be.
        content: Its bytes; see `cityid.registry.ethereum.contract.contents`.
    """

    log: bytes
    version: int
    content: bytes


def parts(content: bytes) -> tuple[bytes, ...]:
    """Return the parts in which the bytes of an entry go to the chain; at least one."""
    return tuple(content[i : i + MAX_PART] for i in range(0, len(content) or 1, MAX_PART))


def append_call(entries: Sequence[Entry]) -> bytes:
    """Return the call that appends entries, all of them or none.

    Args:
        entries: At least one, in order.

    Raises:
        InvalidInputError: There is none, or a version is higher than the contract counts.
    """
    if not entries:
        raise InvalidInputError("there is no entry to append")
    for position, entry in enumerate(entries):
        if not 1 <= entry.version <= MAX_VERSION:
            raise InvalidInputError(
                f"a version on this chain is from 1 to {MAX_VERSION}, not {entry.version}",
                code=Code.NUMBER_OUT_OF_RANGE,
                path=f"/{position}/version",
            )
    if len(entries) == 1 and len(entries[0].content) <= MAX_PART:
        return _append(entries[0])
    packed = b"".join(map(_packed, entries))
    start = max(_PACKED_START, _WINDOW - len(packed))
    return (_APPEND_MANY + _word(start)).ljust(start, b"\0") + packed


def _append(entry: Entry) -> bytes:
    size = len(entry.content)
    fixed = _APPEND + entry.log + _word(entry.version) + _word(3 * _WORD) + _word(size)
    return fixed + entry.content + bytes(-size % _WORD)


def _packed(entry: Entry) -> bytes:
    pieces = [entry.log, entry.version.to_bytes(_VERSION_SIZE, "big")]
    *others, last = parts(entry.content)
    for part in others:
        pieces += [(_MORE | len(part)).to_bytes(_LENGTH_SIZE, "big"), part]
    return b"".join([*pieces, len(last).to_bytes(_LENGTH_SIZE, "big"), last])


_VERSION_SIZE, _LENGTH_SIZE, _MORE = 4, 2, 1 << 15
_PACKED_START: Final = 4 + _WORD
_WINDOW: Final = MAX_PART
"""The least bytes of a call: the contract reads them in pieces of this size."""
_APPEND: Final = bytes.fromhex("f6a828db")
_APPEND_MANY: Final = bytes.fromhex("8942d3d7")


def admit_call(key: bytes) -> bytes:
    """Return the call that makes the owner of a key a writer.

    Args:
        key: The address. In a registry without steward it must be the sender's own.
    """
    return bytes.fromhex("7bbca57f") + _address(key)


def entrust_call(writer: int, recovery: bytes) -> bytes:
    """Return the call that says who may replace a writer's key.

    Args:
        writer: The writer's number.
        recovery: The address of whoever may; all zeros for nobody.
    """
    return bytes.fromhex("a272efef") + _word(writer) + _address(recovery)


def rotate_call(writer: int, successor: bytes) -> bytes:
    """Return the call that names the next key of a writer, which has then to accept.

    Args:
        writer: The writer's number.
        successor: The address of the next key; all zeros for none.
    """
    return bytes.fromhex("94ceed4a") + _word(writer) + _address(successor)


def accept_call(writer: int) -> bytes:
    """Return the call by which a successor takes over as the key of a writer."""
    return bytes.fromhex("19b05f49") + _word(writer)


def transfer_call(log: bytes, writer: int) -> bytes:
    """Return the call that gives a log to another writer.

    Args:
        log: The log's id.
        writer: The number of its new owner.
    """
    return bytes.fromhex("6a467394") + log + _word(writer)


def _address(address: bytes) -> bytes:
    return address.rjust(_WORD, b"\0")
