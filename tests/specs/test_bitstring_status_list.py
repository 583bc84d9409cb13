"""Bitstring Status List 1.0: the lists and entries of the specification's text and of others."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

import cityid
import vectors
from cityid import registry, status
from cityid.credential import Credential
from cityid.encoding import multibase_decode
from cityid.errors import Code, InvalidInputError
from cityid.status.bits import Form, expand, read_leftmost_first
from cityid.status.bitstring import encoded
from town import office, resolver

FOLDER = "bitstring-status-list"
EXAMPLES = vectors.load(FOLDER, "spec-examples.json") or []
AT = datetime(2027, 3, 14, 9, 0, tzinfo=UTC)


def _document(example):
    """Return an example as JSON, without the comments and dots that the text leaves in it."""
    if example["json"] is not None:
        return example["json"]
    lines = (re.sub(r"^\s*(//.*|\.\.\.)$", "", line) for line in example["text"].splitlines())
    return json.loads(re.sub(r",(\s*[\]}])", r"\1", "\n".join(lines)))


DOCUMENTS = [(example["title"], _document(example)) for example in EXAMPLES]


@pytest.mark.parametrize(
    "document",
    [
        vectors.case(FOLDER, document, id=f"{place} {title}")
        for place, (title, document) in enumerate(DOCUMENTS)
        if "credentialStatus" in document and "complex" not in title
    ],
)
def test_the_entries_of_the_specification_are_read(document):
    statuses = Credential.of(document).statuses
    entries = [status.read_entry(one) for one in statuses]
    assert [str(entry.place) for entry in entries] == [s["statusListIndex"] for s in statuses]
    assert {entry.purpose for entry in entries} <= {"revocation", "suspension"}


@pytest.mark.parametrize(
    "document",
    [
        vectors.case(FOLDER, document, id=title)
        for title, document in DOCUMENTS
        if "complex" in title
    ],
)
def test_the_messages_of_the_specification_are_read_and_must_be_complete(document):
    entry = document["credentialStatus"]
    with pytest.raises(InvalidInputError, match="4 messages") as refused:
        status.read_entry(entry, "/credentialStatus")  # the text shows three of them
    assert refused.value.path == "/credentialStatus/statusMessage"
    entry["statusMessage"].append({"status": "0x3", "message": "undefined"})
    read = status.read_entry(entry)
    assert (read.place, read.size, read.message(2)) == (492847, 2, "rejected")


@pytest.mark.parametrize(
    "document",
    [
        vectors.case(FOLDER, document, id=f"{place} {title}")
        for place, (title, document) in enumerate(DOCUMENTS)
        if "encodedList" in document["credentialSubject"]
    ],
)
def test_the_lists_of_the_specification_are_131072_zero_bits(document):
    read = status.read_list(Credential.of(document))
    assert read.bits == bytes(16_384)
    assert read.purposes == {"revocation"}


def _load(name):
    path = vectors.folder(FOLDER)
    return json.loads((path / name).read_text(encoding="utf-8")) if path else None


@pytest.mark.parametrize(
    ("name", "places"),
    [
        vectors.case(FOLDER, f"spruce/{name}", places, id=name)
        for name, places in (
            ("status-list-credential.jsonld", []),
            ("local-status-list-credential.jsonld", [3]),
        )
        if vectors.folder(FOLDER)
    ],
)
def test_lists_of_another_implementation_have_these_bits_set(name, places):
    bits = status.read_list(Credential.of(_load(name))).bits
    assert [n for n in range(len(bits) * 8) if read_leftmost_first(bits, n)] == places


@pytest.mark.parametrize(
    ("name", "value"),
    [
        vectors.case(FOLDER, f"spruce/status_list_revocable_{place}.jsonld", value, id=place)
        for place, value in (("1", 0), ("3", 1))
        if vectors.folder(FOLDER)
    ],
)
def test_entries_of_another_implementation_are_looked_up_in_its_list(name, value):
    (one,) = Credential.of(_load(name)).statuses
    listed = _load("spruce/local-status-list-credential.jsonld")
    assert status.read_list(Credential.of(listed)).value(status.read_entry(one)) == value


@pytest.mark.parametrize(
    "name",
    [
        vectors.case(FOLDER, f"spruce/{path.name}", id=path.name)
        for path in vectors.files(FOLDER, "spruce/*List.json")
    ],
)
def test_lists_of_the_drafts_before_are_refused(name):
    with pytest.raises(InvalidInputError, match="not a BitstringStatusListCredential") as refused:
        status.read_list(Credential.of(_load(name)))
    assert refused.value.code is Code.MALFORMED_VALUE_ERROR
    assert refused.value.path == "/type"


@pytest.mark.parametrize(
    "name",
    [
        vectors.case(FOLDER, path.name, id=path.name)
        for path in vectors.files(FOLDER, "suite-validVc.json")
    ],
)
def test_the_credential_of_the_conformance_suite_gets_an_entry_and_is_revoked(name):
    ledger, url = registry.connect("memory:"), "https://id.city.example/status/suite"
    revoked = status.publish(ledger, office(), url, purpose="revocation", at=AT)
    credential = cityid.issue(_load(name), by=office(), status=revoked, at=AT)
    judge = status.Judge(resolver=resolver(), registry=ledger)
    good = status.check(credential, status.Snapshot(judge, at=AT, latest=True))
    revoked.revoke(credential, at=AT)
    bad = status.check(credential, status.Snapshot(judge, at=AT, latest=True))
    assert (good.outcome, bad.outcome) == (cityid.Outcome.PASSED, cityid.Outcome.FAILED)


def test_compressing_the_list_of_the_specification_gives_back_its_bits():
    assert encoded(bytes(16_384)).startswith("uH4sI")
    assert expand(multibase_decode(encoded(bytes(16_384))), Form.GZIP) == bytes(16_384)
