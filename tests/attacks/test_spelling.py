"""Members written so that the signed statements stay the same while readers of JSON miss them."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

import cityid
import town
from cityid import policy
from cityid.errors import Code
from cityid.report import Outcome
from cityid.securing import add_proof

MODEL = "https://www.w3.org/2018/credentials#"
SECURITY = "https://w3id.org/security#"
TIME = "http://www.w3.org/2001/XMLSchema#dateTime"
V1 = "https://www.w3.org/2018/credentials/v1"
DATA_INTEGRITY = "https://w3id.org/security/data-integrity/v2"
ODRL = "https://www.w3.org/ns/odrl.jsonld"
ASKED = policy.IssuedBy({town.office().did})
PRESENTED = {"challenge": town.CHALLENGE, "domain": town.DOMAIN}


def signed(document, **options):
    method, signer = town.office().signer("assertionMethod")
    return add_proof(
        document | {"issuer": str(town.office().did)},
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        created=town.NOW,
        **options,
    )


def verify(document, **options):
    bound = {"policy": ASKED, "resolver": town.resolver(), "at": town.NOW}
    return cityid.verify(document, **(bound | options))


def codes(result):
    bad = (Outcome.FAILED, Outcome.INCONCLUSIVE)
    return {(check.name, check.problem.code) for check in result.checks if check.outcome in bad}


def respelt(document, name, key, place=()):
    """The document with a member under another key, times as the value objects they stand for."""
    document = copy.deepcopy(document)
    owner = document
    for step in place:
        owner = owner[step]
    value = owner.pop(name)
    owner[key] = {"@value": value, "@type": TIME} if str(value).startswith("202") else value
    return document


def moment(months):
    return f"2027-{3 + months:02}-01T00:00:00Z"


HIDDEN = {
    "validUntil": (moment(-1), ("validity", Code.CREDENTIAL_EXPIRED)),
    "validFrom": (moment(+1), ("validity", Code.CREDENTIAL_NOT_YET_VALID)),
    "credentialStatus": (
        {"id": "urn:x:status", "type": "urn:x:Status"},
        ("status", Code.STATUS_NOT_CHECKED),
    ),
    "credentialSchema": (
        {"id": "urn:x:schema", "type": "JsonSchema"},
        ("schema", Code.SCHEMA_NOT_ALLOWED),
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_limits_a_credential_cannot_be_hidden_behind_its_iri(name):
    value, finding = HIDDEN[name]
    honest = signed(town.unsigned(town.alice()) | {name: value})
    assert codes(verify(honest)) == {finding}

    hidden = respelt(honest, name, MODEL + name)
    assert codes(verify(hidden)) == {("proof", Code.DATA_LOSS_DETECTION_ERROR)}


def test_every_term_of_the_data_model_has_its_one_spelling():
    for name in ("credentialSubject", "issuer"):
        honest = signed(town.unsigned(town.alice()))
        assert verify(honest)
        assert not verify(respelt(honest, name, MODEL + name))
        twice = respelt(honest, name, MODEL + name) | {name: honest[name]}
        assert codes(verify(twice)) == {("proof", Code.DATA_LOSS_DETECTION_ERROR)}


def test_the_end_of_a_proof_cannot_be_hidden():
    honest = signed(town.unsigned(), expires=town.NOW - timedelta(days=1))
    assert codes(verify(honest)) == {("proof", Code.PROOF_EXPIRED)}
    assert verify(signed(town.unsigned(), expires=town.NOW + timedelta(days=1)))

    hidden = respelt(honest, "expires", SECURITY + "expiration", ["proof"])
    assert codes(verify(hidden)) == {("proof", Code.PROOF_VERIFICATION_ERROR)}


def test_the_time_of_a_proof_cannot_be_hidden():
    honest = signed(town.unsigned())
    before = town.NOW - timedelta(days=1)
    assert codes(verify(honest, at=before)) == {("proof", Code.PROOF_NOT_YET_VALID)}

    hidden = respelt(honest, "created", "http://purl.org/dc/terms/created", ["proof"])
    assert codes(verify(hidden, at=before)) == {("proof", Code.PROOF_VERIFICATION_ERROR)}
    assert not verify(hidden)


def test_an_old_credential_cannot_shed_its_end_under_the_new_data_model():
    old = town.unsigned(town.alice()) | {"@context": [V1, DATA_INTEGRITY, town.EXAMPLES]}
    del old["validFrom"], old["name"]
    honest = signed(old | {"issuanceDate": moment(-2), "expirationDate": moment(-1)})
    assert codes(verify(honest)) == {("validity", Code.CREDENTIAL_EXPIRED)}
    assert verify(honest, at=town.NOW - timedelta(days=20), skew=timedelta(days=30))

    new = respelt(honest, "issuanceDate", MODEL + "issuanceDate")
    new = respelt(new, "expirationDate", MODEL + "expirationDate")
    new["@context"] = [town.V2, town.EXAMPLES]
    assert codes(verify(new)) == {("proof", Code.DATA_LOSS_DETECTION_ERROR)}


@pytest.mark.parametrize(
    ("key", "contexts"), [("@id", ()), ("uid", (ODRL,))], ids=["keyword", "alias"]
)
def test_a_stolen_credential_cannot_hide_whom_it_is_about(key, contexts):
    honest = signed(town.unsigned(town.alice()))
    stolen = respelt(honest, "id", key, ["credentialSubject"])
    stolen["@context"] = [*honest["@context"], *contexts]

    def shown(credential, by):
        options = {**PRESENTED, "cryptosuite": "eddsa-jcs-2022", "at": town.NOW}
        return verify(cityid.present([credential], by=by, **options), **PRESENTED)

    assert shown(honest, town.alice())
    assert codes(shown(honest, town.bob())) == {("holder_binding", Code.HOLDER_BINDING_FAILED)}
    assert codes(shown(stolen, town.bob())) == {("proof", Code.DATA_LOSS_DETECTION_ERROR)}


def test_what_is_said_of_the_credential_cannot_be_moved_into_a_claim():
    name = town.unsigned()["id"]
    subject = town.alice()
    honest = signed(town.unsigned(subject, partOf={"id": name}) | {"validUntil": moment(-1)})
    assert codes(verify(honest)) == {("validity", Code.CREDENTIAL_EXPIRED)}
    assert verify(signed(town.unsigned(subject, partOf={"id": name})))

    hidden = copy.deepcopy(honest)
    end = {"id": name, "type": "VerifiableCredential", "validUntil": hidden.pop("validUntil")}
    hidden["credentialSubject"]["partOf"] = end
    assert codes(verify(hidden)) == {("proof", Code.DATA_LOSS_DETECTION_ERROR)}
