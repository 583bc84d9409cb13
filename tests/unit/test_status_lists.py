"""Publishing status lists and changing them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

import cityid
from cityid import did, registry, status
from cityid.credential import Credential
from cityid.errors import (
    Code,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ProofGenerationError,
    RegistryError,
)
from cityid.registry import NewEntry
from cityid.report import Outcome
from cityid.status.bitstring import LEAST_ENTRIES
from town import NOW, alice, bob, foreign_office, office, person, resolver, unsigned

URL = "https://id.city.example/status/1"
MESSAGES = {0: "fine", 1: "address to be confirmed", 2: "photo too old", 3: "undefined"}


@pytest.fixture
def ledger():
    return registry.connect("memory:")


def published(ledger, purpose="revocation", **options):
    return status.publish(ledger, office(), URL, purpose=purpose, at=NOW, **options)


def document(ledger, version=None):
    records = ledger.read(URL)
    return json.loads(records[-1 if version is None else version - 1].data)


def test_a_new_list_is_a_signed_credential_of_131072_zero_bits(ledger):
    handle = published(ledger)
    listed = document(ledger)
    assert listed["id"] == URL == handle.url
    assert listed["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert listed["issuer"] == str(office().did)
    assert listed["validFrom"] == "2027-03-14T09:00:00Z"
    assert "validUntil" not in listed
    assert listed["proof"]["cryptosuite"] == "eddsa-jcs-2022"
    subject = listed["credentialSubject"]
    assert subject | {"encodedList": ""} == {
        "id": f"{URL}#list-1",
        "type": "BitstringStatusList",
        "statusPurpose": "revocation",
        "encodedList": "",
        "ttl": 300_000,
    }
    assert status.read_list(Credential.of(listed)).bits == bytes(LEAST_ENTRIES // 8)


def test_the_list_says_how_long_it_counts(ledger):
    published(ledger, ttl=timedelta(hours=2), valid_for=timedelta(days=1))
    listed = document(ledger)
    assert listed["credentialSubject"]["ttl"] == 7_200_000
    assert listed["validUntil"] == "2027-03-15T09:00:00Z"
    read = status.read_list(Credential.of(listed))
    assert read.ttl == timedelta(hours=2)


@pytest.mark.parametrize(
    ("key_type", "suite"),
    [("Ed25519", "eddsa-jcs-2022"), ("P-256", "ecdsa-jcs-2019"), ("P-384", "ecdsa-jcs-2019")],
)
def test_the_suite_follows_the_key(ledger, key_type, suite):
    status.publish(ledger, person("lister", key_type), URL, purpose="suspension", at=NOW)
    assert document(ledger)["proof"]["cryptosuite"] == suite


def test_another_suite_can_be_named(ledger):
    handle = published(ledger, cryptosuite="eddsa-rdfc-2022")
    handle.revoke(5, at=NOW)
    assert document(ledger)["proof"]["cryptosuite"] == "eddsa-rdfc-2022"
    assert handle.value(5) == 1


def test_an_entry_has_a_place_of_its_own(ledger):
    handle = published(ledger)
    first, second = handle.entry(), handle.entry()
    place = first["statusListIndex"]
    assert first == {
        "id": f"{URL}#{place}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": place,
        "statusListCredential": URL,
    }
    assert place != second["statusListIndex"]
    assert handle.entry(7)["statusListIndex"] == "7"
    assert handle.allocator.taken(URL) == 2


def test_revoking_sets_the_bits_of_places_and_credentials_in_one_record(ledger):
    handle = published(ledger)
    credentials = [
        cityid.issue(unsigned(who), by=office(), status=handle, at=NOW) for who in (alice(), bob())
    ]
    record = handle.revoke([7, credentials[0], credentials[1].to_json()], at=NOW)
    assert (record.version, len(ledger.read(URL))) == (2, 2)
    assert [handle.value(item) for item in (7, *credentials, 8)] == [1, 1, 1, 0]


def test_one_item_may_stand_alone(ledger):
    handle = published(ledger)
    credential = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    for item in (3, credential, credential.to_dict(), credential.to_json()):
        handle.revoke(item, at=NOW)
        assert handle.value(item) == 1
    assert len(ledger.read(URL)) == 3  # what is set already needs no record


def test_10_000_revocations_are_one_record(ledger):
    handle = published(ledger)
    assert handle.revoke(range(10_000), at=NOW).version == 2
    bits = status.read_list(Credential.of(document(ledger))).bits
    assert bits == b"\xff" * 1250 + bytes(len(bits) - 1250)


def test_what_changes_nothing_is_answered_with_the_present_record(ledger):
    handle = published(ledger)
    first = handle.revoke([1, 2], at=NOW)
    assert handle.revoke([2, 1], at=NOW) == first
    assert handle.revoke([], at=NOW) == first


def test_a_revocation_is_for_good(ledger):
    handle = published(ledger)
    handle.revoke(1, at=NOW)
    for undo in (handle.lift, handle.suspend, handle.refresh):
        with pytest.raises(InvalidInputError, match="nothing in it is ever undone"):
            undo(1, at=NOW)
    with pytest.raises(InvalidInputError, match="not for messages"):
        handle.message(1, 0, at=NOW)
    assert handle.value(1) == 1


def test_a_suspension_is_lifted(ledger):
    handle = published(ledger, "suspension")
    handle.suspend([1, 2], at=NOW)
    handle.lift(1, at=NOW)
    assert [handle.value(1), handle.value(2)] == [0, 1]
    with pytest.raises(InvalidInputError, match="'suspension', not for revocation"):
        handle.revoke(1, at=NOW)


def test_a_refresh_tells_of_a_newer_credential(ledger):
    handle = published(ledger, "refresh")
    handle.refresh(4, at=NOW)
    assert handle.value(4) == 1


def test_messages_have_several_bits(ledger):
    handle = published(ledger, "message", size=2, messages=MESSAGES)
    assert len(status.read_list(Credential.of(document(ledger))).bits) == LEAST_ENTRIES // 4
    entry = handle.entry()
    assert entry["statusSize"] == 2
    assert entry["statusMessage"][2] == {"status": "0x2", "message": "photo too old"}
    place = int(entry["statusListIndex"])
    handle.message(place, 2, at=NOW)
    assert handle.value(place) == 2
    handle.message(place, 0, at=NOW)
    assert handle.value(place) == 0
    with pytest.raises(InvalidInputError, match="does not fit into 2 bits"):
        handle.message(place, 4, at=NOW)


def test_renewing_signs_the_same_bits_with_a_later_date(ledger):
    handle = published(ledger, valid_for=timedelta(days=1))
    handle.revoke(9, at=NOW)
    record = handle.renew(at=NOW + timedelta(days=2))
    assert record.version == 3
    assert document(ledger)["validFrom"] == "2027-03-16T09:00:00Z"
    assert document(ledger)["validUntil"] == "2027-03-17T09:00:00Z"
    assert handle.value(9) == 1


def test_a_clock_that_is_behind_does_not_stop_a_revocation(ledger):
    handle = published(ledger)
    handle.revoke(9, at=NOW - timedelta(minutes=1))
    assert handle.value(9) == 1
    assert document(ledger)["validFrom"] == "2027-03-14T09:00:00Z"


def test_the_time_is_now_where_none_is_said(ledger):
    handle = status.publish(ledger, office(), URL, purpose="revocation")
    handle.revoke(1)
    handle.renew()
    assert len(ledger.read(URL)) == 3


def test_decoys_are_set_and_belong_to_nobody(ledger):
    handle = published(ledger, decoys=500)
    bits = status.read_list(Credential.of(document(ledger))).bits
    assert sum(byte.bit_count() for byte in bits) == 500
    assert handle.allocator.taken(URL) == 500
    fresh = [handle.allocate() for _ in range(50)]
    assert not any(handle.value(place) for place in fresh)


class Racing:
    """A registry in which somebody else is always faster."""

    def __init__(self, inner, rival, times):
        self._inner = inner
        self._rival = rival
        self._times = times

    def head(self, log):
        return self._inner.head(log)

    def read(self, log, **options):
        return self._inner.read(log, **options)

    def append(self, entries):
        if self._times:
            self._times -= 1
            self._rival.revoke(self._times, at=NOW)
        return self._inner.append(entries)


def test_a_change_is_made_on_top_of_what_others_wrote_meanwhile(ledger):
    rival = published(ledger)
    handle = status.reopen(Racing(ledger, rival, 3), office(), URL, allocator=rival.allocator)
    record = handle.revoke(100, at=NOW)
    assert record.version == 5
    assert [rival.value(place) for place in (0, 1, 2, 100, 101)] == [1, 1, 1, 1, 0]


def test_a_writer_that_is_always_too_late_gives_up(ledger):
    rival = published(ledger)
    handle = status.reopen(Racing(ledger, rival, 99), office(), URL, allocator=rival.allocator)
    with pytest.raises(ConflictError):
        handle.revoke(1000, at=NOW)
    assert rival.value(1000) == 0


def test_a_list_is_published_once(ledger):
    published(ledger).revoke(1, at=NOW)
    with pytest.raises(ConflictError, match=r"status\.reopen"):
        published(ledger)
    assert document(ledger)["credentialSubject"]["statusPurpose"] == "revocation"


def test_a_list_is_taken_up_again_as_it_was(ledger):
    first = published(ledger, "suspension", ttl=timedelta(hours=1), valid_for=timedelta(days=3))
    again = status.reopen(ledger, office(), URL, allocator=first.allocator)
    assert again == first
    plain = status.publish(ledger, office(), URL + "b", purpose="revocation", at=NOW)
    assert status.reopen(ledger, office(), URL + "b", allocator=plain.allocator) == plain
    other = status.reopen(ledger, office(), URL, allocator=first.allocator, ttl=timedelta(hours=2))
    assert other.ttl == timedelta(hours=2)


def test_a_list_is_taken_up_with_its_own_allocator_alone(ledger):
    published(ledger)
    again = status.reopen(ledger, office(), URL, allocator=status.MemoryAllocator())
    with pytest.raises(NotFoundError, match="would be given out twice"):
        again.entry()


def test_a_list_that_is_not_there_cannot_be_taken_up(ledger):
    with pytest.raises(NotFoundError, match="there is no status list"):
        status.reopen(ledger, office(), URL, allocator=status.MemoryAllocator())


def test_nobody_signs_anew_what_somebody_else_wrote(ledger):
    handle = published(ledger)
    stranger = registry.connect("memory:")
    status.publish(stranger, foreign_office(), URL, purpose="revocation", at=NOW)
    elsewhere = registry.connect("memory:")
    status.publish(elsewhere, office(), URL + "b", purpose="revocation", at=NOW)
    forged = json.loads(stranger.head(URL).data) | {"issuer": str(office().did)}
    for data in (
        stranger.head(URL).data,
        elsewhere.head(URL + "b").data,
        json.dumps(forged).encode(),
        b"nothing",
    ):
        ledger.append([NewEntry(URL, ledger.head(URL).version + 1, data)])
        with pytest.raises(InvalidInputError):
            handle.revoke(1, at=NOW)
        with pytest.raises(InvalidInputError):
            status.reopen(ledger, office(), URL, allocator=handle.allocator)


def test_keys_that_were_rotated_out_are_found_by_the_resolver(ledger):
    old = person("lister")
    status.publish(ledger, old, URL, purpose="revocation", at=NOW)
    allocator = status.MemoryAllocator()
    given = status.reopen(ledger, old, URL, allocator=allocator, resolver=did.resolver())
    given.revoke(1, at=NOW)
    assert given.value(1) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"url": "status/1"}, "is not the URL of a list"),
        ({"purpose": ""}, "is no purpose"),
        ({"purpose": None}, "is no purpose"),
        ({"length": 1000}, "a list has 131072 to"),
        ({"length": LEAST_ENTRIES + 1}, "a multiple of 8"),
        ({"length": 2**25}, "a list has 131072 to"),
        ({"length": "131072"}, "a list has 131072 to"),
        ({"size": 0}, "1 to 16 bits"),
        ({"size": 17}, "1 to 16 bits"),
        ({"size": True}, "1 to 16 bits"),
        ({"size": 2}, "needs a message for each of 4"),
        ({"messages": {0: "no"}}, "needs a message for each of 2"),
        ({"decoys": -1}, "decoys do not fit"),
        ({"decoys": LEAST_ENTRIES}, "decoys do not fit"),
        ({"decoys": 5, "purpose": "suspension"}, "decoys are for revocation alone"),
    ],
)
def test_what_does_not_fit_the_specification_is_refused_and_nothing_is_published(
    ledger, options, told
):
    asked = {"url": URL, "purpose": "revocation"} | options
    url = asked.pop("url")
    with pytest.raises(InvalidInputError, match=told) as refused:
        status.publish(ledger, office(), url, at=NOW, **asked)
    assert refused.value.code is Code.INVALID_OPTIONS
    assert list(ledger.scan()) == []


@pytest.mark.parametrize("item", [-1, LEAST_ENTRIES, 2**80])
def test_a_place_outside_of_the_list_is_refused(ledger, item):
    handle = published(ledger)
    with pytest.raises(InvalidInputError, match="has no entry") as refused:
        handle.revoke([0, item], at=NOW)
    assert refused.value.code is Code.RANGE_ERROR
    assert handle.value(0) == 0


@pytest.mark.parametrize("item", [True, 1.5, None, [True], [None], [[1]]])
def test_what_is_no_item_is_refused(ledger, item):
    with pytest.raises(InvalidInputError, match="neither a place in the list nor a credential"):
        published(ledger).revoke(item, at=NOW)


def test_a_credential_of_another_list_is_refused(ledger):
    handle = published(ledger)
    other = status.publish(ledger, office(), URL + "b", purpose="revocation", at=NOW)
    mine = handle.entry() | {"statusPurpose": "suspension"}
    beyond = handle.entry() | {"statusListIndex": "9" * 9}
    for entries in ([], [other.entry()], [mine], [beyond]):
        document = unsigned(alice()) | {"credentialStatus": entries}
        with pytest.raises(InvalidInputError, match="has no entry for revocation") as refused:
            handle.revoke(document, at=NOW)
        assert refused.value.path == "/credentialStatus"
    malformed = unsigned(alice()) | {"credentialStatus": handle.entry() | {"statusListIndex": 7}}
    with pytest.raises(InvalidInputError, match="written as text in base 10"):
        handle.revoke(malformed, at=NOW)


# --- issuing


def test_issuing_puts_a_fresh_entry_into_each_list(ledger):
    revoked = published(ledger)
    suspended = status.publish(ledger, office(), URL + "b", purpose="suspension", at=NOW)
    one = cityid.issue(unsigned(alice()), by=office(), status=revoked, at=NOW)
    two = cityid.issue(unsigned(alice()), by=office(), status=(revoked, suspended), at=NOW)
    assert isinstance(one.document["credentialStatus"], dict)
    assert [entry["statusPurpose"] for entry in two.statuses] == ["revocation", "suspension"]
    assert one.statuses[0]["statusListIndex"] != two.statuses[0]["statusListIndex"]


def test_issuing_keeps_the_statuses_that_are_there(ledger):
    handle = published(ledger)
    document = unsigned(alice()) | {"credentialStatus": {"type": "BitstringStatusListEntry"}}
    issued = cityid.issue(document, by=office(), status=[handle], at=NOW, cryptosuite=JCS)
    assert [len(entry) for entry in issued.statuses] == [1, 5]
    assert document["credentialStatus"] == {"type": "BitstringStatusListEntry"}


JCS = "eddsa-jcs-2022"


def test_issuing_many_gives_each_its_own_place(ledger):
    handle = published(ledger)
    issued = cityid.issue_many(
        (unsigned(alice()) for _ in range(20)), by=office(), status=handle, at=NOW
    )
    assert len({each.statuses[0]["statusListIndex"] for each in issued}) == 20
    assert handle.allocator.taken(URL) == 20


def test_a_place_is_durable_before_the_credential_is_signed(ledger, tmp_path):
    allocator = status.FileAllocator(tmp_path / "city.allocator")
    handle = published(ledger, allocator=allocator)
    seen = []

    class Watching:
        """A key that looks at the file when it signs."""

        public_key = office().signer("assertionMethod")[1].public_key

        def sign(self, data):
            seen.append(status.FileAllocator(tmp_path / "city.allocator").taken(URL))
            return office().signer("assertionMethod")[1].sign(data)

    watched = did.create("key", signer=Watching())
    cityid.issue(unsigned(alice()), by=watched, status=handle, at=NOW)
    assert seen == [1]


def test_an_allocator_that_cannot_write_lets_no_credential_out(ledger, tmp_path):
    allocator = status.FileAllocator(tmp_path / "city.allocator")
    handle = published(ledger, allocator=allocator)
    allocator.close()
    with pytest.raises(RegistryError, match="was closed"):
        cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)


def test_a_bad_credential_takes_no_place(ledger):
    handle = published(ledger)
    signed = cityid.issue(unsigned(alice()), by=office(), at=NOW)
    for bad, error in (
        (unsigned(alice()) | {"type": "x"}, InvalidInputError),
        (signed, ProofGenerationError),
    ):
        with pytest.raises(error):
            cityid.issue(bad, by=office(), status=handle, at=NOW)
    assert handle.allocator.taken(URL) == 0


@pytest.mark.parametrize("wrong", ["list", URL, 7, [7], object()])
def test_what_is_no_status_list_is_refused(wrong):
    with pytest.raises(InvalidInputError, match="status= takes status lists") as refused:
        cityid.issue(unsigned(alice()), by=office(), status=wrong, at=NOW)
    assert refused.value.code is Code.INVALID_OPTIONS


def test_data_model_1_1_has_no_such_status(ledger):
    handle = published(ledger)
    document = {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "type": ["VerifiableCredential"],
        "issuanceDate": "2027-01-01T00:00:00Z",
        "credentialSubject": {"id": str(alice().did)},
    }
    with pytest.raises(InvalidInputError, match=r"data model 2\.0"):
        cityid.issue(document, by=office(), status=handle, at=NOW)
    assert cityid.issue(document, by=office(), at=NOW, cryptosuite=JCS).version == "1.1"
    assert handle.allocator.taken(URL) == 0


def test_the_handle_shows_no_secret(ledger):
    shown = repr(published(ledger))
    assert URL in shown
    assert "allocator" not in shown
    assert "issuer" not in shown


def test_a_list_by_a_did_url_of_its_issuer_is_published_like_any_other(ledger):
    url = f"{office().did}?service=status&relativeRef=/1"
    handle = status.publish(ledger, office(), url, purpose="suspension", at=NOW)
    handle.suspend(1, at=NOW)
    judge = status.Judge(resolver=resolver(), registry=ledger)
    document = unsigned(alice()) | {"credentialStatus": handle.entry(1)}
    issued = cityid.issue(document, by=foreign_office(), at=NOW)
    found = status.check(issued, status.Snapshot(judge, at=NOW, latest=True))
    assert found.outcome is Outcome.FAILED


def test_an_issuer_whose_did_needs_the_web_reads_its_own_list_all_the_same(ledger):
    signer = office().signer("assertionMethod")[1]
    hosted = did.create("web", signer=signer, domain="id.city.example")
    handle = status.publish(ledger, hosted, URL, purpose="revocation", at=NOW)
    handle.revoke(4, at=NOW)
    again = status.reopen(ledger, hosted, URL, allocator=handle.allocator)
    assert again.value(4) == 1
