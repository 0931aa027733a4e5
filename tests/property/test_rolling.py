"""Windows that roll over hours of arrival are what sums from scratch are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.amounts import once
from streams.cells import Cell
from streams.conventions import TOTAL
from streams.exports.hourly import HourlyHistory
from streams.exports.periods import Period
from streams.exports.rolling import HourlyCells, rolling_cells, rolling_readings
from streams.exports.truth import HistoryError, Truth
from streams.instants import DAY, HOUR
from streams.kpis.readings import read_window
from streams.plans import Plan
from tests.exports_history import books_of, history_of, rollups_of
from tests.strategies import BASE, ORGANISATION, call_events, email_events

if TYPE_CHECKING:
    from streams import events as ev

WEEK = Period("week", 2026, 44)
"""The one after the clocks went back, in which mails of the worlds are answered or due."""
WIDTH = 3

cells_by_hour = st.dictionaries(
    st.integers(0, 60),
    st.tuples(
        st.lists(st.integers(0, 5), min_size=WIDTH, max_size=WIDTH).map(tuple),
        st.dictionaries(st.integers(0, 4), st.integers(1, 3)),
    ),
)
worlds = st.lists(st.one_of(call_events, email_events), min_size=1, max_size=25)


@given(cells_by_hour, st.integers(1, 30), st.integers(-5, 40), st.integers(0, 40))
def test_a_rolled_sum_is_a_sum(
    told: dict[int, tuple[tuple[int, ...], dict[int, int]]], length: int, first: int, hours: int
) -> None:
    """Counts and waits, in every hour, whatever hours are missing; and the cells stay as they are.

    It kills a window that is off by an hour at either end.
    """
    cells = {hour: Cell.of(counts, dict(waits)) for hour, (counts, waits) in told.items()}
    rolled = {
        hour: (cell.counts, dict(cell.waits))
        for hour, cell in rolling_cells(cells, length, first, first + hours, width=WIDTH)
    }

    assert list(rolled) == list(range(first, first + hours))
    for hour, (counts, waits) in rolled.items():
        total = Cell(WIDTH)
        for one in range(hour - length, hour):
            if one in cells:
                total.include(cells[one])
        assert (counts, waits) == (total.counts, total.waits)
    assert {hour: (cell.counts, cell.waits) for hour, cell in cells.items()} == told


@settings(max_examples=40)
@given(worlds, st.integers(0, 12 * 24))
def test_hours_add_up_to_what_the_export_of_the_week_says(
    events: list[ev.AnyEvent], hours_later: int
) -> None:
    """A week's rollups read hour by hour hold exactly what the same rollups make of the week."""
    as_of = BASE + hours_later * HOUR
    period = Period("week", 2026, 43)
    history, truths = history_of(events, ORGANISATION, period, as_of)
    span = period.span(ORGANISATION.zone)
    hourly = HourlyHistory(ORGANISATION, span)
    for channel, hour, part, value in rollups_of(books_of(events, ORGANISATION, as_of), as_of):
        hourly.add_day(channel, {b"offset": b"7", f"{hour}|{part}".encode(): value})

    for one in hourly.parts(truths):
        total = Cell(one.plan.width)
        for hour, cell in one.cells.items():
            if hour * HOUR >= span[0]:
                total.include(cell)
        whole = history.channels[one.plan.channel].total(TOTAL, period).cell
        assert (total.counts, total.waits) == (whole.counts, whole.waits)


def test_a_year_of_days_is_not_read_for_a_week() -> None:
    """Only the four weeks before it, and itself."""
    hourly = HourlyHistory(ORGANISATION, WEEK.span(ORGANISATION.zone))
    days = [f"2026-{month:02}-{day:02}" for month in range(8, 13) for day in range(1, 31)]

    wanted = hourly.days_to_read(days)

    assert (wanted[0], wanted[-1]) == ("2026-09-27", "2026-11-01")


def test_nothing_is_told_of_hours_nobody_knows() -> None:
    """Neither before the first contact, nor after the truth: absence, not zeros."""
    plan = Plan(ORGANISATION, "calls")
    first = BASE // HOUR
    hourly = HourlyCells(plan, TOTAL, {first: Cell(plan.width)}, (first + 3) * HOUR + DAY // 1000)

    told = [at.instant // HOUR for at in rolling_readings(hourly, "7d", first - 5, first + 9)]

    assert told == [first + 1, first + 2, first + 3]


def test_a_window_is_read_as_any_other() -> None:
    """All KPIs of the registry, by the promises that hold at its end."""
    plan = Plan(ORGANISATION, "calls")
    cell = Cell(plan.width)
    cell.amounts = 3 * once(0)
    hour = BASE // HOUR
    (only,) = rolling_readings(
        HourlyCells(plan, TOTAL, {hour: cell}, BASE + DAY), "7d", hour, hour + 2
    )

    assert only.readings == tuple(read_window(plan, TOTAL, cell, (hour + 1) * HOUR))


@pytest.mark.parametrize("value", [b"[]", b"{", b'{"offered": "x"}', b'{"promises": 3}'])
def test_a_broken_rollup_is_named(value: bytes) -> None:
    """Whoever runs the export reads which one, and not a traceback."""
    hourly = HourlyHistory(ORGANISATION, WEEK.span(ORGANISATION.zone))
    hour = WEEK.span(ORGANISATION.zone)[0] // HOUR

    with pytest.raises(HistoryError, match=rf"the rollup `{hour}\|` cannot be read"):
        hourly.add_day("calls", {f"{hour}|".encode(): value})


def test_a_channel_without_truth_is_left_out() -> None:
    """Nobody knows up to when its hours may be believed."""
    span = WEEK.span(ORGANISATION.zone)
    hourly = HourlyHistory(ORGANISATION, span)
    hourly.add_day("calls", {f"{span[0] // HOUR}|".encode(): b'{"offered": 2}'})

    assert list(hourly.parts({})) == []
    assert [one.part for one in hourly.parts({"calls": Truth(span[1])})] == [TOTAL]
