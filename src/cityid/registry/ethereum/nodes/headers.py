"""The hash of a block, computed again from what its header says.

Whoever knows the hash of a block can so believe its state root and its time from any node. On
the networks of a consortium the hash leaves out the seals of the validators: they are added when
the block is there.

Spec:
    https://ethereum.github.io/yellowpaper/paper.pdf (section 4.4)
    https://eips.ethereum.org/EIPS/eip-1559 (and those that added a field after it)
    https://eips.ethereum.org/EIPS/eip-650 (Istanbul BFT)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from cityid.registry.ethereum.failures import RpcError, malformed
from cityid.registry.ethereum.hashing import keccak256, number, rlp_encode
from cityid.registry.ethereum.hexadecimal import read_data, read_quantity
from cityid.registry.ethereum.nodes.blocks import Block, member, read_block
from cityid.registry.ethereum.nodes.trie import read_rlp

_VANITY: Final = 32
_EXTRA: Final = 12
_LONGEST_EXTRA: Final = 65_536


def _quantity(value: object, name: str) -> bytes:
    return number(read_quantity(value, name))


def _sized(size: int) -> Callable[[object, str], bytes]:
    return lambda value, name: read_data(value, name, size=size)


_hash = _sized(32)
_FIELDS: Final[tuple[tuple[str, Callable[[object, str], bytes]], ...]] = (
    ("parentHash", _hash),
    ("sha3Uncles", _hash),
    ("miner", _sized(20)),
    ("stateRoot", _hash),
    ("transactionsRoot", _hash),
    ("receiptsRoot", _hash),
    ("logsBloom", _sized(256)),
    ("difficulty", _quantity),
    ("number", _quantity),
    ("gasLimit", _quantity),
    ("gasUsed", _quantity),
    ("timestamp", _quantity),
    ("extraData", read_data),
    ("mixHash", _hash),
    ("nonce", _sized(8)),
)
_LATER_FIELDS: Final[tuple[tuple[str, Callable[[object, str], bytes]], ...]] = (
    ("baseFeePerGas", _quantity),
    ("withdrawalsRoot", _hash),
    ("blobGasUsed", _quantity),
    ("excessBlobGas", _quantity),
    ("parentBeaconBlockRoot", _hash),
    ("requestsHash", _hash),
)


def proven_block(header: object, digest: bytes) -> Block:
    """Return a block whose hash is known, from a header that nobody trusts.

    Args:
        header: The block, as a node wrote it.
        digest: Its hash, which is believed.

    Raises:
        RpcError: The header does not have the hash.
    """
    block = read_block(header)
    if block.hash != digest or not has_its_hash(header):
        raise malformed("a block's header does not have the hash of the block")
    return block


def has_its_hash(header: object) -> bool:
    """Return whether the hash of a block is that of its header, by any of the ways known here.

    Args:
        header: The block, as a node wrote it.

    Raises:
        RpcError: It is no block.
    """
    said = read_data(member(header, "hash", "a block"), "hash", size=32)
    return any(keccak256(rlp_encode(fields)) == said for fields in _forms(_fields(header)))


def _fields(header: Any) -> list[bytes]:
    """Return what the header of a block consists of, in order.

    A field that a later version of the protocol added is there if all before it are.
    """
    fields: list[bytes] = [read(member(header, name, "a block"), name) for name, read in _FIELDS]
    if len(fields[_EXTRA]) > _LONGEST_EXTRA:
        raise malformed("extraData is too long")
    for name, read in _LATER_FIELDS:
        if header.get(name) is None:
            break
        fields.append(read(header[name], name))
    return fields


def _forms(fields: list[bytes]) -> Iterator[list[bytes]]:
    """Give the forms in which the networks hash a header: as it is, then without its seals."""
    yield fields
    extra = fields[_EXTRA]
    for shorter in (*_bft(extra), *_istanbul(extra)):
        yield [*fields[:_EXTRA], shorter, *fields[_EXTRA + 1 :]]


def _bft(extra: bytes) -> Iterator[bytes]:
    """Give extra data without round and seals, as QBFT and as IBFT 2.0 hash it."""
    try:
        parts = read_rlp(extra)
    except RpcError:
        return
    match parts:
        case [bytes() as vanity, [*validators], vote, bytes(), [*_]] if len(vanity) == _VANITY:
            yield rlp_encode([vanity, validators, vote, b"", []])
            yield rlp_encode([vanity, validators, vote])
        case _:
            return


def _istanbul(extra: bytes) -> Iterator[bytes]:
    """Give extra data without the committed seals, as the first IBFT hashes it."""
    try:
        parts = read_rlp(extra[_VANITY:])
    except RpcError:
        return
    match parts:
        case [[*validators], bytes() as seal, [*_]]:
            yield extra[:_VANITY] + rlp_encode([validators, seal, []])
        case _:
            return
