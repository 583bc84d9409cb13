"""Results: every question that was asked of a document, the answers, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cityid import display
from cityid.errors import VerificationError
from cityid.policy import Decision, Facts, Verdict
from cityid.report import BAD, Check, Outcome, Problem, Report
from cityid.status import Finding
from cityid.trust import Recognition

CHECKS: Final = (
    "structure",
    "context",
    "proof",
    "issuer_binding",
    "holder_binding",
    "challenge",
    "domain",
    "validity",
    "schema",
    "status",
    "trust",
)
"""The names of the checks, in the order of the pipeline; ``policy.*`` follows."""

_RANKS = {name: rank for rank, name in enumerate(CHECKS)}
_MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.SKIPPED: "·",
    Outcome.INCONCLUSIVE: "?",
}
_WORDS = {
    Verdict.PERMIT: "PERMITTED",
    Verdict.DENY: "REFUSED",
    Verdict.INDETERMINATE: "UNDECIDED (not permitted)",
}
_PILLS = {
    Verdict.PERMIT: ("✓", "green"),
    Verdict.DENY: ("✗", "red"),
    Verdict.INDETERMINATE: ("?", "amber"),
}


def in_order(report: Report) -> Report:
    """Return the report with its checks in the order of the pipeline.

    Args:
        report: Checks of the names in `CHECKS`.
    """
    checks = sorted(report.checks, key=lambda check: _RANKS[check.name])
    return Report(tuple(checks), report.warnings)


def stands(report: Report) -> bool:
    """Tell whether at least one proof passed, and nothing but a policy failed or stayed open.

    Args:
        report: Every question that was asked.
    """
    proven = False
    for check in report.checks:
        if check.outcome in BAD and not check.name.startswith("policy."):
            return False
        proven = proven or (check.name == "proof" and check.outcome is Outcome.PASSED)
    return proven


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of `cityid.verify`; true when verified **and** permitted.

    Attributes:
        report: The checks in the order of the pipeline, and the warnings.
        decision: What the policy decided, or why it was not asked.
        facts: What was proven; None unless verified.
        statuses: What status lists say of the credentials, how old they are, and where they came
            from; of a credential that does not hold, or of a stranger, nothing is looked up.
    """

    report: Report
    decision: Decision
    facts: Facts | None
    statuses: tuple[Finding, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every question asked, in the order of the pipeline."""
        return self.report.checks

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems of all checks that failed or could not be run."""
        return self.report.errors

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the caller should know although it decides nothing."""
        return self.report.warnings

    @property
    def recognitions(self) -> tuple[Recognition, ...]:
        """Through whom the issuers are recognised, where the policy asks; empty unless verified."""
        return tuple(
            found for credential in self.facts or () for found in credential.recognitions if found
        )

    @property
    def verified(self) -> bool:
        """Whether every check up to ``trust`` allows belief; the policy's say is not counted.

        A deliberate difference from VCDM 2.0: validity and status count.
        """
        return stands(self.report)

    @property
    def proof_valid(self) -> bool:
        """The finding of W3C's *verify proof* alone: there are proofs and all of them hold."""
        return self.report.outcome("proof") is Outcome.PASSED

    def __bool__(self) -> bool:
        return self.verified and bool(self.decision)

    def require(self) -> Facts:
        """Return what was proven.

        Raises:
            VerificationError: The document was not verified, or the policy did not permit.
        """
        if self.facts is None or not self:
            raise VerificationError(self.explain(), result=self)
        return self.facts

    def explain(self) -> str:
        """Return the report as text for a person: the verdict, then one line a check."""
        lines = [_WORDS[self.decision.verdict]]
        for check in self.checks:
            place = f" {check.path}" if check.path else ""
            lines.append(f"  {_MARKS[check.outcome]} {check.name}{place}")
            if check.problem is not None:
                lines.append(f"      {check.problem.title}")
                lines.append(f"      → {check.problem.advice}")
        lines += [f"  i {found.told()} {found.path}" for found in self.statuses]
        lines += [f"  i recognised: {' → '.join(found.path)}" for found in self.recognitions]
        lines += [f"  ! {warning.title}" for warning in self.warnings]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON with RFC 9457 problem objects; it holds no claims."""
        return {
            "verified": self.verified,
            "proofValid": self.proof_valid,
            "decision": self.decision.to_dict(),
            "checks": [check.to_dict() for check in self.checks],
            "warnings": [warning.to_dict() for warning in self.warnings],
            "statuses": [found.to_dict() for found in self.statuses],
            "recognitions": [found.to_dict() for found in self.recognitions],
        }

    def _repr_html_(self) -> str:
        verdict = self.decision.verdict
        mark, colour = _PILLS[verdict]
        return display.card(
            "Verification",
            [("Verified", "yes" if self.verified else "no"), ("Decision", verdict.value)],
            badge=(f"{mark} {_WORDS[verdict]}", colour),
            body=display.checks_table(self.checks),
        )
