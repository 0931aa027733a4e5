"""Durations of rules, in life or in a simulation that runs faster than life.

Windows of KPIs are in the time of the events; what Prometheus waits for and looks back over is in
the time of its own clock. A simulation at sixty times the speed of life needs the latter divided.
"""

from __future__ import annotations

SCRAPE_INTERVAL = 15
"""Seconds between two evaluations at the speed of life, as in `prometheus.yml`."""
SHORTEST_RANGE = 5
"""Seconds; a range holds several samples even where they come once a second."""


def waited(seconds: float, speed: float) -> str:
    """How long something must be true.

    >>> waited(600, 1), waited(600, 60), waited(90, 1), waited(30, 60)
    ('10m', '10s', '90s', '1s')
    """
    return _text(max(1, round(seconds / speed)))


def looked_back(seconds: float, speed: float) -> str:
    """The length of a range.

    >>> looked_back(3600, 1), looked_back(3600, 60), looked_back(300, 3600)
    ('1h', '1m', '5s')
    """
    return _text(max(SHORTEST_RANGE, round(seconds / speed)))


def interval(speed: float) -> str | None:
    """How often to evaluate; `None` leaves it to `prometheus.yml`."""
    return None if speed == 1 else waited(SCRAPE_INTERVAL, speed)


def _text(seconds: int) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
