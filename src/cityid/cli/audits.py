"""``cityid registry`` for auditors, witnesses and those who keep a mirror."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cityid import keys, registry
from cityid.cli.access import connect, on_chain
from cityid.cli.documents import demand_one_reader, moment, read, read_text
from cityid.cli.exits import REFUSED, refusal_status, tell
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    AsJson,
    At,
    Document,
    KeyName,
    KeyStorePath,
    PassphraseFile,
)
from cityid.cli.output import answer, confirm, say, say_json
from cityid.cli.registries import (
    COLUMNS,
    AnchoredIn,
    CheckpointFile,
    Known,
    Operator,
    Url,
    open_registry,
    operator_of,
    registry_file,
    row,
)
from cityid.did.examination import examine_logs
from cityid.display import screen
from cityid.errors import Code, InvalidInputError, NotFoundError
from cityid.keys import PublicKey
from cityid.registry import Checkpoint, Existence, GrowthClaim, Tiles, Witness, WitnessKey

OperatorKey = Annotated[
    str | None,
    typer.Option("--operator-key", help="The operator's public key, as publicKeyMultibase."),
]
Witnesses = Annotated[
    list[str] | None,
    typer.Option("--witness", help="A witness's key, as `cityid registry witness` prints it."),
]
Threshold = Annotated[
    int | None, typer.Option(min=1, help="How many of the witnesses must have cosigned; else all.")
]
WitnessName = Annotated[str, typer.Argument(help="The witness's name, such as witness.example/w1.")]

_NOT_A_REFUSAL = frozenset({Code.INVALID_OPTIONS, Code.PARSING_ERROR, Code.INPUT_TOO_LARGE})


def _key(text: str | None) -> PublicKey | None:
    return None if text is None else keys.from_multikey(text)


def _witnesses(texts: list[str] | None) -> tuple[WitnessKey, ...]:
    return tuple(WitnessKey.from_text(text) for text in texts or ())


def _checkpoint(source: str | None) -> Checkpoint | None:
    return None if source is None else registry.read_checkpoint(read_text(source))


@contextmanager
def refusing(*, as_json: bool) -> Iterator[None]:
    """End with status 1 where what was shown is not to be believed, and not merely unreadable."""
    try:
        yield
    except InvalidInputError as error:
        if error.code in _NOT_A_REFUSAL:
            raise
        tell(error, as_json=as_json)
        raise typer.Exit(REFUSED) from error


def audit(
    url: Url,
    *,
    known: Annotated[
        list[str] | None, typer.Option(help="File with an earlier checkpoint, kept elsewhere.")
    ] = None,
    anchored_in: AnchoredIn = None,
    operator_key: OperatorKey = None,
    witness: Witnesses = None,
    threshold: Threshold = None,
    as_json: AsJson = False,
) -> None:
    """Verify every record, hash, index and log of a DID again, and that history has only grown."""
    if not known and not anchored_in and (operator_key or witness or threshold):
        raise InvalidInputError(
            "nothing of the registry's own is signed: give --known or --anchored-in with the "
            "checkpoints that the operator and witnesses must have signed",
            code=Code.INVALID_OPTIONS,
        )
    demand_one_reader(known or ())
    notes = [read_text(source) for source in known or ()]
    for note in notes:  # what is no checkpoint at all says nothing about the registry
        registry.read_checkpoint(note)
    with open_registry(url, reading=True) as ledger, screen.progress("Auditing") as progress:
        if anchored_in is not None:
            notes += _anchored(anchored_in, ledger.checkpoint().origin, _key(operator_key))
        found = registry.audit(
            ledger,
            checkpoints=notes,
            operator=_key(operator_key),
            witnesses=_witnesses(witness),
            threshold=threshold,
            examine=examine_logs(ledger, at=moment(None)),
            progress=progress,
        )
    if as_json:
        say_json(found.to_dict())
    else:
        say(screen.report(found.explain()))
    if not found:
        raise typer.Exit(refusal_status(found.report))


def _anchored(url: str, origin: str, operator: PublicKey | None) -> list[str]:
    with open_registry(url, reading=True) as chain:
        found = registry.anchors(origin, chain, operator=operator)
    if not found:
        raise NotFoundError(f"{origin} is not anchored in {url}", ref=url)
    return [anchor.checkpoint.note for anchor in found]


def verify(
    proof: Annotated[str, typer.Argument(help="File with the proof, or - for standard input.")],
    data: Annotated[str, typer.Argument(help="File with the record's data, or -.")],
    *,
    origin: Annotated[str, typer.Option(help="The name of the registry that is meant.")],
    anchored_in: AnchoredIn = None,
    operator_key: OperatorKey = None,
    witness: Witnesses = None,
    threshold: Threshold = None,
    as_json: AsJson = False,
) -> None:
    """Verify a proof that a registry holds a record: offline, by hashes and signatures alone.

    With --anchored-in it is a proof of existence, and that registry is asked for the anchor.
    """
    if operator_key is None:
        raise InvalidInputError(
            "whose word counts? give --operator-key, and --witness for each witness",
            code=Code.INVALID_OPTIONS,
        )
    demand_one_reader([proof, data])
    text, content, operator = read_text(proof), read(data), _key(operator_key)
    cosigners = _witnesses(witness)
    if anchored_in is None:
        with refusing(as_json=as_json):
            record = registry.verify_proof(
                text,
                content,
                origin=origin,
                operator=operator,
                witnesses=cosigners,
                threshold=threshold,
            )
        answer("Record", COLUMNS, [row(record)], as_json=as_json)
        return
    with open_registry(anchored_in, reading=True) as chain, refusing(as_json=as_json):
        shown = registry.verify_existence(
            text,
            content,
            origin=origin,
            operator=operator,
            chain=chain,
            witnesses=cosigners,
            threshold=threshold,
        )
    _tell_existence(shown, as_json=as_json)


def _tell_existence(shown: Existence, *, as_json: bool) -> None:
    columns, line = (*COLUMNS, "existedBefore"), (*row(shown.record), shown.before.isoformat())
    if as_json:
        say_json([dict(zip(columns, line, strict=True)) | {"anchor": shown.anchor.to_dict()}])
    else:
        answer("Record", columns, [line], as_json=False)


def show_witness(
    name: WitnessName,
    *,
    key: KeyName,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the public key of a witness, for --witness."""
    public = WitnessKey(name, open_store(store, passphrase_file).public_key(key))
    confirm({"name": name, "witness": public.to_text()}, public.to_text(), as_json=as_json)


def cosign(
    name: WitnessName,
    claim: Document,
    *,
    key: KeyName,
    operator_key: Annotated[str, typer.Option(help="The operator's key, as publicKeyMultibase.")],
    memory: Annotated[
        str, typer.Option(help="The witness's own registry, where it keeps what it cosigned.")
    ],
    source: Annotated[
        str | None,
        typer.Option("--registry", help="The registry, or a mirror, to take the proof from."),
    ] = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Cosign a checkpoint, if the registry has only grown since the last one."""
    operator, time = keys.from_multikey(operator_key), moment(at)
    asked = GrowthClaim.from_text(read_text(claim))
    signer = open_store(store, passphrase_file).signer(key)
    with open_registry(memory) as remembered, refusing(as_json=as_json):
        note = _cosigned(Witness(name, signer, remembered), asked, operator, source, time)
    if as_json:
        say_json({"note": note})
    else:
        say(note)


def _cosigned(
    witness: Witness, claim: GrowthClaim, operator: PublicKey, source: str | None, time: datetime
) -> str:
    stated = registry.read_checkpoint(claim.note)
    last = witness.last(stated.origin)
    if source is not None and last is not None and last.size < stated.size:
        with open_registry(source, reading=True) as ledger:
            claim = registry.claim_growth(ledger, since=last.size, checkpoint=stated)
    return witness.cosign(claim, origin=stated.origin, operator=operator, at=time)


def mirror(
    source: Annotated[str, typer.Argument(help="The registry, such as file:city.registry.")],
    target: Annotated[str, typer.Argument(help="Its mirror; it is made if it is not there.")],
    *,
    origin: Annotated[
        str | None,
        typer.Option(help="Another name for a new mirror: a copy then, with times of its own."),
    ] = None,
    checkpoint: CheckpointFile = None,
    known: Known = None,
    operator_key: OperatorKey = None,
    witness: Witnesses = None,
    threshold: Threshold = None,
    as_json: AsJson = False,
) -> None:
    """Bring a mirror up to date, and show that both say the same."""
    note = None if checkpoint is None else read_text(checkpoint)
    with open_registry(source, known=known, reading=True) as ledger:
        name = origin or ledger.checkpoint().origin
        new = (path := registry_file(target)) is None or not path.exists()
        made = new and not on_chain(target)
        opened = connect(target, origin=name if made else origin)
        with opened as copy, screen.progress("Mirroring") as progress, refusing(as_json=as_json):
            done = registry.mirror(
                ledger,
                copy,
                checkpoint=note,
                operator=_key(operator_key),
                witnesses=_witnesses(witness),
                threshold=threshold,
                progress=progress,
            )
    told = done.to_dict()
    answer("Mirror", tuple(told), [tuple(told.values())], as_json=as_json)


def tiles(
    url: Url,
    folder: Annotated[Path, typer.Argument(help="The folder to publish.")],
    *,
    checkpoint: CheckpointFile = None,
    known: Known = None,
    operator: Operator = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the Merkle log as files that any static server publishes."""
    signer = operator_of(operator, store, passphrase_file)
    with (
        open_registry(url, signer, known=known, reading=True) as ledger,
        screen.progress("Writing tiles") as progress,
    ):
        stated = registry.write_tiles(
            ledger, folder, checkpoint=_checkpoint(checkpoint), progress=progress
        )
    _tell_tiles(folder, stated, as_json=as_json)


def check_tiles(
    folder: Annotated[Path, typer.Argument(help="The folder with the tiles.")],
    *,
    operator_key: OperatorKey = None,
    witness: Witnesses = None,
    threshold: Threshold = None,
    as_json: AsJson = False,
) -> None:
    """Verify every tile of a folder against its checkpoint."""
    with screen.progress("Verifying tiles") as progress, refusing(as_json=as_json):
        stated = Tiles(folder).verify(
            operator=_key(operator_key),
            witnesses=_witnesses(witness),
            threshold=threshold,
            progress=progress,
        )
    _tell_tiles(folder, stated, as_json=as_json)


def _tell_tiles(folder: Path, stated: Checkpoint, *, as_json: bool) -> None:
    line = (str(folder), stated.origin, stated.size, stated.root.hex())
    answer("Tiles", ("folder", "origin", "size", "root"), [line], as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the registry."""
    for command in (audit, verify, cosign, mirror, tiles, check_tiles):
        app.command()(command)
    app.command(name="witness")(show_witness)
