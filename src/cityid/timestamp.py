"""Points in time as text: XML Schema ``dateTimeStamp``, strictly.

Spec:
    https://www.w3.org/TR/xmlschema11-2/#dateTimeStamp
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from cityid.errors import Code, InvalidInputError, quote

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\dZ", re.ASCII)
_LONGEST_OFFSET = timedelta(hours=14)


def parse(text: object, *, path: str = "", need_offset: bool = True) -> datetime:
    """Read a point in time.

    Args:
        text: The text as it stands in a document.
        path: JSON Pointer to it, for the message.
        need_offset: Whether a text without offset is refused; else it is read as UTC.

    Returns:
        An aware time in UTC; fractions beyond microseconds are cut off.

    Raises:
        InvalidInputError: It is not text, not a `dateTimeStamp`, or no such day exists.
    """
    if not isinstance(text, str):
        raise _malformed(text, path)
    if _USUAL.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise _malformed(text, path) from error
    match = _DATE_TIME.fullmatch(text)
    if match is None or (need_offset and match[8] is None):
        raise _malformed(text, path)
    fraction = match[7] or "0"
    microsecond = int(fraction.ljust(6, "0")[:6])
    try:
        year, month, day, hour, minute, second = (int(field) for field in match.groups()[:6])
        midnight_after = hour == 24 and minute == second == int(fraction) == 0  # noqa: PLR2004 - XSD's 24:00:00
        local = datetime(
            year,
            month,
            day,
            0 if midnight_after else hour,
            minute,
            second,
            microsecond,
            tzinfo=_offset(match[8]),
        )
        return (local + timedelta(days=midnight_after)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _malformed(text, path) from error


def _offset(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _LONGEST_OFFSET:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(text)
    return timezone(-offset if text[0] == "-" else offset)


def _malformed(text: object, path: str) -> InvalidInputError:
    return InvalidInputError(
        f"{quote(text)} is not a date and time with offset, such as 2027-03-14T09:00:00Z",
        code=Code.MALFORMED_VALUE_ERROR,
        path=path,
    )


def write(moment: datetime) -> str:
    """Return a point in time as text in UTC, in whole seconds: ``2027-03-14T09:00:00Z``.

    Args:
        moment: An aware time.

    Raises:
        InvalidInputError: The time has no offset, so nobody knows when it is.
    """
    return aware(moment).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def later(moment: datetime, period: timedelta) -> datetime:
    """Return a time that is some period after another one.

    Args:
        moment: The time.
        period: How long after it.

    Raises:
        InvalidInputError: The calendar ends before (NUMBER_OUT_OF_RANGE).
    """
    try:
        return moment + period
    except OverflowError as error:
        raise InvalidInputError(
            f"{period} from {write(moment)} on would outlast the calendar",
            code=Code.NUMBER_OUT_OF_RANGE,
        ) from error


def aware(moment: datetime) -> datetime:
    """Return `moment` in UTC.

    Raises:
        InvalidInputError: It is no time, or has no offset, so nobody knows when it is.
    """
    given: object = moment  # whatever the annotation promises
    if isinstance(given, datetime) and given.tzinfo is UTC:
        return moment
    if not isinstance(given, datetime) or given.utcoffset() is None:
        raise InvalidInputError(
            f"{quote(given)} is no time with offset; pass datetime.now(UTC), never a naive time",
            code=Code.INVALID_OPTIONS,
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInputError(
            f"in UTC {quote(moment)} is not within the years 1 to 9999", code=Code.INVALID_OPTIONS
        ) from error
