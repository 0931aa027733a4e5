"""Figures: what a part counted over some hours, read through the registry of KPIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.exports.model import Figure
from streams.kpis.readings import read_window

if TYPE_CHECKING:
    from streams.exports.stored_rollups import Sum
    from streams.kpis.readings import Reading
    from streams.plans import Plan

Key = tuple[str, str, str]
"""KPI, promise, choice: what tells the rows of a part apart."""

Figures = dict[Key, Figure]
NO_DATA = Figure()


def read(plan: Plan, part: str, total: Sum, at: int) -> tuple[list[Reading], Figures]:
    """Every KPI that looks at a window, as readings in the order of the registry and as figures.

    Args:
        plan: how the channel is counted.
        part: queue, mailbox, desk, survey or the total.
        total: what was counted of it.
        at: the promises are those, and their formulas the ones, that hold for somebody who
            arrives now: the end of the span. A promise that begins later has no figure here, and
            one that began during the span has those of the contacts since.
    """
    readings = list(read_window(plan, part, total.cell, at))
    return readings, {
        (r.kpi.name, r.promise, r.choice): figure_of(r, total.pending.get(r.promise, 0))
        for r in readings
    }


def figure_of(reading: Reading, pending: int = 0) -> Figure:
    """A reading as exports show it."""
    is_share = reading.kpi.kind == "ratio"
    return Figure(
        value=reading.value,
        n=reading.n,
        numerator=reading.numerator if is_share else None,
        lower=reading.lower,
        upper=reading.upper,
        pending=pending,
    )


def per_period(reading: Reading, figure: Figure, periods: int) -> Figure:
    """What some periods together came to: counts are divided by how many periods there were."""
    if reading.kpi.kind != "count" or figure.value is None:
        return figure
    return Figure(value=figure.value / periods, pending=figure.pending)
