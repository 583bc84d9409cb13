"""Logs of did:webvh for tests: honest ones, and forged ones in which one rule alone is broken.

A forger here has the keys: each entry is hashed and signed anew after it was changed, so that no
other rule refuses it first.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cityid import keys
from cityid.did.methods import webvh
from cityid.did.methods.webvh import SCID_PLACEHOLDER
from cityid.did.methods.webvh.hashing import replaced
from cityid.did.methods.webvh.proofs import make_proof

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TEMPLATE = webvh.template("id.city.example", "registry-office")
KEYS = tuple(keys.generate("Ed25519", seed=bytes([number]) * 32) for number in range(1, 13))
WITNESSES = tuple(keys.generate("Ed25519", seed=bytes([number]) * 32) for number in range(101, 105))

JSON = dict[str, Any]
Change = Callable[[JSON], object]


def multikey(number: int) -> str:
    """Return the Multikey of one of `KEYS`."""
    return KEYS[number].public_key.multikey


def committed(*numbers: int) -> list[str]:
    """Return the hashes of some of `KEYS`."""
    return [webvh.key_hash(multikey(number)) for number in numbers]


def witness_did(number: int) -> str:
    """Return the did:key of one of `WITNESSES`."""
    return f"did:key:{WITNESSES[number].public_key.multikey}"


def witnesses(threshold: int, *numbers: int) -> JSON:
    """Return the parameter that names some of `WITNESSES`."""
    return {"threshold": threshold, "witnesses": [{"id": witness_did(n)} for n in numbers]}


def document(did: str = TEMPLATE, key: int = 0, **members: Any) -> JSON:
    """Return a DID document with one key."""
    name = f"{did}#key-1"
    method = {
        "id": name,
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": multikey(key),
    }
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "verificationMethod": [method],
        "authentication": [name],
        "assertionMethod": [name],
        **members,
    }


def _as_it_is(_: JSON) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Draft:
    """An entry to be written.

    Attributes:
        parameters: Its parameters.
        state: Its document; that of the entry before where it is None.
        signers: Which of `KEYS` sign.
        time: Its ``versionTime``; a day after the entry before where it is None.
        number: Its version number; the next one where it is None.
        change: Changes the entry before it is hashed and signed.
        spoil: Changes the entry after that.
    """

    parameters: JSON = field(default_factory=dict)
    state: JSON | None = None
    signers: tuple[int, ...] = (0,)
    time: str | None = None
    number: int | None = None
    change: Change = _as_it_is
    spoil: Change = _as_it_is


@dataclass(frozen=True)
class Written:
    """A log as it was written."""

    did: str
    entries: tuple[JSON, ...]

    @property
    def log(self) -> str:
        """The log as ``did.jsonl``."""
        return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self.entries)

    @property
    def ids(self) -> list[str]:
        """The ``versionId`` of each entry."""
        return [entry["versionId"] for entry in self.entries]

    def verified(self, proofs: Sequence[JSON] = (), **options: Any) -> webvh.History:
        """Verify the log."""
        return webvh.verify_log(self.did, self.log, proofs, **({"at": NOW} | options))

    def cut(self, count: int) -> Written:
        """Return the first entries alone."""
        return Written(self.did, self.entries[:count])


def begin(parameters: JSON | None = None, **options: Any) -> Draft:
    """Return a first entry to be written, which key 0 controls."""
    return Draft({"updateKeys": [multikey(0)], **(parameters or {})}, **options)


def write(*drafts: Draft, template: str = TEMPLATE) -> Written:
    """Write a log, whatever rules it breaks."""
    entries: list[JSON] = []
    for index, draft in enumerate(drafts):
        entries.append(_written(entries, index, draft, template))
    scid = entries[0]["parameters"].get("scid") or "1" * 46
    names = [str(entry["state"].get("id")) for entry in entries if isinstance(entry["state"], dict)]
    own = [name for name in names if name.startswith(f"did:webvh:{scid}:")]
    return Written([template.replace(SCID_PLACEHOLDER, scid), *own][-1], tuple(entries))


def approval(written: Written, index: int, *numbers: int) -> JSON:
    """Return what some of `WITNESSES` say to an entry."""
    proofs = [
        webvh.witness_entry(written.ids[index], WITNESSES[number], at=NOW)["proof"][0]
        for number in numbers
    ]
    return {"versionId": written.ids[index], "proof": proofs}


def signed(
    entry: JSON, number: int, predecessor: str, signers: Sequence[int], at: datetime
) -> JSON:
    """Hash and sign an entry."""
    unsecured = {name: value for name, value in entry.items() if name != "proof"}
    unsecured["versionId"] = f"{number}-{webvh.entry_hash(unsecured, predecessor)}"
    proofs = [make_proof(unsecured, KEYS[signer], at) for signer in signers]
    return {**unsecured, "proof": proofs}


def _written(before: list[JSON], index: int, draft: Draft, template: str) -> JSON:
    at = START + timedelta(days=index)
    state = draft.state or (document(template) if index == 0 else before[-1]["state"])
    entry = {
        "versionId": SCID_PLACEHOLDER,
        "versionTime": draft.time or at.isoformat().replace("+00:00", "Z"),
        "parameters": copy.deepcopy(draft.parameters),
        "state": copy.deepcopy(state),
    }
    if index == 0:
        entry["parameters"] = {
            "method": "did:webvh:1.0",
            "scid": SCID_PLACEHOLDER,
            **entry["parameters"],
        }
        draft.change(entry)
        scid = webvh.scid_of(entry)
        entry = replaced(entry, SCID_PLACEHOLDER, scid)
        predecessor = entry["parameters"].get("scid", scid)
    else:
        predecessor = before[-1]["versionId"]
        entry = replaced(entry, SCID_PLACEHOLDER, before[0]["parameters"].get("scid"))
        draft.change(entry)
    made = signed(entry, draft.number or index + 1, predecessor, draft.signers, at)
    draft.spoil(made)
    return made
