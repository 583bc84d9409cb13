"""Attacks on recognition: who may issue what, each beside the honest case."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

import town
from cityid import registry, strict_json, trust
from cityid.errors import Code, ConflictError, RegistryError
from cityid.registry import NewEntry
from cityid.report import Outcome
from cityid.securing import add_proof

KIND = "KycAssuranceCredential"
CITY, STATE, BANK = town.person("city"), town.person("state"), town.person("bank")
MALLORY = town.person("mallory")
DAY = timedelta(days=1)


class Clock:
    """A registry's clock that the test sets."""

    def __init__(self):
        self.now = town.NOW - 30 * DAY

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    return registry.connect("memory:", clock=clock)


def ask(ledger, issuer=BANK, *, authority=CITY, **options):
    options = {"for_type": KIND, "at": town.NOW, **options}
    return trust.recognition(
        ledger, town.resolver(), authority=str(authority.did), issuer=str(issuer.did), **options
    )


def recognise(ledger, by=CITY, whom=BANK, **options):
    options = {"for_type": KIND, "at": town.NOW - 20 * DAY, **options}
    return trust.recognise(ledger, by, whom, **options)


def forged(ledger, document, signer, *, method=None):
    """Write a list that somebody signed into the city's log."""
    own, key = signer.signer("assertionMethod")
    document = {name: value for name, value in document.items() if name != "proof"}
    signed = add_proof(
        document,
        signer=key,
        verification_method=method or own,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
        created=town.NOW - 10 * DAY,
    )
    write(ledger, strict_json.write(signed).encode())


def write(ledger, data, authority=CITY):
    log = trust.list_id(str(authority.did))
    head = ledger.head(log)
    ledger.append([NewEntry(log, head.version + 1 if head else 1, data)])


def a_list(ledger, whom, version):
    """Return the city's list with somebody else on it."""
    document = copy.deepcopy(
        trust.read_list(ledger, town.resolver(), str(CITY.did), at=town.NOW).credential.to_dict()
    )
    document["listVersion"] = version
    document["credentialSubject"][0]["id"] = str(whom.did)
    return document


def test_recognised_issuer_is_recognised(ledger):
    recognise(ledger)
    found = ask(ledger)
    assert found
    assert found.path == (str(CITY.did), str(BANK.did))


def test_absent_list_leaves_open_and_empty_list_denies(ledger):
    absent = ask(ledger)
    assert absent.outcome is Outcome.INCONCLUSIVE
    assert absent.problem.code is Code.TRUST_LIST_UNAVAILABLE
    trust.publish(ledger, CITY, at=town.NOW - DAY)
    empty = ask(ledger)
    assert empty.outcome is Outcome.FAILED
    assert empty.problem.code is Code.ISSUER_NOT_TRUSTED


def test_no_registry_leaves_open():
    assert ask(None).outcome is Outcome.INCONCLUSIVE


def test_list_that_another_signed_gives_no_authority(ledger):
    recognise(ledger)
    for method in (None, CITY.signer("assertionMethod")[0]):
        document = a_list(ledger, MALLORY, ledger.head(trust.list_id(str(CITY.did))).version + 1)
        forged(ledger, document, MALLORY, method=method)
    assert ask(ledger, MALLORY).outcome is Outcome.FAILED
    assert ask(ledger)


def test_list_that_names_another_issuer_gives_no_authority(ledger):
    recognise(ledger)
    forged(ledger, {**a_list(ledger, MALLORY, 2), "issuer": str(MALLORY.did)}, MALLORY)
    assert ask(ledger, MALLORY).outcome is Outcome.FAILED
    assert ask(ledger)


def test_another_authoritys_list_in_this_log_gives_no_authority(ledger):
    recognise(ledger)
    foreign = recognise(ledger, MALLORY, MALLORY)
    write(ledger, strict_json.write(foreign.credential.document).encode())
    assert ask(ledger, MALLORY).outcome is Outcome.FAILED
    assert ask(ledger, MALLORY, authority=MALLORY)


def test_noise_in_the_log_changes_nothing(ledger):
    recognise(ledger)
    for data in (b"\x00", b"[]", b"{}", b'{"type": 7}'):
        write(ledger, data)
    assert ask(ledger)
    assert ask(ledger, MALLORY).outcome is Outcome.FAILED
    recognise(ledger, whom=STATE)
    assert ask(ledger, STATE)
    assert ask(ledger)


def test_log_of_noise_alone_is_no_list(ledger):
    write(ledger, b"{}")
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE
    recognise(ledger)
    assert ask(ledger)


def test_log_of_forgeries_alone_is_neither_read_nor_written_over(ledger):
    recognise(ledger)
    document = a_list(ledger, MALLORY, 1)
    other = registry.connect("memory:", clock=lambda: town.NOW - DAY)
    forged(other, document, MALLORY, method=CITY.signer("assertionMethod")[0])
    assert ask(other, MALLORY).outcome is Outcome.INCONCLUSIVE
    with pytest.raises(RegistryError):
        recognise(other)
    trust.publish(other, CITY, at=town.NOW - DAY)
    recognise(other, at=town.NOW)
    assert ask(other)


def test_flood_of_forgeries_is_bounded(ledger):
    recognise(ledger)
    document = a_list(ledger, MALLORY, 2)
    for version in range(2, 11):
        document["listVersion"] = version
        forged(ledger, document, MALLORY, method=CITY.signer("assertionMethod")[0])
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE
    assert ask(ledger, MALLORY).outcome is Outcome.INCONCLUSIVE


def test_circle_of_authorities_ends(ledger):
    recognise(ledger, CITY, STATE, action="recognize", further=8)
    recognise(ledger, STATE, CITY, action="recognize", further=8)
    recognise(ledger, STATE, STATE, action="recognize", further=8)
    assert ask(ledger, MALLORY).outcome is Outcome.FAILED
    recognise(ledger, STATE, BANK)
    assert ask(ledger).path == tuple(str(each.did) for each in (CITY, STATE, BANK))


def test_two_ways_to_one_authority_count_as_the_longer_reach(ledger):
    near, far = town.person("near"), town.person("far")
    recognise(ledger, CITY, far, action="recognize")
    recognise(ledger, CITY, near, action="recognize", further=3)
    recognise(ledger, near, far, action="recognize", further=3)
    recognise(ledger, far, STATE, action="recognize")
    recognise(ledger, far, near, action="recognize")
    recognise(ledger, STATE, BANK)
    assert [str(each.did) for each in (CITY, near, far, STATE, BANK)] == list(ask(ledger).path)
    assert ask(ledger, MALLORY).outcome is Outcome.FAILED


def test_authority_on_two_paths_is_asked_once(ledger):
    left, right, end = (town.person(name) for name in ("left", "right", "end"))
    for way in (left, right):
        recognise(ledger, CITY, way, action="recognize", further=2)
        recognise(ledger, way, end, action="recognize")
    trust.publish(ledger, end, at=town.NOW - DAY)
    found = ask(ledger)
    assert found.outcome is Outcome.FAILED
    assert len(found.lists) == 4
    recognise(ledger, end, BANK, at=town.NOW)
    assert ask(ledger)


def chain(ledger, length, **options):
    links = [CITY, *(town.person(f"office {n}") for n in range(length))]
    for by, whom in pairwise(links):
        recognise(ledger, by, whom, action="recognize", **options)
    recognise(ledger, links[-1], BANK)


def test_path_is_as_long_as_the_asker_allows(ledger):
    chain(ledger, 3, further=8)
    assert ask(ledger, depth=4)
    refused = ask(ledger, depth=3)
    assert refused.outcome is Outcome.FAILED
    assert "more authorities" in refused.problem.title


def test_path_is_as_long_as_the_authority_allows(ledger):
    chain(ledger, 2)
    assert ask(ledger).outcome is Outcome.FAILED
    recognise(ledger, CITY, town.person("office 0"), action="recognize", further=1)
    assert ask(ledger)


def test_number_of_lists_is_bounded(ledger, monkeypatch):
    monkeypatch.setattr("cityid.trust.walk.MOST_LISTS", 2)
    chain(ledger, 2, further=8)
    found = ask(ledger)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.problem.code is Code.COMPLEXITY_LIMIT_EXCEEDED
    monkeypatch.setattr("cityid.trust.walk.MOST_LISTS", 3)
    assert ask(ledger)


def test_who_may_issue_may_not_recognise_and_the_other_way_round(ledger):
    recognise(ledger, CITY, STATE)
    recognise(ledger, STATE, BANK)
    assert ask(ledger).outcome is Outcome.FAILED
    recognise(ledger, CITY, BANK, action="recognize")
    trust.publish(ledger, BANK, at=town.NOW - DAY)
    assert ask(ledger).outcome is Outcome.FAILED
    recognise(ledger, CITY, STATE, action="recognize")
    assert ask(ledger)


@pytest.mark.parametrize(
    "period",
    [{"valid_until": town.NOW}, {"valid_from": town.NOW + timedelta(seconds=1)}],
    ids=["expired", "not yet"],
)
def test_recognition_out_of_time_does_not_count(ledger, period):
    recognise(ledger, **period)
    assert ask(ledger).outcome is Outcome.FAILED
    recognise(ledger, valid_from=town.NOW, valid_until=town.NOW + timedelta(seconds=1))
    assert ask(ledger)


def test_wrong_type_claim_and_jurisdiction_do_not_count(ledger):
    own = "/credentialSubject/assuranceLevel"
    recognise(ledger, claims=[own], jurisdiction="NL")
    right = {"claims": [own + "/x", own], "jurisdiction": "NL"}
    assert ask(ledger, **right)
    for wrong in (
        {"for_type": "VehicleRegistrationCredential"},
        {"claims": ["/credentialSubject/assuranceLevels"]},
        {"jurisdiction": "DE"},
        {"jurisdiction": None},
    ):
        assert ask(ledger, **right | wrong).outcome is Outcome.FAILED


def test_scope_of_an_authority_bounds_whom_it_recognises(ledger):
    recognise(ledger, CITY, STATE, action="recognize", jurisdiction="NL")
    recognise(ledger, STATE, BANK)
    assert ask(ledger, jurisdiction="NL")
    assert ask(ledger, jurisdiction="DE").outcome is Outcome.FAILED
    assert ask(ledger, for_type="Other").outcome is Outcome.FAILED


def test_withdrawn_recognition_counts_for_the_past_alone(ledger, clock):
    recognise(ledger)
    clock.now = town.NOW - 5 * DAY
    trust.withdraw(ledger, CITY, BANK, at=clock.now)
    assert ask(ledger).outcome is Outcome.FAILED
    assert ask(ledger, at=town.NOW - 6 * DAY)
    assert ask(ledger, at=town.NOW - 40 * DAY).outcome is Outcome.INCONCLUSIVE


def test_old_list_written_again_does_not_undo_a_withdrawal(ledger):
    old = recognise(ledger)
    trust.withdraw(ledger, CITY, BANK, at=town.NOW - 10 * DAY)
    write(ledger, strict_json.write(old.credential.document).encode())
    assert ask(ledger).outcome is Outcome.FAILED


def test_registry_that_went_back_is_not_believed_by_who_saw_more(ledger):
    recognise(ledger)
    before = registry.connect("memory:", clock=lambda: town.NOW - 15 * DAY)
    for record in ledger.scan():
        before.append([NewEntry(record.log, record.version, record.data)])
    trust.withdraw(ledger, CITY, BANK, at=town.NOW - 10 * DAY)
    seen = ask(ledger).versions
    assert ask(before)
    refused = ask(before, known=seen)
    assert refused.outcome is Outcome.INCONCLUSIVE
    assert refused.problem.code is Code.TRUST_LIST_INCONSISTENT
    assert ask(ledger, known=ask(before).versions).outcome is Outcome.FAILED


def test_authority_that_tells_two_stories_is_found_out(ledger):
    recognise(ledger)
    other = registry.connect("memory:", clock=lambda: town.NOW - 15 * DAY)
    recognise(other, whom=MALLORY)
    assert ask(other, MALLORY)
    refused = ask(other, MALLORY, known=ask(ledger).versions)
    assert refused.problem.code is Code.TRUST_LIST_INCONSISTENT
    assert ask(other, MALLORY, known=ask(other, MALLORY).versions)


def test_list_that_ran_out_leaves_open(ledger):
    recognise(ledger, valid_for=20 * DAY + timedelta(hours=1))
    assert ask(ledger)
    late = ask(ledger, at=town.NOW + DAY)
    assert late.outcome is Outcome.INCONCLUSIVE
    assert late.problem.code is Code.TRUST_LIST_UNAVAILABLE
    renewed = recognise(ledger, whom=STATE, at=town.NOW + DAY)
    assert renewed.credential.valid_until == town.NOW + 21 * DAY + timedelta(hours=1)
    assert ask(ledger, at=town.NOW + DAY)


def test_list_older_than_asked_leaves_open(ledger):
    recognise(ledger)
    assert ask(ledger, max_age=20 * DAY)
    assert ask(ledger, max_age=19 * DAY).problem.code is Code.TRUST_LIST_UNAVAILABLE


def test_unreadable_registry_leaves_open(ledger, monkeypatch):
    recognise(ledger)

    def fail(*_arguments, **_options):
        raise RegistryError("the disk is gone")

    monkeypatch.setattr(type(ledger), "read", fail)
    found = ask(ledger)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "the disk is gone" in found.problem.title


def test_list_that_its_authority_signed_wrongly_leaves_open(ledger):
    recognise(ledger)
    document = a_list(ledger, BANK, 2)
    document["credentialSubject"][0]["recognizedTo"][0]["furtherAuthorities"] = "many"
    forged(ledger, document, CITY)
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE


def test_list_with_an_unknown_context_leaves_open(ledger):
    recognise(ledger)
    document = a_list(ledger, BANK, 2)
    document["@context"] = [*document["@context"], "https://evil.example/v1"]
    forged(ledger, document, CITY)
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE


def test_list_with_a_status_of_its_own_leaves_open(ledger):
    recognise(ledger)
    document = a_list(ledger, BANK, 2)
    document["credentialStatus"] = {"type": "BitstringStatusListEntry"} | {
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://city.example/status/1",
    }
    forged(ledger, document, CITY)
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE


def test_line_without_type_recognises_for_nothing(ledger):
    recognise(ledger)
    document = a_list(ledger, BANK, 2)
    del document["credentialSubject"][0]["recognizedTo"][0]["credentialType"]
    forged(ledger, document, CITY)
    assert ask(ledger).outcome is Outcome.FAILED


def test_unavailable_list_on_the_way_leaves_open_and_another_path_is_found(ledger):
    recognise(ledger, CITY, STATE, action="recognize")
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE
    recognise(ledger)
    assert ask(ledger)


def test_writers_at_once_lose_nothing(ledger):
    people = [town.person(f"writer {number}") for number in range(6)]

    def add(whom):
        return recognise(ledger, whom=whom)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, people))
    assert all(ask(ledger, whom) for whom in people)


def test_writer_who_is_always_too_late_gives_up(ledger, monkeypatch):
    def refuse(_self, entries):
        entry = entries[0]
        raise ConflictError("too late", log=entry.log, expected=entry.version, found=9)

    monkeypatch.setattr(type(ledger), "append", refuse)
    with pytest.raises(ConflictError):
        recognise(ledger)


def test_writer_with_an_old_version_is_refused(ledger):
    recognise(ledger)
    with pytest.raises(ConflictError):
        trust.publish(ledger, CITY, version=1, at=town.NOW)
    assert trust.publish(ledger, CITY, version=2, at=town.NOW).version == 2
