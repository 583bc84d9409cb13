"""What the refusals of the clients mean, in the words that each of them uses."""

from __future__ import annotations

import pytest

from cityid.errors import Code
from cityid.registry.ethereum.failures import Failure, RpcError, classify, malformed

SAID = {
    Failure.NONCE_TOO_LOW: [
        ("geth", -32000, "nonce too low: next nonce 5, tx nonce 3"),
        ("besu", -32001, "Nonce too low"),
        ("nethermind", -32010, "OldNonce, Current nonce: 5, nonce of rejected tx: 3"),
        ("anvil", -32003, "nonce too low"),
        ("hardhat", -32000, "Nonce too low. Expected nonce to be 4 but got 2."),
        ("eth-tester", None, "ValidationError: Invalid transaction nonce: Expected 3, but got 1"),
        ("parity", -32010, "Transaction nonce is too low. Try incrementing the nonce."),
    ],
    Failure.NONCE_GAP: [
        ("geth", -32000, "nonce too high: address 0x1, tx: 9 state: 3"),
        ("besu", -32006, "Nonce too high"),
        ("besu", -32000, "Transaction nonce is too distant from current sender nonce"),
        ("nethermind", -32010, "NonceGap, Future nonce. Expected nonce: 3"),
        ("hardhat", -32000, "Nonce too high. Expected nonce to be 4 but got 9."),
    ],
    Failure.ALREADY_KNOWN: [
        ("geth", -32000, "already known"),
        ("besu", -32000, "Known transaction"),
        ("nethermind", -32010, "AlreadyKnown"),
        ("nethermind", -32010, "OwnNonceAlreadyUsed"),
        ("erigon", -32000, "INTERNAL_ERROR: existing tx with same hash"),
        ("anvil", -32003, "transaction already imported"),
        ("hardhat", -32000, "Known transaction: 0x12"),
        ("parity", -32010, "Transaction with the same hash was already imported."),
    ],
    Failure.UNDERPRICED: [
        ("geth", -32000, "replacement transaction underpriced"),
        ("geth", -32000, "transaction underpriced: gas tip cap 0"),
        ("geth", -32000, "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1"),
        ("besu", -32000, "Replacement transaction underpriced"),
        ("besu", -32009, "Gas price below configured minimum gas price"),
        ("besu", -32009, "Gas price below current base fee"),
        ("nethermind", -32010, "FeeTooLow, MaxFeePerGas too low."),
        ("nethermind", -32010, "FeeTooLowToCompete"),
        ("nethermind", -32010, "ReplacementNotAllowed"),
        ("anvil", -32003, "replacement transaction underpriced"),
        ("anvil", -32003, "max fee per gas less than block base fee"),
        ("hardhat", -32000, "Replacement transaction underpriced. A gasPrice of at least 2 is"),
        ("parity", -32010, "Transaction gas price is too low. There is another transaction"),
    ],
    Failure.INSUFFICIENT_FUNDS: [
        ("geth", -32000, "insufficient funds for gas * price + value: balance 0, tx cost 21000"),
        ("besu", -32004, "Upfront cost exceeds account balance"),
        ("nethermind", -32010, "InsufficientFunds, Account balance: 0, cumulative cost: 1"),
        ("anvil", -32003, "Insufficient funds for gas * price + value"),
        ("hardhat", -32000, "Sender doesn't have enough funds to send tx."),
        ("eth-tester", None, "ValidationError: Sender account balance cannot afford txn"),
    ],
    Failure.REVERTED: [
        ("geth", 3, "execution reverted: version", "0x"),
        ("geth", -32000, "execution reverted"),
        ("besu", -32000, "Execution reverted (version)", "0x08c379a0"),
        ("nethermind", -32015, "VM execution error.", "Reverted 0x"),
        ("anvil", 3, "execution reverted: owner", "0x08c379a0"),
        ("hardhat", 3, "VM Exception while processing transaction: reverted with reason"),
        ("ganache", -32000, "VM Exception while processing transaction: revert owner"),
        ("eth-tester", None, "TransactionFailed: execution reverted: version"),
    ],
    Failure.PRUNED: [
        ("geth", -32000, "missing trie node 0ab1 (path ) state 0x1"),
        ("geth", -32000, "historical state 0ab1 is not available"),
        ("geth", 4444, "pruned history unavailable"),
        ("geth", -32000, "required historical state unavailable (reexec=128)"),
        ("besu", -32000, "World state unavailable"),
        ("nethermind", -32603, "Internal error", "Nethermind.Trie.MissingTrieNodeException"),
        ("nethermind", -32002, "No state available for block 0x1"),
        ("erigon", -32000, "state at block 5 is pruned"),
        ("erigon", -32000, "distance to target block exceeds maximum proof window"),
        ("parity", -32000, "This request is not supported: your node runs with state pruning"),
    ],
    Failure.UNSUPPORTED: [
        ("anvil", -32600, "Invalid request"),
        ("geth", -32601, "the method eth_x does not exist/is not available"),
        ("besu", -32601, "Method not found"),
        ("besu", -32604, "Method not enabled"),
        ("eth-tester", -32601, "RPC Endpoint has not been implemented: eth_getProof"),
        ("eth-tester", -32601, "Unknown RPC Endpoint: x"),
        ("service", -32601, "nothing known"),
        ("service", -32004, "nothing known"),
    ],
    Failure.RANGE_TOO_LARGE: [
        ("geth", -32602, "block range too large"),
        ("geth", -32600, "batch too large"),
        ("geth", -32003, "response too large"),
        ("besu", -32005, "Requested range exceeds maximum RPC range limit"),
        ("besu", -32005, "Number of requests exceeds max batch size"),
        ("service", -32005, "query returned more than 10000 results"),
        ("service", -32602, "range 1000000 exceeds limit of 10000"),
        ("service", -32602, "Log response size exceeded. You can make eth_getLogs requests"),
        ("service", -32614, "eth_getLogs is limited to a 10,000 range"),
        ("service", -32000, "block range is larger than max block range, block range = 5120"),
        ("service", -32602, "invalid params", "range 9009594 is bigger than range limit 2000"),
    ],
    Failure.TIMEOUT: [
        ("geth", -32002, "request timed out"),
        ("geth", -32000, "context deadline exceeded"),
        ("besu", -32603, "Timeout expired"),
    ],
    Failure.OTHER: [
        ("eth-tester", None, "UnrecognizedTransactionType: (0, 'Unknown transaction type')"),
        ("geth", -32000, "invalid sender"),
        ("geth", -32000, "intrinsic gas too low: gas 1, minimum needed 21000"),
        ("geth", -32000, "header for hash not found"),
        ("geth", -32000, "finalized block not found"),
        ("besu", -39001, "Unknown block"),
        ("besu", -32005, "Transaction gas limit exceeds block gas limit"),
        ("anvil", -32602, "BlockOutOfRangeError: block height is 1 but requested was 20480"),
        ("service", -1, "nothing known"),
    ],
    Failure.RATE_LIMITED: [
        ("service", -32005, "daily request count exceeded, request rate limited"),
        ("service", 429, "Your app has exceeded its compute units per second"),
        ("service", -32005, "limit exceeded"),
        ("service", -32029, "Too Many Requests"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("meaning", "client", "code", "message", "data"),
    [
        pytest.param(meaning, *(*row, None)[:4], id=f"{row[0]}: {row[2][:40]}")
        for meaning, rows in SAID.items()
        for row in rows
    ],
)
def test_a_refusal_is_known_by_its_words(meaning, client, code, message, data):
    error = classify(code, message, data, client)
    assert error.failure is meaning, message
    assert str(error).startswith(f"{client} answered {meaning}")


VERSION = "08c379a0" + f"{32:064x}" + f"{7:064x}" + b"version".ljust(32, b"\0").hex()


@pytest.mark.parametrize(
    ("message", "data", "reason"),
    [
        ("execution reverted: version", None, "version"),
        ("execution reverted: version", "0x", "version"),
        ("execution reverted", "0x" + VERSION, "version"),
        ("Execution reverted", {"data": "0x" + VERSION}, "version"),
        ("VM Exception: reverted with reason string 'owner'", None, "owner"),
        ("VM Exception while processing transaction: revert owner", None, "owner"),
        ("execution reverted", None, ""),
        ("execution reverted: x", "0x08c379a0zz", ""),
        ("execution reverted", "0x08c379a0", ""),
        ("execution reverted", "0x08c379a0" + f"{32:064x}" + "ff" * 32 + "41" * 32, "A" * 32),
        ("execution reverted", {"no": "data"}, ""),
        ("VM execution error.", "Reverted 0x", ""),
        ("VM execution error.", None, ""),
    ],
)  # fmt: skip
def test_a_revert_tells_the_reason_of_the_contract(message, data, reason):
    assert classify(3, message, data, "node").reason == reason


def test_the_words_of_a_contract_mean_nothing_else():
    error = classify(3, "execution reverted: nonce too low, already known", None, "node")
    assert (error.failure, error.reason) == (Failure.REVERTED, "nonce too low, already known")
    assert classify(-32000, "nonce too low", None, "node").reason == ""


@pytest.mark.parametrize(
    ("code", "message", "data"),
    [
        (None, None, None),
        ("x", 5, []),
        (True, {"deep": []}, 5),
        ([], [], {}),
        (2**200, "a" * 10**6, "b" * 10**6),
        (-32000, "\x00\x1b[31m", "\ud800"),
    ],
    ids=["nothing", "wrong kinds", "more wrong kinds", "lists", "endless", "control characters"],
)
def test_a_refusal_of_any_kind_is_a_short_error(code, message, data):
    error = classify(code, message, data, "node")
    assert error.failure is Failure.OTHER
    assert len(str(error)) < 300
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure.UNREACHABLE, Code.UNREACHABLE),
        (Failure.TIMEOUT, Code.TIMEOUT),
        (Failure.PRUNED, Code.HISTORY_PRUNED),
        (Failure.UNSUPPORTED, Code.NOT_SUPPORTED),
        (Failure.OTHER, Code.REGISTRY_UNAVAILABLE),
    ],
)
def test_a_failure_has_the_code_that_it_has_elsewhere(failure, code):
    assert RpcError("words", failure=failure).code is code


def test_an_answer_that_is_none_is_malformed():
    assert malformed("words").failure is Failure.MALFORMED
