"""What the columns of a row say: times, durations, and whether a condition fits."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from streams.errors import KontaktpulsError
from streams.instants import EARLIEST, MILLISECOND, SECOND, TOO_LATE, to_datetime
from streams.parsers.calls_csv_columns import Unlike

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from streams.parsers.calls_csv_columns import When

MIDNIGHT = datetime(1900, 1, 1)  # noqa: DTZ001 - what `strptime` makes of a clock alone


class RowError(KontaktpulsError):
    """A row that cannot be read, and why."""


def fits(row: Mapping[str, str], when: When) -> bool:
    """Whether every column of a condition has (one of) its values.

    >>> fits({"outcome": "HANG", "wait": "0"}, {"outcome": ("HANG", "DROP"), "wait": "0"})
    True
    >>> fits({"outcome": "HANG"}, {"outcome": Unlike(other_than="HANG")})
    False
    """
    for column, wanted in when.items():
        value = row[column].strip()
        values = wanted.other_than if isinstance(wanted, Unlike) else wanted
        found = value == values if isinstance(values, str) else value in values
        if found == isinstance(wanted, Unlike):
            return False
    return True


def read_duration(row: Mapping[str, str], column: str) -> int:
    """Seconds, `M:SS` or `H:MM:SS` in microseconds; `RowError` for anything else."""
    text = row[column].strip()
    try:
        seconds = 0.0
        for part in text.removeprefix("-").split(":"):
            seconds = 60 * seconds + float(part)
        duration = round(seconds * SECOND)
    except (ValueError, OverflowError):
        msg = f"`{text}` in `{column}` is no duration; write seconds or H:MM:SS"
        raise RowError(msg) from None
    return -duration if text.startswith("-") else duration


def read_date(text: str, form: str, column: str) -> date:
    """A day, written as `form` says; `column` is for the `RowError`."""
    return _parsed(text, form, column, "date").date()


def read_clock(text: str, form: str, column: str) -> timedelta:
    """A clock as the time since midnight; `column` is for the `RowError`."""
    return _parsed(text, form, column, "clock") - MIDNIGHT


def read_timestamp(text: str, form: str, zone: ZoneInfo, column: str) -> datetime:
    """A time stamp, in `zone` where it names none; `RowError` for anything else."""
    if form in {"epoch", "epoch_ms"}:
        return to_datetime(_epoch(text, form, column), zone)
    if form == "rfc3339":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            msg = f"`{text}` in `{column}` is no RFC 3339 time"
            raise RowError(msg) from None
    else:
        moment = _parsed(text, form, column, "timestamp")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _epoch(text: str, form: str, column: str) -> int:
    try:
        instant = round(float(text) * (SECOND if form == "epoch" else MILLISECOND))
    except (ValueError, OverflowError):
        msg = f"`{text}` in `{column}` is no number; the mapping says `{form}`"
        raise RowError(msg) from None
    if not instant:
        msg = f"`{column}` is `{text}`, which mostly means never; name such rows under `unless`"
        raise RowError(msg)
    if not EARLIEST <= instant < TOO_LATE:
        other = "epoch_ms" if form == "epoch" else "epoch"
        msg = f"`{text}` in `{column}` is no time as `{form}`; is it `{other}`?"
        raise RowError(msg)
    return instant


def _parsed(text: str, form: str, column: str, what: str) -> datetime:
    try:
        return _strptime(text, form)
    except ValueError:
        msg = f"`{text}` in `{column}` is no {what} written `{form}`"
        raise RowError(msg) from None


@lru_cache(maxsize=200_000)
def _strptime(text: str, form: str) -> datetime:
    """Remembered, because a day has only 86,400 clocks and a file far more rows."""
    return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the mapping's
