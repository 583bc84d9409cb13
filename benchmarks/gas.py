"""What it costs to write on a chain, against ERC-1056 with the same content.

Gas does not depend on the machine; new keys change it by a few dozens. The rules are today's on
Ethereum, under which large calls have a least price (EIP-7623); older rules ask the same or less.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks import documents
from benchmarks.measure import Row
from cityid import did, registry
from cityid.did.methods import ethr
from cityid.registry import NewEntry
from cityid.registry.ethereum.contract import contents, layout
from cityid.registry.ethereum.contract.deployment import creation_code
from cityid.registry.ethereum.contract.layout import Entry
from cityid.registry.ethereum.embedded import make_tester
from cityid.registry.ethereum.hashing import keccak256

_PACKAGE = os.environ.get("CITYID_ERC1056") or "build/anvil/node_modules/ethr-did-registry"
_ERC1056 = Path(
    _PACKAGE, "artifacts", "contracts", "EthereumDIDRegistry.sol", "EthereumDIDRegistry.json"
)
_ATTRIBUTE = b"did/svc/DIDDocument".ljust(32, b"\0")
_YEAR = 365 * 86_400
_LIMIT = 200_000_000
_DID = "did:webvh:QmRaxeeAoQw3Eqor9AjbQDbwzEqXi4gLAjc6WGxQKsvxTd:id.city"


class Town:
    """A chain with both contracts on it, and writers who have written before."""

    def __init__(self) -> None:
        from eth_tester.backends.pyevm.main import get_default_account_keys

        owners = [key.public_key.to_canonical_address() for key in get_default_account_keys(4)]
        self.people = owners
        self.tester = make_tester(*owners)
        self.city, self.deployment = self._create(creation_code(None))
        self.admission = self.send(layout.admit_call(owners[0]))
        self.send(layout.admit_call(owners[1]), by=1)
        self.append(NewEntry("the first of all", 1, b""))
        self.other = None
        if _ERC1056.is_file():
            self.other, _ = self._create(ethr.read_artefact(_ERC1056.read_bytes()))

    def send(self, data: bytes, *, by: int = 0, to: str | None = None) -> int:
        """Call a contract, and return the gas that it used."""
        return self._receipt(data, by, to or self.city)["gas_used"]

    def append(self, *entries: NewEntry) -> int:
        """Append entries in one transaction."""
        packed = [
            Entry(contents.log_id(log), version, contents.content(log, version, data))
            for log, version, data in entries
        ]
        return self.send(layout.append_call(packed))

    def attribute(self, value: bytes, by: int) -> int | None:
        """Set an attribute of somebody in ERC-1056; None where its contract is missing."""
        from eth_abi import encode

        if self.other is None:
            return None
        identity = "0x" + self.people[by].hex()
        types = ("address", "bytes32", "bytes", "uint256")
        signature = f"setAttribute({','.join(types)})".encode()
        arguments = encode(types, (identity, _ATTRIBUTE, value, _YEAR))
        return self.send(keccak256(signature)[:4] + arguments, by=by, to=self.other)

    def _create(self, data: bytes) -> tuple[str, int]:
        receipt = self._receipt(data, 0, None)
        return receipt["contract_address"], receipt["gas_used"]

    def _receipt(self, data: bytes, by: int, to: str | None) -> dict:
        call = {"from": "0x" + self.people[by].hex(), "data": "0x" + data.hex(), "gas": _LIMIT}
        sent = self.tester.send_transaction(call if to is None else call | {"to": to})
        receipt = self.tester.get_transaction_receipt(sent)
        assert receipt["status"] == 1
        return receipt


def gas(_rounds: int) -> Iterator[Row]:
    """Measure what single entries, batches, an anchor and the work with keys cost."""
    town = Town()
    key = random.Random(1).randbytes(64)  # noqa: S311 - any bytes
    samples = {
        "64 random bytes": ("key", key),
        "a DID document": (_DID, _document()),
        "a DID log entry": _entry(),
    }
    for number, (title, (log, content)) in enumerate(samples.items()):
        yield from _single(town, f"{title} ({len(content)} bytes)", log, content, number)
    town.attribute(b"the first of its subject", 3)
    for title, (_, content) in samples.items():
        yield from _batches(town, title, content)
    yield from _rest(town)


def _single(town: Town, title: str, log: str, content: bytes, number: int) -> Iterator[Row]:
    """Compare the first and a later entry of a log with the first and a later attribute."""
    for version, which in ((1, "first of its log"), (2, "later one")):
        ours = town.append(NewEntry(log, version, content))
        yield _against(f"{title}, {which}", ours, town.attribute(content, number))
    compressed = contents.content(log, 2, content)
    if town.other is not None and len(compressed) < len(content):
        theirs = town.attribute(compressed, number)
        yield _against(f"{title}, were theirs compressed alike", ours, theirs, wanted=False)


def _batches(town: Town, title: str, content: bytes) -> Iterator[Row]:
    """Compare batches of later entries of many logs with as many single attributes."""
    for count in (2, 100):
        logs = [f"{title} {count} {number}" for number in range(count)]
        for version in (1, 2):
            ours = town.append(*(NewEntry(log, version, content) for log in logs)) / count
        yield _against(
            f"{title}, one of {count} in a transaction", ours, town.attribute(content, 3)
        )


def _against(name: str, ours: float, theirs: int | None, *, wanted: bool = True) -> Row:
    if theirs is None:
        return Row(name, ours, "gas", "ERC-1056 is missing: make anvil")
    detail = f"{ours / theirs:.2f} of {theirs:,}, setAttribute of ERC-1056"
    return Row(name, ours, "gas", detail, target=theirs if wanted else None, at_most=True)


def _rest(town: Town) -> Iterator[Row]:
    note = _note()
    town.append(NewEntry("anchor", 1, note))
    anchored = town.append(NewEntry("anchor", 2, note))
    yield Row(f"an anchor ({len(note)} bytes)", anchored, "gas", "a checkpoint of any size")
    handed_on = town.send(layout.transfer_call(contents.log_id("anchor"), 2))
    yield Row("a log handed on", handed_on, "gas", "of any length")
    yield Row("a recovery entrusted", town.send(_entrust(town)), "gas", "once a writer")
    appointed = town.send(layout.rotate_call(1, town.people[3]))
    accepted = town.send(layout.accept_call(1), by=3)
    both = f"{appointed:,} and {accepted:,}, for all logs of a writer"
    yield Row("a key replaced: appointed, accepted", appointed + accepted, "gas", both)
    yield Row("a writer admitted", town.admission, "gas", "once a writer")
    yield Row("a registry deployed", town.deployment, "gas", "once")


def _entrust(town: Town) -> bytes:
    return layout.entrust_call(1, town.people[2])


def _document() -> bytes:
    """Return a DID document of one key, as JSON."""
    made = documents.identity("the registry office").document.to_dict()
    method = f"{_DID}#key-1"
    key = made["verificationMethod"][0]["publicKeyMultibase"]
    document = {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": _DID,
        "verificationMethod": [
            {"id": method, "type": "Multikey", "controller": _DID, "publicKeyMultibase": key}
        ],
        "authentication": [method],
        "assertionMethod": [method],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _entry() -> tuple[str, bytes]:
    """Return the log of a did:webvh, and its first entry."""
    ledger = registry.connect("memory:")
    did.create("webvh", domain="id.city.example", path="registry-office", registry=ledger)
    (record,) = ledger.scan()
    return record.log, record.data


def _note() -> bytes:
    """Return the checkpoint of a registry, signed by its operator."""
    signer = documents.identity("the registry office").signer("assertionMethod")[1]
    with registry.connect("memory:", origin="registry.city.example", operator=signer) as ledger:
        return ledger.checkpoint().note.encode()
