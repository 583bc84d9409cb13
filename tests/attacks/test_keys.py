"""Attacks on keys and signatures, each beside the honest twin that must still pass."""

import contextlib
import copy
import inspect
import json
import logging
import os
import pickle
import pprint
import stat
import struct
import time
import traceback
from hashlib import sha256

import pytest

from cityid import keys
from cityid.encoding import Multicodec, multibase_encode, multicodec_wrap
from cityid.errors import CityIdError, Code, CorruptError, InvalidInputError, UnsupportedError
from cityid.keys import base, sealed
from cityid.keys.sealed import Cost, locked, read_sealed, write_sealed
from cityid.keys.table import algorithm

CHEAP = Cost(operations=1, memory=2**13)
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493


def refusal(attempt):
    with pytest.raises(InvalidInputError) as refused:
        attempt()
    return refused.value.code


# --- small order and second forms of Ed25519 keys and signatures

LOW_ORDER = [
    number.to_bytes(32, "little")
    for y in (
        0,
        1,
        PRIME - 1,
        PRIME,
        PRIME + 1,
        int.from_bytes(
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
            "little",
        ),
        int.from_bytes(
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
            "little",
        ),
    )
    for number in (y, y + 2**255)
]


@pytest.mark.parametrize("data", LOW_ORDER, ids=bytes.hex)
def test_a_point_under_which_anybody_signs_is_no_key(data):
    honest = keys.generate().public_key
    assert keys.public_key("Ed25519", honest.data) == honest
    text = multibase_encode(multicodec_wrap(Multicodec.ED25519_PUB, data), "base58btc")
    jwk = honest.jwk | {"x": base.base64url_encode(data)}
    for attempt in (
        lambda: keys.public_key("Ed25519", data),
        lambda: keys.from_multikey(text),
        lambda: keys.from_jwk(jwk),
    ):
        assert refusal(attempt) is Code.INVALID_KEY


@pytest.mark.parametrize("y", range(PRIME + 2, 2**255))
def test_a_key_has_no_second_form(y):
    twin = y - PRIME
    assert keys.public_key("Ed25519", twin.to_bytes(32, "little"))
    assert refusal(lambda: keys.public_key("Ed25519", y.to_bytes(32, "little"))) is Code.INVALID_KEY


def test_a_signature_has_no_second_form():
    key = keys.generate()
    signature = key.sign(b"vote")
    key.public_key.verify(signature, b"vote")
    s = int.from_bytes(signature[32:], "little") + ORDER
    forged = signature[:32] + s.to_bytes(32, "little")
    assert refusal(lambda: key.public_key.verify(forged, b"vote")) is Code.NON_CANONICAL_SIGNATURE


# --- malleable ECDSA


def other_s(type_, signature):
    size, order = algorithm(type_).size, algorithm(type_).order
    return signature[:size] + (order - int.from_bytes(signature[size:])).to_bytes(size)


def test_the_other_s_is_no_signature_of_secp256k1():
    key = keys.generate("secp256k1")
    signature = key.sign(b"vote")
    key.public_key.verify(signature, b"vote")
    forged = other_s("secp256k1", signature)
    assert refusal(lambda: key.public_key.verify(forged, b"vote")) is Code.NON_CANONICAL_SIGNATURE


@pytest.mark.parametrize("type_", ["P-256", "P-384"])
def test_both_s_are_signatures_of_nist_curves_as_their_standards_say(type_):
    key = keys.generate(type_)
    signature = key.sign(b"vote")
    key.public_key.verify(signature, b"vote")
    key.public_key.verify(other_s(type_, signature), b"vote")


# --- points off the curve


@pytest.mark.parametrize("type_", ["P-256", "P-384", "secp256k1"])
def test_a_point_off_the_curve_is_no_key(type_):
    honest = keys.generate(type_).public_key
    assert keys.from_jwk(honest.jwk) == honest
    one = base.base64url_encode((1).to_bytes(honest.algorithm.size))
    assert refusal(lambda: keys.from_jwk(honest.jwk | {"x": one, "y": one})) is Code.INVALID_KEY


def test_a_point_of_another_curve_is_no_key():
    p256 = keys.generate("P-256").public_key
    assert keys.from_jwk(p256.jwk) == p256
    assert refusal(lambda: keys.from_jwk(p256.jwk | {"crv": "secp256k1"})) is Code.INVALID_KEY


# --- other encodings of signatures


@pytest.mark.parametrize("type_", ["Ed25519", "P-256", "P-384", "secp256k1"])
def test_a_signature_has_one_length(type_):
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    key = keys.generate(type_)
    signature, half = key.sign(b"vote"), len(key.sign(b"vote")) // 2
    key.public_key.verify(signature, b"vote")
    der = encode_dss_signature(*(int.from_bytes(x) for x in (signature[:half], signature[half:])))
    for wrong in (
        b"",
        der,
        signature[:-1],
        signature + b"\0",
        b"\0" + signature,
        signature[:half] + b"\0" + signature[half:],
        signature * 2,
    ):
        if len(wrong) != len(signature):  # one DER in many thousands is as long as r and s
            code = refusal(lambda wrong=wrong: key.public_key.verify(wrong, b"vote"))
            assert code is Code.INVALID_SIGNATURE_ENCODING


@pytest.mark.parametrize("type_", ["P-256", "P-384", "secp256k1"])
def test_r_and_s_are_in_range(type_):
    key = keys.generate(type_)
    size, order = key.public_key.algorithm.size, key.public_key.algorithm.order
    r, s = key.sign(b"vote")[:size], key.sign(b"vote")[size:]
    key.public_key.verify(r + s, b"vote")
    for number in (0, order, order + 1, 256**size - 1):
        wrong = number.to_bytes(size)
        for forged in (wrong + s, r + wrong, wrong + wrong):
            code = refusal(lambda forged=forged: key.public_key.verify(forged, b"vote"))
            assert code is Code.INVALID_SIGNATURE_ENCODING


# --- a codec that lies, and text that takes long


def test_codec_and_length_agree():
    honest = keys.generate("P-256").public_key
    assert keys.from_multikey(honest.multikey) == honest
    data = {kind: keys.generate(kind).public_key.data for kind in ("Ed25519", "P-256", "P-384")}
    for codec, other in (
        (Multicodec.P256_PUB, "Ed25519"),
        (Multicodec.ED25519_PUB, "P-256"),
        (Multicodec.X25519_PUB, "P-256"),
        (Multicodec.P256_PUB, "P-384"),
        (Multicodec.P384_PUB, "P-256"),
        (Multicodec.SECP256K1_PUB, "Ed25519"),
        (Multicodec.BLS12_381_G2_PUB, "P-384"),
    ):
        text = multibase_encode(multicodec_wrap(codec, data[other]), "base58btc")
        assert refusal(lambda text=text: keys.from_multikey(text)) is Code.INVALID_KEY


def test_a_secret_of_another_length_is_no_key():
    honest = keys.generate()
    assert keys.private_key_from_multikey(honest.export_multikey()).public_key == honest.public_key
    secret_and_public = bytes(32) + honest.public_key.data  # an older form of 64 bytes
    text = multibase_encode(
        multicodec_wrap(Multicodec.ED25519_PRIV, secret_and_public), "base58btc"
    )
    assert refusal(lambda: keys.private_key_from_multikey(text)) is Code.INVALID_KEY


@pytest.mark.parametrize("read", [keys.from_multikey, keys.private_key_from_multikey])
def test_long_text_is_refused_before_the_work(read):
    assert keys.from_multikey(keys.generate().public_key.multikey)
    text = "z" * 80_000
    started = time.process_time()
    assert refusal(lambda: read(text)) is Code.INPUT_TOO_LARGE
    assert time.process_time() - started < 0.05


# --- secrets that show

CANARY = b"canary-canary-canary-canary-seed"
SHOWN = (
    CANARY.decode(),
    CANARY.hex(),
    str(int.from_bytes(CANARY)),
    base.base64url_encode(CANARY),
    multibase_encode(multicodec_wrap(Multicodec.ED25519_PRIV, CANARY), "base58btc")[6:],
)


def shown_in(text):
    return [form for form in SHOWN if form in text or form[:20] in text]


def our_frames(error):
    """Return every frame of cityid and its libraries that the error keeps, and its causes keep."""
    found, open_ = [], [error]
    while open_:
        current = open_.pop()
        frames = [frame for frame, _ in traceback.walk_tb(current.__traceback__)]
        found += [frame for frame in frames if frame.f_code.co_filename != __file__]
        open_ += [e for e in (current.__cause__, current.__context__) if e is not None]
    return found


def everything_told(error):
    lines = traceback.TracebackException.from_exception(error).format()
    told = [*lines, repr(error), pprint.pformat(error.args), pprint.pformat(vars(error))]
    return "".join(told + [repr(frame.f_locals) for frame in our_frames(error)])


@pytest.fixture(params=["Ed25519", "P-256", "P-384", "secp256k1", "X25519"])
def canary(request):
    seed = CANARY if request.param != "P-384" else bytes(15) + CANARY + bytes(1)
    return keys.generate(request.param, seed=seed)


def test_the_canary_would_be_seen(canary):
    assert shown_in(json.dumps(canary.export_jwk()))
    assert shown_in(repr(CANARY))


def test_no_form_of_a_key_shows_its_secret(canary, caplog, tmp_path):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("city").error("%s %r", canary, canary)
    store = keys.KeyStore.create(tmp_path / "store", "open sesame", cost=CHEAP)
    store.add("canary", canary)
    for thing in (canary, canary.public_key, canary._secret, canary._native, store):
        told = [repr(thing), str(thing), f"{thing}", f"{thing!r:>200}", pprint.pformat(thing)]
        told += [repr(value) for _, value in inspect.getmembers(thing)]
        told += [repr(dir(thing)), repr(getattr(thing, "__dict__", ""))]
        assert not shown_in("".join(told))
    assert not shown_in(caplog.text)
    assert not shown_in((tmp_path / "store").read_bytes().decode("latin-1"))
    assert "sesame" not in repr(store) + repr(inspect.getmembers(store))


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps, vars])
def test_a_key_leaves_by_the_explicit_exports_alone(canary, tmp_path, how):
    store = keys.KeyStore.create(tmp_path / "store", "open", cost=CHEAP)
    assert keys.private_key_from_jwk(canary.export_jwk()).public_key == canary.public_key
    for thing in (canary, canary._secret, store):
        with pytest.raises((UnsupportedError, TypeError)) as refused:
            how(thing)
        assert isinstance(refused.value, UnsupportedError) or how is vars
        assert not shown_in(everything_told(refused.value))


def canary_failures():
    """Yield every way to fail with the secret at hand."""
    key = keys.generate(seed=CANARY)
    text, jwk = key.export_multikey(), key.export_jwk()
    yield "long seed", lambda: keys.generate(seed=CANARY + b"!")
    yield "text as seed", lambda: keys.generate(seed=CANARY.decode())
    yield "seed of no type", lambda: keys.generate("none", seed=CANARY)
    yield "seed that is no scalar", lambda: keys.generate("P-384", seed=CANARY)
    yield "seed of a type without secrets", lambda: keys.generate("BLS12-381-G2", seed=CANARY)
    yield "secret as public key", lambda: keys.from_multikey(text)
    yield "secret JWK as public key", lambda: keys.from_jwk(jwk)
    yield "stranger in a Multikey", lambda: keys.private_key_from_multikey(text + "0")
    yield "cut Multikey", lambda: keys.private_key_from_multikey(text[:-3])
    yield "Multikey without prefix", lambda: keys.private_key_from_multikey(text[1:])
    yield "Multikey as bytes", lambda: keys.private_key_from_multikey(text.encode())
    yield "padded d", lambda: keys.private_key_from_jwk(jwk | {"d": jwk["d"] + "="})
    yield "short d", lambda: keys.private_key_from_jwk(jwk | {"d": jwk["d"][:-2]})
    yield "d as bytes", lambda: keys.private_key_from_jwk(jwk | {"d": CANARY})
    yield "JWK of another kind", lambda: keys.private_key_from_jwk(jwk | {"kty": "EC"})
    yield "JWK without x", lambda: keys.private_key_from_jwk(jwk | {"x": None})
    yield "JWK as text", lambda: keys.private_key_from_jwk(json.dumps(jwk))
    yield (
        "d of another key",
        lambda: keys.private_key_from_jwk(jwk | {"x": keys.generate().public_key.jwk["x"]}),
    )
    yield "nothing to sign", lambda: key.sign(None)
    yield "signing to agree", lambda: key.agree(key.public_key)
    yield (
        "agreeing with zero",
        lambda: keys.generate("X25519", seed=CANARY).agree(keys.public_key("X25519", bytes(32))),
    )


@pytest.mark.parametrize("fail", [pytest.param(fail, id=name) for name, fail in canary_failures()])
def test_no_traceback_shows_a_secret(fail):
    with pytest.raises(CityIdError) as refused:
        fail()
    assert our_frames(refused.value)
    assert not shown_in(everything_told(refused.value))


@pytest.mark.parametrize("passphrase", [CANARY, CANARY.decode()])
def test_no_traceback_of_a_store_shows_a_passphrase_or_content(tmp_path, passphrase):
    path = tmp_path / "store"
    store = keys.KeyStore.create(path, passphrase, cost=CHEAP)
    store.add("canary", keys.generate(seed=CANARY))
    assert keys.KeyStore.open(path, passphrase).names() == ("canary",)
    write_sealed(tmp_path / "other", CANARY, passphrase, new=True, cost=CHEAP)
    path.with_name("open").write_bytes(path.read_bytes())
    attempts = [
        lambda: keys.KeyStore.open(path, passphrase * 2),
        lambda: keys.KeyStore.open(tmp_path / "none", passphrase),
        lambda: keys.KeyStore.open(tmp_path / "other", passphrase),
        lambda: keys.KeyStore.open(tmp_path / "open", passphrase),
        lambda: keys.KeyStore.open(None, passphrase),
        lambda: keys.KeyStore.create(path, passphrase, cost=CHEAP),
        lambda: keys.KeyStore.create(tmp_path / "no" / "store", passphrase, cost=CHEAP),
        lambda: store.add("canary", keys.generate(seed=CANARY)),
        lambda: store.remove("nobody"),
        lambda: write_sealed(path, CANARY, [passphrase], new=False),
        lambda: write_sealed(path, CANARY, passphrase, new=True),
        lambda: write_sealed(None, CANARY, passphrase, new=True),
        lambda: write_sealed(tmp_path / "no" / "x", CANARY, passphrase, new=True, cost=CHEAP),
        lambda: read_sealed(path, passphrase * 2),
    ]
    for attempt in attempts:
        with pytest.raises(CityIdError) as refused:
            attempt()
        assert not shown_in(everything_told(refused.value))


def test_the_limits_of_memory_are_told_where_secrets_are_kept():
    assert "cannot wipe memory" in inspect.getdoc(base.Secret)
    assert "another process or device" in " ".join(inspect.getdoc(base.Secret).split())
    assert "`Secret` says of memory" in inspect.getdoc(keys.PrivateKey)


def test_a_key_may_live_outside_this_process():
    class Device:
        """A signer that holds no key here."""

        def __init__(self, key):
            self._inside = key

        @property
        def public_key(self):
            return self._inside.public_key

        def sign(self, data):
            return self._inside.sign(data)

    device: keys.Signer = Device(keys.generate())
    device.public_key.verify(device.sign(b"vote"), b"vote")


# --- key files that others read


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_a_key_file_is_its_owners_alone_whatever_the_umask(tmp_path, mask):
    path = tmp_path / "store"
    with umask(mask):
        store = keys.KeyStore.create(path, "open", cost=CHEAP)
        store.add("office", keys.generate())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".store.lock").stat().st_mode) & 0o077 == 0
    assert keys.KeyStore.open(path, "open").names() == ("office",)


def test_a_key_file_is_its_owners_alone_before_it_holds_anything(tmp_path, monkeypatch):
    seen = []
    descriptor_open = os.open

    def watched(place, flags, mode=0o777, **options):
        descriptor = descriptor_open(place, flags, mode, **options)
        if str(place).endswith(".new"):
            status = os.fstat(descriptor)
            seen.append((flags & os.O_EXCL, stat.S_IMODE(status.st_mode), status.st_size))
        return descriptor

    monkeypatch.setattr(sealed.os, "open", watched)
    with umask(0):
        write_sealed(tmp_path / "box", b"inside", "open", new=True, cost=CHEAP)
    assert seen == [(os.O_EXCL, 0o600, 0)]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777])
def test_a_key_file_that_others_may_open_is_refused(tmp_path, mode):
    path = tmp_path / "store"
    store = keys.KeyStore.create(path, "open", cost=CHEAP)
    assert keys.KeyStore.open(path, "open").names() == ()
    path.chmod(mode)
    for attempt in (
        lambda: keys.KeyStore.open(path, "open"),
        lambda: store.add("office", keys.generate()),
    ):
        assert refusal(attempt) is Code.INSECURE_PERMISSIONS
    path.chmod(0o400)
    assert keys.KeyStore.open(path, "open").names() == ()


# --- a file that asks for the whole machine


@pytest.mark.parametrize(("operations", "memory"), [(3, 100 * 2**30), (2**31, 2**13), (0, 0)])
def test_a_file_cannot_ask_for_the_whole_machine(tmp_path, operations, memory):
    path = tmp_path / "box"
    write_sealed(path, b"inside", "open", new=True, cost=CHEAP)
    assert read_sealed(path, "open") == b"inside"
    content = bytearray(path.read_bytes()[:-32])
    content[15:27] = struct.pack(">IQ", operations, memory)
    path.write_bytes(bytes(content) + sha256(content).digest())
    started = time.process_time()
    with pytest.raises(CorruptError, match="asks for too much"):
        read_sealed(path, "open")
    assert time.process_time() - started < 0.1


# --- a writer that dies


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    import subprocess
    import sys

    path = tmp_path / "box"
    write_sealed(path, b"0" * 100_000, "open", new=True, cost=CHEAP)
    script = (
        "import sys\n"
        "from cityid.keys.sealed import Cost, locked, write_sealed\n"
        "print('ready', flush=True)\n"
        "number = 0\n"
        "while True:\n"
        "    number = (number + 1) % 10\n"
        "    with locked(sys.argv[1], patience=30):\n"
        "        write_sealed(sys.argv[1], str(number).encode() * 100_000, 'open', new=False,\n"
        "                     cost=Cost(1, 8192))\n"
    )
    for pause in range(10):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(pause * 0.003)
        writer.kill()
        writer.communicate()
        content = read_sealed(path, "open")
        assert content == content[:1] * 100_000
    with locked(path):
        assert sorted(place.name for place in tmp_path.iterdir()) == [".box.lock", "box"]
