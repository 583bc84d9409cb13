"""``cityid registry`` for chains: contracts, how they are doing, and anchors in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from cityid import keys, registry
from cityid.cli.audits import OperatorKey, Threshold, Witnesses, refusing
from cityid.cli.documents import read_text
from cityid.cli.keystore import STORE
from cityid.cli.options import AsJson, KeyStorePath, PassphraseFile
from cityid.cli.output import answer, say_json
from cityid.cli.registries import CheckpointFile, Operator, Url, open_registry, operator_of
from cityid.errors import Code, InvalidInputError
from cityid.registry import Anchor, WitnessKey

Chain = Annotated[
    str, typer.Argument(metavar="CHAIN", help="The registry to anchor in, such as one on a chain.")
]
_ANCHOR = ("origin", "size", "root", "version", "recordedAt", "evidence")


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
        open_registry(url, signer) as ledger,
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
    with open_registry(chain) as other:
        found = registry.anchors(origin, other, operator=key)
    _tell(found, as_json=as_json)


def _tell(found: Iterable[Anchor], *, as_json: bool) -> None:
    told = [made.to_dict() for made in found]
    if as_json:
        say_json(told)
        return
    for line in told:
        line["evidence"] = " ".join(map(str, line["evidence"].values()))
    rows = [tuple(line.values()) for line in told]
    answer("Anchors", _ANCHOR, rows, as_json=False)


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the registry."""
    for command in (anchor, anchors):
        app.command()(command)
