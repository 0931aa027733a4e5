"""ISO weeks, months and years in local time.

A week begins on Monday at local midnight: with the two clock changes it has 167 or 169 hours, and
some years have a week 53 (ISO 8601).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from streams.errors import KontaktpulsError
from streams.instants import FIRST_YEAR, HOUR, LAST_YEAR, local_date, start_of_day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Kind = Literal["week", "month", "year"]

MONTHS = 12
WEEKS_A_YEAR = 52
_PATTERN = re.compile(r"(\d{4})(?:-W(\d{2})|-(\d{2}))?", re.ASCII)


class PeriodError(KontaktpulsError, ValueError):
    """No such week, month or year; says what to write instead."""


class Period(msgspec.Struct, frozen=True, order=True):
    """A week, a month or a year.

    Attributes:
        kind: which of the three.
        year: the ISO year of a week, else the calendar year.
        number: of the week or month; 0 for a year.
    """

    kind: Kind
    year: int
    number: int = 0

    @classmethod
    def parse(cls, text: str, kind: Kind) -> Self:
        """What somebody wrote: `2026-W47`, `2026-11` or `2026`.

        >>> Period.parse("2026-W53", "week")
        Period(kind='week', year=2026, number=53)

        Raises:
            PeriodError: it is none of that kind, or there is no such one.
        """
        match = _PATTERN.fullmatch(text)
        example = {"week": "2026-W47", "month": "2026-11", "year": "2026"}[kind]
        if match is None or (match[2] is not None, match[3] is not None) != (
            kind == "week",
            kind == "month",
        ):
            msg = f"`{text}` is no {kind}; write e.g. `{example}`, `last` or `current`"
            raise PeriodError(msg)
        year, number = int(match[1]), int(match[2] or match[3] or 0)
        if not FIRST_YEAR <= year <= LAST_YEAR:
            msg = f"`{text}` is out of range; write a year from {FIRST_YEAR} to {LAST_YEAR}"
            raise PeriodError(msg)
        most = {"week": weeks_of(year), "month": MONTHS, "year": 0}[kind]
        if number > most or (kind != "year" and number < 1):
            msg = f"`{text}` does not exist; {year} has the {kind}s 1 to {most}"
            raise PeriodError(msg)
        return cls(kind, year, number)

    @classmethod
    def of(cls, day: date, kind: Kind) -> Self:
        """The one a local day lies in.

        >>> Period.of(date(2027, 1, 3), "week").label
        '2026-W53'
        """
        if kind == "week":
            year, number, _ = day.isocalendar()
            return cls(kind, year, number)
        return cls(kind, day.year, day.month if kind == "month" else 0)

    @classmethod
    def at(cls, instant: int, kind: Kind, zone: ZoneInfo) -> Self:
        """The one an instant lies in."""
        return cls.of(local_date(instant, zone), kind)

    @property
    def label(self) -> str:
        """As people write it: `2026-W47`, `2026-11`, `2026`."""
        if self.kind == "week":
            return f"{self.year:04}-W{self.number:02}"
        return f"{self.year:04}-{self.number:02}" if self.kind == "month" else f"{self.year:04}"

    @property
    def first_day(self) -> date:
        """Its first local day."""
        if self.kind == "week":
            return date.fromisocalendar(self.year, self.number, 1)
        return date(self.year, self.number or 1, 1)

    @property
    def next_first_day(self) -> date:
        """The first local day after it."""
        if self.kind == "week":
            return self.first_day + timedelta(weeks=1)
        if self.kind == "month" and self.number < MONTHS:
            return date(self.year, self.number + 1, 1)
        return date(self.year + 1, 1, 1)

    @property
    def before(self) -> Self:
        """The one right before it."""
        return type(self).of(self.first_day - timedelta(days=1), self.kind)

    @property
    def after(self) -> Self:
        """The one right after it."""
        return type(self).of(self.next_first_day, self.kind)

    @property
    def year_before(self) -> Self:
        """The same one a year earlier.

        For a week 53 where that year has none, 52 weeks earlier: the same days of the calendar.

        >>> Period.parse("2026-W53", "week").year_before.label
        '2026-W01'
        """
        if self.kind == "week" and self.number > weeks_of(self.year - 1):
            return type(self).of(self.first_day - timedelta(weeks=WEEKS_A_YEAR), self.kind)
        return type(self)(self.kind, self.year - 1, self.number)

    def span(self, zone: ZoneInfo) -> tuple[int, int]:
        """Its first instant, and the first one after it."""
        return start_of_day(self.first_day, zone), start_of_day(self.next_first_day, zone)

    def hours(self, zone: ZoneInfo) -> int:
        """How many hours it has.

        >>> from zoneinfo import ZoneInfo
        >>> stockholm = ZoneInfo("Europe/Stockholm")
        >>> [Period("week", 2026, week).hours(stockholm) for week in (12, 13, 43)]
        [168, 167, 169]
        """
        start, end = self.span(zone)
        return (end - start) // HOUR


def weeks_of(year: int) -> int:
    """How many ISO weeks a year has: 28 December always lies in its last one.

    >>> weeks_of(2026), weeks_of(2027)
    (53, 52)
    """
    return date(year, 12, 28).isocalendar().week


def periods_before(period: Period, count: int) -> list[Period]:
    """The `count` periods before one, the oldest first; of its own kind."""
    found: list[Period] = []
    current = period
    for _ in range(count):
        current = current.before
        found.append(current)
    return found[::-1]
