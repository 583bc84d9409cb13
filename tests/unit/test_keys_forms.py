"""Keys as Multikey and as JWK."""

import json

import pytest

from cityid import keys
from cityid.encoding import Multicodec, multibase_encode, multicodec_wrap
from cityid.errors import CityIdError, Code, InvalidInputError, UnsupportedError
from cityid.keys import multikey

TYPES = ("Ed25519", "P-256", "P-384", "secp256k1", "X25519")


@pytest.fixture(params=TYPES, scope="module")
def key(request):
    return keys.generate(request.param)


def refusal(attempt, error=InvalidInputError):
    with pytest.raises(error) as refused:
        attempt()
    return refused.value


# --- Multikey


def test_a_multikey_comes_back(key):
    assert keys.from_multikey(key.public_key.multikey) == key.public_key
    again = keys.private_key_from_multikey(key.export_multikey())
    assert again.public_key == key.public_key
    assert again.export_multikey() == key.export_multikey()


@pytest.mark.parametrize(
    ("type_", "public", "private"),
    [
        ("Ed25519", "ed01", "8026"),
        ("P-256", "8024", "8626"),
        ("P-384", "8124", "8726"),
        ("secp256k1", "e701", "8126"),
        ("X25519", "ec01", "8226"),
    ],
)
def test_the_prefixes_are_those_of_the_standard(type_, public, private):
    key = keys.generate(type_)
    wrapped = multicodec_wrap(key.public_key.algorithm.public_codec, b"")
    assert wrapped.hex() == public
    assert key.public_key.algorithm.private_codec.prefix.hex() == private


def test_a_known_multikey():
    key = keys.generate(seed=bytes(32)).public_key
    assert key.multikey == "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    assert key.multikey is key.multikey


@pytest.mark.parametrize(
    "wrong", ["", "z", "6Mk", "z0", " z6Mk", "u7QE", "zé", None, 5, [], {"z": 1}]
)
def test_what_is_no_multikey_is_refused(wrong):
    for read in (keys.from_multikey, keys.private_key_from_multikey):
        assert refusal(lambda read=read: read(wrong)).code in {
            Code.INVALID_KEY,
            Code.INVALID_ENCODING,
        }


def test_a_multikey_has_one_text_alone(key):
    text = key.public_key.multikey
    for wrong in (text + " ", text + "\n", "z1" + text[1:], text + "1", text[:-1], text.upper()):
        refusal(lambda wrong=wrong: keys.from_multikey(wrong), error=CityIdError)


def test_a_multikey_is_base58_alone(key):
    algorithm = key.public_key.algorithm
    text = multibase_encode(
        multicodec_wrap(algorithm.public_codec, key.public_key.data), "base64url"
    )
    assert refusal(lambda: keys.from_multikey(text)).code is Code.INVALID_ENCODING


def test_a_multikey_holds_the_compressed_point():
    key = keys.generate("P-256").public_key
    point = b"\4" + key.algorithm.coordinates(key.data, key._native)
    text = multibase_encode(multicodec_wrap(Multicodec.P256_PUB, point), "base58btc")
    assert refusal(lambda: keys.from_multikey(text)).code is Code.INVALID_KEY


def test_secret_and_public_are_not_taken_for_each_other(key):
    error = refusal(lambda: keys.from_multikey(key.export_multikey()))
    assert error.code is Code.INVALID_KEY
    assert key.export_multikey()[4:20] not in str(error)
    refusal(lambda: keys.private_key_from_multikey(key.public_key.multikey), error=UnsupportedError)


def test_other_codecs_are_unsupported():
    for code in (b"\x82\x24", b"\x85\x24", b"\xee\x01"):  # P-521, RSA, BLS12-381 G1 with G2
        text = multibase_encode(code + bytes(32), "base58btc")
        refusal(lambda text=text: keys.from_multikey(text), error=UnsupportedError)
    text = multibase_encode(multicodec_wrap(Multicodec.BLS12_381_G2_PRIV, b"\1" * 32), "base58btc")
    refusal(lambda: keys.private_key_from_multikey(text), error=UnsupportedError)
    assert refusal(lambda: keys.from_multikey(text)).code is Code.INVALID_KEY


def test_a_codec_that_no_key_type_claims_is_unsupported(key, monkeypatch):
    text = key.public_key.multikey
    monkeypatch.setattr(multikey, "_PUBLIC", {})
    refusal(lambda: keys.from_multikey(text), error=UnsupportedError)


# --- JWK


def test_a_jwk_comes_back(key):
    jwk = json.loads(json.dumps(key.public_key.jwk))
    assert keys.from_jwk(jwk) == key.public_key
    assert keys.from_jwk(jwk | {"kid": "#1", "use": "sig", "more": [1]}) == key.public_key
    again = keys.private_key_from_jwk(json.loads(json.dumps(key.export_jwk())))
    assert again.public_key == key.public_key
    assert again.export_jwk() == key.export_jwk()


def test_a_public_jwk_holds_nothing_secret(key):
    kind = {"Ed25519": "OKP", "X25519": "OKP"}.get(key.public_key.type, "EC")
    assert list(key.public_key.jwk) == ["kty", "crv", "x", "y"][: 3 + (kind == "EC")]
    assert key.public_key.jwk["kty"] == kind
    assert key.public_key.jwk["crv"] == key.public_key.type


def test_a_jwk_as_in_rfc_8037():
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    assert keys.private_key_from_jwk(jwk).export_jwk() == jwk


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_public_jwk_with_a_private_member_is_refused(key, member):
    error = refusal(lambda: keys.from_jwk(key.public_key.jwk | {member: "AA"}))
    assert error.code is Code.INVALID_KEY
    assert error.path == f"/{member}"


@pytest.mark.parametrize("wrong", [None, [], "text", 5])
def test_a_jwk_is_an_object(wrong):
    for read in (keys.from_jwk, keys.private_key_from_jwk):
        assert refusal(lambda read=read: read(wrong)).code is Code.INVALID_KEY


@pytest.mark.parametrize("wrong", [None, 5, [], {}, True])
def test_members_are_text(key, wrong):
    for member in key.public_key.jwk:
        error = refusal(lambda member=member: keys.from_jwk(key.public_key.jwk | {member: wrong}))
        assert error.path == f"/{member}"
    refusal(lambda: keys.private_key_from_jwk(key.public_key.jwk | {"d": wrong}))


def test_members_must_be_there(key):
    for member in key.public_key.jwk:
        jwk = {name: value for name, value in key.public_key.jwk.items() if name != member}
        assert refusal(lambda jwk=jwk: keys.from_jwk(jwk)).path == f"/{member}"
    assert refusal(lambda: keys.private_key_from_jwk(key.public_key.jwk)).path == "/d"


def test_kty_and_crv_agree(key):
    other = {"OKP": "EC", "EC": "OKP"}[key.public_key.jwk["kty"]]
    error = refusal(lambda: keys.from_jwk(key.public_key.jwk | {"kty": other}))
    assert error.code is Code.INVALID_KEY
    assert error.path == "/kty"


@pytest.mark.parametrize(
    "change",
    [{"kty": "RSA"}, {"kty": "oct"}, {"kty": ""}, {"crv": "P-521"}, {"crv": "Ed448"}],
)
def test_other_kinds_are_unsupported(key, change):
    refusal(lambda: keys.from_jwk(key.public_key.jwk | change), error=UnsupportedError)


def test_coordinates_are_strict_base64url_of_full_length(key):
    for member in list(key.public_key.jwk)[2:]:
        text = key.public_key.jwk[member]
        for wrong in (
            text + "=",
            text + "A",
            text[:-1],
            "AA" + text,
            " " + text,
            "+" + text[1:],
            "",
        ):
            error = refusal(
                lambda member=member, wrong=wrong: keys.from_jwk(
                    key.public_key.jwk | {member: wrong}
                )
            )
            assert error.code in {Code.INVALID_ENCODING, Code.INVALID_KEY}
            assert error.path == f"/{member}"
        error = refusal(
            lambda member=member: keys.from_jwk(key.public_key.jwk | {member: "A" * 1000})
        )
        assert error.code is Code.INPUT_TOO_LARGE


def test_a_coordinate_keeps_its_leading_zeros():
    seeds = (number.to_bytes(32) for number in range(1, 2000))
    key = next(
        key for seed in seeds if (key := keys.generate("P-256", seed=seed).public_key).data[1] == 0
    )
    assert len(key.jwk["x"]) == 43
    assert keys.from_jwk(key.jwk) == key


def test_a_secret_jwk_belongs_to_its_public_members(key):
    other = keys.generate(key.public_key.type)
    jwk = key.export_jwk() | {"d": other.export_jwk()["d"]}
    assert refusal(lambda: keys.private_key_from_jwk(jwk)).code is Code.INVALID_KEY
