"""A published list in the hand of its issuer: entries for credentials, and changes to the list.

The handle remembers nothing of the list's state. Each change reads the last record, verifies it as
any verifier would, sets the bits, signs the whole, and appends one record; where another process
was faster, it begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cityid import strict_json, timestamp
from cityid.credential import Credential
from cityid.did import Identity
from cityid.errors import Code, ConflictError, InvalidInputError, quote
from cityid.registry import NewEntry, Record, Registry
from cityid.securing import add_proof
from cityid.status.allocation import Allocator
from cityid.status.bits import read_leftmost_first, write_leftmost_first
from cityid.status.bitstring import (
    Entry,
    entry_document,
    list_document,
    read_entry,
)
from cityid.status.state import Trust, last_state
from cityid.strict_json import JSONObject

_ATTEMPTS = 16
_FOR_GOOD = frozenset({"revocation", "refresh"})

Item = int | Credential | Mapping[str, Any] | str | bytes
"""What is meant by a change: a place in the list, or a credential that has one."""


@dataclass(frozen=True, kw_only=True)
class StatusList:
    """A published list in the hand of its issuer; `publish` and `reopen` make one.

    Attributes:
        registry: Where it is kept.
        issuer: Who issues it.
        url: Its URL, and its log's name.
        purpose: What it says.
        length: How many entries it has.
        size: How many bits each has.
        messages: What each value means.
        allocator: Gives out the places.
        ttl: For how long a copy may be used.
        valid_for: How long each state counts; None for without end.
        cryptosuite: Signs the list.
        trust: What earlier states are read with.
    """

    registry: Registry = field(repr=False)
    issuer: Identity = field(repr=False)
    url: str
    purpose: str
    length: int
    size: int
    messages: Mapping[int, str]
    allocator: Allocator = field(repr=False)
    ttl: timedelta
    valid_for: timedelta | None
    cryptosuite: str
    trust: Trust = field(repr=False)

    # --- for credentials

    def allocate(self) -> int:
        """Give out a place at random, never one a second time; durable before it is returned.

        Raises:
            NotFoundError: The allocator does not know the list.
            InvalidInputError: No place is left (STATUS_LIST_FULL).
            RegistryError: The allocator cannot be written.
        """
        return self.allocator.allocate(self.url)

    def entry(self, index: int | None = None) -> JSONObject:
        """Return the ``credentialStatus`` of one credential.

        Args:
            index: Its place; a fresh one by default.

        Raises:
            NotFoundError: The allocator does not know the list.
            InvalidInputError: No place is left (STATUS_LIST_FULL), or the list has none such.
            RegistryError: The allocator cannot be written.
        """
        place = self.allocate() if index is None else self._place(index)
        return entry_document(Entry(self.purpose, self.url, place, self.size, self.messages))

    # --- changes

    def revoke(self, items: Iterable[Item] | Item, *, at: datetime | None = None) -> Record:
        """Revoke credentials for good: one record, however many there are.

        Args:
            items: Places in the list, or credentials that have one; those that are revoked
                already stay so.
            at: When; now by default.

        Returns:
            The record of the list's new state; of the present one where nothing changes.

        Raises:
            InvalidInputError: The list is for another purpose, or an item is not in it.
            NotFoundError: The list is gone.
            RegistryError: The list cannot be read or written; ConflictError where others write
                without a pause.
        """
        return self._for("revocation", items, 1, at)

    def suspend(self, items: Iterable[Item] | Item, *, at: datetime | None = None) -> Record:
        """Suspend credentials until they are lifted; see `revoke`.

        Args:
            items: Places in the list, or credentials that have one.
            at: When; now by default.
        """
        return self._for("suspension", items, 1, at)

    def lift(self, items: Iterable[Item] | Item, *, at: datetime | None = None) -> Record:
        """Lift the suspension of credentials; see `revoke`.

        Args:
            items: Places in the list, or credentials that have one.
            at: When; now by default.
        """
        return self._for("suspension", items, 0, at)

    def refresh(self, items: Iterable[Item] | Item, *, at: datetime | None = None) -> Record:
        """Tell for good that there is a newer form of credentials; see `revoke`.

        Args:
            items: Places in the list, or credentials that have one.
            at: When; now by default.
        """
        return self._for("refresh", items, 1, at)

    def message(
        self, items: Iterable[Item] | Item, value: int, *, at: datetime | None = None
    ) -> Record:
        """Set the status of credentials to one of the list's messages; see `revoke`.

        Args:
            items: Places in the list, or credentials that have one.
            value: The status.
            at: When; now by default.
        """
        if self.purpose in {"revocation", "suspension", "refresh"}:
            raise _another_purpose(self.purpose, "messages")
        return self._set(self._places(items), value, at)

    def renew(self, *, at: datetime | None = None) -> Record:
        """Sign the present state anew, so that it is fresh.

        Args:
            at: When; now by default.

        Returns:
            The record of the list's new state.

        Raises:
            InvalidInputError: What is there is not this issuer's list.
            NotFoundError: The list is gone.
            RegistryError: The list cannot be read or written.
        """
        return self._changed(lambda _: None, at, always=True)

    def value(self, item: Item) -> int:
        """Return the present status of one credential.

        Args:
            item: Its place in the list, or the credential.

        Raises:
            InvalidInputError: It is not in the list, or what is there is not this issuer's list.
            NotFoundError: The list is gone.
            RegistryError: The list cannot be read.
        """
        state = last_state(self.registry, self.issuer, self.url, self.trust)
        return read_leftmost_first(state.list.bits, self._place(item), self.size)

    def restore(self, bits: bytes, at: datetime) -> Record:
        """Write a state over whatever is the last one; for `status.restore`.

        Args:
            bits: The array.
            at: When.

        Raises:
            RegistryError: The list cannot be read or written; ConflictError where somebody else
                wrote meanwhile.
        """
        head = self.registry.head(self.url)
        return self._append(bytearray(bits), 1 if head is None else head.version + 1, at)

    def begin(self, decoys: int, at: datetime) -> StatusList:
        """Write the first state of the list; for `publish`.

        Args:
            decoys: How many places are set that belong to nobody.
            at: When.

        Raises:
            ConflictError: There is a list at this URL already.
            RegistryError: The list cannot be written.
        """
        if (head := self.registry.head(self.url)) is not None:
            raise ConflictError(
                f"there is something at {quote(self.url, 120)} already; use status.reopen",
                log=self.url,
                expected=1,
                found=head.version + 1,
            )
        self.allocator.register(self.url, self.length)
        bits = bytearray(-(-self.length * self.size // 8))
        for _ in range(decoys):
            write_leftmost_first(bits, self.allocate(), 1, self.size)
        self._append(bits, 1, at)
        return self

    # --- how

    def _for(
        self, purpose: str, items: Iterable[Item] | Item, value: int, at: datetime | None
    ) -> Record:
        if self.purpose != purpose:
            raise _another_purpose(self.purpose, purpose)
        return self._set(self._places(items), value, at)

    def _set(self, places: list[int], value: int, at: datetime | None) -> Record:
        def edit(bits: bytearray) -> None:
            for place in places:
                write_leftmost_first(bits, place, value, self.size)

        return self._changed(edit, at)

    def _changed(
        self, edit: Callable[[bytearray], None], at: datetime | None, *, always: bool = False
    ) -> Record:
        moment = datetime.now(UTC) if at is None else timestamp.aware(at)
        attempt = 0
        while True:
            attempt += 1
            record, before = last_state(self.registry, self.issuer, self.url, self.trust)
            bits = bytearray(before.bits)
            edit(bits)
            if bits == before.bits and not always:
                return record
            # A clock that is behind another office's must not stop a revocation.
            later = moment if before.valid_from is None else max(moment, before.valid_from)
            try:
                return self._append(bits, record.version + 1, later)
            except ConflictError:
                if attempt == _ATTEMPTS:
                    raise

    def _append(self, bits: bytearray, version: int, at: datetime) -> Record:
        document = list_document(
            self.url,
            issuer=str(self.issuer.did),
            purposes=[self.purpose],
            bits=bits,
            valid_from=at,
            valid_until=None if self.valid_for is None else timestamp.later(at, self.valid_for),
            ttl=self.ttl,
            version=version,
        )
        verification_method, signer = self.issuer.signer("assertionMethod")
        secured = add_proof(
            document,
            signer=signer,
            verification_method=verification_method,
            purpose="assertionMethod",
            cryptosuite=self.cryptosuite,
            contexts=self.trust.contexts,
            created=at,
            suites=self.trust.suites,
        )
        data = strict_json.write(secured).encode()
        return self.registry.append([NewEntry(self.url, version, data)])[0]

    def _places(self, items: Iterable[Item] | Item) -> list[int]:
        single = isinstance(items, int | str | bytes | Mapping | Credential)
        if not single and not isinstance(items, Iterable):
            raise _no_item(items)
        several: Iterable[Item] = [items] if single else items  # type: ignore[list-item,assignment]  # told apart above
        return [self._place(item) for item in several]

    def _place(self, item: object) -> int:
        if isinstance(item, int) and not isinstance(item, bool):
            if not 0 <= item < self.length:
                raise InvalidInputError(f"the list has no entry {item}", code=Code.RANGE_ERROR)
            return item
        if not isinstance(item, Credential | Mapping | str | bytes):
            raise _no_item(item)
        for place, status in enumerate(Credential.of(item).statuses):
            if status.get("statusListCredential") == self.url:
                entry = read_entry(status, f"/credentialStatus/{place}")
                if entry.size != self.size:
                    raise InvalidInputError(
                        f"the status has {entry.size} bits, and this list was taken up with "
                        f"{self.size}: a change would be somebody else's; reopen it with size=",
                        code=Code.INVALID_OPTIONS,
                    )
                if entry.purpose == self.purpose and entry.place < self.length:
                    return entry.place
        raise InvalidInputError(
            f"the credential has no entry for {self.purpose} in {quote(self.url, 120)}",
            code=Code.NOT_FOUND,
            path="/credentialStatus",
        )


def _another_purpose(purpose: str, asked: str) -> InvalidInputError:
    undone = ", and nothing in it is ever undone" if purpose in _FOR_GOOD else ""
    return InvalidInputError(
        f"the list is for {quote(purpose)}, not for {asked}{undone}", code=Code.INVALID_OPTIONS
    )


def _no_item(item: object) -> InvalidInputError:
    return InvalidInputError(
        f"{quote(item)} is neither a place in the list nor a credential",
        code=Code.INVALID_OPTIONS,
    )
