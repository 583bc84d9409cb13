"""``cityid issue``, ``present``, ``disclose``, ``verify`` and ``schema check``."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

import cityid
from cityid import did, policy, registry
from cityid.cli.documents import answer, moment, read, read_contexts, read_object, write
from cityid.cli.exits import REFUSED
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    AsJson,
    At,
    ContextFiles,
    Document,
    KeyName,
    KeyStorePath,
    Output,
    PassphraseFile,
)
from cityid.did import Identity
from cityid.nonces import FileNonces
from cityid.report import Outcome

schemas = typer.Typer(help="Check documents against JSON Schemas.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of the four doors to the tree."""
    for command in (issue, present, disclose, verify):
        app.command()(command)


def _identity(method: str, key: str, store: Path, passphrase_file: Path | None) -> Identity:
    return did.create(method, signer=open_store(store, passphrase_file).signer(key))


def issue(
    credential: Document,
    *,
    key: KeyName,
    method: Annotated[str, typer.Option(help="The DID method of the issuer.")] = "key",
    cryptosuite: Annotated[str, typer.Option(help="The cryptosuite.")] = "eddsa-rdfc-2022",
    valid_days: Annotated[int | None, typer.Option(help="How many days it is valid.")] = None,
    context: ContextFiles = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Output = None,
) -> None:
    """Issue a credential: print it with the issuer's proof."""
    secured = cityid.issue(
        read(credential),
        by=_identity(method, key, store, passphrase_file),
        cryptosuite=cryptosuite,
        valid_for=None if valid_days is None else timedelta(days=valid_days),
        contexts=read_contexts(context or ()),
        at=moment(at),
    )
    write(secured.to_dict(), output)


def present(
    credential: Annotated[list[str], typer.Argument(help="Files with credentials.")],
    *,
    key: KeyName,
    challenge: Annotated[str, typer.Option(help="The verifier's challenge.")],
    domain: Annotated[str, typer.Option(help="The verifier's domain.")],
    method: Annotated[str, typer.Option(help="The DID method of the holder.")] = "key",
    context: ContextFiles = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Output = None,
) -> None:
    """Present credentials to one verifier, once."""
    shown = cityid.present(
        [read(source) for source in credential],
        by=_identity(method, key, store, passphrase_file),
        challenge=challenge,
        domain=domain,
        contexts=read_contexts(context or ()),
        at=moment(at),
    )
    write(shown.to_dict(), output)


def disclose(
    credential: Document,
    *,
    reveal: Annotated[list[str], typer.Option(help="JSON Pointer to what is shown.")],
) -> None:
    """Show parts of a credential; needs a cryptosuite with selective disclosure."""
    write(cityid.disclose(read(credential), reveal=reveal).to_dict())


def verify(
    document: Document,
    *,
    issuer: Annotated[list[str] | None, typer.Option(help="An issuer to believe.")] = None,
    unsafe_any_issuer: Annotated[
        bool, typer.Option("--unsafe-any-issuer", help="Believe everybody.")
    ] = False,
    type_: Annotated[list[str] | None, typer.Option("--type", help="A type to demand.")] = None,
    challenge: Annotated[str | None, typer.Option(help="The challenge that was sent.")] = None,
    domain: Annotated[str | None, typer.Option(help="Your own domain.")] = None,
    nonces: Annotated[Path | None, typer.Option(help="File that remembers challenges.")] = None,
    ledger: Annotated[str | None, typer.Option("--registry", help="The registry's URL.")] = None,
    did_document: Annotated[list[str] | None, typer.Option(help="A DID document in hand.")] = None,
    context: ContextFiles = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Verify a credential or presentation; exit status 1 when it is refused."""
    opened = registry.connect(ledger) if ledger else None
    result = cityid.verify(
        read(document),
        policy=_policy(issuer or [], type_ or [], any_issuer=unsafe_any_issuer),
        resolver=did.resolver(opened, documents=[read_object(s) for s in did_document or ()]),
        registry=opened,
        challenge=challenge,
        domain=domain,
        nonces=FileNonces(nonces) if nonces else None,
        contexts=read_contexts(context or ()),
        at=moment(at),
    )
    print(json.dumps(result.to_dict(), indent=2) if as_json else result.explain())
    if not result:
        raise typer.Exit(REFUSED)


def _policy(issuers: list[str], types: list[str], *, any_issuer: bool) -> policy.Policy:
    if bool(issuers) == any_issuer:
        raise typer.BadParameter("name whom to believe: --issuer DID, or --unsafe-any-issuer")
    believed = policy.UnsafeAnyIssuer() if any_issuer else policy.IssuedBy(issuers)
    return policy.AllOf(believed, *(policy.HasType(name) for name in types))


@schemas.command(name="check")
def check_schemas(document: Document, *, as_json: AsJson = False) -> None:
    """Check an unsigned or signed credential against the schemas it declares."""
    credential = cityid.Credential.of(read(document))
    checks = [
        cityid.schema.check_schema(credential.document, entry, cityid.SCHEMAS)
        for entry in credential.schemas
    ]
    rows = [
        (
            str(entry.get("id", "")),
            check.outcome.value,
            check.problem.title if check.problem else "",
        )
        for entry, check in zip(credential.schemas, checks, strict=True)
    ]
    answer("Schemas", ("schema", "outcome", "reason"), rows, as_json=as_json)
    if any(check.outcome is not Outcome.PASSED for check in checks):
        raise typer.Exit(REFUSED)
