"""Identities: a DID, its document, and the keys that act for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cityid.did.document import DIDDocument
from cityid.did.syntax import DID
from cityid.did.verification_method import RELATIONSHIPS
from cityid.errors import NotFoundError
from cityid.keys import Signer


@dataclass(frozen=True, slots=True)
class Identity:
    """A DID and the keys that act for it; ``repr`` shows no secret.

    Attributes:
        did: The DID.
        document: Its document.
        signers: The keys at hand, by the absolute id of the verification method of each.
    """

    did: DID
    document: DIDDocument = field(repr=False)
    signers: tuple[tuple[str, Signer], ...] = field(repr=False)

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
        return display.card("Identity", [("did", str(self.did))], body=table)
