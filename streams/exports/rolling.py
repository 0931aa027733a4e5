"""Rolling windows over hourly cells: the past as boards would have shown it hour by hour.

Rollups count by arrival, so a window of the past holds what has become since of everybody who
arrived in it. A live window counts each thing at the instant it was decided. For calls, visits and
surveys that is the same but for a few minutes at both ends; a mail of last Friday that was answered
on Tuesday counts on Friday here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from streams.cells import Cell
from streams.instants import HOUR
from streams.kpis.readings import read_window
from streams.windows import window_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streams.kpis.readings import Reading
    from streams.plans import Plan

ROLLING_WINDOWS = ("7d", "28d")
"""The windows that begin at a whole hour, which hourly cells can tell exactly."""


class HourlyCells(NamedTuple):
    """What is known of one part of one channel, hour by hour.

    Attributes:
        plan: how the channel is counted.
        part: queue, mailbox, desk, survey or the total.
        cells: by hour of arrival, counted since 1970-01-01T00:00Z; hours in which nothing arrived
            may be missing.
        known_until: instant up to which the channel is known.
    """

    plan: Plan
    part: str
    cells: Mapping[int, Cell]
    known_until: int

    def known_hours(self, first: int, last: int) -> range:
        """The hours of `[first, last)` at whose beginning something was known.

        Before the first contact nothing was; after the truth nobody knows.
        """
        begins = min(self.cells, default=last)
        return range(max(first, begins + 1), min(last, self.known_until // HOUR + 1))


class WindowReadings(NamedTuple):
    """All KPIs over one window that ends at a whole hour.

    Attributes:
        instant: the end of the window.
        window: its name.
        readings: in the order of the registry.
    """

    instant: int
    window: str
    readings: tuple[Reading, ...]


def rolling_readings(
    hourly: HourlyCells, window: str, first: int, last: int
) -> Iterator[WindowReadings]:
    """The KPIs of a window at the beginning of each hour of the half-open `[first, last)`.

    Only those of which anything is known: see `HourlyCells.known_hours`.
    """
    hours = hourly.known_hours(first, last)
    plan = hourly.plan
    for hour, cell in rolling_cells(
        hourly.cells, window_hours(window), hours.start, hours.stop, width=plan.width
    ):
        readings = tuple(read_window(plan, hourly.part, cell, hour * HOUR))
        yield WindowReadings(hour * HOUR, window, readings)


def window_hours(window: str) -> int:
    """How many hours a window of whole hours has.

    >>> [window_hours(window) for window in ROLLING_WINDOWS]
    [168, 672]
    """
    return -window_start(window, 0, ZoneInfo("UTC")) // HOUR


def rolling_cells(
    cells: Mapping[int, Cell], length: int, first: int, last: int, *, width: int
) -> Iterator[tuple[int, Cell]]:
    """For each hour of `[first, last)` the sum over the `length` hours before it.

    From one hour to the next one cell comes in and one goes out, so a year costs as much as its
    hours. The cell that is handed out changes with the next one: read it first.

    >>> cells = {7: Cell.of([1], {30: 1}), 9: Cell.of([2], {})}
    >>> [(hour, cell.counts, dict(cell.waits))
    ...  for hour, cell in rolling_cells(cells, 2, 8, 13, width=1)]
    [(8, (1,), {30: 1}), (9, (1,), {30: 1}), (10, (2,), {}), (11, (2,), {}), (12, (0,), {})]
    """
    total = Cell(width)
    for hour in range(first - length, first):
        if hour in cells:
            total.include(cells[hour])
    for hour in range(first, last):
        yield hour, total
        if hour in cells:
            total.include(cells[hour])
        if hour - length in cells:
            total.exclude(cells[hour - length])
