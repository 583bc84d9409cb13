"""Where a did:webvh lies, and the tricks with hosts and paths."""

from __future__ import annotations

import pytest

from cityid import did
from cityid.did.methods import webvh
from cityid.did.methods.webvh import WebVH
from cityid.errors import Code, InvalidInputError
from webvh_logs import NOW

SCID = "QmfPyh9nJUih9cA9VWfAuQv9Uin8aFTPdJzDDpY6tYLLxH"


@pytest.mark.parametrize(
    ("rest", "log"),
    [
        ("example.com", "https://example.com/.well-known/did.jsonl"),
        ("issuer.example.com", "https://issuer.example.com/.well-known/did.jsonl"),
        ("EXAMPLE.com", "https://example.com/.well-known/did.jsonl"),
        ("example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"),
        ("example.com%3A3000:dids:issuer", "https://example.com:3000/dids/issuer/did.jsonl"),
        ("example.com%3A3000", "https://example.com:3000/.well-known/did.jsonl"),
        ("example.com:a%20b", "https://example.com/a%20b/did.jsonl"),
        (
            "jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7",
            "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl",
        ),
        ("xn--jp-cd2fp15c.xn--fsq.jp", "https://xn--jp-cd2fp15c.xn--fsq.jp/.well-known/did.jsonl"),
        ("b%C3%BCcher.example", "https://xn--bcher-kva.example/.well-known/did.jsonl"),
    ],
)
def test_a_did_tells_where_its_log_lies(rest: str, log: str):
    place = webvh.place_of(did.parse(f"did:webvh:{SCID}:{rest}"))
    assert place.scid == SCID
    assert place.log_url == log
    assert place.witness_url == log.replace("did.jsonl", "did-witness.json")
    assert place.base_url == log.removesuffix("/did.jsonl").removesuffix("/.well-known")


@pytest.mark.parametrize(
    "rest",
    [
        "127.0.0.1",
        "127%2E0%2E0%2E1",
        "2130706433",
        "0x7f.0.0.1",
        "0x7f.1",
        "%5B%3A%3A1%5D",
        "localhost",
        ":example.com",
        "example",
        "example.com%3a8080",
        "127.0.0.1%3a8080",
        "127.0.0.1%3A8080",
        "example.com%3A",
        "example.com%3A0",
        "example.com%3A080",
        "example.com%3A8",
        "example.com%3A65536",
        "example.com%3A808080",
        "example.com%3A80%3A80",
        "example.com%2Fpath",
        "example.com%23x",
        "user%40example.com",
        "example.com%2e",
        "example%2Ecom",
        "ex%61mple.com",
        "example.com.",
        ".example.com",
        "exa_mple.com",
        "-a.example",
        "example.com:..",
        "example.com:.",
        "example.com:a:..:b",
        "example.com:%2E%2E",
        "example.com:%2e%2e:b",
        "example.com:a%2Fb",
        "example.com:a%5Cb",
        "example.com:a%23b",
        "example.com:a%3Fb",
        "example.com:%252E%252E",
        "example.com:a%00b",
        "example.com:%FF",
        "%FF.example",
        "%EF%BC%91%EF%BC%92%EF%BC%97.example",  # full-width digits
        "example%E3%80%82com",  # an ideographic full stop
        "a%E2%80%8Db.example",  # a joiner that nobody sees
        "ab--%C3%BC.example",
        "xn--%C3%BC.example",
    ],
)
def test_a_place_that_is_not_what_it_seems_is_none(rest: str):
    asked: list[str] = []

    def fetch(url: str) -> did.FetchedDocument:
        asked.append(url)
        raise AssertionError

    resolver = did.resolver(methods=[WebVH(fetch=fetch, clock=lambda: NOW)])
    result = resolver.resolve(f"did:webvh:{SCID}:{rest}")
    assert result.error is not None
    assert result.error.code is Code.INVALID_DID
    assert asked == []


@pytest.mark.parametrize(
    "text",
    [
        "did:webvh:example.com",
        f"did:webvh:{SCID}",
        f"did:webvh:{SCID[:-1]}:example.com",
        f"did:webvh:{SCID[:-1]}0:example.com",
        f"did:webvh:{SCID}x:example.com",
        f"did:web:{SCID}:example.com",
    ],
)
def test_a_did_without_scid_or_domain_is_none(text: str):
    with pytest.raises(InvalidInputError) as caught:
        webvh.place_of(did.parse(text))
    assert caught.value.code is Code.INVALID_DID


def test_a_fragment_never_becomes_a_part_of_the_host():
    result = did.resolver().resolve(f"did:webvh:{SCID}:example.com#.evil.example")
    assert result.error is not None
    assert result.error.code is Code.INVALID_DID


@pytest.mark.parametrize(
    ("domain", "path", "port", "text"),
    [
        ("id.city.example", "", None, "did:webvh:{SCID}:id.city.example"),
        ("id.city.example", "a/b c", 8443, "did:webvh:{SCID}:id.city.example%3A8443:a:b%20c"),
        ("id.city.example", "~office", None, "did:webvh:{SCID}:id.city.example:%7Eoffice"),
        ("bücher.example", "", None, "did:webvh:{SCID}:b%C3%BCcher.example"),
    ],
)
def test_a_place_is_written_as_a_did(domain: str, path: str, port: int | None, text: str):
    assert webvh.template(domain, path, port) == text


@pytest.mark.parametrize(
    ("domain", "path", "port"),
    [
        ("127.0.0.1", "", None),
        ("id.city.example", "..", None),
        ("id.city.example", "a//b", None),
        ("id.city.example", "", 70000),
        ("id.city.example", "", 7),
        ("\ud800.example", "", None),
        ("id.city.example", "\ud800", None),
        ("", "", None),
        ("a b.example", "", None),
    ],
)
def test_no_place_is_written_as_none(domain: str, path: str, port: int | None):
    with pytest.raises(InvalidInputError) as caught:
        webvh.template(domain, path, port)
    assert caught.value.code is Code.INVALID_DID
