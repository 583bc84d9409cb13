"""The one way markup comes into being: every text is escaped, every style is ours."""

from __future__ import annotations

from html import escape
from typing import Final, Literal

from cityid.display.text import TEXT_LIMIT, shortened, visible
from cityid.report import Outcome

Colour = Literal["green", "red", "amber", "grey", "blue"]

COLOURS: Final[dict[str, str]] = {
    "green": "#1a7f4b",
    "red": "#c0392b",
    "amber": "#9a6700",
    "grey": "#6b7280",
    "blue": "#1f6feb",
}
INKS: Final[dict[str, str]] = {
    "green": "#22914f",
    "red": "#d1453b",
    "amber": "#a8730a",
    "grey": "#858b95",
    "blue": "#3b82f6",
}
"""The colours as text: they can be read on a light and on a dark page."""

MARKS: Final[dict[Outcome, tuple[str, Colour]]] = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("○", "grey"),
    Outcome.INCONCLUSIVE: ("?", "amber"),
}
LINE: Final = "1px solid rgba(128,128,128,.3)"
SHADE: Final = "rgba(128,128,128,.09)"
MONO: Final = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
_TITLE_LIMIT = 1000


class HTML(str):
    """Markup made in this package; any other text is escaped before it is shown."""

    __slots__ = ()


def tag(name: str, content: HTML, style: str = "", *, title: str = "") -> HTML:
    """Return an element.

    Args:
        name: Its name.
        content: What it holds.
        style: Its style; never from a stranger.
        title: The text a pointer resting on it shows.
    """
    pairs = {"style": style, "title": visible(title, _TITLE_LIMIT)}
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in pairs.items() if value)
    return HTML(f"<{name}{attributes}>{content}</{name}>")


def join(*parts: HTML) -> HTML:
    """Return pieces of markup one after the other."""
    return HTML("".join(parts))


def text(content: str, limit: int = TEXT_LIMIT) -> HTML:
    """Return text, cut and escaped."""
    return HTML(escape(visible(content, limit)))


def name(identifier: str) -> HTML:
    """Return a DID, URL or key; where it is long, the whole of it is its title."""
    short = shortened(identifier)
    whole = "" if short == identifier else identifier
    return tag("span", text(short), f"{MONO};font-size:.86em", title=whole)


def pill(content: str, colour: str) -> HTML:
    """Return a word on a coloured ground; an unknown colour is grey."""
    return tag(
        "span",
        text(content),
        f"background:{COLOURS.get(colour, COLOURS['grey'])};color:#fff;border-radius:999px;"
        "padding:.12em .85em;font-size:.85em;font-weight:600;letter-spacing:.02em",
    )
