"""``cityid freeze``: a holder stops what was stolen, and a freeze office does so and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from cityid import freeze, status
from cityid.cli.dids import identity, resolver
from cityid.cli.documents import demand_one_reader, moment, read, read_object
from cityid.cli.exits import REFUSED
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
    Force,
    KeyStorePath,
    Online,
    Output,
    PassphraseFile,
)
from cityid.cli.output import answer, confirm, deliver
from cityid.cli.registries import Url, open_registry
from cityid.errors import Code, InvalidInputError
from cityid.freeze import FreezeOffice
from cityid.keys import KeyStore
from cityid.status import Allocator
from cityid.strict_json import JSONObject

app = typer.Typer(
    help="Freeze stolen credentials at the request of their holders.", no_args_is_help=True
)

ListUrl = Annotated[str, typer.Argument(metavar="LIST", help="The URL of the office's list.")]
Evidence = Annotated[
    str,
    typer.Option(
        "--evidence",
        envvar="CITYID_EVIDENCE",
        help="The office's own registry of places and requests, which nobody else may read.",
    ),
]


class _Finding(NamedTuple):
    """How the holders' keys are found."""

    did_document: list[str] | None = None
    online: bool = False


_NOTHING_AT_HAND = _Finding()


class Action(StrEnum):
    """What a holder may ask for."""

    FREEZE = freeze.FREEZE
    LIFT = freeze.LIFT


@app.command()
def enrol(
    url: Url,
    listed: ListUrl,
    holder: Annotated[str, typer.Argument(help="The DID that the credential will be bound to.")],
    *,
    evidence: Evidence,
    recovery: Annotated[
        str | None, typer.Option(help="The DID that alone may lift the freeze; else the holder.")
    ] = None,
    output: Output = None,
    force: Force = False,
    allocator: AllocatorPath = ALLOCATOR,
    key: ActingKey = None,
    acting: Acting = "key",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Give a holder a place; put what is printed into the credential's credentialStatus."""
    places = status.FileAllocator(allocator)
    held = open_store(store, passphrase_file)
    with _office((url, listed, evidence), acting, key, held, allocator=places) as office:
        entry = office.enrol(holder, recovery=recovery)
    deliver(entry, output, replace=force, as_json=as_json)


@app.command()
def number(
    url: Url,
    listed: ListUrl,
    document: Document,
    *,
    evidence: Evidence,
    key: ActingKey = None,
    acting: Acting = "key",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell the number that the next request about a credential must have."""
    entry = _entry(read_object(document), listed)
    held = open_store(store, passphrase_file)
    with _office((url, listed, evidence), acting, key, held) as office:
        next_ = office.sequence(entry)
    confirm({"number": next_}, str(next_), as_json=as_json)


@app.command()
def request(
    action: Annotated[Action, typer.Argument(help="freeze or lift.")],
    document: Annotated[
        str, typer.Argument(help="The credential, or its entry for the list; - for standard input.")
    ],
    *,
    number: Annotated[int, typer.Option(min=1, help="The number that the office expects next.")],
    listed: Annotated[
        str | None, typer.Option("--list", help="The office's list, if the credential names more.")
    ] = None,
    output: Output = None,
    force: Force = False,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a request to the freeze office, as the holder; it counts for fifteen minutes."""
    entry = _entry(read_object(document), listed)
    asked = freeze.request(
        action.value,
        entry,
        by=identity(acting, key, open_store(store, passphrase_file)),
        sequence=number,
        at=moment(at),
    )
    deliver(asked, output, replace=force, as_json=as_json)


@app.command()
def act(
    url: Url,
    listed: ListUrl,
    asked: Annotated[
        str, typer.Argument(metavar="REQUEST", help="The request; - for standard input.")
    ],
    *,
    evidence: Evidence,
    did_document: DIDDocuments = None,
    online: Online = False,
    key: ActingKey = None,
    acting: Acting = "key",
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Freeze or lift what a request asks for, if whoever may ask for it has signed it."""
    demand_one_reader([asked, *(did_document or ())])
    held = open_store(store, passphrase_file)
    finding = _Finding(did_document, online)
    with _office((url, listed, evidence), acting, key, held, finding=finding) as office:
        record = office.act(read(asked), at=moment(at))
    fact = {"list": listed, "done": True, "version": record.version}
    confirm(fact, f"done: {listed} is at version {record.version}", as_json=as_json)


@app.command()
def audit(
    url: Url,
    listed: ListUrl,
    *,
    evidence: Evidence,
    did_document: DIDDocuments = None,
    online: Online = False,
    key: ActingKey = None,
    acting: Acting = "key",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold the list against the requests; exit status 1 when a place is set without one."""
    held = open_store(store, passphrase_file)
    finding = _Finding(did_document, online)
    with _office((url, listed, evidence), acting, key, held, finding=finding) as office:
        problems = office.audit()
    answer("Freeze", ("problem",), [(each.title,) for each in problems], as_json=as_json)
    if problems:
        raise typer.Exit(REFUSED)


@contextmanager
def _office(
    lists: tuple[str, str, str],
    acting: str,
    key: str | None,
    held: KeyStore,
    *,
    allocator: Allocator | None = None,
    finding: _Finding = _NOTHING_AT_HAND,
) -> Iterator[FreezeOffice]:
    url, listed, evidence = lists
    with open_registry(url) as ledger, open_registry(evidence) as private:
        suspended = status.reopen(
            ledger,
            identity(acting, key, held, ledger),
            listed,
            allocator=allocator or status.MemoryAllocator(),  # requests take no place
        )
        found = resolver(finding.did_document, online=finding.online, registry=ledger)
        yield FreezeOffice(suspended, private, found)


def _entry(document: JSONObject, listed: str | None) -> JSONObject:
    """Return the entry of a credential that names the office's list; an entry stands for itself.

    Raises:
        InvalidInputError: There is none, or there are several and no list is named.
    """
    held = document.get("credentialStatus", document)
    found = [
        entry
        for entry in (held if isinstance(held, list) else [held])
        if isinstance(entry, dict)
        and entry.get("statusPurpose") == "suspension"
        and listed in (None, entry.get("statusListCredential"))
    ]
    if len(found) != 1:
        raise InvalidInputError(
            f"the document names {len(found)} lists for suspension here, where one is meant: "
            "say which with --list URL",
            code=Code.INVALID_OPTIONS,
        )
    return found[0]
