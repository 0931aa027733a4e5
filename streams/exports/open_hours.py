"""Whole hours in which something was open."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from streams.conventions import TOTAL
from streams.instants import HOUR, local_date

if TYPE_CHECKING:
    from streams.calendars import Calendar
    from streams.plans import Plan


class OpenHours:
    """The open hours of one organisation's calendars in one span; each is laid out once."""

    def __init__(self, start: int, end: int) -> None:
        """Nothing laid out yet, of the half-open span."""
        self._span = start, end
        self._hours: dict[str, frozenset[int]] = {}

    def of(self, plan: Plan, part: str) -> frozenset[int]:
        """The hours, since 1970, in any minute of which a part was open.

        The total is open while any part is. Surveys are answered at all times: they have none.
        """
        if plan.channel == "surveys":
            return frozenset()
        parts = plan.parts if part == TOTAL and plan.parts else (part,)
        return frozenset().union(*(self._of(plan.calendar(name)) for name in parts))

    def _of(self, calendar: Calendar) -> frozenset[int]:
        hours = self._hours.get(calendar.name)
        if hours is None:
            hours = self._hours[calendar.name] = frozenset(self._lay_out(calendar))
        return hours

    def _lay_out(self, calendar: Calendar) -> set[int]:
        start, end = self._span
        hours: set[int] = set()
        day, last = (local_date(instant, calendar.zone) for instant in (start, end - 1))
        while day <= last:
            for opens, closes in calendar.intervals(day):
                hours.update(range(opens // HOUR, -(-closes // HOUR)))
            day += timedelta(days=1)
        return hours
