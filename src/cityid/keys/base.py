"""What every kind of key has in common: the public key, the private key, the port to sign through.

A kind of key is an `Algorithm`: one file, and one line in `cityid.keys.table`.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, NoReturn, Protocol, TypeVar

from cityid.encoding import Multicodec, base64url_encode, multibase_encode, multicodec_wrap
from cityid.errors import Code, InvalidInputError, UnsupportedError

_DIGEST_SIZE = 32


class KeyType(StrEnum):
    """The kinds of key there are, by the name of their curve."""

    ED25519 = "Ed25519"
    P256 = "P-256"
    P384 = "P-384"
    SECP256K1 = "secp256k1"
    X25519 = "X25519"
    BLS12_381_G2 = "BLS12-381-G2"


T_co = TypeVar("T_co", covariant=True)


class Secret(Generic[T_co]):
    """A value that is not to be seen: no ``repr``, pickle, copy or attribute shows them.

    A function that may raise holds its secrets in this form alone, because a traceback keeps the
    local variables of every function it passed through.

    Python cannot wipe memory: the bytes stay in this process until their memory is used again,
    and a core dump or a swap file may keep them. Whoever cannot live with that signs through a
    `Signer` whose key lives in another process or device.

    Attributes:
        reveal: Returns the value, for use within one expression.
    """

    __slots__ = ("reveal",)

    reveal: Callable[[], T_co]

    def __init__(self, value: T_co) -> None:
        self.reveal = lambda: value

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        raise UnsupportedError("a secret can be neither copied nor pickled", name="pickle")

    def fits(self, size: int) -> bool:
        """Return whether this is bytes, exactly `size` of them."""
        value: object = self.reveal()
        return isinstance(value, bytes) and len(value) == size


class Algorithm(ABC):
    """How keys of one kind are read, and what can be done with them.

    Attributes:
        type: The kind of key.
        public_codec: What the Multikey of a public key begins with.
        private_codec: What the Multikey of a secret key begins with.
        jwk_type: The ``kty`` of the key as a JWK; None where no JWK is registered.
        size: How many bytes a secret key has, and each coordinate in a JWK.
    """

    type: KeyType
    public_codec: Multicodec
    private_codec: Multicodec
    jwk_type: Literal["OKP", "EC"] | None
    size: int

    @abstractmethod
    def load_public(self, data: bytes) -> tuple[bytes, Any]:
        """Check a public key.

        Args:
            data: The key in any binary form this kind of key has.

        Returns:
            The key in its one binary form, and what `verify` wants of it.

        Raises:
            InvalidInputError: It is no such key (INVALID_KEY).
        """

    def load_private(self, _secret: Secret[bytes], /) -> tuple[bytes, Any]:
        """Check a secret key.

        Args:
            _secret: The secret key.

        Returns:
            The public key in its one binary form, and what `sign` and `agree` want of the secret.

        Raises:
            InvalidInputError: It is no such key (INVALID_KEY).
            UnsupportedError: This version has no secret keys of this kind.
        """
        raise self.unable("be used as private key")

    def draw(self) -> Secret[bytes]:
        """Return a fresh secret key."""
        return Secret(secrets.token_bytes(self.size))

    def coordinates(self, data: bytes, _native: Any, /) -> bytes:
        """Return the coordinates a JWK holds, one after the other."""
        return data

    def from_coordinates(self, coordinates: bytes, /) -> bytes:
        """Return a binary form of the key with these coordinates."""
        return coordinates

    def verify(self, _native: Any, _signature: bytes, _data: bytes, /) -> None:
        """Check a signature, as `PublicKey.verify` says."""
        raise self.unable("verify signatures")

    def sign(self, _native: Any, _data: bytes, /) -> bytes:
        """Sign, as `PrivateKey.sign` says."""
        raise self.unable("sign")

    def sign_digest(self, _native: Any, _digest: bytes, /) -> bytes:
        """Sign a digest, as `PrivateKey.sign_digest` says."""
        raise self.unable("sign digests that others made")

    def agree(self, _native: Any, _public: bytes, /) -> bytes:
        """Agree on a secret, as `PrivateKey.agree` says."""
        raise self.unable("agree on a secret")

    def unable(self, deed: str) -> UnsupportedError:
        """Return what to raise when a key of this kind is asked for `deed`."""
        return UnsupportedError(f"a key of type {self.type} cannot {deed}", name=self.type)

    def invalid(self, reason: str) -> InvalidInputError:
        """Return what to raise for a key that is none, for a reason that shows no secret."""
        return InvalidInputError(f"invalid {self.type} key: {reason}", code=Code.INVALID_KEY)


def invalid_signature(reason: str, code: Code = Code.INVALID_SIGNATURE) -> InvalidInputError:
    """Return what to raise for a signature that does not hold."""
    return InvalidInputError(f"invalid signature: {reason}", code=code)


def _are_bytes(one: object, other: object) -> bool:
    return isinstance(one, bytes) and isinstance(other, bytes)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublicKey:
    """A public key that was checked when it was made; equal when type and bytes are equal.

    Attributes:
        algorithm: The kind of key and what it can do.
        data: The one binary form: 32 bytes for Ed25519 and X25519, else the compressed point.
    """

    algorithm: Algorithm
    data: bytes
    _native: Any = field(init=False)
    _multikey: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes):
            raise self.algorithm.invalid("not bytes")
        data, native = self.algorithm.load_public(self.data)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "_native", native)

    def __repr__(self) -> str:
        return f"<PublicKey {self.type} {self.multikey}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PublicKey):
            return NotImplemented
        return self.data == other.data and self.type is other.type

    def __hash__(self) -> int:
        return hash(self.data)

    def __reduce__(self) -> tuple[Any, ...]:
        return PublicKey, (self.algorithm, self.data)

    @property
    def type(self) -> KeyType:
        """The kind of key."""
        return self.algorithm.type

    @property
    def multikey(self) -> str:
        """The key as a Multikey: ``z6Mk…`` for Ed25519.

        Spec:
            https://www.w3.org/TR/cid-1.0/#Multikey
        """
        if not self._multikey:
            wrapped = multicodec_wrap(self.algorithm.public_codec, self.data)
            self._multikey.append(multibase_encode(wrapped, "base58btc"))
        return self._multikey[0]

    @property
    def jwk(self) -> dict[str, str]:
        """The key as a JWK of its required members alone.

        Raises:
            UnsupportedError: No JWK is registered for this type.

        Spec:
            https://www.rfc-editor.org/rfc/rfc7517#section-4
        """
        algorithm = self.algorithm
        if algorithm.jwk_type is None:
            raise algorithm.unable("be written as a JWK")
        coordinates, size = algorithm.coordinates(self.data, self._native), algorithm.size
        jwk = {"kty": algorithm.jwk_type, "crv": algorithm.type.value}
        jwk["x"] = base64url_encode(coordinates[:size])
        if coordinates[size:]:
            jwk["y"] = base64url_encode(coordinates[size:])
        return jwk

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check that `signature` was made over `data` with the private half of this key.

        Args:
            signature: 64 bytes; for P-384 96. ECDSA signatures are r and s, one after the other.
            data: What was signed.

        Raises:
            InvalidInputError: It was not (INVALID_SIGNATURE); it is no signature at all
                (INVALID_SIGNATURE_ENCODING); it is another form of a signature, which nobody who
                follows the rules makes (NON_CANONICAL_SIGNATURE).
            UnsupportedError: Keys of this type do not sign.
        """
        if not _are_bytes(signature, data):
            raise invalid_signature("not bytes", Code.INVALID_SIGNATURE_ENCODING)
        self.algorithm.verify(self._native, signature, data)


class Signer(Protocol):
    """Whoever signs with one key: in memory, from a file, or in a device that keeps it."""

    @property
    def public_key(self) -> PublicKey:
        """The public half of the key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data`, as `PublicKey.verify` takes it."""
        ...


class DigestSigner(Protocol):
    """Whoever signs digests with a key of secp256k1, as the transactions of Ethereum need it."""

    @property
    def public_key(self) -> PublicKey:
        """The public half of the key."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r, s and the recovery id over 32 bytes, as `PrivateKey.sign_digest` does."""
        ...


class PrivateKey:
    """A private key in memory: the plainest `Signer`.

    Opaque: ``repr`` tells the public key, there is no pickle and no copy, and the secret leaves
    by the two explicit exports alone. What `Secret` says of memory holds here.
    """

    __slots__ = ("_native", "_public_key", "_secret")

    def __init__(self, algorithm: Algorithm, secret: Secret[bytes]) -> None:
        data, self._native = algorithm.load_private(secret)
        self._secret = secret
        self._public_key = PublicKey(algorithm, data)

    def __repr__(self) -> str:
        return f"<PrivateKey of {getattr(self, '_public_key', None)!r}>"  # None while it is made

    def __reduce__(self) -> NoReturn:
        raise UnsupportedError(
            "a private key can be neither copied nor pickled; export it explicitly", name="pickle"
        )

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public_key

    def sign(self, data: bytes) -> bytes:
        """Sign.

        Args:
            data: What to sign.

        Returns:
            The signature, as `PublicKey.verify` takes it. The same data gives the same signature.

        Raises:
            InvalidInputError: `data` is not bytes.
            UnsupportedError: Keys of this type do not sign.
        """
        if not isinstance(data, bytes):
            raise InvalidInputError("only bytes can be signed", code=Code.INVALID_OPTIONS)
        return self._public_key.algorithm.sign(self._native, data)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest that was made elsewhere, so that the signer can be recovered.

        Whoever lets others choose the digest lets them choose what is signed.

        Args:
            digest: The 32 bytes of the digest.

        Returns:
            65 bytes: r, the smaller s, and the recovery id, which is 0 or 1. The same digest
            gives the same signature.

        Raises:
            InvalidInputError: `digest` is not 32 bytes.
            UnsupportedError: The key is not of secp256k1.

        Spec:
            https://www.secg.org/sec1-v2.pdf#subsubsection.4.1.6
        """
        given: object = digest
        if not isinstance(given, bytes) or len(given) != _DIGEST_SIZE:
            raise InvalidInputError("a digest to sign is 32 bytes", code=Code.INVALID_OPTIONS)
        return self._public_key.algorithm.sign_digest(self._native, digest)

    def agree(self, public: PublicKey) -> bytes:
        """Agree on a secret with the owner of another key.

        Args:
            public: The other's public key, of the same type.

        Returns:
            The shared secret: derive keys from it, never use it as one.

        Raises:
            InvalidInputError: The other key is of another type, or leads to a secret that
                everybody knows (INVALID_KEY).
            UnsupportedError: Keys of this type do not agree on secrets.
        """
        algorithm = self._public_key.algorithm
        if public.type is not algorithm.type:
            raise algorithm.invalid(f"the other key is of type {public.type}")
        return algorithm.agree(self._native, public.data)

    def export_multikey(self) -> str:
        """Return the *secret* key as a Multikey.

        Spec:
            https://www.w3.org/TR/cid-1.0/#Multikey
        """
        codec = self._public_key.algorithm.private_codec
        return multibase_encode(multicodec_wrap(codec, self._secret.reveal()), "base58btc")

    def export_jwk(self) -> dict[str, str]:
        """Return the *secret* key as a JWK, with the member ``d``.

        Spec:
            https://www.rfc-editor.org/rfc/rfc8037#section-2
        """
        return self._public_key.jwk | {"d": base64url_encode(self._secret.reveal())}
