"""Keys as JSON Web Keys: the OKP and EC kinds.

Members beside those that make the key (``kid``, ``use``, ``alg`` …) are the caller's to judge.

Spec:
    https://www.rfc-editor.org/rfc/rfc7517#section-4
    https://www.rfc-editor.org/rfc/rfc7518#section-6.2
    https://www.rfc-editor.org/rfc/rfc8037#section-2
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cityid.encoding import base64url_decode
from cityid.errors import CityIdError, Code, InvalidInputError, UnsupportedError, quote
from cityid.keys.base import Algorithm, PrivateKey, PublicKey, Secret
from cityid.keys.table import ALGORITHMS

_PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_MAX_LENGTH = 128
_KINDS = ("OKP", "EC")
_BY_CURVE: Mapping[str, Algorithm] = MappingProxyType(
    {a.type.value: a for a in ALGORITHMS.values() if a.jwk_type is not None}
)


def from_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """Read a public key from a JWK.

    Args:
        jwk: The JWK; a ``kty`` of OKP or EC.

    Raises:
        InvalidInputError: It is no JWK, it holds private members, its members do not agree, or
            there is no such key.
        UnsupportedError: It is a key of a type this version has not.
    """
    if not isinstance(jwk, Mapping):
        raise _no_object()
    for member in _PRIVATE_MEMBERS:
        if member in jwk:
            del jwk
            raise InvalidInputError(
                "this JWK holds a secret key, which belongs in no public place",
                code=Code.INVALID_KEY,
                path=f"/{member}",
            )
    return _public_key(jwk)


def private_key_from_jwk(jwk: Mapping[str, Any]) -> PrivateKey:
    """Read a private key from a JWK with the member ``d``.

    Args:
        jwk: What `PrivateKey.export_jwk` gave.

    Raises:
        InvalidInputError: It is no such JWK, or its public members are of another key; nothing
            secret is told.
        UnsupportedError: It is a key of a type this version has not.
    """
    hidden = Secret(jwk)
    del jwk
    if not isinstance(hidden.reveal(), Mapping):
        raise _no_object()
    public = _public_key(_public_members(hidden.reveal()))
    key = PrivateKey(public.algorithm, _decode_secret(Secret(hidden.reveal().get("d"))))
    if key.public_key != public:
        raise public.algorithm.invalid("the public members belong to another secret")
    return key


def _no_object() -> InvalidInputError:
    return InvalidInputError("a JWK is a JSON object", code=Code.INVALID_KEY)


def _public_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {member: jwk[member] for member in ("kty", "crv", "x", "y") if member in jwk}


def _public_key(jwk: Mapping[str, Any]) -> PublicKey:
    algorithm = _algorithm(jwk)
    coordinates = _coordinate(jwk, "x", algorithm)
    if algorithm.jwk_type == "EC":
        coordinates += _coordinate(jwk, "y", algorithm)
    return PublicKey(algorithm, algorithm.from_coordinates(coordinates))


def _algorithm(jwk: Mapping[str, Any]) -> Algorithm:
    kind = _text(jwk, "kty")
    if kind not in _KINDS:
        raise UnsupportedError(f"no kty {quote(kind)}", name=kind[:60], known=_KINDS)
    curve = _text(jwk, "crv")
    algorithm = _BY_CURVE.get(curve)
    if algorithm is None:
        raise UnsupportedError(f"no crv {quote(curve)}", name=curve[:60], known=tuple(_BY_CURVE))
    if algorithm.jwk_type != kind:
        raise InvalidInputError(
            f"the curve {curve} goes with kty {algorithm.jwk_type}, not {kind}",
            code=Code.INVALID_KEY,
            path="/kty",
        )
    return algorithm


def _text(jwk: Mapping[str, Any], member: str) -> str:
    value = jwk.get(member)
    if not isinstance(value, str):
        raise InvalidInputError(
            "this member of a JWK must be text", code=Code.INVALID_KEY, path=f"/{member}"
        )
    return value


def _coordinate(jwk: Mapping[str, Any], member: str, algorithm: Algorithm) -> bytes:
    try:
        value = base64url_decode(_text(jwk, member), max_length=_MAX_LENGTH)
    except InvalidInputError as error:
        raise InvalidInputError(
            "not base64url without padding", code=error.code, path=f"/{member}"
        ) from error
    if len(value) != algorithm.size:
        raise InvalidInputError(
            f"{len(value)} bytes, where {algorithm.type} has {algorithm.size}",
            code=Code.INVALID_KEY,
            path=f"/{member}",
        )
    return value


def _decode_secret(text: Secret[Any]) -> Secret[bytes]:
    try:
        return Secret(base64url_decode(text.reveal(), max_length=_MAX_LENGTH))
    except CityIdError as error:
        code = error.code
    # Raised out here, so that no traceback reaches the functions that saw the text.
    raise InvalidInputError("not base64url without padding", code=code, path="/d")
