"""Changes of an identity, as an ERC-1056 contract takes them: from its owner, or signed by him.

A signed change may be sent by anybody, who then pays for it. What the owner signs names the
contract but not the chain, so it holds on every chain that has a contract at that address, as the
published ones do on several. A change is better sent by the owner himself.

Spec:
    https://eips.ethereum.org/EIPS/eip-1056
    https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from cityid.did.methods.ethr.events import WORD, word_of
from cityid.errors import Code, InvalidInputError, quote
from cityid.registry.ethereum.hashing import keccak256

MAX_VALUE: Final = 8_192
"""The most bytes of an attribute that are written."""

MAX_VALIDITY: Final = timedelta(days=365_000)
"""The longest that something is added for; the contract counts it from the block's time on."""

_SELECTORS: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "changed": bytes.fromhex("f96d0f9f"),
        "identityOwner": bytes.fromhex("8733d4e8"),
        "nonce": bytes.fromhex("70ae92d2"),
        "changeOwner": bytes.fromhex("f00d4b5d"),
        "addDelegate": bytes.fromhex("a7068d66"),
        "revokeDelegate": bytes.fromhex("80b29f7c"),
        "setAttribute": bytes.fromhex("7ad4b0a4"),
        "revokeAttribute": bytes.fromhex("00c023da"),
        "changeOwnerSigned": bytes.fromhex("240cf1fa"),
        "addDelegateSigned": bytes.fromhex("9c2c1b2b"),
        "revokeDelegateSigned": bytes.fromhex("93072684"),
        "setAttributeSigned": bytes.fromhex("123b5e98"),
        "revokeAttributeSigned": bytes.fromhex("e476af5c"),
    }
)
"""The first four bytes of the Keccak-256 of each function's signature."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an identity.

    Attributes:
        function: The contract's function.
        identity: The identity's address.
        arguments: What else the function takes, each a word; None stands for the value.
        value: What has no fixed size: the value of an attribute.
        signed: The arguments as the owner signs them.
    """

    function: str
    identity: bytes
    arguments: tuple[bytes | None, ...] = field(repr=False)
    value: bytes = field(default=b"", repr=False)
    signed: bytes = field(default=b"", repr=False)

    @property
    def of_attribute(self) -> bool:
        """Whether an attribute is changed, and not the owner or a delegate."""
        return self.function.endswith("Attribute")

    def call(self) -> bytes:
        """Return the data of the transaction that the owner sends."""
        return _encoded(self.function, (word_of(self.identity), *self.arguments), self.value)

    def digest(self, contract: bytes, nonce: int) -> bytes:
        """Return what the owner signs, so that somebody else may send the change.

        Args:
            contract: The address of the contract.
            nonce: How many changes the owner signed that were carried out.

        Spec:
            https://eips.ethereum.org/EIPS/eip-191
        """
        return keccak256(
            b"\x19\x00"
            + contract
            + _number(nonce)
            + self.identity
            + self.function.encode()
            + self.signed
        )

    def signed_call(self, signature: bytes) -> bytes:
        """Return the data of the transaction that anybody may send.

        Args:
            signature: The owner's over the `digest`: r, s and the recovery number, 65 bytes.

        Raises:
            InvalidInputError: It is no such signature (``INVALID_SIGNATURE_ENCODING``).
        """
        if len(signature) != 2 * WORD + 1 or signature[-1] > 1:
            raise InvalidInputError(
                "a signature over a change is r, s and a recovery number of 0 or 1",
                code=Code.INVALID_SIGNATURE_ENCODING,
            )
        parts = (_number(27 + signature[-1]), signature[:WORD], signature[WORD : 2 * WORD])
        arguments = (word_of(self.identity), *parts, *self.arguments)
        return _encoded(f"{self.function}Signed", arguments, self.value)


def change_owner(identity: bytes, owner: bytes) -> Change:
    """Give an identity to another owner.

    Args:
        identity: The identity's address.
        owner: The new owner's; 20 zero bytes to give the identity up.
    """
    return Change("changeOwner", identity, (word_of(owner),), signed=owner)


def add_delegate(identity: bytes, kind: str, delegate: bytes, validity: timedelta) -> Change:
    """Let somebody else act for an identity.

    Args:
        identity: The identity's address.
        kind: What for: ``veriKey`` to sign, ``sigAuth`` to authenticate.
        delegate: The delegate's address.
        validity: For how long.

    Raises:
        InvalidInputError: The kind or the time is none (``INVALID_OPTIONS``).
    """
    role, seconds = _named(kind), _seconds(validity)
    arguments = (role, word_of(delegate), seconds)
    return Change("addDelegate", identity, arguments, signed=role + delegate + seconds)


def revoke_delegate(identity: bytes, kind: str, delegate: bytes) -> Change:
    """Let a delegate act no more.

    Args:
        identity: The identity's address.
        kind: What for he was added.
        delegate: His address.

    Raises:
        InvalidInputError: The kind is none (``INVALID_OPTIONS``).
    """
    role = _named(kind)
    return Change("revokeDelegate", identity, (role, word_of(delegate)), signed=role + delegate)


def set_attribute(identity: bytes, name: str, value: bytes, validity: timedelta) -> Change:
    """Say something of an identity.

    Args:
        identity: The identity's address.
        name: What, such as ``did/pub/Ed25519/veriKey``.
        value: The value.
        validity: For how long.

    Raises:
        InvalidInputError: The name, the value or the time is none (``INVALID_OPTIONS``).
    """
    word, seconds = _named(name), _seconds(validity)
    signed = word + _bounded(value) + seconds
    return Change("setAttribute", identity, (word, None, seconds), value, signed)


def revoke_attribute(identity: bytes, name: str, value: bytes) -> Change:
    """Take back what was said of an identity.

    Args:
        identity: The identity's address.
        name: The name it was said under.
        value: The value.

    Raises:
        InvalidInputError: The name or the value is none (``INVALID_OPTIONS``).
    """
    word = _named(name)
    return Change("revokeAttribute", identity, (word, None), value, word + _bounded(value))


def question(function: str, address: bytes) -> bytes:
    """Return the data of a call that asks the contract of an address and changes nothing.

    Args:
        function: ``changed``, ``identityOwner`` or ``nonce``.
        address: Of whom.
    """
    return _encoded(function, (word_of(address),), b"")


def _encoded(function: str, arguments: tuple[bytes | None, ...], value: bytes) -> bytes:
    place = _number(WORD * len(arguments))
    words = b"".join(place if argument is None else argument for argument in arguments)
    tail = b""
    if None in arguments:
        tail = _number(len(value)) + value + bytes(-len(value) % WORD)
    return _SELECTORS[function] + words + tail


def _number(value: int) -> bytes:
    return value.to_bytes(WORD)


def _named(name: object) -> bytes:
    word = name.encode() if isinstance(name, str) and name.isascii() else b""
    if not 0 < len(word) <= WORD or b"\0" in word:
        raise _invalid(f"{quote(name)} is not a name of 1 to {WORD} ASCII characters")
    return word.ljust(WORD, b"\0")


def _seconds(validity: object) -> bytes:
    if not isinstance(validity, timedelta) or not timedelta(seconds=1) <= validity <= MAX_VALIDITY:
        raise _invalid(
            f"{quote(validity)} is not a timedelta from a second to {MAX_VALIDITY.days} days"
        )
    return _number(int(validity.total_seconds()))


def _bounded(value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) > MAX_VALUE:
        raise _invalid(f"the value of an attribute is at most {MAX_VALUE} bytes")
    return value


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
