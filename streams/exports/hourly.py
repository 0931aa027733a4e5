"""History hour by hour: the rollups of totals and surveys as cells that windows roll over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from streams import measures
from streams.conventions import TOTAL
from streams.exports.rolling import ROLLING_WINDOWS, HourlyCells, window_hours
from streams.exports.truth import HistoryError
from streams.instants import DAY, HOUR, to_datetime
from streams.plans import Plan
from streams.tally import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streams.exports.truth import Truth
    from streams.organisations import Channel, Organisation

_decode = msgspec.json.Decoder(dict[str, Any]).decode


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
        for field, value in fields.items():
            hour, bar, name = field.partition(b"|")
            part = name.decode()
            # A survey has no total: it belongs to the channel that it asks about.
            if not bar or (part == TOTAL) == (channel == "surveys"):
                continue
            if self._begins <= int(hour) < self.last:
                cells = self._cells.setdefault((channel, part), {})
                cells[int(hour)] = _cell_of(self._plans[channel], field, value)

    def parts(self, truths: Mapping[Channel, Truth]) -> Iterator[HourlyCells]:
        """The total of each channel and each survey, each as far as its channel is known."""
        for (channel, part), cells in sorted(self._cells.items()):
            truth = truths.get(channel)
            if truth is not None:
                yield HourlyCells(self._plans[channel], part, cells, truth.as_of)


def _cell_of(plan: Plan, field: bytes, value: bytes) -> Cell:
    cell = Cell(plan.width)
    try:
        row = _decode(value)
        for place, name in enumerate(measures.BASE[plan.channel]):
            cell.counts[place] = int(row.get(name, 0))
        for promise, told in row.get("promises", {}).items():
            base = plan.base.get(promise)
            # A promise that the configuration no longer names is shown nowhere.
            if base is not None:
                for place, name in enumerate(measures.PROMISE[plan.channel]):
                    cell.counts[base + place] = int(told.get(name, 0))
        cell.waits = {int(second): int(n) for second, n in row.get("waits", {}).items()}
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError) as fault:
        msg = f"the rollup `{field.decode()}` cannot be read: {fault}"
        raise HistoryError(msg) from None
    return cell
