"""Rows of an export as they are read: every cell a text; `None` = no data, empty = not said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.exports.numbers import basis, interval, share, shown
from streams.exports.numbers import target as target_text
from streams.exports.sentences import (
    KPI_OF,
    allowed,
    is_signal,
    part_name,
    row_name,
    short_verdict,
)
from streams.exports.words import WORDS
from streams.kpis.surveys import PUBLISHABLE_FROM

if TYPE_CHECKING:
    from streams.exports.model import Figure, Part, Row, Topic
    from streams.exports.vocabulary import Words
    from streams.organisations import Channel, Language

PROMISED = "service_level"
"""The share that a promise names a target for."""
INDEX = "index"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI: its value, what it rests on, and what it is compared with.

    Attributes:
        name: what it is.
        now, basis, interval, before, year_before, recent, trend: the cells.
        target: of a promise.
        is_signal: whether the trend is no chance.
        is_provisional: whether time has still something to decide.
    """

    name: str
    now: str | None
    basis: str
    interval: str
    before: str | None
    year_before: str | None
    recent: str | None
    trend: str | None
    target: str
    is_signal: bool
    is_provisional: bool


class PartLine(msgspec.Struct, frozen=True, kw_only=True):
    """A queue, mailbox or desk.

    Attributes:
        name: what people call it.
        cells: the KPIs asked for.
        promises: one line for each; empty where nothing is promised.
    """

    name: str
    cells: tuple[str | None, ...]
    promises: tuple[Line, ...]


class TopicLine(msgspec.Struct, frozen=True, kw_only=True):
    """A topic: how many calls, and how many of them were resolved."""

    name: str
    handled: str | None
    before: str | None
    share: str | None
    resolution: str | None
    coded: str | None


class SurveyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a survey: its index, and whether that may be published."""

    line: Line
    note: str
    is_publishable: bool


def line(channel: Channel, row: Row, language: Language, name: str = "") -> Line:
    """A KPI as it is read."""
    words, unit = WORDS[language], KPI_OF[channel, row.kpi].unit

    def value(figure: Figure) -> str | None:
        return shown(unit, figure.value, words)

    has_data = row.now.value is not None
    return Line(
        name=name or row_name(channel, row, language),
        now=value(row.now),
        basis=basis(row.now, words) or "" if has_data else "",
        interval=interval(row.now, words) or "" if has_data else "",
        before=value(row.before),
        year_before=value(row.year_before),
        recent=value(row.recent),
        trend=short_verdict(row.chart, words),
        target="" if row.target is None else target_text(row.target, words),
        is_signal=is_signal(row.chart),
        is_provisional=row.now.pending > 0,
    )


def part_line(
    channel: Channel, part: Part, asked: tuple[tuple[str, str], ...], language: Language
) -> PartLine:
    """A queue, mailbox or desk with some KPIs (name, choice) and all of its promises."""
    words = WORDS[language]
    values = {(row.kpi, row.choice): row.now.value for row in reversed(part.rows)}
    return PartLine(
        name=part_name(channel, part, language),
        cells=tuple(
            shown(KPI_OF[channel, kpi].unit, values.get((kpi, choice)), words)
            for kpi, choice in asked
        ),
        promises=tuple(
            line(channel, row, language, allowed(row, language))
            for row in part.rows
            if row.kpi == PROMISED
        ),
    )


def topic_line(topic: Topic, words: Words) -> TopicLine:
    """A topic as it is read."""

    def of(figure: Figure) -> str | None:
        return None if figure.value is None else share(figure.value, words)

    return TopicLine(
        name=topic.name or words.other_topics,
        handled=shown("count", topic.handled.value, words),
        before=shown("count", topic.before.value, words),
        share=of(topic.share),
        resolution=of(topic.resolution),
        coded=of(topic.coded_share),
    )


def survey_lines(part: Part, language: Language) -> tuple[SurveyLine, ...]:
    """The questions that were ever answered, each with its index."""
    words, whose = WORDS[language], part_name("surveys", part, language)
    found = []
    for row in part.rows:
        told = (row.now, row.before, row.year_before, row.recent)
        if row.kpi != INDEX or all(figure.value is None for figure in told):
            continue
        n = row.now.n or 0
        is_publishable = n >= PUBLISHABLE_FROM
        said = words.publishable if is_publishable else words.not_publishable
        found.append(
            SurveyLine(
                line=line("surveys", row, language, f"{whose}, {words.choices[row.choice]}"),
                note=said.format(n, PUBLISHABLE_FROM),
                is_publishable=is_publishable,
            )
        )
    return tuple(found)
