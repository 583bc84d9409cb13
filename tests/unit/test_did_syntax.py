from __future__ import annotations

import pytest

from cityid import did
from cityid.did import DID, DIDURL
from cityid.did.syntax import MAX_LENGTH, absolute, is_url
from cityid.errors import Code, InvalidInputError

BASE = "did:example:123"


@pytest.mark.parametrize(
    "text",
    [
        "did:a:b",
        "did:0:0",
        "did:example:123",
        "did:example:a:b:c",
        "did:example::a",
        "did:example:a::b",
        "did:example:%41%2f",
        "did:example:a.b-c_d",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        "did:a:" + "x" * (MAX_LENGTH - 6),
    ],
)
def test_dids_are_read_and_written_back(text):
    parsed = did.parse(text)
    assert str(parsed) == text
    assert text == f"did:{parsed.method}:{parsed.identifier}"
    assert did.parse_url(text) == DIDURL(parsed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did",
        "did:",
        "did:a",
        "did:a:",
        "did::b",
        "did:a:b:",
        "did:a::",
        "DID:a:b",
        "did:A:b",
        "did:a-b:c",
        "did:a:b%",
        "did:a:b%4",
        "did:a:b%4g",
        "did:a:b c",
        "did:a:b\n",
        " did:a:b",
        "did:a:b/c",
        "did:a:b?c",
        "did:a:b#c",
        "did:a:b~",
        "did:a:b+",
        "did:a:\u00e9",
        "did:\u0661:b",
        "did:a:" + "x" * (MAX_LENGTH - 5),
        None,
        b"did:a:b",
        ["did:a:b"],
    ],
)
def test_other_texts_are_no_dids(text):
    with pytest.raises(InvalidInputError) as fault:
        did.parse(text)
    assert fault.value.code is Code.INVALID_DID


@pytest.mark.parametrize(
    ("text", "path", "query", "fragment"),
    [
        (BASE, "", None, None),
        (f"{BASE}/", "/", None, None),
        (f"{BASE}/a/b;c=1,2", "/a/b;c=1,2", None, None),
        (f"{BASE}?", "", "", None),
        (f"{BASE}?a=b&c=d/e?f", "", "a=b&c=d/e?f", None),
        (f"{BASE}#", "", None, ""),
        (f"{BASE}#key-1", "", None, "key-1"),
        (f"{BASE}//a?b#c/d?e", "//a", "b", "c/d?e"),
        (f"{BASE}/%2E%2E#%F0", "/%2E%2E", None, "%F0"),
        ("did:a:b:c#d", "", None, "d"),
    ],
)
def test_did_urls_are_read_and_written_back(text, path, query, fragment):
    url = did.parse_url(text)
    assert (url.path, url.query, url.fragment) == (path, query, fragment)
    assert str(url) == text


@pytest.mark.parametrize(
    "text",
    [
        f"{BASE}:#a",
        f"{BASE}#a#b",
        f"{BASE}#[",
        f"{BASE}#%4",
        f"{BASE}?a b",
        f"{BASE}/\u00e9",
        f"{BASE}/a\\b",
        "#key-1",
        "https://a.example",
        "bad:invalid",
        None,
    ],
)
def test_other_texts_are_no_did_urls(text):
    with pytest.raises(InvalidInputError) as fault:
        did.parse_url(text)
    assert fault.value.code is Code.INVALID_DID_URL


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("service=files&relativeRef=%2Fa%3Fb%3Dc", {"service": "files", "relativeRef": "/a?b=c"}),
        ("a", {"a": ""}),
        ("a=b=c&&d=", {"a": "b=c", "d": ""}),
        ("%61=%C3%A9", {"a": "\u00e9"}),
        ("a=1+1", {"a": "1+1"}),
    ],
)
def test_parameters_are_decoded_once(query, parameters):
    assert did.parse_url(f"{BASE}?{query}").parameters == parameters
    assert did.parse_url(BASE).parameters == {}


@pytest.mark.parametrize("query", ["a=1&a=1", "a=1&%61=2", "a=%FF", "%C3=1"])
def test_parameters_that_stand_twice_or_are_no_text_are_refused(query):
    with pytest.raises(InvalidInputError) as fault:
        _ = did.parse_url(f"{BASE}?{query}").parameters
    assert fault.value.code is Code.INVALID_DID_URL


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("#key-1", f"{BASE}#key-1"),
        ("#", f"{BASE}#"),
        ("", BASE),
        ("?a=b#c", f"{BASE}?a=b#c"),
        ("/a/b", f"{BASE}/a/b"),
        ("a/b", f"{BASE}/a/b"),
        ("./a", f"{BASE}/a"),
        ("a/../b/./c", f"{BASE}/b/c"),
        ("../../a", f"{BASE}/a"),
        ("a/..", f"{BASE}/"),
        ("a/.", f"{BASE}/a/"),
        ("/..", f"{BASE}/"),
        ("did:example:other#x", "did:example:other#x"),
        ("https://a.example/x", "https://a.example/x"),
    ],
)
def test_relative_did_urls(reference, expected):
    assert absolute(reference, BASE) == expected


@pytest.mark.parametrize(
    "reference", ["//host/x", "#a#b", "# ", "a b", "\u00e9", "did:a:b c", "https://a b", "#\ud800"]
)
def test_what_is_no_reference(reference):
    with pytest.raises(InvalidInputError) as fault:
        absolute(reference, BASE)
    assert fault.value.code is Code.INVALID_DID_URL


def test_only_fragments_are_relative_to_other_urls():
    assert absolute("#key-1", "https://a.example/x") == "https://a.example/x#key-1"
    with pytest.raises(InvalidInputError):
        absolute("key-1", "https://a.example/x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a.example/", True),
        ("urn:uuid:1", True),
        ("did:a:b#c", True),
        ("mailto:a@b.example", True),
        ("https://[::1]/", True),
        ("a.example", False),
        ("https://a.example/{id}", False),
        ("https://a.example/ ", False),
        ("x:", False),
        (7, False),
        ("x:" + "y" * MAX_LENGTH, False),
    ],
)
def test_what_a_url_is(value, expected):
    assert is_url(value) is expected


def test_a_did_url_is_built_from_its_parts():
    built = did.build_url(
        did.parse(BASE), path="/a", parameters=[("x y", "1&z=2#?"), ("\u00e9", "")], fragment="f"
    )
    assert str(built) == f"{BASE}/a?x%20y=1%26z%3D2%23%3F&%C3%A9=#f"
    assert built.parameters == {"x y": "1&z=2#?", "\u00e9": ""}
    assert str(did.build_url(did.parse(BASE))) == BASE


@pytest.mark.parametrize(
    "parts",
    [
        {"parameters": [("a", "1"), ("a", "2")]},
        {"parameters": [("a", "\ud800")]},
        {"path": "a"},
        {"path": "/a?b=c"},
        {"path": "/a#b"},
        {"path": ":a"},
        {"fragment": "a#b"},
    ],
)
def test_parts_that_would_become_others_are_refused(parts):
    with pytest.raises(InvalidInputError) as fault:
        did.build_url(did.parse(BASE), **parts)
    assert fault.value.code is Code.INVALID_DID_URL


def test_dids_are_values():
    assert {DID("a", "b"), did.parse("did:a:b")} == {DID("a", "b")}
    assert repr(did.parse("did:a:b")) == "DID(method='a', identifier='b')"
