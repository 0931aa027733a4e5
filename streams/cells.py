"""Cells: how often something happened in some span of time, and how long was waited.

A cell is the sum of its marks, so cells add up over hours, queues and years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.amounts import pack, unpack
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.outcomes import Mark


class Cell:
    """Counts by measure, and waits that ended, by whole second.

    Attributes:
        amounts: the counts as one integer, see `streams.amounts`.
        waits: how many ended after so many seconds.
        width: how many measures there are.
    """

    __slots__ = ("amounts", "waits", "width")

    def __init__(self, width: int) -> None:
        """An empty cell for `width` measures."""
        self.width = width
        self.amounts = 0
        self.waits: dict[int, int] = {}

    @classmethod
    def of(cls, counts: Sequence[int], waits: dict[int, int]) -> Cell:
        """A cell with something in it."""
        cell = cls(len(counts))
        cell.amounts, cell.waits = pack(counts), waits
        return cell

    @property
    def counts(self) -> tuple[int, ...]:
        """The counts by the place of their measure."""
        return unpack(self.amounts, self.width)

    def add(self, mark: Mark) -> None:
        """Put a mark in; one with negative amounts is taken out."""
        amounts, wait = mark[3], mark[4]
        self.amounts += amounts
        if wait >= 0:
            count_wait(self.waits, wait // SECOND, 1 if amounts > 0 else -1)

    def include(self, other: Cell) -> None:
        """Add everything another cell holds."""
        self.amounts += other.amounts
        waits = self.waits
        for second, n in other.waits.items():
            waits[second] = left = waits.get(second, 0) + n
            if not left:
                del waits[second]

    def exclude(self, other: Cell) -> None:
        """Take out everything another cell holds."""
        self.amounts -= other.amounts
        for second, n in other.waits.items():
            count_wait(self.waits, second, -n)

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return self.amounts != 0


def count_wait(waits: dict[int, int], second: int, times: int) -> None:
    """Put waits of so many whole seconds in, or take them out again with a negative number."""
    waits[second] = n = waits.get(second, 0) + times
    if not n:
        del waits[second]
