"""JSON Web Signatures in their compact form."""

from __future__ import annotations

import json
import warnings

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey

from cityid import did, keys
from cityid.encoding import base64url_encode
from cityid.errors import CityIdError, Code, InvalidInputError, UnsupportedError
from cityid.securing import jose
from town import person

TYP = "test+jwt"


def signer(key_type="Ed25519"):
    return person("signer", key_type).signer("assertionMethod")[1]


def packed(header, payload=b"{}", signature=b"\0" * 64):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return ".".join(base64url_encode(part) for part in (text, payload, signature))


@pytest.mark.parametrize(("key_type", "alg"), [("Ed25519", "EdDSA"), ("P-256", "ES256")])
def test_what_is_signed_is_verified(key_type, alg):
    key = signer(key_type)
    token = jose.sign(b'{"a":1}', signer=key, typ=TYP, kid="7")
    for form in (token, token.encode()):
        read = jose.verify(form, key=key.public_key, typ=TYP)
        assert read == ({"alg": alg, "typ": TYP, "kid": "7"}, b'{"a":1}')
    assert jose.read(token, typ=TYP) == read
    assert "kid" not in jose.read(jose.sign(b"{}", signer=key, typ=TYP), typ=TYP).header


@pytest.mark.parametrize("key_type", ["Ed25519", "P-256"])
def test_the_library_by_itself_verifies_what_our_keys_signed(key_type):
    key = signer(key_type)
    token = jose.sign(b"x", signer=key, typ=TYP)
    kind = OKPKey if key_type == "Ed25519" else ECKey
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA gets a new name in RFC 9864
        read = jws.deserialize_compact(
            token, kind.import_key(dict(key.public_key.jwk)), algorithms=["EdDSA", "ES256"]
        )
    assert read.payload == b"x"


def test_an_altered_token_is_refused():
    key = signer()
    token = jose.sign(b'{"a":1}', signer=key, typ=TYP)
    header, _, signature = token.split(".")
    other = jose.sign(b'{"a":2}', signer=key, typ=TYP).split(".")[1]
    for altered in (f"{header}.{other}.{signature}", packed({"alg": "EdDSA", "typ": TYP})):
        with pytest.raises(InvalidInputError, match="does not hold") as refused:
            jose.verify(altered, key=key.public_key, typ=TYP)
        assert refused.value.code is Code.INVALID_SIGNATURE
    with pytest.raises(InvalidInputError, match="does not hold"):
        jose.verify(token, key=did.create("key").signer("assertionMethod")[1].public_key, typ=TYP)


def test_the_key_decides_on_the_algorithm():
    token = jose.sign(b"{}", signer=signer("P-256"), typ=TYP)
    with pytest.raises(InvalidInputError, match="signed with ES256, its key signs with EdDSA"):
        jose.verify(token, key=signer().public_key, typ=TYP)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES256K", "eddsa", None, 7, ["EdDSA"]])
def test_another_algorithm_is_refused(alg):
    with pytest.raises(CityIdError) as refused:
        jose.verify(packed({"alg": alg, "typ": TYP}), key=signer().public_key, typ=TYP)
    assert isinstance(refused.value, UnsupportedError | InvalidInputError)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"alg": "EdDSA"}, "a token of type"),
        ({"alg": "EdDSA", "typ": "JWT"}, "a token of type"),
        ({"typ": TYP}, "header of the token is refused"),
        ({"alg": "EdDSA", "typ": TYP, "crit": ["b64"], "b64": False}, "not understood"),
        ({"alg": "EdDSA", "typ": TYP, "b64": True}, "not understood"),
        ({"alg": "EdDSA", "typ": TYP, "crit": ["exp"]}, "header of the token is refused"),
        ({"alg": "EdDSA", "typ": TYP, "kid": 7}, "header of the token is refused"),
        (b'{"alg":"EdDSA","alg":"none","typ":"test+jwt"}', "more than once"),
        (b"[]", "object is expected"),
        (b"{", "not JSON"),
        (b'{"x":"' + b"y" * 5000 + b'"}', "more than 4096 bytes"),
    ],
)
def test_a_header_that_asks_for_more_is_refused(header, told):
    assert jose.read(packed({"alg": "EdDSA", "typ": TYP}), typ=TYP).payload == b"{}"
    with pytest.raises(InvalidInputError, match=told):
        jose.read(packed(header), typ=TYP)


@pytest.mark.parametrize(
    "token",
    [
        *("", "a.b", "a.b.c.d", "a..c", "a.b.", ".b.c", "a b.c.d", "a=.b.c", "é.b.c"),
        *(b"\xff.b.c", 7, None, "x" * (jose.MOST_CHARACTERS + 1)),
    ],
)
def test_what_is_no_token_is_refused(token):
    with pytest.raises(InvalidInputError) as refused:
        jose.read(token, typ=TYP)
    assert refused.value.code in {Code.INVALID_ENCODING, Code.INPUT_TOO_LARGE}


def test_text_with_loose_bits_is_refused():
    header, payload, signature = packed({"alg": "EdDSA", "typ": TYP}).split(".")
    for token in (f"{header}.{payload}.{signature[:-1]}B", f"{header}.{payload[:-1]}B.{signature}"):
        with pytest.raises(InvalidInputError) as refused:
            jose.read(token, typ=TYP)
        assert refused.value.code is Code.INVALID_ENCODING


@pytest.mark.parametrize("key_type", ["P-384", "secp256k1"])
def test_other_keys_sign_no_tokens(key_type):
    key = keys.generate(key_type)
    with pytest.raises(UnsupportedError, match="sign no tokens"):
        jose.sign(b"{}", signer=key, typ=TYP)
    with pytest.raises(UnsupportedError, match="sign no tokens"):
        jose.verify(packed({"alg": "EdDSA", "typ": TYP}), key=key.public_key, typ=TYP)
