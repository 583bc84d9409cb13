"""Recognition: who may issue what, by signed lists of authorities.

An authority recognises an entity for a type of credential, for named claims, in a jurisdiction, for
a time; or it recognises another authority, which recognises in its turn. `recognise`, `withdraw`
and `publish` write the authority's list into its log of a registry; `recognition` asks whether
there is a path from an authority that one believes to an issuer.

Spec:
    https://www.w3.org/TR/vc-recognized-entities-1.0/
"""

from __future__ import annotations

from cityid.trust.actions import ISSUE, RECOGNIZE, RecognizedAction, Scope, claims_of
from cityid.trust.belief import Authorities, trust_check
from cityid.trust.cache import ListCache
from cityid.trust.lists import Reader, RecognitionList, list_id, read_list
from cityid.trust.publishing import publish, recognise, withdraw
from cityid.trust.queries import answer_ebsi, answer_trqp
from cityid.trust.walk import (
    DEPTH,
    Asked,
    ListVersion,
    Recogniser,
    Recognition,
    recognition,
)

__all__ = [
    "DEPTH",
    "ISSUE",
    "RECOGNIZE",
    "Asked",
    "Authorities",
    "ListCache",
    "ListVersion",
    "Reader",
    "Recogniser",
    "Recognition",
    "RecognitionList",
    "RecognizedAction",
    "Scope",
    "answer_ebsi",
    "answer_trqp",
    "claims_of",
    "list_id",
    "publish",
    "read_list",
    "recognise",
    "recognition",
    "trust_check",
    "withdraw",
]
