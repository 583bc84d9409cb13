"""The life of a did:webvh: rotated, recovered, updated, moved, deactivated.

Every change is one more entry of the log, signed by an *update key* that the entry before
committed to by its hash, and committing to the key after it. So whoever steals the key that issues
cannot change the DID, and no update key is seen before it is used.

The order of the steps makes a crash harmless: first the new keys are durable in the keyring, then
the entry is appended. Whoever died between the two asks again and finds the same keys; whoever died
after the entry was written, but before hearing so, makes the same entry again and hears of it.

Spec:
    https://identity.foundation/didwebvh/v1.0/#did-method-operations
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cityid import timestamp
from cityid.did import publication, succession, syntax, update_keys
from cityid.did.document import DIDDocument
from cityid.did.identity import Identity
from cityid.did.methods.webvh import (
    History,
    deactivating,
    extended,
    moved,
    next_entry,
    read_witness_proofs,
    template,
)
from cityid.did.methods.webvh.documents import document_of
from cityid.did.methods.webvh.entry import CLOCK_TOLERANCE
from cityid.did.update_keys import Authority
from cityid.did.verification_method import RELATIONSHIPS, VerificationMethod
from cityid.errors import CityIdError, Code, ConflictError, InvalidInputError
from cityid.keys import Keyring, KeyType, PublicKey, Signer
from cityid.registry import Registry
from cityid.strict_json import JSONObject

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The verified history of a DID, and what may add to it.

    Attributes:
        history: The history, with a change that waits for witnesses where there is one.
        keyring: Where the keys are, and new ones are made.
        registry: Where the log is written; None where the caller publishes it.
        signers: Keys that act for the DID from outside the keyring.
    """

    history: History
    keyring: Keyring = field(repr=False)
    registry: Registry | None = field(default=None, repr=False)
    signers: tuple[Signer, ...] = field(default=(), repr=False)

    @property
    def pending(self) -> bool:
        """Whether the last change waits for the approval of witnesses."""
        return self.history.usable < len(self.history.versions)

    def identity(self) -> Identity:
        """Return the identity as it is in force: without a change that waits for witnesses.

        Raises:
            InvalidInputError: The document is none (``INVALID_DID_DOCUMENT``).
        """
        usable = self.history.usable
        version = self.history.versions[max(usable, 1) - 1]
        document = document_of(version.entry.state)
        acting = usable > 0 and not version.parameters.deactivated
        at_hand = tuple(self._at_hand(document)) if acting else ()
        return Identity(syntax.parse(document.id), document, at_hand, self)

    def rotate(
        self, *, key_type: str | None, signer: Signer | None, at: datetime | None
    ) -> Identity:
        """Let a new key act, as `Identity.rotate` says."""
        moment = self._moment(at)
        name, wanted = self._new_method(key_type, signer)
        authority = update_keys.ordinary(self.history, self.keyring, wanted)
        key = self._public_key(name, signer)

        def make(at: datetime) -> History:
            return self._followed(authority, succession.rotated(self._state, name, key), at)

        return self._commit(make, moment, signer)

    def recover(
        self,
        source: Keyring,
        *,
        revoke: bool,
        revoked_from: datetime | None,
        key_type: str | None,
        signer: Signer | None,
        at: datetime | None,
    ) -> Identity:
        """Take the DID back, as `Identity.recover` says."""
        moment = self._moment(at)
        since = None if revoked_from is None else timestamp.aware(revoked_from)
        if since is not None and since > moment:
            raise _invalid("keys are revoked from a time on that has come")
        if since is not None and not revoke:
            raise _invalid("revoked_from= is for keys that are revoked")
        name, wanted = self._new_method(key_type, signer)
        authority = update_keys.recovering(self.history, self.keyring, source, wanted)
        key = self._public_key(name, signer)

        def make(at: datetime) -> History:
            before = succession.revoked(self._state, since or at) if revoke else self._state
            return self._followed(authority, succession.rotated(before, name, key), at)

        return self._commit(make, moment, signer)

    def update(
        self,
        *,
        services: Iterable[Mapping[str, Any]] | None,
        parameters: Mapping[str, Any],
        remove: Iterable[str],
        at: datetime | None,
    ) -> Identity:
        """Change what the DID announces, as `Identity.update` says."""
        moment = self._moment(at)
        past = ((version.entry.time, version.entry.state) for version in self.history.versions)
        state = succession.without(self._state, remove, past)
        if services is not None:
            state["service"] = list(services)
        return self._changed(state, parameters, moment)

    def move(self, domain: str, *, path: str, port: int | None, at: datetime | None) -> Identity:
        """Take the DID to another place, as `Identity.move` says."""
        moment = self._moment(at)
        return self._changed(moved(self.history, template(domain, path, port)), {}, moment)

    def deactivate(self, *, at: datetime | None) -> Identity:
        """Give the DID up, as `Identity.deactivate` says."""
        moment = self._moment(at)
        state = succession.emptied(self._state)
        _, signer = update_keys.committed(self.history, self.keyring)
        ending = deactivating(self.history, [signer.public_key.multikey])
        final = Authority(signer, ending)
        return self._commit(lambda at: self._followed(final, state, at), moment)

    def add_witness_proofs(self, files: Iterable[str | bytes], *, at: datetime | None) -> Identity:
        """Add approvals, as `Identity.add_witness_proofs` says."""
        proofs = [
            {"versionId": approval.version_id, "proof": [approval.proof]}
            for file in files
            for approval in read_witness_proofs(file)
        ]
        moment = datetime.now(UTC) if at is None else timestamp.aware(at)
        history = extended(
            self.history, witness_proofs=proofs, at=max(moment, self.history.last.time)
        )
        return replace(self, history=history).published()

    def publish(self, registry: Registry) -> Identity:
        """Write the history into a registry, as `Identity.publish` says."""
        self.history.require()
        return replace(self, registry=registry).published()

    def published(self) -> Identity:
        """Write what is complete into the registry, where there is one; return the identity.

        Raises:
            InvalidInputError: The document is none (``INVALID_DID_DOCUMENT``).
            ConflictError: The registry has another history of this DID, or a longer one.
            RegistryError: It could not be written; ask again.
        """
        identity = self.identity()
        if self.registry is not None and self.history.fault is None:
            self._demand_present()
            publication.record(self.history, self.registry)
        return identity

    def _demand_present(self) -> None:
        """Refuse to write what is to come: nobody could resolve the DID until then."""
        last = self.history.last
        if last.time - datetime.now(UTC) > CLOCK_TOLERANCE:
            raise _invalid(f"{last.version_time} is in the future: the registry keeps it for ever")

    @property
    def _state(self) -> JSONObject:
        return dict(self.history.last.state)

    def _moment(self, at: datetime | None) -> datetime:
        """Return the time of the next entry: now or as asked for, and after the last one."""
        if self.history.deactivated:
            raise _invalid("the DID was deactivated, so nothing of it can be changed")
        last = self.history.require().last.time
        earliest = last.replace(microsecond=0) + _SECOND
        told = timestamp.write(last)
        if at is not None:
            moment = timestamp.aware(at).replace(microsecond=0)
            if moment < earliest:
                raise _invalid(f"a change comes after the last one, which is of {told}")
            return moment
        moment = datetime.now(UTC).replace(microsecond=0)
        if earliest - moment > CLOCK_TOLERANCE:
            raise _invalid(f"by the clock of this machine the last change, of {told}, is to come")
        return max(moment, earliest)

    def _new_method(
        self, key_type: str | None, signer: Signer | None
    ) -> tuple[str, dict[str, str]]:
        """Return what the new verification method is called, and the key to make for it."""
        name = succession.method_name(self._state, self.history.last.number + 1)
        return name, {name: key_type or self._key_type()} if signer is None else {}

    def _key_type(self) -> str:
        """Return the type of the key that acts at present."""
        document = document_of(self.history.last.state)
        methods = {method.id: method for method in _readable_methods(document)}
        for relationship in RELATIONSHIPS:
            for name in document.relationship(relationship):
                key = _readable_key(methods[name]) if name in methods else None
                if key is not None:
                    return key.type
        return KeyType.ED25519

    def _public_key(self, name: str, signer: Signer | None) -> PublicKey:
        acting = self.keyring.signer(name) if signer is None else signer
        return acting.public_key

    def _changed(
        self, state: JSONObject, parameters: Mapping[str, Any], moment: datetime
    ) -> Identity:
        keys = update_keys.ordinary(self.history, self.keyring)
        authority = Authority(keys.signer, {**keys.parameters, **parameters})
        return self._commit(lambda at: self._followed(authority, state, at), moment)

    def _followed(self, authority: Authority, state: Mapping[str, Any], at: datetime) -> History:
        """Return the history after one more entry, held to every rule."""
        entry = next_entry(
            self.history, authority.signer, at=at, state=state, parameters=authority.parameters
        )
        document_of(entry.state)
        return extended(self.history, entry, at=at)

    def _commit(
        self, make: Callable[[datetime], History], moment: datetime, signer: Signer | None = None
    ) -> Identity:
        """Write the history that `make` gives for a time; the same time gives the same bytes."""
        signers = self.signers if signer is None else (*self.signers, signer)
        changed = replace(self, history=make(moment), signers=signers)
        try:
            return changed.published()
        except ConflictError:
            written = self._written_before(make)
            if written is None:
                raise
            return replace(changed, history=written).published()

    def _written_before(self, make: Callable[[datetime], History]) -> History | None:
        """Return this same change, if it is what the registry has: a try that was not answered."""
        try:
            entry = publication.next_recorded(self.history, self.registry)
            history = None if entry is None else make(entry.time)
        except InvalidInputError:  # what is there is nothing that we could have written
            return None
        same = history and entry and history.last.to_line() == entry.to_line()
        return history if same else None

    def _at_hand(self, document: DIDDocument) -> Iterator[tuple[str, Signer]]:
        """Give the methods that a key at hand acts for: not those that retired or were revoked."""
        held = [*map(self.keyring.signer, self.keyring.names()), *self.signers]
        by_key = {signer.public_key: signer for signer in held}
        retired = succession.retired(document)
        for method in _readable_methods(document):
            signer = by_key.get(key) if (key := _readable_key(method)) else None
            if signer and method.id not in retired and method.revoked is None:
                yield method.id, signer


def _readable_methods(document: DIDDocument) -> tuple[VerificationMethod, ...]:
    try:
        return document.verification_methods
    except InvalidInputError:  # others log methods without a controller: such a document has no use
        return ()


def _readable_key(method: VerificationMethod) -> PublicKey | None:
    try:
        return method.public_key
    except CityIdError:  # a kind of key that this version has not acts for nobody here
        return None


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
