"""The frozen views over credentials and presentations, their validity, their resources."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from cityid.credential import (
    Credential,
    Presentation,
    check_credential,
    check_presentation,
    check_related_resources,
    check_validity,
)
from cityid.encoding import multibase_encode, multihash_encode
from cityid.errors import Code, InvalidInputError
from cityid.report import Outcome

V2 = "https://www.w3.org/ns/credentials/v2"
V1 = "https://www.w3.org/2018/credentials/v1"
CARD = {
    "@context": [V2],
    "id": "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008",
    "type": ["VerifiableCredential", "CitizenCredential"],
    "issuer": {"id": "did:web:city.example"},
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T01:00:00+01:00",
    "credentialSubject": {"id": "did:example:alice", "name": "Zoë"},
    "credentialStatus": [{"type": "BitstringStatusListEntry"}, 7],
    "credentialSchema": {"id": "https://city.example/s", "type": "JsonSchema"},
    "unknown": [1, {"deep": None}],
}
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_view_reads_what_is_there():
    card = Credential.of(CARD)
    assert card.id == CARD["id"]
    assert card.types == ("VerifiableCredential", "CitizenCredential")
    assert card.version == "2.0"
    assert card.issuer == "did:web:city.example"
    assert card.subjects == (CARD["credentialSubject"],)
    assert card.statuses == ({"type": "BitstringStatusListEntry"},)
    assert card.schemas == (CARD["credentialSchema"],)
    assert (card.valid_from, card.valid_until) == (START, END)
    assert not card.enveloped


def test_a_view_of_nothing_is_empty_and_never_raises():
    card = Credential.of({})
    assert (card.id, card.types, card.issuer, card.subjects) == (None, (), None, ())
    assert (card.valid_from, card.valid_until, card.statuses, card.schemas) == (None, None, (), ())
    presentation = Presentation.of({"holder": 7, "type": {}, "verifiableCredential": "eyJ"})
    assert (presentation.holder, presentation.credentials, presentation.types) == (None, (), ())


def test_a_1_1_credential_has_its_own_dates_read_as_utc():
    old = Credential.of(
        {"@context": [V1], "issuanceDate": "2026-01-01T00:00:00", "validFrom": "not read"}
    )
    assert old.version == "1.1"
    assert (old.valid_from, old.valid_until) == (START, None)


def test_a_presentation_gives_its_credentials_as_views():
    envelope = {"type": "EnvelopedVerifiableCredential", "id": "data:application/vc+jwt,x"}
    document = {"holder": {"id": "did:example:alice"}, "verifiableCredential": [CARD, envelope]}
    presentation = Presentation.of(document)
    assert presentation.holder == "did:example:alice"
    assert [credential.enveloped for credential in presentation.credentials] == [False, True]
    assert presentation.credentials[0] == Credential.of(CARD)
    assert not presentation.enveloped
    assert Presentation.of({"type": ["EnvelopedVerifiablePresentation"]}).enveloped


@pytest.mark.parametrize(
    "source", [CARD, MappingProxyType(CARD), json.dumps(CARD), json.dumps(CARD).encode()]
)
def test_every_member_survives_in_its_order(source):
    card = Credential.of(source)
    assert card.to_dict() == CARD
    assert list(card.to_dict()) == list(CARD)
    assert json.loads(card.to_json()) == CARD
    assert "Zoë" in card.to_json()
    assert Credential.of(card) is card


def test_a_view_is_cut_off_from_the_callers_document():
    document = json.loads(json.dumps(CARD))
    card = Credential.of(document)
    document["credentialSubject"]["name"] = "Mallory"
    card.to_dict()["credentialSubject"]["name"] = "Mallory"
    assert card.to_dict() == CARD
    with pytest.raises(FrozenInstanceError):
        card.document = {}


@pytest.mark.parametrize(
    "source",
    [
        "[]",
        "",
        "{",
        b"\xff",
        '{"a":1,"a":2}',
        '{"a":NaN}',
        [],
        None,
        7,
        {"a": {1, 2}},
        {"a": float("nan")},
        {1: 2},
    ],
)
@pytest.mark.parametrize("kind", [Credential, Presentation])
def test_what_is_no_json_object_is_refused(kind, source):
    with pytest.raises(InvalidInputError):
        kind.of(source)
    check = check_credential if kind is Credential else check_presentation
    (problem,) = check(source) if not isinstance(source, dict) else check(json.dumps([]))
    assert problem.code in set(Code)


@pytest.mark.parametrize("carry", [copy.deepcopy, lambda view: pickle.loads(pickle.dumps(view))])  # noqa: S301 - our own bytes
def test_a_view_travels_to_another_process(carry):
    for view in (Credential.of(CARD), Presentation.of({"verifiableCredential": [CARD]})):
        assert carry(view) == view


def test_a_credential_is_no_presentation():
    with pytest.raises(InvalidInputError, match="Credential"):
        Presentation.of(Credential.of(CARD))


def test_checks_take_views_and_text():
    assert check_credential(Credential.of(CARD)) == check_credential(json.dumps(CARD))
    assert [problem.path for problem in check_credential(CARD)] == ["/credentialStatus/1"]
    presentation = {"@context": [V2], "type": "VerifiablePresentation"}
    assert check_presentation(Presentation.of(presentation)) == ()
    assert check_presentation(json.dumps(presentation)) == ()


def test_repr_tells_who_and_not_what():
    assert repr(Credential.of(CARD)) == (
        "<Credential 2.0 VerifiableCredential, CitizenCredential by did:web:city.example>"
    )
    shown = repr(Presentation.of({"holder": "did:example:alice", "verifiableCredential": [CARD]}))
    assert shown == "<Presentation 2.0 of 1 by did:example:alice>"
    assert "Zoë" not in shown


def test_a_notebook_shows_a_view_escaped():
    shown = Credential.of({"name": "<script>alert(1)</script>"})._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


# --- validity


@pytest.mark.parametrize(
    ("at", "outcome", "code", "path"),
    [
        (START - SECOND, Outcome.FAILED, Code.CREDENTIAL_NOT_YET_VALID, "/validFrom"),
        (START, Outcome.PASSED, None, None),
        (END - SECOND, Outcome.PASSED, None, None),
        (END, Outcome.FAILED, Code.CREDENTIAL_EXPIRED, "/validUntil"),
    ],
)
def test_validity_lasts_from_the_first_moment_until_before_the_last(at, outcome, code, path):
    for credential in (CARD, Credential.of(CARD)):
        check = check_validity(credential, at=at)
        assert (check.name, check.outcome) == ("validity", outcome)
        if code is not None:
            assert (check.problem.code, check.problem.path) == (code, path)


def test_clocks_may_differ_by_the_skew():
    for at in (START - SECOND, END + SECOND - timedelta(microseconds=1)):
        assert check_validity(CARD, at=at).outcome is Outcome.FAILED
        assert check_validity(CARD, at=at, skew=SECOND).outcome is Outcome.PASSED
    assert check_validity(CARD, at=END + SECOND, skew=SECOND).outcome is Outcome.FAILED


def test_a_credential_without_dates_has_no_validity_to_check():
    assert check_validity({"@context": [V2]}, at=START).outcome is Outcome.SKIPPED


def test_one_date_alone_bounds_one_side():
    assert check_validity({"validFrom": CARD["validFrom"]}, at=END).outcome is Outcome.PASSED
    assert check_validity({"validUntil": CARD["validUntil"]}, at=START).outcome is Outcome.PASSED


def test_a_1_1_credential_expires_by_its_own_member():
    old = {"@context": [V1], "issuanceDate": "2025-01-01T00:00:00Z"}
    assert check_validity(old, at=START).outcome is Outcome.PASSED
    check = check_validity({**old, "expirationDate": "2025-12-31T23:59:59"}, at=START)
    assert (check.problem.code, check.problem.path) == (Code.CREDENTIAL_EXPIRED, "/expirationDate")


def test_the_ends_of_time_do_not_break_validity():
    eternal = {"validFrom": "0001-01-01T00:00:00Z", "validUntil": "9999-12-31T23:59:59Z"}
    assert check_validity(eternal, at=START, skew=timedelta(days=400)).outcome is Outcome.PASSED


def test_a_naive_time_of_judgement_is_refused():
    with pytest.raises(InvalidInputError):
        check_validity(CARD, at=datetime(2026, 6, 1))  # noqa: DTZ001 - the naive time under test


# --- related resources

LOGO = b"<svg/>"
URL = "https://city.example/logo.svg"


def sri(name, content=LOGO):
    return f"{name}-{base64.b64encode(hashlib.new(name, content).digest()).decode()}"


def multihash(name, content=LOGO, base="base58btc"):
    digest = hashlib.new(name.replace("sha2-", "sha"), content).digest()
    return multibase_encode(multihash_encode(name, digest), base)


def outcomes(members, resources=None):
    document = {"relatedResource": {"id": URL, **members}}
    checks = check_related_resources(document, {URL: LOGO} if resources is None else resources)
    assert {check.name for check in checks} == {"related_resource"}
    return [check.outcome for check in checks]


RIGHT = [
    *({"digestSRI": sri(name)} for name in ("sha256", "sha384", "sha512")),
    {"digestSRI": f"{sri('sha256')} {sri('sha512')}"},
    {"digestSRI": f"{sri('sha256', b'older')} {sri('sha512')}"},
    {"digestSRI": f"{sri('sha256')}?ct=image/svg+xml"},
    {"digestSRI": f"{sri('sha384', b'older')}  {sri('sha384')}"},
    *({"digestMultibase": multihash(name)} for name in ("sha2-256", "sha2-384", "sha2-512")),
    {"digestMultibase": [multihash("sha2-256"), multihash("sha2-512", base="base64url")]},
    {"digestMultibase": multihash("sha2-256"), "digestSRI": sri("sha384")},
]
WRONG = [
    {"digestSRI": sri("sha256", b"other")},
    {"digestSRI": f"{sri('sha256')} {sri('sha512', b'other')}"},
    {"digestMultibase": multihash("sha2-256", b"other")},
    {"digestMultibase": [multihash("sha2-256"), multihash("sha2-256", b"other")]},
    {"digestMultibase": multihash("sha2-256"), "digestSRI": sri("sha384", b"other")},
]


@pytest.mark.parametrize("members", RIGHT)
def test_a_resource_that_the_issuer_meant_passes(members):
    assert outcomes(members) == [Outcome.PASSED]


@pytest.mark.parametrize("members", WRONG)
def test_another_resource_fails(members):
    (check,) = check_related_resources({"relatedResource": [{"id": URL, **members}]}, {URL: LOGO})
    assert (check.outcome, check.path) == (Outcome.FAILED, "/relatedResource/0")
    assert check.problem.code is Code.DIGEST_MISMATCH
    assert check.problem.path.startswith("/relatedResource/0/digest")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"digestSRI": 7},
        {"digestSRI": []},
        {"digestSRI": "md5-AAAA"},
        {"digestSRI": "sha256-AAAAA"},
        {"digestSRI": " "},
        {"digestMultibase": "AAAA"},
        {"digestMultibase": "u"},
        {"digestMultibase": None},
        {"digestSRI": sri("sha256"), "digestMultibase": []},
    ],
)
def test_what_is_no_digest_fails(members):
    assert set(outcomes(members)) == {Outcome.FAILED}


def test_a_resource_not_in_hand_is_not_checked():
    assert outcomes({"digestSRI": sri("sha256")}, {}) == [Outcome.SKIPPED]


def test_a_hash_that_is_not_built_is_inconclusive():
    sha3 = multibase_encode(bytes([0x16, 32]) + hashlib.sha3_256(LOGO).digest(), "base58btc")
    assert outcomes({"digestMultibase": sha3}) == [Outcome.INCONCLUSIVE]


def test_a_document_without_related_resources_has_nothing_to_check():
    assert check_related_resources(CARD, {}) == ()
    (check,) = check_related_resources({"a": {1}}, {})
    assert check.outcome is Outcome.FAILED
