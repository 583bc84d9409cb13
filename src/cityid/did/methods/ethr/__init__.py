"""did:ethr: an identifier that is an address or a public key, changed through an ERC-1056 contract.

How it fits together:

- `account_of` reads a DID, `NETWORKS` knows where the contract was published, a caller's own
  `Network` says where it is elsewhere.
- `read_history` walks the events of an identity back and checks them, `state_at` says what they
  come to at a time, `document_of` writes the document. `Ethr` is the DID method that asks a chain
  for all this; `method` makes it.
- `changes` are what the contract takes, and a `Controller` sends them; `control` makes it. `deploy`
  brings the contract to a chain of one's own, from the code that `read_artefact` finds in the file
  of its authors.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md
    https://eips.ethereum.org/EIPS/eip-1056
"""

from __future__ import annotations

from cityid.did.methods.ethr.account import Account, account_of, did_of_address, did_of_key
from cityid.did.methods.ethr.changes import Change
from cityid.did.methods.ethr.controller import Controller, control
from cityid.did.methods.ethr.deployment import deploy, read_artefact
from cityid.did.methods.ethr.document import State, document_of, first_document, state_at
from cityid.did.methods.ethr.events import AttributeChanged, DelegateChanged, Event, OwnerChanged
from cityid.did.methods.ethr.history import Ledger, OnChain, read_history
from cityid.did.methods.ethr.networks import NETWORKS, Network
from cityid.did.methods.ethr.resolving import Ethr, method

__all__ = [
    "NETWORKS",
    "Account",
    "AttributeChanged",
    "Change",
    "Controller",
    "DelegateChanged",
    "Ethr",
    "Event",
    "Ledger",
    "Network",
    "OnChain",
    "OwnerChanged",
    "State",
    "account_of",
    "control",
    "deploy",
    "did_of_address",
    "did_of_key",
    "document_of",
    "first_document",
    "method",
    "read_artefact",
    "read_history",
    "state_at",
]
