"""Opening hours in local time, and arithmetic on open time.

Opening hours are said in wall-clock time and expanded date by date, so a day has 23 or 25 hours
when it should. A wall-clock time that the clocks skip in spring is the instant they jump; one that
comes twice in autumn is meant the first time. So opening and closing times never change order, and
what is open when the repeated hour has passed once stays open until it has passed twice.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.errors import KontaktpulsError
from streams.instants import DAY, local_instant, start_of_day, to_datetime
from streams.openings import Openings
from streams.special_days import is_country, special_days

MINUTES_OF_A_DAY = 24 * 60
LONGEST_CLOSURE = 400 * DAY
"""Where the search for an opening ends: longer than any holiday, and than an open mail is kept."""

_BLOCK_DAYS = 32
_BLOCK = _BLOCK_DAYS * DAY
_MOST_BLOCKS = 128
_EPOCH_DAY = date(1970, 1, 1)


class CalendarError(KontaktpulsError, ValueError):
    """A calendar that contradicts itself, or that has no opening where one is needed."""


class Hours(msgspec.Struct, frozen=True):
    """Open in `[opens, closes)`, in minutes of the local day: 0-1440, `opens` first.

    >>> str(Hours(8 * 60, 16 * 60 + 30))
    '08:00-16:30'
    """

    opens: int
    closes: int

    def __str__(self) -> str:
        """The hours as operators write them."""
        return "-".join(f"{m // 60:02}:{m % 60:02}" for m in (self.opens, self.closes))


class CalendarVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a calendar says from one local date on.

    Attributes:
        weekdays: the hours of seven weekdays, Monday first; none = closed.
        valid_from: first local date it holds for; the oldest version also holds for all before.
        country: ISO code of the country whose public holidays are closed; `None` = no holidays.
        de_facto: the days that law treats as holidays are closed too; in Sweden Midsummer's Eve,
            Christmas Eve and New Year's Eve.
        half_day_closes: minute at which the country's half days close; `None` = ordinary days. In
            Sweden these are the eves on which banks close early, such as 5 January, Maundy
            Thursday, 30 April and the day before Ascension Day; where a town keeps fewer,
            `dates` gives a day its ordinary hours back.
        dates: the hours of single dates, none = closed; they win over everything above.
    """

    weekdays: tuple[tuple[Hours, ...], ...]
    valid_from: date | None = None
    country: str | None = None
    de_facto: bool = True
    half_day_closes: int | None = None
    dates: dict[date, tuple[Hours, ...]] = msgspec.field(default_factory=dict)


class Calendar:
    """When a queue, mailbox or desk is open, and how much open time lies between two instants.

    Working time is remembered in blocks of 32 days, so a question costs a few binary searches.
    """

    def __init__(self, name: str, time_zone: str, versions: tuple[CalendarVersion, ...]) -> None:
        """Raise `CalendarError` for versions that contradict themselves or each other."""
        self.name = name
        self.time_zone = time_zone
        self.versions = tuple(sorted(versions, key=lambda v: v.valid_from or date.min))
        self._blocks: dict[int, Openings] = {}
        try:
            self.zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            msg = f"`{time_zone}` is no time zone; write an IANA name such as `Europe/Stockholm`"
            raise CalendarError(msg) from None
        self._check()

    def __eq__(self, other: object) -> bool:
        """Calendars that say the same are equal."""
        if not isinstance(other, Calendar):
            return NotImplemented
        mine = (self.name, self.time_zone, self.versions)
        return mine == (other.name, other.time_zone, other.versions)

    def __hash__(self) -> int:
        """By name and time zone: versions hold dictionaries, which have no hash."""
        return hash((self.name, self.time_zone))

    def __repr__(self) -> str:
        """For logs and failing tests."""
        return f"Calendar({self.name!r}, {self.time_zone!r}, {self.versions!r})"

    def hours(self, day: date) -> tuple[Hours, ...]:
        """The opening hours of a local date; none = closed."""
        version = self._version(day)
        if day in version.dates:
            return version.dates[day]
        ordinary = version.weekdays[day.weekday()]
        if version.country is None:
            return ordinary
        special = special_days(version.country, day.year)
        if day in special.public or (version.de_facto and day in special.de_facto):
            return ()
        if version.half_day_closes is None or day not in special.half:
            return ordinary
        last = version.half_day_closes
        return tuple(Hours(h.opens, min(h.closes, last)) for h in ordinary if h.opens < last)

    def intervals(self, day: date) -> tuple[tuple[int, int], ...]:
        """The open intervals of a local date as instants, half-open, in order."""
        number, place = divmod((day - _EPOCH_DAY).days, _BLOCK_DAYS)
        return self._block(number).days[place]

    def is_working_day(self, day: date) -> bool:
        """Whether a local date has any opening hours."""
        return bool(self.intervals(day))

    def next_working_day(self, day: date) -> date:
        """The first working day after a local date; `CalendarError` without one."""
        for ahead in range(1, LONGEST_CLOSURE // DAY + 1):
            try:
                later = day + timedelta(days=ahead)
            except OverflowError:
                break
            if self.is_working_day(later):
                return later
        when = f"after {day}"
        raise self._never_opens(when)

    def closing(self, day: date) -> int:
        """The instant at which a working day closes for good; `CalendarError` on a closed one."""
        intervals = self.intervals(day)
        if not intervals:
            msg = f"calendar `{self.name}` is closed on {day}"
            raise CalendarError(msg)
        return intervals[-1][1]

    def is_open(self, instant: int) -> bool:
        """Whether an instant is inside opening hours."""
        return self._block_at(instant).is_open(instant)

    def next_opening(self, instant: int) -> int:
        """The first open instant from `instant` on, itself if open; `CalendarError` without one."""
        last = instant + LONGEST_CLOSURE
        block = self._block_at(instant)
        opening = block.first_open(instant)
        while opening is None and block.end <= last:
            block = self._block(block.number + 1)
            opening = block.first_open(block.start)
        if opening is not None and opening <= last:
            return opening
        when = f"from {to_datetime(instant, self.zone):%Y-%m-%d} on"
        raise self._never_opens(when)

    def working_time(self, start: int, end: int) -> int:
        """The open microseconds from `start` to `end`; negative if `end` is before `start`."""
        if end < start:
            return -self.working_time(end, start)
        block = self._block_at(start)
        total = -block.open_before(start)
        while end >= block.end:
            total += block.total
            block = self._block(block.number + 1)
        return total + block.open_before(end)

    def add_working_time(self, instant: int, duration: int) -> int:
        """The first instant with `duration` open microseconds since `instant`.

        `duration` is not negative. Raises `CalendarError` if nothing opens for 400 days.
        """
        while duration > 0:
            instant = self.next_opening(instant)
            block = self._block_at(instant)
            wanted = block.open_before(instant) + duration
            if wanted <= block.total:
                return block.reached(wanted)
            duration = wanted - block.total
            instant = block.end
        return instant

    def _version(self, day: date) -> CalendarVersion:
        for version in reversed(self.versions[1:]):
            if version.valid_from is not None and version.valid_from <= day:
                return version
        return self.versions[0]

    def _block_at(self, instant: int) -> Openings:
        block = self._block(instant // _BLOCK)
        # Local midnight and UTC midnight differ, so the guess may be one block off.
        if instant < block.start:
            return self._block(block.number - 1)
        return block if instant < block.end else self._block(block.number + 1)

    def _block(self, number: int) -> Openings:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[number] = self._expand(number)
        return block

    def _expand(self, number: int) -> Openings:
        try:
            first = _EPOCH_DAY + timedelta(days=number * _BLOCK_DAYS)
            dates = [first + timedelta(days=n) for n in range(_BLOCK_DAYS + 1)]
            days = tuple(self._expand_day(day) for day in dates[:-1])
            start, end = (start_of_day(day, self.zone) for day in (dates[0], dates[-1]))
        except OverflowError:
            msg = f"calendar `{self.name}` knows the years 1-9999 only; write a nearer time"
            raise CalendarError(msg) from None
        return Openings(number=number, start=start, end=end, days=days)

    def _expand_day(self, day: date) -> tuple[tuple[int, int], ...]:
        both = ((self._at(day, h.opens), self._at(day, h.closes)) for h in self.hours(day))
        return tuple((opens, closes) for opens, closes in both if opens < closes)

    def _at(self, day: date, minute: int) -> int:
        if minute == MINUTES_OF_A_DAY:
            return start_of_day(day + timedelta(days=1), self.zone)
        return local_instant(day, time(minute // 60, minute % 60), self.zone)

    def _never_opens(self, when: str) -> CalendarError:
        days = LONGEST_CLOSURE // DAY
        msg = f"calendar `{self.name}` has no opening within {days} days {when}; give it hours"
        return CalendarError(msg)

    def _check(self) -> None:
        if not self.versions:
            msg = f"calendar `{self.name}` has no version; give it the hours of the weekdays"
            raise CalendarError(msg)
        starts = [version.valid_from for version in self.versions]
        for twice in (later for earlier, later in pairwise(starts) if earlier == later):
            when = "without `valid_from`" if twice is None else f"valid from {twice}"
            msg = f"calendar `{self.name}` has two versions {when}; give one another date"
            raise CalendarError(msg)
        for version in self.versions:
            _check_version(version)
        for version in self.versions:
            for day, hours in version.dates.items():
                if self.hours(day) != hours:
                    ruling = self._version(day).valid_from or "the beginning"
                    msg = (
                        f"`{day}` is overruled by the version valid from {ruling}; "
                        f"write the date in that version"
                    )
                    raise CalendarError(msg)


def _check_version(version: CalendarVersion) -> None:
    if len(version.weekdays) != 7:
        msg = f"`weekdays` has {len(version.weekdays)} days; give it seven, Monday first"
        raise CalendarError(msg)
    for hours in (*version.weekdays, *version.dates.values()):
        minutes = [0, *(m for h in hours for m in (h.opens, h.closes)), MINUTES_OF_A_DAY]
        if minutes != sorted(minutes) or any(h.opens == h.closes for h in hours):
            said = ", ".join(map(str, hours))
            msg = f"`{said}` is out of order; write e.g. `08:00-12:00, 13:00-16:30` within 24 hours"
            raise CalendarError(msg)
    if version.country is not None and not is_country(version.country):
        msg = f"`{version.country}` is no country with known holidays; write an ISO code as `SE`"
        raise CalendarError(msg)
    if version.half_day_closes is None:
        return
    if not 0 < version.half_day_closes < MINUTES_OF_A_DAY:
        msg = f"half days close at minute `{version.half_day_closes}`; write a time of the day"
        raise CalendarError(msg)
    if version.country is None or not special_days(version.country, 2026).half:
        msg = f"no half days are known for country `{version.country}`; write them under `dates`"
        raise CalendarError(msg)
