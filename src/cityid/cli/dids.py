"""``cityid did``: create and resolve decentralized identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

import typer

from cityid import did
from cityid.cli.advice import told
from cityid.cli.documents import demand_one_reader, read_object
from cityid.cli.exits import WRONG_USE, problem_status
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    AsJson,
    DIDDocuments,
    Force,
    KeyName,
    KeyStorePath,
    Online,
    Output,
    PassphraseFile,
)
from cityid.cli.output import deliver, say, say_json
from cityid.did import Identity, Resolver
from cityid.errors import Code, InvalidInputError
from cityid.keys import Signer

app = typer.Typer(help="Create and resolve decentralized identifiers.", no_args_is_help=True)

_PORT_DIGITS = 5
_UNREADABLE = frozenset(
    {Code.INVALID_DID, Code.INVALID_OPTIONS, Code.METHOD_NOT_SUPPORTED, Code.FEATURE_NOT_SUPPORTED}
)


def identity(acting: str, signer: Signer) -> Identity:
    """Return the identity that a key acts for.

    Args:
        acting: A DID method whose DIDs are made from the key, or a whole did:web.
        signer: The key.

    Raises:
        InvalidInputError: The did:web is malformed.
        UnsupportedError: There is no such method.
    """
    if not acting.startswith("did:"):
        return did.create(acting, signer=signer)
    named = did.parse(acting)
    if named.method != "web":
        raise InvalidInputError(
            "only a did:web is named whole; write key, jwk or peer to make the DID from the key",
            code=Code.INVALID_OPTIONS,
        )
    host, *segments = named.identifier.split(":")
    domain, _, port = host.partition("%3A")
    made = did.create(
        "web",
        signer=signer,
        domain=domain,
        path="/".join(map(unquote, segments)),
        port=int(port) if port.isdecimal() and len(port) <= _PORT_DIGITS else None,
    )
    if str(made.did) != acting:
        raise InvalidInputError(f"this did:web is written {made.did}", code=Code.INVALID_DID)
    return made


def resolver(documents: Iterable[str] | None, *, online: bool) -> Resolver:
    """Return a resolver over documents in files, with or without the network.

    Raises:
        InvalidInputError: A document cannot be read or does not conform.
    """
    sources = tuple(documents or ())
    demand_one_reader(sources)
    in_hand = [read_object(source) for source in sources]
    return did.resolver(documents=in_hand, fetch=did.fetch() if online else None)


@app.command()
def create(
    method: Annotated[str, typer.Argument(help="key, jwk, peer or web.")],
    *,
    key: KeyName,
    domain: Annotated[str | None, typer.Option(help="The host, for did:web.")] = None,
    path: Annotated[str, typer.Option(help="The path, for did:web.")] = "",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the DID document here, as to publish it."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a DID for a key of the key store; --json prints its document too."""
    signer = open_store(store, passphrase_file).signer(key)
    made = did.create(method, signer=signer, domain=domain, path=path)
    document = made.document.to_dict()
    if output is not None:
        deliver(document, output, replace=force, as_json=as_json)
    elif as_json:
        say_json({"did": str(made.did), "didDocument": document})
    else:
        say(f"{made.did}\n")


@app.command()
def resolve(
    identifier: Annotated[str, typer.Argument(metavar="DID", help="The DID.")],
    *,
    document: DIDDocuments = None,
    online: Online = False,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Print the document of a DID; exit status 1 where there is none.

    --json prints the whole resolution result with its metadata.
    """
    result = resolver(document, online=online).resolve(identifier)
    problem = result.metadata.error
    if as_json:
        say_json(result.to_dict())
    elif result.document is not None:
        deliver(result.document.to_dict(), output, replace=force, as_json=False)
    else:
        reason = told(problem).title if problem else "this DID was deactivated"
        typer.echo(f"cityid: {reason}", err=True)
    if problem is not None and problem.code in _UNREADABLE:
        raise typer.Exit(WRONG_USE)
    if result.document is None:
        raise typer.Exit(problem_status([problem]))
