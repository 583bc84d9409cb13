"""Facts: what a verification proved, and the only thing a policy decides over.

Only `cityid.verify` makes facts, after every check that is not a policy's was passed; code that
takes `Facts` can therefore not be given unverified claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final

from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError, quote
from cityid.status import Finding
from cityid.trust import Recognition


class _Seal:
    """Marks what the verifier made."""

    __slots__ = ()


_SEAL = _Seal()


class Absent(Enum):
    """Stands where there is no value; None is a value of JSON."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.name


ABSENT: Final = Absent.ABSENT


def demand_pointer(pointer: object) -> None:
    """Refuse what names no claim.

    Args:
        pointer: What should be a JSON Pointer to a member.

    Raises:
        InvalidInputError: It is none.
    """
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        raise InvalidInputError(
            "a claim is named by a JSON Pointer such as /credentialSubject/ageOver18, "
            f"not by {quote(pointer)}",
            code=Code.INVALID_OPTIONS,
        )


def _unsealed(name: str) -> InvalidInputError:
    return InvalidInputError(
        f"{name} come from cityid.verify alone; use result.facts or result.require()",
        code=Code.INVALID_OPTIONS,
    )


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """A credential whose every check was passed.

    Attributes:
        credential: The credential as it was secured.
        issuer: Who issued it: the DID that its proofs are bound to.
        path: JSON Pointer to it in the verified document.
        recognitions: What the authorities that the policy believes say about the issuer.
        statuses: What status lists say of it, and how old they are.
    """

    credential: Credential
    issuer: str
    path: str = ""
    recognitions: tuple[Recognition, ...] = ()
    statuses: tuple[Finding, ...] = ()
    seal: InitVar[_Seal | None] = None

    def __post_init__(self, seal: _Seal | None) -> None:
        if seal is not _SEAL:
            raise _unsealed("verified credentials")

    @property
    def types(self) -> tuple[str, ...]:
        """The credential's types, ``VerifiableCredential`` among them."""
        return self.credential.types

    def claims(self, pointer: str, *, holder: str | None = None) -> tuple[Any, ...]:
        """Return the values that stand at a place in the credential.

        Where the credential speaks of several subjects, the place is looked up in the one who
        presents it; without a presenter, in each of them.

        Args:
            pointer: JSON Pointer into the credential, such as ``/credentialSubject/ageOver18``.
            holder: Who presents the credential, if known.

        Returns:
            The values found, one a subject; empty where any of the subjects lacks the place.

        Raises:
            InvalidInputError: The pointer does not begin with ``/``.
        """
        values = self.shown(pointer, holder=holder)
        return () if ABSENT in values else values

    def shown(self, pointer: str, *, holder: str | None = None) -> tuple[Any, ...]:
        """Return what `claims` looks at: one value a subject, `ABSENT` where it lacks the place."""
        demand_pointer(pointer)
        member, _, rest = pointer.removeprefix("/").partition("/")
        if member != "credentialSubject":
            return (_at(self.credential.document, pointer),)
        subjects = self.credential.subjects
        own = tuple(s for s in subjects if holder is not None and s.get("id") == holder)
        return tuple(_at(subject, "/" + rest if rest else "") for subject in own or subjects)


def _at(document: Mapping[str, Any], pointer: str) -> Any:
    value: Any = document
    try:
        for token in pointer.split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            value = value[_index(name)] if isinstance(value, list) else value[name]
    except (KeyError, IndexError, ValueError, TypeError):
        return ABSENT
    return value


def _index(token: str) -> int:
    if not (token.isascii() and token.isdecimal()):
        raise ValueError(token)
    return int(token)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was proven, by whom it was presented, and when.

    Attributes:
        credentials: The verified credentials, in the order of the document.
        at: The time as of which everything was judged.
        holder: Who presented them: the DID that signed the presentation; None without one.
        domain: The domain that the presentation was made for, if any.
    """

    credentials: tuple[VerifiedCredential, ...]
    at: datetime
    holder: str | None = None
    domain: str | None = None
    seal: InitVar[_Seal | None] = None

    def __post_init__(self, seal: _Seal | None) -> None:
        if seal is not _SEAL:
            raise _unsealed("facts")

    def __iter__(self) -> Iterator[VerifiedCredential]:
        return iter(self.credentials)

    def only(self, credential: VerifiedCredential) -> Facts:
        """Return the facts narrowed to one of their credentials."""
        return replace(self, credentials=(credential,), seal=_SEAL)

    def claim(self, pointer: str) -> Any:
        """Return the one value that the credentials have at a place.

        Args:
            pointer: JSON Pointer into a credential, such as ``/credentialSubject/givenName``.

        Raises:
            InvalidInputError: No credential has the place (``CLAIM_MISSING``), several values stand
                there, or the pointer does not begin with ``/``.
        """
        demand_pointer(pointer)
        found = [v for c in self.credentials for v in c.claims(pointer, holder=self.holder)]
        if not found:
            raise InvalidInputError(
                "this claim was not shown; ask for it in the policy",
                code=Code.CLAIM_MISSING,
                path=pointer,
            )
        if len(found) > 1:
            raise InvalidInputError(
                f"{len(found)} values were proven for this claim, one was expected; "
                "read them from facts.credentials",
                path=pointer,
            )
        return found[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON."""
        return {
            "at": self.at.isoformat(),
            "holder": self.holder,
            "domain": self.domain,
            "credentials": [
                {"path": c.path, "issuer": c.issuer, "credential": c.credential.to_dict()}
                for c in self.credentials
            ],
        }


def verified_credential(
    credential: Credential,
    issuer: str,
    path: str,
    recognitions: tuple[Recognition, ...] = (),
    statuses: tuple[Finding, ...] = (),
) -> VerifiedCredential:
    """Seal one credential; for the verifier alone."""
    return VerifiedCredential(credential, issuer, path, recognitions, statuses, seal=_SEAL)


def verified_facts(
    credentials: tuple[VerifiedCredential, ...],
    *,
    at: datetime,
    holder: str | None,
    domain: str | None,
) -> Facts:
    """Seal what was proven; for the verifier alone."""
    return Facts(credentials, at, holder, domain, seal=_SEAL)
