from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import cityid
import town
from cityid import policy
from cityid.errors import Code, InvalidInputError

OFFICE = policy.IssuedBy({town.office().did})


def test_a_credential_cannot_outlast_the_calendar():
    years = 365 * timedelta(days=8000)
    with pytest.raises(InvalidInputError, match="outlast") as refusal:
        cityid.issue(town.unsigned(), by=town.office(), valid_for=years, at=town.NOW)
    assert refusal.value.code is Code.NUMBER_OUT_OF_RANGE


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_no_judgement_at_the_ends_of_the_calendar(at):
    issued = cityid.issue(town.unsigned(), by=town.office(), at=town.NOW)
    with pytest.raises(InvalidInputError, match="end of the calendar") as refusal:
        cityid.verify(issued, policy=OFFICE, resolver=town.resolver(), at=at)
    assert refusal.value.code is Code.NUMBER_OUT_OF_RANGE


def test_a_check_may_be_older_than_the_calendar():
    unsigned = town.city_credential("kyc", town.alice())
    issued = cityid.issue(unsigned, by=town.office(), at=town.NOW, valid_for=timedelta(days=365))
    ever = 3000 * timedelta(days=365)
    asked = policy.AllOf(OFFICE, policy.NotOlderThan("/credentialSubject/checkedOn", ever))
    assert cityid.verify(issued, policy=asked, resolver=town.resolver(), at=town.NOW)
