"""Trees of accounts: what is there is shown, what is not there too, and nothing else is."""

from __future__ import annotations

import random
from operator import itemgetter

import pytest

import merkle_patricia
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.hashing import keccak256, number, rlp_encode
from cityid.registry.ethereum.nodes.trie import (
    EMPTY_CODE,
    EMPTY_ROOT,
    NO_ACCOUNT,
    Account,
    prove,
    prove_account,
    prove_word,
    read_rlp,
)
from merkle_patricia import Tree

ADDRESS = bytes(range(20))


def always(seed):
    """Return what is random, and the same every time."""
    return random.Random(seed)  # noqa: S311 - a test keeps no secrets


def tree(size, *, seed=7, longest=60):
    some = always(seed)
    return Tree({some.randbytes(32): some.randbytes(some.randint(1, longest)) for _ in range(size)})


def close_keys():
    """Keys that part late, so that extensions are long and short nodes lie in others."""
    return Tree(
        {
            bytes(30) + bytes([high, low]): bytes([low + 1])
            for high in (0, 16, 17)
            for low in range(9)
        }
    )


TREES = {
    "one": tree(1),
    "two": tree(2),
    "some": tree(9),
    "many": tree(90),
    "short values": tree(40, longest=2),
    "close keys": close_keys(),
}


def refused(*arguments, prover=prove):
    with pytest.raises(RpcError, match="malformed") as caught:
        prover(*arguments)
    assert caught.value.failure is Failure.MALFORMED
    return True


def test_the_known_hashes_are_those_of_nothing():
    assert keccak256(rlp_encode(b"")) == EMPTY_ROOT == merkle_patricia.EMPTY
    assert keccak256(b"") == EMPTY_CODE


@pytest.mark.parametrize("name", TREES)
def test_what_is_there_is_proven(name):
    held = TREES[name]
    for key, value in held.content.items():
        assert prove(held.root, key, held.proof(key)) == value


@pytest.mark.parametrize("name", TREES)
def test_what_is_not_there_is_proven_too(name):
    held = TREES[name]
    some = always(3)
    near = [key[:31] + bytes([key[31] ^ 1 << some.randrange(8)]) for key in held.content]
    for key in [*near, *(some.randbytes(32) for _ in range(50))]:
        assert prove(held.root, key, held.proof(key)) == held.content.get(key)


@pytest.mark.parametrize("name", TREES)
def test_a_proof_with_any_byte_changed_is_refused(name):
    held = TREES[name]
    some = always(5)
    for key in [*list(held.content)[:6], some.randbytes(32)]:
        proof = held.proof(key)
        for place, node in enumerate(proof):
            for at in range(len(node)):
                changed = node[:at] + bytes([node[at] ^ 1 << some.randrange(8)]) + node[at + 1 :]
                assert refused(held.root, key, [*proof[:place], changed, *proof[place + 1 :]])


@pytest.mark.parametrize("name", ["some", "many", "close keys"])
def test_a_proof_with_a_node_too_few_too_many_or_elsewhere_is_refused(name):
    held = TREES[name]
    key = max(held.content, key=lambda key: len(held.proof(key)))
    proof = held.proof(key)
    assert prove(held.root, key, proof) == held.content[key]
    for place in range(len(proof)):
        assert refused(held.root, key, [*proof[:place], *proof[place + 1 :]])
        assert refused(held.root, key, [*proof[: place + 1], proof[place], *proof[place + 1 :]])
    assert refused(held.root, key, proof[::-1])
    assert refused(held.root, key, [*proof, proof[-1]])
    assert refused(held.root, key, [])


def test_a_short_node_may_be_listed_beside_the_one_that_it_lies_in():
    held = TREES["close keys"]
    key = next(iter(held.content))
    proof = held.proof(key)
    inner = [item for item in read_rlp(proof[-1]) if isinstance(item, list)]
    assert inner
    longer = [[*proof, rlp_encode(item)] for item in inner]
    taken = [
        prove(held.root, key, each) for each in longer if not _is_refused(held.root, key, each)
    ]
    assert taken == [held.content[key]]
    assert refused(held.root, key, [*longer[0], rlp_encode(inner[0])])


def _is_refused(*arguments):
    try:
        prove(*arguments)
    except RpcError:
        return True
    return False


def test_a_proof_of_another_key_or_tree_is_refused():
    held, other = TREES["many"], TREES["some"]
    key, another = list(held.content)[:2]
    assert refused(held.root, key, held.proof(another))
    assert refused(other.root, key, held.proof(key))
    assert refused(held.root, key, [rlp_encode(b"")])


def test_a_proof_longer_than_any_way_is_refused_at_once():
    assert refused(EMPTY_ROOT, bytes(32), [b"\x80"] * 66)


def test_an_empty_tree_holds_nothing():
    assert prove(EMPTY_ROOT, bytes(32), []) is None
    assert prove(EMPTY_ROOT, bytes(32), [b"\x80"]) is None
    assert refused(EMPTY_ROOT, bytes(32), [b"\x80", b"\x80"])


@pytest.mark.parametrize(
    "node",
    [
        [b"\x40", b"leaf"],  # no such kind of path
        [b"", b"leaf"],
        [b"\x21" + bytes(31), b"leaf"],  # nibbles in the place of the filling
        [b"\x20" + bytes(31), b"leaf"],  # a leaf too near to the root
        [b"\x20" + bytes(33), b"leaf"],  # and one too far from it
        [b"\x20" + bytes(32), b""],
        [b"\x20" + bytes(32), [b"leaf"]],
        [[b"\x20"], b"leaf"],
        [b"\x00", bytes(32)],  # an extension that goes nowhere
        [b"\x00\x00", bytes(31)],  # one that leads to no hash
        [b"\x00\x00", [b"\x20" + bytes(3), b"leaf"]],  # one that leads to a leaf
        [b"\x00\x00", b""],
        [b"\x00\x00", []],
        [b"\x00\x00", [b"", b"", b""]],
        [b"\x00\x00", [b"\x20" + bytes(20), b"a leaf that is not short"]],
        [[], *[b""] * 16],
        [b"\x01"] * 17,
        [b"one", b"two", b"three"],
        [],
        b"text",
    ],
    ids=repr,
)
def test_a_node_that_no_tree_has_is_refused(node):
    written = rlp_encode(node)
    assert refused(keccak256(written), bytes(32), [written])


def test_a_node_that_is_too_long_is_refused_although_its_hash_is_right():
    written = rlp_encode([b"\x20" + bytes(32), bytes(2000)])
    assert refused(keccak256(written), bytes(32), [written])


def test_a_branch_where_the_key_has_ended_is_refused():
    deep = rlp_encode([b"\x11"] * 16 + [b"value"])
    top = rlp_encode([b"\x00" + bytes(32), keccak256(deep)])
    assert refused(keccak256(top), bytes(32), [top, deep])


def test_an_account_is_proven_with_all_that_it_has():
    account = Account(5, 10**20, keccak256(b"storage"), keccak256(b"code"))
    held = Tree({keccak256(ADDRESS): rlp_encode(row(account)), keccak256(b"another"): b"\x01"})
    proof = held.proof(keccak256(ADDRESS))
    assert prove_account(held.root, ADDRESS, proof) == account
    stranger = bytes(20)
    assert prove_account(held.root, stranger, held.proof(keccak256(stranger))) == NO_ACCOUNT


def row(account):
    return [number(account.nonce), number(account.balance), account.storage_root, account.code_hash]


@pytest.mark.parametrize(
    "content",
    [
        [b"\x05", b"", bytes(32)],
        [b"\x05", b"", bytes(32), bytes(31)],
        [b"\x05", b"", bytes(31), bytes(32)],
        [b"\x00\x05", b"", bytes(32), bytes(32)],
        [b"", b"\x01" * 33, bytes(32), bytes(32)],
        [[], b"", bytes(32), bytes(32)],
        b"an account",
    ],
)
def test_what_is_no_account_is_refused(content):
    held = Tree({keccak256(ADDRESS): rlp_encode(content)})
    assert refused(held.root, ADDRESS, held.proof(keccak256(ADDRESS)), prover=prove_account)


def slot_key(slot):
    return keccak256(slot.to_bytes(32, "big"))


def test_a_word_is_proven_and_one_that_was_never_written_is_0():
    words = {0: 1, 1: 2**256 - 1, 2**200: 0x80}
    held = Tree({slot_key(slot): rlp_encode(number(word)) for slot, word in words.items()})
    for slot in (*words, 5):
        assert prove_word(held.root, slot, held.proof(slot_key(slot))) == words.get(slot, 0)


@pytest.mark.parametrize(
    "content", [b"\x80", rlp_encode(b"\x00"), rlp_encode(b"\x01" * 33), b"\xc0"]
)
def test_what_is_no_word_is_refused(content):
    held = Tree({slot_key(0): content})
    assert refused(held.root, 0, held.proof(slot_key(0)), prover=prove_word)


WRITTEN = [
    b"", b"\x00", b"a", b"\x7f", b"\x80", b"text", bytes(55), bytes(56), bytes(1024),
    [], [[]], [b"a", [b"b", b""], bytes(60)], [[[[b"deep"]]]],
]  # fmt: skip


@pytest.mark.parametrize("value", WRITTEN, ids=lambda value: repr(value)[:20])
def test_what_was_written_is_read(value):
    assert read_rlp(rlp_encode(value)) == value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"aa",  # something follows
        b"\x81a",  # a byte that stands for itself
        b"\x84abc",  # cut
        b"\xc4abc",
        b"\xb8\x37" + bytes(55),  # a length that fits into the first byte
        b"\xb9\x00\x38" + bytes(56),  # one with a leading zero
        b"\xb9\x01",
        b"\xb8",
        b"\xbf" + b"\xff" * 8,
        b"\xf8\x37" + bytes(55),
        b"\xf9\xff\xff",
        b"\xc2\x83abc",  # an item that goes beyond its list
        b"\xc1\xb8",
        rlp_encode([[[[[b"too deep"]]]]]),
        b"\xc1" * 5000,
    ],
    ids=lambda content: content[:8].hex() or "empty",
)
def test_what_rlp_does_not_write_is_refused(content):
    assert refused(content, prover=read_rlp)


def test_every_short_text_is_read_as_it_is_written_or_refused():
    some = always(11)
    texts = [some.randbytes(some.randint(0, 6)) for _ in range(4000)]
    read = [text for text in texts if _reads(text)]
    assert 200 < len(read) < 3000
    assert all(rlp_encode(read_rlp(text)) == text for text in read)


def _reads(text):
    try:
        read_rlp(text)
    except RpcError:
        return False
    return True


def test_the_trees_of_the_tests_have_all_kinds_of_nodes():
    kinds = {len(read_rlp(node)) for held in TREES.values() for node in _nodes(held)}
    assert kinds == {2, 17}
    flags = {
        read_rlp(node)[0].hex()[0]
        for held in TREES.values()
        for node in _nodes(held)
        if len(read_rlp(node)) == 2
    }
    assert flags == set("0123")
    held = TREES["close keys"]
    assert any(isinstance(item, list) for node in _nodes(held) for item in read_rlp(node))


def _nodes(held):
    return {node for key in held.content for node in held.proof(key)}


def test_a_tree_does_not_depend_on_the_order_in_which_it_is_filled():
    content = TREES["some"].content
    assert Tree(dict(sorted(content.items(), key=itemgetter(1)))).root == TREES["some"].root
