"""Instants as integers: microseconds since 1970-01-01T00:00Z.

An integer compares, hashes and subtracts faster than a `datetime`, and never loses its offset.
Local time enters only where people mean it: calendars, "today", and what is printed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIRST_YEAR, LAST_YEAR = 1971, 2199
"""The years a clock can mean: 1970 is the zero of one that nobody set, and what lies after the last
is mostly milliseconds that were read as seconds."""


def from_datetime(moment: datetime) -> int:
    """The instant of an aware `datetime`.

    >>> from_datetime(datetime(1970, 1, 2, tzinfo=UTC)) == DAY
    True
    """
    elapsed = moment - EPOCH
    return elapsed.days * DAY + elapsed.seconds * SECOND + elapsed.microseconds


EARLIEST = from_datetime(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
TOO_LATE = from_datetime(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))
"""The instants of those years, half-open."""


def to_datetime(instant: int, zone: ZoneInfo | None = None) -> datetime:
    """The aware `datetime` of an instant, in UTC unless a zone is given."""
    moment = EPOCH + timedelta(microseconds=instant)
    return moment if zone is None else moment.astimezone(zone)


def to_rfc3339(instant: int, zone: ZoneInfo | None = None) -> str:
    """RFC 3339 with offset, with a fraction only where there is one.

    >>> to_rfc3339(0)
    '1970-01-01T00:00:00+00:00'
    """
    return to_datetime(instant, zone).isoformat()


def parse_rfc3339(text: str) -> int:
    """The instant of an RFC 3339 time with offset or `Z`; `ValueError` without one.

    >>> parse_rfc3339("1970-01-01T01:00:00+01:00")
    0
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"`{text}` has no offset; write e.g. `{text}Z` or `{text}+01:00`"
        raise ValueError(msg)
    return from_datetime(moment)


def start_of_day(day: date, zone: ZoneInfo) -> int:
    """The instant at which a local day begins (23 and 25 hour days included)."""
    return from_datetime(datetime.combine(day, time(), tzinfo=zone))


def local_instant(day: date, clock: time, zone: ZoneInfo) -> int:
    """The instant at which wall clocks show `clock` on a local date.

    The instant of the jump if clocks skip it, the first one if it comes twice.

    >>> from zoneinfo import ZoneInfo
    >>> stockholm = ZoneInfo("Europe/Stockholm")
    >>> to_rfc3339(local_instant(date(2026, 3, 29), time(2, 30), stockholm), stockholm)
    '2026-03-29T03:00:00+02:00'
    >>> to_rfc3339(local_instant(date(2026, 10, 25), time(2, 30), stockholm), stockholm)
    '2026-10-25T02:30:00+02:00'
    """
    wall = datetime.combine(day, clock.replace(fold=0))
    instant = from_datetime(wall.replace(tzinfo=zone))
    if _shown(instant, zone) == wall:
        return instant
    # Clocks jump at whole minutes: the jump is one minute after the last minute they show.
    wall = wall.replace(second=0, microsecond=0)
    while wall.time() > time.min:
        wall -= timedelta(minutes=1)
        before = from_datetime(wall.replace(tzinfo=zone))
        if _shown(before, zone) == wall:
            return before + MINUTE
    return start_of_day(day, zone)


def _shown(instant: int, zone: ZoneInfo) -> datetime:
    return to_datetime(instant, zone).replace(tzinfo=None)


def local_date(instant: int, zone: ZoneInfo) -> date:
    """The local calendar day an instant falls on."""
    return to_datetime(instant, zone).date()
