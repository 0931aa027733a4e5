"""What an export says, before anybody decides how it looks.

Every format (spreadsheet, table, page, JSON) shows these values and computes none of its own, so
that they cannot disagree.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.exports.periods import Period
from streams.organisations import Channel, Within

Trend = Literal["better", "worse", "more", "less", "stable", "unknown"]
"""What the control chart says: a signal in the good or bad direction, a signal of a KPI that is
neither good nor bad, no signal, or too few periods or too much undecided to say."""
Rule = Literal["limits", "run", ""]
"""Which test gave a signal: a point beyond the limits, or a run on one side of the centre."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """The value of one KPI over some stretch of time.

    Attributes:
        value: in the KPI's unit (shares 0-1, seconds, index 0-100); `None` = no data.
        n: what it rests on; `None` for counts.
        numerator: of a share.
        lower, upper: 95 % Wilson bounds of a share.
        pending: promises of contacts that arrived then and that time has not decided yet.
    """

    value: float | None = None
    n: int | None = None
    numerator: int | None = None
    lower: float | None = None
    upper: float | None = None
    pending: int = 0


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One period on a control chart.

    Attributes:
        period: which.
        figure: its value.
        low, high: its 3-sigma limits; `None` while there are too few periods for any.
    """

    period: Period
    figure: Figure
    low: float | None = None
    high: float | None = None


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The control chart of one KPI.

    Attributes:
        points: the periods before, and the exported one as the last.
        centre: what chance alone moves around; `None` while there are too few periods.
        trend, rule: the verdict on the exported period.
        periods: how many periods centre and limits rest on.
    """

    points: tuple[Point, ...] = ()
    centre: float | None = None
    trend: Trend = "unknown"
    rule: Rule = ""
    periods: int = 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI of one queue, mailbox, desk, survey, or of the total.

    Attributes:
        kpi: its name in the registry of the section's channel.
        promise: name of the promise, empty where the KPI has none.
        choice: value of the extra label (variant, quantile, question, reason), empty without one.
        target: share that the promise asks for, in the promise's own share only.
        within: time that the promise allows, for its label; `None` where the KPI has no promise.
        now: the exported period.
        before: the period before it.
        year_before: the same period a year earlier.
        recent: the `RECENT` periods before the exported one, taken together; counts per period.
        chart: control chart over the periods before.
    """

    kpi: str
    promise: str = ""
    choice: str = ""
    target: float | None = None
    within: Within | None = None
    now: Figure
    before: Figure
    year_before: Figure
    recent: Figure
    chart: Chart = Chart()


class HeatCell(msgspec.Struct, frozen=True, kw_only=True):
    """One local hour of the week.

    Attributes:
        weekday: 0 = Monday.
        hour: 0-23, as wall clocks show it; the hour that comes twice in autumn is one cell.
        figure: of everybody who arrived in it.
    """

    weekday: int
    hour: int
    figure: Figure


class HeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI by weekday and hour; hours in which nothing was open and nobody came are left out.

    Attributes:
        kpi: its name in the registry of the section's channel.
        promise: name of the promise, empty where the KPI has none.
        cells: by weekday, then by hour.
    """

    kpi: str
    promise: str = ""
    cells: tuple[HeatCell, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A queue, mailbox, desk or survey; the total has the name `TOTAL` (empty).

    Attributes:
        name: as in events; `other` collects what no configuration names.
        sv, en: what people call it.
        rows: its KPIs, in the order of the registry.
        heat_maps: what is shown by weekday and hour.
    """

    name: str
    sv: str
    en: str
    rows: tuple[Row, ...]
    heat_maps: tuple[HeatMap, ...] = ()


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What calls were about, as members coded it; the most frequent first.

    Attributes:
        name: as coded; empty for all the others together.
        handled: ended calls with this topic; `n` is unused.
        share: of all ended calls with a topic.
        coded_share: share of them that say whether the question was resolved.
        resolution: resolved at first contact, of those that say.
        before: `handled` of the period before.
    """

    name: str
    handled: Figure
    share: Figure
    coded_share: Figure
    resolution: Figure
    before: Figure


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One channel; channels of which nothing is configured and nothing known are left out.

    Attributes:
        channel: which.
        parts: the total first, where there is one.
        topics: what calls were about; empty for the other channels.
    """

    channel: Channel
    parts: tuple[Part, ...]
    topics: tuple[Topic, ...] = ()


class SourceQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How far one source vouches for the period.

    Attributes:
        name: of the source; empty where none is configured for the channel.
        channel: whose facts it sends.
        through: RFC 3339 instant up to which it has told everything; `None` = never heard of.
        covered: share of the period that lies before that instant, 0-1.
    """

    name: str
    channel: Channel
    through: str | None
    covered: float


class ChannelQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks against the numbers of one channel.

    Attributes:
        channel: which.
        open_hours: hours of the period in which a queue, mailbox or desk was open, up to the truth.
        silent_hours: those of them in which nobody at all arrived.
        pending: promises of the period that time has not decided yet.
        decided: those that it has.
    """

    channel: Channel
    open_hours: int
    silent_hours: int
    pending: int = 0
    decided: int = 0


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How far the numbers can be trusted.

    Attributes:
        complete: every configured source covers the whole period.
        final: complete, and time has decided every promise.
        sources: one for each configured source, and one for each channel without any.
        channels: one for each section.
        dead_letters: rejected events of the period by reason; `None` where nobody knows any more.
    """

    complete: bool
    final: bool
    sources: tuple[SourceQuality, ...]
    channels: tuple[ChannelQuality, ...]
    dead_letters: dict[str, int] | None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's week, month or year.

    Attributes:
        organisation: name as in events.
        sv, en: what people call it.
        time_zone: IANA name of the zone whose weeks, days and hours are meant.
        period: which.
        before, year_before: what it is compared with.
        start, end: RFC 3339 bounds in local time, half-open.
        hours: how many hours lie between them: 167, 168 or 169 for a week.
        as_of: RFC 3339 instant up to which the numbers are known; `None` = nothing is.
        made_at: RFC 3339 instant the export was made at.
        sections: by channel, in the order of the registry.
        quality: how far they can be trusted.
    """

    organisation: str
    sv: str
    en: str
    time_zone: str
    period: Period
    before: Period
    year_before: Period
    start: str
    end: str
    hours: int
    as_of: str | None
    made_at: str
    sections: tuple[Section, ...]
    quality: Quality
