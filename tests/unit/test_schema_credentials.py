"""Schemas that come in credentials: verified first, and then as good as any other."""

from __future__ import annotations

import base64
import copy
import hashlib
from datetime import timedelta

import pytest

import cityid
import town
from cityid import did, policy
from cityid.errors import Code, InvalidInputError, RegistryError
from cityid.report import Outcome
from cityid.schema import SCHEMAS, Schemas, VerifiedSchema, check_schema
from cityid.schema.unwrapping import UnwrappedSchema, unwrap
from cityid.schema_credentials import verify_schema_credential

URL = "https://city.example/credentials/alumni-schema"
SCHEMA_URL = "https://city.example/schemas/alumni"
ENTRY = {"id": URL, "type": "JsonSchemaCredential"}


def wrapped(**subject):
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        "type": "object",
        "properties": {"credentialSubject": {"required": ["alumniOf"]}},
    }
    return {
        "@context": [town.V2],
        "id": URL,
        "type": ["VerifiableCredential", "JsonSchemaCredential"],
        "credentialSchema": {
            "id": "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json",
            "type": "JsonSchema",
        },
        "credentialSubject": {
            "id": SCHEMA_URL,
            "type": "JsonSchema",
            "jsonSchema": schema,
            **subject,
        },
    }


def signed(**subject):
    return cityid.issue(
        wrapped(**subject), by=town.office(), at=town.NOW, valid_for=timedelta(days=365)
    )


def verified(document=None, **options):
    options = {
        "issuers": [town.office()],
        "resolver": town.resolver(),
        "at": town.NOW,
        **options,
    }
    return verify_schema_credential(signed() if document is None else document, **options)


def test_schema_of_a_verified_credential_is_applied():
    schemas = SCHEMAS.with_schema_credential(verified())
    good = town.unsigned(town.alice()) | {"credentialSchema": ENTRY}
    assert check_schema(good, ENTRY, schemas).outcome is Outcome.PASSED
    bad = copy.deepcopy(good)
    del bad["credentialSubject"]["alumniOf"]
    assert check_schema(bad, ENTRY, schemas).outcome is Outcome.FAILED
    assert check_schema(good, ENTRY, SCHEMAS).outcome is Outcome.INCONCLUSIVE
    assert check_schema(good, ENTRY, copy.copy(schemas)).outcome is Outcome.PASSED


def test_issue_and_verify_use_it():
    schemas = SCHEMAS.with_schema_credential(verified())
    document = town.unsigned(town.alice()) | {"credentialSchema": ENTRY}
    credential = cityid.issue(document, by=town.office(), schemas=schemas, at=town.NOW)
    asked = {
        "policy": policy.IssuedBy({town.office().did}),
        "resolver": town.resolver(),
        "at": town.NOW,
    }
    assert cityid.verify(credential, schemas=schemas, **asked)
    assert not cityid.verify(credential, **asked)
    del document["credentialSubject"]["alumniOf"]
    with pytest.raises(InvalidInputError, match="does not fit"):
        cityid.issue(document, by=town.office(), schemas=schemas, at=town.NOW)


@pytest.mark.parametrize("digested", ["right", "wrong"])
def test_digest_is_that_of_the_credential(digested):
    text = signed().to_json()
    content = text.encode() if digested == "right" else b"other"
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    entry = {**ENTRY, "digestSRI": f"sha384-{digest}"}
    document = town.unsigned(town.alice())
    expected = Outcome.PASSED if digested == "right" else Outcome.FAILED
    for given in (text, text.encode()):
        schemas = Schemas().with_schema_credential(verified(given))
        assert check_schema(document, entry, schemas).outcome is expected
    without = Schemas().with_schema_credential(verified(signed()))
    assert check_schema(document, entry, without).outcome is Outcome.INCONCLUSIVE


def test_nothing_unverified_is_taken():
    with pytest.raises(InvalidInputError):
        SCHEMAS.with_schema_credential(signed())
    with pytest.raises(InvalidInputError):
        VerifiedSchema(UnwrappedSchema(URL, SCHEMA_URL, {}), "did:example:1")
    tampered = signed().to_dict()
    tampered["credentialSubject"]["jsonSchema"]["properties"] = {}
    for bad in (tampered, wrapped() | {"issuer": str(town.office().did)}):
        with pytest.raises(InvalidInputError, match="not verified"):
            verified(bad)
    with pytest.raises(InvalidInputError, match="not verified"):
        verified(at=town.NOW + timedelta(days=400))


def test_whose_schemas_are_believed_is_to_be_said():
    with pytest.raises(InvalidInputError) as refused:
        verified(issuers=[town.foreign_office()])
    assert refused.value.code is Code.ISSUER_NOT_TRUSTED
    assert verified(issuers=[str(town.office().did)]).issuer == str(town.office().did)


def test_schema_credential_with_a_status_that_nobody_looks_up_is_refused():
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://id.city.example/status/1",
    }
    document = wrapped() | {"credentialStatus": entry}
    with pytest.raises(InvalidInputError) as refused:
        verified(cityid.issue(document, by=town.office(), at=town.NOW))
    assert refused.value.code is Code.STATUS_NOT_CHECKED
    del document["credentialStatus"]
    assert verified(cityid.issue(document, by=town.office(), at=town.NOW))


def test_issuer_that_cannot_be_resolved_leaves_open():
    def fail(url):
        raise RegistryError(f"{url} is down", code=Code.UNREACHABLE)

    document = signed().to_dict()
    document["issuer"] = "did:web:city.example"
    document["proof"]["verificationMethod"] = "did:web:city.example#key-1"
    with pytest.raises(RegistryError, match="not verified"):
        verified(document, resolver=did.resolver(fetch=fail), issuers=["did:web:city.example"])


def test_now_is_the_time_of_judgement_by_default():
    document = cityid.issue(wrapped(), by=town.office())
    assert verified(document, at=None).schema.url == SCHEMA_URL


def test_another_schema_under_the_same_url_is_refused():
    schemas = Schemas().with_schema(SCHEMA_URL, {"$id": SCHEMA_URL})
    with pytest.raises(InvalidInputError, match="another schema"):
        schemas.with_schema_credential(verified())


def test_credential_brings_one_schema():
    schemas = Schemas().with_schema_credential(verified())
    again = schemas.with_schema_credential(verified())
    assert len(again) == 1
    name = "https://city.example/schemas/other"
    other = signed(id=name, jsonSchema={"$id": name, "type": "object"})
    with pytest.raises(InvalidInputError, match="another schema"):
        schemas.with_schema_credential(verified(other))


def test_schema_of_all_schema_credentials_may_stand_in_a_list():
    document = wrapped()
    document["credentialSchema"] = [document["credentialSchema"]]
    assert unwrap(document).credential == URL
    document["credentialSchema"] *= 2
    with pytest.raises(InvalidInputError):
        unwrap(document)
    document["credentialSchema"] = {**wrapped()["credentialSchema"], "digestSRI": "sha384-AAAA"}
    with pytest.raises(InvalidInputError):
        unwrap(document)


@pytest.mark.parametrize(
    "members", [{"id": 7}, {"type": "VerifiableCredential"}, {"credentialSchema": 7}]
)
def test_what_is_no_schema_credential_is_refused(members):
    with pytest.raises(InvalidInputError):
        unwrap(wrapped() | members)


@pytest.mark.parametrize("subject", [{"type": "Other"}, {"jsonSchema": []}, {"id": "urn:other:1"}])
def test_subject_that_is_no_schema_is_refused(subject):
    with pytest.raises(InvalidInputError):
        unwrap(wrapped(**subject))
