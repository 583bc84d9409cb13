"""Every rule of the data model: what it accepts, and each single fault it tells, with its place."""

from __future__ import annotations

import copy

import pytest

from cityid.credential import RULES, check_credential, check_presentation
from cityid.errors import Code

V2 = "https://www.w3.org/ns/credentials/v2"
V1 = "https://www.w3.org/2018/credentials/v1"
DATA_URL = "data:application/vc+jwt,eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
PROOF = {"type": "DataIntegrityProof"}
ABSENT = object()

CREDENTIAL = {
    "@context": [V2],
    "id": "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008",
    "type": ["VerifiableCredential", "CitizenCredential"],
    "issuer": "did:web:city.example",
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:alice", "residentOf": "City"},
}
CREDENTIAL_1_1 = {
    "@context": [V1],
    "type": ["VerifiableCredential"],
    "issuer": "did:web:city.example",
    "issuanceDate": "2020-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:alice"},
}
PRESENTATION = {
    "@context": [V2],
    "type": ["VerifiablePresentation"],
    "holder": "did:example:alice",
    "verifiableCredential": [{**CREDENTIAL, "proof": PROOF}],
}
VALID = {
    "credential": CREDENTIAL,
    "credential 1.1": CREDENTIAL_1_1,
    "presentation": PRESENTATION,
    "presentation 1.1": {**PRESENTATION, "@context": [V1]},
    "enveloped credential": {
        "@context": V2,
        "id": DATA_URL,
        "type": "EnvelopedVerifiableCredential",
    },
    "enveloped presentation": {
        "@context": [V2],
        "id": "data:application/vp+jwt;charset=utf-8,e30",
        "type": ["EnvelopedVerifiablePresentation"],
    },
}


def contexts(base):
    good = [
        {"@context": [base, "https://city.example/v1", {"residentOf": "https://city.example/#r"}]}
    ]
    bad = [
        ({"@context": [base, "https ://city.example"]}, ["/@context/1"]),
        ({"@context": [base, {}, 7, None, "x"]}, ["/@context/2", "/@context/3", "/@context/4"]),
    ]
    return good, bad


ID = (
    [{"id": ABSENT}, {"id": "https://city.example/c/1"}, {"id": "did:web:x"}, {"id": "tag:a,b"}],
    [
        ({"id": value}, ["/id"])
        for value in (
            None,
            7,
            "",
            "no-scheme",
            "https ://a",
            "https://a b",
            "https://",
            "http:a",
            "did:x",
            "did::x",
            "urn:\x00",
            "urn:\u202f",
            'urn:"',
            ["urn:a"],
            {},
        )
    ],
)


def types(required):
    good = [{"type": required}, {"type": ["https://city.example/#X", required]}]
    bad = [
        ({"type": ABSENT}, ["/type"]),
        ({"type": None}, ["/type"]),
        ({"type": []}, ["/type"]),
        ({"type": ["Other"]}, ["/type"]),
        ({"type": "Other"}, ["/type"]),
        ({"type": {}}, ["/type", "/type"]),
        ({"type": [required, 7, "a b", "", "@id"]}, ["/type/1", "/type/2", "/type/3", "/type/4"]),
    ]
    return good, bad


def texts(member):
    good = [
        {member: "Text"},
        {member: {"@value": "Text"}},
        {member: [{"@value": "Text", "@language": "de-CH-1996", "@direction": "ltr"}]},
        {member: {"@value": "x", "@language": "zh-cmn-Hans-CN-a-bcd-x-me"}},
        {member: {"@value": "x", "@language": "i-klingon", "@direction": "rtl"}},
    ]
    path = f"/{member}"
    bad = [
        ({member: None}, [path]),
        ({member: 7}, [path]),
        ({member: []}, [path]),
        ({member: ["text"]}, [f"{path}/0"]),
        ({member: {}}, [f"{path}/@value"]),
        ({member: {"@value": 7}}, [f"{path}/@value"]),
        ({member: {"@value": "x", "@language": "not a tag"}}, [f"{path}/@language"]),
        ({member: {"@value": "x", "@language": None}}, [f"{path}/@language"]),
        ({member: {"@value": "x", "@direction": "up"}}, [f"{path}/@direction"]),
        ({member: {"@value": "x", "a/b": 1}}, [f"{path}/a~1b"]),
    ]
    return good, bad


ISSUER = (
    [
        {"issuer": "https://city.example/"},
        {"issuer": {"id": "did:web:city.example", "name": "City", "image": "unknown members stay"}},
    ],
    [
        ({"issuer": ABSENT}, ["/issuer"]),
        ({"issuer": None}, ["/issuer"]),
        ({"issuer": "city"}, ["/issuer"]),
        ({"issuer": ["did:web:city.example"]}, ["/issuer"]),
        ({"issuer": {}}, ["/issuer/id"]),
        ({"issuer": {"id": "city"}}, ["/issuer/id"]),
        ({"issuer": {"id": "did:web:a", "name": 7}}, ["/issuer/name"]),
        ({"issuer": {"id": "did:web:a", "description": []}}, ["/issuer/description"]),
    ],
)
HOLDER = (
    [{"holder": {"id": "did:example:alice"}}, {"holder": "did:key:z6Mk"}, {"holder": ABSENT}],
    [
        ({"holder": None}, ["/holder"]),
        ({"holder": "z6Mk"}, ["/holder"]),
        ({"holder": {"name": "Acme"}}, ["/holder/id"]),
    ],
)
SUBJECT = (
    [
        {"credentialSubject": {"residentOf": "City"}},
        {"credentialSubject": [{"id": "did:example:a"}, {"x": [1, None]}]},
    ],
    [
        ({"credentialSubject": ABSENT}, ["/credentialSubject"]),
        ({"credentialSubject": None}, ["/credentialSubject"]),
        ({"credentialSubject": []}, ["/credentialSubject"]),
        ({"credentialSubject": {}}, ["/credentialSubject"]),
        ({"credentialSubject": "did:example:a"}, ["/credentialSubject"]),
        ({"credentialSubject": [{"a": 1}, {}, 7]}, [f"/credentialSubject/{n}" for n in (1, 2)]),
        ({"credentialSubject": {"id": 7}}, ["/credentialSubject/id"]),
        ({"credentialSubject": {"id": ["urn:a"]}}, ["/credentialSubject/id"]),
    ],
)
PERIOD = (
    [
        {"validFrom": ABSENT, "validUntil": ABSENT},
        {"validUntil": ABSENT},
        {"validFrom": "2027-01-01T00:00:00Z", "validUntil": "2027-01-01T01:00:00+01:00"},
        {"validFrom": "2026-01-01T00:00:00.125-06:00"},
    ],
    [
        ({"validFrom": "not-a-date"}, ["/validFrom"]),
        ({"validFrom": "2026-01-01T00:00:00"}, ["/validFrom"]),
        ({"validFrom": "2026-01-01T00:00:00+00:00Z"}, ["/validFrom"]),
        ({"validUntil": "2026-02-30T00:00:00Z"}, ["/validUntil"]),
        ({"validUntil": "2027-01-01"}, ["/validUntil"]),
        ({"validFrom": None, "validUntil": 7}, ["/validFrom", "/validUntil"]),
        ({"validFrom": "2027-01-01T00:00:01Z"}, ["/validFrom"]),
    ],
)


def objects(member, *, need_id=False):
    path = f"/{member}"
    item = {"id": "https://city.example/x", "type": "X"}
    good = [{member: item}, {member: [item, {**item, "type": ["X", "urn:y"], "more": {}}]}]
    bad = [
        ({member: None}, [path]),
        ({member: "https://city.example/x"}, [path]),
        ({member: []}, [path]),
        ({member: [item, 7]}, [f"{path}/1"]),
        ({member: {"id": "urn:x"}}, [f"{path}/type"]),
        ({member: {**item, "type": 2}}, [f"{path}/type"]),
        ({member: {**item, "id": "x"}}, [f"{path}/id"]),
        ({member: {**item, "id": ["urn:x", "urn:y"]}}, [f"{path}/id"]),
    ]
    if need_id:
        bad.append(({member: {"type": "X"}}, [f"{path}/id"]))
    else:
        good.append({member: {"type": "X"}})
    return good, bad


CONFIDENCE = objects("confidenceMethod")
CONFIDENCE[0].append({"credentialSubject": {"a": 1, "confidenceMethod": {"type": "Multikey"}}})
CONFIDENCE[1].append(
    (
        {"credentialSubject": [{"a": 1}, {"confidenceMethod": {}}]},
        ["/credentialSubject/1/confidenceMethod/type"],
    )
)
RESOURCE = {"id": "https://city.example/logo", "digestSRI": "sha256-AAAA"}
RELATED = (
    [
        {"relatedResource": RESOURCE},
        {"relatedResource": [RESOURCE, {"id": "urn:b", "digestMultibase": ["uAAAA", "zAAAA"]}]},
    ],
    [
        ({"relatedResource": "urn:b"}, ["/relatedResource"]),
        ({"relatedResource": []}, ["/relatedResource"]),
        ({"relatedResource": [7]}, ["/relatedResource/0"]),
        ({"relatedResource": {"digestSRI": "sha256-AAAA"}}, ["/relatedResource/id"]),
        ({"relatedResource": {**RESOURCE, "id": "logo"}}, ["/relatedResource/id"]),
        ({"relatedResource": {"id": "urn:b"}}, ["/relatedResource"]),
        ({"relatedResource": {**RESOURCE, "digestSRI": 7}}, ["/relatedResource/digestSRI"]),
        ({"relatedResource": {**RESOURCE, "digestSRI": ""}}, ["/relatedResource/digestSRI"]),
        ({"relatedResource": {**RESOURCE, "digestSRI": []}}, ["/relatedResource/digestSRI"]),
        (
            {"relatedResource": {**RESOURCE, "digestMultibase": ["u", None]}},
            ["/relatedResource/digestMultibase/1"],
        ),
        ({"relatedResource": [RESOURCE, RESOURCE]}, ["/relatedResource/1/id"]),
    ],
)
PROOFS = (
    [{"proof": ABSENT}, {"proof": PROOF}, {"proof": [PROOF, {**PROOF, "type": "urn:x"}]}],
    [
        ({"proof": None}, ["/proof"]),
        ({"proof": []}, ["/proof"]),
        ({"proof": "zAAAA"}, ["/proof"]),
        ({"proof": [PROOF, 7]}, ["/proof/1"]),
        ({"proof": {}}, ["/proof/type"]),
    ],
)
NESTED = (
    [
        {"verifiableCredential": ABSENT},
        {"verifiableCredential": {**CREDENTIAL, "proof": PROOF}},
        {"verifiableCredential": [{**CREDENTIAL_1_1, "proof": PROOF}]},
        {"verifiableCredential": [VALID["enveloped credential"]]},
    ],
    [
        ({"verifiableCredential": "eyJ"}, ["/verifiableCredential"]),
        ({"verifiableCredential": ["eyJ", 7]}, [f"/verifiableCredential/{n}" for n in (0, 1)]),
        (
            {"verifiableCredential": [{**CREDENTIAL, "issuer": "x", "proof": PROOF}]},
            ["/verifiableCredential/0/issuer"],
        ),
        (
            {"verifiableCredential": [{**VALID["enveloped credential"], "id": "urn:x"}]},
            ["/verifiableCredential/0/id"],
        ),
    ],
)
OWN = {**CREDENTIAL, "issuer": {"id": "did:example:alice"}}
SELF_ASSERTED = (
    [
        {"verifiableCredential": [OWN]},
        {"verifiableCredential": OWN, "holder": {"id": "did:example:alice"}},
    ],
    [
        ({"verifiableCredential": [CREDENTIAL]}, ["/verifiableCredential/0/issuer"]),
        ({"verifiableCredential": OWN, "holder": ABSENT}, ["/verifiableCredential"]),
    ],
)


def date_1_1(member):
    good = [
        {member: "2020-01-01T00:00:00"},
        {member: "2020-01-01T00:00:00.5+02:00"},
    ]
    bad = [
        ({member: None}, [f"/{member}"]),
        ({member: "2020-01-01"}, [f"/{member}"]),
        ({member: "2020-02-30T00:00:00Z"}, [f"/{member}"]),
    ]
    return good, bad


ISSUANCE = date_1_1("issuanceDate")
ISSUANCE[1].append(({"issuanceDate": ABSENT}, ["/issuanceDate"]))
ENVELOPE_CONTEXT = (
    [{"@context": ["https://city.example/v1", V2]}],
    [
        ({"@context": value}, ["/@context"])
        for value in (ABSENT, None, [], "https://city.example/v1", [{}], 7)
    ],
)
ENVELOPE_ID = (
    [{"id": "data:application/vc+sd-jwt;base64,AAAA"}, {"id": "data:application/vc-ld+jwt,x"}],
    [
        ({"id": value}, ["/id"])
        for value in (ABSENT, None, 7, "", "https://a.example", "data:,x", "data:text/plain", "eyJ")
    ],
)


def envelope_types(required):
    good = [{"type": required}, {"type": [required]}]
    return good, [({"type": [required, "Other"]}, ["/type"])]


CASES = {
    "credential": {
        "@context": contexts(V2),
        "id": ID,
        "type": types("VerifiableCredential"),
        "name": texts("name"),
        "description": texts("description"),
        "issuer": ISSUER,
        "credentialSubject": SUBJECT,
        "validityPeriod": PERIOD,
        "credentialStatus": objects("credentialStatus"),
        "credentialSchema": objects("credentialSchema", need_id=True),
        "refreshService": objects("refreshService"),
        "evidence": objects("evidence"),
        "renderMethod": objects("renderMethod"),
        "termsOfUse": objects("termsOfUse"),
        "confidenceMethod": CONFIDENCE,
        "relatedResource": RELATED,
        "proof": PROOFS,
    },
    "credential 1.1": {
        "@context": contexts(V1),
        "id": ID,
        "type": types("VerifiableCredential"),
        "issuer": ISSUER,
        "issuanceDate": ISSUANCE,
        "expirationDate": date_1_1("expirationDate"),
        "credentialSubject": SUBJECT,
        "credentialStatus": objects("credentialStatus", need_id=True),
        "credentialSchema": objects("credentialSchema", need_id=True),
        "refreshService": objects("refreshService", need_id=True),
        "termsOfUse": objects("termsOfUse"),
        "evidence": objects("evidence"),
        "proof": PROOFS,
    },
    "presentation": {
        "@context": contexts(V2),
        "id": ID,
        "type": types("VerifiablePresentation"),
        "holder": HOLDER,
        "verifiableCredential": NESTED,
        "selfAsserted": SELF_ASSERTED,
        "termsOfUse": objects("termsOfUse"),
        "proof": PROOFS,
    },
    "enveloped credential": {
        "@context": ENVELOPE_CONTEXT,
        "id": ENVELOPE_ID,
        "type": envelope_types("EnvelopedVerifiableCredential"),
    },
    "enveloped presentation": {
        "@context": ENVELOPE_CONTEXT,
        "id": ENVELOPE_ID,
        "type": envelope_types("EnvelopedVerifiablePresentation"),
    },
}
CASES["presentation 1.1"] = {**CASES["presentation"], "@context": contexts(V1)}


def changed(kind, change):
    document = copy.deepcopy(VALID[kind]) | change
    return {name: value for name, value in document.items() if value is not ABSENT}


def check(kind, document):
    return (check_presentation if "presentation" in kind else check_credential)(document)


def cases(side):
    return [
        pytest.param(kind, name, case, id=f"{kind} {name} {index}")
        for kind, rules in CASES.items()
        for name, sides in rules.items()
        for index, case in enumerate(sides[side])
    ]


@pytest.mark.parametrize("kind", VALID)
def test_the_valid_documents_are_valid(kind):
    assert check(kind, VALID[kind]) == ()


@pytest.mark.parametrize(("kind", "name", "change"), cases(0))
def test_rule_accepts(kind, name, change):
    document = changed(kind, change)
    assert check(kind, document) == ()
    assert not list(RULES[kind][name](document))


@pytest.mark.parametrize(("kind", "name", "case"), cases(1))
def test_rule_tells_the_fault_and_no_other_rule_does(kind, name, case):
    change, paths = case
    document = changed(kind, change)
    problems = check(kind, document)
    assert [problem.path for problem in problems] == paths
    assert tuple(RULES[kind][name](document)) == problems
    assert {problem.code for problem in problems} <= {
        Code.MALFORMED_VALUE_ERROR,
        Code.PARSING_ERROR,
    }


def test_every_rule_has_cases_of_both_sides_and_says_what_it_demands():
    assert {kind: set(rules) for kind, rules in RULES.items()} == {
        kind: set(rules) for kind, rules in CASES.items()
    }
    for kind, rules in CASES.items():
        for name, (good, bad) in rules.items():
            assert good, (kind, name)
            assert bad, (kind, name)
            assert RULES[kind][name].__doc__, (kind, name)


@pytest.mark.parametrize("kind", ["credential", "presentation"])
@pytest.mark.parametrize("context", [ABSENT, None, [], {}, "x", 7, [None], V2, [[V2]]])
def test_a_context_that_is_none_is_told_as_data_model_2(kind, context):
    (problem,) = check(kind, changed(kind, {"@context": context}))
    assert problem.path in {"/@context", "/@context/0"}
    assert V2 in problem.title


def test_a_context_of_1_1_chooses_the_rules_of_1_1():
    (problem,) = check_credential({**CREDENTIAL_1_1, "issuanceDate": "x"})
    assert problem.path == "/issuanceDate"
    assert [p.path for p in check_credential({**CREDENTIAL_1_1, "@context": V1})] == ["/@context"]


def test_every_fault_is_told_at_once():
    document = {**CREDENTIAL, "id": 7, "issuer": None, "credentialSubject": [{}, {}], "proof": 1}
    assert [problem.path for problem in check_credential(document)] == [
        "/id",
        "/issuer",
        "/credentialSubject/0",
        "/credentialSubject/1",
        "/proof",
    ]


def test_the_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        RULES["credential"] = {}
    for table in RULES.values():
        with pytest.raises(TypeError):
            table["id"] = None
