"""``cityid registry``: the logs, their checkpoint, and proofs of single records."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Annotated

import typer

from cityid import registry
from cityid.cli.access import connect, on_chain
from cityid.cli.documents import demand_one_reader, read, read_text
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import AsJson, Document, KeyStorePath, PassphraseFile
from cityid.cli.output import answer, say, say_json
from cityid.errors import Code, InvalidInputError, NotFoundError
from cityid.keys import Signer
from cityid.registry import NewEntry, OpenRegistry, Record, check_growth, claim_growth

Url = Annotated[str, typer.Argument(help="The registry, such as file:city.registry.")]
Log = Annotated[str, typer.Argument(help="The log's name.")]
Operator = Annotated[
    str | None, typer.Option("--operator", help="Key in the key store that signs checkpoints.")
]
Known = Annotated[
    str | None, typer.Option(help="File with an earlier checkpoint: refuse any other history.")
]
CheckpointFile = Annotated[
    str | None, typer.Option("--checkpoint", help="File with a signed checkpoint, else a new one.")
]
AnchoredIn = Annotated[
    str | None,
    typer.Option("--anchored-in", help="The registry, such as one on a chain, with its anchors."),
]

app = typer.Typer(help="Keep logs of signed entries and prove what they say.", no_args_is_help=True)
COLUMNS = ("sequence", "log", "version", "bytes", "sha256", "recordedAt")


def open_registry(
    url: str,
    operator: Signer | None = None,
    *,
    known: str | None = None,
    reading: bool = False,
) -> OpenRegistry:
    """Open a registry that is there; none is made by asking for it.

    Args:
        url: Its address.
        operator: Who signs its checkpoints.
        known: A file with an earlier checkpoint, from which it must have grown.
        reading: Whether nothing is to be written, so that no key of a chain is needed.

    Raises:
        InvalidInputError: There is no such registry, or the address is malformed.
        RegistryError: It cannot be read; CorruptError where it is damaged.
    """
    if (path := registry_file(url)) and not path.exists():
        raise InvalidInputError(
            f"there is no registry {url}; make it with: cityid registry init {url}",
            code=Code.INVALID_OPTIONS,
        )
    earlier = None if known is None else read_text(known)
    ledger = connect(url, operator=operator, reading=reading)
    if earlier is not None:
        try:
            check_growth(ledger, earlier)
        except BaseException:
            ledger.close()
            raise
    return ledger


def registry_file(url: str) -> Path | None:
    """Return the file of a registry; None where it is not kept in one."""
    scheme, _, location = url.partition(":")
    return Path(location.removeprefix("//")) if scheme == "file" and location else None


def row(record: Record) -> tuple[object, ...]:
    """Return a record as a row below `COLUMNS`."""
    digest = hashlib.sha256(record.data).hexdigest()
    when = record.recorded_at.isoformat()
    return record.sequence, record.log, record.version, len(record.data), digest, when


def operator_of(name: str | None, store: Path, passphrase_file: Path | None) -> Signer | None:
    """Return the key of a store that signs checkpoints; None where none is named."""
    return None if name is None else open_store(store, passphrase_file).signer(name)


@app.command()
def init(
    url: Url,
    *,
    origin: Annotated[
        str | None, typer.Option(help="Its name in checkpoints, such as city.example/registry.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a registry; one that is there is left alone."""
    if (path := registry_file(url)) and path.exists():
        raise InvalidInputError(
            f"there is a file {path} already; a registry is never replaced",
            code=Code.INVALID_OPTIONS,
        )
    if on_chain(url):
        raise InvalidInputError(
            "a registry on a chain is made with: cityid registry deploy URL",
            code=Code.INVALID_OPTIONS,
        )
    with connect(url, origin=origin) as ledger:
        stated = ledger.checkpoint()
    rows = [(url, stated.origin, stated.size)]
    answer("Registry", ("registry", "origin", "size"), rows, as_json=as_json)


@app.command()
def append(
    url: Url, log: Log, entry: Document, *, known: Known = None, as_json: AsJson = False
) -> None:
    """Append one entry to a log, as its next version."""
    demand_one_reader([entry, *filter(None, [known])])
    data = read(entry)
    with open_registry(url, known=known) as ledger:
        head = ledger.head(log)
        (record,) = ledger.append([NewEntry(log, head.version + 1 if head else 1, data)])
    answer("Record", COLUMNS, [row(record)], as_json=as_json)


@app.command(name="log")
def list_log(url: Url, log: Log, *, known: Known = None, as_json: AsJson = False) -> None:
    """List the entries of a log; --json holds their bytes, in base64."""
    with open_registry(url, known=known, reading=True) as ledger:
        records = ledger.read(log)
    if as_json:
        rows = [dict(zip(COLUMNS, row(record), strict=True)) for record in records]
        data = [base64.b64encode(record.data).decode() for record in records]
        say_json([row | {"data": text} for row, text in zip(rows, data, strict=True)])
    else:
        answer("Records", COLUMNS, map(row, records), as_json=False)


@app.command()
def checkpoint(
    url: Url,
    *,
    operator: Operator = None,
    known: Known = None,
    since: Annotated[
        int | None, typer.Option(min=0, help="Add the proof of growth since this size, to cosign.")
    ] = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the checkpoint over all records: a signed note when an operator is named."""
    signer = operator_of(operator, store, passphrase_file)
    with open_registry(url, signer, known=known, reading=True) as ledger:
        stated = ledger.checkpoint()
        claim = None if since is None else claim_growth(ledger, since=since, checkpoint=stated)
    text = stated.note if claim is None else claim.to_text()
    if as_json:
        root = base64.b64encode(stated.root).decode()
        say_json({"origin": stated.origin, "size": stated.size, "root": root, "note": text})
    else:
        say(text)


@app.command()
def prove(
    url: Url,
    log: Log,
    version: Annotated[int, typer.Argument(min=1, help="The entry's version.")],
    *,
    checkpoint: CheckpointFile = None,
    anchored_in: AnchoredIn = None,
    known: Known = None,
    operator: Operator = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Print a proof, checkable offline, that a record is in the registry.

    With --anchored-in it proves that the record existed before its first anchor.
    """
    if checkpoint is not None and anchored_in is not None:
        raise InvalidInputError(
            "an anchor is a checkpoint itself: give --checkpoint or --anchored-in",
            code=Code.INVALID_OPTIONS,
        )
    stated = None if checkpoint is None else registry.read_checkpoint(read_text(checkpoint))
    signer = operator_of(operator, store, passphrase_file)
    with open_registry(url, signer, known=known, reading=True) as ledger:
        records = ledger.read(log, after=version - 1, limit=1)
        if not records:
            raise NotFoundError(f"the log has no version {version}", ref=log)
        if anchored_in is None:
            proof = registry.prove(ledger, records[0], stated).to_text()
        else:
            key = None if signer is None else signer.public_key
            with open_registry(anchored_in, reading=True) as chain:
                found = registry.prove_existence(ledger, records[0], chain, operator=key)
            proof = found.to_json() + "\n"
    if as_json:
        say_json({"log": log, "version": version, "proof": proof})
    else:
        say(proof)
