"""The tree of commands."""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cityid import __version__, demo, display
from cityid.cli import (
    audits,
    chains,
    credentials,
    dids,
    freezes,
    keystore,
    registries,
    statuses,
    trusts,
    wallets,
)
from cityid.cli.access import (
    Access,
    ChainId,
    Confirmations,
    Endpoints,
    OutboxFile,
    Quorum,
    SignerKeys,
    SignerName,
    SignerPassphraseFile,
    StoredSigner,
    TrustedBlockText,
    reach_by,
)
from cityid.cli.keystore import STORE
from cityid.cli.options import AsJson
from cityid.cli.output import answer, confirm, say, say_json
from cityid.display import screen
from cityid.errors import Code, InvalidInputError

_LONG_DID = re.compile(r"(did:key:z\w{5})\w{30,}(\w{6})", re.ASCII)

SPECIFICATIONS = (
    ("DID Core", "1.0, Recommendation of 2022-07-19; reads 1.1, Candidate of 2026-03-05"),
    ("DID Resolution", "Candidate Recommendation of 2026-07-23"),
    ("Controlled Identifiers", "1.0, Recommendation of 2025-05-15"),
    ("VC Data Model", "2.0, Recommendation of 2025-05-15; reads 1.1"),
    ("VC Data Integrity", "1.0, Recommendation of 2025-05-15"),
    ("EdDSA cryptosuites", "eddsa-rdfc-2022, eddsa-jcs-2022, Recommendation of 2025-05-15"),
    ("ECDSA cryptosuites", "ecdsa-rdfc-2019, ecdsa-jcs-2019, Recommendation of 2025-05-15"),
    ("RDF Dataset Canonicalization", "RDFC-1.0, Recommendation of 2024-05-21"),
    ("JSON Canonicalization Scheme", "RFC 8785"),
    (
        "VC JSON Schema",
        "JsonSchema, JsonSchemaCredential, Candidate Recommendation Draft of 2025-02-04",
    ),
    ("VC Recognized Entities", "1.0, Working Draft of 2026-08-02"),
    ("Bitstring Status List", "1.0, Recommendation of 2025-05-15"),
    ("Token Status List", "draft 21 of the IETF, as a JWT"),
    ("DID methods", "did:key, did:jwk, did:peer 0, 2 and 4, did:web, did:webvh 1.0, did:ethr"),
    ("Chains", "EVM from London on; EIP-155, EIP-1559, EIP-1186 proofs; ERC-1056 for did:ethr"),
    ("Merkle log", "RFC 6962 and 9162; C2SP checkpoints, cosignatures, proofs and tiles"),
)

app = typer.Typer(
    name="cityid",
    help="Decentralized identity for cities: issue, hold, present, verify.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(keystore.app, name="keys")
app.add_typer(dids.app, name="did")
app.add_typer(wallets.app, name="wallet")
audits.add_to(registries.app)
chains.add_to(registries.app)
app.add_typer(registries.app, name="registry")
app.add_typer(statuses.app, name="status")
app.add_typer(trusts.app, name="trust")
app.add_typer(freezes.app, name="freeze")
app.add_typer(credentials.schemas, name="schema")
credentials.add_to(app)


def _print_version(asked: bool) -> None:
    if asked:
        say(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    signer: SignerName = None,
    signer_keys: SignerKeys = STORE,
    signer_passphrase_file: SignerPassphraseFile = None,
    outbox: OutboxFile = None,
    endpoint: Endpoints = None,
    quorum: Quorum = 1,
    confirmations: Confirmations = None,
    trusted_block: TrustedBlockText = None,
    chain_id: ChainId = None,
) -> None:
    """Decentralized identity for cities: issue, hold, present, verify."""
    writer = StoredSigner(signer, signer_keys, signer_passphrase_file) if signer else None
    reach_by(
        Access(
            writer, tuple(endpoint or ()), quorum, confirmations, trusted_block, outbox, chain_id
        )
    )


@app.command()
def specs(*, as_json: AsJson = False) -> None:
    """Print each standard and the version that is implemented."""
    answer("Standards", ("standard", "version"), SPECIFICATIONS, as_json=as_json)


@app.command()
def version(*, as_json: AsJson = False) -> None:
    """Print the version."""
    confirm({"version": __version__}, __version__, as_json=as_json)


@app.command(name="demo")
def play_demo(
    folder: Annotated[
        Path | None, typer.Option(help="An empty folder to keep the files in; else they go.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Play the main job: a city issues, citizens hold and present, services verify."""
    if folder is not None:
        _demand_empty(folder)
        _play(folder, as_json=as_json)
        return
    with tempfile.TemporaryDirectory(prefix="cityid-") as room:
        _play(Path(room), as_json=as_json)


def _demand_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise InvalidInputError(
            f"{folder} is no folder to write to: {error.strerror}", code=Code.INVALID_OPTIONS
        ) from error
    if taken:
        raise InvalidInputError(
            f"{folder} is not empty; the demo overwrites nothing", code=Code.INVALID_OPTIONS
        )


def _play(folder: Path, *, as_json: bool) -> None:
    told = []
    with screen.progress("Issuing") as progress:
        for scene in demo.play(folder, at=datetime.now(UTC), progress=progress):
            rows = [dict(zip(scene.columns, row, strict=True)) for row in scene.rows]
            told.append({"title": scene.title, "text": scene.text, "rows": rows})
            if not as_json:
                _show(len(told), scene)
    if as_json:
        say_json(told)


def _show(number: int, scene: demo.Scene) -> None:
    rows = [[_shortened(value) for value in row] for row in scene.rows]
    say("\n" + screen.heading(f"{number}. {scene.title}", scene.text) + "\n")
    say(display.table("", scene.columns, rows))


def _shortened(value: str) -> str:
    """Cut the middle out of a did:key: a person compares its ends."""
    return _LONG_DID.sub(r"\1…\2", value)
