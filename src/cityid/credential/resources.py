"""Whether the resources a credential relies on are the ones its issuer meant.

Spec:
    https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cityid.credential.model import Credential
from cityid.credential.terms import each
from cityid.errors import CityIdError, Code, InvalidInputError, quote
from cityid.pointer import join
from cityid.report import Check, Problem

_NAME = "related_resource"
_SRI = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/]{1,100}={0,2})(?:\?[!-~]*)?", re.ASCII)
_STRONGEST = ("sha512", "sha384", "sha256")
_MULTIHASH = {"sha2-256": "sha256", "sha2-384": "sha384", "sha2-512": "sha512"}
_LONGEST_DIGEST = 100
_SHA256_BYTES = 32


def check_related_resources(
    document: Credential | Mapping[str, Any], resources: Mapping[str, bytes]
) -> tuple[Check, ...]:
    """Return one check ``related_resource`` for each related resource of a credential.

    Every digest that the credential gives must match. A resource that is not in hand was not
    used, so its check is skipped.

    Args:
        document: The credential.
        resources: The bytes of the resources that are in hand, by ``id``.

    Spec:
        https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
    """
    try:
        value = Credential.of(document).document.get("relatedResource", [])
    except CityIdError as error:
        return (Check.failed(_NAME, Problem.from_error(error)),)
    return tuple(_check(item, path, resources) for item, path in each(value, "/relatedResource"))


def _check(item: Any, path: str, resources: Mapping[str, bytes]) -> Check:
    url = item.get("id") if isinstance(item, dict) else None
    if not isinstance(url, str):
        problem = Problem(
            Code.MALFORMED_VALUE_ERROR, "a related resource is an object with id", path=path
        )
        return Check.failed(_NAME, problem, path)
    if url not in resources:
        return Check.skipped(_NAME, path)
    try:
        matches = list(_matches(item, resources[url]))
    except InvalidInputError as error:
        return Check.failed(_NAME, Problem.from_error(error, path=path), path)
    for member, matched in matches:
        if not matched:
            title = f"{quote(url)} is not the resource that the issuer meant"
            place = join(path, member)
            return Check.failed(_NAME, Problem(Code.DIGEST_MISMATCH, title, path=place), path)
    return Check.passed(_NAME, path)


def _matches(item: dict[str, Any], content: bytes) -> Iterator[tuple[str, bool]]:
    if "digestSRI" not in item and "digestMultibase" not in item:
        raise InvalidInputError("a related resource needs digestSRI or digestMultibase")
    for member, match in (("digestSRI", _match_sri), ("digestMultibase", _match_multibase)):
        if member in item:
            for digest, place in each(item[member], f"/{member}"):
                if not isinstance(digest, str) or not digest:
                    raise InvalidInputError(f"{quote(digest)} is not a digest", path=place)
                yield member, match(digest, place, content)


def _match_sri(text: str, path: str, content: bytes) -> bool:
    """Tell whether one of the strongest digests matches.

    Spec:
        https://www.w3.org/TR/SRI/#does-response-match-metadatalist
    """
    found: dict[str, list[str]] = {}
    for token in text.split():
        match = _SRI.fullmatch(token)
        if match is None:
            raise InvalidInputError(
                f"{quote(token)} is not sha256-, sha384- or sha512- with a base64 digest", path=path
            )
        found.setdefault(match[1], []).append(match[2])
    for algorithm in _STRONGEST:
        if algorithm in found:
            expected = hashlib.new(algorithm, content).digest()
            return any(
                hmac.compare_digest(_base64(digest, path), expected) for digest in found[algorithm]
            )
    raise InvalidInputError("digestSRI holds no digest", path=path)


def _base64(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidInputError(f"{quote(text)} is not base64", path=path) from error


def _match_multibase(text: str, path: str, content: bytes) -> bool:
    """Tell whether a multibase multihash matches; 32 bare bytes are read as SHA-256.

    The specification asks for a multihash, but its own test suite writes the bare digest; no
    multihash has that length.
    """
    from cityid import encoding

    try:
        data = encoding.multibase_decode(text, max_length=_LONGEST_DIGEST)
        if len(data) == _SHA256_BYTES:
            name, digest = "sha2-256", data
        else:
            name, digest = encoding.multihash_decode(data)
    except CityIdError as error:
        raise InvalidInputError(str(error), code=error.code, path=path) from error
    return hmac.compare_digest(hashlib.new(_MULTIHASH[name], content).digest(), digest)
