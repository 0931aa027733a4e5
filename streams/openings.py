"""A stretch of local days laid out as instants, so that questions cost binary searches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """The open intervals of some consecutive local days, `[start, end)`.

    Attributes:
        number: place among the stretches of one calendar.
        start, end: the local midnights around it, as instants.
        days: each day's open intervals, half-open, in order.
        opens, closes: the same intervals, of all days.
        before: open microseconds before each interval; one more at the end, the total.
    """

    number: int
    start: int
    end: int
    days: tuple[tuple[tuple[int, int], ...], ...]
    opens: list[int] = field(init=False)
    closes: list[int] = field(init=False)
    before: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Lay out what the searches need."""
        intervals = [interval for day in self.days for interval in day]
        lengths = (closes - opens for opens, closes in intervals)
        object.__setattr__(self, "opens", [opens for opens, _ in intervals])
        object.__setattr__(self, "closes", [closes for _, closes in intervals])
        object.__setattr__(self, "before", list(accumulate(lengths, initial=0)))

    @property
    def total(self) -> int:
        """All open microseconds."""
        return self.before[-1]

    def open_before(self, instant: int) -> int:
        """The open microseconds from the start to an instant inside.

        >>> two_hours = Openings(number=0, start=0, end=24, days=(((8, 10),),))
        >>> [two_hours.open_before(instant) for instant in (7, 8, 9, 10, 11)]
        [0, 0, 1, 2, 2]
        """
        last = bisect_right(self.opens, instant) - 1
        if last < 0:
            return 0
        return self.before[last] + min(instant, self.closes[last]) - self.opens[last]

    def is_open(self, instant: int) -> bool:
        """Whether an instant inside is open."""
        last = bisect_right(self.opens, instant) - 1
        return last >= 0 and instant < self.closes[last]

    def first_open(self, instant: int) -> int | None:
        """The first open instant from `instant` on, if there is one inside."""
        place = bisect_right(self.closes, instant)
        return max(instant, self.opens[place]) if place < len(self.opens) else None

    def reached(self, wanted: int) -> int:
        """The first instant before which `wanted` microseconds are open, `0 < wanted <= total`."""
        place = bisect_left(self.before, wanted) - 1
        return self.opens[place] + wanted - self.before[place]
