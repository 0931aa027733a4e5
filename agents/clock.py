"""This machine's clock; everything that needs the time is handed it as an argument."""

from __future__ import annotations

import time

NANOSECONDS = 1_000


def wall_clock() -> int:
    """The instant now."""
    return time.time_ns() // NANOSECONDS
