"""Which weeks are to be exported by themselves, and when.

It is decided from what is done, not from when somebody last looked, so that weeks missed during
downtime are due when it is over.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from streams.exports.periods import Period, PeriodError
from streams.instants import local_date, local_instant

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from zoneinfo import ZoneInfo

DAYS_A_WEEK = 7


class Weekly(msgspec.Struct, frozen=True):
    """A local time of the week.

    Attributes:
        weekday: 0 = Monday.
        clock: as wall clocks show it.
    """

    weekday: int
    clock: time

    def after(self, week: Period, zone: ZoneInfo) -> int:
        """When a week's export is due: the first such time that is not before the week's end.

        >>> from zoneinfo import ZoneInfo
        >>> from streams.instants import to_rfc3339
        >>> stockholm = ZoneInfo("Europe/Stockholm")
        >>> due = Weekly(0, time(6)).after(Period("week", 2026, 47), stockholm)
        >>> to_rfc3339(due, stockholm)
        '2026-11-23T06:00:00+01:00'
        """
        day = week.next_first_day
        day += timedelta(days=(self.weekday - day.weekday()) % DAYS_A_WEEK)
        return local_instant(day, self.clock, zone)


class Due(msgspec.Struct, frozen=True):
    """A week that is to be exported.

    Attributes:
        organisation: whose.
        week: which.
        due_at: since when.
    """

    organisation: str
    week: Period
    due_at: int


def run_key(organisation: str, period: Period) -> str:
    """How one export is called in locks and marks.

    >>> run_key("skara", Period("week", 2026, 47))
    'skara|2026-W47'
    """
    return f"{organisation}|{period.label}"


def due_runs(
    now: int,
    zones: Mapping[str, ZoneInfo],
    *,
    at: Weekly,
    catch_up: int,
    first_days: Mapping[str, date],
    done: Container[str],
) -> list[Due]:
    """What is due and not done, the newest week first: that is the one somebody waits for.

    Args:
        now: the instant.
        zones: time zone of each organisation.
        at: when a week is due after its end.
        catch_up: how many weeks before the newest one are made afterwards.
        first_days: of which there are numbers, by organisation; a week that had begun by then is
            known in part only, and would look worse or better than it was.
        done: keys of the exports that were made.
    """
    found: list[Due] = []
    for organisation, zone in zones.items():
        first_day = first_days.get(organisation)
        if first_day is None:
            continue
        found += [
            Due(organisation, week, at.after(week, zone))
            for week in weeks_due(now, zone, at=at, catch_up=catch_up)
            if week.first_day >= first_day and run_key(organisation, week) not in done
        ]
    return sorted(found, key=lambda due: (-due.due_at, due.organisation))


def known_since(first_days: Mapping[str, date], done: Iterable[str]) -> dict[str, date]:
    """Since which day each organisation is known: also by what was exported of it.

    A Redis that was flushed forgets how far back it went, and must not make a week look too early
    to be exported.

    >>> known_since({"skara": date(2026, 11, 1)}, ["skara|2026-W40", "orust|2026-W47"])
    {'skara': datetime.date(2026, 9, 28), 'orust': datetime.date(2026, 11, 16)}
    """
    days = dict(first_days)
    for key in done:
        organisation, _, label = key.partition("|")
        try:
            day = Period.parse(label, "week").first_day
        except PeriodError:
            continue
        days[organisation] = min(day, days.get(organisation, day))
    return days


def weeks_due(now: int, zone: ZoneInfo, *, at: Weekly, catch_up: int) -> Iterable[Period]:
    """The newest week whose time has come, and so many before it."""
    week = Period.of(local_date(now, zone), "week")
    while at.after(week, zone) > now:
        week = week.before
    for _ in range(catch_up + 1):
        yield week
        week = week.before


def overdue(due: Iterable[Due], now: int, *, patience: int) -> dict[str, int]:
    """How many weeks of each organisation are due for longer than `patience` microseconds."""
    counts: dict[str, int] = {}
    for run in due:
        late = now - run.due_at > patience
        counts[run.organisation] = counts.get(run.organisation, 0) + late
    return counts
