"""A registry's file that was rolled back, cut off, forked or edited: each is found out."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from cityid import keys, registry
from cityid.errors import CorruptError, InvalidInputError
from cityid.registry import NewEntry, Witness

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
WITNESS = keys.generate(seed=b"a witness of the registry, 32 by")
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "city.registry"


def opened(place):
    return registry.connect(f"file:{place}", origin=ORIGIN, operator=OPERATOR, clock=lambda: TIME)


def grow(place, count, data=b"entry"):
    with opened(place) as ledger:
        head = ledger.head("log")
        first = head.version + 1 if head else 1
        ledger.append([NewEntry("log", first + n, data) for n in range(count)])
        return ledger.checkpoint()


def edit(place, *statements):
    connection = sqlite3.connect(place)
    with connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0
    connection.close()


def found_out(place, known):
    """Tell which of the ways to look at a registry show that it was tampered with."""
    ways = set()
    try:
        with opened(place) as ledger:
            try:
                registry.check_growth(ledger, known)
            except CorruptError:
                ways.add("growth")
            if not registry.audit(ledger, checkpoints=[known]):
                ways.add("audit")
            for asked in (lambda: list(ledger.scan()), lambda: ledger.read("log")):
                try:
                    asked()
                except CorruptError:
                    ways.add("reading")
    except CorruptError:
        ways.add("opening")
    return ways


def test_a_registry_that_has_only_grown_passes(place):
    known = grow(place, 20)
    assert found_out(place, known) == set()
    grow(place, 20)
    assert found_out(place, known) == set()


def test_a_file_put_back_to_an_older_state_is_found_out(place):
    grow(place, 20)
    older = place.with_name("older")
    shutil.copy(place, older)
    known = grow(place, 5)
    shutil.copy(older, place)
    assert found_out(place, known) == {"growth", "audit"}


def test_an_older_state_that_went_on_otherwise_is_found_out(place):
    grow(place, 20)
    older = place.with_name("older")
    shutil.copy(place, older)
    known = grow(place, 5)
    shutil.copy(older, place)
    grow(place, 5, b"another history")
    assert found_out(place, known) == {"growth", "audit"}
    grow(place, 50)
    assert found_out(place, known) == {"growth", "audit"}


def test_a_new_registry_of_the_same_name_is_found_out(place):
    known = grow(place, 20)
    place.unlink()
    grow(place, 30, b"another history")
    assert found_out(place, known) == {"growth", "audit"}


def test_an_emptied_registry_is_found_out(place):
    known = grow(place, 20)
    place.unlink()
    with opened(place) as ledger:
        with pytest.raises(CorruptError, match="has 0: it was rolled back"):
            registry.check_growth(ledger, known)
        assert not registry.audit(ledger, checkpoints=[known])


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE record SET data = x'00' WHERE sequence = 7"],
        ["UPDATE record SET recorded_at = recorded_at + 1 WHERE sequence = 7"],
        ["UPDATE record SET version = 70 WHERE sequence = 7"],
        ["UPDATE record SET log = 'other' WHERE sequence = 7"],
        ["UPDATE record SET leaf = zeroblob(32) WHERE sequence = 7"],
        ["DELETE FROM record WHERE sequence = 7"],
        ["DELETE FROM record WHERE sequence = 40"],
        ["DELETE FROM record WHERE sequence > 20"],
        ["DELETE FROM record"],
        ["DELETE FROM entry"],
        ["DELETE FROM head"],
        ["UPDATE head SET version = version - 1"],
        ["UPDATE node SET hash = zeroblob(32) WHERE level = 4 AND position = 0"],
        ["DELETE FROM node WHERE position = 1"],
        ["UPDATE registry SET origin = 'other.example'"],
    ],
)
def test_an_edited_file_is_found_out_by_an_audit(place, statements):
    known = grow(place, 40)
    edit(place, *statements)
    assert found_out(place, known) & {"audit", "opening"}


COPIED = "log, version, recorded_at, leaf, root, data FROM record WHERE sequence = 7"


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO record SELECT -1, {COPIED}",
        f"INSERT INTO record SELECT 0, {COPIED}",
        "INSERT INTO entry SELECT max(place) + 5, 7 FROM entry",
        "INSERT INTO entry SELECT max(place) + 1, 700 FROM entry",
        "INSERT INTO entry VALUES (12345, 7)",
        "INSERT INTO head VALUES (12345, 3)",
        "INSERT INTO node VALUES (8, 0, zeroblob(32))",
        "INSERT INTO node VALUES (12, 0, zeroblob(32))",
        "INSERT INTO node VALUES (5, 0, zeroblob(32))",
        "INSERT INTO node VALUES (4, -1, zeroblob(32))",
    ],
)
def test_rows_planted_ahead_of_the_records_are_found_out_by_an_audit(place, statement):
    """They answer no question yet; some would stand in the way of an append years later."""
    known = grow(place, 40)
    assert found_out(place, known) == set()
    edit(place, statement)
    with opened(place) as ledger:
        found = registry.audit(ledger, checkpoints=[known])
    assert {check.name for check in found.report if check.problem} == {"indexes"}
    assert "rows, and should have" in found.explain()


def test_a_witness_does_not_cosign_what_was_rolled_back(place):
    with opened(place) as ledger:
        witness = Witness("witness.example/w", WITNESS, registry.connect("memory:"))
        older = ledger.checkpoint()
        ledger.append([NewEntry("log", 1, b"entry")])
        options = {"origin": ORIGIN, "operator": OPERATOR.public_key, "at": TIME}
        assert witness.cosign(registry.claim_growth(ledger), **options)
        with pytest.raises(InvalidInputError, match="went back"):
            witness.cosign(registry.claim_growth(ledger, checkpoint=older), **options)


def test_a_mirror_tells_which_records_were_rewritten(place):
    grow(place, 20)
    with registry.connect("memory:", origin=ORIGIN) as mirror:
        with opened(place) as ledger:
            registry.mirror(ledger, mirror)
        place.unlink()
        grow(place, 25, b"another history")
        with opened(place) as ledger, pytest.raises(CorruptError, match="different histories"):
            registry.mirror(ledger, mirror)
        assert {record.data for record in mirror.scan()} == {b"entry"}
