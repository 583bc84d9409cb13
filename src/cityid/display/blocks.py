"""SVG pictures of a chain: its blocks, and the entries of logs within them, each linked back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

from cityid.display.markup import HTML, INKS
from cityid.display.text import shortened, visible

MAX_BLOCKS: Final = 32
"""The most blocks that are drawn."""
_LEFT: Final = 210
_WIDE: Final = 84
_GAP: Final = 34
_HIGH: Final = 30
_ROW: Final = 46
_NAME: Final = 26


class Item(NamedTuple):
    """What stands in a block.

    Attributes:
        lane: The log that it belongs to.
        label: What stands in its box.
        title: What a pointer resting on it shows.
    """

    lane: str
    label: str
    title: str = ""


class Block(NamedTuple):
    """A block of a chain.

    Attributes:
        label: Its number.
        items: What stands in it.
        title: What a pointer resting on it shows.
    """

    label: str
    items: tuple[Item, ...]
    title: str = ""


def blocks(chain: Iterable[Block], *, caption: str) -> HTML:
    """Return blocks as SVG, the oldest on the left; each log has a row, and its links lead back.

    Args:
        chain: The blocks; of more than `MAX_BLOCKS` the last ones are drawn.
        caption: What is shown, for those who cannot see it.
    """
    shown = tuple(chain)[-MAX_BLOCKS:]
    lanes = list(dict.fromkeys(item.lane for block in shown for item in block.items))
    wide = _LEFT + len(shown) * (_WIDE + _GAP)
    high = (len(lanes) + 1) * _ROW + 10
    drawn = [_heading(block, place, high) for place, block in enumerate(shown)]
    drawn += [_lane(name, row, shown) for row, name in enumerate(lanes, 1)]
    label = escape(visible(caption, 200))
    return HTML(
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'viewBox="0 0 {wide} {high}" width="{wide}" '
        f'style="max-width:100%;height:auto;color:inherit"><title>{label}</title>'
        f"{''.join(drawn)}</svg>"
    )


def _heading(block: Block, place: int, high: int) -> str:
    """Return a block: a column that is linked to the one before."""
    x = _LEFT + place * (_WIDE + _GAP)
    link = "" if place == 0 else _arrow(x, x - _GAP, 5 + _HIGH // 2, "grey")
    return (
        f"{link}<g><title>{escape(visible(block.title or block.label, 300))}</title>"
        f'<rect x="{x - 5}" y="2" width="{_WIDE + 10}" height="{high - 4}" rx="8" '
        'fill="rgba(128,128,128,.09)" stroke="none"/>'
        f'<text x="{x + _WIDE // 2}" y="25" text-anchor="middle" font-size="12" '
        f'font-weight="600" font-family="system-ui,sans-serif" fill="currentColor">'
        f"{escape(visible(block.label, 12))}</text></g>"
    )


def _lane(name: str, row: int, shown: Sequence[Block]) -> str:
    """Return a row: the log's name, its entries, and from each the link to the one before."""
    y = row * _ROW
    text = escape(visible(shortened(name, _NAME), _NAME))
    drawn, before = "", None
    for place, block in enumerate(shown):
        items = [item for item in block.items if item.lane == name]
        if items:
            x = _LEFT + place * (_WIDE + _GAP)
            if before is not None:
                drawn += _arrow(x, before, y + _HIGH // 2, "blue")
            drawn += _box(items, x, y)
            before = x + _WIDE
    return (
        f"<g><title>{escape(visible(name, 300))}</title>"
        f'<text x="4" y="{y + 20}" font-size="12" font-family="ui-monospace,monospace" '
        f'fill="currentColor">{text}</text></g>{drawn}'
    )


def _box(items: Sequence[Item], x: int, y: int) -> str:
    """Return the entries of one log in one block, as one box."""
    label = items[0].label if len(items) == 1 else f"{items[0].label} … {items[-1].label}"
    title = "; ".join(item.title or item.label for item in items)
    return (
        f'<g><title>{escape(visible(title, 600))}</title><rect x="{x}" y="{y}" width="{_WIDE}" '
        f'height="{_HIGH}" rx="6" fill="none" stroke="{INKS["blue"]}" stroke-width="2"/>'
        f'<text x="{x + _WIDE // 2}" y="{y + 19}" text-anchor="middle" font-size="12" '
        f'font-family="ui-monospace,monospace" fill="currentColor">'
        f"{escape(visible(label, 12))}</text></g>"
    )


def _arrow(start: int, end: int, y: int, colour: str) -> str:
    """Return a line to the left that ends in a point."""
    ink = INKS[colour]
    return (
        f'<path d="M{start} {y}H{end + 4}" stroke="{ink}" stroke-width="2" fill="none"/>'
        f'<path d="M{end} {y}l7 -4v8z" fill="{ink}"/>'
    )
