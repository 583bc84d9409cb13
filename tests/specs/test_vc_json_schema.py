"""The published vectors of VC JSON Schema, drafts 2020-12 and 7.

Spec:
    https://www.w3.org/TR/vc-json-schema/

JsonSchemaCredential is not run: that kind of schema is not read yet.
"""

from __future__ import annotations

import pytest

import vectors
from cityid.report import Outcome
from cityid.schema import Schemas, check_schema

FOLDER = "vc-json-schema"
OUTCOMES = {
    "success": Outcome.PASSED,
    "failure": Outcome.FAILED,
    "indeterminate": Outcome.INCONCLUSIVE,
}
MAPPING = (vectors.load(FOLDER, "mapping.json") or {"JsonSchema": {}})["JsonSchema"]


def cases():
    for draft in ("2020-12", "Draft-7"):
        for rows in MAPPING.values():
            for row in rows:
                name = f"{draft} {row['number']}: {row['description']}"
                yield vectors.case(FOLDER, draft, row, id=name)


@pytest.mark.parametrize(("draft", "row"), list(cases()))
def test_outcome(draft, row):
    place = f"input/jsonschema/{draft}"
    credential = vectors.load(FOLDER, f"{place}/{row['cred_number']}-credential.json")
    schema = vectors.load(FOLDER, f"{place}/{row['schema_number']}-schema.json")
    entry = credential["credentialSchema"]
    schemas = Schemas().with_schema(entry["id"], schema)
    assert check_schema(credential, entry, schemas).outcome is OUTCOMES[row["expected_result"]]
