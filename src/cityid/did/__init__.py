"""Decentralized identifiers: parse, create, resolve, dereference.

``did.create()`` makes an `Identity`, ``did.load()`` takes up one that has a history again;
``did.resolver()`` makes a `Resolver` that reaches no network unless it is given a ``fetch=``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cityid.did.creation import create
from cityid.did.dereferencing import DereferencingOptions, DereferencingResult
from cityid.did.document import DIDDocument, Service
from cityid.did.fetch import Fetch, FetchedDocument, fetch
from cityid.did.identity import Identity
from cityid.did.inception import load, witness
from cityid.did.methods import METHODS
from cityid.did.methods.ethr import OnChain
from cityid.did.methods.ethr import method as ethr_method
from cityid.did.methods.web import Web
from cityid.did.methods.webvh import WebVH
from cityid.did.resolution import (
    DIDMethod,
    DocumentMetadata,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.did.resolver import Resolver
from cityid.did.rules import check_document
from cityid.did.syntax import DID, DIDURL, build_url, parse, parse_url
from cityid.did.verification_method import RELATIONSHIPS, VerificationMethod
from cityid.registry import Registry
from cityid.registry.base import demand_open

__all__ = [
    "DID",
    "DIDURL",
    "RELATIONSHIPS",
    "DIDDocument",
    "DIDMethod",
    "DereferencingOptions",
    "DereferencingResult",
    "DocumentMetadata",
    "Fetch",
    "FetchedDocument",
    "Identity",
    "ResolutionMetadata",
    "ResolutionOptions",
    "ResolutionResult",
    "Resolver",
    "Service",
    "VerificationMethod",
    "build_url",
    "check_document",
    "create",
    "fetch",
    "load",
    "parse",
    "parse_url",
    "resolver",
    "witness",
]


def resolver(
    registry: Registry | None = None,
    *,
    fetch: Fetch | None = None,
    methods: Iterable[DIDMethod] = (),
    documents: Iterable[DIDDocument | Mapping[str, Any]] = (),
) -> Resolver:
    """Make a resolver.

    Args:
        registry: The registry that holds the logs of did:webvh. One on a chain answers for
            did:ethr too, where its network is known: see `cityid.did.methods.ethr.NETWORKS`.
        fetch: How documents are read from the web, such as ``did.fetch()``; without it no
            did:web is resolved, nor a did:webvh whose log is not in the registry, and no network
            reached.
        methods: Further DID methods; they come before those of cityid with the same name.
        documents: Documents in hand: DID documents or controlled identifier documents.

    Raises:
        InvalidInputError: A document in hand does not conform, or the registry is not open.
    """
    demand_open(registry)
    in_hand = [
        document if isinstance(document, DIDDocument) else DIDDocument.parse(document, any_url=True)
        for document in documents
    ]
    table = {**METHODS, "webvh": WebVH(registry, fetch)}
    given: object = registry
    if isinstance(given, OnChain):
        table["ethr"] = ethr_method(given.chain)
    if fetch is not None:
        table["web"] = Web(fetch)
    return Resolver(
        table | {method.name: method for method in methods},
        {document.id: document for document in in_hand},
    )
