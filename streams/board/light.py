"""The traffic light: what a share says about its target, and when it says nothing yet."""

from __future__ import annotations

from typing import Literal

from streams.kpis.ratios import wilson

Level = Literal["good", "warn", "bad", "calm"]

FEWEST = 10
"""Under so many contacts a share is an anecdote: one late mail of two is no alarm."""


def light(kept: int, n: int, target: float) -> Level:
    """What a share says: reached, below but perhaps by chance, or below beyond doubt.

    Red needs the upper bound of the 95 % interval to lie below the target. Fewer than `FEWEST`
    contacts say nothing, whatever their share is.

    >>> light(1, 2, 0.8), light(80, 100, 0.8), light(75, 100, 0.8), light(70, 100, 0.8)
    ('calm', 'good', 'warn', 'bad')
    """
    if n < FEWEST:
        return "calm"
    if kept / n >= target:
        return "good"
    return "bad" if wilson(kept, n)[1] < target else "warn"
