"""Canonical forms: one sequence of bytes for everything that means the same.

`jcs` orders JSON (RFC 8785). `jsonld` turns JSON-LD into statements, under contexts that were
pinned beforehand, and `rdfc` orders statements (RDFC-1.0).
"""

from __future__ import annotations

from cityid.canonical.contexts import CONTEXTS, Contexts
from cityid.canonical.contexts.check import check_contexts

__all__ = ["CONTEXTS", "Contexts", "check_contexts"]
