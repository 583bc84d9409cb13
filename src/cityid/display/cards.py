"""HTML cards of documents and reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from cityid.display.markup import HTML, INKS, LINE, MARKS, MONO, SHADE, join, name, pill, tag, text
from cityid.display.text import is_identifier, written
from cityid.report import Check, Outcome

_JSON_LIMIT: Final = 20_000
_ITEMS_LIMIT: Final = 24
_DEPTH_LIMIT: Final = 5
_ROWS_LIMIT: Final = 300
_FOLDED: Final = "proof"
_UNSHOWN: Final = "@context"
_WORD: Final = 40
"""A longer word is a key, a signature or a digest."""

_SCHEMES: Final = ("did:", "http://", "https://", "urn:")
_TABLE = "border-collapse:collapse;width:100%;margin:.6em 0 0;color:inherit;font-size:.93em"
_CELL = (
    "text-align:left;vertical-align:top;padding:.4em .6em;background:transparent;border:0;"
    f"border-top:{LINE};overflow-wrap:anywhere"
)
_NARROW = f"{_CELL};white-space:nowrap"


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
        body: What stands below the rows: text, or `HTML` of this package.
    """
    below = body if isinstance(body, HTML) else text(body)
    return _framed(title, join(_Room().grid(rows, _DEPTH_LIMIT), below), badge)


def document(title: str, members: Mapping[str, Any]) -> HTML:
    """Return a card of a JSON document: its members, and the JSON itself to unfold.

    Args:
        title: What the document is.
        members: The document.
    """
    room = _Room()
    plain = {key: value for key, value in members.items() if _is_plain(value)}
    nested = {key: value for key, value in members.items() if key not in plain}
    proof = nested.pop(_FOLDED, None)
    sections = [_section(room, *member) for member in list(nested.items())[:_ITEMS_LIMIT]]
    folded = [_details(_FOLDED, room.value(proof, _DEPTH_LIMIT))] if proof is not None else []
    below = tag("div", join(*folded, _source(members)), "display:grid;gap:.4em;margin-top:.7em")
    return _framed(title, join(room.grid(plain, _DEPTH_LIMIT), *sections, below), None)


def rows_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> HTML:
    """Return rows as an HTML table.

    Args:
        columns: Their names.
        rows: One value a column.
    """
    head = join(*(tag("th", text(column), f"{_CELL};font-weight:600") for column in columns))
    lines = [join(*(tag("td", _scalar(value), _CELL) for value in row)) for row in rows]
    shown = [tag("tr", line, "background:none") for line in (head, *lines[:_ROWS_LIMIT])]
    more = text(f"… and {len(lines) - _ROWS_LIMIT} more" if len(lines) > _ROWS_LIMIT else "")
    return join(tag("table", join(*shown), _TABLE), more)


def checks_table(checks: Iterable[Check]) -> HTML:
    """Return checks as an HTML table: outcome, question, place, and what is wrong.

    Args:
        checks: The checks of a report, in their order.
    """
    asked = tuple(checks)
    counts = Counter(check.outcome for check in asked)
    told = (
        _signed(outcome, f"{counts[outcome]} {outcome}") for outcome in MARKS if counts[outcome]
    )
    line = tag("div", join(*told), "display:flex;flex-wrap:wrap;gap:.2em 1.4em;margin:.5em 0 0")
    return join(line, tag("table", join(*map(_check_row, asked)), _TABLE))


def _signed(outcome: Outcome, word: str) -> HTML:
    """Return a word behind the mark of an outcome, in its colour."""
    mark, colour = MARKS[outcome]
    return tag("span", text(f"{mark} {word}"), f"color:{INKS[colour]};font-weight:600")


_ROW_STYLES = {
    Outcome.PASSED: "background:none",
    Outcome.FAILED: "background:rgba(209,69,59,.12)",
    Outcome.SKIPPED: "background:none",
    Outcome.INCONCLUSIVE: "background:rgba(190,130,10,.13)",
}


def _check_row(check: Check) -> HTML:
    place = tag(
        "code", text(check.path), f"background:transparent;color:inherit;opacity:.75;{MONO}"
    )
    wrong = HTML()
    if check.problem is not None:
        title, detail = text(check.problem.title), text(check.problem.advice)
        wrong = join(tag("div", title), tag("div", detail, "opacity:.75"))
    cells = join(
        tag("td", _signed(check.outcome, check.outcome.value), _NARROW),
        tag("td", tag("strong", text(check.name)), _NARROW),
        tag("td", join(place, wrong), f"{_CELL};width:100%"),
    )
    return tag("tr", cells, _ROW_STYLES[check.outcome])


def _framed(title: str, content: HTML, badge: tuple[str, str] | None) -> HTML:
    beside = pill(*badge) if badge else HTML()
    head = tag(
        "div",
        join(tag("strong", text(title), "font-size:1.08em;letter-spacing:.01em"), beside),
        "display:flex;flex-wrap:wrap;gap:.75em;align-items:center;justify-content:space-between;"
        f"padding:.7em 1em;border-bottom:{LINE};background:{SHADE}",
    )
    return tag(
        "div",
        join(head, tag("div", content, "padding:.8em 1em")),
        f"max-width:54em;margin:.4em 0;border:{LINE};border-radius:10px;overflow:hidden;"
        "color:inherit;text-align:left;font:14px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif",
    )


def _section(room: _Room, title: str, value: Any) -> HTML:
    heading = tag("div", text(title), "font-weight:600;margin:.9em 0 .3em")
    box = f"padding:.6em .9em;border-radius:8px;background:{SHADE}"
    items = value if isinstance(value, list | tuple) else [value]
    boxes = (tag("div", room.value(item, _DEPTH_LIMIT), box) for item in items[:_ITEMS_LIMIT])
    more = text(f"… and {len(items) - _ITEMS_LIMIT} more" if len(items) > _ITEMS_LIMIT else "")
    return join(heading, tag("div", join(*boxes), "display:grid;gap:.4em"), more)


def _details(summary: str, content: HTML) -> HTML:
    title = tag("summary", text(summary), "cursor:pointer;opacity:.75")
    return tag("details", join(title, tag("div", content, "padding:.3em 0 .3em 1em")))


def _source(members: Mapping[str, Any]) -> HTML:
    try:
        source = json.dumps(members, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        source = "this has no JSON form"
    if len(source) > _JSON_LIMIT:
        source = source[:_JSON_LIMIT] + "…"
    lines = join(*(HTML(f"{text(line, _JSON_LIMIT)}\n") for line in source.split("\n")))
    style = (
        "margin:.3em 0 0;padding:.7em;overflow:auto;max-height:30em;border-radius:6px;"
        f"background:{SHADE};color:inherit;font-size:12px;line-height:1.45;{MONO}"
    )
    return _details("JSON", tag("pre", lines, style))


class _Room:
    """The rows that are left on one card, however deep what it shows is nested."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows = iter(range(_ROWS_LIMIT))

    def _fitting(self, items: Sequence[Any]) -> Iterator[Any]:
        for item in items[:_ITEMS_LIMIT]:
            if next(self._rows, None) is None:
                return
            yield item

    def grid(self, members: Mapping[str, Any] | Sequence[tuple[str, Any]], depth: int) -> HTML:
        """Return names and values in two columns."""
        pairs = list(members.items()) if isinstance(members, Mapping) else list(members)
        pairs = [(key, value) for key, value in pairs if key != _UNSHOWN]
        cells = [
            join(
                tag("div", text(written(key)), "opacity:.7"),
                tag("div", self._member(key, value, depth), "min-width:0"),
            )
            for key, value in self._fitting(pairs)
        ]
        if len(cells) < len(pairs):
            cells.append(join(text("…"), tag("div", text(f"and {len(pairs) - len(cells)} more"))))
        if not cells:
            return HTML()
        style = "display:grid;grid-template-columns:minmax(5em,11em) minmax(0,1fr);gap:.25em 1em"
        return tag("div", join(*cells), f"{style};overflow-wrap:anywhere")

    def _member(self, key: Any, value: Any, depth: int) -> HTML:
        shown = self.value(value, depth)
        return _details("unfold", shown) if key == _FOLDED else shown

    def value(self, value: Any, depth: int) -> HTML:
        """Return any JSON value."""
        if isinstance(value, Mapping | list | tuple) and depth == 0:
            return text("…")
        if isinstance(value, Mapping):
            return self.grid(value, depth - 1)
        if isinstance(value, list | tuple):
            return self._list(value, depth - 1)
        return _scalar(value)

    def _list(self, items: Sequence[Any], depth: int) -> HTML:
        shown = [
            tag("div", self.value(item, depth), "min-width:0") for item in self._fitting(items)
        ]
        if len(shown) < len(items):
            shown.append(tag("div", text(f"… and {len(items) - len(shown)} more")))
        return tag("div", join(*shown), "display:flex;flex-wrap:wrap;gap:.25em .9em")


def _is_plain(value: Any) -> bool:
    """Tell whether a value fits in one row: no object is in it."""
    if isinstance(value, list | tuple):
        return not any(isinstance(item, Mapping | list | tuple) for item in value[:_ITEMS_LIMIT])
    return not isinstance(value, Mapping)


def _scalar(value: object) -> HTML:
    if isinstance(value, bool):
        return text("yes" if value else "no")
    if not isinstance(value, str):
        return text("none" if value is None else written(value))
    long = len(value) > _WORD or value.startswith(_SCHEMES)
    return name(value) if long and is_identifier(value) else text(value)
