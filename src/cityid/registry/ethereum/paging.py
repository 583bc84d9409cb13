"""Reading logs in parts: nodes limit how many blocks they look through at once, each in its way."""

from __future__ import annotations

from typing import Final

from cityid.registry.ethereum.blocks import Log
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.node import Node, Topics

MOST_PAGES: Final = 20_000
"""After so many parts a node is given up: an honest one takes larger ones."""
MOST_LOGS: Final = 2_000_000


def paged(node: Node, address: str, topics: Topics, first: int, last: int) -> tuple[Log, ...]:
    """Return the logs of a contract in some blocks, in parts as large as the node takes.

    Args:
        node: The node.
        address: The contract.
        topics: What the topics may be.
        first: The first block.
        last: The last block.

    Raises:
        RpcError: The node does not say, or takes no part that is worth while.
    """
    logs: list[Log] = []
    span = max(1, last - first + 1)
    pages = 0
    while first <= last:
        end = min(last, first + span - 1)
        try:
            logs += node.logs(address, topics, first, end)
        except RpcError as error:
            if error.failure is not Failure.RANGE_TOO_LARGE or span == 1:
                raise
            span = (end - first + 2) // 2
            continue
        first, pages = end + 1, pages + 1
        if pages > MOST_PAGES or len(logs) > MOST_LOGS:
            message = f"{node.name} gives too many logs, or too few at once"
            raise RpcError(message, failure=Failure.RANGE_TOO_LARGE)
    return tuple(logs)
