"""``cityid keys``: the encrypted key store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityid import keys
from cityid.cli.documents import answer, passphrase, write
from cityid.cli.options import AsJson, KeyStorePath, PassphraseFile
from cityid.keys import KeyStore

STORE = Path("cityid.keys")

app = typer.Typer(help="Make and list keys in an encrypted file.", no_args_is_help=True)


def open_store(path: Path, passphrase_file: Path | None) -> KeyStore:
    """Open a key store with the passphrase that the user gives."""
    return KeyStore.open(path, passphrase(passphrase_file))


@app.command()
def generate(
    name: Annotated[str, typer.Argument(help="What to call the key.")],
    *,
    key_type: Annotated[str, typer.Option("--type", help="Ed25519, P-256, …")] = "Ed25519",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; the store is made where it is not there yet."""
    secret = passphrase(passphrase_file)
    opened = KeyStore.open(store, secret) if store.exists() else KeyStore.create(store, secret)
    key = keys.generate(key_type)
    opened.add(name, key)
    _tell([name], opened, as_json=as_json)


@app.command(name="list")
def list_keys(
    *,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """List the keys: names, types and public halves."""
    opened = open_store(store, passphrase_file)
    _tell(opened.names(), opened, as_json=as_json)


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    *,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Print the public key as Multikey and JWK; the secret half never leaves the store."""
    public = open_store(store, passphrase_file).public_key(name)
    write({"type": public.type.value, "publicKeyMultibase": public.multikey, "jwk": public.jwk})


def _tell(names: list[str] | tuple[str, ...], store: KeyStore, *, as_json: bool) -> None:
    rows = [
        (name, store.public_key(name).type.value, store.public_key(name).multikey) for name in names
    ]
    answer("Keys", ("name", "type", "publicKeyMultibase"), rows, as_json=as_json)
