"""The columns of the table: one row is one value, and says itself what it is about."""

from __future__ import annotations

from typing import Final

COLUMNS: Final[dict[str, str]] = {
    "organisation": "Name of the organisation, as in events.",
    "period_kind": "`week`, `month` or `year`.",
    "period": "The exported period: `2026-W47`, `2026-11`, `2026`.",
    "view": "What the row is about. `now`, `before`, `year_before`, `recent`: a KPI in the "
    "exported period, the one before it, the same one a year earlier, the ones before it "
    "together (counts: their mean). `chart`: a KPI in one period of its control chart. "
    "`heat_map`: a KPI in one local hour of the week. `topic`: calls about one topic. "
    "`quality`: how far the numbers can be trusted.",
    "about": "The period the value is about; of several the first and the last, "
    "`2026-W39/2026-W46`.",
    "from": "Its first instant, RFC 3339 in local time.",
    "to": "The first instant after it.",
    "channel": "`calls`, `emails`, `surveys` or `visits`; empty for the whole organisation.",
    "part": "Name of the queue, mailbox, desk or survey, as in events; empty for the total, "
    "`other` for what no configuration names.",
    "part_name": "What people call it, in the language of the export.",
    "kpi": "Name of the KPI in docs/kpis.md. Of topics also `topic_share`: its share of all ended "
    "calls with a topic. Of quality `hours` of the period, `covered` share of it by a source, "
    "`open_hours`, `silent_hours` (of them without a single contact), `decided` and `pending` "
    "promises, `dead_letters`.",
    "kpi_name": "What people call it, in the language of the export.",
    "promise": "Name of the promise; empty where the KPI has none.",
    "within": "Time that the promise allows, as configured.",
    "choice": "Quantile, question, reason or formula, where a KPI has one value for each.",
    "weekday": "Of a heat map: 0 is Monday.",
    "hour": "Of a heat map: 0 to 23, as wall clocks show it.",
    "topic": "Of a topic: as coded; empty for all the others together.",
    "source": "Of quality: name of the source; empty where none is configured.",
    "unit": "`count`, `ratio` (0 to 1), `seconds`, `index` (0 to 100), `flag` (0 or 1) or `hours`.",
    "value": "The value; empty = no data, which is not 0.",
    "n": "What a share, mean, percentile or index rests on.",
    "numerator": "Of a share.",
    "lower": "Lower end of a share's 95 % interval (Wilson).",
    "upper": "Upper end of it.",
    "pending": "Promises of contacts that arrived then and that time has not decided yet; they are "
    "in no share.",
    "target": "Share that the promise asks for; only where the share is its own.",
    "low": "Of a chart: lower limit of what chance alone does; empty with too few periods.",
    "high": "Upper limit of it.",
    "centre": "Of `now`: what chance alone moves around.",
    "periods": "Of `now`: how many periods centre and limits rest on.",
    "trend": "Of `now`: `better`, `worse`, `more`, `less`, `stable`, or `unknown` with too few "
    "periods.",
    "rule": "Of `now`: which test gave a signal, `limits` (beyond them) or `run` (many periods on "
    "one side of the centre).",
    "through": "Of quality: instant up to which the source has told everything; empty = never "
    "heard of.",
    "complete": "`true` where every configured source covers the whole period.",
    "final": "`true` where it is complete and every promise is decided: nothing will change.",
    "as_of": "Instant up to which the numbers are known; empty = nothing is.",
    "made_at": "Instant the export was made at.",
}
"""Names in their order, each with what it says."""
