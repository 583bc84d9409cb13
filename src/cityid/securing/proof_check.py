"""Whether the proofs of a document hold: for a purpose, at a time, by keys that may prove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cityid import timestamp
from cityid.canonical import Contexts
from cityid.cryptosuites import Cryptosuite
from cityid.cryptosuites.base import Unsecured, reason, refusal
from cityid.errors import (
    CityIdError,
    Code,
    InvalidInputError,
    RegistryError,
    UnsupportedError,
    quote,
)
from cityid.report import Check, Outcome, Problem, combined, worst
from cityid.securing.proof import Proof, in_order
from cityid.securing.signing_key import KeyQuestion, SigningKey
from cityid.strict_json import JSONObject

_HOLDS = Check.passed("proof")
_NO_CHALLENGE = Check.skipped("challenge")
_NO_DOMAIN = Check.skipped("domain")


class Judge(NamedTuple):
    """All that the proofs of one document are judged by.

    Attributes:
        keys: What is asked about their keys: for which purpose, at what time.
        contexts: The JSON-LD contexts that may be used.
        suites: The cryptosuites there are.
        skew: How far in the future a proof may have been created.
    """

    keys: KeyQuestion
    contexts: Contexts
    suites: Mapping[str, Cryptosuite]
    skew: timedelta

    def all_of(
        self, proofs: Sequence[Proof], document: Mapping[str, Any], unsecured: JSONObject
    ) -> tuple[frozenset[str], Check, tuple[Problem, ...]]:
        """Verify all proofs, each after those it builds on.

        Args:
            proofs: All proofs of the document.
            document: The document with its proofs.
            unsecured: The document without them.

        Returns:
            Who controls the keys of the proofs that hold, the check ``proof``, and what became of
            those keys since.

        Raises:
            InvalidInputError: The proofs do not tell in which order they were made.
        """
        controllers: set[str] = set()
        warnings: list[Problem] = []
        held: set[str | None] = set()
        failures: list[tuple[Outcome, Problem]] = []
        alone = Unsecured(unsecured) if len(proofs) > 1 else unsecured
        for proof in in_order(proofs):
            try:
                if proof.previous and not held.issuperset(proof.previous):
                    told = "a proof that this one builds on does not hold"
                    raise refusal(told, proof.at("previousProof"))
                signed = _with_matching(proof, proofs, document) if proof.previous else alone
                key = self.one(proof, signed)
                controllers.add(key.controller)
                warnings += [key.warning] if key.warning else []
                held.add(proof.id)
            except CityIdError as error:
                could_not = isinstance(error, RegistryError)
                outcome = Outcome.INCONCLUSIVE if could_not else Outcome.FAILED
                failures.append((outcome, problem_of(error, proof.path)))
        return frozenset(controllers), _proof_check(failures), tuple(warnings)

    def one(self, proof: Proof, unsecured: JSONObject) -> SigningKey:
        """Verify one proof and return its key.

        Args:
            proof: The proof.
            unsecured: The document as it was when the proof was made.

        Raises:
            CityIdError: The proof does not hold, or (`RegistryError`) its key could not be read.
        """
        suite = suite_named(proof.cryptosuite, self.suites)
        if proof.purpose != self.keys.purpose:
            told = f"the proof was made for {quote(proof.purpose)}, not for {self.keys.purpose}"
            raise refusal(told, proof.at("proofPurpose"))
        _check_times(proof, self.keys.at, self.skew)
        key = self.keys.answer(proof)
        try:
            suite.verify(unsecured, proof.document, key.public_key, contexts=self.contexts)
        except InvalidInputError as error:
            if not error.path.startswith("/proof"):
                raise
            path = proof.path + error.path.removeprefix("/proof")
            raise InvalidInputError(reason(error), code=error.code, path=path) from error
        return key


def _with_matching(
    proof: Proof, proofs: Sequence[Proof], document: Mapping[str, Any]
) -> JSONObject:
    """Return what a chained proof is made of: the document with the proofs that it builds on."""
    return without_proof(
        document, [other.document for other in proofs if other.id in proof.previous]
    )


def _check_times(proof: Proof, at: datetime, skew: timedelta) -> None:
    if proof.created is not None and proof.created > at + skew:
        raise InvalidInputError(
            f"the proof is of {timestamp.write(proof.created)}, which has not come yet",
            code=Code.PROOF_NOT_YET_VALID,
            path=proof.at("created"),
        )
    if proof.expires is not None and at >= proof.expires:
        raise InvalidInputError(
            f"the proof expired at {timestamp.write(proof.expires)}",
            code=Code.PROOF_EXPIRED,
            path=proof.at("expires"),
        )


def _proof_check(failures: Sequence[tuple[Outcome, Problem]]) -> Check:
    if not failures:
        return _HOLDS
    outcome = worst(outcome for outcome, _ in failures)
    problem = combined([problem for met, problem in failures if met is outcome])
    return Check("proof", outcome, problem=problem)


def challenge_check(proofs: Sequence[Proof], expected: str | None) -> Check:
    """Return the check ``challenge``: every proof answers exactly the one that was set.

    Args:
        proofs: Proofs that hold.
        expected: The challenge that was set; None where none was.
    """
    if expected is None:
        return _NO_CHALLENGE
    for proof in proofs:
        if proof.challenge != expected:
            told = "the proof does not answer the challenge that was set"
            problem = Problem(Code.INVALID_CHALLENGE_ERROR, told, path=proof.at("challenge"))
            return Check.failed("challenge", problem)
    return Check.passed("challenge")


def domain_check(proofs: Sequence[Proof], expected: frozenset[str] | None) -> Check:
    """Return the check ``domain``: every proof is meant for these and for nobody else.

    Args:
        proofs: Proofs that hold.
        expected: Whom they must be meant for; None for anybody.
    """
    if expected is None:
        return _NO_DOMAIN
    for proof in proofs:
        if proof.domain != expected:
            met = quote(sorted(proof.domain)) if proof.domain else "nobody in particular"
            told = f"the proof is meant for {met}, not for {quote(sorted(expected))}"
            problem = Problem(Code.INVALID_DOMAIN_ERROR, told, path=proof.at("domain"))
            return Check.failed("domain", problem)
    return Check.passed("domain")


def without_proof(document: Mapping[str, Any], matching: Sequence[JSONObject] = ()) -> JSONObject:
    """Return what a proof is made of.

    Args:
        document: The document, with or without proofs.
        matching: The proofs that a chained proof builds on.
    """
    unsecured = dict(document)
    unsecured.pop("proof", None)
    if matching:
        unsecured["proof"] = list(matching)
    return unsecured


def suite_named(name: str, suites: Mapping[str, Cryptosuite]) -> Cryptosuite:
    """Return the cryptosuite of a name.

    Args:
        name: The name; no other suite ever stands in for it.
        suites: The cryptosuites there are.

    Raises:
        UnsupportedError: There is none.
    """
    suite = suites.get(name)
    if suite is None:
        told = f"there is no cryptosuite {quote(name)}"
        raise UnsupportedError(told, name=name[:80], known=tuple(suites))
    return suite


def problem_of(error: CityIdError, path: str) -> Problem:
    """Tell an error as a problem.

    Args:
        error: What was raised; its own path, where it has one, leads into the document.
        path: JSON Pointer to the proof, for an error without path.
    """
    if isinstance(error, InvalidInputError) and error.path:
        return Problem(error.code, reason(error), path=error.path)
    return Problem(error.code, str(error), path=path)
