"""What holds for every key, signature and sealed file."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import keys
from cityid.errors import CityIdError, InvalidInputError
from cityid.keys.sealed import Cost, read_sealed, write_sealed

SIGNING = ("Ed25519", "P-256", "P-384", "secp256k1")
KEYS = {name: keys.generate(name, seed=b"\5" * (48 if name == "P-384" else 32)) for name in SIGNING}
quick = settings(derandomize=True, deadline=None, max_examples=60)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("type_", SIGNING)
@quick
@given(data=st.binary(max_size=200))
def test_what_is_signed_verifies(type_, data):
    KEYS[type_].public_key.verify(KEYS[type_].sign(data), data)


@pytest.mark.parametrize("type_", SIGNING)
@quick
@given(data=st.binary(min_size=1, max_size=100), bit=st.integers(0, 10_000))
def test_any_flipped_bit_is_seen(type_, data, bit):
    key = KEYS[type_]
    signature = key.sign(data)
    both = bytearray(signature + data)
    bit %= 8 * len(both)
    both[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidInputError):
        key.public_key.verify(bytes(both[: len(signature)]), bytes(both[len(signature) :]))


@pytest.mark.parametrize("type_", [*SIGNING, "X25519"])
@quick
@given(seed=st.integers(1, 2**255))
def test_every_form_comes_back(type_, seed):
    key = keys.generate(type_, seed=seed.to_bytes(48 if type_ == "P-384" else 32))
    public = key.public_key
    assert keys.from_multikey(public.multikey) == keys.from_jwk(public.jwk) == public
    assert keys.public_key(type_, public.data) == public
    assert keys.private_key_from_multikey(key.export_multikey()).public_key == public
    assert keys.private_key_from_jwk(key.export_jwk()).public_key == public


@pytest.mark.parametrize("type_", list(keys.ALGORITHMS))
@quick
@given(data=st.binary(max_size=100))
def test_any_bytes_are_a_key_or_refused(type_, data):
    try:
        key = keys.public_key(type_, data)
    except InvalidInputError:
        return
    assert keys.from_multikey(key.multikey) == key


@quick
@given(text=st.text() | st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdef").map("z".__add__))
def test_any_text_is_a_multikey_or_refused(text):
    with contextlib.suppress(CityIdError):
        assert keys.from_multikey(text).multikey == text


@quick
@given(jwk=st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d"]), json_values))
def test_any_object_is_a_jwk_or_refused(jwk):
    for kind in ({}, {"kty": "EC", "crv": "P-256"}, {"kty": "OKP", "crv": "Ed25519"}):
        for read in (keys.from_jwk, keys.private_key_from_jwk):
            try:
                read(jwk | kind)
            except CityIdError:
                continue


@quick
@given(mine=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32))
def test_two_agree(mine, other):
    one, two = (keys.generate("X25519", seed=seed) for seed in (mine, other))
    assert one.agree(two.public_key) == two.agree(one.public_key)


@quick
@given(content=st.binary(max_size=1000), passphrase=st.text(min_size=1) | st.binary(min_size=1))
def test_every_content_comes_back_from_a_sealed_file(content, passphrase):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "box")
        write_sealed(path, content, passphrase, new=True, cost=Cost(1, 2**13))
        assert read_sealed(path, passphrase) == content
