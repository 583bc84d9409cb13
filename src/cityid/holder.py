"""DOOR 2: hold credentials, show parts of them, and present them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cityid import timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential, Presentation, check_presentation
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite, suite_for
from cityid.did import Identity
from cityid.did.identity import demand_identity
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.journal import Journal
from cityid.securing import data_integrity
from cityid.wallet import Wallet

__all__ = ["Wallet", "disclose", "present"]

_V2: Final = "https://www.w3.org/ns/credentials/v2"


def present(
    credentials: Sequence[Credential | Mapping[str, Any] | str | bytes],
    *,
    by: Identity,
    challenge: str,
    domain: str,
    contexts: Contexts = CONTEXTS,
    cryptosuite: str | None = None,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    journal: Journal | None = None,
    at: datetime | None = None,
) -> Presentation:
    """Present credentials to one verifier, once.

    Args:
        credentials: The secured credentials, as they were received; `[]` to show a DID alone.
        by: Who presents: a DID and its keys.
        challenge: The verifier's challenge.
        domain: The verifier's domain.
        contexts: The JSON-LD contexts that are admitted.
        cryptosuite: The Data Integrity cryptosuite; by default the one of the key's type.
        suites: The cryptosuites there are.
        journal: Keeps who asked for what, and when; written before the presentation is returned.
        at: When the proof is made; now by default.

    Returns:
        The secured presentation.

    Raises:
        InvalidInputError: A credential is malformed, challenge or domain is empty, or an argument
            is of another kind.
        UnsupportedError: No cryptosuite is built for the key.
        ProofGenerationError: The key cannot make this proof.
        RegistryError: The journal cannot be written.
    """
    _demand_arguments(credentials, by)
    if not challenge or not domain:
        raise InvalidInputError(
            "a presentation answers one challenge of one domain; ask the verifier for both",
            code=Code.INVALID_OPTIONS,
        )
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    verification_method, signer = by.signer("authentication")
    document: dict[str, Any] = {
        "@context": [_V2],
        "type": ["VerifiablePresentation"],
        "holder": str(by.did),
    }
    if credentials:
        held = [Credential.of(credential).to_dict() for credential in credentials]
        document["verifiableCredential"] = held
    problems = check_presentation(document)
    if problems:
        raise InvalidInputError(problems[0].title, code=problems[0].code, path=problems[0].path)
    secured = data_integrity.add_proof(
        document,
        signer=signer,
        verification_method=verification_method,
        purpose="authentication",
        cryptosuite=cryptosuite or suite_for(signer.public_key.type),
        contexts=contexts,
        created=moment,
        challenge=challenge,
        domain=domain,
        suites=suites,
    )
    shown = Presentation.of(secured)
    if journal is not None:
        journal.note(shown, domain=domain, at=moment)
    return shown


def _demand_arguments(credentials: object, by: object) -> None:
    single = isinstance(credentials, Credential | Mapping | str | bytes)
    if single or not isinstance(credentials, Iterable):
        raise InvalidInputError(
            "present takes a list of credentials; put a single one in brackets: [credential]",
            code=Code.INVALID_OPTIONS,
        )
    demand_identity(by, "by")


def disclose(
    credential: Credential | Mapping[str, Any] | str | bytes,
    *,
    reveal: Iterable[str],
    contexts: Contexts = CONTEXTS,
) -> Credential:
    """Show only parts of a credential.

    No cryptosuite with selective disclosure is built yet, so this refuses rather than show all.

    Args:
        credential: The secured credential.
        reveal: JSON Pointers to what is to be shown.
        contexts: The JSON-LD contexts that are admitted.

    Raises:
        UnsupportedError: Always; the credential's cryptosuite shows the whole or nothing.
    """
    del reveal, contexts
    proof = Credential.of(credential).document.get("proof")
    suite = proof.get("cryptosuite") if isinstance(proof, dict) else None
    raise UnsupportedError(
        "this credential's cryptosuite shows the whole credential or nothing",
        name=str(suite or "none"),
    )
