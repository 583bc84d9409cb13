"""``cityid status``: lists that tell what is revoked or suspended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

import cityid
from cityid import policy, status
from cityid.cli.dids import identity, resolver
from cityid.cli.documents import demand_one_reader, moment, moment_if_given, read_object
from cityid.cli.exits import refusal_status
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    ALLOCATOR,
    Acting,
    ActingKey,
    AllocatorPath,
    AsJson,
    At,
    DIDDocuments,
    Document,
    KeyStorePath,
    Online,
    PassphraseFile,
)
from cityid.cli.output import answer, confirm
from cityid.cli.registries import Url, open_registry
from cityid.keys import KeyStore
from cityid.registry import Record
from cityid.status import Item, StatusList

app = typer.Typer(
    help="Publish lists of what is revoked or suspended, and look things up in them.",
    no_args_is_help=True,
)

ListUrl = Annotated[str, typer.Argument(metavar="LIST", help="The list's URL.")]
Items = Annotated[
    list[str],
    typer.Argument(metavar="ITEM …", help="Credentials in files, or places in the list."),
]
_LONGEST_PLACE = 12


@app.command()
def create(
    url: Url,
    listed: ListUrl,
    *,
    purpose: Annotated[
        str, typer.Option(help="What it says: revocation, suspension, refresh …")
    ] = "revocation",
    decoys: Annotated[
        int, typer.Option(min=0, help="How many places are set that belong to nobody.")
    ] = 0,
    valid_days: Annotated[
        int | None, typer.Option(min=1, max=36_525, help="How many days each state counts.")
    ] = None,
    allocator: AllocatorPath = ALLOCATOR,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Publish a new list of 131,072 entries, in which nothing is set."""
    with open_registry(url) as ledger:
        made = status.publish(
            ledger,
            identity(acting, key, open_store(store, passphrase_file), ledger),
            listed,
            purpose=purpose,
            decoys=decoys,
            allocator=status.FileAllocator(allocator),
            valid_for=None if valid_days is None else timedelta(days=valid_days),
            at=moment(at),
        )
    fact = {"list": listed, "purpose": purpose, "entries": made.length, "version": 1}
    confirm(fact, f"published {listed}: {made.length:,} entries for {purpose}", as_json=as_json)


@app.command()
def revoke(
    url: Url,
    listed: ListUrl,
    items: Items,
    *,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Revoke credentials for good: one record, however many."""
    with _reopened(url, listed, acting, key, open_store(store, passphrase_file)) as handle:
        record = handle.revoke(_meant(items), at=moment(at))
    _tell(handle, record, "revoked", len(items), as_json=as_json)


@app.command()
def suspend(
    url: Url,
    listed: ListUrl,
    items: Items,
    *,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Suspend credentials until they are lifted."""
    with _reopened(url, listed, acting, key, open_store(store, passphrase_file)) as handle:
        record = handle.suspend(_meant(items), at=moment(at))
    _tell(handle, record, "suspended", len(items), as_json=as_json)


@app.command()
def lift(
    url: Url,
    listed: ListUrl,
    items: Items,
    *,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Lift the suspension of credentials."""
    with _reopened(url, listed, acting, key, open_store(store, passphrase_file)) as handle:
        record = handle.lift(_meant(items), at=moment(at))
    _tell(handle, record, "lifted", len(items), as_json=as_json)


@app.command()
def renew(
    url: Url,
    listed: ListUrl,
    *,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a list anew as it is, so that verifiers who ask for a fresh one are content."""
    with _reopened(url, listed, acting, key, open_store(store, passphrase_file)) as handle:
        record = handle.renew(at=moment(at))
    _tell(handle, record, "renewed", 0, as_json=as_json)


@app.command()
def check(
    url: Url,
    document: Document,
    *,
    did_document: DIDDocuments = None,
    online: Online = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Look up the statuses of a credential, whoever issued it; exit status 1 when one is set.

    Its signature is verified first: nothing is looked up for a forged credential.
    """
    demand_one_reader([document, *(did_document or ())])
    with open_registry(url, reading=True) as ledger:
        result = cityid.verify(
            read_object(document),
            policy=policy.UnsafeAnyIssuer(),
            resolver=resolver(did_document, online=online, registry=ledger),
            registry=ledger,
            at=moment_if_given(at),
        )
    found = {one.path: one for one in result.statuses}
    rows = []
    for asked in result.checks:
        if asked.name == "status" or asked.problem is not None:
            what = found.get(asked.path)
            reasons = [] if asked.problem is None else [asked.problem.title]
            told = "; ".join(reasons if what is None else [*reasons, what.told()])
            rows.append((asked.name, asked.path, asked.outcome.value, told))
    answer("Status", ("check", "path", "outcome", "told"), rows, as_json=as_json)
    if not result.verified:
        raise typer.Exit(refusal_status(result.checks))


@contextmanager
def _reopened(
    url: str, listed: str, acting: str, key: str | None, held: KeyStore
) -> Iterator[StatusList]:
    with open_registry(url) as ledger:
        yield status.reopen(
            ledger,
            identity(acting, key, held, ledger),
            listed,
            allocator=status.MemoryAllocator(),  # changes take no place
        )


def _meant(items: list[str]) -> list[Item]:
    """Return places and credentials as they are named on the command line."""
    demand_one_reader([item for item in items if not _is_place(item)])
    return [int(item) if _is_place(item) else read_object(item) for item in items]


def _is_place(item: str) -> bool:
    return item.isascii() and item.isdecimal() and len(item) <= _LONGEST_PLACE


def _tell(handle: StatusList, record: Record, done: str, count: int, *, as_json: bool) -> None:
    fact = {"list": handle.url, "done": done, "items": count, "version": record.version}
    told = f"{done} {count} in {handle.url}" if count else f"{done} {handle.url}"
    confirm(fact, f"{told}: version {record.version}", as_json=as_json)
