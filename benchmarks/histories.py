"""Resolving did:webvh, against the package of its authors where that is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Row, Work, interleaved, shown
from cityid import did, keys, registry
from cityid.did.methods import webvh
from cityid.did.methods.webvh import LogFiles, WebVH

_ENTRIES = 10
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_REFERENCE = "did-webvh"


def resolving(rounds: int) -> Iterator[Row]:
    """Measure a log of ten entries, every key committed to: from where it is kept to the document.

    The first time everything is verified; after that the log is read and compared, as long as it
    is the same.
    """
    history = sample_history()
    name, entries = str(history.did), len(history.entries)
    with (
        TemporaryDirectory() as folder,
        registry.connect(f"file:{folder}/city.registry") as city,
    ):
        path = Path(folder) / "did.jsonl"
        path.write_text(history.to_jsonl(), encoding="utf-8")
        city.append([webvh.entry_record(entry, history.scid) for entry in history.entries])
        kept = did.resolver(city)

        def first() -> did.ResolutionResult:
            method = WebVH(logs={name: LogFiles(path.read_bytes())})
            return did.resolver(methods=[method]).resolve(name)

        works: dict[str, Work] = {"again": lambda: kept.resolve(name), "first": first}
        assert first().document_metadata == kept.resolve(name).document_metadata
        if find_spec("did_webvh") is not None:
            works[_REFERENCE] = _reference(name, path)
        times = interleaved(works, rounds=rounds)
    title = f"did:webvh resolve, {entries} entries, the"
    titles = {"again": f"{title} log as before", "first": f"{title} first time"}
    for work, label in titles.items():
        if _REFERENCE in works:
            yield times.row(label, work, _REFERENCE, 10)
        seconds = times.median(work)
        yield Row(label, 1 / seconds, "/s", f"{shown(seconds)} each")


def _reference(name: str, path: Path) -> Work:
    """Return how the other package resolves the same file, after a look at its answer."""
    from did_webvh.resolver import resolve  # type: ignore[import-not-found, unused-ignore]

    loop = asyncio.new_event_loop()

    def work() -> object:
        answer: dict[str, object] = loop.run_until_complete(resolve(name, local_history=path))
        return answer

    answer = loop.run_until_complete(resolve(name, local_history=path))
    assert answer["didDocument"]["id"] == name
    return work


def sample_history() -> webvh.History:
    """Return a log of ten entries."""
    signers = [keys.generate(seed=bytes([number]) * 32) for number in range(1, _ENTRIES + 2)]
    multikeys = [signer.public_key.multikey for signer in signers]
    template = webvh.template("id.city.example", "registry-office")
    entry = webvh.first_entry(
        _document(template, multikeys[0]), _step(multikeys, 0), signers[0], at=_BEGIN
    )
    history = webvh.begun(entry, at=_BEGIN)
    for number in range(1, _ENTRIES):
        at = _BEGIN + timedelta(days=number)
        entry = webvh.next_entry(
            history,
            signers[number],
            at=at,
            state=_document(str(history.did), multikeys[number]),
            parameters=_step(multikeys, number),
        )
        history = webvh.extended(history, entry, at=at)
    return history


def _step(multikeys: list[str], number: int) -> dict[str, list[str]]:
    following = webvh.key_hash(multikeys[number + 1])
    return {"updateKeys": [multikeys[number]], "nextKeyHashes": [following]}


def _document(name: str, multikey: str) -> dict[str, object]:
    key = f"{name}#key-1"
    method = {"id": key, "type": "Multikey", "controller": name, "publicKeyMultibase": multikey}
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": name,
        "verificationMethod": [method],
        "authentication": [key],
        "assertionMethod": [key],
    }
