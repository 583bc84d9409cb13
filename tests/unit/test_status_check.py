"""Reading entries and lists, and the check ``status``."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

import cityid
from cityid import registry, status
from cityid.credential import Credential
from cityid.did import FetchedDocument
from cityid.encoding import multibase_encode
from cityid.errors import Code, InvalidInputError, RegistryError
from cityid.report import Outcome
from cityid.status import cache as caching
from cityid.status.bits import Form, compress
from cityid.status.bitstring import encoded, entry_document, named_in
from cityid.status.sources import MOST_STAPLED
from town import NOW, alice, bob, foreign_office, office, resolver, unsigned

URL = "https://id.city.example/status/1"
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, at=NOW):
        self.at = at

    def __call__(self):
        return self.at


class Counting:
    """A registry that counts what it is asked."""

    def __init__(self, inner):
        self._inner = inner
        self.asked = 0

    def head(self, log):
        self.asked += 1
        return self._inner.head(log)

    def read(self, log, **options):
        self.asked += 1
        return self._inner.read(log, **options)


class Broken:
    """A registry that cannot be read."""

    def head(self, log):
        raise RegistryError(f"the disk with {log[:5]} is on fire")


class Forgetful:
    """A registry that knows the last version alone."""

    def __init__(self, inner):
        self._inner = inner

    def head(self, log):
        return self._inner.head(log)

    def read(self, _log, **_):
        return ()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    return registry.connect("memory:", clock=clock)


@pytest.fixture
def revoked(ledger):
    return status.publish(ledger, office(), URL, purpose="revocation", at=NOW)


@pytest.fixture
def credential(revoked):
    return cityid.issue(unsigned(alice()), by=office(), status=revoked, at=NOW)


def judged(credential, *, at=NOW, latest=True, **options):
    judge = status.Judge(**{"resolver": resolver()} | options)
    return status.check(credential, status.Snapshot(judge, at=at, latest=latest))


def code(findings):
    (check,) = findings.checks
    return check.problem and check.problem.code


# --- entries


ENTRY = {
    "id": f"{URL}#7",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": URL,
}
MESSAGES = [{"status": f"0x{n:x}", "message": str(n)} for n in range(4)]


def test_an_entry_reads_as_it_was_written():
    entry = status.read_entry(ENTRY)
    assert entry == status.Entry("revocation", URL, 7)
    assert entry_document(entry) == ENTRY
    assert (entry.message(0), entry.message(1)) == ("unset", "set")
    several = status.Entry("message", URL, 7, 2, {n: str(n) for n in range(4)})
    assert status.read_entry(entry_document(several)) == several


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"statusPurpose": None}, "statusPurpose"),
        ({"statusPurpose": ""}, "statusPurpose"),
        ({"statusPurpose": ["revocation"]}, "statusPurpose"),
        ({"statusListCredential": None}, "statusListCredential"),
        ({"statusListCredential": "status/1"}, "statusListCredential"),
        ({"statusListCredential": {"id": URL}}, "statusListCredential"),
        ({"statusSize": 0}, "statusSize"),
        ({"statusSize": 17}, "statusSize"),
        ({"statusSize": "1"}, "statusSize"),
        ({"statusSize": True}, "statusSize"),
        ({"statusSize": 1.0}, "statusSize"),
        ({"id": URL}, "id"),
        ({"statusSize": 2}, "statusMessage"),
        ({"statusSize": 2, "statusMessage": MESSAGES[:3]}, "statusMessage"),
        ({"statusSize": 2, "statusMessage": {}}, "statusMessage"),
        ({"statusMessage": MESSAGES}, "statusMessage"),
        ({"statusMessage": None}, "statusMessage"),
        ({"statusMessage": ["0x0", "0x1"]}, "statusMessage/0"),
        ({"statusMessage": [MESSAGES[0], {"status": "0x1"}]}, "statusMessage/1"),
        ({"statusMessage": [MESSAGES[0], {"message": "no"}]}, "statusMessage/1"),
        ({"statusMessage": [MESSAGES[0], MESSAGES[2]]}, "statusMessage/1/status"),
        ({"statusMessage": [MESSAGES[0], MESSAGES[1] | {"status": "1"}]}, "statusMessage/1/status"),
        ({"statusMessage": [MESSAGES[0], MESSAGES[0]]}, "statusMessage"),
    ],
)
def test_a_malformed_entry_is_refused_with_its_place(changes, path):
    with pytest.raises(InvalidInputError) as refused:
        status.read_entry(ENTRY | changes, "/credentialStatus")
    assert refused.value.code is Code.MALFORMED_VALUE_ERROR
    assert refused.value.path == f"/credentialStatus/{path}"


def test_the_lists_that_credentials_name():
    documents = [
        {"credentialStatus": [ENTRY, {"type": "x"}]},
        {"credentialStatus": {"statusListCredential": 7}},
        {},
    ]
    assert named_in(map(Credential, documents)) == {URL}


# --- lists


def listed(revoked, **changes):
    document = json.loads(revoked.registry.head(URL).data)
    subject = document["credentialSubject"] | changes.pop("subject", {})
    return Credential(document | {"credentialSubject": subject} | changes)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"type": ["VerifiableCredential"]}, "/type"),
        ({"credentialSubject": []}, "/credentialSubject"),
        ({"credentialSubject": [{"type": "BitstringStatusList"}] * 2}, "/credentialSubject"),
        ({"subject": {"type": "StatusList2021"}}, "/credentialSubject"),
        ({"subject": {"statusPurpose": []}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"statusPurpose": None}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"statusPurpose": ["revocation", 7]}}, "/credentialSubject/statusPurpose"),
        ({"subject": {"encodedList": None}}, "/credentialSubject/encodedList"),
        ({"subject": {"ttl": -1}}, "/credentialSubject/ttl"),
        ({"subject": {"ttl": 1.5}}, "/credentialSubject/ttl"),
        ({"subject": {"ttl": "1"}}, "/credentialSubject/ttl"),
        ({"subject": {"ttl": True}}, "/credentialSubject/ttl"),
    ],
)
def test_a_malformed_list_is_refused_with_its_place(revoked, changes, path):
    with pytest.raises(InvalidInputError) as refused:
        status.read_list(listed(revoked, **changes))
    assert refused.value.code is Code.MALFORMED_VALUE_ERROR
    assert refused.value.path == path


@pytest.mark.parametrize("text", ["", "u", "H4sI", "uH4sI", "z111", "uAAAA", "u!!!!"])
def test_an_encoded_list_that_cannot_be_expanded_is_refused(revoked, text):
    with pytest.raises(InvalidInputError) as refused:
        status.read_list(listed(revoked, subject={"encodedList": text}))
    assert refused.value.code is Code.INVALID_ENCODING
    assert refused.value.path == "/credentialSubject/encodedList"


def test_a_list_may_have_several_purposes_and_no_ttl(revoked):
    subject = {"statusPurpose": ["revocation", "suspension"], "type": ["BitstringStatusList"]}
    read = status.read_list(listed(revoked, subject=subject | {"ttl": None}))
    assert read.purposes == {"revocation", "suspension"}
    assert read.ttl is None


def test_a_zlib_stream_is_no_gzip_stream(revoked):
    text = multibase_encode(compress(bytes(16_384), Form.ZLIB), "base64url")
    with pytest.raises(InvalidInputError, match="gzip"):
        status.read_list(listed(revoked, subject={"encodedList": text}))


# --- what the check says


def test_a_credential_without_status_is_skipped():
    findings = judged(Credential(unsigned(alice())))
    assert [check.outcome for check in findings.checks] == [Outcome.SKIPPED]
    assert findings.outcome is Outcome.SKIPPED


def test_nothing_set_passes_and_tells_age_and_source(ledger, credential):
    findings = judged(credential, registry=ledger, at=NOW + 90 * SECOND)
    assert findings.outcome is Outcome.PASSED
    (found,) = findings.found
    assert (found.purpose, found.value, found.message) == ("revocation", 0, "unset")
    assert (found.source, found.version, found.url) == (status.Source.REGISTRY, 1, URL)
    assert (found.signed, found.age) == (NOW, 90 * SECOND)
    told = found.to_dict()
    assert told == {
        "path": "/credentialStatus",
        "purpose": "revocation",
        "value": 0,
        "message": "unset",
        "list": URL,
        "source": "registry",
        "digest": found.digest.hex(),
        "version": 1,
        "signed": "2027-03-14T09:00:00Z",
        "ageSeconds": 90,
    }
    bare = found._replace(version=None, signed=None, age=None).to_dict()
    assert told.keys() - bare.keys() == {"version", "signed", "ageSeconds"}


def test_revoked_and_suspended_fail(ledger, revoked):
    suspended = status.publish(ledger, office(), URL + "b", purpose="suspension", at=NOW)
    both = cityid.issue(unsigned(alice()), by=office(), status=(revoked, suspended), at=NOW)
    assert judged(both, registry=ledger).outcome is Outcome.PASSED
    suspended.suspend(both, at=NOW)
    findings = judged(both, registry=ledger)
    assert [check.outcome for check in findings.checks] == [Outcome.PASSED, Outcome.FAILED]
    assert findings.checks[1].problem.code is Code.CREDENTIAL_SUSPENDED
    assert findings.checks[1].path == "/credentialStatus/1"
    suspended.lift(both, at=NOW)
    assert judged(both, registry=ledger).outcome is Outcome.PASSED
    revoked.revoke(both, at=NOW)
    findings = judged(both, registry=ledger)
    assert findings.checks[0].problem.code is Code.CREDENTIAL_REVOKED
    assert findings.outcome is Outcome.FAILED


@pytest.mark.parametrize("purpose", ["message", "refresh"])
def test_messages_and_refreshes_tell_and_do_not_fail(ledger, purpose):
    options = {"messages": {0: "well", 1: "renew it"}}
    handle = status.publish(ledger, office(), URL, purpose=purpose, at=NOW, **options)
    issued = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    place = int(issued.statuses[0]["statusListIndex"])
    handle.refresh(place, at=NOW) if purpose == "refresh" else handle.message(place, 1, at=NOW)
    findings = judged(issued, registry=ledger)
    assert findings.outcome is Outcome.PASSED
    assert (findings.found[0].value, findings.found[0].message) == (1, "renew it")


def test_an_unknown_purpose_is_open_once_it_is_set(ledger):
    handle = status.publish(ledger, office(), URL, purpose="quarantine", at=NOW)
    issued = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    assert judged(issued, registry=ledger).outcome is Outcome.PASSED
    handle.message(issued, 1, at=NOW)
    findings = judged(issued, registry=ledger)
    assert findings.outcome is Outcome.INCONCLUSIVE
    assert code(findings) is Code.STATUS_NOT_CHECKED


@pytest.mark.parametrize("kind", ["StatusList2021Entry", None, ["BitstringStatusListEntry", "x"]])
def test_another_kind_of_status_is_open(ledger, kind):
    document = unsigned(alice()) | {"credentialStatus": ENTRY | {"type": kind}}
    findings = judged(Credential(document), registry=ledger)
    assert findings.outcome is Outcome.INCONCLUSIVE
    assert code(findings) is Code.STATUS_NOT_CHECKED


@pytest.mark.usefixtures("revoked")
def test_too_many_statuses_are_not_looked_up(ledger):
    counting = Counting(ledger)
    several = [ENTRY | {"statusListCredential": f"{URL}{n}"} for n in range(9)]
    findings = judged(Credential({"credentialStatus": several}), registry=counting)
    assert (code(findings), counting.asked) == (Code.COMPLEXITY_LIMIT_EXCEEDED, 0)
    findings = judged(Credential({"credentialStatus": several[:8]}), registry=counting)
    assert (len(findings.checks), counting.asked) == (8, 8)


# --- where the list comes from


def test_the_registry_tells_the_state_as_of_the_time_of_judgement(
    ledger, clock, revoked, credential
):
    for day in range(1, 8):
        clock.at = NOW + timedelta(days=day)
        revoked.revoke(credential if day == 4 else day, at=clock.at)

    def version(at):
        findings = judged(credential, registry=ledger, at=at, latest=False)
        return findings.outcome, findings.found[0].version if findings.found else None

    assert version(NOW - SECOND) == (Outcome.INCONCLUSIVE, None)
    for day in range(8):
        expected = Outcome.FAILED if day >= 4 else Outcome.PASSED
        assert version(NOW + timedelta(days=day)) == (expected, day + 1)
        assert version(NOW + timedelta(days=day, hours=23)) == (expected, day + 1)


def test_the_latest_state_counts_though_the_registrys_clock_is_ahead(
    ledger, clock, revoked, credential
):
    clock.at = NOW + 20 * SECOND
    revoked.revoke(credential, at=NOW)
    assert judged(credential, registry=ledger, latest=True).outcome is Outcome.FAILED
    assert judged(credential, registry=ledger, latest=False).outcome is Outcome.PASSED


def test_a_registry_that_lost_versions_is_an_error(ledger, clock, revoked, credential):
    clock.at = NOW + timedelta(days=1)
    revoked.revoke(credential, at=NOW)
    findings = judged(credential, registry=Forgetful(ledger), latest=False)
    assert code(findings) is Code.STATUS_RETRIEVAL_ERROR
    assert "does not give version 1" in findings.checks[0].problem.detail


def test_a_list_that_was_brought_along_counts_while_it_is_fresh(ledger, credential):
    brought = ledger.head(URL).data
    for form in (brought, brought.decode(), json.loads(brought), Credential.of(brought)):
        findings = judged(credential, stapled=(form,))
        assert findings.outcome is Outcome.PASSED
        assert findings.found[0].source is status.Source.STAPLED
        assert findings.found[0].version is None
    limit = timedelta(minutes=5)
    assert judged(credential, stapled=(brought,), at=NOW + limit).outcome is Outcome.PASSED
    late = judged(credential, stapled=(brought,), at=NOW + limit + SECOND)
    assert code(late) is Code.STATUS_RETRIEVAL_ERROR


def test_the_newest_that_was_brought_along_counts(ledger, revoked, credential):
    old = ledger.head(URL).data
    revoked.revoke(credential, at=NOW + 60 * SECOND)
    new = ledger.head(URL).data
    at = NOW + 120 * SECOND
    for stapled in ((old, new), (new, old)):
        assert judged(credential, stapled=stapled, at=at).outcome is Outcome.FAILED
    assert judged(credential, stapled=(old,), at=at).outcome is Outcome.PASSED


def test_the_registry_comes_before_what_was_brought_along(ledger, revoked, credential):
    old = ledger.head(URL).data
    revoked.revoke(credential, at=NOW)
    assert judged(credential, stapled=(old,), registry=ledger).outcome is Outcome.FAILED
    broken = judged(credential, stapled=(old,), registry=Broken())
    assert broken.outcome is Outcome.PASSED
    assert broken.found[0].source is status.Source.STAPLED


def test_a_greatest_age_narrows_what_may_be_brought_along(ledger, credential):
    brought, at = (ledger.head(URL).data,), NOW + 60 * SECOND
    for most, expected in ((60, Outcome.PASSED), (59, Outcome.INCONCLUSIVE)):
        findings = judged(credential, stapled=brought, at=at, max_age=most * SECOND)
        assert findings.outcome is expected


@pytest.mark.parametrize(
    "rubbish",
    [b"nothing", {"id": URL}, {"id": URL, "validFrom": "yesterday"}, {"id": "urn:x"}, []],
)
def test_what_else_was_brought_along_is_passed_over(ledger, credential, rubbish):
    findings = judged(credential, stapled=(rubbish, ledger.head(URL).data))
    assert findings.outcome is Outcome.PASSED
    assert code(judged(credential, stapled=(rubbish,))) is Code.STATUS_RETRIEVAL_ERROR


def test_a_list_without_subject_may_be_brought_along_and_does_not_hold(credential):
    brought = {"id": URL, "validFrom": "2027-03-14T09:00:00Z"}
    assert code(judged(credential, stapled=(brought,))) is Code.STATUS_VERIFICATION_ERROR


def test_only_so_many_lists_may_be_brought_along(ledger, credential):
    judge = status.Judge(resolver=resolver(), stapled=({},))
    snapshot = status.Snapshot(judge, at=NOW)
    snapshot.bring([{}] * (MOST_STAPLED - 1))
    assert len(snapshot.judge.stapled) == MOST_STAPLED
    snapshot.bring([ledger.head(URL).data])
    assert len(snapshot.judge.stapled) == MOST_STAPLED
    assert status.check(credential, snapshot).outcome is Outcome.INCONCLUSIVE
    assert judge.stapled == ({},)


class Web:
    """A web with one document, or with an error."""

    def __init__(self, content):
        self.content = content
        self.asked = []

    def __call__(self, url):
        self.asked.append(url)
        if isinstance(self.content, Exception):
            raise self.content
        return FetchedDocument(url, self.content, "application/vc")


def test_the_web_is_asked_last(ledger, credential):
    web = Web(ledger.head(URL).data)
    assert judged(credential, registry=ledger, fetch=web).found[0].source == "registry"
    assert web.asked == []
    findings = judged(credential, fetch=web)
    assert (findings.outcome, findings.found[0].source) == (Outcome.PASSED, "web")
    assert web.asked == [URL]


def test_a_url_that_is_not_https_is_not_fetched(ledger):
    url = f"{office().did}?service=status"
    handle = status.publish(ledger, office(), url, purpose="revocation", at=NOW)
    issued = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    web = Web(ledger.head(url).data)
    assert code(judged(issued, fetch=web)) is Code.STATUS_RETRIEVAL_ERROR
    assert web.asked == []


def test_one_snapshot_looks_each_list_up_once(ledger, revoked, credential):
    counting = Counting(ledger)
    judge = status.Judge(resolver=resolver(), registry=counting)
    snapshot = status.Snapshot(judge, at=NOW, latest=True)
    other = cityid.issue(unsigned(bob()), by=office(), status=revoked, at=NOW)
    first = status.check(credential, snapshot)
    revoked.revoke([credential, other], at=NOW)
    assert status.check(other, snapshot).outcome is Outcome.PASSED
    assert status.check(credential, snapshot) == first
    assert counting.asked == 1


# --- whose list


def test_a_list_of_another_issuer_counts_where_the_verifier_accepts_it(ledger):
    handle = status.publish(ledger, foreign_office(), URL, purpose="suspension", at=NOW)
    issued = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    assert code(judged(issued, registry=ledger)) is Code.STATUS_VERIFICATION_ERROR
    accepted = frozenset({str(foreign_office().did)})
    findings = judged(issued, registry=ledger, accepted=accepted)
    assert findings.outcome is Outcome.PASSED


def test_a_list_without_issuer_speaks_for_nobody():
    from cityid.status.check import _may_speak

    snapshot = status.Snapshot(status.Judge(resolver=resolver()), at=NOW)
    assert not _may_speak(None, "None?service=status", snapshot)
    assert not _may_speak("https://id.city.example", "https://id.city.example/1", snapshot)
    assert not _may_speak("did:key:z6Mk", "did:key:z6Mkx?service=status", snapshot)
    assert _may_speak("did:key:z6Mk", "did:key:z6Mk?service=status", snapshot)


# --- the cache


def test_a_list_is_verified_once_while_the_cache_holds_it(ledger, revoked, credential, monkeypatch):
    verified = []
    real = status.sources.verify_credential
    monkeypatch.setattr(
        status.sources, "verify_credential", lambda *a, **k: verified.append(1) or real(*a, **k)
    )
    options = {"registry": ledger, "cache": status.Cache()}
    for seconds in (0, 1, 299):
        assert judged(credential, at=NOW + seconds * SECOND, **options).outcome is Outcome.PASSED
    assert len(verified) == 1
    judged(credential, at=NOW + 300 * SECOND, **options)
    assert len(verified) == 2
    judged(credential, at=NOW, **options)  # before that
    assert len(verified) == 3
    revoked.revoke(credential, at=NOW)
    assert judged(credential, at=NOW, **options).outcome is Outcome.FAILED


def test_a_list_in_the_cache_still_expires(ledger):
    handle = status.publish(
        ledger, office(), URL, purpose="revocation", at=NOW, valid_for=60 * SECOND
    )
    issued = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    options = {"registry": ledger, "cache": status.Cache(), "skew": timedelta(0)}
    assert judged(issued, at=NOW + 59 * SECOND, **options).outcome is Outcome.PASSED
    late = judged(issued, at=NOW + 60 * SECOND, **options)
    assert code(late) is Code.STATUS_VERIFICATION_ERROR


@pytest.mark.usefixtures("revoked")
def test_the_cache_is_bounded(ledger):
    cache = status.Cache(most=2)
    listed = status.read_list(Credential.of(ledger.head(URL).data))
    for name in (b"a", b"b", b"c"):
        cache.keep(name, NOW, listed)
        cache.keep_fetched(name.decode(), caching.Fetched(NOW, b"", "", SECOND))
    assert [cache.verified(name, NOW) is not None for name in (b"a", b"b", b"c")] == [0, 1, 1]
    assert [cache.fetched(name, NOW) is not None for name in "abc"] == [0, 1, 1]


# --- looking again


def test_looking_again_sees_what_changed(ledger, revoked, credential):
    judge = status.Judge(resolver=resolver(), registry=ledger)
    before = status.check(credential, status.Snapshot(judge, at=NOW, latest=True)).found

    def again(**options):
        fresh = status.Judge(**{"resolver": resolver(), "registry": ledger} | options)
        return status.recheck([(credential, before)], status.Snapshot(fresh, at=NOW, latest=True))

    assert again().outcome is Outcome.PASSED
    revoked.revoke(places_of_others(credential), at=NOW)
    assert again().outcome is Outcome.PASSED  # another state, which says the same
    assert again(registry=None).outcome is Outcome.INCONCLUSIVE
    revoked.revoke(credential, at=NOW)
    changed = again()
    assert (changed.outcome, code(changed)) == (Outcome.FAILED, Code.STATUS_CHANGED)
    assert status.recheck([], status.Snapshot(judge, at=NOW)).outcome is Outcome.SKIPPED


def places_of_others(credential):
    own = int(credential.statuses[0]["statusListIndex"])
    return [(own + step) % 131_072 for step in (1, 2, 3)]


def test_an_encoded_list_is_read_by_others():
    text = encoded(bytes(16_384))
    assert text == multibase_encode(compress(bytes(16_384), Form.GZIP), "base64url")
