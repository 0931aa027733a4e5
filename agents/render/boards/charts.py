"""Charts: lines over time, bars to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeValueMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId

from agents.render.boards.panels import (
    CALM,
    NUMBER,
    Face,
    Query,
    Steps,
    colour,
    finish,
    instant,
    ranged,
    thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

TOLD: Final = [
    DynamicConfigValue("unit", NUMBER),
    DynamicConfigValue("custom.lineWidth", 0),
    DynamicConfigValue("custom.axisPlacement", "hidden"),
    DynamicConfigValue("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False}),
]
"""A series without a line: one that is hidden altogether is not in the tooltip either."""


def lines(
    face: Face,
    queries: Sequence[Query],
    *,
    targets: Sequence[str] = (),
    told: Sequence[str] = (),
    band: tuple[str, str] | None = None,
    minimum: float | None = 0,
    maximum: float | None = None,
    interval: str = "",
) -> Panel:
    """Lines over time, gaps where nothing is known.

    Args:
        face: what every panel has.
        queries: what is drawn.
        targets: refs of queries drawn as dashed lines: what is to be reached.
        told: refs of queries that are not drawn, only told beside the pointer: what a share
            rests on.
        band: refs of the lower and upper end of an interval, drawn as a shade between them; the
            legend of the lower one is its whole name.
        minimum: where the axis begins, `None` = where the data does.
        maximum: where it ends.
        interval: the shortest step.
    """
    panel = (
        timeseries.Panel()
        .targets([ranged(query) for query in queries])
        .line_width(2)
        .fill_opacity(0)
        .show_points(VisibilityMode.NEVER)
        .span_nulls(False)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    )
    if interval:
        panel.interval(interval)
    if minimum is not None:
        panel.min(minimum)
    if maximum is not None:
        panel.max(maximum)
    dashes = DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})
    for ref in targets:
        panel.override_by_query(ref, [dashes, colour("text")])
    for ref in told:
        panel.override_by_query(ref, TOLD)
    if band is not None:
        lower, upper = band
        name = next(query.legend for query in queries if query.ref == lower)
        thin = [DynamicConfigValue("custom.lineWidth", 0), colour("blue")]
        shade = [
            DynamicConfigValue("custom.fillBelowTo", name),
            DynamicConfigValue("custom.fillOpacity", 20),
        ]
        panel.override_by_query(lower, thin)
        panel.override_by_query(upper, [*thin, *shade])
    return finish(panel, face)


def bars(
    face: Face,
    queries: Sequence[Query],
    *,
    steps: Steps | None = None,
    maximum: float | None = None,
) -> Panel:
    """Numbers to compare, one bar below the other."""
    panel = (
        bargauge.Panel()
        .targets([instant(query) for query in queries])
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .value_mode(BarGaugeValueMode.COLOR)
        .thresholds(thresholds(steps or CALM))
        .min(0)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    if maximum is not None:
        panel.max(maximum)
    return finish(panel, face)
