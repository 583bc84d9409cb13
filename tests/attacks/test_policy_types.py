"""Claims whose type is not the one that was asked for, and policies that ask in the wrong type."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

import cityid
import town
from cityid import policy
from cityid.errors import InvalidInputError
from cityid.policy import Claim, Verdict
from cityid.securing import add_proof

PATH = "/credentialSubject/value"
OFFICE = {town.office().did}


def decide(value, **bound):
    method, signer = town.office().signer("assertionMethod")
    document = add_proof(
        town.unsigned(value=value) | {"issuer": str(town.office().did)},
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
    )
    asked = policy.AllOf(policy.IssuedBy(OFFICE), Claim(PATH, **bound))
    result = cityid.verify(document, policy=asked, resolver=town.resolver(), at=town.NOW)
    assert result.verified
    return result.decision.verdict


@pytest.mark.parametrize(
    ("value", "bound", "confused"),
    [
        (True, {"equals": True}, {"equals": 1}),
        ([True, 2], {"equals": [True, 2]}, {"equals": [1, 2]}),
        ({"a": [1]}, {"equals": {"a": [1]}}, {"equals": {"a": [True]}}),
        ({"a": 1}, {"equals": {"a": 1}}, {"equals": {"a": 1, "b": 1}}),
        ([1], {"equals": [1]}, {"equals": [1, 1]}),
        ([1, 0], {"contains": 1}, {"contains": True}),
        ([[0]], {"contains": [0]}, {"contains": [False]}),
        ([1], {"one_of": [[1]]}, {"one_of": [[True]]}),
        ("18", {"one_of": {"18"}}, {"one_of": {18}}),
        (18, {"at_least": 18}, {"at_least": 19}),
        (18, {"at_least": 18}, {"at_least": float("nan")}),
        ("2027-03-14", {"at_least": date(2027, 3, 14)}, {"at_least": date(2027, 3, 15)}),
    ],
)
def test_a_value_fits_only_in_its_own_type(value, bound, confused):
    assert decide(value, **bound) is Verdict.PERMIT
    assert decide(value, **confused) is Verdict.DENY


@pytest.mark.parametrize("value", [True, "18", None, [18], {"a": 18}])
def test_what_is_no_number_reaches_no_bound(value):
    assert decide(18, at_least=1) is Verdict.PERMIT
    assert decide(value, at_least=1) is Verdict.DENY


@pytest.mark.parametrize(
    "bound",
    [
        {"at_least": "18"},
        {"at_most": None},
        {"at_least": True},
        {"at_most": datetime(2027, 3, 14, tzinfo=UTC)},
        {"one_of": "low"},
        {"one_of": 7},
    ],
)
def test_a_bound_of_the_wrong_type_is_refused_before_anybody_is_judged(bound):
    assert Claim(PATH, at_least=1, at_most=2.5, one_of=["low"])
    with pytest.raises(InvalidInputError):
        Claim(PATH, **bound)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: policy.IssuedBy(str(town.office().did)),
        lambda: policy.IssuedBy(None),
        lambda: policy.access(issuers=str(town.office().did)),
        lambda: policy.access(issuers=OFFICE, districts="Harbour"),
        lambda: policy.kyc(issuers=OFFICE, jurisdictions="NL"),
        lambda: policy.Election(id="urn:e", day=date(2027, 3, 17), registrars="did:key:z6Mk"),
        lambda: policy.Election(id="urn:e", day=date(2027, 3, 17), registrars=town.office()),
        lambda: policy.IssuedBy(town.office()),
        lambda: policy.Election(
            id="urn:e", day=date(2027, 3, 17), registrars=frozenset(OFFICE), districts="Harbour"
        ),
    ],
)
def test_one_text_is_not_taken_for_several(ask):
    assert policy.access(issuers=OFFICE, districts=["Harbour"])
    assert policy.kyc(issuers=OFFICE, jurisdictions=["NL"], checked_within=timedelta(days=1))
    with pytest.raises(InvalidInputError):
        ask()
