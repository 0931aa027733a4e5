"""What calls were about, as members coded it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures
from streams.cells import Cell
from streams.conventions import TOPIC_PREFIX
from streams.exports.figures import NO_DATA, figure_of
from streams.exports.model import Figure, Topic
from streams.kpis import KPIS
from streams.kpis.ratios import wilson
from streams.kpis.readings import read_one

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.exports.history import ChannelHistory
    from streams.exports.periods import Period

SHOWN = 20
"""As many topics as a page holds; the others are taken together."""

_HANDLED, _CODED_SHARE, _RESOLUTION = (
    next(kpi for kpi in KPIS["calls"] if kpi.name == name)
    for name in ("handled", "coded_share", "resolution")
)


def topics(history: ChannelHistory, period: Period, *, has_before: bool) -> tuple[Topic, ...]:
    """The most frequent topics of a period, then the others together; none if none was coded.

    Args:
        history: of calls.
        period: the exported one.
        has_before: whether the period before it is known.
    """
    told = {
        part.removeprefix(TOPIC_PREFIX): history.total(part, period).cell
        for part in history.parts(period)
        if part.startswith(TOPIC_PREFIX)
    }
    ranked = sorted(
        (name for name, cell in told.items() if cell.counts[measures.HANDLED]),
        key=lambda name: (-told[name].counts[measures.HANDLED], name),
    )
    whole = sum(told[name].counts[measures.HANDLED] for name in ranked)
    before = {
        part.removeprefix(TOPIC_PREFIX): history.total(part, period.before).cell
        for part in history.parts(period.before)
        if part.startswith(TOPIC_PREFIX)
    }
    width = history.plan.width

    def topic(name: str, now: Cell, earlier: Cell) -> Topic:
        handled = now.counts[measures.HANDLED]
        lower, upper = wilson(handled, whole)
        return Topic(
            name=name,
            handled=figure_of(read_one(_HANDLED, now, None)),
            share=Figure(
                value=handled / whole, n=whole, numerator=handled, lower=lower, upper=upper
            ),
            coded_share=figure_of(read_one(_CODED_SHARE, now, None)),
            resolution=figure_of(read_one(_RESOLUTION, now, None)),
            before=figure_of(read_one(_HANDLED, earlier, None)) if has_before else NO_DATA,
        )

    shown = [topic(name, told[name], before.pop(name, Cell(width))) for name in ranked[:SHOWN]]
    others = [told[name] for name in ranked[SHOWN:]]
    if others:
        shown.append(topic("", _together(others, width), _together(before.values(), width)))
    return tuple(shown)


def _together(cells: Iterable[Cell], width: int) -> Cell:
    total = Cell(width)
    for cell in cells:
        total.include(cell)
    return total
