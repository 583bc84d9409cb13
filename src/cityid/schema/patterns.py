"""Regular expressions of schemas, held to what cannot blow up.

A backtracking matcher may try every way to split a text among the repetitions of a pattern:
``^(a+)+$`` has more ways for 40 letters than a verifier has years. So the ways of a pattern are
counted first, for the longest text that is matched at all, and a pattern with too many is refused.
The subset that is read is common to ECMA-262 and Python: no look-around, no back-references.

Spec:
    https://json-schema.org/draft/2020-12/json-schema-core#name-regular-expressions
"""

from __future__ import annotations

import re
from typing import NoReturn, Self

from cityid.errors import Code, InvalidInputError, quote

LONGEST_TEXT = 1000
"""The longest text that is matched with a pattern."""
_START = rf"\A(?=(?s:.{{0,{LONGEST_TEXT}}})\Z)(?s:.*?)"
_MOST_WAYS = 2_000_000
_LONGEST_PATTERN = 500
_DEEPEST_GROUP = 20
_ESCAPED = frozenset("dDwWsSbBtnrfv" + r"^$\.*+?()[]{}|/-")
_SET_OPERATORS = frozenset("-&~|")
_CLASS_ESCAPED = _ESCAPED - frozenset("bB")


class BoundedPattern(str):
    """A pattern as Python reads it.

    Attributes:
        source: The pattern as it stands in the schema.
    """

    __slots__ = ("source",)

    def __new__(cls, written: str, source: str) -> Self:
        """Return `written`, which remembers `source`."""
        pattern = super().__new__(cls, written)
        pattern.source = source
        return pattern

    source: str


def bounded(pattern: str, *, path: str = "") -> BoundedPattern:
    r"""Return a pattern as Python reads it, if it has few enough ways to match.

    ``$`` becomes ``\Z``, for in ECMA-262 it does not match before a last line feed; letters and
    digits are those of ASCII. Texts longer than `LONGEST_TEXT` do not match.

    Args:
        pattern: The pattern as it stands in a schema.
        path: JSON Pointer to it, for the message.

    Raises:
        InvalidInputError: The pattern is malformed, outside the subset, or has too many ways to
            match (SCHEMA_TOO_COMPLEX).
    """
    if len(pattern) > _LONGEST_PATTERN:
        raise _too_complex(f"has more than {_LONGEST_PATTERN} characters", pattern, path)
    reader = _Reader(pattern, path)
    ways = reader.alternatives(0)
    if reader.place < len(pattern):
        reader.refuse("has a ) without (")
    if not reader.anchored:
        ways *= LONGEST_TEXT
    if ways > _MOST_WAYS:
        raise _too_complex(
            "has too many ways to match; begin it with ^ and repeat nothing that repeats",
            pattern,
            path,
        )
    return BoundedPattern(_compilable(f"{_START}(?a:{''.join(reader.written)})", reader), pattern)


def _compilable(written: str, reader: _Reader) -> str:
    try:
        re.compile(written)
    except re.error as error:
        reader.refuse(f"is malformed: {error.msg}")
    return written


def _too_complex(what: str, pattern: str, path: str) -> InvalidInputError:
    return InvalidInputError(
        f"the pattern {quote(pattern)} {what}", code=Code.SCHEMA_TOO_COMPLEX, path=path
    )


class _Reader:
    """Reads a pattern once, from left to right; counts its ways and writes it for Python."""

    def __init__(self, pattern: str, path: str) -> None:
        self.pattern = pattern
        self.path = path
        self.place = 0
        self.written: list[str] = []
        self.anchored = True

    def refuse(self, what: str) -> NoReturn:
        raise _too_complex(what, self.pattern, self.path)

    def _next(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def _take(self, text: str) -> bool:
        if self.pattern.startswith(text, self.place):
            self.place += len(text)
            return True
        return False

    def alternatives(self, depth: int) -> int:
        """Read ``a|b|c``: the ways add up."""
        if depth > _DEEPEST_GROUP:
            self.refuse(f"has more than {_DEEPEST_GROUP} groups inside each other")
        ways = self._sequence(depth)
        while self._take("|"):
            self.written.append("|")
            ways += self._sequence(depth)
        return ways

    def _sequence(self, depth: int) -> int:
        """Read ``abc``: the ways multiply."""
        if depth == 0 and self._next() != "^":
            self.anchored = False
        ways = 1
        while self._next() not in {"", "|", ")"}:
            one = self._atom(depth)
            fewest, most = self._repetition()
            ways = min(ways * _repeated(one, fewest, most), _MOST_WAYS + 1)
        return ways

    def _atom(self, depth: int) -> int:
        character = self._next()
        self.place += 1
        if character == "(":
            return self._group(depth)
        if character == "[":
            self._class()
        elif character == "\\":
            self.written.append("\\" + self._escaped(_ESCAPED))
        elif character in "*+?{}]":
            self.refuse(f"has a {character} where none may be")
        else:
            self.written.append(r"\Z" if character == "$" else character)
        return 1

    def _group(self, depth: int) -> int:
        if not self._take("?:") and self._next() == "?":
            self.refuse("has a group of a kind that is not read")
        self.written.append("(?:")
        ways = self.alternatives(depth + 1)
        if not self._take(")"):
            self.refuse("has a ( without )")
        self.written.append(")")
        return ways

    def _class(self) -> None:
        start = self.place
        self._take("^")
        if self._next() == "]":
            self.refuse("has an empty class")
        while not self._take("]"):
            character = self._next()
            self.place += 1
            if character == "\\":
                self._escaped(_CLASS_ESCAPED)
            elif character in {"", "["} or character == self._next() in _SET_OPERATORS:
                self.refuse("has a class that does not end, or an operation on classes")
        self.written.append("[" + self.pattern[start : self.place])

    def _escaped(self, known: frozenset[str]) -> str:
        character = self._next()
        if character not in known:
            self.refuse(f"has an escape that is not read: \\{character}")
        self.place += 1
        return character

    def _repetition(self) -> tuple[int, int]:
        start = self.place
        fewest, most = 1, 1
        if self._take("*"):
            fewest, most = 0, LONGEST_TEXT
        elif self._take("+"):
            fewest, most = 1, LONGEST_TEXT
        elif self._take("?"):
            fewest, most = 0, 1
        elif self._take("{"):
            fewest, most = self._counts()
        if self.place > start:
            self._take("?")
        self.written.append(self.pattern[start : self.place])
        return fewest, most

    def _counts(self) -> tuple[int, int]:
        """Read the rest of ``{m}``, ``{m,}`` or ``{m,n}``."""
        fewest = self._number()
        most = fewest
        if self._take(","):
            most = LONGEST_TEXT if self._next() == "}" else self._number()
        if not self._take("}") or not 0 <= fewest <= most <= LONGEST_TEXT:
            self.refuse(f"has a repetition that is not {{m}}, {{m,}} or {{m,n}} to {LONGEST_TEXT}")
        return fewest, most

    def _number(self) -> int:
        start = self.place
        while self._next() in set("0123456789"):
            self.place += 1
        digits = self.pattern[start : self.place]
        return int(digits) if digits and len(digits) <= len(str(LONGEST_TEXT)) else -1


def _repeated(ways: int, fewest: int, most: int) -> int:
    """Return the ways of an atom repeated: one count after the other, each repetition freely."""
    if ways == 1:
        return most - fewest + 1
    total = 0
    for count in range(fewest, most + 1):
        total += ways**count
        if total > _MOST_WAYS:
            return _MOST_WAYS + 1
    return total
