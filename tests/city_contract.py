"""CityRegistry on a chain in this process, asked directly: no client of ours in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth.vm.forks import LondonVM
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.backends.pyevm.main import get_default_account_keys
from eth_tester.exceptions import TransactionFailed

from cityid import resources
from cityid.registry.ethereum.contract import layout
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.nodes.blocks import Log

ADDRESS = "0x" + "c1" * 20
NOBODY = bytes(20)
ARTEFACT = json.loads(resources.read(resources.Kind.CONTRACTS, "CityRegistry.json"))
GAS = 900_000_000


def people() -> list[bytes]:
    """Return the addresses of the people of a city."""
    return [key.public_key.to_canonical_address() for key in get_default_account_keys(8)]


Events = list[layout.EntryPart | layout.Transfer]


@dataclass(frozen=True)
class Done:
    """What a transaction did.

    Attributes:
        gas: What it used.
        logs: The events, as the chain tells them.
        block: The number of its block.
        time: The time of its block.
    """

    gas: int
    logs: tuple[Log, ...]
    block: int
    time: int

    def events(self) -> Events:
        """Return what the events say about logs."""
        return [layout.read_event(log) for log in self.logs]


class City:
    """The contract, and people who call it by their number, from 0.

    Args:
        steward: Who admits writers.
        storage: What the contract's storage holds at the beginning.
        london: Whether the rules are those for which it was compiled, or else the newest.
    """

    def __init__(
        self,
        *,
        steward: bytes = NOBODY,
        storage: Mapping[int, int] | None = None,
        london: bool = False,
    ) -> None:
        owners = people()
        state: dict[bytes, Any] = {
            owner: {"balance": 10**24, "nonce": 0, "code": b"", "storage": {}} for owner in owners
        }
        code = bytes.fromhex(ARTEFACT["runtime"][2:]) + steward.rjust(32, b"\0") + bytes(32)
        contract = {"balance": 0, "nonce": 1, "code": code, "storage": dict(storage or {})}
        state[bytes.fromhex(ADDRESS[2:])] = contract
        self.people = owners
        rules = {"vm_configuration": ((0, LondonVM),)} if london else {}
        self.tester = EthereumTester(
            PyEVMBackend(
                genesis_parameters=PyEVMBackend.generate_genesis_params({"gas_limit": 10**9}),
                genesis_state=state,
                **rules,
            )
        )

    def send(self, data: bytes, by: int = 0) -> Done:
        """Call the contract in a transaction that must succeed."""
        receipt = self._receipt(data, by)
        assert receipt["status"] == 1, self.refusal(data, by)
        block = self.tester.get_block_by_number(receipt["block_number"])
        logs = tuple(
            Log(
                address=ADDRESS,
                topics=tuple(bytes.fromhex(topic[2:]) for topic in log["topics"]),
                data=bytes.fromhex(log["data"][2:]),
                block=log["block_number"],
                block_hash=bytes.fromhex(log["block_hash"][2:]),
                transaction=bytes.fromhex(log["transaction_hash"][2:]),
                index=log["log_index"],
            )
            for log in receipt["logs"]
        )
        return Done(receipt["gas_used"], logs, receipt["block_number"], block["timestamp"])

    def reverts(self, data: bytes, by: int = 0) -> str:
        """Return why the contract refuses a call, after a look that the transaction did nothing."""
        reason = self.refusal(data, by)
        assert reason is not None, "the call was to be refused"
        total = self.total().word
        receipt = self._receipt(data, by)
        assert receipt["status"] == 0
        assert not receipt["logs"]
        assert self.total().word == total
        return reason

    def refusal(self, data: bytes, by: int = 0) -> str | None:
        """Return why the contract would refuse a call; None where it would not."""
        try:
            self.tester.call(self._transaction(data, by))
        except TransactionFailed as failed:
            told = str(failed.args[0])  # a reason, or how bytes are written
            return "" if told == "b''" else told
        return None

    def ask(self, signature: str, *arguments: int | bytes) -> tuple[int, ...]:
        """Return the words that a view answers."""
        words = [
            a.to_bytes(32, "big") if isinstance(a, int) else a.rjust(32, b"\0") for a in arguments
        ]
        data = keccak256(signature.encode())[:4] + b"".join(words)
        answer = bytes.fromhex(self.tester.call(self._transaction(data, 0))[2:])
        return tuple(int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32))

    def stored(self, slot: int) -> int:
        """Return a word of the contract's storage."""
        word = self.tester.get_storage_at(ADDRESS, hex(slot))
        return int(word, 16)

    def head(self, log: bytes) -> layout.Head:
        """Return the head of a log, from storage."""
        return layout.Head.read(self.stored(layout.head_slot(log)))

    def total(self) -> layout.Total:
        """Return the total, from storage."""
        return layout.Total.read(self.stored(layout.total_slot()))

    def admit(self, *people: int) -> None:
        """Make people writers, numbered from 1 in this order."""
        for person in people:
            self.send(layout.admit_call(self.people[person]), person)

    def _receipt(self, data: bytes, by: int) -> Any:
        sent = self.tester.send_transaction(self._transaction(data, by))
        return self.tester.get_transaction_receipt(sent)

    def _transaction(self, data: bytes, by: int) -> dict[str, Any]:
        person = "0x" + self.people[by].hex()
        return {"from": person, "to": ADDRESS, "data": "0x" + data.hex(), "gas": GAS}
