"""The main job as a play in six scenes: a city issues, citizens hold and present, services verify.

Everything in it is real: a registry file, an encrypted wallet, signatures, refusals. Only the
people are invented.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cityid import did, policy, registry
from cityid.credential import Credential, Presentation
from cityid.errors import NotFoundError
from cityid.holder import present
from cityid.issuer import issue, issue_many
from cityid.nonces import FileNonces, fresh_nonce
from cityid.policy import Verdict
from cityid.policy.voting import years_before
from cityid.report import Outcome
from cityid.resources import Kind, read
from cityid.result import CHECKS, Result
from cityid.verifier import Verifier
from cityid.wallet import Wallet

CITY: Final = "did:web:city.example"
ORIGIN: Final = "city.example/registry"
_V2 = "https://www.w3.org/ns/credentials/v2"
_OFFICES = "https://city.example/offices"
_BANK, _POLLS, _POOL = "bank.example", "vote.city.example", "pool.city.example"
_PASSPHRASE = "a passphrase that only the resident knows"  # noqa: S105 - of an invented resident
_YEAR = timedelta(days=365)

Progress = Callable[[int, int], None]


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


@dataclass(frozen=True)
class _Stage:
    """The things of the play, and the offices."""

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
            origin=ORIGIN,
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
        """Let a service judge what it received, as text from the wire."""
        return self.verifier.verify(
            shown.to_json(), policy=question, challenge=challenge, domain=service, at=self.at
        )


def play(folder: Path, *, at: datetime, progress: Progress | None = None) -> Iterator[Scene]:
    """Play the main job.

    Args:
        folder: An empty folder for the registry, the wallet and the challenges.
        at: The time in the play.
        progress: Called with the number of credentials issued and of all, after each.

    Yields:
        The scenes, each when it is over.
    """
    stage = _Stage.set_up(folder, at)
    with stage.ledger:
        yield _found_office(stage)
        people = _people()
        cards, scene = _issue_cards(stage, people, progress)
        yield scene
        chosen = next(n for n, person in enumerate(people) if person.may_vote(at.date()))
        resident, card = people[chosen], cards[chosen]
        wallet = _fill_wallet(stage, resident, card)
        questions = _questions(stage)
        scene, result = _visit_services(stage, questions, resident, wallet)
        yield scene
        yield _unfold(result)
        yield _refuse(stage, questions[_POOL], resident, card)
        yield _prove_registry(stage)


# --- scene 1: the registry


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
        "It signs an appointment and writes it into the public registry, a file. From now on "
        "everybody can find out whom the city lets issue identities.",
        ("who", "identifier", "role"),
        (
            ("City", str(stage.city.did), "appoints offices"),
            ("Registry office", str(stage.office.did), "issues identities"),
            (f"Record {record.sequence}", record.log, "the appointment"),
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


# --- scene 2: the issuer


def _people() -> list[Resident]:
    rows = csv.DictReader(io.StringIO(read(Kind.EXAMPLES, "residents.csv").decode()))
    return [Resident(row, did.create("key")) for row in rows]


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


def _issue_cards(
    stage: _Stage, people: Sequence[Resident], progress: Progress | None
) -> tuple[list[Credential], Scene]:
    today, whole = stage.at.date(), len(people)
    unsigned = [resident_credential(p.row, p.identity.did, today) for p in people]
    began = time.perf_counter()
    cards = list(
        issue_many(
            unsigned,
            by=stage.office,
            valid_for=5 * _YEAR,
            at=stage.at,
            progress=None if progress is None else lambda done: progress(done, whole),
        )
    )
    seconds = time.perf_counter() - began
    shown = people[:5]
    return cards, Scene(
        f"The office issues {whole} resident credentials",
        f"Each row of its register (a CSV file) becomes a signed credential, held against its "
        f"schema: {whole} in {seconds:.1f} s. Nothing about a resident goes into the registry. "
        f"The first {len(shown)}:",
        ("resident", "district", "resident since", "identifier"),
        tuple(
            (p.name, p.row["district"], p.row["residentSince"], str(p.identity.did)) for p in shown
        ),
    )


# --- scene 3: the holder and three verifiers


def _fill_wallet(stage: _Stage, resident: Resident, card: Credential) -> Wallet:
    """Put the resident's card and a KYC credential into an encrypted wallet; open it anew."""
    assurance = {
        "type": "KycSubject",
        "id": str(resident.identity.did),
        "assuranceLevel": "substantial",
        "checkedOn": stage.at.date().isoformat(),
    }
    kyc = issue(
        _credential("kyc", "KycAssuranceCredential", assurance),
        by=stage.office,
        valid_for=_YEAR,
        at=stage.at,
    )
    path = stage.folder / "resident.wallet"
    wallet = Wallet.create(path, _PASSPHRASE)
    for credential in (card, kyc):
        wallet.put(credential)
    return Wallet.open(path, _PASSPHRASE)


def _from_wallet(wallet: Wallet, type_: str) -> Credential:
    for entry in wallet.list():
        if type_ in entry.credential.types:
            return entry.credential
    raise NotFoundError("the wallet has no such credential", ref=type_)


def _questions(stage: _Stage) -> dict[str, policy.Policy]:
    issuers = frozenset(accredited(stage.ledger, stage.verifier, stage.city.did, stage.at))
    election = policy.Election(
        id="https://elections.city.example/next", day=stage.at.date(), registrars=issuers
    )
    return {
        _BANK: policy.kyc(issuers=issuers),
        _POLLS: policy.voting(election),
        _POOL: policy.access(issuers=issuers, age_over=18),
    }


_VISITS = (
    (_BANK, "KYC: checked by an office, lately?", "KycAssuranceCredential"),
    (_POLLS, "of age, and resident for 90 days?", "ResidentIdentityCredential"),
    (_POOL, "a resident, and an adult?", "ResidentIdentityCredential"),
)


def _visit_services(
    stage: _Stage, questions: Mapping[str, policy.Policy], resident: Resident, wallet: Wallet
) -> tuple[Scene, Result]:
    rows = []
    for service, question, type_ in _VISITS:
        credential = _from_wallet(wallet, type_)
        result, _, _ = stage.ask(service, questions[service], credential, by=resident.identity)
        rows.append((service, question, type_, _verdict(result)))
    return Scene(
        f"{resident.name} goes to a bank, a polling station and the pool",
        "Each service sends a fresh challenge, the wallet answers with a signed presentation, "
        "and the service judges it by its own policy, offline.",
        ("service", "asks", "is shown", "decides"),
        tuple(rows),
    ), result


# --- scene 4: one verification unfolded

_MEANING = {
    "structure": "does it follow the W3C data model?",
    "context": "does every word mean what it always means?",
    "proof": "does the signature hold?",
    "issuer_binding": "is the key the issuer's?",
    "holder_binding": "is it shown by the one it is about?",
    "challenge": "does it answer this request, for the first time?",
    "domain": "was it made for this service?",
    "validity": "is it in force today?",
    "schema": "does it have the declared shape?",
    "status": "was it revoked?",
    "trust": "is the issuer one of those we believe?",
    "policy": "does it say what the service must know?",
}
_MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗ failed",
    Outcome.INCONCLUSIVE: "? open",
    Outcome.SKIPPED: "·",
}


def _unfold(result: Result) -> Scene:
    rows = [
        (name, _MEANING[name], _mark(result, name, ""), _mark(result, name, "/")) for name in CHECKS
    ]
    policy_mark = _MARKS[Outcome.PASSED if result.decision else Outcome.FAILED]
    rows.append(("policy", _MEANING["policy"], policy_mark, ""))
    return Scene(
        "What the pool asked before it opened",
        "A result lists every question, in this order; · is a question that does not apply.",
        ("check", "question", "presentation", "credential"),
        tuple(rows),
    )


def _mark(result: Result, name: str, place: str) -> str:
    """Return the answer for the presentation itself (no place) or for what lies in it."""
    outcomes = [c.outcome for c in result.checks if c.name == name and c.path[:1] == place]
    return _MARKS[outcomes[0]] if outcomes else ""


# --- scene 5: what is refused


def _refuse(stage: _Stage, asked: policy.Policy, resident: Resident, card: Credential) -> Scene:
    holder = resident.identity
    first, shown, challenge = stage.ask(_POOL, asked, card, by=holder)
    first.require()
    forged = shown.to_dict()
    forged["verifiableCredential"][0]["credentialSubject"]["familyName"] = "Somebody Else"
    thief, stranger = did.create("key"), did.create("key")
    row = resident_credential(resident.row, holder.did, stage.at.date())
    foreign = issue(row, by=stranger, valid_for=_YEAR, at=stage.at)
    tried = {
        "a tampered credential": stage.judge(_POOL, asked, Presentation.of(forged), fresh_nonce()),
        "a replayed presentation": stage.judge(_POOL, asked, shown, challenge),
        "a foreign issuer's credential": stage.ask(_POOL, asked, foreign, by=holder)[0],
        "a stolen credential": stage.ask(_POOL, asked, card, by=thief)[0],
    }
    rows = tuple((what, _verdict(result), *_why(result)) for what, result in tried.items())
    return Scene(
        "What the pool refuses, and why",
        "Every refusal names the check that failed.",
        ("shown", "decides", "check", "reason"),
        rows,
    )


_VERDICTS = {
    Verdict.PERMIT: "✓ permit",
    Verdict.DENY: "✗ deny",
    Verdict.INDETERMINATE: "? undecided",
}


def _verdict(result: Result) -> str:
    return _VERDICTS[result.decision.verdict]


def _why(result: Result) -> tuple[str, str]:
    """Return the first check that failed, and its reason."""
    problems = [(c.name, c.problem.title) for c in result.checks if c.problem is not None]
    return problems[0] if problems else ("", "")


# --- scene 6: what the registry proves


def _prove_registry(stage: _Stage) -> Scene:
    operator = stage.city.signer("assertionMethod")[1].public_key
    checkpoint = stage.ledger.checkpoint()
    registry.verify_checkpoint(checkpoint.note, origin=ORIGIN, operator=operator)
    rows = []
    for record in stage.ledger.scan():
        proof = registry.prove(stage.ledger, record, checkpoint)
        registry.verify_proof(proof.to_text(), record.data, origin=ORIGIN, operator=operator)
        size = f"{len(record.data)} bytes"
        rows.append((f"record {record.sequence}", record.log, size, "✓ is in the checkpoint"))
    root = checkpoint.root.hex()[:16] + "…"
    rows.append(("checkpoint", checkpoint.origin, f"root {root}", "✓ signed by the city"))
    return Scene(
        "What the registry proves to everybody",
        "Whoever keeps this checkpoint will notice a record that was dropped, changed or "
        "slipped in. Both proofs were checked without trusting the registry.",
        ("what", "name", "content", "proof"),
        tuple(rows),
    )
