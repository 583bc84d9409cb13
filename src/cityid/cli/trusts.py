"""``cityid trust``: who is recognised to issue what."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cityid import timestamp, trust
from cityid.cli.dids import identity, resolver
from cityid.cli.documents import moment, moment_if_given
from cityid.cli.exits import REFUSED, WORLD_FAILED
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    Acting,
    AsJson,
    At,
    DIDDocuments,
    KeyName,
    KeyStorePath,
    Online,
    PassphraseFile,
)
from cityid.cli.output import answer, say, say_json
from cityid.cli.registries import open_registry
from cityid.report import Outcome
from cityid.trust import RecognitionList

Url = Annotated[str, typer.Argument(help="The registry, such as file:city.registry.")]
Entity = Annotated[str, typer.Argument(help="The DID of who is recognised.")]
Authority = Annotated[str, typer.Argument(help="The DID of the authority.")]
Days = Annotated[
    int | None, typer.Option("--days", min=1, max=36_525, help="How long the list may be used.")
]

app = typer.Typer(help="Recognise who may issue what, and ask who is.", no_args_is_help=True)
_COLUMNS = ("entity", "action", "type", "jurisdictions", "claims", "validFrom", "validUntil")


def _rows(found: RecognitionList) -> list[tuple[object, ...]]:
    return [
        (
            line.entity,
            line.action,
            line.for_type or "",
            ", ".join(line.jurisdictions),
            ", ".join(line.claims),
            "" if line.valid_from is None else timestamp.write(line.valid_from),
            "" if line.valid_until is None else timestamp.write(line.valid_until),
        )
        for line in found.actions
    ]


def _period(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


@app.command()
def recognise(
    url: Url,
    entity: Entity,
    *,
    type_: Annotated[str, typer.Option("--type", help="The type of credential.")],
    key: KeyName,
    acting: Acting = "key",
    others: Annotated[
        bool, typer.Option("--others", help="Not to issue, but to recognise others for the type.")
    ] = False,
    further: Annotated[
        int, typer.Option(min=0, max=8, help="How many authorities may follow, with --others.")
    ] = 0,
    claim: Annotated[
        list[str] | None, typer.Option(help="JSON Pointer to a claim; else all of them.")
    ] = None,
    jurisdiction: Annotated[list[str] | None, typer.Option(help="Where; else anywhere.")] = None,
    valid_from: Annotated[str | None, typer.Option(help="From when on.")] = None,
    valid_until: Annotated[str | None, typer.Option(help="Until before when.")] = None,
    days: Days = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Recognise an entity, and publish the authority's list anew."""
    by = identity(acting, key, open_store(store, passphrase_file))
    with open_registry(url) as ledger:
        listed = trust.recognise(
            ledger,
            by,
            entity,
            for_type=type_,
            action=trust.RECOGNIZE if others else trust.ISSUE,
            claims=claim or (),
            jurisdiction=jurisdiction,
            valid_from=moment_if_given(valid_from),
            valid_until=moment_if_given(valid_until),
            further=further,
            valid_for=_period(days),
            at=moment(at),
        )
    answer("Recognised entities", _COLUMNS, _rows(listed), as_json=as_json)


@app.command()
def withdraw(
    url: Url,
    entity: Entity,
    *,
    key: KeyName,
    acting: Acting = "key",
    type_: Annotated[
        str | None, typer.Option("--type", help="For which type; else for all of them.")
    ] = None,
    days: Days = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Recognise an entity no longer, and publish the authority's list anew."""
    by = identity(acting, key, open_store(store, passphrase_file))
    with open_registry(url) as ledger:
        listed = trust.withdraw(
            ledger, by, entity, for_type=type_, valid_for=_period(days), at=moment(at)
        )
    answer("Recognised entities", _COLUMNS, _rows(listed), as_json=as_json)


@app.command(name="list")
def list_recognised(
    url: Url,
    authority: Authority,
    *,
    did_document: DIDDocuments = None,
    online: Online = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """List whom an authority recognises."""
    with open_registry(url, reading=True) as ledger:
        known = resolver(did_document, online=online, registry=ledger)
        found = trust.read_list(ledger, known, authority, at=moment(at))
    answer("Recognised entities", _COLUMNS, _rows(found), as_json=as_json)


@app.command()
def ask(
    url: Url,
    authority: Authority,
    issuer: Annotated[str, typer.Argument(help="The DID of the issuer.")],
    *,
    type_: Annotated[str, typer.Option("--type", help="The type of credential.")],
    claim: Annotated[list[str] | None, typer.Option(help="JSON Pointer to a claim.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Where.")] = None,
    did_document: DIDDocuments = None,
    online: Online = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether an issuer is recognised; exit status 1 when it is not, 3 when nobody can tell."""
    with open_registry(url, reading=True) as ledger:
        found = trust.recognition(
            ledger,
            resolver(did_document, online=online, registry=ledger),
            authority=authority,
            issuer=issuer,
            for_type=type_,
            claims=claim or (),
            jurisdiction=jurisdiction,
            at=moment(at),
        )
    if as_json:
        say_json(found.to_dict())
    else:
        told = " → ".join(found.path) if found.problem is None else found.problem.title
        say(f"{found.outcome.value}: {told}\n")
    if not found:
        raise typer.Exit(REFUSED if found.outcome is Outcome.FAILED else WORLD_FAILED)
