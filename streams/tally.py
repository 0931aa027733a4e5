"""Tallies: how often something happened in each hour, and for short windows in each second.

A mark is added to the cell of its hour, and the marks of the last two hours are kept as they are,
in slots of five minutes: windows begin at a whole hour or are short. So any window is the sum of
some marks and some cells. Reading changes nothing, and nothing has to be done when time passes.

A second view sums the same marks by the hour in which their contact *arrived*: that is what
cohort reports ask for ("of the mails that arrived on Monday, how many were answered in time"). It
holds exactly the contacts that are kept one by one; those that were folded leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from streams.cells import Cell, count_wait
from streams.instants import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from streams.outcomes import Mark

RECENT = 2 * HOUR
"""An hour more than the longest window that does not begin at a whole hour."""

SLOT = 5 * MINUTE
HOURS_OF_DAY = 24
EVER = -(2**62)
LONGEST_UNWRITTEN = 365 * DAY
NO_SLOTS: Mapping[int, list[Mark]] = {}
NO_CELLS: tuple[Cell, ...] = ()
NOWHERE = (EVER, EVER)


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
            recent: marks by hour and slot, those taken out again with negative amounts.
        """
        self.width = width
        self.keeps = keeps
        self.recent: dict[int, dict[int, list[Mark]]] = {}
        self.hours: Cells = {}
        self.arrivals: Cells = {}
        self.touched: set[int] = set()
        self.newest = EVER
        self._days: Cells = {}
        """Sums over whole days, once read kept in step."""
        self._spans: dict[tuple[int, int], Cell] = {}
        """Sums over other spans of whole hours, likewise."""
        self._last = NOWHERE
        self._last_cells = NO_CELLS
        """What was reached last; forgotten when cells come or go in any other way."""

    def add(self, mark: Mark, sign: int = 1) -> None:
        """Put a mark in, or take it out again with `sign` -1."""
        self.add_all((mark,), sign)

    def add_all(self, marks: Sequence[Mark], sign: int = 1) -> None:
        """Put marks in, or take them out again; those of one contact share most of their cells."""
        keeps_recent, newest = self.keeps == "everything", self.newest
        arrived, begins, ends = EVER, EVER, EVER
        together, coarse = 0, NO_CELLS
        for mark in marks:
            _, arrival, instant, amounts, wait = mark
            if arrival != arrived or not begins <= instant < ends:
                for cell in coarse:
                    cell.amounts += together
                arrived, hour, together = arrival, instant // HOUR, 0
                begins = hour * HOUR
                ends = begins + HOUR
                coarse = self._coarse(arrival // HOUR, hour)
            more = amounts if sign > 0 else -amounts
            together += more
            if wait >= 0:
                second = wait // SECOND
                for cell in coarse:
                    count_wait(cell.waits, second, sign)
            if keeps_recent and instant > newest - RECENT:
                if instant > newest:
                    self.newest = newest = instant
                slots = self.recent.get(hour)
                if slots is None:
                    slots = self._begin(hour)
                slot = instant // SLOT
                told = slots.get(slot)
                if told is None:
                    told = slots[slot] = []
                told.append(mark if sign > 0 else (*mark[:3], more, wait))
        for cell in coarse:
            cell.amounts += together

    def _begin(self, hour: int) -> dict[int, list[Mark]]:
        """Keep the marks of another hour, and what is over no longer."""
        # Windows end at another hour from now on; nobody asks for these spans again.
        self._spans.clear()
        self._last = NOWHERE
        oldest = (self.newest - RECENT) // HOUR
        for over in [known for known in self.recent if known < oldest]:
            del self.recent[over]
        return self.recent.setdefault(hour, {})

    def _coarse(self, arrived: int, hour: int) -> tuple[Cell, ...]:
        """The cells of an hour of arrival and of an hour in which something was decided."""
        if self.keeps != "hours":
            self.touched.add(arrived)
        # Who calls now mostly follows somebody who called in the same hour.
        if self._last != (arrived, hour):
            self._last, self._last_cells = (arrived, hour), self._find(arrived, hour)
        return self._last_cells

    def _find(self, arrived: int, hour: int) -> tuple[Cell, ...]:
        width = self.width
        if self.keeps == "hours":
            return (_cell(self.hours, hour, width),)
        by_arrival = _cell(self.arrivals, arrived, width)
        if self.keeps == "arrivals":
            return (by_arrival,)
        spans = [total for span, total in self._spans.items() if span[0] <= hour < span[1]]
        day = self._days.get(hour // HOURS_OF_DAY)
        days = () if day is None else (day,)
        return (by_arrival, _cell(self.hours, hour, width), *spans, *days)

    def between(self, start: int, end: int) -> Cell:
        """The sum over the half-open `[start, end)`, both whole seconds.

        Further back than `RECENT` only whole hours are known.
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

    def arrived(self, hour: int) -> Cell | None:
        """What became of who arrived in an hour, only to be read; `None` where nobody did."""
        return self.arrivals.get(hour)

    def hours_of_arrival(self) -> AbstractSet[int]:
        """The hours in which somebody arrived."""
        return self.arrivals.keys()

    def by_arrival(self) -> dict[int, Cell]:
        """What became of who arrived in each hour, only to be read."""
        told = ((hour, self.arrived(hour)) for hour in self.hours_of_arrival())
        return {hour: cell for hour, cell in told if cell is not None}

    def decided(self) -> Mapping[int, Cell]:
        """What was decided in each hour, only to be read."""
        return self.hours

    def release(self, hour: int, cell: Cell) -> None:
        """Take what is kept elsewhere from now on out of an hour of arrival."""
        self._last = NOWHERE
        left = _cell(self.arrivals, hour, self.width)
        left.exclude(cell)
        if not left:
            del self.arrivals[hour]

    def prune(self, before: int) -> None:
        """Forget cells that no window needs any more, and hours of arrival that were vacated.

        Where nobody writes rollups, hours are to be written for `LONGEST_UNWRITTEN` and no longer.

        Args:
            before: whole hours older than this instant go.
        """
        self._last = NOWHERE
        for hour in [hour for hour in self.hours if hour < before // HOUR]:
            del self.hours[hour]
        for hour in [hour for hour, cell in self.arrivals.items() if not cell]:
            del self.arrivals[hour]
        longest = (before - LONGEST_UNWRITTEN) // HOUR
        self.touched.difference_update([hour for hour in self.touched if hour < longest])
        self._days = {day: c for day, c in self._days.items() if day * DAY >= before}
        self._spans.clear()

    def _fine(self, start: int, end: int) -> Cell:
        """The sum over a span within one hour."""
        total = Cell(self.width)
        for slot, told in self.recent.get(start // HOUR, NO_SLOTS).items():
            if start // SLOT <= slot <= end // SLOT:
                for mark in told:
                    if start <= mark[2] < end:
                        total.add(mark)
        return total

    def _whole_hours(self, first: int, last: int) -> Cell:
        """The sum over whole hours, by way of whole days."""
        total = self._spans.get((first, last))
        if total is None:
            self._last = NOWHERE
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
            self._last = NOWHERE
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
