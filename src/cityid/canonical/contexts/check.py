"""The finding about contexts that stands beside a proof: are only known contexts used?

A proof can hold although the meaning of a document was changed, where the contexts are of the
holder's choosing. So this is asked apart from the proof.

Spec:
    https://www.w3.org/TR/vc-data-integrity/#context-validation
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cityid import compact_json, pointer
from cityid.canonical.contexts import Contexts
from cityid.errors import Code, quote
from cityid.report import Problem

_TITLE = "a JSON-LD context is not allowed"


def check_contexts(document: Mapping[str, Any], contexts: Contexts) -> tuple[Problem, ...]:
    """Return a problem for every context outside the set, and for every nested one.

    Only these places may have an ``@context``: the document; its ``proof``; and, where it is a
    presentation, the credentials in ``verifiableCredential``, which are documents of their own.
    A member ``@context`` inside a JSON literal is told as well: nothing in the JSON shows that it
    is one.

    Args:
        document: The JSON-LD document.
        contexts: The contexts that may be used.
    """
    if _is_usual(document, contexts):
        return ()
    return tuple(_check_document(document, contexts, ""))


def _is_usual(document: Mapping[str, Any], contexts: Contexts) -> bool:
    """Tell whether known URLs are the document's contexts, the same its proof's, and no others."""
    context, proof = document.get("@context"), document.get("proof")
    if type(context) is not list:
        return False
    for url in context:
        if type(url) is not str or url not in contexts:
            return False
    same = type(proof) is dict and proof.get("@context") == context
    text = compact_json.write(document)
    return text is not None and text.count(b'"@context"') == 1 + same


def _check_document(
    document: Mapping[str, Any], contexts: Contexts, path: str
) -> Iterator[Problem]:
    if "@context" in document:
        yield from _check_context(document["@context"], contexts, f"{path}/@context")
    documents = _documents_inside(document) if not path else {"proof"}
    others: dict[str, Any] = {}
    for name, value in document.items():
        if name in documents:
            yield from _check_members(name, value, contexts, pointer.join(path, name))
        elif name != "@context":
            others[name] = value
    if _holds_context(others):
        yield from _check_nested(others, path)


def _documents_inside(document: Mapping[str, Any]) -> set[str]:
    types = document.get("type", document.get("@type"))
    if "VerifiablePresentation" in (types if isinstance(types, list) else [types]):
        return {"proof", "verifiableCredential"}
    return {"proof"}


def _check_members(name: str, value: Any, contexts: Contexts, path: str) -> Iterator[Problem]:
    """Check the proofs of a document, or the credentials of a presentation."""
    listed = isinstance(value, list)
    for index, member in enumerate(value if listed else [value]):
        place = pointer.join(path, index) if listed else path
        if not isinstance(member, Mapping):
            yield from _check_nested(member, place)
        elif name == "proof":
            rest = {key: item for key, item in member.items() if key != "@context"}
            if "@context" in member:
                context = member["@context"]
                yield from _check_context(context, contexts, f"{place}/@context")
            if _holds_context(rest):
                yield from _check_nested(rest, place)
        else:
            yield from _check_document(member, contexts, place)


def _check_context(value: Any, contexts: Contexts, path: str) -> Iterator[Problem]:
    listed = isinstance(value, list)
    for index, item in enumerate(value if listed else [value]):
        if type(item) is str and item in contexts:
            continue
        place = f"{path}/{index}" if listed else path
        if isinstance(item, str):
            yield from _check_url(item, contexts, place)
        elif not isinstance(item, Mapping):
            yield _problem(f"{quote(item)} is no context: a URL or an object is", place)
        elif not contexts.inline:
            yield _problem(
                "a context is written out in the document, so that the document's author decides "
                "what its words mean; publish it under a URL, or pass "
                "contexts=cityid.CONTEXTS.with_inline()",
                place,
            )
        else:
            yield from _check_urls_inside(item, contexts, place)


def _check_urls_inside(
    context: Mapping[str, Any], contexts: Contexts, path: str
) -> Iterator[Problem]:
    """Check the URLs that a context written out in a document names in its turn."""
    for place, name, value in _members_below(context, path):
        if name == "@import" and isinstance(value, str):
            yield from _check_url(value, contexts, place)
        elif name == "@context":
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str):
                    yield from _check_url(item, contexts, place)


def _check_url(url: str, contexts: Contexts, path: str) -> Iterator[Problem]:
    if url not in contexts:
        yield _problem(
            f"{quote(url, 200)} is not among the contexts that may be used; once you trust it, "
            f"pass contexts=cityid.CONTEXTS.with_context({quote(url, 200)}, document)",
            path,
        )


def _check_nested(value: Any, path: str) -> Iterator[Problem]:
    for place, name, _ in _members_below(value, path):
        if name == "@context":
            yield _problem(
                "a context inside a document changes what the words below it mean; only the "
                "document itself may have one",
                place,
            )


def _holds_context(value: Any) -> bool:
    """Tell whether there is a context at any depth: every verification asks, so without places."""
    items = [value]
    for item in items:  # grows while it is read
        if type(item) is str:
            continue
        if isinstance(item, dict):
            if "@context" in item:
                return True
            items.extend(item.values())
        elif isinstance(item, list):
            items.extend(item)
    return False


def _members_below(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield each member at any depth: its pointer, name and value. No recursion: depth is free."""
    waiting = [(path, value)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, Mapping):
            for name, member in item.items():
                below = pointer.join(place, name)
                yield below, name, member
                waiting.append((below, member))
        elif isinstance(item, list):
            waiting.extend((pointer.join(place, index), each) for index, each in enumerate(item))


def _problem(detail: str, path: str) -> Problem:
    return Problem(Code.CONTEXT_NOT_ALLOWED, _TITLE, detail, path)
