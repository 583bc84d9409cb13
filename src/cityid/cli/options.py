"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the machine form.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="File with the passphrase; else CITYID_PASSPHRASE, else a question."),
]
KeyStorePath = Annotated[
    Path, typer.Option("--keys", envvar="CITYID_KEYS", help="The encrypted key store.")
]
WalletPath = Annotated[
    Path, typer.Option("--wallet", envvar="CITYID_WALLET", help="The encrypted wallet.")
]
KeyName = Annotated[str, typer.Option("--key", help="Name of the key in the key store.")]
Document = Annotated[str, typer.Argument(help="A file, or - for standard input.")]
ContextFiles = Annotated[
    list[str] | None, typer.Option("--context", help="URL=FILE: a further JSON-LD context.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write here instead of printing.")
]
At = Annotated[
    str | None, typer.Option("--at", help="The time, such as 2027-03-14T09:00:00Z; now if absent.")
]
