"""How the board says a share, a duration, a time of day and opening hours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from streams.calendars import CalendarError
from streams.instants import HOUR, MINUTE, SECOND, local_date, to_datetime

if TYPE_CHECKING:
    from collections.abc import Collection
    from zoneinfo import ZoneInfo

    from streams.board.snapshots import Share
    from streams.board.words import Words
    from streams.calendars import Calendar
    from streams.organisations import Within

DASH = "\N{EN DASH}"
NAMED_DAYS = 6
"""So many days ahead a weekday says which day is meant."""


def percent(share: Share, words: Words) -> str:
    """Whole per cent, rounded down: 79.6 % must not look like a target of 80 % that is reached.

    >>> from streams.board.snapshots import Share
    >>> from streams.board.words import EN
    >>> percent(Share(796, 1000), EN), percent(Share(0, 0), EN) == DASH
    ('79%', True)
    """
    return words.percent.format(100 * share.kept // share.n) if share.n else DASH


def target_text(target: float, words: Words) -> str:
    """A target as its promise writes it.

    >>> from streams.board.words import EN, SV
    >>> target_text(0.8, EN), target_text(0.855, EN), target_text(0.855, SV).split()[0]
    ('80%', '85.5%', '85,5')
    """
    return words.percent.format(f"{100 * target:.4g}".replace(".", words.decimal))


def clock_text(seconds: float | None) -> str:
    """A duration as a stopwatch shows it.

    >>> clock_text(161.9), clock_text(3_723), clock_text(None) == DASH
    ('2:41', '1:02:03', True)
    """
    if seconds is None:
        return DASH
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def within_text(within: Within, words: Words) -> str:
    """What a promise allows.

    >>> from streams.board.words import SV
    >>> from streams.promises import parse_within
    >>> within_text(parse_within("120 s"), SV).split()
    ['2', 'min']
    >>> within_text(parse_within("2 working days"), SV).split()
    ['2', 'arbetsdagar']
    """
    amount, unit = within.amount, str(within.unit)
    if unit == "elapsed":
        sizes = (("hour", HOUR), ("minute", MINUTE), ("second", SECOND))
        unit, size = next(size for size in sizes if amount % size[1] == 0)
        amount //= size
    elif unit == "working_time":
        amount //= HOUR
    one, many = words.units[unit]
    return f"{amount}\N{NO-BREAK SPACE}{one if amount == 1 else many}"


def moment(instant: int, now: int, zone: ZoneInfo, words: Words) -> str:
    """A time as one says it to somebody who knows what day it is."""
    there = to_datetime(instant, zone)
    time = f"{there:%H:%M}"
    days = (there.date() - local_date(now, zone)).days
    if days == 0:
        return time
    if days == 1:
        return words.at.format(words.tomorrow, time)
    if 0 < days <= NAMED_DAYS:
        return words.at.format(words.weekdays[there.weekday()], time)
    return words.at.format(f"{there.day} {words.months[there.month - 1]}", time)


def as_of_text(as_of: int, now: int, zone: ZoneInfo, words: Words) -> str:
    """The instant that numbers are true for, to the second; with its day if that is another."""
    there = to_datetime(as_of, zone)
    if there.date() == local_date(now, zone):
        return words.as_of.format(f"{there:%H:%M:%S}")
    return words.as_of.format(f"{there.day} {words.months[there.month - 1]} {there:%H:%M}")


def is_open(calendars: Collection[Calendar], at: int) -> bool:
    """Whether any of them is open."""
    return any(calendar.is_open(at) for calendar in calendars)


def hours_text(calendars: Collection[Calendar], at: int, words: Words) -> str:
    """Open until when, or closed until when."""
    zone = next(iter(calendars)).zone
    closings = [closing for calendar in calendars if (closing := _closing(calendar, at))]
    if closings:
        last = max(closings)
        # Open round the clock: midnight closes nothing.
        if is_open(calendars, last):
            return words.open
        return words.open_until.format(moment(last, at, zone, words))
    openings = [opening for calendar in calendars if (opening := _opening(calendar, at))]
    if openings:
        return words.opens.format(moment(min(openings), at, zone, words))
    return words.closed


def _closing(calendar: Calendar, at: int) -> int | None:
    """When it closes; `None` if it is closed."""
    day = local_date(at, calendar.zone)
    for near in (day, day - timedelta(days=1)):
        for opens, closes in calendar.intervals(near):
            if opens <= at < closes:
                return closes
    return None


def _opening(calendar: Calendar, at: int) -> int | None:
    """When it opens; `None` if nobody knows of an opening."""
    try:
        return calendar.next_opening(at)
    except CalendarError:
        return None
