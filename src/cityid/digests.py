"""Digests that a document gives of another resource: ``digestSRI`` and ``digestMultibase``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cityid import encoding
from cityid.errors import Code, InvalidInputError, quote
from cityid.pointer import join

_SRI = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/]{1,100}={0,2})(?:\?[!-~]*)?", re.ASCII)
_STRONGEST = ("sha512", "sha384", "sha256")
_MULTIHASH = {"sha2-256": "sha256", "sha2-384": "sha384", "sha2-512": "sha512"}
_LONGEST_TEXT = 1000
_LONGEST_MULTIBASE = 110
_SHA256_BYTES = 32


def given(item: Mapping[str, Any]) -> bool:
    """Tell whether an object gives a digest of the resource it names."""
    return "digestSRI" in item or "digestMultibase" in item


def check(item: Mapping[str, Any], content: bytes, *, path: str = "") -> None:
    """Hold a resource against every digest that an object gives of it.

    Args:
        item: The object, with ``digestSRI``, ``digestMultibase``, both or neither.
        content: The bytes of the resource.
        path: JSON Pointer to the object, for the message.

    Raises:
        InvalidInputError: A digest does not match (DIGEST_MISMATCH), or is no digest.
        UnsupportedError: A multihash is of a hash that cityid does not compute.

    Spec:
        https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
    """
    for member, matches in (("digestSRI", _matches_sri), ("digestMultibase", _matches_multibase)):
        for digest, place in _each(item, member, path):
            if not isinstance(digest, str) or not 0 < len(digest) <= _LONGEST_TEXT:
                raise InvalidInputError(f"{quote(digest)} is not a digest", path=place)
            if not matches(digest, place, content):
                raise InvalidInputError(
                    "this is not the resource that the issuer meant: its digest differs",
                    code=Code.DIGEST_MISMATCH,
                    path=place,
                )


def _each(item: Mapping[str, Any], member: str, path: str) -> Iterator[tuple[Any, str]]:
    if member not in item:
        return
    value, place = item[member], join(path, member)
    if isinstance(value, list) and value:
        yield from ((one, join(place, number)) for number, one in enumerate(value))
    else:
        yield value, place


def _matches_sri(text: str, path: str, content: bytes) -> bool:
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
            digests = [_base64(digest, path) for digest in found[algorithm]]
            return any(hmac.compare_digest(digest, expected) for digest in digests)
    raise InvalidInputError("digestSRI holds no digest", path=path)


def _base64(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidInputError(f"{quote(text)} is not base64", path=path) from error


def _matches_multibase(text: str, path: str, content: bytes) -> bool:
    """Tell whether a multibase multihash matches; 32 bare bytes are read as SHA-256.

    The specification asks for a multihash, but its own test suite writes the bare digest; no
    multihash has that length.
    """
    try:
        data = encoding.multibase_decode(text, max_length=_LONGEST_MULTIBASE)
        if len(data) == _SHA256_BYTES:
            algorithm, digest = "sha256", data
        else:
            name, digest = encoding.multihash_decode(data)
            algorithm = _MULTIHASH[name]
    except InvalidInputError as error:
        raise InvalidInputError(str(error), code=error.code, path=path) from error
    return hmac.compare_digest(hashlib.new(algorithm, content).digest(), digest)
