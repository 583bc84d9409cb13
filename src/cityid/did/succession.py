"""How one version of a DID document follows the one before: pure functions from JSON to JSON.

The name of a verification method is never given to another key, and nothing but `without` takes a
method away: what it signed is to be told as signed by it. A method that retired stays under
``assertionMethod``, so that what was issued with it verifies, and leaves every other relationship,
so that nobody acts with it any more. A method that is revoked stays as well, with the time from
which on it proves nothing.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from cityid import timestamp
from cityid.did.document import DIDDocument
from cityid.did.methods.base import MULTIKEY, MULTIKEY_V1, method_entry, relationships_of
from cityid.did.rules import DID_V1
from cityid.did.syntax import absolute
from cityid.did.verification_method import RELATIONSHIPS
from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import PublicKey
from cityid.strict_json import JSONObject

_NAMED = re.compile(r"#key-[0-9]+\Z", re.ASCII)
_KEPT_AFTER_ROTATION: Final = "assertionMethod"
_EMPTY_AFTER_DEACTIVATION: Final = ("verificationMethod", *RELATIONSHIPS, "service")


def first(did: str, key: PublicKey, services: Iterable[Mapping[str, Any]] = ()) -> JSONObject:
    """Return a document of one key, called ``#key-1``.

    Args:
        did: The DID, or what stands for it until it is known.
        key: The key.
        services: Services to announce.
    """
    document: JSONObject = {"@context": [DID_V1, MULTIKEY_V1], "id": did}
    announced = list(services)
    following = rotated(document, method_name(document, 1), key)
    return following | ({"service": announced} if announced else {})


def method_name(document: Mapping[str, Any], version: int) -> str:
    """Return what a new verification method of a document is called.

    Args:
        document: The document so far.
        version: The version that the document will be; the name has it where it is free.
    """
    did, taken = document["id"], set()
    for member in ("verificationMethod", *RELATIONSHIPS):
        entries = document.get(member, ())
        taken |= {_name(entry, did) for entry in entries if isinstance(entry, dict)}
    while f"{did}#key-{version}" in taken:
        version += 1
    return f"{did}#key-{version}"


def rotated(document: Mapping[str, Any], name: str, key: PublicKey) -> JSONObject:
    """Return the document in which a new key takes over from those before.

    Args:
        document: The document so far.
        name: What the new key's verification method is called.
        key: The new key.
    """
    following = copy.deepcopy(dict(document))
    methods = following.get("verificationMethod", [])
    entry = method_entry(name, following["id"], key, MULTIKEY)
    following["verificationMethod"] = [entry, *methods]
    for relationship in relationships_of(key):
        retired = following.get(relationship, []) if relationship == _KEPT_AFTER_ROTATION else []
        following[relationship] = [name, *retired]
    return following


def revoked(document: Mapping[str, Any], since: datetime) -> JSONObject:
    """Return the document in which every method proves nothing from a time on.

    Args:
        document: The document so far.
        since: The time. A method that was revoked before keeps the time it was revoked at.
    """
    following = copy.deepcopy(dict(document))
    moment = {"revoked": timestamp.write(since)}
    for member in ("verificationMethod", *RELATIONSHIPS):
        if member in following:
            following[member] = [
                moment | method if isinstance(method, dict) else method
                for method in following[member]
            ]
    return following


def without(
    document: Mapping[str, Any],
    names: Iterable[str],
    history: Iterable[tuple[datetime, Mapping[str, Any]]] = (),
) -> JSONObject:
    """Return the document without methods that act no more.

    Args:
        document: The document so far.
        names: The absolute id of each method that goes; all of them retired or revoked.
        history: The documents before it and itself, each with its time, from the first on.

    Raises:
        InvalidInputError: There is no such method, it still acts, or its revocation reaches back
            before it was told and has to stay (``INVALID_OPTIONS``).
    """
    parsed = DIDDocument(document, document["id"])
    over = retired(parsed) | {
        method.id for method in parsed.verification_methods if method.revoked is not None
    }
    gone = set(names)
    if gone - over:
        raise InvalidInputError(
            f"{quote(min(map(str, gone - over)), 120)} is no key that retired or was revoked",
            code=Code.INVALID_OPTIONS,
        )
    if gone and (staying := {_fragment(name) for name in gone} & reaching_back(history)):
        raise InvalidInputError(
            f"the key {quote(min(staying), 120)} was revoked from a time on before that was told: "
            "without it, what a thief had recorded in between would count again",
            code=Code.INVALID_OPTIONS,
        )
    following = copy.deepcopy(dict(document))
    for member in ("verificationMethod", *RELATIONSHIPS):
        if member in following:
            following[member] = [
                entry for entry in following[member] if _name(entry, parsed.id) not in gone
            ]
    return following


def reaching_back(states: Iterable[tuple[datetime, Mapping[str, Any]]]) -> frozenset[str]:
    """Return the fragments of methods that were revoked from a time on before it was told.

    Only the revocation itself refuses what was recorded between the two times.

    Args:
        states: The documents of a DID, each with its time, from the first on.
    """
    told: dict[str, bool] = {}
    for time, state in states:
        for member in ("verificationMethod", *RELATIONSHIPS):
            for entry in state.get(member) or ():
                if isinstance(entry, dict) and "revoked" in entry:
                    since = timestamp.parse(entry["revoked"])
                    told.setdefault(_fragment(str(entry.get("id"))), since < time)
    return frozenset(fragment for fragment, before in told.items() if before)


def emptied(document: Mapping[str, Any]) -> JSONObject:
    """Return the document of a DID that is given up: no keys, no services."""
    return {
        member: copy.deepcopy(value)
        for member, value in document.items()
        if member not in _EMPTY_AFTER_DEACTIVATION
    }


def _fragment(identifier: str) -> str:
    return identifier.partition("#")[2]  # the rest changes where a DID moves


def _name(entry: Any, did: str) -> str:
    return absolute(entry["id"] if isinstance(entry, dict) else entry, did)


def retired(document: DIDDocument) -> frozenset[str]:
    """Return the methods that a newer one has taken over from: they verify, and sign no more.

    Args:
        document: A document that followed by `rotated`; methods of other names never retire.
    """
    older = set()
    for relationship in RELATIONSHIPS:
        named = [name for name in document.relationship(relationship) if _NAMED.search(name)]
        older |= set(named[1:])
    return frozenset(older)
