"""What operators write in the YAML files: `80 %`, `5 s`, `2026-12-23`, names.

Each parser takes whatever YAML made of it and raises `ValueError` with what to write instead.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator

from agents.settings.problems import quoted, suggestion
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from streams.organisations import Within
from streams.promises import parse_within

MAX_NAME = 64
MAX_DISPLAY_NAME = 80
RESERVED_NAMES = frozenset({"other", "total"})

UNITS = {"ms": MILLISECOND, "s": SECOND, "min": MINUTE, "h": HOUR, "day": DAY, "days": DAY}
DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|min|h|days?)")
PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
BARE_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Section(BaseModel):
    """A mapping in a YAML file: no unknown keys, nothing converted behind one's back."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def parse_duration(value: object) -> int:
    """`5 s`, `2 min`, `35 days` as microseconds."""
    text = str(value)
    match = DURATION.fullmatch(text)
    if match is not None:
        return int(Decimal(match[1]) * UNITS[match[2]])
    if BARE_NUMBER.fullmatch(text):
        msg = f"{quoted(value)} has no unit; write `{text} s`, `{text} min`, `{text} h` ..."
    else:
        msg = (
            f"{quoted(value)} is no duration; write e.g. `500 ms`, `5 s`, `2 min`, `2 h`, `35 days`"
        )
    raise ValueError(msg)


def parse_share(value: object) -> float:
    """`80 %` as 0.8: more than 0 %, at most 100 %."""
    text = str(value)
    match = PERCENT.fullmatch(text)
    if match is None:
        if BARE_NUMBER.fullmatch(text):
            number = Decimal(text)
            meant = (number if number > 1 else number * 100).normalize()
            msg = f"{quoted(value)} has no unit; write `{meant:f} %`"
        else:
            msg = f"{quoted(value)} is no share; write e.g. `80 %` or `82.5 %`"
        raise ValueError(msg)
    percent = Decimal(match[1])
    if not 0 < percent <= 100:
        msg = f"{quoted(value)} cannot be reached or missed; write more than 0 % and at most 100 %"
        raise ValueError(msg)
    return float(percent / 100)


def parse_date(value: object) -> date:
    """`2026-12-23` as a local day."""
    text = str(value)
    if ISO_DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    msg = f"{quoted(value)} is no date; write year-month-day, e.g. `2026-12-23`"
    raise ValueError(msg)


def within(value: object) -> Within:
    """`2 min`, `2 working days` ... as `Within`."""
    return parse_within(str(value))


def parse_slug(value: object) -> str:
    """A name for labels, keys and file names: small letters, digits and single hyphens."""
    if not isinstance(value, str):
        msg = f"{quoted(value)} is not text; put it in quotes"
        raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueError only
    if not SLUG.fullmatch(value) or len(value) > MAX_NAME:
        msg = f"{quoted(value)} is no name; write at most {MAX_NAME} small letters a-z, digits "
        msg += "and single hyphens"
        raise ValueError(msg)
    return value


def parse_word(value: object) -> str:
    """A name without spaces, safe in labels, keys and group memberships."""
    if not isinstance(value, str):
        msg = f"{quoted(value)} is not text; put it in quotes"
        raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueError only
    if not WORD.fullmatch(value) or len(value) > MAX_NAME:
        msg = f"{quoted(value)} is no name; write at most {MAX_NAME} letters A-Z and a-z, digits, "
        msg += "`.`, `_` and `-`, the first a letter or digit"
        raise ValueError(msg)
    return value


def parse_label(value: object) -> str:
    """The name of a queue, mailbox, desk or source as it stands in events."""
    name = parse_word(value)
    if name.casefold() in RESERVED_NAMES:
        msg = f"{quoted(name)} is reserved for what is counted over all; choose another name"
        raise ValueError(msg)
    return name


def parse_display_name(value: object) -> str:
    """What people call it: one short line."""
    if not isinstance(value, str):
        msg = f"{quoted(value)} is not text; put it in quotes"
        raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueError only
    text = value.strip()
    if not text or len(text) > MAX_DISPLAY_NAME or not text.isprintable():
        msg = (
            f"{quoted(value)} cannot be shown; write one line of 1 to {MAX_DISPLAY_NAME} characters"
        )
        raise ValueError(msg)
    return text


def parse_time_zone(value: object) -> str:
    """An IANA time zone whose offset is a whole number of hours."""
    name = str(value)
    if name not in _zone_names():
        near = suggestion(name, _zone_names() if "/" in name else ["Europe/Stockholm", "UTC"])
        msg = f"{quoted(value)} is no time zone; {near}"
        raise ValueError(msg)
    if not _whole_hours(name):
        msg = f"{quoted(value)} is not always whole hours from UTC, and KPIs are kept by whole "
        msg += "hours; write a zone that is, e.g. `Europe/Stockholm`"
        raise ValueError(msg)
    return name


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@lru_cache(maxsize=64)
def _whole_hours(name: str) -> bool:
    zone = ZoneInfo(name)
    # Two looks a month see every season and every reform since 1990.
    for year in range(1990, 2038):
        for month in range(1, 13):
            for day in (1, 15):
                offset = datetime(year, month, day, tzinfo=zone).utcoffset()
                if offset is None or offset.total_seconds() % 3600:
                    return False
    return True


def duration_text(duration: int) -> str:
    """Microseconds as an operator would write them."""
    for unit in ("days", "h", "min", "s"):
        if duration >= UNITS[unit] and duration % UNITS[unit] == 0:
            return f"{duration // UNITS[unit]} {unit}"
    return f"{duration / MILLISECOND:g} ms"


def from_to(low: str, high: str) -> AfterValidator:
    """Limits of a duration, both included, as an operator would write them."""
    least, most = parse_duration(low), parse_duration(high)

    def check(duration: int) -> int:
        if not least <= duration <= most:
            msg = f"`{duration_text(duration)}` is out of range; write {low} to {high}"
            raise ValueError(msg)
        return duration

    return AfterValidator(check)


def whole_number(least: int, most: int) -> AfterValidator:
    """Limits of a number, both included."""

    def check(number: int) -> int:
        if not least <= number <= most:
            msg = f"`{number}` is out of range; write {least} to {most}"
            raise ValueError(msg)
        return number

    return AfterValidator(check)


def as_list(value: object) -> object:
    """One value where a list may stand."""
    return value if isinstance(value, list) or value is None else [value]


Duration = Annotated[int, PlainValidator(parse_duration)]
Share = Annotated[float, PlainValidator(parse_share)]
LocalDate = Annotated[date, PlainValidator(parse_date)]
Allowed = Annotated[Within, PlainValidator(within)]
Slug = Annotated[str, PlainValidator(parse_slug)]
Word = Annotated[str, PlainValidator(parse_word)]
Label = Annotated[str, PlainValidator(parse_label)]
DisplayName = Annotated[str, PlainValidator(parse_display_name)]
TimeZone = Annotated[str, PlainValidator(parse_time_zone)]
