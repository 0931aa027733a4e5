"""What operators write about opening hours: `08:00-12:00`, `mon-fri`, `close at 13:00`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator

from agents.settings.problems import quoted, suggestion
from agents.settings.values import as_list
from streams.calendars import Hours

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
HOURS = re.compile("([0-9:]+) ?[-\u2013] ?([0-9:]+)")


def parse_clock(value: object) -> int:
    """`13:00` as minutes of the day; `24:00` is the end of it."""
    text = str(value)
    match = CLOCK.fullmatch(text)
    if match is None:
        msg = f"{quoted(value)} is no time of day; write e.g. `08:00` or `16:30`"
        raise ValueError(msg)
    hours, minutes = int(match[1]), int(match[2])
    if minutes > 59 or hours * 60 + minutes > 1440:
        msg = f"{quoted(value)} is not on the clock; write `00:00` to `24:00`"
        raise ValueError(msg)
    return hours * 60 + minutes


def parse_half_days(value: object) -> int:
    """`close at 13:00` (or only `13:00`) as minutes of the day."""
    minute = parse_clock(str(value).removeprefix("close at "))
    if not 0 < minute < 1440:
        msg = f"{quoted(value)} is no half day; write e.g. `close at 13:00`"
        raise ValueError(msg)
    return minute


def parse_hours(value: object) -> Hours:
    """`08:00-12:00` as opening hours."""
    match = HOURS.fullmatch(str(value))
    if match is None:
        msg = f"{quoted(value)} is no interval; write e.g. `08:00-12:00`, or `closed`"
        raise ValueError(msg)
    opens, closes = parse_clock(match[1]), parse_clock(match[2])
    if opens >= closes:
        msg = f"{quoted(value)} closes before it opens; write the earlier time first"
        if closes == 0 and opens > 0:
            msg = f"{quoted(value)} closes before it opens; write `24:00` for midnight"
        raise ValueError(msg)
    return Hours(opens=opens, closes=closes)


def parse_weekdays(key: str) -> tuple[int, ...]:
    """`mon-fri`, `sun-thu` or `tue, thu` as days, Monday = 0."""
    days: list[int] = []
    for part in key.split(","):
        first, dash, last = part.strip().partition("-")
        begin = _weekday(first.strip(), key)
        end = _weekday(last.strip(), key) if dash else begin
        days += [(begin + n) % 7 for n in range((end - begin) % 7 + 1)]
    if len(set(days)) < len(days):
        msg = f"{quoted(key)} names a day twice; name each once"
        raise ValueError(msg)
    return tuple(days)


def _weekday(name: str, key: str) -> int:
    if name not in WEEKDAYS:
        near = f"mind the spelling: {suggestion(name[:3], WEEKDAYS)}"
        msg = f"{quoted(key)} names no weekday; write e.g. `mon-fri` or `thu` ({near})"
        raise ValueError(msg)
    return WEEKDAYS.index(name)


def hours_as_list(value: object) -> object:
    """`closed` is a day without an interval."""
    return [] if value == "closed" else as_list(value)


def in_order(day: list[Hours]) -> list[Hours]:
    """The intervals of a day, each after the one before."""
    for before, after in pairwise(day):
        if after.opens <= before.closes:
            msg = f"an interval begins at {clock_text(after.opens)}, but the one before it ends at "
            msg += f"{clock_text(before.closes)}; write them in order with a gap between, or as one"
            raise ValueError(msg)
    return day


def clock_text(minute: int) -> str:
    """Minutes of the day as `13:00`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def weekdays_key(key: str) -> str:
    """A key such as `mon-fri`, checked and kept."""
    parse_weekdays(key)
    return key


HalfDays = Annotated[int, PlainValidator(parse_half_days)]
WeekdaysKey = Annotated[str, AfterValidator(weekdays_key)]
DayHours = Annotated[
    list[Annotated[Hours, PlainValidator(parse_hours)]],
    BeforeValidator(hours_as_list),
    AfterValidator(in_order),
]
