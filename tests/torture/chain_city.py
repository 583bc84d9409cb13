"""A city's registry on a real node, and what the chain says of it by sums that share no code."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import chains
from cityid import registry
from cityid.keys import PrivateKey
from cityid.registry.ethereum.contract.dictionary import DICTIONARY
from cityid.registry.ethereum.contract.layout import admit_call
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.sending.transactions import address
from torture.witness import expect

CHAIN_ID = 31337
EPOCH = 6
"""The tag ``finalized`` stays twelve blocks behind."""
_ARTEFACT = Path(registry.__file__).parent / "contracts" / "CityRegistry.json"
_RICH = 10**9
_OLD = 30
"""How many blocks there are before and after the beginning, so that nothing is as deep as that."""
_ENTRY = "0x" + keccak256(b"Entry(bytes32,uint256,uint256)").hex()


class Fact(NamedTuple):
    """An entry as the chain itself has it."""

    sequence: int
    log: str
    version: int
    data: bytes
    time: datetime
    block: int
    block_hash: str
    transaction: str
    log_index: int


@dataclass(frozen=True, slots=True)
class City:
    """A node on which the contract is deployed, and those who may write to it."""

    node: chains.Node
    contract: str
    birth: int
    writers: tuple[PrivateKey, ...]


@contextmanager
def city(writers: int = 3, **options: Any) -> Iterator[City]:
    """Run a node with a contract on it, and writers whom it knows."""
    names = [chains.key(f"writer {number}") for number in range(writers)]
    with chains.anvil(**({"block_time": None, "slots_in_an_epoch": EPOCH} | options)) as node:
        node.skip(_OLD)
        rich = node.ask("eth_accounts")[0]
        code = json.loads(_ARTEFACT.read_text(encoding="utf-8"))["bytecode"] + bytes(32).hex()
        made = _settled(node, {"from": rich, "data": code, "gas": hex(5_000_000)})
        contract = made["contractAddress"]
        for writer in names:
            own = address(writer.public_key)
            node.fund(own, _RICH * chains.ETHER)
            node.ask("anvil_impersonateAccount", own)
            call = "0x" + admit_call(bytes.fromhex(own[2:])).hex()
            _settled(node, {"from": own, "to": contract, "data": call, "gas": hex(200_000)})
            node.ask("anvil_stopImpersonatingAccount", own)
        node.skip(_OLD)
        yield City(node, contract, int(made["blockNumber"], 16), tuple(names))


def _settled(node: chains.Node, transaction: dict[str, str]) -> Any:
    sent = node.control.request("eth_sendTransaction", [transaction])
    while (receipt := node.ask("eth_getTransactionReceipt", sent)) is None:
        node.mine()
    expect(receipt["status"] == "0x1", f"the city cannot be built: {receipt}")
    return receipt


def truth(node: chains.Node, contract: str) -> list[Fact]:
    """Return all entries of a contract that are on the chain now, in order."""
    asked = {"address": contract, "fromBlock": "0x0", "toBlock": "latest", "topics": [_ENTRY]}
    facts: list[Fact] = []
    names: dict[str, str] = {}
    parts: list[bytes] = []
    first: Any = None
    for event in node.control.request("eth_getLogs", [asked]):
        first = event if not parts else first
        parts.append(bytes.fromhex(event["data"][2:]))
        place = int(event["topics"][3], 16)
        if place >> 192 & 1:
            continue
        name, version = event["topics"][1], place >> 128 & 0xFFFFFFFF
        body = _expanded(b"".join(parts))
        parts = []
        if version == 1:
            size = int.from_bytes(body[:2], "big")
            names[name], body = body[2 : 2 + size].decode(), body[2 + size :]
        facts.append(
            Fact(
                place >> 64 & 0xFFFFFFFFFFFFFFFF, names[name], version, body,
                datetime.fromtimestamp(place & 0xFFFFFFFFFFFFFFFF, UTC),
                int(first["blockNumber"], 16), first["blockHash"], first["transactionHash"],
                int(first["logIndex"], 16),
            )
        )  # fmt: skip
    return facts


def _expanded(content: bytes) -> bytes:
    if content[0] == 0:
        return content[1:]
    return zlib.decompressobj(-15, zdict=DICTIONARY).decompress(content[1:])
