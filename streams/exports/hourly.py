"""History hour by hour: the rollups of totals and surveys as cells that windows roll over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures
from streams.conventions import TOTAL
from streams.exports.rolling import ROLLING_WINDOWS, HourlyCells, window_hours
from streams.exports.stored_rollups import Counted, decode_rollup, rollups_of_day
from streams.instants import DAY, HOUR, to_datetime
from streams.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streams.cells import Cell
    from streams.exports.truth import Truth
    from streams.organisations import Channel, Organisation


class HourlyHistory:
    """What is known of one organisation in each hour of a span, and in the windows before it.

    Attributes:
        first, last: hours since 1970-01-01T00:00Z whose beginnings are asked about, half-open.
    """

    def __init__(self, organisation: Organisation, span: tuple[int, int]) -> None:
        """Nothing known yet; `span` are the half-open instants of the exported period."""
        self.first, self.last = span[0] // HOUR, span[1] // HOUR
        self._begins = self.first - max(map(window_hours, ROLLING_WINDOWS))
        self._plans = {channel: Plan(organisation, channel) for channel in measures.BASE}
        self._cells: dict[tuple[Channel, str], dict[int, Cell]] = {}

    def days_to_read(self, days: Iterable[str]) -> list[str]:
        """Which of the UTC days with rollups must be read, in order."""
        first, last = self._begins * HOUR // DAY, (self.last * HOUR - 1) // DAY
        wanted = {to_datetime(day * DAY).date().isoformat() for day in range(first, last + 1)}
        return sorted(wanted.intersection(days))

    def add_day(self, channel: Channel, fields: Mapping[bytes, bytes]) -> None:
        """Add a whole hash of rollups, as Redis returns it; once.

        Raises:
            HistoryError: a rollup cannot be read.
        """
        for hour, part, value in rollups_of_day(fields):
            # A survey has no total: it belongs to the channel that it asks about.
            if (part == TOTAL) == (channel == "surveys"):
                continue
            if self._begins <= hour < self.last:
                counted = Counted(channel)
                rollup = decode_rollup(channel, hour, part, value)
                counted.add_counts(rollup)
                counted.add_waits(rollup.waits)
                cells = self._cells.setdefault((channel, part), {})
                cells[hour] = counted.laid_out(self._plans[channel]).cell

    def parts(self, truths: Mapping[Channel, Truth]) -> Iterator[HourlyCells]:
        """The total of each channel and each survey, each as far as its channel is known."""
        for (channel, part), cells in sorted(self._cells.items()):
            truth = truths.get(channel)
            if truth is not None:
                yield HourlyCells(self._plans[channel], part, cells, truth.as_of)
