from __future__ import annotations

import dataclasses
import socket
import ssl
import threading
import time

import pytest

import loopback
from cityid import did
from cityid.did.fetch import is_domain_name
from cityid.did.https import GuardedFetch, is_public, look_up
from cityid.errors import CityIdError, Code, InvalidInputError, NotFoundError, RegistryError
from cityid.timed_socket import left
from loopback import ADDRESS, HOST, answer, serving


def reader(server: loopback.Server, **changes) -> GuardedFetch:
    fetch = did.fetch(
        timeout=5,
        ports=frozenset({server.port}),
        lookup=server.lookup,
        allow=lambda address: address == ADDRESS,
        tls=server.trust,
    )
    return dataclasses.replace(fetch, **changes)


def code_of(error: type[CityIdError], fetch, url: str) -> Code:
    with pytest.raises(error) as caught:
        fetch(url)
    return caught.value.code


def test_a_document_is_read_whole():
    with serving(answer(b'{"id": 1}', media_type="Application/DID; charset=utf-8")) as server:
        fetched = reader(server)(server.url)
    assert fetched == did.FetchedDocument(server.url, b'{"id": 1}', "application/did")
    request = server.requests[0].decode()
    assert request.startswith("GET /did.json HTTP/1.1\r\n")
    assert f"Host: {HOST}:{server.port}\r\n" in request
    assert "Accept-Encoding: identity" in request


def test_a_chunked_document_is_read_whole():
    body = b"4\r\n[1,2\r\n2\r\n,3\r\n1\r\n]\r\n0\r\n\r\n"
    with serving(answer(body, headers=("Transfer-Encoding: chunked",))) as server:
        assert reader(server)(server.url).content == b"[1,2,3]"


@pytest.mark.parametrize(
    ("behaviour", "error", "code"),
    [
        (answer(status="404 Not Found"), NotFoundError, Code.NOT_FOUND),
        (answer(status="410 Gone"), NotFoundError, Code.NOT_FOUND),
        (answer(status="500 Oops"), RegistryError, Code.UNREACHABLE),
        (answer(status="204 No Content"), RegistryError, Code.UNREACHABLE),
        (answer(headers=("Content-Encoding: gzip",)), RegistryError, Code.UNREACHABLE),
        (answer(b"ab", headers=("Content-Length: 9",)), RegistryError, Code.UNREACHABLE),
        (answer(headers=("Content-Length: x",)), InvalidInputError, Code.INPUT_TOO_LARGE),
        (lambda connection: connection.sendall(b"hello\r\n\r\n"), RegistryError, Code.UNREACHABLE),
        (lambda connection: None, RegistryError, Code.UNREACHABLE),  # noqa: ARG005 - hangs up
    ],
)
def test_other_answers_are_told(behaviour, error, code):
    with serving(behaviour) as server:
        assert code_of(error, reader(server), server.url) is code


def test_the_next_address_is_tried():
    with serving(answer()) as server:
        fetch = reader(server, lookup=lambda *_: ("127.0.0.9", ADDRESS), allow=lambda _: True)
        assert fetch(server.url).content == b"{}"
        alone = reader(server, lookup=lambda *_: ("127.0.0.9",), allow=lambda _: True)
        assert code_of(RegistryError, alone, server.url) is Code.UNREACHABLE


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), KeyError("bug")])
def test_a_lookup_that_fails_is_unreachable(failure):
    def lookup(*_):
        raise failure

    fetch = did.fetch(lookup=lookup)
    assert code_of(RegistryError, fetch, "https://city.example/") is Code.UNREACHABLE
    nothing = did.fetch(lookup=lambda *_: ())
    assert code_of(RegistryError, nothing, "https://city.example/") is Code.UNREACHABLE


def test_a_lookup_that_hangs_is_given_up():
    release = threading.Event()

    def lookup(*_):
        release.wait(5)
        return ()

    began = time.monotonic()
    fetch = did.fetch(lookup=lookup, timeout=0.2)
    assert code_of(RegistryError, fetch, "https://city.example/") is Code.TIMEOUT
    release.set()
    assert time.monotonic() - began < 2


def test_no_time_left_is_a_timeout():
    with serving(answer()) as server:

        def lookup(*_):
            time.sleep(0.3)
            return (ADDRESS,)

        fetch = reader(server, lookup=lookup, timeout=0.29)
        assert code_of(RegistryError, fetch, server.url) is Code.TIMEOUT


def test_a_deadline_that_is_past_leaves_nothing():
    assert 0 < left(time.monotonic() + 5) <= 5
    with pytest.raises(TimeoutError):
        left(time.monotonic())


def test_a_certificate_of_another_host_is_refused():
    with serving(answer(), host="other.example") as server:
        assert code_of(RegistryError, reader(server), server.url) is Code.UNREACHABLE
        assert server.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused():
    with serving(answer()) as server:
        assert code_of(RegistryError, reader(server, tls=None), server.url) is Code.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        "http://city.example/did.json",
        "https://city.example",
        "https://user@city.example/",
        "https://city.example/#x",
        "https://city.example/ x",
        "https://city.example/\r\nHost:x",
        "https://city.example:0/",
        "https://city.example:22/",
        "https://city/",
        "https://cit\u00fd.example/",
        "ftp://city.example/",
        7,
    ],
)
def test_other_urls_are_refused(url):
    lookups = []
    fetch = did.fetch(lookup=lambda *asked: lookups.append(asked[0]) or ())
    assert code_of(InvalidInputError, fetch, url) is Code.ADDRESS_NOT_ALLOWED
    assert lookups == []
    with pytest.raises(RegistryError):
        fetch("https://city.example/did.json")
    assert lookups == ["city.example"]


def test_limits_and_trust_must_make_sense():
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    for options in ({"timeout": 0}, {"max_bytes": 0}, {"tls": unchecked}):
        with pytest.raises(InvalidInputError) as fault:
            did.fetch(**options)
        assert fault.value.code is Code.INVALID_OPTIONS


def test_the_system_knows_the_loopback_address():
    assert set(look_up("localhost", 443)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("city.example", True),
        ("a-b.xn--p1ai", True),
        ("127.0.0.1.nip.io", True),
        ("city", False),
        ("city.example.", False),
        ("-a.example", False),
        ("a..example", False),
        ("127.0.0.1", False),
        ("0x7f.1", False),
        ("1.0x7f", False),
        ("a" * 64 + ".example", False),
        ("a." * 130 + "example", False),
    ],
)
def test_what_a_domain_name_is(host, expected):
    assert is_domain_name(host) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("::ffff:93.184.215.14", True),
        ("2002:5db8:d70e::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:a00:1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::5db8:d70e", False),
        ("2002:7f00:1::1", False),
        ("2001:0:7f00:1::", False),
        ("2130706433", False),
        ("localhost", False),
    ],
)
def test_which_addresses_are_public(address, expected):
    assert is_public(address) is expected
