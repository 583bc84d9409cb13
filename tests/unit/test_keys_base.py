import copy
import pickle

import pytest

from cityid import keys
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.keys.base import Secret

SIGNING = ("Ed25519", "P-256", "P-384", "secp256k1")


@pytest.fixture(params=SIGNING, scope="module")
def key(request):
    return keys.generate(request.param)


@pytest.fixture(params=[*SIGNING, "X25519"], scope="module")
def any_key(request):
    return keys.generate(request.param)


def test_what_is_signed_verifies(key):
    signature = key.sign(b"a resident")
    key.public_key.verify(signature, b"a resident")
    assert len(signature) == {"P-384": 96}.get(key.public_key.type, 64)


def test_signing_is_deterministic(key):
    assert key.sign(b"a resident") == key.sign(b"a resident")


def test_other_data_does_not_verify(key):
    with pytest.raises(InvalidInputError) as refused:
        key.public_key.verify(key.sign(b"a resident"), b"another resident")
    assert refused.value.code is Code.INVALID_SIGNATURE


def test_another_key_does_not_verify(key):
    other = keys.generate(key.public_key.type)
    with pytest.raises(InvalidInputError) as refused:
        other.public_key.verify(key.sign(b"a resident"), b"a resident")
    assert refused.value.code is Code.INVALID_SIGNATURE


@pytest.mark.parametrize("wrong", ["text", None, 5, [], bytearray(64)])
def test_only_bytes_are_signed_and_verified(key, wrong):
    with pytest.raises(InvalidInputError) as refused:
        key.sign(wrong)
    assert refused.value.code is Code.INVALID_OPTIONS
    for signature, data in ((wrong, b""), (bytes(64), wrong)):
        with pytest.raises(InvalidInputError) as refused:
            key.public_key.verify(signature, data)
        assert refused.value.code is Code.INVALID_SIGNATURE_ENCODING


def test_a_seed_gives_the_same_key(any_key):
    size = any_key.public_key.algorithm.size
    type_ = any_key.public_key.type
    one, two = (keys.generate(type_, seed=b"\7" * size) for _ in range(2))
    assert one.public_key == two.public_key != any_key.public_key


def test_keys_are_drawn_differently(any_key):
    assert keys.generate(any_key.public_key.type).public_key != any_key.public_key


@pytest.mark.parametrize("seed", [b"", b"\1" * 31, b"\1" * 49, "1" * 32, 5])
def test_a_seed_of_wrong_size_is_refused(any_key, seed):
    with pytest.raises(InvalidInputError) as refused:
        keys.generate(any_key.public_key.type, seed=seed)
    assert refused.value.code is Code.INVALID_KEY


def test_public_keys_are_values(any_key):
    public = any_key.public_key
    again = keys.public_key(public.type, public.data)
    assert again == public
    assert hash(again) == hash(public)
    assert len({again, public}) == 1
    assert pickle.loads(pickle.dumps(public)) == public  # noqa: S301 - what we pickled ourselves
    assert copy.deepcopy(public) == copy.copy(public) == public
    assert public.multikey in repr(public)
    with pytest.raises(AttributeError):
        public.data = b""


def test_the_type_is_part_of_equality():
    data = keys.generate("Ed25519").public_key.data
    assert keys.public_key("Ed25519", data) != keys.public_key("X25519", data)
    assert keys.public_key("Ed25519", data) != data


@pytest.mark.parametrize("type_", list(keys.ALGORITHMS))
def test_public_keys_must_be_bytes_of_the_right_size(type_):
    for wrong in (b"", b"\2", bytes(200), "text", None):
        with pytest.raises(InvalidInputError) as refused:
            keys.public_key(type_, wrong)
        assert refused.value.code is Code.INVALID_KEY


@pytest.mark.parametrize("name", ["P-521", "ed25519", "", "x" * 1000])
def test_unknown_types_are_unsupported(name):
    for attempt in (lambda: keys.public_key(name, b""), lambda: keys.generate(name)):
        with pytest.raises(UnsupportedError) as refused:
            attempt()
        assert refused.value.known == tuple(keys.ALGORITHMS)


def test_a_type_is_text():
    with pytest.raises(InvalidInputError) as refused:
        keys.generate(["Ed25519"])
    assert refused.value.code is Code.INVALID_OPTIONS


def test_the_table_is_read_only_and_names_itself():
    with pytest.raises(TypeError):
        keys.ALGORITHMS["Ed25519"] = None
    assert all(algorithm.type is name for name, algorithm in keys.ALGORITHMS.items())


def test_keys_that_agree_do_not_sign_and_the_other_way_round(key):
    agreeing = keys.generate("X25519")
    for attempt in (
        lambda: agreeing.sign(b""),
        lambda: agreeing.public_key.verify(bytes(64), b""),
        lambda: key.agree(key.public_key),
    ):
        with pytest.raises(UnsupportedError):
            attempt()


def test_a_secret_is_compared_by_size_alone():
    assert Secret(bytes(32)).fits(32)
    assert not Secret(bytes(31)).fits(32)
    assert not Secret("x" * 32).fits(32)
    assert repr(Secret(b"x")) == "<secret>"
