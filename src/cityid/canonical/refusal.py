"""How a refusal finds its place: each level that it passes adds a token of the JSON Pointer."""

from __future__ import annotations

from cityid import pointer
from cityid.errors import Code, InvalidInputError


class RefusalError(Exception):
    """A value outside the strict subset of JSON-LD, on its way up to the door.

    Attributes:
        message: What is wrong, and what to do.
        code: What is wrong, for programs.
        tokens: Its place, innermost first.
        tail: JSON Pointer from there, for a value that another module refused.
    """

    def __init__(
        self, message: str, *tokens: str | int, code: Code = Code.DATA_LOSS_DETECTION_ERROR
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.tokens = list(tokens)
        self.tail = ""

    def located(self) -> InvalidInputError:
        """Return the error for the caller."""
        path = pointer.join("", *reversed(self.tokens)) + self.tail
        return InvalidInputError(self.message, code=self.code, path=path)
