"""The write side: whoever owns a did:ethr changes it.

Spec:
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#update
    https://github.com/decentralized-identity/ethr-did-resolver/blob/master/doc/did-method-spec.md#delete-revoke
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from cityid.did import syntax
from cityid.did.methods.ethr import changes
from cityid.did.methods.ethr.account import NOBODY, account_of
from cityid.did.methods.ethr.attributes import (
    KEYS,
    RELATIONSHIPS,
    SERVICES,
    read_service_attribute,
)
from cityid.did.methods.ethr.changes import Change
from cityid.did.methods.ethr.history import Ledger, nonce_of, owner_of
from cityid.did.methods.ethr.networks import Network, checked_networks, network_of
from cityid.did.syntax import DID
from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import DigestSigner, PublicKey
from cityid.registry.ethereum.hashing import read_address
from cityid.registry.ethereum.sending.sender import PATIENCE_SECONDS, Receipt, Ticket

_KEY_SIZE: Final = 16


class Sending(Protocol):
    """What a change is sent through; `cityid.registry.ethereum.sending.sender.Sender` is one."""

    def submit(self, to: str | None, data: bytes, *, key: bytes, gas: int | None = None) -> Ticket:
        """Send a transaction, and do not wait for it."""
        ...

    def wait(self, ticket: Ticket, timeout: float = ...) -> Receipt:
        """Return when it is settled."""
        ...


@dataclass(frozen=True, slots=True)
class Controller:
    """Changes one did:ethr, through a contract; `control` makes it.

    Every change waits until it is settled, so that whoever resolves the DID afterwards sees it. Its
    `key` makes it the same change when it is asked for again: give one of your own where a change
    must not happen twice, or must be found again after a restart.

    Attributes:
        did: The DID.
        network: Where it lives.
        ledger: The chain.
        sender: Sends, with the key of whoever pays: of the owner, unless he signed the change.
        timeout: For how many seconds a change is waited for. Blocks of the mainnet take a quarter
            of an hour to become final; what is late stays in the outbox.
    """

    did: DID
    network: Network
    ledger: Ledger = field(repr=False)
    sender: Sending = field(repr=False)
    timeout: float = PATIENCE_SECONDS

    def add_key(
        self,
        key: PublicKey,
        *,
        purpose: str = "veriKey",
        validity: timedelta,
    ) -> Receipt:
        """List a key of any kind, as a Multikey.

        Args:
            key: The key.
            purpose: ``veriKey`` to issue, ``sigAuth`` to present, ``enc`` to agree on keys.
            validity: For how long.

        Raises:
            InvalidInputError: The purpose or the time is none (``INVALID_OPTIONS``).
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        name = f"{KEYS}Multikey/{_purpose(purpose)}"
        return self.set_attribute(name, _multikey(key), validity=validity)

    def remove_key(self, key: PublicKey, *, purpose: str = "veriKey") -> Receipt:
        """List a key no more that `add_key` listed.

        Args:
            key: The key.
            purpose: What it was listed for.

        Raises:
            InvalidInputError: The purpose is none (``INVALID_OPTIONS``).
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.revoke_attribute(f"{KEYS}Multikey/{_purpose(purpose)}", _multikey(key))

    def add_service(self, kind: str, endpoint: str, *, validity: timedelta) -> Receipt:
        """Announce a service.

        Args:
            kind: Its type.
            endpoint: Its URL.
            validity: For how long.

        Raises:
            InvalidInputError: The type, the URL or the time is none (``INVALID_OPTIONS``).
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.set_attribute(*_service(kind, endpoint), validity=validity)

    def remove_service(self, kind: str, endpoint: str) -> Receipt:
        """Announce a service no more.

        Args:
            kind: Its type.
            endpoint: Its URL.

        Raises:
            InvalidInputError: The type or the URL is none (``INVALID_OPTIONS``).
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.revoke_attribute(*_service(kind, endpoint))

    def set_attribute(self, name: str, value: bytes, *, validity: timedelta) -> Receipt:
        """Set an attribute of any name.

        Args:
            name: The name, such as ``did/pub/Ed25519/veriKey``.
            value: The value.
            validity: For how long.

        Raises:
            InvalidInputError: The name, the value or the time is none (``INVALID_OPTIONS``).
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.send(changes.set_attribute(self.identity, name, value, validity))

    def revoke_attribute(self, name: str, value: bytes) -> Receipt:
        """Revoke an attribute.

        Args:
            name: Its name.
            value: Its value.

        Raises:
            InvalidInputError: The name or the value is none (``INVALID_OPTIONS``).
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.send(changes.revoke_attribute(self.identity, name, value))

    def add_delegate(self, kind: str, delegate: str, *, validity: timedelta) -> Receipt:
        """Let another account act for the DID.

        Args:
            kind: What for: ``veriKey`` or ``sigAuth``.
            delegate: Its address.
            validity: For how long.

        Raises:
            InvalidInputError: The kind, the address or the time is none.
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        change = changes.add_delegate(self.identity, kind, read_address(delegate), validity)
        return self.send(change)

    def revoke_delegate(self, kind: str, delegate: str) -> Receipt:
        """Let another account act for the DID no more.

        Args:
            kind: What for it was added.
            delegate: Its address.

        Raises:
            InvalidInputError: The kind or the address is none.
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.send(changes.revoke_delegate(self.identity, kind, read_address(delegate)))

    def change_owner(self, owner: str) -> Receipt:
        """Give the DID to another owner: a new key after a theft, a contract of several keys.

        Args:
            owner: The address of the new owner. Nobody else can change the DID from then on.

        Raises:
            InvalidInputError: It is no address, or nobody's: `deactivate` gives the DID up.
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        address = read_address(owner)
        if address == NOBODY:
            raise InvalidInputError(
                "the address 0x0 is nobody's; deactivate() gives the DID up",
                code=Code.INVALID_OPTIONS,
            )
        return self.send(changes.change_owner(self.identity, address))

    def deactivate(self) -> Receipt:
        """Give the DID up for good, with every key and service.

        Raises:
            RevertedError: The sender is not the owner.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        return self.send(changes.change_owner(self.identity, NOBODY))

    def send(
        self, change: Change, *, signature: bytes | None = None, key: bytes | None = None
    ) -> Receipt:
        """Send a change, and wait until it is settled.

        Args:
            change: The change.
            signature: That of the owner, where the sender is somebody else; `sign` makes it.
            key: What makes this the same change when it is asked for again; None for a new one.

        Raises:
            InvalidInputError: The signature is none, or the key was used for another change.
            RevertedError: The sender is not the owner, or the signature not his.
            RegistryError: It is not settled yet, or cannot be sent; ask again.
        """
        ticket = self.submit(change, signature=signature, key=key)
        return self.sender.wait(ticket, self.timeout)

    def submit(
        self, change: Change, *, signature: bytes | None = None, key: bytes | None = None
    ) -> Ticket:
        """Send a change, and do not wait for it.

        Args:
            change: As for `send`.
            signature: As for `send`.
            key: As for `send`.

        Returns:
            What `sender` is to wait for.

        Raises:
            InvalidInputError: As for `send`.
            RevertedError: The contract refuses it by the estimate; nothing was sent.
            RegistryError: Nothing could be sent.
        """
        data = change.call() if signature is None else change.signed_call(signature)
        same = secrets.token_bytes(_KEY_SIZE) if key is None else key
        return self.sender.submit(self.network.registry, data, key=same)

    def sign(self, change: Change, signer: DigestSigner) -> bytes:
        """Sign a change as the owner, for somebody else to send and pay.

        It holds on every chain whose contract has the same address and counts alike: whoever uses
        his key on several chains changes the DID on all of them.

        Args:
            change: The change.
            signer: The owner's key.

        Returns:
            The signature, for `send`; it holds for the owner's next signed change alone.

        Raises:
            UnsupportedError: The key is not on secp256k1.
            RegistryError: The chain cannot be read.

        Spec:
            https://eips.ethereum.org/EIPS/eip-1056
        """
        legacy = self.network.legacy_nonce and change.of_attribute
        contract, at = self.network.registry, self.ledger.settled()
        counted = self.identity if legacy else owner_of(self.ledger, contract, self.identity, at)
        nonce = nonce_of(self.ledger, contract, counted, at)
        return signer.sign_digest(change.digest(read_address(contract), nonce))

    @property
    def identity(self) -> bytes:
        """The address that the contract knows the DID by."""
        return account_of(self.did).address


def control(
    did: DID | str,
    ledger: Ledger,
    sender: Sending,
    *,
    networks: Mapping[str, Network] | None = None,
    timeout: float = PATIENCE_SECONDS,
) -> Controller:
    """Make what changes a did:ethr.

    Args:
        did: The DID.
        ledger: The chain it lives on.
        sender: Sends to this chain.
        networks: Networks of your own, by name.
        timeout: For how many seconds a change is waited for.

    Raises:
        InvalidInputError: It is no did:ethr (``INVALID_DID``), or lives on another chain
            (``INVALID_OPTIONS``).
        UnsupportedError: There is no such network.
    """
    asked = did if isinstance(did, DID) else syntax.parse(did)
    network = network_of(account_of(asked).network, checked_networks(networks or {}))
    if network.chain_id != ledger.chain_id:
        raise InvalidInputError(
            f"the DID lives on chain {network.chain_id}, and this is {ledger.chain_id}",
            code=Code.INVALID_OPTIONS,
        )
    return Controller(asked, network, ledger, sender, timeout)


def _multikey(key: PublicKey) -> bytes:
    given: object = key
    if not isinstance(given, PublicKey):
        raise InvalidInputError(f"{quote(key)} is no public key", code=Code.INVALID_OPTIONS)
    return key.algorithm.public_codec.prefix + key.data


def _purpose(purpose: str) -> str:
    if purpose not in RELATIONSHIPS:
        raise InvalidInputError(
            f"{quote(purpose)} is not one of {', '.join(RELATIONSHIPS)}", code=Code.INVALID_OPTIONS
        )
    return purpose


def _service(kind: object, endpoint: object) -> tuple[str, bytes]:
    name, value = f"{SERVICES}{kind}", str(endpoint).encode(errors="replace")
    if read_service_attribute(name, value) != (kind, endpoint):
        raise InvalidInputError(
            f"{quote(kind)} at {quote(endpoint)} is no service: a word as its type, and a URL",
            code=Code.INVALID_OPTIONS,
        )
    return name, value
