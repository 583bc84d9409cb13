"""``cityid issue``, ``present``, ``disclose``, ``verify`` and ``schema check``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

import cityid
from cityid import did, policy, status
from cityid.cli.advice import told, told_result
from cityid.cli.dids import identity, resolver
from cityid.cli.documents import (
    demand_one_reader,
    moment,
    moment_if_given,
    read_contexts,
    read_object,
    read_schemas,
)
from cityid.cli.exits import REFUSED, refusal_status, warn
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    ALLOCATOR,
    Acting,
    ActingKey,
    AllocatorPath,
    AsJson,
    At,
    ContextFiles,
    DIDDocuments,
    Document,
    Force,
    KeyStorePath,
    Online,
    Output,
    PassphraseFile,
    RegistryUrl,
    SchemaFiles,
)
from cityid.cli.output import answer, deliver, say, say_json
from cityid.cli.registries import open_registry
from cityid.cli.wallets import open_wallet
from cityid.credential import Credential
from cityid.display import screen
from cityid.errors import Code, InvalidInputError
from cityid.nonces import FileNonces
from cityid.registry import Registry
from cityid.report import Check, Outcome
from cityid.schema import Schemas, check_schema

schemas = typer.Typer(help="Check documents against JSON Schemas.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of the four doors to the tree."""
    for command in (issue, present, disclose, verify):
        app.command()(command)


def issue(
    credential: Document,
    *,
    key: ActingKey = None,
    acting: Acting = "key",
    registry: RegistryUrl = None,
    cryptosuite: Annotated[
        str | None, typer.Option(help="The cryptosuite; else the one of the key's type.")
    ] = None,
    valid_days: Annotated[
        int | None, typer.Option(min=1, max=36_525, help="How many days it is valid.")
    ] = None,
    status_list: Annotated[
        list[str] | None,
        typer.Option("--status", help="URL of a status list to enter it in; needs --registry."),
    ] = None,
    allocator: AllocatorPath = ALLOCATOR,
    context: ContextFiles = None,
    schema: SchemaFiles = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Issue a credential: print it with the issuer's proof.

    A schema that is not at hand is not checked, and a warning tells so.
    """
    unsecured, known = read_object(credential), read_schemas(schema or ())
    with ExitStack() as stack:
        ledger = stack.enter_context(open_registry(registry, reading=True)) if registry else None
        issuer = identity(acting, key, open_store(store, passphrase_file), ledger)
        secured = cityid.issue(
            unsecured,
            by=issuer,
            status=_lists(status_list or [], issuer, ledger, allocator),
            cryptosuite=cryptosuite,
            valid_for=None if valid_days is None else timedelta(days=valid_days),
            contexts=read_contexts(context or ()),
            schemas=known,
            at=moment(at),
        )
    for asked in _asked_of_schemas(secured, known):
        if asked.problem is not None:
            warn(
                replace(asked.problem, title=f"not checked: {asked.problem.title}"), as_json=as_json
            )
    deliver(secured.to_dict(), output, replace=force, as_json=as_json)


def _lists(
    urls: list[str], issuer: did.Identity, ledger: Registry | None, allocator: Path
) -> tuple[status.StatusList, ...]:
    """Return the status lists that a credential is to be entered in."""
    if not urls:
        return ()
    if ledger is None:
        raise InvalidInputError(
            "--status needs --registry, where the list is", code=Code.INVALID_OPTIONS
        )
    places = status.FileAllocator(allocator)
    return tuple(status.reopen(ledger, issuer, url, allocator=places) for url in urls)


def present(
    credential: Annotated[
        list[str], typer.Argument(help="Files with credentials; one may be - for standard input.")
    ],
    *,
    key: Annotated[str, typer.Option(help="Name of the key in the key store, or in --wallet.")],
    wallet: Annotated[
        Path | None, typer.Option(help="Sign with the key of this wallet, not of the key store.")
    ] = None,
    challenge: Annotated[str, typer.Option(help="The verifier's challenge.")],
    domain: Annotated[str, typer.Option(help="The verifier's domain.")],
    acting: Acting = "key",
    context: ContextFiles = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Present credentials to one verifier, once."""
    demand_one_reader(credential)
    held = [read_object(source) for source in credential]
    open_keys = (
        open_store(store, passphrase_file)
        if wallet is None
        else open_wallet(wallet, passphrase_file)
    )
    shown = cityid.present(
        held,
        by=identity(acting, key, open_keys),
        challenge=challenge,
        domain=domain,
        contexts=read_contexts(context or ()),
        at=moment(at),
    )
    deliver(shown.to_dict(), output, replace=force, as_json=as_json)


def disclose(
    credential: Document,
    *,
    reveal: Annotated[list[str], typer.Option(help="JSON Pointer to what is shown.")],
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show parts of a credential; needs a cryptosuite with selective disclosure."""
    shown = cityid.disclose(read_object(credential), reveal=reveal)
    deliver(shown.to_dict(), output, replace=force, as_json=as_json)


def verify(
    document: Document,
    *,
    issuer: Annotated[list[str] | None, typer.Option(help="An issuer to believe.")] = None,
    recognised_by: Annotated[
        list[str] | None,
        typer.Option(help="An authority that recognises issuers of each --type, in --registry."),
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(help="Where an issuer must be recognised.")
    ] = None,
    unsafe_any_issuer: Annotated[
        bool, typer.Option("--unsafe-any-issuer", help="Believe everybody.")
    ] = False,
    type_: Annotated[list[str] | None, typer.Option("--type", help="A type to demand.")] = None,
    challenge: Annotated[str | None, typer.Option(help="The challenge that was sent.")] = None,
    domain: Annotated[str | None, typer.Option(help="Your own domain.")] = None,
    nonces: Annotated[
        Path | None, typer.Option(help="File that remembers challenges: each counts once.")
    ] = None,
    ledger: Annotated[str | None, typer.Option("--registry", help="The registry's URL.")] = None,
    status_list: Annotated[
        list[str] | None, typer.Option(help="File with a status list in hand.")
    ] = None,
    did_document: DIDDocuments = None,
    online: Online = False,
    context: ContextFiles = None,
    schema: SchemaFiles = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Verify a credential or presentation; exit status 1 when it is refused."""
    types = type_ or []
    believed = _recognised(recognised_by or [], types, jurisdiction)
    asked = _policy(issuer or [], types, believed, any_issuer=unsafe_any_issuer)
    demand_one_reader([document, *(did_document or ()), *(status_list or ())])
    with ExitStack() as stack:
        opened = stack.enter_context(open_registry(ledger, reading=True)) if ledger else None
        result = told_result(
            cityid.verify(
                read_object(document),
                policy=asked,
                resolver=resolver(did_document, online=online, registry=opened),
                registry=opened,
                challenge=challenge,
                domain=domain,
                nonces=FileNonces(nonces) if nonces else None,
                contexts=read_contexts(context or ()),
                schemas=read_schemas(schema or ()),
                status_lists=map(read_object, status_list or ()),
                fetch=did.fetch() if online else None,
                at=moment_if_given(at),
            )
        )
    if as_json:
        say_json(result.to_dict())
    else:
        say(screen.report(result.explain()))
    if not result:
        raise typer.Exit(refusal_status(result.checks))


def _recognised(
    authorities: list[str], types: list[str], jurisdiction: str | None
) -> list[policy.Policy]:
    if bool(authorities) > bool(types):
        raise InvalidInputError(
            "an issuer is recognised for a type: name it with --type", code=Code.INVALID_OPTIONS
        )
    return [
        policy.Recognised(authority, for_type=name, jurisdiction=jurisdiction)
        for authority in authorities
        for name in types
    ]


def _policy(
    issuers: list[str], types: list[str], recognised: list[policy.Policy], *, any_issuer: bool
) -> policy.Policy:
    if bool(issuers or recognised) == any_issuer:
        raise InvalidInputError(
            "name whom to believe: either --issuer DID, or --recognised-by DID, or "
            "--unsafe-any-issuer",
            code=Code.INVALID_OPTIONS,
        )
    named = [policy.IssuedBy(issuers)] if issuers else []
    believed = policy.UnsafeAnyIssuer() if any_issuer else policy.AnyOf(*named, *recognised)
    return policy.AllOf(believed, *(policy.HasType(name) for name in types))


@schemas.command(name="check")
def check(document: Document, *, schema: SchemaFiles = None, as_json: AsJson = False) -> None:
    """Check a credential, signed or not, against the schemas it declares."""
    credential = Credential.of(read_object(document))
    known = read_schemas(schema or ())
    if not credential.schemas:
        raise InvalidInputError(
            "the credential declares no schema, so there is nothing to check",
            code=Code.INVALID_OPTIONS,
            path="/credentialSchema",
        )
    checks = _asked_of_schemas(credential, known)
    rows = [
        (str(entry.get("id", "")), check.outcome.value, *_reason(check))
        for entry, check in zip(credential.schemas, checks, strict=True)
    ]
    answer("Schemas", ("schema", "outcome", "path", "reason"), rows, as_json=as_json)
    if any(check.outcome is not Outcome.PASSED for check in checks):
        raise typer.Exit(REFUSED)


def _asked_of_schemas(credential: Credential, known: Schemas) -> list[Check]:
    return [check_schema(credential.document, entry, known) for entry in credential.schemas]


def _reason(check: Check) -> tuple[str, str]:
    """Return where the credential does not fit, and why."""
    if check.problem is None:
        return "", ""
    problem = told(check.problem)
    return problem.path, ": ".join(filter(None, (problem.title, check.problem.detail)))
