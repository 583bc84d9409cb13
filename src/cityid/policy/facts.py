"""Facts: what a verification proved, and the only thing a policy decides over.

Only `cityid.verify` makes facts, after every check that is not a policy's was passed; code that
takes `Facts` can therefore not be given unverified claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from typing import Any

from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError


class _Seal:
    """Marks what the verifier made."""

    __slots__ = ()


_SEAL = _Seal()


def _demand(seal: _Seal | None, name: str) -> None:
    if seal is not _SEAL:
        raise InvalidInputError(
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
    """

    credential: Credential
    issuer: str
    path: str = ""
    seal: InitVar[_Seal | None] = None

    def __post_init__(self, seal: _Seal | None) -> None:
        _demand(seal, "verified credentials")

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
        """
        member, _, rest = pointer.removeprefix("/").partition("/")
        if member != "credentialSubject":
            return _look_up((self.credential.document,), pointer)
        subjects = self.credential.subjects
        own = tuple(s for s in subjects if holder is not None and s.get("id") == holder)
        return _look_up(own or subjects, "/" + rest if rest else "")


def _look_up(documents: tuple[Mapping[str, Any], ...], pointer: str) -> tuple[Any, ...]:
    try:
        return tuple(_at(document, pointer) for document in documents)
    except (KeyError, IndexError, ValueError, TypeError):
        return ()


def _at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        value = value[_index(name)] if isinstance(value, list) else value[name]
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
        _demand(seal, "facts")

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
            InvalidInputError: No credential has the place, or several values stand there.
        """
        found = [v for c in self.credentials for v in c.claims(pointer, holder=self.holder)]
        if len(found) != 1:
            raise InvalidInputError(
                f"{len(found)} values were proven for this claim, one was expected", path=pointer
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


def verified_credential(credential: Credential, issuer: str, path: str) -> VerifiedCredential:
    """Seal one credential; for the verifier alone."""
    return VerifiedCredential(credential, issuer, path, seal=_SEAL)


def verified_facts(
    credentials: tuple[VerifiedCredential, ...],
    *,
    at: datetime,
    holder: str | None,
    domain: str | None,
) -> Facts:
    """Seal what was proven; for the verifier alone."""
    return Facts(credentials, at, holder, domain, seal=_SEAL)
