"""An export at a glance: its promises, and how many came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.conventions import TOTAL
from streams.exports.chapters import promises
from streams.exports.lines import Line, line
from streams.exports.numbers import capital
from streams.exports.sentences import (
    Reach,
    part_name,
    promise_name,
    reach,
    reached,
    verdict,
)
from streams.exports.words import WORDS
from streams.kpis import KPIS

if TYPE_CHECKING:
    from streams.exports.model import Export, Part, Row
    from streams.organisations import Channel, Language


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One promise at a glance.

    Attributes:
        whose: the channel, and the part unless it holds for everybody.
        reach, verdict: how its share stands to the target; the same in words.
        line: the numbers.
        pending: how many are not decided; empty if none.
        trend: what the control chart says.
    """

    whose: str
    reach: Reach
    verdict: str
    line: Line
    pending: str
    trend: str


def tiles(export: Export, language: Language) -> tuple[Tile, ...]:
    """Each promise: of everybody, and of single parts where it does not hold for everybody."""
    return tuple(
        _tile(export, section.channel, part, row, language)
        for section in export.sections
        for part, row in promises(section)
    )


def volumes(export: Export, language: Language) -> tuple[Line, ...]:
    """How many came, by channel."""
    return tuple(
        line(section.channel, row, language)
        for section in export.sections
        for part in section.parts
        for row in part.rows
        if part.name == TOTAL and row.kpi == KPIS[section.channel][0].name and not row.choice
    )


def _tile(export: Export, channel: Channel, part: Part, row: Row, language: Language) -> Tile:
    words, pending = WORDS[language], row.now.pending
    whose = words.channels[channel]
    return Tile(
        whose=whose if part.name == TOTAL else f"{whose}, {part_name(channel, part, language)}",
        reach=reach(row),
        verdict=reached(row, words),
        line=line(channel, row, language, capital(promise_name(channel, row, language))),
        pending=words.pending[pending != 1].format(pending) if pending else "",
        trend=verdict(row.chart, export.period.kind, words),
    )
