"""cityid: decentralized identity for cities.

Four doors: `issue` (issuer), `present` and `disclose` (holder), `verify` (verifier), and
`cityid.registry` (the verifiable data registry)::

    from cityid import did, policy, registry
    import cityid

    city, alice = did.create("key"), did.create("key")
    credential = cityid.issue({...}, by=city)
    shown = cityid.present([credential], by=alice, challenge=nonce, domain="pool.example")
    result = cityid.verify(
        shown,
        policy=policy.IssuedBy({city.did}),
        resolver=did.resolver(),
        challenge=nonce,
        domain="pool.example",
    )
    facts = result.require()

There is no network access unless a caller passes a way to fetch. Importing this package loads next
to nothing: each name is brought in when it is first used, and each dependency behind its own door.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cityid import did, keys, policy, registry, status, trust
    from cityid.canonical import CONTEXTS, Contexts
    from cityid.credential import Credential, Presentation
    from cityid.errors import (
        CityIdError,
        Code,
        ConflictError,
        CorruptError,
        InvalidInputError,
        NotFoundError,
        ProofGenerationError,
        RegistryError,
        UnsupportedError,
        VerificationError,
    )
    from cityid.holder import Wallet, disclose, present
    from cityid.issuer import issue, issue_many
    from cityid.report import Check, Outcome, Problem
    from cityid.result import Result
    from cityid.schema import SCHEMAS, Schemas
    from cityid.verifier import Verifier, verify, verify_many

__version__ = "0.1.0"

__all__ = [
    "CONTEXTS",
    "SCHEMAS",
    "Check",
    "CityIdError",
    "Code",
    "ConflictError",
    "Contexts",
    "CorruptError",
    "Credential",
    "InvalidInputError",
    "NotFoundError",
    "Outcome",
    "Presentation",
    "Problem",
    "ProofGenerationError",
    "RegistryError",
    "Result",
    "Schemas",
    "UnsupportedError",
    "VerificationError",
    "Verifier",
    "Wallet",
    "did",
    "disclose",
    "issue",
    "issue_many",
    "keys",
    "policy",
    "present",
    "registry",
    "status",
    "trust",
    "verify",
    "verify_many",
]

_DOORS = ("did", "keys", "policy", "registry", "status", "trust")
_NAMES = {
    "canonical": ("CONTEXTS", "Contexts"),
    "credential": ("Credential", "Presentation"),
    "errors": (
        "CityIdError",
        "Code",
        "ConflictError",
        "CorruptError",
        "InvalidInputError",
        "NotFoundError",
        "ProofGenerationError",
        "RegistryError",
        "UnsupportedError",
        "VerificationError",
    ),
    "holder": ("Wallet", "disclose", "present"),
    "issuer": ("issue", "issue_many"),
    "report": ("Check", "Outcome", "Problem"),
    "result": ("Result",),
    "schema": ("SCHEMAS", "Schemas"),
    "verifier": ("Verifier", "verify", "verify_many"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
