"""SVG bars of ages: how old something is, beside how old it may be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from html import escape
from typing import Final, NamedTuple

from cityid.display.markup import HTML, INKS
from cityid.display.text import shortened, visible

_LEFT: Final = 230
_WIDE: Final = 360
_HIGH: Final = 30


class Age(NamedTuple):
    """How old something is.

    Attributes:
        name: What it is.
        age: Its age.
        most: How old it may be; None for any age.
    """

    name: str
    age: timedelta
    most: timedelta | None = None

    @property
    def too_old(self) -> bool:
        """Whether it is older than it may be."""
        return self.most is not None and self.age > self.most


def ages(rows: Iterable[Age]) -> HTML:
    """Return a bar for each age, with a mark at the age it may have.

    Args:
        rows: The ages.
    """
    shown = tuple(rows)
    longest = max((max(row.age, row.most or row.age) for row in shown), default=timedelta(0))
    scale = longest or timedelta(seconds=1)
    lines = "".join(_line(row, place, scale) for place, row in enumerate(shown))
    wide, high = _LEFT + _WIDE + 190, _HIGH * len(shown) + 6
    told = "; ".join(f"{shortened(row.name)}: {_words(row)}" for row in shown) or "nothing"
    return HTML(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
        f'width="{wide}" role="img" style="max-width:100%;height:auto;color:inherit">'
        f"<title>{escape(visible(told, 1000))}</title>{lines}</svg>"
    )


def _line(row: Age, place: int, scale: timedelta) -> str:
    top = 6 + place * _HIGH
    wide = max(2, round(_WIDE * max(row.age, timedelta(0)) / scale))
    ink = INKS["red" if row.too_old else "green"]
    text = f'font-size="12" fill="currentColor" y="{top + 14}"'
    mark = ""
    if row.most is not None:
        x = _LEFT + round(_WIDE * row.most / scale)
        mark = f'<path d="M{x} {top - 2}V{top + 22}" stroke="currentColor" stroke-dasharray="3 2"/>'
    return (
        f"<g><title>{escape(visible(row.name, 200))}</title>"
        f'<text x="4" {text} font-family="ui-monospace,monospace">'
        f"{escape(visible(shortened(row.name, 28), 28))}</text>"
        f'<rect x="{_LEFT}" y="{top + 2}" width="{wide}" height="16" rx="4" fill="{ink}"/>{mark}'
        f'<text x="{_LEFT + _WIDE + 10}" {text} font-family="system-ui,sans-serif">'
        f"{escape(_words(row))}</text></g>"
    )


def _words(row: Age) -> str:
    most = "" if row.most is None else f" of {_length(row.most)}"
    return f"{'✗ ' if row.too_old else ''}{_length(row.age)}{most}"


def _length(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds} s"
