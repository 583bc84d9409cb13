"""The Token Status List of draft 21."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityid.encoding import base64url_encode
from cityid.errors import CityIdError, Code, InvalidInputError, NotFoundError, UnsupportedError
from cityid.report import Outcome
from cityid.securing import jose
from cityid.status import bits, token21
from cityid.status.token21 import TokenStatusList21
from town import NOW, foreign_office, office, person, resolver

URI = "https://id.city.example/statuslists/1"
STATUSES = TokenStatusList21.of({3: 1, 5: 2, 9: 3}, bits=2, length=64)
DAY = timedelta(days=1)


def key(by=office):
    return by().signer("assertionMethod")[1].public_key


def token(by=office, **options):
    return token21.sign(STATUSES, **{"by": by(), "uri": URI, "at": NOW} | options)


def claimed(**changes):
    claims = {"sub": URI, "iat": int(NOW.timestamp()), "status_list": STATUSES.to_dict()}
    claims = {name: value for name, value in (claims | changes).items() if value is not ...}
    signer = office().signer("assertionMethod")[1]
    return jose.sign(json.dumps(claims).encode(), signer=signer, typ=token21.TYPE)


def verify(text, **options):
    return token21.verify(text, **{"uri": URI, "key": key(), "at": NOW} | options)


def test_the_drafts_number_is_part_of_the_names():
    assert token21.TOKEN_STATUS_LIST_DRAFT == 21
    assert token21.__name__.endswith(str(token21.TOKEN_STATUS_LIST_DRAFT))
    assert token21.TokenStatusList21.__name__.endswith("21")


@pytest.mark.parametrize("key_type", ["Ed25519", "P-256"])
def test_what_is_signed_is_verified(key_type):
    by = person("lister", key_type)
    text = token21.sign(STATUSES, by=by, uri=URI, at=NOW, expires=NOW + DAY, ttl=DAY)
    read = token21.verify(text, uri=URI, key=resolver(), issuer=str(by.did), at=NOW)
    assert read == (STATUSES, URI, NOW, NOW + DAY, DAY)
    assert jose.read(text, typ="statuslist+jwt").header["kid"] == by.signer("assertionMethod")[0]


def test_expiry_and_ttl_may_be_left_out():
    assert verify(token())[3:] == (None, None)


def test_statuses_pass_fail_or_stay_open():
    read = verify(token())
    outcomes = {n: token21.check(read, n) for n in (0, 3, 5, 9, 64)}
    assert [check.outcome for check in outcomes.values()] == [
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.INCONCLUSIVE,
        Outcome.FAILED,
    ]
    assert [outcomes[n].problem.code for n in (3, 5, 9, 64)] == [
        Code.CREDENTIAL_REVOKED,
        Code.CREDENTIAL_SUSPENDED,
        Code.STATUS_NOT_CHECKED,
        Code.RANGE_ERROR,
    ]


@given(data=st.data(), size=st.sampled_from(token21.SIZES))
@settings(derandomize=True, max_examples=40)
def test_any_array_reads_as_it_was_made(data, size):
    values = data.draw(st.lists(st.integers(0, 2**size - 1), max_size=100))
    made = TokenStatusList21.of(values, bits=size)
    assert TokenStatusList21.read(made.to_dict()) == made
    assert [made.status(n) for n in range(len(values))] == values
    assert len(made) >= len(values)


def test_the_first_status_is_the_least_significant_bit():
    made = TokenStatusList21.of([1, 0, 0, 0, 0, 0, 0, 0], bits=1)
    assert made.data == b"\x01"
    assert made.status(0) == 1
    assert bits.read_leftmost_first(made.data, 0) == 0
    assert bits.read_leftmost_first(made.data, 7) == 1


@pytest.mark.parametrize(
    ("statuses", "options"),
    [
        ({0: 2}, {"bits": 1}),
        ({0: -1}, {"bits": 8}),
        ({-1: 1}, {"bits": 1}),
        ({2**24: 1}, {"bits": 1}),
        ([], {"bits": 3}),
        ([], {"bits": True}),
        ([], {"bits": 8, "length": 2**22}),
    ],
)
def test_what_makes_no_array_is_refused(statuses, options):
    with pytest.raises(InvalidInputError):
        TokenStatusList21.of(statuses, **options)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, "/x"),
        ([], "/x"),
        ({}, "/x/bits"),
        ({"bits": 3, "lst": ""}, "/x/bits"),
        ({"bits": "1", "lst": ""}, "/x/bits"),
        ({"bits": 1}, "/x/lst"),
        ({"bits": 1, "lst": 7}, "/x/lst"),
        ({"bits": 1, "lst": "!"}, "/x/lst"),
        ({"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}, "/x/lst"),
        ({"bits": 1, "lst": "eNrbuRgAAhcB"}, "/x/lst"),
        (
            {"bits": 1, "lst": base64url_encode(bits.compress(b"x", bits.Form.GZIP))},
            "/x/lst",
        ),
    ],
)
def test_a_malformed_array_is_refused_with_its_place(document, path):
    with pytest.raises(InvalidInputError) as refused:
        TokenStatusList21.read(document, "/x")
    assert refused.value.path == path


def test_a_bomb_is_refused():
    lst = base64url_encode(bits.compress(bytes(bits.MOST_BYTES + 1), bits.Form.ZLIB))
    with pytest.raises(InvalidInputError) as refused:
        verify(claimed(status_list={"bits": 1, "lst": lst}))
    assert refused.value.code is Code.INPUT_TOO_LARGE


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"iat": ...}, "/iat"),
        ({"iat": "now"}, "/iat"),
        ({"iat": True}, "/iat"),
        ({"iat": -1}, "/iat"),
        ({"iat": 10**15}, "/iat"),
        ({"exp": "soon"}, "/exp"),
        ({"ttl": 0}, "/ttl"),
        ({"ttl": -5}, "/ttl"),
        ({"ttl": "5"}, "/ttl"),
        ({"ttl": 1.5}, "/ttl"),
        ({"ttl": 10**15}, "/ttl"),
        ({"status_list": ...}, "/status_list"),
    ],
)
def test_malformed_claims_are_refused_with_their_place(changes, path):
    verify(claimed())
    with pytest.raises(InvalidInputError) as refused:
        verify(claimed(**changes))
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"sub": URI + "0"}, {}),
        ({"sub": ...}, {}),
        ({"sub": 7}, {}),
        ({}, {"uri": URI + "0"}),
        ({}, {"at": NOW - timedelta(minutes=6)}),
        ({"exp": int(NOW.timestamp())}, {}),
        ({}, {"at": NOW - timedelta(seconds=1), "historical": True}),
    ],
)
def test_a_token_for_another_list_or_time_does_not_hold(changes, options):
    with pytest.raises(InvalidInputError) as refused:
        verify(claimed(**changes), **options)
    assert refused.value.code is Code.STATUS_VERIFICATION_ERROR


def test_times_are_judged_to_the_second():
    later = int((NOW + DAY).timestamp())
    verify(claimed(exp=later), at=NOW - timedelta(minutes=5))
    verify(claimed(exp=later), at=NOW, historical=True)
    verify(claimed(exp=later), at=NOW + DAY - timedelta(seconds=1), historical=True)
    with pytest.raises(InvalidInputError, match="no time with offset"):
        verify(claimed(), at=datetime(2027, 3, 14))  # noqa: DTZ001 - a naive time, on purpose


def test_a_token_of_somebody_else_does_not_hold():
    for options in (
        {"key": key(foreign_office)},
        {"key": resolver(), "issuer": str(foreign_office().did)},
        {"key": resolver()},
    ):
        with pytest.raises(InvalidInputError):
            verify(token(), **options)
    with pytest.raises(InvalidInputError, match="DID URL in kid"):
        verify(claimed(), key=resolver(), issuer=str(office().did))


def test_a_key_that_cannot_be_found_is_told():
    class Lost:
        """A resolver of nothing."""

        def verification_method(self, url, *, relationship):
            raise NotFoundError(relationship, ref=url)

    with pytest.raises(NotFoundError):
        verify(token(), key=Lost(), issuer=str(office().did))


@pytest.mark.parametrize("start", [b"\xd2\x84", b"\x84"])
def test_a_cwt_is_not_built(start):
    with pytest.raises(UnsupportedError, match="CWT"):
        verify(start + b"\x43")


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"status_list": {"idx": 0, "uri": URI}}, (URI, 0)),
        ({"status_list": {"idx": 5, "uri": URI}, "other": 1}, (URI, 5)),
        (None, None),
        ({}, None),
        ({"status_list": []}, None),
        ({"status_list": {"idx": "5", "uri": URI}}, None),
        ({"status_list": {"idx": -1, "uri": URI}}, None),
        ({"status_list": {"idx": True, "uri": URI}}, None),
        ({"status_list": {"idx": 1.0, "uri": URI}}, None),
        ({"status_list": {"idx": 5}}, None),
        ({"status_list": {"idx": 5, "uri": ""}}, None),
    ],
)
def test_a_reference_names_list_and_place(claim, expected):
    if expected is not None:
        assert token21.reference(claim) == expected
        return
    with pytest.raises(CityIdError) as refused:
        token21.reference(claim)
    assert refused.value.code is Code.MALFORMED_VALUE_ERROR
