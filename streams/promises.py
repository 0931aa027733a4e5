"""Promises: how long they allow, which version holds, and when an answer is due.

"Within two days" has at least five meanings, so an operator must say which one. Calls are promised
elapsed time; mail is mostly promised working days:

* elapsed time: the arrival plus as many seconds, whatever clocks and calendars do.
* calendar days: the same wall-clock time so many local days later, 47 or 49 hours away where the
  clocks are changed between.
* working days: when the calendar closes on the Nth working day after the day of arrival. What
  arrives after the last closing of a day, or on a closed day, arrives at the next opening; what
  arrives before opening, or while closed for lunch, has that same day as its day of arrival.
* working hours: when the calendar has been open for so long since the arrival.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.errors import KontaktpulsError
from streams.instants import HOUR, MINUTE, SECOND, local_date, local_instant, to_datetime
from streams.organisations import Within

if TYPE_CHECKING:
    from streams.calendars import Calendar


class PromiseError(KontaktpulsError, ValueError):
    """A promise that cannot be understood, or whose due time lies beyond all calendars."""


class _Unit(NamedTuple):
    kind: Literal["elapsed", "calendar_days", "working_days", "working_time"]
    size: int
    most: int


# The most is a good year: an open mail is kept for 400 days, and longer promises are slips.
_SECONDS = _Unit("elapsed", SECOND, 400 * 86_400)
_MINUTES = _Unit("elapsed", MINUTE, 400 * 1_440)
_HOURS = _Unit("elapsed", HOUR, 400 * 24)
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), _SECONDS),
    **dict.fromkeys(("min", "minute", "minutes"), _MINUTES),
    **dict.fromkeys(("h", "hour", "hours"), _HOURS),
    **dict.fromkeys(("calendar day", "calendar days"), _Unit("calendar_days", 1, 400)),
    **dict.fromkeys(("working day", "working days"), _Unit("working_days", 1, 250)),
    **dict.fromkeys(("working hour", "working hours"), _Unit("working_time", HOUR, 2_000)),
}
_EXAMPLES = "`90 s`, `2 min`, `48 h`, `2 calendar days`, `2 working days` or `8 working hours`"


def parse_within(text: str) -> Within:
    """What an operator wrote after `within:`; `PromiseError` says what to write instead.

    >>> parse_within("2 min")
    Within(amount=120000000, unit='elapsed', text='2 min')
    >>> parse_within("1 working day").unit
    'working_days'
    """
    words = " ".join(text.split())
    number, unit_name = _split(words)
    unit = _UNITS.get(unit_name)
    if unit is None and unit_name in {"d", "day", "days"}:
        msg = (
            f"`{words}` may mean several things; write `{number} working days`, "
            f"`{number} calendar days` or `{number * 24} h`"
        )
        raise PromiseError(msg)
    if unit is None:
        what = f"has the unknown unit `{unit_name}`" if unit_name else "has no unit"
        msg = f"`{words}` {what}; write e.g. {_EXAMPLES}"
        raise PromiseError(msg)
    if not 1 <= number <= unit.most:
        msg = f"`{words}` is out of range; write a number from 1 to {unit.most}"
        raise PromiseError(msg)
    return Within(amount=number * unit.size, unit=unit.kind, text=words)


def due(arrival: int, within: Within, calendar: Calendar) -> int:
    """The instant at which an answer is due; an answer at exactly that instant is in time.

    Raises `CalendarError` where the calendar has no opening within 400 days, and `PromiseError`
    for calendar days past the year 9999.
    """
    if within.unit == "elapsed":
        return arrival + within.amount
    if within.unit == "working_time":
        return calendar.add_working_time(arrival, within.amount)
    if within.unit == "calendar_days":
        return _days_later(arrival, within.amount, calendar)
    day = day_of_arrival(arrival, calendar)
    for _ in range(within.amount):
        day = calendar.next_working_day(day)
    return calendar.closing(day)


def day_of_arrival(arrival: int, calendar: Calendar) -> date:
    """The working day on which what arrives now is taken in.

    Today as long as the last closing is ahead, even before opening or while closed for lunch;
    else the day of the next opening. Raises `CalendarError` without one within 400 days.
    """
    today = local_date(arrival, calendar.zone)
    if calendar.is_working_day(today) and arrival < calendar.closing(today):
        return today
    return local_date(calendar.next_opening(arrival), calendar.zone)


def _split(words: str) -> tuple[int, str]:
    match = re.fullmatch(r"(\d{1,9}) ?([^\W\d].*)?", words, re.ASCII)
    if match is None:
        msg = f"`{words}` is no whole number with a unit; write e.g. {_EXAMPLES}"
        raise PromiseError(msg)
    return int(match[1]), (match[2] or "").lower()


def _days_later(arrival: int, days: int, calendar: Calendar) -> int:
    shown = to_datetime(arrival, calendar.zone)
    try:
        later = shown.date() + timedelta(days=days)
    except OverflowError:
        msg = f"{days} calendar days after {shown:%Y-%m-%d} is past the year 9999"
        raise PromiseError(msg) from None
    return local_instant(later, shown.time(), calendar.zone)
