from datetime import UTC, datetime, timedelta, timezone

import pytest

from cityid import timestamp
from cityid.errors import Code, InvalidInputError


def refusal(action, *arguments, **options):
    with pytest.raises(InvalidInputError) as caught:
        action(*arguments, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-03-14T09:00:00Z", datetime(2027, 3, 14, 9, tzinfo=UTC)),
        ("2027-03-14T09:00:00+02:00", datetime(2027, 3, 14, 7, tzinfo=UTC)),
        ("2027-03-14T09:00:00-05:30", datetime(2027, 3, 14, 14, 30, tzinfo=UTC)),
        ("2027-03-14T09:00:00-00:00", datetime(2027, 3, 14, 9, tzinfo=UTC)),
        ("2027-03-14T09:00:00+14:00", datetime(2027, 3, 13, 19, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12-31T24:00:00.000Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123456789Z", datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_points_in_time_are_read_in_utc(text, moment):
    read = timestamp.parse(text)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "not-a-date",
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+00:00Z",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00Z",
        "2026-1-1T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T24:00:00.5Z",
        "2026-01-01T24:00:00.0000001Z",
        "2026-01-01T24:01:00Z",
        "2026-01-01T00:60:00Z",
        "2026-06-30T23:59:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890123Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+14:01",
        "2026-01-01T00:00:00-15:00",
        "2026-01-01T00:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T24:00:00Z",
        "2026-01-01T00:00:00Z\n",
        " 2026-01-01T00:00:00Z",
        "\u0662026-01-01T00:00:00Z",
        "2" * 1_000_000,
        "2026-01-01T00:00:00." + "1" * 1_000_000 + "Z",
        None,
        1767225600,
        True,
        ["2026-01-01T00:00:00Z"],
        {},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_point_in_time_is_refused(text):
    error = refusal(timestamp.parse, text, path="/validFrom")
    assert error.code is Code.MALFORMED_VALUE_ERROR
    assert error.path == "/validFrom"
    assert len(str(error)) < 250


def test_a_text_without_offset_is_utc_where_that_is_allowed():
    moment = timestamp.parse("2026-01-01T00:00:00", need_offset=False)
    assert moment == datetime(2026, 1, 1, tzinfo=UTC)
    offset = timestamp.parse("2026-01-01T00:00:00+01:00", need_offset=False)
    assert offset == datetime(2025, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2027, 3, 14, 9, tzinfo=UTC), "2027-03-14T09:00:00Z"),
        (datetime(2027, 3, 14, 9, 0, 0, 999_999, tzinfo=UTC), "2027-03-14T09:00:00Z"),
        (datetime(2027, 3, 14, 9, tzinfo=timezone(timedelta(hours=2))), "2027-03-14T07:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_in_utc_and_whole_seconds(moment, text):
    assert timestamp.write(moment) == text
    assert timestamp.write(timestamp.parse(text)) == text


@pytest.mark.parametrize("action", [timestamp.write, timestamp.aware])
def test_a_naive_time_is_refused(action):
    naive = datetime(2027, 3, 14, 9)  # noqa: DTZ001 - the fault under test
    assert refusal(action, naive).code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
    ],
)
def test_a_time_before_or_after_the_calendar_is_refused(moment):
    assert refusal(timestamp.aware, moment).code is Code.INVALID_OPTIONS


@pytest.mark.parametrize("moment", [None, "2027-03-14T09:00:00Z", 1])
def test_what_is_no_time_is_refused(moment):
    assert refusal(timestamp.aware, moment).code is Code.INVALID_OPTIONS


class Nowhere(timezone.__base__):
    """A time zone that does not say its offset."""

    def utcoffset(self, _moment):
        return None


def test_a_zone_without_offset_is_naive():
    assert refusal(timestamp.aware, datetime(2027, 3, 14, tzinfo=Nowhere()))


def test_an_aware_time_is_the_same_time_in_utc():
    moment = datetime(2027, 3, 14, 9, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp.aware(moment) == moment
    assert timestamp.aware(moment).tzinfo is UTC
