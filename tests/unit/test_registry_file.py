"""The registry in a file: its format, damage of every kind, full and read-only disks, forks."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from cityid import registry
from cityid.errors import (
    CityIdError,
    Code,
    ConflictError,
    CorruptError,
    InvalidInputError,
    RegistryError,
    UnsupportedError,
)
from cityid.registry import NewEntry, file, file_format
from cityid.registry.file import FileRegistry

ORIGIN = "city.example/registry"
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)
LOGS = [f"did:webvh:{hashlib.sha256(b'%d' % i).hexdigest()[:20]}:city.example" for i in range(120)]


def connect(path, **options):
    return FileRegistry(path, origin=ORIGIN, clock=lambda: TIME, **options)


def fill(path, rounds=3):
    with connect(path) as ledger:
        for version in range(1, rounds + 1):
            ledger.append([NewEntry(log, version, b"%d" % version * 60) for log in LOGS])


SWIFT = Path("/dev/shm")  # noqa: S108 - a disk in memory: thousands of damaged files are synced


@pytest.fixture
def tmp_path(tmp_path):
    if not SWIFT.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=SWIFT) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("original") / "city.registry"
    fill(path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "city.registry"


def beside(path):
    return sorted(p.name for p in path.parent.iterdir())


# --- the format


def test_the_format_does_not_change_by_accident():
    # A change here needs a new FORMAT, and code that reads the old one.
    text = "\n".join(file_format.REGISTRY.tables)
    assert (file_format.REGISTRY.format, hashlib.sha256(text.encode()).hexdigest()) == (
        1,
        "d3212762efa984b58323ce486a6114a35a1b20b6c734bda7ca347e55c35e3524",
    )


def test_the_root_of_known_records_does_not_change_by_accident(original):
    with connect(original) as ledger:
        assert (
            ledger.checkpoint().root.hex()
            == "24bda803d1eed27e96d1ea469cfcedb9ab7e4143bdcc191eb25d08d50c0e2f05"
        )


def test_a_file_says_what_it_is(path):
    connect(path).close()
    header = path.read_bytes()[:100]
    assert header[:16] == b"SQLite format 3\x00"
    assert header[60:64] == (1).to_bytes(4, "big")
    assert header[68:72] == b"city"
    assert beside(path) == ["city.registry"]


def test_what_was_written_is_there_when_it_is_opened_again(path):
    with connect(path) as ledger:
        records = ledger.append([NewEntry("a", 1, b"x"), NewEntry("a", 2, b"y")])
        checkpoint = ledger.checkpoint()
    with connect(path) as ledger:
        assert tuple(ledger.scan()) == records
        assert ledger.checkpoint() == checkpoint
        assert ledger.append([NewEntry("a", 1, b"x")]) == records[:1]
        with pytest.raises(ConflictError):
            ledger.append([NewEntry("a", 2, b"z")])
        assert [r.sequence for r in ledger.append([NewEntry("a", 3, b"z")])] == [3]


def test_every_commit_is_synced_to_the_disk(path):
    with connect(path) as ledger, ledger._database.transaction() as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "cell_size_check", "trusted_schema")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "cell_size_check": 1,
        "trusted_schema": 0,
    }


def test_no_read_goes_through_a_table(original):
    queries = []
    with connect(original) as ledger:
        with ledger._database.transaction() as connection:
            connection.set_trace_callback(queries.append)
        ledger.read(LOGS[3], after=1, limit=2)
        ledger.head(LOGS[3])
        ledger.head("absent")
        next(ledger.scan(after=50))
        ledger.checkpoint()
        ledger.prove_inclusion(200, 300)
        with ledger._database.transaction() as connection:
            connection.set_trace_callback(None)
            plans = [
                row[-1]
                for query in set(queries)
                if query.startswith("SELECT")
                for row in connection.execute("EXPLAIN QUERY PLAN " + query)
            ]
    assert len(plans) > 8
    assert all(plan.startswith("SEARCH") for plan in plans), plans


def test_a_new_registry_has_a_name_of_its_own_and_keeps_it(path, tmp_path):
    with FileRegistry(path) as ledger:
        name = ledger.checkpoint().origin
    with FileRegistry(tmp_path / "other") as ledger:
        assert ledger.checkpoint().origin != name
    with FileRegistry(path, origin=name) as ledger:
        assert ledger.checkpoint().origin == name


def test_a_registry_of_another_name_is_refused(path):
    connect(path).close()
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match=r"other\.example") as caught:
        FileRegistry(path, origin="other.example")
    assert caught.value.code == Code.INVALID_OPTIONS
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["a b", "a?mode=memory", "a#b", "a%41", "é城", "x" * 200, "-", "~", "a'b", ":memory:"]
)
def test_any_file_name_will_do(tmp_path, name):
    with registry.connect(f"file:{tmp_path}/{name}") as ledger:
        ledger.append([NewEntry("a", 1, b"x")])
    assert beside(tmp_path / "x") == [name]
    with registry.connect(f"file://{tmp_path}/{name}") as ledger:
        assert ledger.head("a").data == b"x"


def test_a_relative_path_and_a_link_mean_the_same_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(path)
    with registry.connect("file:city.registry") as ledger, registry.connect("file:link") as other:
        monkeypatch.chdir("/")
        ledger.append([NewEntry("a", 1, b"x")])
        assert other.head("a").data == b"x"
    assert beside(path) == ["city.registry", "link"]


@pytest.mark.parametrize("bad", ["", "a\x00b", "\ud800", b"bytes", None, 5])
def test_what_is_no_path_is_refused(bad):
    with pytest.raises(InvalidInputError) as caught:
        FileRegistry(bad)
    assert caught.value.code == Code.INVALID_OPTIONS


# --- permission


def test_only_the_owner_reads_and_writes_a_new_file(path):
    mask = os.umask(0)
    try:
        with connect(path) as ledger:
            ledger.append([NewEntry("a", 1, b"x")])
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    finally:
        os.umask(mask)
    assert modes == dict.fromkeys([path.name, path.name + "-shm", path.name + "-wal"], 0o600)


def test_what_the_operator_permits_stays_permitted(path):
    connect(path).close()
    path.chmod(0o640)
    with connect(path) as ledger:
        ledger.append([NewEntry("a", 1, b"x")])
        assert stat.S_IMODE(path.with_name(path.name + "-wal").stat().st_mode) == 0o640
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def without_privileges(work):
    """Run `work` in a child that is not root, and give back how it failed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # the child
        answer = "nothing"
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            work()
        except CityIdError as error:
            answer = f"{type(error).__name__} {error.code} {error}"
        except BaseException as error:  # noqa: BLE001 - told to the parent
            answer = repr(error)
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


@pytest.fixture
def public():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder
        folder.chmod(0o700)


def write_to(path):
    def write():
        with connect(path) as ledger:
            ledger.append([NewEntry("new", 1, b"x")])

    return write


def test_a_read_only_file_is_told(public, original):
    path = public / "city.registry"
    shutil.copy(original, path)
    path.chmod(0o444)
    failed = without_privileges(write_to(path))
    assert failed.startswith(f"RegistryError {Code.REGISTRY_UNAVAILABLE}")
    assert "cannot be written" in failed
    assert path.read_bytes() == original.read_bytes()
    path.chmod(0o666)
    path.with_name(path.name + "-wal").chmod(0o666)
    path.with_name(path.name + "-shm").chmod(0o666)
    assert without_privileges(write_to(path)) == "nothing"


@pytest.mark.parametrize("name", ["city.registry", "new.registry"])
def test_a_read_only_directory_is_told(public, original, name):
    shutil.copy(original, public / "city.registry")
    (public / "city.registry").chmod(0o666)
    public.chmod(0o555)
    failed = without_privileges(write_to(public / name))
    assert failed.startswith(f"RegistryError {Code.REGISTRY_UNAVAILABLE}"), failed
    assert beside(public / "x") == ["city.registry"]
    assert (public / "city.registry").read_bytes() == original.read_bytes()
    public.chmod(0o777)
    assert without_privileges(write_to(public / name)) == "nothing"


def test_an_unreadable_file_is_told(public, original):
    path = public / "city.registry"
    shutil.copy(original, path)
    path.chmod(0)
    assert without_privileges(write_to(path)).startswith("RegistryError")
    assert path.read_bytes() == original.read_bytes()


@pytest.mark.parametrize("place", ["missing/city.registry", "file/city.registry", "x" * 300, "."])
def test_a_place_where_no_file_can_be_is_told(tmp_path, place):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RegistryError) as caught:
        connect(tmp_path / place)
    assert caught.value.code == Code.REGISTRY_UNAVAILABLE
    assert beside(tmp_path / "x") == ["file"]


# --- other files


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"x" * 50, b"SQLite format 3\x00", b"{}\n" * 5000, bytes(8192)],
    ids=len,
)
def test_a_file_of_another_kind_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(CorruptError) as caught:
        connect(path)
    assert caught.value.code == Code.STORE_CORRUPT
    assert caught.value.place == str(path)
    assert path.read_bytes() == content
    assert beside(path) == ["city.registry"]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_database_of_another_program_is_refused_and_left_alone(path, mode):
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(CorruptError, match="not a registry"):
        connect(path)
    assert path.read_bytes() == before


def edit(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("version", [0, 2, 1000])
def test_a_file_of_another_format_is_refused_and_left_alone(path, version):
    fill(path, 1)
    edit(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(UnsupportedError) as caught:
        connect(path)
    assert (caught.value.name, caught.value.known) == (str(version), ("1",))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE head",
        "CREATE TABLE more (x)",
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END",
        "CREATE VIEW v AS SELECT * FROM record",
        "ALTER TABLE node ADD COLUMN x ANY",
        "PRAGMA journal_mode = DELETE",
    ],
)
def test_other_tables_are_refused(path, statement):
    fill(path, 1)
    edit(path, statement)
    with pytest.raises(CorruptError, match="tables"):
        connect(path)


def test_a_registry_that_is_gone_but_for_its_write_ahead_log_is_not_new(path):
    path.with_name(path.name + "-wal").write_bytes(b"acknowledged records")
    with pytest.raises(CorruptError, match="write-ahead log"):
        connect(path)
    assert beside(path) == ["city.registry-wal"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_file_that_is_replaced_or_removed_while_open_is_noticed(path, tmp_path, replace):
    with connect(path) as ledger:
        ledger.append([NewEntry("a", 1, b"x")])
        connect(tmp_path / "other").close()
        if replace:
            (tmp_path / "other").replace(path)
        else:
            path.unlink()
        for ask in (lambda: ledger.append([NewEntry("a", 2, b"y")]), lambda: ledger.head("a")):
            with pytest.raises(RegistryError, match=r"replaced|cannot be found"):
                ask()


# --- edited by hand: what a look at one place can tell

EDITS = {
    "data": "UPDATE record SET data = x'00' WHERE sequence = 7",
    "log": "UPDATE record SET log = 'x' WHERE sequence = 7",
    "version": "UPDATE record SET version = 9 WHERE sequence = 7",
    "time": "UPDATE record SET recorded_at = recorded_at + 1 WHERE sequence = 7",
    "impossible time": "UPDATE record SET recorded_at = 9223372036854775807 WHERE sequence = 7",
    "leaf": "UPDATE record SET leaf = x'00' WHERE sequence = 7",
    "removed": "DELETE FROM record WHERE sequence = 7",
    "removed last": "DELETE FROM record WHERE sequence = (SELECT max(sequence) FROM record)",
    "root": "UPDATE record SET root = zeroblob(32) WHERE sequence = 360",
    "no root": "UPDATE record SET root = NULL WHERE sequence = 360",
    "head removed": "DELETE FROM head WHERE key = (SELECT place - 1 FROM entry WHERE sequence = 7)",
    "head changed": "UPDATE head SET version = 2",
    "head raised": "UPDATE head SET version = 4",
    "head zero": "UPDATE head SET version = 0",
    "entry removed": "DELETE FROM entry WHERE sequence = 7",
    "entry of another": "UPDATE entry SET sequence = 8 WHERE sequence = 7",
    "entry of none": "UPDATE entry SET sequence = 1000 WHERE sequence = 7",
    "entry renumbered": "UPDATE entry SET place = place + 8 WHERE sequence = 7",
    "no tree": "DELETE FROM node",
    "entry too many": "INSERT INTO entry SELECT place + 3, 1 FROM entry WHERE sequence = 7",
    "name": "UPDATE registry SET origin = 'x'",
    "salt": "UPDATE registry SET salt = x'00'",
    "no name": "DELETE FROM registry",
}


def ask_about(path, log):
    with FileRegistry(path) as ledger:
        ledger.head(log)
        ledger.read(log)
        list(ledger.scan())
        ledger.checkpoint()


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_noticed_where_it_is_read(path, original, name):
    shutil.copy(original, path)
    edit(path, EDITS[name])
    before = path.read_bytes()
    with pytest.raises(CorruptError) as caught:
        ask_about(path, LOGS[6])
    assert caught.value.place == str(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM record WHERE sequence = 7", "gap"),
        ("UPDATE record SET sequence = 1000 WHERE sequence = 360", "gap"),
        ("DELETE FROM record", "no records"),
    ],
)
def test_a_scan_notices_what_is_missing(path, original, statement, said):
    shutil.copy(original, path)
    edit(path, statement)
    with pytest.raises(CorruptError, match=said), connect(path) as ledger:
        list(ledger.scan())


def test_a_scan_does_not_end_before_the_tree_does(path, original, monkeypatch):
    shutil.copy(original, path)
    with connect(path) as ledger:
        walk = ledger.scan()
        assert next(walk).sequence == 1
        monkeypatch.setattr(file, "_SCAN_RECORDS", 0)
        list(islice(walk, 359))
        assert next(walk, None) is None
        with pytest.raises(CorruptError, match="missing"):
            next(ledger.scan())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry SET origin = x'ff'",
        "UPDATE registry SET digest = 5",
        "UPDATE registry SET salt = 5",
        "UPDATE record SET root = 'text' WHERE sequence = 360",
        "UPDATE record SET leaf = 5 WHERE sequence = 7",
        "UPDATE node SET hash = 5",
        "UPDATE record SET data = 'text' WHERE sequence = 7",
        "UPDATE record SET log = x'ff' WHERE sequence = 7",
        "UPDATE record SET log = CAST(x'ff' AS TEXT) WHERE sequence = 7",
        "UPDATE record SET version = 'one' WHERE sequence = 7",
        "UPDATE record SET version = 1.5 WHERE sequence = 7",
        "UPDATE record SET recorded_at = 'now' WHERE sequence = 7",
        "UPDATE record SET recorded_at = 1e300 WHERE sequence = 7",
        "UPDATE head SET version = 'one'",
    ],
)
def test_values_of_the_wrong_kind_are_noticed(path, original, statement):
    shutil.copy(original, path)
    lax, strict = "replace(sql, ') STRICT', ') /*RICT*/')", "replace(sql, ') /*RICT*/', ') STRICT')"
    for sql, change in ((lax, statement), (strict, "SELECT 1")):
        edit(path, "PRAGMA writable_schema = ON", f"UPDATE sqlite_schema SET sql = {sql}")  # noqa: S608 - of this test
        edit(path, change)
    with pytest.raises(CorruptError):
        ask_about(path, LOGS[6])


@pytest.mark.parametrize("name", ["head removed", "head changed", "root", "no root"])
def test_nothing_is_appended_to_what_disagrees_with_itself(path, original, name):
    shutil.copy(original, path)
    edit(path, EDITS[name])
    before = path.read_bytes()
    version = {"head removed": 1, "head changed": 3}.get(name, 4)
    with pytest.raises(CorruptError), connect(path) as ledger:
        ledger.append([NewEntry(LOGS[6], version, b"another")])
    assert path.read_bytes() == before


def test_a_missing_record_is_not_answered_to_a_retry(path, original):
    shutil.copy(original, path)
    edit(path, EDITS["entry removed"])
    with connect(path) as ledger, pytest.raises(CorruptError, match="disagree"):
        ledger.append([NewEntry(LOGS[6], 1, b"1" * 60)])


def test_no_root_is_signed_that_the_stored_tree_does_not_have(path, original):
    shutil.copy(original, path)
    edit(path, "UPDATE node SET hash = zeroblob(32) WHERE level = 4")
    with connect(path) as ledger, pytest.raises(CorruptError, match="Merkle"):
        ledger.checkpoint()
    edit(path, "DELETE FROM node")
    with connect(path) as ledger:
        with pytest.raises(CorruptError, match="Merkle"):
            ledger.checkpoint()
        with pytest.raises(CorruptError, match="Merkle"):
            ledger.prove_inclusion(0, 300)


# --- damage


QUESTIONS = {
    "scan": lambda ledger: list(ledger.scan()),
    "checkpoint": lambda ledger: ledger.checkpoint(),
    "absent": lambda ledger: ledger.head("absent"),
    "proof": lambda ledger: ledger.prove_inclusion(17, 300),
} | {
    f"{ask} {log}": lambda ledger, ask=ask, log=log: getattr(ledger, ask)(log)
    for log in LOGS[::7]
    for ask in ("head", "read")
}


def answers(path):
    """Ask everything; CorruptError is an answer, and each question is asked for itself."""
    try:
        ledger = connect(path)
    except (CorruptError, UnsupportedError) as error:
        return dict.fromkeys(QUESTIONS, type(error))
    found = {}
    with ledger:
        for name, ask in QUESTIONS.items():
            try:
                found[name] = ask(ledger)
            except CorruptError:
                found[name] = CorruptError
    return found


def wrong(found, expected):
    """Which questions got an answer that is neither the right one nor an error."""
    allowed = (CorruptError, UnsupportedError)
    return {name for name in found if found[name] not in (expected[name], *allowed)}


def test_wherever_a_file_is_cut_it_says_so(path, original):
    content = original.read_bytes()
    expected = answers(original)
    assert CorruptError not in expected.values()
    for cut in [0, 1, 15, 16, 99, 100, 512, *range(1000, len(content), 1777), len(content) - 1]:
        path.write_bytes(content[:cut])
        found = answers(path)
        assert not wrong(found, expected), cut
        if cut < len(content) - 4096:  # the last page may end in bytes that mean nothing
            assert CorruptError in found.values(), cut
        assert path.read_bytes() == content[:cut]


def garbled(content, place, length):
    chunk = bytes(byte ^ 0xFF for byte in content[place : place + length])
    return content[:place] + chunk + content[place + length :]


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 16, 4096])
def test_wherever_a_file_is_garbled_every_answer_is_right_or_an_error(path, original, length):
    content = original.read_bytes()
    expected = answers(original)
    schedule = random.Random(length)  # noqa: S311 - which places, not a secret
    places = sorted({*range(0, 100, 4), *schedule.sample(range(len(content)), 150)})
    noticed = 0
    for place in places:
        damaged = garbled(content, place, length)
        path.write_bytes(damaged)
        found = answers(path)
        assert not wrong(found, expected), place
        assert path.read_bytes() == damaged
        noticed += found != expected
    assert noticed > len(places) // 3


def crashed(path, original):
    """Leave a registry as a killed writer does: the last records are in the log file alone."""
    shutil.copy(original, path)
    lost = path.with_name("crashed")
    with connect(path) as ledger:
        for version in range(4, 10):
            ledger.append([NewEntry(log, version, b"%d" % version * 60) for log in LOGS[:20]])
        records = list(ledger.scan())
        shutil.copy(path, lost)
        shutil.copy(path.with_name(path.name + "-wal"), lost.with_name("crashed-wal"))
    return lost, records


def test_a_crashed_registry_has_everything_that_was_acknowledged(path, original):
    lost, records = crashed(path, original)
    with connect(lost) as ledger:
        assert list(ledger.scan()) == records
        assert ledger.append([NewEntry("after", 1, b"x")])[0].sequence == len(records) + 1


@pytest.mark.parametrize("how", ["cut", "garbled"])
def test_a_damaged_write_ahead_log_gives_the_last_good_state(path, original, how):
    lost, records = crashed(path, original)
    log = lost.with_name("crashed-wal")
    main, content = lost.read_bytes(), log.read_bytes()
    sizes = set()
    for place in range(0, len(content), len(content) // 40):
        lost.write_bytes(main)
        log.write_bytes(content[:place] if how == "cut" else garbled(content, place, 9))
        with connect(lost) as ledger:
            found = list(ledger.scan())
            assert found == records[: len(found)]
            assert len(found) >= 360
            assert ledger.checkpoint().size == len(found)
            sizes.add(len(found))
    assert len(sizes) > 5


# --- a disk that is full, a writer in the way


def test_a_full_database_refuses_and_keeps_what_was_acknowledged(path):
    with connect(path) as ledger:
        with ledger._database.transaction() as connection:
            connection.execute("PRAGMA max_page_count = 30")
        kept = []

        def write_on():
            for version in range(1, 100):
                kept.extend(ledger.append([NewEntry("a", version, b"x" * 3000)]))

        with pytest.raises(RegistryError, match="disk is full") as caught:
            write_on()
        assert caught.value.code == Code.REGISTRY_UNAVAILABLE
        assert len(kept) > 5
        assert list(ledger.scan()) == kept
        assert ledger.append([NewEntry("a", len(kept) + 1, b"y")])


FILL_THE_DISK = """
import resource, signal, sys
from cityid import registry
from cityid.errors import RegistryError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = registry.connect("file:" + sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
acknowledged = 0
try:
    while acknowledged < 1000:
        ledger.append([registry.NewEntry("a", acknowledged + 1, b"x" * 3000)])
        acknowledged += 1
except RegistryError as error:
    assert [r.version for r in ledger.read("a")] == list(range(1, acknowledged + 1))
    print(acknowledged, error.code, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(path):
    run = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    acknowledged, code = run.stdout.split()
    assert code == Code.REGISTRY_UNAVAILABLE
    assert int(acknowledged) > 5
    with registry.connect(f"file:{path}") as ledger:
        assert len(ledger.read("a")) == int(acknowledged)
        ledger.append([NewEntry("a", int(acknowledged) + 1, b"there is room again")])


def test_no_room_for_a_new_file_leaves_nothing_behind(tmp_path):
    script = (
        "import resource, signal, sys; from cityid import registry, errors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"
        "try: registry.connect('file:' + sys.argv[1])\n"
        "except errors.RegistryError as error: print(error.code)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "city.registry")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout.strip() == Code.REGISTRY_UNAVAILABLE
    assert list(tmp_path.iterdir()) == []


def test_a_writer_in_the_way_is_waited_for_then_told(path):
    with connect(path, timeout=0.05) as ledger:
        (record,) = ledger.append([NewEntry("a", 1, b"x")])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RegistryError, match="try again") as caught:
            ledger.append([NewEntry("a", 2, b"y")])
        assert caught.value.code == Code.STORE_LOCKED
        assert not isinstance(caught.value, ConflictError)
        assert ledger.head("a") == record
        other.execute("ROLLBACK")
        other.close()
        ledger.append([NewEntry("a", 2, b"y")])


def test_memory_that_runs_out_is_told(path, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    with connect(path) as ledger:
        ledger.append([NewEntry("a", 1, b"x")])
        monkeypatch.setattr(file.State, "records", exhausted)
        with pytest.raises(RegistryError, match="memory"):
            ledger.head("a")


# --- descriptors, threads, forks


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left_open(path, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"x" * 5000)
    connect(path).close()
    before = descriptors()
    for i in range(20):
        with connect(path) as ledger:
            ledger.append([NewEntry("a", i + 1, b"x")])
            for log, version in (("a", 9999), ("", 1)):
                with pytest.raises(CityIdError):
                    ledger.append([NewEntry(log, version, b"")])
            next(ledger.scan())
        with pytest.raises(CorruptError):
            connect(foreign)
        with pytest.raises(InvalidInputError):
            FileRegistry(path, origin="other")
    assert descriptors() == before


def test_a_registry_that_is_forgotten_closes_itself(path):
    before = descriptors()
    ledger = connect(path)
    ledger.append([NewEntry("a", 1, b"x")])
    assert descriptors() > before
    del ledger
    assert descriptors() == before


def test_threads_that_end_leave_no_connections_behind(path):
    with connect(path) as ledger:
        ledger.append([NewEntry("a", 1, b"x")])
        before = descriptors()
        for _ in range(30):
            thread = threading.Thread(target=ledger.head, args=("a",))
            thread.start()
            thread.join()
        assert descriptors() == before


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told to the parent
            os._exit(1)
        os._exit(0)
    return child


def test_a_forked_child_uses_the_registry_beside_its_parent(path):
    with connect(path) as ledger:
        ledger.append([NewEntry("a", 1, b"x")])

        def work():
            for version in range(1, 21):
                ledger.append([NewEntry("child", version, b"x")])
                assert ledger.head("a")
            with connect(path) as own:
                assert len(own.read("child")) == 20

        child = in_child(work)
        for version in range(1, 21):
            ledger.append([NewEntry("parent", version, b"x")])
        assert os.waitpid(child, 0)[1] == 0
        assert len(list(ledger.scan())) == 41


def test_a_child_that_outlives_its_parent_loses_nothing(path):
    # A child that went on with inherited locks would not keep others from clearing away its log.
    reading, writing = os.pipe()
    ledger = connect(path)
    ledger.append([NewEntry("a", 1, b"x")])

    def work():
        ledger.append([NewEntry("child", 1, b"x")])
        os.read(reading, 1)
        for version in range(2, 6):
            ledger.append([NewEntry("child", version, b"x")])
        os.read(reading, 1)
        assert len(ledger.read("child")) == 5
        ledger.close()

    child = in_child(work)
    wait_until(lambda: ledger.head("child"))
    ledger.close()
    script = "import sys; from cityid import registry as r; r.connect(sys.argv[1]).append([r.NewEntry(sys.argv[2], 1, b'')])"  # noqa: E501 - one line of a shell
    other = [sys.executable, "-c", script, f"file:{path}"]
    subprocess.run([*other, "between"], check=True, timeout=60)
    os.write(writing, b"1")
    with connect(path) as again:
        wait_until(lambda: len(again.read("child")) == 5)
    subprocess.run([*other, "after"], check=True, timeout=60)
    os.write(writing, b"2")
    assert os.waitpid(child, 0)[1] == 0
    os.close(reading)
    os.close(writing)
    with connect(path) as last:
        assert len(list(last.scan())) == 8


def test_a_fork_in_the_middle_of_work_is_refused_in_the_child(path):
    with connect(path) as ledger:

        def work():
            with pytest.raises(RegistryError, match="forked"):
                ledger.head("a")

        with ledger._database.transaction():
            child = in_child(work)
        assert os.waitpid(child, 0)[1] == 0
        assert ledger.head("a") is None


def test_two_registries_made_at_once_are_one(path):
    barrier = threading.Barrier(8)
    names = []

    def make():
        barrier.wait()
        with FileRegistry(path) as ledger:
            names.append(ledger.checkpoint().origin)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert len(set(names)) == 1
    assert beside(path) == ["city.registry"]
