"""The history of one organisation: hourly rollups, added up to what an export needs.

Only sums are kept: one for each part and period, and in the exported period one for each part
and local hour of the week. So a year of rollups passes through in the memory of a week.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures
from streams.exports.stored_rollups import (
    Counted,
    Sum,
    amounts_of,
    decode_rollup,
    rollups_of_day,
)
from streams.exports.truth import HistoryError
from streams.exports.wanted import UNWANTED, Wanted
from streams.instants import DAY, HOUR, local_date, start_of_day
from streams.plans import Plan
from streams.rollups import HOURS_A_DAY, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.exports.periods import Period
    from streams.organisations import Channel, Organisation

ARRIVALS: dict[Channel, int] = {
    "calls": measures.OFFERED + 1,
    "emails": measures.REMINDERS + 1,
    "surveys": len(measures.SURVEYS),
    "visits": measures.VISITED + 1,
}
"""How many of a channel's first measures count somebody who arrived; any of them is a sign of
life."""


class History:
    """What an export knows of one organisation.

    Attributes:
        wanted: what it has to read.
        channels: by name.
    """

    def __init__(self, organisation: Organisation, period: Period, made_at: int) -> None:
        """Nothing known yet.

        Args:
            organisation: whose; its promises and parts are counted as it says now.
            period: the exported one.
            made_at: instant of the export; what arrived in a later hour is left out.
        """
        self.wanted = Wanted(organisation, period, made_at)
        self.channels: dict[Channel, ChannelHistory] = {
            channel: ChannelHistory(self.wanted, channel) for channel in measures.BASE
        }

    def days_to_read(self, channel: Channel, days: Iterable[str]) -> list[str]:
        """Which of the UTC days with rollups must be added, in order.

        The others are remembered as far as they tell since when the channel is known.

        Raises:
            HistoryError: one of them is no day.
        """
        return self.channels[channel].days_to_read(days)

    def add_day(self, channel: Channel, fields: Mapping[bytes, bytes]) -> None:
        """Add a whole hash of rollups, as Redis returns it; once.

        Raises:
            HistoryError: a rollup cannot be read.
        """
        self.channels[channel].add_day(fields)

    def add(self, channel: Channel, hour: int, part: str, value: bytes) -> None:
        """Add what became of everybody who arrived in a part in one hour; once.

        Args:
            channel: of the rollup.
            hour: hours since 1970-01-01T00:00Z.
            part: queue, mailbox, desk, survey, topic or the total.
            value: the rollup as Redis keeps it.

        Raises:
            HistoryError: it cannot be read.
        """
        self.channels[channel].add(hour, part, value)


class ChannelHistory:
    """What is known of one channel.

    Attributes:
        plan: how the channel is counted now; promises it does not name are left out.
        arrived: hours of the exported period in which anybody arrived.
    """

    def __init__(self, wanted: Wanted, channel: Channel) -> None:
        """Nothing known yet."""
        self.plan = Plan(wanted.organisation, channel)
        self.arrived: set[int] = set()
        self._wanted = wanted
        self._first_hour: int | None = None
        self._width = len(measures.BASE[channel])
        self._arrivals = ARRIVALS[channel]
        # The exported period is the last. It is counted by hour of the week, in places behind its
        # own; only waits have no hour.
        self._exported = len(wanted.periods) - 1
        self._places: dict[int, int] = {}
        self._counted: dict[str, dict[int, Counted]] = {}

    def days_to_read(self, days: Iterable[str]) -> list[str]:
        """See `History.days_to_read`."""
        wanted: list[str] = []
        for name in days:
            try:
                day = day_of(name)
            except ValueError:
                msg = f"`{name}` is no day of rollups"
                raise HistoryError(msg) from None
            if self._wanted.has_day(day):
                wanted.append(name)
            elif day * DAY <= self._wanted.made_at:
                self._note_hour(day * HOURS_A_DAY)
        return sorted(wanted)

    def add_day(self, fields: Mapping[bytes, bytes]) -> None:
        """See `History.add_day`."""
        for hour, part, value in rollups_of_day(fields):
            self.add(hour, part, value)

    def add(self, hour: int, part: str, value: bytes) -> None:
        """See `History.add`."""
        place = self._places.get(hour)
        if place is None:
            place = self._places[hour] = self._place(hour)
        if place == UNWANTED:
            if hour * HOUR <= self._wanted.made_at:
                self._note_hour(hour)
            return
        rollup = decode_rollup(self.plan.channel, hour, part, value)
        if place > self._exported and any(amounts_of(rollup)[: self._arrivals]):
            self.arrived.add(hour)
        first = self._first_hour
        if (first is None or hour < first) and any(amounts_of(rollup)[: self._width]):
            self._first_hour = hour
        counted = self._counted_of(part, place)
        counted.add_counts(rollup)
        if rollup.waits:
            if place > self._exported:
                counted = self._counted_of(part, self._exported)
            counted.add_waits(rollup.waits)

    @property
    def known_since(self) -> int | None:
        """The local midnight of the first day with anything in it; `None` without any.

        Nobody calls in the small hours, so the first day counts as known from its beginning.
        """
        if self._first_hour is None:
            return None
        zone = self.plan.zone
        return start_of_day(local_date(self._first_hour * HOUR, zone), zone)

    def is_known(self, period: Period, truth: int | None) -> bool:
        """Whether anything is known of a period: the truth reaches it, and history did."""
        since = self.known_since
        if since is None or truth is None:
            return False
        start, end = self._wanted.spans[period]
        return since < end and start < truth

    def is_whole(self, period: Period, truth: int | None) -> bool:
        """Whether a period is known from its beginning to its end."""
        since = self.known_since
        if since is None or truth is None:
            return False
        start, end = self._wanted.spans[period]
        return since <= start and end <= truth

    def parts(self, *periods: Period) -> set[str]:
        """The parts, topics included, of which anything was counted in some periods."""
        return {
            part
            for part in self._counted
            if any(any(told.base) for told in self._of(part, periods or self._wanted.periods))
        }

    def total(self, part: str, *periods: Period) -> Sum:
        """What was counted of a part in some periods together."""
        return self._sum(self._of(part, periods))

    def hours_of_week(self, part: str) -> dict[int, Sum]:
        """What was counted of a part in the exported period by local hour of the week.

        Monday 00:00 is 0; hours without a rollup are left out, and nobody's waits are known.
        """
        by_place = self._counted.get(part, {})
        return {
            place - self._exported - 1: self._sum([counted])
            for place, counted in by_place.items()
            if place > self._exported
        }

    def _place(self, hour: int) -> int:
        """The number under which an hour is added up."""
        place = self._wanted.place(hour)
        if place != self._exported:
            return place
        return place + 1 + self._wanted.hours_of_week[hour - self._wanted.span[0] // HOUR]

    def _counted_of(self, part: str, place: int) -> Counted:
        by_place = self._counted.get(part)
        if by_place is None:
            by_place = self._counted[part] = {}
        counted = by_place.get(place)
        if counted is None:
            counted = by_place[place] = Counted(self.plan.channel)
        return counted

    def _note_hour(self, hour: int) -> None:
        if self._first_hour is None or hour < self._first_hour:
            self._first_hour = hour

    def _of(self, part: str, periods: Iterable[Period]) -> list[Counted]:
        """What was added up of a part in some periods."""
        by_place = self._counted.get(part, {})
        found: list[Counted] = []
        for period in periods:
            if period == self._wanted.period:
                found += [told for place, told in by_place.items() if place >= self._exported]
                continue
            counted = by_place.get(self._wanted.periods.index(period))
            if counted is not None:
                found.append(counted)
        return found

    def _sum(self, counted: Iterable[Counted]) -> Sum:
        """Together, laid out as the plan says."""
        total = Counted(self.plan.channel)
        for one in counted:
            total.include(one)
        return total.laid_out(self.plan)
