"""The rows of the table: what each value of an export is a value of, and the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from streams.conventions import TOTAL
from streams.exports.periods import periods_before
from streams.exports.wanted import RECENT
from streams.exports.words import WORDS
from streams.instants import to_rfc3339
from streams.kpis import KPIS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.model import Export, Figure, Part, Quality, Section, Topic
    from streams.exports.periods import Period
    from streams.organisations import Language

Cell = str | int | float | None
Cells = tuple[Cell, ...]

FORMULA: Final = (
    *("=", "+", "-", "@", "\t", "\r"),
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)
"""What spreadsheets take for the beginning of a formula; the wide ones of Japanese text too."""


class _What(NamedTuple):
    """The columns that say what a value is a value of."""

    channel: Cell = None
    part: Cell = None
    part_name: Cell = None
    kpi: Cell = None
    kpi_name: Cell = None
    promise: Cell = None
    within: Cell = None
    choice: Cell = None
    weekday: Cell = None
    hour: Cell = None
    topic: Cell = None
    source: Cell = None
    unit: Cell = None


class _Value(NamedTuple):
    """The columns of the value, and what stands beside it."""

    value: Cell = None
    n: Cell = None
    numerator: Cell = None
    lower: Cell = None
    upper: Cell = None
    pending: Cell = None
    target: Cell = None
    low: Cell = None
    high: Cell = None
    centre: Cell = None
    periods: Cell = None
    trend: Cell = None
    rule: Cell = None
    through: Cell = None


def rows_of(export: Export, language: Language) -> Iterator[Cells]:
    """The rows of one export, in the order of `COLUMNS`."""
    return _Table(export, language).rows()


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before what it would.

    >>> harmless("=1+1"), harmless("växel")
    ("'=1+1", 'växel')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


class _Table:
    """The rows of one export; what many of them have in common is made once."""

    def __init__(self, export: Export, language: Language) -> None:
        self._export = export
        self._language: Language = language
        self._words = WORDS[language]
        self._zone = ZoneInfo(export.time_zone)
        self._abouts: dict[Period, Cells] = {}
        self._head = (harmless(export.organisation), export.period.kind, export.period.label)
        self._tail = (
            _bool(value=export.quality.complete),
            _bool(value=export.quality.final),
            export.as_of,
            export.made_at,
        )

    def rows(self) -> Iterator[Cells]:
        export = self._export
        for section in export.sections:
            for part in section.parts:
                yield from self._part(section, part)
            for topic in section.topics:
                yield from self._topic(section, topic)
        yield from self._quality(export.quality)

    def _part(self, section: Section, part: Part) -> Iterator[Cells]:
        export, channel = self._export, section.channel
        name = part.sv if self._language == "sv" else part.en
        if part.name == TOTAL:
            name = self._words.total[channel]
        what_of = {
            kpi.name: _What(
                channel=channel,
                part=harmless(part.name),
                part_name=harmless(name),
                kpi=kpi.name,
                kpi_name=kpi.named(self._language),
                unit=kpi.unit,
            )
            for kpi in KPIS[channel]
        }
        now, before, year_before = map(
            self._about, (export.period, export.before, export.year_before)
        )
        recent = self._recent()
        for row in part.rows:
            what = what_of[row.kpi]._replace(
                promise=harmless(row.promise),
                within=None if row.within is None else row.within.text,
                choice=harmless(row.choice),
            )
            target, chart = row.target, row.chart
            verdict = _figure(row.now, target)._replace(
                centre=_number(chart.centre),
                periods=chart.periods,
                trend=chart.trend,
                rule=chart.rule,
            )
            yield self._row("now", now, what, verdict)
            yield self._row("before", before, what, _figure(row.before, target))
            yield self._row("year_before", year_before, what, _figure(row.year_before, target))
            yield self._row("recent", recent, what, _figure(row.recent, target))
            for point in chart.points:
                value = _figure(point.figure, target, low=point.low, high=point.high)
                yield self._row("chart", self._about(point.period), what, value)
        for heat_map in part.heat_maps:
            what = what_of[heat_map.kpi]._replace(promise=harmless(heat_map.promise))
            for cell in heat_map.cells:
                place = what._replace(weekday=cell.weekday, hour=cell.hour)
                yield self._row("heat_map", now, place, _figure(cell.figure))

    def _topic(self, section: Section, topic: Topic) -> Iterator[Cells]:
        words, channel = self._words, section.channel
        now, before = self._about(self._export.period), self._about(self._export.before)
        kpis = {kpi.name: kpi.named(self._language) for kpi in KPIS[channel]}
        for about, kpi, named, unit, figure in (
            (now, "handled", kpis["handled"], "count", topic.handled),
            (now, "topic_share", words.share, "ratio", topic.share),
            (now, "coded_share", kpis["coded_share"], "ratio", topic.coded_share),
            (now, "resolution", kpis["resolution"], "ratio", topic.resolution),
            (before, "handled", kpis["handled"], "count", topic.before),
        ):
            what = _What(
                channel=channel,
                part=TOTAL,
                part_name=words.total[channel],
                kpi=kpi,
                kpi_name=named,
                topic=harmless(topic.name),
                unit=unit,
            )
            yield self._row("topic", about, what, _figure(figure))

    def _quality(self, quality: Quality) -> Iterator[Cells]:
        words = self._words
        yield self._trust(_What(kpi="hours", unit="hours"), _Value(self._export.hours))
        for source in quality.sources:
            what = _What(
                channel=source.channel,
                kpi="covered",
                kpi_name=words.covers,
                source=harmless(source.name),
                unit="ratio",
            )
            yield self._trust(what, _Value(_number(source.covered), through=source.through))
        for told in quality.channels:
            for kpi, named, unit, value in (
                ("open_hours", words.open_hours, "hours", told.open_hours),
                ("silent_hours", words.silent_hours, "hours", told.silent_hours),
                ("decided", words.decided, "count", told.decided),
                ("pending", words.undecided, "count", told.pending),
            ):
                what = _What(channel=told.channel, kpi=kpi, kpi_name=named, unit=unit)
                yield self._trust(what, _Value(value))
        what = _What(kpi="dead_letters", kpi_name=words.dead_letters, unit="count")
        if not quality.dead_letters:
            # Nobody knows of any any more, or it is known that there were none.
            yield self._trust(what, _Value(None if quality.dead_letters is None else 0))
            return
        for reason, n in sorted(quality.dead_letters.items()):
            yield self._trust(what._replace(choice=harmless(reason)), _Value(n))

    def _trust(self, what: _What, value: _Value) -> Cells:
        return self._row("quality", self._about(self._export.period), what, value)

    def _row(self, view: str, about: Cells, what: _What, value: _Value) -> Cells:
        return (*self._head, view, *about, *what, *value, *self._tail)

    def _about(self, period: Period) -> Cells:
        told = self._abouts.get(period)
        if told is None:
            start, end = period.span(self._zone)
            told = (period.label, to_rfc3339(start, self._zone), to_rfc3339(end, self._zone))
            self._abouts[period] = told
        return told

    def _recent(self) -> Cells:
        periods = periods_before(self._export.period, RECENT)
        first, last = self._about(periods[0]), self._about(periods[-1])
        return (f"{first[0]}/{last[0]}", first[1], last[2])


def _figure(
    figure: Figure,
    target: float | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
) -> _Value:
    return _Value(
        _number(figure.value),
        figure.n,
        figure.numerator,
        _number(figure.lower),
        _number(figure.upper),
        figure.pending,
        target,
        _number(low),
        _number(high),
    )


def _number(value: float | None) -> float | None:
    """A whole number without a fraction of nothing.

    >>> _number(6512.0), _number(0.5)
    (6512, 0.5)
    """
    if value is None:
        return None
    whole = int(value)
    return whole if whole == value else value


def _bool(*, value: bool) -> str:
    return "true" if value else "false"
