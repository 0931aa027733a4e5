"""The section of one channel: its parts, and of each part a row for every KPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.conventions import OTHER, TOTAL
from streams.exports.control_chart import chart
from streams.exports.figures import NO_DATA, per_period, read
from streams.exports.heat_maps import heat_maps
from streams.exports.model import ChannelQuality, Part, Row, Section
from streams.exports.quality import channel_quality
from streams.exports.topics import topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.figures import Figures
    from streams.exports.history import ChannelHistory
    from streams.exports.open_hours import OpenHours
    from streams.exports.periods import Period
    from streams.exports.wanted import Wanted
    from streams.kpis.readings import Reading

TOTAL_NAMES = ("Totalt", "Total")
OTHER_NAMES = ("Övriga", "Other")
SURVEY_NAMES = {
    "calls": ("Telefon", "Telephone"),
    "emails": ("E-post", "E-mail"),
    "visits": ("Besök", "Visits"),
}
"""What a survey asks about, in Swedish and English."""


class ChannelReader:
    """Reads what an export says about one channel.

    Attributes:
        history: of the channel.
        truth: instant up to which it is known; `None` = nothing is.
    """

    def __init__(
        self, history: ChannelHistory, wanted: Wanted, truth: int | None, open_hours: OpenHours
    ) -> None:
        """A reader; `open_hours` are those of the exported period."""
        self.history = history
        self.truth = truth
        self._wanted = wanted
        self._open_hours = open_hours
        self._at = self._end_of(wanted.period)
        self._recent = [one for one in wanted.recent if history.is_whole(one, truth)]
        self._baseline = [one for one in wanted.baseline if history.is_whole(one, truth)]

    def section(self) -> Section:
        """Everything about the channel."""
        history, wanted = self.history, self._wanted
        channel = history.plan.channel
        has_before = history.is_known(wanted.period.before, self.truth)
        return Section(
            channel=channel,
            parts=tuple(self._part(*part) for part in self._parts()),
            topics=topics(history, wanted.period, has_before=has_before),
        )

    def quality(self) -> ChannelQuality:
        """What speaks against it."""
        open_hours = self._open_hours.of(self.history.plan, TOTAL)
        return channel_quality(
            self.history, self._wanted, open_hours=open_hours, truth=self.truth, at=self._at
        )

    def _parts(self) -> Iterator[tuple[str, str, str]]:
        """Their names, in events, in Swedish and in English."""
        plan = self.history.plan
        if plan.channel == "surveys":
            counted = self.history.parts()
            yield from ((name, *words) for name, words in SURVEY_NAMES.items() if name in counted)
            return
        yield (TOTAL, *TOTAL_NAMES)
        yield from ((part.name, part.sv, part.en) for part in plan.parts.values())
        if OTHER in self.history.parts(self._wanted.period):
            yield (OTHER, *OTHER_NAMES)

    def _part(self, name: str, sv: str, en: str) -> Part:
        history, wanted = self.history, self._wanted
        return Part(
            name=name,
            sv=sv,
            en=en,
            rows=tuple(self._rows(name)),
            heat_maps=tuple(
                heat_maps(
                    history,
                    name,
                    wanted,
                    open_hours=self._open_hours.of(history.plan, name),
                    truth=self.truth,
                    at=self._at,
                )
            ),
        )

    def _rows(self, part: str) -> Iterator[Row]:
        history, period = self.history, self._wanted.period
        now = history.total(part, period)
        readings, figures = read(history.plan, part, now, self._at)
        is_known = history.is_known(period, self.truth)
        read_once: dict[Period, Figures] = {}
        for one in {*self._baseline, period.before, period.year_before}:
            read_once[one] = self._figures(part, one)
        before, year_before = read_once[period.before], read_once[period.year_before]
        recent = self._figures(part, *self._recent)
        rules = {rule.promise.name: rule for rule in history.plan.rules(part, self._at)}
        undecided = any(now.pending.get(name) for name in rules)
        for reading in readings:
            key = (reading.kpi.name, reading.promise, reading.choice)
            figure = figures[key] if is_known else NO_DATA
            rule = rules.get(reading.promise)
            promise = rule.promise if rule else None
            # What another version of the promise came to is no measure for this one.
            past = [
                (one, read_once[one].get(key, NO_DATA))
                for one in self._baseline
                if rule is None or rule.valid_from <= self._wanted.spans[one][0]
            ]
            yield Row(
                kpi=reading.kpi.name,
                promise=reading.promise,
                choice=reading.choice,
                target=promise.target if promise and reading.kpi.is_official_share else None,
                within=promise.within if promise else None,
                now=figure,
                before=before.get(key, NO_DATA),
                year_before=year_before.get(key, NO_DATA),
                recent=per_period(reading, recent.get(key, NO_DATA), len(self._recent)),
                chart=chart(
                    reading.kpi,
                    reading.choice,
                    past,
                    (period, figure),
                    is_settled=self._is_settled(reading, undecided=undecided),
                ),
            )

    def _figures(self, part: str, *periods: Period) -> Figures:
        """Of some periods together; none of those of which nothing is known."""
        known = [one for one in periods if self.history.is_known(one, self.truth)]
        if not known:
            return {}
        total = self.history.total(part, *known)
        return read(self.history.plan, part, total, self._end_of(known[-1]))[1]

    def _end_of(self, period: Period) -> int:
        """The last instant of a period, as far as anything is known."""
        end = self._wanted.spans[period][1] - 1
        return end if self.truth is None else min(end, self.truth)

    def _is_settled(self, reading: Reading, *, undecided: bool) -> bool:
        """Whether what a KPI counts in the exported period can be compared with whole periods."""
        if not self.history.is_whole(self._wanted.period, self.truth):
            return False
        kpi = reading.kpi
        return not undecided or kpi.counts_arrivals or (kpi.promise and kpi.kind == "ratio")
