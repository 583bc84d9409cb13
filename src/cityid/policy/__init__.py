"""Policies: whom a service believes, and what it asks.

Atoms (`IssuedBy`, `Recognised`, `HasType`, `Claim`, `HolderBound`, `FreshStatus`) are combined by
`AllOf`, `AnyOf`, `Not` and `SameCredential`; `kyc`, `voting` and `access` are the questions that
city services ask most.
"""

from __future__ import annotations

from cityid.policy.access import access
from cityid.policy.atoms import (
    Claim,
    HasType,
    HolderBound,
    IssuedBy,
    NotOlderThan,
    UnsafeAnyIssuer,
)
from cityid.policy.base import Decision, Needs, Policy, Reason, Verdict
from cityid.policy.combine import AllOf, AnyOf, Not, SameCredential
from cityid.policy.facts import Facts, VerifiedCredential
from cityid.policy.freshness import FreshStatus
from cityid.policy.kyc import kyc
from cityid.policy.recognised import Recognised
from cityid.policy.voting import Election, voting

__all__ = [
    "AllOf",
    "AnyOf",
    "Claim",
    "Decision",
    "Election",
    "Facts",
    "FreshStatus",
    "HasType",
    "HolderBound",
    "IssuedBy",
    "Needs",
    "Not",
    "NotOlderThan",
    "Policy",
    "Reason",
    "Recognised",
    "SameCredential",
    "UnsafeAnyIssuer",
    "Verdict",
    "VerifiedCredential",
    "access",
    "kyc",
    "voting",
]
