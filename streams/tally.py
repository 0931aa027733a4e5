"""Cells: how often something happened in each second, minute and hour.

A mark is added to the cell of its instant at every resolution, so that any window is the sum of
a few cells: seconds up to the next minute, minutes up to the next hour, then whole hours. Reading
changes nothing, and nothing has to be done when time passes.

A second view sums the same marks by the hour in which their contact *arrived*: that is what
cohort reports ask for ("of the mails that arrived on Monday, how many were answered in time"). It
holds exactly the contacts that are kept one by one; those that were folded leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from streams.instants import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.outcomes import Mark

SECONDS_KEPT = 2 * HOUR
MINUTES_KEPT = 2 * DAY
HOURS_OF_DAY = 24
EVER = -(2**62)
LONGEST_UNWRITTEN = 365 * DAY


class Cell:
    """Counts by measure, and waits that ended, by whole second."""

    __slots__ = ("counts", "waits")

    def __init__(self, width: int) -> None:
        """An empty cell for `width` measures."""
        self.counts = [0] * width
        self.waits: dict[int, int] = {}

    @classmethod
    def of(cls, counts: list[int], waits: dict[int, int]) -> Cell:
        """A cell with something in it."""
        cell = cls(0)
        cell.counts, cell.waits = counts, waits
        return cell

    def add(self, mark: Mark) -> None:
        """Put a mark in."""
        for measure, amount in mark[3]:
            self.counts[measure] += amount
        if mark[4] >= 0:
            second = mark[4] // SECOND
            self.waits[second] = self.waits.get(second, 0) + 1

    def include(self, other: Cell) -> None:
        """Add everything another cell holds."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        if other.waits:
            waits = self.waits
            for second, n in other.waits.items():
                waits[second] = waits.get(second, 0) + n

    def exclude(self, other: Cell) -> None:
        """Take out everything another cell holds."""
        self.counts = [a - b for a, b in zip(self.counts, other.counts, strict=True)]
        waits = self.waits
        for second, n in other.waits.items():
            waits[second] -= n
            if not waits[second]:
                del waits[second]

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return any(self.counts)


Cells = dict[int, Cell]
Keeps = Literal["everything", "arrivals", "hours"]


class Tally:
    """The cells of one part: a queue, a mailbox, a desk, or the total."""

    def __init__(self, width: int, keeps: Keeps = "everything") -> None:
        """No marks yet, for cells of `width` measures.

        A report looks at whole hours of arrival or of decision and needs nothing else; nor does
        anybody look at topics in any other way.

        Attributes:
            arrivals: by hour of arrival.
            touched: hours of arrival whose rollups are to be written.
        """
        self.width = width
        self.keeps = keeps
        self.seconds: Cells = {}
        self.minutes: Cells = {}
        self.hours: Cells = {}
        self.arrivals: Cells = {}
        self.touched: set[int] = set()
        self.newest = EVER
        self._days: Cells = {}
        """Sums over whole days, once read kept in step."""
        self._spans: dict[tuple[int, int], Cell] = {}
        """Sums over other spans of whole hours, likewise."""

    def add(self, mark: Mark, sign: int = 1) -> None:
        """Put a mark in, or take it out again with `sign` -1."""
        self.add_all((mark,), sign)

    def add_all(self, marks: Sequence[Mark], sign: int = 1) -> None:
        """Put marks in, or take them out again; those of one contact share most of their cells."""
        is_fine = self.keeps == "everything"
        arrived = hour = EVER
        coarse: tuple[Cell, ...] = ()
        for _, arrival, instant, amounts, wait in marks:
            if instant // HOUR != hour or arrival // HOUR != arrived:
                arrived, hour = arrival // HOUR, instant // HOUR
                coarse = self._coarse(arrived, hour)
            reached = coarse
            # Fine cells serve short windows only; what is older than those has its hour.
            if is_fine and instant > self.newest - MINUTES_KEPT:
                reached += self._fine_cells(instant)
            second = wait // SECOND
            for cell in reached:
                counts = cell.counts
                for measure, amount in amounts:
                    counts[measure] += sign * amount
                if wait >= 0:
                    waits = cell.waits
                    waits[second] = n = waits.get(second, 0) + sign
                    if not n:
                        del waits[second]

    def _coarse(self, arrived: int, hour: int) -> tuple[Cell, ...]:
        """The cells of an hour of arrival and of an hour in which something was decided."""
        width = self.width
        if self.keeps == "hours":
            return (_cell(self.hours, hour, width),)
        self.touched.add(arrived)
        if self.keeps == "arrivals":
            return (_cell(self.arrivals, arrived, width),)
        by_arrival, by_hour = _cell(self.arrivals, arrived, width), _cell(self.hours, hour, width)
        if not self._days and not self._spans:
            return by_arrival, by_hour
        day = self._days.get(hour // HOURS_OF_DAY)
        spans = [total for span, total in self._spans.items() if span[0] <= hour < span[1]]
        return (by_arrival, by_hour, *spans, *(() if day is None else (day,)))

    def _fine_cells(self, instant: int) -> tuple[Cell, ...]:
        self.newest = max(self.newest, instant)
        by_minute = _cell(self.minutes, instant // MINUTE, self.width)
        if instant <= self.newest - SECONDS_KEPT:
            return (by_minute,)
        return by_minute, _cell(self.seconds, instant // SECOND, self.width)

    def between(self, start: int, end: int) -> Cell:
        """The sum over the half-open `[start, end)`, both whole seconds.

        A start older than two hours is exact to the minute, one older than two days to the hour.
        """
        first, last = _up(start, HOUR) // HOUR, end // HOUR
        if first > last:
            return self._fine(start, end)
        total = Cell(self.width)
        if first * HOUR > start:
            total.include(self._fine(start, first * HOUR))
        total.include(self._whole_hours(first, last))
        if end > last * HOUR:
            total.include(self._fine(last * HOUR, end))
        return total

    def release(self, hour: int, cell: Cell) -> None:
        """Take what is kept elsewhere from now on out of an hour of arrival."""
        left = self.arrivals[hour]
        left.exclude(cell)
        if not left:
            del self.arrivals[hour]

    def prune(self, before: int) -> None:
        """Forget cells that no window needs any more, and hours of arrival that were vacated.

        Where nobody writes rollups, hours are to be written for `LONGEST_UNWRITTEN` and no longer.

        Args:
            before: whole hours older than this instant go.
        """
        for cells, size, oldest in (
            (self.seconds, SECOND, self.newest - SECONDS_KEPT),
            (self.minutes, MINUTE, self.newest - MINUTES_KEPT),
            (self.hours, HOUR, before),
        ):
            for place in [place for place in cells if place * size < oldest]:
                del cells[place]
        for hour in [hour for hour, cell in self.arrivals.items() if not cell]:
            del self.arrivals[hour]
        longest = (before - LONGEST_UNWRITTEN) // HOUR
        self.touched.difference_update([hour for hour in self.touched if hour < longest])
        self._days = {day: c for day, c in self._days.items() if day * DAY >= before}
        self._spans.clear()

    def _fine(self, start: int, end: int) -> Cell:
        """The sum over a span without a whole hour in it."""
        total = Cell(self.width)
        first, last = _up(start, MINUTE) // MINUTE, end // MINUTE
        if first > last:
            _include_span(total, self.seconds, start // SECOND, end // SECOND)
            return total
        _include_span(total, self.seconds, start // SECOND, first * 60)
        _include_span(total, self.minutes, first, last)
        _include_span(total, self.seconds, last * 60, end // SECOND)
        return total

    def _whole_hours(self, first: int, last: int) -> Cell:
        """The sum over whole hours, by way of whole days."""
        total = self._spans.get((first, last))
        if total is None:
            total = self._spans[first, last] = Cell(self.width)
            first_day, last_day = _up(first, HOURS_OF_DAY), last // HOURS_OF_DAY * HOURS_OF_DAY
            if first_day >= last_day:
                _include_span(total, self.hours, first, last)
                return total
            _include_span(total, self.hours, first, first_day)
            for day in range(first_day // HOURS_OF_DAY, last_day // HOURS_OF_DAY):
                total.include(self._whole_day(day))
            _include_span(total, self.hours, last_day, last)
        return total

    def _whole_day(self, day: int) -> Cell:
        total = self._days.get(day)
        if total is None:
            total = self._days[day] = Cell(self.width)
            _include_span(total, self.hours, day * HOURS_OF_DAY, (day + 1) * HOURS_OF_DAY)
        return total


def _cell(cells: Cells, place: int, width: int) -> Cell:
    cell = cells.get(place)
    if cell is None:
        cell = cells[place] = Cell(width)
    return cell


def _include_span(total: Cell, cells: Cells, first: int, last: int) -> None:
    if last - first > len(cells):
        for place, cell in cells.items():
            if first <= place < last:
                total.include(cell)
        return
    for place in range(first, last):
        if place in cells:
            total.include(cells[place])


def _up(value: int, unit: int) -> int:
    """Round up to a multiple.

    >>> _up(61, 60), _up(60, 60)
    (120, 60)
    """
    return -(-value // unit) * unit
