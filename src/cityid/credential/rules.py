"""The rules of the VC Data Model 2.0: each a small function from a document to its faults.

The docstring of a rule is the demand; its name in the tables is the member it judges. A rule
judges its own member only, so that one fault is told once.

Spec:
    https://www.w3.org/TR/vc-data-model-2.0/#basic-concepts
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from cityid import timestamp
from cityid.credential.terms import (
    V2,
    each,
    fault,
    is_type,
    is_url,
    text_faults,
    type_faults,
    url_faults,
)
from cityid.errors import Code, InvalidInputError, quote
from cityid.report import Problem

Rule = Callable[[dict[str, Any]], Iterable[Problem]]

_DATA_URL = re.compile(r"data:[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:;[\w=+.-]+)*,\S+", re.ASCII)

_EMPTY = "an empty list says nothing: leave the member out"


def context_of(base: str) -> Rule:
    """Return the rule for ``@context`` of the data model whose base context is `base`."""

    def context(document: dict[str, Any]) -> Iterable[Problem]:
        """``@context`` is a list that begins with the base context; the rest URLs or objects."""
        value = document.get("@context")
        if not isinstance(value, list) or not value:
            return (fault(f"@context must be a list that begins with {base}", "/@context"),)
        if value[0] == base and all(map(_is_context, value[1:])):
            return ()
        return _context_faults(value, base)

    return context


def _is_context(value: Any) -> bool:
    return isinstance(value, dict) or is_url(value)


def _context_faults(contexts: list[Any], base: str) -> Iterator[Problem]:
    if contexts[0] != base:
        yield fault(f"the first context must be {base}", "/@context/0")
    for index in range(1, len(contexts)):
        if not _is_context(contexts[index]):
            told = f"{quote(contexts[index])} is neither a URL nor a context object"
            yield fault(told, f"/@context/{index}")


def id_(document: dict[str, Any]) -> Iterable[Problem]:
    """``id``, if present, is one URL."""
    return url_faults(document["id"], "/id") if "id" in document else ()


def type_of(required: str) -> Rule:
    """Return the rule for ``type`` of a document that must be a `required`."""

    def type_(document: dict[str, Any]) -> Iterable[Problem]:
        """``type`` is one or more terms or absolute URLs, the document's own kind among them."""
        return type_faults(document, "", required)

    return type_


def name(document: dict[str, Any]) -> Iterable[Problem]:
    """``name``, if present, is text or language value objects."""
    return text_faults(document["name"], "/name") if "name" in document else ()


def description(document: dict[str, Any]) -> Iterable[Problem]:
    """``description``, if present, is text or language value objects."""
    return text_faults(document["description"], "/description") if "description" in document else ()


def issuer(document: dict[str, Any]) -> Iterable[Problem]:
    """``issuer`` is a URL, or an object with a URL as ``id``; it may have name and description."""
    if "issuer" not in document:
        return (fault("a credential without issuer: add the issuer's URL", "/issuer"),)
    return party_faults(document["issuer"], "/issuer")


def party_faults(value: Any, path: str) -> Iterable[Problem]:
    """Return the faults of an issuer or holder: a URL, or an object with one as ``id``."""
    if not isinstance(value, dict):
        return url_faults(value, path)
    faults = [*url_faults(value.get("id"), f"{path}/id")]
    for member in ("name", "description"):
        if member in value:
            faults += text_faults(value[member], f"{path}/{member}")
    return faults


def credential_subject(document: dict[str, Any]) -> Iterable[Problem]:
    """``credentialSubject`` is one or more objects, each with a claim; ``id`` is one URL."""
    value = document.get("credentialSubject")
    if value is None or value == []:
        told = "a credential without credentialSubject claims nothing"
        return (fault(told, "/credentialSubject"),)
    if not isinstance(value, list):
        return _subject_faults(value, "/credentialSubject")
    subjects = each(value, "/credentialSubject")
    return chain.from_iterable(_subject_faults(subject, path) for subject, path in subjects)


def _subject_faults(subject: Any, path: str) -> Iterable[Problem]:
    if not isinstance(subject, dict):
        return (fault(f"{quote(subject)} is not an object with claims", path),)
    if not subject:
        return (fault("a subject without a claim", path),)
    return url_faults(subject["id"], f"{path}/id") if "id" in subject else ()


def validity_period(document: dict[str, Any]) -> Iterable[Problem]:
    """``validFrom`` and ``validUntil`` are points in time with offset, in this order."""
    period, faults = [], []
    for member in ("validFrom", "validUntil"):
        if member in document:
            try:
                period.append(timestamp.parse(document[member]))
            except InvalidInputError as error:
                faults.append(Problem.from_error(error, path=f"/{member}"))
    if len(period) == 2 and period[0] > period[1]:  # noqa: PLR2004 - both ends
        faults.append(fault("validFrom is later than validUntil", "/validFrom"))
    return faults


def objects_with_type(member: str, *, need_id: bool = False, doc: str) -> Rule:
    """Return the rule for a member that holds one or more objects, each with a type.

    Args:
        member: The member's name.
        need_id: Whether each object must have an ``id``.
        doc: The demand in words.
    """

    def rule(document: dict[str, Any]) -> Iterable[Problem]:
        if member not in document:
            return ()
        return object_faults(document[member], f"/{member}", need_id=need_id)

    rule.__doc__ = doc
    return rule


def object_faults(value: Any, path: str, *, need_id: bool = False) -> Iterable[Problem]:
    """Return the faults of what must be one or more objects, each with a type.

    Args:
        value: The object, or the list of them.
        path: Where it lies.
        need_id: Whether each object must have an ``id``; else it may.
    """
    if value == []:
        return (fault(_EMPTY, path),)
    if not isinstance(value, list):
        return _object_faults(value, path, need_id=need_id)
    if not need_id and all(map(_is_typed, value)):
        return ()
    return chain.from_iterable(
        _object_faults(item, place, need_id=need_id) for item, place in each(value, path)
    )


def _is_typed(item: Any) -> bool:
    """Whether an item is an object with a single type, and without ``id``: as most are."""
    return isinstance(item, dict) and "id" not in item and is_type(item.get("type"))


def _object_faults(item: Any, path: str, *, need_id: bool) -> Iterable[Problem]:
    if not isinstance(item, dict):
        return (fault(f"{quote(item)} is not an object with type", path),)
    of_type = type_faults(item, path)
    if not need_id and "id" not in item:
        return of_type
    return (*of_type, *url_faults(item.get("id"), f"{path}/id"))


def confidence_method(document: dict[str, Any]) -> Iterable[Problem]:
    """``confidenceMethod`` objects, of the credential or of a subject, have a type."""
    subject = document.get("credentialSubject")
    if type(subject) is dict and not (
        "confidenceMethod" in subject or "confidenceMethod" in document
    ):
        return ()
    found = [
        (owner["confidenceMethod"], f"{path}/confidenceMethod")
        for owner, path in ((document, ""), *each(subject, "/credentialSubject"))
        if isinstance(owner, dict) and "confidenceMethod" in owner
    ]
    return chain.from_iterable([object_faults(value, path) for value, path in found])


def related_resource(document: dict[str, Any]) -> Iterable[Problem]:
    """``relatedResource`` is one or more objects with an ``id`` of their own and a digest."""
    value = document.get("relatedResource", ())
    return () if value == () else _related_resource_faults(value)


def _related_resource_faults(value: Any) -> Iterator[Problem]:
    if value == []:
        yield fault(_EMPTY, "/relatedResource")
    seen: set[str] = set()
    for item, path in each(value, "/relatedResource"):
        if not isinstance(item, dict):
            yield fault(f"{quote(item)} is not an object with id and digest", path)
            continue
        yield from url_faults(item.get("id"), f"{path}/id")
        yield from _digest_faults(item, path)
        if isinstance(item.get("id"), str):
            if item["id"] in seen:
                yield fault("another related resource has this id", f"{path}/id")
            seen.add(item["id"])


def _digest_faults(item: dict[str, Any], path: str) -> Iterator[Problem]:
    digests = [member for member in ("digestSRI", "digestMultibase") if member in item]
    if not digests:
        yield fault("a related resource needs digestSRI or digestMultibase", path)
    for member in digests:
        if item[member] == []:
            yield fault(_EMPTY, f"{path}/{member}")
        for digest, place in each(item[member], f"{path}/{member}"):
            if not isinstance(digest, str) or not digest:
                yield fault(f"{quote(digest)} is not a digest", place)


def proof(document: dict[str, Any]) -> Iterable[Problem]:
    """``proof``, if present, is one or more objects, each with a type."""
    if "proof" not in document:
        return ()
    value = document["proof"]
    if isinstance(value, dict):
        return type_faults(value, "/proof")
    if value == []:
        return (Problem(Code.PARSING_ERROR, "proof is an empty list", path="/proof"),)
    return chain.from_iterable(_proof_faults(item, path) for item, path in each(value, "/proof"))


def _proof_faults(item: Any, path: str) -> Iterable[Problem]:
    if isinstance(item, dict):
        return type_faults(item, path)
    return (Problem(Code.PARSING_ERROR, f"{quote(item)} is not a proof", path=path),)


def holder(document: dict[str, Any]) -> Iterable[Problem]:
    """``holder``, if present, is a URL, or an object with a URL as ``id``."""
    return party_faults(document["holder"], "/holder") if "holder" in document else ()


def envelope_context(document: dict[str, Any]) -> Iterator[Problem]:
    """``@context`` of an envelope names the base context, which defines its terms."""
    if all(context != V2 for context, _ in each(document.get("@context"), "")):
        yield fault(f"the context of an envelope must include {V2}", "/@context")


def envelope_id(document: dict[str, Any]) -> Iterator[Problem]:
    """``id`` of an envelope is a ``data:`` URL with the media type of what it holds."""
    value = document.get("id")
    if not isinstance(value, str) or _DATA_URL.fullmatch(value) is None:
        yield fault(f"{quote(value)} is not a data: URL with a media type", "/id")


def envelope_type_of(required: str) -> Rule:
    """Return the rule for ``type`` of an envelope."""

    def envelope_type(document: dict[str, Any]) -> Iterator[Problem]:
        """``type`` of an envelope is exactly the envelope's type."""
        if document.get("type") not in (required, [required]):
            yield fault(f"the type of an envelope must be {required} alone", "/type")

    return envelope_type


_EXTENSIONS: Mapping[str, Rule] = {
    "credentialStatus": objects_with_type(
        "credentialStatus", doc="``credentialStatus`` objects have a type; ``id`` is one URL."
    ),
    "credentialSchema": objects_with_type(
        "credentialSchema",
        need_id=True,
        doc="``credentialSchema`` objects have a type and a URL as ``id``.",
    ),
    "refreshService": objects_with_type(
        "refreshService", doc="``refreshService`` objects have a type; ``id`` is one URL."
    ),
    "evidence": objects_with_type(
        "evidence", doc="``evidence`` objects have a type; ``id`` is one URL."
    ),
    "renderMethod": objects_with_type(
        "renderMethod", doc="``renderMethod`` objects have a type; ``id`` is one URL."
    ),
}
TERMS_OF_USE = objects_with_type(
    "termsOfUse", doc="``termsOfUse`` objects have a type; ``id`` is one URL."
)

CREDENTIAL: Mapping[str, Rule] = MappingProxyType(
    {
        "@context": context_of(V2),
        "id": id_,
        "type": type_of("VerifiableCredential"),
        "name": name,
        "description": description,
        "issuer": issuer,
        "credentialSubject": credential_subject,
        "validityPeriod": validity_period,
        **_EXTENSIONS,
        "termsOfUse": TERMS_OF_USE,
        "confidenceMethod": confidence_method,
        "relatedResource": related_resource,
        "proof": proof,
    }
)
ENVELOPED_CREDENTIAL: Mapping[str, Rule] = MappingProxyType(
    {
        "@context": envelope_context,
        "id": envelope_id,
        "type": envelope_type_of("EnvelopedVerifiableCredential"),
    }
)
ENVELOPED_PRESENTATION: Mapping[str, Rule] = MappingProxyType(
    {
        "@context": envelope_context,
        "id": envelope_id,
        "type": envelope_type_of("EnvelopedVerifiablePresentation"),
    }
)
