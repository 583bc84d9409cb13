from __future__ import annotations

import pytest

import cityid
import town
from cityid import policy
from cityid.errors import Code, InvalidInputError, UnsupportedError


def card():
    return cityid.issue(town.unsigned(town.alice()), by=town.office(), at=town.NOW)


def present(credentials, **options):
    bound = {"by": town.alice(), "challenge": town.CHALLENGE, "domain": town.DOMAIN}
    return cityid.present(credentials, **(bound | {"at": town.NOW} | options))


def test_a_presentation_carries_credentials_holder_and_binding():
    shown = present([card()])
    proof = shown.document["proof"]
    assert shown.holder == str(town.alice().did)
    assert shown.credentials == (card(),)
    assert proof["proofPurpose"] == "authentication"
    assert proof["challenge"] == town.CHALLENGE
    assert proof["domain"] == town.DOMAIN


@pytest.mark.parametrize(
    ("key_type", "suite"),
    [("Ed25519", "eddsa-rdfc-2022"), ("P-256", "ecdsa-rdfc-2019"), ("P-384", "ecdsa-rdfc-2019")],
)
def test_the_suite_follows_the_key(key_type, suite):
    holder = town.person("carol", key_type)
    shown = present([], by=holder)
    assert present([], by=holder).document["proof"]["cryptosuite"] == suite
    result = cityid.verify(
        shown,
        policy=policy.UnsafeAnyIssuer(),
        resolver=town.resolver(),
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
        at=town.NOW,
    )
    assert result.verified


def test_a_suite_can_be_named():
    shown = present([card()], cryptosuite="eddsa-jcs-2022")
    assert shown.document["proof"]["cryptosuite"] == "eddsa-jcs-2022"


def test_a_key_without_a_suite_is_told():
    with pytest.raises(UnsupportedError) as caught:
        present([], by=town.person("carol", "secp256k1"))
    assert caught.value.known == ("Ed25519", "P-256", "P-384")


@pytest.mark.parametrize("missing", ["challenge", "domain"])
def test_challenge_and_domain_are_needed(missing):
    with pytest.raises(InvalidInputError, match="challenge of one domain"):
        present([card()], **{missing: ""})


@pytest.mark.parametrize("single", [card(), card().document, card().to_json(), b"{}", None, 7])
def test_a_single_credential_goes_into_a_list(single):
    with pytest.raises(InvalidInputError, match="list of credentials") as caught:
        present(single)
    assert caught.value.code is Code.INVALID_OPTIONS
    assert len(present((card(),)).credentials) == 1


@pytest.mark.parametrize("by", [town.alice().did, str(town.alice().did), None])
def test_only_an_identity_presents(by):
    with pytest.raises(InvalidInputError, match="by= takes an Identity") as caught:
        present([card()], by=by)
    assert caught.value.code is Code.INVALID_OPTIONS


def test_a_malformed_credential_is_not_presented():
    with pytest.raises(InvalidInputError):
        present([{"type": "Nothing"}])


def test_now_is_the_default():
    shown = cityid.present([], by=town.alice(), challenge="c" * 22, domain=town.DOMAIN)
    assert shown.document["proof"]["created"].endswith("Z")


def test_disclosing_parts_needs_another_suite():
    with pytest.raises(UnsupportedError) as caught:
        cityid.disclose(card(), reveal=["/credentialSubject/alumniOf"])
    assert caught.value.name == "eddsa-rdfc-2022"
    with pytest.raises(UnsupportedError) as caught:
        cityid.disclose(town.unsigned(), reveal=[])
    assert caught.value.name == "none"
