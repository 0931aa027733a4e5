"""The rolling windows a KPI is shown over.

`15m` and `1h` are exact to the second; `today` begins at local midnight; `7d` and `28d` begin at
a whole hour. Every window ends with the second that `as_of` falls in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.instants import DAY, HOUR, MINUTE, SECOND, local_date, start_of_day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

WINDOWS = ("15m", "1h", "today", "7d", "28d")


def window_start(window: str, as_of: int, zone: ZoneInfo) -> int:
    """First instant of a window.

    >>> from zoneinfo import ZoneInfo
    >>> window_start("1h", 7 * HOUR, ZoneInfo("UTC")) == 6 * HOUR + SECOND
    True
    >>> window_start("7d", 8 * DAY + 90 * MINUTE, ZoneInfo("UTC")) == DAY + HOUR
    True
    """
    match window:
        case "15m":
            return window_end(as_of) - 15 * MINUTE
        case "1h":
            return window_end(as_of) - HOUR
        case "today":
            return start_of_day(local_date(as_of, zone), zone)
        case "7d":
            return as_of // HOUR * HOUR - 7 * DAY
        case _:
            return as_of // HOUR * HOUR - 28 * DAY


def window_end(as_of: int) -> int:
    """First instant after a window: the end of the second that `as_of` falls in."""
    return as_of // SECOND * SECOND + SECOND
