"""Running a registry on a chain: how it is doing, who may write to it, and with which keys.

A writer is a number, and its key can change: its logs stay its own. The steward admits writers;
all else a writer does for itself, with its key or the recovery key that it was entrusted with.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from cityid import display
from cityid.errors import NotFoundError
from cityid.keys import PublicKey
from cityid.registry.admission import check_log, check_number
from cityid.registry.ethereum.contract.contents import log_id
from cityid.registry.ethereum.contract.deployment import check_code
from cityid.registry.ethereum.contract.layout import (
    Total,
    accept_call,
    admit_call,
    entrust_call,
    rotate_call,
    total_slot,
    transfer_call,
    writer_count_slot,
    writer_of_slot,
    writer_slot,
)
from cityid.registry.ethereum.failures import malformed
from cityid.registry.ethereum.hashing import ADDRESS_SIZE, checksummed, read_address
from cityid.registry.ethereum.hexadecimal import quantity, read_quantity
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.chain import Block, Capabilities
from cityid.registry.ethereum.sending.lane import Lane
from cityid.registry.ethereum.sending.outbox import Outbox
from cityid.registry.ethereum.sending.sender import Receipt, Sender
from cityid.registry.ethereum.sending.transactions import address as address_of

_KEY_SIZE: Final = 16
_GAS: Final = 200_000
_ADDRESS_BITS: Final = 8 * ADDRESS_SIZE
_NOBODY: Final = bytes(ADDRESS_SIZE)


@dataclass(frozen=True, slots=True)
class Status:
    """How a registry on a chain is doing.

    Attributes:
        chain_id: The chain's number.
        capabilities: What its nodes are able to do.
        settled: The last block that no reorganisation takes back.
        contract: The contract's address; its code is the registry's.
        steward: The address of whoever admits writers; None where anybody may write.
        writers: How many writers there are.
        size: How many records it has.
        last: The block of the last record; 0 where there is none.
        warnings: What was told about the nodes meanwhile.
    """

    chain_id: int
    capabilities: Capabilities
    settled: Block
    contract: str
    steward: str | None
    writers: int
    size: int
    last: int
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the status as JSON."""
        able = self.capabilities
        return {
            "chainId": self.chain_id,
            "contract": self.contract,
            "steward": self.steward,
            "writers": self.writers,
            "records": self.size,
            "lastRecordInBlock": self.last,
            "settledBlock": self.settled.number,
            "settledHash": "0x" + self.settled.hash.hex(),
            "finalizedTag": able.finalized,
            "proofs": able.proofs,
            "dynamicFees": able.dynamic_fees,
            "warnings": list(self.warnings),
        }

    def _repr_html_(self) -> str:
        return display.card(
            "Registry on a chain", self.to_dict(), badge=("✓ the contract", "green")
        )


@dataclass(frozen=True, slots=True)
class Account:
    """A key that writes, as chain and outbox know it.

    Attributes:
        address: Its address.
        writer: The number of the writer whose key it is; None where it is nobody's.
        balance: What it has to pay for gas with, in wei, as one node says.
        waiting: How many of its transactions are not settled yet.
    """

    address: str
    writer: int | None
    balance: int
    waiting: int

    def to_dict(self) -> dict[str, object]:
        """Return the account as JSON; wei are text, as they can be more than JSON counts."""
        return {
            "signer": self.address,
            "writer": self.writer,
            "balance": str(self.balance),
            "waiting": self.waiting,
        }


@dataclass(frozen=True, slots=True)
class WriterKeys:
    """A writer, as the contract knows it.

    Attributes:
        number: Its number, from 1.
        key: The address of the key that writes; None while there is none.
        recovery: The address of whoever may replace the key; None for nobody.
        successor: The address that was appointed and has not accepted; None for none.
    """

    number: int
    key: str | None
    recovery: str | None
    successor: str | None


def look(contract: Contract) -> Status:
    """Return how a registry is doing, at the settled block.

    Args:
        contract: The contract.

    Raises:
        UnsupportedError: The contract is another one.
        RegistryError: The chain cannot be read, or its nodes disagree.
    """
    chain, settled = contract.chain, contract.chain.settled()
    steward = check_code(chain.code(contract.address, settled))
    slots = (total_slot(), writer_count_slot())
    word, writers = chain.storages(contract.address, slots, settled)
    total = Total.read(word)
    return Status(
        chain.chain_id,
        chain.capabilities,
        settled,
        contract.address,
        steward,
        writers,
        total.size,
        total.block,
        chain.warnings,
    )


def account(contract: Contract, key: PublicKey, outbox: Outbox | None = None) -> Account:
    """Return how a key that writes is doing.

    Args:
        contract: The contract.
        key: The public half of the key.
        outbox: Where what it signed is kept until it is settled.

    Raises:
        UnsupportedError: The key is of another kind.
        RegistryError: The chain or the outbox cannot be read.
    """
    own, chain = address_of(key), contract.chain
    balance = chain.ask("eth_getBalance", [own, quantity(chain.settled().number)])
    waiting = 0
    if outbox is not None:
        waiting = len(Lane(outbox, chain.chain_id, read_address(own)).slots())
    return Account(own, number_of(contract, own), read_quantity(balance, "balance"), waiting)


def number_of(contract: Contract, address: str) -> int | None:
    """Return the number of the writer with a key; None where it is no writer's.

    Args:
        contract: The contract.
        address: The key's address.

    Raises:
        InvalidInputError: It is no address.
        RegistryError: The chain cannot be read, or its nodes disagree.
    """
    slot = writer_of_slot(read_address(address))
    return contract.word(slot, contract.chain.settled()) or None


def keys_of(contract: Contract, writer: int) -> WriterKeys:
    """Return the keys of a writer.

    Args:
        contract: The contract.
        writer: The writer's number.

    Raises:
        NotFoundError: There is no such writer.
        RegistryError: The chain cannot be read, or its nodes disagree.
    """
    check_number(writer, "a writer's number", least=1)
    first, settled = writer_slot(writer), contract.chain.settled()
    slots = (writer_count_slot(), first, first + 1, first + 2)
    count, *words = contract.chain.storages(contract.address, slots, settled)
    if writer > count:
        raise NotFoundError(f"there is no writer {writer}, only {count}", ref=str(writer))
    key, recovery, successor = map(_address_in, words)
    return WriterKeys(writer, key, recovery, successor)


def admit(contract: Contract, sender: Sender, key: str | None = None) -> int:
    """Make somebody a writer, and return the writer's number; whoever is one already stays it.

    Args:
        contract: The contract.
        sender: The steward; in a registry without one, whoever is to write.
        key: The address of the writer's key; None for the sender's own.

    Raises:
        InvalidInputError: It is no address.
        RegistryError: The contract refused, or the chain did not take it in time.
    """
    address = sender.address if key is None else key
    number = number_of(contract, address)
    if number is not None:
        return number
    _do(contract, sender, admit_call(read_address(address)))
    number = number_of(contract, address)
    if number is None:
        raise NotFoundError(f"{address} was admitted and is no writer any more", ref=address)
    return number


def entrust(contract: Contract, sender: Sender, writer: int, recovery: str | None) -> Receipt:
    """Say who may replace a writer's key when it is lost or stolen.

    Args:
        contract: The contract.
        sender: The writer's recovery; its key, as long as there is no recovery.
        writer: The writer's number.
        recovery: The address of a key that is kept offline; None for nobody.

    Raises:
        InvalidInputError: It is no address, or no number.
        RegistryError: The contract refused, or the chain did not take it in time.
    """
    return _do(contract, sender, entrust_call(_checked(writer), _address(recovery)))


def appoint(contract: Contract, sender: Sender, writer: int, successor: str | None) -> Receipt:
    """Name the next key of a writer, which takes over when it accepts.

    Args:
        contract: The contract.
        sender: The writer's key, or its recovery: then the key is dismissed at once.
        writer: The writer's number.
        successor: The address of the next key; None for none.

    Raises:
        InvalidInputError: It is no address, or no number.
        RegistryError: The contract refused, or the chain did not take it in time.
    """
    return _do(contract, sender, rotate_call(_checked(writer), _address(successor)))


def accept(contract: Contract, sender: Sender, writer: int) -> Receipt:
    """Take over as the key of a writer, and of all its logs.

    Args:
        contract: The contract.
        sender: The key that was appointed.
        writer: The writer's number.

    Raises:
        InvalidInputError: It is no number.
        RegistryError: The contract refused, or the chain did not take it in time.
    """
    return _do(contract, sender, accept_call(_checked(writer)))


def transfer(contract: Contract, sender: Sender, log: str, writer: int) -> Receipt:
    """Give a log to another writer.

    Args:
        contract: The contract.
        sender: The key of the writer who owns the log.
        log: The log's name.
        writer: The number of its new owner.

    Raises:
        InvalidInputError: No log has this name, or it is no number.
        RegistryError: The contract refused, or the chain did not take it in time.
    """
    check_log(log)
    return _do(contract, sender, transfer_call(log_id(log), _checked(writer)))


def _do(contract: Contract, sender: Sender, call: bytes) -> Receipt:
    key = secrets.token_bytes(_KEY_SIZE)
    return sender.wait(sender.submit(contract.address, call, key=key, gas=_GAS))


def _checked(writer: int) -> int:
    check_number(writer, "a writer's number", least=1)
    return writer


def _address_in(word: int) -> str | None:
    if word.bit_length() > _ADDRESS_BITS:
        raise malformed("the contract has an address that is none")
    return checksummed(word.to_bytes(ADDRESS_SIZE, "big")) if word else None


def _address(text: str | None) -> bytes:
    return _NOBODY if text is None else read_address(text)
