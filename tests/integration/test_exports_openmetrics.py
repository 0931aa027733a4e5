"""A Prometheus that is given the past shows on the boards what the rollups say of it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from agents.exports.openmetrics_file import openmetrics_file
from agents.render import names
from streams import measures
from streams.amounts import once
from streams.cells import Cell
from streams.conventions import TOTAL
from streams.exports.rolling import ROLLING_WINDOWS, HourlyCells
from streams.instants import DAY, HOUR
from streams.kpis.readings import read_window
from streams.plans import Plan
from tests.boards import board_of, filled_in, queries_of
from tests.prometheus_server import LastingPrometheus
from tests.sample_export import ORGANISATION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.kpis.readings import Reading
    from streams.organisations import Channel

pytestmark = pytest.mark.integration

HOURS_TOLD = 9 * 24
"""Nine days: the board looks at the last week, and at the one before it."""
DAYS_KNOWN = 30
CHOSEN = {
    "organisation": ORGANISATION.name,
    "call_promise": "answered-in-2-minutes",
    "email_promise": "reply-in-2-days",
}
WINDOW_HOURS = {"7d": 7 * 24, "28d": 28 * 24}
TREND = "grafana/dashboards/en/trend.json"
BOARDS = [TREND, "grafana/dashboards/en/organisations.json"]


class Past(NamedTuple):
    """A Prometheus with history, and what it was made from."""

    server: LastingPrometheus
    hourlies: list[HourlyCells]
    first: int
    last: int

    def range(self, query: str) -> list[dict[str, Any]]:
        """The result of a query, stepped by the hour as the board does."""
        answer = self.server.ask(
            "/api/v1/query_range",
            query=query,
            start=str(self.first * 3600),
            end=str((self.last - 1) * 3600),
            step="3600",
        )
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Nine days of history, of a month that was counted."""
    last = int(time.time()) // 3600
    first = last - HOURS_TOLD
    hourlies = [
        _hourly("calls", TOTAL, last),
        _hourly("emails", TOTAL, last),
        _hourly("visits", TOTAL, last),
        _hourly("surveys", "calls", last),
    ]
    folder: Path = tmp_path_factory.mktemp("prometheus")
    server = LastingPrometheus(folder, {}, worker="127.0.0.1:9")
    text = openmetrics_file(hourlies, first, last).decode()
    server.backfill(text.removesuffix("# EOF\n"))
    with server:
        yield Past(server, hourlies, first, last)


def test_every_value_is_that_of_a_batch_over_the_same_hours(past: Past) -> None:
    """Sums that roll from hour to hour end where sums from scratch do, in every series."""
    compared = 0
    for hourly in past.hourlies:
        plan = hourly.plan
        for window, length in WINDOW_HOURS.items():
            for hour in (past.first, past.first + 50, past.last - 1):
                cell = Cell(plan.width)
                for one in range(hour - length, hour):
                    if one in hourly.cells:
                        cell.include(hourly.cells[one])
                for reading in read_window(plan, hourly.part, cell, hour * HOUR):
                    series = names.recorded(reading.kpi, total=hourly.part == TOTAL)
                    told = _at(past, f'{series}{{window="{window}"}}', reading, hour)
                    if told is not None:
                        compared += 1
                        assert told == reading.value

    assert set(WINDOW_HOURS) == set(ROLLING_WINDOWS)
    assert compared > 100


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_of_the_boards_finds_the_past(past: Past, name: str) -> None:
    """No panel stays empty before the day on which the worker was first scraped."""
    weeks = re.compile(r"offset (14|21|28|35|42)d")
    for asked in queries_of(board_of(name)):
        if weeks.search(asked.expr):
            continue
        assert past.range(filled_in(asked.expr, CHOSEN | {"window": "28d"})), asked.expr


def test_the_trend_shows_every_hour(past: Past) -> None:
    """The line has no gaps: a sample stands wherever a board that steps by an hour looks."""
    (week,) = (q for q in queries_of(board_of(TREND)) if q.ref == "offered")
    (line,) = past.range(filled_in(week.expr, CHOSEN))

    assert [int(at) for at, _ in line["values"]] == [
        hour * 3600 for hour in range(past.first, past.last)
    ]


def _at(past: Past, series: str, reading: Reading, hour: int) -> float | None:
    found = [
        float(dict(one["values"])[hour * 3600])
        for one in past.range(series)
        if one["metric"].get("promise", "") == reading.promise
        and reading.choice in ("", *one["metric"].values())
        and hour * 3600 in dict(one["values"])
    ]
    return found[0] if found else None


def _hourly(channel: Channel, part: str, last: int) -> HourlyCells:
    """A month in which nights and Sundays are empty and every hour is another."""
    plan = Plan(ORGANISATION, channel)
    cells = {}
    for hour in range(last - DAYS_KNOWN * 24, last):
        if hour % 24 in range(6, 17) and hour * HOUR // DAY % 7:
            cells[hour] = _cell(plan, hour)
    return HourlyCells(plan, part, cells, last * HOUR)


def _cell(plan: Plan, hour: int) -> Cell:
    cell = Cell(plan.width)
    n = 20 + hour * 7 % 13
    own = {
        "calls": {"offered": n, "answered": n - 4, "wait": n * 61_000_001, "handled": n - 4,
                  "handle_time": n * 200_000_003, "coded": n - 6, "resolved": n // 2,
                  "exit_abandoned": 4},
        "emails": {"received": 3, "first_replies": 3, "reply_time": n * 7_000_000_001},
        "visits": {"visits": 5, "measured_waits": 4, "wait": n * 90_000_000},
        "surveys": {"bemotande_5": n, "bemotande_2": 3, "enkelhet_4": 2, "tydlighet_3": 1},
    }[plan.channel]  # fmt: skip
    promised = {
        "calls": {"met": n - 8, "missed": 4, "early_abandoned": 2, "answered_late": 4},
        "emails": {"first_reply_met": 2, "first_reply_missed": 1},
        "visits": {},
        "surveys": {},
    }[plan.channel]
    for name, amount in own.items():
        cell.amounts += amount * once(measures.BASE[plan.channel].index(name))
    for base in plan.base.values():
        for name, amount in promised.items():
            cell.amounts += amount * once(base + measures.PROMISE[plan.channel].index(name))
    if plan.channel in ("calls", "emails"):
        cell.waits = {10 + hour % 7: n // 2, 300 + hour % 11: 2}
    return cell
