"""Publishing lists: a new one, and one that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from cityid import did, timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential.terms import is_url
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite, suite_for
from cityid.did import Identity, Resolver
from cityid.did.identity import demand_identity
from cityid.errors import Code, InvalidInputError, NotFoundError, quote
from cityid.registry import Record, Registry
from cityid.status.allocation import Allocator, MemoryAllocator
from cityid.status.bits import MOST_BYTES
from cityid.status.bitstring import LEAST_ENTRIES, MOST_BITS, BitstringList
from cityid.status.cache import USUAL_TTL
from cityid.status.list import StatusList
from cityid.status.state import Trust, last_state, own_state

_LASTING = frozenset({"revocation"})


def publish(
    registry: Registry,
    issuer: Identity,
    url: str,
    *,
    purpose: str,
    length: int = LEAST_ENTRIES,
    size: int = 1,
    messages: Mapping[int, str] | None = None,
    allocator: Allocator | None = None,
    decoys: int = 0,
    ttl: timedelta = USUAL_TTL,
    valid_for: timedelta | None = None,
    cryptosuite: str | None = None,
    resolver: Resolver | None = None,
    contexts: Contexts = CONTEXTS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    at: datetime | None = None,
) -> StatusList:
    """Publish a new list, in which nothing is set yet.

    Args:
        registry: Where it is kept; the log's name is the list's URL.
        issuer: Who issues it: the issuer of the credentials, or whoever the URL names.
        url: The list's URL; a DID URL of its issuer where others issue the credentials.
        purpose: What it says: ``revocation``, ``suspension``, ``message``, ``refresh`` …
        length: How many entries it has.
        size: How many bits each has.
        messages: What each value means; needed for more than one bit.
        allocator: Gives out the places; one that is forgotten with the process by default.
        decoys: How many places are set from the beginning that belong to nobody, so that the
            number of bits that are set says little. Only where nothing is ever lifted.
        ttl: For how long a copy may be used.
        valid_for: How long each state of the list counts; without end by default.
        cryptosuite: Signs the list; by default the one over plain JSON for the key's type.
        resolver: Finds the keys that earlier states were signed with; by default in the
            registry, else in the issuer's document.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        at: When it is published; now by default.

    Returns:
        A handle on the list.

    Raises:
        InvalidInputError: An argument does not fit the specification.
        ConflictError: There is a list at this URL already; see `reopen`.
        NotFoundError: The issuer has no key at hand to sign with.
        RegistryError: The list cannot be written.

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#generate-algorithm
    """
    demand_identity(issuer, "issuer")
    _check(url, purpose, length, size, decoys)
    _check_periods(ttl, valid_for)
    _check_messages(size, messages or {})
    trust = Trust(resolver or _own_resolver(registry, issuer), contexts, suites)
    handle = StatusList(
        registry=registry,
        issuer=issuer,
        url=url,
        purpose=purpose,
        length=length,
        size=size,
        messages=MappingProxyType(dict(messages or {})),
        allocator=MemoryAllocator() if allocator is None else allocator,
        ttl=ttl,
        valid_for=valid_for,
        cryptosuite=cryptosuite or _fastest(issuer),
        trust=trust,
    )
    return handle.begin(decoys, datetime.now(UTC) if at is None else timestamp.aware(at))


def reopen(
    registry: Registry,
    issuer: Identity,
    url: str,
    *,
    allocator: Allocator,
    size: int = 1,
    messages: Mapping[int, str] | None = None,
    ttl: timedelta | None = None,
    valid_for: timedelta | None = None,
    cryptosuite: str | None = None,
    resolver: Resolver | None = None,
    contexts: Contexts = CONTEXTS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
) -> StatusList:
    """Take up a list that was published before.

    Args:
        registry: Where it is kept.
        issuer: Who issues it.
        url: The list's URL.
        allocator: The allocator it was published with.
        size: How many bits each entry has, as at publication.
        messages: What each value means, as at publication.
        ttl: For how long a copy of the next state may be used; as it is by default.
        valid_for: How long the next state counts; without end by default.
        cryptosuite: Signs the next state.
        resolver: Finds the keys that earlier states were signed with.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.

    Returns:
        A handle on the list.

    Raises:
        NotFoundError: There is no such list.
        InvalidInputError: What is there is not this issuer's list.
        RegistryError: The list cannot be read.
    """
    demand_identity(issuer, "issuer")
    trust = Trust(resolver or _own_resolver(registry, issuer), contexts, suites)
    state = last_state(registry, issuer, url, trust).list
    _check_messages(size, messages or {})
    return StatusList(
        registry=registry,
        issuer=issuer,
        url=url,
        purpose=min(state.purposes),
        length=len(state.bits) * 8 // size,
        size=size,
        messages=MappingProxyType(dict(messages or {})),
        allocator=allocator,
        ttl=ttl or state.ttl or USUAL_TTL,
        valid_for=valid_for or _period(state),
        cryptosuite=cryptosuite or _fastest(issuer),
        trust=trust,
    )


def restore(
    registry: Registry,
    issuer: Identity,
    url: str,
    *,
    version: int,
    cryptosuite: str | None = None,
    resolver: Resolver | None = None,
    contexts: Contexts = CONTEXTS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    at: datetime | None = None,
) -> Record:
    """Publish an earlier state of a list anew, over rubbish or a thief's list in its log.

    What was set since that state is set no more: set it again. Take the list up with `reopen`
    afterwards.

    Args:
        registry: Where the list is kept.
        issuer: Who issues it.
        url: Its URL.
        version: The last version that is the issuer's own.
        cryptosuite: Signs the new state.
        resolver: Finds the keys that the earlier state was signed with.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        at: When; now by default.

    Returns:
        The record of the new state.

    Raises:
        NotFoundError: The list has no such version.
        InvalidInputError: That version is not this issuer's list either.
        RegistryError: The list cannot be read or written.
    """
    demand_identity(issuer, "issuer")
    trust = Trust(resolver or _own_resolver(registry, issuer), contexts, suites)
    records = registry.read(url, after=version - 1, limit=1) if version > 0 else ()
    if not records:
        raise NotFoundError(f"the list {quote(url, 120)} has no version {version}", ref=url)
    state = own_state(records[0], issuer, url, trust).list
    handle = StatusList(
        registry=registry,
        issuer=issuer,
        url=url,
        purpose=min(state.purposes),
        length=len(state.bits) * 8,
        size=1,
        messages=MappingProxyType({}),
        allocator=MemoryAllocator(),
        ttl=state.ttl or USUAL_TTL,
        valid_for=_period(state),
        cryptosuite=cryptosuite or _fastest(issuer),
        trust=trust,
    )
    return handle.restore(state.bits, datetime.now(UTC) if at is None else timestamp.aware(at))


def _period(state: BitstringList) -> timedelta | None:
    if state.valid_from is None or state.valid_until is None:
        return None
    return state.valid_until - state.valid_from


def _check(url: str, purpose: str, length: int, size: int, decoys: int) -> None:
    if not is_url(url):
        raise _refused(f"{quote(url)} is not the URL of a list")
    if not purpose or not isinstance(purpose, str):
        raise _refused(f"{quote(purpose)} is no purpose, such as revocation")
    if type(size) is not int or not 0 < size <= MOST_BITS:
        raise _refused(f"a status has 1 to {MOST_BITS} bits, not {quote(size)}")
    most = MOST_BYTES * 8 // size
    if type(length) is not int or length % 8 or not LEAST_ENTRIES <= length <= most:
        raise _refused(
            f"a list has {LEAST_ENTRIES} to {most} entries, a multiple of 8, not {quote(length)}"
        )
    if type(decoys) is not int or not 0 <= decoys < length:
        raise _refused(f"{quote(decoys)} decoys do not fit into {length} entries")
    if decoys and purpose not in _LASTING:
        raise _refused("decoys are for revocation alone: elsewhere they would never change")


def _check_periods(ttl: timedelta, valid_for: timedelta | None) -> None:
    if ttl < timedelta(0) or (valid_for is not None and valid_for <= timedelta(0)):
        raise _refused("ttl= and valid_for= are lengths of time from now on")


def _check_messages(size: int, messages: Mapping[int, str]) -> None:
    if (size > 1 or messages) and set(messages) != set(range(1 << size)):
        raise _refused(f"a status of {size} bits needs a message for each of {1 << size} values")


def _refused(told: str) -> InvalidInputError:
    return InvalidInputError(told, code=Code.INVALID_OPTIONS)


def _own_resolver(registry: Registry, issuer: Identity) -> Resolver:
    """Return a resolver that knows the issuer: by its history in the registry, else as it is."""
    plain = did.resolver(registry)
    if plain.resolve(issuer.did).document is not None:
        return plain
    return did.resolver(registry, documents=(issuer.document,))


def _fastest(issuer: Identity) -> str:
    return suite_for(issuer.signer("assertionMethod")[1].public_key.type, form="jcs")
