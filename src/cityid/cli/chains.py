"""``cityid registry`` for chains: contracts, how they are doing, and anchors in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cityid import keys, registry
from cityid.cli.access import OUTBOX, access, demand_signer, opened, reached, sending
from cityid.cli.audits import OperatorKey, Threshold, Witnesses, refusing
from cityid.cli.documents import read_text
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import AsJson, KeyStorePath, PassphraseFile
from cityid.cli.output import answer, confirm, say_json
from cityid.cli.registries import CheckpointFile, Log, Operator, Url, open_registry, operator_of
from cityid.errors import Code, InvalidInputError, NotFoundError
from cityid.registry import Anchor, WitnessKey
from cityid.registry.anchoring import place
from cityid.registry.ethereum import administration
from cityid.registry.ethereum.administration import Account
from cityid.registry.ethereum.contract import deployment
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.sending.outbox import FileOutbox
from cityid.registry.ethereum.sending.sender import Sender
from cityid.registry.ethereum.sending.transactions import address as address_of

Chain = Annotated[
    str, typer.Argument(metavar="CHAIN", help="The registry to anchor in, such as one on a chain.")
]
ChainUrl = Annotated[
    str, typer.Argument(metavar="URL", help="The registry, such as ethereum+http://…/0x….")
]
WriterNumber = Annotated[
    int | None, typer.Option("--writer", min=1, help="The writer's number; else your own.")
]
_ANCHOR = ("origin", "size", "root", "version", "recordedAt", "in")


def anchor(
    url: Url,
    chain: Chain,
    *,
    operator: Operator = None,
    checkpoint: CheckpointFile = None,
    operator_key: OperatorKey = None,
    witness: Witnesses = None,
    threshold: Threshold = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a registry's signed checkpoint into another registry, such as one on a chain.

    The key of --operator signs a new one; else --checkpoint names one that was signed.
    """
    if (operator is None) is (checkpoint is None):
        raise InvalidInputError(
            "give the checkpoint's signer with --operator, or a signed one with --checkpoint",
            code=Code.INVALID_OPTIONS,
        )
    signer = operator_of(operator, store, passphrase_file)
    note = None if checkpoint is None else read_text(checkpoint)
    key = None if operator_key is None else keys.from_multikey(operator_key)
    cosigners = [WitnessKey.from_text(text) for text in witness or ()]
    with (
        open_registry(url, signer, reading=True) as ledger,
        open_registry(chain) as other,
        refusing(as_json=as_json),
    ):
        made = registry.anchor(
            ledger,
            other,
            checkpoint=note,
            operator=key,
            witnesses=cosigners,
            threshold=threshold,
        )
    _tell([made], as_json=as_json)


def anchors(
    origin: Annotated[str, typer.Argument(help="The name of the registry that is anchored.")],
    chain: Chain,
    *,
    operator_key: OperatorKey = None,
    as_json: AsJson = False,
) -> None:
    """List the anchors of a registry; with --operator-key those alone that it has signed."""
    key = None if operator_key is None else keys.from_multikey(operator_key)
    with open_registry(chain, reading=True) as other:
        found = registry.anchors(origin, other, operator=key)
    _tell(found, as_json=as_json)


def _tell(found: Iterable[Anchor], *, as_json: bool) -> None:
    told = tuple(found)
    if as_json:
        say_json([made.to_dict() for made in told])
    else:
        rows = [(*list(made.to_dict().values())[:-1], place(made.record)) for made in told]
        answer("Anchors", _ANCHOR, rows, as_json=False)


def deploy(
    node: Annotated[str, typer.Argument(help="The URL of a node, such as http://127.0.0.1:8545.")],
    *,
    steward: Annotated[
        str | None,
        typer.Option(help="Who admits writers: an address or a key's name; else anybody writes."),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Tells registries apart that one key deploys for one steward.")
    ] = "",
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a registry to a chain, and print the address to connect to.

    The key that pays is named before the command: cityid --signer NAME registry deploy …
    Done again, with the same outbox, it is the same registry.
    """
    demand_signer()
    url = node.removeprefix("ethereum+").rstrip("/")
    chosen = None if steward is None else _address(steward, store, passphrase_file)
    same = hashlib.sha256(f"cityid deploy\n{chosen}\n{name}".encode()).digest()
    with reached(url) as chain, sending(chain) as sender:
        made = deployment.deploy(chain, sender, steward=chosen, key=same)
    address = f"ethereum+{url}/{made.address}"
    fact = {"registry": address, "block": made.block, "steward": made.steward}
    confirm(fact, address, as_json=as_json)


def status(url: ChainUrl, *, as_json: AsJson = False) -> None:
    """Tell how a registry on a chain is doing: nodes, contract, writers, records.

    With a key named before the command (cityid --signer NAME …), also what it has and waits for.
    """
    with opened(url) as contract:
        told = administration.look(contract).to_dict()
        if access().signer is not None:
            told |= _account(contract).to_dict()
    if as_json:
        say_json(told)
    else:
        rows = [(name, _shown(value)) for name, value in told.items()]
        answer("Registry on a chain", ("member", "value"), rows, as_json=False)


def tend(url: ChainUrl, *, as_json: AsJson = False) -> None:
    """Send on what the outbox holds and file what is settled, after a crash or now and then."""
    with opened(url) as contract, sending(contract.chain) as sender:
        waiting = sender.tend()
    confirm({"waiting": waiting}, f"{waiting} transactions are on their way", as_json=as_json)


def _account(contract: Contract) -> Account:
    said = access()
    signer = demand_signer()
    path = said.outbox or OUTBOX
    if not path.exists():
        return administration.account(contract, signer.public_key)
    with closing(FileOutbox(path)) as outbox:
        return administration.account(contract, signer.public_key, outbox)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def admit(
    url: ChainUrl,
    key: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="The new writer's; else your own.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make somebody a writer: as the steward, or yourself where there is none."""
    with opened(url) as contract, sending(contract.chain) as sender:
        address = key or sender.address
        number = administration.admit(contract, sender, address)
    fact = {"address": address, "writer": number}
    confirm(fact, f"{address} is writer {number}", as_json=as_json)


def entrust(
    url: ChainUrl,
    recovery: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Of a key that is kept offline.")
    ],
    *,
    writer: WriterNumber = None,
    as_json: AsJson = False,
) -> None:
    """Say who may replace your key when it is lost or stolen."""
    with opened(url) as contract, sending(contract.chain) as sender:
        number = _number(contract, sender, writer)
        administration.entrust(contract, sender, number, recovery)
    fact = {"writer": number, "recovery": recovery}
    confirm(fact, f"{recovery} may replace the key of writer {number}", as_json=as_json)


def appoint(
    url: ChainUrl,
    successor: Annotated[str, typer.Argument(metavar="ADDRESS", help="Of the next key.")],
    *,
    writer: WriterNumber = None,
    as_json: AsJson = False,
) -> None:
    """Name the next key of a writer; it takes over with `cityid registry accept`.

    When the recovery key appoints, with --writer, the present key is dismissed at once.
    """
    with opened(url) as contract, sending(contract.chain) as sender:
        number = _number(contract, sender, writer)
        administration.appoint(contract, sender, number, successor)
    fact = {"writer": number, "successor": successor}
    confirm(fact, f"{successor} may take over as writer {number}", as_json=as_json)


def accept(
    url: ChainUrl,
    writer: Annotated[int, typer.Argument(min=1, help="The writer's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Take over as the key of a writer, and of all its logs."""
    with opened(url) as contract, sending(contract.chain) as sender:
        administration.accept(contract, sender, writer)
        address = sender.address
    confirm({"writer": writer, "key": address}, f"{address} is writer {writer}", as_json=as_json)


def transfer(
    url: ChainUrl,
    log: Log,
    writer: Annotated[int, typer.Argument(min=1, help="The number of its next owner.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give a log of yours to another writer."""
    with opened(url) as contract, sending(contract.chain) as sender:
        administration.transfer(contract, sender, log, writer)
    confirm({"log": log, "writer": writer}, f"{log} belongs to writer {writer}", as_json=as_json)


def _number(contract: Contract, sender: Sender, writer: int | None) -> int:
    number = writer or administration.number_of(contract, sender.address)
    if number is None:
        raise NotFoundError(
            f"{sender.address} is the key of no writer: name the writer with --writer",
            ref=sender.address,
        )
    return number


def _address(text: str, store: Path, passphrase_file: Path | None) -> str:
    """Return an address, or that of a key in the key store."""
    if text.startswith("0x"):
        return text
    return address_of(open_store(store, passphrase_file).public_key(text))


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the registry."""
    for command in (
        deploy,
        status,
        tend,
        admit,
        entrust,
        appoint,
        accept,
        transfer,
        anchor,
        anchors,
    ):
        app.command()(command)
