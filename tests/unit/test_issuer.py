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


def test_a_credential_is_in_force_from_its_issue_unless_it_says_otherwise():
    unsigned = {name: value for name, value in town.unsigned().items() if name != "validFrom"}
    assert issue(unsigned).document["validFrom"] == "2027-03-14T09:00:00Z"
    told = unsigned | {"validFrom": "2027-01-01T00:00:00Z"}
    assert issue(told).document["validFrom"] == "2027-01-01T00:00:00Z"
    with pytest.raises(InvalidInputError) as caught:
        issue(unsigned | {"@context": ["https://www.w3.org/2018/credentials/v1"]})
    assert "validFrom" not in str(caught.value)


def test_a_period_that_is_given_replaces_the_credentials_own():
    own = {"validFrom": "2027-01-01T00:00:00Z", "validUntil": "2028-01-01T00:00:00Z"}
    kept = issue(town.unsigned() | own).document
    assert {name: kept[name] for name in own} == own
    limited = issue(town.unsigned() | own, valid_for=timedelta(days=1)).document
    assert limited["validFrom"] == "2027-03-14T09:00:00Z"
    assert limited["validUntil"] == "2027-03-15T09:00:00Z"
    begun = issue(town.unsigned() | own, valid_from=town.NOW).document
    assert begun["validFrom"] == "2027-03-14T09:00:00Z"
    assert begun["validUntil"] == own["validUntil"]


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
        ({"cryptosuite": "eddsa-jcs-2099"}, "eddsa-jcs-2099"),
    ],
)
def test_what_is_not_built_says_so(options, name):
    with pytest.raises(UnsupportedError) as caught:
        issue(town.unsigned(), **options)
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ("shelf", "cannot be processed at its term 'shelf': invalid IRI mapping"),
        (5, "is malformed: the term 'shelf' is defined by neither text nor an object"),
    ],
)
def test_a_context_that_is_wrong_is_named(definition, told):
    url = "https://city.example/contexts/shelf/v1"
    unsigned = {
        "@context": [town.V2, url],
        "type": ["VerifiableCredential"],
        "credentialSubject": {"id": str(town.alice().did)},
        "shelf": "7",
    }
    good = cityid.CONTEXTS.with_context(url, {"@context": {"shelf": "urn:city:shelf"}})
    assert issue(unsigned, contexts=good).document["shelf"] == "7"
    wrong = cityid.CONTEXTS.with_context(url, {"@context": {"shelf": definition}})
    with pytest.raises(ProofGenerationError) as caught:
        issue(unsigned, contexts=wrong)
    assert f"the context '{url}' {told}" in str(caught.value)
    assert caught.value.path == "/@context"


def test_a_context_inside_a_context_is_named_once():
    inner = "https://city.example/contexts/inner/v1"
    outer = "https://city.example/contexts/outer/v1"
    contexts = cityid.CONTEXTS.with_context(inner, {"@context": {"shelf": 5}})
    contexts = contexts.with_context(outer, {"@context": [inner]})
    with pytest.raises(ProofGenerationError) as caught:
        issue(town.unsigned() | {"@context": [town.V2, outer]}, contexts=contexts)
    assert str(caught.value).startswith(f"the context '{inner}' is malformed")


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


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "objekt"}, Code.MALFORMED_VALUE_ERROR),
        ({"$id": "https://city.example/schemas/other"}, Code.MALFORMED_VALUE_ERROR),
        ({"$schema": "https://json-schema.org/draft/2019-09/schema"}, Code.NOT_SUPPORTED),
        ({"properties": {"id": {"pattern": "^(a+)+$"}}}, Code.SCHEMA_TOO_COMPLEX),
        ({"$ref": "https://elsewhere.example/schema"}, Code.SCHEMA_NOT_ALLOWED),
    ],
    ids=str,
)
def test_a_declared_schema_must_be_sound(change, code):
    url = "https://city.example/schemas/alumni"
    sound = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": url}
    unsigned = town.unsigned() | {"credentialSchema": {"id": url, "type": "JsonSchema"}}
    assert issue(unsigned, schemas=cityid.SCHEMAS.with_schema(url, sound))
    broken = cityid.SCHEMAS.with_schema(url, sound | change)
    with pytest.raises(InvalidInputError) as caught:
        issue(unsigned, schemas=broken)
    assert caught.value.code is code


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


@pytest.mark.parametrize(
    ("key_type", "suite"),
    [("Ed25519", "eddsa-rdfc-2022"), ("P-256", "ecdsa-rdfc-2019"), ("P-384", "ecdsa-rdfc-2019")],
)
def test_the_suite_follows_the_key(key_type, suite):
    signed = issue(town.unsigned(), by=town.person("office", key_type))
    assert signed.document["proof"]["cryptosuite"] == suite


def test_a_key_without_a_suite_is_told():
    with pytest.raises(UnsupportedError, match="no cryptosuite signs with a key of type secp"):
        issue(town.unsigned(), by=town.person("office", "secp256k1"))


@pytest.mark.parametrize(
    ("key_type", "told"),
    [("P-256", "ecdsa-rdfc-2019 does"), ("secp256k1", "no cryptosuite does")],
)
def test_a_suite_refuses_a_key_of_another_type(key_type, told):
    with pytest.raises(ProofGenerationError, match=f"of type {key_type}.*{told}") as caught:
        issue(town.unsigned(), by=town.person("office", key_type), cryptosuite="eddsa-rdfc-2022")
    assert caught.value.code is Code.PROOF_GENERATION_ERROR


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": str(town.office().did)}, "by= takes an Identity"),
        ({"by": town.office().did}, "by= takes an Identity"),
        ({"valid_for": 30}, "valid_for= takes a timedelta"),
    ],
    ids=str,
)
def test_arguments_of_another_kind_are_told(options, told):
    with pytest.raises(InvalidInputError, match=told) as caught:
        issue(town.unsigned(), **options)
    assert caught.value.code is Code.INVALID_OPTIONS
    with pytest.raises(InvalidInputError, match=told):
        list(cityid.issue_many([town.unsigned()], **({"by": town.office()} | options)))


@pytest.mark.parametrize("single", [town.unsigned(), "{}", b"{}", None, 7], ids=str)
def test_many_are_not_a_single_one(single):
    with pytest.raises(InvalidInputError, match="takes several credentials") as caught:
        cityid.issue_many(single, by=town.office())
    assert caught.value.code is Code.INVALID_OPTIONS
    assert list(cityid.issue_many(iter([]), by=town.office())) == []


@pytest.mark.parametrize("signer", [town.office, town.bob])
def test_a_signed_credential_is_not_issued_again(signer):
    first = issue(town.unsigned(), by=signer())
    with pytest.raises(ProofGenerationError, match="signed already") as caught:
        issue(first, valid_for=timedelta(days=1))
    assert caught.value.path == "/proof"
    renewed = {name: value for name, value in first.to_dict().items() if name != "proof"}
    again = issue(renewed, by=signer(), valid_for=timedelta(days=1))
    asked = cityid.policy.IssuedBy({signer().did})
    assert cityid.verify(again, policy=asked, resolver=town.resolver(), at=town.NOW)
