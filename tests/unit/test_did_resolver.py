from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cityid import did
from cityid.did import (
    DIDDocument,
    DocumentMetadata,
    ResolutionMetadata,
    ResolutionOptions,
    ResolutionResult,
    Resolver,
)
from cityid.did.methods import METHODS
from cityid.errors import (
    Code,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.report import Problem

ALICE = "did:example:alice"
CITY = "https://city.example/office"


@dataclass
class Historian:
    """A DID method with a history."""

    name: str = "example"
    features: frozenset[str] = frozenset({"versionId", "versionTime"})
    asked: list[ResolutionOptions] = field(default_factory=list)
    answer: Any = None

    def resolve(self, asked: did.DID, options: ResolutionOptions) -> ResolutionResult:
        self.asked.append(options)
        return self.answer or ResolutionResult(DIDDocument.parse({"id": str(asked)}))


def controller_document(subject: str = ALICE) -> dict[str, Any]:
    return {
        "id": subject,
        "verificationMethod": [
            {
                "id": "#key-1",
                "type": "Multikey",
                "controller": subject,
                "publicKeyMultibase": did.create().did.identifier,
                "expires": "2030-01-01T00:00:00Z",
                "revoked": "2029-01-01T00:00:00Z",
            }
        ],
        "assertionMethod": ["#key-1"],
    }


def test_a_did_is_resolved():
    identity = did.create()
    result = did.resolver().resolve(str(identity.did))
    assert result == did.resolver().resolve(identity.did)
    assert result.require() == identity.document
    assert result.error is None
    assert result.to_dict() == {
        "@context": "https://w3id.org/did-resolution/v1",
        "didDocument": identity.document.to_dict(),
        "didResolutionMetadata": {"contentType": "application/did"},
        "didDocumentMetadata": {},
    }


@pytest.mark.parametrize(
    ("text", "code", "legacy", "error"),
    [
        ("did:key", Code.INVALID_DID, "invalidDid", InvalidInputError),
        ("did:key:x", Code.INVALID_DID, "invalidDid", InvalidInputError),
        ("did:none:x", Code.METHOD_NOT_SUPPORTED, "methodNotSupported", UnsupportedError),
        ("did:web:a.example", Code.METHOD_NOT_SUPPORTED, "methodNotSupported", UnsupportedError),
        ("did:peer:4z" + "Q" * 46, Code.NOT_FOUND, "notFound", NotFoundError),
    ],
)
def test_errors_are_told_and_raised_when_a_document_is_required(text, code, legacy, error):
    result = did.resolver().resolve(text)
    assert result.document is None
    assert result.document_metadata == DocumentMetadata()
    assert result.error.code is code
    row = result.to_dict()
    assert row["didResolutionMetadata"]["error"]["type"] == code.value
    assert row["didResolutionMetadata"]["legacyCode"] == legacy
    assert (row["didDocument"], row["didDocumentMetadata"]) == (None, {})
    with pytest.raises(error) as caught:
        result.require()
    assert caught.value.code is code


def test_a_made_up_did_is_checked_like_a_read_one():
    assert did.resolver().resolve(did.DID("Key", "a b")).error.code is Code.INVALID_DID


def test_what_a_method_tells_is_passed_on():
    told = Problem(Code.TIMEOUT, "too slow")
    failed = Historian(answer=ResolutionResult(None, ResolutionMetadata(error=told)))
    result = did.resolver(methods=[failed]).resolve(ALICE)
    assert result.metadata.legacy_code == "internalError"
    with pytest.raises(RegistryError) as caught:
        result.require()
    assert caught.value.code is Code.TIMEOUT
    empty = did.resolver(methods=[Historian(answer=ResolutionResult(None))])
    assert empty.resolve(ALICE).error.code is Code.NOT_FOUND


def test_a_did_that_was_given_up_is_no_error():
    gone = ResolutionResult(None, document_metadata=DocumentMetadata(deactivated=True))
    result = did.resolver(methods=[Historian(answer=gone)]).resolve(ALICE)
    assert result.error is None
    assert result.to_dict()["didDocumentMetadata"] == {"deactivated": True}
    with pytest.raises(NotFoundError):
        result.require()


def test_metadata_is_written_with_whole_seconds():
    moment = datetime(2027, 3, 14, 10, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    metadata = DocumentMetadata(
        created=moment,
        updated=moment,
        next_update=moment,
        version_id="1",
        next_version_id="2",
        equivalent_id=("did:example:b",),
        canonical_id="did:example:b",
        proof=({"type": "X"},),
    )
    assert metadata.to_dict() == {
        "created": "2027-03-14T09:00:00Z",
        "updated": "2027-03-14T09:00:00Z",
        "nextUpdate": "2027-03-14T09:00:00Z",
        "versionId": "1",
        "nextVersionId": "2",
        "equivalentId": ["did:example:b"],
        "canonicalId": "did:example:b",
        "proof": [{"type": "X"}],
    }


@pytest.mark.parametrize(
    "options",
    [
        {"version_id": "1"},
        {"version_time": "2027-03-14T09:00:00Z"},
        {"version_time": datetime(2027, 3, 14, 9, tzinfo=UTC)},
        {"version_time": "nonsense"},
    ],
)
def test_methods_without_history_are_not_asked_for_it(options):
    historian = Historian(features=frozenset())
    for resolver in (did.resolver(methods=[historian]), did.resolver(documents=[{"id": ALICE}])):
        result = resolver.resolve(ALICE, ResolutionOptions(**options))
        assert result.error.code is Code.FEATURE_NOT_SUPPORTED
    assert historian.asked == []


@pytest.mark.parametrize(
    ("options", "fine"),
    [
        ({"version_id": "1"}, True),
        ({"version_time": "2027-03-14T09:00:00Z"}, True),
        ({"version_time": datetime(2027, 3, 14, 9, tzinfo=UTC)}, True),
        ({"version_id": ""}, False),
        ({"version_id": 1}, False),
        ({"version_id": "1", "version_time": "2027-03-14T09:00:00Z"}, False),
        ({"version_time": "2027-03-14T09:00:00"}, False),
        ({"version_time": "2027-03-14T09:00:00.5Z"}, False),
        ({"version_time": "2027-03-14T09:00:00+01:00"}, False),
        ({"version_time": "2027-02-30T09:00:00Z"}, False),
        ({"version_time": "2027-03-14"}, False),
        ({"version_time": datetime(2027, 3, 14, 9)}, False),  # noqa: DTZ001 - the fault
        ({"version_time": datetime(2027, 3, 14, 9, 0, 0, 1, tzinfo=UTC)}, False),
        ({"version_time": 7}, False),
    ],
)
def test_options_are_checked_before_a_method_is_asked(options, fine):
    historian = Historian()
    result = did.resolver(methods=[historian]).resolve(ALICE, ResolutionOptions(**options))
    assert (result.error is None) is fine
    assert len(historian.asked) == fine
    assert fine or result.error.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    ("accept", "fine"),
    [
        ("application/did", True),
        ("application/did+json", True),
        ("application/did+ld+json", True),
        ("application/did+cbor", False),
        ("text/html", False),
        (7, False),
        ([], False),
    ],
)
def test_the_representation_is_the_one_asked_for(accept, fine):
    identity = did.create()
    result = did.resolver().resolve(identity.did, ResolutionOptions(accept=accept))
    if fine:
        assert result.metadata.content_type == accept
    else:
        assert result.error.code is Code.REPRESENTATION_NOT_SUPPORTED


def test_relative_urls_are_written_out_when_asked():
    resolver = did.resolver(documents=[controller_document()])
    options = ResolutionOptions(expand_relative_urls=True)
    assert resolver.resolve(ALICE).document.to_dict()["assertionMethod"] == ["#key-1"]
    expanded = resolver.resolve(ALICE, options).document.to_dict()
    assert expanded["assertionMethod"] == [f"{ALICE}#key-1"]


def test_answers_are_kept_up_to_a_number():
    small = Resolver(METHODS, cache_size=2)
    dids = [did.create().did for _ in range(4)]
    first = small.resolve(str(dids[0]))
    assert small.resolve(str(dids[0])) is first
    fresh = small.resolve(str(dids[0]), ResolutionOptions(no_cache=True))
    assert fresh == first
    assert fresh is not first
    for other in dids[1:]:
        small.resolve(str(other))
    assert len(small._kept) == 2
    assert small.resolve(str(dids[0])) is not first
    none = Resolver(METHODS, cache_size=0)
    assert none.resolve(str(dids[0])) == first
    assert len(none._kept) == 0


def test_a_resolver_is_carried_to_another_process():
    identity = did.create()
    resolver = did.resolver(documents=[controller_document()])
    resolver.resolve(str(identity.did))
    copied = pickle.loads(pickle.dumps(resolver))  # noqa: S301 - its own
    assert copied == resolver
    assert len(copied._kept) == 0
    assert copied.resolve(identity.did).document == identity.document
    assert copied.resolve(ALICE).document.id == ALICE


def test_a_resolver_does_not_change():
    methods = dict(METHODS)
    resolver = Resolver(methods)
    methods.clear()
    assert resolver.resolve(did.create().did).document
    with pytest.raises(TypeError):
        resolver.methods["key"] = None


def test_resolvers_share_nothing():
    subject = str(did.create().did)
    first, second = did.resolver(), did.resolver()
    assert first.resolve(subject) is not second.resolve(subject)


def test_own_methods_come_before_those_of_cityid():
    class Key(Historian):
        name = "key"

    subject = str(did.create().did)
    answer = ResolutionResult(DIDDocument.parse({"id": subject}))
    resolver = did.resolver(methods=[Key(name="key", answer=answer)])
    assert resolver.resolve(subject).document.verification_methods == ()


def test_documents_in_hand_are_checked_and_come_first():
    with pytest.raises(InvalidInputError) as fault:
        did.resolver(documents=[{"id": ALICE, "service": 7}])
    assert fault.value.code is Code.INVALID_DID_DOCUMENT
    document = DIDDocument.parse({"id": ALICE})
    resolver = did.resolver(methods=[Historian()], documents=[document])
    assert resolver.resolve(ALICE).document is document


def test_a_verification_method_is_retrieved():
    for subject in (ALICE, CITY):
        resolver = did.resolver(documents=[controller_document(subject)])
        url = f"{subject}#key-1"
        method = resolver.verification_method(url, relationship="assertionMethod")
        assert (method.id, method.controller) == (url, subject)
        assert method.expires == datetime(2030, 1, 1, tzinfo=UTC)
        assert method.revoked == datetime(2029, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "error", "code"),
    [
        ("key-1", InvalidInputError, Code.INVALID_VERIFICATION_METHOD_URL),
        ("#key-1", InvalidInputError, Code.INVALID_VERIFICATION_METHOD_URL),
        (ALICE, InvalidInputError, Code.INVALID_VERIFICATION_METHOD_URL),
        (f"{ALICE}#", InvalidInputError, Code.INVALID_VERIFICATION_METHOD_URL),
        (f"{ALICE}#a#b", InvalidInputError, Code.INVALID_VERIFICATION_METHOD_URL),
        (f"{ALICE}#key-2", InvalidInputError, Code.INVALID_VERIFICATION_METHOD),
        (
            f"{ALICE}?versionId=1#key-1",
            InvalidInputError,
            Code.INVALID_CONTROLLED_IDENTIFIER_DOCUMENT_ID,
        ),
        ("did:none:x#key-1", UnsupportedError, Code.METHOD_NOT_SUPPORTED),
        ("did:None:x#key-1", InvalidInputError, Code.INVALID_DID_URL),
        ("did:key:x#x", InvalidInputError, Code.INVALID_DID),
        ("https://other.example/#key-1", NotFoundError, Code.NOT_FOUND),
    ],
)
def test_what_is_no_verification_method_is_told(url, error, code):
    resolver = did.resolver(documents=[controller_document()])
    with pytest.raises(error) as caught:
        resolver.verification_method(url, relationship="assertionMethod")
    assert caught.value.code is code


def test_a_relationship_must_be_one():
    with pytest.raises(InvalidInputError) as caught:
        did.resolver().verification_method(f"{ALICE}#key-1", relationship="everything")
    assert caught.value.code is Code.INVALID_OPTIONS


def test_a_key_that_cannot_be_read_is_told_when_retrieved():
    document = controller_document()
    document["verificationMethod"][0]["type"] = "RsaVerificationKey2018"
    resolver = did.resolver(documents=[document])
    with pytest.raises(UnsupportedError):
        resolver.verification_method(f"{ALICE}#key-1", relationship="assertionMethod")


def test_a_did_web_is_read_through_fetch():
    document = did.create("web", domain="city.example", path="offices/registry").document
    content = document.to_json().encode()
    asked = []

    def fetch(url: str) -> did.FetchedDocument:
        asked.append(url)
        return did.FetchedDocument(url, content, "application/json")

    resolver = did.resolver(fetch=fetch)
    assert resolver.resolve(document.id).document == document
    assert asked == ["https://city.example/offices/registry/did.json"]
    content = b"{"
    assert resolver.resolve(document.id).error.code is Code.INVALID_DID_DOCUMENT


def test_a_did_web_whose_file_is_gone_is_not_found():
    def fetch(url: str) -> did.FetchedDocument:
        raise NotFoundError("gone", ref=url)

    assert did.resolver(fetch=fetch).resolve("did:web:city.example").error.code is Code.NOT_FOUND
