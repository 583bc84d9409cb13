"""The securing mechanisms: how a proof gets onto a document, and how it is verified there."""

from __future__ import annotations

from cityid.securing.data_integrity import CLOCK_SKEW, ProofFindings, add_proof, verify_proofs

__all__ = ["CLOCK_SKEW", "ProofFindings", "add_proof", "verify_proofs"]
