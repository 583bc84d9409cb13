"""JSON in its compact form, fast: the usual case, in which nothing needs a closer look.

Whoever gets None from here asks the modules that look closely: `strict_json` and `canonical.jcs`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


def read(source: bytes) -> Any:
    """Return the value of compact JSON that can be read in one way only; None for other text.

    That is text which comes back to the last byte when its value is written again: no name was
    said twice, no number changed. Most documents are written like this. How deep it is, and how
    long, is for the caller to bound.

    Args:
        source: JSON in UTF-8.
    """
    try:
        value = _orjson()[0](source)
    except ValueError:
        return None
    return value if write(value) == source else None


def write(value: Any, *, in_order: bool = False) -> bytes | None:
    """Return a value as compact JSON in UTF-8, or None: this takes a closer look.

    None stands for what is neither `dict`, `list`, text, number, boolean nor None, for integers
    that are not exact everywhere, for half a surrogate pair, and for very deep values. It is no
    check of the rest: NaN becomes null.

    Args:
        value: What a JSON parser returned, or what resembles it.
        in_order: Whether the members of objects are put in the order of their names' code points.
    """
    _, dumps, plain, plain_in_order = _orjson()
    try:
        return dumps(value, None, plain_in_order if in_order else plain)
    except TypeError:
        return None


@cache
def _orjson() -> tuple[Callable[[bytes], Any], Callable[..., bytes], int, int]:
    """Import once: an import statement a call would cost as much as what follows."""
    import orjson

    plain = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_SUBCLASS
    return orjson.loads, orjson.dumps, plain, plain | orjson.OPT_SORT_KEYS
