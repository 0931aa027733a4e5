"""When an organisation is open, as Alertmanager's time intervals.

Two intervals describe a calendar: the *open* one has the hours of every weekday, without an end in
time, and the *closed* one takes the holidays of some years out of it. So whoever forgets to render
anew is disturbed on a holiday; nobody ever falls silent.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from streams.calendars import MINUTES_OF_A_DAY, Hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.calendars import Calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
YEARS = 3
"""How many years of holidays are written out, the last one included."""
LAST_YEAR = 2199

Interval = dict[str, object]
Week = tuple[tuple[Hours, ...], ...]


def open_intervals(calendar: Calendar, through: int) -> list[Interval]:
    """Every weekday's hours, and single days that are open longer.

    Args:
        calendar: whose hours.
        through: last year whose single days are written out.
    """
    intervals = []
    for first, last, weekdays in _versions(calendar):
        for period in _periods(first, last):
            for hours, days in _alike(weekdays):
                intervals.append({"times": _times(hours), "weekdays": days} | period)
    longer = {day: calendar.hours(day) for day in _days(through) if _is_longer(calendar, day)}
    return [_placed(interval, calendar) for interval in (*intervals, *_dated(longer))]


def closed_intervals(calendar: Calendar, through: int) -> list[Interval]:
    """What holidays, half days and single dates take from the hours of their weekday."""
    shut = {
        day: _rest_of_the_day(calendar.hours(day))
        for day in _days(through)
        if calendar.hours(day) != _ordinary(calendar, day)
    }
    return [_placed(interval, calendar) for interval in _dated(shut)]


def _placed(interval: Interval, calendar: Calendar) -> Interval:
    return interval | {"location": calendar.time_zone}


def _versions(
    calendar: Calendar,
) -> Iterator[tuple[date | None, date | None, Week]]:
    """First and last day of every version, and its week; `None` = without an end."""
    starts = [version.valid_from for version in calendar.versions]
    # The oldest version also holds for all days before it.
    starts[0] = None
    for version, start, later in zip(calendar.versions, starts, [*starts[1:], None], strict=True):
        last = None if later is None else later - timedelta(days=1)
        yield start, last, version.weekdays


def _ordinary(calendar: Calendar, day: date) -> tuple[Hours, ...]:
    """What a day's weekday says, whatever day it is."""
    week = calendar.versions[0].weekdays
    for version in calendar.versions[1:]:
        if version.valid_from is not None and version.valid_from <= day:
            week = version.weekdays
    return week[day.weekday()]


def _is_longer(calendar: Calendar, day: date) -> bool:
    ordinary = _ordinary(calendar, day)
    return any(
        not any(o.opens <= h.opens and h.closes <= o.closes for o in ordinary)
        for h in calendar.hours(day)
    )


def _rest_of_the_day(hours: tuple[Hours, ...]) -> tuple[Hours, ...]:
    """The closed stretches of a day.

    >>> [str(hours) for hours in _rest_of_the_day((Hours(480, 720), Hours(780, 1440)))]
    ['00:00-08:00', '12:00-13:00']
    """
    edges = [0, *(minute for h in hours for minute in (h.opens, h.closes)), MINUTES_OF_A_DAY]
    return tuple(Hours(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)


def _days(through: int) -> Iterator[date]:
    day = date(through - YEARS + 1, 1, 1)
    while day.year <= through:
        yield day
        day += timedelta(days=1)


def _dated(days: dict[date, tuple[Hours, ...]]) -> Iterator[Interval]:
    """Single days; those of a month with the same hours share an entry."""
    for (year, month), group in groupby(days, lambda day: (day.year, day.month)):
        alike: dict[tuple[Hours, ...], list[int]] = {}
        for day in group:
            alike.setdefault(days[day], []).append(day.day)
        for hours, numbers in alike.items():
            if hours:
                yield {
                    "times": _times(hours),
                    "days_of_month": list(_ranges(numbers)),
                    "months": [str(month)],
                    "years": [str(year)],
                }


def _alike(weekdays: Week) -> list[tuple[tuple[Hours, ...], list[str]]]:
    """Weekdays with the same hours, together; closed ones are left out."""
    alike: dict[tuple[Hours, ...], list[int]] = {}
    for number, hours in enumerate(weekdays):
        if hours:
            alike.setdefault(hours, []).append(number)
    return [(hours, list(_ranges(numbers, WEEKDAYS))) for hours, numbers in alike.items()]


def _times(hours: tuple[Hours, ...]) -> list[dict[str, str]]:
    halves = (str(interval).split("-") for interval in hours)
    return [{"start_time": opens, "end_time": closes} for opens, closes in halves]


def _ranges(numbers: list[int], words: tuple[str, ...] | None = None) -> Iterator[str]:
    """Ascending numbers as Alertmanager's ranges, ends included.

    >>> list(_ranges([1, 2, 3, 7])), list(_ranges([0, 1, 4], WEEKDAYS))
    (['1:3', '7'], ['monday:tuesday', 'friday'])
    """
    ends = [0, *(i for i, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1), len(numbers)]
    for start, end in pairwise(ends):
        both = [numbers[start], numbers[end - 1]]
        said = [words[n] if words else str(n) for n in both]
        yield said[0] if both[0] == both[1] else ":".join(said)


def _periods(first: date | None, last: date | None) -> Iterator[Interval]:
    """A stretch of days as entries: Alertmanager knows days of months, months and years only."""
    if first is None and last is None:
        yield {}
        return
    if last is None:
        last = date(LAST_YEAR, 12, 31)
    if first is None:
        first = date(1970, 1, 1)
    if (first.year, first.month) == (last.year, last.month):
        yield _period(first.year, first.month, f"{first.day}:{last.day}")
        return
    if first.day > 1:
        yield _period(first.year, first.month, f"{first.day}:-1")
        first = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    if (last + timedelta(days=1)).day > 1:
        yield _period(last.year, last.month, f"1:{last.day}")
        last = last.replace(day=1) - timedelta(days=1)
    yield from _whole_months(first, last)


def _whole_months(first: date, last: date) -> Iterator[Interval]:
    if first > last:
        return
    if first.year == last.year:
        yield _months(first.month, last.month, str(first.year))
        return
    begins, ends = first.year, last.year
    if first.month > 1:
        yield _months(first.month, 12, str(first.year))
        begins += 1
    if last.month < 12:
        yield _months(1, last.month, str(last.year))
        ends -= 1
    if begins <= ends:
        yield {"years": [str(begins) if begins == ends else f"{begins}:{ends}"]}


def _months(first: int, last: int, year: str) -> Interval:
    months = str(first) if first == last else f"{first}:{last}"
    return {"months": [months], "years": [year]}


def _period(year: int, month: int, days: str) -> Interval:
    return {"days_of_month": [days], "months": [str(month)], "years": [str(year)]}
