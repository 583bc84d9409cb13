"""The published vectors of VC JSON Schema, drafts 2020-12 and 7.

Spec:
    https://www.w3.org/TR/vc-json-schema/
"""

from __future__ import annotations

import pytest

import vectors
from cityid.errors import InvalidInputError
from cityid.report import Outcome
from cityid.schema import Schemas, check_schema
from cityid.schema.unwrapping import sealed, unwrap

FOLDER = "vc-json-schema"
OUTCOMES = {
    "success": Outcome.PASSED,
    "failure": Outcome.FAILED,
    "indeterminate": Outcome.INCONCLUSIVE,
}
MAPPING = vectors.load(FOLDER, "mapping.json") or {}


def cases(kind):
    for draft in ("2020-12", "Draft-7"):
        for rows in MAPPING.get(kind, {}).values():
            for row in rows:
                name = f"{draft} {row['number']}: {row['description']}"
                yield vectors.case(FOLDER, draft, row, id=name)


@pytest.mark.parametrize(("draft", "row"), list(cases("JsonSchema")))
def test_outcome(draft, row):
    place = f"input/jsonschema/{draft}"
    credential = vectors.load(FOLDER, f"{place}/{row['cred_number']}-credential.json")
    schema = vectors.load(FOLDER, f"{place}/{row['schema_number']}-schema.json")
    entry = credential["credentialSchema"]
    schemas = Schemas().with_schema(entry["id"], schema)
    assert check_schema(credential, entry, schemas).outcome is OUTCOMES[row["expected_result"]]


@pytest.mark.parametrize(("draft", "row"), list(cases("JsonSchemaCredential")))
def test_outcome_of_schema_credential(draft, row):
    """The vectors are not signed: what they judge is the form, and the schema inside."""
    place = f"input/jsonschemacredential/{draft}"
    credential = vectors.load(FOLDER, f"{place}/{row['cred_number']}-credential.json")
    wrapped = vectors.load(FOLDER, f"{place}/{row['schema_number']}-schema.json")
    assert outcome_of(credential, wrapped) is OUTCOMES[row["expected_result"]]


def outcome_of(credential, wrapped):
    try:
        verified = sealed(unwrap(wrapped), wrapped["issuer"], None)
        schemas = Schemas().with_schema_credential(verified)
    except InvalidInputError:
        return Outcome.FAILED
    return check_schema(credential, credential["credentialSchema"], schemas).outcome
