"""Reading logs in parts: nodes limit how many blocks they look through at once, each in its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.blocks import Log
from cityid.registry.ethereum.nodes.node import Node, Topics

MOST_PAGES: Final = 20_000
"""After so many parts a node is given up: an honest one takes larger ones."""
MOST_LOGS: Final = 2_000_000
_STREAK: Final = 8
"""After so many parts of one size a larger one is tried: not all blocks are as full as the last."""
_PATIENCE_SECONDS: Final = 300.0
"""After so long a node is given up: no part of its answer may come late, but all might."""


def paged(
    node: Node,
    address: str,
    topics: Topics,
    first: int,
    last: int,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Log, ...]:
    """Return the logs of a contract in some blocks, in parts as large as the node takes.

    Args:
        node: The node.
        address: The contract.
        topics: What the topics may be.
        first: The first block.
        last: The last block.
        clock: Tells seconds that only grow.

    Raises:
        RpcError: The node does not say, or takes no part that is worth while.
    """
    logs: list[Log] = []
    span = max(1, last - first + 1)
    pages = streak = 0
    deadline = clock() + _PATIENCE_SECONDS
    while first <= last:
        if clock() > deadline:
            message = f"{node.name} takes too long to look through blocks up to {last}"
            raise RpcError(message, failure=Failure.TIMEOUT)
        end = min(last, first + span - 1)
        try:
            logs += node.logs(address, topics, first, end)
        except RpcError as error:
            if error.failure is not Failure.RANGE_TOO_LARGE or span == 1:
                raise
            span, streak = (end - first + 2) // 2, 0
            continue
        first, pages, streak = end + 1, pages + 1, streak + 1
        if streak == _STREAK:
            span, streak = 2 * span, 0
        if pages > MOST_PAGES or len(logs) > MOST_LOGS:
            message = f"{node.name} gives too many logs, or too few at once"
            raise RpcError(message, failure=Failure.RANGE_TOO_LARGE)
    return tuple(logs)
