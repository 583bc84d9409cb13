"""``cityid did`` for DIDs with a history: ``rotate``, ``recover``, ``log`` and the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cityid import did
from cityid.cli.documents import moment_if_given, read
from cityid.cli.keystore import STORE, open_or_make_store, open_store
from cityid.cli.options import (
    AsJson,
    At,
    Force,
    KeyName,
    KeyStorePath,
    Output,
    PassphraseFile,
    RegistryUrl,
)
from cityid.cli.output import answer, confirm, save, say, say_json
from cityid.cli.places import (
    LogFile,
    Place,
    RecoveryPassphraseFile,
    WitnessFile,
    entries,
    tell,
)
from cityid.cli.registries import open_registry
from cityid.did import Identity
from cityid.did.methods.webvh.witness import MAX_WITNESS_BYTES
from cityid.keys import KeyStore

Name = Annotated[str, typer.Argument(metavar="DID", help="The DID.")]
NewKeyType = Annotated[
    str | None, typer.Option("--type", help="Type of the new key; else that of the old one.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``cityid did``."""
    for command in (rotate, recover, move, deactivate, witness, approve, export):
        app.command()(command)
    app.command(name="log")(list_log)
    app.command(name="import")(import_log)


def rotate(
    name: Name,
    *,
    key_type: NewKeyType = None,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a new key act; what the old one issued still verifies."""
    keyring = open_store(store, passphrase_file)
    _change(
        Place(registry, log, proofs),
        name,
        keyring,
        lambda identity: identity.rotate(key_type=key_type, at=moment_if_given(at)),
        as_json=as_json,
    )


def recover(
    name: Name,
    *,
    recovery: Annotated[
        Path, typer.Option(help="The recovery key store, or a copy of the lost one.")
    ],
    recovery_passphrase_file: RecoveryPassphraseFile = None,
    revoke: Annotated[
        bool, typer.Option(help="Whether the old keys prove nothing any more; not if merely lost.")
    ] = True,
    revoked_from: Annotated[
        str | None, typer.Option(help="Since when the old keys prove nothing; else from now on.")
    ] = None,
    key_type: NewKeyType = None,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a DID back after its keys were stolen, or lost: then with --no-revoke.

    New keys go to the key store, which is made where it is not there yet.
    """
    since = moment_if_given(revoked_from)
    source = open_store(recovery, recovery_passphrase_file or passphrase_file)
    keyring = open_or_make_store(store, passphrase_file)
    _change(
        Place(registry, log, proofs),
        name,
        keyring,
        lambda identity: identity.recover(
            source, revoke=revoke, revoked_from=since, key_type=key_type, at=moment_if_given(at)
        ),
        as_json=as_json,
    )


def move(
    name: Name,
    *,
    domain: Annotated[str, typer.Option(help="The host from now on.")],
    path: Annotated[str, typer.Option(help="The path below it.")] = "",
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a portable DID to another place on the web."""
    keyring = open_store(store, passphrase_file)
    _change(
        Place(registry, log, proofs),
        name,
        keyring,
        lambda identity: identity.move(domain, path=path, at=moment_if_given(at)),
        as_json=as_json,
    )


def deactivate(
    name: Name,
    *,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Give a DID up for good."""
    keyring = open_store(store, passphrase_file)
    _change(
        Place(registry, log, proofs),
        name,
        keyring,
        lambda identity: identity.deactivate(at=moment_if_given(at)),
        as_json=as_json,
    )


def list_log(
    name: Name,
    *,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of a DID; --json prints the entries of its log."""
    place = Place(registry, log, proofs)
    with place.opened(reading=True) as ledger:
        found = entries(place.load(name, ledger))
    if as_json:
        say_json(found)
        return
    rows = [
        (
            entry["versionId"].partition("-")[0],
            entry["versionTime"],
            ", ".join(sorted(entry["parameters"])),
            len(entry["state"].get("verificationMethod", ())),
        )
        for entry in found
    ]
    answer("Versions", ("version", "time", "parameters", "keys"), rows, as_json=False)


def witness(
    name: Name,
    *,
    key: KeyName,
    log: LogFile = None,
    proofs: WitnessFile = None,
    known_version: Annotated[
        str | None, typer.Option(help="The versionId approved last; a log without it is refused.")
    ] = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Approve the last version of a log as a witness; prints a did-witness.json."""
    by = did.create("key", signer=open_store(store, passphrase_file).signer(key))
    place = Place(log=log, witness=proofs)
    text, approvals = place.files()
    approval = did.witness(
        name,
        text,
        by=by,
        witness_proofs=approvals,
        known_version=known_version,
        at=moment_if_given(at),
    )
    if output is None:
        say(f"{approval}\n")
        return
    save(output, approval.encode(), replace=force)
    confirm({"written": str(output)}, f"written: {output}", as_json=as_json)


def approve(
    name: Name,
    approval: Annotated[list[str], typer.Argument(help="Files that witnesses sent.")],
    *,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Add approvals to the change that waits in --log; when they suffice, it is published."""
    place = Place(registry, log, proofs)
    files = [read(source, most=MAX_WITNESS_BYTES) for source in approval]
    with place.opened() as ledger:
        approved = place.load_waiting(name, ledger).add_witness_proofs(
            *files, at=moment_if_given(at)
        )
        place.keep(approved)
    tell(approved, as_json=as_json)


def export(
    name: Name,
    *,
    registry: Annotated[str, typer.Option("--registry", help="The registry with the log.")],
    log: Annotated[Path, typer.Option("--log", help="The file to write.")] = Path("did.jsonl"),
    proofs: WitnessFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a log of the registry to did.jsonl, its approvals to did-witness.json."""
    place = Place(registry, log, proofs)
    with place.opened(reading=True) as ledger:
        identity = place.load(name, ledger)
        place.keep(identity)
    tell(identity, as_json=as_json)


def import_log(
    name: Name,
    *,
    registry: Annotated[str, typer.Option("--registry", help="The registry to write to.")],
    log: Annotated[Path, typer.Option("--log", help="The file to read.")] = Path("did.jsonl"),
    proofs: WitnessFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a log from did.jsonl into the registry, as far as it is not there yet."""
    place = Place(registry, log, proofs)
    with open_registry(registry) as ledger:
        identity = place.load_waiting(name, None).publish(ledger)
    tell(identity, as_json=as_json)


def _change(
    place: Place,
    name: str,
    keyring: KeyStore,
    change: Callable[[Identity], Identity],
    *,
    as_json: bool,
) -> None:
    with place.opened() as ledger:
        found = place.load(name, ledger, keyring)
        place.demand_own(found)
        changed = change(found)
        place.keep(changed)
    tell(changed, as_json=as_json)
