"""A resident and three services: what is permitted, what is asked, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cityid import did, policy
from cityid.credential import Credential, Presentation
from cityid.demo.offices import accredited
from cityid.demo.stage import (
    YEAR,
    Resident,
    Scene,
    Stage,
    city_credential,
    resident_credential,
)
from cityid.errors import NotFoundError
from cityid.issuer import issue
from cityid.nonces import fresh_nonce
from cityid.policy import Verdict
from cityid.report import Outcome
from cityid.result import CHECKS, Result
from cityid.status import StatusList
from cityid.wallet import Wallet

BANK, POLLS, POOL = "bank.example", "vote.city.example", "pool.city.example"
_PASSPHRASE = "a passphrase that only the resident knows"  # noqa: S105 - of an invented resident


def fill_wallet(stage: Stage, resident: Resident, card: Credential) -> Wallet:
    """Put the resident's card and a KYC credential into an encrypted wallet; open it anew."""
    assurance = {
        "type": "KycSubject",
        "id": str(resident.identity.did),
        "assuranceLevel": "substantial",
        "checkedOn": stage.at.date().isoformat(),
    }
    kyc = issue(
        city_credential("kyc", "KycAssuranceCredential", assurance),
        by=stage.office,
        valid_for=YEAR,
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


def questions(stage: Stage) -> dict[str, policy.Policy]:
    """Return what each service asks, of issuers that the registry shows to be appointed."""
    issuers = frozenset(accredited(stage.ledger, stage.verifier, stage.city.did, stage.at))
    election = policy.Election(
        id="https://elections.city.example/next", day=stage.at.date(), registrars=issuers
    )
    return {
        BANK: policy.kyc(issuers=issuers),
        POLLS: policy.voting(election),
        POOL: policy.access(issuers=issuers, age_over=18),
    }


_VISITS = (
    (BANK, "KYC: checked by an office, lately?", "KycAssuranceCredential"),
    (POLLS, "of age, and resident for 90 days?", "ResidentIdentityCredential"),
    (POOL, "a resident, and an adult?", "ResidentIdentityCredential"),
)


def visit_services(
    stage: Stage, questions: Mapping[str, policy.Policy], resident: Resident, wallet: Wallet
) -> tuple[Scene, Result]:
    """Scene 3: one resident presents to three services; also the last result."""
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


def unfold(result: Result) -> Scene:
    """Scene 4: every question of one verification, and its answer."""
    rows = [
        (name, _MEANING[name], _mark(result, name, ""), _mark(result, name, "/")) for name in CHECKS
    ]
    policy_mark = _MARKS[Outcome.PASSED if result.decision else Outcome.FAILED]
    rows.append(("policy", _MEANING["policy"], policy_mark, ""))
    return Scene(
        "What the pool asked before it opened",
        "A result lists every question, in this order.",
        ("check", "question", "presentation", "credential"),
        tuple(rows),
    )


def _mark(result: Result, name: str, place: str) -> str:
    """Return the answer for the presentation itself (no place) or for what lies in it."""
    outcomes = [c.outcome for c in result.checks if c.name == name and c.path[:1] == place]
    return _MARKS[outcomes[0]] if outcomes else ""


def refuse(stage: Stage, asked: policy.Policy, resident: Resident, card: Credential) -> Scene:
    """Scene 5: four presentations that the pool must not accept."""
    holder = resident.identity
    first, shown, challenge = stage.ask(POOL, asked, card, by=holder)
    first.require()
    forged = shown.to_dict()
    forged["verifiableCredential"][0]["credentialSubject"]["familyName"] = "Somebody Else"
    thief, stranger = did.create("key"), did.create("key")
    row = resident_credential(resident.row, holder.did, stage.at.date())
    foreign = issue(row, by=stranger, valid_for=YEAR, at=stage.at)
    tried = {
        "a tampered credential": stage.judge(POOL, asked, Presentation.of(forged), fresh_nonce()),
        "a replayed presentation": stage.judge(POOL, asked, shown, challenge),
        "a foreign issuer's credential": stage.ask(POOL, asked, foreign, by=holder)[0],
        "a stolen credential": stage.ask(POOL, asked, card, by=thief)[0],
    }
    rows = tuple((what, _verdict(result), *_why(result)) for what, result in tried.items())
    return Scene(
        "What the pool refuses, and why",
        "Every refusal names the check that failed.",
        ("shown", "decides", "check", "reason"),
        rows,
    )


def revoke(
    stage: Stage, revoked: StatusList, asked: policy.Policy, resident: Resident, card: Credential
) -> Scene:
    """Scene 6: the office revokes a card; what was good the day before stays so."""
    revoked.revoke(card, at=stage.at)
    today, yesterday = stage.at, stage.at - timedelta(days=1)
    of_office = policy.IssuedBy({stage.office.did})
    judged = (
        (POOL, "today", stage.ask(POOL, asked, card, by=resident.identity)[0]),
        ("an auditor", "today", stage.verifier.verify(card, policy=of_office, at=today)),
        (
            "an auditor",
            "the day before",
            stage.verifier.verify(card, policy=of_office, at=yesterday),
        ),
    )
    return Scene(
        f"The next day {resident.name} moves away, and the card is revoked",
        "The office sets one bit of a signed list in the registry; nobody else knows whose it is. "
        "The registry keeps every state of the list, so a card is judged as of any day.",
        ("who asks", "as of", "decides", "check", "reason"),
        tuple((who, day, _verdict(result), *_why(result)) for who, day, result in judged),
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
