"""Verify schema credentials, so that the schemas in them can be used.

Spec:
    https://www.w3.org/TR/vc-json-schema/#jsonschemacredential
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cityid import timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Identity, Resolver
from cityid.errors import Code, InvalidInputError, RegistryError, quote
from cityid.report import Outcome
from cityid.schema import VerifiedSchema
from cityid.schema.unwrapping import sealed, unwrap
from cityid.securing import CLOCK_SKEW
from cityid.verification import verify_credential


def verify_schema_credential(
    credential: Credential | Mapping[str, Any] | str | bytes,
    *,
    issuers: Iterable[object],
    resolver: Resolver,
    contexts: Contexts = CONTEXTS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
    at: datetime | None = None,
) -> VerifiedSchema:
    """Verify a ``JsonSchemaCredential`` and return the schema in it.

    Pass the schema on with ``SCHEMAS.with_schema_credential(…)``. Verify it again once the
    credential has run out.

    Args:
        credential: The schema credential. As text or bytes it can be held against the digest that
            other credentials give of it.
        issuers: Whose schemas are believed: DIDs or identities.
        resolver: Finds the issuer's keys.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        skew: How far clocks may differ.
        at: The time of judgement; now by default.

    Raises:
        InvalidInputError: It is no schema credential, does not verify, is of somebody else, or has
            a status.
        RegistryError: It could not be verified.
    """
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    content = credential.encode() if isinstance(credential, str) else credential
    view = Credential.of(credential)
    schema = unwrap(view.document)
    findings = verify_credential(
        view, resolver=resolver, contexts=contexts, at=moment, suites=suites, skew=skew
    )
    for check in findings.report:
        if check.problem is not None:
            problem = check.problem
            told = f"the schema credential is not verified: {problem.title}"
            if check.outcome is Outcome.INCONCLUSIVE:
                raise RegistryError(told, code=problem.code)
            raise InvalidInputError(told, code=problem.code, path=problem.path)
    if view.statuses:
        raise InvalidInputError(
            "the schema credential has a status, which nobody looks up here",
            code=Code.STATUS_NOT_CHECKED,
            path="/credentialStatus",
        )
    issuer = view.issuer or ""
    believed = {str(each.did if isinstance(each, Identity) else each) for each in issuers}
    if issuer not in believed:
        raise InvalidInputError(
            f"nobody said that schemas of {quote(issuer, 120)} are believed; name it in issuers=",
            code=Code.ISSUER_NOT_TRUSTED,
            path="/issuer",
        )
    return sealed(schema, issuer, content if isinstance(content, bytes) else None)
