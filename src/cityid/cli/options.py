"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the machine form, errors too.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="File whose first line is the passphrase; else $CITYID_PASSPHRASE, else a question."
    ),
]
KeyStorePath = Annotated[
    Path, typer.Option("--keys", envvar="CITYID_KEYS", help="The encrypted key store.")
]
WalletPath = Annotated[
    Path, typer.Option("--wallet", envvar="CITYID_WALLET", help="The encrypted wallet.")
]
KeyName = Annotated[str, typer.Option("--key", help="Name of the key in the key store.")]
ActingKey = Annotated[
    str | None,
    typer.Option("--key", help="Name of the key in the key store; a did:webvh tells its own."),
]
Acting = Annotated[
    str,
    typer.Option(
        "--as",
        help="The DID to act as: key, jwk or peer (made from the key), a did:web:… or did:webvh:…",
    ),
]
RegistryUrl = Annotated[
    str | None, typer.Option("--registry", help="The registry with the logs, by its URL.")
]
Document = Annotated[str, typer.Argument(help="A file, or - for standard input.")]
ContextFiles = Annotated[
    list[str] | None, typer.Option("--context", help="URL=FILE: a further JSON-LD context.")
]
SchemaFiles = Annotated[
    list[str] | None, typer.Option("--schema", help="URL=FILE: a further JSON Schema.")
]
DIDDocuments = Annotated[
    list[str] | None, typer.Option("--did-document", help="File with a DID document in hand.")
]
Online = Annotated[
    bool, typer.Option("--online", help="Let did:web be read over https; else no network at all.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write here instead of printing.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace the output file if it is there.")]
At = Annotated[
    str | None, typer.Option("--at", help="The time, such as 2027-03-14T09:00:00Z; else now.")
]
AllocatorPath = Annotated[
    Path,
    typer.Option(
        "--allocator",
        envvar="CITYID_ALLOCATOR",
        help="The issuer's secret file of places in status lists.",
    ),
]
ALLOCATOR = Path("cityid.allocator")
