"""Ages as credentials tell them: not the birthday, only whether somebody is over so many years."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cityid.errors import Code, InvalidInputError, quote
from cityid.policy.atoms import judged
from cityid.policy.base import Decision, Needs, Verdict
from cityid.policy.facts import Facts

OLDEST: Final = 150
"""Nobody is asked to be older, in years."""

_AGE_OVER = re.compile(r"ageOver([1-9][0-9]{0,2})", re.ASCII)


def demand_age(name: str, value: object, *, least: int) -> None:
    """Refuse what is no age: true would ask for one year, 18.5 and "18" for nothing.

    Args:
        name: What the value is given as.
        value: The value.
        least: The lowest age that makes sense there.

    Raises:
        InvalidInputError: It is no whole number, or not an age of mortals.
    """
    if type(value) is not int or not least <= value <= OLDEST:
        raise InvalidInputError(
            f"{name} is a whole number between {least} and {OLDEST} years, not {quote(value)}",
            code=Code.INVALID_OPTIONS,
        )


@dataclass(frozen=True)
class AgeOver:
    """Permits when a credential shows that somebody is over so many years.

    Any ``ageOverNN`` claim of at least that age that is true will do; one of at most that age that
    is false denies, whatever else is shown.

    Args:
        years: The age that is asked.

    Raises:
        InvalidInputError: It is no age.
    """

    years: int

    def __post_init__(self) -> None:
        demand_age("age_over", self.years, least=1)

    def needs(self) -> Needs:
        """Return nothing."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Permit if one credential shows the age; else deny if one shows a lower age."""
        path, refuted = f"/credentialSubject/ageOver{self.years}", False
        for credential in facts:
            verdicts = {
                self._verdict(subject)
                for subject in credential.shown("/credentialSubject", holder=facts.holder)
            }
            if verdicts == {Verdict.PERMIT}:
                text = f"the age of {self.years} is confirmed"
                return judged("claim", Verdict.PERMIT, text, None, credential.path + path)
            refuted = refuted or Verdict.DENY in verdicts
        if refuted:
            text = f"{path} is not true as asked"
            return judged("claim", Verdict.DENY, text, Code.POLICY_DENIED, path)
        text = f"{path} was not shown, nor that of a higher age; asked: true"
        return judged("claim", Verdict.INDETERMINATE, text, Code.CLAIM_MISSING, path)

    def _verdict(self, subject: Mapping[str, Any]) -> Verdict:
        found = ((_AGE_OVER.fullmatch(name), value) for name, value in subject.items())
        ages = {int(match[1]): value for match, value in found if match}
        if ages.get(self.years, True) is not True:
            return Verdict.DENY
        if any(value is False for age, value in ages.items() if age < self.years):
            return Verdict.DENY
        if any(value is True for age, value in ages.items() if age >= self.years):
            return Verdict.PERMIT
        return Verdict.INDETERMINATE
