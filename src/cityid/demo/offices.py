"""The city and its registry office: the registry, the cards, and what the registry proves."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from cityid import did, policy, registry
from cityid.credential import Credential
from cityid.demo.stage import (
    CITY,
    ORIGIN,
    YEAR,
    Resident,
    Scene,
    Stage,
    city_credential,
    resident_credential,
)
from cityid.issuer import issue, issue_many
from cityid.resources import Kind, read
from cityid.status import Allocator, StatusList, publish
from cityid.verifier import Verifier

_OFFICES = "https://city.example/offices"

Progress = Callable[[int, int], None]


def found_office(stage: Stage) -> Scene:
    """Scene 1: the city signs the appointment of its office and publishes it."""
    role = {
        "type": "StaffMember",
        "id": str(stage.office.did),
        "employer": CITY,
        "staffRole": "registrar",
        "department": "Registry office",
        "authorisedTo": ["register-resident", "issue-identity"],
    }
    accreditation = issue(
        city_credential("staff", "StaffRoleCredential", role),
        by=stage.city,
        valid_for=YEAR,
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


def people() -> list[Resident]:
    """Return the residents of the register, each with an identity of his own."""
    rows = csv.DictReader(io.StringIO(read(Kind.EXAMPLES, "residents.csv").decode()))
    return [Resident(row, did.create("key")) for row in rows]


def publish_list(stage: Stage, places: Allocator) -> StatusList:
    """Publish the list in which the office can revoke: signed, and with nothing about anybody."""
    return publish(
        stage.ledger,
        stage.office,
        "https://city.example/revoked/1",
        purpose="revocation",
        allocator=places,
        decoys=100,
        at=stage.at,
    )


def issue_cards(
    stage: Stage, people: Sequence[Resident], revoked: StatusList, progress: Progress | None
) -> tuple[list[Credential], Scene]:
    """Scene 2: the office issues a credential to each resident."""
    today, whole = stage.at.date(), len(people)
    unsigned = [resident_credential(p.row, p.identity.did, today) for p in people]
    began = time.perf_counter()
    cards = list(
        issue_many(
            unsigned,
            by=stage.office,
            valid_for=5 * YEAR,
            at=stage.at,
            status=revoked,
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


def prove_registry(stage: Stage) -> Scene:
    """Scene 7: a signed checkpoint, and the proof that each record is in it."""
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
        "slipped in. All proofs were checked without trusting the registry.",
        ("what", "name", "content", "proof"),
        tuple(rows),
    )
