"""Working time against a naive twin that walks every minute with a wall clock in its hand."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.calendars import Calendar, CalendarVersion, Hours
from streams.instants import DAY, HOUR, MINUTE, start_of_day, to_datetime
from streams.organisations import Within
from streams.promises import due

SPAN = 12
"""Days the twin walks; every stretch has a clock change in its middle."""

STRETCHES = [
    ("Europe/Stockholm", date(2026, 3, 29)),
    ("Europe/Stockholm", date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Africa/Cairo", date(2026, 10, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
]

hours_of_a_day = st.lists(st.integers(0, 96), max_size=6, unique=True).map(
    lambda marks: tuple(
        Hours(opens * 15, closes * 15)
        for opens, closes in zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False)
    )
)


class Twin:
    """The open minutes of a stretch of days, found by looking at the clock every minute."""

    def __init__(self, calendar: Calendar, first: date) -> None:
        """Walk `SPAN` local days from `first` on."""
        version = calendar.versions[0]
        self.zone = calendar.zone
        self.start = start_of_day(first, self.zone)
        self.end = start_of_day(first + timedelta(days=SPAN), self.zone)
        self.open_minutes: list[int] = []
        self.closings: dict[date, int] = {}
        latest: dict[date, int] = {}
        for minute in range(self.start, self.end, MINUTE):
            shown = to_datetime(minute, self.zone)
            day = shown.date()
            # A repeated hour is over only when the clock shows something new.
            latest[day] = max(latest.get(day, 0), shown.hour * 60 + shown.minute)
            hours = version.dates.get(day, version.weekdays[day.weekday()])
            if any(h.opens <= latest[day] < h.closes for h in hours):
                self.open_minutes.append(minute)
                self.closings[day] = minute + MINUTE

    def working_time(self, start: int, end: int) -> int:
        """Count the open minutes."""
        return MINUTE * sum(start <= minute < end for minute in self.open_minutes)

    def due_in_working_days(self, arrival: int, days: int) -> int | None:
        """Count closings still ahead: the first belongs to the day of arrival."""
        ahead = sorted(closing for closing in self.closings.values() if closing > arrival)
        return ahead[days] if days < len(ahead) else None

    def due_in_working_time(self, arrival: int, duration: int) -> int | None:
        """The end of the minute that completes the duration."""
        ahead = [minute for minute in self.open_minutes if minute >= arrival]
        place = duration // MINUTE - 1
        return ahead[place] + MINUTE if place < len(ahead) else None


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, date]:
    """A calendar with single-date overrides, and the first day of a stretch to walk."""
    zone, change = draw(st.sampled_from(STRETCHES))
    first = change - timedelta(days=draw(st.integers(1, 5)))
    weekdays = draw(st.tuples(*[hours_of_a_day] * 7))
    if not any(weekdays):
        weekdays = ((Hours(0, 1440),), *weekdays[1:])
    stretch = [first + timedelta(days=n) for n in range(SPAN)]
    dates = draw(st.dictionaries(st.sampled_from(stretch), hours_of_a_day, max_size=4))
    version = CalendarVersion(weekdays=weekdays, dates=dates)
    return Calendar("drawn", zone, (version,)), first


def minutes(twin: Twin) -> st.SearchStrategy[int]:
    """Whole minutes inside the stretch."""
    return st.integers(0, (twin.end - twin.start) // MINUTE - 1).map(
        lambda n: twin.start + n * MINUTE
    )


@settings(max_examples=40, deadline=None)
@given(calendars(), st.data())
def test_working_time_is_the_number_of_open_minutes(
    drawn: tuple[Calendar, date], data: st.DataObject
) -> None:
    """Binary searches over intervals find what looking at the clock every minute finds."""
    calendar, first = drawn
    twin = Twin(calendar, first)
    start, end = sorted(data.draw(st.tuples(minutes(twin), minutes(twin))))

    assert calendar.working_time(start, end) == twin.working_time(start, end)
    assert calendar.is_open(start) == (start in twin.open_minutes)
    following = [minute for minute in twin.open_minutes if minute >= start]
    if following:
        assert calendar.next_opening(start) == following[0]


@settings(max_examples=40, deadline=None)
@given(calendars(), st.data())
def test_due_times_are_those_of_the_twin(drawn: tuple[Calendar, date], data: st.DataObject) -> None:
    """Working days and working hours end where counting closings and minutes says they end."""
    calendar, first = drawn
    twin = Twin(calendar, first)
    arrival = data.draw(minutes(twin))
    days = data.draw(st.integers(1, 4))
    duration = data.draw(st.integers(1, 600)) * MINUTE

    by_days = twin.due_in_working_days(arrival, days)
    by_time = twin.due_in_working_time(arrival, duration)
    if by_days is not None:
        assert due(arrival, Within(days, "working_days", ""), calendar) == by_days
    if by_time is not None:
        assert due(arrival, Within(duration, "working_time", ""), calendar) == by_time


instants = st.integers(
    start_of_day(date(2026, 1, 1), ZoneInfo("UTC")), start_of_day(date(2027, 6, 1), ZoneInfo("UTC"))
)


@settings(deadline=None)
@given(calendars(), instants, instants, instants)
def test_working_time_adds_up(drawn: tuple[Calendar, date], a: int, b: int, c: int) -> None:
    """From a to c is from a to b plus from b to c, in whatever order they lie."""
    calendar, _ = drawn

    whole = calendar.working_time(a, c)

    assert whole == calendar.working_time(a, b) + calendar.working_time(b, c)
    assert abs(whole) <= abs(c - a)


@settings(deadline=None)
@given(calendars(), instants, st.integers(0, 40 * HOUR))
def test_adding_working_time_undoes_measuring_it(
    drawn: tuple[Calendar, date], start: int, duration: int
) -> None:
    """The instant found has exactly the duration behind it, and none earlier has."""
    calendar, _ = drawn

    reached = calendar.add_working_time(start, duration)

    assert calendar.working_time(start, reached) == duration
    if duration:
        assert calendar.working_time(start, reached - 1) == duration - 1


@pytest.mark.parametrize("unit", ["elapsed", "working_days", "working_time"])
@settings(deadline=None)
@given(drawn=calendars(), arrival=instants, later=st.integers(0, 3 * DAY), amount=st.integers(1, 5))
def test_who_writes_later_is_never_due_earlier(
    unit: str, drawn: tuple[Calendar, date], arrival: int, later: int, amount: int
) -> None:
    """Due times keep the order of arrivals, and lie after them."""
    calendar, _ = drawn
    size = 1 if unit == "working_days" else HOUR
    within = Within(amount * size, unit, "")  # type: ignore[arg-type]

    first, second = due(arrival, within, calendar), due(arrival + later, within, calendar)

    assert arrival < first <= second


@settings(deadline=None)
@given(calendars(), instants, st.integers(1, 5))
def test_calendar_days_keep_the_wall_clock_time(
    drawn: tuple[Calendar, date], arrival: int, days: int
) -> None:
    """So many local days later the clock shows the same, or the time it jumped to."""
    calendar, _ = drawn
    shown = to_datetime(arrival, calendar.zone)

    reached = due(arrival, Within(days, "calendar_days", ""), calendar)

    later = to_datetime(reached, calendar.zone)
    assert later.date() == shown.date() + timedelta(days=days)
    skipped = later.replace(tzinfo=None) - shown.replace(tzinfo=None) - timedelta(days=days)
    assert timedelta() <= skipped <= timedelta(hours=1)
    assert not skipped or later.utcoffset() != to_datetime(reached - 1, calendar.zone).utcoffset()
