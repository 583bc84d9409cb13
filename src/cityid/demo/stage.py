"""The stage of the play: its persons and things, and what the persons can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cityid import did, policy, registry
from cityid.credential import Credential, Presentation
from cityid.holder import present
from cityid.nonces import FileNonces, fresh_nonce
from cityid.policy.voting import years_before
from cityid.result import Result
from cityid.verifier import Verifier

CITY: Final = "did:web:city.example"
ORIGIN: Final = "city.example/registry"
YEAR: Final = timedelta(days=365)
_V2 = "https://www.w3.org/ns/credentials/v2"


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: what happens, and a table of what came out."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Resident:
    """A row of the register and the identity that the person has made for it."""

    row: Mapping[str, str]
    identity: did.Identity

    @property
    def name(self) -> str:
        """Given name and family name."""
        return f"{self.row['givenName']} {self.row['familyName']}"

    def may_vote(self, today: date) -> bool:
        """Tell whether the person is of age and has lived in the city for long enough."""
        born = date.fromisoformat(self.row["birthDate"])
        settled = date.fromisoformat(self.row["residentSince"])
        return born <= years_before(today, 18) and settled <= today - timedelta(days=90)


class Clock:
    """The clock of the play: whoever looks at it sees the same time.

    Args:
        now: The time at the beginning.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@dataclass(frozen=True)
class Stage:
    """The things of the play, and the offices."""

    folder: Path
    clock: Clock
    city: did.Identity
    office: did.Identity
    ledger: registry.OpenRegistry
    verifier: Verifier

    @property
    def at(self) -> datetime:
        """The time in the play."""
        return self.clock()

    @classmethod
    def set_up(cls, folder: Path, at: datetime) -> Stage:
        """Make the city, its office, a registry file and a verifier in a folder."""
        clock, city, office = Clock(at), did.create("key"), did.create("key")
        ledger = registry.connect(
            f"file:{folder / 'city.registry'}",
            origin=ORIGIN,
            operator=city.signer("assertionMethod")[1],
            clock=clock,
        )
        nonces = FileNonces(folder / "challenges.db")
        verifier = Verifier(resolver=did.resolver(ledger), registry=ledger, nonces=nonces)
        return cls(folder, clock, city, office, ledger, verifier)

    def ask(
        self, service: str, question: policy.Policy, *credentials: Credential, by: did.Identity
    ) -> tuple[Result, Presentation, str]:
        """Let a service send a challenge, the holder answer it, and the service judge."""
        challenge = fresh_nonce()
        shown = present(credentials, by=by, challenge=challenge, domain=service, at=self.at)
        return self.judge(service, question, shown, challenge), shown, challenge

    def judge(
        self, service: str, question: policy.Policy, shown: Presentation, challenge: str
    ) -> Result:
        """Let a service judge what it received, as text from the wire."""
        return self.verifier.verify(
            shown.to_json(), policy=question, challenge=challenge, domain=service, at=self.at
        )


def resident_credential(row: Mapping[str, str], subject: did.DID, today: date) -> dict[str, Any]:
    """Return the unsigned resident credential of one row of the register.

    Args:
        row: The row: names, dates, address; an empty field is left out.
        subject: The DID of the resident.
        today: The day on which the ages are told.
    """
    address = ("streetAddress", "postalCode", "locality", "district", "country")
    claims: dict[str, Any] = {
        name: value for name, value in row.items() if value and name not in address
    }
    claims["nationality"] = row["nationality"].split()
    claims["address"] = {name: row[name] for name in address if row[name]}
    born = date.fromisoformat(row["birthDate"])
    ages = {f"ageOver{age}": born <= years_before(today, age) for age in (18, 65)}
    who = {"type": "Resident", "id": str(subject), "residentOf": CITY}
    return city_credential("resident", "ResidentIdentityCredential", who | claims | ages)


def city_credential(name: str, type_: str, subject: dict[str, Any]) -> dict[str, Any]:
    """Return an unsigned credential of one of the city's schemas.

    Args:
        name: The schema's folder, such as ``kyc``.
        type_: The credential's type.
        subject: The claims.
    """
    schema = f"https://cityid.example/schemas/{name}/v1"
    return {
        "@context": [_V2, f"https://cityid.example/contexts/{name}/v1"],
        "type": ["VerifiableCredential", type_],
        "credentialSchema": {"id": schema, "type": "JsonSchema"},
        "credentialSubject": subject,
    }
