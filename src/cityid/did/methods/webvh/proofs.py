"""Proofs of a log: eddsa-jcs-2022 by a did:key, of entries and of what witnesses approve.

Spec:
    https://identity.foundation/didwebvh/v1.0/#authorized-keys
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cityid import timestamp
from cityid.canonical import CONTEXTS
from cityid.cryptosuites import CRYPTOSUITES
from cityid.errors import Code, InvalidInputError, quote
from cityid.keys import PublicKey, Signer

CRYPTOSUITE: Final = "eddsa-jcs-2022"
PURPOSE: Final = "assertionMethod"


def method_of(multikey: str) -> str:
    """Return the verification method by which proofs name a key."""
    return f"did:key:{multikey}#{multikey}"


def make_proof(document: Mapping[str, Any], signer: Signer, at: datetime) -> dict[str, Any]:
    """Return a proof over a document that has none.

    Args:
        document: The entry without ``proof``, or what a witness approves.
        signer: An Ed25519 key.
        at: When the proof is made.

    Raises:
        InvalidInputError: The key is of another kind.
    """
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "verificationMethod": method_of(signer.public_key.multikey),
        "created": timestamp.write(at),
        "proofPurpose": PURPOSE,
    }
    return CRYPTOSUITES[CRYPTOSUITE].create(document, options, signer, contexts=CONTEXTS)


def signing_key(proof: Mapping[str, Any]) -> str:
    """Return the Multikey that a proof names.

    Args:
        proof: The proof.

    Raises:
        InvalidInputError: It is of another type, suite or purpose, or names no did:key.
    """
    for name, wanted in (
        ("type", "DataIntegrityProof"),
        ("cryptosuite", CRYPTOSUITE),
        ("proofPurpose", PURPOSE),
    ):
        if proof.get(name) != wanted:
            raise _refused(f"{name} is {wanted}, not {quote(proof.get(name))}")
    method = proof.get("verificationMethod")
    multikey = method.rpartition("#")[2] if isinstance(method, str) else ""
    if not multikey or method != method_of(multikey):
        raise _refused(f"{quote(method)} is not a did:key and, behind #, its key once more")
    return multikey


def check_proof(
    document: Mapping[str, Any], proof: Mapping[str, Any], key: PublicKey, at: datetime
) -> None:
    """Check that a proof holds.

    Args:
        document: What was signed.
        proof: The proof, as `signing_key` has read it.
        key: The key that it names.
        at: The time at which it must not have expired.

    Raises:
        InvalidInputError: It does not hold.
    """
    if "created" in proof:
        timestamp.parse(proof["created"])
    if "expires" in proof and timestamp.parse(proof["expires"]) <= at:
        raise InvalidInputError("the proof has expired", code=Code.PROOF_EXPIRED)
    CRYPTOSUITES[CRYPTOSUITE].verify(document, proof, key, contexts=CONTEXTS)


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.PROOF_VERIFICATION_ERROR)
