"""The freeze: set and lifted by whom a credential is bound to, and by nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import town
from cityid import freeze, registry, status
from cityid.errors import Code, ConflictError, CorruptError, InvalidInputError, NotFoundError
from cityid.freeze import FreezeOffice, request
from cityid.registry import NewEntry
from cityid.securing import add_proof

OFFICE = town.person("freeze office")
URL = f"{OFFICE.did}/freeze"
ALICE, MALLORY, MOTHER = town.alice(), town.person("mallory"), town.person("mother")
HOUR = timedelta(hours=1)


class World:
    """A public registry, a freeze office, and its list."""

    def __init__(self):
        self.ledger = registry.connect("memory:", clock=lambda: town.NOW)
        self.list = status.publish(
            self.ledger, OFFICE, URL, purpose="suspension", at=town.NOW - HOUR
        )
        self.evidence = registry.connect("memory:")
        self.office = FreezeOffice(self.list, self.evidence, town.resolver())

    def frozen(self, entry):
        return bool(self.list.value(int(entry["statusListIndex"])))

    def ask(self, action, entry, by=ALICE, **options):
        options = {"sequence": self.office.sequence(entry), "at": town.NOW, **options}
        return request(action, entry, by=by, **options)

    def act(self, action, entry, by=ALICE, **options):
        return self.office.act(self.ask(action, entry, by, **options), at=town.NOW)


@pytest.fixture
def world():
    return World()


def test_holder_freezes_and_lifts(world):
    entry = world.office.enrol(ALICE)
    assert not world.frozen(entry)
    world.act("freeze", entry)
    assert world.frozen(entry)
    world.act("lift", entry)
    assert not world.frozen(entry)
    assert world.office.sequence(entry) == 3
    assert world.office.audit() == ()


def test_request_of_anybody_else_changes_nothing(world):
    entry = world.office.enrol(ALICE.did)
    for by in (MALLORY, OFFICE):
        with pytest.raises(InvalidInputError) as refused:
            world.act("freeze", entry, by)
        assert refused.value.code is Code.HOLDER_BINDING_FAILED
    assert not world.frozen(entry)
    assert world.office.sequence(entry) == 1


def test_office_has_no_other_way():
    public = {name for name in dir(FreezeOffice) if not name.startswith("_")}
    assert public == {"act", "audit", "enrol", "evidence", "resolver", "sequence", "skew"}


def test_audit_tells_of_a_list_that_was_changed_behind_the_office(world):
    mine, other = world.office.enrol(ALICE), world.office.enrol(ALICE)
    world.act("freeze", mine)
    world.evidence.append([NewEntry("elsewhere#1", 1, b"{}")])
    world.list.lift(int(mine["statusListIndex"]), at=town.NOW)
    world.list.suspend(int(other["statusListIndex"]), at=town.NOW)
    told = {problem.title for problem in world.office.audit()}
    assert told == {
        f"place {mine['statusListIndex']} is not frozen, although it was asked for",
        f"place {other['statusListIndex']} is frozen without a request",
    }


def test_tampered_request_is_refused(world):
    entry = world.office.enrol(ALICE)
    asked = world.ask("freeze", entry)
    for change in ({"action": "lift"}, {"sequence": 2}):
        with pytest.raises(InvalidInputError, match="does not verify"):
            world.office.act(asked | change, at=town.NOW)
    other = world.office.enrol(ALICE)
    with pytest.raises(InvalidInputError, match="does not verify"):
        world.office.act(asked | {"statusListIndex": other["statusListIndex"]}, at=town.NOW)
    assert world.office.act(asked, at=town.NOW)
    assert world.frozen(entry)
    assert not world.frozen(other)


def test_request_counts_once(world):
    entry = world.office.enrol(ALICE)
    asked = world.ask("freeze", entry)
    world.office.act(asked, at=town.NOW)
    again = world.office.act(asked, at=town.NOW)
    assert world.office.sequence(entry) == 2
    assert again.log == URL
    world.act("lift", entry)
    with pytest.raises(ConflictError):
        world.office.act(asked, at=town.NOW)
    assert not world.frozen(entry)


def test_number_that_was_taken_or_is_to_come_is_refused(world):
    entry = world.office.enrol(ALICE)
    world.act("freeze", entry)
    for sequence in (1, 3, "2", None):
        with pytest.raises(ConflictError):
            world.act("lift", entry, sequence=sequence)
    assert world.frozen(entry)


def test_request_that_was_lost_between_evidence_and_list_is_finished(world, monkeypatch):
    entry = world.office.enrol(ALICE)
    asked = world.ask("freeze", entry)
    with monkeypatch.context() as patch:
        patch.setattr(status.StatusList, "suspend", fail)
        with pytest.raises(ConnectionError):
            world.office.act(asked, at=town.NOW)
    assert not world.frozen(entry)
    assert len(world.office.audit()) == 1
    world.office.act(asked, at=town.NOW)
    assert world.frozen(entry)
    assert world.office.audit() == ()


def fail(*_arguments, **_options):
    raise ConnectionError


def test_request_that_comes_in_meanwhile_is_done_too(world, monkeypatch):
    entry = world.office.enrol(ALICE)
    suspend = status.StatusList.suspend

    def overtaken(self, place, *, at):
        monkeypatch.setattr(status.StatusList, "suspend", suspend)
        record = suspend(self, place, at=at)
        world.act("lift", entry)
        return suspend(self, place, at=at) and record

    monkeypatch.setattr(status.StatusList, "suspend", overtaken)
    world.act("freeze", entry)
    assert not world.frozen(entry)
    assert world.office.audit() == ()


def test_late_request_is_refused(world):
    entry = world.office.enrol(ALICE)
    asked = world.ask("freeze", entry)
    with pytest.raises(InvalidInputError, match="does not verify"):
        world.office.act(asked, at=town.NOW + HOUR)
    own, signer = ALICE.signer("authentication")
    unsigned = {name: value for name, value in asked.items() if name != "proof"}
    for expires in (None, town.NOW + HOUR):
        endless = add_proof(
            unsigned,
            signer=signer,
            verification_method=own,
            purpose="authentication",
            cryptosuite="eddsa-jcs-2022",
            created=town.NOW,
            expires=expires,
            domain=URL,
        )
        with pytest.raises(InvalidInputError, match="expires"):
            world.office.act(endless, at=town.NOW)


def test_recovery_key_alone_lifts(world):
    entry = world.office.enrol(ALICE, recovery=str(MOTHER.did))
    world.act("freeze", entry)
    with pytest.raises(InvalidInputError):
        world.act("lift", entry)
    world.act("lift", entry, MOTHER)
    world.act("freeze", entry, MOTHER)
    assert world.frozen(entry)


@pytest.mark.parametrize("kind", ["P-256", "P-384"])
def test_other_keys_sign_too(world, kind):
    holder = town.person("carol", kind)
    entry = world.office.enrol(holder)
    world.act("freeze", entry, holder)
    assert world.frozen(entry)


def test_malformed_requests_are_refused(world):
    entry = world.office.enrol(ALICE)
    asked = world.ask("freeze", entry)
    for wrong in (
        {"type": "Other"},
        {"action": "melt"},
        {"statusListCredential": "https://other.example"},
        {"statusListIndex": "-1"},
        {"statusListIndex": 7},
        {"proof": None},
    ):
        with pytest.raises(InvalidInputError):
            world.office.act(asked | wrong, at=town.NOW)
    with pytest.raises(InvalidInputError):
        world.office.act("no JSON", at=town.NOW)
    with pytest.raises(InvalidInputError):
        world.ask("melt", entry)
    with pytest.raises(InvalidInputError):
        world.office.enrol("alice")


def test_place_that_belongs_to_nobody_is_told(world):
    free = {"statusListCredential": URL, "statusListIndex": "5"}
    with pytest.raises(NotFoundError):
        world.office.sequence(free)
    world.evidence.append([NewEntry(f"{URL}#5", 1, b"{}")])
    with pytest.raises(CorruptError):
        world.office.sequence(free)


def test_office_runs_a_list_for_suspension_alone(world):
    other = status.publish(world.ledger, OFFICE, URL + "2", purpose="revocation", at=town.NOW)
    with pytest.raises(InvalidInputError):
        FreezeOffice(other, world.evidence, town.resolver())
    assert URL in repr(world.office)


def test_now_is_the_time_by_default():
    ledger = registry.connect("memory:")
    handle = status.publish(ledger, OFFICE, URL, purpose="suspension")
    office = FreezeOffice(handle, registry.connect("memory:"), town.resolver())
    entry = office.enrol(ALICE)
    office.act(cityid_json(request(freeze.FREEZE, entry, by=ALICE, sequence=1)))
    assert handle.value(int(entry["statusListIndex"])) == 1
    assert datetime.now(UTC) >= ledger.head(URL).recorded_at


def cityid_json(document):
    from cityid import strict_json

    return strict_json.write(document)


def test_requests_at_once_leave_list_and_evidence_as_one(world):
    entries = [world.office.enrol(ALICE) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda entry: world.act("freeze", entry), entries))
    assert all(world.frozen(entry) for entry in entries)
    assert world.office.audit() == ()
