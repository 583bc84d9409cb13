"""Mirrors: replicas and copies, brought up to date, and sources that lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityid import keys, registry
from cityid.errors import Code, CorruptError, InvalidInputError, RegistryError, UnsupportedError
from cityid.registry import MerkleLeaf, NewEntry, Replicable, Witness, mirroring

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
WITNESS = keys.generate(seed=b"a witness of the registry, 32 by")
START = datetime(2027, 3, 14, 9, 0, 0, 5, tzinfo=UTC)


class Ticking:
    """A clock that goes on by itself."""

    def __init__(self):
        self.time = START

    def __call__(self):
        self.time += timedelta(seconds=1)
        return self.time


def a_source(records=25, *, batch=4, logs=3):
    ledger = registry.connect("memory:", origin=ORIGIN, operator=OPERATOR, clock=Ticking())
    entries = [NewEntry(f"log{n % logs}", n // logs + 1, b"%d" % n) for n in range(records)]
    for first in range(0, records, batch):
        ledger.append(entries[first : first + batch])
    return ledger


@pytest.fixture(params=["memory", "file"])
def place(request, tmp_path):
    """Where a mirror is made, each time it is asked for a new one."""
    count = iter(range(100))
    if request.param == "memory":
        return lambda: "memory:"
    return lambda: f"file:{tmp_path / str(next(count))}"


def identities(ledger):
    return [(r.log, r.version, r.data) for r in ledger.scan()]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(mirroring, "_BATCH", 4)


# --- replicas


def test_a_replica_has_the_records_times_and_root_of_its_source(place):
    source, seen = a_source(), []
    with registry.connect(place(), origin=ORIGIN) as replica:
        done = registry.mirror(source, replica, progress=lambda *step: seen.append(step))
        assert (done.size, done.copied, done.replica) == (25, 25, True)
        assert list(replica.scan()) == list(source.scan())
        assert replica.checkpoint().root == source.checkpoint().root == done.root
        assert replica.checkpoint().time == source.checkpoint().time
        assert (seen[0], seen[-1]) == ((0, 25), (25, 25))
        proof = registry.prove(replica, replica.read("log1")[2], source.checkpoint())
        options = {"origin": ORIGIN, "operator": OPERATOR.public_key}
        assert registry.verify_proof(proof, b"7", **options) == source.read("log1")[2]
        assert registry.audit(replica, checkpoints=[source.checkpoint()])


def test_a_replica_is_brought_up_to_date_by_what_is_new(place):
    source = a_source(7)
    with registry.connect(place(), origin=ORIGIN) as replica:
        assert registry.mirror(source, replica).copied == 7
        assert registry.mirror(source, replica).copied == 0
        source.append([NewEntry("new", n, b"x") for n in range(1, 10)])
        done = registry.mirror(source, replica)
        assert (done.copied, done.size) == (9, 16)
        assert replica.checkpoint().root == source.checkpoint().root
        assert "one Merkle tree" in done._repr_html_()
        assert done.to_dict()["replica"] is True


def test_a_replica_takes_appends_as_its_source_would(place):
    source = a_source(7)
    with registry.connect(place(), origin=ORIGIN, clock=Ticking()) as replica:
        registry.mirror(source, replica)
        (record,) = replica.append([NewEntry("log0", 4, b"next")])
        assert (record.sequence, record.evidence) == (8, MerkleLeaf(ORIGIN, 7))


def test_an_empty_source_has_an_empty_replica(place):
    with registry.connect(place(), origin=ORIGIN) as replica:
        assert registry.mirror(a_source(0), replica).size == 0


def test_a_replica_goes_up_to_the_checkpoint_that_is_given(place):
    source = a_source(10)
    kept = source.checkpoint().note
    source.append([NewEntry("new", 1, b"x")])
    with registry.connect(place(), origin=ORIGIN) as replica:
        options = {"checkpoint": kept, "operator": OPERATOR.public_key}
        assert registry.mirror(source, replica, **options).size == 10
        with pytest.raises(InvalidInputError) as caught:
            registry.mirror(source, replica, checkpoint=kept, operator=WITNESS.public_key)
        assert caught.value.code == Code.INVALID_SIGNATURE


@pytest.mark.parametrize("origin", [ORIGIN, "copy.example"])
@pytest.mark.parametrize("later", [lambda: a_source(11), lambda: a_source(10, logs=2)])
def test_a_source_that_is_not_what_the_checkpoint_says_is_refused(place, origin, later):
    with registry.connect(place(), origin=origin) as target:
        with pytest.raises(CorruptError, match=r"is not what its checkpoint of 1. records says"):
            registry.mirror(a_source(10), target, checkpoint=later().checkpoint().note)
        assert target.checkpoint().size == 0


def test_a_mirror_can_ask_for_witnesses(place):
    source = a_source(10)
    witness = Witness("witness.example/w", WITNESS, registry.connect("memory:"))
    claim = registry.claim_growth(source)
    note = witness.cosign(claim, origin=ORIGIN, operator=OPERATOR.public_key, at=START)
    asked = {"operator": OPERATOR.public_key, "witnesses": [witness.key], "threshold": 1}
    with registry.connect(place(), origin=ORIGIN) as replica:
        with pytest.raises(InvalidInputError, match="0 of the witnesses"):
            registry.mirror(source, replica, **asked)
        assert registry.mirror(source, replica, checkpoint=note, **asked).size == 10


@pytest.mark.parametrize("other", [lambda: a_source(25, logs=2), lambda: a_source(30, logs=2)])
def test_a_source_of_another_history_is_refused_and_nothing_is_written(place, other):
    with registry.connect(place(), origin=ORIGIN) as replica:
        registry.mirror(a_source(10), replica)
        before = list(replica.scan())
        with pytest.raises(CorruptError, match="does not begin with what the mirror has"):
            registry.mirror(other(), replica)
        assert list(replica.scan()) == before
        assert registry.mirror(a_source(12), replica).copied == 2


def test_a_source_that_was_rolled_back_is_refused(place):
    with registry.connect(place(), origin=ORIGIN) as replica:
        registry.mirror(a_source(10), replica)
        with pytest.raises(CorruptError, match="has 10 records, and the source 9"):
            registry.mirror(a_source(9), replica)


class Lying:
    """A source whose records or proofs are not those of its checkpoint."""

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


def altered(source, place, **changes):
    def scan(after=0):
        for record in source.scan(after):
            yield changed(record, **changes) if record.sequence == place else record

    return Lying(source, scan=scan)


def changed(record, **changes):
    return record._replace(**changes)


@pytest.mark.parametrize("sequence", [2, 4, 9])
@pytest.mark.parametrize(
    "changes",
    [{"data": b"forged"}, {"recorded_at": START + timedelta(days=1)}, {"log": "other"}],
)
@pytest.mark.parametrize("origin", [ORIGIN, "copy.example"])
def test_a_record_that_the_checkpoint_does_not_have_is_not_written(
    place, sequence, changes, origin
):
    source = a_source(9)
    with registry.connect(place(), origin=origin) as target:
        with pytest.raises(CorruptError, match="is not what its checkpoint of 9 records says"):
            registry.mirror(altered(source, sequence, **changes), target)
        assert target.checkpoint().size == (sequence - 1) // 4 * 4
        assert registry.mirror(source, target).size == 9


def test_a_source_that_ends_too_early_is_refused(place):
    source = a_source(9)
    short = Lying(source, scan=lambda after=0: iter(list(source.scan())[after:8]))
    for origin in (ORIGIN, "copy.example"):
        with (
            registry.connect(place(), origin=origin) as target,
            pytest.raises(CorruptError, match="it has 8 records"),
        ):
            registry.mirror(short, target)


def test_a_mirroring_that_was_interrupted_goes_on_where_it_was(place):
    source = a_source(25)

    def breaking(after=0):
        for record in source.scan(after):
            if record.sequence == 10:
                raise RegistryError("the disk is gone")
            yield record

    for origin in (ORIGIN, "copy.example"):
        with registry.connect(place(), origin=origin) as target:
            with pytest.raises(RegistryError, match="the disk is gone"):
                registry.mirror(Lying(source, scan=breaking), target)
            assert target.checkpoint().size == 8
            assert registry.mirror(source, target).copied == 17
            assert identities(target) == identities(source)


def test_a_proof_that_does_not_hold_is_refused(place):
    source = a_source(9)
    forged = Lying(source)
    forged.prove_inclusion = lambda _index, _size: (b"",)
    with registry.connect(place(), origin=ORIGIN) as target:
        with pytest.raises(CorruptError, match="record 4 is another"):
            registry.mirror(forged, target)
        assert target.checkpoint().size == 0


# --- copies


def test_a_copy_has_the_records_and_times_of_its_own(place):
    source = a_source()
    with registry.connect(place(), origin="copy.example") as copy:
        done = registry.mirror(source, copy)
        assert (done.size, done.copied, done.replica) == (25, 25, False)
        assert (done.source, done.target) == (ORIGIN, "copy.example")
        assert identities(copy) == identities(source)
        assert registry.mirror(source, copy).copied == 0
        source.append([NewEntry("new", 1, b"x")])
        assert registry.mirror(source, copy).copied == 1
        assert identities(copy) == identities(source)
        assert "log, version and data" in done._repr_html_()


def test_there_and_back_again_are_the_same_records(place):
    source = a_source()
    with (
        registry.connect(place(), origin="copy.example") as copy,
        registry.connect(place(), origin="third.example") as back,
    ):
        registry.mirror(source, copy)
        registry.mirror(copy, back)
        assert identities(back) == identities(source)


def test_a_copy_with_other_records_is_refused(place):
    with registry.connect(place(), origin="copy.example") as copy:
        copy.append([NewEntry("log0", 1, b"something else")])
        with pytest.raises(CorruptError, match="record 1 is another in the mirror"):
            registry.mirror(a_source(), copy)
        registry.mirror(copy, ahead := registry.connect("memory:", origin="ahead.example"))
        ahead.append([NewEntry("log0", 2, b"more")])
        with pytest.raises(CorruptError, match="has 2 records, and the source 1"):
            registry.mirror(copy, ahead)


def test_a_copy_that_somebody_else_writes_to_is_refused():
    target = registry.connect("memory:", origin="copy.example")

    class Shared(Lying):
        """A target that gets a record of somebody else in between."""

        def append(self, entries):
            done = target.append(entries)
            if entries:
                head = target.head("other")
                target.append([NewEntry("other", head.version + 1 if head else 1, b"")])
            return done

    with pytest.raises(CorruptError, match=r"somebody else|another in the mirror"):
        registry.mirror(a_source(3), Shared(target))


def test_large_records_go_in_smaller_batches(monkeypatch):
    monkeypatch.setattr(mirroring, "_BATCH_BYTES", 100)
    source = registry.connect("memory:", origin=ORIGIN)
    source.append([NewEntry("log", n, bytes(60)) for n in range(1, 4)])
    source.append([NewEntry("log", 4, bytes(300))])
    target = registry.connect("memory:", origin=ORIGIN)
    assert registry.mirror(source, target).copied == 4


# --- what can be mirrored


def test_a_source_without_merkle_log_and_a_target_without_replication_are_refused():
    with pytest.raises(UnsupportedError, match="no Merkle log"):
        registry.mirror(object(), a_source())

    class Bare:
        """A registry that takes nothing over."""

        checkpoint = a_source(0).checkpoint

    with pytest.raises(UnsupportedError, match="a name of its own"):
        registry.mirror(a_source(), Bare())


# --- what every backend promises that takes records over


@pytest.fixture
def replica(place):
    with registry.connect(place(), origin=ORIGIN) as opened:
        yield opened


def test_every_backend_can_be_a_replica(replica):
    assert isinstance(replica, Replicable)


def test_nothing_is_taken_over_that_is_not_next(replica):
    source = a_source(9)
    records, root = list(source.scan()), source.checkpoint().root
    early = START - timedelta(days=1)
    for wrong in (
        records[1:],
        records[:3] + records[4:],
        [changed(records[0], evidence=MerkleLeaf("other", 0)), *records[1:]],
        [changed(records[0], version=2), *records[1:]],
        [changed(records[0], log="a b"), *records[1:]],
        [*records[:8], changed(records[8], recorded_at=early)],
        records[:8],
        [],
    ):
        with pytest.raises(InvalidInputError):
            replica.replicate(wrong, root=root)
        assert replica.checkpoint().size == 0
    replica.replicate(records, root=root)
    assert list(replica.scan()) == records
    with pytest.raises(InvalidInputError):
        replica.replicate(records, root=root)
    replica.replicate([], root=root)


def test_records_of_several_times_are_taken_over_at_once(replica):
    source = a_source(9, batch=2)
    replica.replicate(list(source.scan()), root=source.checkpoint().root)
    assert replica.read("log1") == source.read("log1")
    assert replica.head("log2") == source.head("log2")
    assert replica.prove_consistency(5, 9) == source.prove_consistency(5, 9)
