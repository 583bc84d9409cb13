"""What a verifier asks of the authorities that a policy believes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from cityid.canonical import Contexts
from cityid.credential import Credential
from cityid.cryptosuites import Cryptosuite
from cityid.did import Resolver
from cityid.errors import Code, quote
from cityid.registry import Registry
from cityid.report import Check, Outcome, Problem
from cityid.schema import Schemas
from cityid.trust.lists import Reader
from cityid.trust.walk import Asked, Recogniser, Recognition

_NAME = "trust"


def recogniser(
    *,
    ledger: Registry | None,
    resolver: Resolver,
    at: datetime,
    contexts: Contexts,
    suites: Mapping[str, Cryptosuite],
    skew: timedelta,
    schemas: Schemas,
) -> Recogniser:
    """Return who answers for one decision: every list is read once, as it was at that time.

    Args:
        ledger: The registry with the lists; None leaves every question open.
        resolver: Finds the authorities' keys.
        at: The time of judgement.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        skew: How far clocks may differ.
        schemas: The schemas at hand.
    """
    reader = Reader(
        ledger=ledger, resolver=resolver, at=at, contexts=contexts, suites=suites, skew=skew
    )
    return Recogniser(reader=reader, schemas=schemas)


def recognitions(
    credential: Credential, asked: Iterable[Asked], answering: Recogniser
) -> tuple[Recognition, ...]:
    """Return what the authorities say about the issuer of an authenticated credential.

    Args:
        credential: The credential.
        asked: The questions of the policy; those about other types are left out.
        answering: Who answers.
    """
    types = credential.types
    return tuple(
        answering.of_credential(each, credential) for each in asked if each.for_type in types
    )


def trust_check(credential: Credential, found: Iterable[Recognition]) -> Check:
    """Return the check ``trust`` of a credential whose issuer the policy does not name.

    One recognition is enough; where there is none, a list that cannot be had leaves it open.

    Args:
        credential: The credential.
        found: What the authorities say.
    """
    told = list(found)
    if any(told):
        return Check.passed(_NAME)
    for each in told:
        if each.outcome is Outcome.INCONCLUSIVE and each.problem is not None:
            return Check.inconclusive(_NAME, each.problem)
    for each in told:
        if each.problem is not None:
            return Check.failed(_NAME, each.problem)
    text = f"the policy does not believe this issuer, {quote(credential.issuer, 100)}"
    problem = Problem(Code.ISSUER_NOT_TRUSTED, text, "name it in IssuedBy", "/issuer")
    return Check.failed(_NAME, problem)
