"""did:webvh 1.0: an identifier whose whole history is a signed log.

How it fits together:

- `template` gives the name of a DID to be, `first_entry` and `next_entry` write entries, `begun`
  and `extended` hold them to every rule and give the `History`; `deactivating` and `moved` help
  with what is to be written, `witness_entry` approves a version.
- `verify_log` makes a `History` out of ``did.jsonl`` and ``did-witness.json``; a history is made by
  verifying alone. `History.resolve` answers for one version; `History.to_jsonl` and
  `History.to_witness_json` write the files.
- `WebVH` is the DID method: it finds the log in files in hand, in a registry or on the web.
  `entry_record` and `witness_record` say how a registry keeps a log.

Spec:
    https://identity.foundation/didwebvh/v1.0/
"""

from __future__ import annotations

from cityid.did.methods.webvh.documents import did_web_document, document_of, implicit_services
from cityid.did.methods.webvh.entry import LogEntry, read_entry, read_lines
from cityid.did.methods.webvh.hashing import entry_hash, key_hash, scid_of
from cityid.did.methods.webvh.history import History, verify_log
from cityid.did.methods.webvh.location import SCID_PLACEHOLDER, Place, place_of, template
from cityid.did.methods.webvh.method import WebVH
from cityid.did.methods.webvh.parameters import Parameters, Witnesses
from cityid.did.methods.webvh.rules import RULES, Version
from cityid.did.methods.webvh.sources import (
    LogFiles,
    entry_record,
    log_name,
    witness_log_name,
    witness_record,
)
from cityid.did.methods.webvh.witness import (
    Approval,
    read_witness_proofs,
    witness_entry,
    witness_file,
)
from cityid.did.methods.webvh.writing import (
    begun,
    deactivating,
    extended,
    first_entry,
    moved,
    next_entry,
    sealed,
)

__all__ = [
    "RULES",
    "SCID_PLACEHOLDER",
    "Approval",
    "History",
    "LogEntry",
    "LogFiles",
    "Parameters",
    "Place",
    "Version",
    "WebVH",
    "Witnesses",
    "begun",
    "deactivating",
    "did_web_document",
    "document_of",
    "entry_hash",
    "entry_record",
    "extended",
    "first_entry",
    "implicit_services",
    "key_hash",
    "log_name",
    "moved",
    "next_entry",
    "place_of",
    "read_entry",
    "read_lines",
    "read_witness_proofs",
    "scid_of",
    "sealed",
    "template",
    "verify_log",
    "witness_entry",
    "witness_file",
    "witness_log_name",
    "witness_record",
]
