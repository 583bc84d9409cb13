"""What every registry promises, asked of every backend in the table."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate, islice, pairwise

import pytest

from cityid import keys, registry
from cityid.errors import (
    Code,
    ConflictError,
    InvalidInputError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry import BlockEntry, MerkleLeaf, NewEntry, Record, admission, merkle
from cityid.registry.base import leaf_content

SECOND = timedelta(seconds=1)
START = datetime(2027, 3, 14, 9, tzinfo=UTC)
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
ORIGIN = "city.example/registry"


class Clock:
    """A clock that the test sets."""

    def __init__(self):
        self.time = START
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self.time


@pytest.fixture
def clock():
    return Clock()


# A chain of other people is one of these behind a network, with the same contract on it.
KINDS = sorted(registry.BACKENDS.keys() - {"ethereum+http", "ethereum+https"})


@pytest.fixture(params=KINDS)
def address(request, tmp_path):
    return f"{request.param}:{tmp_path / 'city.registry' if request.param == 'file' else ''}"


@pytest.fixture
def accepted(address):
    """When a registry accepts, one after another, what comes when its clock says some times."""
    return block_times if address == "ethereum+tester:" else times


def times(*wishes):
    return list(accumulate(wishes, max))


def block_times(*wishes):
    """Blocks have whole seconds, each later than the one before; the first made the contract."""
    made = datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    seconds = (wish.astimezone(UTC).replace(microsecond=0) for wish in wishes)
    return list(accumulate(seconds, lambda a, b: max(a + SECOND, b), initial=made))[1:]


def leaf(record):
    """A record with the evidence that a proof of it has: a chain gives another, as it should."""
    if isinstance(record.evidence, MerkleLeaf):
        return record
    assert isinstance(record.evidence, BlockEntry)
    assert record.evidence.block > 0
    return record._replace(evidence=MerkleLeaf(ORIGIN, record.sequence - 1))


@pytest.fixture
def ledger(address, clock):
    with registry.connect(address, origin=ORIGIN, operator=OPERATOR, clock=clock) as opened:
        yield opened


def entries(*items):
    return [NewEntry(log, version, data) for log, version, data in items]


def contents(records):
    return [(r.log, r.version, r.data) for r in records]


def everything(ledger):
    return tuple(ledger.scan()), ledger.checkpoint()


# --- append, read, head, scan


def test_an_empty_registry_has_nothing(ledger):
    assert ledger.read("a") == ()
    assert ledger.head("a") is None
    assert list(ledger.scan()) == []
    checkpoint = ledger.checkpoint()
    assert (checkpoint.size, checkpoint.root, checkpoint.time) == (0, merkle.EMPTY_ROOT, None)


def test_an_appended_entry_is_answered_and_read_as_its_record(ledger):
    expected = Record("did:example:1", 1, b"first", START, MerkleLeaf(ORIGIN, 0), 1)
    (record,) = ledger.append(entries(("did:example:1", 1, b"first")))
    assert leaf(record) == expected
    assert ledger.read("did:example:1") == (record,)
    assert ledger.head("did:example:1") == record
    assert tuple(ledger.scan()) == (record,)


def test_an_empty_append_does_nothing(ledger, clock):
    assert ledger.append([]) == ()
    assert clock.asked == 0


def test_a_log_is_read_in_order_after_a_version_up_to_a_limit(ledger):
    for version in range(1, 8):
        ledger.append(entries(("a", version, b"%d" % version), ("b", version, b"b")))
    versions = lambda **options: [r.version for r in ledger.read("a", **options)]  # noqa: E731 - shorter here
    assert versions() == [1, 2, 3, 4, 5, 6, 7]
    assert versions(after=5) == [6, 7]
    assert versions(limit=2) == [1, 2]
    assert versions(after=2, limit=3) == [3, 4, 5]
    assert versions(after=6, limit=3) == [7]
    assert versions(after=7) == versions(after=8) == versions(after=2**53 - 1) == []
    assert versions(limit=0) == versions(after=3, limit=0) == []
    assert ledger.head("a").version == 7
    assert all(r.data == b"%d" % r.version for r in ledger.read("a"))


def test_logs_do_not_mix(ledger):
    ledger.append(entries(("a", 1, b"1"), ("ab", 1, b"2"), ("A", 1, b"3"), ("a/b", 1, b"4")))
    assert [contents(ledger.read(log)) for log in ("a", "ab", "A", "a/b")] == [
        [("a", 1, b"1")],
        [("ab", 1, b"2")],
        [("A", 1, b"3")],
        [("a/b", 1, b"4")],
    ]
    assert ledger.read("b") == ()


def test_scan_gives_every_record_in_the_order_of_acceptance(ledger):
    batches = [[(f"log{i % 7}", i // 7 + 1, b"%d" % i)] for i in range(40)]
    batches.append([(f"batch{i}", 1, b"x" * i) for i in range(1200)])
    appended = [record for batch in batches for record in ledger.append(entries(*batch))]
    assert list(ledger.scan()) == appended
    assert [r.sequence for r in appended] == list(range(1, 1241))
    assert [leaf(r).evidence for r in appended] == [MerkleLeaf(ORIGIN, i) for i in range(1240)]
    assert list(ledger.scan(after=1237)) == appended[1237:]
    assert list(ledger.scan(after=1240)) == list(ledger.scan(after=5000)) == []


def test_scan_does_not_hold_up_writers_and_sees_what_they_write(ledger):
    ledger.append(entries(*((f"a{i}", 1, b"") for i in range(700))))
    walk = ledger.scan()
    assert next(walk).sequence == 1
    ledger.append(entries(("later", 1, b"")))
    assert [r.log for r in walk][-1] == "later"


def test_scan_takes_large_records(ledger):
    data = bytes(admission.MAX_DATA)
    for version in range(1, 8):
        ledger.append(entries(("large", version, data)))
    assert [len(r.data) for r in islice(ledger.scan(), 7)] == [len(data)] * 7


# --- versions, conflicts, retries


@pytest.mark.parametrize("version", [2, 3, 2**53 - 1])
def test_a_version_beyond_the_next_conflicts(ledger, version):
    with pytest.raises(ConflictError) as caught:
        ledger.append(entries(("a", version, b"x")))
    error = caught.value
    assert (error.log, error.expected, error.found) == ("a", version, 1)
    assert error.code == Code.REGISTRY_CONFLICT
    assert everything(ledger)[0] == ()


def test_a_version_that_is_taken_by_other_data_conflicts(ledger):
    ledger.append(entries(("a", 1, b"one"), ("a", 2, b"two")))
    before = everything(ledger)
    with pytest.raises(ConflictError) as caught:
        ledger.append(entries(("a", 2, b"other")))
    assert (caught.value.expected, caught.value.found) == (2, 3)
    with pytest.raises(ConflictError):
        ledger.append(entries(("a", 1, b"two")))
    assert everything(ledger) == before


def test_the_same_entry_again_is_answered_with_its_first_record(ledger, clock):
    first = ledger.append(entries(("a", 1, b"one"), ("a", 2, b"two")))
    clock.time += timedelta(days=1)
    asked = clock.asked
    assert ledger.append(entries(("a", 1, b"one"))) == first[:1]
    assert ledger.append(entries(("a", 2, b"two"), ("a", 1, b"one"))) == first[::-1]
    assert ledger.append(entries(("a", 1, b"one"), ("a", 1, b"one"))) == first[:1] * 2
    assert clock.asked == asked
    assert tuple(ledger.scan()) == first


def test_a_batch_of_which_a_part_is_there_adds_the_rest(ledger, clock):
    (first,) = ledger.append(entries(("a", 1, b"one")))
    clock.time += timedelta(hours=1)
    again, second, other = ledger.append(
        entries(("a", 1, b"one"), ("a", 2, b"two"), ("b", 1, b"other"))
    )
    assert again == first
    assert (second.recorded_at, other.recorded_at) == (clock.time, clock.time)
    assert tuple(ledger.scan()) == (first, second, other)


def test_a_batch_may_touch_a_log_more_than_once(ledger):
    ledger.append(entries(("a", 1, b"1")))
    records = ledger.append(
        entries(("a", 2, b"2"), ("b", 1, b"x"), ("a", 3, b"3"), ("b", 2, b"y"), ("a", 4, b"4"))
    )
    assert [r.sequence for r in records] == [2, 3, 4, 5, 6]
    assert [r.data for r in ledger.read("a")] == [b"1", b"2", b"3", b"4"]
    assert ledger.head("b").data == b"y"


def test_the_same_new_entry_twice_in_a_batch_is_one_record(ledger):
    one, two, again = ledger.append(entries(("a", 1, b"1"), ("a", 2, b"2"), ("a", 1, b"1")))
    assert again == one
    assert tuple(ledger.scan()) == (one, two)


@pytest.mark.parametrize(
    "batch",
    [
        [("b", 1, b"x"), ("a", 1, b"other")],
        [("b", 1, b"x"), ("a", 3, b"gap")],
        [("b", 1, b"x"), ("b", 1, b"y")],
        [("b", 1, b"x"), ("b", 3, b"y")],
        [("a", 2, b"x"), ("a", 2, b"y")],
        [("b", 2, b"before"), ("b", 1, b"after")],
    ],
)
def test_a_batch_with_one_conflict_adds_nothing(ledger, batch):
    ledger.append(entries(("a", 1, b"one")))
    before = everything(ledger)
    with pytest.raises(ConflictError):
        ledger.append(entries(*batch))
    assert everything(ledger) == before
    assert ledger.head("b") is None
    assert [r.sequence for r in ledger.append(entries(("b", 1, b"now")))] == [2]


def test_after_a_conflict_and_after_bad_input_the_registry_goes_on(ledger):
    for version in range(1, 30):
        with pytest.raises(ConflictError):
            ledger.append(entries(("a", version + 1, b"x")))
        with pytest.raises(InvalidInputError):
            ledger.append(entries(("a", 0, b"x")))
        ledger.append(entries(("a", version, b"x")))
    assert len(ledger.read("a")) == 29


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Data(bytes):
    pass


def test_kinds_of_text_number_and_bytes_are_what_they_are(ledger):
    (record,) = ledger.append([NewEntry(Text("a"), Number(1), Data(b"x"))])
    assert ledger.read("a") == (record,) == ledger.append(entries(("a", 1, b"x")))
    for wrong in (NewEntry(Text("é"), 1, b""), NewEntry("a", Number(0), b"")):
        with pytest.raises(InvalidInputError):
            ledger.append([wrong])


# --- time


def test_the_registry_keeps_its_own_time_in_utc_to_the_microsecond(ledger, clock, accepted):
    clock.time = datetime(2027, 3, 14, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=3)))
    (record,) = ledger.append(entries(("a", 1, b"")))
    assert [record.recorded_at] == accepted(clock.time)
    assert record.recorded_at.tzinfo is UTC
    assert ledger.head("a") == record


def test_time_never_runs_backwards(ledger, clock, accepted):
    wishes = [START, START - timedelta(days=400), START + timedelta(microseconds=1)]
    for version, clock.time in enumerate(wishes, 1):
        ledger.append(entries(("a", version, b"")))
    times = [r.recorded_at for r in ledger.scan()]
    assert times == accepted(*wishes) == sorted(times)
    assert ledger.checkpoint().time == times[-1]


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_any_time_that_a_calendar_has_is_kept(ledger, clock, year, accepted):
    clock.time = datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    ledger.append(entries(("a", 1, b"")))
    assert [ledger.head("a").recorded_at] == accepted(clock.time)


def test_a_clock_without_offset_is_refused_and_nothing_is_written(ledger, clock):
    clock.time = datetime(2027, 1, 1)  # noqa: DTZ001 - the fault
    with pytest.raises(InvalidInputError, match="offset"):
        ledger.append(entries(("a", 1, b"")))
    clock.time = START
    assert [r.sequence for r in ledger.append(entries(("a", 1, b"")))] == [1]


def test_one_batch_has_one_time(ledger):
    records = ledger.append(entries(*((f"a{i}", 1, b"") for i in range(10))))
    assert {r.recorded_at for r in records} == {START}


# --- limits and strange input


@pytest.mark.parametrize(
    "log",
    [
        "!",
        "'; DROP TABLE record; --",
        '"',
        "%",
        "_",
        "\\",
        "..",
        "/",
        "NULL",
        "0",
        "-1",
        "did:webvh:QmX:city.example",
        "https://id.city.example/status/1?a=b#c",
        "x" * 1024,
        "".join(map(chr, range(33, 127))),
    ],
)
def test_any_visible_ascii_names_a_log(ledger, log):
    log = log.replace(" ", "")
    (record,) = ledger.append(entries((log, 1, b"x")))
    assert ledger.read(log) == (record,)
    assert ledger.head(log).log == log
    assert ledger.head(log + "!" if len(log) < 1024 else "?") is None


BAD_LOGS = [
    ("", Code.MALFORMED_VALUE_ERROR),
    (" ", Code.MALFORMED_VALUE_ERROR),
    ("a b", Code.MALFORMED_VALUE_ERROR),
    ("a\n", Code.MALFORMED_VALUE_ERROR),
    ("a\x00b", Code.MALFORMED_VALUE_ERROR),
    ("é", Code.MALFORMED_VALUE_ERROR),
    ("\ud800", Code.MALFORMED_VALUE_ERROR),
    ("\x7f", Code.MALFORMED_VALUE_ERROR),
    ("x" * 1025, Code.INPUT_TOO_LARGE),
    ("x" * 10_000_000, Code.INPUT_TOO_LARGE),
    (b"a", Code.MALFORMED_VALUE_ERROR),
    (None, Code.MALFORMED_VALUE_ERROR),
    (1, Code.MALFORMED_VALUE_ERROR),
    (["a"], Code.MALFORMED_VALUE_ERROR),
]


@pytest.mark.parametrize(("log", "code"), BAD_LOGS, ids=lambda value: repr(value)[:12])
def test_other_names_are_refused(ledger, log, code):
    with pytest.raises(InvalidInputError) as caught:
        ledger.append(entries(("fine", 1, b""), (log, 1, b"")))
    assert (caught.value.code, caught.value.path) == (code, "/1/log")
    assert len(str(caught.value)) < 300
    for ask in (ledger.read, ledger.head):
        with pytest.raises(InvalidInputError) as caught:
            ask(log)
        assert caught.value.code == code
    assert ledger.head("fine") is None


BAD_NUMBERS = [-1, True, False, 1.0, "1", None, 2**53, 2**64, [1], float("nan")]


@pytest.mark.parametrize("number", [0, *BAD_NUMBERS], ids=repr)
def test_a_version_is_a_whole_number_from_one(ledger, number):
    with pytest.raises(InvalidInputError) as caught:
        ledger.append(entries(("a", number, b"")))
    assert (caught.value.code, caught.value.path) == (Code.NUMBER_OUT_OF_RANGE, "/0/version")


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=repr)
def test_a_range_is_made_of_whole_numbers(ledger, number):
    with pytest.raises(InvalidInputError):
        ledger.read("a", after=number)
    with pytest.raises(InvalidInputError):
        ledger.scan(number)
    if number is not None:
        with pytest.raises(InvalidInputError):
            ledger.read("a", limit=number)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff\xfe", bytes(range(256)), b"'", b"x" * admission.MAX_DATA], ids=len
)
def test_any_bytes_are_kept(ledger, data):
    ledger.append(entries(("a", 1, data)))
    assert ledger.head("a").data == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("text", Code.MALFORMED_VALUE_ERROR),
        (None, Code.MALFORMED_VALUE_ERROR),
        (bytearray(b"x"), Code.MALFORMED_VALUE_ERROR),
        (memoryview(b"x"), Code.MALFORMED_VALUE_ERROR),
        ({}, Code.MALFORMED_VALUE_ERROR),
        (b"x" * (admission.MAX_DATA + 1), Code.INPUT_TOO_LARGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_data_is_refused(ledger, data, code):
    with pytest.raises(InvalidInputError) as caught:
        ledger.append(entries(("a", 1, data)))
    assert (caught.value.code, caught.value.path) == (code, "/0/data")


@pytest.mark.parametrize(
    "batch", [None, 1, {}, NewEntry("a", 1, b""), iter([]), [("a", 1, b"")], [None], "ab", b"ab"]
)
def test_what_is_not_a_list_of_entries_is_refused(ledger, batch):
    with pytest.raises(InvalidInputError):
        ledger.append(batch)


def test_a_batch_has_limits(ledger):
    entry = NewEntry("a", 1, b"")
    assert len(ledger.append([entry] * admission.MAX_BATCH)) == admission.MAX_BATCH
    with pytest.raises(InvalidInputError) as caught:
        ledger.append([entry] * (admission.MAX_BATCH + 1))
    assert caught.value.code == Code.INPUT_TOO_LARGE
    large = NewEntry("b", 1, bytes(admission.MAX_DATA))
    with pytest.raises(InvalidInputError) as caught:
        ledger.append([large] * 65)
    assert caught.value.code == Code.INPUT_TOO_LARGE
    assert ledger.head("b") is None


# --- checkpoints and proofs


def test_a_checkpoint_is_signed_by_the_operator(ledger):
    ledger.append(entries(("a", 1, b"x"), ("b", 1, b"y")))
    checkpoint = ledger.checkpoint()
    leaves = [
        merkle.leaf_hash(leaf_content(r.log, r.version, r.data, r.recorded_at))
        for r in ledger.scan()
    ]
    assert checkpoint.root == merkle.node_hash(*leaves)
    assert (checkpoint.origin, checkpoint.size, checkpoint.time) == (ORIGIN, 2, START)
    read = registry.verify_checkpoint(checkpoint.note, origin=ORIGIN, operator=OPERATOR.public_key)
    assert (read.origin, read.size, read.root) == (ORIGIN, 2, checkpoint.root)
    assert ledger.checkpoint() == checkpoint


def test_without_an_operator_a_checkpoint_is_not_signed(address):
    with registry.connect(address) as ledger:
        ledger.append(entries(("a", 1, b"x")))
        checkpoint = ledger.checkpoint()
    assert checkpoint.note.count("\n") == 3
    assert registry.read_checkpoint(checkpoint.note).root == checkpoint.root
    with pytest.raises(InvalidInputError) as caught:
        registry.verify_checkpoint(
            checkpoint.note, origin=checkpoint.origin, operator=OPERATOR.public_key
        )
    assert caught.value.code == Code.INVALID_SIGNATURE


def test_every_record_is_proved_at_every_size(ledger):
    checkpoints = [ledger.checkpoint()]
    records = []
    for i in range(40):
        records += ledger.append(entries(("a", i + 1, b"%d" % i)))
        checkpoints.append(ledger.checkpoint())
    for old, new in ((o, n) for n in checkpoints for o in checkpoints[: n.size + 1]):
        path = ledger.prove_consistency(old.size, new.size)
        registry.verify_growth(old, new, path)
    for checkpoint in checkpoints[1:]:
        for record in records[: checkpoint.size]:
            proof = registry.prove(ledger, record, checkpoint).to_text()
            proved = registry.verify_proof(
                proof, record.data, origin=ORIGIN, operator=OPERATOR.public_key
            )
            assert proved == leaf(record)


def test_a_record_is_not_proved_under_a_checkpoint_before_it(ledger):
    ledger.append(entries(("a", 1, b"x")))
    early = ledger.checkpoint()
    (record,) = ledger.append(entries(("a", 2, b"y")))
    with pytest.raises(InvalidInputError):
        registry.prove(ledger, record, early)


def test_a_record_of_another_registry_is_not_proved(ledger):
    ledger.append(entries(("a", 1, b"x")))
    foreign = Record("a", 1, b"forged", START, MerkleLeaf(ORIGIN, 0), 1)
    with pytest.raises(InvalidInputError) as caught:
        registry.prove(ledger, foreign)
    assert caught.value.code == Code.PROOF_VERIFICATION_ERROR


@pytest.mark.parametrize("number", [-1, True, 1.0, "1", None, 2**70], ids=repr)
def test_proofs_are_of_leaves_and_trees_that_are_there(ledger, number):
    ledger.append(entries(("a", 1, b"x")))
    for prove in (ledger.prove_inclusion, ledger.prove_consistency):
        for arguments in ((number, 1), (0, number), (2, 1), (0, 2)):
            with pytest.raises(InvalidInputError) as caught:
                prove(*arguments)
            assert caught.value.code == Code.NUMBER_OUT_OF_RANGE


def test_the_root_does_not_depend_on_how_entries_are_batched(clock, address):
    items = [(f"log{i % 5}", i // 5 + 1, b"%d" % i) for i in range(100)]
    with registry.connect(address, origin=ORIGIN, clock=clock) as ledger:
        for size in (1, 2, 37, 60):
            ledger.append(entries(*items[:size]))
            items = items[size:]
        one_by_one = merkle.Frontier()
        for record in ledger.scan():
            content = leaf_content(record.log, record.version, record.data, record.recorded_at)
            one_by_one, _ = one_by_one.extend([merkle.leaf_hash(content)])
        assert ledger.checkpoint().root == one_by_one.root()
        assert one_by_one.size == 100


# --- threads


def test_threads_append_side_by_side_and_nothing_is_lost_or_doubled(ledger):
    def write(name):
        return [ledger.append(entries((name, v, b"%d" % v)))[0] for v in range(1, 26)]

    with ThreadPoolExecutor(8) as pool:
        written = [r for batch in pool.map(write, "abcdefgh") for r in batch]
    scanned = list(ledger.scan())
    assert sorted(written, key=lambda r: r.sequence) == scanned
    assert [r.sequence for r in scanned] == list(range(1, 201))
    times = [r.recorded_at for r in scanned]
    assert all(a <= b for a, b in pairwise(times))


def test_one_of_many_threads_wins_a_version(ledger):
    barrier = threading.Barrier(8)

    def compete(name):
        barrier.wait()
        try:
            return ledger.append(entries(("prize", 1, name.encode())))[0]
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(compete, "abcdefgh"))
    (winner,) = (a for a in answers if isinstance(a, Record))
    assert ledger.read("prize") == (winner,)
    assert all(a.found == 2 for a in answers if not isinstance(a, Record))


def test_readers_see_whole_batches_while_a_writer_writes(ledger):
    done = threading.Event()
    torn = []

    def watch():
        while not done.is_set():
            seen = len(ledger.read("a"))
            if seen % 10:
                torn.append(seen)

    with ThreadPoolExecutor(3) as pool:
        watchers = [pool.submit(watch) for _ in range(2)]
        for batch in range(20):
            ledger.append(entries(*(("a", batch * 10 + i, b"") for i in range(1, 11))))
        done.set()
        for watcher in watchers:
            watcher.result()
    assert torn == []


# --- open and close


def test_a_closed_registry_says_so(ledger):
    ledger.append(entries(("a", 1, b"x")))
    walk = ledger.scan()
    ledger.close()
    ledger.close()
    for ask in (
        lambda: ledger.append(entries(("a", 2, b"y"))),
        lambda: ledger.append([]),
        lambda: ledger.read("a"),
        lambda: ledger.head("a"),
        ledger.checkpoint,
        lambda: next(walk),
        lambda: next(ledger.scan()),
        lambda: ledger.prove_inclusion(0, 1),
        lambda: ledger.prove_consistency(0, 1),
    ):
        with pytest.raises(RegistryError, match="closed") as caught:
            ask()
        assert caught.value.code == Code.REGISTRY_UNAVAILABLE


@pytest.mark.parametrize(
    "origin", ["", " ", "a b", "a+b", "a\nb", "é", "x" * 256, 1, b"x"], ids=lambda v: repr(v)[:9]
)
def test_an_origin_can_stand_in_a_checkpoint(address, origin):
    with pytest.raises(InvalidInputError) as caught:
        registry.connect(address, origin=origin)
    assert caught.value.code == Code.INVALID_OPTIONS


def test_an_operator_has_an_ed25519_key(address):
    with pytest.raises(UnsupportedError) as caught:
        registry.connect(address, operator=keys.generate("P-256"))
    assert (caught.value.name, caught.value.known) == ("P-256", ("Ed25519",))


# --- connect


@pytest.mark.parametrize("url", ["", "memory", "city.registry", None, 1, b"memory:", "/tmp/x"])  # noqa: S108 - never opened
def test_an_address_has_a_scheme(url):
    with pytest.raises(InvalidInputError) as caught:
        registry.connect(url)
    assert caught.value.code == Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    "url", ["memory:x", "memory://", "file:", "file://host/x", "file:a\x00b", "file:\ud800"]
)
def test_an_address_that_means_nothing_is_refused(url):
    with pytest.raises(InvalidInputError) as caught:
        registry.connect(url)
    assert caught.value.code == Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    "url", ["ftp:x", "Memory:", "sqlite:x", ":", "postgres://x/y", "ethereum:"]
)
def test_an_unknown_scheme_is_refused_with_those_known(url):
    with pytest.raises(UnsupportedError) as caught:
        registry.connect(url)
    assert caught.value.known == tuple(f"{scheme}:" for scheme in registry.BACKENDS)


def test_a_backend_of_your_own_is_an_argument():
    with pytest.raises(TypeError):
        registry.BACKENDS["shelf"] = registry.BACKENDS["memory"]

    def shelf(location, *, origin, operator, clock):
        assert origin is None
        return registry.connect("memory:", origin=location, operator=operator, clock=clock)

    backends = {**registry.BACKENDS, "shelf": shelf}
    with registry.connect("shelf:third.example", operator=OPERATOR, backends=backends) as ledger:
        assert ledger.checkpoint().origin == "third.example"


def test_only_a_registry_with_a_merkle_log_proves(ledger):
    class Plain:
        """A registry without a Merkle log."""

    (record,) = ledger.append(entries(("a", 1, b"x")))
    assert isinstance(ledger, registry.Provable)
    with pytest.raises(UnsupportedError, match="no Merkle log"):
        registry.prove(Plain(), record)
