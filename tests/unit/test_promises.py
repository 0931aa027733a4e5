"""What a promise allows, when an answer is due, and which version of a promise holds."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from streams.calendars import Calendar, CalendarError, CalendarVersion, Hours
from streams.instants import HOUR, MINUTE, SECOND, parse_rfc3339, start_of_day, to_rfc3339
from streams.organisations import Promise, Within
from streams.plans import Plan, Rule
from streams.promises import PromiseError, day_of_arrival, due, parse_within
from tests.strategies import ORGANISATION, STOCKHOLM

MORNING = (Hours(8 * 60, 12 * 60),)
DAY_HOURS = (*MORNING, Hours(13 * 60, 17 * 60))
CLOSED: tuple[Hours, ...] = ()
WEEK = (DAY_HOURS,) * 5 + (CLOSED,) * 2


def calendar(**changes: object) -> Calendar:
    """Weekdays 8-12 and 13-17, Swedish holidays, half days until 13."""
    spec: dict[str, object] = {"weekdays": WEEK, "country": "SE", "half_day_closes": 13 * 60}
    version = CalendarVersion(**(spec | changes))  # type: ignore[arg-type]
    return Calendar("default", "Europe/Stockholm", (version,))


def due_text(arrival: str, within: str, hours: Calendar) -> str:
    """The due time as RFC 3339 in local time."""
    return to_rfc3339(due(parse_rfc3339(arrival), parse_within(within), hours), hours.zone)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("90 s", 90 * SECOND, "elapsed"),
        ("1 second", SECOND, "elapsed"),
        ("2 min", 2 * MINUTE, "elapsed"),
        ("2min", 2 * MINUTE, "elapsed"),
        ("30 minutes", 30 * MINUTE, "elapsed"),
        ("48 h", 48 * HOUR, "elapsed"),
        ("1 hour", HOUR, "elapsed"),
        ("1 calendar day", 1, "calendar_days"),
        ("2 calendar days", 2, "calendar_days"),
        ("1 working day", 1, "working_days"),
        ("2 Working Days", 2, "working_days"),
        ("1 working hour", HOUR, "working_time"),
        ("8 working hours", 8 * HOUR, "working_time"),
    ],
)
def test_within_is_a_whole_number_and_a_unit(text: str, amount: int, unit: str) -> None:
    """Each way to write a unit, singular and plural, means one of four ways to count."""
    within = parse_within(text)

    assert (within.amount, within.unit, within.text) == (amount, unit, text)


def test_within_keeps_the_words_without_stray_spaces() -> None:
    """The text ends up in labels, where two spellings of one promise would be two promises."""
    assert parse_within("  2   working  days ") == Within(2, "working_days", "2 working days")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20", "`20` has no unit; write e.g. `90 s`, `2 min`"),
        ("2 days", "write `2 working days`, `2 calendar days` or `48 h`"),
        ("2 arbetsdagar", "unknown unit `arbetsdagar`; write e.g."),
        ("two days", "`two days` is no whole number with a unit"),
        ("1.5 h", "`1.5 h` is no whole number"),
        ("-2 h", "`-2 h` is no whole number"),
        ("", "`` is no whole number"),
        ("0 min", "`0 min` is out of range; write a number from 1 to 576000"),
        ("401 calendar days", "from 1 to 400"),
        ("251 working days", "from 1 to 250"),
        ("999999999999 s", "is no whole number"),
    ],
)
def test_a_within_that_cannot_be_understood_says_what_to_write(text: str, message: str) -> None:
    """The error names what was written and shows what to write instead."""
    with pytest.raises(PromiseError) as caught:
        parse_within(text)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ("2 min", "2026-05-22T16:57:00+02:00"),
        ("48 h", "2026-05-24T16:55:00+02:00"),
        ("2 calendar days", "2026-05-24T16:55:00+02:00"),
        ("2 working days", "2026-05-26T17:00:00+02:00"),
        ("8 working hours", "2026-05-26T11:55:00+02:00"),
    ],
)
def test_the_same_friday_mail_is_due_at_different_times(within: str, expected: str) -> None:
    """Each way to count two days gives another due time, so the operator must choose."""
    hours = calendar(half_day_closes=None, dates={date(2026, 5, 25): MORNING})

    assert due_text("2026-05-22T16:55+02:00", within, hours) == expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ("1 working day", "2026-11-24T12:00:00+01:00"),
        ("2 working days", "2026-11-25T17:00:00+01:00"),
        ("8 working hours", "2026-11-25T11:55:00+01:00"),
    ],
)
def test_friday_1655_before_a_closed_monday_and_a_half_day_tuesday(
    within: str, expected: str
) -> None:
    """A date the town closes is no working day; a half day is one, and closes early."""
    dates = {date(2026, 11, 23): CLOSED, date(2026, 11, 24): MORNING}

    assert due_text("2026-11-20T16:55+01:00", within, calendar(dates=dates)) == expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ("1 working day", "2023-05-02T12:00:00+02:00"),
        ("2 working days", "2023-05-03T17:00:00+02:00"),
        ("8 working hours", "2023-05-03T11:55:00+02:00"),
    ],
)
def test_friday_1655_before_may_day_and_a_half_day_tuesday(within: str, expected: str) -> None:
    """A holiday of the country does what a closed date does."""
    dates = {date(2023, 5, 2): MORNING}

    assert due_text("2023-04-28T16:55+02:00", within, calendar(dates=dates)) == expected


@pytest.mark.parametrize(
    ("arrival", "within", "expected"),
    [
        pytest.param(
            "2023-04-28T16:55+02:00",
            "2 working days",
            "2023-05-03T17:00:00+02:00",
            id="Friday before a May Day on Monday",
        ),
        pytest.param(
            "2026-01-02T16:55+01:00",
            "1 working day",
            "2026-01-05T12:00:00+01:00",
            id="Friday before Twelfth Night, a half day",
        ),
        pytest.param(
            "2026-01-02T16:55+01:00",
            "2 working days",
            "2026-01-07T17:00:00+01:00",
            id="Friday before Twelfth Night and Epiphany",
        ),
        pytest.param(
            "2026-04-02T11:00+02:00",
            "2 working days",
            "2026-04-08T17:00:00+02:00",
            id="Maundy Thursday before noon",
        ),
        pytest.param(
            "2026-04-02T16:55+02:00",
            "2 working days",
            "2026-04-09T17:00:00+02:00",
            id="Maundy Thursday after the half day's closing",
        ),
        pytest.param(
            "2026-06-17T16:55+02:00",
            "1 working day",
            "2026-06-18T12:00:00+02:00",
            id="the day before Midsummer's Eve is a half day",
        ),
        pytest.param(
            "2026-06-17T16:55+02:00",
            "2 working days",
            "2026-06-22T17:00:00+02:00",
            id="over midsummer",
        ),
        pytest.param(
            "2026-12-29T10:00+01:00",
            "1 working day",
            "2026-12-30T12:00:00+01:00",
            id="the half day of week 53",
        ),
        pytest.param(
            "2026-12-29T10:00+01:00",
            "2 working days",
            "2027-01-04T17:00:00+01:00",
            id="over the new year, from week 53 to week 1",
        ),
        pytest.param(
            "2026-12-29T10:00+01:00",
            "4 working days",
            "2027-01-07T17:00:00+01:00",
            id="over the new year and Epiphany",
        ),
        pytest.param(
            "2026-12-31T10:00+01:00",
            "12 working hours",
            "2027-01-05T12:00:00+01:00",
            id="working hours end at a half day's closing",
        ),
    ],
)
def test_swedish_holidays_move_the_due_time(arrival: str, within: str, expected: str) -> None:
    """Public holidays and closed eves are skipped; half days count and close early."""
    hours = calendar(half_day_closes=12 * 60)

    assert due_text(arrival, within, hours) == expected


@pytest.mark.parametrize(
    ("arrival", "expected"),
    [
        ("2026-05-13T11:00+02:00", "2026-05-19T17:00:00+02:00"),
        ("2026-05-13T14:00+02:00", "2026-05-20T17:00:00+02:00"),
        ("2026-05-15T10:00+02:00", "2026-05-20T17:00:00+02:00"),
    ],
)
def test_a_town_hall_closed_on_the_day_after_ascension_day(arrival: str, expected: str) -> None:
    """Ascension Day and the Friday the town closes after it are both skipped."""
    hours = calendar(dates={date(2026, 5, 15): CLOSED})

    assert due_text(arrival, "2 working days", hours) == expected


@pytest.mark.parametrize(
    ("arrival", "expected"),
    [
        pytest.param("2026-08-28T20:00+02:00", "2026-09-02", id="Friday evening is Monday"),
        pytest.param("2026-08-29T12:00+02:00", "2026-09-02", id="Saturday is Monday"),
        pytest.param("2026-08-31T08:00+02:00", "2026-09-02", id="Monday at opening"),
        pytest.param("2026-08-31T00:00+02:00", "2026-09-02", id="Monday before opening"),
        pytest.param("2026-08-31T12:30+02:00", "2026-09-02", id="Monday at lunch"),
        pytest.param("2026-08-31T16:59:59.999999+02:00", "2026-09-02", id="just before closing"),
        pytest.param("2026-08-31T17:00+02:00", "2026-09-03", id="at closing is Tuesday"),
    ],
)
def test_mail_outside_opening_hours_arrives_at_the_next_opening(
    arrival: str, expected: str
) -> None:
    """Before opening and at lunch it is today; from the last closing on it is the next opening."""
    assert due_text(arrival, "2 working days", calendar()) == f"{expected}T17:00:00+02:00"


@pytest.mark.parametrize(
    ("arrival", "within", "expected"),
    [
        pytest.param(
            "2026-03-28T10:00+01:00", "2 calendar days", "2026-03-30T10:00:00+02:00", id="47 hours"
        ),
        pytest.param(
            "2026-10-24T10:00+02:00", "2 calendar days", "2026-10-26T10:00:00+01:00", id="49 hours"
        ),
        pytest.param(
            "2026-03-28T10:00+01:00", "48 h", "2026-03-30T11:00:00+02:00", id="48 hours in spring"
        ),
        pytest.param(
            "2026-10-24T10:00+02:00", "48 h", "2026-10-26T09:00:00+01:00", id="48 hours in autumn"
        ),
        pytest.param(
            "2026-03-27T02:30:15.5+01:00",
            "2 calendar days",
            "2026-03-29T03:00:00+02:00",
            id="a wall-clock time that is skipped is the jump",
        ),
        pytest.param(
            "2026-10-23T02:30:15.5+02:00",
            "2 calendar days",
            "2026-10-25T02:30:15.500000+02:00",
            id="a wall-clock time that comes twice is the first",
        ),
        pytest.param(
            "2026-03-27T16:55+01:00", "2 working days", "2026-03-31T17:00:00+02:00", id="spring"
        ),
        pytest.param(
            "2026-10-23T16:55+02:00", "2 working days", "2026-10-27T17:00:00+01:00", id="autumn"
        ),
        pytest.param(
            "2026-03-27T16:55+01:00",
            "1 working hour",
            "2026-03-30T08:55:00+02:00",
            id="spring hour",
        ),
        pytest.param(
            "2026-10-23T16:55+02:00",
            "1 working hour",
            "2026-10-26T08:55:00+01:00",
            id="autumn hour",
        ),
    ],
)
def test_promises_over_the_weekends_of_the_clock_change(
    arrival: str, within: str, expected: str
) -> None:
    """Local promises keep their wall-clock time; elapsed time does not care."""
    assert due_text(arrival, within, calendar()) == expected


def test_new_opening_hours_in_the_middle_of_a_week_hold_from_their_first_day() -> None:
    """A promise that spans the change closes by the old hours before it and the new ones after."""
    old = CalendarVersion(weekdays=WEEK)
    new = CalendarVersion(
        weekdays=((Hours(9 * 60, 15 * 60),),) * 5 + (CLOSED,) * 2, valid_from=date(2026, 9, 2)
    )
    hours = Calendar("default", "Europe/Stockholm", (old, new))
    monday = "2026-08-31T10:00+02:00"

    assert due_text(monday, "1 working day", hours) == "2026-09-01T17:00:00+02:00"
    assert due_text(monday, "2 working days", hours) == "2026-09-02T15:00:00+02:00"
    assert due_text("2026-09-01T16:00+02:00", "2 working hours", hours) == (
        "2026-09-02T10:00:00+02:00"
    )


def test_a_calendar_open_until_midnight_closes_at_midnight() -> None:
    """Open around the clock, a working day ends where the next one begins."""
    hours = calendar(weekdays=((Hours(0, 1440),),) * 7, country=None, half_day_closes=None)

    assert due_text("2026-10-24T23:59+02:00", "1 working day", hours) == "2026-10-26T00:00:00+01:00"


def test_the_day_of_arrival_is_a_working_day() -> None:
    """Reports by arrival day and due times agree on the day a mail was taken in."""
    arrivals = ["2026-06-18T14:00+02:00", "2026-06-18T07:00+02:00", "2026-06-20T10:00+02:00"]

    days = [day_of_arrival(parse_rfc3339(arrival), calendar()) for arrival in arrivals]

    assert days == [date(2026, 6, 22), date(2026, 6, 18), date(2026, 6, 22)]


def test_a_calendar_that_never_opens_cannot_keep_working_days() -> None:
    """No due time is made up for a calendar without hours; elapsed promises do not need one."""
    shut = calendar(weekdays=(CLOSED,) * 7)
    arrival = parse_rfc3339("2026-05-22T16:55+02:00")

    with pytest.raises(CalendarError, match="no opening"):
        due(arrival, parse_within("1 working day"), shut)
    with pytest.raises(CalendarError, match="no opening"):
        due(arrival, parse_within("1 working hour"), shut)
    assert due(arrival, parse_within("1 h"), shut) == arrival + HOUR


def test_calendar_days_past_the_last_year_are_refused_in_words() -> None:
    """A time at the edge of what dates can tell is no overflow."""
    with pytest.raises(PromiseError, match="past the year 9999"):
        due_text("9999-12-30T10:00+01:00", "2 calendar days", calendar())


def promise(valid_from: date | None, target: float) -> Promise:
    """One version of the two-day promise."""
    within = parse_within("2 working days")
    return Promise(
        name="reply-in-2-days",
        channel="emails",
        within=within,
        target=target,
        valid_from=valid_from,
    )


@pytest.mark.parametrize(
    ("day", "target"),
    [
        pytest.param(date(2025, 12, 31), 0.8, id="before the first dated version"),
        pytest.param(date(2026, 1, 1), 0.85, id="on its first day"),
        pytest.param(date(2026, 8, 31), 0.85, id="until the next version"),
        pytest.param(date(2026, 9, 1), 0.9, id="the newest"),
    ],
)
def test_the_promise_valid_on_the_day_of_arrival_holds(day: date, target: float) -> None:
    """The newest version that had begun holds, in whatever order they are written."""
    versions = [promise(date(2026, 9, 1), 0.9), promise(None, 0.8), promise(date(2026, 1, 1), 0.85)]

    (valid,) = rules_on(day, versions)

    assert valid.promise.target == target


def test_nothing_is_promised_before_the_first_version() -> None:
    """Contacts that arrived before a promise began are outside it."""
    assert rules_on(date(2025, 12, 31), [promise(date(2026, 1, 1), 0.85)]) == ()
    assert rules_on(date(2026, 1, 1), []) == ()


def rules_on(day: date, versions: list[Promise]) -> tuple[Rule, ...]:
    """What holds for a contact that arrives when a local day begins."""
    organisation = msgspec.structs.replace(ORGANISATION, promises=tuple(versions))
    return Plan(organisation, versions[0].channel if versions else "calls").rules(
        "", start_of_day(day, STOCKHOLM)
    )
