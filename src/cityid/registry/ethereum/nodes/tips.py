"""The highest block that enough nodes agree on.

Each node has a tip of its own: the last block that it knows, or the last that it calls final. One
that lies may put it anywhere, so nothing above the tips of enough nodes counts. It may also put it
far down, to a true block of old, where everybody agrees with it and nothing was written yet: while
so many nodes are missing that one liar decides, none of those that are there may be far ahead.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final

from cityid.errors import Code, RegistryError
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.agreement import Agreement, agree, disagreement, has_quorum
from cityid.registry.ethereum.nodes.blocks import Block
from cityid.registry.ethereum.nodes.node import Capabilities, Node
from cityid.registry.ethereum.nodes.panel import Panel, Question

_FAR_SECONDS: Final = 900
"""How far honest nodes may be apart: finality comes in steps of minutes, on some networks."""
_NEAR_BLOCKS: Final = 2
"""So few blocks are never far, however much time lies between them."""


def common_tip(panel: Panel, question: Question[Block], quorum: int, what: str) -> Agreement[Block]:
    """Return the highest block that enough nodes agree on.

    Args:
        panel: The nodes.
        question: What asks a node for its tip.
        quorum: How many must agree.
        what: What the tip is, for messages.

    Raises:
        RegistryError: They agree on none, or on one that is far behind what some of them know.
    """
    voices = panel.everybody(question, quorum)
    tips = {voice.name: voice.said for voice in voices if isinstance(voice.said, Block)}
    heights = sorted((tip.number for tip in tips.values()), reverse=True)
    for height in dict.fromkeys(heights[quorum - 1 :]):
        votes = voices
        if heights[0] != heights[-1]:
            votes = panel.everybody(partial(_at_height, tips, height), quorum)
        if has_quorum(votes, quorum):
            agreement = agree(votes, quorum, what)
            _check_near(agreement.value, tips.values(), quorum, what)
            return agreement
    raise disagreement(voices, quorum, what)


def _check_near(agreed: Block, tips: Collection[Block], quorum: int, what: str) -> None:
    """Refuse a block of old, which liars fewer than the quorum could have brought about.

    With twice as many nodes as liars and one more, the quorum's tip lies among those of honest
    nodes; with fewer it may be a liar's, so that the highest counts.
    """
    heights = sorted((tip.number for tip in tips), reverse=True)
    height = heights[quorum - 1] if len(tips) >= 2 * quorum - 1 else heights[0]
    time = max(tip.time for tip in tips if tip.number == height)
    if height - agreed.number > _NEAR_BLOCKS and time - agreed.time > _FAR_SECONDS:
        raise RegistryError(
            f"about {what} {quorum} nodes agree on no later block than {agreed.number}, and one "
            f"knows of block {height}: too few nodes answer to tell whether it lies or they are "
            "behind; ask again, or give more nodes",
            code=Code.REGISTRY_UNDETERMINED,
        )


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
