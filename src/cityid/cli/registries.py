"""``cityid registry``: the logs, their checkpoint, and proofs of single records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cityid import registry
from cityid.cli.documents import answer, read, write
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import AsJson, Document, KeyStorePath, PassphraseFile
from cityid.errors import InvalidInputError, NotFoundError
from cityid.registry import NewEntry, Record

Url = Annotated[str, typer.Argument(help="The registry, such as file:city.registry.")]
Log = Annotated[str, typer.Argument(help="The log's name.")]
Operator = Annotated[
    str | None, typer.Option("--operator", help="Key in the key store that signs checkpoints.")
]

app = typer.Typer(help="Keep logs of signed entries and prove what they say.", no_args_is_help=True)
COLUMNS = ("sequence", "log", "version", "bytes", "recordedAt")


def _row(record: Record) -> tuple[str, ...]:
    size, when = str(len(record.data)), record.recorded_at.isoformat()
    return str(record.sequence), record.log, str(record.version), size, when


def _existing(url: str, **options: Any) -> registry.OpenRegistry:
    scheme, _, location = url.partition(":")
    if scheme == "file" and not Path(location).exists():
        raise InvalidInputError(
            f"there is no registry at {url}; make it with: cityid registry init"
        )
    return registry.connect(url, **options)


@app.command()
def init(
    url: Url,
    *,
    origin: Annotated[str | None, typer.Option(help="Its name in checkpoints.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a registry, or open one and tell its state."""
    with registry.connect(url, origin=origin) as ledger:
        checkpoint = ledger.checkpoint()
    rows = [(checkpoint.origin, str(checkpoint.size))]
    answer("Registry", ("origin", "records"), rows, as_json=as_json)


@app.command()
def append(url: Url, log: Log, entry: Document, *, as_json: AsJson = False) -> None:
    """Append one entry to a log, as its next version."""
    data = read(entry)
    with _existing(url) as ledger:
        head = ledger.head(log)
        (record,) = ledger.append([NewEntry(log, head.version + 1 if head else 1, data)])
    answer("Record", COLUMNS, [_row(record)], as_json=as_json)


@app.command()
def read_log(url: Url, log: Log, *, as_json: AsJson = False) -> None:
    """List the entries of a log."""
    with _existing(url) as ledger:
        rows = [_row(record) for record in ledger.read(log)]
    answer("Records", COLUMNS, rows, as_json=as_json)


@app.command()
def checkpoint(
    url: Url,
    *,
    operator: Operator = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the checkpoint over all records: a signed note when an operator is named."""
    signer = open_store(store, passphrase_file).signer(operator) if operator else None
    with _existing(url, operator=signer) as ledger:
        stated = ledger.checkpoint()
    if as_json:
        write({"origin": stated.origin, "size": stated.size, "note": stated.note})
    else:
        print(stated.note, end="")


@app.command()
def prove(url: Url, log: Log, version: Annotated[int, typer.Argument()]) -> None:
    """Print a proof, checkable offline, that a record is in the registry."""
    with _existing(url) as ledger:
        records = ledger.read(log, after=version - 1, limit=1)
        if not records:
            raise NotFoundError(f"the log has no version {version}", ref=log)
        print(registry.prove(ledger, records[0]).to_text(), end="")
