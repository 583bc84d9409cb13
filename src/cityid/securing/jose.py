"""JSON Web Signatures in their compact form, with EdDSA and ES256: the only door to joserfc.

The library writes and checks the form; the signatures are those of `cityid.keys`, so that any
`Signer` may sign. It is as much as a ``statuslist+jwt`` needs.

Spec:
    https://www.rfc-editor.org/rfc/rfc7515
    https://www.rfc-editor.org/rfc/rfc8037#section-3.1
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cityid import strict_json
from cityid.encoding import base64url_decode
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import KeyType, PublicKey, Signer
from cityid.strict_json import JSONObject

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey
    from joserfc.jws import JWSRegistry

ALGORITHMS: Mapping[KeyType, str] = MappingProxyType(
    {KeyType.ED25519: "EdDSA", KeyType.P256: "ES256"}
)
"""The ``alg`` of each type of key that signs."""

MOST_CHARACTERS = 1_400_000
"""The most characters that a token may have."""

_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_LONGEST_HEADER = 4096


class Token(NamedTuple):
    """A token that was read.

    Attributes:
        header: Its protected header.
        payload: Its payload.
    """

    header: JSONObject
    payload: bytes


def sign(payload: bytes, *, signer: Signer, typ: str, kid: str | None = None) -> str:
    """Return a token.

    Args:
        payload: What is signed.
        signer: Signs it.
        typ: What kind of token it is.
        kid: Which key it is.

    Raises:
        UnsupportedError: Keys of this type sign no tokens.

    Spec:
        https://www.rfc-editor.org/rfc/rfc7515#section-5.1
    """
    from joserfc import jws

    key = signer.public_key
    header = {"alg": _algorithm_of(key), "typ": typ} | ({} if kid is None else {"kid": kid})
    return jws.serialize_compact(header, payload, _jwk(key), registry=_rules()(signer))


def read(token: str | bytes, *, typ: str) -> Token:
    """Read a token without believing it: its signature is not checked.

    Args:
        token: The token.
        typ: What kind of token it must be.

    Raises:
        InvalidInputError: It is none, of another kind, or asks for more than is understood.
        UnsupportedError: It is signed with another algorithm.

    Spec:
        https://www.rfc-editor.org/rfc/rfc7515#section-5.2
    """
    from joserfc.errors import JoseError

    header_text, payload_text, signature = _segments(token)
    base64url_decode(signature)
    limits = strict_json.Limits(max_bytes=_LONGEST_HEADER)
    header = strict_json.parse_object(base64url_decode(header_text), limits=limits)
    try:
        _rules()(None).check_header(header)
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidInputError(f"the header of the token is refused: {error}") from error
    if "crit" in header or "b64" in header:
        raise InvalidInputError("the header of the token asks for what is not understood")
    met, algorithm, known = header.get("typ"), header.get("alg"), tuple(ALGORITHMS.values())
    if met != typ:
        raise InvalidInputError(f"a token of type {typ} is expected, not {quote(met)}")
    if algorithm not in known:
        told = f"tokens with alg {quote(algorithm)} are not read"
        raise UnsupportedError(told, name=str(algorithm)[:40], known=known)
    return Token(header, base64url_decode(payload_text, max_length=MOST_CHARACTERS))


def verify(token: str | bytes, *, key: PublicKey, typ: str) -> Token:
    """Read a token and check its signature.

    Args:
        token: The token.
        key: The key of whoever must have signed it; it decides on the algorithm.
        typ: What kind of token it must be.

    Raises:
        InvalidInputError: It is none, of another kind, or not signed with this key.
        UnsupportedError: It is signed with another algorithm, or keys of this type sign no tokens.

    Spec:
        https://www.rfc-editor.org/rfc/rfc7515#section-5.2
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    expected, found = _algorithm_of(key), read(token, typ=typ)
    if found.header["alg"] != expected:
        raise InvalidInputError(
            f"the token is signed with {found.header['alg']}, its key signs with {expected}",
            code=Code.INVALID_SIGNATURE,
        )
    try:
        jws.deserialize_compact(token, _jwk(key), registry=_rules()(key))
    except JoseError as error:
        told = "the signature of the token does not hold"
        raise InvalidInputError(told, code=Code.INVALID_SIGNATURE) from error
    return found


def _segments(token: object) -> list[str]:
    text = token.decode("ascii", "replace") if isinstance(token, bytes) else token
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        raise InvalidInputError(
            f"a token is text of at most {MOST_CHARACTERS} characters", code=Code.INPUT_TOO_LARGE
        )
    if _COMPACT.fullmatch(text) is None:
        raise InvalidInputError(
            "this is no token: three parts in base64url with dots between",
            code=Code.INVALID_ENCODING,
        )
    return text.split(".")


def _algorithm_of(key: PublicKey) -> str:
    algorithm = ALGORITHMS.get(key.type)
    if algorithm is None:
        raise UnsupportedError(
            f"keys of type {key.type} sign no tokens", name=key.type, known=tuple(ALGORITHMS)
        )
    return algorithm


def _jwk(key: PublicKey) -> ECKey | OKPKey:
    """Return a key as the library carries it about; it is never asked to sign or verify."""
    from joserfc.jwk import ECKey, OKPKey

    members: dict[str, str | list[str]] = {**key.jwk}
    return (OKPKey if key.type is KeyType.ED25519 else ECKey).import_key(members)


class _Signatures:
    """The library's port to an algorithm, behind which the keys of cityid sign and verify."""

    def __init__(self, key: Any) -> None:
        self.name = "cityid"
        self._key = key

    def check_key(self, key: object) -> None:
        """Take any key: which one it must be was decided before."""

    def sign(self, data: bytes, _: object) -> bytes:
        """Return a signature."""
        signature: bytes = self._key.sign(data)
        return signature

    def verify(self, data: bytes, signature: bytes, _: object) -> bool:
        """Tell whether a signature holds."""
        try:
            self._key.verify(signature, data)
        except InvalidInputError:
            return False
        return True


@cache
def _rules() -> Callable[[Signer | PublicKey | None], JWSRegistry]:
    """Return the library's rules for headers and sizes, with our signatures."""
    from joserfc.jws import JWSRegistry

    class Rules(JWSRegistry):
        max_header_length = _LONGEST_HEADER * 2
        max_payload_length = MOST_CHARACTERS

        def __init__(self, key: Signer | PublicKey | None) -> None:
            super().__init__(strict_check_header=False)
            self._signatures = _Signatures(key)

        def get_alg(self, name: str) -> Any:
            del name
            return self._signatures

    return Rules
