"""When people call, come and write: spread over open time along a curve of the day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from streams.instants import MILLISECOND, MINUTE, to_datetime
from streams.simulation.profile import height

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random
    from zoneinfo import ZoneInfo

STEP = 15 * MINUTE


class Stretch(msgspec.Struct, frozen=True):
    """A quarter of an hour, or less, of a curve: `[start, end)` and its height in the middle."""

    start: int
    end: int
    height: float

    @property
    def area(self) -> float:
        """How much of the day's volume falls into it, relatively."""
        return (self.end - self.start) * self.height


def stretches(
    intervals: Iterable[tuple[int, int]],
    curve: tuple[tuple[int, float], ...],
    zone: ZoneInfo,
) -> list[Stretch]:
    """Open intervals cut into quarters of an hour, with the curve over the local day."""
    pieces = []
    for opens, closes in intervals:
        for start in range(opens, closes, STEP):
            end = min(start + STEP, closes)
            middle = to_datetime((start + end) // 2, zone)
            pieces.append(Stretch(start, end, height(curve, middle.hour * 60 + middle.minute)))
    return pieces


def union(calendars: Iterable[Iterable[tuple[int, int]]]) -> list[tuple[int, int]]:
    """The intervals in which at least one of several calendars is open, in order.

    >>> union([[(0, 5), (8, 9)], [(3, 6)]])
    [(0, 6), (8, 9)]
    """
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(interval for intervals in calendars for interval in intervals):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged


def draw_instants(rng: Random, expected: float, pieces: list[Stretch]) -> list[int]:
    """About `expected` instants in time order; none where nothing is open.

    They scatter a little more than if nobody's reason to call were anybody else's.
    """
    if not pieces:
        return []
    count = max(0, round(rng.gauss(expected, 1.1 * math.sqrt(expected))))
    chosen = rng.choices(pieces, weights=[piece.area for piece in pieces], k=count)
    instants = (piece.start + rng.random() * (piece.end - piece.start) for piece in chosen)
    return sorted(int(instant) // MILLISECOND * MILLISECOND for instant in instants)
