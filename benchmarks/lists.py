"""Status lists: a cold and a warm look, a whole verification with one, and a large batch."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from nacl.signing import SigningKey

import cityid
from benchmarks import documents
from benchmarks.measure import Row, Work, interleaved, shown
from cityid import registry, status
from cityid.status.bitstring import LEAST_ENTRIES

_URL = "https://id.city.example/status/1"
_VERIFY = "PyNaCl verify"
_BATCH = 10_000
_REVOKED = LEAST_ENTRIES // 100
_ROUNDS = 5


def lists(rounds: int) -> Iterator[Row]:
    """Measure looks at a list of 131,072 entries with one percent set, and 10,000 revocations."""
    city, ledger = documents.identity("the city"), registry.connect("memory:")
    revoked = status.publish(ledger, city, _URL, purpose="revocation", at=documents.ISSUED)
    revoked.revoke(_chosen(_REVOKED), at=documents.ISSUED)
    credential = _good(revoked, city)
    judge = status.Judge(resolver=cityid.did.resolver(), registry=ledger)
    kept = status.Snapshot(judge, at=documents.JUDGED)

    def cold() -> status.StatusFindings:
        return status.check(credential, status.Snapshot(judge, at=documents.JUDGED))

    def warm() -> status.StatusFindings:
        return status.check(credential, kept)

    assert cold().outcome is warm().outcome is cityid.Outcome.PASSED
    key = SigningKey(b"x" * 32)
    signature = key.sign(bytes(64)).signature
    times = interleaved(
        {
            _VERIFY: lambda: key.verify_key.verify(bytes(64), signature),
            "cold": cold,
            "warm": warm,
            "allocate": _allocate(),
        },
        rounds=rounds,
    )
    yield times.row("status, cold: verify the list, read one bit", "cold", _VERIFY, 0.25)
    seconds = times.median("warm")
    yield Row("status, warm: the list is at hand", 1 / seconds, "/s", shown(seconds), 200_000)
    seconds = times.median("allocate")
    yield Row("a place in a list, in memory", 1 / seconds, "/s", shown(seconds))
    yield _publishing()


def _chosen(count: int) -> list[int]:
    return random.Random(1).sample(range(LEAST_ENTRIES), count)  # noqa: S311 - the same each time


def _good(revoked: status.StatusList, city: cityid.did.Identity) -> cityid.Credential:
    """Return a credential that is not among the revoked ones."""
    set_already = set(_chosen(_REVOKED))
    while True:
        document = documents.citizen()
        document.pop("issuer")
        issued = cityid.issue(document, by=city, status=revoked, at=documents.ISSUED)
        if int(issued.statuses[0]["statusListIndex"]) not in set_already:
            return issued


def _allocate() -> Work:
    allocator = status.MemoryAllocator()
    allocator.register(_URL, 1 << 24)
    return lambda: allocator.allocate(_URL)


def _publishing() -> Row:
    """Measure one batch into a registry file, by the clock on the wall: it waits for the disk."""
    city, spent = documents.identity("the city"), []
    for _ in range(_ROUNDS):
        with (
            TemporaryDirectory() as folder,
            registry.connect(f"file:{Path(folder) / 'city.registry'}") as ledger,
        ):
            handle = status.publish(ledger, city, _URL, purpose="revocation")
            places = _chosen(_BATCH)
            start = time.perf_counter()
            record = handle.revoke(places)
            spent.append(time.perf_counter() - start)
            assert (record.version, record.sequence) == (2, 2)
    seconds = sorted(spent)[len(spent) // 2]
    name = f"{_BATCH:,} revocations, one record"
    return Row(name, seconds * 1e3, "ms", "wall clock, registry file", 1000, at_most=True)
