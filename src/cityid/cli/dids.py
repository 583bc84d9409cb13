"""``cityid did``: create and resolve decentralized identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

import typer

from cityid import did
from cityid.cli import histories
from cityid.cli.advice import told
from cityid.cli.documents import demand_one_reader, moment_if_given, read_object
from cityid.cli.exits import WRONG_USE, problem_status
from cityid.cli.keystore import STORE, open_store
from cityid.cli.options import (
    AsJson,
    At,
    DIDDocuments,
    Force,
    KeyStorePath,
    Online,
    Output,
    PassphraseFile,
    RegistryUrl,
)
from cityid.cli.output import deliver, say, say_json
from cityid.cli.places import (
    LogFile,
    MadeKeyType,
    Place,
    Portable,
    RecoveryPassphraseFile,
    RecoveryStore,
    Threshold,
    WitnessDIDs,
    WitnessFile,
    open_stores,
    tell,
)
from cityid.cli.registries import open_registry
from cityid.did import DIDMethod, Identity, ResolutionOptions, Resolver
from cityid.did.methods.webvh import LogFiles, WebVH, place_of
from cityid.errors import CityIdError, Code, InvalidInputError
from cityid.keys import KeyStore, Signer
from cityid.registry import Registry
from cityid.report import Problem
from cityid.wallet import Wallet

app = typer.Typer(
    help="Create, resolve and change decentralized identifiers.", no_args_is_help=True
)

_PORT_DIGITS = 5
_WITH_HISTORY = "did:webvh:"
_UNREADABLE = frozenset(
    {Code.INVALID_DID, Code.INVALID_OPTIONS, Code.METHOD_NOT_SUPPORTED, Code.FEATURE_NOT_SUPPORTED}
)


def identity(
    acting: str, key: str | None, held: KeyStore | Wallet, registry: Registry | None = None
) -> Identity:
    """Return the identity that a command acts as.

    Args:
        acting: A DID method whose DIDs are made from the key, a whole did:web, or a whole
            did:webvh, whose history tells which of the keys acts.
        key: The name of the key; None where the history tells it.
        held: Where the keys are.
        registry: The registry with the histories.

    Raises:
        InvalidInputError: The DID is malformed, or no key is named.
        NotFoundError: There is no such key, or no such history.
        UnsupportedError: There is no such method.
    """
    if acting.startswith(_WITH_HISTORY) and key is None and isinstance(held, KeyStore):
        return did.load(acting, registry=registry, keyring=held)
    signer = held.signer(_demanded(key))
    if acting.startswith(_WITH_HISTORY):
        return did.load(acting, registry=registry, signers=[signer])
    return _of_key(acting, signer)


def _of_key(acting: str, signer: Signer) -> Identity:
    if not acting.startswith("did:"):
        return did.create(acting, signer=signer)
    named = did.parse(acting)
    if named.method != "web":
        raise InvalidInputError(
            "only a did:web or did:webvh is named whole; write key, jwk or peer to make the DID "
            "from the key",
            code=Code.INVALID_OPTIONS,
        )
    host, *segments = named.identifier.split(":")
    domain, _, port = host.partition("%3A")
    made = did.create(
        "web",
        signer=signer,
        domain=domain,
        path="/".join(map(unquote, segments)),
        port=int(port) if port.isdecimal() and len(port) <= _PORT_DIGITS else None,
    )
    if str(made.did) != acting:
        raise InvalidInputError(f"this did:web is written {made.did}", code=Code.INVALID_DID)
    return made


def _demanded(key: str | None) -> str:
    if key is None:
        raise InvalidInputError("name the key that acts: --key", code=Code.INVALID_OPTIONS)
    return key


def resolver(
    documents: Iterable[str] | None,
    *,
    online: bool,
    registry: Registry | None = None,
    methods: Iterable[DIDMethod] = (),
) -> Resolver:
    """Return a resolver over documents in files and a registry, with or without the network.

    Raises:
        InvalidInputError: A document cannot be read or does not conform.
    """
    sources = tuple(documents or ())
    demand_one_reader(sources)
    in_hand = [read_object(source) for source in sources]
    fetch = did.fetch() if online else None
    return did.resolver(registry, documents=in_hand, fetch=fetch, methods=methods)


@app.command()
def create(
    method: Annotated[str, typer.Argument(help="key, jwk, peer, web, webvh or ethr.")],
    *,
    key: Annotated[
        str | None, typer.Option(help="Name of the key; a did:webvh can make its own.")
    ] = None,
    domain: Annotated[str | None, typer.Option(help="The host, for did:web and did:webvh.")] = None,
    path: Annotated[str, typer.Option(help="The path, for did:web and did:webvh.")] = "",
    network: Annotated[
        str, typer.Option(help="The network of a did:ethr, or its chain's number as 0x…")
    ] = "",
    key_type: MadeKeyType = "Ed25519",
    recovery: RecoveryStore = None,
    recovery_passphrase_file: RecoveryPassphraseFile = None,
    witness_did: WitnessDIDs = None,
    threshold: Threshold = None,
    portable: Portable = False,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    at: At = None,
    store: KeyStorePath = STORE,
    passphrase_file: PassphraseFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the DID document here, as to publish it."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a DID for a key of the key store; --json prints its document too.

    A did:webvh makes its keys itself, in the key store, and writes its log where you say.
    """
    if method != "webvh":
        signer = open_store(store, passphrase_file).signer(_demanded(key))
        made = did.create(method, signer=signer, domain=domain, path=path, network=network)
        _tell_document(made, output, replace=force, as_json=as_json)
        return
    with Place(registry, log, proofs).begun() as ledger:
        secret = recovery_passphrase_file or passphrase_file
        keyring, vault = open_stores(store, passphrase_file, recovery, secret)
        made = did.create(
            "webvh",
            signer=None if key is None else keyring.signer(key),
            key_type=key_type,
            domain=domain,
            path=path,
            keyring=keyring,
            recovery=vault,
            registry=ledger,
            witnesses=witness_did,
            threshold=threshold,
            portable=portable,
            at=moment_if_given(at),
        )
        Place(registry, log, proofs).keep(made)
    tell(made, as_json=as_json)


def _tell_document(made: Identity, output: Path | None, *, replace: bool, as_json: bool) -> None:
    document = made.document.to_dict()
    if output is not None:
        deliver(document, output, replace=replace, as_json=as_json)
    elif as_json:
        say_json({"did": str(made.did), "didDocument": document})
    else:
        say(f"{made.did}\n")


@app.command()
def resolve(
    identifier: Annotated[str, typer.Argument(metavar="DID", help="The DID.")],
    *,
    document: DIDDocuments = None,
    registry: RegistryUrl = None,
    log: LogFile = None,
    proofs: WitnessFile = None,
    version_id: Annotated[str | None, typer.Option(help="The version of this versionId.")] = None,
    version_time: Annotated[
        str | None, typer.Option(help="The version of this time: 2027-03-14T09:00:00Z.")
    ] = None,
    version_number: Annotated[
        int | None, typer.Option(min=1, help="The version of this number, of a did:webvh.")
    ] = None,
    online: Online = False,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Print the document of a DID; exit status 1 where there is none.

    --json prints the whole resolution result with its metadata.
    """
    numbered = () if version_number is None else (("versionNumber", str(version_number)),)
    options = ResolutionOptions(
        version_id=version_id, version_time=version_time, parameters=numbered
    )
    place = Place(registry, log, proofs)
    with ExitStack() as stack:
        ledger = stack.enter_context(open_registry(registry, reading=True)) if registry else None
        methods = [] if log is None else [_over_files(identifier, place, ledger)]
        asked = resolver(document, online=online, registry=ledger, methods=methods)
        result = asked.resolve(identifier, options)
    problem = result.metadata.error
    if as_json:
        say_json(result.to_dict())
    elif result.document is not None:
        deliver(result.document.to_dict(), output, replace=force, as_json=False)
    else:
        reason = told(problem).title if problem else "this DID was deactivated"
        typer.echo(f"cityid: {reason}", err=True)
    if problem is not None and _is_wrong_use(problem, identifier):
        raise typer.Exit(WRONG_USE)
    if result.document is None:
        raise typer.Exit(problem_status([problem]))


def _over_files(identifier: str, place: Place, ledger: Registry | None) -> DIDMethod:
    """Return did:webvh over a log in a file; where a registry knows more, the file is refused."""
    text, approvals = place.files()
    return WebVH(ledger, logs={identifier: LogFiles(text, approvals)})


def _is_wrong_use(problem: Problem, identifier: str) -> bool:
    """Tell a malformed question from a log that breaks a rule, which is refused."""
    if problem.code is not Code.INVALID_DID or not identifier.startswith(_WITH_HISTORY):
        return problem.code in _UNREADABLE
    try:
        place_of(did.parse(identifier))
    except CityIdError:
        return True
    return False


histories.add_to(app)
