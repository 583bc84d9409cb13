# pragma version 0.4.3
# pragma evm-version london
# pragma optimize gas
"""
@title CityRegistry: append-only logs in one global order
@license Apache-2.0
@notice Writers keep logs. A log is a list of entries, numbered from version 1; an entry is a few
        bytes that this contract never looks into. Whoever opens a log owns it, and nobody else can
        append to it, change it or remove from it; it can only be handed on.
@dev    Entries live in events. Storage keeps one word a log, its *head*, and one word for the whole
        registry, its *total*. Each word commits, through a chain of hashes, to everything that led
        to it: to every entry's bytes, version, writer, place in the global order, and time. Whoever
        knows such a word from a source that it trusts can check all the rest, whoever tells it.

        head   writer 24 | version 32 | block 32 | digest 168        0: there is no such log
        total  size   40              | block 32 | digest 184        0: there is no entry
        place  more 1 | writer 32 | version 32 | sequence 64 | time 64      (a topic of each event)

        A digest is the high bits of a Keccak-256 over words of 32 bytes:
            link(0)    = the log's head before the entry
            link(i)    = keccak256(link(i-1) | place of part i | keccak256(bytes of part i))
            head       = writer | version | block | link(last part)
            transfer   = keccak256(head before | place, with sequence 0 | 0), in place of a link
            total      = size | block | keccak256(total before | log | head that the entry left)
        `block` is where the log's, or the registry's, last event is found; the event tells the head
        before it, and that head the block of the event before. So a log is read backwards, one
        block at a time, and no node has to search the chain.

        What the contract relies on, beyond the EVM: block numbers below 2**32 (checked), and times
        below 2**64 (which no client can exceed). It makes no calls, holds no money, has no owner,
        and cannot be upgraded or stopped.
"""

event Entry:
    # One part of an entry. The data of the event are the bytes alone, without any encoding.
    id: indexed(bytes32)         # the log: keccak256 of its name
    previous: indexed(uint256)   # its head before the entry; the same for all parts
    place: indexed(uint256)      # the bit `more` is set in all parts but the last

event Transferred:
    # The log has another owner: the writer in `place`. Version and order stay; sequence is 0.
    id: indexed(bytes32)
    previous: indexed(uint256)
    place: indexed(uint256)

event Admitted:
    writer: indexed(uint256)
    key: indexed(address)

event Entrusted:
    writer: indexed(uint256)
    recovery: indexed(address)

event Appointed:
    writer: indexed(uint256)
    successor: indexed(address)

event Dismissed:
    writer: indexed(uint256)
    key: indexed(address)

event Rotated:
    writer: indexed(uint256)
    key: indexed(address)

struct Writer:
    key: address         # signs the writer's transactions; zero while there is none
    recovery: address    # may replace the key; zero: nobody may
    successor: address   # may become the key by accepting; zero: nobody may

MAX_PART: constant(uint256) = 1024
ENTRY: constant(bytes32) = keccak256("Entry(bytes32,uint256,uint256)")
UINT32: constant(uint256) = 2**32 - 1
ONE_ENTRY: constant(uint256) = 2**216    # 1, where a total has its size

# The order of these is the layout of storage, which clients read: slots 1, 2, 3, 4, 5.
total: public(uint256)
head: public(HashMap[bytes32, uint256])
writer: public(HashMap[uint256, Writer])
writer_of: public(HashMap[address, uint256])    # the inverse of writer[n].key; 0: no writer's
writers: public(uint256)

steward: public(immutable(address))
birth: public(immutable(uint256))    # the block of the deployment: no entry is in an earlier one


@deploy
def __init__(_steward: address):
    """
    @notice Open a registry without entries.
    @param _steward Who admits writers; zero for a registry that anybody may write to. The steward
           has no power over a writer once admitted, nor over any log, and cannot be replaced.
    """
    steward = _steward
    birth = block.number


# --- entries


@external
def append(id: bytes32, version: uint32, data: Bytes[MAX_PART]):
    """
    @notice Append one entry of one part. The first entry of a log makes its writer the owner.
    @dev Reverts with "writer" (the sender is none), "owner" (the log is another's), "version" (it
         is not the next one: somebody was faster), "block" (the chain is too long).
    @param id The log.
    @param version The version the entry is to be: one more than the log's last.
    @param data The entry's bytes.
    """
    number: uint256 = self._number()
    total: uint256 = self.total
    previous: uint256 = self.head[id]
    place: uint256 = self._place(total, previous, number, convert(version, uint256))
    link: uint256 = convert(keccak256(abi_encode(previous, place, keccak256(data))), uint256)
    self.total = self._settle(id, place, link, total)
    raw_log([ENTRY, id, convert(previous, bytes32), convert(place, bytes32)], data)


@external
def append_many(start: uint256):
    """
    @notice Append any number of entries to any number of logs: all of them, or none.
    @dev The entries follow the argument in the call, packed, and end where the call ends:
             entry = id 32 bytes | version 4 bytes | part, part, ...
             part  = more 1 bit | length 15 bits | bytes, at most MAX_PART
         The bit `more` is set in all parts of an entry but the last. A part is copied as a window
         of MAX_PART bytes, for the compiler copies calldata in pieces of fixed size; the window
         begins with the part, or ends with the call. So a call must be at least MAX_PART long, and
         one that would be shorter is filled up between the argument and `start`, which is not read.
         Every departure from this form reaches beyond the end of the call or of a window, which
         reverts; so does every reason of `append`.
    @param start Where in the call the first entry begins: 36, or later.
    """
    number: uint256 = self._number()
    total: uint256 = self.total
    end: uint256 = len(msg.data)
    last_window: uint256 = end - MAX_PART
    offset: uint256 = start
    for _: uint256 in range(max_value(uint256)):
        id: bytes32 = convert(slice(msg.data, offset, 32), bytes32)
        version: uint256 = convert(slice(msg.data, offset + 32, 4), uint256)
        offset += 36
        previous: uint256 = self.head[id]
        place: uint256 = self._place(total, previous, number, version)
        link: uint256 = previous
        for part: uint256 in range(max_value(uint256)):
            length: uint256 = convert(slice(msg.data, offset, 2), uint256)
            more: uint256 = length >> 15
            length &= 2**15 - 1
            offset += 2
            begin: uint256 = min(offset, last_window)
            window: Bytes[MAX_PART] = slice(msg.data, begin, MAX_PART)
            data: Bytes[MAX_PART] = slice(window, offset - begin, length)
            offset += length
            mark: uint256 = more << 192 | place
            link = convert(keccak256(abi_encode(link, mark, keccak256(data))), uint256)
            raw_log([ENTRY, id, convert(previous, bytes32), convert(mark, bytes32)], data)
            if more == 0:
                break
        total = self._settle(id, place, link, total)
        if offset == end:
            break
    self.total = total


@external
def transfer(id: bytes32, heir: uint256):
    """
    @notice Hand a log on to another writer, who needs not consent and may hand it on in turn.
    @dev Reverts with "writer" (the sender or the heir is none), "owner", "block".
    @param id The log.
    @param heir The number of the writer who owns it from now on.
    """
    previous: uint256 = self.head[id]
    assert self._number() == previous >> 232, "owner"
    assert 0 < heir and heir <= self.writers, "writer"
    version: uint256 = previous >> 200 & UINT32
    place: uint256 = heir << 160 | version << 128 | block.timestamp
    link: uint256 = convert(keccak256(abi_encode(previous, place, empty(bytes32))), uint256)
    self.head[id] = place >> 128 << 200 | block.number << 168 | link >> 88
    log Transferred(id=id, previous=previous, place=place)


@internal
@view
def _number() -> uint256:
    """
    @dev The writer that the sender is. No head has the number 0, so that a log that is not there
         belongs to nobody.
    """
    assert block.number <= UINT32, "block"
    number: uint256 = self.writer_of[msg.sender]
    assert number != 0, "writer"
    return number


@internal
@view
def _place(total: uint256, previous: uint256, number: uint256, version: uint256) -> uint256:
    """
    @dev The rules of an append: a log is open to its owner, or to any writer while it is not there;
         and versions follow each other. `version` has 32 bits, so that after 2**32 - 1 none fits.
         The sum reverts after 2**40 - 1 entries.
    """
    assert previous == 0 or previous >> 232 == number, "owner"
    assert version == (previous >> 200 & UINT32) + 1, "version"
    return number << 160 | version << 128 | (total + ONE_ENTRY) >> 216 << 64 | block.timestamp


@internal
def _settle(id: bytes32, place: uint256, link: uint256, total: uint256) -> uint256:
    """
    @dev Stores the log's new head, in which writer and version stand side by side as in a place;
         and returns the new total, which an append stores once, at its end.
    """
    head: uint256 = place >> 128 << 200 | block.number << 168 | link >> 88
    self.head[id] = head
    hash: uint256 = convert(keccak256(abi_encode(total, id, head)), uint256)
    return (total + ONE_ENTRY) >> 216 << 216 | block.number << 184 | hash >> 72


# --- writers


@external
def admit(key: address) -> uint256:
    """
    @notice Make somebody a writer: by the steward, or in a registry without one by the key itself.
    @dev Reverts with "steward" (the sender may not), "key" (it is zero, or a writer's already),
         "full" (writers are numbered with 24 bits).
    @param key Who signs the writer's transactions.
    @return The writer's number, from 1.
    """
    assert msg.sender == (steward if steward != empty(address) else key), "steward"
    assert key != empty(address) and self.writer_of[key] == 0, "key"
    number: uint256 = self.writers + 1
    assert number < 2**24, "full"
    self.writers = number
    self.writer[number].key = key
    self.writer_of[key] = number
    log Admitted(writer=number, key=key)
    return number


@external
def entrust(number: uint256, recovery: address):
    """
    @notice Say who may replace the key when it is lost or stolen: best a key kept offline.
    @dev The key may, as long as there is no recovery; from then on the recovery alone, so that a
         thief of the key cannot. Reverts with "recovery".
    @param number The writer.
    @param recovery Who may; zero for nobody.
    """
    guardian: address = self.writer[number].recovery
    if guardian == empty(address):
        guardian = self.writer[number].key
    assert msg.sender == guardian, "recovery"
    self.writer[number].recovery = recovery
    log Entrusted(writer=number, recovery=recovery)


@external
def rotate(number: uint256, successor: address):
    """
    @notice Appoint the next key, which takes over when it accepts: a key mistyped locks nobody out,
            and nobody becomes a writer (with another's recovery) unasked. When the recovery
            appoints, the present key is dismissed at once.
    @dev By the key or the recovery; reverts with "recovery" for anybody else. A successor who was
         appointed before is so no longer.
    @param number The writer.
    @param successor The next key; zero for none.
    """
    key: address = self.writer[number].key
    if msg.sender != key:
        assert msg.sender == self.writer[number].recovery, "recovery"
        if key != empty(address):
            self.writer[number].key = empty(address)
            self.writer_of[key] = 0
            log Dismissed(writer=number, key=key)
    self.writer[number].successor = successor
    log Appointed(writer=number, successor=successor)


@external
def accept(number: uint256):
    """
    @notice Take over as the key of a writer, and of all its logs.
    @dev Reverts with "successor" (another was appointed, or nobody), "key" (the sender is the key
         of a writer already).
    @param number The writer.
    """
    assert msg.sender == self.writer[number].successor, "successor"
    assert self.writer_of[msg.sender] == 0, "key"
    self.writer_of[self.writer[number].key] = 0
    self.writer_of[msg.sender] = number
    self.writer[number].key = msg.sender
    self.writer[number].successor = empty(address)
    log Rotated(writer=number, key=msg.sender)
