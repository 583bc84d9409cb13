"""RDF Dataset Canonicalization: the same statements in the same order, blank nodes named alike.

Terms come as canonical N-Quads text: ``<iri>``, ``_:label``, ``"literal"``. The order of work is
the specification's; only what it leaves open is chosen for speed.

Spec:
    https://www.w3.org/TR/rdf-canon/#canon-algorithm
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations
from operator import eq
from typing import Any, Literal

from cityid.errors import Code, InvalidInputError, UnsupportedError

Quad = tuple[str, str, str, str]
"""Subject, predicate, object and graph name; an empty graph name is the default graph."""

HashName = Literal["sha256", "sha384"]

_Hash = Callable[[str], str]
_Mentions = dict[str, list[Quad]]

_BLANK = "_"  # blank nodes sort behind this, IRIs and literals (and no graph) before
_DEEPEST = 200
_LEAST_WORK = 60_000
_WORK_PER_QUAD = 30


def canonicalize(
    quads: Iterable[Quad], *, hash_name: HashName = "sha256", max_work: int | None = None
) -> str:
    """Return the canonical N-Quads of a dataset.

    Args:
        quads: The dataset; repeated quads count once.
        hash_name: The hash inside the algorithm.
        max_work: How many hashes may be taken to tell blank nodes apart that look alike.

    Raises:
        InvalidInputError: More work is needed (COMPLEXITY_LIMIT_EXCEEDED), or a term is no text
            that UTF-8 can say (INVALID_UNICODE).

    Spec:
        https://www.w3.org/TR/rdf-canon/#canon-algo-algo
    """
    return issue(quads, hash_name=hash_name, max_work=max_work)[0]


def issue(
    quads: Iterable[Quad], *, hash_name: HashName = "sha256", max_work: int | None = None
) -> tuple[str, dict[str, str]]:
    """Return the canonical N-Quads of a dataset, and the label that each blank node was given.

    Args:
        quads: The dataset; repeated quads count once.
        hash_name: The hash inside the algorithm.
        max_work: How many hashes may be taken to tell blank nodes apart that look alike.

    Returns:
        The N-Quads, and a map from labels in `quads` to canonical ones, both with ``_:``.

    Raises:
        InvalidInputError: As in `canonicalize`.

    Spec:
        https://www.w3.org/TR/rdf-canon/#canon-algo-algo
    """
    digest = _HASHES.get(hash_name)
    if digest is None:
        raise UnsupportedError(
            "canonicalization hashes with another function", name=hash_name, known=tuple(_HASHES)
        )
    try:
        return _issue(quads, digest, max_work)
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            "a text has half of a surrogate pair, which UTF-8 cannot say", code=Code.INVALID_UNICODE
        ) from error
    except RecursionError as error:
        raise _too_complex() from error


def _issue(
    quads: Iterable[Quad], digest: _Hash, max_work: int | None
) -> tuple[str, dict[str, str]]:
    lines, unnamed, mentions = _sort_out(quads)
    issued = _label(mentions, digest, max_work) if mentions else {}
    named = issued.get
    for subject, predicate, value, graph in unnamed:
        end = f" {named(graph, graph)} .\n" if graph else " .\n"
        lines.append(f"{named(subject, subject)} {predicate} {named(value, value)}{end}")
    lines.sort()
    if _has_repetition(lines):
        lines = list(dict.fromkeys(lines))
    canonical = "".join(lines)
    if not canonical.isascii():
        canonical.encode()  # so that it can be: whoever signs it signs its bytes
    return canonical, issued


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha384(text: str) -> str:
    return hashlib.sha384(text.encode()).hexdigest()


_HASHES: Mapping[str, _Hash] = {"sha256": _sha256, "sha384": _sha384}


def _sort_out(quads: Iterable[Quad]) -> tuple[list[str], list[Quad], _Mentions]:
    """Return lines without blank nodes, quads with some, and those by blank node (step 2)."""
    lines: list[str] = []
    unnamed: list[Quad] = []
    mentions: defaultdict[str, list[Quad]] = defaultdict(list)
    for quad in quads:
        subject, predicate, value, graph = quad
        if subject < _BLANK and value < _BLANK and graph < _BLANK:
            if graph:
                lines.append(f"{subject} {predicate} {value} {graph} .\n")
            else:
                lines.append(f"{subject} {predicate} {value} .\n")
            continue
        unnamed.append(quad)
        if subject >= _BLANK:
            mentions[subject].append(quad)
        if value >= _BLANK and value != subject:
            mentions[value].append(quad)
        if graph >= _BLANK and graph not in (subject, value):
            mentions[graph].append(quad)
    return lines, unnamed, mentions


def _has_repetition(lines: list[str]) -> bool:
    """Return whether a sorted list has an item twice."""
    return any(map(eq, lines, lines[1:]))


def _label(mentions: _Mentions, digest: _Hash, max_work: int | None) -> dict[str, str]:
    """Give every blank node its canonical label (steps 3 to 5)."""
    if len(mentions) == 1:  # there is none to tell it from
        return dict.fromkeys(mentions, "_:c14n0")
    first_degree: dict[str, str] = {}
    alike: dict[str, list[str]] = {}
    for node, quads in mentions.items():
        lines = _first_degree_lines(node, quads)
        if _has_repetition(lines):  # one quad twice, or two that only look alike
            mentions[node] = list(dict.fromkeys(quads))
            lines = _first_degree_lines(node, mentions[node])
        first_degree[node] = hashed = digest("".join(lines))
        alike.setdefault(hashed, []).append(node)
    issued: dict[str, str] = {}
    groups: list[list[str]] = []
    for hashed in sorted(alike):
        nodes = alike[hashed]
        if len(nodes) == 1:
            issued[nodes[0]] = f"_:c14n{len(issued)}"
        else:
            groups.append(nodes)
    if groups:
        count = sum(len(mentions[node]) for nodes in groups for node in nodes)
        work = max(_LEAST_WORK, _WORK_PER_QUAD * count) if max_work is None else max_work
        _Search(mentions, first_degree, issued, digest, work).tell_apart(groups)
    return issued


def _first_degree_lines(node: str, quads: Iterable[Quad]) -> list[str]:
    """Return what is said of a node, sorted, other blank nodes unnamed.

    Spec:
        https://www.w3.org/TR/rdf-canon/#hash-1d-quads
    """
    lines = []
    for subject, predicate, value, graph in quads:
        about = subject if subject < _BLANK else "_:a" if subject == node else "_:z"
        said = value if value < _BLANK else "_:a" if value == node else "_:z"
        if graph:
            name = graph if graph < _BLANK else "_:a" if graph == node else "_:z"
            lines.append(f"{about} {predicate} {said} {name} .\n")
        else:
            lines.append(f"{about} {predicate} {said} .\n")
    lines.sort()
    return lines


class _Search:
    """Tells blank nodes apart that have the same first degree hash, by what is around them."""

    __slots__ = ("digest", "first_degree", "issued", "mentions", "work")

    def __init__(
        self,
        mentions: _Mentions,
        first_degree: dict[str, str],
        issued: dict[str, str],
        digest: _Hash,
        work: int,
    ) -> None:
        self.mentions = mentions
        self.first_degree = first_degree
        self.issued = issued
        self.digest = digest
        self.work = work

    def tell_apart(self, groups: Iterable[Sequence[str]]) -> None:
        """Give canonical labels to the nodes of each group (step 5)."""
        for nodes in groups:
            results = [
                self.hash_n_degree(node, {node: "_:b0"}, _DEEPEST)
                for node in nodes
                if node not in self.issued
            ]
            results.sort(key=_by_hash)
            for _, temporary in results:
                for node in temporary:
                    if node not in self.issued:
                        self.issued[node] = f"_:c14n{len(self.issued)}"

    def hash_n_degree(
        self, node: str, temporary: dict[str, str], depth: int
    ) -> tuple[str, dict[str, str]]:
        """Hash a node by the nodes around it, along the smallest path through them.

        Spec:
            https://www.w3.org/TR/rdf-canon/#hash-nd-quads
        """
        if depth == 0:
            raise _too_complex()
        data: list[str] = []
        around = self.related(node, temporary)
        for hashed in sorted(around):
            path, temporary = self.smallest_path(around[hashed], temporary, depth)
            data += hashed, path
        return self.digest("".join(data)), temporary

    def related(self, node: str, temporary: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the blank nodes around `node` by their hash as seen from it (steps 1 to 3)."""
        around: dict[str, list[str]] = {}
        quads = self.mentions[node]
        self.spend(len(quads))
        for subject, predicate, value, graph in quads:
            for position, other in (("s", subject), ("o", value), ("g", graph)):
                if other >= _BLANK and other != node:
                    known = (
                        self.issued.get(other) or temporary.get(other) or self.first_degree[other]
                    )
                    seen = position + (predicate if position != "g" else "") + known
                    around.setdefault(self.digest(seen), []).append(other)
        return around

    def smallest_path(
        self, nodes: list[str], temporary: dict[str, str], depth: int
    ) -> tuple[str, dict[str, str]]:
        """Return the smallest path through `nodes`, and the labels along it (steps 5.2 to 5.6)."""
        chosen = "", temporary
        for order in permutations(nodes):
            self.spend(len(order))
            chosen = self.path(order, dict(temporary), depth, chosen[0]) or chosen
        return chosen

    def path(
        self, order: Sequence[str], labels: dict[str, str], depth: int, best: str
    ) -> tuple[str, dict[str, str]] | None:
        """Return the path of one order, or None where `best` is as small (step 5.4)."""
        path = ""
        later: list[str] = []
        for node in order:
            known = self.issued.get(node)
            if known is None:
                known = labels.get(node)
                if known is None:
                    later.append(node)
                    known = labels[node] = f"_:b{len(labels)}"
            path += known
            if best and len(path) >= len(best) and path > best:
                return None
        for node in later:
            hashed, result = self.hash_n_degree(node, labels, depth - 1)
            path += f"{labels[node]}<{hashed}>"
            labels = result
            if best and len(path) >= len(best) and path > best:
                return None
        return (path, labels) if not best or path < best else None

    def spend(self, work: int) -> None:
        """Count work, and stop where it was too much."""
        self.work -= work
        if self.work < 0:
            raise _too_complex()


def _by_hash(result: tuple[str, Any]) -> str:
    return result[0]


def _too_complex() -> InvalidInputError:
    return InvalidInputError(
        "the unnamed nodes of this document are so much alike that telling them apart would take "
        "too long; give them an id",
        code=Code.COMPLEXITY_LIMIT_EXCEEDED,
    )
