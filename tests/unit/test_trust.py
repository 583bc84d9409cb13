"""Lists of recognised entities: what they say, how they are written, and how they are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import cityid
import town
from cityid import registry, trust
from cityid.credential import Credential
from cityid.display import Age, Edge, ages, graph
from cityid.errors import Code, InvalidInputError, NotFoundError, RegistryError
from cityid.registry import NewEntry
from cityid.report import Outcome
from cityid.schema import SCHEMAS, Schemas
from cityid.trust import RecognizedAction
from cityid.trust.actions import read_actions
from cityid.trust.lists import MOST_RECORDS

KIND = "KycAssuranceCredential"
CITY, STATE, BANK = town.person("city"), town.person("state"), town.person("bank")
DAY = timedelta(days=1)
SCHEMA = "https://bank.example/schema"


@pytest.fixture
def ledger():
    return registry.connect("memory:", clock=lambda: town.NOW - DAY)


def recognise(ledger, by=CITY, whom=BANK, **options):
    return trust.recognise(ledger, by, whom, **{"for_type": KIND, "at": town.NOW - DAY, **options})


def ask(ledger, **options):
    options = {
        "authority": str(CITY.did),
        "issuer": str(BANK.did),
        "for_type": KIND,
        "at": town.NOW,
        **options,
    }
    return trust.recognition(ledger, town.resolver(), **options)


def test_list_is_a_credential_of_the_draft(ledger):
    listed = recognise(
        ledger,
        claims=["/credentialSubject/assuranceLevel"],
        jurisdiction=["NL", "BE"],
        valid_from=town.NOW,
        valid_until=town.NOW + DAY,
    )
    document = listed.credential.document
    assert document["type"] == ["VerifiableCredential", "RecognizedEntityCredential"]
    assert document["id"] == trust.list_id(str(CITY.did)) == f"{CITY.did}/recognized-entities"
    (entity,) = document["credentialSubject"]
    assert entity == {
        "id": str(BANK.did),
        "type": "RecognizedEntity",
        "recognizedTo": [
            {
                "type": "RecognizedAction",
                "action": "issue",
                "recognizedBy": str(CITY.did),
                "credentialType": KIND,
                "claim": ["/credentialSubject/assuranceLevel"],
                "jurisdiction": ["NL", "BE"],
                "validFrom": "2027-03-14T09:00:00Z",
                "validUntil": "2027-03-15T09:00:00Z",
            }
        ],
    }
    assert read_actions(listed.credential.subjects) == listed.actions
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    assert cityid.issue(unsigned, by=CITY, cryptosuite="eddsa-rdfc-2022", at=town.NOW)


@pytest.mark.parametrize("kind", ["Ed25519", "P-256", "P-384"])
def test_every_key_that_signs_can_be_an_authoritys(ledger, kind):
    authority = town.person("city", kind)
    recognise(ledger, authority)
    assert ask(ledger, authority=str(authority.did))


def test_now_is_the_time_by_default():
    ledger = registry.connect("memory:")
    trust.recognise(ledger, CITY, BANK, for_type=KIND, jurisdiction="NL")
    trust.publish(ledger, CITY, [RecognizedAction(entity=str(BANK.did), for_type=KIND)])
    assert ask(ledger, at=datetime.now(UTC) + timedelta(seconds=1))
    assert ask(ledger, at=None).outcome is not Outcome.FAILED
    trust.withdraw(ledger, CITY, BANK)


def test_same_recognition_again_replaces_the_old_one(ledger):
    recognise(ledger, valid_until=town.NOW + DAY)
    recognise(ledger, jurisdiction="NL")
    listed = recognise(ledger, valid_until=town.NOW + 2 * DAY)
    assert [line.valid_until for line in listed.actions] == [None, town.NOW + 2 * DAY]
    assert listed.version == 3


def test_withdrawing_takes_what_was_named(ledger):
    recognise(ledger)
    recognise(ledger, for_type="Other")
    recognise(ledger, action="recognize")
    listed = trust.withdraw(ledger, CITY, BANK, for_type=KIND, action="issue", at=town.NOW - DAY)
    assert {(a.for_type, a.action) for a in listed.actions} == {
        ("Other", "issue"),
        (KIND, "recognize"),
    }
    assert trust.withdraw(ledger, CITY, str(BANK.did), at=town.NOW - DAY).actions == ()
    with pytest.raises(NotFoundError):
        trust.withdraw(ledger, CITY, BANK, at=town.NOW - DAY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"for_type": ""},
        {"for_type": None},
        {"action": "rule"},
        {"claims": ["assuranceLevel"]},
        {"jurisdiction": [""]},
        {"valid_from": town.NOW, "valid_until": town.NOW},
        {"further": 1},
        {"further": 9, "action": "recognize"},
    ],
)
def test_malformed_recognitions_are_refused(ledger, wrong):
    with pytest.raises(InvalidInputError):
        recognise(ledger, **wrong)
    assert ledger.head(trust.list_id(str(CITY.did))) is None


def test_who_is_no_did_is_refused(ledger):
    with pytest.raises(InvalidInputError):
        recognise(ledger, whom="the bank")


def test_list_that_nobody_could_read_is_not_written(ledger):
    lines = (
        RecognizedAction(entity=f"did:example:{number}", for_type="T" * 100)
        for number in range(4000)
    )
    with pytest.raises(InvalidInputError) as refused:
        trust.publish(ledger, CITY, lines, at=town.NOW)
    assert refused.value.code is Code.INPUT_TOO_LARGE


@pytest.mark.parametrize(
    "action",
    [
        7,
        {"action": 7},
        {"claim": []},
        {"claim": [7]},
        {"validFrom": "soon"},
        {"furtherAuthorities": 9},
        {"furtherAuthorities": True},
        {"outputValidation": "schema"},
    ],
)
def test_malformed_lines_are_refused_with_their_place(action):
    with pytest.raises(InvalidInputError, match="/credentialSubject/0/recognizedTo/0"):
        read_actions([{"id": "did:example:1", "recognizedTo": action}])


def test_lines_of_other_shapes_are_read():
    assert read_actions([{"id": "did:example:1"}]) == ()
    (line,) = read_actions(
        [{"id": "did:example:1", "recognizedTo": {"action": "verify", "jurisdiction": "NL"}}]
    )
    assert (line.action, line.for_type, line.jurisdictions) == ("verify", None, ("NL",))
    with pytest.raises(InvalidInputError):
        read_actions([{"recognizedTo": {}}])


def schemas(required):
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "required": [required],
    }
    return SCHEMAS.with_schema(SCHEMA, schema)


def test_output_must_fit_the_schema_that_the_authority_names(ledger):
    recognise(ledger, output=[{"id": SCHEMA, "type": "JsonSchema"}])
    credential = Credential.of(town.unsigned())
    assert ask(ledger, credential=credential, schemas=schemas("type"))
    refused = ask(ledger, credential=credential, schemas=schemas("colour"))
    assert refused.outcome is Outcome.FAILED
    assert ask(ledger, credential=credential, schemas=Schemas()).outcome is Outcome.INCONCLUSIVE
    assert ask(ledger, schemas=schemas("type")).outcome is Outcome.INCONCLUSIVE
    assert trust.recognition(
        ledger,
        town.resolver(),
        authority=str(CITY.did),
        issuer=str(BANK.did),
        for_type=KIND,
        credential=credential,
        schemas=schemas("type"),
        at=town.NOW,
    )


def test_claims_are_named_wherever_they_stand():
    credential = Credential.of(
        {
            "credentialSubject": [
                {"id": "did:example:1", "type": "X", "a": {"b": [{"c": 1}, {"d": []}], "e": {}}},
                {"a": {"b": 2}},
            ]
        }
    )
    place = "/credentialSubject/a/"
    expected = ("b/c", "b/d", "e", "b")
    assert trust.claims_of(credential) == tuple(place + name for name in expected)


def test_long_history_is_searched_by_time(ledger):
    moments = [town.NOW - DAY + timedelta(hours=hour) for hour in range(20)]
    clock = iter(moments)
    ledger = registry.connect("memory:", clock=lambda: next(clock))
    for number, moment in enumerate(moments):
        change = recognise if number % 2 == 0 else trust.withdraw
        change(ledger, CITY, BANK, at=moment, for_type=KIND) if number % 2 else recognise(
            ledger, at=moment
        )
    for number, moment in enumerate(moments):
        found = ask(ledger, at=moment)
        assert bool(found) is (number % 2 == 0)
        assert found.lists[0].version == number + 1
    assert ask(ledger, at=moments[0] - DAY).outcome is Outcome.INCONCLUSIVE


def test_log_of_too_much_noise_is_given_up(ledger):
    recognise(ledger)
    log = trust.list_id(str(CITY.did))
    noise = [NewEntry(log, number, b"{}") for number in range(2, MOST_RECORDS + 1)]
    ledger.append(noise)
    assert ask(ledger)
    ledger.append([NewEntry(log, MOST_RECORDS + 1, b"{}")])
    assert ask(ledger).outcome is Outcome.INCONCLUSIVE


def test_list_is_read_by_itself(ledger):
    listed = recognise(ledger)
    read = trust.read_list(ledger, town.resolver(), str(CITY.did), at=town.NOW)
    assert read.digest == listed.digest
    assert read.age(town.NOW) == DAY
    assert read.to_dict()["version"] == 1
    assert "Recognised entities" in read._repr_html_()
    with pytest.raises(RegistryError):
        trust.read_list(ledger, town.resolver(), str(BANK.did), at=town.NOW)


def test_finding_tells_all(ledger):
    recognise(ledger)
    found = ask(ledger)
    told = found.to_dict()
    assert told["path"] == [str(CITY.did), str(BANK.did)]
    assert "problem" not in told
    assert ask(ledger, for_type="Other").to_dict()["problem"]["type"].endswith("NOT_TRUSTED")


@pytest.mark.parametrize("kind", [KIND, "Other", None])
def test_finding_is_drawn(ledger, kind):
    if kind is not None:
        recognise(ledger, whom=STATE, action="recognize")
        recognise(ledger, STATE, BANK)
    drawn = ask(ledger, for_type=kind or KIND)._repr_html_()
    assert "<svg" in drawn
    assert str(BANK.did) in drawn


def test_graph_escapes_and_stays_in_bounds():
    edges = [Edge("did:a", "<b>", "x" * 99, strong=True), Edge("<b>", "did:a"), Edge("c", "d")]
    drawn = graph(edges, marked=["did:a", "lone"])
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert "lone" in drawn
    assert "<svg" in graph([])
    assert graph([Edge("a", "b")]).count("<rect") == 2


def test_ages_are_drawn_beside_what_is_allowed():
    drawn = ages(
        [
            Age("<list>", timedelta(days=3), timedelta(days=2)),
            Age("did:a", timedelta(hours=5), timedelta(days=2)),
            Age("did:b", timedelta(minutes=90)),
            Age("did:c", timedelta(seconds=59)),
            Age("did:d", -timedelta(seconds=5)),
        ]
    )
    assert "<list>" not in drawn
    for told in ("✗ 3 d of 2 d", "5 h of 2 d", "1.5 h", "59 s", ">0 s<"):
        assert told in drawn
    assert "nothing" in ages([])
    assert "<rect" in ages([Age("now", timedelta(0))])


TRQP = {
    "entity_id": str(BANK.did),
    "authority_id": str(CITY.did),
    "action": "issue",
    "resource": KIND,
}


def answer(ledger, **query):
    given = {name: value for name, value in {**TRQP, **query}.items() if value is not None}
    return trust.answer_trqp(given, ledger=ledger, resolver=town.resolver(), at=town.NOW)


def test_trqp_query_is_answered(ledger):
    recognise(ledger, jurisdiction="NL", claims=["/credentialSubject/assuranceLevel"])
    context = {"jurisdiction": "NL", "claims": ["/credentialSubject/assuranceLevel"]}
    told = answer(ledger, context=context)
    assert told == {
        **TRQP,
        "authorized": True,
        "time_evaluated": "2027-03-14T09:00:00Z",
        "message": f"{CITY.did} → {BANK.did}",
        "context": context,
    }
    assert answer(ledger)["authorized"] is False
    past = answer(ledger, context={"time": "2027-01-01T00:00:00Z"})
    assert past["status"] == 503
    late = answer(ledger, context={"time": "2027-03-13T10:00:00Z"})
    assert late["time_requested"] == "2027-03-13T10:00:00Z"


def test_trqp_query_about_an_authority_is_answered(ledger):
    recognise(ledger, whom=STATE, action="recognize")
    asked = {"entity_id": str(STATE.did), "action": "recognize"}
    assert answer(ledger, **asked)["recognized"] is True
    assert answer(ledger, **asked, resource="Other")["recognized"] is False
    trust.publish(ledger, STATE, at=town.NOW - DAY)
    assert answer(ledger, entity_id=str(STATE.did))["authorized"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"entity_id": None},
        {"entity_id": "bank"},
        {"action": "verify"},
        {"context": []},
        {"context": {"claims": "x"}},
        {"context": {"jurisdiction": 7}},
        {"context": {"time": "now"}},
    ],
)
def test_malformed_trqp_query_is_a_problem(ledger, wrong):
    assert answer(ledger, **wrong)["status"] == 400


def test_ebsi_query_is_answered(ledger):
    recognise(ledger, whom=STATE, action="recognize")
    recognise(ledger, STATE, BANK, jurisdiction="NL", output=[{"id": SCHEMA, "type": "JsonSchema"}])
    recognise(ledger, STATE, BANK, for_type="Past", valid_until=town.NOW - timedelta(hours=1))
    query = {"did": str(BANK.did), "rootTao": str(CITY.did), "tao": str(STATE.did)}

    def ebsi(**changes):
        given = {name: value for name, value in {**query, **changes}.items() if value}
        return trust.answer_ebsi(given, ledger=ledger, resolver=town.resolver(), at=town.NOW)

    (attribute,) = ebsi()["attributes"]
    assert attribute["issuerType"] == "TI"
    assert (attribute["tao"], attribute["rootTao"]) == (str(STATE.did), str(CITY.did))
    types = ["VerifiableCredential", KIND]
    expected = {"types": types, "limitJurisdiction": ["NL"], "schemaId": SCHEMA}
    assert attribute["accreditedFor"] == [expected]
    (attribute,) = ebsi(did=str(STATE.did), tao=None)["attributes"]
    assert attribute["issuerType"] == "TAO"
    assert ebsi(tao=None)["status"] == 404
    assert ebsi(tao=str(BANK.did))["status"] == 503
    assert ebsi(did="bank")["status"] == 400


def test_queries_are_answered_as_of_now_by_default():
    ledger = registry.connect("memory:")
    trust.publish(ledger, CITY)
    query = {"did": str(BANK.did), "rootTao": str(CITY.did)}
    assert trust.answer_ebsi(query, ledger=ledger, resolver=town.resolver())["status"] == 404
    assert trust.answer_trqp(TRQP, ledger=ledger, resolver=town.resolver())["authorized"] is False
