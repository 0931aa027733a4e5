"""The total of a channel: the sum of its parts, and by how much it differs from that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cells import Cell
from streams.tally import Keeps, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet


class Whole(Tally):
    """The total of a channel: everything in its parts, and by how much the total differs from that.

    Most calls stay in one queue, and the total counts them exactly as the queue does, so nothing is
    to be done for them here. Of the others the cells hold what they add to the total less what they
    add to their parts, and so may be negative by themselves.
    """

    def __init__(self, width: int, keeps: Keeps, parts: Mapping[str, Tally]) -> None:
        """The total of `parts`, which may grow, and among which it may be itself."""
        super().__init__(width, keeps)
        self._parts = parts

    def between(self, start: int, end: int) -> Cell:
        """As `Tally.between`."""
        total = super().between(start, end)
        for part in self._others():
            total.include(part.between(start, end))
        return total

    def arrived(self, hour: int) -> Cell | None:
        """As `Tally.arrived`."""
        return _sum(self.width, [tally.arrivals.get(hour) for tally in self._parts.values()])

    def hours_of_arrival(self) -> AbstractSet[int]:
        """As `Tally.hours_of_arrival`."""
        return {hour for tally in self._parts.values() for hour in tally.arrivals}

    def decided(self) -> Mapping[int, Cell]:
        """As `Tally.decided`."""
        hours = {hour for tally in self._parts.values() for hour in tally.hours}
        told = [tally.hours for tally in self._parts.values()]
        sums = {hour: _sum(self.width, [cells.get(hour) for cells in told]) for hour in hours}
        return {hour: cell for hour, cell in sums.items() if cell is not None}

    def follow(self, part: Tally, arrived: int) -> None:
        """A part counted something of an hour of arrival, and the total is no different.

        What differs is kept at the resolution at which the parts keep the same marks.
        """
        self.touched.add(arrived)
        self.newest = max(self.newest, part.newest)

    def _others(self) -> list[Tally]:
        return [tally for tally in self._parts.values() if tally is not self]


def _sum(width: int, cells: Iterable[Cell | None]) -> Cell | None:
    total: Cell | None = None
    for cell in cells:
        if cell is not None:
            total = Cell(width) if total is None else total
            total.include(cell)
    return total
