"""A town for the tests: an office, a foreign one, residents, all with fixed keys and one clock."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cityid
from cityid import did, keys, policy
from cityid.nonces import FileNonces
from cityid.resources import Kind, read

NOW = datetime(2027, 3, 14, 9, 0, tzinfo=UTC)
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
CHALLENGE = "c2l4dGVlbiByYW5kb20gYnl0ZXM"
DOMAIN = "pool.city.example"


@cache
def person(name: str, key_type: str = "Ed25519") -> did.Identity:
    """Return the identity that everybody of this name has in the town."""
    seed = hashlib.sha384(f"{name}/{key_type}".encode()).digest()
    length = 48 if key_type == "P-384" else 32
    return did.create("key", signer=keys.generate(key_type, seed=seed[:length]))


def office() -> did.Identity:
    """The town's registry office."""
    return person("registry office")


def foreign_office() -> did.Identity:
    """An office that nobody here knows."""
    return person("foreign office")


def alice() -> did.Identity:
    """A resident."""
    return person("alice")


def bob() -> did.Identity:
    """Another resident."""
    return person("bob")


def resolver() -> did.Resolver:
    """A resolver of the methods that need no network."""
    return did.resolver()


def unsigned(subject: did.Identity | None = None, **claims: Any) -> dict[str, Any]:
    """Return an unsigned credential about somebody, with claims of the examples context."""
    about = {"alumniOf": "The School of Examples", **claims}
    if subject is not None:
        about = {"id": str(subject.did), **about}
    return {
        "@context": [V2, EXAMPLES],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "ExampleAlumniCredential"],
        "name": "Alumni credential",
        "validFrom": "2027-01-01T00:00:00Z",
        "credentialSubject": about,
    }


def city_credential(kind: str, subject: did.Identity, **claims: Any) -> dict[str, Any]:
    """Return the unsigned example of one of the city's schemas, about somebody.

    Args:
        kind: The schema's folder: ``resident``, ``kyc``, ``voter`` …
        subject: Whom it is about.
        claims: Claims to set instead of the example's; None takes a claim away.
    """
    document: dict[str, Any] = json.loads(read(Kind.SCHEMAS, f"{kind}/example.json"))
    for name in ("issuer", "validFrom", "validUntil"):
        document.pop(name, None)
    about = document["credentialSubject"] | {"id": str(subject.did)} | claims
    document["credentialSubject"] = {k: v for k, v in about.items() if v is not None}
    return document


def is_let_in(challenges: Path, presentation: str) -> bool:
    """Tell whether a service that remembers its challenges in a file lets somebody in."""
    result = cityid.verify(
        presentation,
        policy=policy.AllOf(policy.HolderBound(), policy.IssuedBy({office().did})),
        resolver=resolver(),
        challenge=CHALLENGE,
        domain=DOMAIN,
        nonces=FileNonces(challenges),
        at=NOW,
    )
    return bool(result)
