"""What the page of an export shows, in its reader's order: words and numbers, no markup yet.

Everything counted is in the tables; the page leaves out what stands beside its share anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.conventions import TOTAL
from streams.exports.lines import (
    PROMISED,
    Line,
    PartLine,
    SurveyLine,
    TopicLine,
    line,
    part_line,
    survey_lines,
    topic_line,
)
from streams.exports.model import Row
from streams.exports.numbers import capital, short_name
from streams.exports.sentences import (
    KPI_OF,
    is_signal,
    part_name,
    promise_name,
    silences,
    verdict,
)
from streams.exports.shading import ShadedTable, shaded
from streams.exports.wanted import RECENT
from streams.exports.words import WORDS
from streams.kpis import KPIS, Kpi
from streams.organisations import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.model import Export, Figure, HeatMap, Part, Section
    from streams.organisations import Language

DETAILS: dict[Channel, frozenset[str]] = {
    "calls": frozenset(
        (
            "answered_within", "missed", "answered_late", "abandoned_within", "short_abandons",
            "excluded", "service_level_kept", "service_level_events", "service_level_by_variant",
            "exits", "departures", "abandoned", "handled", "coded", "resolved",
        )
    ),
    "emails": frozenset(
        (
            "met", "missed", "excluded", "service_level_events", "first_replies", "full_answers",
            "no_reply_needed", "automatic",
        )
    ),
    "surveys": frozenset(("answers", "excluded")),
    "visits": frozenset(("measured_waits",)),
}  # fmt: skip
"""KPIs that only the tables show: parts of shares, variants, reasons."""
BESIDE: dict[Channel, tuple[tuple[str, str], ...]] = {
    "calls": (("abandonment", ""), ("wait", "0.5"), ("resolution", "")),
    "emails": (("reply_time", "0.5"),),
    "visits": (("wait_mean", ""), ("wait", "0.9")),
    "surveys": (),
}
"""What is said of a queue, mailbox or desk beside its volume and its promises."""


TELLING_FROM = 5
"""Contacts in an hour of the week, on average, from which the page shows their shares by hour."""


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A control chart with its words."""

    name: str
    kpi: Kpi
    row: Row
    trend: str
    is_signal: bool


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """One channel.

    Attributes:
        channel, name: which.
        warnings: which of its sources have not told everything.
        figures: of everybody.
        drawn: volume and promises over the periods.
        beside, parts: heads of the KPIs of queues, mailboxes or desks, and those; a single one is
            left out, since it is everybody.
        heats: by weekday and hour.
        topics, answers: what calls were about, and what people answered.
    """

    channel: Channel
    name: str
    warnings: tuple[str, ...] = ()
    figures: tuple[Line, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    beside: tuple[str, ...] = ()
    parts: tuple[PartLine, ...] = ()
    heats: tuple[ShadedTable, ...] = ()
    topics: tuple[TopicLine, ...] = ()
    answers: tuple[SurveyLine, ...] = ()


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    """Heads of the columns; `year_before` is empty where it would repeat `before`."""

    now: str
    before: str
    year_before: str
    recent: str


def heads(export: Export, language: Language) -> Heads:
    """What the exported period and those it is compared with are called."""
    words, period = WORDS[language], export.period
    is_other_year = export.before.year != period.year
    is_same = export.before == export.year_before
    return Heads(
        now=short_name(period, words),
        before=short_name(export.before, words, year=is_other_year),
        year_before="" if is_same else short_name(export.year_before, words, year=True),
        recent=words.recent_short[period.kind].format(RECENT),
    )


def chapters(export: Export, language: Language) -> tuple[Chapter, ...]:
    """Every channel."""
    return tuple(_chapter(export, section, language) for section in export.sections)


def defined(export: Export) -> tuple[Kpi, ...]:
    """The KPIs that the page shows, in the order of the registry."""
    return tuple(
        kpi
        for section in export.sections
        for kpi in KPIS[section.channel]
        if any(row.kpi == kpi.name for row in key_rows(section))
    )


def key_rows(section: Section) -> list[Row]:
    """The key figures of everybody; of surveys, which have no total, those of each.

    A share that says the same as the promise's own is left out: an e-mail promise that any human
    reply meets, for example, has no other share of first replies.
    """
    totals = [part for part in section.parts if part.name == TOTAL] or section.parts
    rows = [row for part in totals for row in part.rows]
    own = {_shares(row) for row in rows if row.kpi == PROMISED}
    return [
        row
        for row in rows
        if row.kpi not in DETAILS[section.channel]
        and (row.kpi == PROMISED or _shares(row) not in own)
    ]


def _chapter(export: Export, section: Section, language: Language) -> Chapter:
    words, channel = WORDS[language], section.channel
    name = words.channels[channel]
    if channel == "surveys":
        answers = (survey_lines(part, language) for part in section.parts)
        return Chapter(
            channel=channel,
            name=name,
            warnings=silences(export, language, channel),
            answers=tuple(answer for lines in answers for answer in lines),
        )
    rows = key_rows(section)
    if all(figure.value is None for row in rows for figure in _told(row)):
        return Chapter(channel=channel, name=name, warnings=silences(export, language, channel))
    asked = ((KPIS[channel][0].name, ""), *BESIDE[channel])
    parts = tuple(
        part_line(channel, part, asked, language) for part in section.parts if part.name != TOTAL
    )
    return Chapter(
        channel=channel,
        name=name,
        warnings=silences(export, language, channel),
        figures=tuple(line(channel, row, language) for row in rows),
        drawn=tuple(_drawn(export, section, language)),
        beside=tuple(_head(channel, kpi, choice, language) for kpi, choice in asked),
        parts=parts if len(parts) > 1 else (),
        heats=tuple(
            shaded(channel, heat_map, heat_name(channel, heat_map, rows, language), language)
            for part in section.parts
            for heat_map in part.heat_maps
            if part.name == TOTAL and _is_telling(heat_map)
        ),
        topics=tuple(topic_line(topic, words) for topic in section.topics),
    )


def _told(row: Row) -> tuple[Figure, ...]:
    return (row.now, row.before, row.year_before, row.recent)


def _shares(row: Row) -> tuple[str, ...]:
    """A promise, and how many of how many kept it, then and before."""
    return (row.promise, *(f"{figure.numerator}/{figure.n}" for figure in _told(row)))


def _is_telling(heat_map: HeatMap) -> bool:
    """Whether there is more to it than chance: shares of one e-mail each are 0 or 100 per cent."""
    figures = [cell.figure for cell in heat_map.cells]
    contacts = [figure.n for figure in figures if figure.n is not None]
    return bool(figures) and (not contacts or sum(contacts) >= TELLING_FROM * len(figures))


def promises(section: Section) -> Iterator[tuple[Part, Row]]:
    """The shares of promises: of everybody, and of single parts where there is none of all."""
    promised = [
        (part, row)
        for part in section.parts
        for row in part.rows
        if row.kpi == PROMISED and row.target is not None
    ]
    of_all = {row.promise for part, row in promised if part.name == TOTAL}
    for part, row in promised:
        if part.name == TOTAL or row.promise not in of_all:
            yield part, row


def _drawn(export: Export, section: Section, language: Language) -> Iterator[Drawn]:
    """Volume and promises of everybody, and promises that hold for single parts only."""
    words, channel, volume = WORDS[language], section.channel, KPIS[section.channel][0]
    shown = [
        (part, row)
        for part in section.parts
        for row in part.rows
        if part.name == TOTAL and row.kpi == volume.name
    ]
    for part, row in (*promises(section), *shown):
        if not row.chart.points:
            continue
        kpi = KPI_OF[channel, row.kpi]
        name = promise_name(channel, row, language) if row.promise else kpi.named(language)
        yield Drawn(
            name=capital(name)
            if part.name == TOTAL
            else f"{part_name(channel, part, language)}: {name}",
            kpi=kpi,
            row=row,
            trend=verdict(row.chart, export.period.kind, words),
            is_signal=is_signal(row.chart),
        )


def _head(channel: Channel, kpi: str, choice: str, language: Language) -> str:
    name = KPI_OF[channel, kpi].named(language)
    return f"{name}: {WORDS[language].choices[choice]}" if choice else name


def heat_name(channel: Channel, heat_map: HeatMap, rows: list[Row], language: Language) -> str:
    """A share is called by its promise, as in the charts."""
    for row in rows:
        if heat_map.promise and (row.kpi, row.promise) == (heat_map.kpi, heat_map.promise):
            return capital(promise_name(channel, row, language))
    return KPI_OF[channel, heat_map.kpi].named(language)
