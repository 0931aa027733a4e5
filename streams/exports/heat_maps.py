"""Heat maps: how many come, and how well they are served, by weekday and local hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cells import Cell
from streams.exports.figures import NO_DATA, figure_of
from streams.exports.history import ARRIVALS
from streams.exports.model import HeatCell, HeatMap
from streams.exports.stored_rollups import Sum
from streams.instants import HOUR
from streams.kpis import KPIS
from streams.kpis.readings import read_one
from streams.rollups import HOURS_A_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.history import ChannelHistory
    from streams.exports.model import Figure
    from streams.exports.wanted import Wanted
    from streams.kpis import Kpi
    from streams.organisations import Channel
    from streams.plans import Rule

SHOWN: dict[Channel, tuple[str, ...]] = {
    "calls": ("offered", "service_level"),
    "emails": ("received", "service_level"),
    "surveys": (),
    "visits": ("registered",),
}
"""The KPIs by weekday and hour: who comes, and the share of the part's first promise."""


def heat_maps(
    history: ChannelHistory,
    part: str,
    wanted: Wanted,
    *,
    open_hours: frozenset[int],
    truth: int | None,
    at: int,
) -> Iterator[HeatMap]:
    """The heat maps of a part over the exported period.

    Args:
        history: of the channel.
        part: which.
        wanted: the exported period.
        open_hours: hours, since 1970, in which the part was open.
        truth: instant up to which the channel is known.
        at: as in `figures.read`.
    """
    channel = history.plan.channel
    shown = [kpi for kpi in KPIS[channel] if kpi.name in SHOWN[channel]]
    if not shown:
        return
    rules = history.plan.rules(part, at)
    counted = history.hours_of_week(part)
    arrivals = ARRIVALS[channel]
    came = {place for place, told in counted.items() if any(told.cell.counts[:arrivals])}
    first = wanted.span[0] // HOUR
    places = {hour: wanted.hours_of_week[hour - first] for hour in open_hours}
    since = history.known_since
    known = came | {
        place
        for hour, place in places.items()
        if since is not None and truth is not None and since <= hour * HOUR < truth
    }
    empty = Sum(Cell(history.plan.width), {})
    for kpi in shown:
        if kpi.promise and not rules:
            continue
        rule = rules[0] if kpi.promise else None
        cells = (
            HeatCell(
                weekday=place // HOURS_A_DAY,
                hour=place % HOURS_A_DAY,
                figure=_figure(kpi, counted.get(place, empty), rule) if place in known else NO_DATA,
            )
            for place in sorted(came.union(places.values()))
        )
        yield HeatMap(kpi=kpi.name, promise=rule.promise.name if rule else "", cells=tuple(cells))


def _figure(kpi: Kpi, told: Sum, rule: Rule | None) -> Figure:
    pending = told.pending.get(rule.promise.name, 0) if rule else 0
    return figure_of(read_one(kpi, told.cell, rule), pending)
