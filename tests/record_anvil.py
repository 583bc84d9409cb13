"""Records answers of a real node for machines that have none: ``python tests/record_anvil.py``.

What it writes is small, and stays as it is until somebody wants answers of a newer node.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chains

RECORDED = Path(__file__).with_name("recorded_anvil.json")
HARDFORKS = ("istanbul", "london", "paris", "shanghai", "cancun", "prague")
WORDS = {0: 42, 1: 2**256 - 1, 2**255 + 7: 0xC0FFEE}
NOTHING = 5
"""A place where the contract wrote nothing."""


def creation_code() -> str:
    """Return code that writes the words, and leaves a contract that stops at once."""
    writes = [f"7f{word:064x}7f{slot:064x}55" for slot, word in WORDS.items()]
    return "0x" + "".join(writes) + "60016000f3"


def record(hardfork: str) -> dict[str, Any]:
    """Return what a node of some rules answers about a contract."""
    with chains.anvil(block_time=None, hardfork=hardfork) as node:
        sender = node.ask("eth_accounts")[0]
        transaction = {"from": sender, "data": creation_code(), "gas": "0x100000"}
        transaction["gasPrice"] = hex(2 * 10**9)
        created = node.control.request("eth_sendTransaction", [transaction])
        node.mine()
        contract = node.ask("eth_getTransactionReceipt", created)["contractAddress"]
        node.mine()
        slots = [f"0x{slot:064x}" for slot in (*WORDS, NOTHING)]
        stranger = "0x" + 20 * "77"
        return {
            "contract": contract,
            "stranger": stranger,
            "code": node.ask("eth_getCode", contract, "latest"),
            "block": node.last_block(),
            "proof": node.control.request("eth_getProof", [contract, slots, "latest"]),
            "absence": node.control.request("eth_getProof", [stranger, slots, "latest"]),
        }


if __name__ == "__main__":
    answers = {hardfork: record(hardfork) for hardfork in HARDFORKS}
    RECORDED.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
