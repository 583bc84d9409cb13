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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cityid import recording, status, timestamp
from cityid.alerts import AlertHook, sounded
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential, Presentation
from cityid.credential.terms import has_type
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Fetch, Resolver
from cityid.errors import Code, InvalidInputError
from cityid.nonces import NonceStore
from cityid.pipeline import Environment, Run, unverified
from cityid.policy import Needs, Policy
from cityid.registry import Record, Registry
from cityid.report import Check, Problem, Report
from cityid.result import Result
from cityid.schema import SCHEMAS, Schemas
from cityid.securing import CLOCK_SKEW

Document = Credential | Presentation | Mapping[str, Any] | str | bytes


@dataclass(frozen=True, kw_only=True)
class Verifier(Environment):
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
        status_lists: Status lists in hand, for credentials whose list the registry has not.
        fetch: How status lists are read from the web, such as ``did.fetch()``; without it no
            network is reached.
        known: Lists of recognised entities that were seen before (`trust.Recognition.versions`):
            where judged as of now, an older one, or another in its place, is not believed.
    """

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
        moment = _within_calendar(at, self.skew)
        recording.check_record(recorded)
        asked = _Asked(policy, moment, challenge, domain, recorded, latest=at is None)
        return _judged(self, document, asked)

    def recheck(self, result: Result, *, at: datetime | None = None) -> status.StatusFindings:
        """Look again, before acting on a result, whether every status still says the same.

        Args:
            result: A result of this verifier that permits.
            at: The time as of which to look; now by default.

        Returns:
            The check ``status`` of each credential: FAILED where a status has changed since.

        Raises:
            VerificationError: The result permits nothing.
        """
        moment = _within_calendar(at, self.skew)
        judged = [(one.credential, one.statuses) for one in result.require()]
        snapshot = self.snapshot(Needs(), moment, latest=at is None)
        return status.recheck(judged, snapshot)


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
    status_lists: Iterable[status.Stapled] = (),
    fetch: Fetch | None = None,
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
        status_lists: Status lists in hand, for credentials whose list the registry has not.
        fetch: How status lists are read from the web, such as ``did.fetch()``; without it no
            network is reached.
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
        status_lists=tuple(status_lists),
        fetch=fetch,
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
    asked = _Asked(policy, _within_calendar(at, verifier.skew), latest=at is None)
    for done, document in enumerate(documents, start=1):
        yield _judged(verifier, document, asked)
        if progress is not None:
            progress(done)


class _Asked(NamedTuple):
    """What is asked of one document; `latest` tells whether it is asked as of now."""

    policy: Policy
    at: datetime
    challenge: str | None = None
    domain: str | Iterable[str] | None = None
    recorded: Record | None = None
    latest: bool = False


def _judged(verifier: Verifier, document: Document, asked: _Asked) -> Result:
    policy, at, challenge, domain, recorded, latest = asked
    needs = _needs(policy)
    try:
        view = _view(document)
    except InvalidInputError as error:
        unread = Check.failed("structure", Problem.from_error(error))
        report = Report((unread,))
        return Result(report, unverified(report), None)
    authorities = verifier.authorities(needs, at, latest=latest) if needs.authorities else None
    has_status = isinstance(view, Presentation) or bool(view.statuses)
    statuses = verifier.snapshot(needs, at, latest=latest) if has_status else None
    run = Run(verifier, needs, at, challenge, domain, recorded, authorities, statuses)
    if isinstance(view, Presentation):
        return sounded(run.presentation(view, policy), verifier.alert, at)
    return sounded(run.credential(view, policy), verifier.alert, at)


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
    if has_type(credential.document.get("type"), "VerifiablePresentation"):
        return Presentation(credential.document)
    return credential
