"""Signatures over digests, whose signer can be recovered: against an independent library."""

import hashlib
import sys

import pytest
from eth_keys import keys as oracle

from cityid import keys
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.keys import secp256k1
from cityid.keys.sealed import Cost

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def digest(number):
    return hashlib.sha256(b"digest %d" % number).digest()


@pytest.mark.parametrize("secret", [1, 2, 3, ORDER - 1, 7**90])
def test_digests_are_signed_as_others_sign_them(secret):
    seed = secret.to_bytes(32)
    ours, theirs = keys.generate("secp256k1", seed=seed), oracle.PrivateKey(seed)
    signatures = [ours.sign_digest(digest(number)) for number in range(50)]
    assert signatures == [theirs.sign_msg_hash(digest(number)).to_bytes() for number in range(50)]
    assert {signature[64] for signature in signatures} == {0, 1}


@pytest.mark.parametrize(
    "extreme", [bytes(32), b"\xff" * 32, ORDER.to_bytes(32), (ORDER - 1).to_bytes(32)]
)
def test_extreme_digests_are_signed_too(extreme):
    key = keys.generate("secp256k1", seed=b"\5" * 32)
    signature = key.sign_digest(extreme)
    recovered = oracle.Signature(signature).recover_public_key_from_msg_hash(extreme)
    assert recovered.to_compressed_bytes() == key.public_key.data
    assert int.from_bytes(signature[32:64]) <= ORDER // 2


def test_a_digest_of_data_gives_the_signature_over_the_data():
    key = keys.generate("secp256k1")
    assert key.sign_digest(hashlib.sha256(b"data").digest())[:64] == key.sign(b"data")


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), bytearray(32), "a" * 32, None, 7])
def test_nothing_but_32_bytes_is_a_digest(wrong):
    with pytest.raises(InvalidInputError, match="32 bytes") as refused:
        keys.generate("secp256k1").sign_digest(wrong)
    assert refused.value.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize("type_", ["Ed25519", "P-256", "P-384", "X25519"])
def test_keys_of_other_kinds_sign_no_digests(type_):
    with pytest.raises(UnsupportedError, match="cannot sign digests"):
        keys.generate(type_).sign_digest(bytes(32))


def test_a_key_store_signs_digests(tmp_path):
    key = keys.generate("secp256k1", seed=b"\6" * 32)
    cheap = Cost(operations=1, memory=8192)
    store = keys.KeyStore.create(tmp_path / "keys", "a passphrase", cost=cheap)
    store.add("writer", key)
    again = keys.KeyStore.open(tmp_path / "keys", "a passphrase", cost=cheap)
    assert again.signer("writer").sign_digest(digest(1)) == key.sign_digest(digest(1))


@pytest.fixture
def without_libsecp256k1(monkeypatch):
    monkeypatch.setitem(sys.modules, "coincurve", None)
    secp256k1._libsecp256k1.cache_clear()
    yield
    monkeypatch.undo()
    secp256k1._libsecp256k1.cache_clear()


NUMBERS = [0, 1, *range(2, 60), 2**256 - 1]


def signed():
    return [
        keys.generate("secp256k1", seed=bytes([number % 7 + 1]) * 32).sign_digest(
            number.to_bytes(32)
        )
        for number in NUMBERS
    ]


def test_libsecp256k1_and_openssl_sign_alike(request):
    swift = signed()
    assert secp256k1._libsecp256k1() is not None
    request.getfixturevalue("without_libsecp256k1")
    assert secp256k1._libsecp256k1() is None
    assert signed() == swift
