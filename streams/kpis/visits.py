"""KPIs of visits to a desk."""

from __future__ import annotations

from streams import measures as m
from streams.conventions import Label
from streams.instants import SECOND
from streams.kpis.definition import QUANTILES, Kpi, at

VISIT_KPIS = (
    Kpi(
        name="registered",
        channel="visits",
        kind="count",
        numerator=at(m.VISITED),
        sv="Besök",
        en="Visits",
        definition="Visitors who came to the desk.",
        definition_sv="Besökare som kom till receptionen.",
    ),
    Kpi(
        name="measured_waits",
        channel="visits",
        kind="count",
        numerator=at(m.VISIT_WAITS),
        sv="Besök med uppmätt väntetid",
        en="Visits with a measured wait",
        definition="Visits whose wait the desk measured.",
        definition_sv="Besök där receptionen mätte väntetiden.",
    ),
    Kpi(
        name="wait_mean",
        channel="visits",
        kind="mean",
        unit="seconds",
        better="less",
        numerator=at(m.VISIT_WAIT),
        denominator=at(m.VISIT_WAITS),
        scale=SECOND,
        sv="Genomsnittlig väntetid vid besök",
        en="Mean wait of visitors",
        definition="Mean over the visits with a measured wait.",
        definition_sv="Medelvärde över besök med uppmätt väntetid.",
    ),
    Kpi(
        name="wait",
        channel="visits",
        kind="quantile",
        unit="seconds",
        better="less",
        label=Label.QUANTILE,
        choices=QUANTILES,
        sv="Väntetid vid besök",
        en="Wait of visitors",
        definition="Median, 90th percentile and maximum (quantile 1), nearest rank over whole "
        "seconds.",
        definition_sv="Median, 90:e percentil och längsta (kvantil 1), i hela sekunder.",
    ),
)
