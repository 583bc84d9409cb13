"""``cityid keys``: the encrypted key store."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cityid import keys
from cityid.cli.options import AsJson, KeyStorePath, PassphraseFile
from cityid.cli.output import answer, say_json
from cityid.cli.passphrases import passphrase
from cityid.errors import NotFoundError, UnsupportedError, quote
from cityid.keys import KeyStore, KeyType
from cityid.registry.ethereum.sending.transactions import address

STORE = Path("cityid.keys")
_TYPES = ("Ed25519", "P-256", "P-384", "secp256k1", "X25519")
KeyArgument = Annotated[str, typer.Argument(help="The key's name.")]

app = typer.Typer(help="Make and list keys in an encrypted file.", no_args_is_help=True)


def open_store(path: Path, passphrase_file: Path | None) -> KeyStore:
    """Open a key store with the passphrase that the user gives.

    Raises:
        NotFoundError: There is none.
    """
    if not path.exists():
        raise NotFoundError(
            f"there is no key store {path}; make it with: cityid keys generate NAME", ref=str(path)
        )
    return KeyStore.open(path, passphrase(passphrase_file))


def open_or_make_store(path: Path, passphrase_file: Path | None) -> KeyStore:
    """Open a key store for keys to come; it is made where it is not there yet.

    Raises:
        InvalidInputError: There is no passphrase, or another one opens the store.
        RegistryError: It cannot be made.
    """
    new = not path.exists()
    secret = passphrase(passphrase_file, new=new)
    return KeyStore.create(path, secret) if new else KeyStore.open(path, secret)


@app.command()
def generate(
    name: KeyArgument,
    *,
    key_type: Annotated[
        str, typer.Option("--type", help="Ed25519, P-256, P-384, secp256k1 or X25519.")
    ] = "Ed25519",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; the store is made where it is not there yet."""
    if key_type not in _TYPES:
        raise UnsupportedError(
            f"no key of type {quote(key_type)} can be made", name=key_type[:60], known=_TYPES
        )
    key = keys.generate(key_type)
    opened = open_or_make_store(store, passphrase_file)
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
    name: KeyArgument,
    *,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the public key as Multikey and JWK; the secret half never leaves the store."""
    public = open_store(store, passphrase_file).public_key(name)
    jwk = public.jwk
    plain = {"type": public.type.value, "publicKeyMultibase": public.multikey}
    if public.type is KeyType.SECP256K1:
        with suppress(UnsupportedError):  # the extra that knows addresses is not installed
            plain["ethereumAddress"] = address(public)
    if as_json:
        say_json({**plain, "publicKeyJwk": jwk})
        return
    rows = [*plain.items(), *((f"publicKeyJwk {member}", value) for member, value in jwk.items())]
    answer(f"Public key of {name}", ("member", "value"), rows, as_json=False)


def _tell(names: Iterable[str], store: KeyStore, *, as_json: bool) -> None:
    public = [(name, store.public_key(name)) for name in names]
    rows = [(name, key.type.value, key.multikey) for name, key in public]
    answer("Keys", ("name", "type", "publicKeyMultibase"), rows, as_json=as_json)
