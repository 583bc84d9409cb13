"""JSON Pointers: how a message names a place in a document.

Spec:
    https://www.rfc-editor.org/rfc/rfc6901
"""

from __future__ import annotations


def join(path: str, *tokens: str | int) -> str:
    """Return the pointer to what lies below `path`.

    Args:
        path: A JSON Pointer; empty for the whole document.
        tokens: Member names and array indices, one a level.
    """
    return path + "".join("/" + escape(str(token)) for token in tokens)


def escape(token: str) -> str:
    """Return one reference token as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")
