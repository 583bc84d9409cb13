"""What every cryptosuite is, and the steps that the suites of 2019 and 2022 have in common.

Those suites canonicalize the proof configuration and the document, hash each, and sign the two
hashes, the configuration's first. They differ in the canonical form and in the kinds of key.
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

from cityid.canonical import Contexts, jcs, jsonld
from cityid.encoding import multibase_decode, multibase_encode
from cityid.errors import CityIdError, Code, InvalidInputError, quote
from cityid.keys import KeyType, PublicKey, Signer

PROOF_TYPE = "DataIntegrityProof"
HashName = Literal["sha256", "sha384"]

_HASH_NAMES: Mapping[KeyType, HashName] = MappingProxyType(
    {KeyType.ED25519: "sha256", KeyType.P256: "sha256", KeyType.P384: "sha384"}
)
DEFAULTS: Mapping[KeyType, str] = MappingProxyType(
    {
        KeyType.ED25519: "eddsa-rdfc-2022",
        KeyType.P256: "ecdsa-rdfc-2019",
        KeyType.P384: "ecdsa-rdfc-2019",
    }
)
"""The cryptosuite that signs with a type of key where none is named."""
_HASHES = MappingProxyType({"sha256": hashlib.sha256, "sha384": hashlib.sha384})
_BASES: tuple[Literal["base58btc"]] = ("base58btc",)
_LONGEST_SIGNATURE = 140  # 96 bytes in multibase are at most 133 characters


class Cryptosuite(Protocol):
    """A way to make and to check the proof values of one registered name."""

    @property
    def name(self) -> str:
        """The value of ``cryptosuite`` in a proof."""
        ...

    @property
    def key_types(self) -> frozenset[KeyType]:
        """The kinds of key that may sign."""
        ...

    def create(
        self,
        document: Mapping[str, Any],
        options: Mapping[str, Any],
        signer: Signer,
        *,
        contexts: Contexts,
    ) -> dict[str, Any]:
        """Return a proof of `document`: `options` and the proof value.

        Args:
            document: The document without ``proof``, or with the proofs that a chain builds on.
            options: The proof to be, without ``proofValue``.
            signer: Signs the hash data.
            contexts: The JSON-LD contexts that may be used.

        Raises:
            InvalidInputError: The document or the options cannot be put in canonical form; paths
                into the proof begin with ``/proof``.
            NotFoundError: A context is not among `contexts`.
        """
        ...

    def verify(
        self,
        document: Mapping[str, Any],
        proof: Mapping[str, Any],
        key: PublicKey,
        *,
        contexts: Contexts,
    ) -> None:
        """Check that `proof` was made over `document` with the private half of `key`.

        Args:
            document: The document without ``proof``, or with the proofs that a chain builds on.
            proof: The whole proof.
            key: The key that the proof names.
            contexts: The JSON-LD contexts that may be used.

        Raises:
            InvalidInputError: It was not; paths into the proof begin with ``/proof``.
            NotFoundError: A context is not among `contexts`.
        """
        ...


class Unsecured(dict[str, Any]):
    """A document without proofs that remembers its hashes: many proofs, one canonicalization."""

    __slots__ = ("hashes",)

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.hashes: dict[tuple[str, str], bytes | CityIdError] = {}


@dataclass(frozen=True, slots=True)
class HashedSuite(ABC):
    """A cryptosuite that signs ``hash(proof configuration) || hash(document)``.

    Attributes:
        name: The value of ``cryptosuite`` in a proof.
        key_types: The kinds of key that may sign.
    """

    name: str
    key_types: frozenset[KeyType]

    def create(
        self,
        document: Mapping[str, Any],
        options: Mapping[str, Any],
        signer: Signer,
        *,
        contexts: Contexts,
    ) -> dict[str, Any]:
        """Return a proof of `document`; see `Cryptosuite.create`."""
        key_type = signer.public_key.type
        if key_type not in self.key_types:
            fitting = DEFAULTS.get(key_type)
            told = f"; {fitting} does" if fitting else ", and no cryptosuite does"
            raise InvalidInputError(
                f"{self.name} does not sign with a key of type {key_type}{told}",
                code=Code.PROOF_GENERATION_ERROR,
                path="/proof",
            )
        proof = self._bound(document, options)
        data = self.hash_data(document, proof, key_type=key_type, contexts=contexts)
        return {**proof, "proofValue": multibase_encode(signer.sign(data), "base58btc")}

    def verify(
        self,
        document: Mapping[str, Any],
        proof: Mapping[str, Any],
        key: PublicKey,
        *,
        contexts: Contexts,
    ) -> None:
        """Check a proof; see `Cryptosuite.verify`."""
        signature = _signature(proof.get("proofValue"))
        options = dict(proof)
        del options["proofValue"]
        secured = self._secured(document, options)
        data = self.hash_data(secured, options, key_type=key.type, contexts=contexts)
        try:
            key.verify(signature, data)
        except InvalidInputError as error:
            raise refusal(f"the proof does not hold: {error}", "/proof/proofValue") from error

    def hash_data(
        self,
        document: Mapping[str, Any],
        options: Mapping[str, Any],
        *,
        key_type: KeyType,
        contexts: Contexts,
    ) -> bytes:
        """Return what is signed.

        Args:
            document: The document without ``proof``, or with the proofs that a chain builds on.
            options: The proof without ``proofValue``.
            key_type: The kind of key that signs: its curve chooses the hash.
            contexts: The JSON-LD contexts that may be used.

        Raises:
            InvalidInputError: The proof is of another type or suite, the kind of key is none of
                the suite's, or there is no canonical form.
            NotFoundError: A context is not among `contexts`.
        """
        if key_type not in self.key_types:
            known = ", ".join(sorted(self.key_types))
            raise refusal(f"{self.name} takes keys of type {known}, not {key_type}", "/proof")
        name = _HASH_NAMES[key_type]
        digest = _HASHES[name]
        configuration = self.proof_configuration(document, options, name, contexts)
        return digest(configuration).digest() + self._hashed(document, name, contexts)

    def _hashed(self, document: Mapping[str, Any], name: HashName, contexts: Contexts) -> bytes:
        if not isinstance(document, Unsecured):
            return _HASHES[name](self.transform(document, name, contexts)).digest()
        known, key = document.hashes, (self.name, name)
        if key not in known:
            try:
                known[key] = self._hashed(dict(document), name, contexts)
            except CityIdError as error:
                known[key] = error
        found = known[key]
        if isinstance(found, CityIdError):
            raise found
        return found

    def proof_configuration(
        self,
        document: Mapping[str, Any],
        options: Mapping[str, Any],
        hash_name: HashName,
        contexts: Contexts,
    ) -> bytes:
        """Return the proof without its value in canonical form.

        Args:
            document: The document the proof is of: a JSON-LD suite reads its ``@context``.
            options: The proof without ``proofValue``.
            hash_name: The hash that canonicalization itself uses, where it uses one.
            contexts: The JSON-LD contexts that may be used.

        Raises:
            InvalidInputError: The proof is of another type or suite, or has no canonical form.
            NotFoundError: A context is not among `contexts`.
        """
        if options.get("type") != PROOF_TYPE or options.get("cryptosuite") != self.name:
            met = f"{quote(options.get('type'))}, {quote(options.get('cryptosuite'))}"
            raise refusal(f"a proof of {PROOF_TYPE}, {self.name} is needed, not {met}", "/proof")
        try:
            return self.transform(self._configured(document, options), hash_name, contexts)
        except InvalidInputError as error:
            borrowed = error.path.startswith("/@context") and "@context" not in options
            path = error.path if borrowed else f"/proof{error.path}"
            raise InvalidInputError(reason(error), code=error.code, path=path) from error

    @abstractmethod
    def transform(
        self, document: Mapping[str, Any], hash_name: HashName, contexts: Contexts
    ) -> bytes:
        """Return `document` in canonical form.

        Args:
            document: A JSON object.
            hash_name: The hash that canonicalization itself uses, where it uses one.
            contexts: The JSON-LD contexts that may be used.

        Raises:
            InvalidInputError: There is none: a member would be lost, a number is out of range …
            NotFoundError: A context is not among `contexts`.
        """

    @abstractmethod
    def _bound(self, document: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the proof to be as it stands in the secured document."""

    @abstractmethod
    def _secured(
        self, document: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return that part of the document which the proof speaks of."""

    @abstractmethod
    def _configured(
        self, document: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the proof configuration before it is put in canonical form."""


@dataclass(frozen=True, slots=True)
class RDFCSuite(HashedSuite):
    """A suite over RDF Dataset Canonicalization: what is signed is the meaning of the JSON-LD."""

    def transform(
        self, document: Mapping[str, Any], hash_name: HashName, contexts: Contexts
    ) -> bytes:
        """Return the canonical N-Quads of `document`; see `HashedSuite.transform`."""
        return jsonld.canonicalize(document, contexts, hash_name=hash_name).encode()

    def _bound(self, document: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        del document
        return dict(options)

    def _secured(
        self, document: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        # The configuration takes the document's context whatever the proof says, so that a context
        # of the proof's own would be an unsigned member.
        context = options.get("@context")
        if context is not None and not same_json(context, document.get("@context")):
            raise refusal("the context of the proof is not the document's", "/proof/@context")
        return document

    def _configured(
        self, document: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        return {**options, "@context": document.get("@context")}


@dataclass(frozen=True, slots=True)
class JCSSuite(HashedSuite):
    """A suite over the JSON Canonicalization Scheme: what is signed is the JSON itself."""

    def transform(
        self, document: Mapping[str, Any], hash_name: HashName, contexts: Contexts
    ) -> bytes:
        """Return the canonical JSON of `document`; see `HashedSuite.transform`."""
        del hash_name, contexts
        return jcs.canonicalize(document)

    def _bound(self, document: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        if "@context" not in document:
            return dict(options)
        return {**options, "@context": copy.deepcopy(document["@context"])}

    def _secured(
        self, document: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if "@context" not in options:
            return document
        context, met = options["@context"], document.get("@context")
        if same_json(context, met):
            return document
        signed = as_list(context)
        if not same_json(signed, as_list(met)[: len(signed)]):
            raise refusal(
                "the context of the document does not begin with the proof's", "/proof/@context"
            )
        return {**document, "@context": context}

    def _configured(
        self, document: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        del document
        return options


def refusal(message: str, path: str) -> InvalidInputError:
    """Return the error of a proof that does not verify.

    Args:
        message: What is wrong.
        path: JSON Pointer to it.
    """
    return InvalidInputError(message, code=Code.PROOF_VERIFICATION_ERROR, path=path)


def reason(error: InvalidInputError) -> str:
    """Return what an error says without where, to be told again from another place."""
    return str(error).removesuffix(f" (at {error.path})")


def as_list(value: Any) -> list[Any]:
    """Return a JSON-LD value as the list that it abbreviates."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def same_json(left: Any, right: Any) -> bool:
    """Return whether two JSON values are the same; True is not 1, as it is for Python.

    Raises:
        InvalidInputError: A value is not I-JSON, or nested too deeply.
    """
    if _is_text(left) and _is_text(right):
        return bool(left == right)
    return jcs.canonicalize(left) == jcs.canonicalize(right)


def _is_text(value: Any) -> bool:
    kinds = set(map(type, value)) if type(value) is list else {type(value)}
    return kinds <= {str}


def _signature(value: Any) -> bytes:
    if not isinstance(value, str):
        raise refusal(f"proofValue must be text, not {quote(value)}", "/proof/proofValue")
    try:
        return multibase_decode(value, bases=_BASES, max_length=_LONGEST_SIGNATURE)
    except InvalidInputError as error:
        raise refusal(f"proofValue cannot be read: {error}", "/proof/proofValue") from error
