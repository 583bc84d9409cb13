"""Transactions: made, signed and hashed here, so that no node ever sees a key.

Two forms are known: the old one with a single price of gas, which every chain takes, and the one
whose price has a cap and a tip, which chains with a base fee take as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cityid.encoding import base64url_decode
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import DigestSigner, KeyType, PublicKey
from cityid.registry.ethereum.hashing import (
    ADDRESS_SIZE,
    Item,
    checksummed,
    keccak256,
    number,
    rlp_encode,
)

GREATEST_CHAIN_ID: Final = (2**64 - 1) // 2 - 36
_GREATEST_NONCE: Final = 2**64 - 2
_GREATEST_GAS: Final = 2**64 - 1
_GREATEST_AMOUNT: Final = 2**256 - 1
_DYNAMIC: Final = b"\x02"
_FIRST_V: Final = 35


@dataclass(frozen=True, slots=True)
class Fees:
    """What the gas of a transaction may cost, in wei.

    Attributes:
        price: The most that is paid for a unit of gas; in the old form, the price itself.
        tip: The most of it that goes to whoever makes the block; None in the old form.

    Raises:
        InvalidInputError: One is no amount, or the tip is more than the price.

    Spec:
        https://eips.ethereum.org/EIPS/eip-1559
    """

    price: int
    tip: int | None = None

    def __post_init__(self) -> None:
        _check(self.price, "a price of gas", 0, _GREATEST_AMOUNT)
        if self.tip is not None:
            _check(self.tip, "a tip", 0, self.price)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that is not signed yet. It moves no money.

    Attributes:
        chain_id: The chain it counts on, and on no other.
        nonce: Its place among the transactions of its sender, from 0.
        to: The contract that is called, 20 bytes; None where one is created.
        data: What the contract is called with; the code that creates it.
        gas: The most gas it may use.
        fees: What the gas may cost.

    Raises:
        InvalidInputError: A value is of the wrong kind or out of range.

    Spec:
        https://eips.ethereum.org/EIPS/eip-155, https://eips.ethereum.org/EIPS/eip-1559,
        https://eips.ethereum.org/EIPS/eip-2681, https://eips.ethereum.org/EIPS/eip-2294
    """

    chain_id: int
    nonce: int
    to: bytes | None
    data: bytes
    gas: int
    fees: Fees

    def __post_init__(self) -> None:
        _check(self.chain_id, "a chain id", 1, GREATEST_CHAIN_ID)
        _check(self.nonce, "a nonce", 0, _GREATEST_NONCE)
        _check(self.gas, "an amount of gas", 1, _GREATEST_GAS)
        if self.to is not None and not _is_bytes(self.to, ADDRESS_SIZE):
            raise _invalid(f"{quote(self.to)} is no address of {ADDRESS_SIZE} bytes")
        if not _is_bytes(self.data):
            raise _invalid("the data of a transaction are bytes")
        fees: object = self.fees
        if not isinstance(fees, Fees):
            raise _invalid(f"{quote(fees)} are no fees")


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction as nodes take it.

    Attributes:
        raw: Its bytes.
        hash: What it is called by, 32 bytes.
    """

    raw: bytes
    hash: bytes


def sign(transaction: Transaction, signer: DigestSigner) -> SignedTransaction:
    """Sign a transaction. The same one gives the same bytes each time.

    Args:
        transaction: What to sign.
        signer: The key whose address sends it.

    Raises:
        InvalidInputError: The signer did not answer with a signature (INVALID_SIGNATURE_ENCODING).
        UnsupportedError: The signer's key is not of secp256k1.
    """
    fields, chain_id = _fields(transaction), number(transaction.chain_id)
    if transaction.fees.tip is None:
        r, s, parity = _signature(signer, rlp_encode([*fields, chain_id, b"", b""]))
        v = _FIRST_V + 2 * transaction.chain_id + parity
        raw = rlp_encode([*fields, number(v), number(r), number(s)])
    else:
        r, s, parity = _signature(signer, _DYNAMIC + rlp_encode(fields))
        raw = _DYNAMIC + rlp_encode([*fields, number(parity), number(r), number(s)])
    return SignedTransaction(raw, keccak256(raw))


def address(key: PublicKey) -> str:
    """Return the address of a key, with its check sum.

    Args:
        key: A key of secp256k1.

    Raises:
        UnsupportedError: It is a key of another kind.

    Spec:
        https://ethereum.github.io/yellowpaper/paper.pdf (appendix F)
    """
    return checksummed(keccak256(_coordinates(key))[-ADDRESS_SIZE:])


def created_address(sender: bytes, nonce: int) -> str:
    """Return the address of the contract that a transaction creates.

    Args:
        sender: The address of who sends it, 20 bytes.
        nonce: The transaction's.

    Spec:
        https://ethereum.github.io/yellowpaper/paper.pdf (section 7)
    """
    return checksummed(keccak256(rlp_encode([sender, number(nonce)]))[-ADDRESS_SIZE:])


def _fields(transaction: Transaction) -> list[Item]:
    fees, to = transaction.fees, transaction.to or b""
    common: list[Item] = [number(transaction.gas), to, b"", transaction.data]
    if fees.tip is None:
        return [number(transaction.nonce), number(fees.price), *common]
    head = [transaction.chain_id, transaction.nonce, fees.tip, fees.price]
    return [*map(number, head), *common, []]


def _signature(signer: DigestSigner, content: bytes) -> tuple[int, int, int]:
    signature = signer.sign_digest(keccak256(content))
    if not _is_bytes(signature, 65) or signature[64] not in {0, 1}:
        raise InvalidInputError(
            "the signer answered with something else than r, s and a recovery id of 0 or 1",
            code=Code.INVALID_SIGNATURE_ENCODING,
        )
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]


def _coordinates(key: PublicKey) -> bytes:
    if key.type is not KeyType.SECP256K1:
        raise UnsupportedError(
            f"a key of type {key.type} has no address on a chain",
            name=key.type,
            known=(KeyType.SECP256K1,),
        )
    jwk = key.jwk
    return base64url_decode(jwk["x"]) + base64url_decode(jwk["y"])


def _check(value: object, what: str, least: int, greatest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
        raise _invalid(f"{quote(value)} is not {what}: a whole number from {least} to {greatest}")


def _is_bytes(value: object, size: int | None = None) -> bool:
    return isinstance(value, bytes) and size in {None, len(value)}


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
