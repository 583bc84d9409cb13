"""What is measured on: the resident credential of ``citizen.json``, and others made from it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cityid
from cityid import did, keys, policy

ISSUED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
JUDGED = datetime(2027, 3, 14, 9, 0, tzinfo=UTC)
DOMAIN = "pool.city.example"
CHALLENGE = "c2l4dGVlbiByYW5kb20gYnl0ZXM"
SCHEMA = "https://cityid.example/schemas/resident/v1"

_SMALL = ("id", "type", "residentOf", "documentNumber")


def citizen() -> dict[str, Any]:
    """Return the resident credential, unsigned: about 45 statements."""
    text = Path(__file__).with_name("citizen.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def small() -> dict[str, Any]:
    """Return a credential of few claims."""
    document = citizen()
    subject = document["credentialSubject"]
    document["credentialSubject"] = {name: subject[name] for name in _SMALL}
    for name in ("name", "description", "evidence"):
        del document[name]
    document["issuer"] = document["issuer"]["id"]
    return document


def large() -> dict[str, Any]:
    """Return a credential about a large household."""
    document = citizen()
    subjects = []
    for index in range(8):
        subject = copy.deepcopy(document["credentialSubject"])
        subject["id"] = f"urn:resident:{index}"
        subject["documentNumber"] = f"R-2026-{index:07}"
        subjects.append(subject)
    document["credentialSubject"] = subjects
    return document


@dataclass(frozen=True)
class Case:
    """One issuer, and a credential of it secured with one cryptosuite.

    Attributes:
        cryptosuite: The name of the cryptosuite.
        issuer: Who issues.
        unsigned: The credential before.
        secured: The credential after, as the bytes that a verifier receives.
        resolver: The verifier's.
        believed: The policy: the issuer and nobody else.
    """

    cryptosuite: str
    issuer: did.Identity
    unsigned: dict[str, Any]
    secured: bytes
    resolver: did.Resolver
    believed: policy.IssuedBy

    def issue(self) -> cityid.Credential:
        """Issue the credential."""
        return cityid.issue(self.unsigned, by=self.issuer, cryptosuite=self.cryptosuite, at=ISSUED)

    def verify(self) -> cityid.Result:
        """Verify the credential: from bytes to a decision, all checks."""
        return cityid.verify(self.secured, policy=self.believed, resolver=self.resolver, at=JUDGED)


def identity(name: str, key_type: str = "Ed25519") -> did.Identity:
    """Return a did:key whose key follows from a name."""
    return did.create("key", signer=keys.generate(key_type, seed=name.encode().ljust(32, b".")))


def case(cryptosuite: str, key_type: str = "Ed25519", **members: Any) -> Case:
    """Return a case, after a look at whether it is what it should be."""
    issuer = identity("the city's registry office", key_type)
    unsigned = citizen() | members
    unsigned["issuer"]["id"] = str(issuer.did)
    made = cityid.issue(unsigned, by=issuer, cryptosuite=cryptosuite, at=ISSUED)
    secured = made.to_json().encode()
    found = Case(
        cryptosuite, issuer, unsigned, secured, did.resolver(), policy.IssuedBy({issuer.did})
    )
    assert found.verify(), found.verify().explain()
    return found
