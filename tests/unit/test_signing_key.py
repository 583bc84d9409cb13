from datetime import timedelta
from types import SimpleNamespace

import pytest

import town
from cityid import did, issue
from cityid.errors import Code, RegistryError, UnsupportedError
from cityid.report import Outcome
from cityid.securing import verify_proofs

SECURED = issue(town.unsigned(), by=town.office(), at=town.NOW).to_dict()
HOUR = timedelta(hours=1)


def judged(resolver, *, recorded=None):
    findings = verify_proofs(
        SECURED, resolver=resolver, purpose="assertionMethod", at=town.NOW, recorded=recorded
    )
    (check,) = [check for check in findings.report if check.name == "proof"]
    code = check.problem and check.problem.code
    return check.outcome, code, [warning.code for warning in findings.report.warnings]


def in_hand(**members):
    """A document in hand has no history: whatever it says today, it says."""
    document = town.office().document.to_dict()
    document["verificationMethod"][0] |= members
    return did.resolver(documents=[document])


def failing(error):
    def fail(_url, **_options):
        raise error

    return SimpleNamespace(keeps_history=lambda _: True, verification_method=fail)


@pytest.mark.parametrize("recorded", [None, town.NOW - HOUR])
def test_a_key_without_history_that_is_good_is_good(recorded):
    assert judged(in_hand(), recorded=recorded) == (Outcome.PASSED, None, [])


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (None, (Outcome.FAILED, Code.KEY_REVOKED, [])),
        (town.NOW - HOUR, (Outcome.FAILED, Code.KEY_REVOKED, [])),
        (town.NOW - 3 * HOUR, (Outcome.PASSED, None, [Code.KEY_SINCE_REVOKED])),
    ],
)
def test_a_revoked_key_counts_for_what_was_recorded_before(recorded, expected):
    resolver = in_hand(revoked="2027-03-14T07:00:00Z")
    assert judged(resolver, recorded=recorded) == expected


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (None, (Outcome.FAILED, Code.KEY_EXPIRED, [])),
        (town.NOW - 2 * HOUR, (Outcome.FAILED, Code.KEY_EXPIRED, [])),
        (town.NOW - 3 * HOUR, (Outcome.PASSED, None, [])),
    ],
)
def test_so_does_an_expired_one(recorded, expected):
    resolver = in_hand(expires="2027-03-14T07:00:00Z")
    assert judged(resolver, recorded=recorded) == expected


def test_a_key_that_will_be_revoked_is_told():
    resolver = in_hand(revoked="2027-03-15T07:00:00Z")
    assert judged(resolver) == (Outcome.PASSED, None, [Code.ORDER_UNPROVEN])


@pytest.mark.parametrize("recorded", [None, town.NOW - HOUR])
def test_a_kind_of_key_that_cannot_be_read_is_no_evidence_of_order(recorded):
    resolver = failing(UnsupportedError("no such kind of key", name="x"))
    assert judged(resolver, recorded=recorded) == (Outcome.FAILED, Code.NOT_SUPPORTED, [])


@pytest.mark.parametrize("recorded", [None, town.NOW - HOUR])
def test_a_world_that_fails_leaves_the_question_open(recorded):
    resolver = failing(RegistryError("the registry is away"))
    expected = (Outcome.INCONCLUSIVE, Code.REGISTRY_UNAVAILABLE, [])
    assert judged(resolver, recorded=recorded) == expected
