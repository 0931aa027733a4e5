"""The registry of KPIs: one entry feeds metrics, snapshots, reports, boards and documents."""

from streams.kpis.calls import CALL_KPIS
from streams.kpis.definition import Kpi
from streams.kpis.emails import EMAIL_KPIS
from streams.kpis.surveys import SURVEY_KPIS
from streams.kpis.visits import VISIT_KPIS

KPIS: dict[str, tuple[Kpi, ...]] = {
    "calls": CALL_KPIS,
    "emails": EMAIL_KPIS,
    "surveys": SURVEY_KPIS,
    "visits": VISIT_KPIS,
}

__all__ = ["KPIS", "Kpi"]
