"""Text of strangers, made fit to be shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TEXT_LIMIT: Final = 300
IDENTIFIER: Final = 56
"""How long a name may be to be shown whole: a did:key of Ed25519 has 56 characters."""

MARK_STYLES: Final = {
    "✓": "green",
    "✗": "bold red",
    "?": "yellow",
    "!": "yellow",
    "·": "dim",
}
"""How a mark colours what stands beside it on a terminal."""

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return text as it may be shown: cut, and every character that steers the screen spelled out.

    Args:
        text: Anything.
        limit: The most characters to show.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", cut)


def shortened(text: str, limit: int = IDENTIFIER) -> str:
    """Return a name without its middle: what it begins with tells its kind, its end the one.

    Two names may look alike then; whoever compares names compares them whole.

    Args:
        text: A DID, a URL, a key, a signature.
        limit: The most characters to show.
    """
    if len(text) <= limit:
        return text
    end = limit // 3
    return f"{text[: limit - end - 1]}…{text[-end:]}"


def is_identifier(text: str) -> bool:
    """Tell whether text is one long word, such as a DID, a URL, a key or a signature."""
    return text.isascii() and not any(map(str.isspace, text))


def width(text: str) -> int:
    """Return how many columns text takes on a terminal."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def written(value: object) -> str:
    """Return a value as text, whatever it is."""
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a very large number"
