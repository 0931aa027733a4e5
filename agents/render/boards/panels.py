"""What every panel is made of: face, queries, colours, the data source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    Panel,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from agents.render.boards.naming import DATASOURCE

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder

NUMBER: Final = "none"
SHARE: Final = "percentunit"
DURATION: Final = "dthms"
SECONDS: Final = "s"
MOMENT: Final = "dateTimeFromNow"
RATE: Final = "eps"
BYTES: Final = "bytes"
UNIT_OF: Final = {
    "count": NUMBER,
    "ratio": SHARE,
    "seconds": DURATION,
    "timestamp_seconds": MOMENT,
    "index": NUMBER,
    "flag": NUMBER,
}
"""Grafana's unit for each unit of the registry. Its moments are in milliseconds."""
DECIMALS: Final = {NUMBER: 0, SHARE: 0, SECONDS: 0, RATE: 1}

Steps = dict[float | None, str]
"""Colours from a value on; the first one, from `None` on, holds for everything below."""
CALM: Final[Steps] = {None: "blue"}
ANY_PROBLEM: Final[Steps] = {None: "green", 1: "orange"}


class Face(NamedTuple):
    """What every panel has."""

    title: str
    description: str
    unit: str
    empty: str
    decimals: int | None = None


class Query(NamedTuple):
    """One query of a panel; `ref` also tells its series apart from those of the others."""

    ref: str
    expr: str
    legend: str = ""


def target(query: Query) -> prometheus.Dataquery:
    """A query as Grafana writes it down."""
    return (
        prometheus.Dataquery()
        .ref_id(query.ref)
        .expr(query.expr)
        .legend_format(query.legend or "__auto")
        .datasource(source())
    )


def instant(query: Query) -> prometheus.Dataquery:
    """A query for the newest value of each series."""
    return target(query).instant().format(PromQueryFormat.TIME_SERIES)


def ranged(query: Query) -> prometheus.Dataquery:
    """A query for the values over time."""
    return target(query).range().format(PromQueryFormat.TIME_SERIES)


def source() -> DataSourceRef:
    """The provisioned Prometheus."""
    return DataSourceRef(type_val="prometheus", uid=DATASOURCE)


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Colours by value."""
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in steps.items()])
    )


def colour(name: str) -> DynamicConfigValue:
    """A fixed colour, for an override."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": name})


def finish(builder: Builder[Panel], face: Face, *, mappings: list[Any] | None = None) -> Panel:
    """The panel with its face."""
    panel = builder.build()
    panel.title, panel.description = face.title, face.description
    panel.datasource = source()
    if panel.field_config is None:
        msg = f"`{face.title}` was built without a field configuration"
        raise TypeError(msg)
    defaults = panel.field_config.defaults
    defaults.unit, defaults.no_value = face.unit, face.empty
    defaults.decimals = DECIMALS.get(face.unit) if face.decimals is None else face.decimals
    if mappings:
        defaults.mappings = mappings
    return panel
