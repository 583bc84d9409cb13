"""Attacks with what an issuer once signed itself, and what an issuer must not slip into."""

from __future__ import annotations

import copy
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

import cityid
from cityid import did, policy, registry, status, trust
from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError
from cityid.registry import NewEntry
from cityid.report import Outcome
from cityid.securing import add_proof, jose
from cityid.status import token21
from town import NOW, alice, office, person, resolver, unsigned

URL = "https://id.city.example/status/1"
DAY = timedelta(days=1)


@pytest.fixture
def ledger():
    return registry.connect("memory:")


@pytest.fixture
def revoked(ledger):
    return status.publish(ledger, office(), URL, purpose="revocation", at=NOW)


@pytest.fixture
def credential(revoked):
    return cityid.issue(unsigned(alice()), by=office(), status=revoked, at=NOW)


def judged(credential, *, at=NOW + DAY, **options):
    return cityid.verify(
        credential, policy=policy.IssuedBy({office().did}), resolver=resolver(), at=at, **options
    )


def again(ledger, version):
    """Write an earlier entry of the list's log once more, as anybody may."""
    data = ledger.read(URL, after=version - 1, limit=1)[0].data
    ledger.append([NewEntry(URL, ledger.head(URL).version + 1, data)])


def signed(document, by=office):
    method, signer = by().signer("assertionMethod")
    return add_proof(
        {name: value for name, value in document.items() if name != "proof"},
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
        created=NOW,
    )


def test_an_old_list_written_again_revives_nobody(ledger, revoked, credential):
    assert judged(credential, registry=ledger)
    revoked.revoke(credential, at=NOW)
    again(ledger, 1)
    result = judged(credential, registry=ledger)
    assert not result
    (check,) = [each for each in result.checks if each.name == "status"]
    assert check.outcome is Outcome.INCONCLUSIVE
    assert check.problem.code is Code.STATUS_VERIFICATION_ERROR


def test_an_old_list_is_refused_also_where_it_was_verified_a_moment_ago(
    ledger, revoked, credential
):
    verifier = cityid.Verifier(resolver=resolver(), registry=ledger)
    believing = policy.IssuedBy({office().did})
    assert verifier.verify(credential, policy=believing, at=NOW)
    revoked.revoke(credential, at=NOW)
    again(ledger, 1)
    assert not verifier.verify(credential, policy=believing, at=NOW)


def test_no_issuer_signs_an_old_list_anew_by_mistake(ledger, revoked, credential):
    last = revoked.revoke(credential, at=NOW)
    again(ledger, 1)
    with pytest.raises(InvalidInputError, match="another version") as caught:
        revoked.renew(at=NOW)
    assert caught.value.code is Code.STATUS_VERIFICATION_ERROR
    status.restore(ledger, office(), URL, version=last.version, at=NOW)
    assert revoked.value(credential) == 1
    assert judged(credential, registry=ledger).decision.verdict is policy.Verdict.DENY


def test_a_list_that_does_not_say_its_version_is_a_first_entry(ledger, credential):
    listed = json.loads(ledger.head(URL).data)
    listed["credentialSubject"]["id"] = f"{URL}#list"
    data = json.dumps(signed(listed)).encode()
    other = registry.connect("memory:")
    other.append([NewEntry(URL, 1, data)])
    assert judged(credential, registry=other)
    other.append([NewEntry(URL, 2, data)])
    assert not judged(credential, registry=other)


@pytest.mark.usefixtures("revoked")
@pytest.mark.parametrize("told", ["0", "01", "2", "1 ", "", "-1", "\u0661", "+1", "1_0"])
def test_a_version_is_told_in_one_way_alone(ledger, told):
    listed = json.loads(ledger.head(URL).data)
    listed["credentialSubject"]["id"] = f"{URL}#list-{told}"
    read = status.read_list(Credential.of(listed))
    assert read.version in {None, 0, 2}


def test_a_list_with_a_status_of_its_own_leaves_open(ledger, credential):
    listed = json.loads(ledger.head(URL).data)
    assert judged(credential, status_lists=(signed(listed),), at=NOW)
    listed["credentialStatus"] = copy.deepcopy(credential.statuses[0])
    result = judged(credential, status_lists=(signed(listed),), at=NOW)
    assert result.decision.verdict is policy.Verdict.INDETERMINATE


def test_a_presentation_of_very_many_lists_costs_little():
    one = {"type": ["BitstringStatusListCredential"], "id": URL}
    named = {"credentialStatus": {"statusListCredential": URL}}
    shown = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [named, *({**one, "n": n} for n in range(6000)), *[named] * 6000],
    }
    start = time.process_time()
    assert not judged(json.dumps(shown), challenge="abc", domain="pool.city.example")
    assert time.process_time() - start < 1.5


def test_a_copy_counts_up_to_the_end_of_the_calendar(ledger, credential):
    class Web:
        def __call__(self, url):
            return did.FetchedDocument(url, ledger.head(URL).data, "application/vc")

    verifier = cityid.Verifier(resolver=resolver(), fetch=Web())
    late = datetime(9999, 12, 31, 23, 50, tzinfo=UTC)
    for _ in range(2):
        assert verifier.verify(credential, policy=policy.IssuedBy({office().did}), at=late)


def test_a_token_does_not_say_where_its_key_is_looked_up():
    asked = []

    def fetch(url):
        asked.append(url)
        raise AssertionError

    resolving = did.resolver(fetch=fetch)
    statuses = token21.TokenStatusList21.of([0], bits=1)
    good = token21.sign(statuses, by=office(), uri=URL, at=NOW)
    options = {"uri": URL, "key": resolving, "issuer": str(office().did)}
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert token21.verify(good, at=NOW, **options)
    assert token21.verify(good, at=end, **options)
    forged = jose.sign(
        jose.read(good, typ=token21.TYPE).payload,
        signer=person("mallory").signer("assertionMethod")[1],
        typ=token21.TYPE,
        kid="did:web:elsewhere.example#key",
    )
    with pytest.raises(InvalidInputError, match="not of the issuer") as caught:
        token21.verify(forged, at=NOW, **options)
    assert caught.value.code is Code.STATUS_VERIFICATION_ERROR
    assert asked == []


# --- an issuer's own slips


def test_a_list_taken_up_with_another_size_changes_nobody_elses_status(ledger):
    named = {n: str(n) for n in range(4)}
    handle = status.publish(
        ledger, office(), URL, purpose="suspension", size=2, messages=named, at=NOW
    )
    credential = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    allocator = status.MemoryAllocator()
    mistaken = status.reopen(ledger, office(), URL, allocator=allocator)
    with pytest.raises(InvalidInputError, match="size="):
        mistaken.suspend(credential, at=NOW)
    right = status.reopen(ledger, office(), URL, allocator=allocator, size=2, messages=named)
    right.suspend(credential, at=NOW)
    assert right.value(credential) == 1


@pytest.mark.parametrize("index", [-1, 131_072, "x", True, 1.5])
def test_no_entry_is_made_for_a_place_that_is_not_there(revoked, index):
    with pytest.raises(InvalidInputError):
        revoked.entry(index)
    assert revoked.entry(131_071)["statusListIndex"] == "131071"


@pytest.mark.parametrize("period", ["ttl", "valid_for"])
def test_no_list_is_published_that_counts_before_it_is_there(ledger, period):
    options = {"purpose": "revocation", "at": NOW}
    with pytest.raises(InvalidInputError):
        status.publish(ledger, office(), URL, **options, **{period: timedelta(seconds=-1)})
    assert ledger.head(URL) is None
    assert status.publish(ledger, office(), URL, **options, **{period: timedelta(seconds=1)})


def test_no_list_outlasts_the_calendar(ledger):
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    with pytest.raises(InvalidInputError) as caught:
        status.publish(ledger, office(), URL, purpose="revocation", valid_for=DAY, at=end)
    assert caught.value.code is Code.NUMBER_OUT_OF_RANGE
    with pytest.raises(InvalidInputError):
        trust.publish(ledger, office(), valid_for=DAY, at=end)
    assert ledger.head(trust.list_id(str(office().did))) is None
