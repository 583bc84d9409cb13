"""Tables for terminals and pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from cityid.display.text import (
    MARK_STYLES,
    TEXT_LIMIT,
    is_identifier,
    shortened,
    visible,
    width,
    written,
)
from cityid.report import Outcome

_PIPED_LIMIT: Final = 10_000
"""How long a value in a pipe may be: longer than every DID, which programs read there."""

_NAME_LIMITS: Final = (*range(120, 24, -8), 24)
"""How short names become, step by step, until a table fits its terminal."""


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    terminal: bool | None = None,
) -> str:
    """Return rows as a table for a terminal, or as plain text for a file or a pipe.

    On a terminal too narrow for them, long names such as DIDs lose their middle; in a file or a
    pipe they stay whole.

    Args:
        title: What the rows are; may be empty.
        columns: Their names.
        rows: One value a column.
        terminal: Whether a person reads it on a terminal; None asks standard output.
    """
    lines = [[visible(written(value), _PIPED_LIMIT) for value in row] for row in rows]
    names = [visible(name) for name in columns]
    if sys.stdout.isatty() if terminal is None else terminal:
        return _rich_table(visible(title), names, lines)
    return _plain_table(visible(title), names, lines)


def _rich_table(title: str, columns: list[str], lines: list[list[str]]) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(force_terminal=True, highlight=False)
    picture = Table(title=Text(title) if title else None, title_justify="left", box=box.ROUNDED)
    for name in columns:
        picture.add_column(Text(name), header_style="bold cyan", overflow="fold")
    for line in _fitted(columns, lines, console.width):
        picture.add_row(*(Text(value, style=_style(value)) for value in line))
    with console.capture() as captured:
        console.print(picture)
    return captured.get()


def _fitted(columns: list[str], lines: list[list[str]], room: int) -> list[list[str]]:
    """Return the lines with their names shortened as little as the room allows."""
    fitted = lines
    for limit in _NAME_LIMITS:
        fitted = [[_cut(value, limit) for value in line] for line in lines]
        if sum(_widths([columns, *fitted])) + 3 * len(columns) + 1 <= room:
            break
    return fitted


def _cut(value: str, limit: int) -> str:
    return shortened(value, limit) if is_identifier(value) else visible(value, TEXT_LIMIT)


_STYLES = MARK_STYLES | {
    Outcome.PASSED.value: "green",
    Outcome.FAILED.value: "bold red",
    Outcome.INCONCLUSIVE.value: "yellow",
}


def _style(text: str) -> str:
    """Return how the first word of a text, often a mark, colours it."""
    first, *_ = text.split(None, 1) or [""]
    return _STYLES.get(first, "")


def _plain_table(title: str, columns: list[str], lines: list[list[str]]) -> str:
    widths = _widths([columns, *lines])
    text = [_plain_line(columns, widths), "  ".join("-" * width for width in widths)]
    text += [_plain_line(line, widths) for line in lines]
    return "\n".join(([title] if title else []) + text) + "\n"


def _widths(lines: list[list[str]]) -> list[int]:
    return [
        max(width(line[index]) for line in lines if index < len(line))
        for index in range(max(map(len, lines)))
    ]


def _plain_line(line: list[str], widths: list[int]) -> str:
    cells = [value + " " * (room - width(value)) for value, room in zip(line, widths)]  # noqa: B905 - a row may be short
    return "  ".join(cells).rstrip()
