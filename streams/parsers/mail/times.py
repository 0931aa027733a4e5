"""When a mail says that it was written, and when servers say that it came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from streams.instants import from_datetime, parse_rfc3339

EARLIEST = parse_rfc3339("1971-01-01T00:00:00Z")
LATEST = parse_rfc3339("2199-01-01T00:00:00Z")
"""No clock means a time outside."""

MAX_TIME = 200

_FROM_LINE = re.compile(
    rb"From .*?(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb" {1,2}(\d{1,2}) (\d\d):(\d\d)(?::(\d\d))?(?: (?:[A-Z]{3,5}|[+-]\d{4}))? (\d{4})"
    rb"(?: [+-]\d{4})?(?: remote from .*)?\s*"
)
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun",
           b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")  # fmt: skip


def date_of(value: str | None) -> int | None:
    """The instant a `Date` means; `None` if no clock can mean it.

    >>> date_of("Mon, 2 Mar 2026 09:00:00 +0100 (CET)") == parse_rfc3339("2026-03-02T08:00:00Z")
    True
    >>> date_of("yesterday")
    """
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value[:MAX_TIME])
        # `-0000`, or none at all: in UTC, as RFC 5322 has it (section 3.3).
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return plausible(from_datetime(aware))
    # The library answers malformed dates with whatever breaks first.
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def received_at(value: str | None) -> int | None:
    """The instant at the end of a `Received` field.

    >>> received_at("from a by b; Mon, 2 Mar 2026 09:00:00 +0100") is None
    False
    """
    if value is None:
        return None
    return date_of(value.rpartition(";")[2].strip())


def from_line_at(line: bytes) -> int | None:
    """The instant in the line that begins a mail in an mbox, in UTC (RFC 4155, appendix A).

    `None` if the line begins no mail; sentences begin with "From " too.

    >>> from_line_at(b"From anna@example.org Mon Mar  2 08:00:00 2026") is None
    False
    >>> from_line_at(b"From Monday on we are closed")
    """
    match = _FROM_LINE.fullmatch(line[:500])
    if match is None:
        return None
    _, month, day, hour, minute, second, year = match.groups()
    try:
        moment = datetime(
            int(year),
            _MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return plausible(from_datetime(moment))


def plausible(instant: int) -> int | None:
    """The instant, or `None` if no clock can mean it."""
    return instant if EARLIEST <= instant < LATEST else None
