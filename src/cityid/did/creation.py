"""New identities: `create`, and one function a method behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cityid import keys
from cityid.did.document import DIDDocument
from cityid.did.identity import Identity, chosen_parameters
from cityid.did.inception import incept
from cityid.did.methods import METHODS, NOT_BUILT, ethr, jwk, key, peer, web
from cityid.did.methods.base import relationships_of
from cityid.did.methods.webvh import template
from cityid.did.resolution import DEFAULTS
from cityid.did.succession import first
from cityid.did.syntax import DID
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import Keyring, KeyType, Signer
from cityid.keys.keyring import demand_keyring
from cityid.registry import Registry
from cityid.registry.base import demand_open


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is wanted of a new identity; see `create`."""

    signer: Signer | None
    key_type: str | None
    services: tuple[Mapping[str, Any], ...]
    numalgo: int
    domain: str | None
    path: str
    port: int | None
    keyring: Keyring | None
    recovery: Keyring | None
    registry: Registry | None
    parameters: Mapping[str, Any]
    at: datetime | None
    network: str

    def key(self, key_type: str = KeyType.ED25519) -> Signer:
        """Return the key that shall act, made new where none is given.

        Args:
            key_type: The type of the key to make, where nobody wishes for one.
        """
        return keys.generate(self.key_type or key_type) if self.signer is None else self.signer

    def host(self, method: str) -> str:
        """Return the domain name.

        Args:
            method: The method that needs it.

        Raises:
            InvalidInputError: None is given (``INVALID_OPTIONS``).
        """
        if not isinstance(self.domain, str):
            raise InvalidInputError(f"a did:{method} needs a domain=", code=Code.INVALID_OPTIONS)
        return self.domain


def create(
    method: str = "key",
    *,
    signer: Signer | None = None,
    key_type: str | None = None,
    services: Iterable[Mapping[str, Any]] = (),
    numalgo: int = 2,
    domain: str | None = None,
    path: str = "",
    port: int | None = None,
    keyring: Keyring | None = None,
    recovery: Keyring | None = None,
    registry: Registry | None = None,
    witnesses: Iterable[str] | None = None,
    threshold: int | None = None,
    watchers: Iterable[str] | None = None,
    ttl: int | None = None,
    portable: bool = False,
    at: datetime | None = None,
    network: str = "",
) -> Identity:
    """Make a new identity.

    The log of a did:webvh is written to the registry; without one it is for the caller to publish,
    as `Identity.log` gives it. The document of a did:web is for the caller to publish, at
    ``did.json`` below the place that the DID tells. The other methods write nothing anywhere: a
    did:ethr is there as soon as its key is, and `cityid.did.methods.ethr.Controller` changes it.

    Args:
        method: ``key``, ``jwk``, ``peer``, ``web``, ``webvh`` or ``ethr``.
        signer: The key that shall act for it; made new where it is not given.
        key_type: The type of the key to make; None for Ed25519, and secp256k1 for a did:ethr.
        services: Services to announce (``peer``, ``web``, ``webvh``); their ids are relative.
        numalgo: The kind of did:peer: 2 or 4.
        domain: The domain name of a did:web or did:webvh.
        path: Where below the domain it is published; empty for the domain itself.
        port: The port, where it is not 443.
        keyring: Where a did:webvh keeps its keys, the next update key among them; None for a
            keyring that ends with the process.
        recovery: Another keyring, kept apart, for the key that nothing but a recovery uses.
        registry: Where the log of a did:webvh is written.
        witnesses: The did:key of each witness that approves changes of a did:webvh.
        threshold: How many of them must approve; None for more than half.
        watchers: URLs of those who watch a did:webvh.
        ttl: For how many seconds an answer about a did:webvh may be kept.
        portable: Whether a did:webvh may move to another place later.
        at: The time at which a did:webvh begins; None for now.
        network: The network of a did:ethr, by its name or the number of its chain in hexadecimal;
            empty for the mainnet.

    Raises:
        InvalidInputError: The options do not make a DID.
        UnsupportedError: This version cannot make DIDs of this method, or with this key.
        RegistryError: The keys or the log of a did:webvh could not be written.
    """
    maker = _MAKERS.get(method)
    if maker is None:
        planned = " in this version" if method in NOT_BUILT else ""
        raise UnsupportedError(
            f"no DID of method {quote(method)} can be made{planned}",
            name=str(method)[:80],
            known=tuple(_MAKERS),
            code=Code.METHOD_NOT_SUPPORTED,
        )
    demand_open(registry)
    demand_keyring(keyring, "keyring")
    demand_keyring(recovery, "recovery")
    parameters = chosen_parameters(witnesses, threshold, watchers, ttl)
    parameters |= {"portable": True} if portable else {}
    logged = (keyring, recovery, registry) != (None, None, None) or bool(parameters)
    _check_fit(method, logged=logged, network=network)
    return maker(
        _Wish(
            signer=signer,
            key_type=key_type,
            services=tuple(services),
            numalgo=numalgo,
            domain=domain,
            path=path,
            port=port,
            keyring=keyring,
            recovery=recovery,
            registry=registry,
            parameters=parameters,
            at=at,
            network=network,
        )
    )


def _check_fit(method: str, *, logged: bool, network: str) -> None:
    """Refuse options of another method: nobody shall believe that they did something."""
    if method != "webvh" and logged:
        raise InvalidInputError(
            f"a did:{method} has no log, so no keyring, registry or parameter of a log",
            code=Code.INVALID_OPTIONS,
        )
    if method != "ethr" and network:
        raise InvalidInputError(
            f"a did:{method} is on no chain, so it has no network=", code=Code.INVALID_OPTIONS
        )


def _create_key(wish: _Wish) -> Identity:
    signer = wish.key()
    return _generated(key.did_of(signer.public_key), signer)


def _create_jwk(wish: _Wish) -> Identity:
    signer = wish.key()
    return _generated(jwk.did_of(signer.public_key), signer)


def _create_peer(wish: _Wish) -> Identity:
    signer = wish.key()
    public = signer.public_key
    relationships = relationships_of(public)
    if wish.numalgo == 2:  # noqa: PLR2004 - the name of a kind of did:peer
        pairs = ((relationship, public) for relationship in relationships)
        return _generated(peer.did_of_keys(pairs, wish.services), signer)
    if wish.numalgo == 4:  # noqa: PLR2004 - the name of a kind of did:peer
        document = first("", public, wish.services)
        del document["id"], document["verificationMethod"][0]["controller"]
        return _generated(peer.did_of_document(document), signer)
    raise UnsupportedError(
        f"no did:peer of numalgo {quote(wish.numalgo)} can be made",
        name=str(wish.numalgo)[:80],
        known=("2", "4"),
        code=Code.FEATURE_NOT_SUPPORTED,
    )


def _create_web(wish: _Wish) -> Identity:
    did = web.did_of(wish.host("web"), wish.path, wish.port)
    signer = wish.key()
    document = DIDDocument.parse(first(str(did), signer.public_key, wish.services))
    return _identity(did, document, signer)


def _create_webvh(wish: _Wish) -> Identity:
    return incept(
        template(wish.host("webvh"), wish.path, wish.port),
        signer=wish.signer,
        key_type=wish.key_type or KeyType.ED25519,
        services=wish.services,
        parameters=wish.parameters,
        keyring=wish.keyring,
        recovery=wish.recovery,
        registry=wish.registry,
        at=wish.at,
    )


def _create_ethr(wish: _Wish) -> Identity:
    signer = wish.key(KeyType.SECP256K1)
    did = ethr.did_of_key(signer.public_key, wish.network)
    document = ethr.first_document(did)
    return Identity(did, document, ((f"{did}#controllerKey", signer),))


_MAKERS: Final[Mapping[str, Callable[[_Wish], Identity]]] = MappingProxyType(
    {
        "key": _create_key,
        "jwk": _create_jwk,
        "peer": _create_peer,
        "web": _create_web,
        "webvh": _create_webvh,
        "ethr": _create_ethr,
    }
)


def _generated(did: DID, signer: Signer) -> Identity:
    return _identity(did, METHODS[did.method].resolve(did, DEFAULTS).require(), signer)


def _identity(did: DID, document: DIDDocument, signer: Signer) -> Identity:
    """Bind the key to every method of the document, for it is the key of all."""
    signers = tuple((method.id, signer) for method in document.verification_methods)
    return Identity(did, document, signers)
