"""Verification methods: a public key, what it is called, and who controls it.

Spec:
    https://www.w3.org/TR/cid-1.0/#verification-methods
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cityid import encoding, keys, timestamp
from cityid.did import syntax
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import KeyType, PublicKey

RELATIONSHIPS: Final = (
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
)

_KEY_TYPES: Mapping[str, KeyType | None] = MappingProxyType(
    {
        "Multikey": None,
        "JsonWebKey": None,
        "JsonWebKey2020": None,
        "Ed25519VerificationKey2018": KeyType.ED25519,
        "Ed25519VerificationKey2020": KeyType.ED25519,
        "EcdsaSecp256k1VerificationKey2019": KeyType.SECP256K1,
        "EcdsaSecp256r1VerificationKey2019": KeyType.P256,
        "P256Key2021": KeyType.P256,
        "P384Key2021": KeyType.P384,
        "X25519KeyAgreementKey2019": KeyType.X25519,
        "X25519KeyAgreementKey2020": KeyType.X25519,
        "Bls12381G2Key2020": KeyType.BLS12_381_G2,
    }
)
"""The types that are read, and the one kind of key each may hold."""


@dataclass(frozen=True, slots=True)
class VerificationMethod:
    """One verification method of a document.

    Attributes:
        id: Its absolute URL.
        type: Its type, as the document names it.
        controller: The absolute URL of who controls it.
        expires: From when on it proves nothing.
        revoked: From when on it is withdrawn.
        document: The JSON it stands in, exactly; never to be changed.
    """

    id: str
    type: str
    controller: str
    expires: datetime | None = None
    revoked: datetime | None = None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    _public_key: PublicKey | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, document: Mapping[str, Any], base: str) -> VerificationMethod:
        """Read a verification method out of a document.

        Args:
            document: Its JSON.
            base: The subject of the document it stands in.

        Raises:
            InvalidInputError: It is not a verification method (``INVALID_VERIFICATION_METHOD``).
        """
        texts = [document.get(name) for name in ("id", "type", "controller")]
        if not all(isinstance(text, str) for text in texts):
            raise _invalid("a verification method needs id, type and controller, each a string")
        identifier, kind, controller = map(str, texts)
        return cls(
            syntax.absolute(identifier, base),
            kind,
            syntax.absolute(controller, base),
            _moment(document, "expires"),
            _moment(document, "revoked"),
            document,
        )

    @property
    def public_key(self) -> PublicKey:
        """The public key, whatever form the document gives it in.

        Raises:
            InvalidInputError: The key material is malformed (``INVALID_VERIFICATION_METHOD``).
            UnsupportedError: cityid does not read this type of method or key.
        """
        key = self._public_key
        if key is None:
            key = read_key(self.document)
            object.__setattr__(self, "_public_key", key)
        return key


def read_key(method: Mapping[str, Any]) -> PublicKey:
    """Return the public key of a verification method.

    Args:
        method: The JSON of the verification method.

    Raises:
        InvalidInputError: None or several forms of the key, or a malformed one.
        UnsupportedError: cityid does not read this type of method or key.
    """
    kind = method.get("type")
    if not isinstance(kind, str) or kind not in _KEY_TYPES:
        raise UnsupportedError(
            f"keys of a verification method of type {quote(kind)} cannot be read",
            name=str(kind)[:80],
            known=tuple(_KEY_TYPES),
        )
    forms = [name for name in _READERS if name in method]
    if len(forms) != 1:
        raise _invalid(f"a verification method holds its key in exactly one form, not {len(forms)}")
    expected = _KEY_TYPES[kind]
    try:
        key = _READERS[forms[0]](method[forms[0]], expected)
    except InvalidInputError as error:
        raise _invalid(str(error), f"/{forms[0]}") from error
    if expected is not None and key.type is not expected:
        raise _invalid(f"{kind} holds {expected.value} keys, not {key.type.value}", f"/{forms[0]}")
    return key


def read_multikey(text: str) -> PublicKey:
    """Return the public key of a Multikey.

    Args:
        text: The Multikey; one that is longer than every key of this version is of another kind.

    Raises:
        InvalidInputError: It is no Multikey, or holds no key.
        UnsupportedError: It holds a key of a kind this version has not.
    """
    try:
        return keys.from_multikey(text)
    except InvalidInputError as error:
        if error.code is not Code.INPUT_TOO_LARGE:
            raise
        raise UnsupportedError(
            f"no kind of key of this version fills {len(text)} characters", name="long Multikey"
        ) from error


def _read_multibase(value: Any, _: KeyType | None) -> PublicKey:
    return read_multikey(_text(value))


def _read_jwk(value: Any, _: KeyType | None) -> PublicKey:
    if not isinstance(value, Mapping):
        raise InvalidInputError("a JWK is a JSON object", code=Code.INVALID_KEY)
    return keys.from_jwk(value)


def _read_base58(value: Any, expected: KeyType | None) -> PublicKey:
    return keys.public_key(_raw_type(expected), encoding.base58btc_decode(_text(value)))


def _read_hex(value: Any, expected: KeyType | None) -> PublicKey:
    try:
        raw = bytes.fromhex(_text(value))
    except ValueError as error:
        raise InvalidInputError("not hexadecimal", code=Code.INVALID_ENCODING) from error
    return keys.public_key(_raw_type(expected), raw)


def _raw_type(expected: KeyType | None) -> KeyType:
    if expected is None:
        raise InvalidInputError("this type of method never holds raw keys", code=Code.INVALID_KEY)
    return expected


_READERS: Mapping[str, Callable[[Any, KeyType | None], PublicKey]] = MappingProxyType(
    {
        "publicKeyMultibase": _read_multibase,
        "publicKeyJwk": _read_jwk,
        "publicKeyBase58": _read_base58,
        "publicKeyHex": _read_hex,
    }
)
"""The members that hold a public key, and how each is read."""

KEY_FORMS: Final = tuple(_READERS)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError("the key is a string", code=Code.INVALID_KEY)
    return value


def _moment(document: Mapping[str, Any], name: str) -> datetime | None:
    return timestamp.parse(document[name], path=f"/{name}") if name in document else None


def _invalid(message: str, path: str = "") -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_VERIFICATION_METHOD, path=path)
