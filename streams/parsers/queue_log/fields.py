"""The fields of a line: times, durations, names."""

from __future__ import annotations

from streams.instants import DAY, MILLISECOND, SECOND

SEPARATOR = b"|"

LONGEST_LINE = 16 * 1024
"""Bytes; Asterisk itself writes at most half of this."""

EARLIEST = 365 * DAY // SECOND
"""The year 1971, in seconds; earlier ones are counters, not clocks."""

LATEST = 84_000 * DAY // SECOND
"""The year 2199, in seconds; later ones are milliseconds that were read as seconds."""

LONGEST_SECONDS = DAY // SECOND
LONGEST_MILLISECONDS = DAY // MILLISECOND
"""Longer waits, conversations and rings are none."""

MOST_DIGITS = 18

TIME = 0
CALL = 1
QUEUE = 2
MEMBER = 3
EVENT = 4
DATA = 5
"""Where a field stands; what follows the event differs by event."""

NOBODY = frozenset({b"", b"NONE"})

NO_CALL = frozenset({"", "NONE", "REALTIME", "MANAGER", "CLI"})
"""What stands for the id of a call where something else caused the line."""

ANONYMOUS = frozenset(
    {"", "anonymous", "unknown", "restricted", "unavailable", "private", "<unknown>"}
)
"""What telephones and trunks send as the number of a caller who withholds it."""

NO_CALLER_EVENTS = (
    b"ADDMEMBER",
    b"AGENTCALLBACKLOGIN",
    b"AGENTCALLBACKLOGOFF",
    b"AGENTLOGIN",
    b"AGENTLOGOFF",
    b"CONFIGRELOAD",
    b"OUTCALL",
    b"PAUSE",
    b"PAUSEALL",
    b"PENALTY",
    b"REMOVEMEMBER",
    b"RINGINUSE",
    b"UNPAUSE",
    b"UNPAUSEALL",
)
"""Asterisk's own events that tell nothing of a caller in a queue."""


def read_seconds(field: bytes) -> int | None:
    """A whole number of seconds, as a time or a duration; `None` for anything else.

    >>> read_seconds(b"1717397243"), read_seconds(b"-5"), read_seconds(b"yesterday")
    (1717397243, None, None)
    """
    return int(field) if field.isdigit() and len(field) <= MOST_DIGITS else None


def read_duration(fields: list[bytes], place: int, longest: int = LONGEST_SECONDS) -> int | None:
    """A duration without its unit; `None` where there is none, or an absurd one.

    >>> read_duration([b"CONNECT", b"12"], 1), read_duration([b"CONNECT", b"-12"], 1)
    (12, None)
    """
    if place >= len(fields):
        return None
    number = read_seconds(fields[place])
    return number if number is not None and number <= longest else None


def read_name(field: bytes) -> str:
    r"""The text of a field; bytes that are not UTF-8 stay told apart.

    >>> read_name("växel".encode()), read_name("växel".encode("latin-1"))
    ('växel', 'v\\xe4xel')
    """
    return field.decode("utf-8", "backslashreplace")
