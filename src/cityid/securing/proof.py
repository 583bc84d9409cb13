"""The proofs of a document as values: what each says, and in which order they must be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from cityid import pointer, timestamp
from cityid.cryptosuites import PROOF_TYPE
from cityid.cryptosuites.base import refusal
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.strict_json import JSONObject

MOST_PROOFS = 32
"""How many proofs a document may have: each costs a key and a signature."""

MOST_CHAINED = 8
"""How many of them may build on others: each of these costs a canonicalization."""

_REQUIRED = ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue")
_STRINGS = frozenset({*_REQUIRED, "id", "challenge", "nonce"})
_TERMS = _STRINGS | {"@context", "created", "expires", "domain", "previousProof"}


class Proof(NamedTuple):
    """One proof of a document, read but not verified.

    Attributes:
        document: Its JSON, exactly; never to be changed.
        path: JSON Pointer to it in the document it secures.
        id: What the proofs of a chain call it.
        cryptosuite: The name of its cryptosuite.
        verification_method: The URL of the key it names.
        purpose: What it was made for.
        created: When it was made.
        expires: From when on it proves nothing.
        challenge: The verifier's challenge that it answers.
        domain: Whom it is meant for.
        previous: The ids of the proofs that it builds on.
    """

    document: JSONObject
    path: str
    id: str | None
    cryptosuite: str
    verification_method: str
    purpose: str
    created: datetime | None
    expires: datetime | None
    challenge: str | None
    domain: frozenset[str]
    previous: tuple[str, ...]

    @classmethod
    def read(cls, document: Any, path: str) -> Proof:
        """Read a proof.

        Args:
            document: Its JSON.
            path: JSON Pointer to it, for the message.

        Raises:
            InvalidInputError: It is no JSON object, or lacks a member or has one of a wrong type.
            UnsupportedError: It is of another type than Data Integrity's.
        """
        if not isinstance(document, dict):
            raise InvalidInputError(
                f"a proof is a JSON object, not {quote(document)}",
                code=Code.PARSING_ERROR,
                path=path,
            )
        _check_strings(document, path)
        return cls(
            document,
            path,
            document.get("id"),
            document["cryptosuite"],
            document["verificationMethod"],
            document["proofPurpose"],
            _moment(document, "created", path),
            _moment(document, "expires", path),
            document.get("challenge"),
            frozenset(_strings(document, "domain", path)),
            _strings(document, "previousProof", path),
        )

    def at(self, member: str) -> str:
        """Return the JSON Pointer to a member."""
        return pointer.join(self.path, member)


def read_proofs(document: Any) -> tuple[Proof, ...]:
    """Return the proofs of a document in the order they stand there; at least one.

    Args:
        document: The secured document.

    Raises:
        InvalidInputError: The document is no JSON object, has no proof (an empty list has none),
            too many, or a malformed one.
        UnsupportedError: A proof is of another type than Data Integrity's.
    """
    if not isinstance(document, dict | Mapping):  # most are dicts, which is quick to see
        raise InvalidInputError(
            f"a secured document is a JSON object, not {quote(document)}", code=Code.PARSING_ERROR
        )
    proof = document.get("proof")
    if proof is None or proof == []:
        raise InvalidInputError(
            "the document has no proof; it is unsecured", code=Code.PARSING_ERROR, path="/proof"
        )
    if not isinstance(proof, list):
        return (Proof.read(proof, "/proof"),)
    if len(proof) > MOST_PROOFS:
        raise InvalidInputError(
            f"{len(proof)} proofs; {MOST_PROOFS} are read at most",
            code=Code.COMPLEXITY_LIMIT_EXCEEDED,
            path="/proof",
        )
    return tuple(Proof.read(item, f"/proof/{index}") for index, item in enumerate(proof))


def in_order(proofs: Sequence[Proof]) -> tuple[Proof, ...]:
    """Return the proofs so that each comes after those it builds on.

    Args:
        proofs: All proofs of a document.

    Raises:
        InvalidInputError: Two proofs share an id, one builds on a proof that is not there,
            proofs build on each other in a circle, or too many build on others.
    """
    if len(proofs) == 1 and not proofs[0].previous:
        return tuple(proofs)
    named: dict[str, Proof] = {}
    for proof in proofs:
        if proof.id is not None and named.setdefault(proof.id, proof) is not proof:
            raise refusal(f"two proofs have the id {quote(proof.id)}", proof.at("id"))
    chained = sum(bool(proof.previous) for proof in proofs)
    if not chained:
        return tuple(proofs)
    if chained > MOST_CHAINED:
        raise InvalidInputError(
            f"{chained} proofs build on others; {MOST_CHAINED} do at most",
            code=Code.COMPLEXITY_LIMIT_EXCEEDED,
            path="/proof",
        )
    placed = {proof.path: proof for proof in proofs}
    before = {
        path: [_named(name, named, proof).path for name in proof.previous]
        for path, proof in placed.items()
    }
    try:
        return tuple(map(placed.__getitem__, TopologicalSorter(before).static_order()))
    except CycleError as error:
        raise refusal("proofs build on each other in a circle", "/proof") from error


def _named(name: str, named: Mapping[str, Proof], by: Proof) -> Proof:
    if name not in named:
        raise refusal(
            f"the proof builds on {quote(name)}, which is not in the document",
            by.at("previousProof"),
        )
    return named[name]


def _check_strings(document: JSONObject, path: str) -> None:
    kind = document.get("type")
    if isinstance(kind, str) and kind != PROOF_TYPE:
        raise UnsupportedError(
            f"proofs of type {quote(kind)} are not verified", name=kind[:80], known=(PROOF_TYPE,)
        )
    for name, value in document.items():
        if name in _STRINGS:
            if not isinstance(value, str):
                told = f"{name} must be a string, not {quote(value)}"
                raise refusal(told, pointer.join(path, name))
        elif name not in _TERMS and (":" in str(name) or str(name).startswith("@")):
            told = f"{quote(name)} is not how a member of a proof is named; use the term"
            raise refusal(told, pointer.join(path, name))
    for name in _REQUIRED:
        if name not in document:
            raise refusal(f"no {name}", pointer.join(path, name))


def _moment(document: JSONObject, name: str, path: str) -> datetime | None:
    if name not in document:
        return None
    try:
        return timestamp.parse(document[name])
    except InvalidInputError as error:
        raise refusal(f"{name}: {error}", pointer.join(path, name)) from error


def _strings(document: JSONObject, name: str, path: str) -> tuple[str, ...]:
    """Return a member that is a string or a list of them, and not empty where it is there."""
    if name not in document:
        return ()
    value = document[name]
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str) for item in values):
        raise refusal(
            f"{name} must be a string or a list of strings, not {quote(value)}",
            pointer.join(path, name),
        )
    return tuple(values)
