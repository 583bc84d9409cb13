from __future__ import annotations

import base64
import hashlib

import pytest

from cityid import digests, encoding
from cityid.errors import Code, InvalidInputError, UnsupportedError

CONTENT = b'{"a":1}'
OTHER = b'{"a":2}'


CUT_OFF = encoding.multibase_encode(b"\x12\x20ab", "base58btc")


def sri(algorithm, content=CONTENT):
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def multibase(name, content=CONTENT, base="base64url"):
    digest = hashlib.new({"sha2-256": "sha256", "sha2-512": "sha512"}[name], content).digest()
    return encoding.multibase_encode(encoding.multihash_encode(name, digest), base)


GOOD = {
    "sri sha256": {"digestSRI": sri("sha256")},
    "sri sha384": {"digestSRI": sri("sha384")},
    "sri sha512 with an option": {"digestSRI": sri("sha512") + "?ct=application/json"},
    "sri, one of two": {"digestSRI": f"{sri('sha384', OTHER)} {sri('sha384')}"},
    "sri, the strongest decides": {"digestSRI": f"{sri('sha256', OTHER)} {sri('sha512')}"},
    "sri, a list": {"digestSRI": [sri("sha256"), sri("sha384")]},
    "multibase base64url": {"digestMultibase": multibase("sha2-256")},
    "multibase base58btc": {"digestMultibase": multibase("sha2-512", base="base58btc")},
    "bare digest": {
        "digestMultibase": encoding.multibase_encode(hashlib.sha256(CONTENT).digest(), "base64url")
    },
    "both": {"digestSRI": sri("sha384"), "digestMultibase": multibase("sha2-256")},
    "none": {},
}


@pytest.mark.parametrize("item", GOOD.values(), ids=GOOD.keys())
def test_the_resource_that_was_meant_passes_and_another_does_not(item):
    digests.check(item, CONTENT)
    if digests.given(item):
        with pytest.raises(InvalidInputError) as caught:
            digests.check(item, b'{"a":3}', path="/relatedResource")
        assert caught.value.code is Code.DIGEST_MISMATCH
        assert caught.value.path.startswith("/relatedResource/digest")


def test_one_digest_of_several_that_differs_is_enough():
    item = {"digestSRI": sri("sha384"), "digestMultibase": multibase("sha2-256", OTHER)}
    with pytest.raises(InvalidInputError) as caught:
        digests.check(item, CONTENT)
    assert caught.value.path == "/digestMultibase"


def test_a_weak_digest_that_matches_does_not_help_a_strong_one_that_differs():
    with pytest.raises(InvalidInputError) as caught:
        digests.check({"digestSRI": f"{sri('sha256')} {sri('sha512', OTHER)}"}, CONTENT)
    assert caught.value.code is Code.DIGEST_MISMATCH


@pytest.mark.parametrize(
    "text",
    ["md5-AAAA", "sha384", "sha384-!!", "sha384-A", " ", "", 7, None, {}, [], [7], "sha256-" * 300],
)
def test_what_is_no_sri_is_refused(text):
    with pytest.raises(InvalidInputError) as caught:
        digests.check({"digestSRI": text}, CONTENT)
    assert caught.value.code is Code.MALFORMED_VALUE_ERROR


@pytest.mark.parametrize("text", ["", "x", CUT_OFF, "uEiC", 7, ["u", 3], "u" + "A" * 999])
def test_what_is_no_multibase_multihash_is_refused(text):
    with pytest.raises(InvalidInputError) as caught:
        digests.check({"digestMultibase": text}, CONTENT)
    assert caught.value.code is not Code.DIGEST_MISMATCH


def test_a_hash_that_is_not_computed_here_is_told_apart():
    text = encoding.multibase_encode(b"\x11\x14" + bytes(20), "base64url")
    with pytest.raises(UnsupportedError):
        digests.check({"digestMultibase": text}, CONTENT)
