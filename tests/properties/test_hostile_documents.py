"""Whatever JSON is put wherever in a document: an answer or a `CityIdError`, and never a PERMIT."""

from __future__ import annotations

import copy
import json
import random

import pytest

import cityid
import town
from cityid import did, keys, policy
from cityid.credential import check_credential, check_presentation
from cityid.errors import CityIdError
from cityid.registry import connect
from cityid.schema import SCHEMAS, check_schema
from cityid.securing import add_proof

WORDS = [
    "", "x", "#", "did:", "did:key:z", "did:key:z6Mk#", "_:b", "@id", "@type", "@graph", "\x00",
    "\ud800", "é" * 70, "2027-13-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "z" * 300, "u" * 300,
    "https://[", "http://x:99999999/", "data:,", "-1", "1e999", "/", "~", "%ff",
    "VerifiablePresentation",
    "VerifiableCredential", "EnvelopedVerifiableCredential", "DataIntegrityProof", "eddsa-jcs-2022",
    "eddsa-rdfc-2022", "ecdsa-rdfc-2019", "authentication", town.V2,
    "https://www.w3.org/2018/credentials/v1",
    town.CHALLENGE, str(town.office().did), str(town.alice().did),
]  # fmt: skip
SCALARS = [
    None,
    True,
    False,
    0,
    -1,
    2**53,
    10**400,
    1e308,
    1e-320,
    -0.0,
    float("nan"),
    float("inf"),
]
KEYS = [
    "@context", "@id", "@type", "@value", "@graph", "@list", "@reverse", "id", "type",
    "proof", "issuer",
    "holder", "credentialSubject", "verifiableCredential", "validFrom", "validUntil",
    "credentialStatus",
    "credentialSchema", "controller", "verificationMethod", "publicKeyJwk", "publicKeyMultibase",
    "domain", "challenge", "previousProof", "created", "expires", "$ref", "$id", "pattern", "",
]  # fmt: skip
POLICY = policy.AllOf(
    policy.IssuedBy({town.office().did}),
    policy.AnyOf(
        policy.SameCredential(policy.Claim("/credentialSubject/age", at_least=18)),
        policy.NotOlderThan("/credentialSubject/day", town.NOW - town.NOW),
        policy.Claim("/credentialSubject/alumniOf", contains="x"),
        policy.Claim("/credentialSubject/alumniOf"),
    ),
)
PRESENTED = {"challenge": town.CHALLENGE, "domain": town.DOMAIN}


def credential(suite):
    method, signer = town.office().signer("assertionMethod")
    subject = {"alumniOf": ["North", "x"], "age": 21, "day": "2027-03-14", "more": {"a": [1, {}]}}
    document = town.unsigned(town.alice(), **(subject if "jcs" in suite else {})) | {
        "issuer": {"id": str(town.office().did), "name": {"@value": "Office", "@language": "en"}},
        "validUntil": "2028-01-01T00:00:00Z",
    }
    return add_proof(
        document,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite=suite,
        created=town.NOW,
        expires=town.NOW.replace(year=2029),
        nonce="b25jZQ",
    )


def presentation(suite):
    bound = {**PRESENTED, "by": town.alice(), "at": town.NOW}
    return cityid.present([credential(suite)], cryptosuite=suite, **bound).to_dict()


SCHEMA = {
    "$id": "urn:x:schema", "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object", "required": ["issuer"], "$defs": {"a": {"pattern": "^a+$", "minLength": 1}},
    "properties": {"name": {"$ref": "#/$defs/a"}, "id": {"format": "uri"}, "x": {"enum": [1, "a"]}},
    "allOf": [{"not": {"const": 3}}], "unevaluatedProperties": True,
}  # fmt: skip


class Mutator:
    """Changes JSON here and there; the same seed makes the same changes."""

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def value(self, sources, depth=0):
        choose = self.random
        kind = choose.randrange(8 if depth < 3 else 4)
        if kind < 2:
            return choose.choice(WORDS)
        if kind < 4:
            return choose.choice(SCALARS)
        if kind == 4:
            return [self.value(sources, depth + 1) for _ in range(choose.randrange(4))]
        if kind == 5:
            return {
                choose.choice(KEYS): self.value(sources, depth + 1)
                for _ in range(choose.randrange(4))
            }
        if kind == 6:
            return copy.deepcopy(choose.choice(sources))
        nested = choose.choice(WORDS)
        for _ in range(choose.choice([2, 30, 70])):
            nested = [nested] if choose.random() < 0.5 else {choose.choice(KEYS): nested}
        return nested

    def change(self, document):
        document = copy.deepcopy(document)
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            self.change_once(document)
        return document

    def change_once(self, document):
        places = list(inside(document))
        owner, key = self.random.choice(places)
        parts = [holder[name] for holder, name in places]
        action = self.random.randrange(6)
        if action == 0:
            del owner[key]
        elif action == 1 and isinstance(owner, dict):
            owner[self.random.choice(KEYS)] = self.value(parts)
        elif action == 2 and isinstance(owner, dict):
            owner[self.random.choice(KEYS)] = owner.pop(key)
        elif action == 3:
            owner[key] = [owner[key]] * self.random.choice([1, 2, 40])
        else:
            owner[key] = self.value(parts)


def inside(value):
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(members):
        yield value, key
        if isinstance(item, dict | list) and item:
            yield from inside(item)


def verify(document):
    result = cityid.verify(
        document,
        policy=POLICY,
        resolver=town.resolver(),
        at=town.NOW,
        **(PRESENTED if "Presentation" in str(document.get("type")) else {}),
    )
    assert isinstance(result.explain(), str)
    json.dumps(result.to_dict())
    result._repr_html_()
    return result


def issue(document):
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    cityid.issue(unsigned, by=town.office(), at=town.NOW, cryptosuite="eddsa-jcs-2022")


def present(document):
    bound = {**PRESENTED, "cryptosuite": "eddsa-jcs-2022"}
    cityid.present([document], by=town.alice(), at=town.NOW, **bound)._repr_html_()


def check(document):
    check_credential(document)
    check_presentation(document)


def resolve(document):
    did.check_document(document)
    parsed = did.DIDDocument.parse(document)
    resolver = did.resolver(documents=[parsed])
    resolver.dereference(f"{parsed.id}#key-1")
    method = town.office().signer("assertionMethod")[0]
    resolver.verification_method(method, relationship="assertionMethod")


def shape(document):
    schemas = SCHEMAS.with_schema("urn:x:schema", document)
    entry = {"id": "urn:x:schema", "type": "JsonSchema"}
    check_schema(credential("eddsa-jcs-2022"), entry, schemas)


def own_key(document):
    keys.from_jwk(document)


DOORS = {
    "credential": (verify, credential("eddsa-jcs-2022"), 1500),
    "presentation": (verify, presentation("eddsa-jcs-2022"), 1000),
    "credential-rdfc": (verify, credential("eddsa-rdfc-2022"), 400),
    "presentation-rdfc": (verify, presentation("eddsa-rdfc-2022"), 200),
    "structure": (check, presentation("eddsa-jcs-2022"), 1000),
    "issue": (issue, credential("eddsa-jcs-2022"), 500),
    "present": (present, credential("eddsa-jcs-2022"), 500),
    "did-document": (resolve, town.office().document.to_dict(), 1000),
    "schema": (shape, SCHEMA, 150),
    "jwk": (own_key, town.office().signer("assertionMethod")[1].public_key.jwk, 500),
}


def attack(door, seed, count):
    """Open a door with many changed documents, and return those that got through it changed."""
    entry, document, _ = DOORS[door]
    mutator = Mutator(seed)
    through = []
    for _ in range(count):
        changed = mutator.change(document)
        try:
            result = entry(changed)
        except CityIdError:
            continue
        if result:
            through.append(changed)
    return through


@pytest.mark.parametrize("door", DOORS)
def test_hostile_json_meets_typed_errors_alone(door):
    entry, document, count = DOORS[door]
    try:
        accepted = entry(document)
    except CityIdError as error:
        pytest.fail(f"the door is shut to its own document: {error}")
    assert accepted is None or accepted
    for changed in attack(door, seed=20270314, count=count):
        assert flat(changed) == flat(document)


def flat(value):
    """A document without proofs, and without what JSON-LD does not tell apart."""
    if isinstance(value, dict):
        return {name: flat(item) for name, item in sorted(value.items()) if name != "proof"}
    if isinstance(value, list):
        items = {json.dumps(flat(item), sort_keys=True) for item in value}
        return flat(value[0]) if len(items) == 1 else sorted(items)
    return value


@pytest.mark.parametrize("url", [*WORDS, *SCALARS, [], {}, b"\xff"])
def test_hostile_words_meet_typed_errors_alone(url):
    for door in (
        did.parse,
        did.parse_url,
        lambda word: did.resolver().resolve(word).document,
        lambda word: did.resolver().dereference(word),
        did.DIDDocument.parse,
        keys.from_multikey,
        keys.from_jwk,
        keys.private_key_from_multikey,
        cityid.Credential.of,
        connect,
    ):
        try:
            door(url)
        except CityIdError:
            continue
