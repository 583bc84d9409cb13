"""Statuses in a whole verification: sources, times, freshness, and what a result tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import cityid
from cityid import did, policy, registry, status
from cityid.errors import Code, VerificationError
from cityid.report import Outcome
from town import CHALLENGE, DOMAIN, NOW, alice, office, resolver, unsigned

URL = "https://id.city.example/status/1"
BELIEVED = policy.IssuedBy({office().did})
DAY = timedelta(days=1)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, at=NOW):
        self.at = at

    def __call__(self):
        return self.at


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


def verify(document, **options):
    asked = {"policy": BELIEVED, "resolver": resolver(), "at": NOW} | options
    return cityid.verify(document, **asked)


def code(result):
    (check,) = [one for one in result.checks if one.name == "status"]
    return check.problem and check.problem.code


def test_a_revoked_credential_is_refused_and_the_day_before_it_is_not(
    ledger, clock, revoked, credential
):
    clock.at = NOW + 2 * DAY
    revoked.revoke(credential, at=clock.at)
    before = verify(credential, registry=ledger, at=NOW + DAY)
    after = verify(credential, registry=ledger, at=NOW + 2 * DAY)
    assert before
    assert not after
    assert code(after) is Code.CREDENTIAL_REVOKED
    assert after.decision.verdict is policy.Verdict.DENY
    assert after.facts is None
    (found,) = after.statuses
    assert (found.value, found.age, found.source) == (1, timedelta(0), "registry")
    assert "revocation: set; list signed at 2027-03-16" in after.explain()
    assert after.to_dict()["statuses"][0]["version"] == 2


def test_a_result_tells_what_the_lists_said(ledger, credential):
    result = verify(credential, registry=ledger, at=NOW + DAY)
    (found,) = result.statuses
    assert (found.age, found.source, found.path) == (DAY, "registry", "/credentialStatus")
    assert result.require().credentials[0].statuses == result.statuses
    (row,) = result.to_dict()["statuses"]
    assert (row["ageSeconds"], row["list"], row["version"]) == (86_400, URL, 1)
    told = "revocation: unset; list signed at 2027-03-14T09:00:00Z, from the registry"
    assert told in result.explain()
    assert "at a time unknown" in found._replace(signed=None).told()
    json.dumps(result.to_dict())
    assert verify(credential).statuses == ()


def test_a_message_is_told_beside_the_permission(ledger):
    handle = status.publish(
        ledger, office(), URL, purpose="message", messages={0: "well", 1: "photo old"}, at=NOW
    )
    issued = cityid.issue(unsigned(alice()), by=office(), status=handle, at=NOW)
    handle.message(issued, 1, at=NOW)
    result = verify(issued, registry=ledger)
    assert result
    assert "message: photo old" in result.explain()


def test_a_list_in_hand_stands_in_for_the_registry(ledger, credential):
    listed = ledger.head(URL).data
    result = verify(credential, status_lists=[listed])
    assert result
    assert result.statuses[0].source is status.Source.STAPLED
    verifier = cityid.Verifier(resolver=resolver(), status_lists=(listed,))
    assert verifier.verify(credential, policy=BELIEVED, at=NOW)


def test_the_web_stands_in_for_the_registry(ledger, credential):
    asked = []

    def fetch(url):
        asked.append(url)
        return did.FetchedDocument(url, ledger.head(URL).data, "application/vc")

    verifier = cityid.Verifier(resolver=resolver(), fetch=fetch)
    for _ in range(3):
        assert verifier.verify(credential, policy=BELIEVED, at=NOW)
    assert asked == [URL]
    assert verify(credential, fetch=fetch).statuses[0].source is status.Source.WEB


def shown(*credentials):
    return cityid.present(credentials, by=alice(), challenge=CHALLENGE, domain=DOMAIN, at=NOW)


def verify_shown(presentation, **options):
    return verify(presentation, challenge=CHALLENGE, domain=DOMAIN, **options)


def test_a_presentation_carries_the_list_it_is_judged_by(ledger, revoked, credential):
    listed = cityid.Credential.of(ledger.head(URL).data)
    result = verify_shown(shown(credential, listed))
    assert result
    assert [one.path for one in result.require()] == ["/verifiableCredential/0"]
    assert result.statuses[0].source is status.Source.STAPLED
    assert result.statuses[0].path == "/verifiableCredential/0/credentialStatus"
    assert not [one for one in result.checks if one.path == "/verifiableCredential/1"]
    assert not verify_shown(shown(credential))
    revoked.revoke(credential, at=NOW)
    after = cityid.Credential.of(ledger.head(URL).data)
    assert not verify_shown(shown(after, credential))
    # The registry knows better than what the holder brings along.
    assert not verify_shown(shown(credential, listed), registry=ledger)


def test_a_list_that_nobody_names_is_a_credential_like_any_other(ledger, credential):
    other = status.publish(ledger, office(), URL + "b", purpose="revocation", at=NOW)
    listed = cityid.Credential.of(ledger.head(other.url).data)
    result = verify_shown(shown(credential, listed), registry=ledger)
    assert [one for one in result.checks if one.path == "/verifiableCredential/1"]
    assert not result  # it is about a list, not about the one who presents it


def test_now_counts_the_last_record_whatever_the_clocks_say(ledger, clock):
    now = datetime.now(UTC)
    revoked = status.publish(ledger, office(), URL, purpose="revocation", at=now)
    document = unsigned(alice()) | {"validFrom": "2026-01-01T00:00:00Z"}
    credential = cityid.issue(document, by=office(), status=revoked)
    clock.at = now + 10 * DAY  # the registry's clock is far ahead
    revoked.revoke(credential)
    asked = {"policy": BELIEVED, "resolver": resolver(), "registry": ledger}
    assert code(cityid.verify(credential, **asked)) is Code.CREDENTIAL_REVOKED
    verifier = cityid.Verifier(resolver=resolver(), registry=ledger)
    (result,) = cityid.verify_many([credential], policy=BELIEVED, verifier=verifier)
    assert code(result) is Code.CREDENTIAL_REVOKED


# --- freshness


def fresh(days):
    return policy.AllOf(BELIEVED, policy.FreshStatus(days * DAY))


def test_a_list_that_was_signed_long_ago_permits_nothing(ledger, clock, revoked, credential):
    at = NOW + 3 * DAY
    assert verify(credential, registry=ledger, at=at, policy=fresh(3))
    stale = verify(credential, registry=ledger, at=at, policy=fresh(2))
    assert stale.verified
    assert not stale
    assert stale.decision.verdict is policy.Verdict.INDETERMINATE
    assert [reason.code for reason in stale.decision.reasons] == [None, Code.STATUS_STALE]
    clock.at = at - DAY
    revoked.renew(at=at - DAY)
    assert verify(credential, registry=ledger, at=at, policy=fresh(2))


def test_a_list_of_unknown_age_is_not_fresh(ledger, credential):
    (found,) = verify(credential, registry=ledger).statuses

    class Facts(list):
        """Facts with a finding of no date."""

    class One:
        """A credential whose list has no date."""

        path = ""
        statuses = (found._replace(age=None, signed=None),)

    decision = policy.FreshStatus(DAY).decide(Facts([One]))
    assert decision.verdict is policy.Verdict.INDETERMINATE
    assert "at a time unknown" in decision.reasons[0].text


def test_a_credential_without_status_has_nothing_old():
    plain = cityid.issue(unsigned(alice()), by=office(), at=NOW)
    assert verify(plain, policy=fresh(0))


def test_the_shortest_age_that_is_asked_for_is_needed():
    one, other = policy.FreshStatus(DAY), policy.FreshStatus(2 * DAY)
    for both in (policy.AllOf(one, other), policy.AllOf(other, one)):
        assert both.needs().max_status_age == DAY
    assert policy.AllOf(BELIEVED, other).needs().max_status_age == 2 * DAY
    assert policy.AllOf(other, BELIEVED).needs().max_status_age == 2 * DAY
    assert BELIEVED.needs().max_status_age is None


def test_a_list_brought_along_must_be_as_young_as_the_policy_asks(ledger, credential):
    listed, at = ledger.head(URL).data, NOW + timedelta(minutes=4)
    young = policy.AllOf(BELIEVED, policy.FreshStatus(timedelta(minutes=3)))
    assert verify(credential, status_lists=[listed], at=at)
    result = verify(credential, status_lists=[listed], at=at, policy=young)
    assert code(result) is Code.STATUS_RETRIEVAL_ERROR


@pytest.mark.parametrize("age", [5, None, -DAY, "1 day"])
def test_an_age_is_a_length_of_time(age):
    with pytest.raises(cityid.InvalidInputError, match="max_age takes a length of time"):
        policy.FreshStatus(age)


# --- looking again


def test_a_refused_result_is_not_looked_at_again(ledger, revoked, credential):
    revoked.revoke(credential, at=NOW)
    verifier = cityid.Verifier(resolver=resolver(), registry=ledger)
    result = verifier.verify(credential, policy=BELIEVED, at=NOW)
    with pytest.raises(VerificationError):
        verifier.recheck(result)


def test_looking_again_is_as_of_now_by_default(ledger, credential):
    verifier = cityid.Verifier(resolver=resolver(), registry=ledger)
    result = verifier.verify(credential, policy=BELIEVED, at=NOW)
    again = verifier.recheck(result)  # before the list's validity begins
    assert again.outcome is Outcome.INCONCLUSIVE
    assert verifier.recheck(result, at=NOW + DAY).outcome is Outcome.PASSED


# --- keys of lists


def test_a_list_signed_before_its_key_went_out_of_use_counts_by_the_registrys_record(ledger):
    lister = office()
    method = lister.signer("assertionMethod")[0]
    document = json.loads(lister.document.to_json())
    document["verificationMethod"] = [
        one | {"expires": "2027-03-20T00:00:00Z"} for one in document["verificationMethod"]
    ]
    world = did.resolver(documents=[document])
    assert world.verification_method(method, relationship="assertionMethod").expires
    handle = status.publish(ledger, lister, URL, purpose="revocation", at=NOW)
    judge = status.Judge(resolver=world, registry=ledger)
    entry = cityid.Credential({"issuer": str(lister.did), "credentialStatus": handle.entry()})
    for at, expected in ((NOW + DAY, Outcome.PASSED), (NOW + 30 * DAY, Outcome.PASSED)):
        findings = status.check(entry, status.Snapshot(judge, at=at))
        assert findings.outcome is expected
    brought = status.Judge(resolver=world, stapled=(ledger.head(URL).data,), max_age=DAY)
    late = status.check(entry, status.Snapshot(brought, at=NOW + 30 * DAY))
    assert late.outcome is Outcome.INCONCLUSIVE
