"""The city's credential types: schemas, contexts, examples, and the data that goes with them."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import cityid
import town
from cityid import policy, resources
from cityid.canonical import CONTEXTS, check_contexts
from cityid.canonical.jsonld import canonicalize, to_quads
from cityid.credential import check_credential
from cityid.errors import Code, InvalidInputError
from cityid.report import Outcome
from cityid.resources import Kind
from cityid.schema import SCHEMAS, check_schema

ROOT = Path(__file__).resolve().parents[2]
V2 = "https://www.w3.org/ns/credentials/v2"
TYPES = (
    "age",
    "benefit",
    "business",
    "device",
    "kyc",
    "property",
    "resident",
    "staff",
    "vehicle",
    "voter",
)
DATATYPES = {
    "@id",
    "https://w3id.org/security#multibase",
    *(
        f"http://www.w3.org/2001/XMLSchema#{name}"
        for name in ("string", "date", "dateTime", "boolean", "integer")
    ),
}
AT = datetime(2026, 12, 1, 9, tzinfo=UTC)


def schema(kind):
    return SCHEMAS.document(f"https://cityid.example/schemas/{kind}/v1")


def context(kind):
    return CONTEXTS.document(f"https://cityid.example/contexts/{kind}/v1")["@context"]


def example(kind):
    return json.loads(resources.read(Kind.SCHEMAS, f"{kind}/example.json"))


def judge(document):
    return check_schema(document, document["credentialSchema"])


def claims(kind):
    return schema(kind)["properties"]["credentialSubject"]["properties"]


def scoped(kind):
    subject = example(kind)["credentialSubject"]["type"]
    return context(kind)[subject]["@context"]


def maps(value):
    """Give every term map inside a context."""
    yield value
    for definition in value.values():
        if isinstance(definition, dict) and "@context" in definition:
            yield from maps(definition["@context"])


VOCABULARIES = ("https://cityid.example/", "https://schema.org/", "https://www.w3.org/")
UNSHAPED = {"recognition"}
"""Contexts of documents that no schema describes: their readers judge them word by word."""

# --- what ships


def test_every_type_ships_and_is_pinned():
    index = json.loads(resources.read(Kind.SCHEMAS, "index.json"))
    for section, name in (("contexts", "context.json"), ("schemas", "schema.json")):
        kinds = {*TYPES, *(UNSHAPED if section == "contexts" else ())}
        assert set(index[section]) == {f"https://cityid.example/{section}/{k}/v1" for k in kinds}
        for url, row in index[section].items():
            assert row["file"] == f"{url.split('/')[-2]}/{name}"
            data = resources.read(Kind.SCHEMAS, row["file"])
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
            assert row["licence"] == "Apache-2.0"


@pytest.mark.parametrize("kind", TYPES)
def test_a_schema_is_a_schema_and_every_claim_is_described(kind):
    document = schema(kind)
    assert SCHEMAS.validator(document["$id"])
    assert document["title"]
    assert document["description"]
    for rule in [*document["properties"].values(), *claims(kind).values()]:
        assert rule["description"].endswith(".")
        for inner in rule.get("properties", {}).values():
            assert inner["description"].endswith(".")


@pytest.mark.parametrize("kind", [*TYPES, *UNSHAPED])
def test_a_context_is_protected_and_every_term_has_a_datatype(kind):
    for terms in maps(context(kind)):
        assert terms["@protected"] is True
        assert {name for name in terms if name.startswith("@")} == {"@protected"}
        for name, term in terms.items():
            definition = {"@id": term} if isinstance(term, str) else term
            if name == "@protected":
                continue
            assert definition["@id"].startswith(VOCABULARIES)
            assert "@container" not in definition
            assert name[0].isupper() or definition["@type"] in DATATYPES


@pytest.mark.parametrize("kind", TYPES)
def test_schema_and_context_name_the_same_claims(kind):
    terms = scoped(kind)
    assert set(claims(kind)) - {"id", "type"} == set(terms) - {"@protected"}
    for name, rule in claims(kind).items():
        if "properties" in rule:
            assert set(rule["properties"]) == set(terms[name]["@context"]) - {"@protected"}


def test_a_term_means_the_same_in_every_context():
    meanings: dict[str, dict] = {}
    for kind in TYPES:
        for terms in maps(context(kind)):
            for name, definition in terms.items():
                assert meanings.setdefault(name, definition) == definition


# --- examples


@pytest.mark.parametrize("kind", TYPES)
def test_an_example_is_a_credential_that_fits_its_schema(kind):
    document = example(kind)
    assert document["@context"] == [V2, f"https://cityid.example/contexts/{kind}/v1"]
    assert check_credential(document) == ()
    assert check_contexts(document, CONTEXTS) == ()
    assert "digestSRI" in document["credentialSchema"]
    assert judge(document).outcome is Outcome.PASSED


@pytest.mark.parametrize("kind", TYPES)
def test_an_example_canonicalizes_without_loss(kind):
    document = example(kind)
    quads = to_quads(document, CONTEXTS)
    for name in claims(kind).keys() & document["credentialSubject"].keys() - {"id", "type"}:
        assert any(quad[1] == f"<{scoped(kind)[name]['@id']}>" for quad in quads), name
    document["credentialSubject"]["mayor"] = True
    with pytest.raises(InvalidInputError) as caught:
        to_quads(document, CONTEXTS)
    assert caught.value.code is Code.DATA_LOSS_DETECTION_ERROR


@pytest.mark.parametrize("kind", TYPES)
def test_an_example_issues_and_verifies(kind):
    office = town.office()
    unsigned = {**example(kind), "issuer": str(office.did)}
    secured = cityid.issue(unsigned, by=office, at=AT)
    believed = policy.IssuedBy({str(office.did)})
    result = cityid.verify(secured, policy=believed, resolver=town.resolver(), at=AT)
    assert result, result.explain()
    assert result.report.outcome("schema") is Outcome.PASSED
    document = secured.to_dict()
    document["credentialSubject"]["type"] = "Resident" if kind != "resident" else "Voter"
    assert not cityid.verify(document, policy=believed, resolver=town.resolver(), at=AT)


def test_contexts_can_be_used_together_in_any_order():
    for kinds in (TYPES, TYPES[::-1]):
        document = {
            "@context": [V2, *(f"https://cityid.example/contexts/{kind}/v1" for kind in kinds)],
            "type": ["VerifiableCredential", *(example(kind)["type"][1] for kind in kinds)],
            "issuer": "https://city.example/",
            "credentialSubject": {"id": "did:example:1", "type": []},
        }
        for kind in kinds:
            subject = example(kind)["credentialSubject"]
            subject_type = subject.pop("type")
            document["credentialSubject"].update({**subject, "id": "did:example:1"})
            document["credentialSubject"]["type"].append(subject_type)
        assert canonicalize(document, CONTEXTS).count("\n") > 100


# --- single faults


def wrong(rule):
    if rule.get("type") in {"boolean", "integer"}:
        return "yes"
    return [True] if "anyOf" in rule else 7


def single_faults(kind):
    """Give each way to spoil an example in one place: its name, where, and the spoilt document."""
    top = f"https://cityid.example/contexts/{kind}/v1"
    for name in ("@context", "type", "issuer", "validFrom", "credentialSubject"):
        yield f"no {name}", "", lambda d, name=name: d.pop(name)
    yield "no own context", "/@context", lambda d: d["@context"].remove(top)
    yield "no own type", "/type", lambda d: d["type"].pop()
    yield "validFrom", "/validFrom", lambda d: d.update(validFrom="2026-11-21")
    yield "a list", "/credentialSubject", lambda d: d.update(credentialSubject=[{}])
    unknown = {"mayor": True}
    yield "unknown claim", "/credentialSubject", lambda d: d["credentialSubject"].update(unknown)
    for name in schema(kind)["properties"]["credentialSubject"]["required"]:
        yield (
            f"no {name}",
            "/credentialSubject",
            lambda d, name=name: d["credentialSubject"].pop(name),
        )
    for name, rule in claims(kind).items():
        spoilt = {name: wrong(rule)}
        yield (
            f"wrong {name}",
            f"/credentialSubject/{name}",
            lambda d, spoilt=spoilt: d["credentialSubject"].update(spoilt),
        )
        for inner, inner_rule in rule.get("properties", {}).items():
            spoilt = {inner: wrong(inner_rule)}
            yield (
                f"wrong {name}/{inner}",
                f"/credentialSubject/{name}/{inner}",
                lambda d, name=name, spoilt=spoilt: d["credentialSubject"][name].update(spoilt),
            )
    if "evidence" in schema(kind)["properties"]:
        yield "evidence", "/evidence", lambda d: d["evidence"].update(checkMethod="by hearsay")


@pytest.mark.parametrize(
    ("kind", "path", "spoil"),
    [
        pytest.param(kind, path, spoil, id=f"{kind}: {name}")
        for kind in TYPES
        for name, path, spoil in single_faults(kind)
    ],
)
def test_one_fault_is_enough(kind, path, spoil):
    document = copy.deepcopy(example(kind))
    spoil(document)
    check = judge(document)
    assert check.outcome is Outcome.FAILED
    assert check.problem.code is Code.SCHEMA_VIOLATION
    assert check.problem.path == path


@pytest.mark.parametrize(
    ("kind", "claim", "good", "bad"),
    [
        ("kyc", "assuranceLevel", ["low", "substantial", "high"], ["none", "LOW", ""]),
        ("kyc", "jurisdiction", ["DE", "DE-SN"], ["de", "DEU", "DE-", "DE\n"]),
        ("kyc", "checkedAttribute", ["name", ["name", "address"]], ["Mara", [], ["name", 1]]),
        ("resident", "nationality", ["DE", ["DE", "CZ"]], ["German", [], ["DE"] * 6]),
        ("resident", "birthDate", ["2008-02-29"], ["2007-02-29", "29.02.2008", "2008"]),
        ("resident", "residentOf", ["did:web:city.example"], ["Flussstadt", ""]),
        ("property", "ownershipShare", ["1/1", "2/3"], ["0/1", "1", "1/0", "100%"]),
        ("vehicle", "vehicleIdentificationNumber", ["1" * 17], ["1" * 16, "I" * 17]),
        ("device", "firmwareDigest", ["u" + "A" * 46], ["A" * 47, "u"]),
        ("benefit", "benefitKind", ["care"], ["blindness"]),
    ],
)
def test_the_values_of_a_claim(kind, claim, good, bad):
    for value, outcome in [(v, Outcome.PASSED) for v in good] + [(v, Outcome.FAILED) for v in bad]:
        document = example(kind)
        document["credentialSubject"][claim] = value
        assert judge(document).outcome is outcome, value


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_not_required_may_stay_undisclosed(kind):
    document = example(kind)
    required = schema(kind)["properties"]["credentialSubject"]["required"]
    shown = [*required, "ageOver18"] if kind == "age" else required
    subject = document["credentialSubject"]
    document["credentialSubject"] = {name: subject[name] for name in shown}
    document.pop("evidence", None)
    assert judge(document).outcome is Outcome.PASSED


@pytest.mark.parametrize("claim", ["birthDate", "givenName", "familyName", "address"])
def test_an_age_credential_never_tells_who_or_when(claim):
    document = example("age")
    document["credentialSubject"][claim] = example("resident")["credentialSubject"][claim]
    assert judge(document).outcome is Outcome.FAILED


def test_an_age_credential_tells_one_age_at_least():
    document = example("age")
    document["credentialSubject"] = {"type": "AgeSubject"}
    assert judge(document).outcome is Outcome.FAILED


# --- the data beside them


def test_the_benchmark_credential_has_about_45_quads_and_nothing_to_look_up():
    document = json.loads((ROOT / "benchmarks" / "citizen.json").read_text(encoding="utf-8"))
    assert len(to_quads(document, CONTEXTS)) == 45
    assert not {"credentialSchema", "credentialStatus", "proof"} & document.keys()
    entry = example("resident")["credentialSchema"]
    assert check_schema(document, entry).outcome is Outcome.PASSED


def residents():
    with (ROOT / "examples" / "data" / "residents.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def test_200_invented_residents_each_make_a_credential_that_fits():
    rows = residents()
    assert len(rows) == len({row["documentNumber"] for row in rows}) == 200
    for row in rows:
        document = example("resident")
        told = {name: value for name, value in row.items() if value}
        places = ("streetAddress", "postalCode", "locality", "district", "country")
        address = {name: told.pop(name) for name in places}
        told["nationality"] = told["nationality"].split()
        document["credentialSubject"] = {
            "type": "Resident",
            "residentOf": "did:web:city.example",
            "address": address,
            **told,
        }
        assert judge(document).outcome is Outcome.PASSED, row


def test_the_residents_are_of_every_age_district_and_several_nations():
    rows = residents()
    ages = [
        (date(2026, 11, 21) - date.fromisoformat(row["birthDate"])).days / 365.25 for row in rows
    ]
    assert min(ages) > 0
    assert sum(age < 18 for age in ages) > 20
    assert sum(age >= 65 for age in ages) > 20
    assert len({row["district"] for row in rows}) == 6
    assert len({row["nationality"] for row in rows}) > 5
    assert all(row["birthDate"] <= row["residentSince"] for row in rows)
