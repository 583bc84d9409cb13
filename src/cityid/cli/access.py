"""How registries on a chain are reached: options of ``cityid`` itself, or the environment.

They stand before the command, because every command that takes a registry may need them:
``cityid --signer city --quorum 2 registry append ethereum+http://… LOG FILE``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityid import registry
from cityid.cli.keystore import open_store
from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import DigestSigner, PrivateKey, PublicKey, Signer
from cityid.registry import Network, OpenRegistry

if TYPE_CHECKING:
    from cityid.registry.ethereum.history import Contract
    from cityid.registry.ethereum.nodes.blocks import TrustedBlock
    from cityid.registry.ethereum.nodes.chain import Chain
    from cityid.registry.ethereum.sending.sender import Sender

OUTBOX = Path("cityid.outbox")
_CHAIN = "ethereum+http"
_BLOCK = re.compile(r"([0-9]{1,15}):0x([0-9a-fA-F]{64})")
_PANEL = "Registries on a chain"

SignerName = Annotated[
    str | None,
    typer.Option(
        "--signer",
        envvar="CITYID_SIGNER",
        rich_help_panel=_PANEL,
        help="The secp256k1 key in the key store that pays for and signs what is written.",
    ),
]
SignerKeys = Annotated[
    Path,
    typer.Option(
        "--signer-keys", envvar="CITYID_KEYS", rich_help_panel=_PANEL, help="That key store."
    ),
]
SignerPassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--signer-passphrase-file", rich_help_panel=_PANEL, help="Where its passphrase is."
    ),
]
Endpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        envvar="CITYID_ENDPOINTS",
        rich_help_panel=_PANEL,
        help="The URL of a further node of the chain, beside that of the registry.",
    ),
]
Quorum = Annotated[
    int,
    typer.Option(
        "--quorum",
        envvar="CITYID_QUORUM",
        min=1,
        rich_help_panel=_PANEL,
        help="How many nodes must say the same before it is believed.",
    ),
]
Confirmations = Annotated[
    int | None,
    typer.Option(
        "--confirmations",
        envvar="CITYID_CONFIRMATIONS",
        min=0,
        rich_help_panel=_PANEL,
        help="How many blocks make one final; else the chain's own finality.",
    ),
]
TrustedBlockText = Annotated[
    str | None,
    typer.Option(
        "--trusted-block",
        envvar="CITYID_TRUSTED_BLOCK",
        rich_help_panel=_PANEL,
        help="NUMBER:HASH of a block that is known to be right; reads are proven against it.",
    ),
]
ChainId = Annotated[
    int | None,
    typer.Option(
        "--chain-id",
        envvar="CITYID_CHAIN_ID",
        min=1,
        rich_help_panel=_PANEL,
        help="The chain's number; no other is taken for it.",
    ),
]
OutboxFile = Annotated[
    Path | None,
    typer.Option(
        "--outbox",
        envvar="CITYID_OUTBOX",
        rich_help_panel=_PANEL,
        help="The file with what was signed and is not settled yet; else cityid.outbox.",
    ),
]


class StoredSigner:
    """A key of a key store that is opened when it first signs: reading asks for no passphrase.

    Attributes:
        name: The key's name.
        store: The key store.
        passphrase_file: Where its passphrase is.
    """

    def __init__(self, name: str, store: Path, passphrase_file: Path | None) -> None:
        self.name, self.store, self.passphrase_file = name, store, passphrase_file

    @cached_property
    def _key(self) -> PrivateKey:
        return open_store(self.store, self.passphrase_file).signer(self.name)

    @property
    def public_key(self) -> PublicKey:
        """The public half of the key."""
        return self._key.public_key

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r, s and the recovery id over 32 bytes.

        Args:
            digest: The bytes.
        """
        return self._key.sign_digest(digest)


@dataclass(frozen=True, slots=True)
class Access:
    """How registries on a chain are reached.

    Attributes:
        signer: Who pays for and signs what is written; None to read alone.
        endpoints: Further nodes of the chain.
        quorum: How many nodes must say the same.
        confirmations: How many blocks make one final; None for the chain's own finality.
        trusted_block: ``NUMBER:HASH`` of a block that is known to be right.
        outbox: The file with what is not settled yet.
        chain_id: The chain's number; None for what its nodes say.
    """

    signer: DigestSigner | None = None
    endpoints: tuple[str, ...] = ()
    quorum: int = 1
    confirmations: int | None = None
    trusted_block: str | None = None
    outbox: Path | None = None
    chain_id: int | None = None

    def network(self, *, reading: bool = False) -> Network:
        """Return what a connection takes of it.

        Args:
            reading: Whether nothing is to be written, so that no key is needed.

        Raises:
            InvalidInputError: The trusted block is not written NUMBER:HASH.
        """
        network = Network(endpoints=self.endpoints, quorum=self.quorum)
        if self.signer is not None and not reading:
            network["signer"] = self.signer
            network["outbox"] = self.outbox or OUTBOX
        if self.confirmations is not None:
            network["confirmations"] = self.confirmations
        if self.trusted_block is not None:
            network["trusted_block"] = _block(self.trusted_block)
        if self.chain_id is not None:
            network["chain_id"] = self.chain_id
        return network


_ACCESS = ContextVar("_ACCESS", default=Access())  # noqa: B039 - frozen


def reach_by(access: Access) -> None:
    """Say for the command that runs how registries on a chain are reached."""
    _ACCESS.set(access)


def access() -> Access:
    """Return how registries on a chain are reached in the command that runs."""
    return _ACCESS.get()


def connect(
    url: str,
    *,
    origin: str | None = None,
    operator: Signer | None = None,
    reading: bool = False,
) -> OpenRegistry:
    """Open a registry, one on a chain as the command line says.

    Args:
        url: Its address.
        origin: Its name.
        operator: Who signs its checkpoints.
        reading: Whether nothing is to be written, so that no key is needed.

    Raises:
        CityIdError: As `cityid.registry.connect` says.
    """
    network = access().network(reading=reading) if on_chain(url) else Network()
    return registry.connect(url, origin=origin, operator=operator, **network)


@contextmanager
def reached(node: str) -> Iterator[Chain]:
    """Connect to a chain as the command line says.

    Args:
        node: The URL of one of its nodes.

    Raises:
        CityIdError: As `cityid.registry.connect` says.
    """
    from cityid.registry.ethereum.nodes.chain import connect_chain
    from cityid.registry.ethereum.remote import nodes

    said = access()
    network = said.network()
    with connect_chain(
        nodes((node, *said.endpoints)),
        quorum=said.quorum,
        confirmations=said.confirmations,
        trusted_block=network.get("trusted_block"),
        chain_id=said.chain_id,
    ) as chain:
        yield chain


@contextmanager
def sending(chain: Chain) -> Iterator[Sender]:
    """Open the outbox of the key that writes.

    Args:
        chain: The chain.

    Raises:
        InvalidInputError: No key was named.
        CityIdError: The key store or the outbox cannot be opened.
    """
    from cityid.registry.ethereum.sending.outbox import FileOutbox
    from cityid.registry.ethereum.sending.sender import Sender

    signer = demand_signer()
    with (
        closing(FileOutbox(access().outbox or OUTBOX)) as outbox,
        closing(Sender(chain, signer, outbox)) as sender,
    ):
        yield sender


def demand_signer() -> DigestSigner:
    """Return who pays for and signs what is written.

    Raises:
        InvalidInputError: No key was named.
    """
    if (signer := access().signer) is None:
        raise InvalidInputError(
            "name the key that pays and signs, before the command: cityid --signer NAME …",
            code=Code.INVALID_OPTIONS,
        )
    return signer


@contextmanager
def opened(url: str) -> Iterator[Contract]:
    """Connect to the contract of a registry as the command line says.

    Args:
        url: The registry's address.

    Raises:
        InvalidInputError: It is not the address of a registry on a chain.
        CityIdError: As `cityid.registry.connect` says.
    """
    from cityid.registry.ethereum.remote import open_contract, split

    if not on_chain(url):
        raise InvalidInputError(
            "this registry is not on a chain: the address of one begins with ethereum+http",
            code=Code.INVALID_OPTIONS,
        )
    node, address = split(url.removeprefix("ethereum+"))
    with reached(node) as chain:
        yield open_contract(chain, address)


def on_chain(url: str) -> bool:
    """Return whether a registry is on a chain that nodes keep."""
    return url.startswith(_CHAIN)


def _block(text: str) -> TrustedBlock:
    from cityid.registry.ethereum.nodes.blocks import TrustedBlock

    match = _BLOCK.fullmatch(text)
    if match is None:
        raise InvalidInputError(
            f"{quote(text)} is not a block: write NUMBER:0x and the 64 digits of its hash",
            code=Code.INVALID_OPTIONS,
        )
    return TrustedBlock(int(match[1]), bytes.fromhex(match[2]))
