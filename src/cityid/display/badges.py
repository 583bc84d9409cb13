"""SVG badges."""

from __future__ import annotations

from html import escape

from cityid.display.markup import COLOURS, HTML, MARKS
from cityid.display.text import visible, width
from cityid.report import Outcome


def badge(text: str, outcome: Outcome) -> HTML:
    """Return a small SVG that says how a question ended.

    Args:
        text: The question.
        outcome: The answer.
    """
    mark, colour = MARKS[outcome]
    left, right = visible(text, 60), f"{mark} {outcome.value}"
    split, whole = 16 + 7 * width(left), 32 + 7 * (width(left) + width(right))
    label = escape(f"{left}: {outcome.value}")
    return HTML(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="22" role="img" '
        f'aria-label="{label}"><title>{label}</title>'
        f'<rect width="{whole}" height="22" rx="6" fill="{COLOURS[colour]}"/>'
        f'<path d="M6 0H{split}V22H6a6 6 0 0 1-6-6V6a6 6 0 0 1 6-6z" fill="#374151"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="8" y="15" textLength="{split - 16}">{escape(left)}</text>'
        f'<text x="{split + 8}" y="15" textLength="{whole - split - 16}">{escape(right)}</text>'
        "</g></svg>"
    )
