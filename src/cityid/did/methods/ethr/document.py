"""The document of a did:ethr: what its events come to at a time.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#read-resolve
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cityid.did.document import DIDDocument
from cityid.did.methods.ethr.account import NOBODY, Account, account_id, account_of
from cityid.did.methods.ethr.attributes import (
    JWK_TERM,
    KEYS,
    SECP256K1_TYPE,
    SECURITY_V2,
    SERVICES,
    read_key_attribute,
    read_service_attribute,
)
from cityid.did.methods.ethr.events import AttributeChanged, DelegateChanged, Event, OwnerChanged
from cityid.did.methods.ethr.networks import NETWORKS, Network, chain_id_of
from cityid.did.rules import DID_V1, MAX_SLOW_KEYS
from cityid.did.syntax import DID
from cityid.encoding import Multicodec
from cityid.errors import Code, InvalidInputError
from cityid.keys import PublicKey
from cityid.strict_json import JSONObject

RECOVERY_TYPE: Final = "EcdsaSecp256k1RecoveryMethod2020"
"""The type of a method that tells an address and no key: a signature tells whose it is."""

RECOVERY_V2: Final = "https://w3id.org/security/suites/secp256k1recovery-2020/v2"

_DELEGATES: Final[Mapping[str, str]] = MappingProxyType(
    {"veriKey": "assertionMethod", "sigAuth": "authentication"}
)

Change = DelegateChanged | AttributeChanged
TimeOf = Callable[[int], int]
"""Gives the time of a block, in seconds since 1970, by its height."""


@dataclass(frozen=True, slots=True)
class State:
    """What the events of an identity come to at a time.

    Attributes:
        owner: Who may change it; None where it was given up.
        changes: What is in force then, by the fragment that names it.
        version: The height of the block of the last change that counts; None where there is none.
    """

    owner: bytes | None
    changes: Mapping[str, Change] = field(hash=False)
    version: int | None


def state_at(identity: bytes, events: Iterable[Event], at: int, time_of: TimeOf) -> State:
    """Return what events come to at a time.

    A fragment is numbered by the changes of its kind so far, whether in force or not, so it never
    comes to mean another key. Whoever renews something gets a new one.

    Args:
        identity: The identity's address, its first owner.
        events: Its events, in order.
        at: The time, in seconds since 1970, not before the last event.
        time_of: Gives the time of an event's block.

    Spec:
        https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#id-properties-of-entries
    """
    owner, version = identity, None
    counts = {"delegate": 0, "service": 0}
    standing: dict[object, tuple[str, Change]] = {}
    for event in events:
        version = event.block
        if isinstance(event, OwnerChanged):
            owner = event.owner
            if owner == NOBODY:  # nothing that a contract says after this counts
                return State(None, {}, version)
            continue
        section = _section(event)
        if section is None:
            continue
        counts[section] += 1
        if _in_force(event, at, time_of):
            standing[_subject(event)] = f"{section}-{counts[section]}", event
        else:
            standing.pop(_subject(event), None)
    return State(owner, dict(standing.values()), version)


def _section(event: Change) -> str | None:
    """Return which part of the document an event may change; None where it changes none."""
    if isinstance(event, DelegateChanged):
        return None if event.kind is None else "delegate"
    if event.name is None:
        return None
    if event.name.startswith(KEYS):
        return "delegate"
    return "service" if event.name.startswith(SERVICES) else None


def _in_force(event: Change, at: int, time_of: TimeOf) -> bool:
    """Tell whether something holds at a time: to its last second, unless it ended as it began.

    A contract revokes a delegate by letting him end with the block that says so. That is no last
    second in which he may act.
    """
    return event.valid_to > at or (event.valid_to == at and time_of(event.block) < at)


def _subject(event: Change) -> object:
    """Return what an event is about: a later event about it takes the place of this one."""
    if isinstance(event, DelegateChanged):
        return event.kind, event.delegate
    return event.name, event.value, "attribute"


def document_of(did: str, account: Account, chain_id: int, state: State) -> DIDDocument:
    """Return the document of an identity that was not given up.

    Args:
        did: The DID, as it was asked for.
        account: What it names.
        chain_id: The number of the chain.
        state: What the events come to.

    Raises:
        InvalidInputError: They come to no document that is read (``INVALID_DID_DOCUMENT``).

    Spec:
        https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#controller-address
    """
    _refuse_slow(state.changes.values())
    owner = account.address if state.owner is None else state.owner
    writing = _Writing(did, chain_id)
    writing.controller(owner, account.public_key if owner == account.address else None)
    for fragment, change in state.changes.items():
        if isinstance(change, DelegateChanged):
            writing.delegate(fragment, change)
        elif fragment.startswith("service"):
            writing.service(fragment, change)
        else:
            writing.key(fragment, change)
    return DIDDocument.parse(writing.document())


def first_document(did: DID, networks: Mapping[str, Network] = NETWORKS) -> DIDDocument:
    """Return the document of a did:ethr that nobody has changed yet.

    Args:
        did: The DID.
        networks: The networks there are; one that is named by its number need not be among them.

    Raises:
        InvalidInputError: It is no did:ethr (``INVALID_DID``).
        UnsupportedError: No network has its name (``METHOD_NOT_SUPPORTED``).
    """
    account = account_of(did)
    state = State(account.address, {}, None)
    return document_of(str(did), account, chain_id_of(account.network, networks), state)


def _refuse_slow(changes: Iterable[Change]) -> None:
    prefix = Multicodec.BLS12_381_G2_PUB.prefix
    slow = sum(
        isinstance(change, AttributeChanged) and change.value.startswith(prefix)
        for change in changes
    )
    if slow > MAX_SLOW_KEYS:
        raise InvalidInputError(
            f"the document has more than {MAX_SLOW_KEYS} keys on BLS12-381",
            code=Code.INVALID_DID_DOCUMENT,
        )


@dataclass(frozen=True, slots=True)
class _Writing:
    """A document being written."""

    did: str
    chain_id: int
    contexts: list[Any] = field(default_factory=lambda: [DID_V1, RECOVERY_V2])
    methods: list[JSONObject] = field(default_factory=list)
    services: list[JSONObject] = field(default_factory=list)
    uses: dict[str, list[str]] = field(
        default_factory=lambda: {"authentication": [], "assertionMethod": []}
    )

    def controller(self, owner: bytes, public_key: PublicKey | None) -> None:
        both = ("authentication", "assertionMethod")
        self._add("controller", RECOVERY_TYPE, self._account(owner), both)
        if public_key is not None:
            form = {"publicKeyJwk": public_key.jwk}
            self._add("controllerKey", SECP256K1_TYPE, form, both, (SECURITY_V2, JWK_TERM))

    def delegate(self, fragment: str, change: DelegateChanged) -> None:
        relationship = _DELEGATES.get(change.kind or "")
        if relationship is not None:
            self._add(fragment, RECOVERY_TYPE, self._account(change.delegate), (relationship,))

    def key(self, fragment: str, change: AttributeChanged) -> None:
        key = read_key_attribute(change.name or "", change.value)
        if key is not None:
            self._add(fragment, key.type, key.form, (key.relationship,), key.contexts)

    def service(self, fragment: str, change: AttributeChanged) -> None:
        service = read_service_attribute(change.name or "", change.value)
        if service is not None:
            kind, endpoint = service
            identifier = f"{self.did}#{fragment}"
            self.services.append({"id": identifier, "type": kind, "serviceEndpoint": endpoint})

    def document(self) -> JSONObject:
        contexts = [dict(term) if isinstance(term, Mapping) else term for term in self.contexts]
        document: JSONObject = {"@context": contexts, "id": self.did}
        document |= {"verificationMethod": self.methods, **self.uses}
        return document | ({"service": self.services} if self.services else {})

    def _account(self, address: bytes) -> JSONObject:
        return {"blockchainAccountId": account_id(self.chain_id, address)}

    def _add(
        self,
        fragment: str,
        kind: str,
        form: Mapping[str, Any],
        uses: Iterable[str],
        contexts: Iterable[Any] = (),
    ) -> None:
        identifier = f"{self.did}#{fragment}"
        self.methods.append({"id": identifier, "type": kind, "controller": self.did, **form})
        for relationship in uses:
            self.uses.setdefault(relationship, []).append(identifier)
        self.contexts.extend(term for term in contexts if term not in self.contexts)
