"""Wycheproof's attacks on signatures and keys: https://github.com/C2SP/wycheproof.

Two files hold DER signatures, which cityid never reads. Each is judged twice over: what is DER of
two positive integers that fit is turned into r and s at full length and must come out as the file
says; everything else must be refused as it stands, and the DER itself is refused always.
"""

from __future__ import annotations

import pytest

import vectors
from cityid import keys
from cityid.errors import Code, InvalidInputError
from cityid.keys.table import algorithm

REFUSED = {
    Code.INVALID_SIGNATURE,
    Code.INVALID_SIGNATURE_ENCODING,
    Code.NON_CANONICAL_SIGNATURE,
}


def cases(file):
    groups = (vectors.load("wycheproof", f"{file}.json") or {"testGroups": []})["testGroups"]
    return [
        vectors.case("wycheproof", group, test, id=f"{file}-{test['tcId']}")
        for group in groups
        for test in group["tests"]
    ]


def judge(key, signature, test):
    """Hold the verdict to the file's, and return the code of a refusal."""
    if test["result"] == "valid":
        key.verify(signature, bytes.fromhex(test["msg"]))
        return None
    with pytest.raises(InvalidInputError) as refused:
        key.verify(signature, bytes.fromhex(test["msg"]))
    assert refused.value.code in REFUSED
    return refused.value.code


@pytest.mark.parametrize(("group", "test"), cases("ed25519_test"))
def test_ed25519(group, test):
    key = keys.public_key("Ed25519", bytes.fromhex(group["publicKey"]["pk"]))
    assert keys.from_jwk(group["publicKeyJwk"]) == key
    code = judge(key, bytes.fromhex(test["sig"]), test)
    if code is not None:
        assert (code is Code.INVALID_SIGNATURE_ENCODING) == (len(test["sig"]) != 128)
        if "SignatureMalleability" in test["flags"]:
            assert code is Code.NON_CANONICAL_SIGNATURE


@pytest.mark.parametrize(("group", "test"), cases("ecdsa_secp256r1_sha256_p1363_test"))
def test_ecdsa_raw(group, test):
    key = keys.public_key("P-256", bytes.fromhex(group["publicKey"]["uncompressed"]))
    if "publicKeyJwk" in group:
        assert keys.from_jwk(group["publicKeyJwk"]) == key
    code = judge(key, bytes.fromhex(test["sig"]), test)
    if len(test["sig"]) != 128:
        assert code is Code.INVALID_SIGNATURE_ENCODING


def strict_integers(der):
    """Return r and s of strict DER; None for any other encoding."""

    def integer(data):
        if len(data) < 3 or data[0] != 2 or data[1] > 0x7F or len(data) < 2 + data[1]:
            return None
        value, rest = data[2 : 2 + data[1]], data[2 + data[1] :]
        padded = len(value) > 1 and value[0] == 0 and value[1] < 0x80
        return None if not value or value[0] >= 0x80 or padded else (int.from_bytes(value), rest)

    if len(der) < 2 or der[0] != 0x30 or der[1] != len(der) - 2 or der[1] > 0x7F:
        return None
    r = integer(der[2:])
    s = r and integer(r[1])
    return (r[0], s[0]) if r and s and not s[1] else None


@pytest.mark.parametrize(
    ("type_", "group", "test"),
    [
        pytest.param(type_, *case.values, id=case.id, marks=case.marks)
        for type_, file in (
            ("P-256", "ecdsa_secp256r1_sha256_test"),
            ("P-384", "ecdsa_secp384r1_sha384_test"),
        )
        for case in cases(file)
    ],
)
def test_ecdsa_der(type_, group, test):
    key = keys.public_key(type_, bytes.fromhex(group["publicKey"]["uncompressed"]))
    der, size = bytes.fromhex(test["sig"]), algorithm(type_).size
    with pytest.raises(InvalidInputError) as refused:
        key.verify(der, bytes.fromhex(test["msg"]))
    if len(der) != 2 * size:
        assert refused.value.code is Code.INVALID_SIGNATURE_ENCODING
    found = strict_integers(der)
    if found is None or max(found) >= 256**size:
        assert test["result"] == "invalid"  # nothing valid is lost on the way to r and s
        return
    judge(key, b"".join(number.to_bytes(size) for number in found), test)


@pytest.mark.parametrize(("group", "test"), cases("x25519_test"))
def test_x25519(group, test):
    assert group["curve"] == "curve25519"
    mine = keys.generate("X25519", seed=bytes.fromhex(test["private"]))
    other = keys.public_key("X25519", bytes.fromhex(test["public"]))
    if "ZeroSharedSecret" in test["flags"]:
        assert not int(test["shared"], 16)
        with pytest.raises(InvalidInputError) as refused:
            mine.agree(other)
        assert refused.value.code is Code.INVALID_KEY
    else:
        assert mine.agree(other).hex() == test["shared"]


@pytest.mark.parametrize(("group", "test"), cases("ecdh_secp256r1_ecpoint_test"))
def test_points_of_p256(group, test):
    assert group["encoding"] == "ecpoint"
    point = bytes.fromhex(test["public"])
    if test["result"] == "invalid":
        with pytest.raises(InvalidInputError) as refused:
            keys.public_key("P-256", point)
        assert refused.value.code is Code.INVALID_KEY
    else:  # one is merely acceptable: a compressed point, which is our own form
        key = keys.public_key("P-256", point)
        assert key.data[1:] == point[1:33]
        assert keys.public_key("P-256", key.data) == key
