"""What an export has to read: the exported period, and the ones it is compared with.

Periods of one kind never overlap, so every hour of arrival belongs to one of them at most and is
added up once, however many comparisons the period takes part in.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from streams.exports.periods import Period, periods_before
from streams.instants import HOUR, to_datetime
from streams.rollups import HOURS_A_DAY

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from streams.organisations import Organisation

RECENT = 8
"""How many periods before the exported one are shown taken together."""

BASELINE = 26
"""How many periods before the exported one a control chart rests on at most."""

UNWANTED = -1


class Wanted:
    """The plan of reading of one export of one organisation.

    Attributes:
        organisation: whose.
        period: the exported one.
        made_at: instant of the export; what arrived in a later hour is not read.
        periods: all that are read, in order of time.
        spans: their half-open instants.
    """

    def __init__(self, organisation: Organisation, period: Period, made_at: int) -> None:
        """Lay out the periods on the clock."""
        self.organisation = organisation
        self.period = period
        self.made_at = made_at
        told = {period, period.year_before, *periods_before(period, max(RECENT, BASELINE))}
        self.periods = tuple(sorted(told))
        zone = organisation.zone
        self.spans = {one: one.span(zone) for one in self.periods}
        self._starts = [self.spans[one][0] // HOUR for one in self.periods]
        self._ends = [self.spans[one][1] // HOUR for one in self.periods]

    @property
    def span(self) -> tuple[int, int]:
        """Of the exported period."""
        return self.spans[self.period]

    @property
    def recent(self) -> list[Period]:
        """The periods that are shown taken together, the oldest first."""
        return periods_before(self.period, RECENT)

    @property
    def baseline(self) -> list[Period]:
        """The periods that control charts rest on, the oldest first."""
        return periods_before(self.period, BASELINE)

    @cached_property
    def hours_of_week(self) -> list[int]:
        """The local hour of the week of each hour of the exported period; Monday 00 is 0."""
        return _hours_of_week(self.organisation.zone, *self.span)

    def place(self, hour: int) -> int:
        """The place among `periods` of the one that an hour lies in; `UNWANTED` outside."""
        if hour * HOUR > self.made_at:
            return UNWANTED
        place = bisect_right(self._starts, hour) - 1
        return place if place >= 0 and hour < self._ends[place] else UNWANTED

    def has_day(self, day: int) -> bool:
        """Whether a UTC day, counted from 1970-01-01, has hours of a period."""
        first = day * HOURS_A_DAY
        place = bisect_right(self._starts, first + HOURS_A_DAY - 1) - 1
        return place >= 0 and first < self._ends[place] and first * HOUR <= self.made_at


@lru_cache(maxsize=64)
def _hours_of_week(zone: ZoneInfo, start: int, end: int) -> list[int]:
    moments = (to_datetime(instant, zone) for instant in range(start, end, HOUR))
    return [moment.weekday() * HOURS_A_DAY + moment.hour for moment in moments]
