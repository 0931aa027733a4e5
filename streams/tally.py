"""Cells: how often something happened in each second, minute, hour and day.

A mark is added to the cell of its instant at every resolution, so that any window is the sum of
a few cells: seconds up to the next minute, minutes up to the next hour, and so on. Reading
changes nothing, and nothing has to be done when time passes.

A second view sums the same marks by the hour in which their contact *arrived*: that is what
cohort reports ask for ("of the mails that arrived on Monday, how many were answered in time").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.instants import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from streams.outcomes import Mark

SECONDS_KEPT = 2 * HOUR
MINUTES_KEPT = 2 * DAY


class Cell:
    """Counts by measure, and waits that ended, by whole second."""

    __slots__ = ("counts", "waits")

    def __init__(self, width: int) -> None:
        """An empty cell for `width` measures."""
        self.counts = [0] * width
        self.waits: dict[int, int] = {}

    def add(self, mark: Mark, sign: int) -> None:
        """Put a mark in (`sign` 1) or take it out (-1)."""
        _, _, _, amounts, wait = mark
        counts = self.counts
        for measure, amount in amounts:
            counts[measure] += sign * amount
        if wait >= 0:
            second = wait // SECOND
            left = self.waits.get(second, 0) + sign
            if left:
                self.waits[second] = left
            else:
                del self.waits[second]

    def include(self, other: Cell) -> None:
        """Add everything another cell holds."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        if other.waits:
            waits = self.waits
            for second, n in other.waits.items():
                waits[second] = waits.get(second, 0) + n

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return any(self.counts)


Cells = dict[int, Cell]


class Tally:
    """The cells of one part: a queue, a mailbox, a desk, or the total."""

    def __init__(self, width: int, *, live: bool = True) -> None:
        """No marks yet, for cells of `width` measures.

        Reports look at whole hours only: not `live`, the other resolutions are left out.
        """
        self.width = width
        self.live = live
        self.seconds: Cells = {}
        self.minutes: Cells = {}
        self.hours: Cells = {}
        self.days: Cells = {}
        self.arrivals: Cells = {}
        self.touched: set[int] = set()
        self.newest = -(2**62)
        self._sums: dict[tuple[int, int], Cell] = {}

    def add(self, mark: Mark, sign: int = 1) -> None:
        """Put a mark in, or take it out again with `sign` -1."""
        _, arrival, instant, _, _ = mark
        hour, arrived, width = instant // HOUR, arrival // HOUR, self.width
        _cell(self.hours, hour, width).add(mark, sign)
        _cell(self.arrivals, arrived, width).add(mark, sign)
        if not self.live:
            return
        self.touched.add(arrived)
        _cell(self.days, instant // DAY, width).add(mark, sign)
        if instant > self.newest:
            self.newest = instant
        # Fine cells serve short windows only; what is older than those has its hour.
        if instant > self.newest - MINUTES_KEPT:
            _cell(self.minutes, instant // MINUTE, width).add(mark, sign)
            if instant > self.newest - SECONDS_KEPT:
                _cell(self.seconds, instant // SECOND, width).add(mark, sign)
        if self._sums:
            for start, end in [span for span in self._sums if span[0] <= hour < span[1]]:
                del self._sums[start, end]

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

    def prune(self, before: int) -> None:
        """Forget fine cells that no window can reach, and hours that began before an instant."""
        for cells, size, oldest in (
            (self.seconds, SECOND, self.newest - SECONDS_KEPT),
            (self.minutes, MINUTE, self.newest - MINUTES_KEPT),
            (self.hours, HOUR, before),
            (self.days, DAY, before - DAY),
            (self.arrivals, HOUR, before),
        ):
            for place in [place for place in cells if place * size < oldest]:
                del cells[place]

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
        """The sum over whole hours; kept until a mark falls into one of them."""
        known = self._sums.get((first, last))
        if known is not None:
            return known
        total = Cell(self.width)
        first_day, last_day = _up(first, 24) // 24, last // 24
        if first_day >= last_day:
            _include_span(total, self.hours, first, last)
        else:
            _include_span(total, self.hours, first, first_day * 24)
            _include_span(total, self.days, first_day, last_day)
            _include_span(total, self.hours, last_day * 24, last)
        if len(self._sums) > 16:  # spans of hours gone by
            self._sums.clear()
        self._sums[first, last] = total
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
