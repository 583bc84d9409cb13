"""``cityid wallet``: the holder's encrypted file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityid.cli.documents import read_object
from cityid.cli.options import AsJson, Document, PassphraseFile, WalletPath
from cityid.cli.output import answer, confirm, say_json
from cityid.cli.passphrases import passphrase
from cityid.wallet import Wallet

WALLET = Path("cityid.wallet")
Id = Annotated[str, typer.Argument(help="The credential's id in the wallet.")]

app = typer.Typer(help="Keep credentials in an encrypted file.", no_args_is_help=True)


def _open(path: Path, passphrase_file: Path | None) -> Wallet:
    return Wallet.open(path, passphrase(passphrase_file))


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
    new = not wallet.exists()
    secret = passphrase(passphrase_file, new=new)
    opened = Wallet.create(wallet, secret) if new else Wallet.open(wallet, secret)
    identifier = opened.put(document, name)
    confirm({"id": identifier}, identifier, as_json=as_json)


@app.command(name="list")
def list_credentials(
    *, wallet: WalletPath = WALLET, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """List the credentials."""
    opened = _open(wallet, passphrase_file)
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
    say_json(_open(wallet, passphrase_file).get(identifier).to_dict())


@app.command()
def remove(
    identifier: Id,
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete a credential for good."""
    _open(wallet, passphrase_file).delete(identifier)
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
    """Write an encrypted copy, keys included; a file that is there is never replaced."""
    secret = passphrase(passphrase_file)
    other = secret if backup_passphrase_file is None else passphrase(backup_passphrase_file)
    Wallet.open(wallet, secret).backup(target, other)
    confirm({"backup": str(target)}, f"written: {target}", as_json=as_json)


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
    count = len(restored.list())
    fact = {"wallet": str(wallet), "credentials": count}
    confirm(fact, f"restored: {wallet}, {count} credentials", as_json=as_json)
