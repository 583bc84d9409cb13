"""SVG pictures of trees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import Final, Literal

from cityid.display.markup import HTML, INKS, Colour
from cityid.display.text import visible, width

Role = Literal["plain", "asked", "known", "given"]

MAX_LEAVES: Final = 64
"""The most leaves of a tree that is drawn."""
_STYLES: Final[dict[Role, tuple[Colour, str]]] = {
    "plain": ("grey", ""),
    "asked": ("blue", ""),
    "known": ("blue", ""),
    "given": ("green", ' stroke-dasharray="4 3"'),
}
_LETTER: Final = 7
_HIGH: Final = 24
_ACROSS: Final = 14
_DOWN: Final = 34
_EDGE: Final = 6


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of a tree that is drawn, with all that is below it.

    Attributes:
        label: What stands in its box.
        below: The nodes below it, from left to right.
        role: What it is to a proof: ``asked`` for what is proven, ``known`` for what follows from
            it, ``given`` for what the proof gives, with a broken line; ``plain`` for all else.
        title: What a pointer resting on it shows.
    """

    label: str
    below: tuple[Branch, ...] = ()
    role: Role = "plain"
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Box:
    """A node in its place.

    Attributes:
        node: The node.
        x: Its middle.
        y: Its top.
        parent: Where the line from its parent begins; None for the root.
    """

    node: Branch
    x: float
    y: float
    parent: tuple[float, float] | None


def tree(root: Branch, *, caption: str) -> HTML:
    """Return a tree as SVG, its root on top.

    Args:
        root: The tree.
        caption: What it shows, for those who cannot see it.
    """
    boxes, right = _laid(root, 0, _EDGE)
    high = max(box.y for box in boxes) + _HIGH + _EDGE
    label = escape(visible(caption, 200))
    lines = "".join(_line(box) for box in boxes)
    drawn = "".join(_drawn(box) for box in boxes)
    return HTML(
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'width="{right + _EDGE:g}" height="{high:g}" '
        f'viewBox="0 0 {right + _EDGE:g} {high:g}" style="max-width:100%;height:auto">'
        f'<title>{label}</title><g fill="none">{lines}</g>'
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="11.5" '
        f'text-anchor="middle">{drawn}</g></svg>'
    )


def _laid(node: Branch, depth: int, left: float) -> tuple[list[_Box], float]:
    """Return the boxes of a tree whose left edge is given, its root first, and its right edge."""
    top, wide = _EDGE + depth * (_HIGH + _DOWN), _wide(node)
    below: list[list[_Box]] = []
    right = left
    for child in node.below:
        boxes, right = _laid(child, depth + 1, right + (_ACROSS if below else 0))
        below.append(boxes)
    if not below:
        return [_Box(node, left + wide / 2, top, None)], left + wide
    middle = (below[0][0].x + below[-1][0].x) / 2
    foot = (middle, top + _HIGH)
    laid = [_Box(node, middle, top, None)]
    for first, *others in below:
        laid += [replace(first, parent=foot), *others]
    jut = max(0, left - (middle - wide / 2))  # of a box that is wider than all below it
    return [_moved(box, jut) for box in laid], max(right, middle + wide / 2) + jut


def _moved(box: _Box, by: float) -> _Box:
    parent = box.parent and (box.parent[0] + by, box.parent[1])
    return replace(box, x=box.x + by, parent=parent)


def _wide(node: Branch) -> float:
    return _LETTER * width(visible(node.label, 40)) + 16


def _line(box: _Box) -> str:
    if box.parent is None:
        return ""
    x, y = box.parent
    colour, broken = _STYLES[box.node.role]
    middle = (y + box.y) / 2
    return (
        f'<path d="M{x:g} {y:g}C{x:g} {middle:g} {box.x:g} {middle:g} {box.x:g} {box.y:g}" '
        f'stroke="{INKS[colour]}" stroke-width="1.4"{broken}/>'
    )


def _drawn(box: _Box) -> str:
    node, wide = box.node, _wide(box.node)
    colour, broken = _STYLES[node.role]
    title = f"<title>{escape(visible(node.title, 200))}</title>" if node.title else ""
    fill = ' fill-opacity=".16"' if node.role != "asked" else ""
    ink = "currentColor" if node.role != "asked" else "#fff"
    return (
        f'<g>{title}<rect x="{box.x - wide / 2:g}" y="{box.y:g}" width="{wide:g}" '
        f'height="{_HIGH}" rx="6" fill="{INKS[colour]}"{fill} stroke="{INKS[colour]}"{broken}/>'
        f'<text x="{box.x:g}" y="{box.y + 16:g}" fill="{ink}">{escape(visible(node.label, 40))}'
        "</text></g>"
    )
