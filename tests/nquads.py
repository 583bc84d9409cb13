"""N-Quads as the published vectors write them, read into the quads that cityid canonicalizes."""

from __future__ import annotations

import re

from cityid.canonical import literals
from cityid.canonical.rdfc import Quad

_TERM = re.compile(
    r"""\s*(?:
      <(?P<iri>[^>]*)>
    | (?P<blank>_:[^\s<"]+)
    | "(?P<text>(?:[^"\\]|\\.)*)"(?:\^\^<(?P<datatype>[^>]*)>|@(?P<language>[A-Za-z0-9-]+))?
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def parse(text: str) -> list[Quad]:
    """Return the quads of N-Quads text, in its order, with repetitions."""
    lines = (line.strip(" \t") for line in re.split("[\r\n]+", text))
    return [_quad(line) for line in lines if line and not line.startswith("#")]


def _quad(line: str) -> Quad:
    terms: list[str] = []
    position = 0
    while match := _TERM.match(line, position):
        terms.append(_term(match))
        position = match.end()
    rest = line[position:].strip()
    if not (rest == "." or rest.startswith((".#", ". #"))) or len(terms) not in (3, 4):
        raise ValueError(line)
    subject, predicate, value, graph = [*terms, ""][:4]
    return subject, predicate, value, graph


def _term(match: re.Match[str]) -> str:
    if match["iri"] is not None:
        return f"<{_unescape(match['iri'])}>"
    if match["blank"] is not None:
        return match["blank"]
    text = literals.escape(_unescape(match["text"]))
    if match["language"]:
        return f'"{text}"@{match["language"]}'
    return f'"{text}{literals.datatype_suffix(_unescape(match["datatype"] or literals.STRING))}'


def _unescape(text: str) -> str:
    return _ESCAPED.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if len(name) > 1:
        return chr(int(name[1:], 16))
    return _CHARACTERS.get(name, name)
