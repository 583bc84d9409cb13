"""The pipeline of a verification: what is asked, in which order, and what a policy gets to see.

The order is that of `cityid.result.CHECKS`; `cityid.verifier` tells why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple, TypeVar

from cityid import binding, pointer, recording, status, trust
from cityid.alerts import AlertHook
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential, Presentation
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Fetch, Resolver
from cityid.errors import Code, InvalidInputError, quote
from cityid.nonces import NonceStore
from cityid.policy import Decision, Needs, Policy, Reason, Verdict
from cityid.policy.facts import VerifiedCredential, verified_credential, verified_facts
from cityid.registry import Record, Registry
from cityid.registry.base import demand_open
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


@dataclass(frozen=True, kw_only=True)
class Environment:
    """All that a verifier judges with; see `cityid.Verifier`."""

    resolver: Resolver
    registry: Registry | None = None
    contexts: Contexts = CONTEXTS
    schemas: Schemas = SCHEMAS
    nonces: NonceStore | None = None
    suites: Mapping[str, Cryptosuite] = field(default_factory=lambda: CRYPTOSUITES)
    skew: timedelta = CLOCK_SKEW
    alert: AlertHook | None = None
    status_lists: tuple[status.Stapled, ...] = ()
    fetch: Fetch | None = None
    known: tuple[trust.ListVersion, ...] = ()

    def __post_init__(self) -> None:
        demand_open(self.registry)
        given = (self.resolver, self.contexts, self.schemas, self.skew)
        if not all(map(isinstance, given, _KINDS.values())):
            name, kind = next(
                row for row in _KINDS.items() if not isinstance(getattr(self, row[0]), row[1])
            )
            raise InvalidInputError(
                f"{name}= takes a {kind.__name__}, not {quote(getattr(self, name))}",
                code=Code.INVALID_OPTIONS,
            )

    def __getstate__(self) -> dict[str, object]:
        """Let a process pool carry what can be carried: an open registry cannot."""
        return {**self.__dict__, "suites": dict(self.suites)}

    @cached_property
    def cache(self) -> status.Cache:
        """Status lists that were verified a moment ago."""
        return status.Cache()

    @cached_property
    def lists(self) -> trust.ListCache:
        """Lists of recognised entities that were verified a moment ago."""
        return trust.ListCache()

    def snapshot(self, needs: Needs, at: datetime, *, latest: bool) -> status.Snapshot:
        """Return the state of all status lists that one decision is judged by.

        Args:
            needs: What the policy needs.
            at: The time of judgement.
            latest: Whether the time is now, so that a registry's last record counts in any case.
        """
        judge = status.Judge(
            resolver=self.resolver,
            registry=self.registry,
            stapled=self.status_lists,
            fetch=self.fetch,
            cache=self.cache,
            contexts=self.contexts,
            suites=self.suites,
            skew=self.skew,
            max_age=needs.max_status_age,
        )
        return status.Snapshot(judge, at=at, latest=latest)

    def authorities(self, needs: Needs, at: datetime, *, latest: bool) -> trust.Authorities:
        """Return who tells which issuers are recognised: all of it from one snapshot.

        Args:
            needs: What the policy needs.
            at: The time of judgement.
            latest: Whether the time is now, so that a registry's last record counts in any case.
        """
        reader = trust.Reader(
            ledger=self.registry,
            resolver=self.resolver,
            at=at,
            contexts=self.contexts,
            suites=self.suites,
            skew=self.skew,
            latest=latest,
            cache=self.lists,
        )
        by_version = sorted(self.known if latest else (), key=lambda each: each.version)
        seen = {each.authority: each for each in by_version}
        answering = trust.Recogniser(reader=reader, schemas=self.schemas, known=seen)
        return trust.Authorities(needs.authorities, answering)


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
_NO_STATUS = status.StatusFindings((Check.skipped("status"),))
_TRUSTED = Check.passed("trust")
_UNASKED = (*_NO_SCHEMA, *_NO_STATUS.checks, Check.skipped("trust"))


class _Part(NamedTuple):
    """A credential under judgement.

    Attributes:
        path: JSON Pointer to it in the document.
        findings: What was found out about it by itself.
        statuses: What status lists say of it.
    """

    path: str
    findings: CredentialFindings
    statuses: status.StatusFindings


class Run(NamedTuple):
    """One run of the pipeline.

    Attributes:
        verifier: What is judged with.
        needs: What the policy needs.
        at: The time of judgement.
        challenge: The challenge that was set.
        domain: Whom the presentation must be made for.
        recorded: A registry's record of the credential.
        authorities: Who tells which issuers are recognised.
        statuses: The state of all status lists; None for a credential that names none.
    """

    verifier: Environment
    needs: Needs
    at: datetime
    challenge: str | None
    domain: str | Iterable[str] | None
    recorded: Record | None
    authorities: trust.Authorities | None
    statuses: status.Snapshot | None

    def credential(self, credential: Credential, policy: Policy) -> Result:
        """Judge a credential that nobody presents.

        Args:
            credential: The credential.
            policy: Whom to believe and what to ask.
        """
        part = self._part("", self._examine(credential))
        alone = binding.unpresented(challenge=self.challenge, domain=self.domain)
        *first, validity = part.findings.report.checks
        checks = (*first, *alone, validity, *self._worth(part))
        unheard = recording.unheard(self.recorded, (credential,), self.at)
        report = Report(checks, part.findings.report.warnings + unheard)
        return self._judge(report, [part], None, policy)

    def presentation(self, presentation: Presentation, policy: Policy) -> Result:
        """Judge a presentation and what is in it.

        Args:
            presentation: The presentation.
            policy: Whom to believe and what to ask.
        """
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
        carried = status.carried(presentation.credentials)
        if self.statuses is not None:
            self.statuses.bring(carried)
        examined = list(self._examined(presentation, carried))
        report = binding.presented(
            envelope,
            challenge=self.challenge,
            domain=self.domain,
            nonces=self.verifier.nonces,
            at=self.at,
        )
        parts = [self._part(path, findings) for path, findings in examined]
        for part in parts:
            bound = binding.holder_binding(part.findings, envelope.holder)
            report += part.findings.report.also(bound, *self._worth(part)).under(part.path)
        credentials = (part.findings.credential for part in parts)
        report += Report((), recording.unheard(self.recorded, credentials, self.at))
        return self._judge(in_order(report), parts, envelope.holder, policy)

    def _examined(
        self, presentation: Presentation, carried: tuple[Credential, ...]
    ) -> Iterator[tuple[str, CredentialFindings]]:
        bad, credentials = 0, presentation.credentials
        aside = {id(each.document) for each in carried}
        for path, credential in _listed(presentation, "verifiableCredential", credentials):
            if id(credential.document) in aside:
                continue
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

    def _part(self, path: str, findings: CredentialFindings) -> _Part:
        """Look up the statuses; of a forged or a stranger's credential nobody is asked anything."""
        if self.statuses is None or not findings.verified:
            return _Part(path, findings, _NO_STATUS)
        credential = findings.credential
        believed = bool(credential.statuses) and self._believed(credential)
        found = status.check(credential, self.statuses) if believed else _NO_STATUS
        return _Part(path, findings, found)

    def _worth(self, part: _Part) -> tuple[Check, ...]:
        """Ask what only an authenticated credential can be asked: schema, status, trust."""
        if not part.findings.verified:
            return _UNASKED
        credential = part.findings.credential
        schemas = tuple(self._schemas(credential)) if credential.schemas else _NO_SCHEMA
        return (*schemas, *part.statuses.checks, self._trust(credential))

    def _schemas(self, credential: Credential) -> Iterator[Check]:
        if len(credential.schemas) > _MOST_SCHEMAS:
            text = f"the credential declares more than {_MOST_SCHEMAS} schemas"
            problem = Problem(Code.COMPLEXITY_LIMIT_EXCEEDED, text, path="/credentialSchema")
            yield Check.inconclusive("schema", problem)
            return
        for path, entry in _listed(credential, "credentialSchema", credential.schemas):
            yield check_schema(credential.document, entry, self.verifier.schemas, path=path)

    def _trust(self, credential: Credential) -> Check:
        if self._named(credential):
            return _TRUSTED
        return trust.trust_check(credential, self._recognitions(credential))

    def _judge(
        self,
        report: Report,
        parts: list[_Part],
        holder: str | None,
        policy: Policy,
    ) -> Result:
        statuses = tuple(
            [
                one._replace(path=each.path + one.path)
                for each in parts
                for one in each.statuses.found
            ]
        )
        if not stands(report):
            return Result(report, unverified(report), None, statuses)
        facts = verified_facts(
            tuple([self._sealed(part) for part in parts]),
            at=self.at,
            holder=holder,
            domain=self.domain if isinstance(self.domain, str) else None,
        )
        decision = policy.decide(facts)
        asked = [reason.to_check() for reason in decision.reasons]
        return Result(Report((*report.checks, *asked), report.warnings), decision, facts, statuses)

    def _sealed(self, part: _Part) -> VerifiedCredential:
        credential, found = part.findings.credential, part.statuses.found
        recognitions = self._recognitions(credential)
        return verified_credential(
            credential, credential.issuer or "", part.path, recognitions, found
        )


def unverified(report: Report) -> Decision:
    """Deny what failed; what could not be checked is indeterminate.

    Args:
        report: A report that does not allow belief.
    """
    failed = any(check.outcome is Outcome.FAILED for check in report)
    verdict = Verdict.DENY if failed else Verdict.INDETERMINATE
    text = "the document was not verified, so the policy was not asked"
    return Decision(verdict, (Reason("verified", verdict, text, Code.NOT_VERIFIED),))
