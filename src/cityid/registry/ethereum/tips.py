"""The highest block that enough nodes agree on.

Each node has a tip of its own: the last block that it knows, or the last that it calls final. One
that lies may put it anywhere, so nothing above the tips of enough nodes counts.
"""

from __future__ import annotations

from functools import partial

from cityid.registry.ethereum.agreement import Agreement, agree, disagreement, has_quorum
from cityid.registry.ethereum.blocks import Block
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.node import Capabilities, Node
from cityid.registry.ethereum.panel import Panel, Question


def common_tip(panel: Panel, question: Question[Block], quorum: int, what: str) -> Agreement[Block]:
    """Return the highest block that enough nodes agree on.

    Args:
        panel: The nodes.
        question: What asks a node for its tip.
        quorum: How many must agree.
        what: What the tip is, for messages.

    Raises:
        RegistryError: They agree on none.
    """
    voices = panel.everybody(question, quorum)
    tips = {voice.name: voice.said for voice in voices if isinstance(voice.said, Block)}
    heights = sorted((tip.number for tip in tips.values()), reverse=True)
    for height in dict.fromkeys(heights[quorum - 1 :]):
        votes = voices
        if heights[0] != heights[-1]:
            votes = panel.everybody(partial(_at_height, tips, height), quorum)
        if has_quorum(votes, quorum):
            return agree(votes, quorum, what)
    raise disagreement(voices, quorum, what)


def settled_tip(node: Node, depth: int | None) -> Block:
    """Return the last block that a node calls final, or the last that lies so deep.

    Args:
        node: The node.
        depth: How deep; None for what it calls final.

    Raises:
        RpcError: It gives none.
    """
    if depth is None:
        return node.block("finalized")
    latest = node.block("latest")
    return node.block(max(0, latest.number - depth)) if depth else latest


def _at_height(tips: dict[str, Block], height: int, node: Node, _: Capabilities) -> Block:
    """Return a node's block of a height that it has reached."""
    tip = tips.get(node.name)
    if tip is None or tip.number < height:
        message = f"{node.name} is behind the others"
        raise RpcError(message, failure=Failure.OTHER)
    return tip if tip.number == height else node.block(height)
