"""Whatever is changed in a secured document, it does not verify any more."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import town
from cityid.credential import Credential
from cityid.errors import CityIdError
from cityid.securing import add_proof
from cityid.verification import verify_credential

PAIRS = [
    ("eddsa-rdfc-2022", "Ed25519"),
    ("eddsa-jcs-2022", "Ed25519"),
    ("ecdsa-rdfc-2019", "P-256"),
    ("ecdsa-jcs-2019", "P-384"),
]
FAST = settings(max_examples=120, derandomize=True, deadline=None)


def signed(suite, key_type):
    office = town.person("registry office", key_type)
    method, signer = office.signer("assertionMethod")
    subject = {
        "id": str(town.alice().did),
        "type": "Person",
        "givenName": "Ann",
        "residentOf": ["North", "Harbour"],
        "address": {"type": "PostalAddress", "postalCode": "1011", "floors": 3},
    }
    name = {"@value": "Resident", "@language": "en", "@direction": "ltr"}
    document = town.unsigned() | {
        "issuer": {"id": str(office.did), "name": "Registry office"},
        "validUntil": "2028-01-01T00:00:00Z",
        "name": name,
        "credentialSubject": subject,
    }
    return add_proof(
        document,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite=suite,
        created=town.NOW,
        proof_id="urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544",
        nonce="b25jZQ",
    )


SIGNED = {pair: signed(*pair) for pair in PAIRS}
TEXTS = {pair: json.dumps(document).encode() for pair, document in SIGNED.items()}


def verified(document):
    try:
        credential = Credential.of(document)
    except CityIdError:
        return False
    return verify_credential(credential, resolver=town.resolver(), at=town.NOW).verified


def leaves(value, path=()):
    """The places of everything that is not an object or a list, and of what has members."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    yield path


def spelling(text, pair):
    """The JSON without what is not signed: white space, order, in RDF the case of languages."""
    written = json.dumps(json.loads(text), sort_keys=True)
    return written.replace('"En"', '"en"').replace('"eN"', '"en"') if "rdfc" in pair[0] else written


def altered(text, pair):
    try:
        return spelling(text, pair) != spelling(TEXTS[pair], pair)
    except ValueError:
        return True  # no longer JSON


@pytest.mark.parametrize("pair", PAIRS)
def test_what_was_signed_verifies(pair):
    assert verified(SIGNED[pair])
    assert verified(TEXTS[pair])


@pytest.mark.parametrize("pair", PAIRS)
@FAST
@given(data=st.data())
def test_no_byte_can_be_flipped(pair, data):
    text = bytearray(TEXTS[pair])
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] ^= data.draw(st.integers(1, 255))
    assert verified(bytes(text)) is not altered(bytes(text), pair)


@pytest.mark.parametrize("pair", PAIRS[:2])
@pytest.mark.parametrize("mask", [0x01, 0x20])
def test_not_one_byte_can_be_flipped(pair, mask):
    for place in range(len(TEXTS[pair])):
        text = bytearray(TEXTS[pair])
        text[place] ^= mask
        assert verified(bytes(text)) is not altered(bytes(text), pair), place


@pytest.mark.parametrize("pair", PAIRS)
@FAST
@given(data=st.data())
def test_no_claim_can_be_changed_or_removed(pair, data):
    document = copy.deepcopy(SIGNED[pair])
    *way, last = data.draw(st.sampled_from([path for path in leaves(document) if path]))
    place = document
    for step in way:
        place = place[step]
    values = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9)
    change = data.draw(values | st.just("remove") | st.lists(values, max_size=2))
    if change == "remove":
        del place[last]
    elif change == place[last] or [change] == place[last] or change == [place[last]]:
        return  # JSON-LD does not tell an item from a list of one
    else:
        place[last] = change
    assert not verified(document)


@pytest.mark.parametrize("pair", PAIRS)
@FAST
@given(data=st.data())
def test_no_member_can_be_added(pair, data):
    document = copy.deepcopy(SIGNED[pair])
    objects = [path for path in leaves(document) if isinstance(at(document, path), dict)]
    place = at(document, data.draw(st.sampled_from(objects)))
    names = st.sampled_from(["name", "id", "expires", "isMayor", "@context", "@type", "type"])
    name = data.draw(
        (names | st.text(min_size=1, max_size=9)).filter(lambda name: name not in place)
    )
    place[name] = data.draw(st.sampled_from(["x", "urn:x:1", True, 7, {"a": "b"}, ["x"]]))
    assert not verified(document)


def at(document, path):
    for step in path:
        document = document[step]
    return document
