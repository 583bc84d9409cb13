"""The main job as a play in five scenes: a city issues, citizens hold and present, services verify.

Everything in it is real: a registry file, encrypted wallets, signatures, refusals. Only the people
are invented.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cityid import did, policy, registry
from cityid.credential import Credential, Presentation
from cityid.holder import present
from cityid.issuer import issue, issue_many
from cityid.nonces import FileNonces, fresh_nonce
from cityid.policy.voting import years_before
from cityid.resources import Kind, read
from cityid.result import Result
from cityid.verifier import Verifier
from cityid.wallet import Wallet

CITY: Final = "did:web:city.example"
_V2 = "https://www.w3.org/ns/credentials/v2"
_OFFICES = "https://city.example/offices"
_PASSPHRASE = "a passphrase that only the resident knows"  # noqa: S105 - of an invented resident
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: what happens, and a table of what came out."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Stage:
    """The persons and things of the play."""

    folder: Path
    at: datetime
    city: did.Identity
    office: did.Identity
    ledger: registry.OpenRegistry
    verifier: Verifier

    @classmethod
    def set_up(cls, folder: Path, at: datetime) -> _Stage:
        city, office = did.create("key"), did.create("key")
        ledger = registry.connect(
            f"file:{folder / 'city.registry'}",
            origin="city.example/registry",
            operator=city.signer("assertionMethod")[1],
            clock=lambda: at,
        )
        nonces = FileNonces(folder / "challenges.db")
        verifier = Verifier(resolver=did.resolver(ledger), registry=ledger, nonces=nonces)
        return cls(folder, at, city, office, ledger, verifier)

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
        """Let a service judge what it received, as bytes from the wire."""
        return self.verifier.verify(
            shown.to_json(), policy=question, challenge=challenge, domain=service, at=self.at
        )


def play(folder: Path, *, at: datetime) -> Iterator[Scene]:
    """Play the main job.

    Args:
        folder: An empty folder for the registry, the wallet and the challenges.
        at: The time in the play.

    Yields:
        The scenes, each when it is over.
    """
    stage = _Stage.set_up(folder, at)
    with stage.ledger:
        yield _found_office(stage)
        people = _people(at.date())
        cards, scene = _issue_cards(stage, people)
        yield scene
        adult = next(i for i, person in enumerate(people) if person["eligible"])
        holder, card = people[adult]["identity"], cards[adult]
        questions = _questions(stage)
        yield _present_to_services(stage, questions, holder, card)
        yield _refuse(stage, questions, people[adult], card)
        yield _prove_registry(stage)


def _found_office(stage: _Stage) -> Scene:
    role = {
        "type": "StaffMember",
        "id": str(stage.office.did),
        "employer": CITY,
        "staffRole": "registrar",
        "department": "Registry office",
        "authorisedTo": ["register-resident", "issue-identity"],
    }
    accreditation = issue(
        _credential("staff", "StaffRoleCredential", role),
        by=stage.city,
        valid_for=_YEAR,
        at=stage.at,
    )
    entry = registry.NewEntry(_OFFICES, 1, accreditation.to_json().encode())
    (record,) = stage.ledger.append([entry])
    return Scene(
        "The city opens its registry office",
        "It appoints the office with a signed credential and writes that into the registry file.",
        ("who", "identifier"),
        (
            ("the city", str(stage.city.did)),
            ("the registry office", str(stage.office.did)),
            (f"registry record {record.sequence}", record.log),
        ),
    )


def accredited(
    ledger: registry.Registry, verifier: Verifier, city: did.DID, at: datetime
) -> set[str]:
    """Return the offices that the city has appointed to issue identities.

    Args:
        ledger: The registry in which the city publishes its appointments.
        verifier: Checks each appointment; the registry itself is believed in nothing.
        city: The city's DID.
        at: The time as of which to judge.
    """
    appointed = policy.AllOf(
        policy.IssuedBy({city}),
        policy.Claim("/credentialSubject/authorisedTo", contains="issue-identity"),
    )
    results = (
        verifier.verify(record.data, policy=appointed, at=at) for record in ledger.read(_OFFICES)
    )
    return {result.require().claim("/credentialSubject/id") for result in results if result}


def _people(today: date) -> list[dict[str, Any]]:
    rows = csv.DictReader(io.StringIO(read(Kind.EXAMPLES, "residents.csv").decode()))
    grown, settled = years_before(today, 18), today - timedelta(days=90)
    return [
        {
            "row": row,
            "identity": did.create("key"),
            "eligible": date.fromisoformat(row["birthDate"]) <= grown
            and date.fromisoformat(row["residentSince"]) <= settled,
        }
        for row in rows
    ]


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
    return _credential("resident", "ResidentIdentityCredential", who | claims | ages)


def _credential(name: str, type_: str, subject: dict[str, Any]) -> dict[str, Any]:
    schema = f"https://cityid.example/schemas/{name}/v1"
    return {
        "@context": [_V2, f"https://cityid.example/contexts/{name}/v1"],
        "type": ["VerifiableCredential", type_],
        "credentialSchema": {"id": schema, "type": "JsonSchema"},
        "credentialSubject": subject,
    }


def _issue_cards(stage: _Stage, people: list[dict[str, Any]]) -> tuple[list[Credential], Scene]:
    today = stage.at.date()
    unsigned = [resident_credential(p["row"], p["identity"].did, today) for p in people]
    began = time.perf_counter()
    cards = list(issue_many(unsigned, by=stage.office, valid_for=5 * _YEAR, at=stage.at))
    seconds = time.perf_counter() - began
    return cards, Scene(
        f"The office issues {len(cards)} resident credentials",
        f"From the register (a CSV file), schema checked, signed, in {seconds:.1f} s. "
        "No resident is written to the registry.",
        ("resident", "district", "identifier"),
        tuple(
            (
                f"{person['row']['givenName']} {person['row']['familyName']}",
                person["row"]["district"],
                str(person["identity"].did),
            )
            for person in people[:4]
        ),
    )


def _questions(stage: _Stage) -> dict[str, policy.Policy]:
    issuers = frozenset(accredited(stage.ledger, stage.verifier, stage.city.did, stage.at))
    election = policy.Election(
        id="https://elections.city.example/next", day=stage.at.date(), registrars=issuers
    )
    return {
        "bank.example": policy.kyc(issuers=issuers),
        "vote.city.example": policy.voting(election),
        "pool.city.example": policy.access(issuers=issuers, age_over=18),
    }


def _present_to_services(
    stage: _Stage, questions: dict[str, policy.Policy], holder: did.Identity, card: Credential
) -> Scene:
    assurance = {
        "type": "KycSubject",
        "id": str(holder.did),
        "assuranceLevel": "substantial",
        "checkedOn": stage.at.date().isoformat(),
    }
    kyc = issue(
        _credential("kyc", "KycAssuranceCredential", assurance),
        by=stage.office,
        valid_for=_YEAR,
        at=stage.at,
    )
    wallet = Wallet.create(stage.folder / "resident.wallet", _PASSPHRASE)
    for credential in (card, kyc):
        wallet.put(credential)
    shown = {
        "bank.example": ("opens an account (KYC)", kyc),
        "vote.city.example": ("polling register: age, residence", card),
        "pool.city.example": ("swimming pool: resident, adult", card),
    }
    rows = []
    for service, (purpose, credential) in shown.items():
        result, _, _ = stage.ask(service, questions[service], credential, by=holder)
        passed = sum(check.outcome.value == "passed" for check in result.checks)
        rows.append((service, purpose, credential.types[-1], _verdict(result), f"{passed} passed"))
    return Scene(
        "One resident goes to three services",
        "Each sends a challenge; the wallet answers it; the service judges by its own policy.",
        ("service", "question", "presented", "decision", "checks"),
        tuple(rows),
    )


def _refuse(
    stage: _Stage, questions: dict[str, policy.Policy], person: dict[str, Any], card: Credential
) -> Scene:
    pool = "pool.city.example"
    asked, holder = questions[pool], person["identity"]
    first, shown, challenge = stage.ask(pool, asked, card, by=holder)
    first.require()
    forged = shown.to_dict()
    forged["verifiableCredential"][0]["credentialSubject"]["familyName"] = "Somebody Else"
    thief, stranger = did.create("key"), did.create("key")
    row = resident_credential(person["row"], holder.did, stage.at.date())
    foreign = issue(row, by=stranger, valid_for=_YEAR, at=stage.at)
    tried = {
        "a tampered credential": stage.judge(pool, asked, Presentation.of(forged), fresh_nonce()),
        "the same presentation again": stage.judge(pool, asked, shown, challenge),
        "a foreign issuer": stage.ask(pool, asked, foreign, by=holder)[0],
        "a stolen credential": stage.ask(pool, asked, card, by=thief)[0],
    }
    rows = tuple((what, _verdict(result), *_why(result)) for what, result in tried.items())
    return Scene(
        "What is refused, and why",
        "Every refusal names the check that failed.",
        ("tried", "decision", "check", "reason"),
        rows,
    )


def _verdict(result: Result) -> str:
    return result.decision.verdict.value


def _why(result: Result) -> tuple[str, str]:
    problems = [(c.name, c.problem.title) for c in result.checks if c.problem is not None]
    return problems[0] if problems else ("", "")


def _prove_registry(stage: _Stage) -> Scene:
    checkpoint = stage.ledger.checkpoint()
    records = tuple(stage.ledger.scan())
    return Scene(
        "What the registry shows to everybody",
        "Records that prove themselves, and a signed checkpoint over all of them.",
        ("record", "log", "bytes", "recorded"),
        (
            *(
                (str(r.sequence), r.log, str(len(r.data)), r.recorded_at.isoformat())
                for r in records
            ),
            ("checkpoint", f"{checkpoint.origin}, size {checkpoint.size}", "", ""),
        ),
    )
