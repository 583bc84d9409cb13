"""Lies that one node may tell: false answers of the right form, drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from faults import Ask, Fault, answering, elsewhere

_STATE = {"eth_getStorageAt": 2, "eth_getProof": 2, "eth_call": 1, "eth_getCode": 1}


def about_storage(chance: random.Random) -> Fault:
    """Tell other words, or those of an earlier block."""
    return chance.choice(
        (
            answering(lambda _: "0x" + "00" * 32, "eth_getStorageAt"),
            answering(lambda word: _flipped(word, chance), "eth_getStorageAt"),
            answering(lambda proof: _with_values(proof, chance), "eth_getProof"),
            answering(_without_nodes, "eth_getProof"),
            _at_earlier(chance.randint(1, 6)),
        )
    )


def _at_earlier(blocks: int) -> Fault:
    def lie(ask: Ask, method: str, params: Sequence[Any]) -> Any:
        place = _STATE.get(method)
        if place is not None and len(params) > place and str(params[place]).startswith("0x"):
            number = max(0, int(params[place], 16) - blocks)
            params = [*params[:place], hex(number), *params[place + 1 :]]
        return ask(method, params)

    return lie


def _with_values(proof: Any, chance: random.Random) -> Any:
    return proof | {
        "storageProof": [
            slot | {"value": hex(chance.getrandbits(200))} for slot in proof["storageProof"]
        ]
    }


def _without_nodes(proof: Any) -> Any:
    return proof | {"storageProof": [slot | {"proof": []} for slot in proof["storageProof"]]}


def about_logs(chance: random.Random) -> Fault:
    """Leave events out, double, swap or change them."""
    lie: Callable[[list[Any]], list[Any]] = chance.choice(
        (
            lambda _: [],
            lambda logs: logs[:-1],
            lambda logs: logs[1:],
            lambda logs: logs + logs[-1:],
            lambda logs: logs[::-1],
            lambda logs: [_changed(log, chance) for log in logs],
        )
    )
    return answering(lie, "eth_getLogs")


def _changed(log: Any, chance: random.Random) -> Any:
    if chance.random() < 0.5:
        return log | {"data": _flipped(log["data"], chance)}
    place = chance.randrange(1, len(log["topics"])) if len(log["topics"]) > 1 else 0
    topics = [
        _flipped(topic, chance) if number == place else topic
        for number, topic in enumerate(log["topics"])
    ]
    return log | {"topics": topics}


def about_blocks(chance: random.Random) -> Fault:
    """Tell other hashes, times, roots or heights."""
    name = chance.choice(("hash", "stateRoot", "parentHash", "timestamp", "number"))

    def lie(block: Any) -> Any:
        if not isinstance(block, dict):
            return block
        if name in {"timestamp", "number"}:
            return block | {name: hex(max(0, int(block[name], 16) + chance.randint(-9, 9)))}
        return block | {name: _flipped(block[name], chance)}

    methods = ("eth_getBlockByNumber", "eth_getBlockByHash")
    if name == "number" and chance.random() < 0.5:
        return answering(lambda height: hex(int(height, 16) + 40), "eth_blockNumber")
    return answering(lie, *methods)


def about_receipts(chance: random.Random) -> Fault:
    """Deny transactions, or tell another end of them."""
    lie: Callable[[Any], Any] = chance.choice(
        (
            lambda _: None,
            lambda receipt: receipt and receipt | {"status": "0x0"},
            lambda receipt: (
                receipt and receipt | {"blockHash": _flipped(receipt["blockHash"], chance)}
            ),
            lambda receipt: receipt and receipt | {"blockNumber": hex(chance.randint(1, 60))},
        )
    )
    return answering(lie, "eth_getTransactionReceipt", "eth_getTransactionByHash")


def about_nonces(chance: random.Random) -> Fault:
    """Tell more or fewer transactions than an address has sent."""
    by = chance.choice((-3, -1, 1, 5))
    return answering(lambda count: hex(max(0, int(count, 16) + by)), "eth_getTransactionCount")


def about_prices(chance: random.Random) -> Fault:
    """Tell prices that nobody would pay, or that no miner would take."""
    price = hex(chance.choice((0, 1, 10**15, 10**24)))
    return answering(lambda _: price, "eth_gasPrice", "eth_maxPriorityFeePerGas")


def about_code() -> Fault:
    """Deny the contract."""
    return answering(lambda _: "0x", "eth_getCode")


def of_another_world(other: Any) -> Fault:
    """Answer everything as an honest node of another chain with the same number would."""
    return elsewhere(other)


def _flipped(text: Any, chance: random.Random) -> Any:
    if not isinstance(text, str) or len(text) < 4:
        return "0x00"
    content = bytearray.fromhex(text[2:])
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return "0x" + content.hex()
