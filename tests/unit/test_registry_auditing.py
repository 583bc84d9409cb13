"""Audits: what they find in a registry that lies in one point, and that the honest one is clean."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from cityid import keys, registry
from cityid.errors import Code, CorruptError, InvalidInputError, RegistryError, UnsupportedError
from cityid.registry import MerkleLeaf, NewEntry, Record, Witness
from cityid.registry.auditing import MAX_TOLD
from cityid.report import Outcome, Problem

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
WITNESS = keys.generate(seed=b"a witness of the registry, 32 by")
START = datetime(2027, 3, 14, 9, tzinfo=UTC)


def a_registry(records=40, logs=3, origin=ORIGIN):
    ledger = registry.connect("memory:", origin=origin, operator=OPERATOR, clock=lambda: START)
    for n in range(records):
        ledger.append([NewEntry(f"log{n % logs}", n // logs + 1, b"%d" % n)])
    return ledger


class Lying:
    """A registry that says what the honest one says, but for one answer."""

    def __init__(self, honest, **lies):
        self._honest = honest
        for name, lie in lies.items():
            setattr(self, name, lie)

    def __getattr__(self, name):
        return getattr(self._honest, name)

    def prove_inclusion(self, index, size):
        return self._honest.prove_inclusion(index, size)

    def prove_consistency(self, old_size, size):
        return self._honest.prove_consistency(old_size, size)


def scanning(honest, change):
    """Return a registry whose records are changed as they are scanned."""
    return Lying(honest, scan=lambda after=0: iter(change(list(honest.scan(after)))))


def failures(found):
    return {c.name for c in found.report if c.outcome is not Outcome.PASSED}


def test_an_honest_registry_is_clean():
    ledger, seen = a_registry(), []
    found = registry.audit(ledger, progress=lambda *step: seen.append(step))
    assert found
    assert (found.origin, found.size, found.logs) == (ORIGIN, 40, 3)
    assert (found.root, found.first, found.last) == (ledger.checkpoint().root, START, START)
    assert [c.name for c in found.report] == [
        "records", "versions", "times", "tree", "proofs", "indexes",
    ]  # fmt: skip
    assert (seen[0], seen[-1]) == ((0, 40), (40, 40))
    assert "CLEAN" in found.explain()
    assert "✓ clean" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["clean"] is True


def test_an_empty_registry_is_clean():
    found = registry.audit(a_registry(0))
    assert found
    assert (found.size, found.first, found.to_dict()["last"]) == (0, None, None)
    assert "Records: 0" in found.explain()


def test_a_long_log_is_read_in_pages():
    for records in (63, 64, 65, 128, 600):
        assert registry.audit(a_registry(records, 1))


def test_an_audit_holds_no_more_than_a_few_records_at_once():
    count, size = 2000, 20_000

    def scan(after=0):
        for n in range(after, count):
            yield Record("log", n + 1, bytes(size), START, MerkleLeaf(ORIGIN, n), n + 1)

    class Endless:
        """A registry whose records come into being as they are read."""

        def scan(self, after=0):
            return scan(after)

        def read(self, _log, after=0, limit=None):
            return tuple(islice(scan(after), limit))

        def checkpoint(self):
            raise DAMAGE

    tracemalloc.start()
    try:
        found = registry.audit(Endless())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.size, failures(found)) == (count, {"tree"})
    assert peak < count * size / 3


def test_records_of_after_the_checkpoint_are_left_alone():
    ledger = a_registry()
    early = ledger.checkpoint()
    ledger.append([NewEntry("log0", 15, b"late"), NewEntry("new", 1, b"late")])
    assert registry.audit(Lying(ledger, checkpoint=lambda: early)).size == 40


def test_a_changed_record_is_found():
    ledger = a_registry()
    changed = scanning(ledger, lambda r: [*r[:7], replace_(r[7], data=b"changed"), *r[8:]])
    assert failures(registry.audit(changed)) == {"tree", "indexes"}
    every_sixteenth = scanning(ledger, lambda r: [replace_(r[0], data=b"changed"), *r[1:]])
    assert failures(registry.audit(every_sixteenth)) == {"tree", "indexes", "proofs"}


def replace_(record, **changes):
    return record._replace(**changes)


def test_records_in_another_order_are_found():
    ledger = a_registry()
    swapped = scanning(ledger, lambda r: [r[0], r[2], r[1], *r[3:]])
    found = registry.audit(swapped)
    assert failures(found) == {"records", "tree"}
    assert found.report.errors[0].path == "/2"
    assert "✗ records /2" in found.explain()
    assert "✗ damaged" in found._repr_html_()


def test_a_record_of_another_registry_is_found():
    foreign = MerkleLeaf("other.example", 3)
    ledger = scanning(a_registry(), lambda r: [*r[:3], replace_(r[3], evidence=foreign), *r[4:]])
    assert failures(registry.audit(ledger)) == {"records"}


def test_a_missing_version_is_found():
    ledger = a_registry()
    gap = scanning(ledger, lambda r: [*r[:4], replace_(r[4], version=9), *r[5:]])
    assert "versions" in failures(registry.audit(gap))
    no_first = scanning(ledger, lambda r: [replace_(r[0], version=2), *r[1:]])
    assert {"versions", "indexes"} <= failures(registry.audit(no_first))


def test_time_that_runs_backwards_is_found():
    early = START - timedelta(seconds=1)
    ledger = scanning(a_registry(), lambda r: [*r[:4], replace_(r[4], recorded_at=early), *r[5:]])
    assert "times" in failures(registry.audit(ledger))


def test_records_that_are_missing_at_the_end_are_found():
    found = registry.audit(scanning(a_registry(), lambda r: r[:-1]))
    assert failures(found) == {"tree", "indexes"}
    assert found.size == 39


def test_an_index_that_lacks_a_record_is_found():
    ledger = a_registry()
    short = Lying(ledger, read=lambda log, after, limit: ledger.read(log)[after:limit][1:])
    assert failures(registry.audit(short)) == {"indexes"}


def test_each_kind_of_finding_is_told_a_few_times_only():
    late = START - timedelta(seconds=1)

    def backwards(records):
        return [replace_(r, recorded_at=late - n * late.resolution) for n, r in enumerate(records)]

    found = registry.audit(scanning(a_registry(), backwards))
    assert sum(check.name == "times" for check in found.report) == MAX_TOLD


def raising(error):
    def fail(*_arguments, **_options):
        raise error

    return fail


DAMAGE = CorruptError("a page is torn", place="file")


def test_damage_is_told_and_not_raised():
    ledger = a_registry()
    for lie, question in (
        ("scan", "records"),
        ("read", "indexes"),
        ("prove_inclusion", "proofs"),
        ("checkpoint", "tree"),
    ):
        found = registry.audit(Lying(ledger, **{lie: raising(DAMAGE)}))
        assert question in failures(found)
        told = [check for check in found.report if check.name == question]
        assert told[0].outcome is Outcome.FAILED
        assert "torn" in told[0].problem.title


def test_a_world_that_fails_leaves_the_question_open():
    found = registry.audit(Lying(a_registry(), scan=raising(RegistryError("disk gone"))))
    told = {check.name: check.outcome for check in found.report}
    assert told["records"] is Outcome.INCONCLUSIVE
    assert "? records" in found.explain()


def test_without_a_checkpoint_the_records_are_read_all_the_same():
    found = registry.audit(Lying(a_registry(), checkpoint=raising(DAMAGE)))
    assert (found.size, found.origin) == (40, "")
    assert failures(found) == {"tree"}


def test_a_registry_without_merkle_log_is_audited_without_proofs():
    honest = a_registry()

    class Bare:
        """A registry that proves nothing."""

        scan, read, checkpoint = honest.scan, honest.read, honest.checkpoint

    assert registry.audit(Bare())


# --- earlier checkpoints


def test_earlier_checkpoints_are_held_against_the_records():
    ledger = a_registry(0)
    kept = [ledger.checkpoint()]
    for n in range(1, 6):
        ledger.append([NewEntry("log", n, b"entry")])
        kept.append(ledger.checkpoint())
    notes = [kept[0], kept[2].note, kept[5], kept[2]]
    found = registry.audit(ledger, checkpoints=notes, operator=OPERATOR.public_key)
    assert found
    paths = [check.path for check in found.report if check.name == "checkpoint"]
    assert paths == ["/0", "/2", "/2", "/5"]


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        (lambda: a_registry(41).checkpoint(), "rolled back"),
        (lambda: a_registry(20, 2).checkpoint(), "history changed"),
        (lambda: a_registry(20, origin="other.example").checkpoint(), "another registry"),
        (lambda: "no checkpoint", "begins with the lines"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_told(earlier, words):
    ledger = a_registry()
    found = registry.audit(ledger, checkpoints=[a_registry(20).checkpoint(), earlier()])
    assert failures(found) == {"checkpoint"}
    assert next(c.outcome for c in found.report if c.path == "/20") is Outcome.PASSED
    assert words in found.report.errors[0].title


def test_a_checkpoint_must_be_signed_and_cosigned_as_asked():
    ledger = a_registry()
    witness = Witness("witness.example/w", WITNESS, registry.connect("memory:"))
    claim = registry.claim_growth(ledger)
    note = witness.cosign(claim, origin=ORIGIN, operator=OPERATOR.public_key, at=START)
    asked = {"operator": OPERATOR.public_key, "witnesses": [witness.key]}
    assert registry.audit(ledger, checkpoints=[note], **asked)
    assert not registry.audit(ledger, checkpoints=[claim.note], **asked)
    assert not registry.audit(ledger, checkpoints=[note], operator=WITNESS.public_key)
    found = registry.audit(ledger, checkpoints=[note], witnesses=[witness.key])
    assert found.report.errors[0].code == Code.INVALID_OPTIONS


# --- what is inside


def test_entries_are_examined_by_whoever_knows_what_they_are():
    def examine(record):
        if record.data == b"7":
            return Problem(Code.INVALID_SIGNATURE, "not signed", path=f"/{record.sequence}")
        return None

    found = registry.audit(a_registry(), examine=examine)
    assert failures(found) == {"entries"}
    assert found.report.errors[0].path == "/8"
    assert registry.audit(a_registry(5), examine=examine).report.outcome("entries") == "passed"


# --- growth of a live registry


def test_growth_is_checked_against_what_was_kept():
    ledger = a_registry(20)
    kept = ledger.checkpoint()
    ledger.append([NewEntry("new", 1, b"entry")])
    assert registry.check_growth(ledger, kept).size == 21
    assert registry.check_growth(ledger, kept.note).size == 21
    assert registry.check_growth(ledger, a_registry(0).checkpoint())


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (lambda: a_registry(19), "it had 20 records, and has 19: it was rolled back"),
        (lambda: a_registry(0), "rolled back"),
        (lambda: a_registry(20, 2), "first 20 records are not what they were"),
        (lambda: a_registry(30, 2), "first 20 records are not what they were"),
    ],
)
def test_a_rolled_back_or_rewritten_registry_is_damage(now, words):
    with pytest.raises(CorruptError, match=words) as caught:
        registry.check_growth(now(), a_registry(20).checkpoint())
    assert caught.value.place == ORIGIN
    assert "keep both as evidence" in str(caught.value)


def test_growth_of_another_registry_or_without_merkle_log_is_no_question():
    with pytest.raises(InvalidInputError, match=r"other\.example"):
        registry.check_growth(a_registry(), a_registry(origin="other.example").checkpoint())
    with pytest.raises(InvalidInputError):
        registry.check_growth(a_registry(), "no checkpoint")
    with pytest.raises(UnsupportedError, match="no Merkle log"):
        registry.check_growth(object(), a_registry().checkpoint())
