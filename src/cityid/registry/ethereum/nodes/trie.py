"""What the tree of all accounts says, shown by the nodes on the way from its root.

Whoever knows the state root of a block can check any account, and any word of its storage, from a
node that nobody trusts. So does whoever knows that there is no such account or word.

Spec:
    https://eips.ethereum.org/EIPS/eip-1186
    https://ethereum.org/developers/docs/data-structures-and-encoding/patricia-merkle-trie/
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cityid.registry.ethereum.failures import RpcError, malformed
from cityid.registry.ethereum.hashing import keccak256, rlp_encode
from cityid.registry.ethereum.hexadecimal import HASH_SIZE

EMPTY_ROOT: Final = bytes.fromhex(
    "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
)
"""The root of a tree without leaves: the hash of the empty string's serialisation."""
EMPTY_CODE: Final = bytes.fromhex(
    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
)
"""The hash of no code."""

Parsed: TypeAlias = bytes | list["Parsed"]
"""What RLP had written: bytes, or a list of such."""

_EMPTY_NODE: Final = b"\x80"
_NIBBLES: Final = 2 * HASH_SIZE
_LONGEST_NODE: Final = 1024
_BRANCH: Final = 17
_DEEPEST_LIST: Final = 4
_NUMBER_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Account:
    """An account, as the tree of all accounts has it.

    Attributes:
        nonce: How many transactions it sent.
        balance: What it owns.
        storage_root: The root of the tree of its storage.
        code_hash: The hash of its code.
    """

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


NO_ACCOUNT: Final = Account(0, 0, EMPTY_ROOT, EMPTY_CODE)
"""What an account is that nobody has touched."""


def prove_account(root: bytes, address: bytes, proof: Sequence[bytes]) -> Account:
    """Return what a proof shows of an account.

    Args:
        root: The state root, which is believed.
        address: The account's 20 bytes.
        proof: The nodes on the way to it, from the root.

    Returns:
        The account; `NO_ACCOUNT` where the proof shows that there is none.

    Raises:
        RpcError: The proof shows neither.
    """
    content = prove(root, keccak256(address), proof)
    if content is None:
        return NO_ACCOUNT
    match read_rlp(content):
        case [bytes() as nonce, bytes() as balance, bytes() as storage, bytes() as code] if (
            len(storage) == len(code) == HASH_SIZE
        ):
            return Account(_number(nonce), _number(balance), storage, code)
    raise _no_proof("an account is not one")


def prove_word(root: bytes, slot: int, proof: Sequence[bytes]) -> int:
    """Return what a proof shows of a word in the storage of an account.

    Args:
        root: The account's storage root, which is believed.
        slot: The word's place.
        proof: The nodes on the way to it, from the root.

    Returns:
        The word; 0 where the proof shows that there is none.

    Raises:
        RpcError: The proof shows neither.
    """
    content = prove(root, keccak256(slot.to_bytes(HASH_SIZE, "big")), proof)
    if content is None:
        return 0
    word = read_rlp(content)
    if not isinstance(word, bytes) or not word:
        raise _no_proof("a word is none")
    return _number(word)


def prove(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return what a tree holds under a key, or None where a proof shows that it holds nothing.

    Every node of the proof must be on the way, and nothing may be missing or left over.

    Args:
        root: The root of the tree, which is believed.
        key: The key, 32 bytes.
        proof: The nodes on the way from the root.

    Raises:
        RpcError: The proof shows nothing.
    """
    if root == EMPTY_ROOT and list(proof) in ([], [_EMPTY_NODE]):
        return None
    if len(proof) > _NIBBLES + 1:
        raise _no_proof("it has more nodes than a way is long")
    return _Way(key.hex(), proof).value(root)


class _Way:
    """The way from a root to a leaf, or to where it ends: nibbles to go, and nodes to come."""

    def __init__(self, nibbles: str, proof: Sequence[bytes]) -> None:
        self._nibbles = nibbles
        self._nodes = deque(proof)

    def value(self, root: bytes) -> bytes | None:
        node = self._by_hash(root)
        value: bytes | None = None
        while node:
            if len(node) == _BRANCH:
                node = self._branch(node)
            else:
                value, node = self._short(node)
        if self._nodes:
            raise _no_proof("it goes on where the way has ended")
        return value

    def _branch(self, node: list[Parsed]) -> list[Parsed]:
        if not self._nibbles:  # all keys have one length, so that nothing ends in a branch
            raise _no_proof("it is longer than the key")
        child = node[int(self._nibbles[0], 16)]
        self._nibbles = self._nibbles[1:]
        return self._node(child)

    def _short(self, node: list[Parsed]) -> tuple[bytes | None, list[Parsed]]:
        """Follow an extension, or end at a leaf."""
        match node:
            case [bytes() as path, target] if path:
                pass
            case _:
                raise _no_proof("a node is neither branch, extension nor leaf")
        flag, digits = path.hex()[0], path.hex()
        part = digits[1:] if flag in "13" else digits[2:]
        if flag not in "0123" or (flag in "02" and digits[1] != "0"):
            raise _no_proof("the path of a node is written wrongly")
        if flag in "23":
            if not isinstance(target, bytes) or not target:
                raise _no_proof("a leaf holds nothing")
            if len(part) != len(self._nibbles):
                raise _no_proof("a leaf is not as deep as its key is long")
            return (target if part == self._nibbles else None), []
        if not part:
            raise _no_proof("an extension goes nowhere")
        if not self._nibbles.startswith(part):
            return None, []
        self._nibbles = self._nibbles[len(part) :]
        child = self._node(target)
        if len(child) != _BRANCH:
            raise _no_proof("an extension does not lead to a branch")
        return None, child

    def _node(self, reference: Parsed) -> list[Parsed]:
        """Return the node that another refers to by its hash, or holds where it is short."""
        if not isinstance(reference, bytes):
            written = rlp_encode(reference)
            if len(written) >= HASH_SIZE:
                raise _no_proof("a node that is not short lies in another")
            if self._nodes and self._nodes[0] == written:  # some clients list it once more
                self._nodes.popleft()
            return _checked(reference)
        if not reference:
            return []
        if len(reference) != HASH_SIZE:
            raise _no_proof("a reference is no hash")
        return self._by_hash(reference)

    def _by_hash(self, digest: bytes) -> list[Parsed]:
        if not self._nodes:
            raise _no_proof("a node is missing")
        node = self._nodes.popleft()
        if len(node) > _LONGEST_NODE or keccak256(node) != digest:
            raise _no_proof("a node does not have the hash that refers to it")
        return _checked(read_rlp(node))


def _checked(node: Parsed) -> list[Parsed]:
    if isinstance(node, bytes) or len(node) not in {2, _BRANCH}:
        raise _no_proof("a node is neither branch, extension nor leaf")
    return node


def read_rlp(content: bytes) -> Parsed:
    """Return what was serialised, read strictly: in the one way in which it can be written.

    Args:
        content: The bytes.

    Returns:
        Bytes, or a list of what is in it.

    Raises:
        RpcError: It is nothing that was serialised, or has more than some levels.

    Spec:
        https://ethereum.org/developers/docs/data-structures-and-encoding/rlp/
    """
    item, end = _item(content, 0, len(content), _DEEPEST_LIST)
    if end != len(content):
        raise _no_rlp()
    return item


def _item(content: bytes, start: int, limit: int, depth: int) -> tuple[Parsed, int]:
    """Return the item at a place, and where it ends."""
    if start >= limit:
        raise _no_rlp()
    first = content[start]
    if first < 0x80:  # noqa: PLR2004 - a byte that stands for itself
        return content[start : start + 1], start + 1
    is_list = first >= 0xC0  # noqa: PLR2004 - the first byte of lists
    begin, end = _span(content, start, limit, first - (0xC0 if is_list else 0x80))
    if not is_list:
        text = content[begin:end]
        if len(text) == 1 and text < b"\x80":
            raise _no_rlp()
        return text, end
    if depth == 0:
        raise _no_rlp()
    items: list[Parsed] = []
    while begin < end:
        item, begin = _item(content, begin, end, depth - 1)
        items.append(item)
    return items, end


def _span(content: bytes, start: int, limit: int, length: int) -> tuple[int, int]:
    """Return where the content of an item begins and ends."""
    begin = start + 1
    if length > 55:  # noqa: PLR2004 - the longest content whose length fits into the first byte
        size = content[begin : begin + length - 55]
        begin += length - 55
        length = int.from_bytes(size, "big")
        if begin > limit or size[0] == 0 or length <= 55:  # noqa: PLR2004 - as above
            raise _no_rlp()
    if begin + length > limit:
        raise _no_rlp()
    return begin, begin + length


def _number(digits: bytes) -> int:
    if len(digits) > _NUMBER_SIZE or digits[:1] == b"\x00":
        raise _no_proof("a number is written wrongly")
    return int.from_bytes(digits, "big")


def _no_rlp() -> RpcError:
    return malformed("this is not what RLP writes")


def _no_proof(why: str) -> RpcError:
    return malformed(f"a proof shows nothing: {why}")
