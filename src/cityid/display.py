"""Pictures of plain values: HTML cards, SVG badges and tables for terminals.

Whatever is shown may come from a stranger: text is escaped, cut, and freed of characters that
steer a terminal or turn the reading direction. The markup has no scripts, links or style sheets,
and takes its colours from the page, light or dark.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal

from cityid.report import Check, Outcome

Colour = Literal["green", "red", "amber", "grey", "blue"]

_COLOURS: dict[str, str] = {
    "green": "#1a7f4b",
    "red": "#c0392b",
    "amber": "#9a6700",
    "grey": "#6b7280",
    "blue": "#1f6feb",
}
_MARKS: dict[Outcome, tuple[str, Colour]] = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("○", "grey"),
    Outcome.INCONCLUSIVE: ("?", "amber"),
}
_TEXT_LIMIT = 300
_JSON_LIMIT = 20_000
_ITEMS_LIMIT = 16
_DEPTH_LIMIT = 3


class HTML(str):
    """Markup made in this module; any other text is escaped before it is shown."""

    __slots__ = ()


# --- cards


def card(
    title: str,
    rows: Mapping[str, Any] | Sequence[tuple[str, Any]],
    *,
    badge: tuple[str, str] | None = None,
    body: str = "",
) -> HTML:
    """Return a self-contained HTML card.

    Args:
        title: What is shown.
        rows: Names and values; a value may be any JSON.
        badge: A word and its colour, beside the title.
        body: What stands below the rows: text, or `HTML` of this module.
    """
    pill = _pill(*badge) if badge else HTML()
    head = _tag(
        "div",
        _join(_tag("strong", _text(title), "font-size:1.05em;letter-spacing:.01em"), pill),
        "display:flex;flex-wrap:wrap;gap:.75em;align-items:center;justify-content:space-between;"
        "padding:.7em 1em;border-bottom:1px solid rgba(128,128,128,.3);"
        "background:rgba(128,128,128,.09)",
    )
    pairs = list(rows.items()) if isinstance(rows, Mapping) else list(rows)
    inside = _join(_grid(pairs, _DEPTH_LIMIT), body if isinstance(body, HTML) else _text(body))
    return _tag(
        "div",
        _join(head, _tag("div", inside, "padding:.8em 1em")),
        "max-width:52em;margin:.4em 0;border:1px solid rgba(128,128,128,.35);border-radius:10px;"
        "overflow:hidden;color:inherit;font:14px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif",
    )


def document(title: str, members: Mapping[str, Any]) -> HTML:
    """Return a card of a JSON document: its members, and the JSON itself to unfold.

    Args:
        title: What the document is.
        members: The document.
    """
    rows = [(name, value) for name, value in members.items() if name != "@context"]
    try:
        source = json.dumps(members, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        source = "this has no JSON form"
    if len(source) > _JSON_LIMIT:
        source = source[:_JSON_LIMIT] + "…"
    summary = _tag("summary", _text("JSON"), "cursor:pointer;opacity:.75")
    text = _tag(
        "pre",
        _join(*(HTML(f"{_text(line, _JSON_LIMIT)}\n") for line in source.split("\n"))),
        "margin:.5em 0 0;padding:.7em;overflow:auto;max-height:30em;border-radius:6px;"
        "background:rgba(128,128,128,.09);color:inherit;font:12px/1.45 ui-monospace,monospace",
    )
    return card(title, rows, body=_tag("details", _join(summary, text), "margin-top:.7em"))


def checks_table(checks: Iterable[Check]) -> HTML:
    """Return checks as an HTML table: outcome, question, place, and what is wrong.

    Args:
        checks: The checks of a report, in their order.
    """
    rows = _join(*(_check_row(check) for check in checks))
    return _tag(
        "table",
        rows,
        "border-collapse:collapse;width:100%;margin:.6em 0 0;color:inherit;font-size:13px",
    )


def _check_row(check: Check) -> HTML:
    mark, colour = _MARKS[check.outcome]
    cell = (
        "text-align:left;vertical-align:top;padding:.35em .5em;background:transparent;"
        "border:0;border-top:1px solid rgba(128,128,128,.2)"
    )
    sign = _tag("span", _text(mark), f"color:{_COLOURS[colour]};font-weight:700")
    name = _tag("span", _text(check.name), "font-weight:600")
    place = _tag("code", _text(check.path), "background:transparent;opacity:.75;font-size:12px")
    wrong = HTML()
    if check.problem is not None:
        title, detail = _text(check.problem.title), _text(check.problem.detail)
        wrong = _join(_tag("div", title), _tag("div", detail, "opacity:.75"))
    outcome = _tag("span", _text(check.outcome.value), f"color:{_COLOURS[colour]}")
    cells = (sign, name, outcome, _join(place, wrong))
    return _tag("tr", _join(*(_tag("td", each, cell) for each in cells)), "background:none")


def _grid(pairs: Sequence[tuple[Any, Any]], depth: int) -> HTML:
    if not pairs:
        return HTML()
    shown = [(_text(str(name)), _value(value, depth)) for name, value in pairs[:_ITEMS_LIMIT]]
    if len(pairs) > _ITEMS_LIMIT:
        shown.append((_text("…"), _text(f"and {len(pairs) - _ITEMS_LIMIT} more")))
    cells = (
        _join(_tag("div", name, "opacity:.7"), _tag("div", value, "min-width:0"))
        for name, value in shown
    )
    return _tag(
        "div",
        _join(*cells),
        "display:grid;grid-template-columns:minmax(7em,max-content) 1fr;gap:.25em 1.2em;"
        "overflow-wrap:anywhere",
    )


def _value(value: Any, depth: int) -> HTML:
    if isinstance(value, Mapping | list | tuple) and depth == 0:
        return _text("…")
    if isinstance(value, Mapping):
        inner = _grid(list(value.items()), depth - 1)
        return _tag("div", inner, "padding-left:.8em;border-left:2px solid rgba(128,128,128,.3)")
    if isinstance(value, list | tuple):
        shown = [_tag("div", _value(item, depth - 1)) for item in value[:_ITEMS_LIMIT]]
        if len(value) > _ITEMS_LIMIT:
            shown.append(_text(f"… and {len(value) - _ITEMS_LIMIT} more"))
        return _join(*shown)
    if isinstance(value, bool):
        return _text("yes" if value else "no")
    return _text("none" if value is None else _number_or_text(value))


def _number_or_text(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a very large number"


def _pill(text: str, colour: str) -> HTML:
    return _tag(
        "span",
        _text(text),
        f"background:{_COLOURS.get(colour, _COLOURS['grey'])};color:#fff;border-radius:999px;"
        "padding:.1em .8em;font-size:.85em;font-weight:600",
    )


def _tag(name: str, content: HTML, style: str = "") -> HTML:
    attribute = f' style="{escape(style)}"' if style else ""
    return HTML(f"<{name}{attribute}>{content}</{name}>")


def _join(*parts: HTML) -> HTML:
    return HTML("".join(parts))


def _text(text: str, limit: int = _TEXT_LIMIT) -> HTML:
    return HTML(escape(visible(text, limit)))


# --- badges


def badge(text: str, outcome: Outcome) -> HTML:
    """Return a small SVG that says how a question ended.

    Args:
        text: The question.
        outcome: The answer.
    """
    mark, colour = _MARKS[outcome]
    left, right = visible(text, 60), f"{mark} {outcome.value}"
    split, whole = 16 + 7 * _width(left), 32 + 7 * (_width(left) + _width(right))
    label = escape(f"{left}: {outcome.value}")
    return HTML(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="22" role="img" '
        f'aria-label="{label}"><title>{label}</title>'
        f'<rect width="{whole}" height="22" rx="6" fill="{_COLOURS[colour]}"/>'
        f'<path d="M6 0H{split}V22H6a6 6 0 0 1-6-6V6a6 6 0 0 1 6-6z" fill="#374151"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="8" y="15" textLength="{split - 16}">{escape(left)}</text>'
        f'<text x="{split + 8}" y="15" textLength="{whole - split - 16}">{escape(right)}</text>'
        "</g></svg>"
    )


# --- terminals


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    terminal: bool | None = None,
) -> str:
    """Return rows as a table for a terminal, or as plain text for a file or a pipe.

    Args:
        title: What the rows are; may be empty.
        columns: Their names.
        rows: One value a column.
        terminal: Whether a person reads it on a terminal; None asks standard output.
    """
    lines = [[visible(_number_or_text(value)) for value in row] for row in rows]
    if sys.stdout.isatty() if terminal is None else terminal:
        return _rich_table(visible(title), [visible(name) for name in columns], lines)
    return _plain_table(visible(title), [visible(name) for name in columns], lines)


def _rich_table(title: str, columns: list[str], lines: list[list[str]]) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    picture = Table(title=Text(title) if title else None, title_justify="left", box=box.ROUNDED)
    for name in columns:
        picture.add_column(Text(name), header_style="bold cyan", overflow="fold")
    for line in lines:
        picture.add_row(*(Text(value, style=_style(value)) for value in line))
    console = Console(force_terminal=True, highlight=False)
    with console.capture() as captured:
        console.print(picture)
    return captured.get()


_STYLES: dict[str, str] = {
    "✓": "green",
    "✗": "bold red",
    "?": "yellow",
    "!": "yellow",
    "·": "dim",
    Outcome.PASSED.value: "green",
    Outcome.FAILED.value: "bold red",
    Outcome.INCONCLUSIVE.value: "yellow",
}


def _style(text: str) -> str:
    """Return how the first word of a text, often a mark, colours it."""
    first, *_ = text.split(None, 1) or [""]
    return _STYLES.get(first, "")


def _plain_table(title: str, columns: list[str], lines: list[list[str]]) -> str:
    every = [columns, *lines]
    widths = [
        max(_width(line[index]) for line in every if index < len(line))
        for index in range(max(map(len, every)))
    ]
    text = [_plain_line(columns, widths), "  ".join("-" * width for width in widths)]
    text += [_plain_line(line, widths) for line in lines]
    return "\n".join(([title] if title else []) + text) + "\n"


def _plain_line(line: list[str], widths: list[int]) -> str:
    cells = [value + " " * (width - _width(value)) for value, width in zip(line, widths)]  # noqa: B905 - a row may be short
    return "  ".join(cells).rstrip()


# --- text of strangers

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str, limit: int = _TEXT_LIMIT) -> str:
    """Return text as it may be shown: cut, and every character that steers the screen spelled out.

    Args:
        text: Anything.
        limit: The most characters to show.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", cut)


def _width(text: str) -> int:
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
