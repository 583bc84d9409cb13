"""One secured document by itself: structure, context, proof, issuer binding, validity.

The checks come in this order, each exactly once, with paths relative to the document. A document
without the demanded structure is not looked at further. Where the proof does not hold, nothing is
asked that would read unauthenticated claims. Contexts are told apart from the proof, which can hold
though a context gives its words another meaning.

Spec:
    https://www.w3.org/TR/vc-data-model-2.0/#verification
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cityid.canonical import CONTEXTS, Contexts, check_contexts
from cityid.credential import (
    Credential,
    Presentation,
    check_credential,
    check_presentation,
    check_validity,
)
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Resolver
from cityid.errors import Code, quote
from cityid.report import Check, Outcome, Problem, Report, combined
from cityid.securing import CLOCK_SKEW, ProofFindings, verify_proofs
from cityid.strict_json import JSONObject

_AFTER_STRUCTURE = ("context", "proof", "issuer_binding", "validity")
_CONFORMING = Check.passed("structure")
_ADMITTED = Check.passed("context")
_BOUND = Check.passed("issuer_binding")
_AFTER_STRUCTURE_OF_PRESENTATION = ("context", "proof", "holder_binding", "challenge", "domain")


class CredentialFindings(NamedTuple):
    """What was found out about one credential.

    Attributes:
        credential: The credential.
        report: The checks ``structure``, ``context``, ``proof``, ``issuer_binding``, ``validity``.
        controllers: Who controls the keys of its proofs; empty unless they hold.
    """

    credential: Credential
    report: Report
    controllers: frozenset[str] = frozenset()

    @property
    def proof_valid(self) -> bool:
        """Whether the document is conforming and its proofs hold, whoever made them."""
        return self.report.outcome("proof") is Outcome.PASSED

    @property
    def verified(self) -> bool:
        """Whether a proof holds and no check failed or could not be run."""
        return bool(self.controllers) and self.report.clean


class PresentationFindings(NamedTuple):
    """What was found out about a presentation, not counting the credentials in it.

    Attributes:
        presentation: The presentation.
        report: The checks ``structure``, ``context``, ``proof``, ``holder_binding``, ``challenge``
            and ``domain``.
        proof_valid: Whether the document is conforming and its proofs hold, for the challenge and
            the domain that were asked for.
        controllers: Who controls the keys of its proofs; empty unless they hold.
        holder: Who presents: the ``holder``, where a proof bears it out, else the one controller
            of all proofs. None where nobody is proven.
    """

    presentation: Presentation
    report: Report
    proof_valid: bool = False
    controllers: frozenset[str] = frozenset()
    holder: str | None = None

    @property
    def verified(self) -> bool:
        """Whether a proof holds and no check failed or could not be run."""
        return self.proof_valid and self.report.clean


def verify_credential(
    credential: Credential,
    *,
    resolver: Resolver,
    contexts: Contexts = CONTEXTS,
    at: datetime,
    recorded: datetime | None = None,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
) -> CredentialFindings:
    """Verify one secured credential by itself.

    Args:
        credential: The credential.
        resolver: Finds the keys.
        contexts: The JSON-LD contexts that are admitted.
        at: The time of judgement.
        recorded: When a registry recorded the credential, where that is proven.
        suites: The cryptosuites there are.
        skew: How far the clocks of issuer and verifier may differ.

    Returns:
        The findings; a bad credential is told there and never raised.

    Raises:
        InvalidInputError: `at` is naive.
    """
    document = credential.document
    if problems := check_credential(document):
        return CredentialFindings(credential, _stopped(problems, _AFTER_STRUCTURE))
    proofs = verify_proofs(
        document,
        resolver=resolver,
        purpose="assertionMethod",
        contexts=contexts,
        at=at,
        recorded=recorded,
        suites=suites,
        skew=skew,
    )
    if proofs.valid:
        later = (
            _issuer_check(credential, proofs.controllers),
            check_validity(credential, at=at, skew=skew),
        )
    else:
        later = (Check.skipped("issuer_binding"), Check.skipped("validity"))
    checks = (
        _CONFORMING,
        _context_check(document, proofs, contexts),
        proofs.report.checks[0],
        *later,
    )
    return CredentialFindings(
        credential, Report(checks, proofs.report.warnings), proofs.controllers
    )


def unexamined(credential: Credential) -> CredentialFindings:
    """Return the findings of a credential that is not worth looking at any more.

    Args:
        credential: A credential of a presentation that has enough bad ones already: each could
            cost a canonicalization, and the presentation is refused anyway.
    """
    told = "not looked at: enough credentials of this presentation are bad already"
    problem = Problem(Code.COMPLEXITY_LIMIT_EXCEEDED, told)
    skipped = (Check.skipped(name) for name in _AFTER_STRUCTURE)
    return CredentialFindings(
        credential, Report((Check.inconclusive("structure", problem), *skipped))
    )


def verify_presentation_envelope(
    presentation: Presentation,
    *,
    resolver: Resolver,
    contexts: Contexts = CONTEXTS,
    challenge: str | None,
    domain: str | Iterable[str] | None,
    at: datetime,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
) -> PresentationFindings:
    """Verify a presentation, but not the credentials in it.

    Args:
        presentation: The presentation.
        resolver: Finds the keys.
        contexts: The JSON-LD contexts that are admitted.
        challenge: The challenge it must answer; None where none was set.
        domain: Whom it must be made for; None for anybody.
        at: The time of judgement.
        suites: The cryptosuites there are.
        skew: How far the clocks of holder and verifier may differ.

    Returns:
        The findings; a bad presentation is told there and never raised.

    Raises:
        InvalidInputError: `at` is naive, or `challenge` or `domain` is empty.
    """
    document = presentation.document
    if problems := check_presentation(document):
        report = _stopped(problems, _AFTER_STRUCTURE_OF_PRESENTATION)
        return PresentationFindings(presentation, report)
    proofs = verify_proofs(
        document,
        resolver=resolver,
        purpose="authentication",
        contexts=contexts,
        challenge=challenge,
        domain=domain,
        at=at,
        suites=suites,
        skew=skew,
    )
    holder = _holder(presentation, proofs.controllers)
    proof, challenged, meant_for = proofs.report.checks
    # The credentials inside are documents of their own, with contexts of their own.
    shell = {name: value for name, value in document.items() if name != "verifiableCredential"}
    checks = (
        _CONFORMING,
        _context_check(shell, proofs, contexts),
        proof,
        _holder_check(presentation, proofs),
        challenged,
        meant_for,
    )
    report = Report(checks, proofs.report.warnings)
    return PresentationFindings(presentation, report, proofs.valid, proofs.controllers, holder)


def _stopped(problems: Sequence[Problem], names: Iterable[str]) -> Report:
    failed = Check.failed("structure", combined(problems))
    return Report((failed, *(Check.skipped(name) for name in names)))


def _context_check(document: JSONObject, proofs: ProofFindings, contexts: Contexts) -> Check:
    """Ask whether every context is admitted, and was there when the document was signed."""
    problems = check_contexts(document, contexts)
    secured = proofs.document
    if secured is not None and secured.get("@context") != document.get("@context"):
        told = "the document has more contexts than those that were signed"
        problems += (Problem(Code.CONTEXT_NOT_ALLOWED, told, path="/@context"),)
    return Check.failed("context", combined(problems)) if problems else _ADMITTED


def _issuer_check(credential: Credential, controllers: frozenset[str]) -> Check:
    """Ask whether the issuer controls the key of every proof."""
    strangers = controllers - {credential.issuer}
    if not strangers:
        return _BOUND
    told = f"the key of a proof is controlled by {quote(min(strangers), 120)}, not by the issuer"
    detail = "Anybody can write an issuer's name; only the issuer's key shows that it issued."
    problem = Problem(Code.ISSUER_MISMATCH, told, detail, "/issuer")
    return Check.failed("issuer_binding", problem)


def _holder_check(presentation: Presentation, proofs: ProofFindings) -> Check:
    """Ask whether the holder, where one is named, controls the key of a proof."""
    holder = presentation.holder
    if not proofs.valid or holder is None:
        return Check.skipped("holder_binding")
    if holder in proofs.controllers:
        return Check.passed("holder_binding")
    told = f"the holder {quote(holder, 120)} controls no key that the presentation was proven with"
    problem = Problem(Code.HOLDER_BINDING_FAILED, told, path="/holder")
    return Check.failed("holder_binding", problem)


def _holder(presentation: Presentation, controllers: frozenset[str]) -> str | None:
    if presentation.holder is not None:
        return presentation.holder if presentation.holder in controllers else None
    return next(iter(controllers)) if len(controllers) == 1 else None
