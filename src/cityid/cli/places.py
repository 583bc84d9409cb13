"""Where the log of a DID is kept, seen from the command line: a registry, files, or both.

The registry is what counts (``--registry``); without one it is the files, which are published by
other means (``--log``, ``--witness``). Where both are named, the files are written after the
registry: that is also where a change waits for its witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cityid import did, strict_json
from cityid.cli.documents import read
from cityid.cli.keystore import open_or_make_store
from cityid.cli.output import confirm, save
from cityid.cli.registries import open_registry
from cityid.did import Identity
from cityid.did.methods.webvh.entry import MAX_LOG_BYTES
from cityid.did.methods.webvh.witness import MAX_WITNESS_BYTES
from cityid.errors import Code, InvalidInputError
from cityid.keys import KeyStore
from cityid.registry import Registry
from cityid.strict_json import JSONObject

LogFile = Annotated[Path | None, typer.Option("--log", help="The log as a file: did.jsonl.")]
WitnessFile = Annotated[
    Path | None,
    typer.Option("--witness", help="The approvals beside it; else did-witness.json there."),
]
MadeKeyType = Annotated[str, typer.Option("--type", help="Type of the key a did:webvh makes.")]
WitnessDIDs = Annotated[
    list[str] | None, typer.Option(help="A did:key that approves changes of a did:webvh.")
]
Threshold = Annotated[
    int | None, typer.Option(help="How many witnesses must approve; else more than half.")
]
Portable = Annotated[
    bool, typer.Option("--portable", help="Let a did:webvh move to another host later.")
]
RecoveryStore = Annotated[
    Path | None, typer.Option("--recovery", help="Another key store, for the recovery key.")
]
RecoveryPassphraseFile = Annotated[
    Path | None,
    typer.Option(help="File whose first line is the passphrase of --recovery; else as for --keys."),
]

_PROOFS = "did-witness.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the log of a DID is kept: a registry, files, or both.

    Attributes:
        registry: The URL of the registry.
        log: The file ``did.jsonl``.
        witness: The file ``did-witness.json``.
    """

    registry: str | None = None
    log: Path | None = None
    witness: Path | None = None

    def __post_init__(self) -> None:
        if self.log is None and self.witness is not None:
            raise InvalidInputError(
                "--witness names what lies beside the log: name that too, with --log did.jsonl",
                code=Code.INVALID_OPTIONS,
            )

    @contextmanager
    def opened(self, *, reading: bool = False) -> Iterator[Registry | None]:
        """Open the registry, where there is one.

        Args:
            reading: Whether nothing is to be written.

        Raises:
            InvalidInputError: Neither registry nor file is named, or the registry is not there.
            RegistryError: It cannot be read.
        """
        if self.registry is not None:
            with open_registry(self.registry, reading=reading) as ledger:
                yield ledger
        elif self.log is not None:
            yield None
        else:
            raise InvalidInputError(
                "name where the log is: --registry URL or --log FILE", code=Code.INVALID_OPTIONS
            )

    @contextmanager
    def begun(self) -> Iterator[Registry | None]:
        """Open the registry for a log that begins.

        Raises:
            InvalidInputError: There is a file already where the log shall be, or as for `opened`.
            RegistryError: The registry cannot be read.
        """
        for file in (self.log, self.witness):
            if file is not None and file.exists():
                raise InvalidInputError(
                    f"there is a file {file} already; a log is never replaced",
                    code=Code.INVALID_OPTIONS,
                )
        with self.opened() as ledger:
            yield ledger

    def load(self, name: str, ledger: Registry | None, store: KeyStore | None = None) -> Identity:
        """Take up an identity: from the registry, or else from the files.

        Raises:
            CityIdError: As `cityid.did.load` says.
        """
        if ledger is not None:
            return did.load(name, registry=ledger, keyring=store)
        return self.load_waiting(name, None, store)

    def load_waiting(
        self, name: str, ledger: Registry | None, store: KeyStore | None = None
    ) -> Identity:
        """Take up an identity with the change that waits in the files.

        Raises:
            CityIdError: As `cityid.did.load` says.
        """
        log, proofs = self.files()
        return did.load(name, log=log, witness_proofs=proofs, registry=ledger, keyring=store)

    def files(self) -> tuple[bytes, bytes]:
        """Read the log and the approvals beside it, where there are any.

        Raises:
            InvalidInputError: No file is named, or it cannot be read.
        """
        if self.log is None:
            raise InvalidInputError(
                "name the file with the log: --log did.jsonl", code=Code.INVALID_OPTIONS
            )
        proofs = self.witness or self.log.with_name(_PROOFS)
        there = self.witness is not None or proofs.exists()
        approvals = read(str(proofs), most=MAX_WITNESS_BYTES) if there else b"[]"
        return read(str(self.log), most=MAX_LOG_BYTES), approvals

    def demand_own(self, identity: Identity) -> None:
        """Refuse to write over the log of another DID.

        Raises:
            InvalidInputError: The file is another log, or something else.
        """
        if self.log is None or not self.log.exists():
            return
        first, _, _ = read(str(self.log), most=MAX_LOG_BYTES).partition(b"\n")
        if first != identity.log().partition("\n")[0].encode():
            raise InvalidInputError(
                f"{self.log} is not the log of this DID; it is never replaced",
                code=Code.INVALID_OPTIONS,
            )

    def keep(self, identity: Identity) -> None:
        """Write the files, the approvals first, where files are named.

        Raises:
            InvalidInputError: The change waits for witnesses and there is no file to wait in.
            RegistryError: A file cannot be written.
        """
        if self.log is None:
            if identity.pending:
                raise InvalidInputError(
                    "this change waits for witnesses; name the file to keep it in: --log did.jsonl",
                    code=Code.INVALID_OPTIONS,
                )
            return
        self.demand_own(identity)
        proofs = identity.witness_proofs()
        if proofs != "[]" or self.witness is not None:
            save(self.witness or self.log.with_name(_PROOFS), proofs.encode(), replace=True)
        save(self.log, identity.log().encode(), replace=True)


def open_stores(
    store: Path, passphrase_file: Path | None, recovery: Path | None, secret: Path | None
) -> tuple[KeyStore, KeyStore | None]:
    """Open the key store and the one for the recovery key; they are made where they are not there.

    Args:
        store: The key store.
        passphrase_file: Where its passphrase is.
        recovery: The key store for the recovery key; None to go without.
        secret: Where the passphrase of that is.

    Raises:
        InvalidInputError: They are the same file, or a passphrase is not to be had.
        RegistryError: They cannot be made.
    """
    if recovery is not None and recovery.resolve() == store.resolve():
        raise InvalidInputError(
            "the recovery key is kept apart from the others: --recovery names another file",
            code=Code.INVALID_OPTIONS,
        )
    vault = None if recovery is None else open_or_make_store(recovery, secret)
    return open_or_make_store(store, passphrase_file), vault


def tell(identity: Identity, *, as_json: bool) -> None:
    """Say what an identity is now: its version, the keys at hand, and whether it waits."""
    keys = [name for name, _ in identity.signers]
    version = entries(identity)[-1]["versionId"]
    fact = {"did": str(identity.did), "versionId": version, "keys": keys}
    waits = "; it waits for witnesses, and is not in force before" if identity.pending else ""
    text = f"{identity.did}: version {version}{waits}"
    confirm(fact | {"pending": identity.pending}, text, as_json=as_json)


def entries(identity: Identity) -> list[JSONObject]:
    """Return the entries of an identity's log."""
    return [strict_json.parse_object(line) for line in identity.log().splitlines()]
