"""Weekdays and hours as a table whose cells are the darker the higher their value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.exports.numbers import basis, count, share
from streams.exports.sentences import KPI_OF
from streams.exports.words import WORDS

if TYPE_CHECKING:
    from streams.exports.model import Figure, HeatMap
    from streams.exports.vocabulary import Words
    from streams.organisations import Channel, Language

SHADES = 5
"""So many that neighbours can be told apart in print, and in grey."""
NARROW = 12
"""So many hours leave room for a second table beside."""


class Shaded(msgspec.Struct, frozen=True, kw_only=True):
    """One hour of the week.

    Attributes:
        text: its value; `None` = no data, empty = closed.
        shade: 1 (lowest) to `SHADES`; 0 without a value.
        basis: what the value rests on.
    """

    text: str | None
    shade: int = 0
    basis: str = ""


class ShadedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A heat map.

    Attributes:
        name: what it shows.
        hours: heads of the columns.
        days: name of a weekday, and its cells.
        is_narrow: whether another one fits beside it.
        is_share: whether its cells are per cent.
    """

    name: str
    hours: tuple[str, ...]
    days: tuple[tuple[str, tuple[Shaded, ...]], ...]
    is_narrow: bool
    is_share: bool


def shaded(channel: Channel, heat_map: HeatMap, name: str, language: Language) -> ShadedTable:
    """A heat map as a table; only weekdays and hours of which there is something to say."""
    words = WORDS[language]
    figures = {(cell.weekday, cell.hour): cell.figure for cell in heat_map.cells}
    days = sorted({day for day, _ in figures})
    found = {hour for _, hour in figures}
    hours = range(min(found), max(found) + 1) if found else range(0)
    is_share = KPI_OF[channel, heat_map.kpi].unit == "ratio"
    values = [figure.value for figure in figures.values() if figure.value is not None]
    lowest, highest = (min(values), max(values)) if values else (0.0, 0.0)

    def cell(day: int, hour: int) -> Shaded:
        figure = figures.get((day, hour))
        if figure is None:
            return Shaded(text="")
        if figure.value is None:
            return Shaded(text=None)
        return Shaded(
            text=_text(figure, words, is_share=is_share),
            shade=_shade(figure.value, lowest, highest),
            basis=basis(figure, words) or "",
        )

    return ShadedTable(
        name=name,
        hours=tuple(f"{hour:02}" for hour in hours),
        days=tuple(
            (words.weekdays_short[day], tuple(cell(day, hour) for hour in hours)) for day in days
        ),
        is_narrow=len(hours) <= NARROW,
        is_share=is_share,
    )


def _text(figure: Figure, words: Words, *, is_share: bool) -> str:
    """Whole per cent without their sign: the caption says it once."""
    value = figure.value or 0.0
    return share(value, words, 0).rstrip("%\N{NO-BREAK SPACE}") if is_share else count(value, words)


def _shade(value: float, lowest: float, highest: float) -> int:
    if highest == lowest:
        return 1
    return 1 + min(SHADES - 1, int(SHADES * (value - lowest) / (highest - lowest)))
