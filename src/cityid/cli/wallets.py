"""``cityid wallet``: the holder's encrypted file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cityid.cli.documents import read_object
from cityid.cli.exits import warn
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import AsJson, Document, KeyStorePath, PassphraseFile, WalletPath
from cityid.cli.output import answer, confirm, say_json
from cityid.cli.passphrases import passphrase
from cityid.errors import Code, NotFoundError
from cityid.report import Problem
from cityid.wallet import Wallet

WALLET = Path("cityid.wallet")
Id = Annotated[str, typer.Argument(help="The credential's id in the wallet.")]

app = typer.Typer(help="Keep credentials in an encrypted file.", no_args_is_help=True)


def open_wallet(path: Path, passphrase_file: Path | None) -> Wallet:
    """Open a wallet with the passphrase that the user gives.

    Raises:
        NotFoundError: There is none.
    """
    if not path.exists():
        raise NotFoundError(
            f"there is no wallet {path}; make it with: cityid wallet add FILE", ref=str(path)
        )
    return Wallet.open(path, passphrase(passphrase_file))


def _opened_or_made(path: Path, passphrase_file: Path | None) -> Wallet:
    new = not path.exists()
    secret = passphrase(passphrase_file, new=new)
    return Wallet.create(path, secret) if new else Wallet.open(path, secret)


@app.command()
def add(
    credential: Document,
    *,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a credential; the wallet is made where it is not there yet."""
    document = read_object(credential)
    identifier = _opened_or_made(wallet, passphrase_file).put(document, name)
    if "proof" not in document:
        unsigned = "the credential is not signed: nobody will believe it"
        warn(Problem(Code.NOT_VERIFIED, unsigned, "ask the issuer for it"), as_json=as_json)
    confirm({"id": identifier}, identifier, as_json=as_json)


@app.command(name="add-key")
def add_key(
    name: Annotated[str, typer.Argument(help="The key's name in the key store.")],
    *,
    store: KeyStorePath = STORE,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    keys_passphrase_file: Annotated[
        Path | None, typer.Option(help="The key store's passphrase; else the wallet's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy a key of the key store into the wallet, under the same name.

    So that a backup of the wallet holds the key that its credentials are bound to.
    """
    key = open_store(store, keys_passphrase_file or passphrase_file).signer(name)
    _opened_or_made(wallet, passphrase_file).add_key(name, key)
    confirm({"added": name}, f"added: {name}", as_json=as_json)


@app.command(name="keys")
def list_keys(
    *, wallet: WalletPath = WALLET, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """List the keys: names, types and public halves."""
    opened = open_wallet(wallet, passphrase_file)
    public = [(name, opened.signer(name).public_key) for name in opened.key_names()]
    rows = [(name, key.type.value, key.multikey) for name, key in public]
    answer("Keys", ("name", "type", "publicKeyMultibase"), rows, as_json=as_json)


@app.command(name="list")
def list_credentials(
    *, wallet: WalletPath = WALLET, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """List the credentials."""
    opened = open_wallet(wallet, passphrase_file)
    rows = [
        (entry.id, entry.name, ", ".join(entry.credential.types[1:]), entry.credential.issuer or "")
        for entry in opened.list()
    ]
    answer("Credentials", ("id", "name", "type", "issuer"), rows, as_json=as_json)


@app.command()
def show(
    identifier: Id,
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,  # noqa: ARG001 - a credential is JSON in either form
) -> None:
    """Print a credential."""
    say_json(open_wallet(wallet, passphrase_file).get(identifier).to_dict())


@app.command()
def remove(
    identifier: Id,
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete a credential for good."""
    open_wallet(wallet, passphrase_file).delete(identifier)
    confirm({"removed": identifier}, f"removed: {identifier}", as_json=as_json)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The new file.")],
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    backup_passphrase_file: Annotated[
        Path | None, typer.Option(help="Another passphrase for the backup; else the wallet's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write an encrypted copy, with the wallet's keys; a file that is there is never replaced."""
    secret = passphrase(passphrase_file)
    other = secret if backup_passphrase_file is None else passphrase(backup_passphrase_file)
    opened = Wallet.open(wallet, secret)
    opened.backup(target, other)
    whose = "the wallet's passphrase opens it" if other == secret else "it has its own passphrase"
    text = f"written: {target}, {_counted(opened)}; {whose}"
    confirm({"backup": str(target)} | _counts(opened), text, as_json=as_json)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="The backup.")],
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a new wallet out of a backup, as after the loss of a device."""
    restored = Wallet.restore(source, wallet, passphrase(passphrase_file))
    fact = {"wallet": str(wallet)} | _counts(restored)
    confirm(fact, f"restored: {wallet}, {_counted(restored)}", as_json=as_json)


def _counts(wallet: Wallet) -> dict[str, Any]:
    return {"credentials": len(wallet.list()), "keys": len(wallet.key_names())}


def _counted(wallet: Wallet) -> str:
    return ", ".join(f"{count} {what}" for what, count in _counts(wallet).items())
