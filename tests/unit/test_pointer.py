import pytest

from cityid import pointer


@pytest.mark.parametrize(
    ("token", "escaped"),
    [("a", "a"), ("", ""), ("a/b", "a~1b"), ("m~n", "m~0n"), ("~1", "~01"), ("~/", "~0~1")],
)
def test_tokens_are_escaped(token, escaped):
    assert pointer.escape(token) == escaped


@pytest.mark.parametrize(
    ("path", "tokens", "joined"),
    [
        ("", (), ""),
        ("", ("",), "/"),
        ("", ("credentialSubject", 0, "a/b"), "/credentialSubject/0/a~1b"),
        ("/x", (), "/x"),
        ("/x~1y", ("z",), "/x~1y/z"),
    ],
)
def test_a_path_grows_by_tokens(path, tokens, joined):
    assert pointer.join(path, *tokens) == joined
