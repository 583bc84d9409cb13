"""Writing transactions for one address on one chain."""

from __future__ import annotations

from typing import Final

from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import DigestSigner
from cityid.registry.ethereum.hashing import checksummed, read_address
from cityid.registry.ethereum.hexadecimal import data, quantity
from cityid.registry.ethereum.sending.slots import Signing, Work
from cityid.registry.ethereum.sending.transactions import (
    GREATEST_CHAIN_ID,
    Fees,
    SignedTransaction,
    Transaction,
    address,
    sign,
)

PLAIN_GAS: Final = 21_000
"""What a transaction costs that does nothing."""
_CREATION_GAS: Final = 32_000
_ZERO_GAS: Final = 4
_BYTE_GAS: Final = 16


class Pen:
    """Signs what one key sends to one chain.

    Args:
        signer: The key.
        chain_id: The chain.

    Raises:
        InvalidInputError: What is given is no key that signs digests.
        UnsupportedError: The key is of another kind, or the chain's number is too large.

    Attributes:
        address: The key's address.
        account: The address in binary.
    """

    def __init__(self, signer: DigestSigner, chain_id: int) -> None:
        if not 0 < chain_id <= GREATEST_CHAIN_ID:
            raise UnsupportedError(
                f"transactions on the chain {quote(chain_id)} are not known here",
                name=quote(chain_id),
            )
        demand_signer(signer)
        self.address = address(signer.public_key)
        self.account = read_address(self.address)
        self._signer = signer
        self._chain_id = chain_id

    def sign(self, nonce: int, work: Work, fees: Fees) -> SignedTransaction:
        """Return the transaction that does some work.

        Args:
            nonce: Its nonce.
            work: The work.
            fees: What it offers.
        """
        made = Transaction(self._chain_id, nonce, work.to, work.data, work.gas, fees)
        return sign(made, self._signer)

    def signing(self, fees: Fees) -> Signing:
        """Return how work is signed with certain fees.

        Args:
            fees: What is offered.
        """
        return lambda nonce, work: (self.sign(nonce, work, fees), fees)

    def filler(self, nonce: int, fees: Fees) -> SignedTransaction:
        """Return a transaction that does nothing but use a nonce up.

        Args:
            nonce: The nonce.
            fees: What it offers.
        """
        return self.sign(nonce, Work(b"", self.account, b"", PLAIN_GAS), fees)

    def call(self, work: Work) -> dict[str, str]:
        """Return work as JSON-RPC asks about it.

        Args:
            work: The work.
        """
        call = {"from": self.address, "data": data(work.data)}
        if work.to is not None:
            call["to"] = checksummed(work.to)
        if work.gas:
            call["gas"] = quantity(work.gas)
        return call


def least_gas(content: bytes, *, creates: bool) -> int:
    """Return what a transaction costs before anything is computed.

    Args:
        content: Its data.
        creates: Whether it creates a contract.

    Spec:
        https://eips.ethereum.org/EIPS/eip-2028
    """
    zeros = content.count(0)
    cost = PLAIN_GAS + zeros * _ZERO_GAS + (len(content) - zeros) * _BYTE_GAS
    return cost + creates * _CREATION_GAS


def demand_signer(signer: object) -> None:
    """Refuse what signs no digests.

    Args:
        signer: What should be a key.

    Raises:
        InvalidInputError: It is none.
    """
    if not callable(getattr(signer, "sign_digest", None)):
        raise InvalidInputError(
            f"signer= takes a key of secp256k1, not {quote(signer)}", code=Code.INVALID_OPTIONS
        )
