"""Ed25519, the ECDSA curves, X25519 and BLS12-381, each beyond what published vectors ask."""

import pytest

import vectors
from cityid import keys
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.keys import bls12381
from cityid.keys.table import algorithm

ECDSA = ("P-256", "P-384", "secp256k1")


def refusal(attempt):
    with pytest.raises(InvalidInputError) as refused:
        attempt()
    return refused.value.code


# --- Ed25519


def test_ed25519_as_in_rfc_8032():
    key = keys.generate(
        seed=bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert key.public_key.data.hex() == (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    )
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_an_ed25519_key_off_the_curve_verifies_nothing():
    key = keys.public_key("Ed25519", b"\2" + bytes(31))
    assert refusal(lambda: key.verify(bytes(64), b"")) is Code.INVALID_SIGNATURE
    assert refusal(lambda: keys.x25519_from_ed25519(key)) is Code.INVALID_KEY


# --- ECDSA


@pytest.mark.parametrize(
    ("type_", "secret", "signature"),
    [
        (
            "P-256",
            "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
            (
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
            ),
        ),
        (
            "P-384",
            (
                "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
                "96d5724e4c70a825f872c9ea60d2edf5"
            ),
            (
                "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
                "81a648152e44acf96e36dd1e80fabe46"
                "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
                "a329c145786e679e7b82c71a38628ac8"
            ),
        ),
    ],
)
def test_ecdsa_is_deterministic_as_in_rfc_6979(type_, secret, signature):
    assert keys.generate(type_, seed=bytes.fromhex(secret)).sign(b"sample").hex() == signature


@pytest.mark.parametrize("type_", ECDSA)
def test_points_come_compressed_or_not_and_leave_compressed(type_):
    key = keys.generate(type_).public_key
    kind, size = key.algorithm, key.algorithm.size
    point = kind.from_coordinates(kind.coordinates(key.data, key._native))
    assert keys.public_key(type_, point) == key
    assert len(key.data) == 1 + size
    for wrong in (
        b"\0",  # infinity
        b"\0" + point[1:],
        b"\6" + point[1:],  # hybrid forms
        b"\7" + point[1:],
        b"\5" + key.data[1:],
        b"\2" + point[1:],
        b"\4" + key.data[1:],
        point[:-1],
        point + b"\0",
        key.data[:-1],
        key.data + b"\0",
        point[:-1] + bytes([point[-1] ^ 1]),  # off the curve
        b"\4" + bytes(2 * size),
        b"\2" + b"\xff" * size,  # not reduced
    ):
        assert refusal(lambda wrong=wrong: keys.public_key(type_, wrong)) is Code.INVALID_KEY


@pytest.mark.parametrize("type_", ECDSA)
def test_scalars_must_be_in_range(type_):
    kind = algorithm(type_)
    for scalar in (1, kind.order - 1):
        key = keys.generate(type_, seed=scalar.to_bytes(kind.size))
        key.public_key.verify(key.sign(b""), b"")
    for scalar in (0, kind.order, 256**kind.size - 1):
        seed = scalar.to_bytes(kind.size)
        assert refusal(lambda seed=seed: keys.generate(type_, seed=seed)) is Code.INVALID_KEY


@pytest.mark.parametrize("type_", ECDSA)
def test_s_is_low_where_it_must_be(type_):
    kind = algorithm(type_)
    key = keys.generate(type_, seed=b"\3" * kind.size)
    halves = [
        int.from_bytes(key.sign(bytes([i]))[kind.size :]) <= kind.order // 2 for i in range(20)
    ]
    assert all(halves) == kind.low_s == (type_ == "secp256k1")


# --- X25519


def test_two_agree():
    one, two = keys.generate("X25519"), keys.generate("X25519")
    assert one.agree(two.public_key) == two.agree(one.public_key)
    assert one.agree(two.public_key) != one.agree(one.public_key)


def test_agreement_is_with_a_key_of_the_same_type():
    mine = keys.generate("X25519")
    assert refusal(lambda: mine.agree(keys.generate().public_key)) is Code.INVALID_KEY


def test_the_zero_secret_is_refused_and_no_traceback_keeps_ours():
    mine = keys.generate("X25519")
    with pytest.raises(InvalidInputError) as refused:
        mine.agree(keys.public_key("X25519", bytes(32)))
    assert refused.value.code is Code.INVALID_KEY
    assert refused.value.__context__ is None


def did_key_pairs():
    found = vectors.load("did-key", "spec-vectors/ed25519-x25519.json") or {}
    return [pytest.param(did, row, id=did[8:20]) for did, row in found.items()]


@pytest.mark.parametrize(("did", "row"), did_key_pairs())
def test_the_x25519_form_is_the_one_of_did_key(did, row):
    key = keys.generate(seed=bytes.fromhex(row["seed"])).public_key
    derived = keys.x25519_from_ed25519(key)
    assert "did:key:" + key.multikey == did
    assert row["keyAgreementKeyPair"]["id"].endswith("#" + derived.multikey)


def test_an_x25519_form_as_computed_by_the_formula():
    key = keys.generate(seed=bytes(32)).public_key
    prime = 2**255 - 19
    y = int.from_bytes(key.data, "little") & (2**255 - 1)
    u = (1 + y) * pow(1 - y, -1, prime) % prime
    assert keys.x25519_from_ed25519(key).data == u.to_bytes(32, "little")


def test_only_an_ed25519_key_has_an_x25519_form():
    key = keys.generate("P-256").public_key
    assert refusal(lambda: keys.x25519_from_ed25519(key)) is Code.INVALID_KEY


# --- BLS12-381

BLS_KEY = bytes.fromhex(
    "a820f230f6ae38503b86c70dc50b61c58a77e45c39ab25c0652bbaa8fa136f28"
    "51bd4781c9dcde39fc9d1d52c9e60268061e7d7632171d91aa8d460acee0e96f"
    "1e7c4cfb12d3ff9ab5d5dc91c277db75c845d649ef3c4f63aebc364cd55ded0c"
)
COFACTOR = int(
    "5d543a95414e7f1091d50792876a202cd91de4547085abaa68a205b2e5a7ddfa"
    "628f1cb4d9e82ef21537e293a6691ae1616ec6e786f0c70cf1c38e31c7238e5",
    16,
)


def compressed(x):
    return bytes([0x80 | x[1] >> 376]) + (x[1] % 2**376).to_bytes(47) + x[0].to_bytes(48)


def points_outside():
    """Yield points of the curve that are not in the group of prime order."""
    for number in range(1, 20):
        x = (number, 0)
        square = bls12381._add(bls12381._multiply(x, bls12381._multiply(x, x)), bls12381._B)
        y = bls12381._square_root(square)
        if y is not None:
            yield x, y


def multiple(point, scalar):
    result = (bls12381._ONE, bls12381._ONE, bls12381._ZERO)
    for bit in f"{scalar:b}":
        result = (
            bls12381._sum(bls12381._double(result), point)
            if bit == "1"
            else bls12381._double(result)
        )
    return result


def affine(point):
    x, _, (a, b) = point
    norm = pow(a * a + b * b, -1, bls12381._P)
    inverse = (a * norm % bls12381._P, -b * norm % bls12381._P)
    return bls12381._multiply(x, bls12381._multiply(inverse, inverse))


def test_a_bls_key_is_read_and_written_but_cannot_act():
    key = keys.public_key("BLS12-381-G2", BLS_KEY)
    assert key.multikey.startswith("zUC7")
    assert keys.from_multikey(key.multikey) == key
    for attempt in (
        lambda: key.verify(bytes(80), b""),
        lambda: key.jwk,
        lambda: keys.generate("BLS12-381-G2"),
    ):
        with pytest.raises(UnsupportedError):
            attempt()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(BLS_KEY[:-1], id="short"),
        pytest.param(bytes([BLS_KEY[0] & 0x7F]) + BLS_KEY[1:], id="uncompressed"),
        pytest.param(b"\xc0" + bytes(95), id="infinity"),
        pytest.param(b"\x9f" + b"\xff" * 95, id="not-reduced"),
        pytest.param(b"\x80" + bytes(94) + b"\1", id="off-the-curve"),
    ],
)
def test_what_is_no_bls_key_is_refused(wrong):
    assert refusal(lambda: keys.public_key("BLS12-381-G2", wrong)) is Code.INVALID_KEY


def test_bls_points_outside_the_group_are_refused():
    outside = [compressed(x) for x, _ in points_outside()]
    assert outside
    for data in outside:
        with pytest.raises(InvalidInputError, match="prime order"):
            keys.public_key("BLS12-381-G2", data)


@pytest.mark.parametrize("order", [13, 23])
def test_bls_points_of_small_order_are_refused(order):
    x, y = next(points_outside())
    small = multiple((x, y, bls12381._ONE), bls12381._ORDER * COFACTOR // order**2)
    assert small[2] != bls12381._ZERO
    with pytest.raises(InvalidInputError, match="prime order"):
        keys.public_key("BLS12-381-G2", compressed(affine(small)))


def test_sums_of_bls_points_in_their_special_cases():
    x, y = next(points_outside())
    point, infinity = (x, y, bls12381._ONE), multiple((x, y, bls12381._ONE), 0)
    opposite = (x, bls12381._subtract(bls12381._ZERO, y), bls12381._ONE)
    assert bls12381._sum(infinity, point) == point
    assert bls12381._sum(opposite, point)[2] == bls12381._ZERO
    assert affine(bls12381._sum(point, point)) == affine(bls12381._double(point))
    assert affine(bls12381._sum(bls12381._double(point), point)) == affine(multiple(point, 3))


def test_a_bls_point_whose_square_root_has_no_real_part():
    assert bls12381._square_root((bls12381._P - 4, 0)) in {(0, 2), (0, bls12381._P - 2)}


def test_did_key_vectors_name_the_same_bls_keys():
    found = vectors.load("did-key", "spec-vectors/bls12381.json") or {}
    for did in found:
        if did.startswith("did:key:zUC7"):
            assert keys.from_multikey(did[8:]).multikey == did[8:]
