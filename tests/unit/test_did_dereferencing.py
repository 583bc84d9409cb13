from __future__ import annotations

from typing import Any

import pytest

from cityid import did
from cityid.did import DereferencingOptions, DIDDocument, DocumentMetadata, ResolutionResult
from cityid.errors import CityIdError, Code, NotFoundError

ALICE = "did:example:alice"
METHOD = {
    "id": "#key-1",
    "type": "Multikey",
    "controller": ALICE,
    "publicKeyMultibase": did.create().did.identifier,
}
FILES = {"id": "#files", "type": "Files", "serviceEndpoint": "https://files.example/a/"}
PAIR = {
    "id": f"{ALICE}#pair",
    "type": ["Files", "Mail"],
    "serviceEndpoint": ["https://one.example/x", {"uri": "x"}, "mailto:alice@two.example"],
}
DOCUMENT: dict[str, Any] = {
    "id": ALICE,
    "verificationMethod": [METHOD],
    "authentication": ["#key-1"],
    "service": [FILES, PAIR, {"type": "Nameless", "serviceEndpoint": {"uri": "x"}}],
}
URIS = "text/uri-list"


def dereferenced(tail: str, accept: str | None = None, **options: Any) -> did.DereferencingResult:
    asked = DereferencingOptions(accept, **options)
    return did.resolver(documents=[DOCUMENT]).dereference(ALICE + tail, asked)


def test_a_did_gives_the_document():
    result = dereferenced("")
    assert result.require() == DOCUMENT
    assert result.to_dict() == {
        "content": DOCUMENT,
        "dereferencingMetadata": {"contentType": "application/did"},
        "contentMetadata": {},
    }
    assert dereferenced("", "application/did+json").metadata.content_type == "application/did+json"


@pytest.mark.parametrize(
    ("fragment", "part"), [("#key-1", METHOD), ("#files", FILES), ("#pair", PAIR)]
)
def test_a_fragment_gives_a_part(fragment, part):
    assert dereferenced(fragment).content == part


def test_what_is_given_away_may_be_changed():
    resolver = did.resolver(documents=[DOCUMENT])
    resolver.dereference(f"{ALICE}#pair").content["serviceEndpoint"].clear()
    resolver.dereference(ALICE).content["service"].clear()
    assert resolver.dereference(f"{ALICE}#pair").content == PAIR


def test_parts_can_be_had_with_their_urls_written_out():
    expanded = dereferenced("#key-1", expand_relative_urls=True)
    assert expanded.content == METHOD | {"id": f"{ALICE}#key-1"}


def test_the_relationship_of_a_method_can_be_demanded():
    assert dereferenced("#key-1", verification_relationship="authentication").content == METHOD
    result = dereferenced("#key-1", verification_relationship="assertionMethod")
    assert result.error.code is Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD
    other = dereferenced("#key-1", verification_relationship="everything")
    assert other.error.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    ("query", "services"),
    [
        ("?service=files", [FILES]),
        ("?serviceType=Files", [FILES, PAIR]),
        ("?serviceType=Mail&service=pair", [PAIR]),
        ("?serviceType=Nameless", [DOCUMENT["service"][2]]),
        ("?service=fi%6Ces", [FILES]),
    ],
)
def test_services_are_selected(query, services):
    assert dereferenced(query).content == DOCUMENT | {"service": services}


def test_a_fragment_is_looked_for_among_what_was_selected():
    assert dereferenced("?service=files#files").content == FILES
    assert dereferenced("?service=files#pair").error.code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("tail", "urls"),
    [
        ("?service=files", ["https://files.example/a/"]),
        ("?service=pair", ["https://one.example/x", "mailto:alice@two.example"]),
        ("?service=files&relativeRef=b%2Fc", ["https://files.example/a/b/c"]),
        ("?service=files&relativeRef=%2Fc%3Fd%3De%23f", ["https://files.example/c?d=e#f"]),
        ("?service=pair&relativeRef=y", ["https://one.example/y"]),
        ("?service=files&relativeRef=b#f", ["https://files.example/a/b#f"]),
        (
            "?serviceType=Files",
            ["https://files.example/a/", "https://one.example/x", "mailto:alice@two.example"],
        ),
    ],
)
def test_endpoints_are_listed(tail, urls):
    result = dereferenced(tail, URIS)
    assert result.content == urls
    assert result.metadata.content_type == URIS


@pytest.mark.parametrize(
    ("tail", "accept", "code"),
    [
        ("#key-2", None, Code.NOT_FOUND),
        ("#key-1#key-2", None, Code.INVALID_DID_URL),
        ("/path", None, Code.NOT_FOUND),
        ("?service=none", None, Code.NOT_FOUND),
        ("?service=files&serviceType=Mail", URIS, Code.NOT_FOUND),
        ("?serviceType=Nameless", URIS, Code.NOT_FOUND),
        ("?serviceType=Nameless&relativeRef=x", URIS, Code.NOT_FOUND),
        ("?service=files&relativeRef=b%23c#d", URIS, Code.INVALID_DID_URL),
        ("?versionId=1", None, Code.FEATURE_NOT_SUPPORTED),
        ("?versionId=", None, Code.INVALID_DID_URL),
        ("", URIS, Code.REPRESENTATION_NOT_SUPPORTED),
        ("", "text/html", Code.REPRESENTATION_NOT_SUPPORTED),
        ("?service=files", "text/html", Code.REPRESENTATION_NOT_SUPPORTED),
    ],
)
def test_errors_are_told(tail, accept, code):
    result = dereferenced(tail, accept)
    assert result.content is None
    assert result.content_metadata == DocumentMetadata()
    assert result.error.code is code
    with pytest.raises(CityIdError):
        result.require()


class Recorder:
    name = "example"
    features = frozenset({"versionId", "versionTime"})

    def __init__(self, *, deactivated: bool = False) -> None:
        self.asked: list[did.ResolutionOptions] = []
        self.deactivated = deactivated

    def resolve(self, asked: did.DID, options: did.ResolutionOptions) -> ResolutionResult:
        self.asked.append(options)
        metadata = DocumentMetadata(deactivated=self.deactivated, version_id="7")
        return ResolutionResult(DIDDocument.parse({"id": str(asked)}), document_metadata=metadata)


def test_all_parameters_reach_the_method():
    recorder = Recorder()
    resolver = did.resolver(methods=[recorder])
    tail = "?versionId=7&hl=z1&transformKeys=JsonWebKey"
    result = resolver.dereference(ALICE + tail, DereferencingOptions(no_cache=True))
    assert result.content == {"id": ALICE}
    assert result.content_metadata.version_id == "7"
    (options,) = recorder.asked
    assert (options.version_id, options.no_cache) == ("7", True)
    assert options.parameters == (("hl", "z1"), ("transformKeys", "JsonWebKey"))


def test_a_did_that_was_given_up_gives_nothing():
    result = did.resolver(methods=[Recorder(deactivated=True)]).dereference(f"{ALICE}#key-1")
    assert (result.content, result.error) == (None, None)
    assert result.content_metadata.deactivated
    with pytest.raises(NotFoundError):
        result.require()


def test_an_endpoint_may_be_a_did_without_a_service():
    document = {
        "id": ALICE,
        "service": [{"id": "#hub", "type": "Hub", "serviceEndpoint": "did:example:hub"}],
    }
    resolver = did.resolver(documents=[document])
    result = resolver.dereference(f"{ALICE}?service=hub", DereferencingOptions(URIS))
    assert result.content == ["did:example:hub"]


def test_an_endpoint_that_leads_nowhere_is_told():
    document = {
        "id": ALICE,
        "service": [{"id": "#hub", "type": "Hub", "serviceEndpoint": "did:none:hub?service=files"}],
    }
    resolver = did.resolver(documents=[document])
    result = resolver.dereference(f"{ALICE}?service=hub", DereferencingOptions(URIS))
    assert result.error.code is Code.METHOD_NOT_SUPPORTED
