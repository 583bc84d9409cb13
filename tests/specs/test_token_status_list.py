"""Token Status List, draft 21: the arrays and tokens of the draft's text."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import pytest

import vectors
from cityid import keys
from cityid.errors import UnsupportedError
from cityid.status import token21
from cityid.status.bits import Form, expand
from cityid.status.token21 import TokenStatusList21

FOLDER = "token-status-list"
VECTORS = vectors.load(FOLDER, "vectors.json") or {
    "encoding_small": [],
    "encoding_long": [],
    "signed_tokens": {},
}
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
    "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
}
"""The public half of the draft's example key."""
URI = "https://example.com/statuslists/1"


@pytest.mark.parametrize(
    "vector", [vectors.case(FOLDER, v, id=v["name"]) for v in VECTORS["encoding_small"]]
)
def test_the_short_arrays_of_the_draft(vector):
    array = bytes(int(byte, 16) for byte in vector["byte_array"].split(", "))
    read = TokenStatusList21.read(vector["json"])
    assert (read.bits, read.data) == (vector["bits"], array)
    assert read.to_dict() == vector["json"]


@pytest.mark.parametrize(
    "vector", [vectors.case(FOLDER, v, id=v["name"]) for v in VECTORS["encoding_long"]]
)
def test_the_long_arrays_of_the_draft(vector):
    statuses = {int(place): value for place, value in vector["statuses"].items()}
    read = TokenStatusList21.read(vector["json"])
    assert len(read) == vector["size"] == 1 << 20
    assert {place: read.status(place) for place in statuses} == statuses
    made = TokenStatusList21.of(statuses, bits=vector["bits"], length=1 << 20)
    assert made == read
    assert TokenStatusList21.read(made.to_dict()) == read


@pytest.mark.parametrize(
    "vector",
    [
        vectors.case(FOLDER, v, id=f"cbor {v['name']}")
        for v in VECTORS["encoding_small"] + VECTORS["encoding_long"]
    ],
)
def test_the_arrays_in_cbor_are_the_same_bytes(vector):
    # A map of "bits" and "lst"; the byte string is what stands at the end of it.
    whole = bytes.fromhex(vector["cbor_hex"])
    start = whole.index(b"clst") + 4
    length = whole[start] & 0x1F
    head = {24: 1, 25: 2, 26: 4}.get(length, 0)
    compressed = whole[start + 1 + head :]
    assert expand(compressed, Form.ZLIB) == TokenStatusList21.read(vector["json"]).data


@pytest.mark.parametrize(
    "token",
    [
        vectors.case(FOLDER, VECTORS["signed_tokens"][name], id=name)
        for name in ("status_list_jwt_raw",)
        if VECTORS["signed_tokens"]
    ],
)
def test_the_token_of_the_draft_is_verified(token):
    at = datetime(2023, 6, 17, tzinfo=UTC)
    verified = token21.verify(token, uri=URI, key=keys.from_jwk(KEY), at=at)
    assert verified.issued == datetime.fromtimestamp(1686920170, UTC)
    assert verified.expires == datetime.fromtimestamp(2291720170, UTC)
    assert verified.ttl.total_seconds() == 43_200
    assert [verified.list.status(n) for n in range(16)] == [
        *(1, 0, 0, 1, 1, 1, 0, 1),
        *(1, 1, 0, 0, 0, 1, 0, 1),
    ]


@pytest.mark.parametrize(
    "token",
    [
        vectors.case(FOLDER, VECTORS["signed_tokens"][name], id=name)
        for name in ("status_list_cwt", "referenced_token_cwt")
        if VECTORS["signed_tokens"]
    ],
)
def test_tokens_in_cbor_say_that_they_are_not_built(token):
    with pytest.raises(UnsupportedError, match="CWT"):
        token21.verify(bytes.fromhex(token), uri=URI, key=keys.from_jwk(KEY), at=datetime.now(UTC))


@pytest.mark.parametrize(
    "path",
    [
        vectors.case(FOLDER, path, id=path.name)
        for path in vectors.files(FOLDER, "raw-examples/status_list_encoding*_json.md")
    ],
)
def test_the_examples_as_they_stand_in_the_text(path):
    text = path.read_text(encoding="utf-8")
    bits = int(re.search(r'"bits":\s*(\d)', text)[1])
    encoded = re.sub(r"\s", "", re.search(r'"lst":\s*"([^"]*)"', text)[1])
    read = TokenStatusList21.read({"bits": bits, "lst": encoded})
    assert expand(base64.urlsafe_b64decode(encoded + "=="), Form.ZLIB) == read.data
