"""`calendars:` of an organisation: what may be written, and the calendar it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import holidays
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from agents.settings.opening_hours import (
    WEEKDAYS,
    DayHours,
    HalfDays,
    WeekdaysKey,
    parse_weekdays,
)
from agents.settings.problems import quoted, suggestion
from agents.settings.values import LocalDate, Section, as_list
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.special_days import special_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.settings.document import Loc

SAMPLE_YEAR = 2026
"""A country that has half days has some in every year."""


class CalendarSection(Section):
    """One version of a calendar."""

    valid_from: LocalDate | None = Field(default=None, examples=["2026-09-01"])
    hours: dict[WeekdaysKey, DayHours] = Field(examples=['{mon-fri: "08:00-16:30"}'])
    holidays: str | None = Field(default=None, examples=["SE"])
    eves: Literal["closed", "ordinary"] = Field(default="closed", examples=["ordinary"])
    half_days: HalfDays | None = Field(default=None, examples=["close at 13:00"])
    dates: dict[LocalDate, DayHours] = Field(default={}, examples=["{2026-12-23: closed}"])

    @field_validator("hours")
    @classmethod
    def _opens_some_day(cls, hours: dict[str, list[Hours]]) -> dict[str, list[Hours]]:
        if not any(hours.values()):
            msg = "no weekday is open, so nothing would ever fall due; write hours for one at least"
            raise ValueError(msg)
        return hours

    @field_validator("holidays")
    @classmethod
    def _is_a_country(cls, country: str | None) -> str | None:
        countries = holidays.list_supported_countries(include_aliases=False)
        if country is not None and country not in countries:
            msg = f"{quoted(country)} is no country code; {suggestion(country, countries)}"
            raise ValueError(msg)
        return country

    @field_validator("eves", "half_days")
    @classmethod
    def _needs_holidays(cls, value: object, info: ValidationInfo) -> object:
        if "holidays" in info.data and info.data["holidays"] is None:
            msg = "comes from a country's list of days; write `holidays: SE` too, or use `dates`"
            raise ValueError(msg)
        return value

    @field_validator("half_days")
    @classmethod
    def _has_half_days(cls, closes: int | None, info: ValidationInfo) -> int | None:
        country = info.data.get("holidays")
        if country is not None and not special_days(country, SAMPLE_YEAR).half:
            msg = f"no half days are known for {quoted(country)}; take it out and use `dates`"
            raise ValueError(msg)
        return closes

    def build(self) -> CalendarVersion:
        """This version as the core knows it."""
        weekdays: list[tuple[Hours, ...]] = [()] * 7
        for key in sorted(self.hours, key=lambda key: -len(parse_weekdays(key))):
            for day in parse_weekdays(key):
                weekdays[day] = tuple(self.hours[key])
        return CalendarVersion(
            valid_from=self.valid_from,
            weekdays=tuple(weekdays),
            country=self.holidays,
            de_facto=self.eves == "closed",
            half_day_closes=self.half_days,
            dates={day: tuple(hours) for day, hours in sorted(self.dates.items())},
        )


def build_calendar(name: str, time_zone: str, versions: list[CalendarSection]) -> Calendar:
    """The calendar; `CalendarError` when the core finds a contradiction in it."""
    return Calendar(name, time_zone, tuple(version.build() for version in versions))


def _hold_together(versions: list[CalendarSection]) -> list[CalendarSection]:
    """What only the core can tell, such as a date in a version that never rules on it."""
    if len({version.valid_from for version in versions}) == len(versions) > 0:
        build_calendar("", "UTC", versions)
    return versions


Versions = Annotated[
    list[CalendarSection], BeforeValidator(as_list), AfterValidator(_hold_together)
]


def rules(raw: object) -> Iterator[tuple[Loc, str]]:
    """What is wrong with `calendars` as a whole: the place, and what to write instead."""
    if not isinstance(raw, dict):
        return
    if "default" not in raw:
        yield (), "has no calendar `default`; name the one that holds where no other is named so"
    for name, versions in raw.items():
        written = versions if isinstance(versions, list) else [versions]
        sections = {n: section for n, section in enumerate(written) if isinstance(section, dict)}
        if not written:
            yield (name,), "is empty; write at least one version, with `hours`"
        for number, message in _begin_rules(sections):
            yield (name, number, "valid_from"), message
        for number, section in sections.items():
            for message in _weekday_rules(section.get("hours")):
                yield (name, number, "hours"), message


def _begin_rules(sections: dict[int, dict[str, object]]) -> Iterator[tuple[int, str]]:
    """No two versions begin on the same day; only one can hold since ever."""
    begins: set[object] = set()
    for number, section in sections.items():
        begin = section.get("valid_from")
        if begin in begins:
            what = f"begins on `{begin}`" if begin else "has no `valid_from`"
            yield number, f"{what}, as another version does; write the day this one begins"
        begins.add(begin)


def _weekday_rules(hours: object) -> Iterator[str]:
    """No weekday stands in two entries of which neither is the narrower one."""
    seen: set[tuple[int, int]] = set()
    for key in hours if isinstance(hours, dict) else ():
        try:
            days = parse_weekdays(key)
        except ValueError:
            continue
        for day in days:
            if (day, len(days)) in seen:
                message = f"`{WEEKDAYS[day]}` is in two entries that name as many days; take it "
                message += "out of one of them (else the entry that names fewer days wins)"
                yield message
            seen.add((day, len(days)))
