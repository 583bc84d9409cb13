"""The method did:ethr: read what a contract said of an identity, and answer for one version.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#read-resolve
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar, Final

from cityid import timestamp
from cityid.did.methods.ethr.account import Account, account_of
from cityid.did.methods.ethr.document import document_of, state_at
from cityid.did.methods.ethr.events import Event, hostile
from cityid.did.methods.ethr.history import Ledger, read_history
from cityid.did.methods.ethr.networks import NETWORKS, Network, checked_networks, network_of
from cityid.did.resolution import (
    MEDIA_TYPES,
    DocumentMetadata,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.did.syntax import DID
from cityid.errors import (
    Code,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
    quote,
)
from cityid.registry.base import Clock, now
from cityid.registry.ethereum.nodes.blocks import Block

CACHE_SIZE: Final = 128
"""How many histories are kept, each for as long as no other block is settled."""

MAX_KEPT: Final = 256
"""The most events of a history that is kept."""

_Key = tuple[int, str, bytes, bytes]
_Read = tuple[tuple[Event, ...], dict[int, int]]
_HEIGHT = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ethr:
    """The method did:ethr.

    Only what is settled on the chain counts: a change shows when no node takes it back any more.

    Attributes:
        chains: The chains that are asked, by their numbers.
        networks: Where the contract is, by the name of the network; see `NETWORKS`.
        clock: Gives the present.
    """

    name: ClassVar[str] = "ethr"
    self_contained: ClassVar[bool] = False
    features: ClassVar[frozenset[str]] = frozenset({"versionId", "versionTime", "recordedBy"})

    chains: Mapping[int, Ledger] = field(default_factory=dict, hash=False, repr=False)
    networks: Mapping[str, Network] = field(
        default_factory=lambda: NETWORKS, hash=False, repr=False
    )
    clock: Clock = field(default=now, repr=False)
    _kept: OrderedDict[_Key, _Read] = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )

    def __reduce__(self) -> tuple[type[Ethr], tuple[object, ...]]:
        """Let a process pool carry the method, as far as it carries the chains."""
        return Ethr, (dict(self.chains), dict(self.networks), self.clock)

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:
        """Return the version of the document that is asked for.

        Raises:
            InvalidInputError: The DID is malformed (``INVALID_DID``), the options are
                (``INVALID_OPTIONS``), or what was said of the DID is no document
                (``INVALID_DID_DOCUMENT``).
            NotFoundError: The version asked for is not there yet.
            UnsupportedError: There is no chain of this network (``METHOD_NOT_SUPPORTED``).
            RegistryError: The chain could not be read, or its nodes disagree.

        Spec:
            https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#read-resolve
        """
        account = account_of(did)
        network = network_of(account.network, self.networks)
        ledger = self._ledger(network, account)
        try:
            return self._resolved(did, account, ledger, network.registry, options)
        except (RegistryError, UnsupportedError) as error:
            if error.code is not Code.NOT_SUPPORTED:
                raise
            # What a node cannot do says nothing against the DID.
            raise RegistryError(str(error)) from error

    def _ledger(self, network: Network, account: Account) -> Ledger:
        ledger = self.chains.get(network.chain_id)
        if ledger is None:
            raise UnsupportedError(
                f"no chain {network.chain_id} is in hand for {quote(account.network or 'mainnet')};"
                " pass did.resolver(methods=[ethr.method(chain)])",
                name="ethr",
                known=tuple(str(number) for number in self.chains),
                code=Code.METHOD_NOT_SUPPORTED,
            )
        if ledger.chain_id != network.chain_id:
            raise hostile(f"the chain says that it is {ledger.chain_id}, not {network.chain_id}")
        return ledger

    def _resolved(
        self,
        did: DID,
        account: Account,
        ledger: Ledger,
        contract: str,
        options: ResolutionOptions,
    ) -> ResolutionResult:
        settled = ledger.settled()
        events, known = self._history(ledger, contract, account.address, settled, options)
        times = _Times(ledger, settled, known)
        if options.recorded_by is not None:
            events = times.until(events, int(timestamp.aware(options.recorded_by).timestamp()))
        height, at = self._wanted(options, times, events)
        state = state_at(
            account.address, (event for event in events if event.block <= height), at, times
        )
        later = next((event.block for event in events if event.block > height), None)
        metadata = DocumentMetadata(
            updated=times.moment(state.version),
            deactivated=state.owner is None,
            version_id=None if state.version is None else str(state.version),
            next_update=None if state.owner is None else times.moment(later),
            next_version_id=None if later is None or state.owner is None else str(later),
        )
        if state.owner is None:
            return ResolutionResult(None, ResolutionMetadata(), metadata)
        document = document_of(str(did), account, ledger.chain_id, state)
        return ResolutionResult(document, ResolutionMetadata(MEDIA_TYPES[0]), metadata)

    def _history(
        self,
        ledger: Ledger,
        contract: str,
        identity: bytes,
        settled: Block,
        options: ResolutionOptions,
    ) -> _Read:
        """Return the events of an identity, and the times of blocks that are known already.

        As long as the settled block is the same, so is everything before it.
        """
        key = (ledger.chain_id, contract, identity, settled.hash)
        kept = None if options.no_cache else self._kept.get(key)
        if kept is not None:
            return kept
        read = read_history(ledger, contract, identity, settled), dict[int, int]()
        if len(read[0]) <= MAX_KEPT:
            while len(self._kept) >= CACHE_SIZE:
                with suppress(KeyError):  # another thread may have emptied it
                    self._kept.popitem(last=False)
            self._kept[key] = read
        return read

    def _wanted(
        self, options: ResolutionOptions, times: _Times, events: tuple[Event, ...]
    ) -> tuple[int, int]:
        """Return up to which block events count, and the time at which they must hold."""
        if options.version_id is not None:
            height = _height(options.version_id)
            if height > times.settled.number:
                raise NotFoundError(
                    f"block {height} is not settled: the chain is at {times.settled.number}",
                    ref="version",
                )
            return height, times(height)
        wanted = options.version_time
        if wanted is not None:
            moment = timestamp.parse(wanted) if isinstance(wanted, str) else timestamp.aware(wanted)
            at = int(moment.timestamp())
            counted = times.until(events, at)
            return (counted[-1].block if counted else 0), at
        if options.recorded_by is not None:
            return times.settled.number, int(timestamp.aware(options.recorded_by).timestamp())
        return times.settled.number, max(int(self.clock().timestamp()), times.settled.time)


@dataclass(frozen=True, slots=True)
class _Times:
    """The times of blocks, each asked for once."""

    ledger: Ledger
    settled: Block
    _known: dict[int, int]

    def __call__(self, number: int) -> int:
        if number == self.settled.number:
            return self.settled.time
        if number not in self._known:
            block = self.ledger.block(number)
            if block.number != number or block.time > self.settled.time:
                raise hostile("a block is not the one that was asked for, or of a later time")
            self._known[number] = block.time
        return self._known[number]

    def moment(self, number: int | None) -> datetime | None:
        if number is None:
            return None
        try:
            return datetime.fromtimestamp(self(number), UTC)
        except (OverflowError, ValueError, OSError) as error:
            raise hostile(f"block {number} is of a time that no calendar has") from error

    def until(self, events: tuple[Event, ...], at: int) -> tuple[Event, ...]:
        """Return the events up to a time; blocks are in the order of their times."""
        low, high = 0, len(events)
        while low < high:
            middle = (low + high) // 2
            if self(events[middle].block) <= at:
                low = middle + 1
            else:
                high = middle
        return events[:low]


def method(
    *chains: Ledger,
    networks: Mapping[str, Network] | None = None,
    clock: Clock = now,
) -> Ethr:
    """Make the method did:ethr for a resolver: ``did.resolver(methods=[ethr.method(chain)])``.

    Args:
        chains: The chains to ask, each of another number.
        networks: Networks of your own, by name: where the contract is on your chain.
        clock: Gives the present.

    Raises:
        InvalidInputError: Two chains have one number, or a network is none (``INVALID_OPTIONS``).
    """
    by_number = {chain.chain_id: chain for chain in chains}
    if len(by_number) != len(chains):
        raise InvalidInputError("two chains have the same number", code=Code.INVALID_OPTIONS)
    return Ethr(MappingProxyType(by_number), checked_networks(networks or {}), clock)


def _height(text: str) -> int:
    if _HEIGHT.fullmatch(text) is None:
        raise InvalidInputError(
            f"{quote(text)} is no versionId of a did:ethr, the height of a block",
            code=Code.INVALID_OPTIONS,
        )
    return int(text)
