"""The tree of commands."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cityid import __version__, demo, display
from cityid.cli import credentials, dids, keystore, registries, wallets
from cityid.cli.documents import answer
from cityid.cli.options import AsJson

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
    ("VC JSON Schema", "JsonSchema, Candidate Recommendation Draft of 2025-02-04"),
    ("DID methods", "did:key, did:jwk, did:peer 0, 2 and 4, did:web"),
    ("Merkle log", "RFC 6962 and 9162 hashing, C2SP tlog-checkpoint"),
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
app.add_typer(registries.app, name="registry")
app.add_typer(credentials.schemas, name="schema")
credentials.add_to(app)


@app.command()
def specs(*, as_json: AsJson = False) -> None:
    """Print each standard and the version that is implemented."""
    answer("Standards", ("standard", "version"), SPECIFICATIONS, as_json=as_json)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@app.command(name="demo")
def play_demo(
    folder: Annotated[
        Path | None, typer.Option(help="An empty folder to keep the files in; else they go.")
    ] = None,
) -> None:
    """Play the main job: a city issues, citizens hold and present, services verify."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _play(folder)
        return
    with tempfile.TemporaryDirectory(prefix="cityid-") as room:
        _play(Path(room))


def _play(folder: Path) -> None:
    for number, scene in enumerate(demo.play(folder, at=datetime.now(UTC)), start=1):
        print(f"\n{number}. {scene.title}\n{scene.text}\n")
        print(display.table("", scene.columns, scene.rows), end="")
