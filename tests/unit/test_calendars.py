"""Opening hours: weekdays, lunch, holidays, half days, overrides, versions, both clock changes."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from streams.calendars import Calendar, CalendarError, CalendarVersion, Hours
from streams.instants import DAY, HOUR, MINUTE, local_instant, parse_rfc3339, to_rfc3339
from streams.special_days import special_days

STOCKHOLM = ZoneInfo("Europe/Stockholm")
DAY_HOURS = (Hours(8 * 60, 12 * 60), Hours(13 * 60, 17 * 60))
CLOSED: tuple[Hours, ...] = ()
WEEK = (DAY_HOURS,) * 5 + (CLOSED,) * 2
AROUND_THE_CLOCK = ((Hours(0, 1440),),) * 7


def at(text: str) -> int:
    """An instant from a Stockholm wall-clock time with offset."""
    return parse_rfc3339(text)


def swedish(**changes: object) -> Calendar:
    """A municipal calendar: weekdays 8-12 and 13-17, Swedish holidays, half days until 13."""
    spec: dict[str, object] = {"weekdays": WEEK, "country": "SE", "half_day_closes": 13 * 60}
    version = CalendarVersion(**(spec | changes))  # type: ignore[arg-type]
    return Calendar("default", "Europe/Stockholm", (version,))


def plain(*weekdays: tuple[Hours, ...], zone: str = "Europe/Stockholm") -> Calendar:
    """A calendar of weekdays alone."""
    return Calendar("plain", zone, (CalendarVersion(weekdays=weekdays or WEEK),))


def test_a_weekday_has_all_its_intervals_as_instants() -> None:
    """A lunch closing splits the day, and every interval is half-open in UTC instants."""
    intervals = swedish().intervals(date(2026, 5, 21))

    assert intervals == (
        (at("2026-05-21T08:00+02:00"), at("2026-05-21T12:00+02:00")),
        (at("2026-05-21T13:00+02:00"), at("2026-05-21T17:00+02:00")),
    )


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-05-21T07:59:59.999999+02:00", False),
        ("2026-05-21T08:00+02:00", True),
        ("2026-05-21T11:59:59.999999+02:00", True),
        ("2026-05-21T12:00+02:00", False),
        ("2026-05-21T12:30+02:00", False),
        ("2026-05-21T13:00+02:00", True),
        ("2026-05-21T17:00+02:00", False),
        ("2026-05-23T10:00+02:00", False),
    ],
)
def test_open_from_opening_until_just_before_closing(when: str, *, is_open: bool) -> None:
    """The opening instant is open, the closing instant is not."""
    assert swedish().is_open(at(when)) is is_open


def test_the_next_opening_is_now_while_open_and_after_the_weekend_otherwise() -> None:
    """Open stays as it is; lunch leads to 13:00, Friday night to Monday morning."""
    calendar = swedish()
    asked = ["2026-05-21T09:15+02:00", "2026-05-21T12:10+02:00", "2026-08-28T20:00+02:00"]

    found = [to_rfc3339(calendar.next_opening(at(when)), STOCKHOLM) for when in asked]

    assert found == [
        "2026-05-21T09:15:00+02:00",
        "2026-05-21T13:00:00+02:00",
        "2026-08-31T08:00:00+02:00",
    ]


def test_swedish_eves_are_closed_though_they_are_no_public_holidays() -> None:
    """Midsummer's Eve, Christmas Eve and New Year's Eve are closed unless a calendar says else."""
    eves = [date(2026, 6, 19), date(2026, 12, 24), date(2026, 12, 31)]

    assert [swedish().hours(day) for day in eves] == [CLOSED] * 3
    assert [swedish(de_facto=False).hours(day) for day in eves] == [DAY_HOURS] * 3


def test_public_holidays_are_closed_and_only_in_their_country() -> None:
    """Ascension Day is closed in Sweden; a calendar without country works through it."""
    ascension_day = date(2026, 5, 14)

    assert not swedish().is_working_day(ascension_day)
    assert plain().is_working_day(ascension_day)


def test_sweden_has_these_half_days_in_any_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half days are recognised whatever language the machine speaks."""
    found = []
    for language in ("sv", "en_US", "th"):
        monkeypatch.setenv("LANGUAGE", language)
        special_days.cache_clear()
        found.append(sorted(day.strftime("%m-%d") for day in special_days("SE", 2026).half))
    special_days.cache_clear()

    assert (
        found
        == [["01-05", "04-02", "04-30", "05-13", "05-22", "06-18", "10-30", "12-23", "12-30"]] * 3
    )


def test_a_country_with_half_days_as_such_needs_no_names() -> None:
    """Where the law knows half holidays, they are taken from there."""
    assert date(2026, 12, 24) in special_days("GR", 2026).half


def test_a_half_day_shortens_and_drops_intervals() -> None:
    """Closing at 15:00 shortens the afternoon; closing at 13:00 leaves the morning alone."""
    twelfth_night = date(2026, 1, 5)

    assert swedish(half_day_closes=15 * 60).hours(twelfth_night) == (
        Hours(8 * 60, 12 * 60),
        Hours(13 * 60, 15 * 60),
    )
    assert swedish().hours(twelfth_night) == (Hours(8 * 60, 12 * 60),)
    assert swedish(half_day_closes=None).hours(twelfth_night) == DAY_HOURS


def test_a_single_date_wins_over_weekday_holiday_and_half_day() -> None:
    """An override opens a holiday, closes an ordinary day, and undoes a half day."""
    election = (Hours(10 * 60, 14 * 60),)
    dates = {
        date(2026, 5, 14): election,
        date(2026, 5, 15): CLOSED,
        date(2026, 10, 30): DAY_HOURS,
        date(2026, 9, 13): election,
    }
    calendar = swedish(dates=dates)

    assert {day: calendar.hours(day) for day in dates} == dates


def test_a_new_version_leaves_the_days_before_it_alone() -> None:
    """From its first day the new version rules; all days before keep the hours they had."""
    old = CalendarVersion(weekdays=WEEK)
    short = ((Hours(9 * 60, 15 * 60),),) * 5 + (CLOSED,) * 2
    new = CalendarVersion(weekdays=short, valid_from=date(2026, 9, 2))
    calendar = Calendar("default", "Europe/Stockholm", (new, old))

    assert calendar.hours(date(2026, 9, 1)) == DAY_HOURS
    assert calendar.hours(date(2026, 9, 2)) == (Hours(9 * 60, 15 * 60),)
    assert calendar.working_time(at("2026-08-31T00:00+02:00"), at("2026-09-07T00:00+02:00")) == (
        2 * 8 * HOUR + 3 * 6 * HOUR
    )


def test_of_several_versions_the_newest_that_has_begun_rules() -> None:
    """Neither an older nor a coming version speaks for a day."""
    closings = {None: 15, date(2026, 3, 1): 16, date(2026, 9, 1): 17}
    versions = tuple(
        CalendarVersion(weekdays=((Hours(8 * 60, hour * 60),),) * 7, valid_from=begin)
        for begin, hour in closings.items()
    )
    calendar = Calendar("default", "Europe/Stockholm", versions)
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 8, 31), date(2026, 9, 1)]

    assert [calendar.hours(day)[0].closes // 60 for day in days] == [15, 16, 16, 17]


def test_the_oldest_version_holds_for_all_days_before_it() -> None:
    """A calendar whose only version has a date still tells the time before."""
    calendar = Calendar(
        "default",
        "Europe/Stockholm",
        (CalendarVersion(weekdays=WEEK, valid_from=date(2026, 1, 1)),),
    )

    assert calendar.hours(date(2025, 12, 1)) == DAY_HOURS


def test_days_around_the_clock_last_23_24_and_25_hours() -> None:
    """The day of the clock change has the hours it really has."""
    calendar = plain(*AROUND_THE_CLOCK)
    days = [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25)]

    lengths = [closes - opens for day in days for opens, closes in calendar.intervals(day)]

    assert lengths == [24 * HOUR, 23 * HOUR, 25 * HOUR]


@pytest.mark.parametrize(
    ("day", "opens", "closes", "expected"),
    [
        pytest.param(
            date(2026, 3, 29),
            90,
            150,
            ("2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"),
            id="a closing time that is skipped is the jump",
        ),
        pytest.param(
            date(2026, 3, 29),
            150,
            240,
            ("2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"),
            id="an opening time that is skipped is the jump",
        ),
        pytest.param(
            date(2026, 10, 25),
            150,
            240,
            ("2026-10-25T02:30:00+02:00", "2026-10-25T04:00:00+01:00"),
            id="an opening time that comes twice is the first",
        ),
        pytest.param(
            date(2026, 10, 25),
            60,
            150,
            ("2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"),
            id="a closing time that comes twice is the first",
        ),
        pytest.param(
            date(2026, 10, 25),
            60,
            180,
            ("2026-10-25T01:00:00+02:00", "2026-10-25T03:00:00+01:00"),
            id="three o'clock comes after the repeated hour",
        ),
    ],
)
def test_opening_hours_on_the_nights_of_the_clock_change(
    day: date, opens: int, closes: int, expected: tuple[str, str]
) -> None:
    """Skipped and repeated wall-clock times have one documented instant each."""
    calendar = plain(*((Hours(opens, closes),),) * 7)

    [interval] = calendar.intervals(day)

    assert tuple(to_rfc3339(instant, STOCKHOLM) for instant in interval) == expected


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/New_York", "UTC"])
def test_around_the_clock_every_hour_of_the_year_is_open(zone: str) -> None:
    """Local midnights before and after those of UTC leave no gap between two days."""
    calendar = plain(*AROUND_THE_CLOCK, zone=zone)
    start = at("2026-01-01T00:00+00:00")
    hours = [start + n * HOUR for n in range(365 * 24)]

    assert all(calendar.is_open(hour) for hour in hours)
    assert all(calendar.next_opening(hour) == hour for hour in hours)


def test_a_repeated_time_is_the_first_even_when_read_the_second_time() -> None:
    """Which of the two a time was read in does not matter for the day it is asked for."""
    second = local_instant(date(2026, 10, 25), time(2, 30, fold=1), STOCKHOLM)

    assert to_rfc3339(second, STOCKHOLM) == "2026-10-25T02:30:00+02:00"


def test_hours_that_lie_in_the_skipped_hour_do_not_exist() -> None:
    """A desk open 02:00-03:00 has no opening, and no working day, when that hour is skipped."""
    calendar = plain(*((Hours(2 * 60, 3 * 60),),) * 7)

    assert calendar.intervals(date(2026, 3, 29)) == ()
    assert not calendar.is_working_day(date(2026, 3, 29))


def test_a_midnight_that_is_skipped_is_the_jump() -> None:
    """Where clocks jump at midnight the day begins at one o'clock."""
    cairo = ZoneInfo("Africa/Cairo")

    skipped = [local_instant(date(2026, 4, 24), time(0, minute), cairo) for minute in (0, 30)]

    assert [to_rfc3339(instant, cairo) for instant in skipped] == ["2026-04-24T01:00:00+03:00"] * 2


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        pytest.param("2026-05-18T00:00+02:00", "2026-05-25T00:00+02:00", 36, id="half Friday"),
        pytest.param("2026-05-11T00:00+02:00", "2026-05-18T00:00+02:00", 28, id="Ascension Day"),
        pytest.param("2026-06-15T00:00+02:00", "2026-06-22T00:00+02:00", 28, id="midsummer"),
        pytest.param("2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00", 40, id="spring week"),
        pytest.param("2026-10-19T00:00+02:00", "2026-10-26T00:00+01:00", 40, id="autumn week"),
        pytest.param("2026-12-28T00:00+01:00", "2027-01-04T00:00+01:00", 20, id="week 53"),
        pytest.param("2026-05-21T11:00+02:00", "2026-05-21T14:00+02:00", 2, id="over lunch"),
        pytest.param("2026-05-21T14:00+02:00", "2026-05-21T11:00+02:00", -2, id="backwards"),
        pytest.param("2026-01-01T00:00+01:00", "2027-01-01T00:00+01:00", 1972, id="the year"),
    ],
)
def test_working_time_is_the_open_time_between(start: str, end: str, hours: int) -> None:
    """Closed hours, holidays and the missing half of half days do not count."""
    assert swedish().working_time(at(start), at(end)) == hours * HOUR


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("2026-05-21T11:00+02:00", 2 * HOUR, "2026-05-21T14:00:00+02:00"),
        ("2026-05-21T11:00+02:00", HOUR, "2026-05-21T12:00:00+02:00"),
        ("2026-08-28T16:55+02:00", 8 * HOUR, "2026-08-31T16:55:00+02:00"),
        ("2026-12-29T16:30+01:00", 5 * HOUR, "2027-01-04T08:30:00+01:00"),
        ("2026-08-29T10:00+02:00", 1, "2026-08-31T08:00:00.000001+02:00"),
        ("2026-08-29T10:00+02:00", 0, "2026-08-29T10:00:00+02:00"),
    ],
)
def test_working_time_is_added_over_lunch_night_and_holidays(
    start: str, duration: int, expected: str
) -> None:
    """Open time runs only while open, and ends at closing rather than at the next opening."""
    reached = swedish().add_working_time(at(start), duration)

    assert to_rfc3339(reached, STOCKHOLM) == expected


def test_a_whole_working_day_ends_at_its_closing_on_every_day_of_the_year() -> None:
    """Time that is just used up at closing is due then, never at the next opening."""
    calendar = swedish()
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(365)]
    working = [calendar.intervals(day) for day in days if calendar.is_working_day(day)]

    reached = [
        calendar.add_working_time(day[0][0], sum(closes - opens for opens, closes in day))
        for day in working
    ]

    assert reached == [day[-1][1] for day in working]
    assert len(working) == 251


def test_closing_is_the_last_of_the_day() -> None:
    """A lunch closing is not the closing time of the day; a closed day has none."""
    calendar = swedish()

    assert calendar.closing(date(2026, 5, 21)) == at("2026-05-21T17:00+02:00")
    with pytest.raises(CalendarError, match="closed on 2026-05-23"):
        calendar.closing(date(2026, 5, 23))


def test_a_calendar_that_never_opens_says_so() -> None:
    """No search runs for ever: 400 days without an opening is an error that names the calendar."""
    shut = plain(*(CLOSED,) * 7)
    now = at("2026-05-21T09:00+02:00")

    with pytest.raises(CalendarError, match="`plain` has no opening within 400 days from 2026-05"):
        shut.next_opening(now)
    with pytest.raises(CalendarError, match="no opening"):
        shut.add_working_time(now, HOUR)
    with pytest.raises(CalendarError, match="after 2026-05-21"):
        shut.next_working_day(date(2026, 5, 21))


@pytest.mark.parametrize(("closed_days", "found"), [(400, True), (401, False)])
def test_an_opening_is_found_up_to_400_days_ahead(closed_days: int, *, found: bool) -> None:
    """An opening 400 days ahead is found, one a day later is not."""
    opening = (Hours(0, 60),)
    reopening = date.fromordinal(date(2026, 1, 1).toordinal() + closed_days)
    spec = CalendarVersion(weekdays=(CLOSED,) * 7, dates={reopening: opening})
    calendar = Calendar("rare", "UTC", (spec,))
    start = at("2026-01-01T00:00+00:00")

    if found:
        assert calendar.next_opening(start) == start + closed_days * DAY
        assert calendar.next_working_day(date(2026, 1, 1)) == reopening
    else:
        with pytest.raises(CalendarError):
            calendar.next_opening(start)
        with pytest.raises(CalendarError):
            calendar.next_working_day(date(2026, 1, 1))


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_an_error_of_its_own(year: int) -> None:
    """A time at the edge of what dates can tell is refused in words, not with an overflow."""
    with pytest.raises(CalendarError, match="years 1-9999"):
        swedish().intervals(date(year, 1 if year == 1 else 12, 31 if year > 1 else 1))


def test_a_long_history_does_not_grow_the_memory() -> None:
    """Old stretches are forgotten and worked out again when asked for."""
    calendar = plain()
    first = at("2000-01-03T09:00+01:00")

    answers = {calendar.is_open(first + week * 7 * DAY) for week in range(1_000)}
    again = calendar.is_open(first)

    assert answers == {True}
    assert again
    assert len(calendar._blocks) <= 128


def test_equal_specs_make_equal_calendars() -> None:
    """Settings read twice compare equal, so a reload can see that nothing changed."""
    assert swedish() == swedish()
    assert hash(swedish()) == hash(swedish())
    assert swedish() != swedish(de_facto=False)
    assert swedish() != "default"
    assert "Europe/Stockholm" in repr(swedish())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"weekdays": WEEK[:5]}, "has 5 days; give it seven", id="five weekdays"),
        pytest.param(
            {"weekdays": ((Hours(540, 480),),) * 7}, "`09:00-08:00` is out of order", id="backwards"
        ),
        pytest.param(
            {"weekdays": ((Hours(480, 480),),) * 7}, "`08:00-08:00` is out of order", id="empty"
        ),
        pytest.param(
            {"weekdays": ((Hours(480, 720), Hours(700, 960)),) * 7}, "out of order", id="overlap"
        ),
        pytest.param({"weekdays": ((Hours(480, 1441),),) * 7}, "out of order", id="after midnight"),
        pytest.param(
            {"dates": {date(2026, 1, 1): (Hours(-5, 60),)}}, "out of order", id="before midnight"
        ),
        pytest.param({"country": "Sverige"}, "`Sverige` is no country", id="unknown country"),
        pytest.param({"half_day_closes": 0}, "write a time of the day", id="half day at midnight"),
        pytest.param({"country": "NO"}, "no half days are known", id="country without half days"),
        pytest.param({"country": None}, "no half days are known", id="half days of no country"),
    ],
)
def test_a_version_that_contradicts_itself_is_refused(
    changes: dict[str, object], message: str
) -> None:
    """An operator learns what is wrong and what to write when the calendar is made."""
    with pytest.raises(CalendarError, match=message):
        swedish(**changes)


def test_calendars_need_versions_that_differ_in_date_and_a_known_time_zone() -> None:
    """No version, two versions from one day, and a made-up zone are refused."""
    version = CalendarVersion(weekdays=WEEK)
    dated = CalendarVersion(weekdays=WEEK, valid_from=date(2026, 9, 1))

    with pytest.raises(CalendarError, match="has no version"):
        Calendar("default", "Europe/Stockholm", ())
    with pytest.raises(CalendarError, match="two versions without `valid_from`"):
        Calendar("default", "Europe/Stockholm", (version, version))
    with pytest.raises(CalendarError, match="two versions valid from 2026-09-01"):
        Calendar("default", "Europe/Stockholm", (version, dated, dated))
    with pytest.raises(CalendarError, match="`Europe/Skara` is no time zone"):
        Calendar("default", "Europe/Skara", (version,))


def test_a_single_date_in_a_version_that_does_not_rule_it_is_refused() -> None:
    """An override that would be silently ignored is an error; a harmless copy of it is not."""
    christmas = {date(2026, 12, 23): CLOSED}
    old = CalendarVersion(weekdays=WEEK, dates=christmas)
    new = CalendarVersion(weekdays=WEEK, valid_from=date(2026, 9, 1))
    new_with_copy = CalendarVersion(weekdays=WEEK, valid_from=date(2026, 9, 1), dates=christmas)

    with pytest.raises(CalendarError, match=r"`2026-12-23` is overruled .* from 2026-09-01"):
        Calendar("default", "Europe/Stockholm", (old, new))
    assert not Calendar("default", "Europe/Stockholm", (old, new_with_copy)).is_working_day(
        date(2026, 12, 23)
    )


def test_every_minute_of_lunch_costs_a_minute() -> None:
    """Working time between two instants never counts a closed minute."""
    calendar = swedish()
    noon = at("2026-05-21T12:00+02:00")

    counted = [calendar.working_time(noon - MINUTE, noon + n * MINUTE) for n in (-1, 0, 30, 60, 61)]

    assert counted == [0, MINUTE, MINUTE, MINUTE, 2 * MINUTE]
