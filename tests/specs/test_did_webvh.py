"""did:webvh 1.0: published logs resolve, and the same logs are computed from keys and times."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import vectors
from cityid import did, keys
from cityid.did import syntax
from cityid.did.methods import webvh
from cityid.did.methods.webvh import SCID_PLACEHOLDER, LogFiles, WebVH
from cityid.did.methods.webvh.hashing import replaced
from cityid.errors import Code

FOLDER = "did-webvh"
SUITE = "python-resolver-suite"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
_KEY = re.compile(r"- id: (\S+)\s+type: ed25519\s+seed: \"([0-9a-f]{64})\"")
_RESOLVE = re.compile(r"- op: resolve\n(?:    versionNumber: (\d+)\n)?    expect: (\S+)")

DISPUTED = "witness-update"
"""Its second version is approved by one witness, as it says itself, and not by the two in force."""


def files_of(folder: Path) -> LogFiles:
    """Return the files of a log that lie in a folder."""
    proofs = folder / "did-witness.json"
    approvals = proofs.read_bytes() if proofs.exists() else b"[]"
    return LogFiles((folder / "did.jsonl").read_bytes(), approvals)


def entries_of(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of a log that lie in a folder, as JSON."""
    lines = (folder / "did.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def script_of(folder: Path) -> str:
    """Return the script that a log was made by."""
    return (folder.parent / "script.yaml").read_text(encoding="utf-8")


def resolver_of(name: str, files: LogFiles) -> did.Resolver:
    """Return a resolver with one log in hand."""
    return did.resolver(methods=[WebVH(logs={name: files}, clock=lambda: NOW)])


def logs() -> list[Path]:
    return [path.parent for path in vectors.files(FOLDER, "vectors/*/*/did.jsonl")]


def name_of(folder: Path) -> str:
    return f"{folder.parent.name}-{folder.name}"


def resolutions() -> list[Any]:
    cases = []
    for folder in logs():
        for number, expected in _RESOLVE.findall(script_of(folder)):
            label = f"{name_of(folder)}-{expected.removesuffix('.json')}"
            if number:  # not counted: see the tests of versions below
                continue
            if label != f"{DISPUTED}-ts-resolutionResult":
                cases.append(vectors.case(FOLDER, folder, expected, id=label))
    return cases


def absolute(document: dict[str, Any]) -> dict[str, Any]:
    """Write service names out, and give the place of files its slash, as implementations differ."""
    services = []
    for service in document["service"]:
        service = service | {"id": syntax.absolute(service["id"], document["id"])}  # noqa: PLW2901
        if service["type"] == "relativeRef":
            service["serviceEndpoint"] = service["serviceEndpoint"].rstrip("/") + "/"
        services.append(service)
    return document | {"service": services}


def told(metadata: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of the members that are expected; a threshold as the number it is."""
    found = {name: metadata.get(name, False) for name in expected}
    if found.get("witness"):
        threshold = int(metadata["witness"]["threshold"])
        found["witness"] = metadata["witness"] | {"threshold": threshold}
    return found


@pytest.mark.parametrize(("folder", "expected"), resolutions())
def test_a_published_log_resolves_as_published(folder: Path, expected: str):
    wanted = json.loads((folder / expected).read_text(encoding="utf-8"))
    result = resolved(folder)
    if wanted["didDocument"] is None:
        assert result.metadata.legacy_code == wanted["didResolutionMetadata"]["error"]
        assert result.document is None
        return
    assert result.error is None, result.error
    metadata = result.to_dict()["didDocumentMetadata"]
    assert told(metadata, wanted["didDocumentMetadata"]) == wanted["didDocumentMetadata"]
    if wanted["didDocumentMetadata"].get("deactivated"):
        assert result.document is None
        document = webvh.document_of(entries_of(folder)[-1]["state"])
    else:
        document = result.require()
    assert absolute(document.to_dict()) == absolute(wanted["didDocument"])


def resolved(folder: Path, number: int | None = None) -> did.ResolutionResult:
    """Resolve the log that lies in a folder."""
    name = entries_of(folder)[-1]["state"]["id"]
    asked = () if number is None else (("versionNumber", str(number)),)
    options = did.ResolutionOptions(parameters=asked)
    return resolver_of(name, files_of(folder)).resolve(name, options)


VERSIONS = [
    (folder, int(number), expected)
    for folder in logs()
    for number, expected in _RESOLVE.findall(script_of(folder))
    if number
]


@pytest.mark.parametrize(("folder", "number", "expected"), VERSIONS)
def test_an_earlier_version_is_told_as_the_specification_tells_it(
    folder: Path, number: int, expected: str
):
    """The recordings do not: one asked for the last version, one tells another time of updates."""
    wanted = json.loads((folder / expected).read_text(encoding="utf-8"))
    recorded, entries = wanted["didDocumentMetadata"], entries_of(folder)
    result = resolved(folder, number)
    metadata = result.to_dict()["didDocumentMetadata"]
    assert metadata["versionId"] == entries[number - 1]["versionId"]
    assert metadata["updated"] == entries[-1]["versionTime"]
    if recorded["versionNumber"] == number:
        recorded["updated"] = metadata["updated"]
    else:
        result = resolved(folder)
        metadata = result.to_dict()["didDocumentMetadata"]
    assert told(metadata, recorded) == recorded
    assert absolute(result.require().to_dict()) == absolute(wanted["didDocument"])


@pytest.mark.parametrize(
    "folder", [folder for folder in logs() if DISPUTED in str(folder)], ids=name_of
)
def test_a_version_is_approved_by_those_in_force_before_it(folder: Path):
    files = files_of(folder)
    name = entries_of(folder)[-1]["state"]["id"]
    result = resolver_of(name, files).resolve(name)
    assert result.error is not None
    assert result.error.code is Code.INVALID_DID
    assert "too few witnesses" in result.error.title
    first = did.ResolutionOptions(parameters=(("versionNumber", "1"),))
    assert resolver_of(name, files).resolve(name, first).error is None


# --- the same log is computed


def signers_of(folder: Path) -> dict[str, keys.PrivateKey]:
    """Return the keys of a script by their Multikey."""
    seeds = [bytes.fromhex(seed) for _, seed in _KEY.findall(script_of(folder))]
    made = [keys.generate("Ed25519", seed=seed) for seed in seeds]
    return {key.public_key.multikey: key for key in made}


def signer_of(folder: Path, proof: dict[str, Any]) -> keys.PrivateKey:
    return signers_of(folder)[proof["verificationMethod"].rpartition("#")[2]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("folder", "index"),
    [
        vectors.case(FOLDER, folder, index, id=f"{name_of(folder)}-{index + 1}")
        for folder in logs()
        for index in range(len(entries_of(folder)))
    ],
)
def test_each_entry_is_computed_from_parameters_state_time_and_key(folder: Path, index: int):
    entries = entries_of(folder)
    wanted = entries[index]
    signer = signer_of(folder, wanted["proof"][0])
    at = moment(wanted["versionTime"])
    if index == 0:
        scid = wanted["parameters"]["scid"]
        blank = replaced(wanted, scid, SCID_PLACEHOLDER)
        made = webvh.first_entry(blank["state"], blank["parameters"], signer, at=at)
        assert made.document["parameters"]["scid"] == scid
    else:
        log = "\n".join(json.dumps(entry) for entry in entries[:index])
        proofs = files_of(folder).witness_proofs
        name = entries[index - 1]["state"]["id"]
        history = webvh.verify_log(name, log, proofs, at=NOW)
        changed = {"state": wanted["state"], "parameters": wanted["parameters"]}
        made = webvh.next_entry(history, signer, at=at, **changed)
    assert made.document == wanted


@pytest.mark.parametrize(
    ("folder", "entry", "proof"),
    [
        vectors.case(
            FOLDER,
            path.parent,
            entry["versionId"],
            proof,
            id=f"{name_of(path.parent)}-{count}-{turn}",
        )
        for path in vectors.files(FOLDER, "vectors/*/*/did-witness.json")
        for count, entry in enumerate(json.loads(path.read_text(encoding="utf-8")))
        for turn, proof in enumerate(entry["proof"])
    ],
)
def test_each_witness_proof_is_computed(folder: Path, entry: str, proof: dict[str, Any]):
    signer = signer_of(folder, proof)
    made = webvh.witness_entry(entry, signer, at=moment(proof["created"]))
    assert made == {"versionId": entry, "proof": [proof]}


# --- a resolver's own suite


def suite_cases() -> list[Any]:
    cases = vectors.load(FOLDER, f"{SUITE}/resolver-suite.json") or []
    return [
        vectors.case(
            FOLDER, case, id=f"{case['log']}-{case['did_url'].partition('?')[2] or 'latest'}"
        )
        for case in cases
    ]


@pytest.mark.parametrize("case", suite_cases())
def test_the_suite_of_a_resolver_is_answered(case: dict[str, Any]):
    folder = vectors.ROOT / FOLDER / SUITE / "logs" / case["log"]
    name = case["did_url"].partition("?")[0]
    result = resolver_of(name, files_of(folder)).dereference(case["did_url"])
    if case["status"] == "error":
        assert result.metadata.legacy_code == case["didResolutionMetadata"]["error"]
        assert result.content is None
        return
    assert result.error is None, result.error
    wanted = case["didDocumentMetadata"]
    assert told(result.content_metadata.to_dict(), wanted) == wanted
    assert result.content["id"] == name
