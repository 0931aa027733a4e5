"""The desk at the edges: folded rows, frontiers, and counts that are nought."""

from __future__ import annotations

from typing import Any

from streams import measures as m
from streams.amounts import once
from streams.cells import Cell
from streams.cohorts import FRONTIERS, RowKey, decode_contacts, encode_contacts
from streams.desk import Desk
from streams.events import CallAnswered, CallEntered, CallLeft, CallRecord, Heartbeat
from streams.facts import Entered
from streams.instants import DAY, HOUR, MINUTE, SECOND, to_datetime
from streams.kpis.calls import departures
from streams.kpis.readings import read_window
from streams.outcomes import Open
from streams.plans import Plan
from streams.rollups import touch_passed
from tests.kafka_records import records
from tests.strategies import BASE, ORGANISATION

HORIZON = 35 * DAY
Stored = dict[bytes, bytes]


def new_desk(incarnation: str = "w1") -> Desk:
    """The calls of the sample municipality."""
    return Desk(
        channel="calls",
        partition=0,
        organisations={"provkommun": ORGANISATION},
        owns=lambda _name: True,
        incarnation=incarnation,
        horizon=HORIZON,
    )


def tell(desk: Desk, *events: Any, at: int, offset: int = 0) -> None:
    """Apply events that were appended at an instant."""
    desk.apply(records(events, at, offset))


def call(kind: Any, at: int, **more: Any) -> Any:
    """An event of one call."""
    fields = {"organisation": "provkommun", "call": "c", "queue": "vaxel", "at": to_datetime(at)}
    return kind(**fields | more)


def heartbeat(through: int) -> Heartbeat:
    """The exchange has told everything up to an instant."""
    return Heartbeat(organisation="provkommun", source="exchange", through=to_datetime(through))


def flush(desk: Desk, stored: Stored) -> list[bytes]:
    """Store what a desk has to store; the rows that went."""
    stored.update(desk.flush())
    gone = desk.acknowledged()
    for key in gone:
        del stored[key]
    return gone


def cohorts(stored: Stored) -> list[int]:
    """Numbers of the stored cohorts, folded ones negative; frontiers left out."""
    return sorted(c for c in (RowKey.decode(k).cohort for k in stored) if c != FRONTIERS)


def test_a_wait_of_no_time_is_a_wait_in_folded_rows_too() -> None:
    """Answered at once counts among the waits, before folding and after a restart."""
    desk, stored = new_desk(), Stored()
    tell(desk, call(CallEntered, BASE), call(CallAnswered, BASE), at=BASE + MINUTE)
    flush(desk, stored)
    tell(desk, heartbeat(BASE + 40 * DAY), at=BASE + 40 * DAY, offset=2)
    flush(desk, stored)
    again = new_desk("w2")
    again.restore(stored.items())

    assert cohorts(stored)[0] < 0
    for each in (desk, again):
        cell = each.book("provkommun").rollup("", BASE // HOUR, BASE + 40 * DAY, [])
        assert cell.waits == {0: 1}


def test_a_row_written_inherited_and_folded_leaves_nothing_behind() -> None:
    """Whoever wrote it and whoever inherited it: one folded row is all that remains."""
    first, stored = new_desk("w1"), Stored()
    tell(first, call(CallEntered, BASE), at=BASE)
    flush(first, stored)
    second = new_desk("w2")
    second.restore(stored.items())
    tell(second, call(CallLeft, BASE + MINUTE, reason="abandoned"), at=BASE + MINUTE, offset=1)
    flush(second, stored)
    tell(second, heartbeat(BASE + 40 * DAY), at=BASE + 40 * DAY, offset=2)
    gone = flush(second, stored)

    assert {RowKey.decode(key).writing for key in gone} == {"w2.1"}
    assert len(gone) == 2
    assert len(cohorts(stored)) == 1
    assert not flush(second, stored)


def test_the_newest_of_two_folded_rows_counts() -> None:
    """Two workers folded the same cohort: whoever had read further is right, in any order."""
    stored = Stored()
    for incarnation, answered in (("w1", False), ("w2", True)):
        desk, rows = new_desk(incarnation), Stored()
        tell(desk, call(CallEntered, BASE), at=BASE)
        if answered:
            tell(desk, call(CallAnswered, BASE + MINUTE), at=BASE + MINUTE, offset=5)
        flush(desk, rows)
        tell(desk, heartbeat(BASE + 40 * DAY), at=BASE + 40 * DAY, offset=6 + answered)
        flush(desk, rows)
        stored |= rows
    assert all(cohort < FRONTIERS for cohort in cohorts(stored))

    for items in (list(stored.items()), list(stored.items())[::-1]):
        desk = new_desk("w3")
        desk.restore(items)
        cell = desk.book("provkommun").rollup("", BASE // HOUR, BASE + 40 * DAY, [])

        assert (cell.counts[m.OFFERED], cell.counts[m.ANSWERED]) == (1, 1)


def test_a_record_moves_the_truth_to_its_last_instant() -> None:
    """Who tells the end of a call has read up to that end."""
    desk = new_desk()
    record = CallRecord(
        organisation="provkommun",
        call="c",
        queue="vaxel",
        entered_at=to_datetime(BASE),
        left_at=to_datetime(BASE + 5 * MINUTE),
        reason="key",
    )
    tell(desk, record, at=BASE + HOUR)

    assert desk.book("provkommun").as_of() == BASE + 5 * MINUTE


def test_a_fact_exactly_at_the_horizon_is_still_taken() -> None:
    """A microsecond older is too old."""
    desk = new_desk()
    tell(desk, call(CallEntered, BASE), at=BASE + HORIZON)
    tell(desk, call(CallEntered, BASE - 1, call="d"), at=BASE + HORIZON)

    assert desk.totals.applied == 1
    assert desk.totals.rejected == {"beyond_horizon": 1}


def test_everybody_who_left_is_a_departure() -> None:
    """The abandonment rate divides by all exits, called back and timed out included."""
    plan = Plan(ORGANISATION, "calls")
    cell = Cell(plan.width)
    cell.amounts = 5 * once(m.ANSWERED) + sum(map(once, m.EXIT.values()))
    rate = next(r for r in read_window(plan, "", cell, BASE) if r.kpi.name == "abandonment")

    assert departures(cell.counts, 0, "") == 5 + len(m.EXIT) == rate.n


def test_hours_are_touched_by_dues_and_by_the_longest_wait() -> None:
    """A rollup is written again when a miss or a closing passed since, ends included."""
    desk = new_desk()
    book = desk.book("provkommun")
    due, until = BASE + MINUTE, BASE + HOUR
    item = Open("vaxel", BASE, ((0, due),), until)
    for since, as_of, touched in (
        (BASE, due - 1, False),
        (BASE, due, True),
        (due, due + 1, True),
        (due + 1, until - 1, False),
        (due + 1, until, True),
        (until, until + SECOND, True),
        (until + 1, until + SECOND, False),
    ):
        book.tally("vaxel").touched.clear()
        touch_passed(book, since, as_of, [item])

        assert bool(book.tally("vaxel").touched) == touched


def test_a_contact_in_two_cohorts_is_stored_in_one() -> None:
    """Two writers met it at different hours: after the next flush only one row tells of it."""
    stored = Stored(
        {
            RowKey(0, "calls", "provkommun", cohort, writer).encode(): encode_contacts(
                [("c", (Entered(0, "vaxel", BASE),))]
            )
            for cohort, writer in ((800, "w1"), (808, "w2"))
        }
    )
    desk = new_desk("w3")
    desk.restore(stored.items())
    flush(desk, stored)
    told = [contact for value in stored.values() for contact in decode_contacts(value)]

    assert len(told) == 1
    assert {RowKey.decode(key).writing for key in stored} == {"w3.1"}
