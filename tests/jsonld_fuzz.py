"""Random JSON-LD documents through cityid and PyLD: the same statements, or a typed refusal.

Run it longer than the suite does: ``PYTHONPATH=tests python -m jsonld_fuzz 200000 --seed 7``.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cityid.canonical import Contexts, check_contexts, rdfc
from cityid.canonical.contexts import CONTEXTS
from cityid.canonical.jsonld import to_quads
from cityid.errors import CityIdError
from jsonld_documents import VC, Writer
from pyld_reference import Reference

BATCH = 100
URLS = tuple(f"https://contexts.example/{number}" for number in range(4))


@dataclass
class Tally:
    """What came of the documents.

    Attributes:
        handled: How many had the same statements in both.
        refused: How many cityid refused with a typed error.
        quads: How many statements were compared.
        faults: What differed, or raised something else.
    """

    handled: int = 0
    refused: int = 0
    quads: int = 0
    faults: list[str] = field(default_factory=list)


def run(seed: int, documents: int) -> Tally:
    """Compare that many documents."""
    tally = Tally()
    for batch in range(documents // BATCH):
        for document, contexts, reference in written(Random(f"{seed} {batch}")):  # noqa: S311 - tests
            compare(document, contexts, reference, tally)
    return tally


def written(random: Random) -> Iterator[tuple[Any, Contexts, Reference]]:
    """Yield one batch of documents, under contexts of their own."""
    writer = Writer(random, hostility=0.05 if random.random() < 0.5 else 0.0)
    contexts = Contexts().with_context(VC, CONTEXTS.document(VC))
    for index, url in enumerate(URLS):
        contexts = _with_random_context(contexts, url, URLS[:index], writer)
    reference = Reference(contexts)
    for _ in range(BATCH):
        yield writer.document(URLS), contexts, reference


def _with_random_context(
    contexts: Contexts, url: str, urls: tuple[str, ...], writer: Writer
) -> Contexts:
    """Add a context, mostly one that can be processed: a broken one breaks a whole batch."""
    while True:
        more = contexts.with_context(url, {"@context": writer.context(urls)})
        try:
            to_quads({"@context": url}, more)
        except CityIdError:
            if not writer.hostile():
                continue
        return more


def compare(document: Any, contexts: Contexts, reference: Reference, tally: Tally) -> None:
    """Count one document."""
    before = copy.deepcopy(document)
    try:
        check_contexts(document, contexts)
        quads = to_quads(document, contexts)
        canonical = rdfc.canonicalize(quads)
    except CityIdError:
        tally.refused += 1
        return
    except Exception as error:  # noqa: BLE001 - every other exception is a finding
        tally.faults.append(f"{error!r}: {json.dumps(document)}")
        return
    try:
        expected = rdfc.canonicalize(reference.to_quads(document))
    except Exception as error:  # noqa: BLE001 - PyLD refuses what cityid handled: a finding
        expected = f"PyLD: {error.__cause__!r}"
    if canonical != expected or document != before:
        tally.faults.append(f"{json.dumps(document)}\n--- cityid\n{canonical}--- PyLD\n{expected}")
    tally.handled += 1
    tally.quads += len(quads)


def main() -> int:
    """Run from the command line; the exit status tells whether all was equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tally = run(arguments.seed, arguments.documents)
    sys.stdout.write(
        f"{tally.handled} handled ({tally.quads} quads), {tally.refused} refused, "
        f"{len(tally.faults)} different\n"
    )
    sys.stdout.write("\n\n".join(tally.faults[:5]))
    return bool(tally.faults)


if __name__ == "__main__":
    sys.exit(main())
