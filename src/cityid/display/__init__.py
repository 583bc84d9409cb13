"""Pictures of plain values: HTML cards, SVG badges and tables for terminals.

Whatever is shown may come from a stranger: text is escaped, cut, and freed of characters that
steer a terminal or turn the reading direction. The markup has no scripts, links or style sheets,
and takes its colours from the page, light or dark. No colour says anything that a mark or a word
does not say too.
"""

from __future__ import annotations

from cityid.display.ages import Age, ages
from cityid.display.badges import badge
from cityid.display.blocks import Block, Item, blocks
from cityid.display.cards import card, checks_table, document, rows_table
from cityid.display.graphs import Edge, graph
from cityid.display.markup import HTML, Colour
from cityid.display.terminal import table
from cityid.display.text import shortened, visible
from cityid.display.trees import Branch, Role, tree

__all__ = [
    "HTML",
    "Age",
    "Block",
    "Branch",
    "Colour",
    "Edge",
    "Item",
    "Role",
    "ages",
    "badge",
    "blocks",
    "card",
    "checks_table",
    "document",
    "graph",
    "rows_table",
    "shortened",
    "table",
    "tree",
    "visible",
]
