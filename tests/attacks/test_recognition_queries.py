"""Queries of other registries of trust that are no queries: answered as such, never raised."""

from __future__ import annotations

import pytest

import town
from cityid import registry, trust

AUTHORITY, ISSUER = str(town.person("city").did), str(town.person("bank").did)
QUERY = {
    "entity_id": ISSUER,
    "authority_id": AUTHORITY,
    "action": "issue",
    "resource": "KycAssuranceCredential",
}


@pytest.mark.parametrize("query", [5, None, [], "entity_id", {}, {**QUERY, "action": ["issue"]}])
@pytest.mark.parametrize("answer", [trust.answer_trqp, trust.answer_ebsi])
def test_what_is_no_query_gets_400(answer, query):
    ledger = registry.connect("memory:")
    assert answer(query, ledger=ledger, resolver=town.resolver())["status"] == 400


def test_a_query_about_a_list_that_is_not_there_gets_503():
    ledger = registry.connect("memory:")
    answer = trust.answer_trqp(QUERY, ledger=ledger, resolver=town.resolver())
    assert answer["status"] == 503
    trust.publish(ledger, town.person("city"))
    answer = trust.answer_trqp(QUERY, ledger=ledger, resolver=town.resolver())
    assert answer["authorized"] is False
