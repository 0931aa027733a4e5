"""Who answers, and when: the members on duty through one simulated day."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

from streams.instants import MINUTE, SECOND, to_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from streams.simulation.arrivals import Stretch
    from streams.simulation.profile import Profile

OVERTIME = 15 * MINUTE
"""Members stay this long after closing for those who are in line."""


class Roster:
    """Members with their hours, and until when each of them is busy.

    Attributes:
        until: when the last of them goes home.
    """

    def __init__(self, duties: Sequence[Sequence[tuple[int, int]]]) -> None:
        """`duties` are the intervals of each member, in order."""
        self._duties = duties
        self._free = [(duty[0][0], number) for number, duty in enumerate(duties) if duty]
        heapq.heapify(self._free)
        self.until = max((duty[-1][1] for duty in duties if duty), default=0)

    def next_free(self, instant: int) -> int | None:
        """The first instant from `instant` on at which somebody can answer; `None` = nobody."""
        while self._free:
            since, number = self._free[0]
            start = self._on_duty(number, max(since, instant))
            if start is None:
                heapq.heappop(self._free)
            elif start > max(since, instant):
                heapq.heapreplace(self._free, (start, number))
            else:
                return start
        return None

    def occupy(self, until: int) -> str:
        """Keep whom `next_free` found busy `until` then, and say who it is."""
        _, number = heapq.heapreplace(self._free, (until, self._free[0][1]))
        return f"m{number + 1:02}"

    def _on_duty(self, number: int, instant: int) -> int | None:
        duty = self._duties[number]
        return next((max(start, instant) for start, end in duty if instant < end), None)


def create_roster(
    day: date, pieces: Sequence[Stretch], *, expected: float, zone: ZoneInfo, profile: Profile
) -> Roster:
    """As many members in every quarter of an hour as its share of `expected` calls needs."""
    total = sum(piece.area for piece in pieces)
    busy = profile.handling.mean + profile.wrap_up.mean + profile.ringing.mean
    duties: list[list[tuple[int, int]]] = []
    for place, piece in enumerate(pieces):
        calls = expected * piece.area / total * (1 + profile.transferred)
        load = calls * busy * SECOND / (piece.end - piece.start)
        wanted = load + profile.spare * math.sqrt(load)
        start = to_datetime(piece.start, zone)
        if profile.lunch[0] <= start.hour * 60 + start.minute < profile.lunch[1]:
            wanted *= 1 - profile.at_lunch
        if day.weekday() == profile.short_staffed:
            wanted *= 1 - profile.missing
        closes = place + 1 == len(pieces) or pieces[place + 1].start > piece.end
        end = piece.end + (OVERTIME if closes else 0)
        for number in range(max(1, round(wanted))):
            if number == len(duties):
                duties.append([])
            duty = duties[number]
            if duty and duty[-1][1] >= piece.start:
                duty[-1] = (duty[-1][0], end)
            else:
                duty.append((piece.start, end))
    return Roster(duties)
