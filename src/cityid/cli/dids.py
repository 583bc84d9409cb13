"""``cityid did``: create and resolve decentralized identifiers."""

from __future__ import annotations

from typing import Annotated

import typer

from cityid import did
from cityid.cli.documents import read_object, write
from cityid.cli.exits import REFUSED
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import AsJson, KeyName, KeyStorePath, PassphraseFile

app = typer.Typer(help="Create and resolve decentralized identifiers.", no_args_is_help=True)


@app.command()
def create(
    method: Annotated[str, typer.Argument(help="key, jwk, peer or web.")],
    *,
    key: KeyName,
    domain: Annotated[str | None, typer.Option(help="The host, for did:web.")] = None,
    path: Annotated[str | None, typer.Option(help="The path, for did:web.")] = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a DID for a key of the key store; --json prints its document."""
    signer = open_store(store, passphrase_file).signer(key)
    place = {"domain": domain, "path": path}
    options = {name: value for name, value in place.items() if value is not None}
    identity = did.create(method, signer=signer, **options)
    if as_json:
        write({"did": str(identity.did), "didDocument": identity.document.to_dict()})
    else:
        print(identity.did)


@app.command()
def resolve(
    identifier: Annotated[str, typer.Argument(metavar="DID", help="The DID.")],
    *,
    document: Annotated[
        list[str] | None, typer.Option(help="File with a DID document in hand.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Resolve a DID without any network; exit status 1 where there is no document."""
    in_hand = [read_object(source) for source in document or ()]
    result = did.resolver(documents=in_hand).resolve(identifier)
    if as_json:
        write(result.to_dict())
    elif result.document is not None:
        write(result.document.to_dict())
    else:
        problem = result.metadata.error
        typer.echo(f"cityid: {problem.title if problem else 'deactivated'}", err=True)
    if result.document is None:
        raise typer.Exit(REFUSED)
