"""A vehicle is registered, the office's key changes, and years later somebody asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import town
from cityid import did, issue, keys, policy, present, recording, registry, verify
from cityid.did import succession
from cityid.did.methods import webvh
from cityid.errors import Code, InvalidInputError
from cityid.registry import NewEntry, Record
from cityid.report import Outcome

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
UPDATE, FIRST, SECOND = (keys.generate(seed=name * 32) for name in (b"u", b"1", b"2"))


class Office:
    """An office with a history in a registry; the tests set its clock and the registry's."""

    def __init__(self, address="memory:"):
        self.now = START
        self.ledger = registry.connect(address, clock=lambda: self.now)
        place = webvh.template("id.city.example", "vehicles")
        parameters = {"updateKeys": [UPDATE.public_key.multikey]}
        document = succession.first(place, FIRST.public_key)
        entry = webvh.first_entry(document, parameters, UPDATE, at=START)
        self.history = webvh.begun(entry, at=START)
        self.ledger.append([webvh.entry_record(entry, self.history.scid)])
        self.document = did.DIDDocument.parse(entry.state)
        self.did = did.parse(self.document.id)
        self.key = f"{self.did}#key-1"

    def change(self, state, *, dated, recorded=None):
        """Publish a document, dated by the office and recorded by the registry."""
        moment = START + dated * DAY
        entry = webvh.next_entry(self.history, UPDATE, at=moment, state=state)
        self.history = webvh.extended(self.history, entry, at=moment)
        self.now = START + (dated if recorded is None else recorded) * DAY
        self.ledger.append([webvh.entry_record(entry, self.history.scid)])

    def rotate(self, dated, *, recorded=None):
        """Publish a document in which another key stands and the first one does not."""
        fresh = succession.first(str(self.did), SECOND.public_key)
        fresh["verificationMethod"][0]["id"] = name = f"{self.did}#key-2"
        for relationship in did.RELATIONSHIPS:
            if relationship in fresh:
                fresh[relationship] = [name]
        self.change(fresh, dated=dated, recorded=recorded)

    def revoke(self, dated, *, since, recorded=None):
        """Publish that the first key was stolen."""
        state = succession.revoked(self.history.last.state, START + since * DAY)
        self.change(state, dated=dated, recorded=recorded)

    def register(self, created):
        """Sign a registration with the first key; it says when it was signed, true or not."""
        vehicle = town.city_credential("vehicle", town.alice(), keeper=None)
        vehicle |= {"validFrom": "2026-01-01T00:00:00Z"}
        vehicle.pop("validUntil", None)
        vehicle.pop("credentialStatus", None)
        signer = did.Identity(self.did, self.document, ((self.key, FIRST),))
        return issue(vehicle, by=signer, at=START + created * DAY)

    def record(self, credential, day, *, whole=False):
        """Let the registry record a registration, or its digest."""
        self.now = START + day * DAY
        data = credential.to_json().encode() if whole else recording.digest(credential)
        return self.ledger.append([NewEntry(f"registrations/{day}", 1, data)])[0]

    def judge(self, credential, *, day, recorded=None):
        return verify(
            credential,
            policy=policy.IssuedBy({self.did}),
            resolver=did.resolver(self.ledger),
            recorded=recorded,
            at=START + day * DAY,
        )


@pytest.fixture(params=["memory:", "ethereum+tester:"])
def office(request):
    return Office(request.param)


def proof(result):
    (check,) = [check for check in result.checks if check.name == "proof"]
    return check.outcome, check.problem and check.problem.code


def warned(result):
    return [warning.code for warning in result.warnings]


def test_while_the_key_is_in_use_nothing_is_warned_of(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    for evidence in (None, record):
        result = office.judge(credential, day=30, recorded=evidence)
        assert result, result.explain()
        assert warned(result) == []


def test_nor_is_anything_when_the_office_changes_something_else(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    state = dict(office.history.last.state)
    desk = {"id": "#desk", "type": "Desk", "serviceEndpoint": "https://city.example/desk"}
    office.change(state | {"service": [desk]}, dated=10)
    for day, evidence in ((5, None), (30, None), (30, record)):
        result = office.judge(credential, day=day, recorded=evidence)
        assert result, result.explain()
        assert warned(result) == []


@pytest.mark.parametrize("whole", [False, True])
def test_a_recorded_registration_outlives_the_key_it_was_signed_with(office, whole):
    credential = office.register(1)
    record = office.record(credential, 2, whole=whole)
    office.rotate(10)
    result = office.judge(credential, day=30, recorded=record)
    assert result, result.explain()
    assert warned(result) == [Code.KEY_SINCE_ROTATED]
    told = "valid then, key since rotated; the document was recorded at 2026-03-03T09:00:00Z"
    assert result.warnings[0].title == told
    assert told in result.explain()


def test_without_evidence_it_does_not(office):
    credential = office.register(1)
    office.rotate(10)
    result = office.judge(credential, day=30)
    assert not result
    assert proof(result) == (Outcome.FAILED, Code.INVALID_VERIFICATION_METHOD)


def test_judged_as_of_then_it_passes_and_the_order_is_said_to_be_unproven(office):
    credential = office.register(1)
    office.rotate(10)
    result = office.judge(credential, day=5)
    assert result, result.explain()
    assert warned(result) == [Code.ORDER_UNPROVEN]


def test_before_the_office_was_there_it_had_signed_nothing(office):
    result = office.judge(office.register(-2), day=-1)
    assert proof(result) == (Outcome.FAILED, Code.NOT_FOUND)


def test_a_key_that_is_a_moment_old_by_another_clock_is_good():
    ledger = registry.connect("memory:")
    office = did.create("webvh", domain="id.city.example", registry=ledger)
    office = office.rotate()  # within the same second, so that it is dated into the next one
    credential = issue(town.unsigned() | {"validFrom": "2026-01-01T00:00:00Z"}, by=office)
    entry = NewEntry("registrations/1", 1, recording.digest(credential))
    (record,) = ledger.append([entry])
    for evidence in (None, record):
        believed = policy.IssuedBy({office.did})
        result = verify(
            credential, policy=believed, resolver=did.resolver(ledger), recorded=evidence
        )
        assert result, result.explain()


# --- the key is stolen, and the theft is noticed


def test_what_was_recorded_before_the_theft_stays_valid(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    office.revoke(20, since=15)
    result = office.judge(credential, day=30, recorded=record)
    assert result, result.explain()
    assert warned(result) == [Code.KEY_SINCE_REVOKED]
    assert not office.judge(credential, day=30)


@pytest.mark.parametrize("pretended", [1, 14, 16, 22])
def test_a_thief_dates_back_in_vain(office, pretended):
    office.revoke(20, since=15)
    forged = office.register(pretended)
    record = office.record(forged, 22)
    for evidence in (None, record):
        result = office.judge(forged, day=30, recorded=evidence)
        assert proof(result) == (Outcome.FAILED, Code.KEY_REVOKED)


def test_what_he_had_recorded_before_anybody_noticed_does_not_count_either(office):
    forged = office.register(3)
    record = office.record(forged, 17)
    office.revoke(20, since=15)
    result = office.judge(forged, day=30, recorded=record)
    assert proof(result) == (Outcome.FAILED, Code.KEY_REVOKED)
    assert office.judge(office.register(4), day=14)


def test_judged_as_of_a_time_before_the_theft_it_passes_but_nothing_proves_it(office):
    forged = office.register(3)
    office.revoke(20, since=15)
    assert warned(office.judge(forged, day=10)) == [Code.ORDER_UNPROVEN]
    assert proof(office.judge(forged, day=17)) == (Outcome.FAILED, Code.KEY_REVOKED)


# --- the registry and the office disagree


def test_a_rotation_that_is_dated_back_leaves_the_order_unknown(office):
    credential = office.register(1)
    record = office.record(credential, 12)
    office.rotate(10, recorded=15)
    result = office.judge(credential, day=30, recorded=record)
    assert proof(result) == (Outcome.INCONCLUSIVE, Code.UNKNOWN_ORDER)
    assert not result


def test_so_does_one_that_is_dated_too_late(office):
    credential = office.register(1)
    office.rotate(15, recorded=10)
    record = office.record(credential, 12)
    result = office.judge(credential, day=30, recorded=record)
    assert proof(result) == (Outcome.INCONCLUSIVE, Code.UNKNOWN_ORDER)


def test_after_both_clocks_have_it_rotated_nothing_helps(office):
    office.rotate(10, recorded=15)
    credential = office.register(1)
    record = office.record(credential, 16)
    result = office.judge(credential, day=30, recorded=record)
    assert proof(result) == (Outcome.FAILED, Code.INVALID_VERIFICATION_METHOD)


def test_a_history_that_no_registry_keeps_has_the_dates_of_its_controller_alone(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    late = office.record(credential, 12)
    office.rotate(10, recorded=20)
    files = webvh.LogFiles(office.history.to_jsonl())
    resolver = did.resolver(methods=[webvh.WebVH(logs={str(office.did): files})])

    def judge(evidence):
        believed = policy.IssuedBy({office.did})
        at = START + 30 * DAY
        return verify(credential, policy=believed, resolver=resolver, recorded=evidence, at=at)

    assert warned(judge(record)) == [Code.KEY_SINCE_ROTATED]
    assert proof(judge(late)) == (Outcome.FAILED, Code.INVALID_VERIFICATION_METHOD)


def test_a_history_that_came_into_the_registry_later_proves_no_order(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    other = registry.connect("memory:", clock=lambda: START + 9 * DAY)
    other.append(
        [webvh.entry_record(entry, office.history.scid) for entry in office.history.entries]
    )
    believed = policy.IssuedBy({office.did})
    result = verify(
        credential,
        policy=believed,
        resolver=did.resolver(other),
        recorded=record,
        at=START + 30 * DAY,
    )
    assert proof(result) == (Outcome.INCONCLUSIVE, Code.UNKNOWN_ORDER)


# --- evidence that is none


def test_a_record_of_something_else_is_no_evidence(office):
    credential = office.register(1)
    others = [office.record(office.register(2), 3), Record("x", 1, b"{", START, None, 1)]
    office.rotate(10)
    for other in others:
        result = office.judge(credential, day=30, recorded=other)
        assert proof(result) == (Outcome.FAILED, Code.INVALID_VERIFICATION_METHOD)
        assert warned(result) == [Code.NO_EVIDENCE]


def test_nor_is_one_that_was_made_after_the_time_of_judgement(office):
    credential = office.register(1)
    record = office.record(credential, 8)
    result = office.judge(credential, day=7, recorded=record)
    assert result
    assert warned(result) == [Code.NO_EVIDENCE]


def test_evidence_of_a_presented_credential_counts_too(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    office.rotate(10)
    shown = present(
        [credential],
        by=town.alice(),
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
        at=START + 30 * DAY,
    )

    def judge(evidence):
        return verify(
            shown,
            policy=policy.IssuedBy({office.did}),
            resolver=did.resolver(office.ledger),
            challenge=town.CHALLENGE,
            domain=town.DOMAIN,
            recorded=evidence,
            at=START + 30 * DAY,
        )

    result = judge(record)
    assert Code.KEY_SINCE_ROTATED in warned(result), result.explain()
    assert {c.outcome for c in result.checks if c.name == "proof"} == {Outcome.PASSED}
    since = [w for w in result.warnings if w.code is Code.KEY_SINCE_ROTATED]
    assert [w.path for w in since] == ["/verifiableCredential/0/proof/verificationMethod"]
    assert Outcome.FAILED in {c.outcome for c in judge(None).checks if c.name == "proof"}
    other = office.record(office.register(2), 11)
    assert Code.NO_EVIDENCE in warned(judge(other))


def test_what_is_no_record_is_no_evidence(office):
    credential = office.register(1)
    record = office.record(credential, 2)
    assert office.judge(credential, day=30, recorded=record)
    for wrong in (
        {},
        tuple(record),
        record._replace(recorded_at=None),
        record._replace(recorded_at=datetime(2026, 3, 3)),  # noqa: DTZ001 - a time of nowhere
        record._replace(data=credential.to_json()),
    ):
        with pytest.raises(InvalidInputError) as caught:
            office.judge(credential, day=30, recorded=wrong)
        assert caught.value.code is Code.INVALID_OPTIONS
