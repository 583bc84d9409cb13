"""Documents made to cost: small ones for the sender, long ones for the verifier."""

from __future__ import annotations

import json
import time

import pytest

import cityid
import town
from cityid import policy, strict_json
from cityid.errors import Code, InvalidInputError
from cityid.report import Outcome
from cityid.securing import add_proof

ASKED = policy.IssuedBy({town.office().did})
FORGED = "z" + "3" * 87


def proof(purpose="assertionMethod", suite="eddsa-rdfc-2022"):
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "verificationMethod": town.office().signer("assertionMethod")[0],
        "proofPurpose": purpose,
        "proofValue": FORGED,
    }


def alike(count):
    """Unnamed nodes that all know each other: telling them apart takes all the work allowed."""
    others = range(count)
    return [
        {"id": f"_:b{node}", "knows": [{"id": f"_:b{other}"} for other in others if other != node]}
        for node in others
    ]


def credential(**claims):
    return town.unsigned(**claims) | {"issuer": str(town.office().did)}


def presented(*credentials):
    return {
        "@context": [town.V2],
        "type": "VerifiablePresentation",
        "verifiableCredential": list(credentials),
        "proof": proof("authentication", "eddsa-jcs-2022"),
    }


def judged(document):
    begin = time.process_time()
    result = cityid.verify(
        json.dumps(document), policy=ASKED, resolver=town.resolver(), at=town.NOW
    )
    return result, time.process_time() - begin


def test_many_proofs_of_a_document_cost_one_canonicalization():
    poison = credential(knows=alike(8))
    once, seconds = judged(poison | {"proof": proof()})
    often, more = judged(poison | {"proof": [proof()] * 32})
    assert not once
    assert not often
    assert more < 2 * seconds + 1


def test_many_honest_proofs_still_hold():
    document = credential()
    method, signer = town.office().signer("assertionMethod")
    options = {"signer": signer, "verification_method": method, "purpose": "assertionMethod"}
    for suite in ("eddsa-rdfc-2022", "eddsa-jcs-2022") * 3:
        document = add_proof(document, **options, cryptosuite=suite, created=town.NOW)
    assert judged(document)[0]
    document["name"] = "another"
    assert judged(document)[0].report.outcome("proof") is Outcome.FAILED


@pytest.mark.parametrize(("links", "code"), [(8, None), (9, Code.COMPLEXITY_LIMIT_EXCEEDED)])
def test_a_chain_of_proofs_has_an_end(links, code):
    document = credential()
    method, signer = town.office().signer("assertionMethod")
    for link in range(links + 1):
        document = add_proof(
            document,
            signer=signer,
            verification_method=method,
            purpose="assertionMethod",
            cryptosuite="eddsa-jcs-2022",
            created=town.NOW,
            proof_id=f"urn:x:{link}",
            previous_proof=f"urn:x:{link - 1}" if link else None,
        )
    codes = {problem.code for problem in judged(document)[0].errors}
    assert codes == ({code} if code else set())


def test_a_presentation_is_not_looked_through_once_enough_of_it_is_bad():
    poison = credential(knows=alike(8)) | {"proof": proof()}
    result, seconds = judged(presented(*[poison] * 40))
    bad = [check for check in result.checks if check.outcome is Outcome.INCONCLUSIVE]
    assert [check.path for check in bad] == [f"/verifiableCredential/{n}" for n in range(4, 40)]
    assert not result
    assert seconds < 5

    good = cityid.issue(town.unsigned(town.alice()), by=town.office(), at=town.NOW)
    bound = {"challenge": town.CHALLENGE, "domain": town.DOMAIN, "at": town.NOW}
    many = cityid.present([good] * 12, by=town.alice(), cryptosuite="eddsa-jcs-2022", **bound)
    assert cityid.verify(many, policy=ASKED, resolver=town.resolver(), **bound)


def test_a_member_given_twice_is_found_among_very_many():
    members = [f'"{number:x}":1' for number in range(100_000)]
    assert len(strict_json.parse_object("{" + ",".join(members) + "}")) == 100_000
    begin = time.process_time()
    with pytest.raises(InvalidInputError) as caught:
        strict_json.parse_object("{" + ",".join([*members, '"twice":1', '"twice":2']) + "}")
    assert caught.value.code is Code.DUPLICATE_KEY
    assert "'twice'" in str(caught.value)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("number", [8, 9, 5000])
def test_a_credential_declares_few_schemas(number):
    url = next(iter(cityid.SCHEMAS))
    declared = [{"id": url, "type": "JsonSchema"}] * number
    document = credential() | {"credentialSchema": declared}
    method, signer = town.office().signer("assertionMethod")
    options = {"signer": signer, "verification_method": method, "purpose": "assertionMethod"}
    secured = add_proof(document, **options, cryptosuite="eddsa-jcs-2022", created=town.NOW)
    result, seconds = judged(secured)
    asked = [check for check in result.checks if check.name == "schema"]
    assert len(asked) == (8 if number == 8 else 1)
    limited = {c.problem.code for c in asked if c.problem} == {Code.COMPLEXITY_LIMIT_EXCEEDED}
    assert limited == (number > 8)
    assert seconds < 5
