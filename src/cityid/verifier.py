"""DOOR 3: verify a credential or presentation, and judge it, in one call.

The pipeline, in the order of `cityid.result.CHECKS`:

1. ``structure``, ``context``, ``proof``, ``issuer_binding``: each document by itself.
2. ``holder_binding``, ``challenge``, ``domain``: who presents, to whom, and only once.
3. ``validity``, ``schema``, ``status``: in force, of the declared shape, not revoked.
4. ``trust``: issued by somebody whom the policy believes.
5. ``policy.*``: the decision, over proven facts alone.

A failed proof stops every check that would read unauthenticated claims; nothing is looked up
before the signature and the issuer are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from cityid import binding, pointer, recording, timestamp, trust
from cityid.alerts import AlertHook, sounded
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential, Presentation
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Resolver
from cityid.errors import Code, InvalidInputError, quote
from cityid.nonces import NonceStore
from cityid.policy import Decision, Needs, Policy, Reason, Verdict
from cityid.policy.facts import VerifiedCredential, verified_credential, verified_facts
from cityid.registry import Record, Registry
from cityid.report import Check, Outcome, Problem, Report
from cityid.result import Result, in_order, stands
from cityid.schema import SCHEMAS, Schemas, check_schema
from cityid.securing import CLOCK_SKEW
from cityid.verification import (
    CredentialFindings,
    unexamined,
    verify_credential,
    verify_presentation_envelope,
)

_Value = TypeVar("_Value")
_KINDS = {"resolver": Resolver, "contexts": Contexts, "schemas": Schemas, "skew": timedelta}
Document = Credential | Presentation | Mapping[str, Any] | str | bytes


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """A verifier's environment, bound once.

    Attributes:
        resolver: Finds the keys of issuers and holders.
        registry: Where status lists and recognitions are read.
        contexts: The JSON-LD contexts that are admitted.
        schemas: The JSON Schemas at hand.
        nonces: Remembers which challenges were used; without it, single use is not checked.
        suites: The cryptosuites there are.
        skew: How far the signers' clocks may be off.
        alert: Called when a frozen, revoked or foreign-bound credential is shown.
    """

    resolver: Resolver
    registry: Registry | None = None
    contexts: Contexts = CONTEXTS
    schemas: Schemas = SCHEMAS
    nonces: NonceStore | None = None
    suites: Mapping[str, Cryptosuite] = field(default_factory=lambda: CRYPTOSUITES)
    skew: timedelta = CLOCK_SKEW
    alert: AlertHook | None = None

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            if not isinstance(getattr(self, name), kind):
                raise InvalidInputError(
                    f"{name}= takes a {kind.__name__}, not {quote(getattr(self, name))}",
                    code=Code.INVALID_OPTIONS,
                )

    def verify(
        self,
        document: Document,
        *,
        policy: Policy,
        challenge: str | None = None,
        domain: str | Iterable[str] | None = None,
        recorded: Record | None = None,
        at: datetime | None = None,
    ) -> Result:
        """Verify and judge one document; see `cityid.verify`."""
        needs = _needs(policy)
        moment = _within_calendar(at, self.skew)
        try:
            view = _view(document)
        except InvalidInputError as error:
            unread = Check.failed("structure", Problem.from_error(error))
            report = Report((unread,))
            return Result(report, _unverified(report), None)
        authorities = self._authorities(needs, moment) if needs.authorities else None
        run = _Run(self, needs, moment, challenge, domain, recorded, authorities)
        if isinstance(view, Presentation):
            return sounded(run.presentation(view, policy), self.alert, moment)
        return sounded(run.credential(view, policy), self.alert, moment)

    def _authorities(self, needs: Needs, at: datetime) -> trust.Authorities:
        """Return who tells which issuers are recognised: all of it from one snapshot."""
        reader = trust.Reader(
            ledger=self.registry,
            resolver=self.resolver,
            at=at,
            contexts=self.contexts,
            suites=self.suites,
            skew=self.skew,
        )
        answering = trust.Recogniser(reader=reader, schemas=self.schemas)
        return trust.Authorities(needs.authorities, answering)


def verify(
    document: Document,
    *,
    policy: Policy,
    resolver: Resolver,
    registry: Registry | None = None,
    challenge: str | None = None,
    domain: str | Iterable[str] | None = None,
    recorded: Record | None = None,
    contexts: Contexts = CONTEXTS,
    schemas: Schemas = SCHEMAS,
    nonces: NonceStore | None = None,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
    alert: AlertHook | None = None,
    at: datetime | None = None,
) -> Result:
    """Verify a credential or presentation and judge it by a policy.

    Never raises because the document is bad: the result says so, check by check.

    Args:
        document: A credential or presentation; text and bytes are parsed strictly.
        policy: Whom to believe and what to ask.
        resolver: Finds the keys of issuers and holders.
        registry: Where status lists and recognitions are read.
        challenge: The challenge that the presentation must answer.
        domain: The domain or domains that the presentation must be made for.
        recorded: A registry's record of the credential or of its digest, as the registry gave it
            or a proof of it that was verified: the evidence that it was signed before its key went
            out of use.
        contexts: The JSON-LD contexts that are admitted.
        schemas: The JSON Schemas at hand.
        nonces: Remembers which challenges were used.
        suites: The cryptosuites there are.
        skew: How far the signers' clocks may be off.
        alert: Called when a frozen, revoked or foreign-bound credential is shown.
        at: The time as of which to judge; now by default.

    Returns:
        Every check with its outcome, the decision, and the facts when verified.

    Raises:
        InvalidInputError: The policy names nobody to believe, or an argument is malformed.
    """
    verifier = Verifier(
        resolver=resolver,
        registry=registry,
        contexts=contexts,
        schemas=schemas,
        nonces=nonces,
        suites=suites,
        skew=skew,
        alert=alert,
    )
    return verifier.verify(
        document, policy=policy, challenge=challenge, domain=domain, recorded=recorded, at=at
    )


def verify_many(
    documents: Iterable[Document],
    *,
    policy: Policy,
    verifier: Verifier,
    at: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Result]:
    """Verify many documents, one result each, in order.

    Args:
        documents: Credentials or presentations.
        policy: Whom to believe and what to ask, of each.
        verifier: The environment.
        at: The time as of which to judge all of them; now, read once, by default.
        progress: Called with the number of documents done, after each.

    Yields:
        The results.
    """
    moment = at or datetime.now(UTC)
    for done, document in enumerate(documents, start=1):
        yield verifier.verify(document, policy=policy, at=moment)
        if progress is not None:
            progress(done)


def _needs(policy: Policy) -> Needs:
    """Return what the policy needs; one that believes nobody decides nothing."""
    needs = policy.needs() if callable(getattr(policy, "needs", None)) else None
    if needs is None or not (needs.issuers or needs.any_issuer or needs.authorities):
        raise InvalidInputError(
            "the policy names nobody to believe; add IssuedBy({did, …}) to it",
            code=Code.INVALID_OPTIONS,
        )
    return needs


def _within_calendar(at: datetime | None, skew: timedelta) -> datetime:
    """Return the time of judgement, around which every clock skew is still a time."""
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    try:
        _ = moment - skew, moment + skew
    except OverflowError as error:
        raise InvalidInputError(
            "the time of judgement lies at the end of the calendar", code=Code.NUMBER_OUT_OF_RANGE
        ) from error
    return moment


def _view(document: Document) -> Credential | Presentation:
    if isinstance(document, (Credential, Presentation)):
        return document
    credential = Credential.of(document)
    if "VerifiablePresentation" in credential.types:
        return Presentation(credential.document)
    return credential


def _listed(
    view: Credential | Presentation, member: str, values: Iterable[_Value]
) -> Iterator[tuple[str, _Value]]:
    """Yield the values of a member, which may be one or a list, with the JSON Pointers to them."""
    listed = isinstance(view.document.get(member), list)
    for index, value in enumerate(values):
        yield pointer.join("", member, *([index] if listed else [])), value


_MOST_BAD = 4
_MOST_SCHEMAS = 8
_NO_SCHEMA = (Check.skipped("schema"),)
_NO_STATUS = Check.skipped("status")
_TRUSTED = Check.passed("trust")
_UNASKED = (*_NO_SCHEMA, _NO_STATUS, Check.skipped("trust"))


class _Run(NamedTuple):
    """One run of the pipeline."""

    verifier: Verifier
    needs: Needs
    at: datetime
    challenge: str | None
    domain: str | Iterable[str] | None
    recorded: Record | None
    authorities: trust.Authorities | None

    def credential(self, credential: Credential, policy: Policy) -> Result:
        findings = self._examine(credential)
        alone = binding.unpresented(challenge=self.challenge, domain=self.domain)
        *first, validity = findings.report.checks
        checks = (*first, *alone, validity, *self._worth(findings))
        unheard = recording.unheard(self.recorded, (credential,), self.at)
        report = Report(checks, findings.report.warnings + unheard)
        return self._judge(report, [("", findings)], None, policy)

    def presentation(self, presentation: Presentation, policy: Policy) -> Result:
        envelope = verify_presentation_envelope(
            presentation,
            resolver=self.verifier.resolver,
            contexts=self.verifier.contexts,
            challenge=self.challenge,
            domain=self.domain,
            at=self.at,
            suites=self.verifier.suites,
            skew=self.verifier.skew,
        )
        parts = list(self._examined(presentation))
        report = binding.presented(
            envelope,
            challenge=self.challenge,
            domain=self.domain,
            nonces=self.verifier.nonces,
            at=self.at,
        )
        for path, findings in parts:
            bound = binding.holder_binding(findings, envelope.holder)
            report += findings.report.also(bound, *self._worth(findings)).under(path)
        credentials = (findings.credential for _, findings in parts)
        report += Report((), recording.unheard(self.recorded, credentials, self.at))
        return self._judge(in_order(report), parts, envelope.holder, policy)

    def _examined(self, presentation: Presentation) -> Iterator[tuple[str, CredentialFindings]]:
        bad, credentials = 0, presentation.credentials
        for path, credential in _listed(presentation, "verifiableCredential", credentials):
            findings = self._examine(credential) if bad < _MOST_BAD else unexamined(credential)
            bad += not (findings.verified and self._believed(credential))
            yield path, findings

    def _believed(self, credential: Credential) -> bool:
        return self._named(credential) or any(self._recognitions(credential))

    def _named(self, credential: Credential) -> bool:
        return self.needs.any_issuer or credential.issuer in self.needs.issuers

    def _recognitions(self, credential: Credential) -> tuple[trust.Recognition, ...]:
        return () if self.authorities is None else self.authorities.of(credential)

    def _examine(self, credential: Credential) -> CredentialFindings:
        return verify_credential(
            credential,
            resolver=self.verifier.resolver,
            contexts=self.verifier.contexts,
            at=self.at,
            recorded=recording.recorded_at(self.recorded, credential, self.at),
            suites=self.verifier.suites,
            skew=self.verifier.skew,
        )

    def _worth(self, findings: CredentialFindings) -> tuple[Check, ...]:
        """Ask what only an authenticated credential can be asked: schema, status, trust."""
        if not findings.verified:
            return _UNASKED
        credential = findings.credential
        schemas = tuple(self._schemas(credential)) if credential.schemas else _NO_SCHEMA
        return (*schemas, self._status(credential), self._trust(credential))

    def _schemas(self, credential: Credential) -> Iterator[Check]:
        if len(credential.schemas) > _MOST_SCHEMAS:
            text = f"the credential declares more than {_MOST_SCHEMAS} schemas"
            problem = Problem(Code.COMPLEXITY_LIMIT_EXCEEDED, text, path="/credentialSchema")
            yield Check.inconclusive("schema", problem)
            return
        for path, entry in _listed(credential, "credentialSchema", credential.schemas):
            yield check_schema(credential.document, entry, self.verifier.schemas, path=path)

    def _status(self, credential: Credential) -> Check:
        if not credential.statuses:
            return _NO_STATUS
        problem = Problem(
            Code.STATUS_NOT_CHECKED,
            "the credential has a status, which this version cannot check",
            "status lists are not built yet; issue without credentialStatus",
            "/credentialStatus",
        )
        return Check.inconclusive("status", problem)

    def _trust(self, credential: Credential) -> Check:
        if self._named(credential):
            return _TRUSTED
        return trust.trust_check(credential, self._recognitions(credential))

    def _judge(
        self,
        report: Report,
        parts: list[tuple[str, CredentialFindings]],
        holder: str | None,
        policy: Policy,
    ) -> Result:
        if not stands(report):
            return Result(report, _unverified(report), None)
        facts = verified_facts(
            tuple([self._sealed(path, findings.credential) for path, findings in parts]),
            at=self.at,
            holder=holder,
            domain=self.domain if isinstance(self.domain, str) else None,
        )
        decision = policy.decide(facts)
        return Result(report.also(*map(Reason.to_check, decision.reasons)), decision, facts)

    def _sealed(self, path: str, credential: Credential) -> VerifiedCredential:
        recognitions = self._recognitions(credential)
        return verified_credential(credential, credential.issuer or "", path, recognitions)


def _unverified(report: Report) -> Decision:
    """Deny what failed; what could not be checked is indeterminate."""
    failed = any(check.outcome is Outcome.FAILED for check in report)
    verdict = Verdict.DENY if failed else Verdict.INDETERMINATE
    text = "the document was not verified, so the policy was not asked"
    return Decision(verdict, (Reason("verified", verdict, text, Code.NOT_VERIFIED),))
