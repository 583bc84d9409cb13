"""Policies made of policies: all of them, any of them, not this one, all about one credential."""

from __future__ import annotations

from dataclasses import dataclass

from cityid.errors import Code, InvalidInputError
from cityid.policy.base import (
    Decision,
    Needs,
    Policy,
    Reason,
    Verdict,
    at_least_one,
    combined_needs,
)
from cityid.policy.facts import Facts


def _reasons(decisions: list[Decision]) -> tuple[Reason, ...]:
    return tuple(reason for decision in decisions for reason in decision.reasons)


def _strongest(decisions: list[Decision], order: tuple[Verdict, Verdict]) -> Verdict:
    verdicts = {decision.verdict for decision in decisions}
    first, second = order
    if first in verdicts:
        return first
    return Verdict.INDETERMINATE if Verdict.INDETERMINATE in verdicts else second


@dataclass(frozen=True, init=False)
class AllOf:
    """Permits when every one of its policies permits.

    Raises:
        InvalidInputError: No policy was given.
    """

    policies: tuple[Policy, ...]

    def __init__(self, *policies: Policy) -> None:
        object.__setattr__(self, "policies", at_least_one("AllOf", policies))

    def needs(self) -> Needs:
        """Return what its policies need together."""
        return combined_needs(self.policies)

    def decide(self, facts: Facts) -> Decision:
        """Deny if one denies; else be indeterminate if one is; else permit."""
        decisions = [policy.decide(facts) for policy in self.policies]
        return Decision(_strongest(decisions, (Verdict.DENY, Verdict.PERMIT)), _reasons(decisions))


@dataclass(frozen=True, init=False)
class AnyOf:
    """Permits when one of its policies permits.

    Raises:
        InvalidInputError: No policy was given.
    """

    policies: tuple[Policy, ...]

    def __init__(self, *policies: Policy) -> None:
        object.__setattr__(self, "policies", at_least_one("AnyOf", policies))

    def needs(self) -> Needs:
        """Return what its policies need together."""
        return combined_needs(self.policies)

    def decide(self, facts: Facts) -> Decision:
        """Permit if one permits, for its reasons; else be indeterminate if one is; else deny."""
        decisions = [policy.decide(facts) for policy in self.policies]
        verdict = _strongest(decisions, (Verdict.PERMIT, Verdict.DENY))
        if verdict is Verdict.PERMIT:
            decisions = [decision for decision in decisions if decision]
        return Decision(verdict, _reasons(decisions))


_INVERSE = {
    Verdict.PERMIT: Verdict.DENY,
    Verdict.DENY: Verdict.PERMIT,
    Verdict.INDETERMINATE: Verdict.INDETERMINATE,
}


@dataclass(frozen=True)
class Not:
    """Permits when its policy denies; only over what a document cannot hide.

    A claim may be left undisclosed, so its absence proves nothing: `Not` takes policies over
    public facts alone (issuer and type).

    Raises:
        InvalidInputError: The policy looks at claims.
    """

    policy: Policy

    def __post_init__(self) -> None:
        if not getattr(self.policy, "public", False):
            raise InvalidInputError(
                f"Not({type(self.policy).__name__}) would take a hidden claim for an absent one; "
                "negate issuers or types, or ask for a claim that says the opposite",
                code=Code.INVALID_OPTIONS,
            )

    def needs(self) -> Needs:
        """Return nothing: whom a policy excludes, it does not believe."""
        return Needs()

    def decide(self, facts: Facts) -> Decision:
        """Say the opposite; what is indeterminate stays so."""
        decision = self.policy.decide(facts)
        verdict = _INVERSE[decision.verdict]
        code = None if verdict is Verdict.PERMIT else Code.POLICY_DENIED
        text = "not: " + "; ".join(reason.text for reason in decision.reasons)
        return Decision(verdict, (Reason("not", verdict, text, code),))


_RANK = {Verdict.DENY: 0, Verdict.INDETERMINATE: 1, Verdict.PERMIT: 2}


@dataclass(frozen=True, init=False)
class SameCredential:
    """Permits when one single credential satisfies every one of its policies.

    It keeps a claim from one issuer from being read beside the type of another.

    Raises:
        InvalidInputError: No policy was given.
    """

    policies: tuple[Policy, ...]

    def __init__(self, *policies: Policy) -> None:
        object.__setattr__(self, "policies", at_least_one("SameCredential", policies))

    def needs(self) -> Needs:
        """Return what its policies need together."""
        return combined_needs(self.policies)

    def decide(self, facts: Facts) -> Decision:
        """Judge each credential by itself and keep the best decision."""
        whole = AllOf(*self.policies)
        decisions = [whole.decide(facts.only(credential)) for credential in facts]
        if not decisions:
            text = "nothing was presented"
            reason = Reason("same_credential", Verdict.INDETERMINATE, text, Code.CREDENTIAL_MISSING)
            return Decision(Verdict.INDETERMINATE, (reason,))
        return max(decisions, key=_merit)


def _merit(decision: Decision) -> tuple[int, int]:
    satisfied = sum(reason.verdict is Verdict.PERMIT for reason in decision.reasons)
    return _RANK[decision.verdict], satisfied
