"""The Merkle tree against a naive one, RFC 6962's known answers, and every flipped bit."""

from __future__ import annotations

import hashlib

import pytest

from cityid.errors import Code, InvalidInputError
from cityid.registry import merkle

LARGEST = 130

# The seven-leaf tree of examples that implementations of RFC 6962 share, extended by an eighth.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves):
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaves_of(size):
    return [hashlib.sha256(b"\x00" + b"%d" % i).digest() for i in range(size)]


def grown(leaves):
    """The frontier, and a reader of exactly the nodes that were told to be stored."""
    frontier, completed = merkle.Frontier().extend(leaves)
    stored = {(0, i): leaf for i, leaf in enumerate(leaves)}
    stored.update({(level, index): node for level, index, node in completed})
    return frontier, lambda level, index: stored[level, index]


LEAVES = leaves_of(LARGEST)
FRONTIER, NODES = grown(LEAVES)
ROOT = [naive_root(LEAVES[:size]) for size in range(LARGEST + 1)]


def test_known_answers():
    assert merkle.EMPTY_ROOT.hex() == hashlib.sha256().hexdigest()
    leaves = [merkle.leaf_hash(data) for data in INPUTS]
    assert [merkle.Frontier().extend(leaves[: i + 1])[0].root().hex() for i in range(8)] == ROOTS


def test_known_proofs():
    leaves = [merkle.leaf_hash(data) for data in INPUTS]
    _, nodes = grown(leaves)
    assert [h.hex()[:8] for h in merkle.inclusion_proof(0, 8, nodes)] == [
        "96a296d2",
        "5f083f0a",
        "6b47aaf2",
    ]
    assert [h.hex()[:8] for h in merkle.consistency_proof(6, 8, nodes)] == [
        "0ebc5d34",
        "ca854ea1",
        "d37ee418",
    ]


def test_a_growing_tree_has_the_naive_root_at_every_size():
    one_by_one = merkle.Frontier()
    for size in range(LARGEST):
        assert one_by_one.root() == ROOT[size]
        assert one_by_one == merkle.frontier(size, NODES)
        assert len(one_by_one.peaks) == size.bit_count()
        one_by_one, _ = one_by_one.extend(LEAVES[size : size + 1])
    assert one_by_one == FRONTIER


@pytest.mark.parametrize("step", [1, 3, 16, 64, LARGEST])
def test_batches_grow_the_same_tree_and_complete_each_node_once(step):
    frontier, completed = merkle.Frontier(), []
    for at in range(0, LARGEST, step):
        frontier, nodes = frontier.extend(LEAVES[at : at + step])
        completed += nodes
    assert frontier == FRONTIER
    assert len({(level, index) for level, index, _ in completed}) == len(completed)
    for level, index, node in completed:
        assert node == naive_root(LEAVES[index << level : (index + 1) << level])
    assert len(completed) == sum(LARGEST >> level for level in range(1, 8))


def test_every_leaf_is_proved_at_every_size():
    for size in range(1, LARGEST + 1):
        for index in range(size):
            path = merkle.inclusion_proof(index, size, NODES)
            merkle.verify_inclusion(LEAVES[index], index, size, path, ROOT[size])
            assert len(path) <= (size - 1).bit_length()


def test_every_pair_of_sizes_is_consistent():
    for size in range(LARGEST + 1):
        for old_size in range(size + 1):
            path = merkle.consistency_proof(old_size, size, NODES)
            merkle.verify_consistency(old_size, size, path, ROOT[old_size], ROOT[size])


def flipped(data):
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def refused(verify, *arguments):
    try:
        verify(*arguments)
    except InvalidInputError as error:
        return error.code == Code.PROOF_VERIFICATION_ERROR
    return False


@pytest.mark.parametrize(("index", "size"), [(0, 1), (2, 7), (6, 7), (3, 8), (100, 130)])
def test_no_flipped_bit_is_a_proof_of_inclusion(index, size):
    path, leaf, root = merkle.inclusion_proof(index, size, NODES), LEAVES[index], ROOT[size]
    check = merkle.verify_inclusion
    check(leaf, index, size, path, root)
    assert all(refused(check, bad, index, size, path, root) for bad in flipped(leaf))
    assert all(refused(check, leaf, index, size, path, bad) for bad in flipped(root))
    for place, item in enumerate(path):
        for bad in flipped(item):
            changed = (*path[:place], bad, *path[place + 1 :])
            assert refused(check, leaf, index, size, changed, root)


@pytest.mark.parametrize(("old_size", "size"), [(1, 2), (3, 7), (4, 7), (6, 8), (8, 8), (77, 130)])
def test_no_flipped_bit_is_a_proof_of_consistency(old_size, size):
    path = merkle.consistency_proof(old_size, size, NODES)
    old_root, root, check = ROOT[old_size], ROOT[size], merkle.verify_consistency
    check(old_size, size, path, old_root, root)
    assert all(refused(check, old_size, size, path, bad, root) for bad in flipped(old_root))
    assert all(refused(check, old_size, size, path, old_root, bad) for bad in flipped(root))
    for place, item in enumerate(path):
        for bad in flipped(item):
            changed = (*path[:place], bad, *path[place + 1 :])
            assert refused(check, old_size, size, changed, old_root, root)


def test_a_proof_of_inclusion_holds_for_one_place_and_size_only():
    for size in range(1, 40):
        for index in range(size):
            path = merkle.inclusion_proof(index, size, NODES)
            for other in set(range(-1, size + 2)) - {index}:
                assert refused(
                    merkle.verify_inclusion, LEAVES[index], other, size, path, ROOT[size]
                )


def test_cut_lengthened_reordered_and_foreign_proofs_are_refused():
    for size in range(2, 40):
        for index in range(size):
            path = merkle.inclusion_proof(index, size, NODES)
            bad_paths = [path[1:], path[:-1], (*path, path[0]), (path[0], *path), (b"",) * 3]
            bad_paths += [path[::-1]] if len(path) > 1 else []
            bad_paths += [tuple(h[:31] for h in path), tuple(h.hex() for h in path)]
            for bad in bad_paths:
                assert refused(merkle.verify_inclusion, LEAVES[index], index, size, bad, ROOT[size])
        for old_size in range(1, size):
            path = merkle.consistency_proof(old_size, size, NODES)
            bad_paths = [path[1:], path[:-1], (*path, path[0]), (path[0], *path), ()]
            bad_paths += [path[::-1]] if len(path) > 1 else []
            bad_paths += [tuple(h[:31] for h in path), tuple(h.hex() for h in path)]
            for bad in bad_paths:
                arguments = (old_size, size, bad, ROOT[old_size], ROOT[size])
                assert refused(merkle.verify_consistency, *arguments)


def test_rewritten_history_is_not_consistent():
    for size in range(2, 40):
        forged = [*LEAVES[:size]]
        forged[size // 3] = merkle.leaf_hash(b"forged")
        _, nodes = grown(forged)
        for old_size in range(size // 3 + 1, size + 1):
            path = merkle.consistency_proof(old_size, size, nodes)
            arguments = (old_size, size, path, ROOT[old_size], naive_root(forged))
            assert refused(merkle.verify_consistency, *arguments)


@pytest.mark.parametrize(
    ("old_size", "size", "path", "old_root"),
    [
        (5, 4, (), ROOT[5]),
        (-1, 4, (), ROOT[4]),
        (0, 4, (), ROOT[1]),
        (0, 4, (ROOT[1],), merkle.EMPTY_ROOT),
        (4, 4, (ROOT[1],), ROOT[4]),
    ],
)
def test_what_is_not_growth_is_refused(old_size, size, path, old_root):
    assert refused(merkle.verify_consistency, old_size, size, path, old_root, ROOT[size])
    merkle.verify_consistency(0, 4, (), merkle.EMPTY_ROOT, ROOT[4])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(InvalidInputError) as caught:
        merkle.inclusion_proof(index, size, NODES)
    assert caught.value.code == Code.NUMBER_OUT_OF_RANGE


@pytest.mark.parametrize(("old_size", "size"), [(-1, 3), (4, 3)])
def test_there_is_no_proof_of_shrinking(old_size, size):
    with pytest.raises(InvalidInputError) as caught:
        merkle.consistency_proof(old_size, size, NODES)
    assert caught.value.code == Code.NUMBER_OUT_OF_RANGE


def test_a_node_is_not_a_leaf():
    left, right = LEAVES[:2]
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
    assert merkle.leaf_hash(b"") != merkle.EMPTY_ROOT
