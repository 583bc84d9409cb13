"""Recorded DID documents are accepted, and recorded executions are agreed with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

import vectors
from cityid import did
from cityid.did import DereferencingOptions, DIDDocument, ResolutionOptions, ResolutionResult
from cityid.errors import Code, InvalidInputError, NotFoundError

FOLDER = "did-core"
OUTCOMES = {
    "defaultOutcome": None,
    "defaultOutcomes": None,
    "deactivatedOutcome": None,
    "invalidDidErrorOutcome": "invalidDid",
    "invalidDidUrlErrorOutcome": "invalidDidUrl",
    "notFoundErrorOutcome": "notFound",
    "representationNotSupportedErrorOutcome": "representationNotSupported",
}

CONTEXT = "the first @context is not that of DID Core, which is a MUST"
CONTROLLER = "a verification method has no DID as its controller, which is a MUST"
ENDPOINT = "a service endpoint is no URL"
OTHER_ID = "the document is that of another DID than the one asked for"
ANOTHER_FORM = "the media type asked for is not that of a DID document"
ENDPOINT_FORM = "the URL of an endpoint is given without being asked for as text/uri-list"
PATH = "the path of a did:web is read in a way that no specification says"
NOTHING = "a success is recorded that gave nothing"
VERSION_TIME = "versionTime is a day, not a time in UTC"

EXCLUDED: dict[tuple[str, int | None], str] = {
    ("did-ion.json", None): CONTROLLER,
    ("did-kilt-2021.json", None): OTHER_ID,
    ("did-knox.json", None): ENDPOINT,
    ("did-polygon-ayanworks.json", None): CONTEXT,
    ("did-unisot.json", None): CONTROLLER,
    ("resolver-did-ion.json", 0): CONTROLLER,
    ("resolver-example-didwg.json", 6): "a document in CBOR, which cityid does not read",
    ("resolver-kilt-2021.json", 0): OTHER_ID,
    ("resolver-knox.json", 0): ENDPOINT,
    ("resolver-knox.json", 3): ENDPOINT,
    ("resolver-mattr-key.json", 0): CONTEXT,
    ("resolver-mattr-key.json", 3): CONTEXT,
    ("resolver-mattr-web.json", 3): OTHER_ID,
    ("resolver-polygon-ayanworks.json", 0): CONTEXT,
    ("resolver-polygon-ayanworks.json", 1): NOTHING,
    ("universal-resolver-did-algo.json", 0): ANOTHER_FORM,
    ("universal-resolver-did-art.json", 0): ANOTHER_FORM,
    ("universal-resolver-did-bba.json", 1): CONTROLLER,
    ("universal-resolver-did-bid.json", 0): ENDPOINT,
    ("universal-resolver-did-btcr.json", 1): CONTROLLER,
    ("universal-resolver-did-ccp.json", 0): CONTEXT,
    ("universal-resolver-did-ccp.json", 1): CONTEXT,
    ("universal-resolver-did-elem.json", 0): CONTEXT,
    ("universal-resolver-did-emtrust.json", 0): CONTEXT,
    ("universal-resolver-did-evan.json", 0): CONTEXT,
    ("universal-resolver-did-github.json", 0): CONTEXT,
    ("universal-resolver-did-hcr.json", 0): CONTEXT,
    ("universal-resolver-did-icon.json", 0): CONTEXT,
    ("universal-resolver-did-ion.json", 0): CONTROLLER,
    ("universal-resolver-did-jolo.json", 0): CONTEXT,
    ("universal-resolver-did-key.json", 0): CONTEXT,
    ("universal-resolver-did-key.json", 1): CONTEXT,
    ("universal-resolver-did-key.json", 2): CONTEXT,
    ("universal-resolver-did-kilt.json", 0): CONTEXT,
    ("universal-resolver-did-knox.json", 0): ENDPOINT,
    ("universal-resolver-did-knox.json", 1): ENDPOINT,
    ("universal-resolver-did-lit.json", 0): "the controller of the document is no DID",
    ("universal-resolver-did-nacl.json", 0): CONTEXT,
    ("universal-resolver-did-ont.json", 0): CONTEXT,
    ("universal-resolver-did-rm.json", 0): ANOTHER_FORM,
    ("universal-resolver-did-sol.json", 0): CONTEXT,
    ("universal-resolver-did-sov.json", 0): CONTROLLER,
    ("universal-resolver-did-stack.json", 0): CONTEXT,
    ("universal-resolver-did-trust.json", 0): CONTROLLER,
    ("universal-resolver-did-trust.json", 1): CONTROLLER,
    ("universal-resolver-did-unisot.json", 0): CONTEXT,
    ("universal-resolver-did-v1.json", 0): CONTEXT,
    ("universal-resolver-did-v1.json", 1): CONTEXT,
    ("universal-resolver-did-v1.json", 2): CONTEXT,
    ("universal-resolver-did-vaa.json", 0): CONTEXT,
    ("universal-resolver-did-web.json", 0): CONTEXT,
    ("universal-resolver-did-web.json", 2): "a service has no type",
    ("universal-resolver-did-work.json", 0): CONTEXT,
    ("universal-resolver-resolver-tests.json", 0): CONTROLLER,
    ("universal-resolver-resolver-tests.json", 1): CONTROLLER,
    ("dereferencer-dif-webvh.json", 0): ENDPOINT_FORM,
    ("dereferencer-ethr-dif.json", 39): VERSION_TIME,
    ("dereferencer-ethr-dif.json", 40): VERSION_TIME,
    ("dereferencer-ethr-dif.json", 41): VERSION_TIME,
    ("dereferencer-ethr-dif.json", 42): VERSION_TIME,
    ("dereferencer-example-didwg.json", 0): "a verification method has no type",
    ("dereferencer-example-didwg.json", 1): "a verification method has no type",
    ("dereferencer-hedera.json", 0): ENDPOINT_FORM,
    ("dereferencer-knox.json", 0): ENDPOINT,
    ("dereferencer-knox.json", 2): ENDPOINT,
    ("dereferencer-mattr.json", 3): PATH,
    ("dereferencer-mattr.json", 4): PATH,
    ("dereferencer-mattr.json", 5): "a service is given where the reduced document is due",
    ("dereferencer-mattr.json", 6): ENDPOINT_FORM,
    ("dereferencer-nft-3box-labs.json", 1): OTHER_ID,
    ("dereferencer-polygon-ayanworks.json", 0): CONTEXT,
    ("dereferencer-polygon-ayanworks.json", 1): NOTHING,
    ("dereferencer-polygon-ayanworks.json", 2): NOTHING,
    ("dereferencer-spruce-web.json", 2): ENDPOINT_FORM,
    ("dereferencer-web-transmute.json", 0): "the file behind the endpoint is given",
    ("universal-resolver-dereferencer-tests.json", 0): CONTROLLER,
    ("universal-resolver-dereferencer-tests.json", 1): CONTROLLER,
}
"""The recordings that break today's specifications: file, execution (None: documents), reason."""


@dataclass(frozen=True)
class Recorded:
    """A DID method that knows what was recorded."""

    name: str
    documents: Mapping[str, Any]
    deactivated: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset({"versionId", "versionTime"})

    def resolve(self, asked: did.DID, _: ResolutionOptions) -> ResolutionResult:
        if str(asked) in self.deactivated:
            return ResolutionResult(None, document_metadata=did.DocumentMetadata(deactivated=True))
        if str(asked) not in self.documents:
            raise NotFoundError("not recorded", ref=str(asked))
        return ResolutionResult(DIDDocument.parse(self.documents[str(asked)]))


def recordings() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in vectors.files(FOLDER, "implementations/*.json"):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def documents(*, excluded: bool = False) -> Iterator[Any]:
    for file, recording in recordings():
        rows = [recording[subject] for subject in recording.get("dids", ()) if subject in recording]
        forms = [
            form
            for row in rows
            for form in (
                json.dumps(row["didDocumentDataModel"]["properties"]),
                *(row[kind]["representation"] for kind in recording["supportedContentTypes"]),
            )
        ]
        subjects = [subject for subject in recording.get("dids", ()) if subject in recording]
        each = len(forms) // max(len(subjects), 1)
        for number, form in enumerate(forms):
            if ((file, None) in EXCLUDED) is excluded:
                values = (subjects[number // each], form)
                yield vectors.case(FOLDER, *values, id=f"{file}-{number}")


def executions(kind: str, *, excluded: bool = False) -> Iterator[Any]:
    for file, recording in recordings():
        expected = {
            index: outcome
            for outcome, indices in recording.get("expectedOutcomes", {}).items()
            for index in indices
        }
        for index, execution in enumerate(recording.get("executions", ())):
            wanted = execution["function"].startswith(kind)
            if wanted and ((file, index) in EXCLUDED) is excluded:
                values = (execution, expected.get(index))
                yield vectors.case(FOLDER, *values, id=f"{file}-{index}")


@pytest.mark.parametrize(("subject", "text"), list(documents()))
def test_a_recorded_document_is_accepted_and_kept(subject, text):
    document = DIDDocument.parse(text)
    assert document.id == subject
    assert document.to_dict() == json.loads(text)
    assert DIDDocument.parse(document.to_json()) == document


@pytest.mark.parametrize(("execution", "outcome"), list(executions("resolve")))
def test_a_recorded_resolution_is_agreed_with(execution, outcome):
    asked, output = execution["input"]["did"], execution["output"]
    accept = (execution["input"].get("resolutionOptions") or {}).get("accept")
    document = output.get("didDocument") or json.loads(output.get("didDocumentStream") or "null")
    deactivated = outcome == "deactivatedOutcome"
    recorded = Recorded(
        method_of(asked),
        {asked: document} if document else {},
        frozenset({asked} if deactivated else ()),
    )
    result = did.resolver(methods=[recorded]).resolve(asked, ResolutionOptions(accept=accept))
    assert result.metadata.legacy_code == OUTCOMES[outcome]
    assert result.document_metadata.deactivated == deactivated
    if outcome in {"defaultOutcome", "defaultOutcomes"}:
        assert result.document.to_dict() == document
        assert result.metadata.content_type == (accept or "application/did")
    else:
        assert result.document is None


@pytest.mark.parametrize(("execution", "outcome"), list(executions("dereference")))
def test_a_recorded_dereferencing_is_agreed_with(execution, outcome):
    asked, output = execution["input"]["didUrl"], execution["output"]
    accept = (execution["input"].get("dereferenceOptions") or {}).get("accept")
    content = output["contentStream"] and json.loads(output["contentStream"])
    subject, fragment = re.split("[?#/]", asked)[0], asked.partition("#")[2]
    recorded = Recorded(method_of(asked), around(subject, fragment, content))
    result = did.resolver(methods=[recorded]).dereference(asked, DereferencingOptions(accept))
    assert result.metadata.legacy_code == OUTCOMES[outcome]
    if outcome in {"defaultOutcome", "defaultOutcomes"}:
        assert result.content == content
    else:
        assert result.content is None
        assert result.metadata.error.code in set(Code)


def test_no_recording_is_excluded_without_need():
    """Each of them is really disagreed with."""
    for case in documents(excluded=True):
        with pytest.raises((AssertionError, InvalidInputError)):
            test_a_recorded_document_is_accepted_and_kept(*case.values)
    for case in executions("resolve", excluded=True):
        with pytest.raises((AssertionError, ValueError)):
            test_a_recorded_resolution_is_agreed_with(*case.values)
    for case in executions("dereference", excluded=True):
        with pytest.raises((AssertionError, ValueError)):
            test_a_recorded_dereferencing_is_agreed_with(*case.values)


def around(subject: str, fragment: str, content: Any) -> dict[str, Any]:
    """Return the document, or one that holds the part of it that was recorded."""
    if not content:
        return {}
    if not fragment:
        return {subject: content}
    member = "service" if "serviceEndpoint" in content else "verificationMethod"
    return {subject: {"id": subject, member: [content]}}


def method_of(asked: str) -> str:
    return [*asked.split(":"), ""][1]
