"""Where did:webvh finds logs: files, a registry, the web; and the files beside a log."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from cityid import CONTEXTS, did, registry
from cityid.cryptosuites import CRYPTOSUITES
from cityid.did import DereferencingOptions, FetchedDocument
from cityid.did.dereferencing import URI_LIST
from cityid.did.methods import webvh
from cityid.did.methods.webvh import LogFiles, WebVH, method, sources
from cityid.errors import Code, InvalidInputError, NotFoundError, RegistryError
from cityid.registry import NewEntry
from webvh_logs import KEYS, NOW, Draft, Written, approval, begin, document, witnesses, write

BASE = "https://id.city.example/registry-office"
LOG, PROOFS = f"{BASE}/did.jsonl", f"{BASE}/did-witness.json"


class Web:
    """A web of a few files; what is asked for is kept."""

    def __init__(self, files: Mapping[str, str | bytes], media_type: str = "text/jsonl") -> None:
        self.files = files
        self.media_type = media_type
        self.asked: list[str] = []

    def __call__(self, url: str) -> FetchedDocument:
        self.asked.append(url)
        if url not in self.files:
            raise NotFoundError("nothing lies there", ref=url)
        content = self.files[url]
        data = content if isinstance(content, bytes) else content.encode()
        return FetchedDocument(url, data, self.media_type)


def down(_: str) -> FetchedDocument:
    raise RegistryError("the network is down", code=Code.UNREACHABLE)


def resolver(*arguments: Any, **options: Any) -> did.Resolver:
    return did.resolver(methods=[WebVH(*arguments, clock=lambda: NOW, **options)])


def code_of(result: did.ResolutionResult) -> Code | None:
    return None if result.error is None else result.error.code


def recorded(written: Written, *approvals: dict[str, Any]) -> registry.Registry:
    """Return a registry that holds a log."""
    ledger = registry.connect("memory:")
    scid = written.did.split(":")[2]
    entries = [webvh.read_entry(json.dumps(entry)) for entry in written.entries]
    ledger.append([webvh.entry_record(entry, scid) for entry in entries])
    for version, entry in enumerate(approvals, start=1):
        ledger.append([webvh.witness_record(entry, scid, version)])
    return ledger


def test_without_a_place_to_look_the_method_is_not_there():
    for found in (did.resolver(), resolver()):
        result = found.resolve(write(begin()).did)
        assert code_of(result) is Code.METHOD_NOT_SUPPORTED


def test_a_log_that_is_nowhere_is_not_found():
    written, other = write(begin()), write(begin({"ttl": 1}))
    assert code_of(resolver(registry.connect("memory:")).resolve(written.did)) is Code.NOT_FOUND
    assert code_of(resolver(fetch=Web({})).resolve(written.did)) is Code.NOT_FOUND
    logs = {other.did: LogFiles(other.log)}
    assert code_of(resolver(logs=logs).resolve(written.did)) is Code.NOT_FOUND


# --- a registry


def test_a_registry_gives_the_log():
    written = write(begin(), Draft())
    found = did.resolver(recorded(written))
    assert found.resolve(written.did).document_metadata.version_id == written.ids[1]
    key = found.verification_method(f"{written.did}#key-1", relationship="assertionMethod")
    assert key.controller == written.did


def test_a_registry_gives_the_approvals():
    written = write(begin({"witness": witnesses(2, 0, 1)}), Draft())
    one_by_one = [approval(written, 1, number) for number in (0, 1)]
    assert code_of(resolver(recorded(written, *one_by_one)).resolve(written.did)) is None
    one = resolver(recorded(written, one_by_one[0])).resolve(written.did)
    assert code_of(one) is Code.INVALID_DID


def test_a_registry_that_lost_its_last_entry_is_found_out_by_the_approvals():
    written = write(begin({"witness": witnesses(1, 0)}), Draft())
    ledger = recorded(written.cut(1), approval(written, 0, 0), approval(written, 1, 0))
    result = resolver(ledger).resolve(written.did)
    assert result.error is not None
    assert "cut off" in result.error.title


def test_approvals_in_the_registry_hold_for_files_too():
    written = write(begin({"witness": witnesses(1, 0)}), Draft())
    ledger = recorded(written, approval(written, 1, 0))
    logs = {written.did: LogFiles(written.log)}
    assert code_of(resolver(ledger, logs=logs).resolve(written.did)) is None
    assert code_of(resolver(logs=logs).resolve(written.did)) is Code.INVALID_DID


def test_files_are_read_where_the_registry_holds_nothing():
    written = write(begin())
    logs = {written.did: LogFiles(written.log)}
    empty = registry.connect("memory:")
    assert code_of(resolver(empty, logs=logs).resolve(written.did)) is None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("{}", b"\xff"),
        ("{}", b"no entry"),
        ("{}/witness", b"\xff"),
        ("{}/witness", b"[]"),
        ("{}/witness", b"{}"),
    ],
)
def test_rubbish_in_a_registry_is_no_log(name: str, data: bytes):
    written = write(begin())
    scid = written.did.split(":")[2]
    ledger = registry.connect("memory:") if name == "{}" else recorded(written)
    ledger.append([NewEntry(name.format(scid), 1, data)])
    assert code_of(resolver(ledger).resolve(written.did)) is Code.INVALID_DID


def test_a_registry_with_too_long_a_log_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "MAX_ENTRIES", 1)
    written = write(begin(), Draft())
    assert code_of(resolver(recorded(written)).resolve(written.did)) is Code.INVALID_DID
    assert code_of(resolver(recorded(written.cut(1))).resolve(written.did)) is None


def test_a_registry_that_fails_is_never_an_empty_one():
    ledger = registry.connect("memory:")
    ledger.close()
    result = did.resolver(ledger).resolve(write(begin()).did)
    assert code_of(result) is Code.REGISTRY_UNAVAILABLE
    with pytest.raises(RegistryError):
        result.require()


def test_the_registry_answers_before_the_web_is_asked():
    written = write(begin())
    web = Web({LOG: written.log})
    assert code_of(resolver(recorded(written), web).resolve(written.did)) is None
    assert web.asked == []


# --- logs that were verified before


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the DIDs whose logs are verified, one each time."""
    seen: list[str] = []

    def watched(name: did.DID, *arguments: Any, **options: Any) -> webvh.History:
        seen.append(str(name))
        return webvh.verify_log(name, *arguments, **options)

    monkeypatch.setattr(method, "verify_log", watched)
    return seen


def test_the_same_log_is_verified_once(verified: list[str]):
    written = write(begin(), Draft())
    ledger = recorded(written.cut(1))
    found = resolver(ledger)
    first = [found.resolve(written.did) for _ in range(3)]
    assert len(verified) == 1
    assert first[0] == first[2]
    ledger.append([entry_of(written, 1)])
    assert found.resolve(written.did).document_metadata.version_id == written.ids[1]
    assert len(verified) == 2


def entry_of(written: Written, index: int) -> NewEntry:
    entry = webvh.read_entry(json.dumps(written.entries[index]))
    return webvh.entry_record(entry, written.did.split(":")[2])


def test_a_log_with_a_fault_is_verified_again(verified: list[str]):
    written = write(begin(), Draft(signers=(3,)))
    found = resolver(recorded(written))
    assert {code_of(found.resolve(written.did)) for _ in range(2)} == {Code.INVALID_DID}
    assert len(verified) == 2


def test_a_log_is_verified_again_when_the_clock_went_back(verified: list[str]):
    written = write(begin())
    times = [NOW, NOW - timedelta(days=365)]
    found = did.resolver(methods=[WebVH(recorded(written), clock=lambda: times.pop(0))])
    assert code_of(found.resolve(written.did)) is None
    assert code_of(found.resolve(written.did)) is Code.INVALID_DID
    assert len(verified) == 2


def test_a_log_that_ends_is_verified_again(verified: list[str]):
    def ending(entry: dict[str, Any]) -> None:
        options = entry["proof"][0] | {"expires": "2026-11-22T09:00:01Z"}
        del options["proofValue"]
        unsecured = {name: value for name, value in entry.items() if name != "proof"}
        suite = CRYPTOSUITES["eddsa-jcs-2022"]
        entry["proof"] = [suite.create(unsecured, options, KEYS[0], contexts=CONTEXTS)]

    written = write(begin(spoil=ending))
    times = [NOW, NOW + timedelta(seconds=1)]
    found = did.resolver(methods=[WebVH(recorded(written), clock=lambda: times.pop(0))])
    assert code_of(found.resolve(written.did)) is None
    assert code_of(found.resolve(written.did)) is Code.INVALID_DID
    assert len(verified) == 2


def test_few_and_small_logs_are_kept(monkeypatch: pytest.MonkeyPatch, verified: list[str]):
    one, other = write(begin()), write(begin({"ttl": 1}))
    logs = {written.did: LogFiles(written.log) for written in (one, other)}
    monkeypatch.setattr(method, "CACHE_SIZE", 1)
    found = resolver(logs=logs)
    for name in (one.did, other.did, one.did):
        assert code_of(found.resolve(name)) is None
    assert len(verified) == 3
    monkeypatch.setattr(method, "MAX_KEPT", 10)
    found = resolver(logs=logs)
    for _ in range(2):
        assert code_of(found.resolve(one.did)) is None
    assert len(verified) == 5


def test_a_method_goes_to_another_process_without_what_it_keeps():
    written = write(begin())
    sent = WebVH(logs={written.did: LogFiles(written.log)}, known_versions={"a": "b"})
    assert code_of(did.resolver(methods=[sent]).resolve(written.did)) is None
    arrived = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own
    assert (arrived.logs, arrived.known_versions) == (sent.logs, sent.known_versions)
    assert code_of(did.resolver(methods=[arrived]).resolve(written.did)) is None


# --- the web


def test_the_web_gives_the_log():
    written = write(begin())
    web = Web({LOG: written.log})
    assert code_of(resolver(fetch=web).resolve(written.did)) is None
    assert web.asked == [LOG]
    assert code_of(resolver(registry.connect("memory:"), web).resolve(written.did)) is None


def test_the_web_gives_the_approvals_of_a_log_that_has_witnesses():
    written = write(begin({"witness": witnesses(1, 0)}))
    proofs = json.dumps([approval(written, 0, 0)])
    web = Web({LOG: written.log, PROOFS: proofs})
    assert code_of(resolver(fetch=web).resolve(written.did)) is None
    assert web.asked == [LOG, PROOFS]
    assert code_of(resolver(fetch=Web({LOG: written.log})).resolve(written.did)) is Code.INVALID_DID


def test_a_web_that_cannot_be_reached_is_never_an_empty_one():
    result = resolver(fetch=down).resolve(write(begin()).did)
    assert code_of(result) is Code.UNREACHABLE


def test_a_failure_on_the_way_to_the_approvals_is_told_as_one():
    written = write(begin({"witness": witnesses(1, 0)}))

    def half(url: str) -> FetchedDocument:
        return down(url) if url == PROOFS else Web({LOG: written.log})(url)

    assert code_of(resolver(fetch=half).resolve(written.did)) is Code.UNREACHABLE


# --- files beside the log


PRESENTATION = '{"type":"VerifiablePresentation"}'
FILES = {
    f"{BASE}/whois.vp": PRESENTATION,
    f"{BASE}/governance/issuers.json": '{"issuers":[]}',
    "https://files.town.example/a": b"\x00\xff",
}


def dereferenced(
    path: str, *, accept: str | None = None, media_type: str = "application/vp", **members: Any
) -> did.DereferencingResult:
    written = write(begin(state=document(**members)))
    web = Web({LOG: written.log, **FILES}, media_type)
    options = DereferencingOptions(accept=accept)
    return resolver(fetch=web).dereference(written.did + path, options)


def test_whois_gives_the_presentation_that_is_published():
    result = dereferenced("/whois")
    assert result.require() == json.loads(PRESENTATION)
    assert result.metadata.content_type == "application/vp"
    assert dereferenced("/whois", accept=URI_LIST).require() == [f"{BASE}/whois.vp"]


def test_a_path_gives_the_file_below_the_log():
    found = dereferenced("/governance/issuers.json", media_type="application/json")
    assert found.require() == {"issuers": []}
    nothing = dereferenced("/nothing")
    assert nothing.error is not None
    assert nothing.metadata.legacy_code == "notFound"


def service(name: str, endpoint: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": f"did:webvh:{{SCID}}:id.city.example:registry-office#{name}",
            "type": "x",
            "serviceEndpoint": endpoint,
        }
    ]


def test_a_service_of_the_document_comes_before_the_implicit_one():
    services = service("files", "https://files.town.example")
    found = dereferenced("/a", media_type="image/png", service=services)
    assert found.require() == b"\x00\xff"
    assert found.to_dict()["content"] == "uAP8"
    services = service("whois", "https://who.town.example/x")
    found = dereferenced("/whois", accept=URI_LIST, service=services)
    assert found.require() == ["https://who.town.example/x"]


@pytest.mark.parametrize(
    "endpoint", ["ipfs://x", "http://x.example/", {"uri": "https://x.example"}]
)
def test_a_service_that_is_not_on_the_web_gives_no_file(endpoint: Any):
    result = dereferenced("/a", service=service("files", endpoint))
    assert result.metadata.legacy_code == "invalidDid"


@pytest.mark.parametrize(
    "path", ["/../x", "/a/../../x", "/%2e%2e/x", "/a%2Fb", "//x.example", "/", "/a/", "/%252e%252e"]
)
def test_a_path_that_leads_out_gives_no_file(path: str):
    result = dereferenced(path)
    assert result.error is not None
    assert result.error.code is Code.INVALID_DID_URL


def test_without_a_fetch_only_the_place_of_a_file_is_told():
    written = write(begin())
    found = did.resolver(recorded(written))
    listed = found.dereference(f"{written.did}/a", DereferencingOptions(accept=URI_LIST))
    assert listed.require() == [f"{BASE}/a"]
    result = found.dereference(f"{written.did}/a")
    assert result.error is not None
    assert result.error.code is Code.FEATURE_NOT_SUPPORTED


def test_a_presentation_that_is_no_json_is_refused():
    written = write(begin())
    web = Web({LOG: written.log, f"{BASE}/whois.vp": "no json"}, "application/vp")
    result = resolver(fetch=web).dereference(f"{written.did}/whois")
    assert result.error is not None
    assert result.error.code is Code.PARSING_ERROR


def test_the_implicit_services_stand_in_the_document():
    written = write(begin())
    document = did.resolver(recorded(written)).resolve(written.did).require()
    assert [service.id for service in document.services] == [
        f"{written.did}#files",
        f"{written.did}#whois",
    ]
    options = DereferencingOptions(accept=URI_LIST)
    url = f"{written.did}?service=files"
    assert did.resolver(recorded(written)).dereference(url, options).require() == [f"{BASE}/"]


# --- for those who know did:web alone


def test_a_did_web_is_published_beside_the_log():
    written = write(begin(), Draft(state=document_with_names()))
    published = webvh.did_web_document(written.verified().resolve().require())
    web = "did:web:id.city.example:registry-office"
    assert published["id"] == web
    assert published["authentication"] == [f"{web}#key-1"]
    assert [service["id"] for service in published["service"]] == [f"{web}#files", f"{web}#whois"]
    assert published["alsoKnownAs"] == ["https://city.example/", written.did]
    content = json.dumps(published).encode()

    def fetch(url: str) -> FetchedDocument:
        assert url == f"{BASE}/did.json"
        return FetchedDocument(url, content, "application/did")

    assert did.resolver(fetch=fetch).resolve(web).require().to_dict() == published


def document_with_names() -> dict[str, Any]:
    """Return the document of the log, which names its did:web too."""
    name = write(begin()).did
    web = "did:web:id.city.example:registry-office"
    return document(name, alsoKnownAs=["https://city.example/", web])


def test_other_documents_have_no_did_web_beside_them():
    with pytest.raises(InvalidInputError) as caught:
        webvh.did_web_document(did.create("key").document)
    assert caught.value.code is Code.INVALID_DID
