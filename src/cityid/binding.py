"""Who presents, to whom, and only once: what ties a presentation to this very request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cityid.credential import Presentation
from cityid.errors import CityIdError, Code
from cityid.nonces import NonceStore
from cityid.report import Check, Outcome, Problem, Report
from cityid.verification import CredentialFindings, PresentationFindings

_NOTHING_ASKED = (
    Check.skipped("holder_binding"),
    Check.skipped("challenge"),
    Check.skipped("domain"),
)
_CODES = {"challenge": Code.INVALID_CHALLENGE_ERROR, "domain": Code.INVALID_DOMAIN_ERROR}


def unpresented(
    *, challenge: str | None, domain: str | Iterable[str] | None
) -> tuple[Check, Check, Check]:
    """Return what is to be said of a credential by itself, which nobody presents.

    Args:
        challenge: The challenge that was to be answered, if any.
        domain: Whom the answer was to be made for, if anybody.

    Returns:
        The checks ``holder_binding``, ``challenge`` and ``domain``: failed where one was expected.
    """
    if challenge is None and domain is None:
        return _NOTHING_ASKED
    return (
        Check.skipped("holder_binding"),
        _unanswered("challenge", challenge),
        _unanswered("domain", domain),
    )


def presented(
    envelope: PresentationFindings,
    *,
    challenge: str | None,
    domain: str | Iterable[str] | None,
    nonces: NonceStore | None,
    at: datetime,
) -> Report:
    """Return the report on a presentation's envelope, and use up the challenge it answers.

    A challenge is used up only by a presentation that its holder signed for it.

    Args:
        envelope: What was found out about the presentation itself.
        challenge: The challenge that it must answer; None where none was set.
        domain: Whom it must be made for; None for anybody.
        nonces: Remembers which challenges were used.
        at: The time of judgement.
    """
    report = envelope.report
    if envelope.proof_valid:
        report = _once(report, challenge, nonces, at)
    for name, expected in (("challenge", challenge), ("domain", domain)):
        signed = report.outcome("proof") is Outcome.PASSED and _signs(envelope.presentation, name)
        if expected is None and signed:
            text = f"the presentation was made for one {name}, and nobody said for which"
            problem = Problem(_CODES[name], text, f"pass {name}= to verify", "/proof")
            report = _replaced(report, Check.inconclusive(name, problem))
    return report


def holder_binding(findings: CredentialFindings, holder: str | None) -> Check:
    """Compare the subjects with the presenter; a credential that names nobody binds nobody.

    Args:
        findings: What was found out about the credential.
        holder: Who presents it, where that is proven.
    """
    if holder is None or not findings.verified:
        return Check.skipped("holder_binding")
    named = {subject["id"] for subject in findings.credential.subjects if "id" in subject}
    if not named:
        return Check.skipped("holder_binding")
    if holder in named:
        return Check.passed("holder_binding")
    text = "the credential is about somebody else than the one who presents it"
    advice = "present with the key of the subject"
    problem = Problem(Code.HOLDER_BINDING_FAILED, text, advice, "/credentialSubject")
    return Check.failed("holder_binding", problem)


def _once(report: Report, challenge: str | None, nonces: NonceStore | None, at: datetime) -> Report:
    if challenge is None or nonces is None:
        text = "nobody checks that this presentation is used only once; pass nonces="
        return report + Report((), (Problem(Code.SINGLE_USE_NOT_CHECKED, text),))
    try:
        fresh = nonces.use(challenge, at=at)
    except CityIdError as error:
        return _replaced(report, Check.inconclusive("challenge", Problem.from_error(error)))
    if fresh:
        return report
    text = "this challenge counts no more: it was answered before, has run out, or was never sent"
    problem = Problem(Code.REPLAY_DETECTED, text, "send a new challenge and have it answered")
    return _replaced(report, Check.failed("challenge", problem))


def _unanswered(name: str, expected: str | Iterable[str] | None) -> Check:
    if expected is None:
        return Check.skipped(name)
    text = f"a {name} was expected, and nobody presents this credential"
    return Check.failed(name, Problem(_CODES[name], text))


def _signs(presentation: Presentation, member: str) -> bool:
    proof = presentation.document.get("proof")
    proofs = proof if isinstance(proof, list) else [proof]
    return any(isinstance(each, dict) and member in each for each in proofs)


def _replaced(report: Report, check: Check) -> Report:
    """Return the report with its check of this name and place replaced."""
    same = (check.name, check.path)
    checks = tuple(check if (old.name, old.path) == same else old for old in report)
    return Report(checks, report.warnings)
