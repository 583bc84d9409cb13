"""Identities: a DID, its document, and the keys that act for it and change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cityid.did import syntax
from cityid.did.document import DIDDocument
from cityid.did.syntax import DID
from cityid.did.verification_method import RELATIONSHIPS
from cityid.errors import (
    CityIdError,
    Code,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    quote,
)
from cityid.keys import Keyring, PublicKey, Signer
from cityid.keys.keyring import demand_keyring

if TYPE_CHECKING:
    from cityid.did.lifecycle import Lifecycle
    from cityid.registry import Registry


@dataclass(frozen=True, slots=True)
class Identity:
    """A DID and the keys that act for it; ``repr`` shows no secret.

    An identity is a value: what changes the DID returns the identity after the change. Only a DID
    with a history (did:webvh) can be changed; any other raises `UnsupportedError`.

    Attributes:
        did: The DID.
        document: Its document.
        signers: The keys at hand, by the absolute id of the verification method of each.
        lifecycle: The history and the keys that may add to it; None where the DID has none.
    """

    did: DID
    document: DIDDocument = field(repr=False)
    signers: tuple[tuple[str, Signer], ...] = field(repr=False)
    lifecycle: Lifecycle | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, document: DIDDocument, *signers: Signer) -> Identity:
        """Return the identity that a document describes, as the holder of some of its keys.

        This is how one acts with a DID that others keep the document of, such as a did:ethr.

        Args:
            document: The document, such as a resolver gives.
            signers: The keys at hand.

        Raises:
            NotFoundError: The document lists a key not at all, or as revoked.
        """
        listed: dict[PublicKey, list[str]] = {}
        for method in document.verification_methods:
            with suppress(CityIdError):  # a kind of key that this version has not acts for nobody
                if method.revoked is None:
                    listed.setdefault(method.public_key, []).append(method.id)
        for signer in signers:
            if signer.public_key not in listed:
                raise NotFoundError(
                    f"{document.id[:80]} does not list the key {signer.public_key.multikey[:20]}…",
                    ref="key",
                )
        at_hand = tuple((name, key) for key in signers for name in listed[key.public_key])
        return cls(syntax.parse(document.id), document, at_hand)

    def signer(self, relationship: str) -> tuple[str, Signer]:
        """Return the first key at hand that the document lists for a use.

        Args:
            relationship: ``assertionMethod`` to issue, ``authentication`` to present …

        Returns:
            The id of the verification method, and the key.

        Raises:
            NotFoundError: No key at hand is listed for this use.
            InvalidInputError: There is no such relationship (``INVALID_OPTIONS``).
        """
        at_hand = dict(self.signers)
        for identifier in self.document.relationship(relationship):
            if identifier in at_hand:
                return identifier, at_hand[identifier]
        raise NotFoundError(
            f"{str(self.did)[:80]} has no key at hand for {relationship}", ref=relationship
        )

    def log(self) -> str:
        """Return the history as ``did.jsonl``, to be published or kept.

        Raises:
            UnsupportedError: The DID has no history.
        """
        return self._lifecycle().history.to_jsonl()

    def witness_proofs(self) -> str:
        """Return the approvals of witnesses as ``did-witness.json``, published before the log.

        Raises:
            UnsupportedError: The DID has no history.
        """
        return self._lifecycle().history.to_witness_json()

    def rotate(
        self,
        *,
        key_type: str | None = None,
        signer: Signer | None = None,
        at: datetime | None = None,
    ) -> Identity:
        """Let a new key act for the DID; the one before retires, and what it issued verifies.

        The update key changes too: the one committed to before signs, the next is committed to.

        Args:
            key_type: The type of the new key; None for that of the present one.
            signer: The new key, where it is not to be made in the keyring.
            at: The time; None for now.

        Raises:
            NotFoundError: The keyring has no key that may change the DID.
            ConflictError: Somebody else changed the DID since this identity was read.
            InvalidInputError: The DID was deactivated, or the time is not after the last change.
            UnsupportedError: The DID has no history.
            RegistryError: The keys or the entry could not be written; ask again.
        """
        return self._lifecycle().rotate(key_type=key_type, signer=signer, at=at)

    def recover(
        self,
        source: Keyring,
        *,
        revoke: bool = True,
        revoked_from: datetime | None = None,
        key_type: str | None = None,
        signer: Signer | None = None,
        at: datetime | None = None,
    ) -> Identity:
        """Take the DID back with a key committed to before, and revoke every key before.

        Args:
            source: Where the committed key is: the recovery keyring, or a copy of the lost one.
                Whatever replaces the recovery key is made there too.
            revoke: Whether the keys before are revoked. Not where they were lost and nobody else
                can have them: they retire, and what they signed verifies.
            revoked_from: From when on the keys before prove nothing: when they were stolen; None
                for `at`.
            key_type: The type of the new key; None for that of the present one.
            signer: The new key, where it is not to be made in the keyring.
            at: The time; None for now.

        Raises:
            NotFoundError: `source` has no key that the DID committed to.
            ConflictError: Somebody else changed the DID since this identity was read.
            InvalidInputError: The DID was deactivated, or a time is not what it must be.
            UnsupportedError: The DID has no history.
            RegistryError: The keys or the entry could not be written; ask again.
        """
        demand_keyring(source, "source")
        return self._lifecycle().recover(
            source,
            revoke=revoke,
            revoked_from=revoked_from,
            key_type=key_type,
            signer=signer,
            at=at,
        )

    def deactivate(self, *, at: datetime | None = None) -> Identity:
        """Give the DID up for good.

        Args:
            at: The time; None for now.

        Raises:
            NotFoundError: The keyring has no key that may change the DID.
            ConflictError: Somebody else changed the DID since this identity was read.
            InvalidInputError: It was deactivated before, or the time is too early.
            UnsupportedError: The DID has no history.
            RegistryError: The entry could not be written; ask again.
        """
        return self._lifecycle().deactivate(at=at)

    def update(
        self,
        *,
        services: Iterable[Mapping[str, Any]] | None = None,
        witnesses: Iterable[str] | None = None,
        threshold: int | None = None,
        watchers: Iterable[str] | None = None,
        ttl: int | None = None,
        remove: Iterable[str] = (),
        at: datetime | None = None,
    ) -> Identity:
        """Change what the DID announces, and who watches over it; the key that acts stays.

        Args:
            services: The services from now on.
            witnesses: The did:key of each witness from now on; none to go without.
            threshold: How many of them must approve; None for more than half.
            watchers: URLs of those who watch the DID.
            ttl: For how many seconds an answer may be kept.
            remove: The ids of keys that retired or were revoked, to be listed no more: what they
                signed verifies from now on with a registry's evidence alone.
            at: The time; None for now.

        Raises:
            NotFoundError: The keyring has no key that may change the DID.
            ConflictError: Somebody else changed the DID since this identity was read.
            InvalidInputError: What is to be announced is malformed, or the time is too early.
            UnsupportedError: The DID has no history.
            RegistryError: The keys or the entry could not be written; ask again.
        """
        parameters = chosen_parameters(witnesses, threshold, watchers, ttl)
        return self._lifecycle().update(
            services=services, parameters=parameters, remove=_several(remove, "remove"), at=at
        )

    def move(
        self, domain: str, *, path: str = "", port: int | None = None, at: datetime | None = None
    ) -> Identity:
        """Take the DID to another place on the web; it must have been made ``portable``.

        Args:
            domain: The domain name from now on.
            path: Where below it the log will lie.
            port: The port, where it is not 443.
            at: The time; None for now.

        Raises:
            NotFoundError: The keyring has no key that may change the DID.
            ConflictError: Somebody else changed the DID since this identity was read.
            InvalidInputError: The DID is not portable, or there is no such place.
            UnsupportedError: The DID has no history.
            RegistryError: The keys or the entry could not be written; ask again.
        """
        return self._lifecycle().move(domain, path=path, port=port, at=at)

    @property
    def pending(self) -> bool:
        """Whether a change waits for witnesses: it is in `log`, not in force and not published."""
        return self.lifecycle is not None and self.lifecycle.pending

    def add_witness_proofs(self, *files: str | bytes, at: datetime | None = None) -> Identity:
        """Add approvals of witnesses; once they suffice, the change is in force and published.

        Args:
            files: Each a ``did-witness.json``, such as `cityid.did.witness` gives.
            at: The time at which they must not have expired; None for now.

        Raises:
            ConflictError: Somebody else changed the DID since this identity was read.
            InvalidInputError: A file is no ``did-witness.json``.
            UnsupportedError: The DID has no history.
            RegistryError: The change could not be written; ask again.
        """
        return self._lifecycle().add_witness_proofs(files, at=at)

    def publish(self, registry: Registry) -> Identity:
        """Write the history into a registry that has none of it, or its beginning.

        Args:
            registry: The registry, from now on that of this identity.

        Raises:
            ConflictError: The registry has another history of this DID, or a longer one.
            InvalidInputError: A change still waits for witnesses.
            UnsupportedError: The DID has no history.
            RegistryError: The history could not be written; ask again.
        """
        return self._lifecycle().publish(registry)

    def _lifecycle(self) -> Lifecycle:
        if self.lifecycle is None:
            other = ": cityid.did.methods.ethr.control does" if self.did.method == "ethr" else ""
            raise UnsupportedError(
                f"an identity changes and tells no did:{self.did.method}{other}",
                name=self.did.method,
                known=("webvh",),
                code=Code.FEATURE_NOT_SUPPORTED,
            )
        return self.lifecycle

    def _repr_html_(self) -> str:
        from cityid import display

        at_hand = {identifier: signer.public_key for identifier, signer in self.signers}
        uses = [
            (relationship, identifier.partition("#")[2], at_hand[identifier].type)
            for relationship in RELATIONSHIPS
            for identifier in self.document.relationship(relationship)
            if identifier in at_hand
        ]
        table = display.rows_table(("may be used for", "key at hand", "type"), uses)
        told = [("did", str(self.did))]
        if self.lifecycle is not None:
            waits = " (waits for witnesses)" if self.pending else ""
            told.append(("version", self.lifecycle.history.last.version_id + waits))
        return display.card("Identity", told, body=table)


def demand_identity(given: object, name: str) -> None:
    """Refuse what is no identity, such as its DID alone.

    Args:
        given: What should be one.
        name: What the caller calls it.

    Raises:
        InvalidInputError: It is something else.
    """
    if not isinstance(given, Identity):
        raise InvalidInputError(
            f"{name}= takes an Identity, such as did.create makes, not {quote(given)}",
            code=Code.INVALID_OPTIONS,
        )


def chosen_parameters(
    witnesses: Iterable[str] | None,
    threshold: int | None,
    watchers: Iterable[str] | None,
    ttl: int | None,
) -> dict[str, Any]:
    """Return the parameters of a log that somebody chose; what is None stays as it is.

    Args:
        witnesses: The did:key of each witness; none to go without.
        threshold: How many of them must approve; None for more than half.
        watchers: URLs of those who watch the DID.
        ttl: For how many seconds an answer may be kept.

    Raises:
        InvalidInputError: There is a threshold, but nobody to reach it (``INVALID_OPTIONS``).
    """
    parameters: dict[str, Any] = {}
    if witnesses is not None:
        ids = [{"id": str(witness)} for witness in _several(witnesses, "witnesses")]
        needed = len(ids) // 2 + 1 if threshold is None else threshold
        parameters["witness"] = {"threshold": needed, "witnesses": ids} if ids else {}
    elif threshold is not None:
        raise InvalidInputError(
            "a threshold is given together with the witnesses", code=Code.INVALID_OPTIONS
        )
    if watchers is not None:
        parameters["watchers"] = _several(watchers, "watchers")
    if ttl is not None:
        parameters["ttl"] = ttl
    return parameters


def _several(values: Iterable[str], name: str) -> list[str]:
    given: object = values  # whatever the annotation promises
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidInputError(f"{name}= is a list", code=Code.INVALID_OPTIONS)
    return list(values)
