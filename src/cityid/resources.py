"""The data that ships with cityid: JSON-LD contexts, schemas of the city, contracts of chains.

An installed package carries everything beside its code. In a checkout the folder ``schemas/`` lies
at the top, and is read from there.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError, quote

_PACKAGE = Path(__file__).parent


class Kind(StrEnum):
    """A folder of shipped data."""

    CONTEXTS = "contexts"
    """The JSON-LD contexts that W3C and others publish."""
    SCHEMAS = "schemas"
    """The schemas and contexts of the city's credentials."""
    EXAMPLES = "examples"
    """Invented people, for demonstrations."""
    CONTRACTS = "contracts"
    """The programs of the registry on a chain."""


_PLACES = {
    Kind.CONTEXTS: (_PACKAGE / "canonical" / "contexts" / "data",),
    Kind.SCHEMAS: (_PACKAGE / "schemas", _PACKAGE.parents[1] / "schemas"),
    Kind.CONTRACTS: (_PACKAGE / "registry" / "contracts",),
    Kind.EXAMPLES: (_PACKAGE / "examples", _PACKAGE.parents[1] / "examples" / "data"),
}


def read(kind: Kind, name: str) -> bytes:
    """Return one shipped file.

    Args:
        kind: The folder.
        name: The file's path inside it, with ``/`` between parts: ``resident/schema.json``.

    Raises:
        InvalidInputError: `name` is no path inside the folder.
        NotFoundError: There is no such file.
        CorruptError: The installation lacks the folder, or the file cannot be read.
    """
    if not name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise InvalidInputError(f"{quote(name)} names no shipped file", code=Code.INVALID_OPTIONS)
    places = [place for place in _PLACES[kind] if place.is_dir()]
    if not places:
        raise CorruptError("shipped data is missing; install cityid again", place=kind)
    try:
        return places[0].joinpath(*name.split("/")).read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"{quote(name)} does not ship with cityid", ref=name) from error
    except (OSError, ValueError) as error:
        raise CorruptError("shipped data cannot be read", place=name) from error
