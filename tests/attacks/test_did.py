"""Attacks on identifiers, documents and the way to them; each beside what must keep working."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import loopback
from cityid import did
from cityid.did import (
    DereferencingOptions,
    DIDDocument,
    DocumentMetadata,
    ResolutionOptions,
    ResolutionResult,
)
from cityid.errors import CityIdError, Code, InvalidInputError, RegistryError
from loopback import ADDRESS, HOST, answer, serving

ALICE, BOB = "did:example:alice", "did:example:bob"
_WATCHED: list[list[str]] = []


def _watch(event: str, _: tuple[object, ...]) -> None:
    if event.startswith("socket.") and event != "socket.__new__":
        for seen in _WATCHED:
            seen.append(event)


sys.addaudithook(_watch)


@contextmanager
def sockets_seen() -> Iterator[list[str]]:
    """Collect every use of sockets: lookups, connections."""
    seen: list[str] = []
    _WATCHED.append(seen)
    try:
        yield seen
    finally:
        _WATCHED.remove(seen)


def test_the_watch_sees_a_lookup():
    with sockets_seen() as seen:
        socket.getaddrinfo("127.0.0.1", 443)
    assert seen


def code_of(fetch: did.Fetch, url: str) -> Code:
    with pytest.raises(CityIdError) as caught:
        fetch(url)
    return caught.value.code


def reader(server: loopback.Server, **options: Any) -> did.Fetch:
    defaults = {
        "timeout": 5,
        "ports": frozenset({server.port}),
        "lookup": server.lookup,
        "allow": lambda address: address == ADDRESS,
        "tls": server.trust,
    }
    return did.fetch(**(defaults | options))


# --- D1 hosts that are not what they seem


@pytest.mark.parametrize(
    "text",
    [
        "did:web:127%2E0%2E0%2E1",
        "did:web:127.0.0.1",
        "did:web:2130706433",
        "did:web:0x7f.1",
        "did:web:0177.0.0.1",
        "did:web:localhost",
        "did:web:%5B%3A%3A1%5D",
        "did:web:city.example%3a8443",
        "did:web:city.example%3A0",
        "did:web:city.example%3A65536",
        "did:web:city.example%3A",
        "did:web:city.example%2Fadmin",
        "did:web:city.example%23a",
        "did:web:user%40city.example",
        "did:web:city.example:..",
        "did:web:city.example:.",
        "did:web:city.example::office",
        "did:web:city.example:%2E%2E",
        "did:web:city.example:%2e%2e:secret",
        "did:web:city.example:a%2Fb",
        "did:web:city.example:a%5Cb",
        "did:web:city.example:a%252Fb",
        "did:web:city.example:a%3Fb",
        "did:web:city.example:a%23b",
        "did:web:city.example:a%00b",
        "did:web:city.example:a%FFb",
        "did:web:city.example:a#b:c#d",
        "did:web:caf\u00e9.example",
        "did:web:cafe\u0301.x",
        "did:web:city.example.",
        "did:web:-city.example",
    ],
)
def test_a_did_web_of_a_strange_place_is_refused_without_a_socket(text):
    asked: list[str] = []

    def fetch(url: str) -> did.FetchedDocument:
        asked.append(url)
        return did.fetch()(url)

    with sockets_seen() as seen:
        result = did.resolver(fetch=fetch).resolve(text)
    assert result.error.code is Code.INVALID_DID
    assert (asked, seen) == ([], [])


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("did:web:city.example", "https://city.example/.well-known/did.json"),
        ("did:web:city.example%3A8443", "https://city.example:8443/.well-known/did.json"),
        ("did:web:City.example:a:b%20c", "https://city.example/a/b%20c/did.json"),
    ],
)
def test_a_did_web_of_a_plain_place_is_read(text, url):
    def fetch(asked: str) -> did.FetchedDocument:
        assert asked == url
        return did.FetchedDocument(asked, b'{"id":"%s"}' % text.encode(), "application/did")

    assert did.resolver(fetch=fetch).resolve(text).document.id == text


# --- D2 addresses that should not be reached


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:7f00:1]", "[::1]", "127.0.0.1"]
)
def test_an_address_in_any_spelling_is_refused_without_a_socket(host):
    with sockets_seen() as seen:
        assert code_of(did.fetch(), f"https://{host}/did.json") is Code.ADDRESS_NOT_ALLOWED
    assert seen == []


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),  # what 127.0.0.1.nip.io leads to
        ("::ffff:127.0.0.1",),
        ("169.254.169.254",),
        ("fe80::1%eth0",),
        ("93.184.215.14", "10.0.0.1"),  # one bad address among good ones
    ],
)
def test_a_name_that_leads_to_a_private_address_is_refused_without_a_socket(addresses):
    fetch = did.fetch(lookup=lambda *_: addresses)
    with sockets_seen() as seen:
        assert code_of(fetch, "https://127.0.0.1.nip.io/x") is Code.ADDRESS_NOT_ALLOWED
    assert seen == []


def test_the_address_that_was_checked_is_the_one_connected_to():
    """A name server that changes its mind is asked once; the second answer is never seen."""
    with serving(answer()) as server:
        answers = iter([(ADDRESS,), ("10.0.0.1",)])
        fetch = reader(server, lookup=lambda *_: next(answers))
        assert fetch(server.url).content == b"{}"
        assert code_of(fetch, server.url) is Code.ADDRESS_NOT_ALLOWED
        assert server.connections == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(status):
    headers = ("Location: https://169.254.169.254/latest/meta-data",)
    with serving(answer(status=status, headers=headers)) as server:
        assert code_of(reader(server), server.url) is Code.ADDRESS_NOT_ALLOWED
        assert server.connections == 1


def test_only_the_allowed_ports_are_reached():
    with serving(answer()) as server:
        fetch = reader(server, ports=frozenset({443}))
        with sockets_seen() as seen:
            assert code_of(fetch, server.url) is Code.ADDRESS_NOT_ALLOWED
        assert seen == []
        assert reader(server)(server.url).content == b"{}"


# --- D3 answers that never end


def test_a_slow_drip_is_given_up_at_the_deadline():
    def drip(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(40):
            connection.sendall(b"x")
            time.sleep(0.05)

    with serving(drip) as server:
        began = time.monotonic()
        assert code_of(reader(server, timeout=0.5), server.url) is Code.TIMEOUT
        assert time.monotonic() - began < 1.5


def test_a_slow_head_is_given_up_at_the_deadline():
    def drip(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(40):
            connection.sendall(b"X: y\r\n")
            time.sleep(0.05)

    with serving(drip) as server:
        began = time.monotonic()
        assert code_of(reader(server, timeout=0.5), server.url) is Code.TIMEOUT
        assert time.monotonic() - began < 1.5


def test_a_huge_body_is_refused_by_its_announced_length():
    with serving(answer(b"x", headers=("Content-Length: 1000000000",))) as server:
        assert code_of(reader(server), server.url) is Code.INPUT_TOO_LARGE


def test_a_huge_body_is_refused_while_it_is_read():
    def flood(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10_000):
            connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")

    with serving(flood) as server:
        assert code_of(reader(server), server.url) is Code.INPUT_TOO_LARGE
    body = b"x" * 100
    with serving(answer(body)) as server:
        assert code_of(reader(server, max_bytes=99), server.url) is Code.INPUT_TOO_LARGE
        assert reader(server, max_bytes=100)(server.url).content == body


@pytest.mark.parametrize("media_type", ["text/html", "image/png", ""])
def test_a_document_of_another_type_is_refused(media_type):
    subject = f"did:web:{HOST}"

    def fetch(url: str) -> did.FetchedDocument:
        return did.FetchedDocument(url, b'{"id":"%s"}' % subject.encode(), kind)

    kind = "application/json"
    assert did.resolver(fetch=fetch).resolve(subject).document
    kind = media_type
    assert did.resolver(fetch=fetch).resolve(subject).error.code is Code.INVALID_DID_DOCUMENT


# --- D4 the document of somebody else


class Fixed:
    """A DID method that always answers the same."""

    name = "example"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def resolve(self, asked: did.DID, options: ResolutionOptions) -> Any:  # noqa: ARG002
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_document_of_another_did_is_refused():
    document = DIDDocument.parse({"id": ALICE})
    resolver = did.resolver(methods=[Fixed(ResolutionResult(document))])
    assert resolver.resolve(ALICE).document == document
    refused = resolver.resolve(BOB)
    assert refused.document is None
    assert refused.error.code is Code.INVALID_DID_DOCUMENT
    two_faced = DIDDocument({"id": BOB}, ALICE)
    resolver = did.resolver(methods=[Fixed(ResolutionResult(two_faced))])
    assert resolver.resolve(ALICE).error.code is Code.INVALID_DID_DOCUMENT


def test_a_method_that_skips_the_rules_is_refused():
    broken = DIDDocument({"id": ALICE, "authentication": 7}, ALICE)
    resolver = did.resolver(methods=[Fixed(ResolutionResult(broken))])
    assert resolver.resolve(ALICE).error.code is Code.INVALID_DID_DOCUMENT


@pytest.mark.parametrize("failure", [KeyError("x"), RecursionError(), OSError("disk"), 7, None])
def test_whatever_a_method_does_is_told_as_an_error(failure):
    resolver = did.resolver(methods=[Fixed(failure)])
    assert resolver.resolve(ALICE).error.code is Code.INTERNAL_ERROR
    with pytest.raises(RegistryError):
        resolver.verification_method(f"{ALICE}#key-1", relationship="authentication")


def test_a_did_that_was_given_up_has_no_document():
    document = DIDDocument.parse({"id": ALICE})
    gone = ResolutionResult(document, document_metadata=DocumentMetadata(deactivated=True))
    result = did.resolver(methods=[Fixed(gone)]).resolve(ALICE)
    assert (result.document, result.error) == (None, None)
    assert result.document_metadata.deactivated


# --- D5 cycles


def following(*hops: tuple[str, str]) -> did.Resolver:
    """Return a resolver in which each DID's service is found at the next one's."""
    return did.resolver(
        documents=[
            {
                "id": subject,
                "service": [{"id": "#files", "type": "Files", "serviceEndpoint": endpoint}],
            }
            for subject, endpoint in hops
        ]
    )


URIS = DereferencingOptions(accept="text/uri-list")


def test_services_that_lead_to_each_other_are_a_cycle():
    url = f"{ALICE}?service=files"
    straight = following((ALICE, f"{BOB}?service=files"), (BOB, "https://files.example/"))
    assert straight.dereference(url, URIS).content == ["https://files.example/"]
    for circle in (
        following((ALICE, f"{BOB}?service=files"), (BOB, f"{ALICE}?service=files")),
        following((ALICE, f"{BOB}?service=files"), (BOB, f"{ALICE}?%73ervice=fil%65s")),
        following((ALICE, f"{ALICE}?service=files")),
    ):
        result = circle.dereference(url, URIS)
        assert result.content is None
        assert result.error.code is Code.DEREFERENCING_CYCLE


@pytest.mark.parametrize(("length", "fine"), [(8, True), (9, False)])
def test_a_chain_of_services_has_an_end(length, fine):
    names = [f"did:example:{number}" for number in range(length)]
    endpoints = [f"{name}?service=files" for name in names[1:]] + ["https://files.example/"]
    resolver = following(*zip(names, endpoints, strict=True))
    result = resolver.dereference(f"{names[0]}?service=files", URIS)
    assert (result.error is None) is fine
    assert fine or result.error.code is Code.DEREFERENCING_CYCLE


# --- D6 references that lead out, parameters that slip in


@pytest.mark.parametrize(
    "reference",
    [
        "../secret",
        "a/../../secret",
        "%2E%2E/secret",
        "%252E%252E%252Fsecret",
        "%25252E%25252E%25252Fsecret",
        "..%5Csecret",
        "%5C%5Chost",
        "//evil.example/x",
        "%2F%2Fevil.example",
        "https://evil.example",
        "javascript%3Aalert",
        "a%00b",
        "a%0Ab",
        "a%20b",
        "..",
        "x/.",
    ],
)
def test_a_reference_that_leads_out_is_refused(reference):
    resolver = following((ALICE, "https://files.example/city/"))
    url = f"{ALICE}?service=files&relativeRef="
    good = resolver.dereference(f"{url}a%2Fb..c.pdf%3Fv%3D1", URIS)
    assert good.content == ["https://files.example/city/a/b..c.pdf?v=1"]
    bad = resolver.dereference(url + reference, URIS)
    assert bad.content is None
    assert bad.error.code is Code.INVALID_DID_URL


def test_encoding_over_and_over_is_refused():
    resolver = following((ALICE, "https://files.example/city/"))
    reference = "%" + "25" * 20 + "2E"
    result = resolver.dereference(f"{ALICE}?service=files&relativeRef={reference}", URIS)
    assert result.error.code is Code.INVALID_DID_URL


def test_a_value_cannot_become_another_parameter():
    resolver = following((ALICE, "https://files.example/"))
    subject = did.parse(ALICE)
    good = did.build_url(subject, parameters=[("service", "files")])
    assert resolver.dereference(str(good), URIS).content
    slipped = did.build_url(subject, parameters=[("service", "files&versionId=2")])
    assert slipped.parameters == {"service": "files&versionId=2"}
    assert resolver.dereference(str(slipped), URIS).error.code is Code.INVALID_DID_URL
    glued = resolver.dereference(f"{ALICE}?service=files&versionId=2", URIS)
    assert glued.error.code is Code.FEATURE_NOT_SUPPORTED


@pytest.mark.parametrize(
    "query",
    [
        "service=files&service=other",
        "service=files&%73ervice=other",
        "service=files&relativeRef=a&relativeRef=b",
        "service=",
        "service=%FF",
        "relativeRef=a",
    ],
)
def test_a_parameter_that_stands_twice_or_says_nothing_is_refused(query):
    resolver = following((ALICE, "https://files.example/"))
    assert resolver.dereference(f"{ALICE}?service=files", URIS).content
    result = resolver.dereference(f"{ALICE}?{query}", URIS)
    assert result.error.code is Code.INVALID_DID_URL


def test_no_spelling_of_a_did_reaches_the_answer_of_another():
    """What is kept is found by the DID exactly; a URL or another spelling is no DID."""
    identity = did.create()
    resolver = did.resolver()
    subject = str(identity.did)
    assert resolver.resolve(subject).document
    for variant in (
        f"{subject}?versionId=1",
        f"{subject}#x",
        f" {subject}",
        f"{subject}\n",
        subject.upper(),
        subject.replace("did:key", "did:%6Bey"),
        subject.replace("key:z", "key:%7A"),
    ):
        assert resolver.resolve(variant).error.code is Code.INVALID_DID
    asked = ResolutionOptions(version_id="1")
    assert resolver.resolve(subject, asked).error.code is Code.FEATURE_NOT_SUPPORTED


def test_answers_of_methods_that_may_change_are_not_kept():
    class Changing(Fixed):
        def resolve(self, asked: did.DID, options: ResolutionOptions) -> ResolutionResult:  # noqa: ARG002
            self.answer += 1
            also = [f"https://{self.answer}.example"]
            return ResolutionResult(DIDDocument.parse({"id": str(asked), "alsoKnownAs": also}))

    resolver = did.resolver(methods=[Changing(0)])
    seen = [resolver.resolve(ALICE).document.also_known_as for _ in range(2)]
    assert seen == [("https://1.example",), ("https://2.example",)]


# --- J10, J12 keys put to another use


def with_method(**changes: Any) -> dict[str, Any]:
    method = {
        "id": "#key-1",
        "type": "Multikey",
        "controller": ALICE,
        "publicKeyMultibase": did.create().did.identifier,
    }
    return {"id": ALICE, "verificationMethod": [method | changes], "authentication": ["#key-1"]}


def retrieved(document: dict[str, Any], relationship: str = "authentication") -> Code | None:
    resolver = did.resolver(documents=[document])
    try:
        resolver.verification_method(f"{ALICE}#key-1", relationship=relationship)
    except CityIdError as error:
        return error.code
    return None


def test_a_key_is_of_use_only_where_it_is_listed():
    document = with_method()
    assert retrieved(document) is None
    wrong = retrieved(document, "assertionMethod")
    assert wrong is Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD
    document["keyAgreement"] = document.pop("authentication")
    assert retrieved(document) is Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD
    embedded = {"id": ALICE, "assertionMethod": with_method()["verificationMethod"]}
    assert retrieved(embedded, "assertionMethod") is None
    assert retrieved(embedded) is Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD


def test_the_method_must_name_its_document_as_controller():
    assert retrieved(with_method(controller=ALICE)) is None
    assert retrieved(with_method(controller=BOB)) is Code.INVALID_VERIFICATION_METHOD


def test_a_method_of_another_document_is_not_taken_from_this_one():
    """Alice's document lists Bob's method by value: it is Bob's document that counts."""
    planted = {
        "id": ALICE,
        "authentication": [with_method()["verificationMethod"][0] | {"id": f"{BOB}#key-1"}],
    }
    resolver = did.resolver(documents=[planted, {"id": BOB}])
    with pytest.raises(InvalidInputError) as fault:
        resolver.verification_method(f"{BOB}#key-1", relationship="authentication")
    assert fault.value.code is Code.INVALID_VERIFICATION_METHOD


def test_the_fragment_of_a_did_key_is_its_own_key():
    first, second = did.create().did, did.create().did
    resolver = did.resolver()
    good = f"{first}#{first.identifier}"
    assert resolver.verification_method(good, relationship="assertionMethod").id == good
    for forged in (f"{first}#{second.identifier}", f"{first}#", f"{first}#key-1"):
        with pytest.raises(InvalidInputError) as fault:
            resolver.verification_method(forged, relationship="assertionMethod")
        assert fault.value.code in {
            Code.INVALID_VERIFICATION_METHOD,
            Code.INVALID_VERIFICATION_METHOD_URL,
        }


@pytest.mark.parametrize(
    "changes",
    [
        {"publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": "A"}},
        {"secretKeyMultibase": "z3u2"},
        {"privateKeyBase58": "abc"},
        {"type": "JsonWebKey", "publicKeyMultibase": None},
    ],
)
def test_a_method_with_two_keys_or_a_secret_is_refused(changes):
    assert did.check_document(with_method()) == ()
    assert did.check_document(with_method(**changes)) != ()


def test_a_jwk_with_its_secret_is_refused():
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    document = with_method()
    method = document["verificationMethod"][0]
    del method["publicKeyMultibase"]
    method |= {"type": "JsonWebKey", "publicKeyJwk": jwk}
    assert did.check_document(document) == ()
    jwk["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    (problem,) = did.check_document(document)
    assert problem.path == "/verificationMethod/0/publicKeyJwk"
    assert "nWGx" not in str(problem)


# --- E7 and input of every shape


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        {},
        b"did:example:a",
        "",
        "did:",
        "did:example:" + "a" * 10_000,
        "did:example:\u0061\u0301",
        "did:example:\ud800",
        ":" * 8000,
        "did:a:" + ":" * 8000,
        "did:a:" + "%" * 8000,
    ],
)
def test_no_input_makes_the_resolver_raise(value):
    resolver = did.resolver()
    began = time.monotonic()
    assert resolver.resolve(value).error.code is Code.INVALID_DID
    assert resolver.dereference(value).error.code is Code.INVALID_DID_URL
    with pytest.raises(InvalidInputError) as fault:
        resolver.verification_method(value, relationship="authentication")
    assert fault.value.code is Code.INVALID_VERIFICATION_METHOD_URL
    assert time.monotonic() - began < 0.5


def test_a_deep_document_is_refused_not_crashed_on():
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    (problem,) = did.check_document({"id": ALICE, "x": deep})
    assert problem.code is Code.TOO_DEEP
    with pytest.raises(InvalidInputError):
        DIDDocument.parse({"id": ALICE, "x": deep})
    while isinstance(deep, list):  # taken apart gently
        deep = deep.pop()
