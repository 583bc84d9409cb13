"""Every exception of cityid, and the code each problem carries.

Exceptions mean that the caller or the world is wrong; a wrong *document* is told in a result.
Every exception carries a `Code`: the URL that W3C gave the problem, or a name of our own.
"""

from __future__ import annotations

import reprlib
from enum import StrEnum
from typing import Any, Protocol

_MESSAGE_LIMIT = 1000
_VCDM = "https://www.w3.org/TR/vc-data-model#"
_SECURITY = "https://w3id.org/security#"
_DID = "https://www.w3.org/ns/did#"
_STATUS = "https://www.w3.org/ns/credentials/status-list#"
_OWN = "urn:cityid:problem:"


class Code(StrEnum):
    """What went wrong, as the ``type`` of an RFC 9457 problem object."""

    # VC Data Model 2.0
    PARSING_ERROR = _VCDM + "PARSING_ERROR"
    MALFORMED_VALUE_ERROR = _VCDM + "MALFORMED_VALUE_ERROR"
    RANGE_ERROR = _VCDM + "RANGE_ERROR"
    # Bitstring Status List 1.0
    STATUS_RETRIEVAL_ERROR = _STATUS + "STATUS_RETRIEVAL_ERROR"
    STATUS_VERIFICATION_ERROR = _STATUS + "STATUS_VERIFICATION_ERROR"
    STATUS_LIST_LENGTH_ERROR = _STATUS + "STATUS_LIST_LENGTH_ERROR"
    # Data Integrity 1.0 and Controlled Identifiers 1.0
    PROOF_GENERATION_ERROR = _SECURITY + "PROOF_GENERATION_ERROR"
    PROOF_VERIFICATION_ERROR = _SECURITY + "PROOF_VERIFICATION_ERROR"
    INVALID_DOMAIN_ERROR = _SECURITY + "INVALID_DOMAIN_ERROR"
    INVALID_CHALLENGE_ERROR = _SECURITY + "INVALID_CHALLENGE_ERROR"
    DATA_LOSS_DETECTION_ERROR = _SECURITY + "DATA_LOSS_DETECTION_ERROR"
    INVALID_VERIFICATION_METHOD_URL = _SECURITY + "INVALID_VERIFICATION_METHOD_URL"
    INVALID_CONTROLLED_IDENTIFIER_DOCUMENT_ID = (
        _SECURITY + "INVALID_CONTROLLED_IDENTIFIER_DOCUMENT_ID"
    )
    INVALID_VERIFICATION_METHOD = _SECURITY + "INVALID_VERIFICATION_METHOD"
    INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD = (
        _SECURITY + "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"
    )
    # DID Resolution
    INVALID_DID = _DID + "INVALID_DID"
    INVALID_DID_URL = _DID + "INVALID_DID_URL"
    INVALID_DID_DOCUMENT = _DID + "INVALID_DID_DOCUMENT"
    INVALID_OPTIONS = _DID + "INVALID_OPTIONS"
    NOT_FOUND = _DID + "NOT_FOUND"
    METHOD_NOT_SUPPORTED = _DID + "METHOD_NOT_SUPPORTED"
    FEATURE_NOT_SUPPORTED = _DID + "FEATURE_NOT_SUPPORTED"
    REPRESENTATION_NOT_SUPPORTED = _DID + "REPRESENTATION_NOT_SUPPORTED"
    INTERNAL_ERROR = _DID + "INTERNAL_ERROR"
    # Text and numbers
    DUPLICATE_KEY = _OWN + "DUPLICATE_KEY"
    NUMBER_OUT_OF_RANGE = _OWN + "NUMBER_OUT_OF_RANGE"
    TOO_DEEP = _OWN + "TOO_DEEP"
    INVALID_UNICODE = _OWN + "INVALID_UNICODE"
    INPUT_TOO_LARGE = _OWN + "INPUT_TOO_LARGE"
    INVALID_ENCODING = _OWN + "INVALID_ENCODING"
    COMPLEXITY_LIMIT_EXCEEDED = _OWN + "COMPLEXITY_LIMIT_EXCEEDED"
    # Keys and signatures
    INVALID_KEY = _OWN + "INVALID_KEY"
    INVALID_SIGNATURE = _OWN + "INVALID_SIGNATURE"
    INVALID_SIGNATURE_ENCODING = _OWN + "INVALID_SIGNATURE_ENCODING"
    NON_CANONICAL_SIGNATURE = _OWN + "NON_CANONICAL_SIGNATURE"
    INSECURE_PERMISSIONS = _OWN + "INSECURE_PERMISSIONS"
    WRONG_PASSPHRASE = _OWN + "WRONG_PASSPHRASE"
    # Contexts, schemas, resources
    CONTEXT_NOT_ALLOWED = _OWN + "CONTEXT_NOT_ALLOWED"
    SCHEMA_NOT_ALLOWED = _OWN + "SCHEMA_NOT_ALLOWED"
    SCHEMA_TOO_COMPLEX = _OWN + "SCHEMA_TOO_COMPLEX"
    SCHEMA_VIOLATION = _OWN + "SCHEMA_VIOLATION"
    DIGEST_MISMATCH = _OWN + "DIGEST_MISMATCH"
    # Network
    ADDRESS_NOT_ALLOWED = _OWN + "ADDRESS_NOT_ALLOWED"
    TIMEOUT = _OWN + "TIMEOUT"
    UNREACHABLE = _OWN + "UNREACHABLE"
    DEREFERENCING_CYCLE = _OWN + "DEREFERENCING_CYCLE"
    # Judgement
    PROOF_EXPIRED = _OWN + "PROOF_EXPIRED"
    PROOF_NOT_YET_VALID = _OWN + "PROOF_NOT_YET_VALID"
    KEY_EXPIRED = _OWN + "KEY_EXPIRED"
    KEY_REVOKED = _OWN + "KEY_REVOKED"
    KEY_SINCE_REVOKED = _OWN + "KEY_SINCE_REVOKED"
    KEY_SINCE_ROTATED = _OWN + "KEY_SINCE_ROTATED"
    ORDER_UNPROVEN = _OWN + "ORDER_UNPROVEN"
    UNKNOWN_ORDER = _OWN + "UNKNOWN_ORDER"
    NO_EVIDENCE = _OWN + "NO_EVIDENCE"
    ISSUER_NOT_TRUSTED = _OWN + "ISSUER_NOT_TRUSTED"
    CLAIM_MISSING = _OWN + "CLAIM_MISSING"
    ISSUER_MISMATCH = _OWN + "ISSUER_MISMATCH"
    HOLDER_BINDING_FAILED = _OWN + "HOLDER_BINDING_FAILED"
    CREDENTIAL_MISSING = _OWN + "CREDENTIAL_MISSING"
    CREDENTIAL_EXPIRED = _OWN + "CREDENTIAL_EXPIRED"
    CREDENTIAL_NOT_YET_VALID = _OWN + "CREDENTIAL_NOT_YET_VALID"
    REPLAY_DETECTED = _OWN + "REPLAY_DETECTED"
    SINGLE_USE_NOT_CHECKED = _OWN + "SINGLE_USE_NOT_CHECKED"
    STATUS_NOT_CHECKED = _OWN + "STATUS_NOT_CHECKED"
    STATUS_CHANGED = _OWN + "STATUS_CHANGED"
    STATUS_STALE = _OWN + "STATUS_STALE"
    STATUS_LIST_FULL = _OWN + "STATUS_LIST_FULL"
    CREDENTIAL_REVOKED = _OWN + "CREDENTIAL_REVOKED"
    CREDENTIAL_SUSPENDED = _OWN + "CREDENTIAL_SUSPENDED"
    TRUST_LIST_UNAVAILABLE = _OWN + "TRUST_LIST_UNAVAILABLE"
    TRUST_LIST_INCONSISTENT = _OWN + "TRUST_LIST_INCONSISTENT"
    ALERT_FAILED = _OWN + "ALERT_FAILED"
    POLICY_DENIED = _OWN + "POLICY_DENIED"
    NOT_VERIFIED = _OWN + "NOT_VERIFIED"
    # Registry and stores
    REGISTRY_UNAVAILABLE = _OWN + "REGISTRY_UNAVAILABLE"
    REGISTRY_CONFLICT = _OWN + "REGISTRY_CONFLICT"
    REGISTRY_UNDETERMINED = _OWN + "REGISTRY_UNDETERMINED"
    WRITE_REFUSED = _OWN + "WRITE_REFUSED"
    HISTORY_PRUNED = _OWN + "HISTORY_PRUNED"
    STORE_CORRUPT = _OWN + "STORE_CORRUPT"
    STORE_LOCKED = _OWN + "STORE_LOCKED"
    # cityid itself
    NOT_SUPPORTED = _OWN + "NOT_SUPPORTED"


def quote(value: object, limit: int = 60) -> str:
    """Return `value` as it may stand in a message: its ``repr``, cut so that no document leaks.

    Args:
        value: What was met. Never pass a secret.
        limit: The most characters to show.
    """
    try:
        text = repr(value[: limit + 1]) if isinstance(value, str | bytes) else reprlib.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


class CityIdError(Exception):
    """The root of all exceptions of cityid.

    Attributes:
        code: What went wrong, for programs.
    """

    code: Code

    def __init__(self, message: str, *, code: Code) -> None:
        super().__init__(message[:_MESSAGE_LIMIT])
        self.code = code


class InvalidInputError(CityIdError, ValueError):
    """A malformed DID, key, document or option.

    Attributes:
        path: JSON Pointer to the fault, empty for the whole input.
    """

    def __init__(
        self, message: str, *, code: Code = Code.MALFORMED_VALUE_ERROR, path: str = ""
    ) -> None:
        super().__init__(f"{message} (at {path})" if path else message, code=code)
        self.path = path


class UnsupportedError(CityIdError):
    """No such key type, cryptosuite, DID method, backend or feature in this version.

    Attributes:
        name: What was asked for.
        known: What there is instead.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str,
        known: tuple[str, ...] = (),
        code: Code = Code.NOT_SUPPORTED,
    ) -> None:
        super().__init__(f"{message}; known: {', '.join(known)}" if known else message, code=code)
        self.name = name
        self.known = known


class NotFoundError(CityIdError, LookupError):
    """A DID, record, context, schema or key that is not there.

    Attributes:
        ref: What was looked for.
    """

    def __init__(self, message: str, *, ref: str, code: Code = Code.NOT_FOUND) -> None:
        super().__init__(message, code=code)
        self.ref = ref


class RegistryError(CityIdError):
    """A registry, store or remote document could not be read or written: the world failed."""

    def __init__(self, message: str, *, code: Code = Code.REGISTRY_UNAVAILABLE) -> None:
        super().__init__(message, code=code)


class ConflictError(RegistryError):
    """Somebody else wrote first.

    Attributes:
        log: The log that was to be appended to.
        expected: The version the writer wanted to write.
        found: The version that is next.
    """

    def __init__(self, message: str, *, log: str, expected: int, found: int) -> None:
        super().__init__(message, code=Code.REGISTRY_CONFLICT)
        self.log = log
        self.expected = expected
        self.found = found


class CorruptError(RegistryError):
    """A store is damaged; it is never treated as empty.

    Attributes:
        place: Where the damage was seen.
    """

    def __init__(self, message: str, *, place: str) -> None:
        super().__init__(message, code=Code.STORE_CORRUPT)
        self.place = place


class ProofGenerationError(CityIdError):
    """A proof could not be made.

    Attributes:
        path: JSON Pointer to the fault, empty for the whole document.
    """

    def __init__(
        self, message: str, *, code: Code = Code.PROOF_GENERATION_ERROR, path: str = ""
    ) -> None:
        super().__init__(f"{message} (at {path})" if path else message, code=code)
        self.path = path


class Explainable(Protocol):
    """What a `VerificationError` needs to know of a result."""

    def explain(self) -> str:
        """Return the report as text for a person."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON."""
        ...


class VerificationError(CityIdError):
    """Facts were required of a result that has none.

    Attributes:
        result: The whole result, with every check.
    """

    def __init__(self, message: str, *, result: Explainable) -> None:
        super().__init__(message, code=Code.NOT_VERIFIED)
        self.result = result
