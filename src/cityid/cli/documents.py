"""What commands read: documents from files or standard input, contexts, schemas, times."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cityid import strict_json, timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.errors import CityIdError, Code, InvalidInputError
from cityid.schema import SCHEMAS, Schemas
from cityid.strict_json import JSONObject

STANDARD_INPUT = "-"


def read(source: str, *, most: int = strict_json.LIMITS.max_bytes) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``.

    Args:
        source: The file.
        most: The most bytes to read.

    Raises:
        InvalidInputError: It cannot be read, or is larger than any document may be.
    """
    try:
        if source == STANDARD_INPUT:
            content = sys.stdin.buffer.read(most + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be read"
        raise InvalidInputError(f"{source}: {reason}", code=Code.PARSING_ERROR) from error
    if len(content) > most:
        raise InvalidInputError(
            f"{source}: more than {most} bytes, which no document has", code=Code.INPUT_TOO_LARGE
        )
    return content


def read_text(source: str) -> str:
    """Return the text in a file or on standard input.

    Raises:
        InvalidInputError: It cannot be read, or is not UTF-8.
    """
    try:
        return read(source).decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{source}: it is not UTF-8", code=Code.PARSING_ERROR) from error


def read_object(source: str) -> JSONObject:
    """Return the JSON object in a file or on standard input.

    Raises:
        InvalidInputError: It cannot be read, or is not a JSON object.
    """
    content = read(source)
    try:
        return strict_json.parse_object(content)
    except CityIdError as error:
        name = "standard input" if source == STANDARD_INPUT else source
        raise InvalidInputError(f"{name}: {error}", code=error.code) from error


def demand_one_reader(sources: Iterable[str]) -> None:
    """Refuse to read standard input twice.

    Raises:
        InvalidInputError: More than one of the sources is ``-``.
    """
    if sum(source == STANDARD_INPUT for source in sources) > 1:
        raise InvalidInputError(
            "standard input can be read only once; put the other documents in files",
            code=Code.INVALID_OPTIONS,
        )


def read_contexts(pairs: Iterable[str]) -> Contexts:
    """Return the shipped contexts and those given as ``URL=FILE``.

    Raises:
        InvalidInputError: A pair or its file is malformed.
    """
    contexts = CONTEXTS
    for url, source in _pairs(pairs):
        contexts = contexts.with_context(url, read_object(source))
    return contexts


def read_schemas(pairs: Iterable[str]) -> Schemas:
    """Return the shipped schemas and those given as ``URL=FILE``.

    Raises:
        InvalidInputError: A pair or its file is malformed.
    """
    schemas = SCHEMAS
    for url, source in _pairs(pairs):
        schemas = schemas.with_schema(url, read(source))
    return schemas


def _pairs(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        url, _, source = text.rpartition("=")
        if not url or not source:
            raise InvalidInputError(
                "contexts and schemas are given as URL=FILE", code=Code.INVALID_OPTIONS
            )
        yield url, source


def moment(text: str | None) -> datetime:
    """Return the time given as text, or now.

    Raises:
        InvalidInputError: The text is no time.
    """
    return datetime.now(UTC) if text is None else timestamp.parse(text)


def moment_if_given(text: str | None) -> datetime | None:
    """Return the time given as text, None where none is.

    Raises:
        InvalidInputError: The text is no time.
    """
    return None if text is None else timestamp.parse(text)
