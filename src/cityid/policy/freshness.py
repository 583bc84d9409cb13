"""How old what is known of a credential's status may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from cityid.errors import Code
from cityid.policy.atoms import demand_period, judged
from cityid.policy.base import Decision, Needs, Verdict
from cityid.policy.facts import Facts

_NAME = "fresh_status"


@dataclass(frozen=True)
class FreshStatus:
    """Permits when every status list that was read had been signed recently.

    A list counts from when its issuer signed it, whoever brought it and however new it looks; so
    an issuer whose list is asked for within a day signs it anew every day. A credential without
    status has nothing that could be old.

    Args:
        max_age: How long ago a list may have been signed.

    Raises:
        InvalidInputError: The age is no length of time.
    """

    max_age: timedelta
    public: ClassVar[bool] = False

    def __post_init__(self) -> None:
        demand_period("max_age", self.max_age)

    def needs(self) -> Needs:
        """Return the greatest age: an older list is not taken where a younger one can be had."""
        return Needs(max_status_age=self.max_age)

    def decide(self, facts: Facts) -> Decision:
        """Compare the age of each list."""
        for credential in facts:
            for finding in credential.statuses:
                if finding.age is None or finding.age > self.max_age:
                    told = "at a time unknown" if finding.age is None else f"{finding.age} ago"
                    text = f"the list for {finding.purpose} was signed {told}, which is too long"
                    path = credential.path + finding.path
                    code = Code.STATUS_STALE
                    return judged(_NAME, Verdict.INDETERMINATE, text, code, path)
        return judged(_NAME, Verdict.PERMIT, "what was read of the status is recent")
