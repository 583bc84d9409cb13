"""What a verifier asks of the authorities that a policy believes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cityid.credential import Credential
from cityid.errors import Code, quote
from cityid.report import Check, Outcome, Problem
from cityid.trust.walk import Asked, Recogniser, Recognition

_NAME = "trust"


@dataclass(frozen=True)
class Authorities:
    """What a policy asks of authorities, and who answers: from one snapshot of their lists.

    Attributes:
        asked: The questions.
        answering: Who answers.
    """

    asked: frozenset[Asked]
    answering: Recogniser

    def of(self, credential: Credential) -> tuple[Recognition, ...]:
        """Return what the authorities say about the issuer of an authenticated credential.

        Args:
            credential: The credential; questions about other types than its own are left out.
        """
        types = credential.types
        return tuple(
            self.answering.of_credential(each, credential)
            for each in sorted(self.asked, key=repr)
            if each.for_type in types
        )


def trust_check(credential: Credential, found: Iterable[Recognition]) -> Check:
    """Return the check ``trust`` of a credential whose issuer the policy does not name.

    One recognition is enough; where there is none, a list that cannot be had leaves it open.

    Args:
        credential: The credential.
        found: What the authorities say.
    """
    told = list(found)
    if any(told):
        return Check.passed(_NAME)
    if told:
        still_open = (each for each in told if each.outcome is Outcome.INCONCLUSIVE)
        gravest = next(still_open, told[0])
        return Check(_NAME, gravest.outcome, problem=gravest.problem)
    text = f"the policy does not believe this issuer, {quote(credential.issuer, 100)}"
    problem = Problem(Code.ISSUER_NOT_TRUSTED, text, "name it in IssuedBy", "/issuer")
    return Check.failed(_NAME, problem)
