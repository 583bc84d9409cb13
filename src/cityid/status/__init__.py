"""Status lists: whether a credential is revoked, suspended, or has something to be told.

An issuer publishes a list, puts an entry into each credential, and sets bits later::

    revoked = status.publish(ledger, city, "https://id.city.example/status/1", purpose="revocation")
    credential = cityid.issue({...}, by=city, status=revoked)
    revoked.revoke([credential])

A verifier reads the list that a credential names, as of the time of judgement; a status that cannot
be read never passes.

Spec:
    https://www.w3.org/TR/vc-bitstring-status-list/
"""

from __future__ import annotations

from cityid.status.allocation import Allocator, MemoryAllocator
from cityid.status.allocator_file import FileAllocator
from cityid.status.bitstring import BitstringList, Entry, read_entry, read_list
from cityid.status.cache import Cache
from cityid.status.check import Finding, StatusFindings, check, recheck
from cityid.status.list import Item, StatusList
from cityid.status.publication import publish, reopen, restore
from cityid.status.sources import Judge, Snapshot, Source, Stapled, carried

__all__ = [
    "Allocator",
    "BitstringList",
    "Cache",
    "Entry",
    "FileAllocator",
    "Finding",
    "Item",
    "Judge",
    "MemoryAllocator",
    "Snapshot",
    "Source",
    "Stapled",
    "StatusFindings",
    "StatusList",
    "carried",
    "check",
    "publish",
    "read_entry",
    "read_list",
    "recheck",
    "reopen",
    "restore",
]
