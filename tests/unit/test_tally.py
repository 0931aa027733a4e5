"""Cells add up: any window is the naive sum of the marks in it, whenever they came."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.amounts import once, pack, unpack
from streams.cells import Cell
from streams.instants import DAY, HOUR, MINUTE, SECOND, from_datetime
from streams.outcomes import NO_WAIT, Mark
from streams.tally import LONGEST_UNWRITTEN, RECENT, Tally
from streams.windows import WINDOWS, window_end, window_start

STOCKHOLM = ZoneInfo("Europe/Stockholm")
WIDTH = 3
NEWEST = from_datetime(datetime(2026, 10, 25, 9, 14, 27, tzinfo=STOCKHOLM))
"""On the Sunday on which the clocks went back."""


Content = tuple[tuple[int, ...], Counter[int]]


def instant(text: str) -> int:
    """A local wall-clock time of October 2026, such as `25 09:14:27`."""
    return from_datetime(datetime.fromisoformat(f"2026-10-{text}").replace(tzinfo=STOCKHOLM))


def mark(at: int, *, arrival: int | None = None, measure: int = 0, wait: int = NO_WAIT) -> Mark:
    """One thing that happened."""
    return ("vaxel", at if arrival is None else arrival, at, once(measure), wait)


def naive(marks: list[Mark], start: int, end: int) -> Content:
    """Counts and waits of the marks in `[start, end)`, one by one."""
    counts = [0] * WIDTH
    waits: Counter[int] = Counter()
    for _, _, at, amounts, wait in marks:
        if start <= at < end:
            for measure, amount in enumerate(unpack(amounts, WIDTH)):
                counts[measure] += amount
            if wait >= 0:
                waits[wait // SECOND] += 1
    return tuple(counts), waits


def content(cell: Cell) -> Content:
    """What a cell holds, so that it compares."""
    return cell.counts, Counter(cell.waits)


ages = st.one_of(
    st.integers(0, 2 * HOUR // MINUTE).map(lambda n: n * MINUTE),
    st.integers(0, 2 * HOUR),
    st.integers(0, 3 * DAY // HOUR).map(lambda n: n * HOUR + 14 * MINUTE + 27 * SECOND),
    st.integers(0, 30 * DAY),
)
amounts = (
    st.lists(st.integers(0, 90 * SECOND), min_size=WIDTH, max_size=WIDTH).filter(any).map(pack)
)
marks = st.builds(
    lambda age, before, counts, wait: ("vaxel", NEWEST - age - before, NEWEST - age, counts, wait),
    ages,
    st.integers(0, 2 * HOUR),
    amounts,
    st.one_of(st.just(NO_WAIT), st.integers(0, HOUR)),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Tally, list[Mark]]:
    """A tally that took marks in and out again, and was pruned meanwhile; and what is left."""
    tally, left = Tally(WIDTH), []
    for new in draw(st.lists(marks, max_size=25)):
        tally.add(new)
        left.append(new)
        step = draw(st.integers(0, 5))
        if step == 0:
            tally.prune(NEWEST - 35 * DAY)
        elif step == 1:
            tally.add(left.pop(draw(st.integers(0, len(left) - 1))), -1)
        elif step == 2:
            tally.between(NEWEST // HOUR * HOUR - 7 * DAY, window_end(NEWEST))
    return tally, left


@given(
    history=histories(), later=st.integers(-30 * MINUTE, 3 * HOUR), window=st.sampled_from(WINDOWS)
)
def test_every_window_is_the_sum_of_its_marks(
    history: tuple[Tally, list[Mark]], later: int, window: str
) -> None:
    """Read at any instant from half an hour before the newest mark on, whatever came when."""
    tally, left = history
    as_of = NEWEST + later
    start, end = window_start(window, as_of, STOCKHOLM), window_end(as_of)

    assert naive(left, start, end) == content(tally.between(start, end))


@st.composite
def edges(draw: st.DrawFn) -> int:
    """An instant to which a window may be exact: the older, the rounder."""
    unit, oldest = draw(
        st.sampled_from(
            [
                (SECOND, RECENT - 2 * MINUTE),
                (HOUR, 40 * DAY),
            ]
        )
    )
    return (NEWEST - draw(st.integers(-HOUR, oldest))) // unit * unit


@given(history=histories(), one=edges(), other=edges())
def test_every_span_is_the_sum_of_its_marks(
    history: tuple[Tally, list[Mark]], one: int, other: int
) -> None:
    """Between any two edges, in the past or in the future, each mark counts once."""
    tally, left = history
    start, end = sorted((one, other))

    assert naive(left, start, end) == content(tally.between(start, end))


@given(history=histories(), one=edges(), two=edges(), three=edges())
def test_neighbouring_spans_add_up(
    history: tuple[Tally, list[Mark]], one: int, two: int, three: int
) -> None:
    """A span cut in two is whole again when its halves are added."""
    tally, _ = history
    start, middle, end = sorted((one, two, three))
    halves = tally.between(start, middle)
    halves.include(tally.between(middle, end))

    assert content(tally.between(start, end)) == content(halves)


@given(history=histories(), one=edges(), other=edges())
def test_reading_leaves_everything_as_it_was(
    history: tuple[Tally, list[Mark]], one: int, other: int
) -> None:
    """What is read is the reader's own: adding to it changes no later reading."""
    tally, left = history
    start, end = sorted((one, other))
    tally.between(start, end).add(mark(start, wait=3 * SECOND))

    assert naive(left, start, end) == content(tally.between(start, end))


@given(left=st.lists(marks, max_size=20))
def test_arrivals_hold_the_marks_of_who_arrived_in_an_hour(left: list[Mark]) -> None:
    """Whenever something is decided, it is also kept under the hour of arrival."""
    tally = Tally(WIDTH)
    for one in left:
        tally.add(one)

    for hour in {arrival // HOUR for _, arrival, _, _, _ in left}:
        cohort = [one for one in left if one[1] // HOUR == hour]

        assert naive(cohort, -(2**62), 2**62) == content(tally.arrivals[hour])


def test_prune_forgets_what_no_window_reaches() -> None:
    """Fine cells go after hours and days, whole hours when they are older than asked."""
    tally = Tally(WIDTH)
    for age in (0, 3 * HOUR, 3 * DAY, 40 * DAY):
        tally.add(mark(NEWEST - age))
    tally.add(mark(NEWEST))

    tally.prune(NEWEST - 35 * DAY)

    assert sorted(tally.recent) == [NEWEST // HOUR]
    assert sorted(tally.hours) == [(NEWEST - age) // HOUR for age in (3 * DAY, 3 * HOUR, 0)]


def test_hours_of_arrival_hold_who_is_kept_one_by_one() -> None:
    """However old, an hour stays until the last of its contacts is kept elsewhere."""
    tally = Tally(WIDTH)
    old, hour = NEWEST - 300 * DAY, (NEWEST - 300 * DAY) // HOUR
    tally.add(mark(old, wait=3 * SECOND))
    tally.add(mark(old))
    folded = Cell.of((1, 0, 0), {3: 1})
    tally.prune(NEWEST - 35 * DAY)
    tally.release(hour, folded)

    assert content(tally.arrivals[hour]) == ((1, 0, 0), Counter())

    tally.release(hour, Cell.of((1, 0, 0), {}))

    assert not tally.arrivals


def test_an_hour_of_arrival_that_was_vacated_is_pruned() -> None:
    """A corrected arrival leaves a cell of noughts, and that goes."""
    tally = Tally(WIDTH)
    tally.add(mark(NEWEST))
    tally.add(mark(NEWEST), -1)
    tally.prune(NEWEST - 35 * DAY)

    assert not tally.arrivals
    assert tally.touched == {NEWEST // HOUR}


def test_hours_are_to_be_written_for_a_year_and_no_longer() -> None:
    """A view that was down for a while gets everything; one that never comes back, not for ever."""
    tally = Tally(WIDTH)
    oldest = (NEWEST - 35 * DAY - LONGEST_UNWRITTEN) // HOUR
    tally.touched = {oldest - 1, oldest, NEWEST // HOUR}
    tally.prune(NEWEST - 35 * DAY)

    assert tally.touched == {oldest, NEWEST // HOUR}


def test_a_topic_keeps_hours_of_arrival_only() -> None:
    """Nobody asks for a window of a topic, and its rollups must be written."""
    tally = Tally(WIDTH, "arrivals")
    tally.add(mark(NEWEST))

    assert tally.touched == set(tally.arrivals) == {NEWEST // HOUR}
    assert not tally.hours
    assert not tally.recent


def test_15_minutes_end_with_the_second_of_as_of() -> None:
    """The window holds 900 whole seconds: the current one, and those before it."""
    #      08:59:27 .250  08:59:28               09:14:27 .900   09:14:28
    #          I             I                       I              I
    #                     [-------------------------------------)
    tally = Tally(WIDTH)
    tally.add(mark(instant("25 08:59:27.250")))
    tally.add(mark(instant("25 08:59:28"), measure=1))
    tally.add(mark(instant("25 09:14:27.900"), measure=1))
    tally.add(mark(instant("25 09:14:28")))
    as_of = instant("25 09:14:27.100")

    span = window_start("15m", as_of, STOCKHOLM), window_end(as_of)

    assert tally.between(*span).counts == (0, 2, 0)


def test_today_is_25_hours_when_the_clocks_go_back() -> None:
    """Local midnight begins the day, whatever the clocks do in between."""
    #    24 23:59:59  25 00:00:00    02:30 twice       25 23:59:59
    #        I           I            I  I                 I
    #                 [-------------------------------------)
    tally = Tally(WIDTH)
    tally.add(mark(instant("24 23:59:59")))
    for text in ("25 00:00:00", "25 02:30:00", "25 23:59:59"):
        tally.add(mark(instant(text), measure=1))
    tally.add(mark(instant("25 02:30:00") + HOUR, measure=1))
    as_of = instant("25 23:59:59")

    start, end = window_start("today", as_of, STOCKHOLM), window_end(as_of)

    assert end - start == 25 * HOUR
    assert tally.between(start, end).counts == (0, 4, 0)


@pytest.mark.parametrize(("window", "days"), [("7d", 7), ("28d", 28)])
def test_long_windows_begin_at_a_whole_hour(window: str, days: int) -> None:
    """They hold their days and the hour that has begun, so that whole hours suffice."""
    #     7 days before 09:00       09:00     09:14:27
    #           I                     I         I
    #           [------------------------------------)
    tally = Tally(WIDTH)
    as_of = instant("25 09:14:27")
    begin = instant("25 09:00:00") - days * DAY
    tally.add(mark(begin - 1))
    for at in (begin, instant("25 09:00:00"), as_of):
        tally.add(mark(at, measure=1))

    span = window_start(window, as_of, STOCKHOLM), window_end(as_of)

    assert tally.between(*span).counts == (0, 3, 0)


@pytest.mark.parametrize(
    ("age", "unit"),
    [
        pytest.param(RECENT - 2 * SECOND, SECOND, id="two hours back to the second"),
        pytest.param(30 * DAY, HOUR, id="further back to the hour"),
    ],
)
def test_the_older_an_edge_the_rounder(age: int, unit: int) -> None:
    """A mark is on the right side of a fine enough edge, also when it comes after newer ones."""
    #      start - 1 s   start           NEWEST
    #           I          I                I
    #                      [-------------------)
    tally = Tally(WIDTH)
    start = (NEWEST - age) // unit * unit + unit
    for at, measure in ((NEWEST, 1), (start - SECOND, 0), (start, 1)):
        tally.add(mark(at, measure=measure))

    assert tally.between(start, window_end(NEWEST)).counts == (0, 2, 0)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param("18 09:00:00", id="in the first hour"),
        pytest.param("19 00:00:00", id="at the start of a whole day"),
        pytest.param("22 12:34:56", id="amid a whole day"),
        pytest.param("25 08:59:59", id="in the last whole hour"),
    ],
)
def test_a_late_mark_corrects_what_was_read_before(late: str) -> None:
    """Sums over whole hours are kept, but not longer than they are true."""
    #     18 09:00    19 00:00    ...    25 00:00   25 09:00
    #        I           I                  I          I
    #        [-----------------------------------------)
    tally = Tally(WIDTH)
    tally.add(mark(instant("20 10:00:00")))
    span = instant("18 09:00:00"), instant("25 09:00:00")
    before = tally.between(*span).counts

    tally.add(mark(instant(late), measure=1))

    assert before == (1, 0, 0)
    assert tally.between(*span).counts == (1, 1, 0)


def test_a_removed_mark_leaves_no_trace() -> None:
    """A corrected fact takes its count and its wait out of every cell they were in."""
    tally = Tally(WIDTH)
    one = mark(NEWEST, arrival=NEWEST - HOUR, wait=95 * SECOND)
    tally.add(one)
    tally.add(one, -1)

    for cell in (
        tally.between(NEWEST, NEWEST + 1),
        tally.hours[NEWEST // HOUR],
        *tally.arrivals.values(),
    ):
        assert not cell
        assert not cell.waits
