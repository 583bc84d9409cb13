"""Credentials and presentations of the VC Data Model: typed views, rules, validity, resources.

Spec:
    https://www.w3.org/TR/vc-data-model-2.0/
"""

from __future__ import annotations

from cityid.credential.model import Credential, Presentation
from cityid.credential.resources import check_related_resources
from cityid.credential.rules import Rule
from cityid.credential.structure import RULES, check_credential, check_presentation
from cityid.credential.validity import check_validity

__all__ = [
    "RULES",
    "Credential",
    "Presentation",
    "Rule",
    "check_credential",
    "check_presentation",
    "check_related_resources",
    "check_validity",
]
