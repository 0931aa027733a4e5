"""The second opinion agrees with the report in worlds that no contact centre ever saw.

Whoever trusts the oracle on eight weeks has to know that it understands calls and mails at all:
ids used again, ends before beginnings, holding replies after answers.
"""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.conventions import TOTAL
from streams.instants import DAY, from_datetime, parse_rfc3339
from streams.reports import Report
from tests.exports_oracle import Cell, Opinion, Oracle
from tests.strategies import BASE, ORGANISATION, call_events, email_events
from tests.twin import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.organisations import Channel

CHANNELS: tuple[Channel, ...] = ("calls", "emails", "surveys", "visits")
PART = {"calls": "queue", "emails": "mailbox"}
BESIDE = ("_n", "_numerator", "_lower", "_upper")
NOTHING = Opinion(0, 0, 0, None, None, 0)
as_ofs = st.integers(0, 30 * 8).map(lambda n: BASE + n * DAY // 8)


@settings(max_examples=settings.get_profile("steady").max_examples // 5)
@given(st.lists(st.one_of(call_events, email_events), min_size=1, max_size=30), as_ofs)
def test_the_oracle_and_the_report_agree(events: list[Any], as_of: int) -> None:
    """Every KPI of every part, by week of arrival, from the same facts."""
    known = [event for event in distinct(events) if last_instant(event) <= as_of]
    report = Report({ORGANISATION.name: ORGANISATION}, as_of)
    for event in known:
        report.add(event)
    oracle = Oracle(ORGANISATION, known, dict.fromkeys(CHANNELS, as_of))
    for row in report.rows("week"):
        start, stop = (parse_rfc3339(str(row[name])) for name in ("from", "to"))
        opinions = oracle.figures(start, stop)
        for cell, value, n in told(row):
            opinion = opinions.get(cell, NOTHING)

            assert same(value, opinion.value), (cell, value, opinion)
            assert n is None or n == (opinion.n or 0), (cell, n, opinion)


def told(row: dict[str, Any]) -> Iterator[tuple[Cell, float | None, int | None]]:
    """The KPIs of a row of a report, with what they rest on."""
    channel = str(row["channel"])
    part = row[PART[channel]] or TOTAL
    promises: dict[str, dict[str, Any]] = row.get("promises", {})
    nested = {name for promise in promises.values() for name in promise}
    for promise, values in {"": row, **promises}.items():
        for kpi, value in values.items():
            if promise == "" and (kpi in nested or kpi in ("organisation", "channel", "promises")):
                continue
            if isinstance(value, dict):
                for choice, one in value.items():
                    yield Cell(channel, part, kpi, promise, choice), one, None
            elif f"{kpi}_n" in values or (isinstance(value, int) and not kpi.endswith(BESIDE)):
                yield Cell(channel, part, kpi, promise, ""), value, values.get(f"{kpi}_n")


def same(value: float | None, right: float | None) -> bool:
    """Shares and means of nobody are no number, whoever says so."""
    if value is None or right is None:
        return not value and not right
    return isclose(value, right, rel_tol=1e-12)


def last_instant(event: Any) -> int:
    """The last instant that an event tells of."""
    times = [getattr(event, name, None) for name in ("at", "entered_at", "left_at", "ended_at")]
    return max(from_datetime(moment) for moment in times if moment is not None)
