"""New identities: `create`, and one function a method behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from cityid import keys
from cityid.did.document import DIDDocument
from cityid.did.identity import Identity
from cityid.did.methods import METHODS, NOT_BUILT, jwk, key, peer, web
from cityid.did.methods.base import MULTIKEY, MULTIKEY_V1, method_entry, relationships_of
from cityid.did.resolution import DEFAULTS
from cityid.did.rules import DID_V1
from cityid.did.syntax import DID
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import Signer


@dataclass(frozen=True, slots=True)
class _Wish:
    signer: Signer
    services: tuple[Mapping[str, Any], ...]
    numalgo: int
    domain: str | None
    path: str
    port: int | None


def create(
    method: str = "key",
    *,
    signer: Signer | None = None,
    key_type: str = "Ed25519",
    services: Iterable[Mapping[str, Any]] = (),
    numalgo: int = 2,
    domain: str | None = None,
    path: str = "",
    port: int | None = None,
) -> Identity:
    """Make a new identity.

    Nothing is written anywhere: the document of a did:web is for the caller to publish, at
    ``did.json`` below the place that the DID tells.

    Args:
        method: ``key``, ``jwk``, ``peer`` or ``web``.
        signer: The key that shall act for it; made new where it is not given.
        key_type: The type of the key to make.
        services: Services to announce (``peer``, ``web``); their ids are relative.
        numalgo: The kind of did:peer: 2 or 4.
        domain: The domain name of a did:web.
        path: Where below the domain the document of a did:web lies; empty for the domain itself.
        port: The port of a did:web, where it is not 443.

    Raises:
        InvalidInputError: The options do not make a DID.
        UnsupportedError: This version cannot make DIDs of this method, or with this key.
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
    signer = keys.generate(key_type) if signer is None else signer
    return maker(_Wish(signer, tuple(services), numalgo, domain, path, port))


def _create_key(wish: _Wish) -> Identity:
    return _generated(key.did_of(wish.signer.public_key), wish.signer)


def _create_jwk(wish: _Wish) -> Identity:
    return _generated(jwk.did_of(wish.signer.public_key), wish.signer)


def _create_peer(wish: _Wish) -> Identity:
    public = wish.signer.public_key
    relationships = relationships_of(public)
    if wish.numalgo == 2:  # noqa: PLR2004 - the name of a kind of did:peer
        pairs = ((relationship, public) for relationship in relationships)
        return _generated(peer.did_of_keys(pairs, wish.services), wish.signer)
    if wish.numalgo == 4:  # noqa: PLR2004 - the name of a kind of did:peer
        document = _document("", wish)
        del document["id"], document["verificationMethod"][0]["controller"]
        return _generated(peer.did_of_document(document), wish.signer)
    raise UnsupportedError(
        f"no did:peer of numalgo {quote(wish.numalgo)} can be made",
        name=str(wish.numalgo)[:80],
        known=("2", "4"),
        code=Code.FEATURE_NOT_SUPPORTED,
    )


def _create_web(wish: _Wish) -> Identity:
    if not isinstance(wish.domain, str):
        raise InvalidInputError("a did:web needs a domain=", code=Code.INVALID_OPTIONS)
    did = web.did_of(wish.domain, wish.path, wish.port)
    document = DIDDocument.parse(_document(str(did), wish))
    return _identity(did, document, wish.signer)


_MAKERS: Final[Mapping[str, Callable[[_Wish], Identity]]] = MappingProxyType(
    {"key": _create_key, "jwk": _create_jwk, "peer": _create_peer, "web": _create_web}
)


def _document(did: str, wish: _Wish) -> dict[str, Any]:
    """Return a document of one key under the name ``#key-1``; its ids are relative for no DID."""
    public = wish.signer.public_key
    name = f"{did}#key-1"
    document: dict[str, Any] = {
        "@context": [DID_V1, MULTIKEY_V1],
        "id": did,
        "verificationMethod": [method_entry(name, did, public, MULTIKEY)],
    }
    document |= {relationship: [name] for relationship in relationships_of(public)}
    return document | ({"service": list(wish.services)} if wish.services else {})


def _generated(did: DID, signer: Signer) -> Identity:
    return _identity(did, METHODS[did.method].resolve(did, DEFAULTS).require(), signer)


def _identity(did: DID, document: DIDDocument, signer: Signer) -> Identity:
    """Bind the key to every method of the document, for it is the key of all."""
    signers = tuple((method.id, signer) for method in document.verification_methods)
    return Identity(did, document, signers)
