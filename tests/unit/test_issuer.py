from __future__ import annotations

from datetime import timedelta

import pytest

import cityid
import town
from cityid.errors import Code, InvalidInputError, ProofGenerationError, UnsupportedError


def issue(unsigned, **options):
    return cityid.issue(unsigned, **({"by": town.office(), "at": town.NOW} | options))


def test_the_issuer_is_filled_in():
    signed = issue(town.unsigned())
    assert signed.issuer == str(town.office().did)
    assert signed.document["proof"]["created"] == "2027-03-14T09:00:00Z"
    named = issue(town.unsigned() | {"issuer": {"name": "The Registry Office"}})
    assert named.document["issuer"] == {
        "name": "The Registry Office",
        "id": str(town.office().did),
    }


def test_the_caller_keeps_its_document():
    unsigned = town.unsigned()
    before = str(unsigned)
    issue(unsigned, valid_for=timedelta(days=1))
    assert str(unsigned) == before


def test_a_credential_that_is_issued_stays_as_it_was():
    unsigned = cityid.Credential.of(town.unsigned() | {"issuer": {"name": "The Registry Office"}})
    before = unsigned.to_json()
    signed = issue(unsigned, valid_for=timedelta(days=1))
    assert unsigned.to_json() == before
    assert signed.document is not unsigned.document
    assert signed.issuer == str(town.office().did)


@pytest.mark.parametrize("issuer", ["did:web:other.example", {"id": "did:web:other.example"}, 5])
def test_nobody_signs_for_another(issuer):
    with pytest.raises(ProofGenerationError) as caught:
        issue(town.unsigned() | {"issuer": issuer})
    assert caught.value.code is Code.ISSUER_MISMATCH
    assert caught.value.path == "/issuer"


def test_the_period_of_validity():
    plain = issue(town.unsigned() | {"validFrom": "2027-01-01T00:00:00Z"})
    assert plain.document["validFrom"] == "2027-01-01T00:00:00Z"
    assert "validUntil" not in plain.document
    limited = issue(town.unsigned(), valid_for=timedelta(days=1))
    assert limited.document["validFrom"] == "2027-03-14T09:00:00Z"
    assert limited.document["validUntil"] == "2027-03-15T09:00:00Z"
    later = issue(
        town.unsigned(), valid_from=town.NOW + timedelta(days=7), valid_for=timedelta(days=1)
    )
    assert later.document["validUntil"] == "2027-03-22T09:00:00Z"
    open_end = issue(town.unsigned(), valid_from=town.NOW)
    assert "validUntil" not in open_end.document


def test_a_malformed_credential_is_refused_with_every_fault():
    broken = town.unsigned() | {"validFrom": "not-a-date"}
    del broken["credentialSubject"]
    with pytest.raises(InvalidInputError) as caught:
        issue(broken)
    assert "not-a-date" in str(caught.value)
    assert "credentialSubject" in str(caught.value)


def test_a_term_that_no_context_defines_is_refused():
    with pytest.raises((InvalidInputError, ProofGenerationError)) as caught:
        issue(
            {
                "@context": [town.V2],
                "type": ["VerifiableCredential"],
                "credentialSubject": {"id": str(town.alice().did), "favouriteColour": "blue"},
            }
        )
    assert caught.value.code is Code.DATA_LOSS_DETECTION_ERROR
    assert caught.value.path == "/credentialSubject/favouriteColour"


def test_a_context_that_is_not_admitted_is_refused():
    with pytest.raises(InvalidInputError) as caught:
        issue(town.unsigned() | {"@context": [town.V2, "https://elsewhere.example/v1"]})
    assert caught.value.code is Code.CONTEXT_NOT_ALLOWED
    assert caught.value.path == "/@context/1"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"securing": "sd-jwt"}, "sd-jwt"),
        ({"mandatory": ("/issuer",)}, "mandatory"),
        ({"status": object()}, "status"),
        ({"cryptosuite": "eddsa-jcs-2099"}, "eddsa-jcs-2099"),
    ],
)
def test_what_is_not_built_says_so(options, name):
    with pytest.raises(UnsupportedError) as caught:
        issue(town.unsigned(), **options)
    assert caught.value.name == name


def test_a_declared_schema_must_be_met():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://city.example/schemas/alumni",
        "properties": {"credentialSubject": {"required": ["graduatedIn"]}},
    }
    schemas = cityid.SCHEMAS.with_schema(schema["$id"], schema)
    unsigned = town.unsigned() | {
        "credentialSchema": {"id": schema["$id"], "type": "JsonSchema"},
    }
    with pytest.raises(InvalidInputError) as caught:
        issue(unsigned, schemas=schemas)
    assert caught.value.code is Code.SCHEMA_VIOLATION
    assert issue(unsigned).document["credentialSchema"]["id"] == schema["$id"]


def test_many_are_issued_in_order_with_progress():
    seen = []
    unsigned = [town.unsigned(town.alice()), town.unsigned(town.bob())]
    issued = cityid.issue_many(unsigned, by=town.office(), at=town.NOW, progress=seen.append)
    assert [c.subjects[0]["id"] for c in issued] == [str(town.alice().did), str(town.bob().did)]
    assert seen == [1, 2]
    (now,) = cityid.issue_many([town.unsigned()], by=town.office())
    assert now.document["proof"]["created"]


@pytest.mark.parametrize("key_type", ["P-256", "P-384"])
@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
def test_other_keys_issue_with_their_own_suites(key_type, suite):
    office = town.person("office", key_type)
    signed = issue(town.unsigned(), by=office, cryptosuite=suite)
    asked = cityid.policy.IssuedBy({office.did})
    assert cityid.verify(signed, policy=asked, resolver=town.resolver(), at=town.NOW)


def test_a_suite_refuses_a_key_of_another_type():
    with pytest.raises((ProofGenerationError, UnsupportedError)):
        issue(town.unsigned(), by=town.person("office", "P-256"))
