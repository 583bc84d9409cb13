"""SVG graphs: names in boxes, in columns by how far they are from the first, and lines between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

from cityid.display.markup import HTML, INKS
from cityid.display.text import shortened, visible, width

_WIDE: Final = 196
_HIGH: Final = 34
_GAP: Final = (250, 30)
_LABEL: Final = 40


class Edge(NamedTuple):
    """A line of a graph.

    Attributes:
        start: The name it comes from.
        end: The name it goes to.
        label: What stands on it.
        strong: Whether it is one of those that matter.
    """

    start: str
    end: str
    label: str = ""
    strong: bool = False


def graph(edges: Iterable[Edge], *, marked: Sequence[str] = ()) -> HTML:
    """Return a graph as an SVG; names are shortened, and whole in their titles.

    Args:
        edges: The lines.
        marked: Names that are drawn even without a line, and with a strong frame.
    """
    lines = tuple(edges)
    places = _places(lines, marked)
    right = max((x for x, _ in places.values()), default=0) + _WIDE + 10
    low = max((y for _, y in places.values()), default=0) + _HIGH + 10
    drawn = [_line(line, places) for line in lines]
    drawn += [_box(name, places[name], strong=name in marked) for name in places]
    return HTML(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {low}" width="{right}" '
        'role="img" style="max-width:100%;height:auto;color:inherit">'
        f"<title>{_told(lines)}</title>{''.join(drawn)}</svg>"
    )


def _places(lines: Sequence[Edge], marked: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return where each name stands: its column is its distance from the first one."""
    reached = list(marked[:1]) or [line.start for line in lines[:1]]
    depth: dict[str, int] = dict.fromkeys(reached, 0)
    while reached:
        ends = [line.end for line in lines if line.start in reached and line.end not in depth]
        depth.update(dict.fromkeys(ends, depth[reached[0]] + 1))
        reached = list(dict.fromkeys(ends))
    last = max(depth.values(), default=0) + 1
    for name in (*marked, *(end for line in lines for end in line[:2])):
        depth.setdefault(name, last)
    rows: dict[int, int] = {}
    places = {}
    for name, column in depth.items():
        row = rows[column] = rows.get(column, -1) + 1
        places[name] = (5 + column * (_WIDE + _GAP[0]), 5 + row * (_HIGH + _GAP[1]))
    return places


def _box(name: str, place: tuple[int, int], *, strong: bool) -> str:
    x, y = place
    text = visible(shortened(name, 24), 24)
    thick = 2 if strong else 1
    return (
        f'<g><title>{escape(visible(name, 200))}</title><rect x="{x}" y="{y}" width="{_WIDE}" '
        f'height="{_HIGH}" rx="8" fill="none" stroke="currentColor" stroke-width="{thick}"/>'
        f'<text x="{x + _WIDE // 2}" y="{y + 22}" text-anchor="middle" font-size="12" '
        f'font-family="ui-monospace,monospace" fill="currentColor">{escape(text)}</text></g>'
    )


def _line(line: Edge, places: dict[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[line.start], places[line.end]
    x1, y1, y2 = x1 + _WIDE, y1 + _HIGH // 2, y2 + _HIGH // 2
    ink, thick = (INKS["green"], 3) if line.strong else (INKS["grey"], 1)
    label = visible(line.label, _LABEL)
    middle, above = (x1 + x2) // 2, (y1 + y2) // 2 - 6
    size = max(8, min(12, 430 // max(1, width(label))))
    return (
        f'<g><path d="M{x1} {y1}L{x2} {y2}" stroke="{ink}" stroke-width="{thick}" fill="none"/>'
        f'<circle cx="{x2}" cy="{y2}" r="4" fill="{ink}"/>'
        f'<text x="{middle}" y="{above}" text-anchor="middle" font-size="{size}" '
        f'font-family="system-ui,sans-serif" fill="currentColor" paint-order="stroke" '
        f'stroke="var(--jp-layout-color0,Canvas)" stroke-width="4">{escape(label)}</text></g>'
    )


def _told(lines: Sequence[Edge]) -> str:
    told = (
        f"{shortened(e.start)} ({visible(e.label, _LABEL)}) → {shortened(e.end)}" for e in lines
    )
    return escape("; ".join(told)) or "nobody recognises anybody"
