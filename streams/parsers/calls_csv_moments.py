"""When a moment of a call was, from the clocks, time stamps and durations of a row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from streams.instants import HOUR, from_datetime
from streams.parsers.rows import fits, read_clock, read_date, read_duration, read_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from streams.parsers.calls_csv_columns import Moment
    from streams.parsers.calls_csv_mapping import CallsCsvMapping

NEXT_DAY = 12 * HOUR
"""A clock that is earlier than the one before it by more than this belongs to the next day."""


class MomentReader:
    """Reads moments as one mapping writes them, in one time zone."""

    def __init__(self, mapping: CallsCsvMapping, zone: ZoneInfo) -> None:
        self._formats = mapping.formats
        self._date = mapping.date
        self._zone = zone

    def instant(
        self, moment: Moment | None, row: Mapping[str, str], previous: int | None = None
    ) -> int | None:
        """When a moment was, or `None` in rows that do not know it.

        Args:
            moment: where it is written.
            row: the row.
            previous: the moment before it, which durations count from and clocks come after.

        Raises:
            RowError: a value is no date, clock or number.
        """
        if moment is None or (moment.unless and fits(row, moment.unless)):
            return None
        if moment.seconds is not None:
            return (previous or 0) + read_duration(row, moment.seconds)
        if moment.timestamp is not None:
            stamp = self.stamp(row, moment.timestamp, moment.form)
            return _second_pass_if_needed(stamp, previous)
        if moment.clock is None or self._date is None:
            return None
        form = moment.form or self._formats.clock
        day = read_date(row[self._date].strip(), self._formats.date, self._date)
        if previous is None and moment.since is not None:
            previous = self._at(day, row, moment.since, form, None)
        return self._at(day, row, moment.clock, form, previous)

    def stamp(self, row: Mapping[str, str], column: str, form: str | None = None) -> datetime:
        """The time stamp in a column; `RowError` if it holds none."""
        return read_timestamp(
            row[column].strip(), form or self._formats.timestamp, self._zone, column
        )

    def _at(
        self, day: date, row: Mapping[str, str], column: str, form: str, previous: int | None
    ) -> int:
        """The instant of a local clock, on the next day where midnight lies in between."""
        clock = read_clock(row[column].strip(), form, column)
        local = datetime(day.year, day.month, day.day, tzinfo=self._zone) + clock
        if previous is not None and from_datetime(local) < previous - NEXT_DAY:
            local += timedelta(days=1)
        return _second_pass_if_needed(local, previous)


def _second_pass_if_needed(local: datetime, previous: int | None) -> int:
    """An instant, in the hour that comes twice in autumn the later one if time ran backwards."""
    instant = from_datetime(local)
    if previous is None or instant >= previous:
        return instant
    again = from_datetime(local.replace(fold=1))
    return again if again >= previous else instant
