"""``cityid wallet``: the holder's encrypted file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityid.cli.documents import answer, passphrase, read, write
from cityid.cli.options import AsJson, Document, PassphraseFile, WalletPath
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
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a credential; the wallet is made where it is not there yet."""
    secret = passphrase(passphrase_file)
    opened = Wallet.open(wallet, secret) if wallet.exists() else Wallet.create(wallet, secret)
    identifier = opened.put(read(credential))
    if as_json:
        write({"id": identifier})
    else:
        print(identifier)


@app.command(name="list")
def list_credentials(
    *, wallet: WalletPath = WALLET, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> None:
    """List the credentials."""
    opened = _open(wallet, passphrase_file)
    rows = [
        (entry.id, ", ".join(entry.credential.types[1:]), str(entry.credential.issuer))
        for entry in opened.list()
    ]
    answer("Credentials", ("id", "type", "issuer"), rows, as_json=as_json)


@app.command()
def show(
    identifier: Id, *, wallet: WalletPath = WALLET, passphrase_file: PassphraseFile = None
) -> None:
    """Print a credential."""
    write(_open(wallet, passphrase_file).get(identifier).to_dict())


@app.command()
def remove(
    identifier: Id, *, wallet: WalletPath = WALLET, passphrase_file: PassphraseFile = None
) -> None:
    """Delete a credential."""
    _open(wallet, passphrase_file).delete(identifier)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The new file.")],
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write an encrypted copy, under the same passphrase."""
    secret = passphrase(passphrase_file)
    Wallet.open(wallet, secret).backup(target, secret)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="The backup.")],
    *,
    wallet: WalletPath = WALLET,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a new wallet out of a backup, as after the loss of a device."""
    Wallet.restore(source, wallet, passphrase(passphrase_file))
