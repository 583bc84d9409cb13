import base58
import pytest

from cityid import encoding
from cityid.encoding import BASE58_MAX_LENGTH, Multicodec
from cityid.errors import Code, InvalidInputError, UnsupportedError


def refusal(action, *arguments, **options):
    with pytest.raises(InvalidInputError) as caught:
        action(*arguments, **options)
    return caught.value


# --- base58btc


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\0", "1"),
        (b"\0\0a", "112g"),
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"\xff" * 64, None),
        (b"\0" * 64, "1" * 64),
        (bytes([0, 1]) * 1000, None),
    ],
    ids=range(8),
)
def test_base58btc_agrees_with_an_independent_implementation(data, text):
    encoded = encoding.base58btc_encode(data)
    assert encoded == base58.b58encode(data).decode()
    assert text in {None, encoded}
    assert encoding.base58btc_decode(encoded) == data


@pytest.mark.parametrize("words", [1, 2, 3, 11, 372])
def test_base58btc_knows_where_its_words_of_eight_digits_end(words):
    for number in (58 ** (8 * words) - 1, 58 ** (8 * words), 58 ** (8 * words) + 1):
        data = number.to_bytes((number.bit_length() + 7) // 8, "big")
        encoded = encoding.base58btc_encode(data)
        assert encoded == base58.b58encode(data).decode()
        assert encoding.base58btc_decode(encoded) == data


@pytest.mark.parametrize(
    "text", ["0", "O", "I", "l", "a b", "a\n", "ä", "😀", "\ud800", "zz=", "\0"]
)
def test_strangers_in_base58btc_are_refused(text):
    assert refusal(encoding.base58btc_decode, text).code is Code.INVALID_ENCODING


@pytest.mark.parametrize("value", [None, 7, b"z", ["z"], {}])
@pytest.mark.parametrize(
    "decode", [encoding.base58btc_decode, encoding.base64url_decode, encoding.multibase_decode]
)
def test_only_text_is_decoded(decode, value):
    assert refusal(decode, value).code is Code.INVALID_ENCODING


@pytest.mark.parametrize(
    "decode",
    [encoding.base58btc_decode, lambda text: encoding.multibase_decode("z" + text)],
    ids=["base58btc", "multibase"],
)
def test_base58btc_is_capped_before_quadratic_work(decode, monkeypatch):
    assert len(decode("z" * BASE58_MAX_LENGTH)) == 3000
    monkeypatch.setattr(encoding, "_DIGITS", None)  # whoever starts to decode fails
    assert refusal(decode, "z" * 80_000).code is Code.INPUT_TOO_LARGE
    assert refusal(decode, "z" * (BASE58_MAX_LENGTH + 1)).code is Code.INPUT_TOO_LARGE


def test_base58btc_encodes_no_more_than_it_decodes():
    most = BASE58_MAX_LENGTH * 8 // 11
    assert len(encoding.base58btc_encode(b"\xff" * most)) <= BASE58_MAX_LENGTH
    assert refusal(encoding.base58btc_encode, bytes(most + 1)).code is Code.INPUT_TOO_LARGE


# --- base64url


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")],
)
def test_base64url_has_no_padding(data, text):
    assert encoding.base64url_encode(data) == text
    assert encoding.base64url_decode(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",
        "Zg=",
        "Zm9v=",
        "Zh",
        "Zm9",
        "Z",
        "Zm9vZ",
        "+_8",
        "-/8",
        "Zm 9v",
        "Zm9v\n",
        "Zä",
        "\ud800",
        "=",
        "Zm9v!",
        "Zm9\0",
    ],
)
def test_base64url_has_one_text_for_each_value(text):
    error = refusal(encoding.base64url_decode, text)
    assert error.code is Code.INVALID_ENCODING
    assert text not in str(error)


def test_base64url_is_capped():
    assert encoding.base64url_decode("AAAA", max_length=4) == bytes(3)
    assert refusal(encoding.base64url_decode, "AAAA", max_length=3).code is Code.INPUT_TOO_LARGE
    assert refusal(encoding.base64url_decode, "A" * 1_000_004).code is Code.INPUT_TOO_LARGE


# --- multibase


def test_multibase_takes_only_the_bases_allowed_here():
    assert encoding.multibase_decode("uZg", bases=("base64url",)) == b"f"
    error = refusal(encoding.multibase_decode, "z2g", bases=("base64url",))
    assert error.code is Code.INVALID_ENCODING
    assert "u (base64url)" in str(error)
    assert refusal(encoding.multibase_decode, "uZg", bases=("base58btc",))
    assert refusal(encoding.multibase_decode, "")


def test_multibase_is_capped_by_the_caller():
    assert encoding.multibase_decode("uZm9v", max_length=5) == b"foo"
    error = refusal(encoding.multibase_decode, "uZm9v", max_length=4)
    assert error.code is Code.INPUT_TOO_LARGE
    assert len(encoding.multibase_decode("z" + "z" * 5000, max_length=6000)) > 3000


def test_another_base_is_not_written():
    with pytest.raises(UnsupportedError) as caught:
        encoding.multibase_encode(b"", "base45")
    assert caught.value.known == ("base58btc", "base64url")


# --- varint


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (255, "ff01"),
        (300, "ac02"),
        (16384, "808001"),
        (2**63 - 1, "ff" * 8 + "7f"),
    ],
)
def test_varints(number, encoded):
    assert encoding.varint_encode(number).hex() == encoded
    assert encoding.varint_decode(bytes.fromhex(encoded) + b"rest") == (number, b"rest")


@pytest.mark.parametrize("number", [-1, 2**63])
def test_numbers_that_a_varint_does_not_hold(number):
    assert refusal(encoding.varint_encode, number).code is Code.NUMBER_OUT_OF_RANGE


@pytest.mark.parametrize("encoded", ["", "80", "8000", "ff00", "ff" * 9 + "01", "ff" * 10_000])
def test_varints_without_end_or_with_more_bytes_than_needed(encoded):
    error = refusal(encoding.varint_decode, bytes.fromhex(encoded))
    assert error.code is Code.INVALID_ENCODING


# --- multicodec


def test_prefixes_of_keys_are_those_of_the_specification():
    assert Multicodec("p256-pub").prefix.hex() == "8024"
    assert Multicodec.P384_PUB.prefix.hex() == "8124"
    assert Multicodec.ED25519_PUB.prefix.hex() == "ed01"
    assert Multicodec.BLS12_381_G2_PUB.prefix.hex() == "eb01"
    assert (Multicodec.P256_PUB.length, Multicodec.P384_PUB.length) == (33, 49)


@pytest.mark.parametrize(
    ("data", "name"),
    [("8524", "rsa-pub (0x1205)"), ("1200", "sha2-256 (0x12)"), ("ff7f", "0x3fff")],
)
def test_another_codec_is_named(data, name):
    with pytest.raises(UnsupportedError) as caught:
        encoding.multicodec_unwrap(bytes.fromhex(data))
    assert caught.value.name == name
    assert "ed25519-pub" in caught.value.known


@pytest.mark.parametrize("data", [b"", b"\xed", b"\xed\x81\x00"])
def test_a_prefix_that_is_no_varint_is_refused(data):
    assert refusal(encoding.multicodec_unwrap, data).code is Code.INVALID_ENCODING


# --- multihash


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x12",
        b"\x12\x20",
        b"\x12\x20" + bytes(31),
        b"\x12\x20" + bytes(33),
        b"\x12\x1f" + bytes(31),
        b"\x12\xa0\x00" + bytes(32),
    ],
)
def test_a_digest_of_another_length_is_refused(data):
    assert refusal(encoding.multihash_decode, data).code is Code.INVALID_ENCODING


def test_a_digest_is_written_only_in_its_length():
    error = refusal(encoding.multihash_encode, "sha2-256", bytes(31))
    assert error.code is Code.INVALID_ENCODING


def test_other_hashes_are_named():
    with pytest.raises(UnsupportedError) as caught:
        encoding.multihash_decode(b"\x11\x14" + bytes(20))
    assert caught.value.name == "sha1 (0x11)"
    with pytest.raises(UnsupportedError):
        encoding.multihash_encode("md5", bytes(16))
