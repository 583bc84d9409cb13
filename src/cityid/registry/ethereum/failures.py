"""Why a node did not answer, by what it means: each client says it in words of its own.

The codes of JSON-RPC tell little (every client uses -32000 for nearly everything), so the words
decide and the code only where no word is known.

Spec:
    https://eips.ethereum.org/EIPS/eip-1474#error-codes
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from cityid.errors import Code, RegistryError, quote


class Failure(StrEnum):
    """What a failed request means for whoever asked."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate limited"
    UNSUPPORTED = "unsupported"
    PRUNED = "pruned"
    RANGE_TOO_LARGE = "range too large"
    NONCE_TOO_LOW = "nonce too low"
    NONCE_GAP = "nonce gap"
    UNDERPRICED = "underpriced"
    ALREADY_KNOWN = "already known"
    INSUFFICIENT_FUNDS = "insufficient funds"
    REVERTED = "reverted"
    MALFORMED = "malformed"
    OTHER = "other"


_CODES: Final = {
    Failure.UNREACHABLE: Code.UNREACHABLE,
    Failure.TIMEOUT: Code.TIMEOUT,
    Failure.UNSUPPORTED: Code.NOT_SUPPORTED,
    Failure.PRUNED: Code.HISTORY_PRUNED,
}


class RpcError(RegistryError):
    """A node gave no answer that can be used.

    Attributes:
        failure: What that means.
        reason: Why a contract reverted, in its own words; empty where it said nothing.
    """

    def __init__(self, message: str, *, failure: Failure, reason: str = "") -> None:
        super().__init__(message, code=_CODES.get(failure, Code.REGISTRY_UNAVAILABLE))
        self.failure = failure
        self.reason = reason


_WORDS: Final = {
    Failure.REVERTED: (
        r"\A(.{0,40}: ?)?execution reverted",
        r"\AVM (exception|execution error)",
        r"\Areverted",
    ),
    Failure.OTHER: (r"intrinsic gas", r"gas limit"),
    Failure.ALREADY_KNOWN: (
        r"already ?known\b",
        r"\bknown transaction",
        r"already imported",
        r"same hash",
        r"OwnNonceAlreadyUsed",
    ),
    Failure.NONCE_GAP: (
        r"nonce (is )?too (high|distant)",
        r"NonceGap",
        r"lower nonce",
        r"future nonce",
        r"enqueued",
    ),
    Failure.NONCE_TOO_LOW: (
        r"nonce (is )?too low",
        r"OldNonce",
        r"nonce has already been used",
        r"invalid transaction nonce",
    ),
    Failure.UNDERPRICED: (
        r"underpriced",
        r"gas ?price.{0,40}(too low|below|minimum)",
        r"fee ?too ?low",
        r"less than (the )?(block|current)?.{0,10}base fee",
        r"max ?fee ?per ?gas.{0,30}(less|too low|below)",
        r"same nonce in the",
        r"ReplacementNotAllowed",
    ),
    Failure.INSUFFICIENT_FUNDS: (
        r"insufficient ?(funds|balance)",
        r"exceeds (account )?balance",
        r"enough (funds|balance)",
        r"cause overdraft",
        r"not have enough",
        r"sender account balance",
    ),
    Failure.RANGE_TOO_LARGE: (
        r"more than [\d,]+ (results|logs)",
        r"range.{0,60}(limit|exceed|too|larger|bigger|wide|greater)",
        r"(limit|exceed|max|large).{0,60}range",
        r"limited to.{0,40}(range|blocks)",
        r"too many (results|logs|blocks)",
        r"(size|results?|logs).{0,20}exceed",
        r"exceed.{0,40}(batch|response|results|logs)",
        r"(response|request|result) (is |size )*too (large|big)",
        r"too large request",
        r"batch.{0,30}(limit|exceed|too (large|big|many))",
    ),
    Failure.PRUNED: (
        r"missing trie node",
        r"MissingTrieNode",
        r"prun(ed|ing)",
        r"archive",
        r"(historical|no) state",
        r"state.{0,80}(not available|unavailable)",
        r"(history|data|block|receipts|logs).{0,60}(not available|unavailable)",
        r"distance to target block exceeds",
        r"older than",
    ),
    Failure.RATE_LIMITED: (
        r"rate.?limit",
        r"too many requests",
        r"request limit",
        r"per second",
        r"throttl",
        r"compute units",
        r"request count exceeded",
    ),
    Failure.TIMEOUT: (
        r"time[d ]?.?out",
        r"deadline exceeded",
        r"took too long",
        r"request aborted",
    ),
    Failure.UNSUPPORTED: (
        r"method.{0,60}not.{0,20}(found|supported|available|enabled|whitelisted|exist|allowed)",
        r"not (been )?implemented",
        r"invalid request",
        r"unknown (rpc )?(endpoint|method)",
        r"(not |un)supported",
        r"Block number must be a positive integer or one of",
    ),
}
"""The first row that matches decides. Of a revert, all other words are the contract's own."""

_MEANINGS: Final = tuple(
    (failure, re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL))
    for failure, patterns in _WORDS.items()
)

_NUMBERS: Final = {
    -32600: Failure.UNSUPPORTED,
    -32601: Failure.UNSUPPORTED,
    -32604: Failure.UNSUPPORTED,
    -32004: Failure.UNSUPPORTED,
    -32005: Failure.RATE_LIMITED,
    -32016: Failure.RATE_LIMITED,
    429: Failure.RATE_LIMITED,
    4444: Failure.PRUNED,
}
_REVERT_CODE: Final = 3
_REVERT_MESSAGE: Final = re.compile(
    r"(?:execution reverted|reverted with reason string|revert)[:,]?\s*['\"]?(.*?)['\"]?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_ERROR_STRING: Final = "08c379a0"
_LONGEST: Final = 300


def classify(code: object, message: object, data: object, node: str) -> RpcError:
    """Return the error that a node's refusal means.

    Args:
        code: The error's number, if it has one.
        message: Its words.
        data: What else it carries: the output of a reverted call, or more words.
        node: The name of the node, for the message.
    """
    words = message[:_LONGEST] if isinstance(message, str) else ""
    more = data[:_LONGEST] if isinstance(data, str) and not data.startswith("0x") else ""
    failure = _meaning(code, f"{words} {more}")
    reason = _reason(words, data) if failure is Failure.REVERTED else ""
    said = quote(f"{words} {more}".strip(), 120)
    return RpcError(f"{node} answered {failure}: {said}", failure=failure, reason=reason)


def _meaning(code: object, words: str) -> Failure:
    if code == _REVERT_CODE:
        return Failure.REVERTED
    for failure, pattern in _MEANINGS:
        if pattern.search(words):
            return failure
    return _NUMBERS.get(code, Failure.OTHER) if isinstance(code, int) else Failure.OTHER


def _reason(words: str, data: object) -> str:
    """Return why a contract reverted: from the output that it gave, else from the words."""
    output = data.get("data") if isinstance(data, dict) else data
    if isinstance(output, str) and output.startswith("0x" + _ERROR_STRING):
        try:
            return _error_string(bytes.fromhex(output[10:][: 2 * _LONGEST]))
        except ValueError:
            return ""
    match = _REVERT_MESSAGE.search(words)
    return match[1] if match else ""


def _error_string(content: bytes) -> str:
    """Return the text of ``Error(string)``, which is how contracts say why.

    Spec:
        https://docs.soliditylang.org/en/latest/control-structures.html#revert
    """
    size = int.from_bytes(content[32:64], "big")
    return content[64 : 64 + min(size, _LONGEST)].decode("utf-8", "replace")


def malformed(message: str) -> RpcError:
    """Return the error of an answer that no honest node gives."""
    return RpcError(f"a node's answer is malformed: {message}", failure=Failure.MALFORMED)
