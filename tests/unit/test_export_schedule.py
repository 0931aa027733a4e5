"""When weeks are due: by local clocks, past their changes and the ends of years, and once."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from streams.exports.periods import Period
from streams.exports.schedule import Due, Weekly, due_runs, known_since, overdue, run_key
from streams.instants import HOUR, MINUTE, SECOND, parse_rfc3339, to_rfc3339

STOCKHOLM = ZoneInfo("Europe/Stockholm")
MONDAY_SIX = Weekly(0, time(6))
LONG_AGO = date(2020, 1, 1)
DUE = parse_rfc3339("2026-11-23T06:00:00+01:00")


def week(label: str) -> Period:
    """A week by its name."""
    return Period.parse(label, "week")


def labels(
    now: int,
    *,
    catch_up: int = 0,
    first_day: date = LONG_AGO,
    done: tuple[str, ...] = (),
    at: Weekly = MONDAY_SIX,
) -> list[str]:
    """The weeks of one organisation that are due, in the order in which they are made."""
    found = due_runs(
        now,
        {"skara": STOCKHOLM},
        at=at,
        catch_up=catch_up,
        first_days={"skara": first_day},
        done={f"skara|{label}" for label in done},
    )
    return [run.week.label for run in found]


@pytest.mark.parametrize(
    ("label", "at", "expected"),
    [
        ("2026-W13", MONDAY_SIX, "2026-03-30T06:00:00+02:00"),
        ("2026-W43", MONDAY_SIX, "2026-10-26T06:00:00+01:00"),
        ("2026-W53", MONDAY_SIX, "2027-01-04T06:00:00+01:00"),
        ("2027-W52", MONDAY_SIX, "2028-01-03T06:00:00+01:00"),
        ("2026-W47", Weekly(2, time(7, 30)), "2026-11-25T07:30:00+01:00"),
        ("2026-W47", Weekly(0, time(0)), "2026-11-23T00:00:00+01:00"),
        # Clocks jump from two to three on Sunday 29 March.
        ("2026-W12", Weekly(6, time(2, 30)), "2026-03-29T03:00:00+02:00"),
        # And show half past two twice on 25 October: the first one counts.
        ("2026-W42", Weekly(6, time(2, 30)), "2026-10-25T02:30:00+02:00"),
    ],
)
def test_a_week_is_due_when_local_clocks_say_so(label: str, at: Weekly, expected: str) -> None:
    """Six o'clock is six o'clock in summer and winter, after 167 hours and after 169."""
    assert to_rfc3339(at.after(week(label), STOCKHOLM), STOCKHOLM) == expected


def test_a_week_is_due_at_that_instant_and_not_before() -> None:
    """A second earlier it is still the week before."""
    assert labels(DUE - SECOND) == ["2026-W46"]
    assert labels(DUE) == ["2026-W47"]


def test_each_organisation_has_its_own_monday() -> None:
    """At six in Stockholm it is five in London."""
    zones = {"leeds": ZoneInfo("Europe/London"), "skara": STOCKHOLM}
    known = dict.fromkeys(zones, LONG_AGO)
    found = due_runs(DUE, zones, at=MONDAY_SIX, catch_up=0, first_days=known, done=())

    assert [(run.organisation, run.week.label) for run in found] == [
        ("skara", "2026-W47"),
        ("leeds", "2026-W46"),
    ]


def test_weeks_missed_in_downtime_are_made_the_newest_first_and_no_further_back() -> None:
    """After three weeks away the last one comes first; what was made is left alone."""
    assert labels(DUE, catch_up=3, done=("2026-W45",)) == ["2026-W47", "2026-W46", "2026-W44"]


def test_a_new_year_and_a_week_53_are_caught_up_like_any_other() -> None:
    """Weeks are counted by the calendar, not by their numbers."""
    now = parse_rfc3339("2027-01-11T06:00:00+01:00")

    assert labels(now, catch_up=2) == ["2027-W01", "2026-W53", "2026-W52"]


def test_what_is_done_is_never_due_again() -> None:
    """However often somebody looks."""
    assert labels(DUE, done=("2026-W47",)) == []


def test_a_week_that_is_known_in_part_only_is_not_exported() -> None:
    """Numbers that began on Tuesday would be compared with whole weeks."""
    assert labels(DUE, first_day=date(2026, 11, 17)) == []
    assert labels(DUE, catch_up=8, first_day=date(2026, 11, 16)) == ["2026-W47"]


def test_an_organisation_without_any_numbers_has_nothing_to_export() -> None:
    """A configured municipality that is not connected yet raises no alarm."""
    found = due_runs(DUE, {"ny": STOCKHOLM}, at=MONDAY_SIX, catch_up=8, first_days={}, done=())

    assert found == []


def test_a_flushed_redis_does_not_hide_a_week_that_is_due() -> None:
    """What was exported once proves since when there are numbers."""
    since = known_since({}, ["skara|2026-W45", "skara|2026-W46", "skara|no week"])

    assert since == {"skara": date(2026, 11, 2)}
    assert labels(DUE, catch_up=8, first_day=since["skara"], done=("2026-W45", "2026-W46")) == [
        "2026-W47"
    ]


def test_an_export_is_overdue_after_its_patience_and_counted_by_organisation() -> None:
    """Whoever is late by less is told as zero, so that the alert ends."""
    due = [
        Due("skara", week("2026-W47"), DUE),
        Due("skara", week("2026-W46"), DUE - 168 * HOUR),
        Due("orust", week("2026-W47"), DUE),
    ]

    assert overdue(due, DUE + HOUR, patience=HOUR) == {"skara": 1, "orust": 0}
    assert overdue(due, DUE + HOUR + MINUTE, patience=HOUR) == {"skara": 2, "orust": 1}


def test_keys_of_exports_are_names_that_people_can_read() -> None:
    """They stand in Kafka and Redis, where operators look."""
    assert run_key("skara", Period("year", 2026)) == "skara|2026"
