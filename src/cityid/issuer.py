"""DOOR 1: issue credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cityid import timestamp
from cityid.canonical import CONTEXTS, Contexts, check_contexts
from cityid.credential import Credential, check_credential
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite, suite_for
from cityid.did import Identity
from cityid.did.identity import demand_identity
from cityid.errors import Code, InvalidInputError, ProofGenerationError, UnsupportedError, quote
from cityid.report import Problem, combined
from cityid.schema import SCHEMAS, Schemas, at_hand, check_schema
from cityid.securing import data_integrity
from cityid.status import StatusList

_SECURING = ("data-integrity",)
_CURRENT = "2.0"
_WANTED = {
    timedelta: "a timedelta, such as timedelta(days=365)",
    StatusList: "status lists, such as status.publish makes",
}


def issue(
    credential: Credential | Mapping[str, Any] | str | bytes,
    *,
    by: Identity,
    securing: str = "data-integrity",
    cryptosuite: str | None = None,
    mandatory: Sequence[str] = (),
    status: StatusList | Sequence[StatusList] | None = None,
    valid_from: datetime | None = None,
    valid_for: timedelta | None = None,
    contexts: Contexts = CONTEXTS,
    schemas: Schemas = SCHEMAS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    at: datetime | None = None,
) -> Credential:
    """Secure a credential with the issuer's key.

    Args:
        credential: The unsecured credential; ``issuer``, and in a credential of version 2.0
            ``validFrom``, are filled in where they are missing.
        by: Who issues: a DID and its keys.
        securing: The securing mechanism; ``data-integrity``.
        cryptosuite: The Data Integrity cryptosuite; by default the one of the key's type.
        mandatory: JSON Pointers to what a holder can never hide; for selective disclosure.
        status: The status lists that the credential gets an entry in; each place is taken for
            good before the credential is signed.
        valid_from: When the credential comes into force; replaces its own ``validFrom``.
        valid_for: How long it stays in force from `valid_from`, else from `at`; replaces its own
            ``validFrom`` and ``validUntil``.
        contexts: The JSON-LD contexts that are admitted.
        schemas: The JSON Schemas at hand; a declared schema among them must be sound and
            met, any other is not asked.
        suites: The cryptosuites there are.
        at: When the proof is made; now by default.

    Returns:
        The secured credential.

    Raises:
        InvalidInputError: The credential breaks a rule of the data model or of its schema, or
            uses a context that is not admitted; the path says where. Or an argument is of another
            kind, or a status list is full.
        UnsupportedError: The mechanism, the cryptosuite or an option is not built.
        ProofGenerationError: The credential is signed already, the issuer is somebody else, its
            key cannot make this proof, or a part of the credential would not be signed; the path
            says where.
        NotFoundError: The allocator of a status list does not know it.
        RegistryError: The place in a status list cannot be taken.
    """
    demand_identity(by, "by")
    if valid_for is not None:
        _demand_kind("valid_for", valid_for, timedelta)
    _demand_built(securing, mandatory)
    lists = _lists(status)
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    document = dict(Credential.of(credential).document)  # its parts are shared, never changed
    _demand_unsigned(document)
    _name_issuer(document, str(by.did))
    _limit(document, moment, valid_from, valid_for)
    _demand_sound(document, contexts, schemas)
    _enter(document, lists)
    verification_method, signer = by.signer("assertionMethod")
    secured = data_integrity.add_proof(
        document,
        signer=signer,
        verification_method=verification_method,
        purpose="assertionMethod",
        cryptosuite=cryptosuite or suite_for(signer.public_key.type),
        contexts=contexts,
        created=moment,
        suites=suites,
    )
    return Credential(secured)


def issue_many(
    credentials: Iterable[Credential | Mapping[str, Any] | str | bytes],
    *,
    by: Identity,
    at: datetime | None = None,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Iterator[Credential]:
    """Issue many credentials, in order.

    Args:
        credentials: The unsecured credentials.
        by: Who issues.
        at: When the proofs are made; now, read once, by default.
        progress: Called with the number of credentials done, after each.
        options: As for `issue`.

    Returns:
        A generator of the secured credentials.

    Raises:
        InvalidInputError: `credentials` is a single one, or `by` no identity. While it runs, it
            raises what `issue` raises.
    """
    demand_identity(by, "by")
    single = isinstance(credentials, Credential | Mapping | str | bytes)
    if single or not isinstance(credentials, Iterable):
        raise InvalidInputError(
            "issue_many takes several credentials; a single one is issued with issue",
            code=Code.INVALID_OPTIONS,
        )
    return _issued(credentials, by, at or datetime.now(UTC), progress, options)


def _issued(
    credentials: Iterable[Credential | Mapping[str, Any] | str | bytes],
    by: Identity,
    moment: datetime,
    progress: Callable[[int], None] | None,
    options: Mapping[str, Any],
) -> Iterator[Credential]:
    for done, credential in enumerate(credentials, start=1):
        yield issue(credential, by=by, at=moment, **options)
        if progress is not None:
            progress(done)


def _demand_kind(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidInputError(
            f"{name}= takes {_WANTED[kind]}, not {quote(value)}", code=Code.INVALID_OPTIONS
        )


def _demand_unsigned(document: Mapping[str, Any]) -> None:
    if "proof" in document:
        raise ProofGenerationError(
            "the credential is signed already, and a change makes its proof worthless; issue from "
            "the unsigned document (securing.add_proof makes a proof set or chain)",
            path="/proof",
        )


def _lists(status: StatusList | Sequence[StatusList] | None) -> tuple[StatusList, ...]:
    """Return the status lists that an argument names."""
    if status is None:
        return ()
    lists = tuple(status) if isinstance(status, Sequence) else (status,)
    for one in lists:
        _demand_kind("status", one, StatusList)
    return lists


def _enter(document: dict[str, Any], lists: Sequence[StatusList]) -> None:
    """Give the credential a place in each list, beside the statuses that it has already.

    Raises:
        InvalidInputError: Data model 1.1 has no words for such a status, or a list is full.
    """
    if not lists:
        return
    if Credential(document).version != _CURRENT:
        raise InvalidInputError(
            "a status list needs a credential of data model 2.0",
            code=Code.INVALID_OPTIONS,
            path="/@context",
        )
    entries = [*Credential(document).statuses, *(one.entry() for one in lists)]
    document["credentialStatus"] = entries[0] if len(entries) == 1 else entries


def _demand_built(securing: str, mandatory: Sequence[str]) -> None:
    if securing not in _SECURING:
        raise UnsupportedError(
            "this securing mechanism is not built", name=securing, known=_SECURING
        )
    if mandatory:
        raise UnsupportedError(
            "no cryptosuite with selective disclosure is built, so nothing can be hidden and "
            "mandatory= has no meaning",
            name="mandatory",
        )


def _name_issuer(document: dict[str, Any], issuer: str) -> None:
    named = document.setdefault("issuer", issuer)
    if isinstance(named, dict):
        document["issuer"] = {"id": issuer, **named}
        named = document["issuer"]["id"]
    if named != issuer:
        raise ProofGenerationError(
            "the credential names another issuer than the one who signs",
            code=Code.ISSUER_MISMATCH,
            path="/issuer",
        )


def _limit(
    document: dict[str, Any],
    at: datetime,
    valid_from: datetime | None,
    valid_for: timedelta | None,
) -> None:
    if valid_from is not None or valid_for is not None:
        start = valid_from or at
        document["validFrom"] = timestamp.write(start)
        if valid_for is not None:
            document["validUntil"] = timestamp.write(timestamp.later(start, valid_for))
    elif "validFrom" not in document and Credential(document).version == _CURRENT:
        document["validFrom"] = timestamp.write(at)


def _demand_sound(document: dict[str, Any], contexts: Contexts, schemas: Schemas) -> None:
    problems = check_credential(document) + check_contexts(document, contexts)
    if problems:
        raise _refusal(problems)
    for entry in Credential(document).schemas:
        check = check_schema(document, entry, schemas)
        if check.problem is not None and at_hand(entry, schemas):
            raise _refusal((check.problem,))


def _refusal(problems: tuple[Problem, ...]) -> InvalidInputError:
    whole = combined(problems)
    told = f"{whole.title}: {whole.detail}" if whole.detail else whole.title
    return InvalidInputError(told, code=whole.code, path=whole.path)
