"""What an authority does: recognise, withdraw, and publish its list whole.

Nobody holds a lock. Whoever changes a list reads it, signs the next version and appends it; where
somebody else was faster the registry refuses, and the change is made anew onto what they wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from cityid import did, strict_json, timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential
from cityid.cryptosuites import suite_for
from cityid.did import Identity, Resolver
from cityid.did.identity import demand_identity
from cityid.errors import ConflictError, NotFoundError, quote
from cityid.registry import NewEntry, Registry
from cityid.securing import add_proof
from cityid.trust.actions import ISSUE, RecognizedAction, demand_line
from cityid.trust.lists import (
    LIST_TYPE,
    Reader,
    RecognitionList,
    list_id,
    listed,
)

_CONTEXTS: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://cityid.example/contexts/recognition/v1",
)
_ATTEMPTS: Final = 32
_Lines = tuple[RecognizedAction, ...]


def publish(
    ledger: Registry,
    authority: Identity,
    actions: Iterable[RecognizedAction] = (),
    *,
    version: int | None = None,
    valid_for: timedelta | None = None,
    cryptosuite: str | None = None,
    contexts: Contexts = CONTEXTS,
    at: datetime | None = None,
) -> RecognitionList:
    """Publish an authority's list whole, in place of the one before; empty, it recognises nobody.

    Args:
        ledger: The registry.
        authority: Who recognises: a DID and its keys.
        actions: Who is recognised to do what.
        version: The version it must become; the next one by default.
        valid_for: How long the list may be used before the authority must publish again.
        cryptosuite: The Data Integrity cryptosuite; by default the JCS one of the key's type.
        contexts: The JSON-LD contexts that are admitted.
        at: When it is signed; now by default.

    Returns:
        The list as it was recorded.

    Raises:
        InvalidInputError: A line is malformed, or the list too large.
        ConflictError: Somebody else published this version first.
        RegistryError: Nothing could be written.
        ProofGenerationError: The key cannot sign the list.
    """
    lines = tuple(map(demand_line, actions))
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    demand_identity(authority, "authority")
    whose = str(authority.did)
    if version is None:
        head = ledger.head(list_id(whose))
        version = 1 if head is None else head.version + 1
    unsigned = _unsigned(whose, version, lines, moment, valid_for)
    method, signer = authority.signer("assertionMethod")
    signed = add_proof(
        unsigned,
        signer=signer,
        verification_method=method,
        purpose="assertionMethod",
        cryptosuite=cryptosuite or suite_for(signer.public_key.type, form="jcs"),
        contexts=contexts,
        created=moment,
    )
    credential = Credential.of(signed)
    data = strict_json.write(credential.document).encode()
    entry = NewEntry(list_id(whose), version, data)
    (record,) = ledger.append([entry])
    return listed(record, credential, whose)


def recognise(
    ledger: Registry,
    authority: Identity,
    entity: object,
    *,
    for_type: str,
    action: str = ISSUE,
    claims: Iterable[str] = (),
    jurisdiction: str | Iterable[str] | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    further: int = 0,
    output: Iterable[Mapping[str, Any]] = (),
    valid_for: timedelta | None = None,
    resolver: Resolver | None = None,
    at: datetime | None = None,
) -> RecognitionList:
    """Recognise an entity; the same recognition again gets the new period and reach.

    Args:
        ledger: The registry.
        authority: Who recognises: a DID and its keys.
        entity: Who is recognised: a DID, or an identity.
        for_type: The type of credential.
        action: ``issue``, or ``recognize`` others for the same type, claims and places.
        claims: JSON Pointers to the claims; all of them by default.
        jurisdiction: Where, one place or several; anywhere by default.
        valid_from: From when on.
        valid_until: Until before when.
        further: How many authorities may follow this one, for ``recognize``; none by default.
        output: Schemas that what it issues must fit: objects with ``id`` and ``type``.
        valid_for: How long the list may be used; as long as the one before by default.
        resolver: Finds the authority's key; by default, in its DID, in the ledger, or for did:web
            in the document at hand.
        at: When; now by default.

    Returns:
        The new list.

    Raises:
        InvalidInputError: An argument is malformed.
        RegistryError: The authority's list cannot be read or written.
    """
    line = demand_line(
        RecognizedAction(
            entity=did_of(entity),
            action=action,
            for_type=for_type,
            claims=tuple(claims),
            jurisdictions=_places(jurisdiction),
            valid_from=valid_from and timestamp.aware(valid_from),
            valid_until=valid_until and timestamp.aware(valid_until),
            further=further,
            output=tuple(output),
        )
    )

    def add(lines: _Lines) -> _Lines:
        return (*(each for each in lines if not each.same_scope(line)), line)

    return _change(authority, add, valid_for, _reader(ledger, authority, resolver, at), ledger)


def withdraw(
    ledger: Registry,
    authority: Identity,
    entity: object,
    *,
    for_type: str | None = None,
    action: str | None = None,
    valid_for: timedelta | None = None,
    resolver: Resolver | None = None,
    at: datetime | None = None,
) -> RecognitionList:
    """Recognise an entity no longer; who asks for an earlier time still finds it.

    Args:
        ledger: The registry.
        authority: Who recognised it.
        entity: Who is no longer recognised: a DID, or an identity.
        for_type: For which type of credential; for all types by default.
        action: To do what; everything by default.
        valid_for: How long the list may be used; as long as the one before by default.
        resolver: Finds the authority's key; by default, in its DID, in the ledger, or for did:web
            in the document at hand.
        at: When; now by default.

    Returns:
        The new list.

    Raises:
        NotFoundError: The list does not recognise it so.
        RegistryError: The authority's list cannot be read or written.
    """
    whom = did_of(entity)

    def named(line: RecognizedAction) -> bool:
        of_type = for_type is None or line.for_type == for_type
        return line.entity == whom and of_type and action in {None, line.action}

    def remove(lines: _Lines) -> _Lines:
        kept = tuple(line for line in lines if not named(line))
        if len(kept) == len(lines):
            raise NotFoundError(f"the list does not recognise {quote(whom, 120)} so", ref=whom)
        return kept

    return _change(authority, remove, valid_for, _reader(ledger, authority, resolver, at), ledger)


def did_of(entity: object) -> str:
    """Return the DID of an entity, given as text, DID or identity.

    Args:
        entity: Who.

    Raises:
        InvalidInputError: It is no DID.
    """
    return str(entity.did if isinstance(entity, Identity) else did.parse(str(entity)))


def _change(
    authority: Identity,
    edit: Callable[[_Lines], _Lines],
    valid_for: timedelta | None,
    reader: Reader,
    ledger: Registry,
) -> RecognitionList:
    """Read, edit, write; and again where somebody else wrote in between."""
    whose = str(authority.did)

    def once() -> RecognitionList:
        head = ledger.head(list_id(whose))
        version = 0 if head is None else head.version
        before = reader.last(whose, version, in_force=False)
        return publish(
            ledger,
            authority,
            edit(() if before is None else before.actions),
            version=version + 1,
            valid_for=valid_for or (None if before is None else _period(before)),
            at=reader.at,
        )

    for _ in range(_ATTEMPTS - 1):
        with suppress(ConflictError):
            return once()
    return once()


def _places(jurisdiction: str | Iterable[str] | None) -> tuple[str, ...]:
    return (jurisdiction,) if isinstance(jurisdiction, str) else tuple(jurisdiction or ())


def _period(before: RecognitionList) -> timedelta | None:
    start, end = before.credential.valid_from, before.credential.valid_until
    return None if start is None or end is None else end - start


def _reader(
    ledger: Registry, authority: Identity, resolver: Resolver | None, at: datetime | None
) -> Reader:
    """Return who reads the authority's own list: a did:web by the document in hand."""
    demand_identity(authority, "authority")
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    in_hand = (authority.document,) if authority.did.method == "web" else ()
    own = resolver or did.resolver(ledger, documents=in_hand)
    return Reader(ledger=ledger, resolver=own, at=moment)


def _unsigned(
    whose: str, version: int, lines: _Lines, at: datetime, valid_for: timedelta | None
) -> dict[str, Any]:
    by_entity = groupby(sorted(lines, key=attrgetter("entity")), key=attrgetter("entity"))
    entities = [_entity(entity, [each.to_dict(whose) for each in own]) for entity, own in by_entity]
    return {
        "@context": list(_CONTEXTS),
        "id": list_id(whose),
        "type": ["VerifiableCredential", LIST_TYPE],
        "issuer": whose,
        "validFrom": timestamp.write(at),
        **(
            {"validUntil": timestamp.write(timestamp.later(at, valid_for))}
            if valid_for is not None
            else {}
        ),
        "listVersion": version,
        # A credential needs a subject: an empty list speaks of its authority, and grants nothing.
        "credentialSubject": entities or [_entity(whose, [])],
    }


def _entity(entity: str, actions: list[dict[str, Any]]) -> dict[str, Any]:
    granted = {"recognizedTo": actions} if actions else {}
    return {"id": entity, "type": "RecognizedEntity", **granted}
