"""Data Integrity 1.0: adding proofs to JSON documents, and verifying all that a document has.

The algorithms of the specification leave three things to the reader that are done here: ``created``
and ``expires`` are compared with the time of judgement, a document without any proof is refused,
and one proof that does not hold refuses the whole document.

Spec:
    https://www.w3.org/TR/vc-data-integrity/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cityid import timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.cryptosuites import CRYPTOSUITES, PROOF_TYPE, Cryptosuite
from cityid.cryptosuites.base import as_list, reason
from cityid.did import Resolver
from cityid.errors import (
    Code,
    InvalidInputError,
    NotFoundError,
    ProofGenerationError,
    UnsupportedError,
    quote,
)
from cityid.keys import Signer
from cityid.report import Check, Outcome, Report
from cityid.securing.proof import MOST_PROOFS, Proof, read_proofs
from cityid.securing.proof_check import (
    Judge,
    challenge_check,
    domain_check,
    problem_of,
    suite_named,
    without_proof,
)
from cityid.securing.signing_key import KeyQuestion
from cityid.strict_json import JSONObject

CLOCK_SKEW = timedelta(minutes=5)
"""How far in the future a proof may have been created: clocks differ."""


class ProofFindings(NamedTuple):
    """What the proofs of a document are worth.

    Attributes:
        report: The checks ``proof``, ``challenge`` and ``domain``; it warns of keys that were good
            then and are not any more.
        document: What is secured: the document without its proofs. None unless valid. Where the
            signers signed fewer contexts than the document has, it has those they signed.
        controllers: Who controls the keys of the proofs; empty unless valid.
        proofs: The proofs, in the order they stand in the document; empty unless readable.
    """

    report: Report
    document: JSONObject | None = None
    controllers: frozenset[str] = frozenset()
    proofs: tuple[Proof, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether all proofs hold, for the asked purpose, challenge and domain."""
        return self.document is not None


def add_proof(
    document: Mapping[str, Any],
    *,
    signer: Signer,
    verification_method: str,
    purpose: str,
    cryptosuite: str = "eddsa-rdfc-2022",
    contexts: Contexts = CONTEXTS,
    created: datetime | None = None,
    expires: datetime | None = None,
    challenge: str | None = None,
    domain: str | Sequence[str] | None = None,
    proof_id: str | None = None,
    previous_proof: str | Sequence[str] | None = None,
    nonce: str | None = None,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
) -> JSONObject:
    """Return a new document with one more proof; its parts are shared with `document`.

    A document that has proofs already gets a proof set, or a chain where `previous_proof` is given.
    Contexts are never added: a JSON-LD suite refuses a document whose contexts do not define the
    terms of its proof.

    Args:
        document: The document, with or without proofs.
        signer: Holds the private key.
        verification_method: The URL under which verifiers find the public key.
        purpose: The verification relationship the proof is made under.
        cryptosuite: The name of the cryptosuite.
        contexts: The JSON-LD contexts that may be used.
        created: When the proof is made; None leaves the member out.
        expires: From when on the proof proves nothing.
        challenge: The verifier's challenge that it answers.
        domain: Whom it is meant for.
        proof_id: What later proofs of a chain call it: a URL.
        previous_proof: The ids of the proofs that it builds on.
        nonce: A value that makes this proof differ from others of the same document.
        suites: The cryptosuites there are.

    Raises:
        UnsupportedError: There is no such cryptosuite.
        ProofGenerationError: The document or an option cannot be signed.
        InvalidInputError: A time is naive.

    Spec:
        https://www.w3.org/TR/vc-data-integrity/#add-proof
        https://www.w3.org/TR/vc-data-integrity/#add-proof-set-chain
    """
    suite = suite_named(cryptosuite, suites)
    previous = _listed(previous_proof)
    options: JSONObject = {
        "type": PROOF_TYPE,
        "id": proof_id,
        "cryptosuite": cryptosuite,
        "created": created and timestamp.write(created),
        "expires": expires and timestamp.write(expires),
        "verificationMethod": verification_method,
        "proofPurpose": purpose,
        "challenge": challenge,
        "domain": _listed(domain),
        "nonce": nonce,
        "previousProof": previous,
    }
    options = {name: value for name, value in options.items() if value is not None}
    existing = _existing_proofs(document, proof_id)
    unsecured = without_proof(document, _matching(previous, existing))
    proof = _proof(suite, unsecured, options, signer, contexts)
    return {**document, "proof": [*existing, proof] if existing else proof}


def _proof(
    suite: Cryptosuite,
    unsecured: JSONObject,
    options: JSONObject,
    signer: Signer,
    contexts: Contexts,
) -> JSONObject:
    try:
        proof = suite.create(unsecured, options, signer, contexts=contexts)
    except (InvalidInputError, NotFoundError) as error:
        raise _not_generated(error) from error
    if any(proof.get(name) != value for name, value in options.items()):
        raise ProofGenerationError(f"{suite.name} changed the options of the proof", path="/proof")
    return proof


def verify_proofs(
    document: Mapping[str, Any],
    *,
    resolver: Resolver,
    purpose: str,
    contexts: Contexts = CONTEXTS,
    challenge: str | None = None,
    domain: str | Iterable[str] | None = None,
    at: datetime,
    recorded: datetime | None = None,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
) -> ProofFindings:
    """Verify every proof of a document; all must hold.

    Args:
        document: The secured document.
        resolver: Finds the keys.
        purpose: What every proof must have been made for.
        contexts: The JSON-LD contexts that may be used.
        challenge: The challenge every proof must answer; None where none was set.
        domain: Whom every proof must be meant for, all of them and nobody else; None for anybody.
        at: The time of judgement.
        recorded: When a registry recorded the document, where that is proven: keys that were good
            then will do.
        suites: The cryptosuites there are.
        skew: How far in the future a proof may have been created, and a document changed.

    Returns:
        The findings; a bad document is told there and never raised.

    Raises:
        InvalidInputError: `at` is naive, or `challenge` or `domain` is empty.

    Spec:
        https://www.w3.org/TR/vc-data-integrity/#verify-proof
        https://www.w3.org/TR/vc-data-integrity/#verify-proof-sets-and-chains
    """
    keys = KeyQuestion(resolver, purpose, timestamp.aware(at), recorded, skew)
    judge = Judge(keys, contexts, suites, skew)
    domains = _expected(challenge, domain)
    proofs: tuple[Proof, ...] = ()
    try:
        proofs = read_proofs(document)
        unsecured = without_proof(document)
        controllers, check, warnings = judge.all_of(proofs, document, unsecured)
    except (InvalidInputError, UnsupportedError) as error:
        check = Check.failed("proof", problem_of(error, "/proof"))
    if check.outcome is not Outcome.PASSED:
        skipped = (Check.skipped("challenge"), Check.skipped("domain"))
        return ProofFindings(Report((check, *skipped)), proofs=proofs)
    checks = (check, challenge_check(proofs, challenge), domain_check(proofs, domains))
    report = Report(checks, warnings)
    if not report.clean:
        return ProofFindings(report, proofs=proofs)
    return ProofFindings(report, _secured(unsecured, proofs), controllers, proofs)


def _expected(challenge: str | None, domain: str | Iterable[str] | None) -> frozenset[str] | None:
    """Return the domains that are asked for, after a look at what the caller asks for."""
    if challenge is None and domain is None:
        return None
    domains = domain if isinstance(domain, Iterable) and not isinstance(domain, str) else [domain]
    asked = [*domains, challenge]
    if len(asked) == 1 or any(not isinstance(value, str | None) or value == "" for value in asked):
        raise InvalidInputError(
            "a challenge is a string that is not empty, a domain one or more of them; pass None "
            "to ask for none",
            code=Code.INVALID_OPTIONS,
        )
    return None if domain is None else frozenset(str(value) for value in asked[:-1])


def _secured(unsecured: JSONObject, proofs: Sequence[Proof]) -> JSONObject:
    """Return the document without proofs, and without contexts that no proof speaks of."""
    context = unsecured.get("@context")
    signed = [proof.document.get("@context", context) for proof in proofs]
    if context in signed:
        return unsecured
    return {**unsecured, "@context": max(signed, key=lambda each: len(as_list(each)))}


def _existing_proofs(document: Mapping[str, Any], proof_id: str | None) -> list[JSONObject]:
    if not isinstance(document, Mapping):
        raise ProofGenerationError(f"a document is a JSON object, not {quote(document)}")
    existing = as_list(document.get("proof"))
    if not all(isinstance(proof, dict) for proof in existing):
        raise ProofGenerationError("the document has a proof that is no JSON object", path="/proof")
    if len(existing) >= MOST_PROOFS:
        raise ProofGenerationError(
            f"the document has {len(existing)} proofs already", path="/proof"
        )
    if proof_id is not None and any(proof.get("id") == proof_id for proof in existing):
        raise ProofGenerationError(f"there is a proof {quote(proof_id)} already", path="/proof")
    return existing


def _matching(previous: str | list[str] | None, existing: list[JSONObject]) -> list[JSONObject]:
    names = as_list(previous)
    matching = [proof for proof in existing if proof.get("id") in names]
    if missing := [name for name in names if all(proof["id"] != name for proof in matching)]:
        raise ProofGenerationError(
            f"there is no proof {quote(missing[0])} to build on", path="/proof"
        )
    return matching


def _listed(value: str | Sequence[str] | None) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value
    if not value:
        raise ProofGenerationError("an empty domain or previous proof; pass None to have none")
    return list(value)


def _not_generated(error: InvalidInputError | NotFoundError) -> ProofGenerationError:
    if isinstance(error, InvalidInputError):
        return ProofGenerationError(reason(error), code=error.code, path=error.path)
    return ProofGenerationError(str(error), code=error.code)
