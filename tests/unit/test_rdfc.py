import sys
import time
from itertools import combinations, permutations
from random import Random

import pytest

import nquads
from cityid.canonical import rdfc
from cityid.errors import Code, InvalidInputError, UnsupportedError

P = "<urn:p>"


def pairs(*edges):
    return [(f"_:{a}", P, f"_:{b}", "") for a, b in edges]


def clique(size):
    return pairs(*permutations(range(size), 2))


def chain(length):
    return pairs(*((number, number + 1) for number in range(length)))


def relabelled(quads, random):
    """The same dataset in another order, with other labels."""
    labels = sorted({term for quad in quads for term in quad if term.startswith("_:")})
    others = [f"_:x{number}" for number in range(len(labels))]
    random.shuffle(others)
    names = dict(zip(labels, others, strict=True))
    renamed = [tuple(names.get(term, term) for term in quad) for quad in quads]
    random.shuffle(renamed)
    return renamed


@pytest.mark.parametrize(
    "quads",
    [
        clique(4),
        chain(30),
        pairs(*combinations(range(5), 2)),
        pairs((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)),
        pairs((0, 0), (1, 1), (0, 1)),
        [("_:a", P, '"x"', "_:g"), ("_:b", P, '"x"', "_:g"), ("_:g", P, "_:a", "")],
        [("_:a", P, "_:b", "_:a"), ("_:b", P, "_:a", "_:b"), ("_:c", P, '"x"', "<urn:g>")],
    ],
)
def test_labels_and_order_do_not_matter(quads):
    canonical = rdfc.canonicalize(quads)

    for seed in range(5):
        assert rdfc.canonicalize(relabelled(quads, Random(seed))) == canonical  # noqa: S311 - no secret


def test_different_datasets_differ():
    two_triangles = pairs((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3))
    a_hexagon = pairs((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0))

    assert rdfc.canonicalize(two_triangles) != rdfc.canonicalize(a_hexagon)


def test_lines_are_sorted_and_counted_once():
    quads = [
        ("<urn:b>", P, '"x"', ""),
        ("<urn:a>", P, '"x"', "<urn:g>"),
        ("<urn:b>", P, '"x"', ""),
        ("<urn:a>", P, '"x"', ""),
    ]

    assert rdfc.canonicalize(quads) == (
        '<urn:a> <urn:p> "x" .\n<urn:a> <urn:p> "x" <urn:g> .\n<urn:b> <urn:p> "x" .\n'
    )


def test_a_quad_with_blank_nodes_counts_once():
    once = pairs((0, 1), (0, 2))

    assert rdfc.issue(once + once) == rdfc.issue(once)


def test_nothing_is_the_empty_text():
    assert rdfc.issue([]) == ("", {})


def test_issue_gives_the_label_of_every_blank_node():
    canonical, issued = rdfc.issue(iter([("_:s", P, "_:o", "_:g"), ("_:s", P, '"x"', "")]))

    assert sorted(issued) == ["_:g", "_:o", "_:s"]
    assert sorted(issued.values()) == ["_:c14n0", "_:c14n1", "_:c14n2"]
    assert f"{issued['_:s']} <urn:p> {issued['_:o']} {issued['_:g']} .\n" in canonical


def test_the_hash_inside_can_change_the_labels():
    quads = [(f"_:{name}", P, f'"{name}"', "") for name in "abcdefgh"]

    assert rdfc.issue(quads, hash_name="sha384")[1] != rdfc.issue(quads)[1]


@pytest.mark.parametrize("name", ["md5", "sha512", "SHA256", ""])
def test_other_hashes_are_not_supported(name):
    with pytest.raises(UnsupportedError) as caught:
        rdfc.canonicalize([], hash_name=name)
    assert caught.value.known == ("sha256", "sha384")


@pytest.mark.parametrize("size", [8, 10, 40])
def test_a_clique_stops_at_the_work_limit(size):
    begin = time.process_time()

    with pytest.raises(InvalidInputError) as caught:
        rdfc.canonicalize(clique(size))

    assert caught.value.code is Code.COMPLEXITY_LIMIT_EXCEEDED
    assert time.process_time() - begin < 0.5


def test_the_work_limit_is_a_count():
    quads = clique(4)

    assert rdfc.canonicalize(quads, max_work=5000)
    with pytest.raises(InvalidInputError):
        rdfc.canonicalize(quads, max_work=50)


def test_long_chains_that_look_alike_stop_before_python_does():
    assert rdfc.canonicalize(chain(100))
    for length in (600, 5000):
        with pytest.raises(InvalidInputError) as caught:
            rdfc.canonicalize(chain(length))
        assert caught.value.code is Code.COMPLEXITY_LIMIT_EXCEEDED


def test_a_caller_deep_in_the_stack_gets_the_same_error():
    limit = sys.getrecursionlimit()

    def deeper(levels):
        return deeper(levels - 1) if levels else rdfc.canonicalize(chain(150))

    with pytest.raises(InvalidInputError) as caught:
        deeper(limit - 400)
    assert caught.value.code is Code.COMPLEXITY_LIMIT_EXCEEDED


def test_half_of_a_surrogate_pair_has_no_canonical_form():
    for subject in ("_:a", "<urn:a>"):
        with pytest.raises(InvalidInputError) as caught:
            rdfc.canonicalize([(subject, P, '"\ud800"', "")])
        assert caught.value.code is Code.INVALID_UNICODE


def test_other_characters_are_kept():
    text = '<urn:a> <urn:p> "é漢😀" .\n'

    assert rdfc.canonicalize(nquads.parse(text)) == text


@pytest.mark.parametrize(
    "line", ["<urn:a> <urn:p> .", '<urn:a> <urn:p> "x"', "<a> <b> <c> <d> <e> ."]
)
def test_the_reader_of_the_vectors_refuses_what_it_does_not_understand(line):
    with pytest.raises(ValueError, match=r"urn|<a>"):
        nquads.parse(line)
