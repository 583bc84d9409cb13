"""What a person sees beside tables: headings, reports with coloured marks, progress bars.

On anything but a terminal the same text comes without colours, and no bar at all.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from cityid.display.text import MARK_STYLES, visible

_WIDEST = 1200
_PLAIN_WIDTH = 100
_STYLES = MARK_STYLES | {
    "PERMITTED": "bold green",
    "REFUSED": "bold red",
    "UNDECIDED": "bold yellow",
    "CLEAN": "bold green",
    "DAMAGED": "bold red",
}
"""How the first word of a line colours it."""


def heading(title: str, text: str) -> str:
    """Return a title and the paragraph below it.

    Args:
        title: One line.
        text: The paragraph; it is broken at the width of the terminal, or at 100 characters.
    """
    lines = [text] if sys.stdout.isatty() else textwrap.wrap(text, _PLAIN_WIDTH)
    return _lines([(title, "bold cyan"), *((line, "") for line in lines)])


def report(text: str) -> str:
    """Return the text of a report.

    Args:
        text: What `cityid.result.Result.explain` returns: one line a check, each with its mark.
    """
    lines = text.split("\n")
    return _lines((line, _STYLES.get((line.split() or [""])[0], "")) for line in lines)


def _lines(lines: Iterable[tuple[str, str]]) -> str:
    shown = [(visible(line, _WIDEST), style) for line, style in lines]
    if not sys.stdout.isatty():
        return "".join(f"{line}\n" for line, _ in shown)
    from rich.console import Console
    from rich.text import Text

    console = Console(force_terminal=True, highlight=False)
    with console.capture() as captured:
        for line, style in shown:
            console.print(Text(line, style=style))
    return captured.get()


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far long work has come, on standard error and only where that is a terminal.

    Args:
        title: What is being done.

    Yields:
        What to call with the number of things done and of all; the bar goes when all are done.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _whole: None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, force_terminal=True)
    bar = Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task(title)

    def show(done: int, whole: int) -> None:
        if done < whole:
            bar.start()
            bar.update(task, completed=done, total=whole)
        else:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()
